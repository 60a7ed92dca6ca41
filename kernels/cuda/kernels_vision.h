/* SPDX-License-Identifier: MIT */
/* Our own kernels for the detector, written as those of kernels.h. */
#ifndef VS_CUDA_KERNELS_VISION_H
#define VS_CUDA_KERNELS_VISION_H

#include "args.h"
#include "simt.h"

/* Pixel p of the result, of all pictures, and the pixel of its picture that a tap sees there.
 * Counts of pixels are below 2^31: divisions of 32 bits are several times faster. */
struct spot {
    int picture, y, x;
};

DEVICE struct spot spot_of(uint32_t p, int oh, int ow, int stride, int pad, int ky, int kx)
{
    uint32_t row = p / (uint32_t)ow, picture = row / (uint32_t)oh;
    struct spot s = {(int)picture, (int)(row - picture * (uint32_t)oh) * stride - pad + ky,
                     (int)(p - row * (uint32_t)ow) * stride - pad + kx};
    return s;
}

DEVICE int is_inside(struct spot s, int h, int w)
{
    return s.y >= 0 && s.y < h && s.x >= 0 && s.x < w;
}

KERNEL(im2col, im2col_args)
{
    int width = a.kh * a.kw * a.cin, per = a.vec ? a.ld / 4 : a.ld;
    int64_t at = FLAT, r = at / per;
    int j = (int)(at - r * per) * (a.vec ? 4 : 1);
    if (r >= a.count)
        return;
    int tap = j / a.cin, c = j - tap * a.cin;
    struct spot s = spot_of(a.first + (uint32_t)r, a.oh, a.ow, a.stride, a.pad, tap / a.kw,
                            tap % a.kw);
    int inside = j < width && is_inside(s, a.h, a.w);
    const float *from = a.x + (((int64_t)s.picture * a.h + s.y) * a.w + s.x) * a.cin + c;
    if (a.vec)
        put4(a.y + r * a.ld + j, inside ? get4(from) : make4(0, 0, 0, 0));
    else
        a.y[r * a.ld + j] = inside ? *from : 0;
}

DEVICE int64_t pixels_of(const struct group_args *a)
{
    return (int64_t)a->count * a->oh * a->ow;
}

/* Where output pixel p sees its picture through a tap, or NULL for the padding. */
DEVICE const float *seen(const struct group_args *a, int64_t p, int tap)
{
    struct spot s = spot_of((uint32_t)p, a->oh, a->ow, a->stride, a->pad, tap / a->kw, tap % a->kw);
    if (p >= pixels_of(a) || !is_inside(s, a->h, a->w))
        return 0;
    return a->x + (((int64_t)s.picture * a->h + s.y) * a->w + s.x) * a->cin;
}

DEVICE float last1(const struct group_args *a, float sum, int64_t at, int c)
{
    sum += a->shift ? a->shift[c] : 0;
    sum += a->residual ? a->residual[at] : 0;
    return a->relu && sum < 0 ? 0 : sum;
}

/* Any convolution: a thread for each number of the result. For sizes that fit nothing better. */
KERNEL(conv, group_args)
{
    int64_t at = FLAT, p = at / a.cout;
    int o = (int)(at - p * a.cout), ci = a.cin / a.groups, co = a.cout / a.groups, g = o / co;
    float sum = 0;
    if (p >= pixels_of(&a))
        return;
    for (int t = 0; t < a.kh * a.kw; t++) {
        const float *x = seen(&a, p, t);
        const float *w = a.weights + (((int64_t)g * a.kh * a.kw + t) * ci) * co + o % co;
        for (int i = 0; x && i < ci; i++)
            sum = fmaf(x[g * ci + i], w[(int64_t)i * co], sum);
    }
    a.y[at] = last1(&a, sum, at, o);
}

/* Four input channels of a pixel (NULL: zeros) times four of the result. */
DEVICE f4 step4(const float *from, f4 w0, f4 w1, f4 w2, f4 w3, f4 sum)
{
    f4 x = from ? get4(from) : make4(0, 0, 0, 0);
    sum = fma4(x.x, w0, sum);
    sum = fma4(x.y, w1, sum);
    sum = fma4(x.z, w2, sum);
    return fma4(x.w, w3, sum);
}

/* Where channel c of a pixel stands; of none: nowhere. */
DEVICE const float *channel(const float *pixel, int c)
{
    return pixel ? pixel + c : 0;
}

/* Grouped: a block has one group and 4 * GROUP_THREADS / (co / 4) pixels, a thread four of these
 * and four channels. The weights of a tap are in shared memory, from where four loads serve 64
 * multiply-adds: padding is multiplied as zeros, as branches would load them anew for each pixel.
 * x comes through the cache, where the threads of one pixel find it. Channels of a group are
 * multiples of 4. */
KERNEL(group, group_args)
{
    SHARED(float, w, GROUP_WEIGHTS);
    int ci = a.cin / a.groups, co = a.cout / a.groups, wide = co / 4, g = BLOCK_Y;
    int per = GROUP_THREADS / wide, c = THREAD % wide * 4;
    int64_t p = ((int64_t)BLOCK_X * per + THREAD / wide) * 4;
    f4 s0 = make4(0, 0, 0, 0), s1 = s0, s2 = s0, s3 = s0;
    int works = THREAD < per * wide;
    for (int t = 0; t < a.kh * a.kw; t++) {
        const float *from = a.weights + ((int64_t)g * a.kh * a.kw + t) * ci * co;
        SYNC();
        for (int i = 4 * THREAD; i < ci * co; i += 4 * GROUP_THREADS)
            put4(w + i, get4(from + i));
        SYNC();
        const float *x0 = works ? seen(&a, p, t) : 0, *x1 = works ? seen(&a, p + 1, t) : 0;
        const float *x2 = works ? seen(&a, p + 2, t) : 0, *x3 = works ? seen(&a, p + 3, t) : 0;
        for (int i = 0; i < ci; i += 4) {
            const float *wi = w + i * co + c;
            f4 w0 = get4(wi), w1 = get4(wi + co), w2 = get4(wi + 2 * co), w3 = get4(wi + 3 * co);
            s0 = step4(channel(x0, g * ci + i), w0, w1, w2, w3, s0);
            s1 = step4(channel(x1, g * ci + i), w0, w1, w2, w3, s1);
            s2 = step4(channel(x2, g * ci + i), w0, w1, w2, w3, s2);
            s3 = step4(channel(x3, g * ci + i), w0, w1, w2, w3, s3);
        }
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        f4 s = i == 0 ? s0 : i == 1 ? s1 : i == 2 ? s2 : s3;
        int o = g * co + c;
        int64_t at = (p + i) * a.cout + o;
        if (works && p + i < pixels_of(&a))
            put4(a.y + at, make4(last1(&a, s.x, at, o), last1(&a, s.y, at + 1, o + 1),
                                 last1(&a, s.z, at + 2, o + 2), last1(&a, s.w, at + 3, o + 3)));
    }
}

/* NaN when one of them is, unlike fmaxf. */
DEVICE float larger(float a, float b)
{
    return b > a || b != b ? b : a;
}

KERNEL(maxpool, maxpool_args)
{
    int ow = (a.w + 1) / 2;
    int64_t at = FLAT, p = at / a.c;
    int c = (int)(at - p * a.c);
    if (p >= (int64_t)((a.h + 1) / 2) * ow)
        return;
    float top = -INFINITY;
    for (int t = 0; t < 9; t++) {
        int y = 2 * (int)(p / ow) - 1 + t / 3, x = 2 * (int)(p % ow) - 1 + t % 3;
        if (y >= 0 && y < a.h && x >= 0 && x < a.w)
            top = larger(top, a.x[((int64_t)y * a.w + x) * a.c + c]);
    }
    a.y[at] = top;
}

DEVICE float sample(const struct roi_args *a, float y, float x, int c)
{
    if (y != y || x != x) /* a box that is not a number */
        return NAN;
    if (y < -1 || y > (float)a->h || x < -1 || x > (float)a->w)
        return 0;
    y = fmaxf(y, 0);
    x = fmaxf(x, 0);
    int y0 = (int)y, x0 = (int)x;
    float fy = y0 >= a->h - 1 ? 0 : y - (float)y0, fx = x0 >= a->w - 1 ? 0 : x - (float)x0;
    y0 = y0 >= a->h - 1 ? a->h - 1 : y0;
    x0 = x0 >= a->w - 1 ? a->w - 1 : x0;
    const float *p = a->x + ((int64_t)y0 * a->w + x0) * a->c + c;
    int64_t right = x0 < a->w - 1 ? a->c : 0, down = y0 < a->h - 1 ? (int64_t)a->w * a->c : 0;
    return (1 - fy) * ((1 - fx) * p[0] + fx * p[right]) +
           fy * ((1 - fx) * p[down] + fx * p[down + right]);
}

/* A block has ROI_CHANNELS channels of one region: they are read side by side and written, through
 * shared memory, bin by bin. */
KERNEL(roi, roi_args)
{
    SHARED(float, tile, ROI_CHANNELS * (ROI_BINS + 1));
    int n = BLOCK_X, lane = THREAD % ROI_CHANNELS, first = BLOCK_Y * ROI_CHANNELS;
    int c = first + lane, count = a.bins * a.bins;
    const float *b = a.boxes + 4 * (int64_t)n;
    float x = b[0] * a.scale, y = b[1] * a.scale;
    float bw = fmaxf(b[2] * a.scale - x, 1) / (float)a.bins;
    float bh = fmaxf(b[3] * a.scale - y, 1) / (float)a.bins;
    for (int i = THREAD / ROI_CHANNELS; i < count; i += ROI_THREADS / ROI_CHANNELS) {
        float sum = 0, top = y + (float)(i / a.bins) * bh, left = x + (float)(i % a.bins) * bw;
        for (int s = 0; s < 4 && c < a.c; s++)
            sum += sample(&a, top + ((float)(s / 2) + 0.5f) * bh / 2,
                          left + ((float)(s % 2) + 0.5f) * bw / 2, c);
        tile[lane * (ROI_BINS + 1) + i] = sum / 4;
    }
    SYNC();
    int channels = a.c - first < ROI_CHANNELS ? a.c - first : ROI_CHANNELS;
    float *to = a.y + ((int64_t)n * a.c + first) * count;
    for (int i = THREAD; i < channels * count; i += ROI_THREADS)
        to[i] = tile[i / count * (ROI_BINS + 1) + i % count];
}

KERNEL(upsample, upsample_args)
{
    int per = a.vec ? a.c / 4 : a.c;
    int64_t at = FLAT, p = at / per;
    int c = (int)(at - p * per) * (a.vec ? 4 : 1);
    if (p >= (int64_t)a.h * a.w)
        return;
    int y = (int)(p / a.w) / 2, x = (int)(p % a.w) / 2;
    y = y < a.sh ? y : a.sh - 1;
    x = x < a.sw ? x : a.sw - 1;
    float *to = a.x + p * a.c + c;
    const float *from = a.small + ((int64_t)y * a.sw + x) * a.c + c;
    if (a.vec)
        put4(to, add4(get4(to), get4(from)));
    else
        *to += *from;
}

/* ---- suppression */

DEVICE float area4(f4 b)
{
    return (b.z - b.x + 1) * (b.w - b.y + 1);
}

/* A thread for each word of the matrix. */
KERNEL(overlaps, overlaps_args)
{
    int words = (a.n + 63) / 64;
    int64_t at = FLAT, i = at / words;
    int first = (int)(at - i * words) * 64;
    if (i >= a.n)
        return;
    f4 p = get4(a.boxes + 4 * i);
    float area = area4(p);
    uint64_t bits = 0;
    for (int j = 0; j < 64 && first + j < a.n; j++) {
        f4 q = get4(a.boxes + 4 * (int64_t)(first + j));
        float w = fminf(p.z, q.z) - fmaxf(p.x, q.x) + 1, h = fminf(p.w, q.w) - fmaxf(p.y, q.y) + 1;
        float both = w * h;
        if (w > 0 && h > 0 && both / (area + area4(q) - both) > a.threshold)
            bits |= (uint64_t)1 << j;
    }
    a.matrix[at] = bits;
}

/* A number that is less the greater x is, NaN being the greatest; then the smaller index goes
 * first. */
DEVICE uint64_t falling(float x, int index)
{
    union {
        float f;
        uint32_t u;
    } v;
    v.f = x + 0.0f; /* no negative zero */
    uint32_t key = x != x ? 0 : v.u & 0x80000000u ? v.u : ~(v.u | 0x80000000u);
    return (uint64_t)key << 32 | (uint32_t)index;
}

/* Sorts keys[0..n-1], n a power of two, by exchanges at falling distances. */
DEVICE void sort_keys(uint64_t *keys, int n)
{
    for (int size = 2; size <= n; size *= 2)
        for (int step = size / 2; step; step /= 2) {
            for (int i = THREAD; i < n / 2; i += SUPPRESS_THREADS) {
                int lo = i / step * 2 * step + i % step, hi = lo + step;
                int down = (lo & size) != 0;
                uint64_t x = keys[lo], y = keys[hi];
                if (down ? x < y : x > y) {
                    keys[lo] = y;
                    keys[hi] = x;
                }
            }
            SYNC();
        }
}

/* A block for each class: its boxes by falling score, then a sweep in which every survivor takes
 * out what it overlaps. */
KERNEL(nms, nms_args)
{
    SHARED(uint64_t, keys, SUPPRESS_MOST);
    SHARED(uint64_t, lost, SUPPRESS_MOST / 64);
    int class_ = a.first + BLOCK_X, words = (a.n + 63) / 64;
    for (int i = THREAD; i < a.room; i += SUPPRESS_THREADS)
        keys[i] = i < a.n ? falling(a.scores[(int64_t)i * a.classes + class_], i) : ~(uint64_t)0;
    for (int i = THREAD; i < words; i += SUPPRESS_THREADS)
        lost[i] = 0;
    SYNC();
    sort_keys(keys, a.room);
    for (int i = 0; i < a.n; i++) {
        int j = (int)(uint32_t)keys[i];
        float score = a.scores[(int64_t)j * a.classes + class_];
        if (score <= a.conf_thresh)
            break; /* so are all that follow */
        int out = (int)(lost[j / 64] >> (j % 64) & 1);
        SYNC(); /* all have seen it before it changes */
        if (out)
            continue;
        if (THREAD < words)
            lost[THREAD] |= a.matrix[(int64_t)j * words + THREAD];
        if (THREAD == 0 && score > a.conf_thresh) /* not NaN */
            RAISE(a.conf + j, score);
        SYNC();
    }
}

#endif
