/* SPDX-License-Identifier: MIT */
/* A pass of the baseline under way; shared by the pass and the heads. */
#ifndef VS_SINGLE_PASS_H
#define VS_SINGLE_PASS_H

#include "src/model/singlestream/singlestream.h"
#include "src/model/transformer/tape.h"

/* What a recorded pass keeps for the way back. */
struct single_tape {
    struct activations kept; /* first: it is one */
    struct single *m;
    struct packing all, tokens, regions; /* the pass's */
    float *embedded; /* sums of vectors before they are normalised: tokens of all images, then
                        regions */
    bool cut;        /* the last states are those of the first rows */
};

struct single_pass {
    struct forward run;
    struct single *m;
    struct packing all;             /* rows of the stream: an image's tokens, then its regions */
    struct packing tokens, regions; /* those of one kind */
    int32_t *token_rows, *region_rows; /* which rows of all they are; on the host */
    bool cut; /* x holds the first rows only, one for each image */
    /* In the arena, (rows, hidden): */
    float *x, *q, *k, *v, *ctx, *ff; /* states; query, key, value, context, feed forward */
    float *pooled, *wide;            /* (batch, hidden), (batch, 2 hidden) */
    float *small;                    /* of which: */
    const int32_t *ids[3];           /* (tokens.rows): word, place, type */
    const int32_t *ones;             /* (regions.rows) */
    const int32_t *order;            /* (all.rows): where each stands, tokens of all images first */
    const int32_t *first;            /* (batch): the rows that are pooled */
    const int32_t *of_tokens, *of_regions; /* token_rows, region_rows */
    const float *bias;               /* of masked keys, or NULL */
    struct single_tape *tape;        /* keeps activations for the way back, or NULL */
};

/* The memory of a pass, for so many rows. */
int single_plan_arena(struct single_pass *p);

#endif
