/* SPDX-License-Identifier: MIT */
/* safetensors: 8 bytes of header length, a JSON header, the data.
 *
 * Source: the format section of the safetensors README. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/byteorder.h"
#include "src/formats/jsonscan.h"
#include "src/formats/outfile.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/strmap.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER (100u << 20) /* as the format's own library allows */

static const struct {
    const char *name;
    enum dtype dtype;
} names[] = {
    {"F32", DTYPE_F32}, {"F16", DTYPE_F16}, {"BF16", DTYPE_BF16}, {"F64", DTYPE_F64},
    {"I64", DTYPE_I64}, {"I32", DTYPE_I32}, {"I16", DTYPE_I16},   {"I8", DTYPE_I8},
    {"U8", DTYPE_U8},   {"BOOL", DTYPE_BOOL}, {"U16", DTYPE_U16}, {"U32", DTYPE_U32},
    {"U64", DTYPE_U64}, {"C64", DTYPE_ODD},   {"F8_E4M3", DTYPE_F8_E4M3},
    {"F8_E5M2", DTYPE_F8_E5M2}, {"F8_E4M3FNUZ", DTYPE_ODD}, {"F8_E5M2FNUZ", DTYPE_ODD},
    {"F8_E8M0", DTYPE_ODD}, {"F6_E2M3", DTYPE_ODD}, {"F6_E3M2", DTYPE_ODD}, {"F4", DTYPE_ODD},
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

/* What an entry of the header says. */
struct entry {
    char dtype[16];
    bool has_dtype, has_range;
    int ndim; /* -1: no shape */
    int64_t shape[TENSOR_MAX_DIMS], begin, end;
};

static int safetensors_bad(const struct tensorfile *f, const char *name, const char *what,
                           struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': %s", f->map.path, name, what);
}

static bool scan_shape(struct jsonscan *s, struct entry *e)
{
    int more, n = 0;
    if (!jsonscan_take(s, '['))
        return false;
    while ((more = jsonscan_next(s, ']', n)) > 0) {
        if (n == TENSOR_MAX_DIMS || !jsonscan_whole(s, &e->shape[n])) {
            s->why = "a shape is up to 8 whole numbers";
            return false;
        }
        n++;
    }
    e->ndim = n;
    return more == 0;
}

static bool scan_range(struct jsonscan *s, struct entry *e)
{
    e->has_range = true;
    return jsonscan_take(s, '[') && jsonscan_whole(s, &e->begin) && jsonscan_take(s, ',') &&
           jsonscan_whole(s, &e->end) && jsonscan_take(s, ']');
}

static bool scan_dtype(struct jsonscan *s, struct buf *word, struct entry *e)
{
    if (!jsonscan_string(s, word))
        return false;
    snprintf(e->dtype, sizeof e->dtype, "%s", word->data);
    e->has_dtype = true;
    return true;
}

static bool scan_entry(struct jsonscan *s, struct buf *word, struct entry *e)
{
    int more;
    *e = (struct entry){.ndim = -1};
    if (!jsonscan_take(s, '{'))
        return false;
    for (int n = 0; (more = jsonscan_next(s, '}', n)) > 0; n++) {
        bool good = jsonscan_string(s, word) && jsonscan_take(s, ':');
        if (good && strcmp(word->data, "dtype") == 0)
            good = scan_dtype(s, word, e);
        else if (good && strcmp(word->data, "shape") == 0)
            good = scan_shape(s, e);
        else if (good && strcmp(word->data, "data_offsets") == 0)
            good = scan_range(s, e);
        else if (good)
            good = jsonscan_skip(s);
        if (!good)
            return false;
    }
    return more == 0;
}

static int add_entry(struct tensorfile *f, const struct buf *name, const struct entry *e,
                     const uint8_t *data, int64_t size, struct vs_err *err)
{
    int64_t stride[TENSOR_MAX_DIMS];
    struct storage s = {.number = (uint64_t)f->count};
    if (!e->has_dtype || !find_dtype(e->dtype, &s.dtype))
        return safetensors_bad(f, name->data, "a dtype that this program does not know", err);
    int64_t n = e->ndim < 0 ? -1 : shape_elements(e->ndim, e->shape);
    if (n < 0)
        return safetensors_bad(f, name->data, "its shape is not one, or overflows", err);
    if (!e->has_range)
        return safetensors_bad(f, name->data, "data_offsets are missing", err);
    if (e->end < e->begin || e->end > size)
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': data_offsets %" PRId64 " to %" PRId64
                       " are not inside the file's %" PRId64 " bytes of data: damaged, or not "
                       "completely copied", f->map.path,
                       name->data, e->begin, e->end, size);
    if (s.dtype == DTYPE_ODD)
        return tensorfile_pass_over(f, name->data, name->len, e->dtype, err);
    if (e->end - e->begin != n * (int64_t)dtype_size(s.dtype))
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s': its shape needs %" PRId64 " bytes, "
                       "data_offsets give %" PRId64, f->map.path, name->data,
                       n * (int64_t)dtype_size(s.dtype), e->end - e->begin);
    s.data = data + e->begin;
    s.bytes = (uint64_t)(e->end - e->begin);
    shape_strides(e->ndim, e->shape, stride);
    return tensorfile_add(f, name->data, name->len, &s, 0, e->ndim, e->shape, stride, err);
}

static int by_place(const void *a, const void *b)
{
    const struct tensor *x = *(const struct tensor *const *)a;
    const struct tensor *y = *(const struct tensor *const *)b;
    return (x->data > y->data) - (x->data < y->data);
}

/* No two tensors have the same bytes: one of them would be another one's numbers. */
static int check_apart(const struct tensorfile *f, struct vs_err *err)
{
    const struct tensor **list = xcalloc((size_t)f->count + 1, sizeof *list), *last = NULL;
    int n = 0, rc = 0;
    for (int i = 0; i < f->count; i++)
        if (tensor_elements(&f->list[i]) > 0)
            list[n++] = &f->list[i];
    vs_sort(list, (size_t)n, sizeof *list, by_place);
    for (int i = 0; i < n && rc == 0; last = list[i++]) {
        size_t size = last ? (size_t)tensor_elements(last) * dtype_size(last->dtype) : 0;
        if (last && (uintptr_t)list[i]->data - (uintptr_t)last->data < size)
            rc = vs_fail(err, VS_E_FORMAT, "%s: tensors '%.150s' and '%.150s' lie over each other: "
                         "the header is damaged", f->map.path, last->raw_name, list[i]->raw_name);
    }
    free(list);
    return rc;
}

static int bad_header(const struct tensorfile *f, const struct jsonscan *s, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: the header is not valid JSON (byte %zu: %s)",
                   f->map.path, 8 + s->at, s->why ? s->why : "cut off");
}

/* A tensor's second name, which has the numbers of the first one. */
static int add_tie(struct tensorfile *f, const struct tensor *t, const struct buf *name,
                   struct vs_err *err)
{
    const struct tensor of = *t; /* the list may move */
    const struct storage s = {.data = of.data, .dtype = of.dtype, .number = of.storage,
                              .bytes = (uint64_t)tensor_elements(&of) * dtype_size(of.dtype)};
    return tensorfile_add(f, name->data, name->len, &s, 0, of.ndim, of.shape, of.stride, err);
}

/* Tensors that share their numbers are stored once: the metadata has the name of the one that is
 * left out, and that of the one that is there. s is at the metadata.
 *
 * Source: safetensors.torch.save_model. */
static int read_ties(struct tensorfile *f, struct jsonscan s, struct buf *name, struct buf *word,
                     struct vs_err *err)
{
    struct strmap known = {0};
    int rc = 0;
    for (int i = 0; i < f->count; i++)
        strmap_add(&known, f->list[i].raw_name, strlen(f->list[i].raw_name), i);
    bool good = jsonscan_take(&s, '{');
    for (int64_t n = 0; good && rc == 0 && jsonscan_next(&s, '}', n) > 0; n++) {
        good = jsonscan_string(&s, name) && jsonscan_take(&s, ':');
        struct jsonscan value = s;
        int of = -1;
        if (good && jsonscan_string(&value, word))
            of = strmap_get(&known, word->data, word->len);
        good = good && jsonscan_skip(&s);
        if (of < 0 || strmap_get(&known, name->data, name->len) >= 0)
            continue;
        rc = add_tie(f, &f->list[of], name, err);
        if (rc == 0)
            strmap_add(&known, f->list[f->count - 1].raw_name, name->len, f->count - 1);
    }
    strmap_fini(&known);
    return rc;
}

static int read_entries(struct tensorfile *f, struct jsonscan *s, struct buf *name,
                        struct buf *word, struct vs_err *err)
{
    const uint8_t *data = (const uint8_t *)s->text + s->len;
    int64_t size = (int64_t)(f->map.size - 8 - s->len);
    struct entry e;
    struct jsonscan metadata = {.text = NULL};
    int more;
    if (!jsonscan_take(s, '{'))
        return bad_header(f, s, err);
    for (int64_t n = 0; (more = jsonscan_next(s, '}', n)) > 0; n++) {
        bool good = jsonscan_string(s, name) && jsonscan_take(s, ':');
        bool tensor = good && strcmp(name->data, "__metadata__") != 0;
        if (good && !tensor)
            metadata = *s;
        if (good)
            good = tensor ? scan_entry(s, word, &e) : jsonscan_skip(s);
        if (!good)
            return bad_header(f, s, err);
        int rc = tensor ? add_entry(f, name, &e, data, size, err) : 0;
        if (rc != 0)
            return rc;
    }
    if (more != 0 || !jsonscan_end(s))
        return bad_header(f, s, err);
    int rc = check_apart(f, err);
    return rc == 0 && metadata.text ? read_ties(f, metadata, name, word, err) : rc;
}

/* The header is read as it lies in the map: a tree of it takes more than twenty times its size. */
int safetensors_read(struct tensorfile *f, struct vs_err *err)
{
    const uint8_t *d = f->map.data;
    uint64_t length = le_read(d, 8);
    f->format = "safetensors";
    if (length > f->map.size - 8 || length > MAX_HEADER)
        return vs_fail(err, VS_E_FORMAT, "%s: its header should have %" PRIu64 " bytes, but the "
                       "file has %zu: damaged or not completely copied", f->map.path, length,
                       f->map.size);
    struct jsonscan s = {.text = (const char *)d + 8, .len = (size_t)length};
    struct buf name = {0}, word = {0};
    int rc = read_entries(f, &s, &name, &word, err);
    buf_fini(&name);
    buf_fini(&word);
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

static json_t *make_metadata(const char *const *pairs)
{
    json_t *object = json_object();
    for (; pairs[0]; pairs += 2)
        json_object_set_new(object, pairs[0], plain_string(pairs[1]));
    return object;
}

/* A name that is there twice, or that JSON cannot hold, would leave a tensor out without a word. */
static int header_add(json_t *root, const struct tensor_out *t, size_t at, const char *path,
                      struct vs_err *err)
{
    json_t *shape = json_array();
    for (int d = 0; d < t->ndim; d++)
        json_array_append_new(shape, json_integer(t->shape[d]));
    bool twice = json_object_get(root, t->name) != NULL;
    int failed = json_object_set_new(root, t->name,
                                     json_pack("{s:s, s:o, s:[I,I]}", "dtype",
                                               dtype_code(t->dtype), "shape", shape,
                                               "data_offsets", (json_int_t)at,
                                               (json_int_t)(at + out_bytes(t))));
    if (failed)
        return vs_fail(err, VS_E_FORMAT, "%s: a tensor's name is not UTF-8", path);
    return twice ? vs_fail(err, VS_E_FORMAT, "%s: two tensors would be called '%.200s'", path,
                           t->name)
                 : 0;
}

/* NULL: it failed. */
static char *make_header(const struct tensor_out *t, int count, const char *const *metadata,
                         const char *path, struct vs_err *err)
{
    json_t *root = json_object();
    size_t at = 0;
    int rc = 0;
    if (metadata)
        json_object_set_new(root, "__metadata__", make_metadata(metadata));
    for (int i = 0; i < count && rc == 0; i++) {
        rc = header_add(root, &t[i], at, path, err);
        at += out_bytes(&t[i]);
    }
    char *text = rc == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static void write_header(struct outfile *o, const char *header)
{
    uint64_t length = (strlen(header) + 7) & ~(uint64_t)7; /* data begins aligned */
    outfile_numbers(o, &length, 1, sizeof length);
    outfile_write(o, header, strlen(header));
    outfile_write(o, "       ", (size_t)length - strlen(header));
}

int safetensors_write_each(const char *path, const struct tensor_out *t, int count,
                           const char *const *metadata, tensor_fill *fill, void *arg,
                           struct vs_err *err)
{
    struct outfile o;
    char *header = make_header(t, count, metadata, path, err);
    if (!header)
        return VS_E_FORMAT;
    int rc = outfile_open(&o, path, err);
    if (rc == 0) {
        write_header(&o, header);
        for (int i = 0; i < count && rc == 0; i++) {
            const void *data = fill(arg, i, err);
            size_t n = (size_t)shape_elements(t[i].ndim, t[i].shape);
            if (data || n == 0)
                outfile_numbers(&o, data, n, dtype_size(t[i].dtype));
            else
                rc = err->code;
        }
        if (rc == 0)
            rc = outfile_close(&o, err);
        else
            outfile_drop(&o);
    }
    free(header);
    return rc;
}

static const void *safetensors_own_data(void *list, int i, struct vs_err *err)
{
    (void)err;
    return ((const struct tensor_out *)list)[i].data;
}

int safetensors_write(const char *path, const struct tensor_out *t, int count, struct vs_err *err)
{
    return safetensors_write_each(path, t, count, NULL, safetensors_own_data,
                                  (void *)(uintptr_t)t, err);
}

char *safetensors_metadata(const struct tensorfile *f, const char *key)
{
    const uint8_t *d = f->map.data;
    for (int i = 0; i < f->shard_count; i++) {
        char *text = safetensors_metadata(f->shards[i], key);
        if (text)
            return text;
    }
    if (strcmp(f->format, "safetensors") != 0)
        return NULL;
    json_t *root = json_loadb((const char *)d + 8, (size_t)le_read(d, 8), 0, NULL);
    const char *text = json_string_value(json_object_get(json_object_get(root, "__metadata__"),
                                                         key));
    char *copy = xstrdup_null(text);
    json_decref(root);
    return copy;
}
