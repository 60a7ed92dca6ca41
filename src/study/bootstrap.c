/* SPDX-License-Identifier: MIT */
/* Resampling. */
#include "src/study/bootstrap.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

uint64_t bootstrap_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int bootstrap_below(uint64_t *state, int n)
{
    return (int)((bootstrap_random(state) >> 32) * (uint64_t)n >> 32);
}

/* ---- clusters: their sums are all that is drawn from */

struct bootstrap_number {
    int cluster, place;
    double x;
};

struct bootstrap_cluster {
    double sum;
    int count;
};

/* By cluster; inside of one as they were given, so that sums are the same everywhere. */
static int bootstrap_by_cluster(const void *a, const void *b)
{
    const struct bootstrap_number *x = a, *y = b;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static struct bootstrap_cluster *bootstrap_sums(const double *x, const int *cluster, int n,
                                                int *count)
{
    struct bootstrap_number *list = xcalloc((size_t)n + 1, sizeof *list);
    struct bootstrap_cluster *sums = xcalloc((size_t)n + 1, sizeof *sums);
    int there = 0, at = -1;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            list[there++] = (struct bootstrap_number){cluster ? cluster[i] : i, i, x[i]};
    qsort(list, (size_t)there, sizeof *list, bootstrap_by_cluster);
    for (int i = 0; i < there; i++) {
        at += i == 0 || list[i].cluster != list[i - 1].cluster;
        sums[at].sum += list[i].x;
        sums[at].count++;
    }
    free(list);
    *count = at + 1;
    return sums;
}

/* ---- drawing */

static int bootstrap_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted numbers the one at a share of the way, between neighbours by their distance. */
static double bootstrap_quantile(const double *x, int n, double share)
{
    double at = share * (n - 1);
    int i = (int)at;
    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}

static double bootstrap_draw(const struct bootstrap_cluster *sums, int n, uint64_t *state)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < n; i++) {
        const struct bootstrap_cluster *c = &sums[bootstrap_below(state, n)];
        sum += c->sum;
        count += c->count;
    }
    return sum / count;
}

struct bootstrap bootstrap_mean(const double *x, const int *cluster, int n, int times,
                                uint64_t seed)
{
    struct bootstrap out = {.mean = NAN, .low = NAN, .high = NAN, .p = NAN};
    struct bootstrap_cluster *sums = bootstrap_sums(x, cluster, n, &out.clusters);
    double *means = xcalloc((size_t)times + 1, sizeof *means), sum = 0;
    int below = 0, above = 0;
    for (int i = 0; i < out.clusters; i++) {
        sum += sums[i].sum;
        out.count += sums[i].count;
    }
    if (out.count > 0)
        out.mean = sum / out.count;
    for (int i = 0; i < times && out.clusters > 1; i++) {
        means[i] = bootstrap_draw(sums, out.clusters, &seed);
        below += means[i] <= 0;
        above += means[i] >= 0;
    }
    if (times > 0 && out.clusters > 1) {
        int less = below < above ? below : above;
        qsort(means, (size_t)times, sizeof *means, bootstrap_compare);
        out.low = bootstrap_quantile(means, times, 0.025);
        out.high = bootstrap_quantile(means, times, 0.975);
        out.p = fmin(1, 2.0 * (less + 1) / (times + 1));
    }
    free(means);
    free(sums);
    return out;
}
