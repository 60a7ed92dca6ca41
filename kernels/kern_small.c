/* SPDX-License-Identifier: MIT */
/* Small operations that all CPU back ends share: bound by memory, or seldom. */
#include "kernels/kern_priv.h"
#include "kernels/overlap.h"

#include <string.h>

/* Bits, not numbers: a loop without branches and without a chain of sums. */
bool kern_is_finite(const void *x, size_t n)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)x + 4 * i, sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad == 0;
}

void kern_gather_rows_cpu(struct kern *k, const struct kern_gather_rows *o)
{
    (void)k;
    for (int i = 0; i < o->m; i++)
        memcpy(o->y + i * o->ldy, o->x + (o->index ? o->index[i] : i) * o->ldx,
               (size_t)o->n * sizeof *o->y);
}

void kern_mean_cpu(struct kern *k, const struct kern_mean *o)
{
    int count = 0;
    (void)k;
    memset(o->y, 0, (size_t)o->n * sizeof *o->y);
    for (int i = 0; i < o->m; i++) {
        if (o->skip && o->skip[i] != 0)
            continue;
        count++;
        for (int j = 0; j < o->n; j++)
            o->y[j] += o->x[i * o->ldx + j];
    }
    for (int j = 0; j < o->n; j++)
        o->y[j] /= (float)count;
}

void kern_mean_back_cpu(struct kern *k, const struct kern_mean_back *o)
{
    int count = 0;
    (void)k;
    for (int i = 0; i < o->m; i++)
        count += !o->skip || o->skip[i] == 0;
    for (int i = 0; i < o->m; i++) {
        bool real = !o->skip || o->skip[i] == 0;
        float *dx = o->dx + i * o->ldx;
        const float *r = o->residual ? o->residual + i * o->ldx : NULL;
        for (int j = 0; j < o->n; j++) {
            float x = r ? r[j] : 0;
            dx[j] = real ? x + o->dy[j] / (float)count : x;
        }
    }
}

void kern_scatter_rows_cpu(struct kern *k, const struct kern_scatter_rows *o)
{
    (void)k;
    for (int r = 0; r < o->rows; r++)
        memset(o->y + r * o->ldy, 0, (size_t)o->n * sizeof *o->y);
    for (int i = 0; i < o->m; i++)
        memcpy(o->y + (o->index ? o->index[i] : i) * o->ldy, o->x + i * o->ldx,
               (size_t)o->n * sizeof *o->y);
}

void kern_upsample_cpu(struct kern *k, const struct kern_upsample *o)
{
    (void)k;
    for (int y = 0; y < o->h; y++)
        for (int i = 0; i < o->w; i++) {
            int sy = y / 2 < o->sh ? y / 2 : o->sh - 1, sx = i / 2 < o->sw ? i / 2 : o->sw - 1;
            float *to = o->x + ((ptrdiff_t)y * o->w + i) * o->c;
            const float *from = o->small + ((ptrdiff_t)sy * o->sw + sx) * o->c;
            for (int c = 0; c < o->c; c++)
                to[c] += from[c];
        }
}

static void overlaps_row(void *arg, int i)
{
    const struct kern_overlaps *o = arg;
    int words = (o->n + 63) / 64;
    uint64_t *row = o->matrix + (ptrdiff_t)i * words;
    memset(row, 0, (size_t)words * sizeof *row);
    for (int j = 0; j < o->n; j++)
        if (boxes_overlap(o->boxes + 4 * (ptrdiff_t)i, o->boxes + 4 * (ptrdiff_t)j, o->threshold))
            row[j / 64] |= (uint64_t)1 << (j % 64);
}

void kern_overlaps_cpu(struct kern *k, const struct kern_overlaps *o)
{
    pool_run(k->pool, o->n, overlaps_row, (void *)(uintptr_t)o);
}

/* ---- silencing */

static bool is_real(const struct kern_silenced *o, int j)
{
    return !o->key_bias || o->key_bias[j] == 0;
}

/* What stands in place of column d of the head's output, for all queries. */
static float stand_in(const struct kern_silenced *o, int d)
{
    double sum = 0;
    int n = 0;
    for (int j = 0; o->how == KERN_UNIFORM && j < o->tk; j++)
        if (is_real(o, j)) {
            sum += o->v[j * o->ldv + d];
            n++;
        }
    for (int i = 0; o->how == KERN_MEAN && i < o->tq; i++, n++)
        sum += o->out[i * o->ldo + d];
    return n ? (float)(sum / n) : 0;
}

/* The same for column j of its probabilities. */
static float stand_in_prob(const struct kern_silenced *o, int j)
{
    double sum = 0;
    int n = 0;
    for (int t = 0; t < o->tk; t++)
        n += is_real(o, t);
    if (o->how == KERN_UNIFORM)
        return is_real(o, j) ? 1 / (float)n : 0;
    for (int i = 0; o->how == KERN_MEAN && i < o->tq; i++)
        sum += o->probs[(ptrdiff_t)i * o->tk + j];
    return (float)(sum / o->tq);
}

void kern_silence_cpu(struct kern *k, const struct kern_silenced *o)
{
    (void)k;
    for (int d = 0; d < o->dh; d++) {
        float x = stand_in(o, d);
        for (int i = 0; i < o->tq; i++)
            o->out[i * o->ldo + d] = x;
    }
    for (int j = 0; o->probs && j < o->tk; j++) {
        float p = stand_in_prob(o, j);
        for (int i = 0; i < o->tq; i++)
            o->probs[(ptrdiff_t)i * o->tk + j] = p;
    }
}
