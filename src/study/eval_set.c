/* SPDX-License-Identifier: MIT */
/* Reading a set of items: JSON lines of our own, or the annotations of a data set. */
#include "src/study/eval_priv.h"

#include "src/formats/gunzip.h"
#include "src/formats/labels.h"
#include "src/base/mem.h"
#include "src/task/answers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reader {
    const char *path;
    char *folder; /* images are relative to it */
    struct eval_set *set;
    bool optional;
    struct vs_err *err;
};

static int bad(const struct reader *r, const char *what)
{
    return vs_fail(r->err, VS_E_FORMAT, "%s", what);
}

static bool read_box(const json_t *v, float box[4])
{
    if (json_array_size(v) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(v, i)))
            return false;
        box[i] = (float)json_number_value(json_array_get(v, i));
    }
    return box[0] <= box[2] && box[1] <= box[3];
}

static int read_images(const struct reader *r, const json_t *list, struct eval_item *it)
{
    size_t n = json_array_size(list);
    if (n < (size_t)it->task->min_images || n > (size_t)it->task->max_images)
        return bad(r, "\"images\" is not a list of as many images as the task takes");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return bad(r, "\"images\" has something that is not a path");
        eval_add_image(it, name[0] == '/' ? xstrdup(name) : xasprintf("%s%s", r->folder, name));
    }
    return 0;
}

static int bad_class(const struct reader *r, const struct reading *how, const char *label,
                     bool one)
{
    struct buf b = {0};
    for (int i = 0; i < how->class_count; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : i == how->class_count - 1 ? " or " : ", ",
                   how->classes[i]);
    int rc = vs_fail(r->err, VS_E_FORMAT, "%s '%s': expected %s",
                     one ? "\"answer\" is" : "\"answers\" has", label, b.data);
    buf_fini(&b);
    return rc;
}

/* Of a few answers that are always the same a mistyped one would count as never given. */
static int check_classes(const struct reader *r, const struct eval_item *it, bool one)
{
    const struct reading *how = it->task->reading;
    bool any = false; /* of them is known, be it worth nothing */
    for (int i = 0; i < it->label_count; i++) {
        bool known = how->class_count == 0;
        for (int k = 0; k < how->class_count; k++)
            known |= answers_equal(it->task, it->labels[i], how->classes[k]);
        if (!known && it->worths[i] > 0)
            return bad_class(r, how, it->labels[i], one);
        any |= known;
    }
    return any ? 0 : bad_class(r, how, it->labels[0], one);
}

static int read_answers(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const json_t *one = json_object_get(v, "answer"), *many = json_object_get(v, "answers");
    const char *label;
    json_t *worth;
    if (json_is_string(one))
        eval_add_label(it, json_string_value(one), 1);
    json_object_foreach((json_t *)(uintptr_t)many, label, worth) {
        if (!json_is_number(worth) || json_number_value(worth) < 0 || json_number_value(worth) > 1)
            return bad(r, "\"answers\" is not an object of answers and what each is worth, 0 to 1");
        eval_add_label(it, label, json_number_value(worth));
    }
    return it->label_count ? check_classes(r, it, json_is_string(one))
                           : bad(r, "no \"answer\" and no \"answers\"");
}

/* False: a list of 1 to 1000 boxes it is not. */
static bool read_boxes(const json_t *list, struct box_list *out)
{
    size_t n = json_array_size(list);
    if (n < 1 || n > 1000)
        return false;
    out->boxes = xcalloc(n, 4 * sizeof(float));
    out->count = (int)n;
    for (size_t i = 0; i < n; i++)
        if (!read_box(json_array_get(list, i), out->boxes + 4 * i))
            return false;
    return true;
}

static int read_candidates(const struct reader *r, const json_t *v, struct eval_item *it)
{
    return read_boxes(json_object_get(v, "candidates"), &it->candidates)
               ? 0 : bad(r, "no \"candidates\", a list of boxes x1 y1 x2 y2");
}

/* Where answers are chosen: what they are about, which need not be said. */
static int read_evidence(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const json_t *one = json_object_get(v, "box"), *list = json_object_get(v, "boxes");
    if (it->task->reading->ranked != RANKED_LABELS || it->image_count != 1 || (!one && !list))
        return 0;
    if (list)
        return read_boxes(list, &it->evidence)
                   ? 0 : bad(r, "\"boxes\" is not a list of boxes x1 y1 x2 y2");
    it->evidence.boxes = xcalloc(4, sizeof(float));
    it->evidence.count = 1;
    return read_box(one, it->evidence.boxes) ? 0 : bad(r, "\"box\" is not a box x1 y1 x2 y2");
}

static int read_number(const struct reader *r, const json_t *v, int below, struct eval_item *it)
{
    const json_t *n = json_object_get(v, "answer");
    if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) >= below)
        return bad(r, "\"answer\" is not the number of a candidate or image, from 0");
    it->number = (int)json_integer_value(n);
    return 0;
}

static int read_foils(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const json_t *list = json_object_get(v, "foils");
    size_t n = json_array_size(list);
    if (n < 1 || n > 1000 || it->image_count > 2 || (it->image_count == 2 && n != 1))
        return bad(r, "\"foils\" is not a list of texts: of one image any, of two one");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !text[0])
            return bad(r, "\"foils\" has something that is no text");
        eval_add_foil(it, text);
    }
    return 0;
}

static bool says_what_is_right(const json_t *v)
{
    return json_object_get(v, "answer") || json_object_get(v, "answers") ||
           json_object_get(v, "box") || json_object_get(v, "foils");
}

static int read_truth(const struct reader *r, const json_t *v, struct eval_item *it)
{
    int rc;
    if (r->optional && !says_what_is_right(v))
        return json_object_get(v, "candidates") ? read_candidates(r, v, it) : 0;
    switch (it->task->reading->ranked) {
    case RANKED_IMAGES:
        if (json_object_get(v, "foils"))
            return read_foils(r, v, it);
        return read_number(r, v, it->image_count, it);
    case RANKED_REGIONS:
        if (it->task->extra_regions) {
            rc = read_candidates(r, v, it);
            return rc ? rc : read_number(r, v, it->candidates.count, it);
        }
        it->has_box = read_box(json_object_get(v, "box"), it->box);
        return it->has_box ? 0 : bad(r, "no \"box\", x1 y1 x2 y2 in pixels");
    case RANKED_LABELS: break;
    }
    return read_answers(r, v, it);
}

/* It may be of a data set whose first line, by which they are known, is damaged. */
static int bad_task(const struct reader *r, const json_t *v, bool unknown)
{
    struct buf b = {0};
    const char *key;
    json_t *member;
    int n = 0;
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
        if (n++ < 5)
            buf_printf(&b, "%s\"%s\"", b.len ? ", " : "", key);
    int rc;
    if (unknown)
        rc = bad(r, "there is no such \"task\"");
    else if (n == 0 || json_object_get(v, "task"))
        rc = bad(r, "no \"task\"");
    else
        rc = vs_fail(r->err, VS_E_FORMAT, "no \"task\", nor is the first line of another data set: "
                     "it has %s%s", b.data, n > 5 ? ", ..." : "");
    buf_fini(&b);
    return rc;
}

static int take_item(void *arg, int line, const json_t *v)
{
    struct reader *r = arg;
    const char *task = json_string_value(json_object_get(v, "task"));
    const char *text = json_string_value(json_object_get(v, "text"));
    const char *id = json_string_value(json_object_get(v, "id"));
    json_t *slices = json_object_get(v, "slices");
    if (!task || !task_find(task))
        return bad_task(r, v, task != NULL);
    if (!text || !text[0])
        return bad(r, "no \"text\"");
    struct eval_item *it = eval_add(r->set);
    it->task = task_find(task);
    it->text = xstrdup(text);
    it->line = line;
    it->id = xstrdup_null(id);
    if (slices)
        it->fields = json_pack("{s:O}", "slices", slices);
    int rc = read_images(r, json_object_get(v, "images"), it);
    if (rc == 0)
        rc = read_evidence(r, v, it);
    return rc ? rc : read_truth(r, v, it);
}

static int read_set(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                    struct vs_err *err)
{
    const char *slash = strrchr(map->path, '/');
    struct reader r = {.path = map->path, .set = s, .optional = o->optional, .err = err};
    bool known = false;
    int rc = eval_annotations(o, map, s, &known, err);
    if (rc == 0 && !known && o->split)
        rc = vs_fail(err, VS_E_USAGE, "%s: has no splits: leave out --split '%s'", map->path,
                     o->split);
    if (rc != 0 || known)
        return rc;
    r.folder = o->images ? xasprintf("%s/", o->images)
                         : xstrndup(map->path, slash ? (size_t)(slash - map->path) + 1 : 0);
    rc = eval_lines(s, map, take_item, &r, err);
    free(r.folder);
    return rc;
}

/* All but those that are named and stored already. */
static void complete_items(struct eval_set *s)
{
    for (int i = 0; i < s->count; i++) {
        if (!s->items[i].stored)
            eval_name_item(&s->items[i]);
        eval_store_passed(s, i);
    }
    eval_store_items(s);
}

static int open_features(const struct eval_source *o, struct eval_set *s, struct vs_err *err)
{
    int rc = o->regions ? regionstore_open(o->regions, &s->features, err) : 0;
    if (rc == 0 && o->candidates)
        rc = regionstore_open(o->candidates, &s->annotated_features, err);
    return rc;
}

/* Of a folder of files what is asked tells it from others: sha256 over the items. */
static void seal_items(struct eval_set *s)
{
    struct sha256 h;
    sha256_init(&h);
    for (int i = 0; i < s->count; i++) {
        const struct eval_item *it = &s->items[i];
        sha256_add(&h, it->id ? it->id : "", it->id ? strlen(it->id) + 1 : 1);
        sha256_add(&h, it->text, strlen(it->text) + 1);
        sha256_numbers(&h, it->box, 4, sizeof *it->box);
        eval_store_passed(s, i);
    }
    sha256_hex(&h, s->digest);
}

/* A file, a folder with data.jsonl, or one of a data set. */
static int read_source(const struct eval_source *o, struct eval_set *s, struct vs_err *err)
{
    struct stat st;
    struct bytes map;
    bool folder = stat(o->path, &st) == 0 && S_ISDIR(st.st_mode), known = false;
    s->path = xstrdup(o->path);
    int rc = folder ? eval_annotations(o, NULL, s, &known, err) : 0;
    if (rc == 0 && known)
        seal_items(s);
    if (rc != 0 || known)
        return rc;
    if (folder) {
        free(s->path);
        s->path = xasprintf("%s/data.jsonl", o->path);
    }
    rc = gunzip_map(s->path, &map, err);
    if (rc == 0) {
        rc = read_set(o, &map, s, err);
        bytes_digest(&map, s->digest);
        rc = bytes_check(&map, rc, err);
        bytes_close(&map);
    }
    return rc;
}

static int check_images(const struct eval_source *o, struct vs_err *err)
{
    struct stat st;
    if (!o->images || stat(o->images, &st) != 0 || S_ISDIR(st.st_mode))
        return 0; /* images that are missing are named one by one */
    return vs_fail(err, VS_E_USAGE, "--images %s: is a file, not the folder of the images",
                   o->images);
}

static int check_second(const struct eval_source *o, const struct eval_set *s, struct vs_err *err)
{
    if (!o->annotations || s->second_read || s->count == 0)
        return 0;
    return vs_fail(err, VS_E_USAGE, "--annotations %s: %s is whole without it: leave it out",
                   o->annotations, s->path);
}

int eval_open(const struct eval_source *o, struct eval_set **out, struct vs_err *err)
{
    struct eval_set *s = xcalloc(1, sizeof *s);
    int rc = check_images(o, err);
    if (rc == 0)
        rc = open_features(o, s, err);
    if (rc == 0)
        rc = read_source(o, s, err);
    if (rc == 0)
        rc = check_second(o, s, err);
    if (rc == 0 && s->count == 0 && s->gone.pictures)
        rc = eval_none_there(s, s->gone.pictures, s->gone_first, err);
    if (rc == 0 && s->count == 0)
        rc = s->flaw_count ? eval_none_sound(s->path, s->flaws, s->flaw_count, err)
                           : vs_fail(err, VS_E_FORMAT, "%s: there is no item in it", s->path);
    complete_items(s);
    s->split = s->split ? s->split : xstrdup(o->split ? o->split : "");
    if (rc == 0)
        *out = s;
    else
        eval_free(s);
    return rc;
}

void eval_free(struct eval_set *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->count; i++) {
        eval_item_fini(&s->items[i]);
        eval_store_passed(s, i);
    }
    eval_store_free(s);
    free(s->path);
    free(s->gone_first);
    free(s->split);
    regionstore_close(s->features);
    regionstore_close(s->annotated_features);
    regionlmdb_close(s->detected);
    regionlmdb_close(s->annotated);
    labels_free(s->labels);
    for (int i = 0; i < s->pool_count; i++)
        free(s->pool[i]);
    free(s->pool);
    for (int i = 0; i < s->flaw_count; i++) {
        free(s->flaws[i].item);
        free(s->flaws[i].why);
    }
    free(s->flaws);
    free(s);
}
