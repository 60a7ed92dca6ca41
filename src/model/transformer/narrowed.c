/* SPDX-License-Identifier: MIT */
/* Numbers of a file in fewer bits, for products alone. */
#include "src/model/transformer/narrowed.h"

#include "src/base/mem.h"
#include "src/formats/byteorder.h"
#include "src/formats/narrow.h"

#include <stdlib.h>

/* As the file has them. */
static bool as_they_come(const struct tensor *t, struct kern_narrow *out)
{
    bool whole = t->dtype == DTYPE_I8 && t->row_scale;
    *out = (struct kern_narrow){.rows = t->data, .scale = whole ? t->row_scale : NULL,
                                .type = whole                    ? KERN_INT8
                                        : t->dtype == DTYPE_F16  ? KERN_FLOAT16
                                        : t->dtype == DTYPE_BF16 ? KERN_BFLOAT16
                                                                 : KERN_FLOAT32};
    return HOST_LITTLE && out->type != KERN_FLOAT32 && t->ndim == 2 && tensor_is_contiguous(t);
}

static bool fits(const struct tensor *t, enum kern_type type)
{
    return type != KERN_INT8 ||
           (t->shape[1] >= KERN_INT8_LEAST && t->shape[1] <= KERN_INT8_MOST);
}

/* Of wide (n), float32. False: a number is too large. */
static bool make_rows(const float *wide, const struct tensor *t, struct narrowed *out)
{
    size_t n = (size_t)tensor_elements(t);
    out->x.rows = out->rows;
    out->x.scale = out->scale;
    switch (out->x.type) {
    case KERN_FLOAT16: return narrow_to_f16(wide, n, out->rows);
    case KERN_BFLOAT16: return narrow_to_bf16(wide, n, out->rows);
    case KERN_INT8:
        narrow_to_int8(wide, t->shape[0], t->shape[1], out->rows, out->scale);
        return true;
    case KERN_FLOAT32: break;
    }
    return true;
}

enum narrowing narrowed_make(const struct tensor *t, enum kern_type type, struct narrowed *out)
{
    *out = (struct narrowed){.rows = NULL};
    bool native = as_they_come(t, &out->x), stays = t->ndim != 2 || out->x.type == type;
    if (stays || type == KERN_FLOAT32 || !fits(t, type))
        return native ? NARROWED : NARROWED_NOT;
    size_t n = (size_t)tensor_elements(t);
    float *wide = vs_try_calloc(n + 1, sizeof *wide);
    out->x.type = type;
    out->rows = vs_try_calloc(n + 1, type == KERN_INT8 ? 1 : 2);
    out->scale = vs_try_calloc((size_t)t->shape[0] + 1, sizeof(float));
    bool room = wide && out->rows && out->scale, good = false;
    if (room) {
        tensor_to_f32(t, wide);
        good = make_rows(wide, t, out);
    }
    free(wide);
    return !room ? NARROWED_NO_MEMORY : good ? NARROWED : NARROWED_TOO_LARGE;
}

void narrowed_fini(struct narrowed *n)
{
    free(n->rows);
    free(n->scale);
    *n = (struct narrowed){.rows = NULL};
}
