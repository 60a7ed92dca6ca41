/* SPDX-License-Identifier: MIT */
/* Regions from the arrays that a file has of them.
 *
 * Source: script/extract_features.py and script/convert_to_lmdb.py of the reference, and
 * vilbert/datasets/_image_features_reader.py for what counts (the rows, not num_boxes). Files of
 * other extractors pad: of theirs only num_boxes rows are regions. */
#include "src/formats/regionparts.h"

#include "src/formats/base64.h"
#include "src/formats/ndarray.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const parts_features[] = {"features", "x", "feat", "feats", "image_features",
                                      "img_features", "roi_features", "visual_features", NULL};
const char *const parts_boxes[] = {"bbox", "boxes", "bboxes", "image_bb", "roi_boxes", NULL};
const char *const parts_prob[] = {"cls_prob", NULL};
const char *const parts_objects[] = {"objects_id", "objects", "classes", NULL};
const char *const parts_conf[] = {"objects_conf", "scores", NULL};
const char *const parts_width[] = {"image_width", "image_w", "img_w", "width", "widths", NULL};
const char *const parts_height[] = {"image_height", "image_h", "img_h", "height", "heights",
                                    NULL};
static const char *const parts_added[] = {REGIONS_ADDED, NULL};
const char *const parts_rows[] = {"num_boxes", "num_bbox", NULL};

void parts_begin(struct region_parts *p, const char *path)
{
    *p = (struct region_parts){.path = path, .rows = -1, .width = -1, .height = -1,
                                .added = -1};
    p->features.ndim = p->boxes.ndim = -1;
}

void parts_end(struct region_parts *p)
{
    for (int i = 0; i < p->owned_count; i++)
        free(p->owned[i]);
    free(p->id);
    p->owned_count = 0;
    p->id = NULL;
}

/* ---- from a dictionary */

static bool parts_is_text(const struct pval *v)
{
    return v->kind == PK_STRING || v->kind == PK_BYTES;
}

bool parts_number(const struct pval *v, int64_t *out)
{
    if (!parts_is_text(v))
        return ndarray_integer(v, out);
    int64_t x = 0;
    if (v->len == 0 || v->len > 9)
        return false;
    for (size_t i = 0; i < v->len; i++) {
        if (v->bytes[i] < '0' || v->bytes[i] > '9')
            return false;
        x = 10 * x + (v->bytes[i] - '0');
    }
    *out = x;
    return true;
}

static const struct pval *any_of(const struct pval *dict, const char *const *names)
{
    const struct pval *v = NULL;
    for (int i = 0; !v && names[i]; i++)
        v = pval_get(dict, names[i]);
    return v;
}

bool parts_are_in(const struct pval *dict)
{
    return dict->kind == PK_DICT && any_of(dict, parts_features) && any_of(dict, parts_boxes);
}

/* An array of numpy, or a tensor of PyTorch. */
static int view_of(const struct region_parts *p, const struct pval *v, const char *what,
                   struct tensor *out, struct vs_err *err)
{
    return p->resolve && torch_tensor_args(v)
               ? torch_view(p->path, what, v, p->resolve, p->resolve_arg, out, err)
               : ndarray_view(v, p->path, what, out, err);
}

static int64_t parts_number_of(const struct region_parts *p, const struct pval *dict,
                               const char *const *names)
{
    const struct pval *v = any_of(dict, names);
    struct tensor t;
    int64_t x = -1;
    if (v && p->resolve && torch_tensor_args(v)) {
        if (view_of(p, v, names[0], &t, NULL) == 0 && tensor_elements(&t) == 1)
            tensor_to_i64(&t, &x);
        return x >= 0 ? x : -1;
    }
    return v && parts_number(v, &x) && x >= 0 ? x : -1;
}

/* rows rows of numbers of the given type, in text. */
static int from_base64(struct region_parts *p, const struct pval *v, const char *what,
                       int64_t rows, enum dtype dtype, struct tensor *out, struct vs_err *err)
{
    if (rows < 1 || rows > REGIONS_MAX)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is base64, but 'num_boxes' does not say of how "
                       "many regions", p->path, what);
    size_t room = BASE64_ROOM(v->len);
    uint8_t *raw = p->owned_count < PARTS_OWNED ? vs_try_calloc(room, 1) : NULL;
    if (!raw)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for '%s'", p->path, what);
    p->owned[p->owned_count++] = raw;
    int64_t n = base64_decode((const char *)v->bytes, v->len, raw, room);
    int64_t row = rows * (int64_t)dtype_size(dtype);
    if (n < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is neither an array nor base64 of one", p->path,
                       what);
    if (n == 0 || n % row != 0)
        return vs_fail(err, VS_E_FORMAT, "%s: num_boxes is %" PRId64 ", but '%s' has %" PRId64
                       " bytes of base64", p->path, rows, what, n);
    *out = (struct tensor){.name = "", .raw_name = "", .dtype = dtype, .ndim = 2, .data = raw,
                           .shape = {rows, n / row}};
    shape_strides(2, out->shape, out->stride);
    return 0;
}

/* The array under one of its names; *out is left as it is when there is none. */
static int get_array(struct region_parts *p, const struct pval *dict, const char *const *names,
                     enum dtype of_text, struct tensor *out, struct vs_err *err)
{
    const struct pval *v = any_of(dict, names);
    if (!v)
        return 0;
    if (!parts_is_text(v))
        return view_of(p, v, names[0], out, err);
    int rc = from_base64(p, v, names[0], parts_number_of(p, dict, parts_rows), of_text, out, err);
    if (rc == 0)
        p->rows = out->shape[0];
    return rc;
}

/* What is not needed is passed over when it is not as expected. */
static void get_extra(const struct region_parts *p, const struct pval *dict,
                      const char *const *names, struct tensor *out)
{
    const struct pval *v = any_of(dict, names);
    if (!v || parts_is_text(v) || view_of(p, v, names[0], out, NULL) != 0)
        *out = (struct tensor){0};
}

static char *get_id(const struct pval *dict)
{
    static const char *const names[] = {"image_id", "img_id", NULL};
    const struct pval *v = any_of(dict, names);
    int64_t x;
    if (v && parts_is_text(v) && v->len < 4096)
        return xstrndup((const char *)v->bytes, v->len);
    return v && ndarray_integer(v, &x) ? xasprintf("%" PRId64, x) : NULL;
}

int parts_add_dict(struct region_parts *p, const struct pval *dict, struct vs_err *err)
{
    if (dict->kind != PK_DICT)
        return vs_fail(err, VS_E_FORMAT, "%s: holds no dictionary with the regions of an image",
                       p->path);
    int rc = p->features.ndim >= 0
                 ? 0
                 : get_array(p, dict, parts_features, DTYPE_F32, &p->features, err);
    if (rc == 0 && p->boxes.ndim < 0)
        rc = get_array(p, dict, parts_boxes, DTYPE_F32, &p->boxes, err);
    if (rc != 0)
        return rc;
    get_extra(p, dict, parts_prob, &p->prob);
    get_extra(p, dict, parts_objects, &p->objects);
    get_extra(p, dict, parts_conf, &p->conf);
    p->width = p->width < 0 ? parts_number_of(p, dict, parts_width) : p->width;
    p->height = p->height < 0 ? parts_number_of(p, dict, parts_height) : p->height;
    p->added = p->added < 0 ? parts_number_of(p, dict, parts_added) : p->added;
    p->id = p->id ? p->id : get_id(dict);
    return 0;
}

/* ---- classes */

/* The first rows of an array that has at least so many. */
static bool first_rows(struct tensor *t, int64_t rows)
{
    if (!t->data || t->ndim < 1 || t->shape[0] < rows)
        return false;
    t->shape[0] = rows;
    return true;
}

/* Class numbers, one for each region; NULL when there are none. The reference writes 'objects' with
 * one entry less: that is passed over. */
static int64_t *get_objects(struct region_parts *p, const struct regions *r)
{
    if (!first_rows(&p->objects, r->count) || p->objects.ndim != 1)
        return NULL;
    int64_t *list = xcalloc((size_t)r->count + 1, sizeof *list);
    tensor_to_i64(&p->objects, list);
    return list;
}

static bool same_classes(const struct regions *r, const int64_t *objects)
{
    for (int i = 0; i < r->count; i++)
        if (r->classes[i] != objects[i])
            return false;
    return true;
}

/* The detector's own scripts store 1601 columns with the background first, MMF stores 1600; of
 * other numbers the class numbers beside them tell. */
static void set_classes(struct regions *r, const float *prob, int columns, const int64_t *objects)
{
    regions_set_classes(r, prob, columns, columns % 100 == 1 ? 1 : 0);
    if (objects && columns % 100 != 1 && !same_classes(r, objects)) {
        regions_set_classes(r, prob, columns, 1);
        if (!same_classes(r, objects))
            regions_set_classes(r, prob, columns, 0);
    }
}

static void parts_take_objects(struct region_parts *p, struct regions *r, const int64_t *objects)
{
    r->classes = xcalloc((size_t)r->count, sizeof *r->classes);
    for (int i = 0; i < r->count; i++)
        r->classes[i] = objects[i] < 0 || objects[i] > INT32_MAX ? -1 : (int)objects[i];
    if (!first_rows(&p->conf, r->count) || p->conf.ndim != 1)
        return;
    r->conf = xcalloc((size_t)r->count, sizeof *r->conf);
    tensor_to_f32(&p->conf, r->conf);
}

/* Optional: probabilities per class, or class numbers. */
static void get_classes(struct region_parts *p, struct regions *r)
{
    struct tensor *t = &p->prob;
    int64_t *objects = get_objects(p, r);
    if (first_rows(t, r->count) && t->ndim == 2 && t->shape[1] > 1 && t->shape[1] < 1000000) {
        float *prob = vs_try_calloc((size_t)tensor_elements(t) + 1, sizeof *prob);
        if (prob) {
            tensor_to_f32(t, prob);
            set_classes(r, prob, (int)t->shape[1], objects);
        }
        free(prob);
    } else if (objects) {
        parts_take_objects(p, r, objects);
    }
    free(objects);
}

/* ---- checking */

#define AS_IS_COLUMNS 2048 /* what the reference makes of an array of any shape */

/* The number of rows; columns 0 takes what the array has. */
static int parts_count_rows(const struct region_parts *p, const struct tensor *t, const char *what,
                            int64_t *columns, int64_t *rows, struct vs_err *err)
{
    if (t->ndim < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: no '%s': not the regions of an image", p->path, what);
    int64_t n = tensor_elements(t);
    if (*columns == 0 && t->ndim == 2)
        *columns = t->shape[1];
    else if (*columns == 0 && p->as_is)
        *columns = AS_IS_COLUMNS;
    if (*columns < 1 || n % *columns != 0 || n / *columns > REGIONS_MAX ||
        (p->rows >= 0 && (t->ndim != 2 || t->shape[1] != *columns)))
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is not an array of regions (%" PRId64
                       " numbers)", p->path, what, n);
    *rows = n / *columns;
    return 0;
}

static int parts_check_rows(struct region_parts *p, int64_t *rows, int64_t *dim, struct vs_err *err)
{
    int64_t four = 4, boxes = 0;
    int rc = parts_count_rows(p, &p->features, "features", dim, rows, err);
    if (rc == 0)
        rc = parts_count_rows(p, &p->boxes, "bbox", &four, &boxes, err);
    if (rc != 0)
        return rc;
    if (p->rows > *rows || p->rows > boxes)
        return vs_fail(err, VS_E_FORMAT, "%s: num_boxes is %" PRId64 ", but there are %" PRId64
                       " boxes and %" PRId64 " rows of features", p->path, p->rows, boxes, *rows);
    if (p->as_is && p->boxes.ndim == 2 && boxes > *rows) /* the first ones */
        boxes = p->boxes.shape[0] = *rows;
    if (p->rows < 0 && boxes != *rows)
        return vs_fail(err, VS_E_FORMAT, "%s: %" PRId64 " boxes, but %" PRId64 " rows of features",
                       p->path, boxes, *rows);
    if (p->rows >= 0)
        *rows = p->features.shape[0] = p->boxes.shape[0] = p->rows;
    return 0;
}

static int parts_check_size(const struct region_parts *p, struct vs_err *err)
{
    if (p->width < 0 || p->height < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: no '%s' (or '%s'): the boxes cannot be placed",
                       p->path, p->width < 0 ? "image_width" : "image_height",
                       p->width < 0 ? "image_w" : "image_h");
    return 0;
}

static int parts_size_of(int64_t x)
{
    return x > INT32_MAX ? 0 : (int)x;
}

/* An image that is a batch of one: (1, rows, columns), where without it there are ndim. */
static void parts_drop_batch(struct tensor *t, int ndim)
{
    while (t->ndim > ndim && t->shape[0] == 1) {
        t->ndim--;
        memmove(t->shape, t->shape + 1, (size_t)t->ndim * sizeof *t->shape);
        memmove(t->stride, t->stride + 1, (size_t)t->ndim * sizeof *t->stride);
    }
}

int parts_make(struct region_parts *p, struct regions **out, struct vs_err *err)
{
    int64_t rows = 0, dim = 0;
    parts_drop_batch(&p->features, 2);
    parts_drop_batch(&p->boxes, 2);
    parts_drop_batch(&p->prob, 2);
    parts_drop_batch(&p->objects, 1);
    parts_drop_batch(&p->conf, 1);
    int rc = parts_check_rows(p, &rows, &dim, err);
    if (rc == 0)
        rc = parts_check_size(p, err);
    if (rc != 0)
        return rc;
    struct regions *r = regions_new(rows, dim, p->path, err);
    if (!r)
        return VS_E_LIMIT;
    r->width = parts_size_of(p->width);
    r->height = parts_size_of(p->height);
    r->image_id = p->id;
    p->id = NULL;
    tensor_to_f32(&p->boxes, r->boxes);
    tensor_to_f32(&p->features, r->features);
    get_classes(p, r);
    rc = p->as_is ? regions_check_numbers(r, p->path, err)
                  : regions_check(r, parts_size_of(p->added), p->path, err);
    if (rc == 0)
        *out = r;
    else
        regions_free(r);
    return rc;
}
