/* Asking: tasks, checkpoints, suggested queries. */
#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/jobs/knock.h"
#include "ui/state/stale.h"

#include <stdlib.h>
#include <string.h>

static void forget_asked(struct workbench *w)
{
    free(w->asked);
    w->asked = NULL;
    w->asked_count = 0;
}

/* Which photos a query is on: the current one, the current and the next, or all. */
static void choose_photos(struct workbench *w)
{
    const struct task *t = w->task;
    int n = t->max_images > 2 ? w->photo_count : t->max_images;
    forget_asked(w);
    w->asked = xcalloc((size_t)n + 1, sizeof(struct photo *));
    if (t->max_images > 2) {
        for (int i = 0; i < n; i++)
            w->asked[i] = w->photos[i];
        w->asked_count = n;
        return;
    }
    int first = t->min_images == 2 && w->photo == w->photo_count - 1 && w->photo > 0
                    ? w->photo - 1 : w->photo;
    for (int i = 0; i < n && first + i < w->photo_count; i++)
        w->asked[w->asked_count++] = w->photos[first + i];
}

/* The boxes drawn on the photos of the query; borrowed, the list is the caller's. */
static struct box_list *drawn_boxes(const struct workbench *w)
{
    struct box_list *list = xcalloc((size_t)w->asked_count + 1, sizeof *list);
    for (int i = 0; i < w->asked_count; i++)
        for (int j = 0; j < w->photo_count; j++)
            if (w->photos[j] == w->asked[i])
                list[i] = w->states[j].boxes;
    return list;
}

/* Posts the query line's text about the chosen photos. */
static void post(struct workbench *w)
{
    knock_stop(w); /* nobody waits for it any more */
    struct query q = {.task = w->task, .text = w->query.text, .checkpoint = w->checkpoint,
                      .photo_count = w->asked_count, .photos = w->asked, .attention = true,
                      .hidden = true, .others = true, .changes = w->changes.list,
                      .change_count = w->changes.count};
    struct box_list *boxes = drawn_boxes(w);
    q.boxes = boxes;
    w->asked_boxes = stale_boxes(w, w->asked, w->asked_count);
    w->asked_open = w->photo_count;
    w->running = engine_post(w->engine, &q);
    free(boxes);
    edit_remember(&w->query, w->query.text);
    w->mode = MODE_BROWSE;
}

static bool can_ask(struct workbench *w)
{
    if (w->model && w->engine && w->photo_count > 0)
        return true;
    if (!w->model || !w->engine)
        workbench_say(w, true, "no model is open: start with -m DIR, or -c FILE --config FILE "
                      "--vocab FILE");
    else
        workbench_say(w, true, "no image is open: o opens one");
    w->mode = MODE_BROWSE;
    return false;
}

void do_ask(struct workbench *w, const char *arg)
{
    if (*arg)
        edit_set(&w->query, arg);
    if (!can_ask(w) || !w->query.len)
        return;
    w->changes.varies = false;
    w->changes.count = 0; /* a new question is asked of the whole model */
    choose_photos(w);
    post(w);
}

void do_again(struct workbench *w, const char *arg)
{
    (void)arg;
    do_ask(w, "");
}

static void post_again(struct workbench *w, const char *text)
{
    if (!can_ask(w) || !w->now.r)
        return;
    forget_asked(w);
    w->asked_count = w->now.r->image_count;
    w->asked = xcalloc((size_t)w->asked_count + 1, sizeof(struct photo *));
    memcpy(w->asked, w->now.photos, (size_t)w->asked_count * sizeof(struct photo *));
    w->task = w->now.r->task;
    edit_set(&w->query, text);
    post(w);
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

void do_task(struct workbench *w, const char *arg)
{
    const struct task *t = task_find(arg);
    if (!*arg) {
        panes_popup(w, &view_tasks);
    } else if (t) {
        w->task = t;
    } else {
        workbench_say(w, true, "there is no task '%s'; t lists them", arg);
    }
}

void do_digit(struct workbench *w, const char *arg)
{
    int n = atoi(*arg ? arg : w->key);
    n = n == 0 ? 10 : n;
    if (n < 1 || n > task_count)
        workbench_say(w, true, "there are tasks 1 to %d; t lists them", task_count);
    else
        w->task = &task_table[n - 1];
}

/* By name, or the next one. */
void do_checkpoint(struct workbench *w, const char *arg)
{
    int n = w->model ? model_checkpoint_count(w->model) : 0, at = (w->checkpoint + 1) % (n ? n : 1);
    if (n < 2) {
        workbench_say(w, false, "only one checkpoint is open: -c FILE -c FILE opens several");
        return;
    }
    for (int i = 0; i < n && *arg; i++) {
        at = i;
        if (strcmp(model_checkpoint_name(w->model, i), arg) == 0)
            break;
        at = -1;
    }
    if (at < 0) {
        workbench_say(w, true, "there is no checkpoint '%s'", arg);
        return;
    }
    w->checkpoint = at;
    workbench_say(w, false, "checkpoint %s: r asks it", model_checkpoint_name(w->model, at));
}

/* ---- suggested queries */

static int photo_of(const struct workbench *w, const char *path)
{
    for (int i = 0; i < w->photo_count; i++)
        if (w->photos[i]->path && strcmp(w->photos[i]->path, path) == 0)
            return i;
    return -1;
}

/* The candidates of a suggestion stand as if the user had drawn them. */
static void set_boxes(struct photo_state *s, const struct box_list *l)
{
    size_t size = (size_t)l->count * 4 * sizeof *l->boxes;
    free(s->boxes.boxes);
    s->boxes = (struct box_list){xmalloc(size + 1), l->count};
    if (size)
        memcpy(s->boxes.boxes, l->boxes, size);
}

/* Takes over a suggestion; false when one of its images is not open. */
static bool take_suggestion(struct workbench *w, const struct eval_item *it)
{
    forget_asked(w);
    w->asked = xcalloc((size_t)it->image_count + 1, sizeof(struct photo *));
    for (int i = 0; i < it->image_count; i++) {
        int at = photo_of(w, it->images[i]);
        if (at < 0)
            return false;
        w->asked[w->asked_count++] = w->photos[at];
        set_boxes(&w->states[at], &it->candidates);
    }
    w->photo = photo_of(w, it->images[0]);
    w->task = it->task;
    selection_region(w->selection, -1);
    edit_set(&w->query, it->text);
    return true;
}

void do_suggest(struct workbench *w, const char *arg)
{
    const struct task *only = *arg ? task_find(arg) : NULL;
    int n = w->suggestions && w->engine ? w->suggestions->count : 0;
    if (*arg && !only) {
        workbench_say(w, true, "there is no task '%s'; t lists them", arg);
        return;
    }
    for (int i = 0; i < n; i++) {
        const struct eval_item *it = &w->suggestions->items[w->suggestion];
        w->suggestion = (w->suggestion + 1) % n;
        if ((!only || it->task == only) && take_suggestion(w, it)) {
            w->changes.varies = false;
            w->changes.count = 0;
            post(w);
            return;
        }
    }
    workbench_say(w, n > 0, n ? "no suggested query like that on the open images"
                              : "this model suggests no queries (\"queries\" in model.json)");
}

/* Drops the query and the detections. A query that was waiting behind other work ends without an
 * event, and nobody wants the answer of one that runs. */
static void stop_work(struct workbench *w)
{
    struct detect_progress p;
    bool runs = engine_progress(w->engine, &p);
    compare_stop(w);
    knock_stop(w);
    engine_cancel(w->engine);
    w->running = 0;
    w->changes.varies = false;
    for (int i = 0; i < w->photo_count; i++)
        w->states[i].waits = false;
    workbench_say(w, false, runs ? "cancelled; d looks for regions again" : "cancelled");
}

/* One step back: the popup, what runs, the zoomed pane, what is chosen, the pane. */
void do_cancel(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->panes.popup.view) {
        panes_leave_popup(w);
    } else if (workbench_busy(w)) {
        stop_work(w);
    } else if (w->panes.zoomed) {
        w->panes.zoomed = false;
    } else if (w->sel->token >= 0 || w->sel->region >= 0 || w->sel->overlay) {
        selection_clear(w->selection);
    } else {
        w->panes.focus = 0;
        w->went++;
    }
}
