/* SPDX-License-Identifier: MIT */
/* Dot products of rows with rows: the tiles that products and convolutions are made of. */
#ifndef VS_KERN_DOT_H
#define VS_KERN_DOT_H

#include "kernels/kern_math.h"

#include <stdbool.h>
#include <stddef.h>

#if KERN_LANES == 16 /* 32 registers */
#define MR 6
#define NR 4
#else /* 16 registers */
#define MR 3
#define NR 4
#endif

/* Longer rows are multiplied in pieces, so that those of a tile stay in the L1 cache. Where the
 * pieces end depends on k alone, hence the sums on nothing else. */
#define KC 1024

/* Rows of weights that are needed soon, at the distance of those that are multiplied now: they are
 * fetched into the L2 cache on the way. */
struct dot_ahead {
    const char *w;
    int rows;
};

/* One cache line of each of those rows. */
INLINE void dot_fetch(struct dot_ahead next, ptrdiff_t ldw, int p)
{
    for (int j = 0; j < next.rows && p % 16 == 0; j++)
        __builtin_prefetch(next.w + j * ldw + 4 * (ptrdiff_t)p, 0, 2);
}

/* out[i][j] = x row i . w row j, or that much more; mr and nr are constants where this is
 * inlined. */
INLINE void dot_tile(int mr, int nr, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                     int k, bool more, float *out, ptrdiff_t ldo, struct dot_ahead next)
{
    vf acc[MR][NR];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = (vf){0};
    int p = 0;
    for (; p + KERN_LANES <= k; p += KERN_LANES) {
        dot_fetch(next, ldw, p);
        vf b[NR];
#pragma GCC unroll 8
        for (int j = 0; j < nr; j++)
            b[j] = load(w + j * ldw + 4 * (ptrdiff_t)p);
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            vf a = load(x + i * ldx + p);
#pragma GCC unroll 8
            for (int j = 0; j < nr; j++)
                acc[i][j] = vfma(a, b[j], acc[i][j]);
        }
    }
    if (p < k)
        for (int i = 0; i < mr; i++)
            for (int j = 0; j < nr; j++)
                acc[i][j] = vfma(load_part(x + i * ldx + p, k - p),
                                 load_part(w + j * ldw + 4 * (ptrdiff_t)p, k - p), acc[i][j]);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        v4 s = sum4(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        for (int j = 0; j < nr; j++)
            out[i * ldo + j] = more ? out[i * ldo + j] + s[j] : s[j];
    }
}

#define TILE(m, n)                                                                                \
    case (m) * 8 + (n):                                                                           \
        dot_tile(m, n, x, ldx, w, ldw, k, more, out, ldo, next);                                  \
        break
#define TILES(m) TILE(m, 1); TILE(m, 2); TILE(m, 3); TILE(m, 4)

static void dot_any(int mr, int nr, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                    int k, bool more, float *out, ptrdiff_t ldo, struct dot_ahead next)
{
    switch (mr * 8 + nr) {
        TILES(1);
        TILES(2);
        TILES(3);
#if MR > 3
        TILES(4);
        TILES(5);
        TILES(6);
#endif
    }
}

/* Rows of the next of so many tiles: m rows in tiles of at most MR, as equal as can be: 13 rows
 * are 5 + 4 + 4, not 6 + 6 + 1. */
static int tile_rows(int left)
{
    int tiles = (left + MR - 1) / MR;
    return (left + tiles - 1) / tiles;
}

/* What is multiplied after these weights: at most so many rows, at the same distance. All tiles of
 * rows of x have a share in fetching it, this one being tile of tiles. */
struct dot_next {
    const char *w; /* or NULL */
    int rows, tile, tiles;
};

/* The share that the weights from row j on have in it. */
static struct dot_ahead dot_share(struct dot_next next, int j, ptrdiff_t ldw)
{
    if (!next.w)
        return (struct dot_ahead){0};
    int from = NR * next.tile / next.tiles, to = NR * (next.tile + 1) / next.tiles;
    to = to < next.rows - j ? to : next.rows - j;
    return (struct dot_ahead){next.w + (j + from) * ldw, to - from};
}

/* out(rows, n) = x(rows, k) w(n, k)^T for at most MR rows, or that much more. */
static void dot_rows(int rows, int n, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                     int k, bool more, float *out, ptrdiff_t ldo, struct dot_next next)
{
    for (int j = 0; j < n; j += NR)
        dot_any(rows, n - j < NR ? n - j : NR, x, ldx, w + j * ldw, ldw, k, more, out + j, ldo,
                dot_share(next, j, ldw));
}

#endif
