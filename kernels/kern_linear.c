/* SPDX-License-Identifier: MIT */
/* Products of rows with weights, compiled once per instruction set like kern_cpu.c.
 *
 * Every output is made of sums along k in order, one for each KERN_PIECE numbers of k, which are
 * added up in order: the same numbers from every width of vectors that has a product and a sum in
 * one step, however the work is cut, and whether the weights were packed before or are packed on
 * the way, a piece of a panel at a time. A piece of a panel lies in the L1 cache while the rows
 * pass by it. Weights that are packed in fewer bits are widened there, which is exact: half of the
 * bytes, or a quarter, come from memory.
 *
 * Two things keep the sums fed. Weights come from memory, and the first tile would wait for all of
 * a piece: so the tiles of a piece fetch the one after it. And rows of x whose distance is a
 * multiple of 4096 bytes lie in one set of the L1 cache, which holds fewer of them than a tile
 * needs: such rows are first copied further apart. */
#include "kernels/kern_linear.h"

#include "kernels/kern_int8.h"
#include "kernels/kern_narrow.h"
#include "kernels/kern_pack.h"
#include "kernels/kern_panel.h"
#include "kernels/kern_share.h"

/* Columns that are packed at a time on the way: whole panels, whole tiles. */
#define GROUP (PANEL_STEP > KERN_PANEL ? PANEL_STEP : KERN_PANEL)

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

void KERN_LINEAR_FINISH(const struct kern_linear *o, int row, int rows, int col, int cols,
                        const float *sums, ptrdiff_t ld)
{
    const char *bias = o->bias ? (const char *)o->bias + 4 * (ptrdiff_t)col : NULL;
    for (int i = 0; i < rows; i++) {
        const float *r = o->residual ? o->residual + (row + i) * o->ldr + col : NULL;
        float *y = o->y + (row + i) * o->ldy + col;
        const float *s = sums + i * ld;
        switch (o->act) {
        case KERN_NONE: finish_row(s, bias, r, y, cols, KERN_NONE); break;
        case KERN_GELU: finish_row(s, bias, r, y, cols, KERN_GELU); break;
        case KERN_RELU: finish_row(s, bias, r, y, cols, KERN_RELU); break;
        case KERN_SWISH: finish_row(s, bias, r, y, cols, KERN_SWISH); break;
        case KERN_TANH: finish_row(s, bias, r, y, cols, KERN_TANH); break;
        }
    }
}

/* Columns of a part and a piece of k: what is multiplied in one go. */
struct piece {
    const struct kern_linear *o; /* or NULL: none */
    int col, cols, at, k;
};

static struct piece first_piece(struct share_part p, int col, int at)
{
    struct piece none = {0};
    if (!p.o || p.o->m < 1)
        return none;
    int left = p.col + p.cols - col, k = p.o->k - at;
    return (struct piece){p.o, col, left < GROUP ? left : GROUP, at,
                          k < KERN_PIECE ? k : KERN_PIECE};
}

/* What follows a piece: the next columns, the next piece of k, the part after. */
static struct piece next_piece(struct share_part p, struct share_part after, struct piece now)
{
    if (now.col + GROUP < p.col + p.cols)
        return first_piece(p, now.col + GROUP, now.at);
    if (now.at + KERN_PIECE < p.o->k)
        return first_piece(p, p.col, now.at + KERN_PIECE);
    return first_piece(after, after.col, 0);
}

/* Where the panel of column j begins, at row `at` of it, in bytes. */
INLINE ptrdiff_t narrow_at(const struct kern_linear *o, int j, int at)
{
    return ((ptrdiff_t)(j / KERN_PANEL) * o->k + at) * KERN_PANEL * narrow_size(o->packed.type);
}

/* Its weights where they lie, as runs of lines, of which each of so many shares fetches some. */
static struct panel_ahead fetch_piece(struct piece p, int shares)
{
    struct panel_ahead a = {0};
    if (!p.o || shares == 0)
        return a;
    int runs = (p.cols + KERN_PANEL - 1) / KERN_PANEL;
    ptrdiff_t row = KERN_PANEL * narrow_size(p.o->packed.type), apart = p.o->k * row;
    a.run = p.k * row;
    a.at = p.o->packed.at ? (const char *)p.o->packed.at + narrow_at(p.o, p.col, p.at) : NULL;
    if (!a.at) {
        runs = p.cols;
        apart = (ptrdiff_t)p.o->k * 4;
        a.run = (ptrdiff_t)p.k * 4;
        a.at = (const char *)p.o->w + p.col * apart + 4 * (ptrdiff_t)p.at;
    }
    a.end = a.at + a.run;
    a.jump = apart - a.run;
    ptrdiff_t lines = runs * ((a.run + PANEL_LINE - 1) / PANEL_LINE);
    a.lines = (int)((lines + shares - 1) / shares);
    return a;
}

/* Packed weights of a piece: where they are, or packed or widened into room. */
static struct panel_tile piece_weights(struct piece p, float *room)
{
    const struct kern_linear *o = p.o;
    if (o->packed.at && o->packed.type == KERN_FLOAT32)
        return (struct panel_tile){.w = panel_at(o->packed.at, o->k, p.col) + p.at * KERN_PANEL,
                                   .ldw = KERN_PANEL, .next = PANEL_NEXT(o->k), .k = p.k};
    for (int j = 0; j < p.cols; j += KERN_PANEL)
        if (o->packed.at)
            widen_panel(&o->packed, narrow_at(o, p.col + j, p.at), p.col + j, p.k,
                        room + (ptrdiff_t)j * KERN_PIECE);
        else
            pack_panel((const char *)o->w + 4 * ((ptrdiff_t)(p.col + j) * o->k + p.at),
                       4 * (ptrdiff_t)o->k, p.cols - j, p.k, room + (ptrdiff_t)j * KERN_PIECE);
    return (struct panel_tile){.w = room, .ldw = KERN_PANEL, .next = PANEL_NEXT(KERN_PIECE),
                               .k = p.k};
}

/* Rows row to row+rows-1 pass by a piece; sums (rows, ld) begin at its column. */
static void piece_rows(struct piece p, struct piece next, int row, int rows, float *sums,
                       ptrdiff_t ld)
{
    float room[GROUP * KERN_PIECE] __attribute__((aligned(64)));
    struct panel_tile t = piece_weights(p, room);
    const float *w = t.w;
    int tiles = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
    struct panel_ahead ahead = fetch_piece(next, tiles * (p.k / PANEL_CHUNK));
    t.ldx = p.o->ldx;
    t.ldo = ld;
    t.more = p.at > 0;
    for (int i = 0, r; i < rows; i += r) {
        r = panel_rows(rows - i);
        for (int j = 0; j < p.cols; j += PANEL_STEP) {
            t.x = p.o->x + (row + i) * p.o->ldx + p.at;
            t.w = w + j;
            t.out = sums + i * ld + j;
            t.ahead = j == 0 && ahead.lines ? &ahead : NULL;
            panel_any(r, panel_vectors(p.cols - j), &t);
        }
    }
}

#define RB 512 /* rows whose sums are kept while the pieces go by */
#define ROOM 4096 /* sums on the stack */

static void part_rows(struct share_part p, struct share_part after, int row, int rows)
{
    float few[ROOM] __attribute__((aligned(64)));
    ptrdiff_t ld = (p.cols + GROUP - 1) / GROUP * GROUP;
    size_t size = (size_t)rows * (size_t)ld;
    float *sums = size > ROOM ? scratch_alloc(size * sizeof *sums) : few;
    struct share_part then = row + rows < p.row + p.rows ? p : after;
    for (int at = 0; at == 0 || at < p.o->k; at += KERN_PIECE) /* k may be 0 */
        for (int col = p.col; col < p.col + p.cols; col += GROUP) {
            struct piece now = first_piece(p, col, at);
            piece_rows(now, next_piece(p, then, now), row, rows, sums + col - p.col, ld);
        }
    KERN_LINEAR_FINISH(p.o, row, rows, p.col, p.cols, sums, ld);
    if (sums != few)
        scratch_free(sums);
}

static void linear_part(struct share_part p, struct share_part after)
{
    for (int row = p.row, end = p.row + p.rows; row < end; row += RB)
        part_rows(p, after, row, end - row < RB ? end - row : RB);
}

/* ---- sharing out */

struct job {
    struct kern_linear *list;
    struct share_cut *cuts; /* (count) */
    int count, threads;
};

/* The part that this thread is likely to do next is as many further on as there are threads. */
static void do_part(void *arg, int i)
{
    const struct job *job = arg;
    linear_part(share_part(job->list, job->cuts, job->count, i),
                share_part(job->list, job->cuts, job->count, i + job->threads));
}

/* ---- weights that are packed, and rows of x that are in each other's way */

static void prepare_all(struct kern *k, const struct kern_linear *list, int count,
                        struct kern_linear *own, float **rows)
{
    for (int i = 0; i < count; i++) {
        own[i] = list[i];
        rows[i] = NULL;
        if (!own[i].packed.at)
            own[i].packed = kern_packed_find(k, own[i].w, own[i].n, own[i].k);
        if (list[i].m == 1 || !kern_crowded(list[i].ldx))
            continue;
        bool again = i > 0 && linear_same_rows(&list[i], &list[i - 1]);
        if (!again)
            rows[i] = scratch_spread(list[i].x, list[i].ldx, list[i].m, list[i].k);
        own[i].x = again ? own[i - 1].x : rows[i];
        own[i].ldx = list[i].k + KERN_LINE;
    }
}

static void multiply_all(struct kern *k, const struct kern_linear *list, int count)
{
    struct kern_linear *own = scratch_alloc((size_t)count * sizeof *own);
    float **rows = scratch_alloc((size_t)count * sizeof *rows);
    struct share_cut *cuts = scratch_alloc((size_t)count * sizeof *cuts);
    struct job job = {own, cuts, count, pool_threads(k->pool)};
    int parts = 0;
    prepare_all(k, list, count, own, rows);
    double fair = share_fair(own, count, job.threads);
    for (int i = 0; i < count; i++) {
        cuts[i] = share_cut(&own[i], fair, GROUP);
        parts += share_parts(&own[i], cuts[i]);
    }
    pool_run(k->pool, parts, do_part, &job);
    for (int i = 0; i < count; i++)
        scratch_free(rows[i]);
    scratch_free(cuts);
    scratch_free(rows);
    scratch_free(own);
}

void KERN_LINEAR(struct kern *k, const struct kern_linear *list, int count)
{
    if (k->precision != KERN_INT8) {
        multiply_all(k, list, count);
        return;
    }
    struct kern_linear *rest = scratch_alloc((size_t)count * sizeof *rest);
    multiply_all(k, rest, (k->quads ? KERN_INT8_QUADS : KERN_INT8_LINEAR)(k, list, count, rest));
    scratch_free(rest);
}
