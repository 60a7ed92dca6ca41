/* SPDX-License-Identifier: MIT */
/* Which row of an HDF5 file is which image's: files beside it. */
#include "src/formats/hdf5side.h"

#include "src/formats/ndarray.h"
#include "src/formats/pickle.h"
#include "src/base/mem.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names and numbers as they are found; names lie one behind the other, and are pointed to when all
 * are there. */
struct side {
    struct buf text;
    struct hdf5_image *images;
    int count, room;
};

static void side_add(struct side *s, const char *name, size_t len, struct hdf5_image image)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 256;
        s->images = xreallocarray(s->images, (size_t)s->room, sizeof *s->images);
    }
    buf_add(&s->text, name, len);
    buf_putc(&s->text, '\0');
    s->images[s->count++] = image;
}

static void side_finish(struct side *s, struct hdf5_index *out)
{
    const char *name = s->text.data;
    for (int i = 0; i < s->count; i++, name += strlen(name) + 1)
        s->images[i].name = name;
    out->images = s->images;
    out->count = s->count;
    out->text = buf_steal(&s->text);
}

/* ---- a pickled dictionary of image ids and rows */

static bool side_pickle_item(struct side *s, const struct pval *key, const struct pval *value)
{
    struct hdf5_image image = {.count = -1, .width = -1, .height = -1};
    char text[32];
    int64_t id;
    if (!ndarray_integer(value, &image.row) || image.row < 0)
        return false;
    if (key->kind == PK_STRING || key->kind == PK_BYTES) {
        if (key->len > 4096 || memchr(key->bytes, 0, key->len))
            return false;
        side_add(s, (const char *)key->bytes, key->len, image);
        return true;
    }
    if (!ndarray_integer(key, &id))
        return false;
    snprintf(text, sizeof text, "%lld", (long long)id);
    side_add(s, text, strlen(text), image);
    return true;
}

static int side_pickle(const char *path, struct side *s, struct vs_err *err)
{
    struct bytes map = {0};
    struct pickle *p = NULL;
    size_t used;
    int rc = bytes_open(path, &map, err);
    if (rc == 0)
        rc = pickle_load(map.data, map.size, pickle_any, path, &p, &used, err);
    const struct pval *root = rc == 0 ? pickle_root(p) : NULL;
    bool good = root && root->kind == PK_DICT;
    for (size_t i = 0; good && i + 1 < root->count; i += 2)
        good = side_pickle_item(s, root->items[i], root->items[i + 1]);
    if (rc == 0 && !good)
        rc = vs_fail(err, VS_E_FORMAT, "%s: is not a dictionary of image ids and rows", path);
    pickle_free(p);
    bytes_close(&map);
    return rc;
}

/* ---- GQA's JSON */

static int64_t side_whole(const json_t *object, const char *name)
{
    const json_t *x = json_object_get(object, name);
    return json_is_integer(x) ? json_integer_value(x) : -1;
}

static int side_json(const char *path, int64_t file, struct side *s, struct vs_err *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why), *value;
    const char *name;
    bool good = json_is_object(root);
    json_object_foreach(good ? root : NULL, name, value)
    {
        struct hdf5_image image = {.row = side_whole(value, "idx"),
                                   .count = side_whole(value, "objectsNum"),
                                   .width = side_whole(value, "width"),
                                   .height = side_whole(value, "height")};
        good = good && image.row >= 0;
        if (good && (file < 0 || side_whole(value, "file") == file))
            side_add(s, name, strlen(name), image);
    }
    int rc = root ? 0 : vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", path, why.line, why.text);
    if (root && !good)
        rc = vs_fail(err, VS_E_FORMAT, "%s: is not an object of images with \"idx\"", path);
    json_decref(root);
    return rc;
}

/* ---- where */

/* "x/train36" of "x/train36.hdf5". */
static char *side_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
    return xstrndup(path, n);
}

/* The number behind the last '_' of a stem, which is cut off there; -1: it has none. */
static int64_t side_number(char *stem)
{
    char *line = strrchr(stem, '_'), *end = NULL;
    if (!line || !isdigit((unsigned char)line[1]))
        return -1;
    long long n = strtoll(line + 1, &end, 10);
    if (*end)
        return -1;
    *line = '\0';
    return n;
}

int hdf5_side_read(const char *path, struct hdf5_index *out, bool *found, struct vs_err *err)
{
    struct side s = {.count = 0};
    char *stem = side_stem(path), *pickle = xasprintf("%s_imgid2idx.pkl", stem);
    int64_t number = side_number(stem);
    char *json = xasprintf("%s_info.json", stem);
    int rc = 0;
    *found = true;
    if (access(pickle, F_OK) == 0)
        rc = side_pickle(pickle, &s, err);
    else if (access(json, F_OK) == 0)
        rc = side_json(json, number, &s, err);
    else
        *found = false;
    if (*found)
        side_finish(&s, out);
    free(json);
    free(pickle);
    free(stem);
    return rc;
}
