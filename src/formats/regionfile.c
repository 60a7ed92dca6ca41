/* SPDX-License-Identifier: MIT */
/* Regions from pickled dictionaries: .npy files and LMDB values. */
#include "src/formats/regionparts.h"

#include "src/formats/lmdb.h"
#include "src/formats/ndarray.h"
#include "src/formats/npy.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int regions_from_dict(const struct pval *d, const char *path, struct regions **out,
                      struct vs_err *err)
{
    struct region_parts p;
    parts_begin(&p, path);
    int rc = parts_add_dict(&p, d, err);
    if (rc == 0)
        rc = parts_make(&p, out, err);
    parts_end(&p);
    return rc;
}

/* ---- .npy: a dictionary, or one of the two files that MMF writes of an image */

#define INFO_END "_info.npy"

/* NAME_info.npy of NAME.npy, and the reverse; NULL for names that have none. */
static char *partner_of(const char *path, bool is_info)
{
    size_t n = strlen(path), m = strlen(is_info ? INFO_END : ".npy");
    if (n < m || strcmp(path + n - m, is_info ? INFO_END : ".npy") != 0)
        return NULL;
    return xasprintf("%.*s%s", (int)(n - m), path, is_info ? ".npy" : INFO_END);
}

bool regions_are_pair(const char *path)
{
    struct stat st;
    char *partner = partner_of(path, false);
    bool there = partner && stat(partner, &st) == 0;
    free(partner);
    return there;
}

/* The other file of the pair; missing, it is named. */
static int open_partner(const struct npy *n, const char *partner, struct npy *out,
                        struct vs_err *err)
{
    struct bytes map;
    struct stat st;
    const char *have = n->object ? "boxes without features" : "features without boxes";
    if (!partner)
        return vs_fail(err, VS_E_FORMAT, "%s: %s; MMF writes two files of an image, NAME.npy and "
                       "NAME" INFO_END, n->map.path, have);
    if (stat(partner, &st) != 0)
        return vs_fail(err, VS_E_MISSING, "%s: %s: the others are looked for in %s, which is not "
                       "there", n->map.path, have, partner);
    int rc = bytes_open(partner, &map, err);
    if (rc == 0)
        rc = npy_read(map, out, err);
    if (rc == 0 && !out->object == !n->object) {
        rc = vs_fail(err, VS_E_FORMAT, "%s: %s, and so has %s", n->map.path, have, partner);
        npy_close(out);
    }
    return rc;
}

static int make_pair(const struct npy *features, const struct npy *info, struct regions **out,
                     struct vs_err *err)
{
    struct region_parts p;
    parts_begin(&p, info->map.path);
    p.features = features->array;
    const struct pval *count = pval_get(info->object, "num_boxes");
    if (count && (!parts_number(count, &p.rows) || p.rows < 0))
        return vs_fail(err, VS_E_FORMAT, "%s: 'num_boxes' is not a number of regions", p.path);
    int rc = parts_add_dict(&p, info->object, err);
    if (rc == 0)
        rc = parts_make(&p, out, err);
    parts_end(&p);
    return rc;
}

static int from_pair(const struct npy *n, struct regions **out, struct vs_err *err)
{
    bool is_info = n->object != NULL;
    struct npy other;
    char *partner = partner_of(n->map.path, is_info);
    int rc = open_partner(n, partner, &other, err);
    if (rc == 0) {
        rc = is_info ? make_pair(&other, n, out, err) : make_pair(n, &other, out, err);
        rc = regions_still_sound(&other.map, rc, out, err);
        npy_close(&other);
    }
    free(partner);
    return rc;
}

static bool is_half(const struct npy *n)
{
    if (!n->object)
        return n->array.ndim == 2;
    return n->object->kind == PK_DICT && !pval_get(n->object, "features") &&
           (pval_get(n->object, "bbox") || pval_get(n->object, "boxes"));
}

int regions_from_npy(struct bytes map, struct regions **out, struct vs_err *err)
{
    struct npy n;
    int rc = npy_read(map, &n, err);
    if (rc != 0)
        return rc;
    if (is_half(&n))
        rc = from_pair(&n, out, err);
    else if (n.object)
        rc = regions_from_dict(n.object, n.map.path, out, err);
    else
        rc = vs_fail(err, VS_E_FORMAT, "%s: an array of %s without boxes: expected the dictionary "
                     "that the reference's extraction script writes", n.map.path,
                     dtype_name(n.array.dtype));
    rc = regions_still_sound(&n.map, rc, out, err);
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

static int regions_read_value(const char *path, const char *key, const uint8_t *data, size_t len,
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
        rc = regions_read_value(path, key, data, len, out, err);
    rc = regions_still_sound(&l.map, rc, out, err);
    lmdb_close(&l);
    return rc;
}

/* ---- pickles */

static bool is_region_dict(const struct pval *v)
{
    return v->kind == PK_DICT && pval_get(v, "features") &&
           (pval_get(v, "bbox") || pval_get(v, "boxes"));
}

/* A dictionary of such dictionaries. */
static bool is_collection(const struct pval *v)
{
    return v->kind == PK_DICT && v->count >= 2 && is_region_dict(v->items[1]);
}

bool regions_are_pickled(const struct bytes *map)
{
    struct pickle *p = NULL;
    int rc = pickle_load(map->data, map->size, ndarray_allowed, map->path, &p, NULL, NULL);
    bool found = rc == 0 && (is_region_dict(pickle_root(p)) || is_collection(pickle_root(p)));
    pickle_free(p);
    return found;
}

/* The key of an entry as text: strings, or the numbers of images. */
static bool key_text(const struct pval *v, char *out, size_t size)
{
    int64_t x;
    if ((v->kind == PK_STRING || v->kind == PK_BYTES) && v->len < size)
        snprintf(out, size, "%.*s", (int)v->len, (const char *)v->bytes);
    else if (ndarray_integer(v, &x))
        snprintf(out, size, "%lld", (long long)x);
    else
        return false;
    return true;
}

static int from_collection(const struct pval *all, const char *path, const char *key,
                           struct regions **out, struct vs_err *err)
{
    struct some_keys some = {0};
    char text[256];
    const struct pval *found = NULL;
    for (size_t i = 0; i + 1 < all->count; i += 2) {
        if (!key_text(all->items[i], text, sizeof text))
            continue;
        note_key(&some, (const uint8_t *)text, strlen(text), NULL, 0);
        if (key ? strcmp(key, text) == 0 : !found)
            found = all->items[i + 1];
    }
    if (!found || (!key && some.count != 1))
        return no_key(path, key, &some, err);
    char *name = xasprintf("%s: image '%s'", path, key ? key : some.only);
    int rc = regions_from_dict(found, name, out, err);
    free(name);
    return rc;
}

int regions_from_pickle(const struct bytes *map, const char *key, struct regions **out,
                        struct vs_err *err)
{
    struct pickle *p = NULL;
    int rc = pickle_load(map->data, map->size, ndarray_allowed, map->path, &p, NULL, err);
    if (rc == 0 && is_collection(pickle_root(p)))
        rc = from_collection(pickle_root(p), map->path, key, out, err);
    else if (rc == 0)
        rc = regions_from_dict(pickle_root(p), map->path, out, err);
    pickle_free(p);
    return rc;
}
