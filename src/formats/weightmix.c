/* SPDX-License-Identifier: MIT */
/* Checkpoints made of others, a tensor at a time: sums in double, then narrowed. */
#include "src/formats/weightmix.h"

#include "src/formats/byteorder.h"
#include "src/formats/narrow.h"
#include "src/formats/outfile.h"
#include "src/base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const mix_type_names[] = {MIX_TYPE_NAMES, NULL};

static bool is_weights(const struct tensor *t)
{
    return t->row_scale || t->dtype == DTYPE_F32 || t->dtype == DTYPE_F16 ||
           t->dtype == DTYPE_BF16 || t->dtype == DTYPE_F64;
}

static bool same_shape(const struct tensor *a, const struct tensor *b)
{
    return a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

static int compare_files(const struct tensorfile *a, const struct tensorfile *b, struct vs_err *err)
{
    for (int i = 0; i < tensorfile_count(a); i++) {
        const struct tensor *t = tensorfile_at(a, i), *u = tensorfile_find(b, t->name);
        if (!is_weights(t))
            continue;
        if (!u || !is_weights(u))
            return vs_fail(err, VS_E_MISSING, "%s: has no weights '%.200s', which %s has: only "
                           "checkpoints of one model can be mixed", tensorfile_path(b), t->name,
                           tensorfile_path(a));
        if (!same_shape(t, u))
            return vs_fail(err, VS_E_FORMAT, "%s: '%.200s' has another shape than in %s",
                           tensorfile_path(b), t->name, tensorfile_path(a));
    }
    return 0;
}

int mix_check(const struct mix *m, struct vs_err *err)
{
    int rc = 0;
    for (int i = 1; i < m->from_count && rc == 0; i++) {
        rc = compare_files(m->from[0], m->from[i], err);
        if (rc == 0)
            rc = compare_files(m->from[i], m->from[0], err);
    }
    return rc;
}

/* ---- one tensor */

/* What is written of a tensor: one entry, or whole numbers and their scales. */
struct mix_entry {
    const struct tensor *of; /* the first file's */
    char *name;              /* of a scale, else NULL */
    enum dtype dtype;
    bool scale;
};

struct mixing {
    const struct mix *m;
    const double *share;
    struct mix_entry *list;
    int count;
    double *sum;
    float *one, *scales;
    void *narrow;
};

static enum dtype dtype_of(const struct mix *m, const struct tensor *t)
{
    if (!is_weights(t))
        return t->dtype;
    switch (m->type) {
    case MIX_F16: return DTYPE_F16;
    case MIX_BF16: return DTYPE_BF16;
    case MIX_INT8: return t->ndim == 2 && t->shape[1] > 1 ? DTYPE_I8 : DTYPE_F32;
    default: return DTYPE_F32;
    }
}

static void add_entries(struct mixing *x, const struct tensor *t)
{
    enum dtype dtype = dtype_of(x->m, t);
    x->list[x->count++] = (struct mix_entry){.of = t, .dtype = dtype};
    if (is_weights(t) && dtype == DTYPE_I8)
        x->list[x->count++] = (struct mix_entry){.of = t, .dtype = DTYPE_F32, .scale = true,
                                                 .name = xasprintf("%s" ROW_SCALE_END, t->name)};
}

/* Sum of the shares of all files, as float32 in x->one. */
static int mix_sum(struct mixing *x, const struct tensor *t, struct vs_err *err)
{
    size_t n = (size_t)tensor_elements(t);
    memset(x->sum, 0, n * sizeof *x->sum);
    for (int i = 0; i < x->m->from_count; i++) {
        const struct tensor *u = tensorfile_find(x->m->from[i], t->name);
        if (x->share[i] == 0)
            continue;
        tensor_to_f32(u, x->one);
        tensor_forget(u);
        for (size_t k = 0; k < n; k++)
            x->sum[k] += x->share[i] * (double)x->one[k];
    }
    for (size_t k = 0; k < n; k++) {
        x->one[k] = (float)x->sum[k];
        if (!isfinite(x->one[k]))
            return vs_fail(err, VS_E_DIVERGED, "%s: %s holds NaN or infinity: nothing is written",
                           tensorfile_path(x->m->from[0]), t->name);
    }
    return 0;
}

static const void *mix_narrow(struct mixing *x, const struct mix_entry *e, struct vs_err *err)
{
    size_t n = (size_t)tensor_elements(e->of);
    bool good = true;
    switch (e->dtype) {
    case DTYPE_F16: good = narrow_to_f16(x->one, n, x->narrow); break;
    case DTYPE_BF16: good = narrow_to_bf16(x->one, n, x->narrow); break;
    case DTYPE_I8:
        narrow_to_int8(x->one, e->of->shape[0], e->of->shape[1], x->narrow, x->scales);
        break;
    default: return x->one;
    }
    if (!good)
        vs_fail(err, VS_E_LIMIT, "%s: %s has numbers that are too large for %s: choose %s",
                tensorfile_path(x->m->from[0]), e->of->name, dtype_name(e->dtype),
                e->dtype == DTYPE_F16 ? "bfloat16 or float32" : "float32");
    return good ? x->narrow : NULL;
}

static const void *mix_numbers(struct mixing *x, int i, struct vs_err *err)
{
    const struct mix_entry *e = &x->list[i];
    if (e->scale) /* of the entry before it */
        return x->scales;
    if (is_weights(e->of))
        return mix_sum(x, e->of, err) == 0 ? mix_narrow(x, e, err) : NULL;
    size_t n = (size_t)tensor_elements(e->of);
    if (e->of->dtype == DTYPE_I64) {
        tensor_to_i64(e->of, x->narrow);
        return x->narrow;
    }
    if (!tensor_is_contiguous(e->of)) {
        vs_fail(err, VS_E_FORMAT, "%s: %s is a view of whole numbers with gaps, which is not "
                "written", tensorfile_path(x->m->from[0]), e->of->name);
        return NULL;
    }
    le_copy(x->narrow, e->of->data, n, dtype_size(e->of->dtype));
    return x->narrow;
}

/* Behind the last one: of files that changed meanwhile nothing is written. */
static const void *mix_fill(void *arg, int i, struct vs_err *err)
{
    struct mixing *x = arg;
    const void *data = mix_numbers(x, i, err);
    int rc = 0;
    for (int k = 0; data && i + 1 == x->count && k < x->m->from_count; k++)
        rc = tensorfile_check(x->m->from[k], rc, err);
    return rc == 0 ? data : NULL;
}

/* ---- files */

#define VIEW_MOST ((size_t)1 << 24)

static int mix_prepare(struct mixing *x, const bool *which, bool wanted, struct vs_err *err)
{
    const struct tensorfile *f = x->m->from[0];
    size_t most = 1, rows = 1;
    x->list = xcalloc(2 * (size_t)tensorfile_count(f) + 1, sizeof *x->list);
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        size_t n = (size_t)tensor_elements(t);
        if (which && which[i] != wanted)
            continue;
        if (n > VIEW_MOST && n > tensorfile_bytes(f)) /* a number that a view repeats */
            return vs_fail(err, VS_E_LIMIT, "%s: %s is said to have %zu numbers, more than the "
                           "file has bytes", tensorfile_path(f), t->name, n);
        add_entries(x, t);
        most = n > most ? n : most;
        rows = t->ndim && (size_t)t->shape[0] > rows ? (size_t)t->shape[0] : rows;
    }
    x->sum = vs_try_calloc(most, sizeof *x->sum);
    x->one = vs_try_calloc(most, sizeof *x->one);
    x->narrow = vs_try_calloc(most, sizeof(int64_t));
    x->scales = vs_try_calloc(rows, sizeof *x->scales);
    return x->sum && x->one && x->narrow && x->scales
               ? 0
               : vs_fail(err, VS_E_LIMIT, "%s: no memory for its largest tensor",
                         tensorfile_path(f));
}

static void mix_fini(struct mixing *x)
{
    for (int i = 0; i < x->count; i++)
        free(x->list[i].name);
    free(x->list);
    free(x->sum);
    free(x->one);
    free(x->narrow);
    free(x->scales);
}

static void mix_describe(const struct mix_entry *e, struct tensor_out *out)
{
    *out = (struct tensor_out){.name = e->name ? e->name : e->of->name, .dtype = e->dtype,
                               .ndim = e->scale ? 1 : e->of->ndim};
    memcpy(out->shape, e->of->shape, sizeof out->shape);
}

int mix_write(const struct mix *m, const double *share, const bool *which, bool wanted,
              const char *const *metadata, const char *path, struct vs_err *err)
{
    struct mixing x = {.m = m, .share = share};
    int rc = mix_prepare(&x, which, wanted, err);
    if (rc == 0) {
        struct tensor_out *list = xcalloc((size_t)x.count + 1, sizeof *list);
        for (int i = 0; i < x.count; i++)
            mix_describe(&x.list[i], &list[i]);
        rc = safetensors_write_each(path, list, x.count, metadata, mix_fill, &x, err);
        free(list);
    }
    mix_fini(&x);
    return rc;
}

int mix_write_index(const struct mix *m, const bool *which, const char *first, const char *second,
                    const char *path, struct vs_err *err)
{
    const struct tensorfile *f = m->from[0];
    struct mixing x = {.m = m};
    struct outfile o;
    json_t *map = json_object();
    int failed = 0;
    x.list = xcalloc(2, sizeof *x.list);
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        x.count = 0;
        add_entries(&x, t);
        for (int k = 0; k < x.count; k++) {
            failed |= json_object_set_new(map, k ? x.list[k].name : t->name,
                                          json_string(which[i] ? first : second));
            free(x.list[k].name);
        }
    }
    free(x.list);
    json_t *root = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 0, "weight_map", map);
    char *text = root && !failed ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    int rc = text ? outfile_open(&o, path, err)
                  : vs_fail(err, VS_E_FORMAT, "%s: the name of a tensor or of a file is not UTF-8: "
                            "an index cannot have it", path);
    if (rc == 0) {
        outfile_write(&o, text, strlen(text));
        rc = outfile_close(&o, err);
    }
    free(text);
    return rc;
}

/* ---- what is the same everywhere */

static bool same_numbers(const struct tensor *a, const struct tensor *b)
{
    size_t n = (size_t)tensor_elements(a);
    if (a->dtype != b->dtype || a->row_scale || b->row_scale || !tensor_is_contiguous(a) ||
        !tensor_is_contiguous(b))
        return false;
    return n == 0 || memcmp(a->data, b->data, n * dtype_size(a->dtype)) == 0;
}

uint64_t mix_find_same(const struct mix *m, bool *same)
{
    const struct tensorfile *f = m->from[0];
    uint64_t bytes = 0;
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        same[i] = m->from_count > 1;
        for (int k = 1; k < m->from_count && same[i]; k++) {
            const struct tensor *u = tensorfile_find(m->from[k], t->name);
            same[i] = u && same_shape(t, u) && same_numbers(t, u);
        }
        if (same[i])
            bytes += (uint64_t)tensor_elements(t) * dtype_size(dtype_of(m, t));
    }
    return bytes;
}
