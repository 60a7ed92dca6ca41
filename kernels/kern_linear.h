/* SPDX-License-Identifier: MIT */
/* The products of one instruction set, under a name of their own (kern_linear.c). */
#ifndef VS_KERN_LINEAR_H
#define VS_KERN_LINEAR_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#define KERN_LINEAR KERN_NAME(kern_linear)

void KERN_LINEAR(struct kern *k, const struct kern_linear *list, int count);

/* Products in a row often read the same x: query, key and value. */
static inline bool linear_same_rows(const struct kern_linear *a, const struct kern_linear *b)
{
    return a->x == b->x && a->m == b->m && a->k == b->k && a->ldx == b->ldx;
}

/* y = act(sums + bias) + residual for some rows and columns; sums (rows, ld) begin at the first
 * of them. */
#define KERN_LINEAR_FINISH KERN_NAME(kern_linear_finish)
void KERN_LINEAR_FINISH(const struct kern_linear *o, int row, int rows, int col, int cols,
                        const float *sums, ptrdiff_t ld);

#endif
