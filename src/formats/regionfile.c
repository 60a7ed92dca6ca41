/* SPDX-License-Identifier: MIT */
/* Regions from .npy files and LMDB values. */
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

char *regions_of_info(const char *path)
{
    struct stat st;
    char *partner = partner_of(path, true);
    if (partner && stat(partner, &st) == 0)
        return partner;
    free(partner);
    return NULL;
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
        return n->array.ndim >= 2;
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

static bool note_lmdb_key(void *arg, const uint8_t *key, size_t len, const uint8_t *data,
                          size_t data_len)
{
    struct some_keys *s = arg;
    (void)data;
    (void)data_len;
    if (len != 4 || memcmp(key, "keys", 4) != 0)
        regions_note_key(s, (const char *)key, len);
    return s->count < 100;
}

static int regions_read_value(const char *path, const char *key, const uint8_t *data, size_t len,
                              struct regions **out, struct vs_err *err)
{
    struct pickle *p = NULL;
    char *name = xasprintf("%s: image '%s'", path, key);
    int rc = pickle_load(data, len, pickle_any, name, &p, NULL, err);
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
        rc = lmdb_each(&l, note_lmdb_key, &some, err);
        key = some.count == 1 ? some.only : NULL;
        if (rc == 0 && !key)
            rc = regions_no_key(path, NULL, &some, err);
    }
    if (rc == 0)
        rc = lmdb_get(&l, key, strlen(key), &data, &len, err);
    if (rc == 0 && !data && (rc = lmdb_each(&l, note_lmdb_key, &some, err)) == 0)
        rc = regions_no_key(path, key, &some, err);
    if (rc == 0)
        rc = regions_read_value(path, key, data, len, out, err);
    rc = regions_still_sound(&l.map, rc, out, err);
    lmdb_close(&l);
    return rc;
}

struct lmdb_walk {
    const char *path;
    const struct region_sink *sink;
    struct vs_err *err;
    int rc;
};

static bool visit_lmdb(void *arg, const uint8_t *key, size_t len, const uint8_t *data, size_t size)
{
    struct lmdb_walk *w = arg;
    struct regions *r = NULL;
    struct vs_err why = {0};
    if (len == 4 && memcmp(key, "keys", 4) == 0)
        return true;
    char *name = xstrndup((const char *)key, len);
    if (w->sink->want(w->sink->arg, name)) {
        regions_read_value(w->path, name, data, size, &r, &why);
        w->rc = w->sink->take(w->sink->arg, name, r, &why, w->err);
    }
    free(name);
    return w->rc == 0;
}

int regions_each_lmdb(const char *path, const struct region_sink *sink, struct vs_err *err)
{
    struct lmdb l;
    struct lmdb_walk w = {path, sink, err, 0};
    int rc = lmdb_open(path, &l, err);
    if (rc != 0)
        return rc;
    rc = lmdb_each(&l, visit_lmdb, &w, err);
    rc = bytes_check(&l.map, w.rc ? w.rc : rc, err);
    lmdb_close(&l);
    return rc;
}
