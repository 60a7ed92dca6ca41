/* SPDX-License-Identifier: MIT */
/* Dot products of rows with rows: the scores of attention, whose keys are read once and need no
 * packing. */
#ifndef VS_KERN_DOT_H
#define VS_KERN_DOT_H

#include "kernels/kern_math.h"

#include <stddef.h>

#if KERN_LANES == 16
#define MR 6
#elif KERN_REGISTERS == 32
#define MR 5
#else
#define MR 3
#endif
#define NR 4

/* out[i][j] = x row i . w row j; mr and nr are constants where this is inlined. */
INLINE void dot_tile(int mr, int nr, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                     int k, float *out, ptrdiff_t ldo)
{
    vf acc[MR][NR];
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NR; j++)
            acc[i][j] = (vf){0};
    int p = 0;
    for (; p + KERN_LANES <= k; p += KERN_LANES) {
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
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
            for (int j = 0; j < nr; j++)
                acc[i][j] = vfma(load_part(x + i * ldx + p, k - p),
                                 load_part(w + j * ldw + 4 * (ptrdiff_t)p, k - p), acc[i][j]);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        v4 s = sum4(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
#pragma GCC unroll 4
        for (int j = 0; j < nr; j++)
            out[i * ldo + j] = s[j];
    }
}

#define TILE(m, n)                                                                                \
    case (m) * 8 + (n):                                                                           \
        dot_tile(m, n, x, ldx, w, ldw, k, out, ldo);                                              \
        break
#define TILES(m) TILE(m, 1); TILE(m, 2); TILE(m, 3); TILE(m, 4)

static void dot_any(int mr, int nr, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                    int k, float *out, ptrdiff_t ldo)
{
    switch (mr * 8 + nr) {
        TILES(1);
        TILES(2);
        TILES(3);
#if MR > 3
        TILES(4);
        TILES(5);
#endif
#if MR > 5
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

/* out(rows, n) = x(rows, k) w(n, k)^T for at most MR rows. */
static void dot_rows(int rows, int n, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                     int k, float *out, ptrdiff_t ldo)
{
    for (int j = 0; j < n; j += NR)
        dot_any(rows, n - j < NR ? n - j : NR, x, ldx, w + j * ldw, ldw, k, out + j, ldo);
}

#endif
