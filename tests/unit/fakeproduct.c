/* SPDX-License-Identifier: MIT */
/* Products of the fake CUDA. In which order a product is summed depends on its shape, as with a
 * library that chooses among algorithms: the same row in a larger product has other last digits.
 * Numbers are made as coarse as the precision has them. */
#include "fakecuda_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16

uint32_t fake_product_shape(const struct cuda_gemm *g)
{
    const uint32_t words[] = {(uint32_t)g->m, (uint32_t)g->n, (uint32_t)g->k, (uint32_t)g->lda,
                              (uint32_t)g->ldb, (uint32_t)g->ldc, (uint32_t)g->ldd, g->trans_a,
                              g->trans_b, (uint32_t)g->precision, g->bias != NULL};
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        h = (h ^ words[i]) * 16777619u;
    return h ^ h >> 15;
}

/* x with so many bits of mantissa, to the nearest. */
static float coarser(float x, int bits)
{
    uint32_t u, half = 1u << (22 - bits), mask = ~((half << 1) - 1);
    memcpy(&u, &x, sizeof u);
    if ((u & 0x7f800000u) == 0x7f800000u)
        return x;
    u = (u + half - 1 + (u >> (23 - bits) & 1)) & mask;
    memcpy(&x, &u, sizeof x);
    return x;
}

static float in_precision(float x, int precision)
{
    switch (precision) {
    case CUDA_TF32: return coarser(x, 10);
    case CUDA_BFLOAT16: return coarser(x, 7);
    case CUDA_HALF: /* whose range ends at 65504 */
        x = coarser(x, 10);
        return x > 65504 ? INFINITY : x < -65504 ? -INFINITY : x;
    }
    return x;
}

/* rows(count, k) of one side, zeros up to whole lanes. Returns how many words nobody wrote. */
static int take_side(const struct cuda_gemm *g, const float *x, int64_t row, int64_t step,
                     int count, size_t width, float *rows)
{
    int unwritten = 0;
    for (int i = 0; i < count; i++)
        for (int p = 0; p < g->k; p++) {
            const float *from = x + i * row + p * step;
            uint32_t word;
            memcpy(&word, from, sizeof word);
            unwritten += fake_unwritten(word);
            rows[(size_t)i * width + (size_t)p] = in_precision(*from, g->precision);
        }
    return unwritten;
}

/* In pieces along k, each in lanes that are summed one after the other or by halves: 8 orders. */
static float dot(const float *x, const float *y, size_t width, unsigned order)
{
    size_t piece = (size_t)LANES << order / 2 % 4;
    float sum = 0;
    for (size_t from = 0; from < width; from += piece) {
        size_t to = from + piece < width ? from + piece : width;
        float lanes[LANES] = {0};
        for (size_t p = from; p < to; p += LANES)
            for (int l = 0; l < LANES; l++)
                lanes[l] += x[p + (size_t)l] * y[p + (size_t)l];
        for (int n = LANES / 2; n && order % 2; n /= 2)
            for (int l = 0; l < n; l++)
                lanes[l] += lanes[l + n];
        for (int l = 1; l < LANES && order % 2 == 0; l++)
            lanes[0] += lanes[l];
        sum += lanes[0];
    }
    return sum;
}

/* Whether what is added to the sums was written. */
static int unwritten_rest(const struct cuda_gemm *g)
{
    int unwritten = g->bias && fake_find_unwritten(g->bias, (size_t)g->m * sizeof(float)) >= 0;
    for (int j = 0; j < g->n && g->beta != 0; j++)
        unwritten += fake_find_unwritten(g->c + j * g->ldc, (size_t)g->m * sizeof(float)) >= 0;
    return unwritten;
}

void fake_product(const struct cuda_gemm *g)
{
    size_t width = ((size_t)g->k + LANES - 1) / LANES * LANES;
    unsigned order = fake_product_shape(g) % 8;
    float *a = calloc((size_t)g->m * width, sizeof *a);
    float *b = calloc((size_t)g->n * width, sizeof *b);
    if (!a || !b)
        abort();
    int unwritten = take_side(g, g->a, g->trans_a ? g->lda : 1, g->trans_a ? 1 : g->lda, g->m,
                              width, a) +
                    take_side(g, g->b, g->trans_b ? 1 : g->ldb, g->trans_b ? g->ldb : 1, g->n,
                              width, b) +
                    unwritten_rest(g);
    if (unwritten > 0)
        fake_bad("product %dx%dx%d reads %d words that nobody wrote", g->m, g->n, g->k, unwritten);
    for (int j = 0; j < g->n; j++)
        for (int i = 0; i < g->m; i++) {
            float sum = dot(a + (size_t)i * width, b + (size_t)j * width, width, order);
            if (g->beta != 0)
                sum += g->beta * g->c[j * g->ldc + i];
            g->d[j * g->ldd + i] = sum + (g->bias ? g->bias[i] : 0);
        }
    free(a);
    free(b);
}
