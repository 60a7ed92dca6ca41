/* Regions from pickled dictionaries: .npy files and LMDB values.
 *
 * Source: script/extract_features.py and script/convert_to_lmdb.py of the reference;
 * vilbert/datasets/_image_features_reader.py for what counts (the rows, not num_boxes). */
#include "src/formats/regions_priv.h"

#include "src/formats/lmdb.h"
#include "src/formats/ndarray.h"
#include "src/formats/npy.h"
#include "src/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int get_size(const struct pval *d, const char *path, const char *a, const char *b, int *out,
                    struct vs_err *err)
{
    const struct pval *v = pval_get(d, a);
    int64_t x;
    v = v ? v : pval_get(d, b);
    if (!v || !ndarray_integer(v, &x))
        return vs_fail(err, VS_E_FORMAT, "%s: no '%s' (or '%s'): the boxes cannot be placed", path,
                       a, b);
    *out = x < 0 || x > INT32_MAX ? 0 : (int)x;
    return 0;
}

/* The array named a (or b), as (rows, columns): columns 0 takes what the array has. */
static int get_matrix(const struct pval *d, const char *path, const char *a, const char *b,
                      int64_t *columns, struct tensor *out, struct vs_err *err)
{
    const struct pval *v = pval_get(d, a);
    v = v ? v : b ? pval_get(d, b) : NULL;
    if (!v)
        return vs_fail(err, VS_E_FORMAT, "%s: no '%s': not the regions of an image", path, a);
    int rc = ndarray_view(v, path, a, out, err);
    if (rc != 0)
        return rc;
    int64_t n = tensor_elements(out);
    if (*columns == 0 && out->ndim == 2)
        *columns = out->shape[1];
    if (*columns < 1 || n % *columns != 0 || n / *columns > REGIONS_MAX)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is not an array of regions (%" PRId64
                       " numbers)", path, a, n);
    return 0;
}

/* Class numbers, one for each region; NULL when there are none. The reference writes 'objects' with
 * one entry less: that is passed over. */
static int64_t *get_objects(const struct pval *d, const char *path, const struct regions *r)
{
    struct tensor t;
    const struct pval *o = pval_get(d, "objects");
    if (!o || ndarray_view(o, path, "objects", &t, NULL) != 0 || t.ndim != 1 ||
        t.shape[0] != r->count)
        return NULL;
    int64_t *list = xcalloc((size_t)r->count + 1, sizeof *list);
    tensor_to_i64(&t, list);
    return list;
}

static bool same_classes(const struct regions *r, const int64_t *objects)
{
    for (int i = 0; i < r->count; i++)
        if (r->classes[i] != objects[i])
            return false;
    return true;
}

/* The detector's own scripts store 1601 columns with the background first, MMF stores 1600; of
 * other numbers the class numbers beside them tell. */
static void set_classes(struct regions *r, const float *prob, int columns, const int64_t *objects)
{
    regions_set_classes(r, prob, columns, columns % 100 == 1 ? 1 : 0);
    if (objects && columns % 100 != 1 && !same_classes(r, objects)) {
        regions_set_classes(r, prob, columns, 1);
        if (!same_classes(r, objects))
            regions_set_classes(r, prob, columns, 0);
    }
}

/* Optional: probabilities per class, or class numbers. */
static void get_classes(const struct pval *d, const char *path, struct regions *r)
{
    struct tensor t;
    const struct pval *p = pval_get(d, "cls_prob");
    int64_t *objects = get_objects(d, path, r);
    if (p && ndarray_view(p, path, "cls_prob", &t, NULL) == 0 && t.ndim == 2 &&
        t.shape[0] == r->count && t.shape[1] > 1 && t.shape[1] < 1000000) {
        float *prob = vs_try_calloc((size_t)tensor_elements(&t) + 1, sizeof *prob);
        if (prob) {
            tensor_to_f32(&t, prob);
            set_classes(r, prob, (int)t.shape[1], objects);
        }
        free(prob);
    } else if (objects) {
        r->classes = xcalloc((size_t)r->count, sizeof *r->classes);
        for (int i = 0; i < r->count; i++)
            r->classes[i] = objects[i] < 0 || objects[i] > INT32_MAX ? -1 : (int)objects[i];
    }
    free(objects);
}

static char *get_id(const struct pval *d)
{
    const struct pval *v = pval_get(d, "image_id");
    int64_t x;
    if (v && (v->kind == PK_STRING || v->kind == PK_BYTES) && v->len < 4096)
        return xstrndup((const char *)v->bytes, v->len);
    return v && ndarray_integer(v, &x) ? xasprintf("%" PRId64, x) : NULL;
}

int regions_from_dict(const struct pval *d, const char *path, struct regions **out,
                      struct vs_err *err)
{
    struct tensor boxes, features;
    int width = 0, height = 0;
    int64_t four = 4, dim = 0;
    if (d->kind != PK_DICT)
        return vs_fail(err, VS_E_FORMAT, "%s: holds no dictionary with the regions of an image",
                       path);
    int rc = get_matrix(d, path, "features", NULL, &dim, &features, err);
    if (rc == 0)
        rc = get_matrix(d, path, "bbox", "boxes", &four, &boxes, err);
    if (rc == 0)
        rc = get_size(d, path, "image_width", "image_w", &width, err);
    if (rc == 0)
        rc = get_size(d, path, "image_height", "image_h", &height, err);
    if (rc != 0)
        return rc;
    int64_t rows = tensor_elements(&features) / dim;
    if (tensor_elements(&boxes) / 4 != rows)
        return vs_fail(err, VS_E_FORMAT, "%s: %" PRId64 " boxes, but %" PRId64 " rows of features",
                       path, tensor_elements(&boxes) / 4, rows);
    struct regions *r = regions_new(rows, dim, path, err);
    if (!r)
        return VS_E_LIMIT;
    r->width = width;
    r->height = height;
    r->image_id = get_id(d);
    tensor_to_f32(&boxes, r->boxes);
    tensor_to_f32(&features, r->features);
    get_classes(d, path, r);
    rc = regions_check(r, path, err);
    if (rc == 0)
        *out = r;
    else
        regions_free(r);
    return rc;
}

int regions_from_npy(struct bytes map, struct regions **out, struct vs_err *err)
{
    struct npy n;
    int rc = npy_read(map, &n, err);
    if (rc != 0)
        return rc;
    if (n.object)
        rc = regions_from_dict(n.object, n.map.path, out, err);
    else
        rc = vs_fail(err, VS_E_FORMAT, "%s: an array of %s without boxes: the dictionary that the "
                     "reference's extraction script writes is wanted", n.map.path,
                     dtype_name(n.array.dtype));
    npy_close(&n);
    return rc;
}

/* ---- LMDB */

struct some_keys {
    char text[200];
    char only[256];
    int count;
};

static bool note_key(void *arg, const uint8_t *key, size_t len, const uint8_t *data,
                     size_t data_len)
{
    struct some_keys *s = arg;
    (void)data;
    (void)data_len;
    if (len == 4 && memcmp(key, "keys", 4) == 0)
        return true;
    if (s->count == 0 && len < sizeof s->only)
        memcpy(s->only, key, len); /* the rest is zero */
    size_t used = strlen(s->text);
    if (s->count < 5 && used + len + 3 < sizeof s->text)
        snprintf(s->text + used, sizeof s->text - used, "%s%.*s", used ? ", " : "", (int)len,
                 (const char *)key);
    return ++s->count < 100;
}

static int no_key(const char *path, const char *key, const struct some_keys *s, struct vs_err *err)
{
    if (key)
        return vs_fail(err, VS_E_MISSING, "%s: there is no image '%s' in it; it has %s%s", path,
                       key, s->count ? s->text : "none", s->count > 5 ? ", ..." : "");
    return vs_fail(err, VS_E_MISSING, "%s: has %s images (%s%s): choose one with --key", path,
                   s->count >= 100 ? "many" : s->count ? "several" : "no", s->text,
                   s->count > 5 ? ", ..." : "");
}

static int read_value(const char *path, const char *key, const uint8_t *data, size_t len,
                      struct regions **out, struct vs_err *err)
{
    struct pickle *p = NULL;
    char *name = xasprintf("%s: image '%s'", path, key);
    int rc = pickle_load(data, len, ndarray_allowed, name, &p, NULL, err);
    if (rc == 0)
        rc = regions_from_dict(pickle_root(p), name, out, err);
    pickle_free(p);
    free(name);
    return rc;
}

int regions_from_lmdb(const char *path, const char *key, struct regions **out, struct vs_err *err)
{
    struct lmdb l;
    struct some_keys some = {0};
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc = lmdb_open(path, &l, err);
    if (rc != 0)
        return rc;
    if (!key) {
        rc = lmdb_each(&l, note_key, &some, err);
        key = some.count == 1 ? some.only : NULL;
        if (rc == 0 && !key)
            rc = no_key(path, NULL, &some, err);
    }
    if (rc == 0)
        rc = lmdb_get(&l, key, strlen(key), &data, &len, err);
    if (rc == 0 && !data && (rc = lmdb_each(&l, note_key, &some, err)) == 0)
        rc = no_key(path, key, &some, err);
    if (rc == 0)
        rc = read_value(path, key, data, len, out, err);
    bool made = rc == 0;
    rc = bytes_check(&l.map, rc, err);
    if (made && rc != 0)
        regions_free(*out);
    lmdb_close(&l);
    return rc;
}
