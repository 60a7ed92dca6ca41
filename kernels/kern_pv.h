/* SPDX-License-Identifier: MIT */
/* Sums of rows of vectors, weighted by a map or by its transpose: what attention reads, and what
 * comes back through it. */
#ifndef VS_KERN_PV_H
#define VS_KERN_PV_H

#include "kernels/kern_math.h"

#include <stddef.h>

#define PV_ROWS 4
#define PV_COLS 4 /* vectors */

/* out(mr, nd vectors) = p(mr, tk) v(tk, ...), p[i][j] being p[i * ldp + j * step]; mr and nd are
 * constants where this is inlined. */
INLINE void pv_tile(int mr, int nd, const float *p, ptrdiff_t ldp, ptrdiff_t step, const float *v,
                    ptrdiff_t ldv, int tk, float *out, ptrdiff_t ldo)
{
    vf acc[PV_ROWS][PV_COLS];
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int d = 0; d < nd; d++)
            acc[i][d] = (vf){0};
    for (int j = 0; j < tk; j++) {
        vf b[PV_COLS];
#pragma GCC unroll 4
        for (int d = 0; d < nd; d++)
            b[d] = load(v + j * ldv + d * KERN_LANES);
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++) {
            vf a = broadcast(p[i * ldp + j * step]);
#pragma GCC unroll 4
            for (int d = 0; d < nd; d++)
                acc[i][d] = vfma(a, b[d], acc[i][d]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int d = 0; d < nd; d++)
            store(out + i * ldo + d * KERN_LANES, acc[i][d]);
}

#define PV(m, d)                                                                                  \
    case (m) * 8 + (d):                                                                           \
        pv_tile(m, d, p, ldp, step, v, ldv, tk, out, ldo);                                        \
        break
#define PVS(m) PV(m, 1); PV(m, 2); PV(m, 3); PV(m, 4)

INLINE void pv_any(int mr, int nd, const float *p, ptrdiff_t ldp, ptrdiff_t step, const float *v,
                   ptrdiff_t ldv, int tk, float *out, ptrdiff_t ldo)
{
    switch (mr * 8 + nd) {
        PVS(1);
        PVS(2);
        PVS(3);
        PVS(4);
    }
}

/* At most PV_ROWS rows of dh columns. */
INLINE void pv_some(int rows, const float *p, ptrdiff_t ldp, ptrdiff_t step, const float *v,
                    ptrdiff_t ldv, int tk, int dh, float *out, ptrdiff_t ldo)
{
    int d = 0;
    while (dh - d >= KERN_LANES) {
        int nd = (dh - d) / KERN_LANES;
        nd = nd < PV_COLS ? nd : PV_COLS;
        pv_any(rows, nd, p, ldp, step, v + d, ldv, tk, out + d, ldo);
        d += nd * KERN_LANES;
    }
    for (; d < dh; d++)
        for (int i = 0; i < rows; i++) {
            float sum = 0;
            for (int j = 0; j < tk; j++)
                sum = fma1(p[i * ldp + j * step], v[j * ldv + d], sum);
            out[i * ldo + d] = sum;
        }
}

/* out(rows, dh) = p(rows, tk) v(tk, dh) */
static void pv_rows(int rows, const float *p, ptrdiff_t ldp, const float *v, ptrdiff_t ldv, int tk,
                    int dh, float *out, ptrdiff_t ldo)
{
    for (int i = 0; i < rows; i += PV_ROWS)
        pv_some(rows - i < PV_ROWS ? rows - i : PV_ROWS, p + i * ldp, ldp, 1, v, ldv, tk, dh,
                out + i * ldo, ldo);
}

#endif
