/* SPDX-License-Identifier: MIT */
/* Products of rows with weights, compiled once per instruction set like kern_cpu.c.
 *
 * They are sums of dot products along k, so that weights are read where they are, row by row and
 * once: a tile of MR rows of x and NR rows of w keeps MR x NR vector sums in registers. Every sum
 * is made in the same order wherever its tile lies, so results do not depend on how the work is cut
 * or on the threads.
 *
 * Two things keep the sums fed. Weights come from memory, and the first tile of a part would wait
 * for all of them: so each part fetches, while it computes, those of the part after it. And rows of
 * x whose distance is a multiple of 4096 bytes lie in one set of the L1 cache, which holds fewer of
 * them than a tile needs: such rows are first copied further apart. */
#include "kernels/kern_linear.h"

#include "kernels/kern_dot.h"

#define NB 32 /* columns of y in one part of the work: their weights stay in the L2 cache */

/* y = act(sum + bias) + residual for n columns of one row. */
INLINE void finish_row(const float *sum, const char *bias, const float *residual, float *y, int n,
                       enum kern_act act)
{
    int j = 0;
    for (; j + KERN_LANES <= n; j += KERN_LANES) {
        vf v = load(sum + j);
        if (bias)
            v += load(bias + 4 * (ptrdiff_t)j);
        v = vactivate(v, act);
        if (residual)
            v += load(residual + j);
        store(y + j, v);
    }
    if (j < n) {
        vf v = load_part(sum + j, n - j);
        if (bias)
            v += load_part(bias + 4 * (ptrdiff_t)j, n - j);
        v = vactivate(v, act);
        if (residual)
            v += load_part(residual + j, n - j);
        store_part(y + j, v, n - j);
    }
}

static void finish(const struct kern_linear *o, int row, int rows, int col, int cols,
                   const float *sums)
{
    const char *bias = o->bias ? (const char *)o->bias + 4 * (ptrdiff_t)col : NULL;
    for (int i = 0; i < rows; i++) {
        const float *r = o->residual ? o->residual + (row + i) * o->ldr + col : NULL;
        float *y = o->y + (row + i) * o->ldy + col;
        const float *s = sums + (ptrdiff_t)i * cols;
        switch (o->act) {
        case KERN_NONE: finish_row(s, bias, r, y, cols, KERN_NONE); break;
        case KERN_GELU: finish_row(s, bias, r, y, cols, KERN_GELU); break;
        case KERN_RELU: finish_row(s, bias, r, y, cols, KERN_RELU); break;
        case KERN_SWISH: finish_row(s, bias, r, y, cols, KERN_SWISH); break;
        }
    }
}

/* Some columns of a product: one part of the work. */
struct part {
    const struct kern_linear *o; /* or NULL: none */
    int col, cols;
};

static const char *part_weights(struct part p)
{
    return p.o ? (const char *)p.o->w + 4 * (ptrdiff_t)p.col * p.o->k : NULL;
}

/* The tiles of so many rows, in the order in which they share fetching what comes next. */
static struct dot_next first_share(const char *next, int next_rows, int rows)
{
    return (struct dot_next){next, next_rows, 0, (rows + MR - 1) / MR};
}

/* Short rows: the sums of a tile are finished while they are in the L1 cache. */
static void linear_short(struct part p, struct part after)
{
    const struct kern_linear *o = p.o;
    float sums[MR * NB];
    struct dot_next next = first_share(part_weights(after), after.cols, o->m);
    for (int row = 0, rows; row < o->m; row += rows, next.tile++) {
        rows = tile_rows(o->m - row);
        dot_rows(rows, p.cols, o->x + row * o->ldx, o->ldx, part_weights(p),
                 4 * (ptrdiff_t)o->k, o->k, false, sums, p.cols, next);
        finish(o, row, rows, p.col, p.cols, sums);
    }
}

#define RB 512 /* rows whose sums are kept while the pieces of long rows go by */

/* Long rows: all of them go by a piece of the weights while it is in the cache. */
static void linear_long(struct part p, struct part after, int row, int rows)
{
    const struct kern_linear *o = p.o;
    ptrdiff_t ldw = 4 * (ptrdiff_t)o->k;
    float *sums = scratch_alloc((size_t)rows * (size_t)p.cols * sizeof *sums);
    for (int at = 0; at < o->k; at += KC) {
        int k = o->k - at < KC ? o->k - at : KC;
        const char *w = part_weights(p) + 4 * (ptrdiff_t)at;
        struct dot_next next = o->k - at > KC ? first_share(w + 4 * KC, p.cols, rows)
                                              : first_share(part_weights(after), after.cols, rows);
        for (int i = 0, r; i < rows; i += r, next.tile++) {
            r = tile_rows(rows - i);
            dot_rows(r, p.cols, o->x + (row + i) * o->ldx + at, o->ldx, w, ldw, k, at > 0,
                     sums + (ptrdiff_t)i * p.cols, p.cols, next);
        }
    }
    finish(o, row, rows, p.col, p.cols, sums);
    scratch_free(sums);
}

static void linear_part(struct part p, struct part after)
{
    if (after.o && after.o->k != p.o->k) /* other rows: not worth the trouble */
        after.o = NULL;
    if (p.o->k <= KC)
        linear_short(p, after);
    else
        for (int row = 0; row < p.o->m; row += RB)
            linear_long(p, after, row, p.o->m - row < RB ? p.o->m - row : RB);
}

/* ---- sharing out */

struct job {
    struct kern_linear *list;
    int count, threads;
};

/* Columns of y in one part of the work. Many long rows are read once for each part: then parts are
 * wider. */
static int part_columns(const struct kern_linear *o)
{
    return o->k > KC && o->m > 2 * NB && o->n >= 16 * 4 * NB ? 4 * NB : NB;
}

static int parts_of(const struct kern_linear *o)
{
    int nb = part_columns(o);
    return (o->n + nb - 1) / nb;
}

static struct part part_number(const struct job *job, int i)
{
    const struct kern_linear *o = job->list, *end = o + job->count;
    for (; o < end && i >= parts_of(o); o++)
        i -= parts_of(o);
    if (o == end)
        return (struct part){0};
    int nb = part_columns(o), col = i * nb;
    return (struct part){o, col, o->n - col < nb ? o->n - col : nb};
}

/* The part that this thread is likely to do next is as many further on as there are threads. */
static void do_part(void *arg, int i)
{
    const struct job *job = arg;
    linear_part(part_number(job, i), part_number(job, i + job->threads));
}

/* ---- rows of x that are in each other's way */

static bool same_rows(const struct kern_linear *a, const struct kern_linear *b)
{
    return a->x == b->x && a->m == b->m && a->k == b->k && a->ldx == b->ldx;
}

/* Products in a row often read the same x: query, key and value. */
static void spread_all(const struct kern_linear *list, int count, struct kern_linear *own,
                       float **rows)
{
    for (int i = 0; i < count; i++) {
        own[i] = list[i];
        rows[i] = NULL;
        if (list[i].m == 1 || !kern_crowded(list[i].ldx))
            continue;
        bool again = i > 0 && same_rows(&list[i], &list[i - 1]);
        if (!again)
            rows[i] = scratch_spread(list[i].x, list[i].ldx, list[i].m, list[i].k);
        own[i].x = again ? own[i - 1].x : rows[i];
        own[i].ldx = list[i].k + KERN_LINE;
    }
}

void KERN_LINEAR(struct kern *k, const struct kern_linear *list, int count)
{
    struct kern_linear *own = scratch_alloc((size_t)count * sizeof *own);
    float **rows = scratch_alloc((size_t)count * sizeof *rows);
    struct job job = {own, count, pool_threads(k->pool)};
    int parts = 0;
    spread_all(list, count, own, rows);
    for (int i = 0; i < count; i++)
        parts += parts_of(&own[i]);
    pool_run(k->pool, parts, do_part, &job);
    for (int i = 0; i < count; i++)
        scratch_free(rows[i]);
    scratch_free(rows);
    scratch_free(own);
}
