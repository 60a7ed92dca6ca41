/* SPDX-License-Identifier: MIT */
/* Retrieval in the reference's data folder: every caption ranks all images of the file.
 *
 * Source: retreival_dataset.py and eval_retrieval.py of the reference. */
#include "src/study/reference_priv.h"

#include "src/base/strmap.h"
#include "src/text/score.h"

#include <stdlib.h>
#include <string.h>

#define ROW_LENGTH 20 /* images that the reference writes of each caption */

/* COCO's images are called by their ids, Flickr's by their files. */
static bool image_of(const struct reference_reader *r, const json_t *v, int64_t *out)
{
    if (r->kind->id == 7)
        return reference_json_integer(json_object_get(v, "id"), out);
    const char *path = json_string_value(json_object_get(v, "img_path"));
    char *stem = path ? xstrndup(path, strcspn(path, ".")) : NULL;
    bool good = stem && reference_integer(stem, out);
    free(stem);
    return good;
}

/* An image without regions leaves the pool, its captions the set: the places of the others are
 * those among what remains. */
static bool has_regions(struct reference_reader *r, int64_t image, int line, size_t captions)
{
    struct vs_err err = {0};
    struct regions *g = NULL;
    char *name = xasprintf("%lld", (long long)image);
    char *key = regionlmdb_key(r->set->detected, name);
    bool has = regionlmdb_get(r->set->detected, key, &g, &err) == 0;
    regions_free(g);
    free(name);
    free(key);
    for (size_t i = 0; !has && i < captions; i++) {
        char *item = xasprintf("line %d, caption %zu", line, i + 1);
        eval_add_flaw(r->set, item, err.text);
        free(item);
    }
    return has;
}

struct retrieval {
    struct reference_reader *r;
    struct strmap places; /* of the images in the pool */
};

/* The image's place in the pool: an image that is in two lines stands at the first one's. -1: it
 * has no regions. */
static int place_of(struct retrieval *t, int64_t image, int line, size_t captions)
{
    struct eval_set *s = t->r->set;
    char *key = xasprintf("%lld", (long long)image);
    int at = strmap_get(&t->places, key, strlen(key));
    if (at >= 0 || !has_regions(t->r, image, line, captions)) {
        free(key);
        return at;
    }
    s->pool = xreallocarray(s->pool, (size_t)s->pool_count + 1, sizeof *s->pool);
    s->pool[s->pool_count] = key;
    strmap_add(&t->places, key, strlen(key), s->pool_count);
    return s->pool_count++;
}

static void add_caption(struct retrieval *t, const char *caption, int64_t image, int place,
                        int line)
{
    struct eval_item *it = reference_item(t->r, caption, line);
    reference_set_image(it, image);
    reference_set_id(it, t->r->set->count - 1);
    it->number = place;
    it->scored = true;
}

static int take_image(void *arg, int line, const json_t *v)
{
    struct retrieval *t = arg;
    struct reference_reader *r = t->r;
    struct eval_set *s = r->set;
    json_t *list = json_object_get(v, "sentences"), *text;
    int64_t image;
    size_t i;
    if (!image_of(r, v, &image) || !json_is_array(list)) {
        char *item = xasprintf("line %d", line);
        eval_add_flaw(s, item, r->kind->id == 7 ? "has not an id and sentences"
                                                : "has not an img_path like 42.jpg and sentences");
        free(item);
        return 0;
    }
    int place = place_of(t, image, line, json_array_size(list));
    json_array_foreach(list, i, text) {
        if (place < 0)
            break;
        if (json_is_string(text)) {
            add_caption(t, json_string_value(text), image, place, line);
            continue;
        }
        char *item = xasprintf("line %d, caption %zu", line, i + 1);
        eval_add_flaw(s, item, "is no text");
        free(item);
    }
    return 0;
}

int reference_read_retrieval(struct reference_reader *r)
{
    struct retrieval t = {.r = r};
    int rc = reference_lines(r, "all_data_final_test_set0_2014.jsonline", take_image, &t);
    strmap_fini(&t.places);
    return rc;
}

/* ---- scoring */

int reference_judge_retrieval(const struct eval_set *s, const struct eval_item *it,
                              const struct result *r, struct eval_verdict *v, struct vs_err *err)
{
    (void)s;
    (void)err;
    v->logits = r->raw;
    v->count = r->raw_count;
    v->choice = reference_argmax(r->raw, r->raw_count);
    v->target = it->number;
    v->rank = 0;
    for (int i = 0; i < r->raw_count; i++)
        v->rank += r->raw[i] > r->raw[it->number] ||
                   (r->raw[i] == r->raw[it->number] && i < it->number);
    v->score = v->rank == 0;
    return 0;
}

void reference_row_retrieval(const struct eval_set *s, const struct eval_item *it,
                             const struct eval_verdict *v, struct buf *out)
{
    int *order = xcalloc((size_t)v->count + 1, sizeof *order);
    (void)s;
    (void)it;
    score_rank(v->logits, v->count, order);
    buf_putc(out, '[');
    for (int i = 0; i < v->count && i < ROW_LENGTH; i++)
        buf_printf(out, "%s%d", i ? ", " : "", order[i]);
    buf_putc(out, ']');
    free(order);
}
