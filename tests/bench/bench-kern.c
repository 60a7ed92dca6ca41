/* SPDX-License-Identifier: MIT */
/* What the processor can do at most, and how near the operations of the model come to it: at its
 * shapes, on one thread; weights come from memory, what is computed with them from the second
 * cache.
 *
 * usage: bench-kern [DEVICE [TURNS]]    cpu (the fastest), cpu-avx512, cpu-avx2 or cpu-portable
 *
 * A line about the ceilings; with TURNS 0 nothing else. Then one for each operation and shape:
 * median, least and upper quartile of the time of the processor, the floor that the ceilings leave
 * and which of them binds, and the share: floor by median. A floor above the least time says that a
 * ceiling was measured too low, and ends the program with status 1. Products (rows x outputs x
 * inputs) take their weights in place and packed. */
#include "ceilings.h"
#include "median.h"
#include "operations.h"

#include "kernels/kern.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_TURNS 1000
#define LONG_MS 1500 /* nothing is repeated for longer */
#define SHORT_MS 0.1 /* what takes less is done several times in a turn */

struct bench {
    struct operands o;
    size_t at; /* where the next weights lie */
    struct ceiling fma;
    double memory, cache; /* GB/s */
    int turns;
    struct kern_linear op;
    bool packed; /* the pool is taken for packed weights: any numbers do */
    const struct operation *other;
};

struct least_time {
    double ms;
    const char *of;
};

static struct least_time floor_of(const struct bench *b, double sums, double floats,
                                  enum operation_source from)
{
    double compute = 2 * sums / b->fma.gflops / 1e6;
    double speed = from == FROM_MEMORY ? b->memory : b->cache;
    double read = speed > 0 ? 4 * floats / speed / 1e6 : 0;
    if (compute > read)
        return (struct least_time){compute, "multiply-adds"};
    return (struct least_time){read, from == FROM_MEMORY ? "memory" : "L2"};
}

static int tell(const char *what, const struct least_time *floor, double sums, double *ms, int n)
{
    struct spread t = spread_of(ms, n);
    if (floor->ms > t.least) {
        fprintf(stderr, "bench-kern: %s takes %.4f ms, and the ceiling of %s says %.4f at least: "
                "it was measured too low\n", what, t.least, floor->of, floor->ms);
        return 1;
    }
    printf("%-46s | %9.4f %9.4f %9.4f ms | floor %9.4f ms of %-13s | %3.0f %%", what, t.median,
           t.least, t.upper, floor->ms, floor->of, 100 * floor->ms / t.median);
    if (sums > 0)
        printf(" | %5.1f GFLOP/s", 2e-6 * sums / t.median);
    putchar('\n');
    return 0;
}

/* ---- products */

/* The next weights of the pool, which were not read since it was gone through last. */
static void run_product(void *arg)
{
    struct bench *b = arg;
    size_t n = (size_t)b->op.n * (size_t)b->op.k;
    if (b->at + n > WEIGHT_FLOATS)
        b->at = 0;
    b->op.w = b->o.w + b->at;
    b->op.packed = (struct kern_panels){.at = b->packed ? b->o.w + b->at : NULL};
    b->at += n;
    kern_table(b->o.k)->linear(b->o.k, &b->op, 1);
}

/* Weights in place and packed in turns, which share what disturbs them. */
static int measure_product(struct bench *b, int m, int n, int k)
{
    double ms[2][MOST_TURNS], sums = (double)m * n * k;
    struct least_time least = floor_of(b, sums, (double)n * k, FROM_MEMORY);
    char what[2][48];
    b->op = (struct kern_linear){.x = b->o.x, .ldx = k, .y = b->o.y, .ldy = n, .m = m, .n = n,
                                 .k = k};
    for (int i = 0; i < 2 * b->turns; i++) {
        b->packed = i % 2;
        ms[i % 2][i / 2] = ceiling_least(run_product, b, 1);
    }
    snprintf(what[0], sizeof what[0], "linear, in place, %d x %d x %d", m, n, k);
    snprintf(what[1], sizeof what[1], "linear, packed, %d x %d x %d", m, n, k);
    int rc = tell(what[0], &least, sums, ms[0], b->turns);
    return rc ? rc : tell(what[1], &least, sums, ms[1], b->turns);
}

static int measure_products(struct bench *b)
{
    static const int rows[] = {1, 2, 4, 8, 12, 24, 38, 101};
    static const int sizes[][2] = {{768, 768}, {3072, 768}, {768, 3072}, {1024, 1024}};
    int rc = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0] && rc == 0; s++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && rc == 0; i++)
            rc = measure_product(b, rows[i], sizes[s][0], sizes[s][1]);
    return rc;
}

/* ---- the other operations */

static void run_other(void *arg)
{
    struct bench *b = arg;
    operands_run(&b->o, b->other);
}

static int measure_other(struct bench *b, const struct operation *op)
{
    double ms[MOST_TURNS], spent = 0;
    struct least_time least = floor_of(b, op->sums, op->floats, op->from);
    int n = 0;
    b->other = op;
    operands_next(&b->o);
    double once = ceiling_least(run_other, b, 1); /* touches its memory */
    if (once < SHORT_MS * 10)
        once = ceiling_least(run_other, b, 1);
    int times = once < SHORT_MS ? (int)(SHORT_MS / (once + 1e-5)) + 1 : 1;
    while (n < b->turns && (n < 2 || spent < LONG_MS)) {
        double all = 0;
        for (int i = 0; i < times; i++)
            all += ceiling_least(run_other, b, 1);
        ms[n++] = all / times;
        spent += all;
    }
    return tell(op->what, &least, op->sums, ms, n);
}

static int measure_all(struct bench *b)
{
    int rc = measure_products(b);
    for (int i = 0; i < operation_count && rc == 0; i++)
        rc = measure_other(b, &operations[i]);
    return rc;
}

/* ---- */

static int fail(const char *why)
{
    fprintf(stderr, "bench-kern: %s\n", why);
    return 1;
}

static float noise(size_t i)
{
    return (float)((uint32_t)i * 2654435761u >> 8) / 16777216.0f - 0.5f;
}

static bool make_pools(struct bench *b)
{
    b->o.x = kern_alloc(b->o.k, OPERAND_FLOATS);
    b->o.y = kern_alloc(b->o.k, OPERAND_FLOATS);
    b->o.w = kern_alloc(b->o.k, WEIGHT_FLOATS);
    if (!b->o.x || !b->o.y || !b->o.w)
        return false;
    for (size_t i = 0; i < WEIGHT_FLOATS; i++)
        b->o.w[i] = noise(i);
    for (size_t i = 0; i < OPERAND_FLOATS; i++)
        b->o.x[i] = b->o.y[i] = noise(i);
    return operands_init(&b->o);
}

static void tell_ceilings(const struct bench *b)
{
    printf("%s: one thread: %.1f GFLOP/s of multiply-adds in registers",
           kern_table(b->o.k)->name, b->fma.gflops);
    if (b->fma.ghz > 0)
        printf(" (%.2f a cycle at %.2f GHz)", b->fma.issued, b->fma.ghz);
    printf(", %.1f GB/s from L2, %.1f GB/s from memory\n", b->cache, b->memory);
}

int main(int argc, char **argv)
{
    struct bench b = {.turns = argc > 2 ? atoi(argv[2]) : 40};
    char why[256];
    if (b.turns < 0 || b.turns > MOST_TURNS)
        return fail("TURNS is 0 to 1000");
    if (kern_open(argc > 1 ? argv[1] : "cpu", 1, &b.o.k, why, sizeof why) != 0)
        return fail(why);
    const char *device = kern_table(b.o.k)->name;
    if (!ceiling_fma(device, &b.fma, why, sizeof why))
        return fail(why);
    if (!make_pools(&b))
        return fail("no memory for 0.7 GB of operands");
    b.cache = ceiling_cache(device);
    b.memory = ceiling_read(b.o.w, WEIGHT_FLOATS, (size_t)768 * 768);
    tell_ceilings(&b);
    int rc = b.turns > 0 ? measure_all(&b) : 0;
    operands_fini(&b.o);
    kern_free(b.o.k, b.o.x);
    kern_free(b.o.k, b.o.y);
    kern_free(b.o.k, b.o.w);
    kern_close(b.o.k);
    return rc;
}
