/* SPDX-License-Identifier: MIT */
/* What a recorded pass of ViLBERT keeps for the way back. */
#ifndef VS_VILBERT_TAPE_H
#define VS_VILBERT_TAPE_H

#include "src/model/transformer/tape.h"
#include "src/model/vilbert/layers.h"

struct vilbert_tape {
    struct activations kept; /* first: it is one */
    struct vilbert *m;
    struct packing rows[2]; /* visual, textual */
    float *embedded[2];     /* sums of vectors before they are normalised */
    float *pooled[2], *fused; /* after ReLU, (batch, bi_hidden) */
    float *skip;            /* of textual rows: 0, or that it is padding; NULL */
    bool pooled_cut[2];     /* the last states are those of the first rows */
};

static inline struct vilbert_tape *vilbert_tape_of(struct tape *t)
{
    return (struct vilbert_tape *)t;
}

/* After pass_start: forgets what is kept, and makes room for what is kept beside the layers. Before
 * pass_finish: token vectors for the trace. The rows become the tape's with pass_finish. */
int vilbert_tape_begin(struct pass *p);
int vilbert_tape_end(struct pass *p);
/* Co-attention layer `number` as the next step: both of s keep what they compute from now on. */
int vilbert_tape_colayer(struct pass *p, const struct colayer_w *w, struct stream s[2], int number,
                         const bool read[2]);
/* ---- the functions of the family: backward in back.c */
int vilbert_record(struct vilbert *m, const struct net_input *in, const struct net_want *want,
                   struct tape **out, struct trace **trace, struct vs_err *err);
int vilbert_backward(struct tape *t, const struct net_target *target,
                     const struct net_back_want *want, struct trace **out, struct vs_err *err);
void vilbert_tape_free(struct tape *t);

#endif
