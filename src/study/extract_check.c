/* SPDX-License-Identifier: MIT */
/* What runs of an extraction left behind: is all of it there, and LMDBs of shards as one. */
#include "src/study/extract.h"

#include "src/formats/lmdb.h"
#include "src/formats/lmdbwrite.h"
#include "src/formats/regionlmdb.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- is it all there? */

/* VS_E_MISSING where there is no output of the image, else whether it can be read. */
static int check_file(const char *folder, const char *id, struct vs_err *err)
{
    static const char *const kinds[] = {"npy", "safetensors"};
    struct regions *r = NULL;
    int rc = vs_fail(err, VS_E_MISSING, "%s: there is no %s.npy in it", folder, id);
    for (int i = 0; i < 2 && rc == VS_E_MISSING; i++) {
        char *path = xasprintf("%s/%s.%s", folder, id, kinds[i]);
        if (access(path, F_OK) == 0 && (rc = regions_open(path, NULL, &r, err)) == VS_E_MISSING)
            rc = VS_E_FORMAT;
        free(path);
    }
    regions_free(r);
    return rc;
}

static int check_entry(const struct regionlmdb *l, const char *id, struct vs_err *err)
{
    struct regions *r = NULL;
    int rc = regionlmdb_get(l, id, &r, err);
    regions_free(r);
    return rc;
}

int extract_verify(const struct extract_options *o, char **images, int count,
                   const struct extract_look *look, struct extract_verified *out,
                   struct vs_err *err)
{
    struct regionlmdb *l = NULL;
    int rc = o->format == EXTRACT_LMDB ? regionlmdb_open(o->out, &l, err) : 0;
    *out = (struct extract_verified){0};
    for (int i = 0; i < count && rc == 0; i++) {
        struct vs_err why = {0};
        char *id = regions_stem(images[i]);
        int is = l ? check_entry(l, id, &why) : check_file(o->out, id, &why);
        free(id);
        out->there += is == 0;
        out->missing += is == VS_E_MISSING;
        out->damaged += is != 0 && is != VS_E_MISSING;
        if (is != 0)
            look->bad(look->arg, images[i], is == VS_E_MISSING ? NULL : why.text);
        if (look->stop && atomic_load(look->stop))
            rc = vs_fail(err, VS_E_CANCELLED, "stopped before all images were looked at");
    }
    regionlmdb_close(l);
    return rc;
}

/* ---- LMDBs as one */

struct merging {
    struct lmdb_out *to;
    const char *path, *out; /* of what is read, and where it goes */
    const atomic_bool *stop;
    struct extract_merged *n;
    int rc;
    struct vs_err *err;
};

static int merge_value(struct merging *m, const char *key, const void *data, size_t size)
{
    switch (lmdb_out_look(m->to, key, data, size)) {
    case LMDB_OUT_SAME: m->n->there++; return 0;
    case LMDB_OUT_OTHER:
        return vs_fail(m->err, VS_E_REFUSED, "%s: image '%s' is in %s already, and its regions are "
                       "others: they are of another detector, device or picture", m->path, key,
                       m->out);
    case LMDB_OUT_NONE: break;
    }
    m->n->added++;
    return lmdb_out_put(m->to, key, data, size, false, m->err);
}

static bool merge_visit(void *arg, const uint8_t *key, size_t key_len, const uint8_t *data,
                        size_t len)
{
    struct merging *m = arg;
    if (key_len == 4 && memcmp(key, "keys", 4) == 0)
        return true;
    char *name = xstrndup((const char *)key, key_len);
    if (key_len > 250 || strlen(name) != key_len)
        m->rc = vs_fail(m->err, VS_E_FORMAT, "%s: a key that is no image's name", m->path);
    else
        m->rc = merge_value(m, name, data, len);
    free(name);
    if (m->rc == 0 && m->stop && atomic_load(m->stop))
        m->rc = vs_fail(m->err, VS_E_CANCELLED, "stopped: run the same command to continue");
    return m->rc == 0;
}

static int merge_one(struct merging *m)
{
    struct lmdb db;
    int rc = lmdb_open(m->path, &db, m->err);
    if (rc != 0)
        return rc;
    rc = lmdb_each(&db, merge_visit, m, m->err);
    rc = m->rc ? m->rc : bytes_check(&db.map, rc, m->err);
    lmdb_close(&db);
    return rc;
}

/* How large what is written will be, and whether all of it can be read. */
static int merge_room(char **files, int count, size_t *room, struct vs_err *err)
{
    struct lmdb db;
    int rc = 0;
    *room = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        rc = lmdb_open(files[i], &db, err);
        if (rc != 0)
            break;
        *room += db.map.size;
        lmdb_close(&db);
    }
    return rc;
}

int extract_merge(const char *out, char **files, int count, const atomic_bool *stop,
                  struct extract_merged *n, struct vs_err *err)
{
    struct merging m = {.out = out, .stop = stop, .n = n, .err = err};
    size_t room = 0;
    *n = (struct extract_merged){0};
    int rc = merge_room(files, count, &room, err);
    if (rc == 0)
        rc = lmdb_out_open(out, room, &m.to, err);
    for (int i = 0; i < count && rc == 0; i++) {
        m.path = files[i];
        rc = merge_one(&m);
    }
    if (rc == 0)
        rc = lmdb_out_finish(m.to, err);
    lmdb_out_close(m.to);
    return rc;
}
