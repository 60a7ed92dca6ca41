/* SPDX-License-Identifier: MIT */
/* numpy's .npy files.
 *
 * Source: numpy.lib.format, versions 1.0 to 3.0. */
#include "src/formats/npy.h"

#include "src/formats/ndarray.h"
#include "src/formats/outfile.h"
#include "src/formats/tensorfile_priv.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "\x93NUMPY"

struct header {
    char descr[32];
    bool fortran, has_shape;
    int ndim;
    int64_t shape[TENSOR_MAX_DIMS];
    size_t data; /* where it begins */
};

bool npy_recognise(const struct bytes *map)
{
    return map->size >= 8 && memcmp(map->data, MAGIC, 6) == 0;
}

static int npy_bad(const struct bytes *map, const char *what, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: not a valid .npy file: %s", map->path, what);
}

static int header_range(const struct bytes *map, size_t *from, size_t *len, struct vs_err *err)
{
    const uint8_t *d = map->data;
    int major = d[6];
    *from = major == 1 ? 10 : 12;
    if (major < 1 || major > 3)
        return npy_bad(map, "an unknown version", err);
    if (map->size < *from)
        return npy_bad(map, "cut off in the header", err);
    *len = (size_t)d[8] | (size_t)d[9] << 8;
    if (major > 1)
        *len |= (size_t)d[10] << 16 | (size_t)d[11] << 24;
    return *len > map->size - *from ? npy_bad(map, "cut off in the header", err) : 0;
}

/* The text after 'key': in the header's Python dictionary. */
static const char *value_of(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *p = strstr(text, quoted);
    return p ? p + strlen(quoted) + strspn(p + strlen(quoted), " ") : NULL;
}

/* "(3, 4)", "(3,)" or "()"; false for anything else. */
static bool parse_shape(const char *s, struct header *h)
{
    if (!s || *s++ != '(')
        return false;
    for (;;) {
        s += strspn(s, " ");
        if (*s == ')')
            return true;
        char *end;
        if (*s < '0' || *s > '9' || h->ndim == TENSOR_MAX_DIMS)
            return false;
        unsigned long long x = strtoull(s, &end, 10);
        if (x > INT64_MAX)
            return false;
        h->shape[h->ndim++] = (int64_t)x;
        s = end + strspn(end, "L ");
        if (*s == ',')
            s++;
        else if (*s != ')')
            return false;
    }
}

static int parse_header(const struct bytes *map, struct header *h, struct vs_err *err)
{
    size_t from = 0, len = 0;
    int rc = header_range(map, &from, &len, err);
    if (rc != 0)
        return rc;
    char *text = xstrndup((const char *)map->data + from, len);
    const char *descr = value_of(text, "descr"), *order = value_of(text, "fortran_order");
    h->data = from + len;
    if (!descr || !order || !parse_shape(value_of(text, "shape"), h))
        rc = npy_bad(map, "the header's shape, order or type cannot be read", err);
    else if (*descr != '\'' || strcspn(descr + 1, "'") >= sizeof h->descr)
        rc = npy_bad(map, "an array of records, expected plain numbers", err);
    else {
        memcpy(h->descr, descr + 1, strcspn(descr + 1, "'"));
        h->fortran = strncmp(order, "True", 4) == 0;
    }
    free(text);
    return rc;
}

static int npy_read_numbers(struct npy *n, const struct header *h, struct vs_err *err)
{
    struct tensor *t = &n->array;
    t->ndim = h->ndim;
    memcpy(t->shape, h->shape, sizeof t->shape);
    if (!dtype_from_numpy(h->descr, strlen(h->descr), t))
        return vs_fail(err, VS_E_FORMAT, "%s: an array of '%s', which is not read: numbers are "
                       "expected",
                       n->map.path, h->descr);
    int64_t count = shape_elements(t->ndim, t->shape);
    size_t have = n->map.size - h->data;
    if (count < 0)
        return npy_bad(&n->map, "its shape overflows", err);
    if ((uint64_t)count * dtype_size(t->dtype) > have)
        return vs_fail(err, VS_E_FORMAT, "%s: cut off: the shape needs %" PRIu64 " bytes, the file "
                       "has %zu", n->map.path, (uint64_t)count * dtype_size(t->dtype), have);
    t->data = n->map.data + h->data;
    t->name = t->raw_name = "";
    shape_strides(t->ndim, t->shape, t->stride);
    if (h->fortran)
        for (int64_t i = 0, step = 1; i < t->ndim; step *= t->shape[i] ? t->shape[i] : 1, i++)
            t->stride[i] = step;
    return 0;
}

static int read_object(struct npy *n, const struct header *h, struct vs_err *err)
{
    int rc = pickle_load(n->map.data + h->data, n->map.size - h->data, pickle_any,
                         n->map.path, &n->pickle, NULL, err);
    if (rc != 0)
        return rc;
    const struct pval *list = ndarray_objects(pickle_root(n->pickle));
    if (!list || list->count != 1)
        return npy_bad(&n->map, "an array of objects that does not hold one dictionary", err);
    n->object = list->items[0];
    return 0;
}

static int npy_read_any(struct npy *out, struct vs_err *err)
{
    struct header h = {0};
    int rc = npy_recognise(&out->map) ? parse_header(&out->map, &h, err)
                                      : npy_bad(&out->map, "it does not begin as one", err);
    if (rc == 0)
        rc = strcmp(h.descr, "|O") == 0 ? read_object(out, &h, err)
                                        : npy_read_numbers(out, &h, err);
    if (rc != 0)
        npy_close(out);
    return rc;
}

int npy_read(struct bytes map, struct npy *out, struct vs_err *err)
{
    *out = (struct npy){.map = map};
    return npy_read_any(out, err);
}

int npy_read_copy(uint8_t *data, size_t size, const char *where, struct npy *out,
                  struct vs_err *err)
{
    *out = (struct npy){.map = {.data = data, .size = size, .path = xstrdup(where)}, .copy = data};
    return npy_read_any(out, err);
}

void npy_close(struct npy *n)
{
    pickle_free(n->pickle);
    if (n->copy)
        n->map.data = NULL; /* it is no map */
    free(n->copy);
    bytes_close(&n->map);
    *n = (struct npy){0};
}

int npy_write_f32(const char *path, int ndim, const int64_t *shape, const float *data,
                  struct vs_err *err)
{
    struct buf b = {0};
    struct outfile o;
    buf_puts(&b, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < ndim; i++)
        buf_printf(&b, "%" PRId64 ", ", shape[i]);
    buf_puts(&b, "), }");
    while ((10 + b.len + 1) % 64 != 0)
        buf_putc(&b, ' ');
    buf_putc(&b, '\n');
    int rc = outfile_open(&o, path, err);
    if (rc == 0) {
        uint8_t length[2] = {(uint8_t)(b.len & 255), (uint8_t)(b.len >> 8)};
        outfile_write(&o, MAGIC "\1\0", 8);
        outfile_write(&o, length, 2);
        outfile_write(&o, b.data, b.len);
        outfile_numbers(&o, data, (size_t)shape_elements(ndim, shape), sizeof *data);
        rc = outfile_close(&o, err);
    }
    buf_fini(&b);
    return rc;
}
