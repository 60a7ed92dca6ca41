/* SPDX-License-Identifier: MIT */
/* Our own kernels for ViLBERT, written once: the CUDA compiler makes device code of them, a test
 * runs them on the host. One thread's work is one reading from top to bottom. */
#ifndef VS_CUDA_KERNELS_H
#define VS_CUDA_KERNELS_H

#include "args.h"
#include "simt.h"

/* enum kern_act, which this file does not include: NONE, GELU (with erf), RELU, SWISH, TANH */
DEVICE float act1(float x, int act)
{
    if (act == 1)
        return 0.5f * x * (1.0f + erff(x * 0.707106781f));
    if (act == 2)
        return x < 0 ? 0 : x; /* NaN stays */
    if (act == 3)
        return x / (1.0f + expf(-x));
    return act == 4 ? tanhf(x) : x;
}

DEVICE f4 act4(f4 v, int act)
{
    return make4(act1(v.x, act), act1(v.y, act), act1(v.z, act), act1(v.w, act));
}

KERNEL(finish, finish_args)
{
    int per = a.vec ? a.n / 4 : a.n;
    int64_t at = FLAT, i = at / per;
    int j = (int)(at - i * per);
    if (i >= a.m)
        return;
    if (a.vec) {
        j *= 4;
        f4 v = a.x ? get4(a.x + i * a.ldx + j) : make4(0, 0, 0, 0);
        if (a.bias)
            v = add4(v, get4(a.bias + j));
        v = act4(v, a.act);
        if (a.residual)
            v = add4(v, get4(a.residual + i * a.ldr + j));
        put4(a.y + i * a.ldy + j, v);
    } else {
        float v = (a.x ? a.x[i * a.ldx + j] : 0) + (a.bias ? a.bias[j] : 0);
        v = act1(v, a.act);
        a.y[i * a.ldy + j] = a.residual ? v + a.residual[i * a.ldr + j] : v;
    }
}

/* ---- sums over a block of ROW_THREADS */

DEVICE float block_sum(float v, float *part)
{
    for (int m = 16; m; m /= 2)
        v += EXCHANGE(v, m);
    if (THREAD % 32 == 0)
        part[THREAD / 32] = v;
    SYNC();
    v = (part[0] + part[1]) + (part[2] + part[3]);
    SYNC();
    return v;
}

DEVICE float block_top(float v, float *part)
{
    for (int m = 16; m; m /= 2)
        v = fmaxf(v, EXCHANGE(v, m));
    if (THREAD % 32 == 0)
        part[THREAD / 32] = v;
    SYNC();
    v = fmaxf(fmaxf(part[0], part[1]), fmaxf(part[2], part[3]));
    SYNC();
    return v;
}

/* ---- layer norm: a block for each row */

DEVICE f4 norm4(f4 v, float c, float mean, float f, f4 gamma, f4 beta)
{
    return make4((v.x * c - mean) * f * gamma.x + beta.x, (v.y * c - mean) * f * gamma.y + beta.y,
                 (v.z * c - mean) * f * gamma.z + beta.z, (v.w * c - mean) * f * gamma.w + beta.w);
}

DEVICE float row_sum(const float *x, float c, int n, int vec)
{
    float sum = 0;
    for (int j = vec ? 4 * THREAD : THREAD; j < n; j += vec ? 4 * ROW_THREADS : ROW_THREADS) {
        f4 v = vec ? get4(x + j) : make4(x[j], 0, 0, 0);
        sum += (v.x * c + v.y * c) + (v.z * c + v.w * c);
    }
    return sum;
}

DEVICE float square(float x)
{
    return x * x;
}

DEVICE float row_squares(const float *x, float c, float mean, int n, int vec)
{
    float sum = 0;
    for (int j = vec ? 4 * THREAD : THREAD; j < n; j += vec ? 4 * ROW_THREADS : ROW_THREADS) {
        f4 v = vec ? get4(x + j) : make4(x[j], 0, 0, 0);
        sum += vec ? (square(v.x * c - mean) + square(v.y * c - mean)) +
                         (square(v.z * c - mean) + square(v.w * c - mean))
                   : square(v.x * c - mean);
    }
    return sum;
}

/* Where the squares of a row are beyond float32 it is made smaller first (c); what is not finite
 * then becomes NaN. */
KERNEL(norm, norm_args)
{
    SHARED(float, part, 4);
    const float *x = a.x + BLOCK_X * a.ldx;
    float *y = a.y + BLOCK_X * a.ldy, c = 1;
    float mean = block_sum(row_sum(x, c, a.n, a.vec), part) / (float)a.n;
    float var = block_sum(row_squares(x, c, mean, a.n, a.vec), part) / (float)a.n;
    if (!(var < INFINITY)) {
        c = 0x1p-80f;
        mean = block_sum(row_sum(x, c, a.n, a.vec), part) / (float)a.n;
        var = block_sum(row_squares(x, c, mean, a.n, a.vec), part) / (float)a.n;
    }
    float f = 1.0f / sqrtf(var + a.eps * c * c);
    for (int j = a.vec ? 4 * THREAD : THREAD; j < a.n; j += a.vec ? 4 * ROW_THREADS : ROW_THREADS) {
        if (a.vec)
            put4(y + j, norm4(get4(x + j), c, mean, f, get4(a.gamma + j), get4(a.beta + j)));
        else
            y[j] = (x[j] * c - mean) * f * a.gamma[j] + a.beta[j];
    }
}

KERNEL(softmax, softmax_args)
{
    SHARED(float, part, 4);
    float *x = a.x + (int64_t)BLOCK_X * a.n, top = -INFINITY, sum = 0;
    for (int j = THREAD; j < a.n; j += ROW_THREADS)
        top = fmaxf(top, x[j]);
    top = block_top(top, part);
    for (int j = THREAD; j < a.n; j += ROW_THREADS)
        sum += expf(x[j] - top);
    sum = block_sum(sum, part);
    for (int j = THREAD; j < a.n; j += ROW_THREADS)
        x[j] = expf(x[j] - top) / sum;
}

/* ---- attention: a block takes some queries of one head of one image
 *
 * Shared memory: the queries (rows, dp), a tile of keys and later of values (ATTENTION_KEYS,
 * dp + 4), the scores (rows, width). dp is dh rounded up to 4, filled with zeros. Rows of the tile
 * stand 4 floats apart from a multiple of 32, so that the lanes of a warp read different banks. */

/* to(n, ld) from rows of dh numbers at x */
DEVICE void load_tile(float *to, int ld, const float *x, int64_t ldx, int n, int dh, int vec)
{
    int dp = (dh + 3) / 4 * 4, per = vec ? dp / 4 : dp;
    for (int i = THREAD; i < n * per; i += ATTENTION_THREADS) {
        int r = i / per, d = i % per;
        if (vec)
            put4(to + r * ld + 4 * d, get4(x + r * ldx + 4 * d));
        else
            to[r * ld + d] = d < dh ? x[r * ldx + d] : 0;
    }
}

DEVICE float dot4(f4 x, f4 y, float sum)
{
    return fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, fmaf(x.x, y.x, sum))));
}

/* Scores of the tile's keys (a lane has one), four queries at a time. */
DEVICE void score_tile(const float *qs, const float *ks, float *s, int width, int rows, int dp,
                       int base, const struct attention_one *o, float scale)
{
    int lane = THREAD % 32, key = base + lane;
    for (int r = THREAD / 32 * 4; r < rows; r += 16) {
        int r1 = r + 1 < rows ? r + 1 : r, r2 = r + 2 < rows ? r + 2 : r;
        int r3 = r + 3 < rows ? r + 3 : r;
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int d = 0; d < dp; d += 4) {
            f4 k = get4(ks + lane * (dp + 4) + d);
            s0 = dot4(get4(qs + r * dp + d), k, s0);
            s1 = dot4(get4(qs + r1 * dp + d), k, s1);
            s2 = dot4(get4(qs + r2 * dp + d), k, s2);
            s3 = dot4(get4(qs + r3 * dp + d), k, s3);
        }
        if (key >= o->tk)
            continue;
        float bias = o->bias ? o->bias[key] : 0;
        s[r * width + key] = s0 * scale + bias;
        s[r1 * width + key] = r1 > r ? s1 * scale + bias : s0 * scale + bias;
        s[r2 * width + key] = r2 > r ? s2 * scale + bias : s0 * scale + bias;
        s[r3 * width + key] = r3 > r ? s3 * scale + bias : s0 * scale + bias;
    }
}

/* A warp for each row; all warps go round together. */
DEVICE void softmax_rows(float *s, int width, int rows, int tk, float *probs)
{
    int lane = THREAD % 32;
    for (int first = 0; first < rows; first += ATTENTION_THREADS / 32) {
        int r = first + THREAD / 32, n = r < rows ? tk : 0;
        float top = -INFINITY, sum = 0;
        for (int j = lane; j < n; j += 32)
            top = fmaxf(top, s[r * width + j]);
        for (int m = 16; m; m /= 2)
            top = fmaxf(top, EXCHANGE(top, m));
        for (int j = lane; j < n; j += 32) {
            float e = expf(s[r * width + j] - top);
            s[r * width + j] = e;
            sum += e;
        }
        for (int m = 16; m; m /= 2)
            sum += EXCHANGE(sum, m);
        for (int j = lane; j < n; j += 32) {
            float p = s[r * width + j] / sum;
            s[r * width + j] = p;
            if (probs)
                probs[(int64_t)r * tk + j] = p;
        }
    }
}

/* out = s v: a thread has four columns of up to `most` rows, which is a constant where this is
 * inlined. */
DEVICE void read_values(float *vs, const float *s, int width, const struct attention_one *o,
                        int from, int col, int rows, int dh, int vec, const int most)
{
    int dp = (dh + 3) / 4 * 4, columns = dp / 4, per = ATTENTION_THREADS / columns;
    int c = THREAD % columns, g = THREAD / columns;
    f4 sum[8];
    UNROLL
    for (int i = 0; i < most; i++)
        sum[i] = make4(0, 0, 0, 0);
    for (int base = 0; base < o->tk; base += ATTENTION_KEYS) {
        int n = o->tk - base < ATTENTION_KEYS ? o->tk - base : ATTENTION_KEYS;
        SYNC();
        load_tile(vs, dp + 4, o->v + base * o->ldv + col, o->ldv, n, dh, vec);
        SYNC();
        for (int j = 0; j < n && g < per; j++) {
            f4 v = get4(vs + j * (dp + 4) + 4 * c);
            UNROLL
            for (int i = 0; i < most; i++)
                if (g + i * per < rows)
                    sum[i] = fma4(s[(g + i * per) * width + base + j], v, sum[i]);
        }
    }
    UNROLL
    for (int i = 0; i < most; i++) {
        int r = g + i * per, d = 4 * c;
        if (g >= per || r >= rows)
            continue;
        float *out = o->out + (from + r) * o->ldo + col + d;
        if (vec) {
            put4(out, sum[i]);
            continue;
        }
        out[0] = sum[i].x;
        if (d + 1 < dh)
            out[1] = sum[i].y;
        if (d + 2 < dh)
            out[2] = sum[i].z;
        if (d + 3 < dh)
            out[3] = sum[i].w;
    }
}

KERNEL(attention, attention_args)
{
    DYNAMIC(room);
    const struct attention_one *o = &a.one[BLOCK_Y];
    int h = BLOCK_X / a.tiles, from = BLOCK_X % a.tiles * a.rows, dp = (a.dh + 3) / 4 * 4;
    int rows = o->tq - from < a.rows ? o->tq - from : a.rows, col = h * a.dh;
    if (rows <= 0)
        return;
    float *qs = room, *tile = qs + a.rows * dp, *s = tile + ATTENTION_KEYS * (dp + 4);
    load_tile(qs, dp, o->q + from * o->ldq + col, o->ldq, rows, a.dh, a.vec);
    for (int base = 0; base < o->tk; base += ATTENTION_KEYS) {
        int n = o->tk - base < ATTENTION_KEYS ? o->tk - base : ATTENTION_KEYS;
        SYNC();
        load_tile(tile, dp + 4, o->k + base * o->ldk + col, o->ldk, n, a.dh, a.vec);
        SYNC();
        score_tile(qs, tile, s, a.width, rows, dp, base, o, a.scale);
    }
    SYNC();
    softmax_rows(s, a.width, rows, o->tk,
                 o->probs ? o->probs + ((int64_t)h * o->tq + from) * o->tk : 0);
    if (dp <= 64)
        read_values(tile, s, a.width, o, from, col, rows, a.dh, a.vec, 2);
    else if (dp <= 128)
        read_values(tile, s, a.width, o, from, col, rows, a.dh, a.vec, 4);
    else
        read_values(tile, s, a.width, o, from, col, rows, a.dh, a.vec, 8);
}

/* One head's output (and probabilities) replaced: a thread for each column. */
KERNEL(silence, silence_args)
{
    int64_t at = FLAT;
    float sum = 0;
    int real = 0;
    if (at >= a.dh + (a.probs ? a.tk : 0))
        return;
    for (int j = 0; j < a.tk; j++)
        real += !a.key_bias || a.key_bias[j] == 0;
    if (at < a.dh) {
        for (int j = 0; a.how == 1 && j < a.tk; j++)
            if (!a.key_bias || a.key_bias[j] == 0)
                sum += a.v[j * a.ldv + at];
        for (int i = 0; a.how == 2 && i < a.tq; i++)
            sum += a.out[i * a.ldo + at];
        int n = a.how == 1 ? real : a.how == 2 ? a.tq : 0;
        for (int i = 0; i < a.tq; i++)
            a.out[i * a.ldo + at] = n ? sum / (float)n : 0;
        return;
    }
    float *p = a.probs + (at - a.dh);
    for (int i = 0; a.how == 2 && i < a.tq; i++)
        sum += p[(int64_t)i * a.tk];
    sum /= (float)a.tq;
    if (a.how == 1)
        sum = !a.key_bias || a.key_bias[at - a.dh] == 0 ? 1.0f / (float)real : 0;
    for (int i = 0; i < a.tq; i++)
        p[(int64_t)i * a.tk] = sum;
}

/* ---- the small ones */

KERNEL(embed, embed_args)
{
    int per = a.vec ? a.n / 4 : a.n;
    int64_t at = FLAT, i = at / per;
    int j = (int)(at - i * per);
    if (i >= a.m)
        return;
    f4 sum = make4(0, 0, 0, 0);
    for (int t = 0; t < 3; t++) {
        if (!a.table[t] || a.ids[t][i] < 0)
            continue;
        const float *row = a.table[t] + (int64_t)a.ids[t][i] * a.n;
        if (a.vec)
            sum = add4(sum, get4(row + 4 * j));
        else
            sum.x += row[j];
    }
    if (a.vec)
        put4(a.y + i * a.ldy + 4 * j, sum);
    else
        a.y[i * a.ldy + j] = sum.x;
}

KERNEL(binary, binary_args)
{
    int64_t i = a.vec ? 4 * FLAT : FLAT;
    if (i >= a.n)
        return;
    if (a.vec) {
        f4 x = get4(a.a + i), y = get4(a.b + i);
        put4(a.y + i, a.op ? add4(x, y) : make4(x.x * y.x, x.y * y.y, x.z * y.z, x.w * y.w));
    } else {
        a.y[i] = a.op ? a.a[i] + a.b[i] : a.a[i] * a.b[i];
    }
}

KERNEL(gate, gate_args)
{
    int64_t at = FLAT, i = at / a.n;
    int j = (int)(at - i * a.n);
    if (i < a.m)
        a.x[i * a.ldx + j] *= 1.0f + 1.0f / (1.0f + expf(-a.gate[j]));
}

KERNEL(gather_rows, gather_rows_args)
{
    int per = a.vec ? a.n / 4 : a.n;
    int64_t at = FLAT, i = at / per;
    int j = (int)(at - i * per);
    if (i >= a.m)
        return;
    const float *x = a.x + (a.index ? a.index[i] : i) * a.ldx;
    if (a.vec)
        put4(a.y + i * a.ldy + 4 * j, get4(x + 4 * j));
    else
        a.y[i * a.ldy + j] = x[j];
}

KERNEL(mean, mean_args)
{
    int64_t j = FLAT;
    float sum = 0;
    int count = 0;
    if (j >= a.n)
        return;
    for (int i = 0; i < a.m; i++)
        if (!a.skip || a.skip[i] == 0) {
            sum += a.x[i * a.ldx + j];
            count++;
        }
    a.y[j] = sum / (float)count;
}

#endif
