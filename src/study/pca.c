/* SPDX-License-Identifier: MIT */
/* Principal components from the points' inner products: there are fewer points than dimensions. */
#include "src/study/pca.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 500

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

float project_cosine(const float *a, const float *b, int dim)
{
    double n = sqrt(dot(a, a, dim) * dot(b, b, dim));
    double c = n > 0 ? dot(a, b, dim) / n : 0;
    return (float)(c > 1 ? 1 : c < -1 ? -1 : c);
}

/* Inner products (n, n) of the points with their mean taken away, from those without. */
static void center(double *g, int n)
{
    double *mean = xcalloc((size_t)n + 1, sizeof *mean), all = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            mean[i] += g[i * n + j] / n;
        all += mean[i] / n;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            g[i * n + j] += all - mean[i] - mean[j];
    free(mean);
}

static double length(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* The largest eigenvalue of g and its vector of length 1, by powers. */
static double largest(const double *g, int n, double *v)
{
    double *next = xcalloc((size_t)n + 1, sizeof *next), value = 0;
    for (int i = 0; i < n; i++)
        v[i] = 1 + 0.37 * ((i * 7919) % 101) / 101; /* at right angles to nothing but by chance */
    for (int step = 0; step < MOST_STEPS; step++) {
        double change = 0;
        for (int i = 0; i < n; i++) {
            next[i] = 0;
            for (int j = 0; j < n; j++)
                next[i] += g[i * n + j] * v[j];
        }
        value = length(next, n);
        for (int i = 0; i < n; i++) {
            double to = value > 0 ? next[i] / value : 0;
            change += (to - v[i]) * (to - v[i]);
            v[i] = to;
        }
        if (change < 1e-14 || value <= 0)
            break;
    }
    free(next);
    return value;
}

static void take_away(double *g, int n, double value, const double *v)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            g[i * n + j] -= value * v[i] * v[j];
}

void project_plane(const float *const *x, int n, int dim, float *xy, float share[2])
{
    double *g = xcalloc((size_t)n * (size_t)n + 1, sizeof *g), total = 0, scale = 0;
    double *v = xcalloc((size_t)n + 1, sizeof *v);
    share[0] = share[1] = 0;
    memset(xy, 0, (size_t)n * 2 * sizeof *xy);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            g[i * n + j] = g[j * n + i] = dot(x[i], x[j], dim);
    for (int i = 0; i < n; i++)
        scale += g[i * n + i];
    center(g, n);
    for (int i = 0; i < n; i++)
        total += g[i * n + i];
    for (int k = 0; k < 2 && total > 1e-12 * scale; k++) {
        double value = largest(g, n, v), root = sqrt(value);
        if (value <= 1e-9 * total)
            break;
        share[k] = (float)(value / total < 1 ? value / total : 1);
        for (int i = 0; i < n; i++)
            xy[2 * i + k] = (float)(v[0] < 0 ? -v[i] * root : v[i] * root);
        take_away(g, n, value, v);
    }
    free(g);
    free(v);
}
