/* SPDX-License-Identifier: MIT */
/* A result as JSON: the same document for the command line, the log and exports. */
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/task/result.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *reals(const float *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, plain_number((double)v[i]));
    return a;
}

static json_t *image_json(const struct result_image *im)
{
    json_t *regions = json_pack("{s:o, s:s, s:i, s:i, s:s}", "path",
                                plain_string(im->regions_path), "digest", im->regions_digest,
                                "count", im->region_count, "candidates", im->candidate_count,
                                "origin", region_origin_names[im->regions_origin]);
    if (im->regions_key)
        json_object_set_new(regions, "key", plain_string(im->regions_key));
    return json_pack("{s:o, s:s, s:i, s:i, s:o}", "path", plain_string(im->path), "digest",
                     im->digest, "width", im->width, "height", im->height, "regions", regions);
}

static json_t *token_json(const struct result_token *t)
{
    return json_pack("{s:o, s:i, s:i, s:i, s:b}", "piece", plain_string(t->piece), "id",
                     (int)t->id, "begin", t->begin, "end", t->end, "special", (int)t->special);
}

static json_t *answer_json(const struct result_answer *a, int rank)
{
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o}", "rank", rank + 1, "index", a->index, "label",
                     plain_string(a->label), "logit", plain_number((double)a->logit), "softmax",
                     plain_number((double)a->softmax), "sigmoid",
                     plain_number((double)a->sigmoid));
}

static json_t *box_json(const struct result_box *x, int rank)
{
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "rank", rank + 1, "image",
                     x->image, "region", x->region, "box", reals(x->box, 4), "label",
                     plain_string(x->label), "logit", plain_number((double)x->logit), "softmax",
                     plain_number((double)x->softmax), "sigmoid",
                     plain_number((double)x->sigmoid));
}

static void add_identity(json_t *root, const struct result *r)
{
    json_object_set_new(root, "task", json_string(r->task->name));
    json_object_set_new(root, "task_id", json_integer(r->task->id));
    json_object_set_new(root, "text", plain_string(r->text));
    json_object_set_new(root, "model_text", plain_string(r->model_text));
    json_object_set_new(root, "truncated", json_boolean(r->truncated));
    if (r->pair_separate)
        json_object_set_new(root, "pair", json_string("separate"));
    json_object_set_new(root, "model", plain_string(r->model_name));
    json_object_set_new(root, "checkpoint",
                        json_pack("{s:o, s:o, s:s}", "name", plain_string(r->checkpoint_name),
                                  "path", plain_string(r->checkpoint_path), "digest",
                                  r->checkpoint_digest));
    json_object_set_new(root, "device", plain_string(r->device));
    json_object_set_new(root, "changes", plain_string(r->changes));
    json_object_set_new(root, "notice", plain_string(r->notice));
}

static void add_reading(json_t *root, const struct result *r)
{
    json_t *answers = json_array(), *boxes = json_array();
    for (int i = 0; i < r->answer_count && i < RESULT_TOP; i++)
        json_array_append_new(answers, answer_json(&r->answers[i], i));
    for (int i = 0; i < r->box_count; i++)
        json_array_append_new(boxes, box_json(&r->boxes[i], i));
    json_object_set_new(root, "answer_count", json_integer(r->answer_total));
    json_object_set_new(root, "answers", answers);
    json_object_set_new(root, "box_count", json_integer(r->box_count));
    json_object_set_new(root, "boxes", boxes);
    json_object_set_new(root, "entropy", plain_number(r->entropy));
    json_object_set_new(root, "margin", plain_number(r->margin));
}

static json_t *masked_json(const struct result_masked *x)
{
    json_t *words = json_array();
    for (int i = 0; i < x->count; i++)
        json_array_append_new(words, answer_json(&x->words[i], i));
    return json_pack("{s:i, s:i, s:o}", "token", x->token, "image", x->image, "words", words);
}

static void add_masked(json_t *root, const struct result *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->masked_count; i++)
        json_array_append_new(list, masked_json(&r->masked[i]));
    if (r->masked_count)
        json_object_set(root, "masked", list);
    json_decref(list);
}

static json_t *times_json(const struct result_times *ms)
{
#define ADD_TIME(stage) json_object_set_new(times, #stage, plain_number(ms->stage));
    json_t *times = json_object();
    RESULT_TIMES(ADD_TIME)
    return times;
}

char *result_json(const struct result *r, int indent)
{
    json_t *root = json_object(), *images = json_array(), *tokens = json_array();
    add_identity(root, r);
    for (int i = 0; i < r->image_count; i++)
        json_array_append_new(images, image_json(&r->images[i]));
    for (int i = 0; i < r->token_count; i++)
        json_array_append_new(tokens, token_json(&r->tokens[i]));
    json_object_set_new(root, "images", images);
    json_object_set_new(root, "tokens", tokens);
    add_reading(root, r);
    add_masked(root, r);
    json_object_set_new(root, "ms", times_json(&r->ms));
    char *text = json_dumps(root, (indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT) |
                                      JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text)
        return xstrdup("{}");
    /* The library's allocator may not be ours: hand out memory that free() takes. */
    char *copy = xstrdup(text);
    free(text);
    return copy;
}
