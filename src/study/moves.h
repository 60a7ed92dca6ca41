/* SPDX-License-Identifier: MIT */
/* Which answers moved between two results of one query, as with and without a change. */
#ifndef VS_MOVES_H
#define VS_MOVES_H

#include "src/task/result.h"

/* An answer or box of either result. */
struct answer_move {
    char *label;
    int before, after; /* ranks, from 0, or -1 */
    float p_before, p_after; /* softmax; 0 where it is not */
    float effect; /* on the scale of compare_scale; NaN when it is not in both */
};
struct answer_moves {
    struct answer_move *list; /* (count), by how far the probabilities moved */
    int count;
};

/* The best of both, `most` of each. answer_moves_fini frees what it holds. */
struct answer_moves answer_moves_of(const struct result *a, const struct result *b, int most);
void answer_moves_fini(struct answer_moves *m);

#endif
