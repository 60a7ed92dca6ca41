/* SPDX-License-Identifier: MIT */
/* Products in whole numbers, compiled once per instruction set like kern_cpu.c, and once more
 * (KERN_QUADS) with instructions for products of 8 bits, for processors that have them.
 *
 * A row of x becomes whole numbers from -127 to 127 and a scale; the weights have theirs. Sums are
 * made in 32 bits and are exact: so they are the same from every instruction set and on any number
 * of threads, whatever their order. Then sum * (scale of the row * scale of the column) is float32,
 * and what follows (bias, activation, residual) is that of all products.
 *
 * A piece of a panel is laid out in the L1 cache, a few rows side by side, and stays there while
 * rows of x pass by; meanwhile the next piece is fetched. */
#include "kernels/kern_int8.h"

#include "kernels/kern_int8_tile.h"
#include "kernels/kern_linear.h"
#include "kernels/kern_share.h"

#include <math.h>

#ifdef KERN_QUADS
#define MULTIPLY KERN_INT8_QUADS
#else
#define MULTIPLY KERN_INT8_LINEAR
#endif
#define COLUMNS SHARE_COLUMNS /* of y in one part of the work, at most */
#define BLOCK 128             /* rows of one, whose sums are kept meanwhile */

/* ---- rows of x as whole numbers */

/* Rows are multiplied BLOCK at a time, in tiles as equal as can be: 13 are 5 + 4 + 4. */
struct int8_tile_rows {
    int first, count;
};

static int tiles_of(int rows)
{
    return (rows + TILE - 1) / TILE;
}

/* Tile i of a block of so many rows. */
static struct int8_tile_rows tile_of(int rows, int i)
{
    int tiles = tiles_of(rows), each = rows / tiles, more = rows % tiles;
    return (struct int8_tile_rows){i * each + (i < more ? i : more), each + (i < more)};
}

/* Of a product. Products that read the same x share them. */
struct int8_rows {
    number *q;     /* of a tile, from its first row's number * ld on: (ld / GROUP, rows, GROUP) */
    float *scale;  /* (m); NaN of a row that is not finite */
    int32_t *off;  /* (m): OFFSET times the sum of a row's whole numbers */
    ptrdiff_t ld;  /* k and zeros behind it */
    bool owned;
};

/* The largest magnitude's bits; NaN and infinity have larger ones than all numbers. */
static int32_t row_top(const float *x, int k)
{
    vi top = {0};
    int32_t most = 0;
    int p = 0;
    for (; p + KERN_LANES <= k; p += KERN_LANES) {
        vi bits = (vi)load(x + p) & 0x7fffffff, more = bits > top;
        top = (bits & more) | (top & ~more);
    }
    if (p < k) {
        vi bits = (vi)load_part(x + p, k - p) & 0x7fffffff, more = bits > top;
        top = (bits & more) | (top & ~more);
    }
    for (int i = 0; i < KERN_LANES; i++)
        most = top[i] > most ? top[i] : most;
    return most;
}

/* Nearest whole numbers, ties to even: adding 1.5 * 2^23 rounds. */
INLINE vi row_round(vf x, vf by, number *q)
{
    vf t = x * by + broadcast(12582912.0f);
    vi whole = (vi)t - 0x4b400000;
    numbers h = __builtin_convertvector(whole, numbers);
    memcpy(q, &h, sizeof h);
    return whole;
}

/* One row to q, which has room for more than k numbers; its scale, and OFFSET times its sum. A row
 * whose largest number is too small for a scale (3.7e-37) is zeros, as one of zeros is. */
static float row_whole(const float *x, int k, number *q, ptrdiff_t room, int32_t *off)
{
    int32_t bits = row_top(x, k);
    float most;
    memcpy(&most, &bits, sizeof most);
    float by = 127.0f / most;
    vi sums = {0};
    int p = 0;
    if (bits < 0x7f800000 && by < INFINITY) {
        for (; p + KERN_LANES <= k; p += KERN_LANES)
            sums += row_round(load(x + p), broadcast(by), q + p);
        for (; p < k; p += KERN_LANES)
            sums += row_round(load_part(x + p, k - p), broadcast(by), q + p);
    }
    if (p < room)
        memset(q + p, 0, (size_t)(room - p) * sizeof *q);
    *off = 0;
    for (int i = 0; i < KERN_LANES; i++)
        *off += OFFSET * sums[i];
    return bits >= 0x7f800000 ? NAN : by < INFINITY ? most / 127.0f : 0;
}

/* So many rows of x from row i on, to where the tile lies that they are. */
static void tile_whole(const struct kern_linear *o, const struct int8_rows *r, ptrdiff_t i,
                       int count)
{
    number *rows = scratch_alloc((size_t)count * (size_t)r->ld * sizeof *rows);
    number *q = r->q + i * r->ld;
    for (int j = 0; j < count; j++)
        r->scale[i + j] = row_whole(o->x + (i + j) * o->ldx, o->k, rows + j * r->ld, r->ld,
                                    &r->off[i + j]);
    for (ptrdiff_t p = 0; p < r->ld; p += GROUP)
        for (int j = 0; j < count; j++, q += GROUP)
            memcpy(q, rows + j * r->ld + p, GROUP * sizeof *q);
    scratch_free(rows);
}

/* ---- a part of the work: some columns and a block of rows of a product */

/* A panel of a part, and a piece of k. */
struct int8_piece {
    const struct kern_linear *o; /* or NULL: none */
    int col, at, k;
};

static struct int8_piece first_piece(struct share_part p, int col, int at)
{
    if (!p.o)
        return (struct int8_piece){0};
    return (struct int8_piece){p.o, col, at, p.o->k - at < PIECE ? p.o->k - at : PIECE};
}

static struct int8_piece next_piece(struct share_part p, struct share_part after,
                                    struct int8_piece now)
{
    if (now.col + KERN_PANEL < p.col + p.cols)
        return first_piece(p, now.col + KERN_PANEL, now.at);
    if (now.at + PIECE < p.o->k)
        return first_piece(p, p.col, now.at + PIECE);
    return first_piece(after, after.col, 0);
}

static const int8_t *piece_at(struct int8_piece p)
{
    return (const int8_t *)p.o->packed.at + ((ptrdiff_t)p.col * p.o->k + p.at * KERN_PANEL);
}

/* Its weights, of which each of so many shares fetches some. */
static struct int8_ahead fetch_piece(struct int8_piece p, int shares)
{
    struct int8_ahead a = {0};
    if (!p.o || shares == 0)
        return a;
    int bytes = p.k * KERN_PANEL;
    a.at = (const char *)piece_at(p);
    a.end = a.at + bytes;
    a.lines = (bytes / LINE + shares - 1) / shares;
    return a;
}

/* The part's rows of x pass by a piece; sums (rows, COLUMNS) begin at its column. */
static void piece_rows(struct share_part part, const struct int8_rows *x, struct int8_piece p,
                       struct int8_piece next, int32_t *sums)
{
    number w[PIECE * KERN_PANEL] __attribute__((aligned(64)));
    int tiles = tiles_of(part.rows), groups = lay_out_all(piece_at(p), p.k, w);
    struct int8_ahead ahead = fetch_piece(next, tiles * (groups / CHUNK));
    struct int8_tile t = {.w = w, .groups = groups, .more = p.at > 0,
                          .ldo = COLUMNS, .ahead = &ahead};
    for (int i = 0; i < tiles; i++) {
        struct int8_tile_rows r = tile_of(part.rows, i);
        t.x = x->q + (part.row + r.first) * x->ld + (ptrdiff_t)p.at * r.count;
        t.out = sums + (ptrdiff_t)r.first * COLUMNS;
        int8_any(r.count, &t);
    }
}

/* Sums of a row, each larger by off, become numbers where they lie. The columns' scales have zeros
 * behind up to whole panels. */
static void scale_row(void *sums, int32_t off, float row, const float *columns, int cols)
{
    for (int j = 0; j < cols; j += KERN_LANES) {
        float *at = (float *)sums + j;
        vi sum = (vi)((vu)load_whole(at) - (uint32_t)off);
        store(at, __builtin_convertvector(sum, vf) * (broadcast(row) * load(columns + j)));
    }
}

static void make_part(struct share_part p, const struct int8_rows *x, struct share_part after)
{
    _Alignas(64) union {
        int32_t whole[BLOCK * COLUMNS];
        float numbers[BLOCK * COLUMNS];
    } sums;
    for (int at = 0; at < p.o->k; at += PIECE)
        for (int col = p.col; col < p.col + p.cols; col += KERN_PANEL) {
            struct int8_piece now = first_piece(p, col, at);
            piece_rows(p, x, now, next_piece(p, after, now), sums.whole + (col - p.col));
        }
    for (int i = 0; i < p.rows; i++)
        scale_row(sums.whole + (ptrdiff_t)i * COLUMNS, x->off[p.row + i], x->scale[p.row + i],
                  p.o->packed.scale + p.col, p.cols);
    KERN_LINEAR_FINISH(p.o, p.row, p.rows, p.col, p.cols, sums.numbers, COLUMNS);
}

/* ---- sharing out */

struct int8_job {
    const struct kern_linear *list;
    struct share_cut *cuts; /* (count) */
    struct int8_rows *rows; /* (count) */
    int count, threads;
};

/* Rows are cut where blocks end, whose tiles are made together. */
static struct share_cut cut_of(const struct kern_linear *o, double fair)
{
    int rows = o->m < BLOCK ? o->m : BLOCK, cols = share_cut(o, fair, KERN_PANEL).cols;
    return (struct share_cut){cols < COLUMNS ? cols : COLUMNS, rows};
}

static int rows_of_block(const struct kern_linear *o, int block)
{
    int left = o->m - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

static void do_part(void *arg, int i)
{
    const struct int8_job *job = arg;
    struct share_part p = share_part(job->list, job->cuts, job->count, i);
    make_part(p, &job->rows[p.o - job->list],
              share_part(job->list, job->cuts, job->count, i + job->threads));
}

#define BLOCK_TILES ((BLOCK + TILE - 1) / TILE)

/* Tiles of x that are to be made of a product's rows. */
static int row_parts(const struct int8_job *job, int i)
{
    int m = job->list[i].m, whole = m / BLOCK;
    return job->rows[i].owned ? whole * BLOCK_TILES + tiles_of(m - whole * BLOCK) : 0;
}

static void do_rows(void *arg, int i)
{
    const struct int8_job *job = arg;
    int n = 0;
    for (; i >= row_parts(job, n); n++)
        i -= row_parts(job, n);
    const struct kern_linear *o = &job->list[n];
    const struct int8_rows *r = &job->rows[n];
    int block = i / BLOCK_TILES;
    struct int8_tile_rows t = tile_of(rows_of_block(o, block), i % BLOCK_TILES);
    tile_whole(o, r, (ptrdiff_t)block * BLOCK + t.first, t.count);
}

/* With room for whole vectors. */
static struct int8_rows rows_new(const struct kern_linear *o)
{
    size_t ld = ((size_t)o->k + 31) / 32 * 32;
    return (struct int8_rows){scratch_alloc((size_t)o->m * ld * sizeof(number)),
                              scratch_alloc((size_t)o->m * sizeof(float)),
                              scratch_alloc((size_t)o->m * sizeof(int32_t)), (ptrdiff_t)ld, true};
}

static void multiply_all(struct kern *k, struct int8_job *job)
{
    int parts = 0, rows = 0;
    for (int i = 0; i < job->count; i++) {
        if (i > 0 && linear_same_rows(&job->list[i], &job->list[i - 1])) {
            job->rows[i] = job->rows[i - 1];
            job->rows[i].owned = false;
        } else
            job->rows[i] = rows_new(&job->list[i]);
        rows += row_parts(job, i);
    }
    double fair = share_fair(job->list, job->count, job->threads);
    for (int i = 0; i < job->count; i++) {
        job->cuts[i] = cut_of(&job->list[i], fair);
        parts += share_parts(&job->list[i], job->cuts[i]);
    }
    pool_run(k->pool, rows, do_rows, job);
    pool_run(k->pool, parts, do_part, job);
    for (int i = 0; i < job->count; i++)
        if (job->rows[i].owned) {
            scratch_free(job->rows[i].q);
            scratch_free(job->rows[i].scale);
            scratch_free(job->rows[i].off);
        }
}

int MULTIPLY(struct kern *k, const struct kern_linear *list, int count, struct kern_linear *rest)
{
    struct kern_linear *own = scratch_alloc((size_t)count * sizeof *own);
    struct int8_rows *rows = scratch_alloc((size_t)count * sizeof *rows);
    struct share_cut *cuts = scratch_alloc((size_t)count * sizeof *cuts);
    struct int8_job job = {own, cuts, rows, 0, pool_threads(k->pool)};
    int left = 0;
    for (int i = 0; i < count; i++) {
        struct kern_linear o = list[i];
        if (!o.packed.at)
            o.packed = kern_packed_find(k, o.w, o.n, o.k);
        if (kern_int8_takes(&o))
            own[job.count++] = o;
        else
            rest[left++] = o;
    }
    if (job.count > 0)
        multiply_all(k, &job);
    scratch_free(cuts);
    scratch_free(rows);
    scratch_free(own);
    return left;
}
