/* SPDX-License-Identifier: MIT */
/* Data sets as their makers annotated them: VQA v2, GQA, RefCOCO, GuessWhat, NLVR2, SNLI-VE.
 *
 * Source: the data set classes of the reference (vqa_dataset.py, gqa_dataset.py,
 * refer_expression_dataset.py, nlvr2_dataset.py, visual_entailment_dataset.py), the REFER API for
 * RefCOCO's two files, bottom-up-attention's compute_softscore.py for the worth of an answer. */
#include "src/study/eval_priv.h"

#include "src/formats/gunzip.h"
#include "src/formats/labels.h"
#include "src/formats/pickle.h"
#include "src/base/mem.h"
#include "src/task/answers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNANSWERED " (a set without answers can be answered: --predictions FILE)"

struct reader {
    const struct eval_source *o;
    struct eval_set *s;
    struct vs_err *err;
};

static int bad(const struct reader *r, const char *what)
{
    return vs_fail(r->err, VS_E_FORMAT, "%s: %s", r->o->path, what);
}

static const char *images_of(const struct reader *r)
{
    return r->o->images ? r->o->images : ".";
}

static struct eval_item *add(const struct reader *r, const char *task, const char *text, int line)
{
    struct eval_item *it = eval_add(r->s);
    it->task = task_find(task);
    it->text = xstrdup(text && text[0] ? text : "?");
    it->line = line;
    return it;
}

static int need(const struct reader *r, const void *there, const char *option, const char *what)
{
    return there ? 0 : vs_fail(r->err, VS_E_USAGE, "%s: give %s with %s", r->o->path, what, option);
}

static json_t *read_json(const struct bytes *map, struct vs_err *err)
{
    json_error_t why;
    json_t *v = json_loadb((const char *)map->data, map->size, JSON_DECODE_ANY, &why);
    if (!v)
        vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", map->path, why.line, why.text);
    return v;
}

/* x y w h becomes x1 y1 x2 y2. */
static bool corners_of(const json_t *b, float box[4])
{
    for (size_t i = 0; i < 4; i++)
        box[i] = (float)json_number_value(json_array_get(b, i));
    box[2] += box[0];
    box[3] += box[1];
    return json_array_size(b) == 4;
}

/* ---- VQA v2: questions in one file, ten answers each in another */

/* How often an answer was given decides what it is worth. */
static void add_answers(struct eval_item *it, const json_t *answers)
{
    static const double worth[] = {0, 0.3, 0.6, 0.9};
    size_t n = json_array_size(answers);
    for (size_t i = 0; i < n; i++) {
        const char *a = json_string_value(json_object_get(json_array_get(answers, i), "answer"));
        size_t times = 0;
        bool known = false;
        for (size_t j = 0; a && j < n; j++) {
            const char *b = json_string_value(json_object_get(json_array_get(answers, j),
                                                              "answer"));
            times += b && answers_equal(it->task, a, b);
        }
        for (int j = 0; a && j < it->label_count; j++)
            known |= answers_equal(it->task, it->labels[j], a);
        if (a && !known)
            eval_add_label(it, a, times > 3 ? 1 : worth[times]);
    }
}

/* question_id -> its answers, as a string key: numbers are looked up often. */
static json_t *index_answers(const json_t *list)
{
    json_t *out = json_object(), *a;
    size_t i;
    json_array_foreach(list, i, a) {
        char key[32];
        snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(a, "question_id")));
        json_object_set(out, key, json_object_get(a, "answers"));
    }
    return out;
}

static int add_question(const struct reader *r, const json_t *q, const json_t *answers,
                        const char *split, int number)
{
    char key[32];
    json_int_t image = json_integer_value(json_object_get(q, "image_id"));
    snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT,
             json_integer_value(json_object_get(q, "question_id")));
    const json_t *given = json_object_get(answers, key);
    const char *text = json_string_value(json_object_get(q, "question"));
    if ((!given && answers) || !text)
        return bad(r, text ? "a question has no annotation" : "a question without text");
    struct eval_item *it = add(r, "vqa", text, number);
    it->id = xstrdup(key);
    eval_add_image(it, xasprintf("%s/COCO_%s_%012" JSON_INTEGER_FORMAT ".jpg", images_of(r), split,
                                 image));
    add_answers(it, given);
    return 0;
}

static int read_annotations(const struct reader *r, json_t **answers)
{
    struct bytes map;
    int rc = need(r, r->o->annotations, "--annotations FILE (without them: --predictions FILE)",
                  "the answers");
    if (rc == 0)
        rc = gunzip_open(r->o->annotations, &map, r->err);
    if (rc != 0)
        return rc;
    json_t *more = read_json(&map, r->err);
    *answers = more ? index_answers(json_object_get(more, "annotations")) : NULL;
    rc = bytes_check(&map, more ? 0 : VS_E_FORMAT, r->err);
    json_decref(more);
    bytes_close(&map);
    return rc;
}

static int read_vqa(const struct reader *r, const json_t *root)
{
    const char *split = json_string_value(json_object_get(root, "data_subtype"));
    const json_t *list = json_object_get(root, "questions"), *q;
    size_t i;
    json_t *answers = NULL;
    int rc = r->o->optional && !r->o->annotations ? 0 : read_annotations(r, &answers);
    json_array_foreach(list, i, q)
        rc = rc ? rc : add_question(r, q, answers, split ? split : "val2014", (int)i + 1);
    json_decref(answers);
    return rc;
}

/* ---- GQA: an object of questions */

static bool is_gqa(const json_t *root)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)root, key, v)
        return json_object_get(v, "question") && json_object_get(v, "imageId");
    return false;
}

static int read_gqa(const struct reader *r, const json_t *root)
{
    const char *key;
    json_t *v;
    int number = 0;
    json_object_foreach((json_t *)(uintptr_t)root, key, v) {
        const char *text = json_string_value(json_object_get(v, "question"));
        const char *image = json_string_value(json_object_get(v, "imageId"));
        const char *answer = json_string_value(json_object_get(v, "answer"));
        if (!text || !image || (!answer && !r->o->optional))
            return vs_fail(r->err, VS_E_FORMAT, "%s: question %s has not question, imageId and "
                           "answer%s", r->o->path, key, text && image ? UNANSWERED : "");
        struct eval_item *it = add(r, "gqa", text, ++number);
        eval_add_image(it, xasprintf("%s/%s.jpg", images_of(r), image));
        it->id = xstrdup(key);
        if (answer)
            eval_add_label(it, answer, 1);
    }
    return 0;
}

/* ---- GuessWhat: JSON lines, a game each; all count, whatever their end */

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
    json_array_foreach(rounds, i, v) {
        const char *q = json_string_value(json_object_get(v, "question"));
        const char *a = json_string_value(json_object_get(v, "answer"));
        if (!q || !a)
            continue;
        buf_puts(&b, b.len ? "\n" : "");
        add_plain(&b, q);
        buf_puts(&b, " | ");
        add_plain(&b, a);
    }
    return buf_steal(&b);
}

struct object {
    json_int_t id;
    const json_t *box; /* x y w h */
};

static int by_id(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The objects in the order of their ids, as the reference numbers them. */
static int add_objects(const struct reader *r, int line, const json_t *v, struct eval_item *it)
{
    const json_t *list = json_object_get(v, "objects");
    const json_int_t meant = json_integer_value(json_object_get(v, "object_id"));
    size_t n = json_array_size(list);
    if (n < 1 || n > 1000)
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %zu objects", r->o->path, line, n);
    struct object *all = xcalloc(n, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(list, i);
        all[i] = (struct object){json_integer_value(json_object_get(o, "id")),
                                 json_object_get(o, "bbox")};
    }
    qsort(all, n, sizeof *all, by_id);
    it->candidates.boxes = xcalloc(n, 4 * sizeof(float));
    it->candidates.count = (int)n;
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        good &= corners_of(all[i].box, it->candidates.boxes + 4 * i);
        it->number = all[i].id == meant ? (int)i : it->number;
    }
    free(all);
    if (!good || it->number < 0)
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %s", r->o->path, line,
                       good ? "object_id is none of the objects" : "an object without a bbox");
    return 0;
}

static int take_guesswhat(const struct reader *r, int line, const json_t *v)
{
    const json_t *image = json_object_get(v, "image");
    const char *file = json_string_value(json_object_get(image, "file_name"));
    char *text = dialog_of(json_object_get(v, "qas"));
    if (!file || !file[0] || strchr(file, '/') || !text[0]) {
        free(text);
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: no image with a file_name, or no "
                       "questions", r->o->path, line);
    }
    struct eval_item *it = add(r, "guesswhat", text, line);
    free(text);
    eval_add_image(it, xasprintf("%s/%s", images_of(r), file));
    return add_objects(r, line, v, it);
}

/* ---- NLVR2 and SNLI-VE: JSON lines */

static int take_nlvr2(const struct reader *r, int line, const json_t *v)
{
    const char *text = json_string_value(json_object_get(v, "sentence"));
    const char *id = json_string_value(json_object_get(v, "identifier"));
    const json_t *label = json_object_get(v, "label");
    const char *word = json_string_value(label);
    const char *last = id ? strrchr(id, '-') : NULL;
    if (!text || !last || (!label && !r->o->optional))
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: no sentence, identifier and label%s",
                       r->o->path, line, text && last ? UNANSWERED : "");
    bool yes = json_is_true(label) || (word && (word[0] == 'T' || word[0] == 't'));
    struct eval_item *it = add(r, "nlvr2", text, line);
    for (int i = 0; i < 2; i++)
        eval_add_image(it, xasprintf("%s/%.*s-img%d.png", images_of(r), (int)(last - id), id, i));
    it->id = xstrdup(id);
    if (label)
        eval_add_label(it, yes ? "true" : "false", 1);
    return 0;
}

static int take_snli(const struct reader *r, int line, const json_t *v)
{
    static const char *const names[] = {"Flikr30kID", "Flickr30K_ID", "Flickr30kID", "captionID"};
    const char *text = json_string_value(json_object_get(v, "sentence2")), *image = NULL;
    const char *label = json_string_value(json_object_get(v, "gold_label"));
    for (size_t i = 0; i < 4 && !image; i++)
        image = json_string_value(json_object_get(v, names[i]));
    if (!text || !image || !label)
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: no sentence2, Flickr30K_ID and "
                       "gold_label", r->o->path, line);
    size_t n = strcspn(image, "#.");
    struct eval_item *it = add(r, "snli-ve", text, line);
    eval_add_image(it, xasprintf("%s/%.*s.jpg", images_of(r), (int)n, image));
    if (label[0] != '-') /* its annotators did not agree: it counts, and nothing is right */
        eval_add_label(it, label, 1);
    it->scored = true;
    return 0;
}

static bool is_guesswhat(const json_t *v)
{
    return json_object_get(v, "qas") && json_object_get(v, "objects");
}

static int take_line(void *arg, int line, const json_t *v)
{
    const struct reader *r = arg;
    if (is_guesswhat(v))
        return take_guesswhat(r, line, v);
    return json_object_get(v, "gold_label") ? take_snli(r, line, v) : take_nlvr2(r, line, v);
}

/* ---- retrieval: JSON lines, a picture and its captions each; all pictures are the pool */

static bool is_retrieval(const json_t *v)
{
    return json_is_array(json_object_get(v, "sentences")) && json_object_get(v, "img_path");
}

struct pool {
    const struct reader *r;
    char **images;
    int count;
};

/* A picture that is not there leaves the pool, its captions the set. */
static bool is_in_pool(struct pool *p, char *path, size_t captions)
{
    struct stat st;
    struct eval_set *s = p->r->s;
    if (stat(path, &st) == 0 || errno != ENOENT) {
        p->images = xreallocarray(p->images, (size_t)p->count + 1, sizeof *p->images);
        p->images[p->count++] = path;
        return true;
    }
    s->gone.items += (int)captions;
    if (s->gone.pictures++ == 0)
        s->gone.first = s->gone_first = xstrdup(path);
    free(path);
    return false;
}

static int take_retrieval(void *arg, int line, const json_t *v)
{
    struct pool *p = arg;
    const struct reader *r = p->r;
    const json_t *list = json_object_get(v, "sentences"), *text;
    const char *file = json_string_value(json_object_get(v, "img_path"));
    const char *slash = file ? strrchr(file, '/') : NULL;
    size_t i;
    file = slash ? slash + 1 : file;
    if (!file || !file[0] || !json_array_size(list))
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: no img_path, or no sentences",
                       r->o->path, line);
    const char *task = r->o->task ? r->o->task->name
                       : strncmp(file, "COCO_", 5) == 0 ? "coco" : "flickr30k";
    if (!is_in_pool(p, xasprintf("%s/%s", images_of(r), file), json_array_size(list)))
        return 0;
    if (p->count > task_find(task)->max_images)
        return vs_fail(r->err, VS_E_LIMIT, "%s: line %d: more than %d images to choose from",
                       r->o->path, line, task_find(task)->max_images);
    json_array_foreach(list, i, text)
        add(r, task, json_string_value(text), line)->number = p->count - 1;
    return 0;
}

/* All items have the pool; the first one owns it. */
static int read_retrieval(const struct reader *r, const struct bytes *map)
{
    struct pool p = {.r = r};
    if (r->o->task && r->o->task->reading->ranked != RANKED_IMAGES)
        return vs_fail(r->err, VS_E_USAGE, "%s: captions are of coco or flickr30k", r->o->path);
    int rc = eval_lines(map, take_retrieval, &p, r->err);
    for (int i = 0; i < r->s->count; i++) {
        r->s->items[i].images = p.images;
        r->s->items[i].image_count = p.count;
        r->s->items[i].shared_images = i > 0;
    }
    for (int i = 0; r->s->count == 0 && i < p.count; i++)
        free(p.images[i]);
    if (r->s->count == 0)
        free(p.images);
    return rc;
}

/* ---- RefCOCO: a pickled list of references, and COCO's instances for their boxes */

static char *text_of(const struct pval *v)
{
    return v && (v->kind == PK_STRING || v->kind == PK_BYTES)
               ? xstrndup((const char *)v->bytes, v->len) : NULL;
}

static bool is_split(const struct reader *r, const struct pval *ref)
{
    return pval_is_string(pval_get(ref, "split"), r->o->split ? r->o->split : "val");
}

static json_t *index_boxes(const json_t *root)
{
    json_t *out = json_object(), *a;
    size_t i;
    json_array_foreach(json_object_get(root, "annotations"), i, a) {
        char key[32];
        snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(a, "id")));
        json_object_set(out, key, json_object_get(a, "bbox"));
    }
    return out;
}

static bool box_of(const json_t *boxes, int64_t annotation, float box[4])
{
    char key[32];
    snprintf(key, sizeof key, "%" PRId64, annotation);
    return corners_of(json_object_get(boxes, key), box);
}

static int add_reference(const struct reader *r, const struct pval *ref, const json_t *boxes,
                         int number)
{
    const struct pval *image = pval_get(ref, "image_id"), *ann = pval_get(ref, "ann_id");
    const struct pval *list = pval_get(ref, "sentences");
    float box[4];
    if (!image || image->kind != PK_INT || !ann || ann->kind != PK_INT || !list ||
        list->kind != PK_LIST || !box_of(boxes, ann->integer, box))
        return vs_fail(r->err, VS_E_FORMAT, "%s: reference %d has no image_id, sentences, or "
                       "ann_id with a box", r->o->path, number);
    for (size_t i = 0; i < list->count; i++) {
        const struct pval *raw = pval_get(list->items[i], "raw"); /* as it was written */
        char *text = text_of(raw ? raw : pval_get(list->items[i], "sent"));
        struct eval_item *it = add(r, r->o->task ? r->o->task->name : "refcoco", text, number);
        free(text);
        eval_add_image(it, xasprintf("%s/COCO_train2014_%012" PRId64 ".jpg", images_of(r),
                                     image->integer));
        memcpy(it->box, box, sizeof box);
        it->has_box = true;
    }
    return 0;
}

static int read_refcoco(const struct reader *r, const struct bytes *map)
{
    static const char *const none[] = {NULL};
    struct pickle *p = NULL;
    struct bytes more;
    if (r->o->task && (r->o->task->reading->ranked != RANKED_REGIONS || r->o->task->extra_regions))
        return vs_fail(r->err, VS_E_USAGE, "%s: references are of refcoco, refcoco+ or refcocog",
                       r->o->path);
    int rc = need(r, r->o->annotations, "--annotations FILE", "COCO's instances.json");
    if (rc == 0)
        rc = pickle_load(map->data, map->size, none, map->path, &p, NULL, r->err);
    if (rc == 0 && (rc = gunzip_open(r->o->annotations, &more, r->err)) == 0) {
        json_t *root = read_json(&more, r->err), *boxes = root ? index_boxes(root) : NULL;
        const struct pval *list = pickle_root(p);
        rc = !root ? VS_E_FORMAT : list->kind != PK_LIST ? bad(r, "no list of references") : 0;
        for (size_t i = 0; rc == 0 && i < list->count; i++)
            if (list->items[i]->kind == PK_DICT && is_split(r, list->items[i]))
                rc = add_reference(r, list->items[i], boxes, (int)i + 1);
        json_decref(boxes);
        json_decref(root);
        rc = bytes_check(&more, rc, r->err);
        bytes_close(&more);
    }
    pickle_free(p);
    return rc;
}

/* ---- which one it is */

/* The first line as JSON, or NULL. */
static json_t *first_line(const struct bytes *map)
{
    const char *end = memchr(map->data, '\n', map->size);
    size_t n = end ? (size_t)(end - (const char *)map->data) : map->size;
    return json_loadb((const char *)map->data, n, 0, NULL);
}

static int read_document(struct reader *r, const struct bytes *map, bool *known)
{
    json_t *root = read_json(map, r->err);
    int rc = root ? 0 : VS_E_FORMAT;
    *known = true;
    if (rc == 0 && json_object_get(root, "questions"))
        rc = read_vqa(r, root);
    else if (rc == 0 && is_gqa(root))
        rc = read_gqa(r, root);
    else if (rc == 0)
        *known = false;
    json_decref(root);
    return rc;
}

int eval_reference(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                   bool *known, struct vs_err *err)
{
    struct reader r = {o, s, err};
    int rc = 0;
    *known = false;
    if (map->size == 0)
        return 0;
    if (labels_are_pickled(map)) { /* of any protocol */
        *known = true;
        return read_refcoco(&r, map);
    }
    json_t *line = first_line(map);
    if (json_is_object(line) && json_object_get(line, "task")) {
        /* ours */
    } else if (is_retrieval(line)) {
        *known = true;
        rc = read_retrieval(&r, map);
    } else if (json_object_get(line, "gold_label") || json_object_get(line, "identifier") ||
               is_guesswhat(line)) {
        *known = true;
        rc = eval_lines(map, take_line, &r, err);
    } else if (map->data[0] == '{') {
        rc = read_document(&r, map, known);
    }
    json_decref(line);
    return rc;
}
