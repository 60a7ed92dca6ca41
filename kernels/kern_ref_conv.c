/* SPDX-License-Identifier: MIT */
/* The readable reference of convolution and pooling, and the packing of weights. */
#include "kernels/kern_priv.h"

#include <math.h>
#include <string.h>

static int padded_group(int cout, int groups)
{
    return (cout / groups + 15) / 16 * 16;
}

static size_t panel_size(int cout, int cin, int taps)
{
    return (size_t)(cout + KERN_PANEL - 1) / KERN_PANEL * KERN_PANEL * (size_t)cin * (size_t)taps;
}

size_t kern_panels_size(int cout, int cin, int kh, int kw, int groups)
{
    if (groups > 1)
        return (size_t)groups * (size_t)(kh * kw) * (size_t)(cin / groups) *
               (size_t)padded_group(cout, groups);
    return panel_size(cout, cin, kh * kw) +
           (kern_conv_winograd(cout, cin, kh, kw, groups) ? panel_size(cout, cin, 16) : 0);
}

/* Where the weight of output channel o, input channel i of its group, tap t lies. */
static ptrdiff_t packed_at(int cout, int cin, int taps, int groups, int o, int i, int t)
{
    int ci = cin / groups, co = cout / groups;
    if (groups > 1)
        return (((ptrdiff_t)(o / co) * taps + t) * ci + i) * padded_group(cout, groups) + o % co;
    return (((ptrdiff_t)(o / KERN_PANEL) * taps + t) * cin + i) * KERN_PANEL + o % KERN_PANEL;
}

/* u = G g G' of F(2x2, 3x3). Source: Lavin and Gray, 2015. */
static void transform_weight(const float g[9], float u[16])
{
    float t[12];
    for (int i = 0; i < 3; i++) {
        t[i] = g[i];
        t[3 + i] = (g[i] + g[3 + i] + g[6 + i]) / 2;
        t[6 + i] = (g[i] - g[3 + i] + g[6 + i]) / 2;
        t[9 + i] = g[6 + i];
    }
    for (int i = 0; i < 4; i++) {
        const float *r = t + 3 * i;
        u[4 * i] = r[0];
        u[4 * i + 1] = (r[0] + r[1] + r[2]) / 2;
        u[4 * i + 2] = (r[0] - r[1] + r[2]) / 2;
        u[4 * i + 3] = r[2];
    }
}

static void pack_winograd(const void *weights, int cout, int cin, float *out)
{
    size_t plane = panel_size(cout, cin, 1);
    for (int o = 0; o < cout; o++)
        for (int i = 0; i < cin; i++) {
            float g[9], u[16];
            memcpy(g, (const char *)weights + 36 * ((ptrdiff_t)o * cin + i), sizeof g);
            transform_weight(g, u);
            for (size_t p = 0; p < 16; p++)
                out[p * plane + (size_t)packed_at(cout, cin, 1, 1, o, i, 0)] = u[p];
        }
}

void kern_panels_pack(const void *weights, int cout, int cin, int kh, int kw, int groups,
                      float *out)
{
    int ci = cin / groups, taps = kh * kw;
    if (groups == 1 && taps == 1) {
        kern_pack(weights, cout, cin, out);
        return;
    }
    memset(out, 0, kern_panels_size(cout, cin, kh, kw, groups) * sizeof *out);
    for (int o = 0; o < cout; o++)
        for (int i = 0; i < ci; i++)
            for (int t = 0; t < taps; t++)
                memcpy(out + packed_at(cout, cin, taps, groups, o, i, t),
                       (const char *)weights + 4 * (((ptrdiff_t)o * ci + i) * taps + t),
                       sizeof *out);
    if (kern_conv_winograd(cout, cin, kh, kw, groups))
        pack_winograd(weights, cout, cin, out + panel_size(cout, cin, taps));
}

static double sum_at(const struct kern_conv *c, int oy, int ox, int o)
{
    int ci = c->cin / c->groups, first = o / (c->cout / c->groups) * ci;
    const float *weights = c->weights;
    double sum = 0;
    for (int t = 0; t < c->kh * c->kw; t++) {
        int y = oy * c->stride - c->pad + t / c->kw, x = ox * c->stride - c->pad + t % c->kw;
        if (y < 0 || y >= c->h || x < 0 || x >= c->w)
            continue;
        for (int i = 0; i < ci; i++)
            sum += (double)c->x[((ptrdiff_t)y * c->w + x) * c->cin + first + i] *
                   (double)weights[packed_at(c->cout, c->cin, c->kh * c->kw, c->groups, o, i, t)];
    }
    return sum;
}

static void conv_picture(const struct kern_conv *c)
{
    int ow = kern_conv_out(c->w, c->kw, c->stride, c->pad);
    for (ptrdiff_t i = 0; i < kern_conv_pixels(c); i++)
        for (int o = 0; o < c->cout; o++) {
            ptrdiff_t at = i * c->cout + o;
            double v = sum_at(c, (int)(i / ow), (int)(i % ow), o) * (c->scale ? c->scale[o] : 1) +
                       (c->shift ? c->shift[o] : 0) + (c->residual ? c->residual[at] : 0);
            c->y[at] = (float)(c->act == KERN_RELU && v < 0 ? 0 : v);
        }
}

void kern_conv_ref(struct kern *k, const struct kern_conv *c)
{
    (void)k;
    for (int i = 0; i < c->count; i++) {
        struct kern_conv one = kern_conv_picture(c, i);
        conv_picture(&one);
    }
}

/* NaN when one of them is, unlike fmaxf. */
static float larger(float a, float b)
{
    return b > a || b != b ? b : a;
}

void kern_maxpool_ref(struct kern *k, const float *x, int h, int w, int c, float *y)
{
    (void)k;
    for (int oy = 0; oy < (h + 1) / 2; oy++)
        for (int ox = 0; ox < (w + 1) / 2; ox++)
            for (int i = 0; i < c; i++) {
                float top = -INFINITY;
                for (int t = 0; t < 9; t++) {
                    int iy = 2 * oy - 1 + t / 3, ix = 2 * ox - 1 + t % 3;
                    if (iy >= 0 && iy < h && ix >= 0 && ix < w)
                        top = larger(top, x[((ptrdiff_t)iy * w + ix) * c + i]);
                }
                y[((ptrdiff_t)oy * ((w + 1) / 2) + ox) * c + i] = top;
            }
}

static double tap(const struct kern_roi *o, int y, int x, int c)
{
    return o->x[((ptrdiff_t)y * o->w + x) * o->c + c];
}

/* Source: ROIAlign of the detector's code: 0 outside by more than a pixel, edges repeated. A
 * neighbour is read even if its weight is 0, and may be NaN. */
static double sample(const struct kern_roi *o, double y, double x, int c)
{
    if (y != y || x != x)
        return NAN;
    if (y < -1 || y > o->h || x < -1 || x > o->w)
        return 0;
    y = fmax(y, 0);
    x = fmax(x, 0);
    int y0 = (int)y, x0 = (int)x;
    double fy = y0 >= o->h - 1 ? 0 : y - y0, fx = x0 >= o->w - 1 ? 0 : x - x0;
    y0 = y0 >= o->h - 1 ? o->h - 1 : y0;
    x0 = x0 >= o->w - 1 ? o->w - 1 : x0;
    int y1 = y0 < o->h - 1 ? y0 + 1 : y0, x1 = x0 < o->w - 1 ? x0 + 1 : x0;
    return (1 - fy) * ((1 - fx) * tap(o, y0, x0, c) + fx * tap(o, y0, x1, c)) +
           fy * ((1 - fx) * tap(o, y1, x0, c) + fx * tap(o, y1, x1, c));
}

void kern_roi_ref(struct kern *k, const struct kern_roi *o)
{
    (void)k;
    for (int n = 0; n < o->n; n++) {
        const float *b = o->boxes + 4 * n;
        float x = b[0] * o->scale, y = b[1] * o->scale;
        float bw = fmaxf(b[2] * o->scale - x, 1) / (float)o->bins;
        float bh = fmaxf(b[3] * o->scale - y, 1) / (float)o->bins;
        for (int c = 0; c < o->c; c++)
            for (int i = 0; i < o->bins * o->bins; i++) {
                double sum = 0;
                for (int s = 0; s < 4; s++)
                    sum += sample(o, y + (float)(i / o->bins) * bh + ((float)(s / 2) + 0.5f) *
                                                                          bh / 2,
                                  x + (float)(i % o->bins) * bw + ((float)(s % 2) + 0.5f) *
                                                                          bw / 2, c);
                o->y[((ptrdiff_t)n * o->c + c) * o->bins * o->bins + i] = (float)(sum / 4);
            }
    }
}
