/* SPDX-License-Identifier: MIT */
/* The products of one instruction set, under a name of their own (kern_linear.c). */
#ifndef VS_KERN_LINEAR_H
#define VS_KERN_LINEAR_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#define KERN_LINEAR KERN_NAME(kern_linear)

void KERN_LINEAR(struct kern *k, const struct kern_linear *list, int count);

#endif
