/* SPDX-License-Identifier: MIT */
/* The regions of many images in one LMDB.
 *
 * Source: vilbert/datasets/_image_features_reader.py of the reference: boxes are used without a
 * look at them, and num_boxes is not read. An image is there when the pickled list "keys" has
 * it. */
#include "src/formats/regionlmdb.h"

#include "src/formats/imagekey.h"
#include "src/formats/lmdb.h"
#include "src/formats/ndarray.h"
#include "src/formats/regionparts.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <stdlib.h>
#include <string.h>

struct regionlmdb {
    struct lmdb db;
    char *path;
    struct pickle *list; /* of keys, or NULL: any that the database has */
    struct strmap keys;
};

static bool take_key(struct regionlmdb *l, const struct pval *v)
{
    if (v->kind != PK_BYTES && v->kind != PK_STRING)
        return false;
    strmap_add(&l->keys, (const char *)v->bytes, v->len, 0);
    return true;
}

static int read_keys(struct regionlmdb *l, struct vs_err *err)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc = lmdb_get(&l->db, "keys", 4, &data, &len, err);
    if (rc != 0 || !data)
        return rc;
    char *where = xasprintf("%s: its list 'keys'", l->path);
    rc = pickle_load(data, len, pickle_any, where, &l->list, NULL, err);
    const struct pval *root = rc == 0 ? pickle_root(l->list) : NULL;
    bool good = root && root->kind == PK_LIST;
    for (size_t i = 0; good && i < root->count; i++)
        good = take_key(l, root->items[i]);
    if (rc == 0 && !good)
        rc = vs_fail(err, VS_E_FORMAT, "%s is no list of texts", where);
    free(where);
    return bytes_check(&l->db.map, rc, err);
}

int regionlmdb_open(const char *path, struct regionlmdb **out, struct vs_err *err)
{
    struct regionlmdb *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    int rc = lmdb_open(path, &l->db, err);
    if (rc != 0) {
        free(l->path);
        free(l);
        return rc;
    }
    rc = read_keys(l, err);
    if (rc == 0)
        *out = l;
    else
        regionlmdb_close(l);
    return rc;
}

void regionlmdb_close(struct regionlmdb *l)
{
    if (!l)
        return;
    strmap_fini(&l->keys);
    pickle_free(l->list);
    lmdb_close(&l->db);
    free(l->path);
    free(l);
}

const char *regionlmdb_path(const struct regionlmdb *l)
{
    return l->path;
}

static bool has_image(const struct regionlmdb *l, const char *key)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    if (l->list)
        return strmap_get(&l->keys, key, strlen(key)) >= 0;
    return lmdb_get(&l->db, key, strlen(key), &data, &len, NULL) == 0 && data;
}

char *regionlmdb_key(const struct regionlmdb *l, const char *image)
{
    char other[IMAGEKEY];
    bool coco = false;
    const char *number = imagekey_is_number(image) ? image : imagekey_number(image, &coco);
    coco |= number == image;
    if (has_image(l, image) || !number)
        return xstrdup(image);
    if (!coco)
        return xstrdup(has_image(l, number) ? number : image);
    for (int i = 0; imagekey_spelling(number, i, other); i++)
        if (has_image(l, other))
            return xstrdup(other);
    return xstrdup(image);
}

/* Where keys are called otherwise altogether, how. */
static int no_image(const struct regionlmdb *l, const char *key, struct vs_err *err)
{
    const struct pval *root = l->list ? pickle_root(l->list) : NULL;
    char *first = root && root->count ? xstrndup((const char *)root->items[0]->bytes,
                                                 root->items[0]->len) : NULL;
    int rc;
    if (first && imagekey_is_number(first) != imagekey_is_number(key))
        rc = vs_fail(err, VS_E_MISSING, "image '%s' is not in %s, whose images have names like "
                     "'%s'",
                     key, l->path, first);
    else
        rc = vs_fail(err, VS_E_MISSING, "image '%s' is not in %s", key, l->path);
    free(first);
    return rc;
}

static int read_value(const char *where, const uint8_t *data, size_t len, struct regions **out,
                      struct vs_err *err)
{
    struct pickle *p = NULL;
    struct region_parts parts;
    int rc = pickle_load(data, len, pickle_any, where, &p, NULL, err);
    if (rc != 0)
        return rc;
    parts_begin(&parts, where);
    parts.as_is = true;
    rc = parts_add_dict(&parts, pickle_root(p), err);
    if (rc == 0)
        rc = parts_make(&parts, out, err);
    parts_end(&parts);
    pickle_free(p);
    return rc;
}

int regionlmdb_get(const struct regionlmdb *l, const char *key, struct regions **out,
                   struct vs_err *err)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    *out = NULL;
    int rc = lmdb_get(&l->db, key, strlen(key), &data, &len, err);
    if (rc == 0 && !data)
        rc = no_image(l, key, err);
    if (rc == 0 && l->list && strmap_get(&l->keys, key, strlen(key)) < 0)
        rc = vs_fail(err, VS_E_MISSING, "image '%s' is in %s, but not in its list 'keys'", key,
                     l->path);
    if (rc == 0) {
        char *where = xasprintf("%s: image '%s'", l->path, key);
        rc = read_value(where, data, len, out, err);
        free(where);
    }
    return regions_still_sound(&l->db.map, rc, out, err);
}
