/* SPDX-License-Identifier: MIT */
/* Types and shapes of tensors. */
#include "src/formats/tensorfile_priv.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [DTYPE_F32] = {"float32", 4}, [DTYPE_F16] = {"float16", 2}, [DTYPE_BF16] = {"bfloat16", 2},
    [DTYPE_F64] = {"float64", 8}, [DTYPE_I64] = {"int64", 8},   [DTYPE_I32] = {"int32", 4},
    [DTYPE_I16] = {"int16", 2},   [DTYPE_I8] = {"int8", 1},     [DTYPE_U8] = {"uint8", 1},
    [DTYPE_BOOL] = {"bool", 1},   [DTYPE_U64] = {"uint64", 8},  [DTYPE_U32] = {"uint32", 4},
    [DTYPE_U16] = {"uint16", 2},  [DTYPE_ODD] = {"another type", 1},
    [DTYPE_F8_E4M3] = {"float8_e4m3fn", 1}, [DTYPE_F8_E5M2] = {"float8_e5m2", 1},
};

const char *dtype_name(enum dtype t)
{
    return dtypes[t].name;
}

size_t dtype_size(enum dtype t)
{
    return dtypes[t].size;
}

bool dtype_is_real(enum dtype t)
{
    return t == DTYPE_F32 || t == DTYPE_F16 || t == DTYPE_BF16 || t == DTYPE_F64 ||
           t == DTYPE_F8_E4M3 || t == DTYPE_F8_E5M2;
}

bool tensor_is_weights(const struct tensor *t)
{
    return t->row_scale || dtype_is_real(t->dtype);
}

int64_t shape_elements(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return -1;
        if (shape[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(n, shape[i], &n))
            return -1;
    }
    return empty ? 0 : n > PTRDIFF_MAX / 8 ? -1 : n;
}

void shape_strides(int ndim, const int64_t *shape, int64_t *stride)
{
    int64_t n = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = n;
        n *= shape[i] > 0 ? shape[i] : 1;
    }
}

int64_t tensor_elements(const struct tensor *t)
{
    return shape_elements(t->ndim, t->shape);
}

bool tensor_is_contiguous(const struct tensor *t)
{
    int64_t want[TENSOR_MAX_DIMS];
    shape_strides(t->ndim, t->shape, want);
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] > 1 && t->stride[i] != want[i])
            return false;
    return true;
}
