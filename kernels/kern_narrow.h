/* SPDX-License-Identifier: MIT */
/* Weights in fewer bits than float32 has: their panels, and how a piece of one is widened. */
#ifndef VS_KERN_NARROW_H
#define VS_KERN_NARROW_H

#include "kernels/kern_math.h"
#include "kernels/kern_priv.h"

/* Bytes of a number. */
INLINE ptrdiff_t narrow_size(enum kern_type type)
{
    return type == KERN_FLOAT32 ? 4 : type == KERN_INT8 ? 1 : 2;
}

/* Source: IEEE 754-2008, binary16. Without a branch, and without arithmetic on subnormal numbers of
 * float32, which some processors do slowly. */
INLINE float narrow_half(uint16_t h)
{
    uint32_t rest = h & 0x7fff, sign = (uint32_t)(h & 0x8000) << 16, bits;
    float small = (float)(int32_t)rest * 0x1p-24f, f;
    memcpy(&bits, &small, sizeof bits);
    uint32_t normal = (rest << 13) + ((rest >= 0x7c00 ? 224u : 112u) << 23);
    bits = (rest < 0x400 ? bits : normal) | sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* One row of a panel, which begins at `from`, to out (KERN_PANEL); scale (KERN_PANEL). */
INLINE void widen_row(enum kern_type type, const void *from, const float *scale, float *out)
{
    if (type == KERN_INT8) {
        const int8_t *w = from;
        for (int i = 0; i < KERN_PANEL; i++)
            out[i] = (float)w[i] * scale[i];
    } else if (type == KERN_BFLOAT16) {
        const uint16_t *w = from;
        for (int i = 0; i < KERN_PANEL; i++) {
            uint32_t bits = (uint32_t)w[i] << 16;
            memcpy(out + i, &bits, sizeof bits);
        }
    } else {
#if KERN_LANES == 16
        __m256i half;
        memcpy(&half, from, sizeof half);
        store(out, (vf)_mm512_cvtph_ps(half));
#elif defined(KERN_NEON)
        for (int i = 0; i < KERN_PANEL; i += KERN_LANES) {
            float16x4_t half;
            memcpy(&half, (const char *)from + 2 * (ptrdiff_t)i, sizeof half);
            store(out + i, (vf)vcvt_f32_f16(half));
        }
#else
        const uint16_t *w = from;
        for (int i = 0; i < KERN_PANEL; i++)
            out[i] = narrow_half(w[i]);
#endif
    }
}

INLINE void widen_rows(enum kern_type type, const char *from, const float *scale, int k, float *out)
{
    ptrdiff_t row = KERN_PANEL * narrow_size(type);
    for (int p = 0; p < k; p++)
        widen_row(type, from + p * row, scale, out + p * KERN_PANEL);
}

/* k rows of the panel of column j, which begin `at` bytes from the first panel, to out (k,
 * KERN_PANEL): the numbers that tensor_to_f32 makes of them (src/formats/tensor.c). */
static inline void widen_panel(const struct kern_panels *w, ptrdiff_t at, int j, int k, float *out)
{
    const char *from = (const char *)w->at + at;
    switch (w->type) {
    case KERN_FLOAT16: widen_rows(KERN_FLOAT16, from, NULL, k, out); break;
    case KERN_BFLOAT16: widen_rows(KERN_BFLOAT16, from, NULL, k, out); break;
    case KERN_INT8: widen_rows(KERN_INT8, from, w->scale + j, k, out); break;
    case KERN_FLOAT32: break;
    }
}

/* Bytes of the panels of (n, length), their scales included. */
size_t kern_narrow_pack_size(enum kern_type type, int n, int length);
/* Into out, aligned to 64 bytes. */
struct kern_panels kern_narrow_pack(const struct kern_narrow *from, int n, int length, void *out);
/* Rows again, as float32: out (n, length). */
void kern_narrow_unpack(const struct kern_panels *w, int n, int length, float *out);

#endif
