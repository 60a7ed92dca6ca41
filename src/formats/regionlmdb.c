/* SPDX-License-Identifier: MIT */
/* The regions of many images in one LMDB.
 *
 * Source: vilbert/datasets/_image_features_reader.py of the reference: boxes are used without a
 * look at them, and num_boxes is not read. */
#include "src/formats/regionlmdb.h"

#include "src/formats/lmdb.h"
#include "src/formats/ndarray.h"
#include "src/formats/regionparts.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct regionlmdb {
    struct lmdb db;
    char *path;
};

int regionlmdb_open(const char *path, struct regionlmdb **out, struct vs_err *err)
{
    struct regionlmdb *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    int rc = lmdb_open(path, &l->db, err);
    if (rc == 0) {
        *out = l;
    } else {
        free(l->path);
        free(l);
    }
    return rc;
}

void regionlmdb_close(struct regionlmdb *l)
{
    if (!l)
        return;
    lmdb_close(&l->db);
    free(l->path);
    free(l);
}

const char *regionlmdb_path(const struct regionlmdb *l)
{
    return l->path;
}

static int read_value(const char *where, const uint8_t *data, size_t len, struct regions **out,
                      struct vs_err *err)
{
    struct pickle *p = NULL;
    struct region_parts parts;
    int rc = pickle_load(data, len, ndarray_allowed, where, &p, NULL, err);
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
        rc = vs_fail(err, VS_E_MISSING, "image '%s' is not in %s", key, l->path);
    if (rc == 0) {
        char *where = xasprintf("%s: image '%s'", l->path, key);
        rc = read_value(where, data, len, out, err);
        free(where);
    }
    return regions_still_sound(&l->db.map, rc, out, err);
}
