/* SPDX-License-Identifier: MIT */
/* Regions in HDF5 files: layouts, names of images, arrays.
 *
 * Compiled into the module (hdf5load.c), without anything of the rest of the program.
 *
 * Source: tools/detection_features_converter.py and adaptive_detection_features_converter.py of
 * bottom-up-attention-vqa (image_features, image_bb, spatial_features, pos_boxes); the feature
 * files of GQA (features, bboxes) and VisDial (image_ids, features, boxes). */
#include "src/formats/hdf5map.h"
#include "src/formats/hdf5read.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_AXES 3

struct h5 {
    const struct hdf5_ask *ask;
    struct hdf5_found *found;
    hid_t file;
    hid_t place; /* the group that has the arrays */
};

static const char *const id_names[] = {"image_ids", "image_id", "img_ids", "img_id", "ids", NULL};
static const char *const position_names[] = {"pos_boxes", NULL};
static const char *const spatial_names[] = {"spatial_features", "spatials", NULL};

static int h5_fail(struct h5 *h, int rc, const char *why)
{
    h->found->rc = rc;
    snprintf(h->found->why, sizeof h->found->why, "%s", why);
    return rc;
}

/* ---- datasets */

/* Negative: there is none. Objects of a file are closed with it. */
static hid_t h5_any(hid_t group, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        hid_t set = H5Lexists(group, names[i], H5P_DEFAULT) > 0
                        ? H5Dopen2(group, names[i], H5P_DEFAULT)
                        : -1;
        if (set >= 0)
            return set;
    }
    return -1;
}

/* The number of axes, at most MOST_AXES; -1 for what is no array of those. */
static int h5_shape(hid_t set, hsize_t shape[MOST_AXES])
{
    hid_t space = set < 0 ? -1 : H5Dget_space(set);
    int axes = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (axes > MOST_AXES || (axes >= 0 && H5Sget_simple_extent_dims(space, shape, NULL) < 0))
        axes = -1;
    if (space >= 0)
        H5Sclose(space);
    return axes;
}

static H5T_class_t h5_class(hid_t type)
{
    H5T_class_t c = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    if (type >= 0)
        H5Tclose(type);
    return c;
}

static bool h5_numbers(hid_t set)
{
    H5T_class_t c = h5_class(H5Dget_type(set));
    return c == H5T_INTEGER || c == H5T_FLOAT;
}

/* Part of an array, converted to the type of memory. */
static bool h5_part(hid_t set, hid_t type, const hsize_t *start, const hsize_t *count, void *out)
{
    hsize_t total = 1, shape[MOST_AXES];
    int axes = h5_shape(set, shape);
    for (int i = 0; i < axes; i++)
        total *= count[i];
    hid_t space = H5Dget_space(set), memory = H5Screate_simple(1, &total, NULL);
    bool good = axes > 0 && space >= 0 && memory >= 0 && h5_numbers(set) &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                H5Dread(set, type, memory, space, H5P_DEFAULT, out) >= 0;
    if (space >= 0)
        H5Sclose(space);
    if (memory >= 0)
        H5Sclose(memory);
    return good;
}

/* ---- what kind of file it is */

/* Whether a group has features and boxes that fit each other. */
static bool h5_has_regions(const struct h5 *h, hid_t group)
{
    const struct hdf5_names *n = h->ask->names_of;
    hsize_t f[MOST_AXES], b[MOST_AXES];
    int axes = h5_shape(h5_any(group, n->features), f);
    return (axes == 2 || axes == 3) && h5_shape(h5_any(group, n->boxes), b) == axes &&
           f[0] == b[0] && b[axes - 1] == 4 && (axes == 2 || f[1] == b[1]);
}

/* The name of the i-th link of a group; false when it is too long. */
static bool h5_link(hid_t group, hsize_t i, char *out, size_t size)
{
    ssize_t n = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, out, size,
                                   H5P_DEFAULT);
    return n > 0 && (size_t)n < size;
}

static int64_t h5_links(hid_t group)
{
    H5G_info_t info;
    return H5Gget_info(group, &info) < 0 ? 0 : (int64_t)info.nlinks;
}

static bool h5_first_group(const struct h5 *h, hid_t file)
{
    char name[512];
    if (h5_links(file) < 1 || !h5_link(file, 0, name, sizeof name))
        return false;
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    return group >= 0 && h5_has_regions(h, group);
}

static int h5_layout(struct h5 *h)
{
    hsize_t shape[MOST_AXES] = {0}, at[MOST_AXES] = {0};
    h->place = h->file;
    if (h5_has_regions(h, h->file)) {
        int axes = h5_shape(h5_any(h->file, h->ask->names_of->features), shape);
        bool flat = axes == 2 && h5_shape(h5_any(h->file, position_names), at) == 2 && at[1] == 2;
        h->found->layout = axes == 3 ? HDF5_TABLE : flat ? HDF5_FLAT : HDF5_ONE;
        h->found->images = axes == 3 ? (int64_t)shape[0] : flat ? (int64_t)at[0] : 1;
    } else if (h5_first_group(h, h->file)) {
        h->found->layout = HDF5_GROUPS;
        h->found->images = h5_links(h->file);
    } else {
        return h5_fail(h, VS_E_FORMAT, "an HDF5 file without region features: neither it nor its "
                       "first group has features and boxes of as many rows (image_features and "
                       "image_bb, features and boxes, ...)");
    }
    /* What was never written takes no room, and memory for names is asked for by this number. */
    return h->found->images > INT32_MAX || (uint64_t)h->found->images > h->ask->map->size
               ? h5_fail(h, VS_E_FORMAT, "says that it has more images than bytes: nothing was "
                         "written into it, or it is damaged")
               : 0;
}

/* ---- names of images */

static bool h5_add_name(struct h5 *h, const char *name, size_t len)
{
    struct hdf5_found *f = h->found;
    if (len + 1 > HDF5_ROOM - sizeof *f - f->used)
        return false;
    memcpy(f->room + f->used, name, len);
    f->room[f->used + len] = '\0';
    f->used += len + 1;
    f->names = f->used;
    return true;
}

static int h5_group_names(struct h5 *h)
{
    char name[512];
    for (int64_t i = 0; i < h->found->images; i++)
        if (!h5_link(h->file, (hsize_t)i, name, sizeof name) || !h5_add_name(h, name, strlen(name)))
            return h5_fail(h, VS_E_LIMIT, "the names of its groups are too long");
    return 0;
}

/* Of numbers. */
static bool h5_number_names(struct h5 *h, hid_t set, int axes)
{
    int64_t n = h->found->images, *ids = calloc((size_t)n + 1, sizeof *ids);
    hsize_t start[MOST_AXES] = {0}, count[MOST_AXES] = {(hsize_t)n, 1, 1};
    bool good = ids && axes >= 1 && h5_part(set, H5T_NATIVE_INT64, start, count, ids);
    for (int64_t i = 0; i < n && good; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "%lld", (long long)ids[i]);
        good = h5_add_name(h, text, (size_t)len);
    }
    free(ids);
    return good;
}

/* Of text of any length: an array of pointers. */
static bool h5_long_names(struct h5 *h, hid_t set, hid_t type)
{
    int64_t n = h->found->images;
    char **text = calloc((size_t)n + 1, sizeof *text);
    hid_t space = H5Dget_space(set), memory = H5Tcopy(H5T_C_S1);
    bool good = text && H5Tset_size(memory, H5T_VARIABLE) >= 0 &&
                H5Tset_cset(memory, H5Tget_cset(type)) >= 0 &&
                H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0;
    bool read = good;
    for (int64_t i = 0; i < n && good; i++)
        good = text[i] && h5_add_name(h, text[i], strlen(text[i]));
    if (read)
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, text);
    H5Sclose(space);
    H5Tclose(memory);
    free(text);
    return good;
}

/* Of text of one length, filled up with NULs or blanks. */
static bool h5_short_names(struct h5 *h, hid_t set, hid_t type)
{
    size_t size = H5Tget_size(type), n = (size_t)h->found->images;
    char *text = size && size < 4096 ? calloc(n + 1, size) : NULL;
    bool good = text && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0;
    for (size_t i = 0; i < n && good; i++) {
        const char *s = text + i * size;
        size_t len = strnlen(s, size);
        while (len && s[len - 1] == ' ')
            len--;
        good = h5_add_name(h, s, len);
    }
    free(text);
    return good;
}

static int h5_names(struct h5 *h)
{
    hsize_t shape[MOST_AXES] = {0};
    if (h->found->layout == HDF5_GROUPS)
        return h5_group_names(h);
    hid_t set = h->found->layout == HDF5_ONE ? -1 : h5_any(h->file, id_names);
    int axes = h5_shape(set, shape);
    if (set < 0)
        return 0;
    if (axes < 1 || axes > 2 || (int64_t)shape[0] != h->found->images ||
        (axes > 1 && shape[1] != 1))
        return h5_fail(h, VS_E_FORMAT, "there is not one image id for each image");
    hid_t type = H5Dget_type(set);
    bool text = H5Tget_class(type) == H5T_STRING;
    bool good = !text ? h5_number_names(h, set, axes)
                : H5Tis_variable_str(type) > 0 ? h5_long_names(h, set, type)
                                               : h5_short_names(h, set, type);
    H5Tclose(type);
    return good ? 0 : h5_fail(h, VS_E_FORMAT, "its image ids cannot be read");
}

/* ---- the arrays of an image */

/* Which rows: of the image-th of a table, or of all images' rows. */
struct h5_rows {
    bool table;
    hsize_t image, first, count;
};

/* Rows of an array with `axes` axes behind the images': {count, columns}; false: it has other axes,
 * too few rows, or cannot be read. */
static bool h5_read_rows(struct h5 *h, hid_t set, const struct h5_rows *r, int axes, hid_t type,
                         size_t size, struct hdf5_array *out)
{
    struct hdf5_found *f = h->found;
    hsize_t shape[MOST_AXES] = {0}, start[MOST_AXES] = {0}, count[MOST_AXES] = {1, 1, 1};
    int lead = r->table ? 1 : 0;
    if (h5_shape(set, shape) != lead + axes || r->image >= shape[0] ||
        r->first > shape[lead] || r->count > shape[lead] - r->first)
        return false;
    start[0] = r->image;
    start[lead] = r->first;
    count[lead] = r->count;
    if (axes == 2)
        count[lead + 1] = shape[lead + 1];
    hsize_t columns = axes == 2 ? shape[lead + 1] : 1, room = HDF5_ROOM - sizeof *f - f->used;
    if (columns < 1 || r->count < 1 || columns > room / size / r->count ||
        !h5_part(set, type, start, count, f->room + f->used))
        return false;
    *out = (struct hdf5_array){f->used, (int64_t)r->count, (int64_t)columns};
    f->used += (size_t)(r->count * columns) * size;
    f->used = (f->used + 15) / 16 * 16;
    return f->used < HDF5_ROOM - sizeof *f;
}

/* A whole number of one or of all images, or an attribute; -1 without. */
static int64_t h5_whole(const struct h5 *h, const char *const *names, hsize_t image)
{
    hsize_t shape[MOST_AXES] = {0}, start[MOST_AXES] = {0}, count[MOST_AXES] = {1, 1, 1};
    hid_t set = h5_any(h->place, names);
    int64_t x = -1;
    int axes = h5_shape(set, shape);
    if (axes == 0 && h5_numbers(set))
        return H5Dread(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &x) < 0 ? -1 : x;
    start[0] = axes > 0 && image < shape[0] ? image : 0;
    if (axes > 0 && shape[0] > 0 && (axes == 1 || shape[1] == 1))
        return h5_part(set, H5T_NATIVE_INT64, start, count, &x) ? x : -1;
    for (int i = 0; set < 0 && names[i]; i++) {
        hid_t a = H5Aexists(h->place, names[i]) > 0
                      ? H5Aopen(h->place, names[i], H5P_DEFAULT)
                      : -1;
        hid_t space = a < 0 ? -1 : H5Aget_space(a);
        H5T_class_t c = a < 0 ? H5T_NO_CLASS : h5_class(H5Aget_type(a));
        bool good = space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
                    (c == H5T_INTEGER || c == H5T_FLOAT) && H5Aread(a, H5T_NATIVE_INT64, &x) >= 0;
        if (space >= 0)
            H5Sclose(space);
        if (good)
            return x;
    }
    return -1;
}

/* The size of the image from its boxes in pixels and in shares of it: of the box that reaches
 * farthest. */
static int64_t h5_size_from(const float *boxes, const float *shares, int64_t rows, int64_t columns,
                            int axis)
{
    float most = 0, pixels = 0;
    for (int64_t i = 0; i < rows; i++)
        if (shares[i * columns + axis] > most) {
            most = shares[i * columns + axis];
            pixels = boxes[4 * i + axis];
        }
    float size = most > 0 ? pixels / most : -1;
    return size >= 1 && size < 1e6f ? (int64_t)lrintf(size) : -1;
}

static void h5_sizes(struct h5 *h, const struct h5_rows *r)
{
    struct hdf5_found *f = h->found;
    struct hdf5_array shares = {0};
    f->width = h5_whole(h, h->ask->names_of->width, (hsize_t)h->ask->image);
    f->height = h5_whole(h, h->ask->names_of->height, (hsize_t)h->ask->image);
    hid_t set = f->width < 0 || f->height < 0 ? h5_any(h->place, spatial_names) : -1;
    if (set < 0 || !h5_read_rows(h, set, r, 2, H5T_NATIVE_FLOAT, sizeof(float), &shares) ||
        shares.columns < 4)
        return;
    const float *boxes = (const float *)(f->room + f->boxes.at);
    const float *s = (const float *)(f->room + shares.at);
    f->width = h5_size_from(boxes, s, shares.rows, shares.columns, 2);
    f->height = h5_size_from(boxes, s, shares.rows, shares.columns, 3);
}

static bool h5_has_zero_row(const float *x, const struct hdf5_array *rows)
{
    for (int64_t i = 0; i < rows->rows; i++) {
        int64_t k = 0;
        while (k < rows->columns && x[i * rows->columns + k] == 0)
            k++;
        if (k == rows->columns)
            return true;
    }
    return false;
}

/* What libhdf5 reads as zeros, as if they were there: numbers in other files, and those that were
 * never written. rows: what was read of the image; without numbers of its own a row is zeros. */
static const char *h5_absent(const struct h5 *h, hid_t set, const struct hdf5_array *rows)
{
    hid_t plan = H5Dget_create_plist(set);
    H5D_layout_t layout = plan < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(plan);
    H5D_space_status_t status = H5D_SPACE_STATUS_ERROR;
    if (plan >= 0)
        H5Pclose(plan);
    if (layout == H5D_VIRTUAL)
        return "its numbers lie in other files (a virtual dataset): write them into one file";
    /* The status walks over the index of all chunks, which is long in a file of many images. */
    if (!h5_has_zero_row((const float *)(h->found->room + rows->at), rows) ||
        (H5Dget_space_status(set, &status) >= 0 && status == H5D_SPACE_STATUS_ALLOCATED))
        return NULL;
    return "not all of its numbers were written into the file: extract it again";
}

/* All that the image has; features and boxes it must have. */
static int h5_arrays(struct h5 *h, const struct h5_rows *r)
{
    const struct hdf5_names *n = h->ask->names_of;
    struct hdf5_found *f = h->found;
    hid_t floats = H5T_NATIVE_FLOAT;
    size_t size = sizeof(float);
    if (r->count < 1)
        return h5_fail(h, VS_E_FORMAT, "there is no region of it");
    if (!h5_read_rows(h, h5_any(h->place, n->features), r, 2, floats, size, &f->features) ||
        !h5_read_rows(h, h5_any(h->place, n->boxes), r, 2, floats, size, &f->boxes) ||
        f->boxes.columns != 4)
        return h5_fail(h, VS_E_FORMAT, "its features or boxes cannot be read: the file is "
                       "damaged, too large, or compressed in a way that libhdf5 does not know "
                       "(lzf: write them with gzip, or uncompressed)");
    const char *why = h5_absent(h, h5_any(h->place, n->features), &f->features);
    why = why ? why : h5_absent(h, h5_any(h->place, n->boxes), &f->boxes);
    if (why)
        return h5_fail(h, VS_E_FORMAT, why);
    hid_t prob = h5_any(h->place, n->prob), conf = h5_any(h->place, n->conf);
    hid_t objects = h5_any(h->place, n->objects);
    if (prob < 0 || !h5_read_rows(h, prob, r, 2, floats, size, &f->prob))
        f->prob = (struct hdf5_array){0};
    if (objects < 0 ||
        !h5_read_rows(h, objects, r, 1, H5T_NATIVE_INT64, sizeof(int64_t), &f->objects))
        f->objects = (struct hdf5_array){0};
    if (conf < 0 || !h5_read_rows(h, conf, r, 1, floats, size, &f->conf))
        f->conf = (struct hdf5_array){0};
    h5_sizes(h, r);
    return 0;
}

/* The rows that the image of the question has. */
static int h5_rows_of(struct h5 *h, struct h5_rows *r)
{
    hsize_t shape[MOST_AXES] = {0}, start[MOST_AXES] = {0}, two[MOST_AXES] = {1, 2, 1};
    const struct hdf5_ask *ask = h->ask;
    bool table = h->found->layout == HDF5_TABLE;
    int64_t ends[2] = {0, 0};
    h5_shape(h5_any(h->place, h->ask->names_of->features), shape);
    *r = (struct h5_rows){.table = table, .image = table ? (hsize_t)ask->image : 0,
                          .count = shape[table ? 1 : 0]};
    if (h->found->layout == HDF5_FLAT) {
        start[0] = (hsize_t)ask->image;
        if (!h5_part(h5_any(h->place, position_names), H5T_NATIVE_INT64, start, two, ends) ||
            ends[0] < 0 || ends[1] < ends[0] || ends[1] > (int64_t)shape[0])
            return h5_fail(h, VS_E_FORMAT, "its pos_boxes say rows that are not there");
        r->first = (hsize_t)ends[0];
        r->count = (hsize_t)(ends[1] - ends[0]);
    }
    int64_t said = ask->rows;
    if (said < 0 && h->found->layout != HDF5_FLAT)
        said = h5_whole(h, ask->names_of->rows, (hsize_t)ask->image);
    if (said > (int64_t)r->count)
        return h5_fail(h, VS_E_FORMAT, "it is said to have more regions than the file has rows");
    r->count = said >= 0 ? (hsize_t)said : r->count;
    return 0;
}

static void h5_image(struct h5 *h)
{
    struct h5_rows r;
    if (h->found->layout == HDF5_GROUPS) {
        bool there = H5Lexists(h->file, h->ask->name, H5P_DEFAULT) > 0;
        h->place = there ? H5Gopen2(h->file, h->ask->name, H5P_DEFAULT) : -1;
        if (h->place < 0 || !h5_has_regions(h, h->place)) {
            h5_fail(h, VS_E_FORMAT, "its group has no features and boxes of as many rows");
            return;
        }
    } else if (h->ask->image < 0 || h->ask->image >= h->found->images) {
        h5_fail(h, VS_E_FORMAT, "its number is beyond the file's images");
        return;
    }
    if (h5_rows_of(h, &r) == 0)
        h5_arrays(h, &r);
}

static void hdf5_find(void *arg)
{
    const struct hdf5_ask *ask = arg;
    struct h5 h = {.ask = ask, .found = ask->found, .file = hdf5_open(ask->map)};
    if (h.file < 0) {
        h5_fail(&h, VS_E_FORMAT, "is damaged, not completely copied, or of a newer HDF5");
        return;
    }
    if (h5_layout(&h) == 0) {
        if (ask->names)
            h5_names(&h);
        else
            h5_image(&h);
    }
    H5Fclose(h.file);
}

extern const struct hdf5_module vilscope_hdf5_module;
const struct hdf5_module vilscope_hdf5_module = {HDF5_MODULE_VERSION, hdf5_begin, hdf5_find};
