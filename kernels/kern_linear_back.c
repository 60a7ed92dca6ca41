/* SPDX-License-Identifier: MIT */
/* Back through products of rows with weights: dx = dy w, w where it lies, or packed for the way
 * forward, compiled once per instruction set.
 *
 * Columns of dx stand side by side in the rows of w, so a tile spreads a number of dy over a vector
 * and needs no sum across one. The rows of w are far apart, though, a page each: those that are
 * multiplied next are copied side by side first, a few columns of CHUNK rows at a time, which stay
 * in the caches while all rows of dy go by. While one chunk is multiplied the next one is fetched.
 * Of packed weights these columns lie side by side already, KERN_PANEL rows of each, in large
 * pages: they are turned on the way, which costs less than to find a page for each row, and widened
 * before where they have fewer bits. Every sum runs along n from its first number to its last, so
 * results depend on nothing else. */
#include "kernels/kern_back.h"
#include "kernels/kern_narrow.h"
#include "kernels/kern_pack.h"
#include "kernels/kern_panel.h"

#define CHUNK 256 /* rows of w that are copied at a time */
#define COLUMNS 64 /* columns of dx in one part of the work */
#define RB 512 /* rows whose sums are kept while the chunks go by */

/* Some columns of a product: one part of the work. */
struct back_part {
    const struct kern_linear_back *o; /* or NULL: none */
    const struct kern_panels *packed; /* its weights; their at NULL: none */
    int col, cols;
};

/* Rows of w, columns of a part. */
struct back_chunk {
    const char *w; /* any alignment; NULL: none */
    ptrdiff_t ldw; /* bytes from row to row; of packed ones from panel to panel */
    int n, cols;
    const struct kern_panels *packed; /* of which w is the place of the first column in the panel */
    int first;                        /* of row `first`; NULL: w is float32 */
};

static struct back_chunk back_chunk(struct back_part p, int from)
{
    if (!p.o || from >= p.o->n)
        return (struct back_chunk){0};
    int n = p.o->n - from < CHUNK ? p.o->n - from : CHUNK;
    if (p.packed->at) {
        ptrdiff_t column = KERN_PANEL * narrow_size(p.packed->type), ldw = p.o->k * column;
        return (struct back_chunk){(const char *)p.packed->at + from / KERN_PANEL * ldw +
                                       p.col * column,
                                   ldw, n, p.cols, p.packed, from};
    }
    ptrdiff_t ldw = 4 * (ptrdiff_t)p.o->k;
    return (struct back_chunk){(const char *)p.o->w + from * ldw + 4 * (ptrdiff_t)p.col, ldw, n,
                               p.cols, NULL, from};
}

/* KERN_PANEL rows of w, of which a panel has column after column, to rows of PANEL_STEP; zeros
 * behind the last column. */
static void back_turn(const char *w, int cols, float *to)
{
    int p = 0;
    for (; p + PACK_ROWS <= cols && p < PANEL_STEP; p += PACK_ROWS)
        for (int j = 0; j < KERN_PANEL; j += 4)
            pack_square(w + 4 * (KERN_PANEL * (ptrdiff_t)p + j), 4 * KERN_PANEL,
                        to + (ptrdiff_t)j * PANEL_STEP + p, PANEL_STEP);
    for (; p < PANEL_STEP; p++)
        for (int j = 0; j < KERN_PANEL; j++) {
            float x = 0;
            if (p < cols)
                memcpy(&x, w + 4 * (KERN_PANEL * (ptrdiff_t)p + j), sizeof x);
            to[j * PANEL_STEP + p] = x;
        }
}

static void back_pack_turned(struct back_chunk c, float *panels)
{
    float wide[COLUMNS * KERN_PANEL] __attribute__((aligned(64)));
    for (int n = 0; n < c.n; n += KERN_PANEL) {
        const char *from = c.w + n / KERN_PANEL * c.ldw;
        if (c.packed->type != KERN_FLOAT32) {
            widen_panel(c.packed, from - (const char *)c.packed->at, c.first + n, c.cols, wide);
            from = (const char *)wide;
        }
        for (int j = 0; j < c.cols; j += PANEL_STEP)
            back_turn(from + 4 * KERN_PANEL * (ptrdiff_t)j, c.cols - j,
                      panels + (ptrdiff_t)j * CHUNK + (ptrdiff_t)n * PANEL_STEP);
    }
}

/* Panels of PANEL_STEP columns, (n, PANEL_STEP) each, CHUNK rows apart; zeros behind the last
 * column. */
static void back_pack(struct back_chunk c, float *panels)
{
    if (c.packed) {
        back_pack_turned(c, panels);
        return;
    }
    for (int p = 0; p < c.n; p++)
        for (int j = 0; j < c.cols; j += PANEL_STEP) {
            float *to = panels + (ptrdiff_t)j * CHUNK + (ptrdiff_t)p * PANEL_STEP;
            const char *from = c.w + p * c.ldw + 4 * (ptrdiff_t)j;
            int cols = c.cols - j;
            if (cols >= PANEL_STEP) {
                for (int v = 0; v < PANEL_STEP; v += KERN_LANES)
                    store(to + v, load(from + 4 * (ptrdiff_t)v));
            } else {
                memset(to, 0, PANEL_STEP * sizeof *to);
                memcpy(to, from, (size_t)cols * sizeof *to);
            }
        }
}

/* What is multiplied next, on its way into the L2 cache, of which each of so many shares fetches
 * some: all of a tile's at once would wait for each other. */
static struct panel_ahead back_fetch(struct back_chunk next, int shares)
{
    struct panel_ahead a = {0};
    if (!next.w || shares == 0)
        return a;
    int runs = next.packed ? (next.n + KERN_PANEL - 1) / KERN_PANEL : next.n;
    a.run = next.cols * (next.packed ? KERN_PANEL * narrow_size(next.packed->type) : 4);
    a.jump = next.ldw - a.run;
    a.at = next.w;
    a.end = a.at + a.run;
    ptrdiff_t lines = runs * ((a.run + PANEL_LINE - 1) / PANEL_LINE);
    a.lines = (int)((lines + shares - 1) / shares);
    return a;
}

/* sums(rows, COLUMNS) += x(rows, c.n) c */
static void back_multiply(struct back_chunk c, const float *panels, const float *x, ptrdiff_t ldx,
                          int rows, float *sums, struct back_chunk next)
{
    int across = (c.cols + PANEL_STEP - 1) / PANEL_STEP;
    int down = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
    struct panel_ahead ahead = back_fetch(next, across * down * (c.n / PANEL_CHUNK));
    for (int j = 0; j < c.cols; j += PANEL_STEP)
        for (int i = 0, r; i < rows; i += r) {
            struct panel_tile t = {.x = x + i * ldx, .ldx = ldx, .w = panels + (ptrdiff_t)j * CHUNK,
                                   .ldw = PANEL_STEP, .next = KERN_LANES, .k = c.n, .on = true,
                                   .out = sums + (ptrdiff_t)i * COLUMNS + j, .ldo = COLUMNS,
                                   .ahead = ahead.lines ? &ahead : NULL};
            r = panel_rows(rows - i);
            panel_any(r, PANEL_VECTORS, &t);
        }
}

/* Sums begin with the residual. */
static void back_begin(const struct kern_linear_back *o, int col, int cols, int row, int rows,
                       float *sums)
{
    memset(sums, 0, (size_t)rows * COLUMNS * sizeof *sums);
    for (int i = 0; o->residual && i < rows; i++)
        memcpy(sums + (ptrdiff_t)i * COLUMNS, o->residual + (row + i) * o->ldr + col,
               (size_t)cols * sizeof *sums);
}

static void back_rows(struct back_part p, struct back_part after, int row, int rows)
{
    const struct kern_linear_back *o = p.o;
    float *sums = scratch_alloc((size_t)rows * COLUMNS * sizeof *sums);
    float *panels = scratch_alloc((size_t)CHUNK * COLUMNS * sizeof *panels);
    back_begin(o, p.col, p.cols, row, rows, sums);
    for (int at = 0; at < o->n; at += CHUNK) {
        struct back_chunk c = back_chunk(p, at), next = back_chunk(p, at + CHUNK);
        back_pack(c, panels);
        back_multiply(c, panels, o->dy + row * o->ldy + at, o->ldy, rows, sums,
                      next.w ? next : back_chunk(after, 0));
    }
    for (int i = 0; i < rows; i++)
        memcpy(o->dx + (row + i) * o->ldx + p.col, sums + (ptrdiff_t)i * COLUMNS,
               (size_t)p.cols * sizeof *sums);
    scratch_free(panels);
    scratch_free(sums);
}

/* ---- sharing out */

struct back_job {
    struct kern_linear_back *list;
    struct kern_panels *packed; /* (count) the weights of each, or none */
    int count, threads;
};

static int back_parts_of(const struct kern_linear_back *o)
{
    return o->m > 0 ? (o->k + COLUMNS - 1) / COLUMNS : 0;
}

static struct back_part back_part_number(const struct back_job *job, int i)
{
    const struct kern_linear_back *o = job->list, *end = o + job->count;
    for (; o < end && i >= back_parts_of(o); o++)
        i -= back_parts_of(o);
    if (o == end)
        return (struct back_part){0};
    int col = i * COLUMNS;
    return (struct back_part){o, &job->packed[o - job->list], col,
                              o->k - col < COLUMNS ? o->k - col : COLUMNS};
}

/* The part that this thread is likely to do next is as many further on as there are threads. */
static void back_do_part(void *arg, int i)
{
    const struct back_job *job = arg;
    struct back_part p = back_part_number(job, i), after = back_part_number(job, i + job->threads);
    for (int row = 0; row < p.o->m; row += RB)
        back_rows(p, after, row, p.o->m - row < RB ? p.o->m - row : RB);
}

void KERN_LINEAR_BACK(struct kern *k, const struct kern_linear_back *list, int count)
{
    struct kern_linear_back *own = scratch_alloc((size_t)count * sizeof *own);
    float **rows = scratch_alloc((size_t)count * sizeof *rows);
    struct kern_panels *packed = scratch_alloc((size_t)count * sizeof *packed);
    struct back_job job = {own, packed, count, pool_threads(k->pool)};
    int parts = 0;
    for (int i = 0; i < count; i++) {
        own[i] = list[i];
        rows[i] = NULL;
        packed[i] = kern_packed_find(k, list[i].w, list[i].n, list[i].k);
        if (list[i].m > 1 && kern_crowded(list[i].ldy)) {
            rows[i] = scratch_spread(list[i].dy, list[i].ldy, list[i].m, list[i].n);
            own[i].dy = rows[i];
            own[i].ldy = list[i].n + KERN_LINE;
        }
        parts += back_parts_of(&own[i]);
    }
    pool_run(k->pool, parts, back_do_part, &job);
    for (int i = 0; i < count; i++)
        scratch_free(rows[i]);
    scratch_free(packed);
    scratch_free(rows);
    scratch_free(own);
}
