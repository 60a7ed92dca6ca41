/* SPDX-License-Identifier: MIT */
/* Suppression in every class on the CPU. Which boxes overlap is the same for all classes: one
 * matrix of bits, then each class is a sort and a sweep. */
#include "kernels/kern_priv.h"

#include <math.h>
#include <string.h>

struct keyed {
    uint32_t key;
    int index;
};

/* A number that is less the greater x is. NaN is the greatest, whatever its sign, as for
 * torch.sort. */
static uint32_t falling_key(float x)
{
    uint32_t u;
    if (x != x)
        return 0;
    x += 0.0f; /* no negative zero */
    memcpy(&u, &x, sizeof u);
    return u & 0x80000000u ? u : ~(u | 0x80000000u);
}

#define DIGIT 11 /* bits of a pass: three passes */

/* By one digit of the key, those of one digit in the order in which they come. */
static void radix_pass(const struct keyed *from, struct keyed *to, int n, int shift)
{
    int at[1 << DIGIT] = {0}, sum = 0;
    for (int i = 0; i < n; i++)
        at[from[i].key >> shift & ((1u << DIGIT) - 1)]++;
    for (int d = 0; d < 1 << DIGIT; d++) {
        int count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (int i = 0; i < n; i++)
        to[at[from[i].key >> shift & ((1u << DIGIT) - 1)]++] = from[i];
}

void kern_sort_down(const float *x, int n, int *order)
{
    struct keyed *a = scratch_alloc(((size_t)n + 1) * sizeof *a);
    struct keyed *b = scratch_alloc(((size_t)n + 1) * sizeof *b);
    for (int i = 0; i < n; i++)
        a[i] = (struct keyed){falling_key(x[i]), i};
    radix_pass(a, b, n, 0);
    radix_pass(b, a, n, DIGIT);
    radix_pass(a, b, n, 2 * DIGIT);
    for (int i = 0; i < n; i++)
        order[i] = b[i].index;
    scratch_free(a);
    scratch_free(b);
}

#define BLOCKS 64 /* parts that the classes are cut into */

struct sweep {
    const struct kern_nms *o;
    int words;
    float *conf; /* (BLOCKS, n) */
};

static void sweep_class(const struct sweep *s, int class, float *column, int *order,
                        uint64_t *lost, float *conf)
{
    const struct kern_nms *o = s->o;
    for (int i = 0; i < o->n; i++)
        column[i] = o->scores[(ptrdiff_t)i * o->classes + class];
    kern_sort_down(column, o->n, order);
    memset(lost, 0, (size_t)s->words * sizeof *lost);
    for (int i = 0; i < o->n; i++) {
        int j = order[i];
        if (lost[j / 64] >> (j % 64) & 1)
            continue;
        const uint64_t *row = o->matrix + (ptrdiff_t)j * s->words;
        for (int w = 0; w < s->words; w++)
            lost[w] |= row[w];
        if (column[j] > o->conf_thresh && column[j] > conf[j])
            conf[j] = column[j];
    }
}

static void sweep_block(void *arg, int block)
{
    struct sweep *s = arg;
    const struct kern_nms *o = s->o;
    float *column = scratch_alloc((size_t)o->n * sizeof *column);
    int *order = scratch_alloc((size_t)o->n * sizeof *order);
    uint64_t *lost = scratch_alloc((size_t)s->words * sizeof *lost);
    int per = (o->classes - o->first + BLOCKS - 1) / BLOCKS, from = o->first + block * per;
    for (int c = from; c < from + per && c < o->classes; c++) /* neighbours share cache lines */
        sweep_class(s, c, column, order, lost, s->conf + (ptrdiff_t)block * o->n);
    scratch_free(column);
    scratch_free(order);
    scratch_free(lost);
}

void kern_nms_cpu(struct kern *k, const struct kern_nms *o)
{
    size_t all = (size_t)BLOCKS * (size_t)o->n;
    struct sweep s = {o, (o->n + 63) / 64, scratch_alloc(all * sizeof(float))};
    memset(s.conf, 0, all * sizeof *s.conf);
    pool_run(k->pool, BLOCKS, sweep_block, &s);
    for (int i = 0; i < o->n; i++) {
        o->conf[i] = 0;
        for (int b = 0; b < BLOCKS; b++)
            o->conf[i] = fmaxf(o->conf[i], s.conf[(ptrdiff_t)b * o->n + i]);
    }
    scratch_free(s.conf);
}
