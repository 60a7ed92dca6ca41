/* SPDX-License-Identifier: MIT */
/* How products are shared out among threads: in parts of some columns and some rows. Every number
 * of y is made in one part, in one order, so results do not depend on how a product is cut. */
#ifndef VS_KERN_SHARE_H
#define VS_KERN_SHARE_H

#include "kernels/kern.h"

#include <math.h>

struct share_cut {
    int cols, rows; /* of a part */
};

#define SHARE_COLUMNS 32
#define SHARE_WIDE 128
/* Rows of a part, at least: for fewer it does not pay that weights are read once more. */
#define SHARE_ROWS 12
/* A thread finds so many parts, if they can be that small: the last ones to end are small then. */
#define SHARE_PARTS 3

/* The work of a list of products, in multiply-adds, divided by the threads; one alone has nothing
 * to share. */
static inline double share_fair(const struct kern_linear *list, int count, int threads)
{
    double work = 0;
    for (int i = 0; i < count; i++)
        work += (double)list[i].m * list[i].n * list[i].k;
    return threads > 1 ? work / threads : INFINITY;
}

/* fair: as above. least: columns that cost as much as fewer (a power of two). Columns are cut
 * first, which costs nothing but x being read once more; many long rows of it cost more: then parts
 * are wider as long as they are small enough. */
static inline struct share_cut share_cut(const struct kern_linear *o, double fair, int least)
{
    bool wide = o->k > 1024 && o->m > 2 * SHARE_COLUMNS && o->n >= 16 * SHARE_WIDE;
    struct share_cut c = {wide ? SHARE_WIDE : SHARE_COLUMNS, o->m > 0 ? o->m : 1};
    double most = fair / SHARE_PARTS / (o->k > 0 ? o->k : 1);
    while (c.cols > least && (double)c.cols * c.rows > most)
        c.cols /= 2;
    while (c.rows >= 2 * SHARE_ROWS && (double)c.cols * c.rows > most)
        c.rows = (c.rows + 1) / 2;
    return c;
}

/* One of the parts. */
struct share_part {
    const struct kern_linear *o; /* or NULL: none */
    int col, cols, row, rows;
};

/* Of y: across and down; some, though there may be no row. */
static inline int share_across(const struct kern_linear *o, struct share_cut c)
{
    return (o->n + c.cols - 1) / c.cols;
}

static inline int share_down(const struct kern_linear *o, struct share_cut c)
{
    return o->m > 0 ? (o->m + c.rows - 1) / c.rows : 1;
}

static inline int share_parts(const struct kern_linear *o, struct share_cut c)
{
    return share_across(o, c) * share_down(o, c);
}

/* Part i of a list of products with their cuts. Parts of the same columns follow each other: the
 * second finds their weights in a cache. */
static inline struct share_part share_part(const struct kern_linear *list,
                                           const struct share_cut *cuts, int count, int i)
{
    int at = 0;
    for (; at < count && i >= share_parts(&list[at], cuts[at]); at++)
        i -= share_parts(&list[at], cuts[at]);
    if (at == count)
        return (struct share_part){0};
    const struct kern_linear *o = &list[at];
    struct share_cut c = cuts[at];
    int down = share_down(o, c), col = i / down * c.cols, row = i % down * c.rows;
    return (struct share_part){o, col, o->n - col < c.cols ? o->n - col : c.cols,
                               row, o->m - row < c.rows ? o->m - row : c.rows};
}

#endif
