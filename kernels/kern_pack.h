/* SPDX-License-Identifier: MIT */
/* Rows of weights to a panel (kern_panel.h): for good, or on the way to a product. */
#ifndef VS_KERN_PACK_H
#define VS_KERN_PACK_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

/* So many rows at a time: four, or eight as two times four. Not more: where rows are 4096 bytes
 * apart all their lines lie in one set of the L1 cache. */
#if KERN_LANES >= 8
#define PACK_ROWS 8
typedef __m256 pack_vector;

INLINE pack_vector pack_load(const char *row, ptrdiff_t four)
{
    __m128 a, b;
    memcpy(&a, row, sizeof a);
    memcpy(&b, row + four, sizeof b);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
}

#define PACK_LOW(a, b) _mm256_unpacklo_ps(a, b)
#define PACK_HIGH(a, b) _mm256_unpackhi_ps(a, b)
#define PACK_LOW2(a, b) _mm256_shuffle_ps(a, b, 0x44)
#define PACK_HIGH2(a, b) _mm256_shuffle_ps(a, b, 0xee)
#else
#define PACK_ROWS 4
typedef v4 pack_vector;

INLINE pack_vector pack_load(const char *row, ptrdiff_t four)
{
    pack_vector a;
    (void)four;
    memcpy(&a, row, sizeof a);
    return a;
}

#define PACK_LOW(a, b) SHUFFLE4(a, b, 0, 4, 1, 5)
#define PACK_HIGH(a, b) SHUFFLE4(a, b, 2, 6, 3, 7)
#define PACK_LOW2(a, b) SHUFFLE4(a, b, 0, 1, 4, 5)
#define PACK_HIGH2(a, b) SHUFFLE4(a, b, 2, 3, 6, 7)
#endif

/* Four numbers of PACK_ROWS rows, ldw bytes apart, to four rows of ldo numbers. */
INLINE void pack_square(const char *w, ptrdiff_t ldw, float *out, ptrdiff_t ldo)
{
    pack_vector a[4], b[4];
    for (int i = 0; i < 4; i++)
        a[i] = pack_load(w + i * ldw, 4 * ldw);
    b[0] = PACK_LOW(a[0], a[1]);
    b[1] = PACK_HIGH(a[0], a[1]);
    b[2] = PACK_LOW(a[2], a[3]);
    b[3] = PACK_HIGH(a[2], a[3]);
    a[0] = PACK_LOW2(b[0], b[2]);
    a[1] = PACK_HIGH2(b[0], b[2]);
    a[2] = PACK_LOW2(b[1], b[3]);
    a[3] = PACK_HIGH2(b[1], b[3]);
    for (int i = 0; i < 4; i++)
        memcpy(out + i * ldo, &a[i], sizeof a[i]);
}

/* k numbers of rows w, ldw bytes apart, at any address, to out (k, KERN_PANEL); where rows are
 * fewer than KERN_PANEL there are zeros. */
static inline void pack_panel(const char *w, ptrdiff_t ldw, int rows, int k, float *out)
{
    for (int j = 0; j < KERN_PANEL; j += PACK_ROWS) {
        int p = 0;
        for (; rows - j >= PACK_ROWS && p + 4 <= k; p += 4)
            pack_square(w + j * ldw + 4 * (ptrdiff_t)p, ldw, out + p * KERN_PANEL + j,
                        KERN_PANEL);
        for (; p < k; p++)
            for (int i = j; i < j + PACK_ROWS; i++) {
                float x = 0;
                if (i < rows)
                    memcpy(&x, w + i * ldw + 4 * (ptrdiff_t)p, sizeof x);
                out[p * KERN_PANEL + i] = x;
            }
    }
}

#endif
