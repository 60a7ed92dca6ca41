/* SPDX-License-Identifier: MIT */
/* How attention spreads: arithmetic on the rows of maps. It knows nothing of screens or results. */
#ifndef UI_STATS_H
#define UI_STATS_H

#include <stdbool.h>

/* Of a row's weights, whatever they sum to; n from 1. In nats: log(n) when all are equal, 0 when
 * one has all, and 0 for a row without weight. */
double stats_entropy(const float *row, int n);
/* How many of the heaviest hold this share, 0 to 1, of the row's weight; 0 for one without. */
int stats_holders(const float *row, int n, double share);

/* What is told of a head: means over the rows of its map. */
enum head_stat {
    STAT_ENTROPY, /* nats */
    STAT_K90,     /* how many columns hold 90 % of a row */
    STAT_PEAK,    /* the largest weight of a row */
    STAT_CONTENT, /* the weight on words or regions proper */
    STAT_SPECIAL, /* the weight on special tokens or the whole image */
    STAT_CHOSEN,  /* the weight on the chosen column; NaN when there is none */
    STAT_COUNT
};
const char *stats_name(enum head_stat s); /* "entropy" */
const char *stats_what(enum head_stat s); /* with its unit, in a few words */
/* False when there is no such name. */
bool stats_find(const char *name, enum head_stat *out);

/* map (rows, cols). skip (rows) are left out of the means, special (cols) are what STAT_SPECIAL
 * counts; both may be NULL. STAT_CHOSEN is left as it is. */
void stats_head(const float *map, int rows, int cols, const bool *skip, const bool *special,
                float out[STAT_COUNT]);
/* The mean weight on column col, of row `row` alone when that is not -1. NaN for col -1. */
float stats_on_column(const float *map, int rows, int cols, const bool *skip, int row, int col);

/* Places 0 to n-1 by falling x, NaN last; equal ones keep their order. order (n) is the
 * caller's. */
void stats_order(const float *x, int n, int *order);
/* The mean of |a - b| over n numbers. */
double stats_difference(const float *a, const float *b, int n);

#endif
