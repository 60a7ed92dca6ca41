/* SPDX-License-Identifier: MIT */
/* A GPU back end over the fake CUDA, opened, closed and used as several tests do. */
#ifndef VS_FAKEGPU_H
#define VS_FAKEGPU_H

#include "fakecuda.h"
#include "operands.h"
#include "tap.h"

/* NULL: it does not open, which is a failure. */
static inline struct kern *fakegpu_open(const char *spec)
{
    struct kern *k = NULL;
    char why[KERN_WHY] = "";
    ok(gpu_kern(&fakecuda_api, spec, &k, why, sizeof why) == 0, "%s opens %s", spec, why);
    return k;
}

/* Everything is freed and no rule was broken. */
static inline void fakegpu_close(struct kern *k, const char *what)
{
    kern_close(k);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "%s: nothing is left, nothing was wrong (%d, %d "
       "%s)", what, fakecuda.live, fakecuda.bad, fakecuda.first);
}

/* One pass of two operations: y = 2 x x, of n numbers. */
static inline void fakegpu_pass(struct kern *k, const struct operand *x, const struct operand *y,
                                int n)
{
    kern_begin(k);
    kern_table(k)->add(k, x->back, x->back, y->back, (size_t)n);
    kern_table(k)->mul(k, y->back, x->back, y->back, (size_t)n);
    kern_end(k);
}

#endif
