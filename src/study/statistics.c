/* SPDX-License-Identifier: MIT */
/* Statistics of what was measured; formulas and their sources are in the header. */
#include "src/study/statistics.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int stats_ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* ---- the bootstrap */

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t stats_roll(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* With 32 bits for a count the odds differ by less than one in four thousand millions of them. */
int stats_roll_below(uint64_t *state, int count)
{
    return (int)(((stats_roll(state) >> 32) * (uint64_t)count) >> 32);
}

double stats_shown(double x, int digits)
{
    return fabs(x) < 0.5 * pow(10, -digits) ? 0 : x;
}

/* Of a sorted list, between its entries. */
static double stats_quantile(const double *sorted, int count, double share)
{
    double at = share * (count - 1);
    int i = (int)at;
    return i + 1 < count ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[count - 1];
}

void stats_bootstrap(const struct stats_cluster *list, int count, int resamples, uint64_t seed,
                     double *low, double *high)
{
    *low = *high = (double)NAN;
    if (count < 2 || resamples < 1)
        return;
    double *means = xcalloc((size_t)resamples, sizeof *means);
    for (int r = 0; r < resamples; r++) {
        double sum = 0;
        int64_t items = 0;
        for (int i = 0; i < count; i++) {
            const struct stats_cluster *c = &list[stats_roll_below(&seed, count)];
            sum += c->sum;
            items += c->count;
        }
        means[r] = sum / (double)items;
    }
    vs_sort(means, (size_t)resamples, sizeof *means, stats_ascending);
    *low = stats_quantile(means, resamples, 0.025);
    *high = stats_quantile(means, resamples, 0.975);
    free(means);
}

/* ---- tests */

/* Terms of the tail are added from the largest one on, as shares of it: nothing overflows. */
double stats_mcnemar(int64_t first, int64_t second)
{
    int64_t n = first + second, k = first < second ? first : second;
    double term = 1, sum = 0;
    if (n == 0)
        return 1;
    for (int64_t i = k; i >= 0 && term > 1e-18; i--) {
        sum += term;
        term *= (double)i / (double)(n - i + 1);
    }
    double log_largest = lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1)
                         - (double)n * log(2);
    double p = 2 * sum * exp(log_largest);
    return p > 1 ? 1 : p;
}

struct stats_test {
    double p;
    int place;
};

static int stats_by_p(const void *a, const void *b)
{
    const struct stats_test *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return x->place - y->place;
}

static struct stats_test *stats_sorted(const double *p, int count)
{
    struct stats_test *list = xcalloc((size_t)count + 1, sizeof *list);
    for (int i = 0; i < count; i++)
        list[i] = (struct stats_test){p[i], i};
    vs_sort(list, (size_t)count, sizeof *list, stats_by_p);
    return list;
}

void stats_holm(const double *p, int count, double *out)
{
    struct stats_test *list = stats_sorted(p, count);
    double most = 0;
    for (int i = 0; i < count; i++) {
        most = fmax(most, fmin(1, list[i].p * (count - i)));
        out[list[i].place] = most;
    }
    free(list);
}

void stats_false_discovery(const double *p, int count, double *out)
{
    struct stats_test *list = stats_sorted(p, count);
    double least = 1;
    for (int i = count - 1; i >= 0; i--) {
        least = fmin(least, list[i].p * count / (i + 1));
        out[list[i].place] = least;
    }
    free(list);
}

/* ---- confidence */

static int stats_surest_first(const void *a, const void *b)
{
    const struct stats_item *x = a, *y = b;
    return (x->confidence < y->confidence) - (x->confidence > y->confidence);
}

static void stats_fill_bins(const struct stats_item *list, struct stats_calibration *c)
{
    for (int i = 0; i < c->count; i++) {
        int at = (int)ceil(list[i].confidence * STATS_BINS) - 1;
        struct stats_bin *b = &c->bins[at < 0 ? 0 : at < STATS_BINS ? at : STATS_BINS - 1];
        double miss = list[i].confidence - list[i].right;
        b->count++;
        b->confidence += list[i].confidence;
        b->right += list[i].right;
        c->confidence += list[i].confidence / c->count;
        c->right += list[i].right / c->count;
        c->brier += miss * miss / c->count;
    }
    for (int i = 0; i < STATS_BINS; i++) {
        struct stats_bin *b = &c->bins[i];
        if (b->count == 0)
            continue;
        b->confidence /= b->count;
        b->right /= b->count;
        c->ece += fabs(b->confidence - b->right) * b->count / c->count;
    }
}

/* The coverages whose last item is number `taken`. */
static void stats_note_risk(struct stats_calibration *c, int taken, double risk)
{
    for (int k = 1; k <= STATS_COVERAGES; k++) {
        int last = (int)(((int64_t)k * c->count + STATS_COVERAGES - 1) / STATS_COVERAGES);
        if (last == taken)
            c->risk[k - 1] = risk;
    }
    c->aurc += risk / c->count;
}

static void stats_fill_risks(const struct stats_item *list, struct stats_calibration *c)
{
    double wrong = 0;
    for (int from = 0, to; from < c->count; from = to) {
        double here = 0;
        for (to = from; to < c->count && list[to].confidence == list[from].confidence; to++)
            here += 1 - list[to].right;
        for (int i = from; i < to; i++)
            stats_note_risk(c, i + 1, (wrong + here * (i + 1 - from) / (to - from)) / (i + 1));
        wrong += here;
    }
}

void stats_calibrate(struct stats_item *list, int count, struct stats_calibration *out)
{
    *out = (struct stats_calibration){.count = count};
    if (count == 0) {
        out->confidence = out->right = out->ece = out->brier = out->aurc = (double)NAN;
        for (int i = 0; i < STATS_COVERAGES; i++)
            out->risk[i] = (double)NAN;
        return;
    }
    vs_sort(list, (size_t)count, sizeof *list, stats_surest_first);
    stats_fill_bins(list, out);
    stats_fill_risks(list, out);
}
