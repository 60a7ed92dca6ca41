/* SPDX-License-Identifier: MIT */
/* An evaluation from its rows alone. What a row says becomes an item and what was made of it.
 * They are scored, and written as the reference's program does, by the same code as in the run. */
#include "src/study/evaluation_rows.h"

#include "src/base/mem.h"
#include "src/study/evaluation_priv.h"
#include "src/formats/labels.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MOST (1 << 24) /* images of a pool, answers of a vocabulary */

struct rows_replay {
    struct evaluation *e;
    struct eval_set *set;
    struct eval_item item; /* of the row in work; its texts are the row's */
    struct eval_verdict v;
    struct buf reference;
};

static int replay_int(const json_t *row, const char *key, int missing)
{
    const json_t *v = json_object_get(row, key);
    json_int_t n = json_integer_value(v);
    return json_is_integer(v) && n >= 0 && n <= INT_MAX ? (int)n : missing;
}

static int replay_fail(const struct row *r, const char *why, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "the row of item %s of %s %s on %s: %s", r->id, r->task->name,
                   r->split, r->checkpoint, why);
}

/* The one answer of the vocabulary that is asked for, in its place. */
static int replay_label(struct rows_replay *g, const struct row *r, struct vs_err *err)
{
    struct labels *l = g->set->labels;
    if (r->choice >= POOL_MOST)
        return replay_fail(r, "no vocabulary has so many answers", err);
    if (!l)
        l = g->set->labels = xcalloc(1, sizeof *l);
    if (r->choice >= l->count) {
        int count = r->choice + 1;
        l->names = xreallocarray(l->names, (size_t)count, sizeof *l->names);
        memset(l->names + l->count, 0, (size_t)(count - l->count) * sizeof *l->names);
        l->count = count;
    }
    free(l->names[r->choice]);
    l->names[r->choice] = xstrdup(r->answer);
    return 0;
}

/* Every caption with every image of one pool: elsewhere a row has the images that it chose from, or
 * foils, and of captions by images nothing is known. */
static bool replay_is_of_pool(const struct row *r, const json_t *row, int logits)
{
    return r->task->reading->ranked == RANKED_IMAGES && logits != 1 &&
           !json_object_get(row, "images") && !json_object_get(row, "foils");
}

static int replay_verdict(struct rows_replay *g, const struct row *r, const json_t *row,
                          struct vs_err *err)
{
    struct eval_verdict *v = &g->v;
    v->choice = r->choice;
    v->rank = replay_int(row, "rank", 0);
    v->target = replay_int(row, "target", -1);
    v->shifted = json_is_true(json_object_get(row, "shifted"));
    v->score = r->scored ? r->score : 0;
    v->iou = (float)json_number_value(json_object_get(row, "iou"));
    v->mark.text = json_is_true(json_object_get(row, "text_right"));
    v->mark.image = json_is_true(json_object_get(row, "image_right"));
    v->mark.unlisted = json_is_true(json_object_get(row, "unlisted"));
    v->logits = v->own = evaluation_logits(row, &v->count);
    if (!replay_is_of_pool(r, row, v->count))
        return r->task->reading->listed ? replay_label(g, r, err) : 0;
    if (v->count == 0 || v->count > POOL_MOST || v->target < 0 || v->target >= v->count ||
        v->rank >= v->count || (g->set->pool_count && g->set->pool_count != v->count))
        return replay_fail(r, "its pool of images is not that of the others", err);
    g->set->pool_count = v->count;
    g->item.number = v->target;
    return 0;
}

static int replay_row(struct rows_replay *g, const struct row *r, struct vs_err *err)
{
    json_error_t where;
    json_t *row = json_loadb(r->line, r->length, JSON_ALLOW_NUL, &where);
    char *image = xstrdup(r->image), *images[2] = {image, image};
    if (!row) {
        free(image);
        return replay_fail(r, where.text, err);
    }
    g->item = (struct eval_item){.task = r->task, .id = (char *)(uintptr_t)r->id,
                                 .images = images, .image_count = 1, .number = -1,
                                 .foil_count = (int)json_array_size(json_object_get(row, "foils")),
                                 .scored = r->scored};
    if (g->item.foil_count && json_object_get(row, "images"))
        g->item.image_count = 2;
    int rc = replay_verdict(g, r, row, err);
    const struct reference_task *kind = g->set->reference;
    struct evaluation *e = g->e;
    /* Of other sets than the reference's, whose rows have a chance, it writes none. */
    bool is_written = kind && kind->row && !json_object_get(row, "chance");
    g->reference.len = 0;
    if (rc == 0) {
        rc = reference_add(&e->sums, &g->item, &g->v, g->set->pool_count, err);
        if (rc == 0 && is_written)
            kind->row(g->set, &g->item, &g->v, &g->reference);
    }
    char *line = xstrndup(r->line, r->length);
    if (rc == 0 && e->row)
        rc = e->row(e->row_arg, &g->item, line, is_written ? g->reference.data : NULL, true,
                    err);
    free(line);
    free(image);
    eval_verdict_fini(&g->v);
    json_decref(row);
    return rc;
}

static struct eval_set *replay_set(const struct row_evaluation *rows)
{
    struct eval_set *set = xcalloc(1, sizeof *set);
    set->items = xcalloc(1, sizeof *set->items);
    set->items[0].task = rows->task;
    set->count = 1;
    set->path = xstrdup(rows->source);
    set->split = xstrdup(rows->split);
    set->reference = reference_find(rows->task);
    set->as_reference = rows->as_reference;
    return set;
}

int evaluation_from_rows(const struct row_evaluation *rows, struct evaluation *e,
                         struct vs_err *err)
{
    struct rows_replay g = {.e = e, .set = replay_set(rows)};
    int rc = 0;
    e->set = g.set;
    for (int i = 0; i < rows->count && rc == 0; i++)
        rc = replay_row(&g, row_at(rows, i), err);
    if (g.set->pool_count) /* that there is one is what others ask */
        g.set->pool = xcalloc((size_t)g.set->pool_count, sizeof *g.set->pool);
    if (rc == 0)
        rc = reference_finish(&e->sums, err);
    if (e->sums.items)
        eval_interval(evaluation_score(e), e->sums.scored, &e->low, &e->high);
    buf_fini(&g.reference);
    return rc;
}

void evaluation_rows_fini(struct evaluation *e)
{
    eval_free((struct eval_set *)(uintptr_t)e->set);
    e->set = NULL;
    evaluation_fini(e);
}
