/* SPDX-License-Identifier: MIT */
/* What the processor can do at most, and the share of it that products reach: at the model's
 * shapes, on one thread, with weights that come from memory.
 *
 * usage: bench-kern [DEVICE]    cpu (the fastest), cpu-avx512, cpu-avx2 or cpu-portable
 *
 * A share is that of the ceiling that binds: multiply-adds in registers, or reading the weights
 * once. One above 100 % would say that the ceiling was measured too low, and ends the program with
 * status 1. */
#include "ceilings.h"

#include "kernels/kern.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define POOL ((size_t)192 << 20) /* floats: more than caches hold */
#define MOST_ROWS 101
#define MOST_K 3072
#define MOST_N 3072
#define TURNS 40

struct bench {
    struct kern *k;
    float *pool, *x, *y;
    size_t at; /* where the next weights lie */
    struct ceiling fma;
    double memory; /* GB/s */
    struct kern_linear op;
    bool packed; /* the pool is taken for packed weights: any numbers do */
};

/* The next weights of the pool, which were not read since it was gone through last. */
static void run_product(void *arg)
{
    struct bench *b = arg;
    size_t n = (size_t)b->op.n * (size_t)b->op.k;
    if (b->at + n > POOL)
        b->at = 0;
    b->op.w = b->pool + b->at;
    b->op.packed = (struct kern_panels){.at = b->packed ? b->pool + b->at : NULL};
    b->at += n;
    kern_table(b->k)->linear(b->k, &b->op, 1);
}

/* The least time that the ceilings leave, in ms. */
static double floor_of(const struct bench *b)
{
    double weights = (double)b->op.n * b->op.k;
    double sums = 2 * weights * b->op.m / b->fma.gflops / 1e6;
    double bytes = 4 * weights / b->memory / 1e6;
    return sums > bytes ? sums : bytes;
}

/* Weights in place and packed in turns, which share what disturbs them. */
static void measure_both(struct bench *b, double ms[2])
{
    for (int i = 0; i < 2 * TURNS; i++) {
        b->packed = i % 2;
        double t = ceiling_least(run_product, b, 1);
        ms[i % 2] = i < 2 || t < ms[i % 2] ? t : ms[i % 2];
    }
}

static int measure(struct bench *b, int m, int n, int k)
{
    double ms[2], least, sums = 2e-6 * m * n * k / b->fma.gflops;
    b->op = (struct kern_linear){.x = b->x, .ldx = k, .y = b->y, .ldy = n, .m = m, .n = n, .k = k};
    least = floor_of(b);
    measure_both(b, ms);
    if (least > ms[0] || least > ms[1]) {
        fprintf(stderr, "bench-kern: %d x %d x %d takes %.3f ms, %.3f ms packed, and the ceilings "
                "say %.3f at least: one of them was measured too low\n", m, n, k, ms[0], ms[1],
                least);
        return 1;
    }
    printf("%4d x %4d x %4d", m, n, k);
    for (int i = 0; i < 2; i++)
        printf("  | %7.3f ms %6.1f GFLOP/s %5.1f GB/s %3.0f %%", ms[i], 2e-6 * m * n * k / ms[i],
               4e-6 * n * k / ms[i], 100 * least / ms[i]);
    printf("  of %s\n", sums < least ? "memory" : "multiply-adds");
    return 0;
}

static int measure_all(struct bench *b)
{
    static const int rows[] = {1, 2, 4, 8, 12, 24, 38, 101};
    static const int sizes[][2] = {{768, 768}, {3072, 768}, {768, 3072}, {1024, 1024}};
    int rc = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0] && rc == 0; s++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && rc == 0; i++)
            rc = measure(b, rows[i], sizes[s][0], sizes[s][1]);
    return rc;
}

static int fail(const char *why)
{
    fprintf(stderr, "bench-kern: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    char why[256];
    if (kern_open(argc > 1 ? argv[1] : "cpu", 1, &b.k, why, sizeof why) != 0)
        return fail(why);
    if (!ceiling_fma(kern_table(b.k)->name, &b.fma, why, sizeof why))
        return fail(why);
    b.pool = kern_alloc(b.k, POOL);
    b.x = kern_alloc(b.k, (size_t)MOST_ROWS * MOST_K);
    b.y = kern_alloc(b.k, (size_t)MOST_ROWS * MOST_N);
    if (!b.pool || !b.x || !b.y)
        return fail("no memory for 0.8 GB of weights");
    for (size_t i = 0; i < POOL; i++)
        b.pool[i] = (float)((uint32_t)i * 2654435761u >> 8) / 16777216.0f - 0.5f;
    for (size_t i = 0; i < (size_t)MOST_ROWS * MOST_K; i++)
        b.x[i] = b.pool[i];
    b.memory = ceiling_read(b.pool, POOL, (size_t)768 * 768);
    printf("%s: one thread: %.1f GFLOP/s of multiply-adds in registers", kern_table(b.k)->name,
           b.fma.gflops);
    if (b.fma.ghz > 0)
        printf(" (%.2f a cycle at %.2f GHz)", b.fma.issued, b.fma.ghz);
    printf(", %.1f GB/s from memory\n", b.memory);
    int rc = measure_all(&b);
    kern_free(b.k, b.pool);
    kern_free(b.k, b.x);
    kern_free(b.k, b.y);
    kern_close(b.k);
    return rc;
}
