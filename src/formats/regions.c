/* SPDX-License-Identifier: MIT */
/* Regions of one image. */
#include "src/formats/regions_priv.h"

#include "src/formats/boxcheck.h"
#include "src/formats/filekind.h"
#include "src/formats/labels.h"
#include "src/formats/npy.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct regions *regions_new(int64_t count, int64_t dim, const char *where, struct vs_err *err)
{
    if (count < 0 || dim < 1 || count > REGIONS_MAX || dim > REGIONS_MAX_DIM) {
        vs_fail(err, VS_E_LIMIT, "%s: %" PRId64 " regions of %" PRId64 " numbers are too many",
                where, count, dim);
        return NULL;
    }
    struct regions *r = xcalloc(1, sizeof *r);
    r->count = (int)count;
    r->dim = (int)dim;
    r->num_boxes = (int)count;
    r->boxes = vs_try_calloc((size_t)count * 4 + 1, sizeof *r->boxes);
    r->features = vs_try_calloc(vs_times((size_t)count, (size_t)dim) + 1, sizeof *r->features);
    if (!r->boxes || !r->features) {
        vs_fail(err, VS_E_LIMIT, "%s: no memory for %" PRId64 " regions of %" PRId64 " numbers",
                where, count, dim);
        regions_free(r);
        return NULL;
    }
    return r;
}

void regions_free(struct regions *r)
{
    if (!r)
        return;
    free(r->boxes);
    free(r->features);
    free(r->classes);
    free(r->conf);
    free(r->prob);
    free(r->image_id);
    free(r->note);
    free(r);
}

int regions_most_class(const struct regions *r)
{
    int most = -1;
    for (int i = 0; r->classes && i < r->count; i++)
        most = r->classes[i] > most ? r->classes[i] : most;
    return most;
}

void regions_seal(struct regions *r)
{
    struct sha256 s;
    int32_t sizes[4] = {r->count, r->dim, r->width, r->height};
    sha256_init(&s);
    sha256_numbers(&s, sizes, 4, sizeof *sizes);
    sha256_numbers(&s, r->boxes, (size_t)r->count * 4, sizeof *r->boxes);
    sha256_numbers(&s, r->features, (size_t)r->count * (size_t)r->dim, sizeof *r->features);
    sha256_hex(&s, r->digest);
}

static int regions_check_size(const struct regions *r, const char *path, struct vs_err *err)
{
    if (r->width < 1 || r->height < 1 || r->width > 1000000 || r->height > 1000000)
        return vs_fail(err, VS_E_FORMAT, "%s: the image is said to be %dx%d pixels: boxes cannot "
                       "be divided by that", path, r->width, r->height);
    if (r->count < 1)
        return vs_fail(err, VS_E_FORMAT, "%s: there is no region in it", path);
    return 0;
}

static int check_features(const struct regions *r, const char *path, struct vs_err *err)
{
    for (int i = 0; i < r->count; i++) {
        const float *f = r->features + (size_t)i * (size_t)r->dim;
        for (int j = 0; j < r->dim; j++)
            if (!isfinite(f[j]))
                return vs_fail(err, VS_E_FORMAT, "%s: the feature of region %d is not finite "
                               "(number %d is %s): extract it again", path, i, j,
                               isnan(f[j]) ? "NaN" : "infinite");
    }
    return 0;
}

int regions_check(struct regions *r, const char *path, struct vs_err *err)
{
    int rc = regions_check_size(r, path, err);
    if (rc == 0)
        rc = boxes_check(r->boxes, r->count, r->width, r->height, path, &r->note, err);
    if (rc == 0)
        rc = check_features(r, path, err);
    if (rc == 0)
        regions_seal(r);
    return rc;
}

int regions_check_numbers(struct regions *r, const char *path, struct vs_err *err)
{
    int rc = regions_check_size(r, path, err);
    for (size_t i = 0; rc == 0 && i < 4 * (size_t)r->count; i++)
        if (!isfinite(r->boxes[i]))
            rc = vs_fail(err, VS_E_FORMAT, "%s: box %zu is not finite", path, i / 4);
    if (rc == 0)
        rc = check_features(r, path, err);
    if (rc == 0)
        regions_seal(r);
    return rc;
}

void regions_set_classes(struct regions *r, const float *prob, int columns, int first)
{
    free(r->classes);
    free(r->conf);
    r->classes = xcalloc((size_t)r->count, sizeof *r->classes);
    r->conf = xcalloc((size_t)r->count, sizeof *r->conf);
    for (int i = 0; i < r->count; i++) {
        const float *p = prob + (size_t)i * (size_t)columns;
        int best = first;
        bool sound = true;
        for (int j = first; j < columns; j++) {
            best = p[j] > p[best] ? j : best;
            sound &= isfinite(p[j]) != 0;
        }
        r->classes[i] = sound ? best - first : -1; /* of NaN there is no best one */
        r->conf[i] = sound ? p[best] : 0;
    }
}

/* ---- the formats */

static bool regions_ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

static bool is_lmdb(const char *path, const struct bytes *map)
{
    /* A meta page has its magic number after the page's header. */
    return !map || regions_ends_in(path, ".mdb") ||
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

static bool is_pickle(const char *path, const struct bytes *map)
{
    (void)path;
    return labels_are_pickled(map) && regions_are_pickled(map);
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
           (regions_are_tsv(map) || (regions_ends_in(path, ".tsv") && memchr(map->data, '\t', n)));
}

static int read_tsv(const char *path, struct bytes *map, const char *key, struct regions **out,
                    struct vs_err *err)
{
    (void)path;
    return regions_from_tsv(map, key, out, err);
}

/* All formats of regions, in the order in which they are tried. */
static const struct region_format formats[] = {
    {"LMDB", "LMDB", SHOWS_DATABASE, true, is_lmdb, read_lmdb},
    {"npy", ".npy (the reference's, MMF's with its _info.npy)", SHOWS_ARRAY, false, is_npy,
     regions_read_npy},
    {"npz", ".npz (x, bbox, image_w, image_h)", SHOWS_REGIONS, false, is_npz, read_npz},
    {"safetensors", "safetensors", SHOWS_TENSORS, false, is_safetensors, read_safetensors},
    {"pickle", "a pickled dictionary", SHOWS_REGIONS, true, is_pickle, regions_read_pickle},
    {"TSV", "TSV (bottom-up-attention, LXMERT)", SHOWS_LINES, true, is_tsv, read_tsv},
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
    if (map->size == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", map->path);
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
    if ((stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || bytes_open(path, &map, NULL) != 0)
        return true;
    const struct region_format *f = regions_format(path, &map);
    bool keyed = !f || f->keyed;
    bytes_close(&map);
    return keyed;
}

int regions_still_sound(const struct bytes *map, int rc, struct regions **out, struct vs_err *err)
{
    bool made = rc == 0;
    rc = bytes_check(map, rc, err);
    if (made && rc != 0) {
        regions_free(*out);
        *out = NULL;
    }
    return rc;
}

int regions_open(const char *path, const char *key, struct regions **out, struct vs_err *err)
{
    struct bytes map = {0};
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = folder ? 0 : bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    const struct region_format *f = regions_format(path, folder ? NULL : &map);
    rc = f ? f->read(path, &map, key, out, err) : regions_refuse(&map, err);
    rc = regions_still_sound(&map, rc, out, err);
    bytes_close(&map);
    return rc;
}

/* ---- what the model reads */

void regions_model_input(const struct regions *r, float *features, float *spatials)
{
    size_t dim = (size_t)r->dim, n = (size_t)r->count;
    memset(features, 0, dim * sizeof *features);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dim; j++)
            features[j] += r->features[i * dim + j];
    for (size_t j = 0; j < dim; j++)
        features[j] /= (float)n;
    memcpy(features + dim, r->features, n * dim * sizeof *features);
    static const float whole[5] = {0, 0, 1, 1, 1};
    memcpy(spatials, whole, sizeof whole);
    float w = (float)r->width, h = (float)r->height;
    float area = (float)((double)r->width * (double)r->height);
    for (size_t i = 0; i < n; i++) {
        const float *b = r->boxes + 4 * i;
        float *s = spatials + 5 * (i + 1);
        s[0] = b[0] / w;
        s[1] = b[1] / h;
        s[2] = b[2] / w;
        s[3] = b[3] / h;
        s[4] = (b[3] - b[1]) * (b[2] - b[0]) / area;
    }
}
