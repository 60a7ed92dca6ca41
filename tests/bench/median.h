/* SPDX-License-Identifier: MIT */
/* The order and the middle of measured numbers. */
#ifndef VS_MEDIAN_H
#define VS_MEDIAN_H

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

#endif
