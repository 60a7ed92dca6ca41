/* SPDX-License-Identifier: MIT */
/* The way back on one instruction set, under names of its own (kern_back.c, kern_linear_back.c). */
#ifndef VS_KERN_BACK_H
#define VS_KERN_BACK_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#define KERN_ACTIVATE KERN_NAME(kern_activate)
#define KERN_ACTIVATE_BACK KERN_NAME(kern_activate_back)
#define KERN_ATTENTION_BACK KERN_NAME(kern_attention_back)
#define KERN_GATE_BACK KERN_NAME(kern_gate_back)
#define KERN_LINEAR_BACK KERN_NAME(kern_linear_back)
#define KERN_NORM_BACK KERN_NAME(kern_norm_back)

void KERN_ACTIVATE(struct kern *k, const float *x, float *y, size_t n, enum kern_act act);
void KERN_ACTIVATE_BACK(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                        enum kern_act act);
void KERN_ATTENTION_BACK(struct kern *k, const struct kern_attention_back *list, int count);
void KERN_GATE_BACK(struct kern *k, const struct kern_gate_back *op);
void KERN_LINEAR_BACK(struct kern *k, const struct kern_linear_back *list, int count);
void KERN_NORM_BACK(struct kern *k, const struct kern_norm_back *list, int count);

#endif
