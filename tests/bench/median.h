/* SPDX-License-Identifier: MIT */
/* Measured numbers: their order, their middle and how far they lie apart; the most memory. */
#ifndef VS_MEDIAN_H
#define VS_MEDIAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct spread {
    double median, least, upper; /* quartile */
};

/* Of n numbers, at least one, which it sorts. */
static inline struct spread spread_of(double *x, int n)
{
    double middle = median(x, n);
    return (struct spread){middle, x[0], x[3 * n / 4]};
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

/* The most memory that this process had, in MB. What getrusage says includes the process that
 * started this one. */
static inline double peak_memory(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    double kb = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = atof(line + 6);
    if (f)
        fclose(f);
    return kb / 1024;
}

#endif
