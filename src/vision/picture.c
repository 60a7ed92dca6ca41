/* SPDX-License-Identifier: MIT */
/* From a decoded picture to the network's input: resize, subtract, pad.
 *
 * Source: the transform of the reference's extraction script; OpenCV's bilinear resize, as in the
 * design notes: the step is 1/scale, not the ratio of the sizes. */
#include "src/vision/priv.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

struct axis {
    int *a, *b; /* the two taps of an output position */
    float *t;   /* the share of the second */
};

static struct axis make_axis(int from, int to, double scale, bool horizontal)
{
    struct axis x = {xcalloc((size_t)to, sizeof(int)), xcalloc((size_t)to, sizeof(int)),
                     xcalloc((size_t)to, sizeof(float))};
    double step = 1 / scale;
    for (int d = 0; d < to; d++) {
        float f = (float)((d + 0.5) * step - 0.5);
        int i = (int)floorf(f);
        float t = f - (float)i;
        if (horizontal && i < 0) {
            i = 0;
            t = 0;
        }
        if (horizontal && i >= from - 1) {
            i = from - 1;
            t = 0;
        }
        x.a[d] = i < 0 ? 0 : i > from - 1 ? from - 1 : i;
        x.b[d] = i + 1 < 0 ? 0 : i + 1 > from - 1 ? from - 1 : i + 1;
        x.t[d] = t;
    }
    return x;
}

static void free_axis(struct axis *x)
{
    free(x->a);
    free(x->b);
    free(x->t);
}

/* One source row, mean subtracted, stretched to dw pixels of B, G, R. */
static void stretch_row(const uint8_t *rgb, const struct axis *x, int dw, bool copy, float *out)
{
    static const double mean[3] = {102.9801, 115.9465, 122.7717};
    for (int d = 0; d < dw; d++)
        for (int c = 0; c < 3; c++) {
            float p = (float)((double)rgb[3 * (copy ? d : x->a[d]) + 2 - c] - mean[c]);
            if (!copy) {
                float q = (float)((double)rgb[3 * x->b[d] + 2 - c] - mean[c]);
                float left = p * (1 - x->t[d]), right = q * x->t[d];
                p = left + right;
            }
            out[3 * d + c] = p;
        }
}

double picture_scale(const struct arch *a, int w, int h)
{
    double small = w < h ? w : h, large = w < h ? h : w, s = a->min_side / small;
    return rint(s * large) > a->max_side ? a->max_side / large : s;
}

static void resize_into(const uint8_t *rgb, int w, int h, int dw, int dh, double scale,
                        struct map *out)
{
    bool copy = dw == w && dh == h;
    struct axis x = make_axis(w, dw, scale, true), y = make_axis(h, dh, scale, false);
    size_t row = 3 * (size_t)dw;
    float *rows = xmalloc((size_t)h * row * sizeof *rows);
    for (int i = 0; i < h; i++)
        stretch_row(rgb + 3 * (size_t)i * (size_t)w, &x, dw, copy, rows + (size_t)i * row);
    for (int d = 0; d < dh; d++) {
        const float *p = rows + (size_t)(copy ? d : y.a[d]) * row;
        const float *q = rows + (size_t)(copy ? d : y.b[d]) * row;
        float *to = out->x + 3 * (size_t)d * (size_t)out->w;
        for (size_t j = 0; j < row; j++) {
            float top = p[j] * (1 - y.t[d]), bottom = q[j] * y.t[d];
            to[j] = copy ? p[j] : top + bottom;
        }
    }
    free(rows);
    free_axis(&x);
    free_axis(&y);
}

static int round_up(int x, int to)
{
    return (x + to - 1) / to * to;
}

void picture_plan(const struct arch *a, int w, int h, struct picture *out)
{
    double s = picture_scale(a, w, h), dw = rint(w * s), dh = rint(h * s);
    *out = (struct picture){.w = dw < 1 ? 1 : (int)dw, .h = dh < 1 ? 1 : (int)dh, .scale = s};
    out->map.w = round_up(out->w, a->size_divisible);
    out->map.h = round_up(out->h, a->size_divisible);
    out->map.c = 3;
}

int picture_make(const struct arch *a, const uint8_t *rgb, int w, int h, struct picture *out,
                 struct vs_err *err)
{
    picture_plan(a, w, h, out);
    out->map.x = vs_try_calloc((size_t)out->map.w * (size_t)out->map.h, 3 * sizeof(float));
    if (!out->map.x)
        return vs_fail(err, VS_E_LIMIT, "no memory for an image of %dx%d", out->map.w,
                       out->map.h);
    resize_into(rgb, w, h, out->w, out->h, out->scale, &out->map);
    return 0;
}
