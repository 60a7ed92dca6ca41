/* SPDX-License-Identifier: MIT */
/* Questions with answers in words: VQA, GQA, Visual Genome, and Visual7W's "telling" ones.
 *
 * Source: vqa_dataset.py and gqa_dataset.py of the reference; bottom-up-attention's
 * compute_softscore.py for the worth of an answer; the data sets' own descriptions. */
#include "src/study/annotations.h"

#include "src/task/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const json_t *first_of(const json_t *list)
{
    return json_array_get(list, 0);
}

/* ---- VQA: questions in one file, ten answers each in another */

bool annotations_are_vqa(const struct annotations *a)
{
    const json_t *one = first_of(json_object_get(a->root, "questions"));
    return json_object_get(one, "question_id") != NULL;
}

bool annotations_are_vqa_answers(const struct annotations *a)
{
    const json_t *one = first_of(json_object_get(a->root, "annotations"));
    return json_object_get(one, "answers") && json_object_get(one, "question_id");
}

int annotations_read_vqa_answers(struct annotations *a)
{
    return vs_fail(a->err, VS_E_USAGE, "%s: these are VQA's answers: give them with --annotations, "
                   "and the questions with --data", a->o->path);
}

/* How often an answer was given decides what it is worth. */
static void add_answers(struct eval_item *it, const json_t *answers)
{
    static const double worth[] = {0, 0.3, 0.6, 0.9};
    size_t n = json_array_size(answers);
    for (size_t i = 0; i < n; i++) {
        const char *text = annotations_text(json_array_get(answers, i), "answer");
        size_t times = 0;
        bool known = false;
        for (size_t j = 0; text && j < n; j++) {
            const char *other = annotations_text(json_array_get(answers, j), "answer");
            times += other && answers_equal(it->task, text, other);
        }
        for (int j = 0; text && j < it->label_count; j++)
            known |= answers_equal(it->task, it->labels[j], text);
        if (text && !known)
            eval_add_label(it, text, times > 3 ? 1 : worth[times]);
    }
}

struct vqa {
    const char *part; /* of COCO: "val2014" */
    json_t *answers;  /* question_id -> its annotation, or NULL; borrowed values */
};

/* A number as a key: they are looked up often. */
static const char *key_of(json_int_t id, char out[32])
{
    snprintf(out, 32, "%" JSON_INTEGER_FORMAT, id);
    return out;
}

static json_t *index_answers(const json_t *list)
{
    json_t *out = json_object(), *v;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        char key[32];
        json_int_t id;
        if (annotations_number(v, "question_id", &id))
            json_object_set(out, key_of(id, key), v);
    }
    return out;
}

static int take_vqa(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct vqa *q = arg;
    char key[32];
    json_int_t image, id, other;
    const char *text = annotations_text(v, "question");
    if (!text || !annotations_number(v, "image_id", &image) ||
        !annotations_number(v, "question_id", &id))
        return annotations_bad(a, "has not question, image_id and question_id");
    const json_t *given = json_object_get(q->answers, key_of(id, key));
    const json_t *answers = json_object_get(given, "answers");
    if (q->answers && !json_is_array(answers))
        return annotations_bad(a, "a question has no annotation");
    if (annotations_number(given, "image_id", &other) && other != image)
        return annotations_bad(a, "its annotation is of another image");
    struct eval_item *it = annotations_add(a, "vqa", text, number);
    it->id = xstrdup(key);
    it->id_is_number = true;
    eval_add_image(it, annotations_coco_image(a, q->part, image));
    add_answers(it, answers);
    it->scored = answers != NULL;
    annotations_field(it, "question_type", json_object_get(given, "question_type"));
    annotations_field(it, "answer_type", json_object_get(given, "answer_type"));
    return 0;
}

int annotations_read_vqa(struct annotations *a)
{
    struct vqa q = {.part = annotations_text(a->root, "data_subtype")};
    json_t *more = NULL;
    int rc = a->o->optional && !a->o->annotations ? 0
             : annotations_more(a, "the answers (v2_mscoco_..._annotations.json)", &more);
    if (rc == 0 && more) {
        q.answers = index_answers(json_object_get(more, "annotations"));
        if (json_object_size(q.answers) == 0)
            rc = vs_fail(a->err, VS_E_FORMAT, "%s: has no annotation with a question_id: it is not "
                         "VQA's answers", a->o->annotations);
    }
    if (!q.part)
        q.part = "val2014";
    else if (strncmp(q.part, "test-dev", 8) == 0)
        q.part = "test2015"; /* a part of those pictures */
    if (rc == 0)
        rc = annotations_each(a, json_object_get(a->root, "questions"), "question", take_vqa, &q);
    json_decref(q.answers);
    json_decref(more);
    return rc;
}

/* ---- GQA: an object of questions */

bool annotations_are_gqa(const struct annotations *a)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v)
        return json_object_get(v, "question") && json_object_get(v, "imageId");
    return false;
}

static int take_gqa(struct annotations *a, const char *key, const json_t *v, int number)
{
    const char *text = annotations_text(v, "question"), *image = annotations_text(v, "imageId");
    const char *answer = annotations_text(v, "answer");
    json_int_t number_of = 0;
    char *name, digits[32];
    if (!image && annotations_number(v, "imageId", &number_of))
        image = key_of(number_of, digits);
    if (!text || !image || (!answer && !a->o->optional))
        return vs_fail(a->err, VS_E_FORMAT, "has not question, imageId and answer%s",
                       text && image ? ANNOTATIONS_UNANSWERED : "");
    struct eval_item *it = annotations_add(a, "gqa", text, number);
    name = xasprintf("%s.jpg", image);
    eval_add_image(it, annotations_image(a, name));
    free(name);
    it->id = xstrdup(key);
    if (answer)
        eval_add_label(it, answer, 1);
    const json_t *types = json_object_get(v, "types");
    annotations_field(it, "structural", json_object_get(types, "structural"));
    annotations_field(it, "semantic", json_object_get(types, "semantic"));
    annotations_field(it, "detailed", json_object_get(types, "detailed"));
    annotations_field(it, "global", json_object_get(json_object_get(v, "groups"), "global"));
    return 0;
}

int annotations_read_gqa(struct annotations *a)
{
    const char *key;
    json_t *v;
    int number = 0, rc = 0;
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v) {
        int before = a->s->count;
        char *item = xasprintf("question %s", key);
        rc = eval_go_on(a->s, before, item, take_gqa(a, key, v, ++number), a->err);
        free(item);
        if (rc != 0)
            break;
    }
    return rc;
}

/* ---- Visual Genome: a list of images with their questions */

bool annotations_are_genome(const struct annotations *a)
{
    return json_is_array(json_object_get(first_of(a->root), "qas"));
}

/* One question of Visual Genome or Visual7W; image: its picture's file. */
static int take_pair(struct annotations *a, const json_t *v, int number, void *arg)
{
    const char *image = arg, *text = annotations_text(v, "question");
    const char *answer = annotations_text(v, "answer");
    json_int_t id;
    if (!text || (!answer && !a->o->optional) || !annotations_number(v, "qa_id", &id))
        return vs_fail(a->err, VS_E_FORMAT, "has not question, answer and qa_id%s",
                       text && !answer ? ANNOTATIONS_UNANSWERED : "");
    struct eval_item *it = annotations_add(a, "genomeqa", text, number);
    it->id = xasprintf("%" JSON_INTEGER_FORMAT, id);
    it->id_is_number = true;
    eval_add_image(it, annotations_image(a, image));
    if (answer)
        eval_add_label(it, answer, 1);
    annotations_field(it, "type", json_object_get(v, "type"));
    return 0;
}

static int take_genome_image(struct annotations *a, const json_t *v, int number, void *arg)
{
    json_int_t id;
    const json_t *list = json_object_get(v, "qas");
    (void)number;
    (void)arg;
    if (!json_is_array(list) || (!annotations_number(v, "id", &id) &&
                                 !annotations_number(v, "image_id", &id) &&
                                 !annotations_number(first_of(list), "image_id", &id)))
        return annotations_bad(a, "has not an id and a list \"qas\"");
    char *file = xasprintf("%" JSON_INTEGER_FORMAT ".jpg", id);
    char *what = xasprintf("image %" JSON_INTEGER_FORMAT ", question", id);
    int rc = annotations_each(a, list, what, take_pair, file);
    free(what);
    free(file);
    return rc;
}

int annotations_read_genome(struct annotations *a)
{
    return annotations_each(a, a->root, "image", take_genome_image, NULL);
}

/* ---- Visual7W telling: asked openly, as Visual Genome's are */

bool annotations_are_telling(const struct annotations *a)
{
    const json_t *image = first_of(json_object_get(a->root, "images"));
    return json_is_array(json_object_get(image, "qa_pairs"));
}

struct telling {
    const char *split;
    json_t *names;
};

static int take_telling(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct telling *t = arg;
    const char *file = annotations_text(v, "filename");
    (void)number;
    if (!annotations_in_split(annotations_text(v, "split"), t->split, t->names))
        return 0;
    if (!file || !file[0] || strchr(file, '/'))
        return annotations_bad(a, "has no filename");
    char *what = xasprintf("image %s, question", file);
    int rc = annotations_each(a, json_object_get(v, "qa_pairs"), what, take_pair,
                              (void *)(uintptr_t)file);
    free(what);
    return rc;
}

int annotations_read_telling(struct annotations *a)
{
    struct telling t = {a->o->split ? a->o->split : "val", json_object()};
    int rc = annotations_each(a, json_object_get(a->root, "images"), "image", take_telling, &t);
    if (rc == 0 && !json_object_get(t.names, t.split))
        rc = annotations_no_split(a, t.split, t.names);
    json_decref(t.names);
    return rc;
}
