/* SPDX-License-Identifier: MIT */
/* The formats of regions: which a file has, one image of it, all of them. */
#include "src/formats/regions_priv.h"

#include "src/formats/filekind.h"
#include "src/formats/gunzip.h"
#include "src/formats/labels.h"
#include "src/formats/npy.h"
#include "src/formats/regionhdf5.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the formats */

static bool is_lmdb(const char *path, const struct bytes *map)
{
    /* A meta page has its magic number after the page's header. */
    return !map || ends_in(path, ".mdb") ||
           (map->size > 20 && memcmp(map->data + 16, "\xde\xc0\xef\xbe", 4) == 0);
}

static int read_lmdb(const char *path, struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err)
{
    (void)map;
    return regions_from_lmdb(path, key, out, err);
}

static bool is_npy(const char *path, const struct bytes *map)
{
    (void)path;
    return npy_recognise(map);
}

static int regions_read_npy(const char *path, struct bytes *map, const char *key,
                            struct regions **out, struct vs_err *err)
{
    struct bytes own = *map;
    (void)path;
    (void)key;
    *map = (struct bytes){0};
    return regions_from_npy(own, out, err);
}

static int each_lmdb(const char *path, const struct bytes *map, const struct region_sink *sink,
                     struct vs_err *err)
{
    (void)map;
    return regions_each_lmdb(path, sink, err);
}

static int each_tsv(const char *path, const struct bytes *map, const struct region_sink *sink,
                    struct vs_err *err)
{
    (void)path;
    return regions_each_tsv(map, sink, err);
}

static int each_pickled(const char *path, const struct bytes *map, const struct region_sink *sink,
                        struct vs_err *err)
{
    (void)path;
    return regions_each_pickled(map, sink, err);
}

static bool is_npz(const char *path, const struct bytes *map)
{
    (void)path;
    return npz_recognise(map);
}

static int read_npz(const char *path, struct bytes *map, const char *key, struct regions **out,
                    struct vs_err *err)
{
    (void)path;
    (void)key;
    return regions_from_npz(map, out, err);
}

static bool is_safetensors(const char *path, const struct bytes *map)
{
    (void)path;
    return map->size > 9 && map->data[8] == '{';
}

static int read_safetensors(const char *path, struct bytes *map, const char *key,
                            struct regions **out, struct vs_err *err)
{
    (void)map;
    (void)key;
    return regions_from_safetensors(path, out, err);
}

static bool begins_as_pickle(const struct bytes *map)
{
    return labels_are_pickled(map) || torch_legacy_recognise(map) ||
           (map->size >= 4 && memcmp(map->data, "PK\3\4", 4) == 0);
}

/* What some text or any archive is not. */
static bool is_surely_pickled(const struct bytes *map)
{
    return map->data[0] == 0x80 || torch_legacy_recognise(map) || file_is_torch_zip(map);
}

static bool is_pickle(const char *path, const struct bytes *map)
{
    (void)path;
    return begins_as_pickle(map) && regions_are_pickled(map, NULL);
}

static int regions_read_pickle(const char *path, struct bytes *map, const char *key,
                               struct regions **out, struct vs_err *err)
{
    (void)path;
    return regions_from_pickle(map, key, out, err);
}

/* A file that is called so may have a damaged first line. */
static bool is_tsv(const char *path, const struct bytes *map)
{
    size_t n = map->size < 4096 ? map->size : 4096;
    return !labels_are_pickled(map) && n && !memchr(map->data, 0, n) &&
           (regions_are_tsv(map) || (ends_in(path, ".tsv") && memchr(map->data, '\t', n)));
}

static int read_tsv(const char *path, struct bytes *map, const char *key, struct regions **out,
                    struct vs_err *err)
{
    (void)path;
    return regions_from_tsv(map, key, out, err);
}

static bool is_hdf5(const char *path, const struct bytes *map)
{
    (void)path;
    return regions_are_hdf5(map);
}

static int read_hdf5(const char *path, struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err)
{
    (void)path;
    return regions_from_hdf5(map, key, out, err);
}

static int each_hdf5(const char *path, const struct bytes *map, const struct region_sink *sink,
                     struct vs_err *err)
{
    (void)path;
    return regions_each_hdf5(map, sink, err);
}

static bool is_json(const char *path, const struct bytes *map)
{
    (void)path;
    return regions_are_json(map);
}

static int read_json(const char *path, struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err)
{
    (void)path;
    return regions_from_json(map, key, out, err);
}

static int each_json(const char *path, const struct bytes *map, const struct region_sink *sink,
                     struct vs_err *err)
{
    (void)path;
    return regions_each_json(map, sink, err);
}

/* All formats of regions, in the order in which they are tried. */
static const struct region_format formats[] = {
    {"LMDB", "LMDB", SHOWS_DATABASE, is_lmdb, read_lmdb, each_lmdb},
    {"npy", ".npy (the reference's, MMF's with its _info.npy)", SHOWS_ARRAY, is_npy,
     regions_read_npy, NULL},
    {"HDF5", "HDF5 (bottom-up-attention-vqa's, GQA's, a group for each image)", SHOWS_REGIONS,
     is_hdf5, read_hdf5, each_hdf5},
    {"npz", ".npz (x, bbox, image_w, image_h)", SHOWS_REGIONS, is_npz, read_npz, NULL},
    {"safetensors", "safetensors", SHOWS_TENSORS, is_safetensors, read_safetensors, NULL},
    {"pickle", "a dictionary in .pkl or .pt", SHOWS_REGIONS, is_pickle, regions_read_pickle,
     each_pickled},
    {"JSON", "JSON (of one image or several; also .gz)", SHOWS_REGIONS, is_json, read_json,
     each_json},
    {"TSV", "TSV (bottom-up-attention, LXMERT; also .gz)", SHOWS_LINES, is_tsv, read_tsv, each_tsv},
};
#define REGION_FORMATS (sizeof formats / sizeof formats[0])

const struct region_format *regions_format(const char *path, const struct bytes *map)
{
    if (map && map->size == 0)
        return NULL;
    for (size_t i = 0; i < REGION_FORMATS; i++)
        if (formats[i].is(path, map))
            return &formats[i];
    return NULL;
}

int regions_refuse(const struct bytes *map, struct vs_err *err)
{
    struct buf names = {0};
    struct vs_err why = {0};
    if (map->size == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", map->path);
    if (is_surely_pickled(map) && !regions_are_pickled(map, &why) && why.code)
        return vs_fail(err, why.code, "%s", why.text); /* cut off, say */
    for (size_t i = 0; i < REGION_FORMATS; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", formats[i].which);
    vs_fail(err, VS_E_FORMAT, "%s: is %s, not region features: those are read from %s", map->path,
            file_kind(map), names.data);
    buf_fini(&names);
    return VS_E_FORMAT;
}

bool regions_keyed(const char *path)
{
    struct bytes map = {0};
    struct stat st;
    if ((stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || gunzip_open(path, &map, NULL) != 0)
        return true;
    const struct region_format *f = regions_format(path, &map);
    bool keyed = !f || f->each;
    bytes_close(&map);
    return keyed;
}

int regions_open(const char *path, const char *key, struct regions **out, struct vs_err *err)
{
    struct bytes map = {0};
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = folder ? 0 : gunzip_open(path, &map, err);
    if (rc != 0)
        return rc;
    const struct region_format *f = regions_format(path, folder ? NULL : &map);
    rc = f ? f->read(path, &map, key, out, err) : regions_refuse(&map, err);
    rc = regions_still_sound(&map, rc, out, err);
    bytes_close(&map);
    return rc;
}

static int regions_visit_one(const char *path, const struct region_sink *sink, struct vs_err *err)
{
    char *pair = regions_of_info(path), *name = regions_stem(pair ? pair : path);
    struct regions *r = NULL;
    struct vs_err why = {0};
    int rc = 0;
    free(pair);
    if (sink->want(sink->arg, name)) {
        regions_open(path, NULL, &r, &why);
        rc = sink->take(sink->arg, name, r, &why, err);
    }
    free(name);
    return rc;
}

int regions_each(const char *path, const struct region_sink *sink, struct vs_err *err)
{
    struct bytes map = {0};
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = folder ? 0 : gunzip_open(path, &map, err);
    if (rc != 0)
        return rc;
    const struct region_format *f = regions_format(path, folder ? NULL : &map);
    if (!f)
        rc = regions_refuse(&map, err);
    else if (f->each)
        rc = f->each(path, &map, sink, err);
    else
        rc = regions_visit_one(path, sink, err);
    if (!folder)
        rc = bytes_check(&map, rc, err);
    bytes_close(&map);
    return rc;
}
