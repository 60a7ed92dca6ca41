/* SPDX-License-Identifier: MIT */
/* One forward pass under way; shared by the encoder, its layers and the heads. */
#ifndef VS_PASS_H
#define VS_PASS_H

#include "src/model/kept.h"
#include "src/model/trace.h"
#include "src/model/vilbert/vilbert.h"
#include "src/model/vilbert/weights.h"

#define PASS_BLOCKS 12

struct vilbert {
    struct net net; /* first: it is one */
    struct config c;
    struct weights w;
    struct kern *k;
    struct kern_set *set; /* its weights on the back end */
    struct kept *kept;    /* borrowed, or NULL */
    const struct tensorfile **files; /* borrowed: what the weights come from */
    int file_count;
    uint64_t early_of[2]; /* a number of their own for the weights that the visual, the textual
                             stream has until they meet */
    float *arena; /* kept between passes */
    size_t arena_size;
    float *out[PASS_BLOCKS]; /* results on a device, before they come back */
    size_t out_size[PASS_BLOCKS];
    int out_count;
};

/* Which rows of one stream are computed: those of all images in a row, without padding. */
struct packing {
    int batch, width; /* of the input, the task token included */
    int rows;         /* computed, of all images */
    int *start;       /* (batch + 1): image b has rows start[b] to start[b+1]-1 */
    int *pos;         /* (rows): where in its image's input a row was */
    float *bias;      /* (rows): 0, or -10000 for padding that is computed; NULL without any */
    int *image;       /* (batch): which of the input's; NULL: all of them */
};

static inline int rows_of(const struct packing *k, int b)
{
    return k->start[b + 1] - k->start[b];
}

static inline int image_of(const struct packing *k, int b)
{
    return k->image ? k->image[b] : b;
}

/* What the host makes of n numbers at `at` once the pass has computed them. */
struct later {
    enum { LATER_COPY, LATER_ROWS, LATER_MAP, LATER_COLUMN } what;
    const float *at;
    size_t n;
    float *to;                        /* in the trace */
    const struct packing *from, *cols; /* rows, and for maps their columns */
    int width, heads, b;
    bool masked, owned;               /* owned: at is pass_room's */
    int block;
};

/* How much of a stream's last states somebody reads. */
enum need { NEED_NOTHING, NEED_FIRST /* row of every image */, NEED_ALL };

/* A stream before it meets the other one. */
struct early {
    const struct packing *rows; /* computed: all, or those of images whose states are not kept */
    const float *bias;          /* theirs, on the back end, or NULL */
    struct kept_state **of;     /* (batch) of every image; NULL: nothing is kept */
    struct packing some;
};

struct pass {
    struct vilbert *m;
    const struct net_input *in;
    const struct net_want *want;
    const struct kern_ops *ops;
    struct trace *trace;
    struct packing t, v; /* the textual and the visual stream */
    struct early early[2]; /* visual, textual */
    bool keep;
    enum need need_t, need_v;
    bool cut_t, cut_v; /* xt, xv hold the first rows only, one for each image */
    /* In the arena, (rows, width of the stream): */
    float *xt, *xv;                /* hidden states */
    float *qt, *kt, *vt, *ct, *ft; /* query, key, value, context, feed forward */
    float *qv, *kv, *vv, *cv, *fv;
    float *pooled_t, *pooled_v, *fused, *wide, *gate;
    float *small; /* of which: */
    const int32_t *ids[4];              /* of early[1].rows: word, place, type, task; -1: none */
    const int32_t *first_t, *first_v;   /* (batch): the rows that are pooled */
    const float *bias_t, *bias_v;       /* of masked keys, or NULL */
    struct later *later;
    int later_count, out_block;
    size_t out_used;
    struct vs_err *err;
};

/* A number that no weights had before. */
uint64_t vilbert_number(void);
/* Weights of m come from f, too. */
void vilbert_use_file(struct vilbert *m, const struct tensorfile *f);
/* After a pass: rc, or the error that one of the files changed since it was opened. */
int vilbert_check_files(const struct vilbert *m, int rc, struct vs_err *err);

/* y = act(x W + b) + residual; a line of the model. */
struct kern_linear pass_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual);
struct kern_norm pass_norm(const struct norm_w *w, float *x, int rows);

/* Packs, plans the memory and sends the input; what follows is a line of operations. pass_finish
 * takes its rc, waits for the results and frees. */
int pass_start(struct pass *p);
/* The four ids of image b's token at this place; -1 adds nothing. */
void pass_token(const struct pass *p, int b, int place, int32_t id[4]);
void packing_fini(struct packing *k);
int pass_finish(struct pass *p, int rc);
void pass_memory_fini(struct vilbert *m);

/* Where an operation writes n numbers that belong at `to` in the trace. NULL: no memory. */
float *pass_out(struct pass *p, float *to, size_t n);
/* Where an operation writes n numbers for a later one, which owns them. NULL: no memory. */
float *pass_room(struct pass *p, size_t n);
/* x(rows, n) as it is now, for a later one; x may change afterwards. NULL: no memory. */
const float *pass_hold(struct pass *p, const float *x, int rows, int n);
void pass_later(struct pass *p, const struct later *l);
/* Computed rows as a tensor of the trace, (batch, width, n). */
int pass_keep(struct pass *p, const struct packing *k, const float *x, int n, struct trace_at at);

/* ---- early.c. Stream 0 is the visual one, 1 the textual. */
/* Decides what of the streams is computed before they meet and what is kept already. */
void early_plan(struct pass *p);
/* Keeps what was computed (states, and keys, values and queries of the first co-attention layer),
 * and fetches all images' from what is kept. Outside of kern_begin and kern_end, as it is about
 * other memory every time. */
void early_keep(struct pass *p, int i);
void early_fini(struct pass *p);

/* What the wanted heads read of the last states of a stream. */
enum need heads_need(const struct net_want *want, bool text);
/* Runs the heads that are wanted. */
int heads_run(struct pass *p);

#endif
