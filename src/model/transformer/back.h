/* SPDX-License-Identifier: MIT */
/* A way back under way, as all families have one: derivatives of a target with respect to
 * everything that a recorded pass computed on its way to it. The steps of the pass are taken in
 * reverse, each from the derivatives at what it made to those at what it read; weights have none.
 *
 * Source: the chain rule on a transformer's layers. */
#ifndef VS_BACK_H
#define VS_BACK_H

#include "src/model/transformer/heads.h"
#include "src/model/transformer/tape.h"

/* A stream of states. */
struct back_stream {
    enum net_stream name;
    int width;
    enum kern_act act;
    const struct packing *kept; /* the recorded pass's rows */
    struct packing rows;        /* those of the target's images */
    ptrdiff_t at;               /* the first of them among the recorded ones */
    const int32_t *firsts;      /* the first rows of the images */
    /* The derivatives of the target with respect to the states: (rows, width), or of the first row
     * of each image where cut. Not live: all 0, and nothing is computed. */
    float *d;
    bool live, cut;
    /* Memory of the arena, of the size of the states but for wide, which is the feed forward's: */
    float *x, *wide, *read, *q, *k, *v;
};

struct back {
    struct forward *run; /* of the target's images: memory, the trace, what comes back later */
    struct activations *t;
    const struct net_target *target;
    const struct net_back_want *want;
    int first;           /* of the target's images in the recorded batch */
    struct net_input in; /* their number; of the pass's input nothing is read */
    struct net_want none;
    double start;        /* ms */
    struct back_stream s[2];
    int streams;
    float *maps;         /* two of the largest maps of a layer */
    size_t map_size;     /* of one */
    /* The target's derivatives with respect to its output, which has `numbers` for each image or
     * row: a number of each of seed_rows rows of a stream; or, where that is 0, the numbers of an
     * image or of its row seed_row. */
    float *seed;
    int numbers, seed_rows, seed_row;
    const int32_t *chosen, *lists; /* seed_row; back_start's */
    float *inner[3];     /* room for a row of a head's inner states */
};

static inline const struct output_names *back_output(const struct back *b)
{
    return &output_table[b->target->output];
}

static inline struct back_stream *back_stream_of(struct back *b, enum net_stream name)
{
    return &b->s[b->streams > 1 && b->s[1].name == name];
}

/* dx = dy w + residual, w being a line of the model; residual may be dx. */
static inline struct kern_linear_back back_linear(const struct linear_w *w, const float *dy,
                                                  int rows, float *dx, const float *residual)
{
    return (struct kern_linear_back){.dy = dy, .ldy = w->n, .w = w->w, .residual = residual,
                                     .ldr = w->k, .dx = dx, .ldx = w->k, .m = rows, .n = w->n,
                                     .k = w->k};
}

/* d, in place, of norm(x). */
static inline struct kern_norm_back back_norm(const struct back *b, const struct norm_w *w,
                                              const float *x, float *d, int rows)
{
    return (struct kern_norm_back){.x = x, .ldx = w->n, .gamma = w->gamma, .dy = d, .ldy = w->n,
                                   .dx = d, .lddx = w->n, .m = rows, .n = w->n, .eps = LAYER_EPS,
                                   .fixed = b->want->lrp};
}

/* ---- back.c: the whole */
/* What a family does of it, in this order; each gives 0 or an error. */
struct back_family {
    int (*start)(struct back *b); /* plans its arena, and calls back_start */
    int (*heads)(struct back *b); /* from the target to the last states */
    int (*step)(struct back *b, const struct tape_step *s); /* of the pass, the last one first */
    int (*inputs)(struct back *b); /* from the embeddings to what they are made of */
};
/* All of it: b has the run, and names, widths and recorded rows of its streams; all else follows
 * from what is given. */
int back_run(struct back *b, const struct back_family *f, struct tape *tape,
             const struct net_target *target, const struct net_back_want *want, struct trace **out,
             struct vs_err *err);
struct back_room {
    size_t maps;  /* numbers of all maps of a layer */
    size_t inner; /* of a row of a head's inner states, the widest */
    const int32_t *lists; /* (count) that the family needs on the back end */
    size_t count;
};
/* numbers: those of a row of the target's output, 0: there is none. Ends with kern_begin. */
int back_start(struct back *b, int numbers, const struct back_room *room);
/* Step i is kept. */
int back_need(struct back *b, int i);
/* The derivatives of stream s's states as they are now, as what `at` says of the trace, where it is
 * wanted. */
int back_keep(struct back *b, struct back_stream *s, enum trace_kind kind, enum net_part part,
              int layer);
/* d, of rows (n wide), as an input of the trace; NULL: it is 0. */
int back_keep_input(struct back *b, const struct packing *rows, const float *d, int n,
                    enum trace_input what);

/* ---- back_target.c: from the target to the last states */
bool back_is_on_rows(const struct back *b);
/* The stream that has the rows of such a target. */
struct back_stream *back_target_stream(struct back *b);
int back_check_target(struct back *b);
size_t back_seed_size(const struct back *b);
/* Fills the seed's host copy, which is zeros. */
void back_fill_seed(struct back *b, float *host);
/* dense, activation, layer norm, decoder on one row x: from the seed to dx. */
void back_decoder(struct back *b, const struct row_head *h, const float *x, float *dx);
/* From a target on rows to the states; h: its head, room: of two rows. */
int back_on_rows(struct back *b, const struct row_head *h, float *room);
/* first (images, width): the derivatives of first rows, which become the stream's. */
void back_from_first(struct back *b, struct back_stream *s, float *first);
/* The last states of a stream, which its last layer's norm makes of what is kept: row `row` of the
 * target's first image, to x. */
int back_last_state(struct back *b, const struct back_stream *s, int row, float *x);

/* The map that a part's layers make, of co-attention the first. */
enum attn_kind back_map_of(enum net_part part);

/* ---- back_layer.c: a layer. A side of it is what was kept of a stream, and its derivatives d. */
struct back_side {
    struct back_stream *s;
    int rows;
    const struct tape_layer *l;
    const struct linear_w *out, *ff_in, *ff_out;
    const struct norm_w *out_norm, *ff_norm;
    const float *attended, *hidden, *fed;
    float *d;
};
struct back_side back_side(const struct back *b, const struct tape_layer *l,
                           struct back_stream *s);
/* After the lines and norms are set: where what was kept of them is. */
void back_side_kept(const struct back *b, struct back_side *s);
/* Where the rows of the target's images begin among kept ones that are `width` wide. */
ptrdiff_t back_side_at(const struct back *b, const struct back_side *s, int width);
/* From d behind a layer to d at the sum in front of its first norm, and to attention's output. */
int back_feed(struct back *b, const struct back_side *s, int count, const struct tape_step *step);
/* The queries of one side on the keys and values of the same or the other. */
struct back_look {
    const struct back_side *from, *to;
    int width, layer;
    enum attn_kind kind;
    float *dprobs, *dscores; /* back_looks's */
};
int back_looks(struct back *b, struct back_look *l, int count);
/* A layer of one stream: down to its queries, keys and values, and from them to its states. */
int back_layer_read(struct back *b, const struct tape_step *step, struct back_side *s);
void back_layer_project(struct back *b, const struct tape_step *step, struct back_side *s);
/* Nothing comes from behind this map's layer: it, and what the layer adds, have derivatives of
 * 0. */
int back_skip(struct back *b, enum attn_kind kind, int layer);

#endif
