/* SPDX-License-Identifier: MIT */
/* Checkpoints made of others, a tensor at a time: sums in double, then narrowed. */
#include "src/formats/weightmix.h"

#include "src/formats/byteorder.h"
#include "src/formats/narrow.h"
#include "src/formats/outfile.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mix_type_names[] = {MIX_TYPE_NAMES, NULL};

static bool same_shape(const struct tensor *a, const struct tensor *b)
{
    return a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

static bool same_numbers(const struct tensor *a, const struct tensor *b)
{
    size_t n = (size_t)tensor_elements(a);
    if (a->dtype != b->dtype || a->row_scale || b->row_scale || !tensor_is_contiguous(a) ||
        !tensor_is_contiguous(b))
        return false;
    return n == 0 || memcmp(a->data, b->data, n * dtype_size(a->dtype)) == 0;
}

#define SHAPE_TEXT 64

/* "[30522, 768]" */
static void shape_text(const struct tensor *t, char out[SHAPE_TEXT])
{
    size_t at = 1;
    snprintf(out, SHAPE_TEXT, "[");
    for (int i = 0; i < t->ndim && at < SHAPE_TEXT; i++)
        at += (size_t)snprintf(out + at, SHAPE_TEXT - at, "%s%lld", i ? ", " : "",
                               (long long)t->shape[i]);
    if (at < SHAPE_TEXT)
        snprintf(out + at, SHAPE_TEXT - at, "]");
}

static int compare_files(const struct tensorfile *a, const struct tensorfile *b, struct vs_err *err)
{
    for (int i = 0; i < tensorfile_count(a); i++) {
        const struct tensor *t = tensorfile_at(a, i), *u = tensorfile_find(b, t->name);
        if (!tensor_is_weights(t))
            continue;
        if (!u || !tensor_is_weights(u))
            return vs_fail(err, VS_E_MISSING, "%s: has no weights '%.200s', which %s has: only "
                           "checkpoints of one model can be mixed", tensorfile_path(b), t->name,
                           tensorfile_path(a));
        if (!same_shape(t, u)) {
            char one[SHAPE_TEXT], two[SHAPE_TEXT];
            shape_text(t, one);
            shape_text(u, two);
            return vs_fail(err, VS_E_FORMAT, "%s: '%.200s' is %s, in %s it is %s: only checkpoints "
                           "of one model can be mixed", tensorfile_path(b), t->name, two,
                           tensorfile_path(a), one);
        }
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
    const struct tensor *of; /* the leading file's */
    char *name;              /* of a scale, else NULL */
    enum dtype dtype;
    bool scale;
};

struct mixing {
    const struct mix *m;
    const double *share;
    const struct tensorfile *lead; /* the file with the largest share: what it has is written */
    bool *which; /* of each tensor of it, as the first file's has it; NULL: all */
    int *tied; /* of each tensor: which other one's numbers it shares, or -1 */
    struct mix_entry *list;
    int count;
    double *sum;
    float *one, *scales;
    void *narrow;
};

static enum dtype dtype_of(const struct mix *m, const struct tensor *t)
{
    if (!tensor_is_weights(t))
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
    if (tensor_is_weights(t) && dtype == DTYPE_I8)
        x->list[x->count++] = (struct mix_entry){.of = t, .dtype = DTYPE_F32, .scale = true,
                                                 .name = xasprintf("%s" ROW_SCALE_END, t->name)};
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (!isfinite(x[k]))
            return false;
    return true;
}

/* Which of the files it is that has NaN or infinity; all finite: their sum has. */
static int fail_odd(struct mixing *x, const struct tensor *t, struct vs_err *err)
{
    for (int i = 0; i < x->m->from_count; i++) {
        if (x->share[i] == 0)
            continue;
        tensor_to_f32(tensorfile_find(x->m->from[i], t->name), x->one);
        if (!all_finite(x->one, (size_t)tensor_elements(t)))
            return vs_fail(err, VS_E_DIVERGED, "%s: %s holds NaN or infinity: nothing is written",
                           tensorfile_path(x->m->from[i]), t->name);
    }
    return vs_fail(err, VS_E_DIVERGED, "%s: the sum of %s is too large for float32: nothing is "
                   "written", tensorfile_path(x->lead), t->name);
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
    for (size_t k = 0; k < n; k++)
        x->one[k] = (float)x->sum[k];
    return all_finite(x->one, n) ? 0 : fail_odd(x, t, err);
}

/* "a.bin", or "the sum of a.bin and others". */
static char *mixed_name(const struct mixing *x)
{
    int count = 0;
    for (int i = 0; i < x->m->from_count; i++)
        count += x->share[i] != 0;
    return xasprintf("%s%s%s", count > 1 ? "the sum of " : "", tensorfile_path(x->lead),
                     count > 1 ? " and others" : "");
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
    if (good)
        return x->narrow;
    char *name = mixed_name(x);
    vs_fail(err, VS_E_LIMIT, "%s: %s has numbers that are too large for %s: choose %s", name,
            e->of->name, dtype_name(e->dtype),
            e->dtype == DTYPE_F16 ? "bfloat16 or float32" : "float32");
    free(name);
    return NULL;
}

static const void *mix_numbers(struct mixing *x, int i, struct vs_err *err)
{
    const struct mix_entry *e = &x->list[i];
    if (e->scale) /* of the entry before it */
        return x->scales;
    if (tensor_is_weights(e->of))
        return mix_sum(x, e->of, err) == 0 ? mix_narrow(x, e, err) : NULL;
    const struct tensor *t = e->of;
    if (t->dtype == DTYPE_I64) {
        tensor_to_i64(t, x->narrow);
        return x->narrow;
    }
    if (!tensor_is_contiguous(t)) {
        vs_fail(err, VS_E_FORMAT, "%s: %s is a view of whole numbers with gaps, which is not "
                "written", tensorfile_path(x->lead), t->name);
        return NULL;
    }
    le_copy(x->narrow, t->data, (size_t)tensor_elements(t), dtype_size(t->dtype));
    return x->narrow;
}

/* Behind the last one: of files that changed meanwhile nothing is written. */
static const void *mix_fill(void *arg, int i, struct vs_err *err)
{
    struct mixing *x = arg;
    if (x->m->stop && atomic_load(x->m->stop)) {
        vs_fail(err, VS_E_CANCELLED, "stopped");
        return NULL;
    }
    const void *data = mix_numbers(x, i, err);
    int rc = 0;
    for (int k = 0; data && i + 1 == x->count && k < x->m->from_count; k++)
        rc = tensorfile_check(x->m->from[k], rc, err);
    return rc == 0 ? data : NULL;
}

/* ---- tensors that share their numbers */

#define WORDS "bert.embeddings.word_embeddings.weight"
#define DECODER "cls.predictions.decoder.weight" /* of the head that ranks them */

/* Two tensors of each file are one: the same place in it, or, where that is enough, the same
 * numbers. */
static bool is_tied(const struct mix *m, const char *one, const char *two, bool numbers)
{
    bool same = true;
    for (int k = 0; k < m->from_count && same; k++) {
        const struct tensor *t = tensorfile_find(m->from[k], one);
        const struct tensor *u = tensorfile_find(m->from[k], two);
        same = t && u && t->dtype == u->dtype && same_shape(t, u) &&
               tensor_is_contiguous(t) && tensor_is_contiguous(u) &&
               ((t->data == u->data && t->row_scale == u->row_scale) ||
                (numbers && same_numbers(t, u)));
    }
    return same;
}

static int mix_index(const struct tensorfile *f, const char *name)
{
    const struct tensor *t = tensorfile_find(f, name);
    return t ? (int)(t - tensorfile_at(f, 0)) : -1;
}

/* The first of those at one place is stored; of words and the head that ranks them the words, also
 * where a file has them twice: they are one parameter. */
static int *mix_find_tied(const struct mix *m, const struct tensorfile *f)
{
    int n = tensorfile_count(f), words = mix_index(f, WORDS), decoder = mix_index(f, DECODER);
    int *tied = xcalloc((size_t)n + 1, sizeof *tied);
    struct strmap places = {0};
    for (int i = words >= 0 ? -1 : 0; i < n; i++) {
        int at = i < 0 ? words : i;
        const struct tensor *t = tensorfile_at(f, at);
        int of = t->data ? strmap_add(&places, (const char *)&t->data, sizeof t->data, at) : -1;
        tied[at] = of >= 0 && of != at && is_tied(m, tensorfile_at(f, of)->name, t->name, false)
                       ? of : -1;
    }
    if (words >= 0 && decoder >= 0 && is_tied(m, WORDS, DECODER, true)) {
        tied[decoder] = words;
        for (int i = 0; i < n; i++) /* what is left out is nobody's numbers */
            tied[i] = tied[i] == decoder ? words : tied[i];
    }
    strmap_fini(&places);
    return tied;
}

/* Tensor i is left out where the one that it shares its numbers with is written. */
static bool is_left_out(const struct mixing *x, int i)
{
    int of = x->tied[i];
    return of >= 0 && (!x->which || x->which[of] == x->which[i]);
}

/* x is mix_fini's. */
static void mix_init(struct mixing *x, const struct mix *m, const double *share, const bool *which)
{
    int lead = 0;
    for (int i = 1; i < m->from_count; i++)
        lead = share[i] > share[lead] ? i : lead;
    *x = (struct mixing){.m = m, .share = share, .lead = m->from[lead]};
    int n = tensorfile_count(x->lead);
    x->tied = mix_find_tied(m, x->lead);
    x->list = xcalloc(2 * (size_t)n + 1, sizeof *x->list);
    x->which = which ? xcalloc((size_t)n + 1, sizeof *x->which) : NULL;
    for (int i = 0; i < n && which; i++) {
        int first = mix_index(m->from[0], tensorfile_at(x->lead, i)->name);
        x->which[i] = first >= 0 && which[first];
    }
}

static void add_pair(struct buf *list, const char *key, const char *text)
{
    const char *pair[2] = {key, text};
    buf_add(list, pair, sizeof pair);
}

/* The metadata, with the names of what is left out before their ends. strings: what has to be
 * freed, as pairs. */
static void mix_metadata(const struct mixing *x, bool wanted, const char *const *metadata,
                         struct buf *list, struct buf *strings)
{
    const struct tensorfile *f = x->lead;
    for (; metadata && metadata[0]; metadata += 2)
        add_pair(list, metadata[0], metadata[1]);
    for (int i = 0; i < tensorfile_count(f); i++) {
        if ((x->which && x->which[i] != wanted) || !is_left_out(x, i))
            continue;
        const struct tensor *t = tensorfile_at(f, i), *of = tensorfile_at(f, x->tied[i]);
        add_pair(list, t->name, of->name);
        if (!tensor_is_weights(t) || dtype_of(x->m, t) != DTYPE_I8)
            continue;
        char *scale = xasprintf("%s" ROW_SCALE_END, t->name);
        char *other = xasprintf("%s" ROW_SCALE_END, of->name);
        add_pair(list, scale, other);
        add_pair(strings, scale, other);
    }
    add_pair(list, NULL, NULL);
}

/* ---- files */

#define VIEW_MOST ((size_t)1 << 24)

static int mix_prepare(struct mixing *x, bool wanted, struct vs_err *err)
{
    const struct tensorfile *f = x->lead;
    size_t most = 1, rows = 1;
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        size_t n = (size_t)tensor_elements(t);
        if ((x->which && x->which[i] != wanted) || is_left_out(x, i))
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
    free(x->tied);
    free(x->which);
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
    struct mixing x;
    mix_init(&x, m, share, which);
    int rc = mix_prepare(&x, wanted, err);
    if (rc == 0) {
        struct tensor_out *list = xcalloc((size_t)x.count + 1, sizeof *list);
        struct buf pairs = {0}, strings = {0};
        for (int i = 0; i < x.count; i++)
            mix_describe(&x.list[i], &list[i]);
        mix_metadata(&x, wanted, metadata, &pairs, &strings);
        rc = safetensors_write_each(path, list, x.count, (const char *const *)pairs.data, mix_fill,
                                    &x, err);
        for (size_t i = 0; i < strings.len; i += sizeof(char *))
            free(*(char **)(strings.data + i));
        buf_fini(&strings);
        buf_fini(&pairs);
        free(list);
    }
    mix_fini(&x);
    return rc;
}

int mix_write_index(const struct mix *m, const double *share, const bool *which, const char *first,
                    const char *second, const char *path, struct vs_err *err)
{
    struct mixing x;
    struct outfile o;
    json_t *map = json_object();
    int failed = 0;
    mix_init(&x, m, share, which);
    for (int i = 0; i < tensorfile_count(x.lead); i++) {
        int k = x.count;
        if (!is_left_out(&x, i))
            add_entries(&x, tensorfile_at(x.lead, i));
        for (; k < x.count; k++)
            failed |= json_object_set_new(map, x.list[k].name ? x.list[k].name : x.list[k].of->name,
                                          json_string(x.which[i] ? first : second));
    }
    mix_fini(&x);
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

static bool is_unlike(const struct mix *m, const struct tensor *t)
{
    for (int k = 0; k < m->from_count; k++) {
        const struct tensor *u = tensorfile_find(m->from[k], t->name);
        if (u != t && (!u || !same_shape(t, u) || !same_numbers(t, u)))
            return true;
    }
    return false;
}

const char *mix_find_unlike(const struct mix *m, int *count)
{
    const char *first = NULL;
    *count = 0;
    for (int i = 0; i < m->from_count; i++)
        for (int k = 0; k < tensorfile_count(m->from[i]); k++) {
            const struct tensor *t = tensorfile_at(m->from[i], k);
            bool counted = i > 0 && tensorfile_find(m->from[0], t->name);
            if (tensor_is_weights(t) || counted || !is_unlike(m, t))
                continue;
            first = first ? first : t->name;
            ++*count;
        }
    return first;
}

/* Whether a file has nothing that is not the same in all of them. */
static bool mix_has_own(const struct mix *m, const struct tensorfile *f, const bool *same)
{
    for (int i = 0; i < tensorfile_count(f); i++) {
        int first = mix_index(m->from[0], tensorfile_at(f, i)->name);
        if (first < 0 || !same[first])
            return true;
    }
    return false;
}

/* A file without tensors would be no checkpoint, and an index that does not name it not its own:
 * where one would come of it the smallest of what all have is stored with each. */
static bool mix_keep_smallest(const struct mix *m, bool *same)
{
    const struct tensorfile *f = m->from[0];
    int least = -1, k = 0;
    while (k < m->from_count && mix_has_own(m, m->from[k], same))
        k++;
    for (int i = 0; i < tensorfile_count(f) && k < m->from_count; i++)
        if (same[i] && (least < 0 || tensor_elements(tensorfile_at(f, i)) <
                                         tensor_elements(tensorfile_at(f, least))))
            least = i;
    if (least >= 0)
        same[least] = false;
    return least >= 0;
}

uint64_t mix_find_same(const struct mix *m, bool *same, bool *alike)
{
    const struct tensorfile *f = m->from[0];
    uint64_t bytes = 0;
    int *tied = mix_find_tied(m, f);
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        same[i] = m->from_count > 1;
        for (int k = 1; k < m->from_count && same[i]; k++) {
            const struct tensor *u = tensorfile_find(m->from[k], t->name);
            same[i] = u && same_shape(t, u) && same_numbers(t, u);
        }
    }
    *alike = m->from_count > 1 && mix_keep_smallest(m, same);
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        if (same[i] && tied[i] < 0)
            bytes += (uint64_t)tensor_elements(t) * dtype_size(dtype_of(m, t));
    }
    free(tied);
    return bytes;
}
