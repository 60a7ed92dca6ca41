/* SPDX-License-Identifier: MIT */
/* The operations of the table as launches and products: the detector's. */
#include "kernels/cuda/gpu_priv.h"

#include <string.h>

#define COLUMNS ((size_t)16 << 20) /* floats of im2col at a time: 64 MB */

/* ---- convolution
 *
 * Weights, with the scale multiplied in: dense (cout, wide), wide = kh * kw * cin rounded up to 4,
 * in the order of im2col; grouped (group, kh * kw, cin / groups, cout / groups). */

static int wide_of(int cin, int kh, int kw)
{
    return (kh * kw * cin + 3) / 4 * 4;
}

size_t gpu_conv_size(int cout, int cin, int kh, int kw, int groups)
{
    if (groups > 1)
        return (size_t)cout * (size_t)(cin / groups) * (size_t)(kh * kw);
    return (size_t)cout * (size_t)wide_of(cin, kh, kw);
}

void gpu_conv_pack(const void *weights, int cout, int cin, int kh, int kw, int groups,
                   const float *scale, float *out)
{
    int ci = cin / groups, co = cout / groups, taps = kh * kw, wide = wide_of(cin, kh, kw);
    memset(out, 0, gpu_conv_size(cout, cin, kh, kw, groups) * sizeof *out);
    for (int o = 0; o < cout; o++)
        for (int i = 0; i < ci; i++)
            for (int t = 0; t < taps; t++) {
                float x;
                memcpy(&x, (const char *)weights + 4 * (((ptrdiff_t)o * ci + i) * taps + t),
                       sizeof x);
                ptrdiff_t at = groups > 1
                                   ? (((ptrdiff_t)(o / co) * taps + t) * ci + i) * co + o % co
                                   : (ptrdiff_t)o * wide + (ptrdiff_t)t * cin + i;
                out[at] = scale ? x * scale[o] : x;
            }
}

struct conv {
    const struct kern_conv *c;
    const float *w, *shift;
    int oh, ow, dims[3];
};

/* count rows of the result from x (count, ld): one product does shift and residual, and
 * ReLU follows (gpu_after). */
static void product(struct gpu *g, const struct conv *v, const float *x, int ld, int64_t first,
                    int count)
{
    const struct kern_conv *c = v->c;
    struct cuda_gemm *p = gpu_push_gemm(g, "convolution", v->dims);
    if (!p)
        return;
    p->a = v->w;
    p->b = x;
    p->d = c->y + first * c->cout;
    p->c = c->residual ? c->residual + first * c->cout : p->d;
    p->bias = v->shift;
    p->lda = wide_of(c->cin, c->kh, c->kw);
    p->ldb = ld;
    p->ldc = p->ldd = c->cout;
    p->m = c->cout;
    p->n = count;
    p->k = (int)p->lda < ld ? (int)p->lda : ld;
    p->beta = c->residual ? 1 : 0;
    p->trans_a = true;
    p->precision = g->precision;
    gpu_go(g);
    struct kern_linear last = {.y = c->y + first * c->cout, .ldy = c->cout, .m = count,
                               .n = c->cout, .act = c->act};
    if (c->act != KERN_NONE)
        gpu_after(g, &last, last.y, NULL, NULL);
}

static float *columns(struct gpu *g, size_t floats)
{
    size_t bytes = floats * sizeof(float);
    if (bytes > g->columns_size) {
        gpu_flush(g);
        gpu_release(g, g->columns, g->columns_size);
        g->columns = gpu_alloc(g, bytes, "memory for a convolution");
        g->columns_size = g->columns ? bytes : 0;
    }
    return g->columns;
}

static int64_t pixels_of(const struct conv *v)
{
    return (int64_t)v->c->count * v->oh * v->ow;
}

/* What a piece of the result sees, side by side, then a product: the matrix is never larger than
 * COLUMNS, or one row of the result. */
static void conv_pieces(struct gpu *g, const struct conv *v)
{
    const struct kern_conv *c = v->c;
    int ld = wide_of(c->cin, c->kh, c->kw);
    int64_t all = pixels_of(v), per = (int64_t)(COLUMNS / (size_t)ld);
    per = per < v->ow ? v->ow : per;
    per = per < all ? per : all;
    float *to = columns(g, (size_t)per * (size_t)ld);
    bool vec = c->cin % 4 == 0 && gpu_aligned(c->x, 4);
    for (int64_t first = 0; to && first < all; first += per) {
        int count = (int)(all - first < per ? all - first : per);
        struct im2col_args *a = gpu_push_flat(g, KERNEL_im2col, "convolution", v->dims,
                                              (int64_t)count * (vec ? ld / 4 : ld), sizeof *a);
        if (!a)
            return;
        *a = (struct im2col_args){c->x, to, (uint32_t)first, count, c->h, c->w, c->cin, v->oh,
                                  v->ow, c->kh, c->kw, c->stride, c->pad, ld, vec};
        gpu_go(g);
        product(g, v, to, ld, first, count);
    }
}

static void conv_grouped(struct gpu *g, const struct conv *v)
{
    const struct kern_conv *c = v->c;
    int ci = c->cin / c->groups, co = c->cout / c->groups, wide = co / 4;
    int64_t pixels = pixels_of(v);
    bool fits = ci % 4 == 0 && co % 4 == 0 && ci * co <= GROUP_WEIGHTS && wide <= GROUP_THREADS &&
                gpu_aligned(c->x, c->cin) && gpu_aligned(c->y, c->cout) && gpu_aligned(v->w, 4);
    int64_t per = fits ? GROUP_THREADS / wide * 4 : 1;
    struct group_args *a =
        fits ? gpu_push(g, KERNEL_group, "convolution", v->dims,
                        (unsigned)((pixels + per - 1) / per), (unsigned)c->groups, GROUP_THREADS, 0,
                        sizeof *a)
             : gpu_push_flat(g, KERNEL_conv, "convolution", v->dims, pixels * c->cout, sizeof *a);
    if (!a)
        return;
    *a = (struct group_args){c->x, v->w, v->shift, c->residual, c->y, c->count, c->h, c->w,
                             c->cin, v->oh, v->ow, c->cout, c->kh, c->kw, c->stride, c->pad,
                             c->groups, c->act == KERN_RELU, 0};
    gpu_go(g);
}

void gpu_conv(struct kern *k, const struct kern_conv *c)
{
    struct gpu *g = k->gpu;
    struct conv v = {.c = c, .dims = {c->cout, c->cin, c->kh}};
    v.oh = kern_conv_out(c->h, c->kh, c->stride, c->pad);
    v.ow = kern_conv_out(c->w, c->kw, c->stride, c->pad);
    gpu_loose(g);
    if (c->count <= 0 || v.oh <= 0 || v.ow <= 0 || c->cout <= 0)
        return;
    if (pixels_of(&v) > INT32_MAX) {
        gpu_fail(g, "convolution", v.dims, "more pixels than the kernels count");
        return;
    }
    v.w = gpu_weights(g, c->weights,
                      gpu_conv_size(c->cout, c->cin, c->kh, c->kw, c->groups) * sizeof(float));
    if (v.w && c->shift)
        v.shift = gpu_weights(g, c->shift, (size_t)c->cout * sizeof(float));
    if (!v.w || (c->shift && !v.shift))
        return;
    if (c->groups > 1)
        conv_grouped(g, &v);
    else if (c->kh == 1 && c->kw == 1 && c->stride == 1 && c->pad == 0)
        product(g, &v, c->x, c->cin, 0, (int)pixels_of(&v));
    else
        conv_pieces(g, &v);
}

/* ---- pooling */

void gpu_maxpool(struct kern *k, const float *x, int h, int w, int c, float *y)
{
    int dims[3] = {h, w, c};
    struct maxpool_args *a = gpu_push_flat(k->gpu, KERNEL_maxpool, "max pool", dims,
                                           (int64_t)((h + 1) / 2) * ((w + 1) / 2) * c, sizeof *a);
    if (!a)
        return;
    *a = (struct maxpool_args){x, y, h, w, c, 0};
    gpu_go(k->gpu);
}

void gpu_roi(struct kern *k, const struct kern_roi *o)
{
    int dims[3] = {o->n, o->c, o->bins};
    if (o->bins * o->bins > ROI_BINS) {
        gpu_fail(k->gpu, "regions", dims, "more bins than this device's kernel has room for");
        return;
    }
    struct roi_args *a = o->n <= 0 ? NULL :
        gpu_push(k->gpu, KERNEL_roi, "regions", dims, (unsigned)o->n,
                 (unsigned)((o->c + ROI_CHANNELS - 1) / ROI_CHANNELS), ROI_THREADS, 0, sizeof *a);
    if (!a)
        return;
    *a = (struct roi_args){o->x, o->boxes, o->y, o->h, o->w, o->c, o->n, o->bins, o->scale};
    gpu_go(k->gpu);
}

void gpu_upsample(struct kern *k, const struct kern_upsample *o)
{
    int dims[3] = {o->h, o->w, o->c};
    bool vec = gpu_aligned(o->x, o->c) && gpu_aligned(o->small, o->c);
    struct upsample_args *a = gpu_push_flat(k->gpu, KERNEL_upsample, "upsample", dims,
                                            (int64_t)o->h * o->w * (vec ? o->c / 4 : o->c),
                                            sizeof *a);
    if (!a)
        return;
    *a = (struct upsample_args){o->x, o->small, o->h, o->w, o->sh, o->sw, o->c, vec};
    gpu_go(k->gpu);
}

/* ---- suppression */

void gpu_overlaps(struct kern *k, const struct kern_overlaps *o)
{
    int words = (o->n + 63) / 64, dims[3] = {o->n, words, 64};
    struct overlaps_args *a = gpu_push_flat(k->gpu, KERNEL_overlaps, "overlaps", dims,
                                            (int64_t)o->n * words, sizeof *a);
    if (!a)
        return;
    *a = (struct overlaps_args){o->boxes, o->matrix, o->n, o->threshold};
    gpu_go(k->gpu);
}

void gpu_nms(struct kern *k, const struct kern_nms *o)
{
    struct gpu *g = k->gpu;
    int dims[3] = {o->n, o->classes, 1}, room = 1;
    if (o->n > SUPPRESS_MOST) {
        gpu_fail(g, "nms", dims, "more boxes than this device's kernel has room for");
        return;
    }
    if (o->n <= 0)
        return;
    gpu_flush(g);
    if (!gpu_ok(g, g->api->clear(g->ctx, o->conf, (size_t)o->n * sizeof(float)), "nms", dims))
        return;
    while (room < o->n)
        room *= 2;
    struct nms_args *a = o->classes <= o->first ? NULL :
        gpu_push(g, KERNEL_nms, "nms", dims, (unsigned)(o->classes - o->first), 1,
                 SUPPRESS_THREADS, 0, sizeof *a);
    if (!a)
        return;
    *a = (struct nms_args){o->scores, o->matrix, o->conf, o->n, o->classes, o->first, room,
                                o->conf_thresh, 0};
    gpu_go(g);
}
