/* SPDX-License-Identifier: MIT */
/* What a file holds, as JSON: which kind it is, by its content, and what its reader finds. */
#include "src/cmd/cmd_inspect.h"

#include "src/formats/gunzip.h"
#include "src/formats/image.h"
#include "src/formats/image_priv.h"
#include "src/formats/labels.h"
#include "src/formats/lmdb.h"
#include "src/formats/npy.h"
#include "src/formats/regions.h"
#include "src/formats/regions_priv.h"
#include "src/formats/savedparts.h"
#include "src/formats/setname.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/engine/modeldir.h"
#include "src/model/family.h"
#include "src/task/task.h"
#include "src/text/tokenizer.h"
#include "src/vision/detector.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names in files may be no UTF-8. */
static json_t *text_value(const char *s, size_t len)
{
    json_t *v = json_stringn(s, len);
    if (v)
        return v;
    char *copy = xstrndup(s, len);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    v = json_string(copy);
    free(copy);
    return v;
}

void inspect_set(struct report *r, const char *key, json_t *v)
{
    json_object_set_new(r->root, key, v);
}

static json_t *shape_value(const struct tensor *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->ndim; i++)
        json_array_append_new(list, json_integer(t->shape[i]));
    return list;
}

/* ---- the kinds of files */

static int by_storage(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int count_storages(const struct tensorfile *f)
{
    int n = tensorfile_count(f), distinct = 0;
    uint64_t *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = tensorfile_at(f, i)->storage;
    vs_sort(list, (size_t)n, sizeof *list, by_storage);
    for (int i = 0; i < n; i++)
        distinct += i == 0 || list[i] != list[i - 1];
    free(list);
    return distinct;
}

/* Names of the tasks that heads answer, or of those that they do not. */
static json_t *inspect_tasks(unsigned heads, bool answered)
{
    struct buf all = {0};
    for (int i = 0; i < task_count; i++) {
        unsigned head = task_head(&task_table[i], heads);
        if ((head != 0) == answered)
            buf_printf(&all, "%s%s%s", all.len ? ", " : "", task_table[i].name,
                       head & ~task_table[i].head ? " (zero-shot)" : "");
    }
    json_t *v = json_string(all.len ? all.data : "none");
    buf_fini(&all);
    return v;
}

/* Which kind of model or detector it is, if its tensors have the names of one. */
static void inspect_model(struct report *r, const struct tensorfile *f)
{
    const struct family *family = family_of(f);
    struct net_about about;
    struct detector_about detector;
    if (detector_owns(f, &detector)) {
        inspect_set(r, "detector", json_string("Faster R-CNN with a feature pyramid"));
        inspect_set(r, "features", json_integer(detector.features));
        inspect_set(r, "classes", json_sprintf("%d and the background", detector.classes - 1));
    }
    if (family_is_volta(f))
        inspect_set(r, "model", json_string("VOLTA (not supported)"));
    if (family_is_volta(f) || !family->owns(f))
        return;
    family->about(f, &about);
    inspect_set(r, "model", json_string(about.kind));
    inspect_set(r, "trained_for", json_string(about.stage));
    if (about.answers)
        inspect_set(r, "answers", json_integer(about.answers));
    if (about.region_numbers) {
        enum region_target target = target_of(about.region_numbers, about.features, -1);
        inspect_set(r, "masked_regions", json_sprintf("%d numbers: %s", about.region_numbers,
                                                      target_name(target)));
    }
    inspect_set(r, "tasks", inspect_tasks(about.heads, true));
    inspect_set(r, "tasks_without_head", inspect_tasks(about.heads, false));
}

/* "the same best answer to 287 of 288 queries, logits off by 0.37 at most (coco), 2 could not be
 * asked", of what convert measured; NULL: it has not. */
static char *inspect_errors(const struct tensorfile *f, const char *key)
{
    char *text = safetensors_metadata(f, key);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL, *task;
    const char *name, *where = NULL;
    double asked = 0, same = 0, most = -1;
    double failed = json_number_value(json_object_get(root, "failed"));
    json_object_foreach (json_object_get(root, "tasks"), name, task) {
        json_t *x = json_object_get(json_object_get(task, "logit"), "largest");
        asked += json_number_value(json_object_get(task, "asked"));
        same += json_number_value(json_object_get(task, "same_answer"));
        if (x && json_number_value(x) > most) {
            where = name;
            most = json_number_value(x);
        }
    }
    struct buf said = {0};
    if (asked > 0)
        buf_printf(&said, "the same best answer to %.0f of %.0f queries", same, asked);
    if (asked > 0 && where)
        buf_printf(&said, ", logits off by %.2g at most (%s)", most, where);
    if (asked > 0 && failed > 0)
        buf_printf(&said, ", %.0f could not be asked", failed);
    json_decref(root);
    free(text);
    return said.len ? buf_steal(&said) : NULL;
}

static void set_owned(struct report *r, const char *key, char *text)
{
    if (text)
        inspect_set(r, key, text_value(text, strlen(text)));
    free(text);
}

/* What convert keeps of what it writes. */
static void inspect_made(struct report *r, const struct tensorfile *f)
{
    set_owned(r, "made_of", safetensors_metadata(f, "made_of"));
    set_owned(r, "measured", inspect_errors(f, "output_errors"));
    set_owned(r, "measured_in_int8", inspect_errors(f, "output_errors_int8"));
}

static int report_checkpoint(struct report *r)
{
    struct tensorfile *f = NULL;
    int rc = tensorfile_open(r->path, &f, r->err);
    if (rc != 0)
        return rc;
    json_t *list = json_array();
    double elements = 0; /* expanded views may claim more than 64 bits hold */
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        elements += (double)tensor_elements(t);
        json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "name",
                                              text_value(t->name, strlen(t->name)), "dtype",
                                              dtype_name(t->dtype), "shape", shape_value(t)));
    }
    inspect_set(r, "kind", json_string("checkpoint"));
    inspect_set(r, "format", json_string(tensorfile_format(f)));
    inspect_set(r, "bytes", json_integer((json_int_t)tensorfile_bytes(f)));
    inspect_set(r, "tensor_count", json_integer(tensorfile_count(f)));
    inspect_set(r, "storage_count", json_integer(count_storages(f)));
    inspect_set(r, "element_count", elements < 9e15 ? json_integer((json_int_t)elements)
                                                    : json_real(elements));
    if (tensorfile_sets(f))
        inspect_set(r, "weights", text_value(tensorfile_sets(f), strlen(tensorfile_sets(f))));
    if (tensorfile_objects(f))
        inspect_set(r, "objects_not_made",
                    text_value(tensorfile_objects(f), strlen(tensorfile_objects(f))));
    if (tensorfile_odd_count(f))
        inspect_set(r, "tensors_of_other_types", json_integer(tensorfile_odd_count(f)));
    inspect_made(r, f);
    inspect_model(r, f);
    inspect_set(r, "tensors", list);
    tensorfile_close(f);
    return 0;
}

static int report_labels(struct report *r)
{
    struct labels *l = NULL;
    int rc = labels_open(r->path, &l, r->err);
    if (rc != 0)
        return rc;
    json_t *list = json_array();
    for (int i = 0; i < l->count; i++)
        json_array_append_new(list, text_value(l->names[i], strlen(l->names[i])));
    inspect_set(r, "kind", json_string("labels"));
    inspect_set(r, "format", json_string(labels_format(l)));
    inspect_set(r, "label_count", json_integer(l->count));
    inspect_set(r, "labels", list);
    labels_free(l);
    return 0;
}

static int report_vocabulary(struct report *r)
{
    struct tokenizer *t = NULL;
    int rc = tokenizer_open(r->path, &t, r->err);
    if (rc != 0)
        return rc;
    inspect_set(r, "kind", json_string("vocabulary"));
    inspect_set(r, "format", json_string("text"));
    inspect_set(r, "word_count", json_integer(tokenizer_size(t)));
    tokenizer_free(t);
    return 0;
}

static int report_image(struct report *r)
{
    struct image *im = NULL;
    int rc = image_open(r->path, &im, r->err);
    if (rc != 0)
        return rc;
    inspect_set(r, "kind", json_string("image"));
    inspect_set(r, "width", json_integer(im->width));
    inspect_set(r, "height", json_integer(im->height));
    inspect_set(r, "orientation", json_integer(im->orientation));
    inspect_set(r, "digest", json_string(im->digest));
    image_free(im);
    return 0;
}

/* Regions of one image. The published model reads 2048 numbers a region: other features are shown,
 * but said to be none for it. */
static int report_regions(struct report *r, const struct regions *g, const char *format)
{
    json_t *boxes = json_array();
    for (int i = 0; i < g->count; i++) {
        const float *b = g->boxes + 4 * i;
        json_t *box = json_pack("{s:[f,f,f,f]}", "box", b[0], b[1], b[2], b[3]);
        if (g->classes)
            json_object_set_new(box, "class", json_integer(g->classes[i]));
        if (g->conf)
            json_object_set_new(box, "confidence", json_real(g->conf[i]));
        json_array_append_new(boxes, box);
    }
    inspect_set(r, "kind", json_string("regions"));
    inspect_set(r, "format", json_string(format));
    if (g->image_id)
        inspect_set(r, "image_id", text_value(g->image_id, strlen(g->image_id)));
    inspect_set(r, "image_width", json_integer(g->width));
    inspect_set(r, "image_height", json_integer(g->height));
    inspect_set(r, "region_count", json_integer(g->count));
    inspect_set(r, "feature_size", json_integer(g->dim));
    inspect_set(r, "digest", json_string(g->digest));
    if (g->note)
        inspect_set(r, "note", text_value(g->note, strlen(g->note)));
    inspect_set(r, "regions", boxes);
    return 0;
}

static int report_one_entry(struct report *r, const char *key, const char *format)
{
    struct regions *g = NULL;
    int rc = regions_open(r->path, key, &g, r->err);
    if (rc == 0)
        rc = report_regions(r, g, format);
    regions_free(g);
    return rc;
}

static int report_npy(struct report *r)
{
    struct bytes map;
    struct npy n;
    int rc = gunzip_open(r->path, &map, r->err);
    if (rc == 0)
        rc = npy_read(map, &n, r->err);
    if (rc != 0)
        return rc;
    if (!n.object && !regions_are_pair(r->path)) {
        inspect_set(r, "kind", json_string("array"));
        inspect_set(r, "format", json_string("npy"));
        inspect_set(r, "dtype", json_string(dtype_name(n.array.dtype)));
        inspect_set(r, "shape", shape_value(&n.array));
        npy_close(&n);
        return 0;
    }
    npy_close(&n);
    return report_one_entry(r, NULL, "npy");
}

static bool add_key(void *arg, const uint8_t *key, size_t len, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    if (len != 4 || memcmp(key, "keys", 4) != 0)
        json_array_append_new(arg, text_value((const char *)key, len));
    return true;
}

static bool add_id(void *arg, const char *id, size_t len, struct tsv_place at)
{
    (void)at;
    json_array_append_new(arg, text_value(id, len));
    return true;
}

static int report_lmdb(struct report *r)
{
    struct lmdb l;
    if (r->key)
        return report_one_entry(r, r->key, "LMDB");
    int rc = lmdb_open(r->path, &l, r->err);
    if (rc != 0)
        return rc;
    json_t *keys = json_array();
    rc = bytes_check(&l.map, lmdb_each(&l, add_key, keys, r->err), r->err);
    inspect_set(r, "kind", json_string("region database"));
    inspect_set(r, "format", json_string("LMDB"));
    inspect_set(r, "bytes", json_integer((json_int_t)l.map.size));
    inspect_set(r, "depth", json_integer(l.depth));
    inspect_set(r, "entry_count", json_integer((json_int_t)l.entries));
    inspect_set(r, "image_count", json_integer((json_int_t)json_array_size(keys)));
    inspect_set(r, "images", keys);
    lmdb_close(&l);
    return rc;
}

static bool inspect_want(void *arg, const char *key)
{
    (void)arg;
    (void)key;
    return true;
}

static int inspect_take(void *arg, const char *key, struct regions *g, const struct vs_err *why,
                        struct vs_err *err)
{
    bool read = g != NULL;
    (void)arg;
    (void)key;
    regions_free(g);
    return read ? 0 : vs_fail(err, why->code, "%s", why->text);
}

/* Every line is read, so that a damaged one is found. */
static int report_tsv(struct report *r)
{
    struct bytes map;
    if (r->key)
        return report_one_entry(r, r->key, "TSV");
    int rc = gunzip_open(r->path, &map, r->err);
    if (rc != 0)
        return rc;
    json_t *ids = json_array();
    tsv_each(&map, add_id, ids);
    bytes_close(&map);
    inspect_set(r, "kind", json_string("region database"));
    inspect_set(r, "format", json_string("TSV"));
    inspect_set(r, "image_count", json_integer((json_int_t)json_array_size(ids)));
    inspect_set(r, "images", ids);
    const struct region_sink sink = {inspect_want, inspect_take, NULL};
    return regions_each(r->path, &sink, r->err);
}

/* ---- which kind it is */

static bool inspect_has_line(const struct bytes *map, const char *line)
{
    size_t n = strlen(line);
    for (const uint8_t *p = map->data, *end = p ? p + map->size : p; p && (size_t)(end - p) >= n;) {
        if (memcmp(p, line, n) == 0 && ((size_t)(end - p) == n || p[n] == '\n' || p[n] == '\r'))
            return true;
        p = memchr(p, '\n', (size_t)(end - p));
        p = p ? p + 1 : NULL;
    }
    return false;
}

static bool inspect_is_picture(const struct bytes *map)
{
    enum image_kind kind;
    return image_sniff(map->data, map->size, &kind);
}

static int report_format(struct report *r, const struct region_format *f)
{
    switch (f->shows) {
    case SHOWS_REGIONS: return report_one_entry(r, r->key, f->name);
    case SHOWS_ARRAY: return report_npy(r);
    case SHOWS_TENSORS: return report_checkpoint(r);
    case SHOWS_DATABASE: return report_lmdb(r);
    case SHOWS_LINES: break;
    }
    return report_tsv(r);
}

static int report_by_content(struct report *r, const struct bytes *map)
{
    const uint8_t *d = map->data;
    size_t n = map->size;
    int rc;
    if (n == 0)
        return vs_fail(r->err, VS_E_FORMAT, "%s: the file is empty", r->path);
    const struct region_format *f = regions_format(r->path, map);
    bool array = f && f->shows == SHOWS_ARRAY;
    if (!array && inspect_is_picture(map))
        return report_image(r);
    if (f && f->shows != SHOWS_LINES)
        return report_format(r, f);
    /* A PyTorch file begins with a long number as a pickle of its own, a label list does not. */
    if (memcmp(d, "PK", n < 2 ? n : 2) == 0 || torch_legacy_recognise(map) ||
        sharded_recognise(d, n) || ends_in(r->path + 1, ".safetensors"))
        return report_checkpoint(r);
    if (inspect_configuration(r, map, &rc))
        return rc;
    if (inspect_has_line(map, "[CLS]"))
        return report_vocabulary(r);
    if (f)
        return report_format(r, f);
    return report_labels(r);
}

/* A database of regions, or a folder of something else. */
static int report_folder_lmdb(struct report *r)
{
    char *data = xasprintf("%s/data.mdb", r->path);
    bool there = access(data, F_OK) == 0;
    free(data);
    if (savedparts_refuse(r->path, r->err) != 0)
        return r->err->code;
    return there ? report_lmdb(r)
                 : vs_fail(r->err, VS_E_FORMAT, "%s: is a folder, and neither an LMDB (data.mdb) "
                           "nor a saved model: name files in it", r->path);
}

/* Regions, or a model as transformers saves it. */
static int report_folder(struct report *r)
{
    char *weights = savedparts_weights(r->path);
    if (!weights)
        return report_folder_lmdb(r);
    const char *folder = r->path;
    r->path = weights;
    int rc = report_checkpoint(r);
    r->path = folder;
    free(weights);
    return rc;
}

static int inspect_file(struct report *r)
{
    struct stat st;
    struct bytes map;
    const char *set;
    if (setname_split(r->path, &set) && set)
        return report_checkpoint(r);
    if (stat(r->path, &st) == 0 && S_ISDIR(st.st_mode))
        return report_folder(r);
    int rc = savedparts_refuse(r->path, r->err);
    if (rc == 0)
        rc = gunzip_open(r->path, &map, r->err);
    if (rc == 0) {
        rc = bytes_check(&map, report_by_content(r, &map), r->err);
        bytes_close(&map);
    }
    return rc;
}

int inspect_report(const char *path, const char *key, json_t **out, struct vs_err *err)
{
    struct report r = {.path = path, .key = key, .root = json_object(), .err = err};
    inspect_set(&r, "path", text_value(path, strlen(path)));
    int rc = inspect_file(&r);
    if (rc == 0)
        *out = r.root;
    else
        json_decref(r.root);
    return rc;
}
