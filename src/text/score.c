/* SPDX-License-Identifier: MIT */
/* Softmax, ranks, overlap. */
#include "src/text/score.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

void score_softmax(const float *x, int n, float *p)
{
    float top = -INFINITY;
    double sum = 0;
    for (int i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++)
        sum += exp((double)x[i] - (double)top);
    for (int i = 0; i < n; i++)
        p[i] = (float)(exp((double)x[i] - (double)top) / sum);
}

const char *const score_scale_names[] = {[SCORE_LOGIT] = "logit", [SCORE_LOG_ODDS] = "log odds"};

double score_log_odds(const float *x, int n, int which)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        if (i != which && (double)x[i] > top)
            top = (double)x[i];
    if (!isfinite(top))
        return INFINITY;
    for (int i = 0; i < n; i++)
        if (i != which)
            sum += exp((double)x[i] - top);
    return (double)x[which] - top - log(sum);
}

float score_sigmoid(float x)
{
    return (float)(1.0 / (1.0 + exp(-(double)x)));
}

static int by_score(const void *a, const void *b, void *scores)
{
    const float *x = scores;
    int i = *(const int *)a, j = *(const int *)b;
    if (x[i] != x[j])
        return x[i] > x[j] ? -1 : 1;
    return (i > j) - (i < j);
}

void score_rank(const float *x, int n, int *order)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    if (n > 1)
        qsort_r(order, (size_t)n, sizeof *order, by_score, (void *)(uintptr_t)x);
}

float score_iou(const float a[4], const float b[4])
{
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + 1;
    float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + 1;
    float area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1);
    float area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1);
    float both = fmaxf(w, 0) * fmaxf(h, 0);
    float all = area_a + area_b - both;
    return both > 0 && all > 0 ? both / all : 0;
}
