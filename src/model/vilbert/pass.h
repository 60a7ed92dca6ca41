/* SPDX-License-Identifier: MIT */
/* One forward pass under way; shared by the encoder, its layers and the heads. */
#ifndef VS_PASS_H
#define VS_PASS_H

#include "src/model/transformer/core.h"
#include "src/model/vilbert/vilbert.h"
#include "src/model/vilbert/weights.h"

struct vilbert_tape;

struct vilbert {
    struct core core; /* first: it is one */
    struct config c;
    struct weights w;
    bool pretrained; /* it has no head of a task: its class is the reference's for pre-training */
    uint64_t prefix_of[2]; /* a number of their own for the weights that the visual, the textual
                             stream has until they meet */
};

/* How much of a stream's last states somebody reads. */
enum need { NEED_NOTHING, NEED_FIRST /* row of every image */, NEED_ALL };

/* A stream before it meets the other one. */
struct prefix {
    const struct packing *rows; /* computed: all, or those of images whose states are not kept */
    const float *bias;          /* theirs, on the back end, or NULL */
    struct prefix_state **of;     /* (batch) of every image; NULL: nothing is kept */
    struct packing some;
};

struct pass {
    struct forward run;
    struct vilbert *m;
    struct packing t, v; /* the textual and the visual stream */
    struct prefix early[2]; /* visual, textual */
    bool keep;
    struct vilbert_tape *tape; /* keeps activations for the way back, or NULL */
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
};

/* A number that no weights had before. */
uint64_t vilbert_number(void);
/* Packs, plans the memory and sends the input; what follows is a line of operations. pass_finish
 * takes its rc, waits for the results and frees. */
int pass_start(struct pass *p);
/* The memory alone, for so many rows of both streams. */
int pass_plan_arena(struct pass *p);
/* The four ids of image b's token at this place; -1 adds nothing. */
void pass_token(const struct pass *p, int b, int place, int32_t id[4]);
int pass_finish(struct pass *p, int rc);

/* ---- prefix.c. Stream 0 is the visual one, 1 the textual. */
/* Decides what of the streams is computed before they meet and what is kept already. */
void prefix_plan(struct pass *p);
/* Keeps what was computed (states, and keys, values and queries of the first co-attention layer),
 * and fetches all images' from what is kept. Outside of kern_begin and kern_end, as it is about
 * other memory every time. */
void prefix_keep(struct pass *p, int i);
void prefix_fini(struct pass *p);

/* What the wanted heads read of the last states of a stream. */
enum need heads_need(const struct net_want *want, bool text);
/* Runs the heads that are wanted. */
int heads_run(struct pass *p);
/* What a head's numbers are called: the class of pre-training has names of its own. */
enum net_output head_output(const struct vilbert *m, enum net_head head);
struct row_head head_on_rows(const struct vilbert *m, enum net_head head);
/* Of a head on pooled states of so many images: a classifier, or where that is NULL a line. */
const struct classifier_w *head_classifier_of(const struct weights *w, enum net_head head,
                                              int batch);
const struct linear_w *head_linear_of(const struct weights *w, enum net_head head);

#endif
