/* SPDX-License-Identifier: MIT */
/* What a recorded pass keeps for the way back: of every layer the operands of its products of
 * activations, and what was normalised or activated. Everything else is computed from it. */
#ifndef VS_TAPE_H
#define VS_TAPE_H

#include "src/model/vilbert/layers.h"

/* A layer as it was run: of one stream, side[0], or of both (visual, textual). */
struct tape_step {
    enum net_part part;
    int number;
    const void *w; /* struct layer_w, struct colayer_w */
    struct tape_layer side[2];
};

struct vilbert_tape {
    struct tape tape; /* first: it is one */
    struct vilbert *m;
    struct packing rows[2]; /* visual, textual */
    int tokens, regions;    /* of the trace */
    unsigned heads;         /* that were wanted */
    struct tape_step *steps; /* in the order of the pass */
    int count, room;
    float *embedded[2];     /* sums of vectors before they are normalised */
    float *pooled[2], *fused; /* after ReLU, (batch, bi_hidden) */
    float *skip;            /* of textual rows: 0, or that it is padding; NULL */
    bool pooled_cut[2];     /* the last states are those of the first rows */
    struct tape_block *blocks;
    int block_count;
};

/* Memory on the back end, of n floats. */
struct tape_block {
    float *at;
    size_t n;
};

static inline struct vilbert_tape *vilbert_tape_of(struct tape *t)
{
    return (struct vilbert_tape *)t;
}

struct vilbert_tape *tape_new(struct vilbert *m, unsigned heads);
/* After pass_start: forgets what is kept, and makes room for what is kept beside the layers. Before
 * pass_finish: token vectors for the trace. The rows become the tape's with pass_finish. */
int tape_begin(struct pass *p);
int tape_end(struct pass *p);
/* n floats that live as long as the tape; NULL: no memory. */
float *tape_room(struct vilbert_tape *t, size_t n);
/* Frees what the last tape left to the next one: memory that is new has to be found page by
 * page. */
void tape_drop_spare(struct vilbert *m);
/* The next layer of the pass: s, or both of them, keep what they compute from now on. */
int tape_keep_layer(struct pass *p, const struct layer_w *w, struct stream *s, int number,
                    bool first);
int tape_keep_colayer(struct pass *p, const struct colayer_w *w, struct stream s[2], int number,
                      const bool read[2]);
/* ---- the functions of the family: record in vilbert.c, backward in back.c */
int vilbert_record(struct vilbert *m, const struct net_input *in, const struct net_want *want,
                   struct tape **out, struct trace **trace, struct vs_err *err);
int vilbert_backward(struct tape *t, const struct net_target *target,
                     const struct net_back_want *want, struct trace **out, struct vs_err *err);
void vilbert_tape_free(struct tape *t);

#endif
