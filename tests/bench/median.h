/* SPDX-License-Identifier: MIT */
/* The order and the middle of measured numbers, and a line about them. */
#ifndef VS_MEDIAN_H
#define VS_MEDIAN_H

#include <stdio.h>
#include <stdlib.h>

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts n numbers, at least one: x[0] is then the least. */
static inline double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

/* Says how long something took, n times; limit 0: none. Returns the median. */
static inline double report(const char *what, double *ms, int n, double limit)
{
    double middle = median(ms, n);
    printf("%-44s %8.3f ms median %8.3f at 95 %% %8.3f most", what, middle, ms[n * 95 / 100],
           ms[n - 1]);
    if (limit > 0)
        printf("   limit %g: %s", limit, middle < limit ? "kept" : "ABOVE");
    putchar('\n');
    return middle;
}

#endif
