/* SPDX-License-Identifier: MIT */
/* Our own kernels for the way back through ViLBERT, written as those of kernels.h, which comes
 * first. Formulas: kern.h. */
#ifndef VS_CUDA_KERNELS_BACK_H
#define VS_CUDA_KERNELS_BACK_H

#include "args.h"
#include "kernels.h"
#include "simt.h"

/* The derivative of act1. */
DEVICE float slope1(float x, int act)
{
    if (act == 1)
        return 0.5f * (1.0f + erff(x * 0.707106781f)) + x * expf(-0.5f * x * x) * 0.398942280f;
    if (act == 2)
        return x != x ? x : x > 0 ? 1.0f : 0.0f;
    if (act == 4)
        return 1 - tanhf(x) * tanhf(x);
    if (act != 3)
        return 1;
    float s = 1.0f / (1.0f + expf(-x));
    return s * (1.0f + x * (1.0f - s));
}

KERNEL(activate_back, activate_back_args)
{
    int64_t i = FLAT;
    if (i < a.n)
        a.dx[i] = a.dy[i] * slope1(a.x[i], a.act);
}

/* A block for each row: the means of g = dy gamma and of g z. Where the squares of a row are beyond
 * float32 it is made smaller first (c). */
KERNEL(norm_back, norm_back_args)
{
    SHARED(float, part, 4);
    const float *x = a.x + BLOCK_X * a.ldx, *dy = a.dy + BLOCK_X * a.ldy;
    float *dx = a.dx + BLOCK_X * a.lddx, c = 1, g = 0, gz = 0;
    float mean = block_sum(row_sum(x, c, a.n, 0), part) / (float)a.n;
    float var = block_sum(row_squares(x, c, mean, a.n, 0), part) / (float)a.n;
    if (!(var < INFINITY)) {
        c = 0x1p-80f;
        mean = block_sum(row_sum(x, c, a.n, 0), part) / (float)a.n;
        var = block_sum(row_squares(x, c, mean, a.n, 0), part) / (float)a.n;
    }
    float f = 1.0f / sqrtf(var + a.eps * c * c);
    for (int j = THREAD; j < a.n; j += ROW_THREADS) {
        g += dy[j] * a.gamma[j];
        gz += dy[j] * a.gamma[j] * ((x[j] * c - mean) * f);
    }
    g = block_sum(g, part) / (float)a.n;
    gz = a.fixed ? 0 : block_sum(gz, part) / (float)a.n;
    for (int j = THREAD; j < a.n; j += ROW_THREADS)
        dx[j] = (dy[j] * a.gamma[j] - g - (x[j] * c - mean) * f * gz) * f * c;
}

/* ---- attention */

/* A block for each query of a head: the derivatives of its probabilities, scores and of itself. */
KERNEL(scores_back, attention_back_args)
{
    SHARED(float, part, 4);
    const struct attention_back_one *o = &a.one[BLOCK_Y];
    int h = BLOCK_X % a.heads, i = BLOCK_X / a.heads, col = h * a.dh;
    int64_t row = ((int64_t)h * o->tq + i) * o->tk;
    float mean = 0;
    if (i >= o->tq)
        return;
    for (int j = THREAD; j < o->tk; j += ROW_THREADS) {
        float sum = 0;
        for (int d = col; d < col + a.dh; d++)
            sum = fmaf(o->dout[i * o->ldo + d], o->v[j * o->ldv + d], sum);
        o->dprobs[row + j] = sum;
        mean = fmaf(sum, o->probs[row + j], mean);
    }
    mean = block_sum(mean, part);
    for (int j = THREAD; j < o->tk; j += ROW_THREADS)
        o->dscores[row + j] = o->probs[row + j] * (o->dprobs[row + j] - mean);
    SYNC();
    for (int d = col + THREAD; o->dq && d < col + a.dh; d += ROW_THREADS) {
        float sum = 0;
        for (int j = 0; j < o->tk; j++)
            sum = fmaf(o->dscores[row + j], o->k[j * o->ldk + d], sum);
        o->dq[i * o->ldq + d] = sum * a.scale;
    }
}

/* A block for each key of a head, after scores_back: the derivatives of it and of its value. */
KERNEL(keys_back, attention_back_args)
{
    const struct attention_back_one *o = &a.one[BLOCK_Y];
    int h = BLOCK_X % a.heads, j = BLOCK_X / a.heads, col = h * a.dh;
    int64_t map = (int64_t)h * o->tq * o->tk + j;
    if (j >= o->tk)
        return;
    for (int d = col + THREAD; d < col + a.dh; d += ROW_THREADS) {
        float dk = 0, dv = 0;
        for (int i = 0; i < o->tq; i++) {
            dk = fmaf(o->dscores[map + (int64_t)i * o->tk], o->q[i * o->ldq + d], dk);
            dv = fmaf(o->probs[map + (int64_t)i * o->tk], o->dout[i * o->ldo + d], dv);
        }
        if (o->dk)
            o->dk[j * o->ldk + d] = dk * a.scale;
        o->dv[j * o->ldv + d] = dv;
    }
}

/* ---- gates, means, rows */

/* A thread for each column. */
KERNEL(gate_back, gate_back_args)
{
    int64_t j = FLAT;
    if (j >= a.n)
        return;
    float s = 1.0f / (1.0f + expf(-a.gate[j])), f = 1.0f + s, sum = 0;
    for (int i = 0; i < a.m; i++) {
        float dy = a.dx[i * a.lddx + j];
        sum = fmaf(dy, a.y[i * a.ldy + j] / f, sum);
        a.dx[i * a.lddx + j] = dy * f;
    }
    a.dgate[j] = sum * s * (1.0f - s);
}

KERNEL(mean_back, mean_back_args)
{
    int64_t at = FLAT, i = at / a.n;
    int j = (int)(at - i * a.n), count = 0;
    if (i >= a.m)
        return;
    for (int r = 0; r < a.m; r++)
        count += !a.skip || a.skip[r] == 0;
    float x = a.residual ? a.residual[i * a.ldx + j] : 0;
    a.dx[i * a.ldx + j] = !a.skip || a.skip[i] == 0 ? x + a.dy[j] / (float)count : x;
}

KERNEL(scatter_rows, scatter_rows_args)
{
    int64_t at = FLAT, r = at / a.n;
    int j = (int)(at - r * a.n);
    float x = 0;
    if (r >= a.rows)
        return;
    for (int i = 0; i < a.m; i++)
        if ((a.index ? a.index[i] : i) == r)
            x = a.x[i * a.ldx + j];
    a.y[r * a.ldy + j] = x;
}

#endif
