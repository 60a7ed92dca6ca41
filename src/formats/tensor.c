/* SPDX-License-Identifier: MIT */
/* The elements of a tensor, converted. */
#include "src/formats/tensorfile.h"

#include "src/formats/byteorder.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Source: IEEE 754-2008, binary16. Subnormals come out right by the subtraction. */
static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff, bits;
    float f;
    if (rest >= 0x7c00) {
        bits = sign | 0x7f800000 | (rest & 0x3ff) << 13;
    } else if (rest >= 0x400) {
        bits = sign | ((rest << 13) + (112u << 23));
    } else {
        f = (float)rest * 0x1p-24f;
        memcpy(&bits, &f, sizeof bits);
        bits |= sign;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Source: Micikevicius et al., "FP8 Formats for Deep Learning", table 1: no infinity, one NaN of
 * each sign. E5M2 is the upper half of a binary16. */
static float e4m3_to_float(uint8_t x)
{
    uint32_t sign = (uint32_t)(x & 0x80) << 24, rest = x & 0x7f, bits;
    float f = (float)rest * 0x1p-9f; /* a subnormal's */
    memcpy(&bits, &f, sizeof bits);
    if (rest == 0x7f)
        bits = 0x7fc00000;
    else if (rest >= 8)
        bits = (rest << 20) + (120u << 23);
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float e5m2_to_float(uint8_t x)
{
    return half_to_float((uint16_t)(x << 8));
}

static float bf16_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* For each of n elements, stride bytes apart, at any alignment. */
#define EACH(type, expression)                                                                    \
    for (int64_t i = 0; i < n; i++) {                                                             \
        type x;                                                                                   \
        le_copy(&x, from + i * stride, 1, sizeof x);                                              \
        out[i] = expression;                                                                      \
    }                                                                                             \
    break

static void row_to_f32(enum dtype t, const uint8_t *from, int64_t stride, int64_t n, float *out)
{
    switch (t) {
    case DTYPE_F32:
        if (stride == 4) {
            le_copy(out, from, (size_t)n, sizeof *out);
            break;
        }
        EACH(float, x);
    case DTYPE_F16: EACH(uint16_t, half_to_float(x));
    case DTYPE_BF16: EACH(uint16_t, bf16_to_float(x));
    case DTYPE_F64: EACH(double, (float)x);
    case DTYPE_I64: EACH(int64_t, (float)x);
    case DTYPE_I32: EACH(int32_t, (float)x);
    case DTYPE_I16: EACH(int16_t, (float)x);
    case DTYPE_I8: EACH(int8_t, (float)x);
    case DTYPE_U8: EACH(uint8_t, (float)x);
    case DTYPE_BOOL: EACH(uint8_t, x ? 1.0f : 0.0f);
    case DTYPE_U64: EACH(uint64_t, (float)x);
    case DTYPE_U32: EACH(uint32_t, (float)x);
    case DTYPE_U16: EACH(uint16_t, (float)x);
    case DTYPE_F8_E4M3: EACH(uint8_t, e4m3_to_float(x));
    case DTYPE_F8_E5M2: EACH(uint8_t, e5m2_to_float(x));
    case DTYPE_ODD: break;
    }
}

/* NaN and what does not fit into 64 bits become 0: the cast would be undefined. */
static int64_t to_whole(double x)
{
    return x > -9.2e18 && x < 9.2e18 ? (int64_t)x : 0;
}

static void row_to_i64(enum dtype t, const uint8_t *from, int64_t stride, int64_t n, int64_t *out)
{
    switch (t) {
    case DTYPE_F32: EACH(float, to_whole(x));
    case DTYPE_F16: EACH(uint16_t, to_whole(half_to_float(x)));
    case DTYPE_BF16: EACH(uint16_t, to_whole(bf16_to_float(x)));
    case DTYPE_F64: EACH(double, to_whole(x));
    case DTYPE_I64: EACH(int64_t, x);
    case DTYPE_I32: EACH(int32_t, x);
    case DTYPE_I16: EACH(int16_t, x);
    case DTYPE_I8: EACH(int8_t, x);
    case DTYPE_U8: EACH(uint8_t, x);
    case DTYPE_BOOL: EACH(uint8_t, x != 0);
    case DTYPE_U64: EACH(uint64_t, x > INT64_MAX ? 0 : (int64_t)x);
    case DTYPE_U32: EACH(uint32_t, x);
    case DTYPE_U16: EACH(uint16_t, x);
    case DTYPE_F8_E4M3: EACH(uint8_t, to_whole(e4m3_to_float(x)));
    case DTYPE_F8_E5M2: EACH(uint8_t, to_whole(e5m2_to_float(x)));
    case DTYPE_ODD: break;
    }
}

static void row_to(const struct tensor *t, const uint8_t *from, int64_t stride, int64_t n,
                   float *f32, int64_t *i64)
{
    if (f32)
        row_to_f32(t->dtype, from, stride, n, f32);
    else
        row_to_i64(t->dtype, from, stride, n, i64);
}

static void big_endian_row(const struct tensor *t, const uint8_t *from, int64_t stride, int64_t n,
                           float *f32, int64_t *i64)
{
    size_t size = dtype_size(t->dtype);
    for (int64_t i = 0; i < n; i++) {
        uint8_t turned[8];
        for (size_t j = 0; j < size; j++)
            turned[j] = from[i * stride + (int64_t)(size - 1 - j)];
        row_to(t, turned, (int64_t)size, 1, f32 ? f32 + i : NULL, i64 ? i64 + i : NULL);
    }
}

/* Walks all rows (the last dimension) of a view in C order. */
static void each_row(const struct tensor *t, float *f32, int64_t *i64)
{
    int64_t total = tensor_elements(t), at[TENSOR_MAX_DIMS] = {0};
    int64_t size = (int64_t)dtype_size(t->dtype);
    int last = t->ndim - 1;
    int64_t n = t->ndim ? t->shape[last] : 1, stride = (t->ndim ? t->stride[last] : 1) * size;
    if (tensor_is_contiguous(t)) { /* one long row */
        n = total;
        stride = size;
    }
    for (int64_t done = 0; done < total; done += n) {
        const uint8_t *from = t->data;
        for (int d = 0; d < last; d++)
            from += at[d] * t->stride[d] * size;
        (t->big_endian ? big_endian_row : row_to)(t, from, stride, n, f32 ? f32 + done : NULL,
                                                  i64 ? i64 + done : NULL);
        for (int d = last - 1; d >= 0 && ++at[d] == t->shape[d]; d--)
            at[d] = 0;
    }
}

static void scale_rows(const struct tensor *t, float *out)
{
    const uint8_t *scales = t->row_scale;
    for (int64_t r = 0; r < t->shape[0]; r++) {
        float scale;
        le_copy(&scale, scales + r * (int64_t)sizeof scale, 1, sizeof scale);
        for (int64_t i = 0; i < t->shape[1]; i++)
            out[r * t->shape[1] + i] *= scale;
    }
}

void tensor_to_f32(const struct tensor *t, float *out)
{
    each_row(t, out, NULL);
    if (t->row_scale)
        scale_rows(t, out);
}

void tensor_to_i64(const struct tensor *t, int64_t *out)
{
    each_row(t, NULL, out);
}

bool tensor_is_floats(const struct tensor *t)
{
    return HOST_LITTLE && !t->big_endian && t->dtype == DTYPE_F32 && tensor_is_contiguous(t);
}

void tensor_forget(const struct tensor *t)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)t->data;
    uintptr_t end = from + (size_t)tensor_elements(t) * dtype_size(t->dtype);
    from = (from + page - 1) / page * page;
    end = end / page * page;
    if (tensor_is_contiguous(t) && from < end)
        madvise((void *)from, end - from, MADV_DONTNEED);
}
