/* SPDX-License-Identifier: MIT */
/* numpy arrays inside pickles.
 *
 * Source: numpy's ndarray.__reduce__ and __reduce_ex__ (protocol 5), dtype.__reduce__. */
#include "src/formats/ndarray.h"

#include "src/formats/tensorfile_priv.h"

#include <inttypes.h>
#include <string.h>

bool dtype_from_numpy(const char *code, size_t len, struct tensor *out)
{
    static const struct {
        const char *code;
        enum dtype dtype;
    } known[] = {{"f4", DTYPE_F32}, {"f2", DTYPE_F16}, {"f8", DTYPE_F64}, {"i8", DTYPE_I64},
                 {"i4", DTYPE_I32}, {"i2", DTYPE_I16}, {"i1", DTYPE_I8},  {"u1", DTYPE_U8},
                 {"u8", DTYPE_U64}, {"u4", DTYPE_U32}, {"u2", DTYPE_U16}, {"b1", DTYPE_BOOL}};
    bool order = len > 0 && memchr("<|=>", code[0], 4);
    out->big_endian = order && code[0] == '>';
    code += order;
    len -= order;
    for (size_t i = 0; len == 2 && i < sizeof known / sizeof known[0]; i++)
        if (memcmp(code, known[i].code, 2) == 0) {
            out->dtype = known[i].dtype;
            return true;
        }
    return false;
}

/* Both homes of a function: numpy.core became numpy._core in numpy 2. */
static bool array_is_call(const struct pval *v, const char *module_end)
{
    if (v->kind != PK_OBJECT || v->count < 2 || v->items[0]->kind != PK_GLOBAL)
        return false;
    const char *name = (const char *)v->items[0]->bytes;
    size_t n = strlen(name), m = strlen(module_end);
    return strncmp(name, "numpy", 5) == 0 && n >= m && strcmp(name + n - m, module_end) == 0;
}

static bool is_dtype(const struct pval *v)
{
    return array_is_call(v, "numpy dtype") && v->items[1]->count >= 1 &&
           (v->items[1]->items[0]->kind == PK_STRING || v->items[1]->items[0]->kind == PK_BYTES);
}

static bool big_endian(const struct pval *dtype)
{
    const struct pval *state = dtype->count > 2 ? dtype->items[2] : NULL;
    return state && state->kind == PK_TUPLE && state->count > 1 &&
           pval_is_string(state->items[1], ">");
}

static bool dtype_of(const struct pval *v, struct tensor *out)
{
    if (!is_dtype(v))
        return false;
    const struct pval *code = v->items[1]->items[0];
    if (!dtype_from_numpy((const char *)code->bytes, code->len, out))
        return false;
    out->big_endian |= big_endian(v);
    return true;
}

/* What describes an array, wherever the protocol put it. */
struct parts {
    const struct pval *shape, *dtype, *data;
    bool fortran;
};

static const struct pval *array_bytes_of(const struct pval *v)
{
    if (v->kind == PK_OBJECT && v->items[0]->kind == PK_GLOBAL &&
        strstr((const char *)v->items[0]->bytes, " bytearray") && v->items[1]->count == 1)
        v = v->items[1]->items[0];
    return v;
}

static bool find_parts(const struct pval *v, struct parts *p)
{
    const struct pval *state = v->kind == PK_OBJECT && v->count > 2 ? v->items[2] : NULL;
    if (array_is_call(v, "multiarray _reconstruct") && state && state->kind == PK_TUPLE &&
        state->count == 5) { /* version, shape, dtype, is Fortran, data */
        *p = (struct parts){state->items[1], state->items[2], state->items[4],
                            state->items[3]->integer != 0};
    } else if (array_is_call(v, "numeric _frombuffer") && v->items[1]->count == 4) {
        const struct pval *a = v->items[1]; /* buffer, dtype, shape, order */
        *p = (struct parts){a->items[2], a->items[1], array_bytes_of(a->items[0]),
                            pval_is_string(a->items[3], "F")};
    } else {
        return false;
    }
    return p->shape->kind == PK_TUPLE && is_dtype(p->dtype);
}

const struct pval *ndarray_objects(const struct pval *v)
{
    struct parts p;
    if (!find_parts(v, &p) || p.data->kind != PK_LIST)
        return NULL;
    const struct pval *code = p.dtype->items[1]->items[0];
    return code->len >= 1 && code->bytes[0] == 'O' ? p.data : NULL;
}

static int array_read_shape(const struct pval *v, int64_t *shape)
{
    if (v->count > TENSOR_MAX_DIMS)
        return -1;
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i]->kind != PK_INT || v->items[i]->integer < 0)
            return -1;
        shape[i] = v->items[i]->integer;
    }
    return (int)v->count;
}

static void set_strides(struct tensor *t, bool fortran)
{
    shape_strides(t->ndim, t->shape, t->stride);
    if (!fortran)
        return;
    int64_t n = 1;
    for (int i = 0; i < t->ndim; i++) {
        t->stride[i] = n;
        n *= t->shape[i] > 0 ? t->shape[i] : 1;
    }
}

static bool scalar_view(const struct pval *v, struct tensor *out)
{
    if (!array_is_call(v, "multiarray scalar") || v->items[1]->count != 2)
        return false;
    const struct pval *dtype = v->items[1]->items[0], *data = v->items[1]->items[1];
    *out = (struct tensor){.name = "", .raw_name = ""};
    if (!dtype_of(dtype, out) || (data->kind != PK_BYTES && data->kind != PK_STRING) ||
        data->len != dtype_size(out->dtype))
        return false;
    out->data = data->bytes;
    return true;
}

/* What stands in the place of an array, in words. */
static const char *ndarray_kind(const struct pval *v)
{
    switch (v->kind) {
    case PK_LIST:
    case PK_TUPLE: return "a list";
    case PK_DICT: return "a dictionary";
    case PK_STRING:
    case PK_BYTES: return "text";
    case PK_NONE: return "nothing (None)";
    case PK_OBJECT: break;
    default: return "a single value";
    }
    const struct pval *kind = v->count > 0 ? v->items[0] : NULL;
    const char *name = kind && kind->kind == PK_GLOBAL ? (const char *)kind->bytes : "";
    return strncmp(name, "torch", 5) == 0 ? "a tensor of PyTorch (save .numpy() of it)"
                                          : "an object of another kind";
}

int ndarray_view(const struct pval *v, const char *path, const char *what, struct tensor *out,
                 struct vs_err *err)
{
    struct parts p;
    if (scalar_view(v, out))
        return 0;
    if (!find_parts(v, &p))
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is %s, not a numpy array", path, what,
                       ndarray_kind(v));
    *out = (struct tensor){.name = "", .raw_name = ""};
    const struct pval *code = p.dtype->items[1]->items[0]; /* of a length, without a NUL */
    if (!dtype_of(p.dtype, out))
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is an array of '%.*s', which is not read: "
                       "numbers are expected", path, what, code->len < 20 ? (int)code->len : 20,
                       (const char *)code->bytes);
    out->ndim = array_read_shape(p.shape, out->shape);
    int64_t n = out->ndim < 0 ? -1 : shape_elements(out->ndim, out->shape);
    if (n < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the shape of '%s' is not one, or overflows", path,
                       what);
    /* Python 2 and protocols 0 to 2 may give the bytes as a string. */
    if ((p.data->kind != PK_BYTES && p.data->kind != PK_STRING) ||
        (uint64_t)n * dtype_size(out->dtype) != p.data->len)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' has %zu bytes, its shape needs %" PRIu64, path,
                       what, p.data->len, (uint64_t)n * dtype_size(out->dtype));
    out->data = p.data->bytes;
    set_strides(out, p.fortran);
    return 0;
}

bool ndarray_integer(const struct pval *v, int64_t *out)
{
    struct tensor t;
    if (v->kind == PK_INT || v->kind == PK_BOOL) {
        *out = v->integer;
        return true;
    }
    if (v->kind == PK_FLOAT && v->number > -9e15 && v->number < 9e15) {
        *out = (int64_t)v->number;
        return true;
    }
    if (v->kind != PK_OBJECT || ndarray_view(v, "", "", &t, NULL) != 0 || tensor_elements(&t) != 1)
        return false;
    tensor_to_i64(&t, out);
    return true;
}
