/* SPDX-License-Identifier: MIT */
/* What a call reads and writes. */
#ifndef VS_CUDA_AREAS_H
#define VS_CUDA_AREAS_H

#include "kernels/cuda/gpu_priv.h"

/* rows of width numbers of four bytes, ld numbers from one row to the next */
struct area {
    const float *at;
    int64_t ld, rows, width;
    bool written;
};

#define AREAS_MOST (10 * ATTENTION_MANY) /* of a call */

/* The areas of call c of p. Returns how many, or -1 for a call that is not known so well: it may
 * read and write anything. Weights are left out where their size is not known: nothing writes
 * them. */
int areas_of(const struct program *p, const struct call *c, struct area out[AREAS_MOST]);

/* Whether two areas have a number in common. Says yes where it is not sure. */
bool areas_meet(const struct area *a, const struct area *b);

#endif
