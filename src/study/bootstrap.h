/* SPDX-License-Identifier: MIT */
/* How sure a mean is: percentile intervals by resampling (Efron, Tibshirani, An Introduction to the
 * Bootstrap, 1993). Numbers of one image hang together, so whole images are drawn. */
#ifndef VS_BOOTSTRAP_H
#define VS_BOOTSTRAP_H

#include <stdint.h>

#define BOOTSTRAP_TIMES 2000
#define BOOTSTRAP_SEED 1

struct bootstrap {
    double mean, low, high; /* 95 % interval; NAN: no numbers; low and high too: one cluster */
    double p;               /* two-sided: how often the mean would be on the other side of 0 */
    int count, clusters;    /* numbers and clusters that there are */
};

/* The mean of x (n), where NAN is left out. cluster (n): which of them belong together, by any
 * numbers; NULL: each is its own. Of paired numbers x is the differences. The same seed gives the
 * same numbers on every machine. */
struct bootstrap bootstrap_mean(const double *x, const int *cluster, int n, int times,
                                uint64_t seed);

/* The next of a stream of random numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t bootstrap_random(uint64_t *state);
/* One below n, n from 1. */
int bootstrap_below(uint64_t *state, int n);

#endif
