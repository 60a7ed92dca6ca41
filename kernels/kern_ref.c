/* SPDX-License-Identifier: MIT */
/* The readable reference: the definition of correct. Sums are in double. */
#include "kernels/kern_narrow.h"
#include "kernels/kern_priv.h"

#include <math.h>
#include <string.h>

static float weight(const void *w, size_t i)
{
    float x;
    memcpy(&x, (const char *)w + i * sizeof x, sizeof x);
    return x;
}

static double activate(double x, enum kern_act act)
{
    switch (act) {
    case KERN_NONE: return x;
    case KERN_GELU: return x * 0.5 * (1 + erf(x / sqrt(2)));
    case KERN_RELU: return x < 0 ? 0 : x; /* NaN stays */
    case KERN_SWISH: return x / (1 + exp(-x));
    case KERN_TANH: return tanh(x);
    }
    return x;
}

static void linear_one(const struct kern_linear *o)
{
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->n; j++) {
            double sum = o->bias ? weight(o->bias, (size_t)j) : 0;
            for (int p = 0; p < o->k; p++)
                sum += (double)o->x[i * o->ldx + p] *
                       weight(o->w, (size_t)j * (size_t)o->k + (size_t)p);
            double y = activate(sum, o->act);
            o->y[i * o->ldy + j] = (float)(o->residual ? y + o->residual[i * o->ldr + j] : y);
        }
}

/* ---- in whole numbers */

/* x (k) as whole numbers of at most 127; returns their scale. */
static float whole_row(const float *x, int k, int *q)
{
    float most = 0;
    bool finite = true;
    for (int p = 0; p < k; p++) {
        finite &= isfinite(x[p]) != 0;
        most = fabsf(x[p]) > most ? fabsf(x[p]) : most;
    }
    bool some = finite && 127 / most < INFINITY;
    for (int p = 0; p < k; p++)
        q[p] = some ? (int)rintf(x[p] * (127 / most)) : 0;
    return !finite ? NAN : some ? most / 127 : 0;
}

static void linear_whole(const struct kern_linear *o)
{
    int *q = scratch_alloc((size_t)o->k * sizeof *q);
    const int8_t *w = o->packed.at;
    for (int i = 0; i < o->m; i++) {
        float scale = whole_row(o->x + i * o->ldx, o->k, q);
        for (int j = 0; j < o->n; j++) {
            int64_t sum = 0;
            for (int p = 0; p < o->k; p++)
                sum += q[p] * w[((ptrdiff_t)(j / KERN_PANEL) * o->k + p) * KERN_PANEL +
                                j % KERN_PANEL];
            double y = (double)((float)sum * (scale * o->packed.scale[j]));
            y = activate(y + (o->bias ? weight(o->bias, (size_t)j) : 0), o->act);
            o->y[i * o->ldy + j] = (float)(o->residual ? y + o->residual[i * o->ldr + j] : y);
        }
    }
    scratch_free(q);
}

/* ---- in any precision */

const void *kern_ref_weights(struct kern *k, const void *w, int n, int length, float **made)
{
    struct kern_panels packed = kern_packed_find(k, w, n, length);
    *made = packed.at ? scratch_alloc((size_t)n * (size_t)length * sizeof **made) : NULL;
    if (packed.at)
        kern_narrow_unpack(&packed, n, length, *made);
    return packed.at ? *made : w;
}

static void linear(struct kern *k, const struct kern_linear *list, int count)
{
    for (int i = 0; i < count; i++) {
        struct kern_linear o = list[i];
        float *made = NULL;
        if (!o.packed.at)
            o.packed = kern_packed_find(k, o.w, o.n, o.k);
        if (k->precision == KERN_INT8 && kern_int8_takes(&o)) {
            linear_whole(&o);
            continue;
        }
        o.w = kern_ref_weights(k, o.w, o.n, o.k, &made);
        linear_one(&o);
        scratch_free(made);
    }
}

/* One query of one head: its probabilities p(tk), then what it reads. */
static void attend(const struct kern_attention *o, int h, int i, float *p)
{
    const float *q = o->q + i * o->ldq + h * o->dh;
    double top = -INFINITY, sum = 0;
    for (int j = 0; j < o->tk; j++) {
        double s = 0;
        for (int d = 0; d < o->dh; d++)
            s += (double)q[d] * o->k[j * o->ldk + h * o->dh + d];
        p[j] = (float)(s * o->scale + (o->key_bias ? o->key_bias[j] : 0));
        top = p[j] > top ? p[j] : top;
    }
    for (int j = 0; j < o->tk; j++)
        sum += exp(p[j] - top);
    for (int j = 0; j < o->tk; j++)
        p[j] = (float)(exp(p[j] - top) / sum);
    for (int d = 0; d < o->dh; d++) {
        double s = 0;
        for (int j = 0; j < o->tk; j++)
            s += (double)p[j] * o->v[j * o->ldv + h * o->dh + d];
        o->out[i * o->ldo + h * o->dh + d] = (float)s;
    }
}

static void attention(struct kern *k, const struct kern_attention *list, int count)
{
    (void)k;
    for (int n = 0; n < count; n++) {
        const struct kern_attention *o = &list[n];
        for (int h = 0; h < o->heads; h++)
            for (int i = 0; i < o->tq; i++) {
                float *p = scratch_alloc((size_t)o->tk * sizeof *p);
                attend(o, h, i, p);
                if (o->probs)
                    memcpy(o->probs + ((ptrdiff_t)h * o->tq + i) * o->tk, p,
                           (size_t)o->tk * sizeof *p);
                scratch_free(p);
            }
    }
}

void kern_norm_row_ref(const struct kern_norm *o, int i)
{
    const float *x = o->x + i * o->ldx;
    double mean = 0, var = 0;
    for (int j = 0; j < o->n; j++)
        mean += x[j];
    mean /= o->n;
    for (int j = 0; j < o->n; j++)
        var += (x[j] - mean) * (x[j] - mean);
    double f = 1 / sqrt(var / o->n + (double)o->eps);
    for (int j = 0; j < o->n; j++)
        o->y[i * o->ldy + j] = (float)((x[j] - mean) * f * weight(o->gamma, (size_t)j) +
                                       weight(o->beta, (size_t)j));
}

static void norm(struct kern *k, const struct kern_norm *list, int count)
{
    (void)k;
    for (int c = 0; c < count; c++)
        for (int i = 0; i < list[c].m; i++)
            kern_norm_row_ref(&list[c], i);
}

static void embed(struct kern *k, const struct kern_embed *o)
{
    (void)k;
    for (int i = 0; i < o->m; i++)
        for (int j = 0; j < o->n; j++) {
            double sum = 0;
            for (int t = 0; t < 3; t++)
                if (o->table[t] && o->ids[t][i] >= 0)
                    sum += (double)weight(o->table[t],
                                          (size_t)o->ids[t][i] * (size_t)o->n + (size_t)j);
            o->y[i * o->ldy + j] = (float)sum;
        }
}

static void mul(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

static void add(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void gate(struct kern *k, float *x, ptrdiff_t ldx, const float *g, int m, int n)
{
    (void)k;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            x[i * ldx + j] *= (float)(1 + 1 / (1 + exp(-(double)g[j])));
}

const struct kern_ops kern_ops_ref = {
    .name = "ref",
    .linear = linear,
    .attention = attention,
    .norm = norm,
    .embed = embed,
    .mul = mul,
    .add = add,
    .conv = kern_conv_ref,
    .maxpool = kern_maxpool_ref,
    .roi = kern_roi_ref,
    .gate = gate,
    .silence = kern_silence_ref,
    .gather_rows = kern_gather_rows_ref,
    .mean = kern_mean_ref,
    .upsample = kern_upsample_ref,
    .overlaps = kern_overlaps_ref,
    .nms = kern_nms_ref,
    .softmax = kern_softmax_ref,
    .activate = kern_activate_ref,
    .linear_back = kern_linear_back_ref,
    .attention_back = kern_attention_back_ref,
    .norm_back = kern_norm_back_ref,
    .activate_back = kern_activate_back_ref,
    .gate_back = kern_gate_back_ref,
    .mean_back = kern_mean_back_ref,
    .scatter_rows = kern_scatter_rows_ref,
};
