/* SPDX-License-Identifier: MIT */
/* Writing regions: the reference's .npy and LMDB values, which are pickled dictionaries, and
 * safetensors.
 *
 * Source: script/extract_features.py and script/convert_to_lmdb.py of the reference for the
 * members; Python's pickletools for protocol 3; numpy's ndarray.__reduce__ for arrays. */
#include "src/formats/regionparts.h"

#include "src/formats/boxcheck.h"
#include "src/formats/byteorder.h"
#include "src/formats/npy.h"
#include "src/formats/outfile.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- pickling */

static void put_int(struct buf *b, int64_t x)
{
    uint32_t u = (uint32_t)x;
    uint8_t bytes[5] = {'J', (uint8_t)u, (uint8_t)(u >> 8), (uint8_t)(u >> 16), (uint8_t)(u >> 24)};
    buf_add(b, bytes, sizeof bytes);
}

static void put_sized(struct buf *b, char op, const void *data, size_t n)
{
    put_int(b, (int64_t)n); /* the same four bytes after another opcode */
    b->data[b->len - 5] = op;
    buf_add(b, data, n);
}

static void regions_put_text(struct buf *b, const char *s)
{
    put_sized(b, 'X', s, strlen(s));
}

/* numpy.dtype(name, False, True) with the state that numpy itself writes. */
static void put_dtype(struct buf *b, const char *name, const char *order, int flags)
{
    buf_puts(b, "cnumpy\ndtype\n(");
    regions_put_text(b, name);
    buf_puts(b, "\x89\x88tR(");
    put_int(b, 3);
    regions_put_text(b, order);
    buf_puts(b, "NNN");
    put_int(b, -1);
    put_int(b, -1);
    put_int(b, flags);
    buf_puts(b, "tb");
}

/* An empty ndarray and the beginning of its state: version and shape. */
static void begin_array(struct buf *b, int ndim, const int64_t *shape)
{
    buf_puts(b, "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(");
    put_int(b, 0);
    buf_puts(b, "tC\x01" "btR(");
    put_int(b, 1);
    buf_putc(b, '(');
    for (int i = 0; i < ndim; i++)
        put_int(b, shape[i]);
    buf_putc(b, 't');
}

static void put_array(struct buf *b, const char *dtype, size_t item, int rows, int columns,
                      const void *data)
{
    int64_t shape[2] = {rows, columns};
    size_t n = (size_t)rows * (columns ? (size_t)columns : 1);
    begin_array(b, columns ? 2 : 1, shape);
    put_dtype(b, dtype, "<", 0);
    buf_putc(b, '\x89');
    put_sized(b, 'B', data, n * item);
    char *written = b->data + b->len - n * item;
    le_copy(written, written, n, item);
    buf_puts(b, "tb");
}

static void put_objects(struct buf *b, const struct regions *r)
{
    int64_t *list = xcalloc((size_t)r->count + 1, sizeof *list);
    for (int i = 0; i < r->count; i++)
        list[i] = r->classes[i];
    put_array(b, "i8", sizeof *list, r->count, 0, list);
    free(list);
}

/* Both kinds of dictionaries have these; names of box, width and height differ. */
static void put_dictionary(struct buf *b, const struct regions *r, const char *boxes,
                           const char *width, const char *height, bool features)
{
    buf_puts(b, "}(");
    regions_put_text(b, boxes);
    put_array(b, "f4", sizeof(float), r->count, 4, r->boxes);
    regions_put_text(b, "num_boxes");
    put_int(b, r->num_boxes);
    if (r->classes) {
        regions_put_text(b, "objects");
        put_objects(b, r);
    }
    regions_put_text(b, width);
    put_int(b, r->width);
    regions_put_text(b, height);
    put_int(b, r->height);
    int added = boxes_added(r->boxes, r->count, r->width, r->height);
    if (added) {
        regions_put_text(b, REGIONS_ADDED);
        put_int(b, added);
    }
    if (r->prob) {
        regions_put_text(b, "cls_prob");
        put_array(b, "f4", sizeof(float), r->count, r->prob_columns, r->prob);
    }
    regions_put_text(b, "image_id");
    regions_put_text(b, r->image_id ? r->image_id : "");
    if (features) {
        regions_put_text(b, "features");
        put_array(b, "f4", sizeof(float), r->count, r->dim, r->features);
    }
    buf_putc(b, 'u');
}

void *regions_lmdb_value(const struct regions *r, size_t *size)
{
    struct buf b = {0};
    buf_puts(&b, "\x80\x03");
    put_dictionary(&b, r, "boxes", "image_w", "image_h", true);
    buf_putc(&b, '.');
    *size = b.len;
    return buf_steal(&b);
}

/* ---- files */

/* An array of no dimension that holds one object, the dictionary. */
static int write_object(const char *path, const struct regions *r, bool features,
                        struct vs_err *err)
{
    static const char head[] = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
    struct buf b = {0};
    struct outfile o;
    buf_add(&b, "\x93NUMPY\x01\x00\x76\x00", 10);
    buf_puts(&b, head);
    while (b.len < 127)
        buf_putc(&b, ' ');
    buf_putc(&b, '\n');
    buf_puts(&b, "\x80\x03");
    begin_array(&b, 0, NULL);
    put_dtype(&b, "O8", "|", 63);
    buf_puts(&b, "\x89](");
    put_dictionary(&b, r, "bbox", "image_width", "image_height", features);
    buf_puts(&b, "etb.");
    int rc = outfile_open(&o, path, err);
    if (rc == 0) {
        outfile_write(&o, b.data, b.len);
        rc = outfile_close(&o, err);
    }
    buf_fini(&b);
    return rc;
}

int regions_write_npy(const char *path, const struct regions *r, struct vs_err *err)
{
    return write_object(path, r, true, err);
}

/* The boxes first: a pair whose features are there is complete. */
int regions_write_pair(const char *stem, const struct regions *r, struct vs_err *err)
{
    const int64_t shape[2] = {r->count, r->dim};
    char *info = xasprintf("%s_info.npy", stem), *features = xasprintf("%s.npy", stem);
    int rc = write_object(info, r, false, err);
    if (rc == 0)
        rc = npy_write_f32(features, 2, shape, r->features, err);
    free(info);
    free(features);
    return rc;
}

int regions_write_safetensors(const char *path, const struct regions *r, struct vs_err *err)
{
    int64_t n = r->count, *classes = xcalloc((size_t)n + 1, sizeof *classes);
    int64_t size[2] = {r->width, r->height};
    int64_t added[1] = {boxes_added(r->boxes, r->count, r->width, r->height)};
    for (int i = 0; r->classes && i < r->count; i++)
        classes[i] = r->classes[i];
    struct tensor_out list[7] = {{"boxes", DTYPE_F32, 2, {n, 4}, r->boxes},
                                 {"features", DTYPE_F32, 2, {n, r->dim}, r->features},
                                 {"size", DTYPE_I64, 1, {2}, size}};
    int count = 3;
    if (r->classes && r->conf)
        list[count++] = (struct tensor_out){"conf", DTYPE_F32, 1, {n}, r->conf};
    if (r->classes)
        list[count++] = (struct tensor_out){"classes", DTYPE_I64, 1, {n}, classes};
    if (r->prob)
        list[count++] = (struct tensor_out){"cls_prob", DTYPE_F32, 2, {n, r->prob_columns},
                                            r->prob};
    if (added[0])
        list[count++] = (struct tensor_out){REGIONS_ADDED, DTYPE_I64, 1, {1}, added};
    int rc = safetensors_write(path, list, count, err);
    free(classes);
    return rc;
}

/* ---- reading safetensors back */

/* Under our name, or one that others give it (with a NULL behind the last). */
static const struct tensor *regions_find(const struct tensorfile *f, const char *name,
                                         const char *const *others, int64_t elements,
                                         struct vs_err *err)
{
    const struct tensor *t = tensorfile_find(f, name);
    for (; !t && others && *others; others++)
        t = tensorfile_find(f, *others);
    if (!t)
        vs_fail(err, VS_E_FORMAT, "%s: no tensor %s: not the regions of an image",
                tensorfile_path(f), name);
    else if (elements >= 0 && tensor_elements(t) != elements)
        vs_fail(err, VS_E_FORMAT, "%s: %s does not have as many entries as features has rows",
                tensorfile_path(f), name);
    else
        return t;
    return NULL;
}

static void read_classes(const struct tensorfile *f, struct regions *r)
{
    const struct tensor *conf = regions_find(f, "conf", parts_conf, r->count, NULL);
    const struct tensor *classes = regions_find(f, "classes", parts_objects, r->count, NULL);
    if (!classes)
        return;
    int64_t *list = xcalloc((size_t)r->count + 1, sizeof *list);
    r->classes = xcalloc((size_t)r->count + 1, sizeof *r->classes);
    if (conf) { /* a detector's; files of others may have classes alone */
        r->conf = xcalloc((size_t)r->count + 1, sizeof *r->conf);
        tensor_to_f32(conf, r->conf);
    }
    tensor_to_i64(classes, list);
    for (int i = 0; i < r->count; i++)
        r->classes[i] = list[i] < 0 || list[i] > INT32_MAX ? -1 : (int)list[i];
    free(list);
}

/* Of boxes_added(), which few files have. */
static int read_added(const struct tensorfile *f)
{
    const struct tensor *t = tensorfile_find(f, REGIONS_ADDED);
    int64_t x = 0;
    if (t && tensor_elements(t) == 1)
        tensor_to_i64(t, &x);
    return x < 0 || x > INT32_MAX ? 0 : (int)x;
}

/* Says that a side is missing, by the name that belongs to that of the side that is there. */
static void name_other_side(const struct tensorfile *f, const char *const *there,
                            const char *const *missing, struct vs_err *err)
{
    int i = 0;
    while (there[i + 1] && !tensorfile_find(f, there[i]))
        i++;
    regions_find(f, missing[i], NULL, 1, err);
}

/* Two numbers in one, as we write them, or one in each. */
static int read_sides(const struct tensorfile *f, int64_t sides[2], struct vs_err *err)
{
    const struct tensor *w = regions_find(f, parts_width[0], parts_width, 1, NULL);
    const struct tensor *h = regions_find(f, parts_height[0], parts_height, 1, NULL);
    if (w && h) {
        tensor_to_i64(w, &sides[0]);
        tensor_to_i64(h, &sides[1]);
        return 0;
    }
    const struct tensor *size = regions_find(f, "size", NULL, 2, err);
    if (size)
        tensor_to_i64(size, sides);
    else if (w || h)
        name_other_side(f, w ? parts_width : parts_height, w ? parts_height : parts_width, err);
    return size ? 0 : VS_E_FORMAT;
}

static int read_tensors(const struct tensorfile *f, struct regions **out, struct vs_err *err)
{
    const struct tensor *features = regions_find(f, "features", parts_features, -1, err);
    if (!features)
        return VS_E_FORMAT;
    if (features->ndim != 2 || features->shape[0] > REGIONS_MAX ||
        features->shape[1] > REGIONS_MAX_DIM || features->shape[1] < 1)
        return vs_fail(err, VS_E_FORMAT, "%s: features is not a table of regions",
                       tensorfile_path(f));
    int n = (int)features->shape[0];
    const struct tensor *boxes = regions_find(f, "boxes", parts_boxes, 4 * (int64_t)n, err);
    int64_t sides[2] = {0, 0};
    if (!boxes || read_sides(f, sides, err) != 0)
        return VS_E_FORMAT;
    struct regions *r = regions_new(n, features->shape[1], tensorfile_path(f), err);
    if (!r)
        return VS_E_LIMIT;
    tensor_to_f32(boxes, r->boxes);
    tensor_to_f32(features, r->features);
    r->width = sides[0] < 0 || sides[0] > INT32_MAX ? 0 : (int)sides[0];
    r->height = sides[1] < 0 || sides[1] > INT32_MAX ? 0 : (int)sides[1];
    read_classes(f, r);
    *out = r;
    return 0;
}

int regions_from_safetensors(const char *path, struct regions **out, struct vs_err *err)
{
    struct tensorfile *f = NULL;
    struct regions *r = NULL;
    int rc = tensorfile_open(path, &f, err);
    if (rc == 0)
        rc = tensorfile_check(f, read_tensors(f, &r, err), err);
    if (rc == 0)
        rc = regions_check(r, read_added(f), path, err);
    tensorfile_close(f);
    if (rc == 0)
        *out = r;
    else
        regions_free(r);
    return rc;
}
