/* SPDX-License-Identifier: MIT */
/* numpy's .npz of one picture's regions.
 *
 * Source: numpy.savez; the names are those of bottom-up-attention.pytorch (x, bbox, num_bbox,
 * image_w, image_h, info), and of those who named the arrays as the reference does. */
#include "src/formats/regionparts.h"

#include "src/formats/npy.h"
#include "src/formats/zip.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARRAYS_MOST 16

/* Arrays that were read, and stay until the regions are made. */
struct npz {
    const char *path;
    struct zip zip;
    struct npy open[ARRAYS_MOST];
    int count;
};

static void close_npz(struct npz *z)
{
    for (int i = 0; i < z->count; i++)
        npy_close(&z->open[i]);
    zip_close(&z->zip);
}

static const struct zip_member *find_any(const struct npz *z, const char *const *names)
{
    const struct zip_member *m = NULL;
    for (int i = 0; !m && names[i]; i++) {
        char *name = xasprintf("%s.npy", names[i]);
        m = zip_find(&z->zip, name);
        free(name);
    }
    return m;
}

/* The array under one of its names; *out is NULL when there is none. */
static int npz_get(struct npz *z, const char *const *names, const struct npy **out,
                   struct vs_err *err)
{
    const struct zip_member *m = find_any(z, names);
    uint8_t *data = NULL;
    *out = NULL;
    if (!m || z->count == ARRAYS_MOST)
        return 0;
    int rc = zip_read(&z->zip, m, &data, err);
    if (rc != 0)
        return rc;
    char *where = xasprintf("%s: %.*s", z->path, (int)(m->name_len > 100 ? 100 : m->name_len),
                            m->name);
    rc = npy_read_copy(data, (size_t)m->size, where, &z->open[z->count], err);
    free(where);
    if (rc == 0)
        *out = &z->open[z->count++];
    return rc;
}

static int get_tensor(struct npz *z, const char *const *names, struct tensor *out,
                      struct vs_err *err)
{
    const struct npy *n;
    int rc = npz_get(z, names, &n, err);
    if (rc == 0 && n && n->object)
        rc = vs_fail(err, VS_E_FORMAT, "%s: '%s' is an object, expected an array of numbers",
                     z->path, names[0]);
    if (rc == 0 && n)
        *out = n->array;
    return rc;
}

static int get_number(struct npz *z, const char *const *names, int64_t *out, struct vs_err *err)
{
    struct tensor t = {.ndim = -1};
    int rc = get_tensor(z, names, &t, err);
    if (rc != 0 || t.ndim < 0)
        return rc;
    if (tensor_elements(&t) != 1)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is not a single number", z->path, names[0]);
    tensor_to_i64(&t, out);
    return *out < 0 ? vs_fail(err, VS_E_FORMAT, "%s: '%s' is %" PRId64, z->path, names[0], *out)
                    : 0;
}

/* What the extractor says besides. It may hold objects that are not read: those are passed over. */
static int add_info(struct npz *z, struct region_parts *p, struct vs_err *err)
{
    static const char *const names[] = {"info", NULL};
    const struct zip_member *m = find_any(z, names);
    struct vs_err why = {0};
    const struct npy *n = NULL;
    uint8_t *data = NULL;
    if (!m)
        return 0;
    int rc = zip_read(&z->zip, m, &data, err); /* damage is not passed over */
    free(data);
    if (rc == 0 && npz_get(z, names, &n, &why) == 0 && n && n->object && n->object->kind == PK_DICT)
        rc = parts_add_dict(p, n->object, err);
    return rc;
}

static int get_arrays(struct npz *z, struct region_parts *p, struct vs_err *err)
{
    int rc = get_tensor(z, parts_features, &p->features, err);
    if (rc == 0)
        rc = get_tensor(z, parts_boxes, &p->boxes, err);
    if (rc == 0)
        rc = get_tensor(z, parts_prob, &p->prob, err);
    if (rc == 0)
        rc = get_tensor(z, parts_objects, &p->objects, err);
    return rc == 0 ? get_tensor(z, parts_conf, &p->conf, err) : rc;
}

static int get_numbers(struct npz *z, struct region_parts *p, struct vs_err *err)
{
    int rc = get_number(z, parts_rows, &p->rows, err);
    if (rc == 0)
        rc = get_number(z, parts_width, &p->width, err);
    return rc == 0 ? get_number(z, parts_height, &p->height, err) : rc;
}

int regions_from_npz(const struct bytes *map, struct regions **out, struct vs_err *err)
{
    struct npz z = {.path = map->path};
    struct region_parts p;
    parts_begin(&p, map->path);
    int rc = zip_open(map, &z.zip, err);
    if (rc == 0)
        rc = get_arrays(&z, &p, err);
    if (rc == 0)
        rc = get_numbers(&z, &p, err);
    if (rc == 0)
        rc = add_info(&z, &p, err);
    if (rc == 0)
        rc = parts_make(&p, out, err);
    parts_end(&p);
    close_npz(&z);
    return rc;
}

bool npz_recognise(const struct bytes *map)
{
    struct zip z;
    if (map->size < 4 || memcmp(map->data, "PK\3\4", 4) != 0)
        return false;
    bool found = zip_open(map, &z, NULL) != 0;
    for (int i = 0; !found && i < z.count; i++) {
        size_t n = z.list[i].name_len;
        found = n > 4 && memcmp(z.list[i].name + n - 4, ".npy", 4) == 0;
    }
    zip_close(&z);
    return found;
}
