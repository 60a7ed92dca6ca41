/* SPDX-License-Identifier: MIT */
/* How sure a mean is, of numbers that say which cluster they belong to (stats_bootstrap). */
#ifndef VS_BOOTSTRAP_H
#define VS_BOOTSTRAP_H

#include <stdint.h>

#define BOOTSTRAP_TIMES 2000
#define BOOTSTRAP_SEED 1

struct bootstrap {
    double mean, low, high; /* 95 % interval; NAN: no numbers; low and high too: one cluster */
    int count, clusters;    /* numbers and clusters that there are */
};

/* The mean of x (n), where NAN is left out. cluster (n): which of them belong together, by any
 * numbers; NULL: each is its own. Of paired numbers x is the differences. The same seed gives the
 * same numbers on every machine. */
struct bootstrap bootstrap_mean(const double *x, const int *cluster, int n, int times,
                                uint64_t seed);

#endif
