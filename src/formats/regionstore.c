/* SPDX-License-Identifier: MIT */
/* The regions of many images, by the names of the pictures. */
#include "src/formats/regionstore.h"

#include "src/formats/gunzip.h"
#include "src/formats/imagekey.h"
#include "src/formats/lmdb.h"
#include "src/formats/regionhdf5.h"
#include "src/formats/regions_priv.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum store_kind { STORE_FILES, STORE_LMDB, STORE_TSV, STORE_HDF5 };

struct regionstore {
    char *path;
    enum store_kind kind;
    struct lmdb db;       /* STORE_LMDB */
    struct bytes map;     /* STORE_TSV, STORE_HDF5 */
    struct hdf5_index index; /* STORE_HDF5 */
    struct strmap names;  /* of its lines, in the map */
    struct tsv_place *at; /* where those are */
    size_t count, room;
};

/* ---- opening */

static bool take_line(void *arg, const char *id, size_t len, struct tsv_place at)
{
    struct regionstore *s = arg;
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 256;
        s->at = xreallocarray(s->at, s->room, sizeof *s->at);
    }
    if (strmap_add(&s->names, id, len, (int)s->count) < 0) /* of two the first counts */
        s->at[s->count++] = at;
    return true;
}

/* A table in one file. */
static int open_table(struct regionstore *s, struct vs_err *err)
{
    int rc = gunzip_open(s->path, &s->map, err);
    if (rc != 0)
        return rc;
    const struct region_format *f = regions_format(s->path, &s->map);
    if (!f)
        return regions_refuse(&s->map, err);
    if (f->shows == SHOWS_DATABASE) {
        s->kind = STORE_LMDB;
        return lmdb_open(s->path, &s->db, err);
    }
    if (regions_are_hdf5(&s->map)) {
        s->kind = STORE_HDF5;
        return hdf5_index_open(&s->map, &s->index, err);
    }
    if (f->shows != SHOWS_LINES)
        return vs_fail(err, VS_E_FORMAT, "%s: no table of the regions of many images: an LMDB, a "
                       "TSV or HDF5 is needed, or a folder with a file for each (vilscope "
                       "convert-regions makes them)", s->path);
    s->kind = STORE_TSV;
    tsv_each(&s->map, take_line, s);
    return bytes_check(&s->map, 0, err);
}

static int store_open(struct regionstore *s, struct vs_err *err)
{
    struct stat st;
    if (stat(s->path, &st) != 0 || !S_ISDIR(st.st_mode))
        return open_table(s, err);
    char *data = xasprintf("%s/data.mdb", s->path);
    s->kind = access(data, F_OK) == 0 ? STORE_LMDB : STORE_FILES;
    free(data);
    return s->kind == STORE_LMDB ? lmdb_open(s->path, &s->db, err) : 0;
}

int regionstore_open(const char *path, struct regionstore **out, struct vs_err *err)
{
    struct regionstore *s = xcalloc(1, sizeof *s);
    s->path = xstrdup(path);
    int rc = store_open(s, err);
    if (rc == 0)
        *out = s;
    else
        regionstore_close(s);
    return rc;
}

void regionstore_close(struct regionstore *s)
{
    if (!s)
        return;
    lmdb_close(&s->db);
    hdf5_index_close(&s->index);
    strmap_fini(&s->names);
    bytes_close(&s->map);
    free(s->at);
    free(s->path);
    free(s);
}

const char *regionstore_path(const struct regionstore *s)
{
    return s->path;
}

/* ---- names */

static const char *const endings[] = {".npy", ".npz", ".safetensors", ".pkl", ".pickle",
                                      ".pt", ".pth"};

/* The file of an image in a folder, or NULL. */
static char *file_of(const struct regionstore *s, const char *key)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char *path = xasprintf("%s/%s%s", s->path, key, endings[i]);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static bool has_key(const struct regionstore *s, const char *key)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    char *file;
    switch (s->kind) {
    case STORE_LMDB: /* where it cannot be told, as it is damaged, reading says so */
        return lmdb_get(&s->db, key, strlen(key), &data, &len, NULL) != 0 || data;
    case STORE_TSV: return strmap_get(&s->names, key, strlen(key)) >= 0;
    case STORE_HDF5: return strmap_get(&s->index.names, key, strlen(key)) >= 0;
    case STORE_FILES: break;
    }
    file = file_of(s, key);
    free(file);
    return file != NULL;
}

char *regionstore_key(const struct regionstore *s, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *stem = regions_stem(path);
    char other[IMAGEKEY];
    bool coco;
    const char *number = imagekey_number(stem, &coco), *found = NULL;
    if (has_key(s, stem))
        found = stem;
    else if (has_key(s, name))
        found = name;
    else if (number && has_key(s, number))
        found = number;
    for (int i = 0; !found && coco && number && imagekey_spelling(number, i, other); i++)
        found = has_key(s, other) ? other : NULL;
    char *key = xstrdup_null(found);
    free(stem);
    return key;
}

char *regionstore_file(const struct regionstore *s, const char *key)
{
    char *file = s->kind == STORE_FILES ? file_of(s, key) : NULL;
    return file ? file : xstrdup(s->path);
}

static bool first_entry(void *arg, const uint8_t *key, size_t len, const uint8_t *data, size_t size)
{
    char **first = arg;
    (void)data;
    (void)size;
    if (len == 4 && memcmp(key, "keys", 4) == 0)
        return true;
    *first = xstrndup((const char *)key, len);
    return false;
}

static bool first_id(void *arg, const char *id, size_t len, struct tsv_place at)
{
    (void)at;
    *(char **)arg = xstrndup(id, len);
    return false;
}

char *regionstore_first(const struct regionstore *s)
{
    char *first = NULL;
    if (s->kind == STORE_LMDB && lmdb_each(&s->db, first_entry, &first, NULL) != 0) {
        free(first);
        first = NULL;
    }
    if (s->kind == STORE_TSV)
        tsv_each(&s->map, first_id, &first);
    return first;
}

/* ---- regions */

static int read_key(const struct regionstore *s, const char *key, struct regions **out,
                    struct vs_err *err)
{
    if (s->kind == STORE_LMDB)
        return regions_open(s->path, key, out, err);
    if (s->kind == STORE_TSV) {
        int i = strmap_get(&s->names, key, strlen(key));
        return regions_still_sound(&s->map, regions_from_tsv_line(&s->map, s->at[i], out, err), out,
                                   err);
    }
    if (s->kind == STORE_HDF5) {
        int i = strmap_get(&s->index.names, key, strlen(key));
        int rc = regions_from_hdf5_at(&s->map, &s->index, i, out, err);
        return regions_still_sound(&s->map, rc, out, err);
    }
    char *file = file_of(s, key);
    if (!file)
        return vs_fail(err, VS_E_MISSING, "'%s' is not in %s", key, s->path);
    int rc = regions_open(file, NULL, out, err);
    free(file);
    return rc;
}

int regionstore_get(const struct regionstore *s, const char *path, struct regions **out, char **key,
                    struct vs_err *err)
{
    char *found = regionstore_key(s, path);
    const char *slash = strrchr(path, '/');
    if (!found)
        return vs_fail(err, VS_E_MISSING, "image '%s' is not in %s", slash ? slash + 1 : path,
                       s->path);
    int rc = read_key(s, found, out, err);
    if (rc == 0 && key)
        *key = found;
    else
        free(found);
    return rc;
}
