/* SPDX-License-Identifier: MIT */
/* Numbers in fewer bits. Source: IEEE 754-2008, binary16; bfloat16 is the upper half of float32. */
#include "src/formats/narrow.h"

#include <math.h>
#include <string.h>

static uint32_t narrow_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The upper bits of x, without its `drop` lower ones, ties to even. */
static uint32_t drop_bits(uint32_t x, int drop)
{
    uint32_t half = 1u << (drop - 1), rest = x & ((half << 1) - 1), kept = x >> drop;
    return kept + (rest > half || (rest == half && (kept & 1)));
}

static uint16_t to_half(float x)
{
    uint32_t bits = narrow_bits(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest >= 0x7f800000) /* infinity; NaN keeps the bit that makes it one */
        return (uint16_t)(sign | 0x7c00 | (rest > 0x7f800000 ? 0x200 : 0));
    if (rest >= 0x38800000) { /* a normal number of 16 bits, or too large for one */
        uint32_t h = drop_bits(rest - (112u << 23), 13);
        return (uint16_t)(sign | (h > 0x7c00 ? 0x7c00 : h));
    }
    int drop = 126 - (int)(rest >> 23); /* subnormal: a multiple of 2^-24 */
    if (drop > 24)
        return (uint16_t)sign;
    return (uint16_t)(sign | drop_bits((rest & 0x7fffff) | 0x800000, drop));
}

bool narrow_to_f16(const float *from, size_t n, uint16_t *out)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        out[i] = to_half(from[i]);
        good &= !isfinite(from[i]) || (out[i] & 0x7fff) < 0x7c00;
    }
    return good;
}

bool narrow_to_bf16(const float *from, size_t n, uint16_t *out)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = narrow_bits(from[i]);
        out[i] = (uint16_t)(isnan(from[i]) ? bits >> 16 | 0x40 : drop_bits(bits, 16));
        good &= !isfinite(from[i]) || (out[i] & 0x7fff) < 0x7f80;
    }
    return good;
}

void narrow_to_int8(const float *from, int64_t rows, int64_t columns, int8_t *out, float *scale)
{
    for (int64_t r = 0; r < rows; r++) {
        const float *x = from + r * columns;
        float most = 0;
        for (int64_t i = 0; i < columns; i++)
            most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
        scale[r] = most / 127;
        for (int64_t i = 0; i < columns; i++) {
            float q = scale[r] > 0 ? rintf(x[i] / scale[r]) : 0;
            out[r * columns + i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
        }
    }
}
