/* SPDX-License-Identifier: MIT */
/* Records of what was found out about two checkpoints. */
#include "src/study/difference.h"

#include "src/study/difference_json.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>

const char *const weight_state_names[] = {
    [WEIGHT_COMPARED] = "compared", [WEIGHT_ONLY_A] = "missing in the second",
    [WEIGHT_ONLY_B] = "missing in the first", [WEIGHT_RESHAPED] = "another shape",
};

/* ---- JSON */

static json_t *weight_json(const struct weight_change *c)
{
    return json_pack("{s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:I}", "name", plain_string(c->name),
                     "state", weight_state_names[c->state], "elements", (json_int_t)c->elements,
                     "norm", plain_number(c->norm), "distance", plain_number(c->distance),
                     "relative", plain_number(c->relative), "largest", plain_number(c->most),
                     "changed", (json_int_t)c->changed, "broken", (json_int_t)c->broken);
}

json_t *weights_json(const struct model *m, int a, int b, const struct weights_change *w)
{
    json_t *layers = json_array(), *tensors = json_array();
    for (int i = 0; i < w->layer_count; i++)
        json_array_append_new(layers, weight_json(&w->layers[i]));
    for (int i = 0; i < w->tensor_count; i++)
        json_array_append_new(tensors, weight_json(&w->tensors[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "from", plain_string(model_checkpoint_name(m, a)),
                     "to", plain_string(model_checkpoint_name(m, b)), "all", weight_json(&w->all),
                     "layers", layers, "tensors", tensors);
}

static json_t *stream_json(const struct cka *c)
{
    json_t *names = json_array(), *rows = json_array(), *floors = json_array();
    for (int i = 0; i < c->depths; i++) {
        json_t *row = json_array(), *floor = json_array();
        json_array_append_new(names, json_string(c->names[i]));
        for (int j = 0; j < c->depths; j++) {
            json_array_append_new(row, plain_number(c->values[i * c->depths + j]));
            json_array_append_new(floor, plain_number(c->floors[i * c->depths + j]));
        }
        json_array_append_new(rows, row);
        json_array_append_new(floors, floor);
    }
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o}", "stream",
                     c->text ? "text" : "image", "estimator", "debiased CKA", "rows", c->rows,
                     "queries", c->queries, "permutations", CKA_SHUFFLES, "layers", names,
                     "similarity", rows, "noise_floor", floors);
}

json_t *cka_json(const struct model *m, int a, int b, const struct cka c[2])
{
    return json_pack("{s:o, s:o, s:[o, o]}", "first", plain_string(model_checkpoint_name(m, a)),
                     "last", plain_string(model_checkpoint_name(m, b)), "streams",
                     stream_json(&c[0]), stream_json(&c[1]));
}

json_t *attention_json(const struct attention_change *list, int count)
{
    json_t *all = json_array();
    for (int i = 0; i < count; i++) {
        const struct attention_change *c = &list[i];
        json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:o, s:o, s:i}", "map",
                                             attn_table[c->map].name, "layer", c->layer + 1,
                                             "head", c->head + 1, "divergence",
                                             plain_number(c->jsd), "largest", plain_number(c->most),
                                             "rows", c->rows));
    }
    return all;
}

/* The part that carries most of the change, or NULL. */
static const struct patch_item *difference_carrier(const struct patch_result *s)
{
    return s->best >= 0 && s->items[s->best].share > 0 ? &s->items[s->best] : NULL;
}

static json_t *patch_query_json(const struct patch_query *x, const char *text)
{
    return json_pack("{s:o, s:o, s:o, s:b, s:s, s:o, s:o}", "text", plain_string(text), "before",
                     plain_string(x->answer_a), "after", plain_string(x->answer_b), "changed",
                     (int)x->changed, "scale", patch_measure_name(x), "measure_before",
                     plain_number(x->before), "measure_after", plain_number(x->after));
}

json_t *patch_json(const struct model *m, const struct patch_result *s, const struct query *queries)
{
    json_t *asked = json_array(), *items = json_array(), *set = json_array();
    for (int i = 0; i < s->query_count; i++)
        json_array_append_new(asked, patch_query_json(&s->queries[i], queries[i].text));
    for (int i = 0; i < s->item_count; i++) {
        char text[CHANGE_TEXT];
        change_format(&s->items[i].change, text);
        json_array_append_new(items, json_pack("{s:o, s:o, s:o, s:i}", "part",
                                               plain_string(s->items[i].name), "change",
                                               plain_string(text), "share",
                                               plain_number(s->items[i].share), "flips",
                                               s->items[i].flips));
    }
    for (int i = 0; i < s->set_count; i++)
        json_array_append_new(set, plain_string(s->items[s->set[i]].name));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "first",
                     plain_string(model_checkpoint_name(m, s->a)), "last",
                     plain_string(model_checkpoint_name(m, s->b)), "queries", asked, "parts", items,
                     "carried_by",
                     plain_string(difference_carrier(s) ? difference_carrier(s)->name : NULL),
                     s->smallest ? "smallest_set" : "minimal_set", set, "forward_passes", s->runs);
}

/* ---- records */

static struct difference *difference_make(struct model *m, const char *kind, int a, int b,
                                          int count, const char *subject)
{
    struct difference *d = xcalloc(1, sizeof *d);
    const int numbers[2] = {a, b};
    d->kind = kind;
    d->model = xstrdup(model_name(m));
    d->subject = xstrdup_null(subject);
    for (int i = 0; i < 2; i++) {
        d->sides[i].name = xstrdup(model_checkpoint_name(m, numbers[i]));
        d->sides[i].path = xstrdup(model_checkpoint_path(m, numbers[i]));
        model_checkpoint_digest(m, numbers[i], d->sides[i].digest);
    }
    d->parts = xcalloc((size_t)count + 1, sizeof *d->parts);
    return d;
}

/* Takes part. */
static void difference_add_part(struct difference *d, char *part, const char *other, double value)
{
    d->parts[d->count++] = (struct difference_part){part, xstrdup_null(other), value};
}

/* Takes value and summary. */
static struct difference *difference_finish(struct difference *d, json_t *value, char *summary)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
    d->data = xstrdup(text ? text : "null");
    d->summary = summary;
    free(text);
    json_decref(value);
    return d;
}

struct difference *difference_of_weights(struct model *m, int a, int b,
                                         const struct weights_change *w)
{
    struct difference *d = difference_make(m, "weights", a, b, w->layer_count, NULL);
    const struct weight_change *most = NULL;
    for (int i = 0; i < w->layer_count; i++) {
        const struct weight_change *c = &w->layers[i];
        bool known = c->state == WEIGHT_COMPARED && isfinite(c->relative);
        difference_add_part(d, xstrdup(c->name), NULL, known ? c->relative : (double)NAN);
        if (known && c->changed && (!most || c->relative > most->relative))
            most = c;
    }
    return difference_finish(d, weights_json(m, a, b, w),
                             xasprintf("all weights moved by %.6g of their norm%s%s",
                                       w->all.relative, most ? ", most: " : "",
                                       most ? most->name : ""));
}

/* The mean over the depths of how alike a depth is to itself; NAN without any. */
static double mean_diagonal(const struct cka *c)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < c->depths; i++)
        if (isfinite(c->values[i * c->depths + i])) {
            sum += c->values[i * c->depths + i];
            n++;
        }
    return n ? sum / n : (double)NAN;
}

struct difference *difference_of_cka(struct model *m, int a, int b, const struct cka c[2],
                                     const char *subject)
{
    int all = c[0].depths * c[0].depths + c[1].depths * c[1].depths;
    struct difference *d = difference_make(m, "cka", a, b, all, subject);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < c[s].depths * c[s].depths; i++) {
            const char *stream = c[s].text ? "text" : "image";
            char *other = xasprintf("%s %s", stream, c[s].names[i % c[s].depths]);
            difference_add_part(d, xasprintf("%s %s", stream, c[s].names[i / c[s].depths]), other,
                                c[s].values[i]);
            free(other);
        }
    return difference_finish(
        d, cka_json(m, a, b, c),
        xasprintf("mean CKA (debiased) of the same depths, %.3f (text, n = %d) and %.3f "
                  "(image, n = %d): %d %s",
                  mean_diagonal(&c[0]), c[0].rows, mean_diagonal(&c[1]), c[1].rows, c[0].queries,
                  c[0].queries == 1 ? "query" : "queries"));
}

struct difference *difference_of_attention(struct model *m, int a, int b,
                                           const struct attention_change *list, int count,
                                           const char *subject)
{
    struct difference *d = difference_make(m, "attention", a, b, count, subject);
    int most = -1;
    for (int i = 0; i < count; i++) {
        difference_add_part(d, xasprintf("%s layer %d, head %d", attn_table[list[i].map].name,
                                         list[i].layer + 1, list[i].head + 1), NULL, list[i].jsd);
        if (most < 0 || list[i].jsd > list[most].jsd)
            most = i;
    }
    return difference_finish(
        d, attention_json(list, count),
        most < 0 ? xstrdup("no heads")
                 : xasprintf("changed most: %s, %.4f bits", d->parts[most].part, list[most].jsd));
}

struct difference *difference_of_patch(struct model *m, const struct patch_result *s,
                                       const struct query *queries, const char *subject)
{
    struct difference *d = difference_make(m, "swap", s->a, s->b, s->item_count, subject);
    d->level = patch_level_names[s->level];
    for (int i = 0; i < s->item_count; i++)
        difference_add_part(d, xstrdup(s->items[i].name), NULL, s->items[i].share);
    return difference_finish(d, patch_json(m, s, queries),
                             difference_carrier(s)
                                 ? xasprintf("carried by %s, %.1f%%", difference_carrier(s)->name,
                                             100 * difference_carrier(s)->share)
                                 : xstrdup("no part carries a change"));
}

void difference_note(struct difference *d, json_t *notices)
{
    size_t count = json_array_size(notices);
    const json_t *first = json_array_get(notices, 0);
    json_t *value = count ? json_loads(d->data, 0, NULL) : NULL;
    if (count) {
        char *old = d->summary;
        char *more = count > 1 ? xasprintf(" (and notes of %zu more queries)", count - 1) : NULL;
        d->summary = xasprintf("%s; note: %s%s", old,
                               json_string_value(json_object_get(first, "notice")),
                               more ? more : "");
        free(more);
        free(old);
    }
    if (json_is_object(value)) {
        json_object_set(value, "notices", notices);
        free(d->data);
        d->data = NULL;
        difference_finish(d, json_incref(value), d->summary);
    }
    json_decref(value);
}

struct difference *difference_copy(const struct difference *d)
{
    struct difference *c = xcalloc(1, sizeof *c);
    *c = *d;
    c->model = xstrdup_null(d->model);
    c->subject = xstrdup_null(d->subject);
    c->summary = xstrdup_null(d->summary);
    c->data = xstrdup_null(d->data);
    for (int i = 0; i < 2; i++) {
        c->sides[i].name = xstrdup_null(d->sides[i].name);
        c->sides[i].path = xstrdup_null(d->sides[i].path);
    }
    c->parts = xcalloc((size_t)d->count + 1, sizeof *c->parts);
    for (int i = 0; i < d->count; i++)
        c->parts[i] = (struct difference_part){xstrdup_null(d->parts[i].part),
                                               xstrdup_null(d->parts[i].other), d->parts[i].value};
    return c;
}

void difference_free(struct difference *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->count; i++) {
        free(d->parts[i].part);
        free(d->parts[i].other);
    }
    for (int i = 0; i < 2; i++) {
        free(d->sides[i].name);
        free(d->sides[i].path);
    }
    free(d->parts);
    free(d->model);
    free(d->subject);
    free(d->summary);
    free(d->data);
    free(d);
}
