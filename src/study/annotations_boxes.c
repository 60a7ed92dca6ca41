/* SPDX-License-Identifier: MIT */
/* Boxes that are named, or chosen among: RefCOCO, Visual7W's "pointing" questions, GuessWhat.
 *
 * Source: refer_expression_dataset.py, visual7w_pointing_dataset.py and
 * guesswhat_pointing_dataset.py of the reference, the REFER API for RefCOCO's two files. */
#include "src/study/annotations.h"
#include "src/study/reference_priv.h"

#include "src/formats/pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* x y w h becomes x1 y1 x2 y2. */
static bool corners_of(const json_t *b, float box[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(b, i)))
            return false;
        box[i] = (float)json_number_value(json_array_get(b, i));
    }
    box[2] += box[0];
    box[3] += box[1];
    return json_array_size(b) == 4;
}

/* ---- RefCOCO: a pickled list of references, and COCO's instances for their boxes */

bool annotations_are_refcoco(const struct annotations *a)
{
    return a->pickled;
}

bool annotations_are_instances(const struct annotations *a)
{
    const json_t *one = json_array_get(json_object_get(a->root, "annotations"), 0);
    return json_object_get(one, "bbox") != NULL;
}

int annotations_read_instances(struct annotations *a)
{
    return vs_fail(a->err, VS_E_USAGE, "%s: these are COCO's instances: give them with "
                   "--annotations, and RefCOCO's references, refs(unc).p, with --data", a->o->path);
}

static char *pickled_text(const struct pval *v)
{
    return v && (v->kind == PK_STRING || v->kind == PK_BYTES)
               ? xstrndup((const char *)v->bytes, v->len) : NULL;
}

/* testA and testB: the letter is looked for in the reference's split, and so is "test". */
static bool is_wanted_split(const char *split, const char *wanted)
{
    if (!split || strcmp(wanted, "train") == 0 || strcmp(wanted, "val") == 0)
        return split && strcmp(split, wanted) == 0;
    if (strcmp(wanted, "testA") == 0 || strcmp(wanted, "testB") == 0)
        return strcmp(split, "train") != 0 && strstr(split, wanted + 4) != NULL;
    return strcmp(wanted, "test") == 0 ? strstr(split, "test") != NULL
                                       : strcmp(split, wanted) == 0;
}

struct references {
    const char *task, *wanted;
    json_t *boxes; /* annotations by their id, borrowed */
    json_t *names; /* of splits */
    int found;
};

static json_t *index_boxes(const json_t *root)
{
    json_t *out = json_object(), *v;
    size_t i;
    json_array_foreach(json_object_get(root, "annotations"), i, v) {
        char key[32];
        json_int_t id;
        if (!annotations_number(v, "id", &id))
            continue;
        snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT, id);
        json_object_set(out, key, v);
    }
    return out;
}

static int add_sentence(const struct annotations *a, const struct references *x, int64_t image,
                         const struct pval *sentence, const float box[4], int number)
{
    const struct pval *raw = pval_get(sentence, "raw");
    int64_t id;
    char *text = pickled_text(raw ? raw : pval_get(sentence, "sent")); /* as it was written */
    if (!text)
        return annotations_bad(a, "one of its sentences has no text");
    struct eval_item *it = annotations_add(a, x->task, text, number);
    free(text);
    eval_add_image(it, annotations_coco_image(a, "train2014", image));
    memcpy(it->box, box, sizeof it->box);
    it->has_box = true;
    if (record_number(sentence, "sent_id", &id)) {
        it->id = xasprintf("%" PRId64, id);
        it->id_is_number = true;
    }
    double area = ((double)box[2] - (double)box[0]) * ((double)box[3] - (double)box[1]);
    json_t *v = json_real(area);
    annotations_field(it, "box_area", v);
    json_decref(v);
    return 0;
}

static int add_reference(const struct annotations *a, const struct references *x,
                         const struct pval *ref, int number)
{
    const struct pval *list = pval_get(ref, "sentences");
    int64_t image, annotation;
    char key[32];
    float box[4];
    if (!record_number(ref, "image_id", &image))
        return annotations_bad(a, "its \"image_id\" is missing or no whole number");
    if (!record_number(ref, "ann_id", &annotation))
        return annotations_bad(a, "its \"ann_id\" is missing or no whole number");
    if (!list || list->kind != PK_LIST || list->count == 0)
        return annotations_bad(a, list && list->kind == PK_LIST
                                      ? "its \"sentences\" is empty"
                                      : "its \"sentences\" is missing or no list");
    snprintf(key, sizeof key, "%" PRId64, annotation);
    const json_t *given = json_object_get(x->boxes, key);
    json_int_t other;
    if (!corners_of(json_object_get(given, "bbox"), box))
        return annotations_bad(a, "its ann_id has no box among COCO's instances");
    if (annotations_number(given, "image_id", &other) && other != image)
        return annotations_bad(a, "its ann_id is of a box in another image");
    int rc = 0;
    for (size_t i = 0; i < list->count && rc == 0; i++)
        rc = list->items[i]->kind == PK_DICT
                 ? add_sentence(a, x, image, list->items[i], box, number)
                 : annotations_bad(a, "one of its sentences is no dictionary");
    return rc;
}

static int take_reference(struct annotations *a, struct references *x, const struct pval *ref,
                          int number)
{
    char *split = ref->kind == PK_DICT ? pickled_text(pval_get(ref, "split")) : NULL;
    bool wanted = is_wanted_split(split, x->wanted);
    int before = a->s->count, rc = 0;
    if (split)
        annotations_in_split(split, "", x->names);
    else
        rc = annotations_bad(a, ref->kind == PK_DICT ? "its \"split\" is missing or no text"
                                                     : "is no dictionary");
    free(split);
    x->found += wanted;
    if (wanted)
        rc = add_reference(a, x, ref, number);
    char *item = xasprintf("reference %d", number);
    rc = eval_go_on(a->s, before, item, rc, a->err);
    free(item);
    return rc;
}

static int read_references(struct annotations *a, struct references *x, const struct pval *list)
{
    int rc = 0;
    if (list->kind != PK_LIST)
        return vs_fail(a->err, VS_E_FORMAT, "%s: a pickle of something else than a list of "
                       "references (RefCOCO's refs(unc).p)", a->o->path);
    x->names = json_object();
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = take_reference(a, x, list->items[i], (int)i + 1);
    if (rc == 0 && list->count == 0)
        rc = vs_fail(a->err, VS_E_FORMAT, "%s: is an empty list, references are expected",
                     a->o->path);
    if (rc == 0 && !x->found && json_object_size(x->names) > 0)
        rc = annotations_no_split(a, x->wanted, x->names);
    json_decref(x->names);
    return rc;
}

int annotations_read_refcoco(struct annotations *a)
{
    static const char *const none[] = {NULL};
    static const char *const tasks[] = {"refcoco", "refcoco+", "refcocog", NULL};
    struct references x = {.wanted = a->o->split ? a->o->split : "val"};
    struct pickle *p = NULL;
    json_t *more = NULL;
    int rc = annotations_task(a, tasks, &x.task);
    if (rc == 0)
        rc = annotations_more(a, "COCO's instances.json", &more);
    if (rc == 0)
        rc = pickle_load(a->map->data, a->map->size, none, a->map->path, &p, NULL, a->err);
    if (rc == 0) {
        x.boxes = index_boxes(more);
        if (json_object_size(x.boxes) == 0)
            rc = vs_fail(a->err, VS_E_FORMAT, "%s: has no annotation with an id: it is not COCO's "
                         "instances.json", a->o->annotations);
    }
    if (rc == 0)
        rc = read_references(a, &x, pickle_root(p));
    json_decref(x.boxes);
    json_decref(more);
    pickle_free(p);
    return rc;
}

/* ---- boxes in the order of their ids, as the reference numbers them */

struct numbered_box {
    json_int_t id;
    float box[4];
};

static int by_id(const void *a, const void *b)
{
    const struct numbered_box *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Sorts them, each once; how many there are. */
static size_t sort_boxes(struct numbered_box *list, size_t count)
{
    size_t n = 0;
    if (count)
        vs_sort(list, count, sizeof *list, by_id);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || list[i].id != list[i - 1].id)
            list[n++] = list[i];
    return n;
}

/* They are the item's candidates; the one with that id is right. */
static void set_candidates(struct eval_item *it, const struct numbered_box *list, size_t count,
                           json_int_t meant)
{
    it->candidates.boxes = xcalloc(count, 4 * sizeof(float));
    it->candidates.count = (int)count;
    for (size_t i = 0; i < count; i++) {
        memcpy(it->candidates.boxes + 4 * i, list[i].box, sizeof list[i].box);
        it->number = list[i].id == meant ? (int)i : it->number;
    }
    json_t *n = json_integer((json_int_t)count);
    annotations_field(it, "candidates", n);
    json_decref(n);
}

/* ---- GuessWhat: JSON lines, a game each; all count, whatever their end */

bool annotations_are_guesswhat(const struct annotations *a)
{
    return json_object_get(a->line, "qas") && json_object_get(a->line, "objects");
}

static void add_plain(struct buf *b, const char *s)
{
    for (; *s; s++)
        buf_putc(b, strchr("\n\r|", *s) ? ' ' : *s);
}

/* Rounds are lines, "question | answer". */
static char *dialog_of(const json_t *rounds)
{
    struct buf b = {0};
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)(uintptr_t)rounds, i, v) {
        const char *q = annotations_text(v, "question"), *answer = annotations_text(v, "answer");
        if (!q || !answer)
            continue;
        buf_puts(&b, b.len ? "\n" : "");
        add_plain(&b, q);
        buf_puts(&b, " | ");
        add_plain(&b, answer);
    }
    return buf_steal(&b);
}

static int add_objects(const struct annotations *a, const json_t *v, struct eval_item *it)
{
    const json_t *list = json_object_get(v, "objects");
    json_int_t meant = -1;
    size_t n = json_array_size(list);
    if (n < 1 || n > 1000)
        return vs_fail(a->err, VS_E_FORMAT, "%zu objects", n);
    struct numbered_box *all = xcalloc(n, sizeof *all);
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(list, i);
        good &= annotations_number(o, "id", &all[i].id) &&
                corners_of(json_object_get(o, "bbox"), all[i].box);
    }
    if (good && annotations_number(v, "object_id", &meant))
        set_candidates(it, all, sort_boxes(all, n), meant);
    free(all);
    return good && it->number >= 0 ? 0
           : annotations_bad(a, good ? "object_id is none of the objects"
                                     : "an object without an id and a bbox");
}

static int take_game(void *arg, int line, const json_t *v)
{
    const struct annotations *a = arg;
    const char *file = annotations_text(json_object_get(v, "image"), "file_name");
    json_int_t id;
    char *text = dialog_of(json_object_get(v, "qas"));
    if (!file || !file[0] || strchr(file, '/') || !text[0]) {
        free(text);
        return annotations_bad(a, "no image with a file_name, or no questions");
    }
    struct eval_item *it = annotations_add(a, "guesswhat", text, line);
    free(text);
    if (annotations_number(v, "id", &id)) {
        it->id = xasprintf("%" JSON_INTEGER_FORMAT, id);
        it->id_is_number = true;
    }
    eval_add_image(it, annotations_image(a, file));
    json_t *turns = json_integer((json_int_t)json_array_size(json_object_get(v, "qas")));
    annotations_field(it, "turns", turns);
    json_decref(turns);
    annotations_field(it, "status", json_object_get(v, "status"));
    return add_objects(a, v, it);
}

int annotations_read_guesswhat(struct annotations *a)
{
    return eval_lines(a->s, a->map, take_game, a, a->err);
}

/* ---- Visual7W pointing: boxes once for all images, four of them for a question */

bool annotations_are_pointing(const struct annotations *a)
{
    const json_t *image = json_array_get(json_object_get(a->root, "images"), 0);
    return json_is_array(json_object_get(a->root, "boxes")) &&
           json_is_array(json_object_get(image, "qa_pairs"));
}

struct pointing {
    const char *split;
    json_t *names;
    struct numbered_box *boxes; /* of all images, sorted */
    size_t count;
    const char *file; /* of the image whose questions are read */
};

static void index_pointing(struct pointing *p, const json_t *list)
{
    const json_t *v;
    size_t i;
    p->boxes = xcalloc(json_array_size(list) + 1, sizeof *p->boxes);
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        static const char *const names[4] = {"x", "y", "width", "height"};
        json_t *four = json_array();
        for (int k = 0; k < 4; k++)
            json_array_append(four, json_object_get(v, names[k]));
        if (annotations_number(v, "box_id", &p->boxes[p->count].id) &&
            corners_of(four, p->boxes[p->count].box))
            p->count++;
        json_decref(four);
    }
    p->count = sort_boxes(p->boxes, p->count);
}

/* The boxes that a question names: the right one first. How many, 0: one is none. */
static size_t question_boxes(const struct pointing *p, const json_t *v, struct numbered_box out[64])
{
    const json_t *others = json_object_get(v, "multiple_choices");
    size_t n = json_array_size(others) + 1;
    for (size_t i = 0; i < n && n <= 64; i++) {
        const json_t *id = i ? json_array_get(others, i - 1) : json_object_get(v, "answer");
        struct numbered_box key = {0};
        bool number = annotations_integer(id, &key.id);
        const struct numbered_box *at = p->count && number
                                            ? bsearch(&key, p->boxes, p->count, sizeof key, by_id)
                                            : NULL;
        if (!at)
            return 0;
        out[i] = *at;
    }
    return n <= 64 && n > 1 ? n : 0;
}

static int take_pointing(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct pointing *p = arg;
    struct numbered_box own[64];
    const char *text = annotations_text(v, "question");
    size_t n = question_boxes(p, v, own);
    json_int_t id;
    if (!text || !n || !annotations_number(v, "qa_id", &id))
        return annotations_bad(a, "has not a question, a qa_id, and an answer and "
                                  "multiple_choices that are boxes");
    json_int_t meant = own[0].id;
    struct eval_item *it = annotations_add(a, "visual7w", text, number);
    it->id = xasprintf("%" JSON_INTEGER_FORMAT, id);
    it->id_is_number = true;
    eval_add_image(it, annotations_image(a, p->file));
    set_candidates(it, own, sort_boxes(own, n), meant);
    annotations_field(it, "type", json_object_get(v, "type"));
    return 0;
}

static int take_pointing_image(struct annotations *a, const json_t *v, int number, void *arg)
{
    struct pointing *p = arg;
    (void)number;
    if (!annotations_in_split(annotations_text(v, "split"), p->split, p->names))
        return 0;
    p->file = annotations_text(v, "filename");
    if (!p->file || !p->file[0] || strchr(p->file, '/'))
        return annotations_bad(a, "has no filename");
    char *what = xasprintf("image %s, question", p->file);
    int rc = annotations_each(a, json_object_get(v, "qa_pairs"), what, take_pointing, p);
    free(what);
    return rc;
}

int annotations_read_pointing(struct annotations *a)
{
    struct pointing p = {.split = a->o->split ? a->o->split : "val", .names = json_object()};
    index_pointing(&p, json_object_get(a->root, "boxes"));
    int rc = annotations_each(a, json_object_get(a->root, "images"), "image", take_pointing_image,
                              &p);
    if (rc == 0 && !json_object_get(p.names, p.split))
        rc = annotations_no_split(a, p.split, p.names);
    json_decref(p.names);
    free(p.boxes);
    return rc;
}
