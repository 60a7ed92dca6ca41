/* SPDX-License-Identifier: MIT */
/* The list of a file's tensors, while it is read: each is checked before it is in it. */
#include "src/formats/tensorfile_priv.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

#define TENSORS_MOST (1 << 18)

/* Index of the last element that a view reaches, or -1 on overflow. */
static int64_t last_element(int64_t offset, int ndim, const int64_t *shape, const int64_t *stride)
{
    int64_t last = offset, step;
    for (int i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(shape[i] - 1, stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return -1;
    return last;
}

static int check_view(const struct tensorfile *f, const char *name, int name_len,
                      const struct storage *s, int64_t offset, int ndim, const int64_t *shape,
                      const int64_t *stride, struct vs_err *err)
{
    int64_t n = shape_elements(ndim, shape);
    if (n < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.*s': its shape overflows", f->map.path,
                       name_len, name);
    for (int i = 0; i < ndim; i++)
        if (stride[i] < 0)
            return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.*s': negative stride", f->map.path,
                           name_len, name);
    int64_t have = (int64_t)(s->bytes / dtype_size(s->dtype));
    int64_t last = n > 0 ? last_element(offset, ndim, shape, stride) : 0;
    if (offset < 0 || (n > 0 && (last < 0 || last >= have)))
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.*s': reaches element %" PRId64 " of a "
                       "storage of %" PRId64 " (offset %" PRId64 ")", f->map.path, name_len, name,
                       last, have, offset);
    return 0;
}

static int grow(struct tensorfile *f, struct vs_err *err)
{
    if (f->count == TENSORS_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: more than %d tensors", f->map.path, TENSORS_MOST);
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->list = xreallocarray(f->list, (size_t)f->cap, sizeof *f->list);
    }
    return 0;
}

int tensorfile_adopt(struct tensorfile *f, const struct tensor *t, uint64_t base,
                     struct vs_err *err)
{
    int rc = grow(f, err);
    if (rc != 0)
        return rc;
    struct tensor *own = &f->list[f->count++];
    *own = *t;
    own->name = NULL;
    own->raw_name = xstrdup(t->raw_name);
    own->storage += base;
    return 0;
}

int tensorfile_pass_over(struct tensorfile *f, const char *name, size_t name_len, const char *type,
                         struct vs_err *err)
{
    if (f->odd_count == TENSORS_MOST || name_len > 4096)
        return vs_fail(err, VS_E_LIMIT, "%s: more than %d tensors, or a name of %zu bytes",
                       f->map.path, TENSORS_MOST, name_len);
    if ((f->odd_count & (f->odd_count - 1)) == 0)
        f->odd = xreallocarray(f->odd, f->odd_count ? 2 * (size_t)f->odd_count : 1, sizeof *f->odd);
    f->odd[f->odd_count++] = (struct odd_tensor){xstrndup(name, name_len), xstrdup(type)};
    return 0;
}

int tensorfile_add(struct tensorfile *f, const char *name, size_t name_len,
                   const struct storage *s, int64_t offset, int ndim, const int64_t *shape,
                   const int64_t *stride, struct vs_err *err)
{
    int shown = name_len > 200 ? 200 : (int)name_len;
    if (name_len > 4096)
        return vs_fail(err, VS_E_LIMIT, "%s: a tensor's name has %zu bytes", f->map.path, name_len);
    if (ndim > TENSOR_MAX_DIMS)
        return vs_fail(err, VS_E_LIMIT, "%s: tensor '%.*s' has %d dimensions, more than %d",
                       f->map.path, shown, name, ndim, TENSOR_MAX_DIMS);
    int rc = check_view(f, name, shown, s, offset, ndim, shape, stride, err);
    if (rc == 0)
        rc = grow(f, err);
    if (rc != 0)
        return rc;
    bool empty = shape_elements(ndim, shape) == 0;
    struct tensor *t = &f->list[f->count++];
    *t = (struct tensor){.raw_name = xstrndup(name, name_len), .dtype = s->dtype, .ndim = ndim,
                         .storage = s->number};
    t->data = empty ? NULL : s->data + (size_t)offset * dtype_size(s->dtype);
    for (int i = 0; i < ndim; i++) { /* of what has one element nothing is a stride away */
        t->shape[i] = shape[i];
        t->stride[i] = empty || shape[i] == 1 ? 0 : stride[i];
    }
    return 0;
}

void tensorlist_fini(struct tensorfile *f)
{
    for (int i = 0; i < f->count; i++) {
        free((char *)(uintptr_t)f->list[i].name);
        free((char *)(uintptr_t)f->list[i].raw_name);
    }
    free(f->list);
    for (int i = 0; i < f->odd_count; i++) {
        free(f->odd[i].name);
        free(f->odd[i].type);
    }
    free(f->odd);
}
