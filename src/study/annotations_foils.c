/* SPDX-License-Identifier: MIT */
/* Captions against foils: VALSE, FOIL-COCO, and Winoground's pairs of pairs. The logit of alignment
 * of an image with its caption has to be above that with each foil.
 *
 * Source: the data sets' own descriptions; of Winoground's scores Thrush et al., CVPR 2022. */
#include "src/study/annotations.h"

#include <stdlib.h>
#include <string.h>

static const char *const foil_tasks[] = {"coco", "flickr30k", "alignment", NULL};

/* The file's name alone, or NULL. */
static const char *file_of(const json_t *v, const char *key)
{
    const char *path = annotations_text(v, key), *slash = path ? strrchr(path, '/') : NULL;
    path = slash ? slash + 1 : path;
    return path && path[0] ? path : NULL;
}

/* ---- VALSE: an object of items */

bool annotations_are_valse(const struct annotations *a)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v)
        return json_object_get(v, "foil") && json_object_get(v, "caption") &&
               json_object_get(v, "image_file");
    return false;
}

static int take_valse(struct annotations *a, const char *task, const char *key, const json_t *v,
                      int number)
{
    const char *caption = annotations_text(v, "caption"), *foil = annotations_text(v, "foil");
    const char *file = file_of(v, "image_file");
    if (!caption || !foil || !file)
        return annotations_bad(a, "has not caption, foil and image_file");
    struct eval_item *it = annotations_add(a, task, caption, number);
    it->id = xstrdup(key);
    eval_add_image(it, annotations_image(a, file));
    eval_add_foil(it, foil);
    annotations_field(it, "dataset", json_object_get(v, "dataset"));
    annotations_field(it, "phenomenon", json_object_get(v, "linguistic_phenomena"));
    return 0;
}

int annotations_read_valse(struct annotations *a)
{
    const char *key, *task;
    json_t *v;
    int number = 0, rc = annotations_task(a, foil_tasks, &task);
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v) {
        int before = a->s->count;
        if (rc != 0)
            break;
        rc = eval_go_on(a->s, before, key, take_valse(a, task, key, v, ++number), a->err);
    }
    return rc;
}

/* ---- FOIL-COCO: captions of both kinds in one list */

bool annotations_are_foil(const struct annotations *a)
{
    const json_t *one = json_array_get(json_object_get(a->root, "annotations"), 0);
    return json_is_array(json_object_get(a->root, "images")) && json_object_get(one, "caption") &&
           json_object_get(one, "foil");
}

struct foils {
    const char *task;
    json_t *files;    /* by the image's id */
    json_t *captions; /* that are true: lists by the image's id, borrowed */
};

static char *key_of(const json_t *v, const char *name)
{
    json_int_t id;
    return annotations_number(v, name, &id) ? xasprintf("%" JSON_INTEGER_FORMAT, id) : NULL;
}

static void index_foils(const struct annotations *a, struct foils *f)
{
    json_t *v;
    size_t i;
    f->files = json_object();
    f->captions = json_object();
    json_array_foreach(json_object_get(a->root, "images"), i, v) {
        char *key = key_of(v, "id");
        if (key && json_object_get(v, "file_name"))
            json_object_set(f->files, key, json_object_get(v, "file_name"));
        free(key);
    }
    json_array_foreach(json_object_get(a->root, "annotations"), i, v) {
        char *key = json_is_false(json_object_get(v, "foil")) ? key_of(v, "image_id") : NULL;
        if (key && !json_object_get(f->captions, key))
            json_object_set_new(f->captions, key, json_array());
        if (key)
            json_array_append(json_object_get(f->captions, key), v);
        free(key);
    }
}

static bool same_number(const json_t *x, const json_t *y, const char *key)
{
    json_int_t m, n;
    return annotations_number(x, key, &m) && annotations_number(y, key, &n) && m == n;
}

/* The caption that the foil was made of, among its image's: what has its word in the place of the
 * foil's, else what has its number. */
static const json_t *caption_of(const json_t *foil, const json_t *list)
{
    const char *text = annotations_text(foil, "caption");
    const char *word = annotations_text(foil, "foil_word");
    const char *target = annotations_text(foil, "target_word");
    const char *at = word && word[0] && target ? strstr(text, word) : NULL;
    const json_t *best = NULL, *v;
    size_t i;
    for (; at; at = strstr(at + 1, word)) {
        char *meant = xasprintf("%.*s%s%s", (int)(at - text), text, target, at + strlen(word));
        json_array_foreach((json_t *)(uintptr_t)list, i, v) {
            const char *own = annotations_text(v, "caption");
            best = !best && own && strcmp(own, meant) == 0 ? v : best;
        }
        free(meant);
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, v)
        best = !best && same_number(v, foil, "foil_id") ? v : best;
    json_array_foreach((json_t *)(uintptr_t)list, i, v)
        best = !best && same_number(v, foil, "id") ? v : best;
    return best;
}

static int take_foil(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct foils *f = arg;
    const char *text = annotations_text(v, "caption");
    if (json_is_false(json_object_get(v, "foil")))
        return 0;
    char *key = key_of(v, "image_id");
    const json_t *name = key ? json_object_get(f->files, key) : NULL;
    const json_t *own = text && key ? caption_of(v, json_object_get(f->captions, key)) : NULL;
    const char *file = json_string_value(name), *caption = annotations_text(own, "caption");
    const char *slash = file ? strrchr(file, '/') : NULL;
    free(key);
    if (!text || !file || !caption)
        return annotations_bad(a, !text   ? "has no caption"
                                  : !file ? "has no image_id of an image with a file_name"
                                          : "its image has no caption that it is the foil of");
    struct eval_item *it = annotations_add(a, f->task, caption, number);
    it->id = key_of(v, json_object_get(v, "foil_id") ? "foil_id" : "id");
    eval_add_image(it, annotations_image(a, slash ? slash + 1 : file));
    eval_add_foil(it, text);
    annotations_field(it, "target_word", json_object_get(v, "target_word"));
    annotations_field(it, "foil_word", json_object_get(v, "foil_word"));
    return 0;
}

int annotations_read_foil(struct annotations *a)
{
    struct foils f = {0};
    int rc = annotations_task(a, foil_tasks, &f.task);
    index_foils(a, &f);
    if (rc == 0)
        rc = annotations_each(a, json_object_get(a->root, "annotations"), "caption", take_foil, &f);
    json_decref(f.files);
    json_decref(f.captions);
    return rc;
}

/* ---- Winoground: two images and two captions of the same words, JSON lines */

bool annotations_are_winoground(const struct annotations *a)
{
    return json_object_get(a->line, "caption_0") && json_object_get(a->line, "image_0");
}

/* Names without an ending are those of the published images, which are PNG. */
static char *winoground_image(const struct annotations *a, const char *file)
{
    const char *dot = strrchr(file, '.');
    char *name = xasprintf("%s%s", file, dot ? "" : ".png"), *path = annotations_image(a, name);
    free(name);
    return path;
}

static int take_winoground(void *arg, int line, const json_t *v)
{
    const struct annotations *a = arg;
    const char *first = annotations_text(v, "caption_0");
    const char *second = annotations_text(v, "caption_1");
    const char *left = file_of(v, "image_0"), *right = file_of(v, "image_1"), *task;
    int rc = annotations_task(a, foil_tasks, &task);
    if (rc != 0)
        return rc;
    if (!first || !second || !left || !right)
        return annotations_bad(a, "no image_0, image_1, caption_0 and caption_1");
    struct eval_item *it = annotations_add(a, task, first, line);
    it->id = key_of(v, "id");
    eval_add_image(it, winoground_image(a, left));
    eval_add_image(it, winoground_image(a, right));
    eval_add_foil(it, second);
    annotations_field(it, "tag", json_object_get(v, "tag"));
    annotations_field(it, "secondary_tag", json_object_get(v, "secondary_tag"));
    annotations_field(it, "collapsed_tag", json_object_get(v, "collapsed_tag"));
    annotations_field(it, "num_main_preds", json_object_get(v, "num_main_preds"));
    return 0;
}

int annotations_read_winoground(struct annotations *a)
{
    return eval_lines(a->s, a->map, take_winoground, a, a->err);
}
