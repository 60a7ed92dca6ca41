/* SPDX-License-Identifier: MIT */
/* Statistics of what was measured: intervals of differences, tests, corrections for many of them,
 * and how far confidence can be trusted. Plain arithmetic: what items are is the caller's.
 * (Wilson's interval of a share: eval_interval in eval.h.) */
#ifndef VS_STATISTICS_H
#define VS_STATISTICS_H

#include <stdint.h>

/* The next of a stream of random numbers, 0 to count - 1; count from 1. */
int stats_roll_below(uint64_t *state, int count);

/* x as it is printed with so many digits behind the point: 0 where nothing is left of it, never
 * "-0.0". */
double stats_shown(double x, int digits);

/* What items that belong together add up to: those of one image are not independent. */
struct stats_cluster {
    double sum; /* of the items' values */
    int count;  /* of its items, at least 1 */
};
/* The 95 % interval of the mean over all items: percentiles of the means of `resamples` drawings of
 * whole clusters with replacement (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
 * chapters 8 and 13; clusters: Field and Welsh, JRSS B 2007). The same seed gives the same numbers
 * on every machine. Both are NAN with fewer than two clusters. */
void stats_bootstrap(const struct stats_cluster *list, int count, int resamples, uint64_t seed,
                     double *low, double *high);

/* The exact test of McNemar (Psychometrika 1947), two-sided: of items that only one of two gets
 * right, whether `first` of one and `second` of the other are as chance would have it. Twice the
 * smaller tail of the binomial distribution with p = 1/2, at most 1. */
double stats_mcnemar(int64_t first, int64_t second);

/* p values (count) of tests that were made together, adjusted; in the order of p, into out, which
 * may be p. Holm (Scandinavian Journal of Statistics 1979): the chance that any of those below a
 * level is a false one stays below it. */
void stats_holm(const double *p, int count, double *out);
/* Benjamini and Hochberg (JRSS B 1995): the expected share of false ones among those below a level
 * stays below it. */
void stats_false_discovery(const double *p, int count, double *out);

/* ---- confidence */

#define STATS_BINS 15     /* as Guo et al. have it */
#define STATS_COVERAGES 10
struct stats_bin {
    int count;
    double confidence, right; /* means; 0 without items */
};
struct stats_calibration {
    int count;
    double confidence, right;         /* means; NAN without items */
    struct stats_bin bins[STATS_BINS]; /* of equal width; the first one has 0, the last one 1 */
    double ece;   /* expected calibration error (Guo et al., ICML 2017): the mean of |right -
                     confidence| of the bins, weighted by their items */
    double brier; /* Brier (Monthly Weather Review 1950): mean square of confidence - right */
    /* Risk: the share of wrong ones among the surest items. Of the surest tenth, two tenths, ...,
     * all; and the mean over all coverages, AURC (Geifman and El-Yaniv, NeurIPS 2017). Of equally
     * sure items each is taken for the mean of them, so that no order is made up. */
    double risk[STATS_COVERAGES], aurc;
};
struct stats_item {
    double confidence, right; /* 0 to 1 */
};
/* list (count) is put in order by confidence. */
void stats_calibrate(struct stats_item *list, int count, struct stats_calibration *out);

#endif
