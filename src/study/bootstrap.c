/* SPDX-License-Identifier: MIT */
/* Means of numbers in clusters. */
#include "src/study/bootstrap.h"

#include "src/base/mem.h"
#include "src/study/statistics.h"

#include <math.h>
#include <stdlib.h>

struct bootstrap_number {
    int cluster, place;
    double x;
};

/* By cluster; inside of one as they were given, so that sums are the same everywhere. */
static int bootstrap_by_cluster(const void *a, const void *b)
{
    const struct bootstrap_number *x = a, *y = b;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static struct stats_cluster *bootstrap_sums(const double *x, const int *cluster, int n, int *count)
{
    struct bootstrap_number *list = xcalloc((size_t)n + 1, sizeof *list);
    struct stats_cluster *sums = xcalloc((size_t)n + 1, sizeof *sums);
    int there = 0, at = -1;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            list[there++] = (struct bootstrap_number){cluster ? cluster[i] : i, i, x[i]};
    vs_sort(list, (size_t)there, sizeof *list, bootstrap_by_cluster);
    for (int i = 0; i < there; i++) {
        at += i == 0 || list[i].cluster != list[i - 1].cluster;
        sums[at].sum += list[i].x;
        sums[at].count++;
    }
    free(list);
    *count = at + 1;
    return sums;
}

struct bootstrap bootstrap_mean(const double *x, const int *cluster, int n, int times,
                                uint64_t seed)
{
    struct bootstrap out = {.mean = NAN, .low = NAN, .high = NAN};
    struct stats_cluster *sums = bootstrap_sums(x, cluster, n, &out.clusters);
    double sum = 0;
    for (int i = 0; i < out.clusters; i++) {
        sum += sums[i].sum;
        out.count += sums[i].count;
    }
    if (out.count > 0)
        out.mean = sum / out.count;
    stats_bootstrap(sums, out.clusters, times, seed, &out.low, &out.high);
    free(sums);
    return out;
}
