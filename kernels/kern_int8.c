/* SPDX-License-Identifier: MIT */
/* Products in whole numbers, compiled once per instruction set like kern_cpu.c.
 *
 * A row of x becomes whole numbers from -127 to 127 and a scale; the weights have theirs. Sums are
 * made in 32 bits and are exact: so they are the same from every instruction set and on any number
 * of threads, whatever their order. Then sum * (scale of the row * scale of the column) is float32,
 * and what follows (bias, activation, residual) is that of all products.
 *
 * Both are widened to 16 bits, as two products of 16 bits and their sum are one instruction on most
 * processors, whose result always fits 32 bits. The one for 8 bits makes twice as many at once, but
 * of sums that may not fit its 16: exact only with weights of 7 bits. A piece of a panel is
 * widened into the L1 cache, pairs of rows side by side, and stays there while the rows pass by;
 * meanwhile the next piece is fetched. */
#include "kernels/kern_int8.h"

#include "kernels/kern_linear.h"
#include "kernels/kern_share.h"

#include <math.h>

#if KERN_LANES == 4 && defined(__SSE2__)
#include <emmintrin.h>
#endif

#define VECTORS (KERN_PANEL / KERN_LANES) /* of a panel's columns */
#define TILE (12 / VECTORS)               /* rows of a tile: 12 vectors of sums */
#define PIECE 512                         /* of k, that is widened at a time */
#define PAIR ((ptrdiff_t)2 * KERN_PANEL)  /* numbers of two rows of a panel */
#define COLUMNS SHARE_COLUMNS             /* of y in one part of the work, at most */
#define BLOCK 128                         /* rows of one, whose sums are kept meanwhile */
#define CHUNK 16                          /* pairs from one fetch to the next */
#define LINE 64                           /* bytes */

typedef int16_t vh __attribute__((vector_size(2 * KERN_LANES)));

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
    int16_t *q;    /* of the tile that begins with row i, at i * ld: (ld / 2, rows of it, 2) */
    float *scale;  /* (m); NaN of a row that is not finite */
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
INLINE void row_round(vf x, vf by, int16_t *q)
{
    vf t = x * by + broadcast(12582912.0f);
    vh h = __builtin_convertvector((vi)t - 0x4b400000, vh);
    memcpy(q, &h, sizeof h);
}

/* One row to q, which has room for more than k numbers, and its scale. A row whose largest number
 * is too small for a scale (3.7e-37) is zeros, as one of zeros is. */
static float row_whole(const float *x, int k, int16_t *q, ptrdiff_t room)
{
    int32_t bits = row_top(x, k);
    float most;
    memcpy(&most, &bits, sizeof most);
    float by = 127.0f / most;
    int p = 0;
    if (bits < 0x7f800000 && by < INFINITY) {
        for (; p + KERN_LANES <= k; p += KERN_LANES)
            row_round(load(x + p), broadcast(by), q + p);
        for (; p < k; p += KERN_LANES)
            row_round(load_part(x + p, k - p), broadcast(by), q + p);
    }
    if (p < room)
        memset(q + p, 0, (size_t)(room - p) * sizeof *q);
    return bits >= 0x7f800000 ? NAN : by < INFINITY ? most / 127.0f : 0;
}

/* Rows of x to q (ld / 2, count, 2); scale (count). */
static void tile_whole(const float *x, ptrdiff_t ldx, int k, int count, int16_t *q, ptrdiff_t ld,
                       float *scale)
{
    int16_t *rows = scratch_alloc((size_t)count * (size_t)ld * sizeof *rows);
    for (int i = 0; i < count; i++)
        scale[i] = row_whole(x + i * ldx, k, rows + i * ld, ld);
    for (ptrdiff_t p = 0; p < ld; p += 2)
        for (int i = 0; i < count; i++, q += 2)
            memcpy(q, rows + i * ld + p, 2 * sizeof *q);
    scratch_free(rows);
}

/* ---- a tile */

/* acc + a[2i] b[2i] + a[2i+1] b[2i+1] in lane i, of whole numbers in 16 bits. */
INLINE vi pair_sum(vi acc, vi a, vi b)
{
#if KERN_LANES == 16
    return acc + (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif KERN_LANES == 8
    return acc + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return acc + (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#elif defined(KERN_NEON)
    int32x4_t low = vmull_s16(vget_low_s16((int16x8_t)a), vget_low_s16((int16x8_t)b));
    int32x4_t high = vmull_high_s16((int16x8_t)a, (int16x8_t)b);
    return acc + (vi)vpaddq_s32(low, high);
#else
    int16_t x[2 * KERN_LANES], y[2 * KERN_LANES];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int i = 0; i < KERN_LANES; i++)
        acc[i] += x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
    return acc;
#endif
}

INLINE vi load_whole(const void *p)
{
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Weights that are needed soon: so many lines of them are fetched into the L2 cache every CHUNK
 * pairs. */
struct int8_ahead {
    const char *at, *end;
    int lines;
};

INLINE void fetch_some(struct int8_ahead *a)
{
    for (int i = 0; i < a->lines && a->at < a->end; i++, a->at += LINE)
        __builtin_prefetch(a->at, 0, 2);
}

/* Where a tile's numbers lie. */
struct int8_tile {
    const int16_t *x; /* (pairs, rows, 2) */
    const int16_t *w; /* (pairs, KERN_PANEL, 2) */
    int pairs;
    bool more; /* out is added to */
    int32_t *out;
    ptrdiff_t ldo;
    struct int8_ahead *ahead;
};

/* Two numbers of every row of x, two rows of w. mr is a constant where this is inlined. */
INLINE void int8_step(int mr, const int16_t *x, const int16_t *w, vi acc[TILE][VECTORS])
{
    vi b[VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < VECTORS; j++)
        b[j] = load_whole(w + (ptrdiff_t)j * 2 * KERN_LANES);
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        int32_t two;
        memcpy(&two, x + 2 * (ptrdiff_t)i, sizeof two);
        vi a = (vi){0} + two;
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = pair_sum(acc[i][j], a, b[j]);
    }
}

INLINE void int8_sums(int mr, const struct int8_tile *t)
{
    vi acc[TILE][VECTORS];
    const int16_t *x = t->x, *w = t->w;
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = (vi){0};
    int p = 0;
    for (; p + CHUNK <= t->pairs; p += CHUNK) {
        fetch_some(t->ahead);
#pragma GCC unroll 4
        for (int c = 0; c < CHUNK; c++, x += 2 * (ptrdiff_t)mr, w += PAIR)
            int8_step(mr, x, w, acc);
    }
    for (; p < t->pairs; p++, x += 2 * (ptrdiff_t)mr, w += PAIR)
        int8_step(mr, x, w, acc);
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < VECTORS; j++) {
            int32_t *o = t->out + i * t->ldo + j * KERN_LANES;
            vi sum = t->more ? load_whole(o) + acc[i][j] : acc[i][j];
            memcpy(o, &sum, sizeof sum);
        }
}

#define TILE_CASE(m)                                                                               \
    case m: int8_sums(m, t); break

static __attribute__((noinline)) void int8_any(int rows, const struct int8_tile *t)
{
    switch (rows) {
        TILE_CASE(1);
        TILE_CASE(2);
        TILE_CASE(3);
#if TILE > 3
        TILE_CASE(4);
        TILE_CASE(5);
        TILE_CASE(6);
#endif
#if TILE > 6
        TILE_CASE(7);
        TILE_CASE(8);
        TILE_CASE(9);
        TILE_CASE(10);
        TILE_CASE(11);
        TILE_CASE(12);
#endif
    }
}

/* Two rows of a panel side by side; b NULL: zeros. */
INLINE void widen_pair(const int8_t *a, const int8_t *b, int16_t *out)
{
#if KERN_LANES >= 8
    __m128i x, y = _mm_setzero_si128();
    memcpy(&x, a, sizeof x);
    if (b)
        memcpy(&y, b, sizeof y);
    __m256i low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(x, y));
    __m256i high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(x, y));
    memcpy(out, &low, sizeof low);
    memcpy(out + KERN_PANEL, &high, sizeof high);
#else
    for (int i = 0; i < KERN_PANEL; i++) {
        out[2 * i] = a[i];
        out[2 * i + 1] = b ? b[i] : 0;
    }
#endif
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
    int16_t wide[PIECE * KERN_PANEL] __attribute__((aligned(64)));
    const int8_t *w = piece_at(p);
    int tiles = tiles_of(part.rows), pairs = (p.k + 1) / 2;
    struct int8_ahead ahead = fetch_piece(next, tiles * (pairs / CHUNK));
    struct int8_tile t = {.w = wide, .pairs = pairs, .more = p.at > 0,
                          .ldo = COLUMNS, .ahead = &ahead};
    for (int i = 0; i < p.k / 2; i++, w += PAIR)
        widen_pair(w, w + KERN_PANEL, wide + i * PAIR);
    if (p.k % 2)
        widen_pair(w, NULL, wide + (pairs - 1) * PAIR);
    for (int i = 0; i < tiles; i++) {
        struct int8_tile_rows r = tile_of(part.rows, i);
        t.x = x->q + (part.row + r.first) * x->ld + (ptrdiff_t)p.at * r.count;
        t.out = sums + (ptrdiff_t)r.first * COLUMNS;
        int8_any(r.count, &t);
    }
}

/* Sums of a row become numbers where they lie. The columns' scales have zeros behind up to whole
 * panels. */
static void scale_row(void *sums, float row, const float *columns, int cols)
{
    for (int j = 0; j < cols; j += KERN_LANES) {
        float *at = (float *)sums + j;
        vf v = __builtin_convertvector(load_whole(at), vf);
        store(at, v * (broadcast(row) * load(columns + j)));
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
        scale_row(sums.whole + (ptrdiff_t)i * COLUMNS, x->scale[p.row + i],
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
    ptrdiff_t row = (ptrdiff_t)block * BLOCK + t.first;
    tile_whole(o->x + row * o->ldx, o->ldx, o->k, t.count, r->q + row * r->ld, r->ld,
               r->scale + row);
}

/* With room for whole vectors. */
static struct int8_rows rows_new(const struct kern_linear *o)
{
    size_t ld = ((size_t)o->k + 31) / 32 * 32;
    return (struct int8_rows){scratch_alloc((size_t)o->m * ld * sizeof(int16_t)),
                              scratch_alloc((size_t)o->m * sizeof(float)), (ptrdiff_t)ld, true};
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
        }
}

int KERN_INT8_LINEAR(struct kern *k, const struct kern_linear *list, int count,
                     struct kern_linear *rest)
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
