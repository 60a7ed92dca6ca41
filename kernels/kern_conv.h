/* SPDX-License-Identifier: MIT */
/* The convolutions of one instruction set, under names of their own (kern_conv.c). */
#ifndef VS_KERN_CONV_H
#define VS_KERN_CONV_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#define KERN_CONV KERN_NAME(kern_conv)
#define KERN_WINO KERN_NAME(kern_wino)
#define kern_conv_finish KERN_NAME(kern_conv_finish)
#define KERN_MAXPOOL KERN_NAME(kern_maxpool)
#define KERN_ROI KERN_NAME(kern_roi)

void KERN_CONV(struct kern *k, const struct kern_conv *op);
/* For what kern_conv_winograd() says; weights has both forms. */
void KERN_WINO(struct kern *k, const struct kern_conv *op);
/* y = act(scale * sum + shift + residual) for n channels of one pixel. */
void kern_conv_finish(const struct kern_conv *o, const float *sum, ptrdiff_t pixel, int channel,
                      int n);
void KERN_MAXPOOL(struct kern *k, const float *x, int h, int w, int c, float *y);
void KERN_ROI(struct kern *k, const struct kern_roi *op);

#endif
