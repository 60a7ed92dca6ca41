/* safetensors: 8 bytes of header length, a JSON header, the data.
 *
 * Source: the format section of the safetensors README. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/outfile.h"
#include "src/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER (100u << 20) /* as the format's own library allows */

static const struct {
    const char *name;
    enum dtype dtype;
} names[] = {
    {"F32", DTYPE_F32}, {"F16", DTYPE_F16}, {"BF16", DTYPE_BF16}, {"F64", DTYPE_F64},
    {"I64", DTYPE_I64}, {"I32", DTYPE_I32}, {"I16", DTYPE_I16},   {"I8", DTYPE_I8},
    {"U8", DTYPE_U8},   {"BOOL", DTYPE_BOOL},
};

static bool find_dtype(const char *s, enum dtype *out)
{
    for (size_t i = 0; s && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(s, names[i].name) == 0) {
            *out = names[i].dtype;
            return true;
        }
    return false;
}

static int read_shape(const json_t *list, int64_t *shape)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > TENSOR_MAX_DIMS)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return -1;
        shape[i] = json_integer_value(v);
    }
    return (int)n;
}

static int bad(const struct tensorfile *f, const char *name, const char *what, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': %s", f->map.path, name, what);
}

static int read_entry(struct tensorfile *f, const char *name, const json_t *v, const uint8_t *data,
                      int64_t size, struct vs_err *err)
{
    const json_t *range = json_object_get(v, "data_offsets");
    const json_t *from = json_array_get(range, 0), *to = json_array_get(range, 1);
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS];
    struct storage s = {.number = (uint64_t)f->count};
    if (!find_dtype(json_string_value(json_object_get(v, "dtype")), &s.dtype))
        return bad(f, name, "a dtype that this program does not know", err);
    int ndim = read_shape(json_object_get(v, "shape"), shape);
    int64_t n = ndim < 0 ? -1 : shape_elements(ndim, shape);
    if (n < 0)
        return bad(f, name, "its shape is not one, or overflows", err);
    if (json_array_size(range) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return bad(f, name, "data_offsets are missing", err);
    int64_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || end > size)
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': data_offsets %" PRId64 " to %" PRId64
                       " are not inside the file's %" PRId64 " bytes of data", f->map.path, name,
                       begin, end, size);
    if (end - begin != n * (int64_t)dtype_size(s.dtype))
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': its shape needs %" PRId64 " bytes, "
                       "data_offsets give %" PRId64, f->map.path, name,
                       n * (int64_t)dtype_size(s.dtype), end - begin);
    s.data = data + begin;
    s.bytes = (uint64_t)(end - begin);
    shape_strides(ndim, shape, stride);
    return tensorfile_add(f, name, strlen(name), &s, 0, ndim, shape, stride, err);
}

int safetensors_read(struct tensorfile *f, struct vs_err *err)
{
    const uint8_t *d = f->map.data;
    uint64_t length;
    json_error_t why;
    f->format = "safetensors";
    memcpy(&length, d, 8);
    if (length > f->map.size - 8 || length > MAX_HEADER)
        return vs_fail(err, VS_E_FORMAT, "%s: its header should have %" PRIu64 " bytes, but the "
                       "file has %zu: damaged or not completely copied", f->map.path, length,
                       f->map.size);
    json_t *header = json_loadb((const char *)d + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(header)) {
        json_decref(header);
        return vs_fail(err, VS_E_FORMAT, "%s: the header is not valid JSON (byte %d: %s)",
                       f->map.path, 8 + why.position, header ? "no object" : why.text);
    }
    const char *name;
    json_t *v;
    int rc = 0;
    json_object_foreach(header, name, v)
        if (rc == 0 && strcmp(name, "__metadata__") != 0)
            rc = read_entry(f, name, v, d + 8 + length, (int64_t)(f->map.size - 8 - length), err);
    json_decref(header);
    return rc;
}

/* ---- writing */

static const char *dtype_code(enum dtype t)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].dtype == t)
            return names[i].name;
    return "?";
}

static size_t out_bytes(const struct tensor_out *t)
{
    return (size_t)shape_elements(t->ndim, t->shape) * dtype_size(t->dtype);
}

static char *make_header(const struct tensor_out *t, int count)
{
    json_t *root = json_object();
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        json_t *shape = json_array();
        for (int d = 0; d < t[i].ndim; d++)
            json_array_append_new(shape, json_integer(t[i].shape[d]));
        json_object_set_new(root, t[i].name,
                            json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype_code(t[i].dtype),
                                      "shape", shape, "data_offsets", (json_int_t)at,
                                      (json_int_t)(at + out_bytes(&t[i]))));
        at += out_bytes(&t[i]);
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

int safetensors_write(const char *path, const struct tensor_out *t, int count, struct vs_err *err)
{
    char *header = make_header(t, count);
    if (!header)
        return vs_fail(err, VS_E_FORMAT, "%s: a tensor's name is not UTF-8", path);
    struct outfile o;
    int rc = outfile_open(&o, path, err);
    if (rc == 0) {
        uint64_t length = (strlen(header) + 7) & ~(uint64_t)7; /* data begins aligned */
        outfile_write(&o, &length, sizeof length);
        outfile_write(&o, header, strlen(header));
        outfile_write(&o, "       ", (size_t)length - strlen(header));
        for (int i = 0; i < count; i++)
            outfile_write(&o, t[i].data, out_bytes(&t[i]));
        rc = outfile_close(&o, err);
    }
    free(header);
    return rc;
}
