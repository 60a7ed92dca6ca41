/* SPDX-License-Identifier: MIT */
/* Dense 3x3 convolutions by Winograd's F(2x2, 3x3), compiled once per instruction set.
 *
 * Four output pixels take 16 products a channel pair instead of 36. A strip of tiles is
 * transformed, multiplied by the transformed weights in 16 matrix products, and transformed back.
 * The constants are 1, -1 and 1/2, so that the rounding stays near that of the direct sum
 * (kernels/NOTES.md).
 *
 * Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. */
#include "kernels/kern_conv.h"
#include "kernels/kern_panel.h"

#include <stdbool.h>

#define PANEL KERN_PANEL
#define STRIP_BYTES (12 << 20) /* of transformed pixels and sums: they stay in the shared cache */
#define TILES 8           /* tiles that one part of the work transforms */

struct wino {
    const struct kern_conv *o;
    const float *weights; /* (16, panels, cin, PANEL) */
    const float *zeros;   /* a pixel outside */
    float *v, *m;         /* (16, strip, cin), (16, strip, panels * PANEL) */
    int across, tiles;    /* tiles in a row, in the picture */
    int first, count, strip; /* tiles of this strip; room in v and m */
    int panels;
};

/* ---- pixels to tiles: B' d B */

INLINE void to_tile(const vf d[16], vf v[16])
{
    vf t[16];
    for (int i = 0; i < 4; i++) {
        t[i] = d[i] - d[8 + i];
        t[4 + i] = d[4 + i] + d[8 + i];
        t[8 + i] = d[8 + i] - d[4 + i];
        t[12 + i] = d[4 + i] - d[12 + i];
    }
    for (int i = 0; i < 16; i += 4) {
        v[i] = t[i] - t[i + 2];
        v[i + 1] = t[i + 1] + t[i + 2];
        v[i + 2] = t[i + 2] - t[i + 1];
        v[i + 3] = t[i + 1] - t[i + 3];
    }
}

static void transform_in(const struct wino *w, int tile)
{
    const struct kern_conv *o = w->o;
    int number = w->first + tile, y0 = number / w->across * 2 - 1, x0 = number % w->across * 2 - 1;
    const float *at[16];
    ptrdiff_t plane = (ptrdiff_t)w->strip * o->cin;
    float *out = w->v + (ptrdiff_t)tile * o->cin;
    for (int i = 0; i < 16; i++) {
        int y = y0 + i / 4, x = x0 + i % 4;
        bool inside = y >= 0 && y < o->h && x >= 0 && x < o->w;
        at[i] = inside ? o->x + ((ptrdiff_t)y * o->w + x) * o->cin : w->zeros;
    }
    for (int c = 0; c < o->cin; c += KERN_LANES) {
        vf d[16], v[16];
        int n = o->cin - c;
        for (int i = 0; i < 16; i++)
            d[i] = n >= KERN_LANES ? load(at[i] + c) : load_part(at[i] + c, n);
        to_tile(d, v);
        for (int i = 0; i < 16; i++)
            if (n >= KERN_LANES)
                store(out + i * plane + c, v[i]);
            else
                store_part(out + i * plane + c, v[i], n);
    }
}

static void in_part(void *arg, int part)
{
    const struct wino *w = arg;
    for (int i = part * TILES; i < w->count && i < (part + 1) * TILES; i++)
        transform_in(w, i);
}

/* ---- 16 products: m = v weights */

#define COLUMNS 32 /* of one part of the work: whole panels, whole tiles */

static int column_parts(const struct wino *w)
{
    return (w->panels * PANEL + COLUMNS - 1) / COLUMNS;
}

/* One of the 16 planes and some of the columns. */
static void product_part(void *arg, int part)
{
    const struct wino *w = arg;
    int k = w->o->cin, plane = part / column_parts(w), first = part % column_parts(w) * COLUMNS;
    int ldm = w->panels * PANEL, end = first + COLUMNS < ldm ? first + COLUMNS : ldm;
    const float *x = w->v + (ptrdiff_t)plane * w->strip * k;
    float *out = w->m + (ptrdiff_t)plane * w->strip * ldm;
    struct panel_tile t = {.ldx = k, .ldw = PANEL, .next = PANEL_NEXT(k), .k = k, .ldo = ldm};
    for (int j = first; j < end; j += PANEL_STEP)
        for (int i = 0, rows; i < w->count; i += rows) {
            rows = panel_rows(w->count - i);
            t.x = x + (ptrdiff_t)i * k;
            t.w = panel_at(w->weights + (ptrdiff_t)plane * k * ldm, k, j);
            t.out = out + (ptrdiff_t)i * ldm + j;
            panel_any(rows, panel_vectors(end - j), &t);
        }
}

/* ---- tiles to pixels: A' m A, then what follows the convolution */

INLINE void from_tile(const vf m[16], vf y[4])
{
    vf t[8];
    for (int i = 0; i < 4; i++) {
        t[i] = m[i] + m[4 + i] + m[8 + i];
        t[4 + i] = m[4 + i] - m[8 + i] - m[12 + i];
    }
    for (int i = 0; i < 2; i++) {
        y[2 * i] = t[4 * i] + t[4 * i + 1] + t[4 * i + 2];
        y[2 * i + 1] = t[4 * i + 1] - t[4 * i + 2] - t[4 * i + 3];
    }
}

/* sums (4, panels * PANEL): the four pixels of a tile. */
static void transform_out(const struct wino *w, int tile, float *sums)
{
    const struct kern_conv *o = w->o;
    int ldm = w->panels * PANEL, number = w->first + tile;
    int y0 = number / w->across * 2, x0 = number % w->across * 2;
    ptrdiff_t plane = (ptrdiff_t)w->strip * ldm;
    const float *from = w->m + (ptrdiff_t)tile * ldm;
    for (int c = 0; c < o->cout; c += KERN_LANES) {
        vf m[16], y[4];
        for (int i = 0; i < 16; i++)
            m[i] = load(from + i * plane + c);
        from_tile(m, y);
        for (int i = 0; i < 4; i++)
            store(sums + i * ldm + c, y[i]);
    }
    for (int i = 0; i < 4; i++) {
        int y = y0 + i / 2, x = x0 + i % 2;
        if (y < o->h && x < o->w)
            kern_conv_finish(o, sums + i * ldm, (ptrdiff_t)y * o->w + x, 0, o->cout);
    }
}

static void out_part(void *arg, int part)
{
    const struct wino *w = arg;
    float *sums = scratch_alloc(4 * (size_t)w->panels * PANEL * sizeof *sums);
    for (int i = part * TILES; i < w->count && i < (part + 1) * TILES; i++)
        transform_out(w, i, sums);
    scratch_free(sums);
}

/* ---- the whole */

void KERN_WINO(struct kern *k, const struct kern_conv *o)
{
    struct wino w = {.o = o, .across = (o->w + 1) / 2, .panels = (o->cout + PANEL - 1) / PANEL};
    size_t tile = 16 * (size_t)(o->cin + w.panels * PANEL) * sizeof(float);
    size_t zeros = (size_t)o->cin * sizeof(float);
    w.tiles = w.across * ((o->h + 1) / 2);
    w.strip = (int)(STRIP_BYTES / tile) / PANEL_ROWS * PANEL_ROWS;
    w.strip = w.strip < PANEL_ROWS ? PANEL_ROWS : w.strip > w.tiles ? w.tiles : w.strip;
    w.weights = (const float *)o->weights + 9 * (ptrdiff_t)o->cin * w.panels * PANEL;
    w.v = scratch_alloc((size_t)w.strip * tile + zeros);
    w.m = w.v + 16 * (ptrdiff_t)w.strip * o->cin;
    float *outside = w.m + 16 * (ptrdiff_t)w.strip * w.panels * PANEL;
    memset(outside, 0, zeros);
    w.zeros = outside;
    for (; w.first < w.tiles; w.first += w.count) {
        w.count = w.tiles - w.first < w.strip ? w.tiles - w.first : w.strip;
        int parts = (w.count + TILES - 1) / TILES;
        pool_run(k->pool, parts, in_part, &w);
        pool_run(k->pool, 16 * column_parts(&w), product_part, &w);
        pool_run(k->pool, parts, out_part, &w);
    }
    scratch_free(w.v);
}
