/* SPDX-License-Identifier: MIT */
/* Statistics of what was measured, against numbers that were counted by hand or with exact
 * fractions. A tail too many or too few, a correction in another order, clusters that are drawn as
 * single items, a bin whose edge is its neighbour's, or an order that is made up among equally sure
 * items breaks it. */
#include "tap.h"

#include "src/base/mem.h"
#include "src/study/statistics.h"

#include <math.h>

static bool near(double a, double b, double within)
{
    return fabs(a - b) <= within;
}

/* 2 * sum of the binomial coefficients / 2^n, as fractions of whole numbers. */
static void mcnemar(void)
{
    static const struct {
        int64_t first, second;
        double p;
    } want[] = {{5, 15, 0.04138946533203125}, {15, 5, 0.04138946533203125}, {0, 6, 0.03125},
                {3, 1, 0.625}, {10, 10, 1}, {0, 0, 1}, {100, 150, 0.001883300935076157},
                {4000, 4200, 0.027972423571324383}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        double p = stats_mcnemar(want[i].first, want[i].second);
        ok(near(p, want[i].p, 1e-10), "McNemar %d, %d: %.15g", (int)want[i].first,
           (int)want[i].second, p);
    }
    double p = stats_mcnemar(0, 100000);
    ok(p >= 0 && p < 1e-300, "no end of items");
}

static void corrections(void)
{
    static const double p[] = {0.01, 0.04, 0.03, 0.005}, holm[] = {0.03, 0.06, 0.06, 0.02},
                        found[] = {0.02, 0.04, 0.04, 0.02};
    double out[4], same[] = {0.5, 0.9};
    stats_holm(p, 4, out);
    for (int i = 0; i < 4; i++)
        ok(near(out[i], holm[i], 1e-15), "Holm of %g: %g", p[i], out[i]);
    stats_false_discovery(p, 4, out);
    for (int i = 0; i < 4; i++)
        ok(near(out[i], found[i], 1e-15), "false discovery of %g: %g", p[i], out[i]);
    stats_holm(same, 2, same);
    ok(near(same[0], 1, 0) && near(same[1], 1, 0), "never above 1, and in place");
    stats_holm(p, 0, out);
    stats_false_discovery(p, 0, out);
}

/* With two clusters there are four drawings: both of one in a quarter each. */
static void few_clusters(void)
{
    static const struct stats_cluster two[] = {{0, 1}, {3, 3}};
    double low, high;
    stats_bootstrap(two, 2, 4000, 1, &low, &high);
    ok(near(low, 0, 0) && near(high, 1, 0), "two clusters: %g to %g", low, high);
    stats_bootstrap(two + 1, 1, 4000, 1, &low, &high);
    ok(isnan(low) && isnan(high), "one cluster: no interval");
    stats_bootstrap(two, 0, 4000, 1, &low, &high);
    ok(isnan(low) && isnan(high), "none: no interval");
}

/* Clusters of four equal items: the interval is twice as wide as of as many single items, which is
 * 1.96 standard errors (Cochran, Sampling Techniques, 1977, 9.2: the clusters' variance). */
static void many_clusters(void)
{
    enum { N = 400 };
    struct stats_cluster list[N], single[4 * N];
    double low, high, again, other;
    for (int i = 0; i < N; i++)
        list[i] = (struct stats_cluster){i % 2 ? 4 : 0, 4};
    for (int i = 0; i < 4 * N; i++)
        single[i] = (struct stats_cluster){i % 2, 1};
    stats_bootstrap(list, N, 4000, 7, &low, &high);
    ok(near(high - low, 2 * 1.96 * 0.5 / sqrt(N), 0.006) && near((low + high) / 2, 0.5, 0.006),
       "clusters: %g to %g", low, high);
    stats_bootstrap(list, N, 4000, 7, &again, &other);
    ok(near(low, again, 0) && near(high, other, 0), "the same seed, the same numbers");
    stats_bootstrap(list, N, 4000, 8, &again, &other);
    ok(!near(low, again, 0) || !near(high, other, 0), "another seed, others");
    ok(near(low, 0.45, 0.01), "of one seed: %.6f", low);
    stats_bootstrap(single, 4 * N, 4000, 7, &low, &high);
    ok(near(high - low, 2 * 1.96 * 0.5 / sqrt(4 * N), 0.004), "single items: %g to %g", low, high);
}

static void calibration(void)
{
    struct stats_item list[] = {{0.55, 0}, {0.95, 1}, {0.9, 0}, {0.6, 1}, {0.9, 1}, {0.3, 0}};
    static const double risks[] = {0, 0.25, 1. / 3, 0.25, 0.4, 0.5};
    struct stats_calibration c;
    stats_calibrate(list, 6, &c);
    ok(c.count == 6 && near(c.ece, 0.21666666666666665, 1e-15), "calibration error %.17g", c.ece);
    ok(near(c.brier, 0.2291666666666667, 1e-15), "Brier %.17g", c.brier);
    ok(c.bins[4].count == 1 && c.bins[8].count == 2 && c.bins[13].count == 2 &&
       c.bins[14].count == 1 && near(c.bins[13].right, 0.5, 1e-15) &&
       near(c.bins[8].confidence, 0.575, 1e-15), "0.6 is in the ninth of 15 bins");
    ok(near(c.aurc, 0.28888888888888886, 1e-15), "area under risk and coverage %.17g", c.aurc);
    ok(near(c.risk[9], 0.5, 1e-15) && near(c.risk[0], risks[0], 1e-15) &&
       near(c.risk[4], risks[2], 1e-15) && near(c.risk[2], risks[1], 1e-15),
       "risk of the surest item, two (of two that are as sure), three, all");
    struct stats_item ends[] = {{0, 0}, {1, 1}};
    stats_calibrate(ends, 2, &c);
    ok(c.bins[0].count == 1 && c.bins[14].count == 1 && near(c.ece, 0, 0) && near(c.brier, 0, 0),
       "0 and 1 are in the outermost bins");
    stats_calibrate(ends, 0, &c);
    ok(isnan(c.ece) && isnan(c.aurc) && isnan(c.risk[3]), "of nothing there is none");
}

int main(void)
{
    mcnemar();
    corrections();
    few_clusters();
    many_clusters();
    calibration();
    return tap_done();
}
