/* SPDX-License-Identifier: MIT */
/* The readable reference of the way back: formulas of kern.h as loops, sums in double. */
#include "kernels/kern_priv.h"

#include <math.h>
#include <string.h>

static double weight(const void *w, ptrdiff_t i)
{
    float x;
    memcpy(&x, (const char *)w + i * (ptrdiff_t)sizeof x, sizeof x);
    return (double)x;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* ---- activations and their slopes */

static double activate(double x, enum kern_act act)
{
    switch (act) {
    case KERN_NONE: return x;
    case KERN_GELU: return x * 0.5 * (1 + erf(x / sqrt(2)));
    case KERN_RELU: return x < 0 ? 0 : x;
    case KERN_SWISH: return x * sigmoid(x);
    case KERN_TANH: return tanh(x);
    }
    return x;
}

static double slope(double x, enum kern_act act)
{
    switch (act) {
    case KERN_NONE: return 1;
    case KERN_GELU:
        return 0.5 * (1 + erf(x / sqrt(2))) + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
    case KERN_RELU: return x != x ? x : x > 0;
    case KERN_SWISH: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case KERN_TANH: return 1 - tanh(x) * tanh(x);
    }
    return 1;
}

void kern_activate_ref(struct kern *k, const float *x, float *y, size_t n, enum kern_act act)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = (float)activate((double)x[i], act);
}

void kern_activate_back_ref(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                            enum kern_act act)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        dx[i] = (float)((double)dy[i] * slope((double)x[i], act));
}

/* ---- products */

static void linear_one(const struct kern_linear_back *o)
{
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->k; j++) {
            double sum = o->residual ? (double)o->residual[i * o->ldr + j] : 0;
            for (int p = 0; p < o->n; p++)
                sum += (double)o->dy[i * o->ldy + p] * weight(o->w, (ptrdiff_t)p * o->k + j);
            o->dx[i * o->ldx + j] = (float)sum;
        }
}

void kern_linear_back_ref(struct kern *k, const struct kern_linear_back *list, int count)
{
    for (int i = 0; i < count; i++) {
        struct kern_linear_back o = list[i];
        float *made;
        o.w = kern_ref_weights(k, o.w, o.n, o.k, &made);
        linear_one(&o);
        scratch_free(made);
    }
}

/* ---- attention */

/* Row i of a head's map: the derivatives of its probabilities and scores. */
static void scores_row(const struct kern_attention_back *o, int h, int i)
{
    ptrdiff_t row = ((ptrdiff_t)h * o->tq + i) * o->tk;
    const float *p = o->probs + row;
    double mean = 0;
    for (int j = 0; j < o->tk; j++) {
        double sum = 0;
        for (int d = h * o->dh; d < (h + 1) * o->dh; d++)
            sum += (double)o->dout[i * o->ldo + d] * (double)o->v[j * o->ldv + d];
        o->dprobs[row + j] = (float)sum;
        mean += sum * (double)p[j];
    }
    for (int j = 0; j < o->tk; j++)
        o->dscores[row + j] = (float)((double)p[j] * ((double)o->dprobs[row + j] - mean));
}

/* Column d, which belongs to head h, of the queries', keys' and values' derivatives. */
static void column_back(const struct kern_attention_back *o, int h, int d)
{
    const float *p = o->probs + (ptrdiff_t)h * o->tq * o->tk;
    const float *ds = o->dscores + (ptrdiff_t)h * o->tq * o->tk;
    for (int i = 0; o->dq && i < o->tq; i++) {
        double sum = 0;
        for (int j = 0; j < o->tk; j++)
            sum += (double)ds[(ptrdiff_t)i * o->tk + j] * (double)o->k[j * o->ldk + d];
        o->dq[i * o->ldq + d] = (float)(sum * (double)o->scale);
    }
    for (int j = 0; j < o->tk; j++) {
        double dk = 0, dv = 0;
        for (int i = 0; i < o->tq; i++) {
            dk += (double)ds[(ptrdiff_t)i * o->tk + j] * (double)o->q[i * o->ldq + d];
            dv += (double)p[(ptrdiff_t)i * o->tk + j] * (double)o->dout[i * o->ldo + d];
        }
        if (o->dk)
            o->dk[j * o->ldk + d] = (float)(dk * (double)o->scale);
        o->dv[j * o->ldv + d] = (float)dv;
    }
}

void kern_attention_back_ref(struct kern *k, const struct kern_attention_back *list, int count)
{
    (void)k;
    for (int n = 0; n < count; n++)
        for (int h = 0; h < list[n].heads; h++) {
            for (int i = 0; i < list[n].tq; i++)
                scores_row(&list[n], h, i);
            for (int d = h * list[n].dh; d < (h + 1) * list[n].dh; d++)
                column_back(&list[n], h, d);
        }
}

/* ---- layer norm */

void kern_norm_back_row_ref(const struct kern_norm_back *o, int i)
{
    const float *x = o->x + i * o->ldx, *dy = o->dy + i * o->ldy;
    double mean = 0, var = 0, g_mean = 0, gz_mean = 0;
    for (int j = 0; j < o->n; j++)
        mean += (double)x[j] / o->n;
    for (int j = 0; j < o->n; j++)
        var += ((double)x[j] - mean) * ((double)x[j] - mean) / o->n;
    double f = 1 / sqrt(var + (double)o->eps);
    for (int j = 0; j < o->n; j++) {
        double g = (double)dy[j] * weight(o->gamma, j);
        g_mean += g / o->n;
        gz_mean += g * ((double)x[j] - mean) * f / o->n;
    }
    for (int j = 0; j < o->n; j++) {
        double g = (double)dy[j] * weight(o->gamma, j), z = ((double)x[j] - mean) * f;
        o->dx[i * o->lddx + j] = (float)((g - g_mean - (o->fixed ? 0 : z * gz_mean)) * f);
    }
}

void kern_norm_back_ref(struct kern *k, const struct kern_norm_back *list, int count)
{
    (void)k;
    for (int c = 0; c < count; c++)
        for (int i = 0; i < list[c].m; i++)
            kern_norm_back_row_ref(&list[c], i);
}

/* ---- dynamic attention, means, rows */

void kern_gate_back_ref(struct kern *k, const struct kern_gate_back *o)
{
    (void)k;
    for (int j = 0; j < o->n; j++) {
        double s = sigmoid((double)o->gate[j]), f = 1 + s, sum = 0;
        for (int i = 0; i < o->m; i++) {
            float *d = &o->dx[i * o->lddx + j];
            sum += (double)*d * (double)o->y[i * o->ldy + j] / f;
            *d = (float)((double)*d * f);
        }
        o->dgate[j] = (float)(sum * s * (1 - s));
    }
}

void kern_mean_back_ref(struct kern *k, const struct kern_mean_back *o)
{
    int count = 0;
    (void)k;
    for (int i = 0; i < o->m; i++)
        count += !o->skip || o->skip[i] == 0;
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->n; j++) {
            double x = o->residual ? (double)o->residual[i * o->ldx + j] : 0;
            if (!o->skip || o->skip[i] == 0)
                x += (double)o->dy[j] / count;
            o->dx[i * o->ldx + j] = (float)x;
        }
}

void kern_scatter_rows_ref(struct kern *k, const struct kern_scatter_rows *o)
{
    (void)k;
    for (int r = 0; r < o->rows; r++)
        for (int j = 0; j < o->n; j++)
            o->y[r * o->ldy + j] = 0;
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->n; j++)
            o->y[(o->index ? o->index[i] : i) * o->ldy + j] = o->x[i * o->ldx + j];
}
