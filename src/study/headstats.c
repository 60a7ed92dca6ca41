/* SPDX-License-Identifier: MIT */
/* How attention spreads. */
#include "src/study/headstats.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double sum_of(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] > 0 ? (double)x[i] : 0;
    return sum;
}

double stats_entropy(const float *row, int n)
{
    double sum = sum_of(row, n), h = 0;
    for (int i = 0; i < n && sum > 0; i++)
        if (row[i] > 0)
            h -= row[i] / sum * log(row[i] / sum);
    return h > 0 ? h : 0;
}

static int by_fall(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

int stats_holders(const float *row, int n, double share)
{
    double want = sum_of(row, n) * share, got = 0;
    float *sorted = xmalloc((size_t)n * sizeof *sorted + 1);
    int k = 0;
    for (int i = 0; i < n; i++)
        sorted[i] = row[i] > 0 ? row[i] : 0;
    vs_sort(sorted, (size_t)n, sizeof *sorted, by_fall);
    /* A hair less, or sums in another order would ask for one more. */
    while (k < n && got < want * (1 - 1e-6))
        got += (double)sorted[k++];
    free(sorted);
    return k;
}

static const struct {
    const char *name, *what;
} names[STAT_COUNT] = {
    [STAT_ENTROPY] = {"entropy", "entropy of a row, nats"},
    [STAT_K90] = {"k90", "columns that hold 90 % of a row"},
    [STAT_PEAK] = {"peak", "largest weight of a row"},
    [STAT_CONTENT] = {"content", "weight on words or regions proper"},
    [STAT_SPECIAL] = {"special", "weight on special tokens or the whole image"},
    [STAT_CHOSEN] = {"chosen", "weight on the chosen column"},
};

const char *stats_name(enum head_stat s)
{
    return names[s].name;
}

const char *stats_what(enum head_stat s)
{
    return names[s].what;
}

bool stats_find(const char *name, enum head_stat *out)
{
    for (int i = 0; i < STAT_COUNT; i++)
        if (strcmp(names[i].name, name) == 0) {
            *out = (enum head_stat)i;
            return true;
        }
    return false;
}

static void add_row(const float *row, int cols, const bool *special, double sum[STAT_COUNT])
{
    double peak = 0, on_special = 0;
    for (int j = 0; j < cols; j++) {
        peak = row[j] > peak ? (double)row[j] : peak;
        on_special += special && special[j] ? (double)row[j] : 0;
    }
    sum[STAT_ENTROPY] += stats_entropy(row, cols);
    sum[STAT_K90] += stats_holders(row, cols, 0.9);
    sum[STAT_PEAK] += peak;
    sum[STAT_SPECIAL] += on_special;
    sum[STAT_CONTENT] += sum_of(row, cols) - on_special;
}

void stats_head(const float *map, int rows, int cols, const bool *skip, const bool *special,
                float out[STAT_COUNT])
{
    double sum[STAT_COUNT] = {0};
    int n = 0;
    for (int i = 0; i < rows; i++)
        if (!skip || !skip[i]) {
            add_row(map + (size_t)i * (size_t)cols, cols, special, sum);
            n++;
        }
    for (int s = 0; s < STAT_CHOSEN; s++)
        out[s] = n ? (float)(sum[s] / n) : 0;
}

float stats_on_column(const float *map, int rows, int cols, const bool *skip, int row, int col)
{
    double sum = 0;
    int n = 0;
    if (col < 0 || col >= cols)
        return NAN;
    for (int i = 0; i < rows; i++)
        if (row >= 0 ? i == row : !skip || !skip[i]) {
            sum += (double)map[(size_t)i * (size_t)cols + (size_t)col];
            n++;
        }
    return n ? (float)(sum / n) : NAN;
}

/* Whether a comes after b. */
static bool later(float a, float b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

/* By insertion: lists are short, and usually in order from the frame before. */
void stats_order(const float *x, int n, int *order)
{
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && later(x[order[j - 1]], x[i]); j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
}

double stats_difference(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return n ? sum / n : 0;
}
