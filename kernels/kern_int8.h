/* SPDX-License-Identifier: MIT */
/* Products of one instruction set in whole numbers (kern_int8.c). */
#ifndef VS_KERN_INT8_H
#define VS_KERN_INT8_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#define KERN_INT8_LINEAR KERN_NAME(kern_int8_linear)
/* Does those products of the list that are made in whole numbers (kern_int8_takes); the others are
 * copied to rest, which has room for all. Returns how many these are. */
int KERN_INT8_LINEAR(struct kern *k, const struct kern_linear *list, int count,
                     struct kern_linear *rest);

/* The same by instructions for products of 8 bits, where kern->quads. */
#if defined(KERN_HAVE_QUADS) && defined(KERN_FUSED)
#define KERN_INT8_QUADS KERN_NAME(kern_int8_quads)
int KERN_INT8_QUADS(struct kern *k, const struct kern_linear *list, int count,
                    struct kern_linear *rest);
#else
#define KERN_INT8_QUADS KERN_INT8_LINEAR
#endif

#endif
