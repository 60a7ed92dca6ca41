/* SPDX-License-Identifier: MIT */
/* Which calls of a program have to wait for which: a graph whose branches run beside each other. */
#ifndef VS_CUDA_ORDER_H
#define VS_CUDA_ORDER_H

#include "kernels/cuda/gpu_priv.h"

/* For call i: before[first[i]] to before[first[i + 1] - 1], the numbers of earlier calls that it
 * waits for (those that they wait for are not repeated), and slot[i], the workspace that it has
 * when it is a product. Two products of one slot never run beside each other. */
struct order {
    int *before, *first, *slot;
    int room;  /* of before */
    int depth; /* the longest chain of calls that wait for each other */
};

/* Returns false when there is no memory, and leaves nothing to free then. */
bool order_init(struct order *o, const struct program *p);
void order_fini(struct order *o);

#endif
