/* SPDX-License-Identifier: MIT */
/* Products of rows with packed weights: panels of KERN_PANEL columns, (k, KERN_PANEL) each, zeros
 * behind the last column. A weight is loaded once for all rows of a tile, a number of x is spread
 * over a vector: no sum across a vector, little traffic, at the price of packing. */
#ifndef VS_KERN_PANEL_H
#define VS_KERN_PANEL_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#if KERN_LANES == 16 /* 32 registers */
#define PANEL_ROWS 12
#else /* 16 registers */
#define PANEL_ROWS 6
#endif
#define PANEL_STEP (2 * KERN_LANES) /* columns of a tile */

/* out(mr, nv vectors) = x(mr, k) w(k, ...), w's rows being ldw apart; mr and nv are constants where
 * this is inlined. */
INLINE void panel_tile(int mr, int nv, const float *x, ptrdiff_t ldx, const float *w, ptrdiff_t ldw,
                       int k, float *out, ptrdiff_t ldo)
{
    vf acc[PANEL_ROWS][2];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nv; j++)
            acc[i][j] = (vf){0};
    for (int p = 0; p < k; p++, w += ldw) {
        vf b[2];
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++)
            b[j] = load(w + j * KERN_LANES);
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            vf a = broadcast(x[i * ldx + p]);
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++)
                acc[i][j] = vfma(a, b[j], acc[i][j]);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nv; j++)
            store(out + i * ldo + j * KERN_LANES, acc[i][j]);
}

/* At most PANEL_ROWS rows, and PANEL_STEP columns, or KERN_LANES where no more are left. */
static inline void panel_any(int rows, bool half, const float *x, ptrdiff_t ldx, const float *w,
                             ptrdiff_t ldw, int k, float *out, ptrdiff_t ldo)
{
    if (rows == PANEL_ROWS && !half)
        panel_tile(PANEL_ROWS, 2, x, ldx, w, ldw, k, out, ldo);
    else if (rows == PANEL_ROWS)
        panel_tile(PANEL_ROWS, 1, x, ldx, w, ldw, k, out, ldo);
    else
        for (int i = 0; i < rows; i++)
            if (half)
                panel_tile(1, 1, x + i * ldx, ldx, w, ldw, k, out + i * ldo, ldo);
            else
                panel_tile(1, 2, x + i * ldx, ldx, w, ldw, k, out + i * ldo, ldo);
}

#endif
