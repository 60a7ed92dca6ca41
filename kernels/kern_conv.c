/* SPDX-License-Identifier: MIT */
/* Convolutions and pooling, compiled once per instruction set like kern_cpu.c.
 *
 * Pixels are rows of channels, so a 1x1 convolution is a product of rows with rows. Larger ones
 * gather the pixels that an output pixel sees into one long row first, for a block of pixels at a
 * time. Convolutions in many groups have rows too short for that: there the vector runs over the
 * group's output channels, and a dozen pixels share each weight. */
#include "kernels/kern_conv.h"

#include "kernels/kern_panel.h"

#include <math.h>
#include <stdbool.h>

#define PB 96 /* output pixels in one part of the work */

INLINE vf finish_lanes(bool relu, vf sum, vf scale, vf shift, vf residual)
{
    vf v = vfma(sum, scale, shift) + residual;
    return relu ? vrelu(v) : v;
}

void kern_conv_finish(const struct kern_conv *o, const float *sum, ptrdiff_t pixel, int channel,
                      int n)
{
    const float *scale = o->scale ? o->scale + channel : NULL;
    const float *shift = o->shift ? o->shift + channel : NULL;
    const float *residual = o->residual ? o->residual + pixel * o->cout + channel : NULL;
    float *y = o->y + pixel * o->cout + channel;
    int j = 0;
    for (; j + KERN_LANES <= n; j += KERN_LANES)
        store(y + j, finish_lanes(o->act == KERN_RELU, load(sum + j),
                                  scale ? load(scale + j) : broadcast(1.0f),
                                  shift ? load(shift + j) : broadcast(0.0f),
                                  residual ? load(residual + j) : broadcast(0.0f)));
    if (j < n)
        store_part(y + j, finish_lanes(o->act == KERN_RELU, load_part(sum + j, n - j),
                                       scale ? load_part(scale + j, n - j) : broadcast(1.0f),
                                       shift ? load_part(shift + j, n - j) : broadcast(0.0f),
                                       residual ? load_part(residual + j, n - j)
                                                : broadcast(0.0f)), n - j);
}

/* ---- without groups */

/* The pixels that output pixel sees, (kh, kw, cin), into row. */
static void gather(const struct kern_conv *o, int ow, int pixel, float *row)
{
    int y0 = pixel / ow * o->stride - o->pad, x0 = pixel % ow * o->stride - o->pad;
    size_t size = (size_t)o->cin * sizeof *row;
    for (int ky = 0; ky < o->kh; ky++)
        for (int kx = 0; kx < o->kw; kx++, row += o->cin) {
            int y = y0 + ky, x = x0 + kx;
            if (y < 0 || y >= o->h || x < 0 || x >= o->w)
                memset(row, 0, size);
            else
                memcpy(row, o->x + ((ptrdiff_t)y * o->w + x) * o->cin, size);
        }
}

/* Rows of one block of pixels times the panels from first_panel on. */
static void dense_product(const struct kern_conv *o, const float *x, ptrdiff_t ldx, int k,
                          int pixel, int rows, int first_panel, int end_panel)
{
    float sums[PANEL_ROWS * PANEL_STEP];
    int end = end_panel * KERN_PANEL < o->cout ? end_panel * KERN_PANEL : o->cout;
    struct panel_tile t = {.ldx = ldx, .ldw = KERN_PANEL, .next = PANEL_NEXT(k), .k = k,
                           .out = sums, .ldo = PANEL_STEP};
    for (int channel = first_panel * KERN_PANEL; channel < end; channel += PANEL_STEP) {
        int n = end - channel < PANEL_STEP ? end - channel : PANEL_STEP;
        t.w = panel_at(o->weights, k, channel);
        for (int i = 0, r; i < rows; i += r) {
            r = panel_rows(rows - i);
            t.x = x + i * ldx;
            panel_any(r, panel_vectors(n), &t);
            for (int q = 0; q < r; q++)
                kern_conv_finish(o, sums + q * PANEL_STEP, pixel + i + q, channel, n);
        }
    }
}

/* Work is cut by pixels; where pixels need not be gathered, by channels, too. */
#define PANELS_PART 16

static bool is_direct(const struct kern_conv *o)
{
    return o->kh == 1 && o->kw == 1 && o->stride == 1 && o->pad == 0;
}

static int panel_parts(const struct kern_conv *o)
{
    int panels = (o->cout + KERN_PANEL - 1) / KERN_PANEL;
    return is_direct(o) ? (panels + PANELS_PART - 1) / PANELS_PART : 1;
}

static void dense_part(void *arg, int part)
{
    const struct kern_conv *o = arg;
    int ow = kern_conv_out(o->w, o->kw, o->stride, o->pad), k = o->kh * o->kw * o->cin;
    int first = part / panel_parts(o) * PB, panel = part % panel_parts(o) * PANELS_PART;
    int left = (int)kern_conv_pixels(o) - first, rows = left < PB ? left : PB;
    int panels = (o->cout + KERN_PANEL - 1) / KERN_PANEL;
    int end = is_direct(o) && panel + PANELS_PART < panels ? panel + PANELS_PART : panels;
    if (is_direct(o) && !kern_crowded(k)) {
        dense_product(o, o->x + (ptrdiff_t)first * k, k, k, first, rows, panel, end);
        return;
    }
    ptrdiff_t ld = kern_crowded(k) ? k + KERN_LINE : k;
    float *gathered = scratch_alloc((size_t)rows * (size_t)ld * sizeof *gathered);
    for (int i = 0; i < rows; i++)
        gather(o, ow, first + i, gathered + i * ld);
    dense_product(o, gathered, ld, k, first, rows, panel, end);
    scratch_free(gathered);
}

/* ---- with groups */

/* A tile is a panel's: so many output pixels, and vectors of output channels. */
#define GP PANEL_ROWS
#define TAP_ROWS ((PB + GP - 1) / GP * GP) /* pixels of a part, in whole tiles */
#define GV PANEL_VECTORS

/* Sums of np pixels for nv vectors of output channels; at[tap * GP + p] is the pixel that p sees at
 * a tap. np and nv are constants where this is inlined. */
INLINE void group_tile(int np, int nv, const float *const *at, int taps, int first_in, int cg,
                       const float *w, int padded, float *out)
{
    vf acc[GP][GV];
#pragma GCC unroll 12
    for (int p = 0; p < np; p++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++)
            acc[p][v] = (vf){0};
    for (int t = 0; t < taps; t++, at += GP) {
        const float *x[GP];
        for (int p = 0; p < np; p++)
            x[p] = at[p] + first_in;
        for (int c = 0; c < cg; c++, w += padded) {
            vf b[GV];
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++)
                b[v] = load(w + v * KERN_LANES);
#pragma GCC unroll 12
            for (int p = 0; p < np; p++) {
                vf a = broadcast(x[p][c]);
#pragma GCC unroll 4
                for (int v = 0; v < nv; v++)
                    acc[p][v] = vfma(a, b[v], acc[p][v]);
            }
        }
    }
#pragma GCC unroll 12
    for (int p = 0; p < np; p++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++)
            store(out + (p * GV + v) * KERN_LANES, acc[p][v]);
}

#define GROUP_TILE(n, v)                                                                           \
    group_tile(n, v, at + p, taps, first_in, cg, w, padded, out + p * PANEL_STEP)
#define GROUP_TILES(n)                                                                             \
    do {                                                                                           \
        if (nv == 1)                                                                               \
            GROUP_TILE(n, 1);                                                                      \
        else if (GV == 2 || nv == GV)                                                              \
            GROUP_TILE(n, GV);                                                                     \
        else                                                                                       \
            GROUP_TILE(n, 2);                                                                      \
    } while (0)

/* nv: of panel_vectors. */
static void group_any(int np, int nv, const float *const *at, int taps, int first_in, int cg,
                      const float *w, int padded, float *out)
{
    if (np == GP) {
        int p = 0;
        GROUP_TILES(GP);
        return;
    }
    for (int p = 0; p < np; p++) /* the end of a part */
        GROUP_TILES(1);
}

/* What np pixels from first on see at every tap. zeros: a pixel outside. */
static void find_taps(const struct kern_conv *o, int ow, int first, int np, const float *zeros,
                      const float **at)
{
    for (int p = 0; p < np; p++) {
        int y0 = (first + p) / ow * o->stride - o->pad, x0 = (first + p) % ow * o->stride - o->pad;
        for (int t = 0; t < o->kh * o->kw; t++) {
            int y = y0 + t / o->kw, x = x0 + t % o->kw;
            bool inside = y >= 0 && y < o->h && x >= 0 && x < o->w;
            at[t * GP + p] = inside ? o->x + ((ptrdiff_t)y * o->w + x) * o->cin : zeros;
        }
    }
}

/* What np pixels see of a group's channels, (np, taps * cg). */
static void bring_near(const float *const *at, int taps, int np, int first_in, int cg, float *near)
{
    for (int p = 0; p < np; p++)
        for (int t = 0; t < taps; t++, near += cg)
            memcpy(near, at[t * GP + p] + first_in, (size_t)cg * sizeof *near);
}

struct group_room {
    const float **at; /* of the pixels of a part */
    float *zeros;
    float *near; /* of GP pixels and a group, or NULL */
};

static void group_pixels(const struct kern_conv *o, int g, int first, int np,
                         const float *const *at, float *near)
{
    int cg_in = o->cin / o->groups, cg_out = o->cout / o->groups, taps = o->kh * o->kw;
    int padded = (cg_out + 15) / 16 * 16, k = taps * cg_in;
    const float *w = (const float *)o->weights + (ptrdiff_t)g * k * padded;
    float sums[GP * PANEL_STEP];
    if (near)
        bring_near(at, taps, np, g * cg_in, cg_in, near);
    for (int c = 0; c < cg_out; c += PANEL_STEP) {
        int left = cg_out - c, nv = panel_vectors(left);
        int n = left < PANEL_STEP ? left : PANEL_STEP;
        struct panel_tile t = {.x = near, .ldx = k, .w = w + c, .ldw = padded, .next = KERN_LANES,
                               .k = k, .out = sums, .ldo = PANEL_STEP};
        if (near)
            panel_any(np, nv, &t);
        else
            group_any(np, nv, at, taps, g * cg_in, cg_in, w + c, padded, sums);
        for (int p = 0; p < np; p++)
            kern_conv_finish(o, sums + p * PANEL_STEP, first + p, g * cg_out + c, n);
    }
}

/* Pixels that lie in one set of the cache are brought near each other, a group at a time. */
static void group_room_init(const struct kern_conv *o, struct group_room *r)
{
    size_t taps = (size_t)(o->kh * o->kw), cin = (size_t)o->cin;
    r->at = scratch_alloc(taps * TAP_ROWS * sizeof *r->at);
    r->zeros = scratch_alloc(cin * sizeof *r->zeros);
    memset(r->zeros, 0, cin * sizeof *r->zeros);
    r->near = kern_crowded(o->cin)
                  ? scratch_alloc(taps * GP * (cin / (size_t)o->groups) * sizeof *r->near)
                  : NULL;
}

static void group_room_fini(struct group_room *r)
{
    scratch_free(r->at);
    scratch_free(r->zeros);
    scratch_free(r->near);
}

/* All pixels of a part pass by the weights of a group while those are in the cache. */
static void group_part(void *arg, int part)
{
    const struct kern_conv *o = arg;
    int ow = kern_conv_out(o->w, o->kw, o->stride, o->pad), first = part * PB;
    int left = (int)kern_conv_pixels(o) - first, count = left < PB ? left : PB;
    int taps = o->kh * o->kw;
    struct group_room room;
    group_room_init(o, &room);
    for (int i = 0; i < count; i += GP)
        find_taps(o, ow, first + i, count - i < GP ? count - i : GP, room.zeros,
                  room.at + i * taps);
    for (int g = 0; g < o->groups; g++)
        for (int i = 0; i < count; i += GP)
            group_pixels(o, g, first + i, count - i < GP ? count - i : GP, room.at + i * taps,
                         room.near);
    group_room_fini(&room);
}

static void conv_picture(struct kern *k, const struct kern_conv *o)
{
    if (o->stride == 1 && o->pad == 1 &&
        kern_conv_winograd(o->cout, o->cin, o->kh, o->kw, o->groups)) {
        KERN_WINO(k, o);
        return;
    }
    int blocks = (int)((kern_conv_pixels(o) + PB - 1) / PB);
    if (o->groups > 1)
        pool_run(k->pool, blocks, group_part, (void *)(uintptr_t)o);
    else
        pool_run(k->pool, blocks * panel_parts(o), dense_part, (void *)(uintptr_t)o);
}

void KERN_CONV(struct kern *k, const struct kern_conv *o)
{
    for (int i = 0; i < o->count; i++) {
        struct kern_conv one = kern_conv_picture(o, i);
        conv_picture(k, &one);
    }
}

/* ---- pooling */

struct maxpool {
    const float *x;
    int h, w, c;
    float *y;
};

static void maxpool_row(void *arg, int oy)
{
    const struct maxpool *o = arg;
    int ow = (o->w + 1) / 2;
    for (int ox = 0; ox < ow; ox++) {
        float *y = o->y + ((ptrdiff_t)oy * ow + ox) * o->c;
        for (int c = 0; c < o->c; c++)
            y[c] = -INFINITY;
        for (int iy = 2 * oy - 1; iy <= 2 * oy + 1; iy++)
            for (int ix = 2 * ox - 1; ix <= 2 * ox + 1; ix++) {
                if (iy < 0 || iy >= o->h || ix < 0 || ix >= o->w)
                    continue;
                const float *x = o->x + ((ptrdiff_t)iy * o->w + ix) * o->c;
                for (int c = 0; c < o->c; c++) /* NaN wins over all, and stays */
                    y[c] = x[c] > y[c] || x[c] != x[c] ? x[c] : y[c];
            }
    }
}

void KERN_MAXPOOL(struct kern *k, const float *x, int h, int w, int c, float *y)
{
    struct maxpool o = {x, h, w, c, y};
    pool_run(k->pool, (h + 1) / 2, maxpool_row, &o);
}

/* ---- regions */

/* One sample at (y, x), bilinear, added to sum (c). */
static void add_sample(const struct kern_roi *o, float y, float x, float *sum)
{
    if (y != y || x != x) /* a box that is not a number */
        for (int i = 0; i < o->c; i++)
            sum[i] = NAN;
    if (!(y >= -1 && y <= (float)o->h && x >= -1 && x <= (float)o->w))
        return;
    y = y > 0 ? y : 0;
    x = x > 0 ? x : 0;
    int y0 = (int)y, x0 = (int)x, y1 = y0 + 1, x1 = x0 + 1;
    float fy = y - (float)y0, fx = x - (float)x0;
    if (y0 >= o->h - 1) {
        y0 = y1 = o->h - 1;
        fy = 0;
    }
    if (x0 >= o->w - 1) {
        x0 = x1 = o->w - 1;
        fx = 0;
    }
    const float *a = o->x + ((ptrdiff_t)y0 * o->w + x0) * o->c;
    const float *b = o->x + ((ptrdiff_t)y0 * o->w + x1) * o->c;
    const float *c = o->x + ((ptrdiff_t)y1 * o->w + x0) * o->c;
    const float *d = o->x + ((ptrdiff_t)y1 * o->w + x1) * o->c;
    float wa = (1 - fy) * (1 - fx), wb = (1 - fy) * fx, wc = fy * (1 - fx), wd = fy * fx;
    for (int i = 0; i < o->c; i++)
        sum[i] = fma1(wd, d[i], fma1(wc, c[i], fma1(wb, b[i], fma1(wa, a[i], sum[i]))));
}

static void roi_part(void *arg, int n)
{
    const struct kern_roi *o = arg;
    const float *box = o->boxes + 4 * (ptrdiff_t)n;
    float x = box[0] * o->scale, y = box[1] * o->scale;
    float w = box[2] * o->scale - x, h = box[3] * o->scale - y;
    float bw = (w > 1 ? w : 1) / (float)o->bins, bh = (h > 1 ? h : 1) / (float)o->bins;
    float *sum = scratch_alloc((size_t)o->c * sizeof *sum);
    float *out = o->y + (ptrdiff_t)n * o->c * o->bins * o->bins;
    for (int by = 0; by < o->bins; by++)
        for (int bx = 0; bx < o->bins; bx++) {
            memset(sum, 0, (size_t)o->c * sizeof *sum);
            for (int s = 0; s < 4; s++)
                add_sample(o, y + (float)by * bh + ((float)(s / 2) + 0.5f) * bh / 2,
                           x + (float)bx * bw + ((float)(s % 2) + 0.5f) * bw / 2, sum);
            for (int c = 0; c < o->c; c++)
                out[(c * o->bins + by) * o->bins + bx] = sum[c] / 4;
        }
    scratch_free(sum);
}

void KERN_ROI(struct kern *k, const struct kern_roi *o)
{
    pool_run(k->pool, o->n, roi_part, (void *)(uintptr_t)o);
}
