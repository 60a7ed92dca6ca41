/* SPDX-License-Identifier: MIT */
/* What the engine says: answers, regions, other work that has ended. */
#include "ui/jobs/activation.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/compare.h"
#include "ui/jobs/curves.h"
#include "ui/jobs/jobs.h"
#include "ui/jobs/leave_one_out.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- results */

static bool same_question(const struct result *a, const struct result *b)
{
    if (a->task != b->task || strcmp(a->text, b->text) != 0 || a->image_count != b->image_count ||
        strcmp(a->checkpoint_name, b->checkpoint_name) != 0)
        return false;
    for (int i = 0; i < a->image_count; i++)
        if (strcmp(a->images[i].digest, b->images[i].digest) != 0)
            return false;
    return true;
}

/* What was found out about the result that was shown. */
static void forget_result(struct workbench *w)
{
    effects_free(w->leave_outs.known);
    w->leave_outs.known = NULL;
    for (int i = 0; i < 2; i++)
        lens_free(w->lenses.known[i]);
    w->lenses = (struct lenses){0};
    attribute_forget(w);
    activation_forget(w);
    curves_forget(w);
}

/* Whether the result is to be compared with one that is here already: it has interventions, or
 * other words than the one that it is compared with. */
static bool is_variant(struct workbench *w, const struct result *r)
{
    bool varies = w->changes.varies, same = w->now.r && same_question(w->now.r, r);
    w->changes.varies = false;
    bool other_words = w->plain && strcmp(w->plain->text, r->text) != 0;
    if (varies)
        return r->changes || other_words || !w->plain;
    return same && (r->changes || other_words);
}

/* A variant is compared with what was asked first. */
static void keep_plain(struct workbench *w, const struct result *r)
{
    struct result *before = w->now.r;
    bool variant = is_variant(w, r);
    if (variant && !w->plain && !before->changes) {
        w->plain = before;
        return;
    }
    if (!variant) {
        work_drop_result(w, w->plain);
        w->plain = NULL;
    }
    work_drop_result(w, before);
}

static void show_result(struct workbench *w, struct result *r)
{
    bool same = w->now.r && same_question(w->now.r, r);
    workbench_log(w, true); /* the one before, if it still waits */
    forget_result(w);
    keep_plain(w, r);
    free(w->now.photos);
    w->now = (struct shown){.r = r, .photos = w->asked.photos, .boxes = w->asked.boxes,
                            .regions = stale_regions(w->asked.photos, r->image_count),
                            .open = w->asked.open, .serial = w->now.serial + 1};
    w->asked.photos = NULL;
    w->asked.count = 0;
    w->asked.running = 0;
    if (!same) {
        selection_look(w->selection, -1);
        look_choose_rank(w, 0); /* of a retrieval the best image is the current one */
    }
    look_settle(w);
    compare_follow(w);
    leave_out_resume(w);
    if (r->notice)
        workbench_note(w, "note: %s", r->notice);
    else if (!w->script.at)
        workbench_say(w, false, "%s",
                      w->ses.suggestions ? "answered; s: another query, Right: what words "
                                           "attend to, c: checkpoint, / to type"
                                         : "answered; Left and Right show what a token attends to");
    if (w->ses.log) {
        w->logging.waits = r;
        snprintf(w->logging.state, sizeof w->logging.state, "logging");
        workbench_log(w, false);
    }
}

void events_free_results(struct workbench *w)
{
    forget_result(w);
    result_free(w->now.r);
    result_free(w->plain);
    free(w->now.photos);
}

/* ---- events */

/* The detector has found the regions of a photo, or has not. */
static void take_regions(struct workbench *w, const struct event *e)
{
    int at = session_find_photo(w, e->photo);
    if (at >= 0)
        w->ses.states[at].waits = false;
    const struct regions *g = photo_regions(e->photo);
    bool answered = w->now.r && photo_in_result(w) >= 0; /* which says more */
    if (e->kind == EVENT_REGIONS && g && !answered)
        workbench_say(w, false, "%d regions found; g lists them", g->count);
    else if (e->kind == EVENT_REGIONS)
        return;
    else if (e->error.code == VS_E_CANCELLED)
        workbench_say(w, false, "no regions: cancelled; d detects them again");
    else
        workbench_say(w, true, "%s", e->error.text);
}

void events_want_regions(struct workbench *w)
{
    struct photo_state *s = w->ses.photo < w->ses.photo_count ? &w->ses.states[w->ses.photo] : NULL;
    if (!s || s->asked || !w->ses.engine || !model_has_detector(w->ses.model) ||
        photo_regions(w->ses.photos[w->ses.photo]))
        return;
    s->asked = s->waits = true;
    engine_detect(w->ses.engine, w->ses.photos[w->ses.photo]);
}

void events_take(struct workbench *w)
{
    struct event e;
    while (w->ses.engine && engine_poll(w->ses.engine, &e)) {
        if (compare_take(w, &e)) {
            continue;
        } else if (e.kind == EVENT_RESULT && e.query == w->asked.running) {
            show_result(w, e.result);
        } else if (e.kind == EVENT_RESULT) {
            result_free(e.result);
        } else if (e.arg) {
            work_end(w, &e);
        } else if (e.photo) {
            take_regions(w, &e);
        } else if (e.kind == EVENT_ERROR && e.query == w->asked.running) {
            w->asked.running = 0;
            workbench_say(w, e.error.code != VS_E_CANCELLED, "%s", e.error.text);
        }
    }
}
