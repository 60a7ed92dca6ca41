/* SPDX-License-Identifier: MIT */
/* Queries: which photos they are about, which changes, and posting them. */
#include "ui/jobs/activation.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/compare.h"
#include "ui/jobs/curves.h"
#include "ui/jobs/jobs.h"
#include "ui/jobs/leave_one_out.h"
#include "ui/jobs/own_query.h"
#include "ui/jobs/project.h"
#include "ui/state/stale.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

static void forget_asked(struct workbench *w)
{
    free(w->asked.photos);
    w->asked.photos = NULL;
    w->asked.count = 0;
}

/* Which photos a query is on: the current one, the current and the next, or all. */
static void choose_photos(struct workbench *w)
{
    const struct task *t = w->ses.task;
    int n = t->max_images > 2 ? w->ses.photo_count : t->max_images;
    forget_asked(w);
    w->asked.photos = xcalloc((size_t)n + 1, sizeof(struct photo *));
    if (t->max_images > 2) {
        for (int i = 0; i < n; i++)
            w->asked.photos[i] = w->ses.photos[i];
        w->asked.count = n;
        return;
    }
    int first = t->min_images == 2 && w->ses.photo == w->ses.photo_count - 1 && w->ses.photo > 0
                    ? w->ses.photo - 1 : w->ses.photo;
    for (int i = 0; i < n && first + i < w->ses.photo_count; i++)
        w->asked.photos[w->asked.count++] = w->ses.photos[first + i];
}

void query_stop_studies(struct workbench *w)
{
    leave_out_stop(w);
    attribute_stop(w);
    activation_stop(w);
    curves_stop(w);
    project_stop(w);
}

/* Posts the query line's text about the chosen photos. */
static void query_post(struct workbench *w)
{
    query_stop_studies(w); /* nobody waits for them any more */
    struct query q = {.task = w->ses.task,
                      .text = w->typed.query.text,
                      .checkpoint = w->ses.checkpoint,
                      .photo_count = w->asked.count,
                      .photos = w->asked.photos,
                      .attention = true,
                      .hidden = true,
                      .others = true,
                      .masked = true,
                      .changes = w->changes.list,
                      .change_count = w->changes.count};
    struct box_list *boxes = query_boxes(w, w->asked.photos, w->asked.count);
    q.boxes = boxes;
    w->asked.boxes = stale_boxes(w, w->asked.photos, w->asked.count);
    w->asked.open = w->ses.photo_count;
    w->asked.running = engine_post(w->ses.engine, &q);
    free(boxes);
    edit_remember(&w->typed.query, w->typed.query.text);
    w->typed.mode = MODE_BROWSE;
}

static bool can_ask(struct workbench *w)
{
    if (w->ses.model && w->ses.engine && w->ses.photo_count > 0)
        return true;
    if (!w->ses.model || !w->ses.engine)
        workbench_say(w, true, "no model is open: start with -m DIR, or -c FILE --config FILE "
                      "--vocab FILE");
    else
        workbench_say(w, true, "no image is open: o opens one");
    w->typed.mode = MODE_BROWSE;
    return false;
}

void query_ask(struct workbench *w)
{
    if (!can_ask(w) || !w->typed.query.len)
        return;
    w->changes.varies = false;
    w->changes.count = 0; /* a new question is asked of the whole model */
    choose_photos(w);
    query_post(w);
}

void query_ask_of(struct workbench *w, const int *photos, int count)
{
    if (!can_ask(w) || !w->typed.query.len)
        return;
    w->changes.varies = false;
    w->changes.count = 0;
    forget_asked(w);
    w->asked.photos = xcalloc((size_t)count + 1, sizeof(struct photo *));
    for (int i = 0; i < count; i++)
        w->asked.photos[w->asked.count++] = w->ses.photos[photos[i]];
    query_post(w);
}

static void post_again(struct workbench *w, const char *text)
{
    if (!can_ask(w) || !w->now.r)
        return;
    forget_asked(w);
    w->asked.count = w->now.r->image_count;
    w->asked.photos = xcalloc((size_t)w->asked.count + 1, sizeof(struct photo *));
    memcpy(w->asked.photos, w->now.photos, (size_t)w->asked.count * sizeof(struct photo *));
    w->ses.task = w->now.r->task;
    edit_set(&w->typed.query, text);
    query_post(w);
}

void query_repeat(struct workbench *w)
{
    w->changes.varies = false;
    post_again(w, w->now.r->text);
}

void query_vary(struct workbench *w, const char *text)
{
    w->changes.varies = true;
    post_again(w, text);
}

/* ---- suggested queries */

static int query_photo_of(const struct workbench *w, const char *path)
{
    for (int i = 0; i < w->ses.photo_count; i++)
        if (w->ses.photos[i]->path && strcmp(w->ses.photos[i]->path, path) == 0)
            return i;
    return -1;
}

void query_set_boxes(struct photo_state *s, const struct box_list *l)
{
    free(s->boxes.boxes);
    s->boxes = box_list_copy(l);
}

/* Takes over a suggestion; false when one of its images is not open. */
static bool take_suggestion(struct workbench *w, const struct eval_item *it)
{
    forget_asked(w);
    w->asked.photos = xcalloc((size_t)it->image_count + 1, sizeof(struct photo *));
    for (int i = 0; i < it->image_count; i++) {
        int at = query_photo_of(w, it->images[i]);
        if (at < 0)
            return false;
        w->asked.photos[w->asked.count++] = w->ses.photos[at];
        query_set_boxes(&w->ses.states[at], &it->candidates);
    }
    w->ses.photo = query_photo_of(w, it->images[0]);
    w->ses.task = it->task;
    selection_region(w->selection, -1);
    edit_set(&w->typed.query, it->text);
    return true;
}

bool query_suggest(struct workbench *w, const struct task *only)
{
    int n = w->ses.suggestions && w->ses.engine ? w->ses.suggestions->count : 0;
    for (int i = 0; i < n; i++) {
        const struct eval_item *it = &w->ses.suggestions->items[w->ses.suggestion];
        w->ses.suggestion = (w->ses.suggestion + 1) % n;
        if ((!only || it->task == only) && take_suggestion(w, it)) {
            w->changes.varies = false;
            w->changes.count = 0;
            query_post(w);
            return true;
        }
    }
    workbench_say(w, n > 0, n ? "no such query is suggested for the open images"
                              : "this model suggests no queries (\"queries\" in model.json)");
    return false;
}

/* Drops the query and the detections. A query that was waiting behind other work ends without an
 * event, and nobody wants the answer of one that runs. */
void query_stop(struct workbench *w)
{
    struct detect_progress p;
    bool runs = engine_progress(w->ses.engine, &p);
    compare_stop(w);
    query_stop_studies(w);
    engine_cancel(w->ses.engine);
    w->asked.running = 0;
    w->changes.varies = false;
    for (int i = 0; i < w->ses.photo_count; i++)
        w->ses.states[i].waits = false;
    workbench_say(w, false, runs ? "cancelled; d detects regions again" : "cancelled");
}

/* ---- changes */

bool change_possible(struct workbench *w)
{
    if (w->now.r && w->ses.engine)
        return true;
    workbench_say(w, true, "ask something first");
    return false;
}

/* Adds it, or takes it away when it is there. */
void change_put(struct workbench *w, const struct change *c)
{
    int n = w->changes.count;
    struct change *list = w->changes.list;
    for (int i = 0; i < n; i++)
        if (change_equal(&list[i], c)) {
            memmove(list + i, list + i + 1, (size_t)(n - i - 1) * sizeof *list);
            w->changes.count--;
            return;
        }
    w->changes.list = xreallocarray(list, (size_t)n + 1, sizeof *list);
    w->changes.list[n] = *c;
    w->changes.count++;
}

void change_toggle(struct workbench *w, const struct change *c)
{
    if (!change_possible(w))
        return;
    change_put(w, c);
    query_repeat(w);
}
