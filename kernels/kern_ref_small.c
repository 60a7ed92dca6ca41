/* SPDX-License-Identifier: MIT */
/* The readable reference of copying, means, softmax, silencing and suppression: plain loops, sums
 * in double, nothing shared with the fast ones. */
#include "kernels/kern_priv.h"

#include <math.h>
#include <stdlib.h>

/* The mean of n numbers that lie ld apart, without those whose skip is not 0; of none it is NaN. */
static double mean_of(const float *x, ptrdiff_t ld, int n, const float *skip)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < n; i++)
        if (!skip || skip[i] == 0) {
            sum += (double)x[i * ld];
            count++;
        }
    return sum / count;
}

void kern_gather_rows_ref(struct kern *k, const struct kern_gather_rows *o)
{
    (void)k;
    for (int i = 0; i < o->m; i++) {
        int from = o->index ? o->index[i] : i;
        for (int j = 0; j < o->n; j++)
            o->y[i * o->ldy + j] = o->x[from * o->ldx + j];
    }
}

void kern_mean_ref(struct kern *k, const struct kern_mean *o)
{
    (void)k;
    for (int j = 0; j < o->n; j++)
        o->y[j] = (float)mean_of(o->x + j, o->ldx, o->m, o->skip);
}

void kern_softmax_ref(struct kern *k, float *x, int m, int n)
{
    (void)k;
    for (int i = 0; i < m; i++) {
        float *row = x + (ptrdiff_t)i * n;
        double top = -INFINITY, sum = 0;
        for (int j = 0; j < n; j++)
            top = (double)row[j] > top ? (double)row[j] : top;
        for (int j = 0; j < n; j++)
            sum += exp((double)row[j] - top);
        for (int j = 0; j < n; j++)
            row[j] = (float)(exp((double)row[j] - top) / sum);
    }
}

/* ---- silencing */

static int count_real(const struct kern_silenced *o)
{
    int count = 0;
    for (int j = 0; j < o->tk; j++)
        count += !o->key_bias || o->key_bias[j] == 0;
    return count;
}

/* What stands in place of column d of the head's output. */
static double output_of(const struct kern_silenced *o, int d)
{
    switch (o->how) {
    case KERN_ZERO: return 0;
    case KERN_UNIFORM: return count_real(o) ? mean_of(o->v + d, o->ldv, o->tk, o->key_bias) : 0;
    case KERN_MEAN: return mean_of(o->out + d, o->ldo, o->tq, NULL);
    }
    return 0;
}

/* The same for the probabilities of key j. */
static double prob_of(const struct kern_silenced *o, int j)
{
    bool real = !o->key_bias || o->key_bias[j] == 0;
    switch (o->how) {
    case KERN_ZERO: return 0;
    case KERN_UNIFORM: return real ? 1.0 / count_real(o) : 0;
    case KERN_MEAN: return mean_of(o->probs + j, o->tk, o->tq, NULL);
    }
    return 0;
}

void kern_silence_ref(struct kern *k, const struct kern_silenced *o)
{
    (void)k;
    for (int d = 0; d < o->dh; d++) {
        double x = output_of(o, d);
        for (int i = 0; i < o->tq; i++)
            o->out[i * o->ldo + d] = (float)x;
    }
    for (int j = 0; o->probs && j < o->tk; j++) {
        double p = prob_of(o, j);
        for (int i = 0; i < o->tq; i++)
            o->probs[(ptrdiff_t)i * o->tk + j] = (float)p;
    }
}

/* ---- the detector's */

void kern_upsample_ref(struct kern *k, const struct kern_upsample *o)
{
    (void)k;
    for (int y = 0; y < o->h; y++)
        for (int x = 0; x < o->w; x++)
            for (int c = 0; c < o->c; c++) {
                int sy = y / 2 < o->sh ? y / 2 : o->sh - 1, sx = x / 2 < o->sw ? x / 2 : o->sw - 1;
                double more = (double)o->small[((ptrdiff_t)sy * o->sw + sx) * o->c + c];
                float *to = &o->x[((ptrdiff_t)y * o->w + x) * o->c + c];
                *to = (float)((double)*to + more);
            }
}

static double side(double from, double to)
{
    return to - from + 1;
}

/* Intersection over union of boxes x1 y1 x2 y2, sides with their last pixel, as float32. */
static float overlap_of(const float *a, const float *b)
{
    double w = side(fmax((double)a[0], (double)b[0]), fmin((double)a[2], (double)b[2]));
    double h = side(fmax((double)a[1], (double)b[1]), fmin((double)a[3], (double)b[3]));
    if (w <= 0 || h <= 0)
        return 0;
    double all = side((double)a[0], (double)a[2]) * side((double)a[1], (double)a[3]) +
                 side((double)b[0], (double)b[2]) * side((double)b[1], (double)b[3]);
    return (float)(w * h / (all - w * h));
}

void kern_overlaps_ref(struct kern *k, const struct kern_overlaps *o)
{
    int words = (o->n + 63) / 64;
    (void)k;
    for (int i = 0; i < o->n; i++)
        for (int j = 0; j < words * 64; j++) {
            uint64_t *word = &o->matrix[(ptrdiff_t)i * words + j / 64], bit = (uint64_t)1 << j % 64;
            *word = j % 64 ? *word : 0;
            if (j < o->n && overlap_of(o->boxes + 4 * (ptrdiff_t)i, o->boxes + 4 * (ptrdiff_t)j) >
                                o->threshold)
                *word |= bit;
        }
}

struct scored {
    float score;
    int index;
};

/* The greater score first, NaN before all as for torch.sort, then the smaller index. */
static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    bool nan_x = x->score != x->score, nan_y = y->score != y->score;
    if (nan_x != nan_y)
        return nan_x ? -1 : 1;
    if (!nan_x && x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index - y->index;
}

static void suppress_class(const struct kern_nms *o, int class, struct scored *list, bool *lost)
{
    int words = (o->n + 63) / 64;
    for (int i = 0; i < o->n; i++) {
        list[i] = (struct scored){o->scores[(ptrdiff_t)i * o->classes + class], i};
        lost[i] = false;
    }
    qsort(list, (size_t)o->n, sizeof *list, by_score);
    for (int i = 0; i < o->n; i++) {
        int best = list[i].index;
        if (lost[best])
            continue;
        for (int j = 0; j < o->n; j++)
            lost[j] |= o->matrix[(ptrdiff_t)best * words + j / 64] >> j % 64 & 1;
        if (list[i].score > o->conf_thresh && list[i].score > o->conf[best])
            o->conf[best] = list[i].score;
    }
}

void kern_nms_ref(struct kern *k, const struct kern_nms *o)
{
    struct scored *list = scratch_alloc((size_t)o->n * sizeof *list);
    bool *lost = scratch_alloc((size_t)o->n * sizeof *lost);
    (void)k;
    for (int i = 0; i < o->n; i++)
        o->conf[i] = 0;
    for (int c = o->first; c < o->classes; c++)
        suppress_class(o, c, list, lost);
    scratch_free(list);
    scratch_free(lost);
}
