/* SPDX-License-Identifier: MIT */
/* Several checkpoints: asking them, keeping what they say, choosing the two that are compared. */
#include "ui/jobs/compare.h"

#include "src/base/mem.h"
#include "ui/jobs/own_query.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison *comparison_of(struct workbench *w)
{
    if (!w->compare) {
        int n = model_checkpoint_count(w->ses.model);
        w->compare = xcalloc(1, sizeof *w->compare);
        w->compare->b = n > 1 ? n - 1 : 0;
        w->compare->drift.a = w->compare->patches.a = -1;
        w->compare->patches.level = PATCH_LAYERS;
        w->compare->generation = 1;
    }
    return w->compare;
}

/* The checkpoint that gave the shown result, or -1. */
static int compare_shown(const struct workbench *w)
{
    return w->now.r ? model_checkpoint_of(w->ses.model, w->now.r) : -1;
}

const struct result *compare_result(struct workbench *w, int checkpoint)
{
    if (checkpoint < 0 || checkpoint >= model_checkpoint_count(w->ses.model))
        return NULL;
    return checkpoint == compare_shown(w) ? w->now.r : comparison_of(w)->results[checkpoint];
}

void compare_name(const struct workbench *w, int checkpoint, char *out, size_t size)
{
    bool known = checkpoint < model_checkpoint_count(w->ses.model);
    const char *name = known ? model_checkpoint_name(w->ses.model, checkpoint) : "";
    static const char *const ends[] = {".safetensors", ".bin", ".pth", ".pt", ".ckpt"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t k = strlen(ends[i]);
        if (n > k && strcmp(name + n - k, ends[i]) == 0) {
            n -= k;
            break;
        }
    }
    snprintf(out, size, "%.*s", (int)n, name);
}

void compare_pair_name(struct workbench *w, char *out, size_t size)
{
    char a[64], b[64];
    compare_name(w, comparison_of(w)->a, a, sizeof a);
    compare_name(w, comparison_of(w)->b, b, sizeof b);
    snprintf(out, size, "A %s, B %s", a, b);
}

/* ---- results */

static void compare_drop(struct workbench *w, int i)
{
    struct comparison *c = w->compare;
    if (c->results[i])
        compare_log(w, c->results[i]);
    result_free(c->results[i]);
    free(c->errors[i]);
    c->results[i] = NULL;
    c->errors[i] = NULL;
    c->generation++;
}

/* The same query, whoever was asked. */
static bool same_query(const struct result *a, const struct result *b)
{
    bool same = a->task == b->task && text_equals(a->text, b->text) &&
                text_equals(a->changes, b->changes) && a->image_count == b->image_count;
    for (int i = 0; same && i < a->image_count; i++)
        same = strcmp(a->images[i].digest, b->images[i].digest) == 0 &&
               strcmp(a->images[i].regions_digest, b->images[i].regions_digest) == 0 &&
               a->images[i].region_count == b->images[i].region_count &&
               a->images[i].candidate_count == b->images[i].candidate_count;
    return same;
}

static bool is_on_screen(const struct workbench *w)
{
    for (int i = 0; i < w->panes.count; i++) {
        const struct pane *p = &w->panes.list[i];
        if (p->view->asks_all && p->shown)
            return true;
    }
    return false;
}

void compare_follow(struct workbench *w)
{
    struct comparison *c = w->compare;
    int shown = compare_shown(w);
    if (!c)
        return;
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++)
        if (c->errors[i] || (c->results[i] && (i == shown || !same_query(c->results[i], w->now.r))))
            compare_drop(w, i);
    c->generation++;
    c->number = 0; /* what still comes is of another query */
    if (is_on_screen(w))
        compare_ask(w);
}

/* ---- asking */

void compare_ask(struct workbench *w)
{
    struct comparison *c = comparison_of(w);
    const struct result *r = w->now.r;
    int n = 0, also[MODEL_CHECKPOINTS];
    struct change *changes = NULL;
    int change_count = 0;
    /* A query of the user that waits would be replaced; its result leads here again. */
    if (!r || !w->ses.engine || c->number || w->asked.running)
        return;
    if (stale_bits(w) & (STALE_BOXES | STALE_REGIONS))
        return; /* it would be another query: its pane says so */
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++)
        if (!compare_result(w, i) && !c->errors[i])
            also[n++] = i;
    if (n == 0 || change_list_parse(r->changes, &changes, &change_count, NULL) != 0)
        return;
    struct box_list *boxes = query_boxes(w, w->now.photos, r->image_count);
    struct query q = {.task = r->task, .text = r->text, .checkpoint = also[0], .also = also + 1,
                      .also_count = n - 1, .photo_count = r->image_count, .photos = w->now.photos,
                      .boxes = boxes, .attention = true, .changes = changes,
                      .change_count = change_count};
    c->number = engine_post(w->ses.engine, &q);
    c->left = n;
    free(boxes);
    free(changes);
}

bool compare_take(struct workbench *w, struct event *e)
{
    struct comparison *c = w->compare;
    if (c && c->number && e->query > c->number)
        c->number = 0; /* it was replaced while it waited */
    if (!c || !e->query || e->query != c->number || e->arg)
        return false;
    if (e->kind != EVENT_RESULT && e->kind != EVENT_ERROR)
        return true;
    c->left = e->left;
    c->number = e->left ? c->number : 0;
    compare_drop(w, e->checkpoint);
    if (e->kind == EVENT_ERROR) {
        c->errors[e->checkpoint] = xstrdup(e->error.text);
    } else if (w->now.r && same_query(e->result, w->now.r)) {
        c->results[e->checkpoint] = e->result;
        c->waiting = c->compared = true;
    } else {
        result_free(e->result);
    }
    return true;
}

/* ---- the loop */

/* A digest takes a moment the first time: results wait for it without holding up the screen. */
static bool log_waiting(struct workbench *w)
{
    struct comparison *c = w->compare;
    bool left = false;
    for (int i = 0; w->ses.log && i < model_checkpoint_count(w->ses.model); i++) {
        struct result *r = c->results[i];
        if (!r || r->log_id)
            continue;
        if (!left && model_complete_ready(w->ses.model, r))
            compare_log(w, r);
        else
            left = true;
    }
    left = left || c->number || (w->logging.waits && w->logging.waits == w->now.r);
    if (!left && c->compared)
        compare_log_together(w);
    c->compared = c->compared && left;
    return left;
}

int compare_tick(struct workbench *w)
{
    struct comparison *c = w->compare;
    if (!c)
        return -1;
    if (c->waiting)
        c->waiting = log_waiting(w);
    bool waits = trend_log_tick(w, false);
    int ms = trend_tick(w);
    return c->waiting || waits ? 50 : ms;
}

int compare_fd(const struct workbench *w)
{
    const struct trend *t = w->compare ? &w->compare->trend : NULL;
    return t && t->watch && !t->runs ? watch_fd(t->watch) : -1;
}

bool compare_busy(const struct workbench *w)
{
    const struct trend *t = w->compare ? &w->compare->trend : NULL;
    return t && (w->compare->number ||
                 (t->runner && !t->stopped && t->next < model_checkpoint_count(w->ses.model)));
}

void compare_stop(struct workbench *w)
{
    if (!w->compare)
        return;
    w->compare->trend.stopped = w->compare->trend.runs;
    w->compare->number = 0;
}

void compare_free(struct workbench *w)
{
    struct comparison *c = w->compare;
    if (!c)
        return;
    trend_log_tick(w, true);
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++)
        compare_drop(w, i);
    drift_fini(&c->drift);
    patches_fini(&c->patches);
    trend_fini(&c->trend);
    free(c);
    w->compare = NULL;
}

/* ---- the two that are compared */

bool compare_several(struct workbench *w)
{
    if (model_checkpoint_count(w->ses.model) > 1)
        return true;
    workbench_say(w, true, "only one checkpoint is open: -c FILE -c FILE opens several");
    return false;
}

/* What is shown of the two follows. */
static void pair_changed(struct workbench *w)
{
    char pair[160];
    compare_pair_name(w, pair, sizeof pair);
    workbench_say(w, false, "comparing %s", pair);
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].view->pair_changed)
            w->panes.list[i].view->pair_changed(w);
}

void compare_set_pair(struct workbench *w, int a, int b)
{
    struct comparison *c = comparison_of(w);
    c->a = a;
    c->b = b;
    pair_changed(w);
}
