/* SPDX-License-Identifier: MIT */
/* Operands of operations: the same numbers on the host and in a back end's memory. */
#ifndef OPERANDS_H
#define OPERANDS_H

#include "kernels/kern.h"
#include "numbers.h"
#include "tap.h"

#include <math.h>
#include <stdint.h>

static uint32_t ops_seed = 1;

/* An operand: the host's numbers, and their copy in the back end's memory. */
struct operand {
    size_t n;
    float *host, *back;
};

static struct operand operand(struct kern *k, size_t n)
{
    struct operand o = {n, malloc((n + 4) * sizeof(float)), kern_alloc(k, n + 4)};
    for (size_t i = 0; o.host && i < n + 4; i++)
        o.host[i] = numbers_noise(&ops_seed);
    if (o.host && o.back)
        kern_put(k, o.back, o.host, n + 4);
    return o;
}

static void operand_free(struct kern *k, struct operand *o)
{
    free(o->host);
    kern_free(k, o->back);
}

/* The largest difference between the back end's numbers and the host's, over scale; infinite where
 * one is NaN, which fmaxf would not keep. */
static float ops_worst(struct kern *k, const struct operand *o, float scale)
{
    const float *got = kern_view(k, o->back, o->n);
    float w = got ? 0 : INFINITY;
    for (size_t i = 0; got && i < o->n; i++) {
        float d = fabsf(got[i] - o->host[i]) / scale;
        w = !(d >= 0) ? INFINITY : d > w ? d : w;
    }
    return w;
}

static bool ops_finished(struct kern *k)
{
    char why[256];
    if (kern_finish(k, why, sizeof why) == 0)
        return true;
    tap_note("%s", why);
    return false;
}

#endif
