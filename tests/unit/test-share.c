/* SPDX-License-Identifier: MIT */
/* How the products of one pass of the full-size model are shared out among 1 to 64 threads: the
 * longest that a thread is busy between two waits for all, against an equal share. Counted, not
 * timed: parts are taken one by one by the thread that is free first, a multiply-add takes the same
 * time anywhere. Parts that are too large, or that do not cover the result once, break it.
 *
 * usage: test-share            checks
 *        test-share --table    prints the table for kernels/NOTES.md */
#include "kernels/kern_share.h"
#include "tap.h"

#include <stdlib.h>

#define LISTS 12
#define PRODUCTS 6
#define THREADS 64

/* One step of the pass: products that are shared out together, and how often it comes. */
struct step {
    int times, count;
    int sizes[PRODUCTS][3]; /* rows (0: tokens, 1: regions), n, k */
};

/* The text's first layers alone; then layers of both streams, and those that connect them. */
static const struct step steps[LISTS] = {
    {6, 3, {{0, 768, 768}, {0, 768, 768}, {0, 768, 768}}},
    {6, 1, {{0, 768, 768}}},
    {6, 1, {{0, 3072, 768}}},
    {6, 1, {{0, 768, 3072}}},
    {6, 6, {{0, 768, 768}, {0, 768, 768}, {0, 768, 768},
            {1, 1024, 1024}, {1, 1024, 1024}, {1, 1024, 1024}}},
    {6, 2, {{0, 768, 768}, {1, 1024, 1024}}},
    {6, 2, {{0, 3072, 768}, {1, 1024, 1024}}},
    {6, 2, {{0, 768, 3072}, {1, 1024, 1024}}},
    {6, 6, {{0, 1024, 768}, {0, 1024, 768}, {0, 1024, 768},
            {1, 1024, 1024}, {1, 1024, 1024}, {1, 1024, 1024}}},
    {6, 2, {{0, 768, 1024}, {1, 1024, 1024}}},
    {6, 2, {{0, 3072, 768}, {1, 1024, 1024}}},
    {6, 2, {{0, 768, 3072}, {1, 1024, 1024}}},
};

static void step_list(const struct step *s, int tokens, int regions, struct kern_linear *out)
{
    for (int i = 0; i < s->count; i++)
        out[i] = (struct kern_linear){.m = s->sizes[i][0] ? regions : tokens, .n = s->sizes[i][1],
                                      .k = s->sizes[i][2]};
}

static int first_free(const double *busy, int threads)
{
    int least = 0;
    for (int i = 1; i < threads; i++)
        least = busy[i] < busy[least] ? i : least;
    return least;
}

/* Multiply-adds of the thread that has most to do; all is what its parts add up to. */
static double longest(const struct kern_linear *list, int count, int threads, int least,
                      double *all)
{
    double busy[THREADS] = {0}, most = 0, fair = share_fair(list, count, threads);
    *all = 0;
    for (int i = 0; i < count; i++) {
        const struct kern_linear *o = &list[i];
        struct share_cut c = share_cut(o, fair, least);
        for (int p = 0; p < share_parts(o, c); p++) {
            struct share_part part = share_part(o, &c, 1, p);
            double work = (double)part.rows * part.cols * o->k;
            busy[first_free(busy, threads)] += work;
            *all += work;
        }
    }
    for (int i = 0; i < threads; i++)
        most = busy[i] > most ? busy[i] : most;
    return most;
}

/* The share of their time that so many threads compute in a pass, the rest being waits. */
static double busy_share(int tokens, int threads, int least)
{
    double work = 0, time = 0;
    bool whole = true;
    for (int i = 0; i < LISTS; i++) {
        struct kern_linear list[PRODUCTS];
        double all, want = 0;
        step_list(&steps[i], tokens, 101, list);
        time += steps[i].times * longest(list, steps[i].count, threads, least, &all) * threads;
        for (int p = 0; p < steps[i].count; p++)
            want += (double)list[p].m * list[p].n * list[p].k;
        whole = whole && all == want;
        work += steps[i].times * all;
    }
    return whole ? work / time : 0;
}

static void table(void)
{
    printf("| threads | 12 tokens, AVX2 or NEON | AVX-512 | 38 tokens, AVX2 or NEON | AVX-512 |\n"
           "| --- | --- | --- | --- | --- |\n");
    for (int t = 1; t <= THREADS; t *= 2)
        printf("| %d | %.0f %% | %.0f %% | %.0f %% | %.0f %% |\n", t, 100 * busy_share(12, t, 16),
               100 * busy_share(12, t, 32), 100 * busy_share(38, t, 16),
               100 * busy_share(38, t, 32));
}

/* Odd sizes, and none at all. */
static void check_cover(void)
{
    static const int sizes[] = {0, 1, 2, 7, 16, 23, 24, 33, 101, 515, 2500};
    int bad = 0;
    for (int i = 0; i < 11 * 11 * 3; i++) {
        struct kern_linear o = {.m = sizes[i % 11], .n = 1 + sizes[i / 11 % 11], .k = 300};
        double all;
        int threads = i / 121 == 0 ? 2 : i / 121 == 1 ? 16 : 64;
        longest(&o, 1, threads, 16, &all);
        bad += all != (double)o.m * o.n * o.k;
    }
    ok(bad == 0, "parts cover a result once (%d sizes do not)", bad);
}

int main(int argc, char **argv)
{
    static const struct {
        int threads;
        double least[2]; /* with 12 and with 38 tokens */
    } wanted[] = {{2, {0.99, 0.99}}, {4, {0.99, 0.99}}, {16, {0.95, 0.95}}, {64, {0.86, 0.86}}};
    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        table();
        return 0;
    }
    for (int i = 0; i < 4; i++)
        for (int t = 0; t < 2; t++)
            for (int least = 16; least <= 32; least *= 2) {
                double share = busy_share(t ? 38 : 12, wanted[i].threads, least);
                ok(share >= wanted[i].least[t], "%d tokens, %d threads, %d columns: %.0f %% busy",
                   t ? 38 : 12, wanted[i].threads, least, 100 * share);
            }
    ok(busy_share(38, 1, 16) == 1, "one thread is always busy");
    check_cover();
    return tap_done();
}
