/* SPDX-License-Identifier: MIT */
/* Tiles of products in whole numbers (kern_int8.c): how numbers lie, and their sums.
 *
 * Some processors multiply four numbers of 8 bits by four others and add all to 32 bits: AVX-512
 * and AVX VNNI on x86-64, the dot product of ARMv8.2. There GROUP is 4 (KERN_QUADS). The first two
 * want one side without a sign: the weights, OFFSET more than they are, and OFFSET times the sum of
 * a row of x is taken off again. On other processors both sides are widened to 16 bits and GROUP is
 * 2, as two products of 16 bits and their sum are one instruction on most, whose result always fits
 * 32 bits. (The one for 8 bits without VNNI makes twice as many at once, but of sums that may not
 * fit its 16: exact only with weights of 7 bits.) */
#ifndef VS_KERN_INT8_TILE_H
#define VS_KERN_INT8_TILE_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

#if KERN_LANES == 4 && defined(__SSE2__)
#include <emmintrin.h>
#endif

#ifdef KERN_QUADS
#define GROUP 4 /* numbers of a row that are multiplied at once, in 4 bytes */
typedef int8_t number;
#else
#define GROUP 2
typedef int16_t number;
#endif
typedef number numbers __attribute__((vector_size(KERN_LANES * sizeof(number))));
typedef uint32_t vu __attribute__((vector_size(4 * KERN_LANES)));

#if defined(KERN_QUADS) && KERN_LANES >= 8
#define OFFSET 128 /* of the weights */
#else
#define OFFSET 0
#endif

#if defined(KERN_QUADS) && KERN_LANES == 16
#define SUMS 24 /* vectors of sums in a tile */
#else
#define SUMS 12
#endif
#define VECTORS (KERN_PANEL / KERN_LANES)    /* of a panel's columns */
#define TILE (SUMS / VECTORS)                /* rows of a tile */
#define PIECE 512                            /* of k, that is laid out at a time */
#define ROWS ((ptrdiff_t)GROUP * KERN_PANEL) /* numbers of GROUP rows of a panel */
#define CHUNK 16                             /* groups from one fetch to the next */
#define LINE 64                              /* bytes */

/* To lane i of acc the products of GROUP numbers of x and as many of w that lie there. */
INLINE vi group_sum(vi acc, vi a, vi b)
{
#if defined(KERN_QUADS) && KERN_LANES == 16
    return (vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)b, (__m512i)a);
#elif defined(KERN_QUADS) && KERN_LANES == 8
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)b, (__m256i)a);
#elif defined(KERN_QUADS)
    return (vi)vdotq_s32((int32x4_t)acc, (int8x16_t)a, (int8x16_t)b);
#elif KERN_LANES == 16
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
 * groups. */
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
    const number *x; /* (groups, rows, GROUP) */
    const number *w; /* (groups, KERN_PANEL, GROUP) */
    int groups;
    bool more; /* out is added to */
    int32_t *out;
    ptrdiff_t ldo;
    struct int8_ahead *ahead;
};

/* GROUP numbers of every row of x, GROUP rows of w. mr is a constant where this is inlined. */
INLINE void int8_step(int mr, const number *x, const number *w, vi acc[TILE][VECTORS])
{
    vi b[VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < VECTORS; j++)
        b[j] = load_whole(w + (ptrdiff_t)j * GROUP * KERN_LANES);
#pragma GCC unroll 24
    for (int i = 0; i < mr; i++) {
        int32_t group;
        memcpy(&group, x + GROUP * (ptrdiff_t)i, sizeof group);
        vi a = (vi){0} + group;
#pragma GCC unroll 4
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = group_sum(acc[i][j], a, b[j]);
    }
}

INLINE void int8_sums(int mr, const struct int8_tile *t)
{
    vi acc[TILE][VECTORS];
    const number *x = t->x, *w = t->w;
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < VECTORS; j++)
            acc[i][j] = (vi){0};
    int p = 0;
    for (; p + CHUNK <= t->groups; p += CHUNK) {
        fetch_some(t->ahead);
#pragma GCC unroll 4
        for (int c = 0; c < CHUNK; c++, x += GROUP * (ptrdiff_t)mr, w += ROWS)
            int8_step(mr, x, w, acc);
    }
    for (; p < t->groups; p++, x += GROUP * (ptrdiff_t)mr, w += ROWS)
        int8_step(mr, x, w, acc);
#pragma GCC unroll 24
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < VECTORS; j++) {
            int32_t *o = t->out + i * t->ldo + j * KERN_LANES;
            vu sum = (vu)acc[i][j];
            if (t->more)
                sum += (vu)load_whole(o);
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
#if TILE > 12
        TILE_CASE(13);
        TILE_CASE(14);
        TILE_CASE(15);
        TILE_CASE(16);
        TILE_CASE(17);
        TILE_CASE(18);
        TILE_CASE(19);
        TILE_CASE(20);
        TILE_CASE(21);
        TILE_CASE(22);
        TILE_CASE(23);
        TILE_CASE(24);
#endif
    }
}

/* GROUP rows of a panel, from w on, side by side. */
INLINE void lay_out(const int8_t *w, number *out)
{
#if defined(KERN_QUADS) && KERN_LANES == 16
    const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i turn = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i x = _mm512_permutexvar_epi32(lanes, (__m512i)load_whole(w));
    x = _mm512_xor_si512(_mm512_shuffle_epi8(x, turn), _mm512_set1_epi8(-128));
    memcpy(out, &x, sizeof x);
#elif defined(KERN_QUADS) && KERN_LANES == 8
    const __m256i turn = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i lanes = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7), plus = _mm256_set1_epi8(-128);
    /* Four columns of two rows in 8 bytes, then of four rows in 16. */
    __m256i a = _mm256_permutevar8x32_epi32((__m256i)load_whole(w), lanes);
    __m256i b = _mm256_permutevar8x32_epi32((__m256i)load_whole(w + 2 * KERN_PANEL), lanes);
    __m256i even = _mm256_unpacklo_epi64(a, b), odd = _mm256_unpackhi_epi64(a, b);
    a = _mm256_shuffle_epi8(_mm256_permute2x128_si256(even, odd, 0x20), turn);
    b = _mm256_shuffle_epi8(_mm256_permute2x128_si256(even, odd, 0x31), turn);
    a = _mm256_xor_si256(a, plus);
    b = _mm256_xor_si256(b, plus);
    memcpy(out, &a, sizeof a);
    memcpy(out + 2 * KERN_PANEL, &b, sizeof b);
#elif defined(KERN_QUADS)
    int8x16x4_t x = {{vld1q_s8(w), vld1q_s8(w + KERN_PANEL), vld1q_s8(w + 2 * KERN_PANEL),
                      vld1q_s8(w + 3 * KERN_PANEL)}};
    vst4q_s8(out, x);
#elif KERN_LANES >= 8
    __m128i x, y;
    memcpy(&x, w, sizeof x);
    memcpy(&y, w + KERN_PANEL, sizeof y);
    __m256i low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(x, y));
    __m256i high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(x, y));
    memcpy(out, &low, sizeof low);
    memcpy(out + KERN_PANEL, &high, sizeof high);
#else
    for (int i = 0; i < KERN_PANEL; i++) {
        out[2 * i] = w[i];
        out[2 * i + 1] = w[KERN_PANEL + i];
    }
#endif
}

/* k rows of a panel; the last group has zeros for those that it lacks. Returns the groups. */
static int lay_out_all(const int8_t *w, int k, number *out)
{
    int8_t last[GROUP * KERN_PANEL] = {0};
    int i = 0;
    for (; i < k / GROUP; i++)
        lay_out(w + i * ROWS, out + i * ROWS);
    if (k % GROUP == 0)
        return i;
    memcpy(last, w + i * ROWS, (size_t)(k % GROUP) * KERN_PANEL);
    lay_out(last, out + i * ROWS);
    return i + 1;
}

#endif
