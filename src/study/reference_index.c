/* SPDX-License-Identifier: MIT */
/* Values by number, and the fields of records in pickles and JSON. */
#include "src/study/reference_priv.h"

#include "src/formats/filekind.h"
#include "src/formats/ndarray.h"
#include "src/formats/npy.h"
#include "src/study/wholenumber.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- by number */

void numbered_add(struct numbered *n, int64_t key, const void *value)
{
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : 64;
        n->list = xreallocarray(n->list, n->room, sizeof *n->list);
    }
    n->list[n->count] = (struct numbered_entry){key, n->count, value};
    n->count++;
}

static int numbered_order(const void *a, const void *b)
{
    const struct numbered_entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void numbered_sort(struct numbered *n)
{
    vs_sort(n->list, n->count, sizeof *n->list, numbered_order);
}

const void *numbered_get(const struct numbered *n, int64_t key)
{
    size_t low = 0, high = n->count; /* the first above key */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (n->list[mid].key <= key)
            low = mid + 1;
        else
            high = mid;
    }
    return low && n->list[low - 1].key == key ? n->list[low - 1].value : NULL;
}

bool numbered_has(const struct numbered *n, int64_t key)
{
    return numbered_get(n, key) != NULL;
}

void numbered_fini(struct numbered *n)
{
    free(n->list);
    *n = (struct numbered){0};
}

static int add_ids(const struct tensor *t, const char *path, struct numbered *out,
                   struct vs_err *err)
{
    static const char is_there;
    if (!t->data || t->dtype == DTYPE_BOOL)
        return vs_fail(err, VS_E_FORMAT, "%s: an array of %s: whole numbers, the ids of images, "
                       "are expected", path, t->data ? dtype_name(t->dtype) : "objects");
    size_t n = (size_t)tensor_elements(t);
    int64_t *list = vs_try_calloc(n + 1, sizeof *list);
    if (!list)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for %zu ids", path, n);
    tensor_to_i64(t, list);
    for (size_t i = 0; i < n; i++)
        numbered_add(out, list[i], &is_there);
    numbered_sort(out);
    free(list);
    return 0;
}

int reference_ids(const struct reference_reader *r, const char *name, struct numbered *out)
{
    struct bytes map;
    struct npy n;
    char *path = reference_path(r, name);
    int rc = bytes_open(path, &map, r->err);
    if (rc == 0 && !npy_recognise(&map)) {
        rc = vs_fail(r->err, VS_E_FORMAT, "%s: is %s, a .npy file is expected", path,
                     map.size ? file_kind(&map) : "empty");
        bytes_close(&map);
    }
    if (rc == 0)
        rc = npy_read(map, &n, r->err);
    if (rc == 0) {
        rc = n.object ? vs_fail(r->err, VS_E_FORMAT, "%s: an object: an array of whole numbers, "
                                "the ids of images, is expected", path)
                      : add_ids(&n.array, path, out, r->err);
        npy_close(&n);
    }
    free(path);
    return rc;
}

enum reference_keep reference_keep_of(const char *split)
{
    if (strcmp(split, "mteval") == 0)
        return KEEP_LISTED;
    return strstr(split, "train") ? KEEP_OTHERS : KEEP_ALL;
}

bool reference_is_kept(enum reference_keep keep, const struct numbered *ids, int64_t image)
{
    return keep == KEEP_ALL || numbered_has(ids, image) == (keep == KEEP_LISTED);
}

/* ---- fields */

bool record_integer(const struct pval *v, int64_t *out)
{
    char text[32];
    if (v->kind == PK_FLOAT && v->number != floor(v->number))
        return false;
    if (v->kind != PK_STRING && v->kind != PK_BYTES)
        return ndarray_integer(v, out);
    if (v->len >= sizeof text)
        return false;
    memcpy(text, v->bytes, v->len);
    text[v->len] = '\0';
    return reference_integer(text, out);
}

bool record_number(const struct pval *dict, const char *key, int64_t *out)
{
    const struct pval *v = dict->kind == PK_DICT ? pval_get(dict, key) : NULL;
    return v && record_integer(v, out);
}

char *record_text(const struct pval *dict, const char *key)
{
    const struct pval *v = dict->kind == PK_DICT ? pval_get(dict, key) : NULL;
    if (!v || (v->kind != PK_STRING && v->kind != PK_BYTES))
        return NULL;
    char *text = xcalloc(v->len + 1, 1);
    for (size_t i = 0, n = 0; i < v->len; i++)
        if (v->bytes[i]) /* as the tokenizer drops it */
            text[n++] = (char)v->bytes[i];
    return text;
}

const struct pval *record_list(const struct pval *dict, const char *key)
{
    const struct pval *v = dict->kind == PK_DICT ? pval_get(dict, key) : NULL;
    return v && (v->kind == PK_LIST || v->kind == PK_TUPLE) ? v : NULL;
}

bool record_real(const struct pval *v, double *out)
{
    struct tensor t;
    int64_t whole;
    float x;
    if (v->kind == PK_FLOAT) {
        *out = v->number;
    } else if (v->kind == PK_INT || v->kind == PK_BOOL) {
        *out = (double)v->integer;
    } else if (ndarray_integer(v, &whole) && ndarray_view(v, "", "", &t, NULL) == 0) {
        tensor_to_f32(&t, &x);
        *out = (double)x;
    } else {
        return false;
    }
    return isfinite(*out);
}

bool reference_integer(const char *text, int64_t *out)
{
    const char *end;
    long long x = 0;
    while (isspace((unsigned char)*text))
        text++;
    bool whole = whole_number(text, &end, &x);
    while (isspace((unsigned char)*end))
        end++;
    *out = x;
    return whole && *end == '\0';
}

bool reference_json_integer(const json_t *v, int64_t *out)
{
    if (json_is_string(v))
        return reference_integer(json_string_value(v), out);
    double x = json_number_value(v);
    *out = json_is_integer(v) ? json_integer_value(v) : 0;
    if (json_is_real(v) && x > -9e15 && x < 9e15 && x == floor(x))
        *out = (int64_t)x;
    else if (!json_is_integer(v))
        return false;
    return true;
}

bool reference_json_box(const json_t *v, bool sized, float box[4])
{
    double b[4];
    if (json_array_size(v) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(v, i)))
            return false;
        b[i] = json_number_value(json_array_get(v, i));
    }
    for (int i = 0; i < 4; i++)
        box[i] = (float)(sized && i >= 2 ? b[i - 2] + b[i] : b[i]);
    return true;
}
