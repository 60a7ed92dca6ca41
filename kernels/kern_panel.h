/* SPDX-License-Identifier: MIT */
/* Products of rows with packed weights: panels of KERN_PANEL columns, (k, KERN_PANEL) each, zeros
 * behind the last column. A weight is loaded once for all rows of a tile, a number of x is spread
 * over a vector: every output is one sum along k in order, whatever the width of the vectors, with
 * no sum across a vector and little traffic. */
#ifndef VS_KERN_PANEL_H
#define VS_KERN_PANEL_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

/* Sums of a tile: so many rows of so many vectors. Some registers are left for weights and numbers
 * of x; with NEON, whose compilers read ahead, seven. */
#if defined(KERN_NEON)
#define PANEL_ROWS 5
#define PANEL_VECTORS 4
#elif KERN_REGISTERS == 32
#define PANEL_ROWS 12
#define PANEL_VECTORS 2
#else
#define PANEL_ROWS 6
#define PANEL_VECTORS 2
#endif
#define PANEL_STEP (PANEL_VECTORS * KERN_LANES) /* columns of a tile */

/* From one vector of a tile's columns to the next: in panels of k rows. */
#define PANEL_NEXT(k) (KERN_LANES < KERN_PANEL ? KERN_LANES : (ptrdiff_t)(k) * KERN_PANEL)

/* Column j, a multiple of the vector's width, of packed weights. */
INLINE const float *panel_at(const float *w, int k, int j)
{
    return w + (ptrdiff_t)(j / KERN_PANEL) * k * KERN_PANEL + j % KERN_PANEL;
}

/* Lines of memory that are needed soon: some runs, one line of them after the other. A tile fetches
 * its share into the L2 cache on its way, so many lines every PANEL_CHUNK steps. */
#define PANEL_CHUNK 16
#define PANEL_LINE 64
struct panel_ahead {
    const char *at, *end; /* of this run */
    ptrdiff_t run, jump;  /* bytes of a run, from the end of one to the start of the next */
    int lines;            /* every time; 0: nothing is to be fetched */
};

INLINE void panel_fetch(struct panel_ahead *a)
{
    for (int i = 0; i < a->lines; i++) {
        __builtin_prefetch(a->at, 0, 2);
        a->at += PANEL_LINE;
        if (a->at >= a->end) {
            a->at = a->end + a->jump;
            a->end = a->at + a->run;
        }
    }
}

/* Where a tile's numbers lie. Row p of w is ldw from the one before. */
struct panel_tile {
    const float *x;
    ptrdiff_t ldx;
    const float *w;
    ptrdiff_t ldw, next; /* next: to the next vector of columns */
    int k;
    bool more; /* out is added to, when the sums are made */
    bool on;   /* the sums go on from what out has */
    float *out;
    ptrdiff_t ldo;
    struct panel_ahead *ahead; /* or NULL */
};

/* One number of every row of x, one row of w. mr and nv are constants where this is inlined. */
INLINE void panel_step(int mr, int nv, const float *x, ptrdiff_t ldx, const float *w,
                       ptrdiff_t next, vf acc[PANEL_ROWS][PANEL_VECTORS])
{
    vf b[PANEL_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++)
        b[j] = load(w + j * next);
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        vf a = broadcast(x[i * ldx]);
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++)
            acc[i][j] = vfma(a, b[j], acc[i][j]);
    }
}

/* out(mr, nv vectors) = x(mr, k) w(k, ...). */
INLINE void panel_sums(int mr, int nv, const struct panel_tile *t)
{
    vf acc[PANEL_ROWS][PANEL_VECTORS];
    const float *x = t->x, *w = t->w;
    ptrdiff_t ldx = t->ldx, ldw = t->ldw, next = t->next;
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++)
            acc[i][j] = t->on ? load(t->out + i * t->ldo + j * KERN_LANES) : (vf){0};
    int p = 0;
    for (; p + PANEL_CHUNK <= t->k; p += PANEL_CHUNK) {
        if (t->ahead)
            panel_fetch(t->ahead);
#pragma GCC unroll 4
        for (int c = 0; c < PANEL_CHUNK; c++, x++, w += ldw)
            panel_step(mr, nv, x, ldx, w, next, acc);
    }
    for (; p < t->k; p++, x++, w += ldw)
        panel_step(mr, nv, x, ldx, w, next, acc);
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++) {
            float *o = t->out + i * t->ldo + j * KERN_LANES;
            store(o, t->more ? load(o) + acc[i][j] : acc[i][j]);
        }
}

/* Vectors of a tile of so many columns, the first of those that are left: 1, 2 or PANEL_VECTORS. */
INLINE int panel_vectors(int cols)
{
    return cols <= KERN_LANES ? 1 : cols <= 2 * KERN_LANES ? 2 : PANEL_VECTORS;
}

#define PANEL_KEY(m, nv) ((m) * (PANEL_VECTORS + 1) + (nv))
#define PANEL_ONE(m, nv)                                                                          \
    case PANEL_KEY(m, nv): panel_sums(m, nv, t); break
#if PANEL_VECTORS > 2
#define PANEL_CASE(m) PANEL_ONE(m, 1); PANEL_ONE(m, 2); PANEL_ONE(m, PANEL_VECTORS)
#else
#define PANEL_CASE(m) PANEL_ONE(m, 1); PANEL_ONE(m, 2)
#endif

/* At most PANEL_ROWS rows, and nv of panel_vectors. */
static void panel_any(int rows, int nv, const struct panel_tile *t)
{
    switch (PANEL_KEY(rows, nv)) {
        PANEL_CASE(1);
        PANEL_CASE(2);
        PANEL_CASE(3);
        PANEL_CASE(4);
        PANEL_CASE(5);
#if PANEL_ROWS > 5
        PANEL_CASE(6);
#endif
#if PANEL_ROWS > 6
        PANEL_CASE(7);
        PANEL_CASE(8);
        PANEL_CASE(9);
        PANEL_CASE(10);
        PANEL_CASE(11);
        PANEL_CASE(12);
#endif
    }
}

/* Rows of the next of so many tiles: m rows in tiles of at most PANEL_ROWS, as equal as can be: 13
 * rows are 5 + 4 + 4, not 6 + 6 + 1. */
INLINE int panel_rows(int left)
{
    int tiles = (left + PANEL_ROWS - 1) / PANEL_ROWS;
    return (left + tiles - 1) / tiles;
}

#endif
