/* SPDX-License-Identifier: MIT */
/* Activation patching between the results that are shown. */
#include "ui/jobs/activation.h"

#include "src/base/mem.h"
#include "src/study/attribution.h"
#include "ui/jobs/own_query.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>

#define EVERY_CELL 1000000

struct activation_job {
    struct own_query a, b;
    int choice, against;
    struct activation_how how;
    struct attribution_progress progress;
    struct activation out;
    bool exact;
    atomic_bool stop;
};

static void activation_drop(void *arg)
{
    struct activation_job *j = arg;
    own_query_fini(&j->a);
    own_query_fini(&j->b);
    activation_fini(&j->out);
    free(j);
}

static int activation_work(struct model *m, void *arg, const atomic_bool *cancel,
                           struct vs_err *err)
{
    struct activation_job *j = arg;
    (void)cancel; /* the engine's own is set where this one is */
    if (atomic_load(&j->stop))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return activation_run(m, &j->a.q, &j->b.q, j->choice, j->against, &j->how, &j->stop, &j->out,
                          err);
}

static void activation_known_free(struct activations *x)
{
    if (x->known)
        activation_fini(x->known);
    free(x->known);
    x->known = NULL;
}

static void activation_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct activation_job *j = arg;
    struct activations *x = &w->attributions.patched;
    if (x->runs == j && err) {
        bool stopped = err->code == VS_E_CANCELLED;
        snprintf(x->why, sizeof x->why, "%.150s", stopped ? "stopped: @ begins again" : err->text);
    } else if (x->runs == j) {
        activation_known_free(x);
        x->known = xcalloc(1, sizeof *x->known);
        *x->known = j->out;
        x->known_exact = j->exact;
        j->out = (struct activation){0};
    }
    if (x->runs == j)
        x->runs = NULL;
    activation_drop(j);
}

/* The query that is shown, as it was before it was changed. */
static int activation_unchanged(struct workbench *w, struct own_query *o, struct vs_err *err)
{
    int rc = own_query_make(w, o, err);
    if (rc != 0)
        return rc;
    free(o->text);
    free(o->changes);
    o->q.text = o->text = xstrdup(w->plain->text);
    o->changes = NULL;
    o->q.change_count = 0;
    rc = change_list_parse(w->plain->changes, &o->changes, &o->q.change_count, err);
    o->q.changes = o->changes;
    return rc;
}

static void activation_begin(struct workbench *w)
{
    struct activations *x = &w->attributions.patched;
    struct activation_job *j = xcalloc(1, sizeof *j);
    struct vs_err err = {0};
    int rc = own_query_make(w, &j->b, &err);
    if (rc == 0)
        rc = activation_unchanged(w, &j->a, &err);
    if (rc == 0 && stale_bits(w) & (STALE_BOXES | STALE_REGIONS))
        rc = vs_fail(&err, VS_E_USAGE, "the boxes on the image have changed: r asks again");
    if (rc != 0) {
        snprintf(x->why, sizeof x->why, "%.150s", err.text);
        activation_drop(j);
        return;
    }
    activation_choices(w->plain, w->now.r, &x->choice, &x->against);
    j->choice = x->choice;
    j->against = x->against;
    j->how = activation_usual;
    j->how.site = x->site;
    j->how.progress = &j->progress;
    j->exact = x->exact;
    if (x->exact)
        j->how.verify = EVERY_CELL;
    j->a.q.checkpoint = j->b.q.checkpoint = model_checkpoint_of(w->ses.model, w->now.r);
    x->runs = j;
    workbench_call(w, activation_work, activation_take, activation_drop, j);
}

const struct activation *activation_wanted(struct workbench *w)
{
    struct activations *x = &w->attributions.patched;
    bool known = x->known && x->known->site == x->site && (x->known_exact || !x->exact);
    if (!w->now.r || !w->plain || known)
        return known ? x->known : NULL;
    if (!x->runs && !x->why[0] && w->ses.engine && !w->asked.running)
        activation_begin(w);
    return NULL;
}

void activation_waits(const struct workbench *w, char *out, size_t size)
{
    const struct activations *x = &w->attributions.patched;
    int done = x->runs ? atomic_load(&x->runs->progress.done) : 0;
    int all = x->runs ? atomic_load(&x->runs->progress.all) : 0;
    if (!w->now.r)
        snprintf(out, size, "ask something first");
    else if (!w->plain)
        snprintf(out, size, "change the query first (R replaces a word, D drops a region): its "
                 "states are put into the unchanged one");
    else if (x->why[0])
        snprintf(out, size, "%s", x->why);
    else if (all > 0)
        snprintf(out, size, "computing, %d/%d runs; Esc stops", done, all);
    else
        snprintf(out, size, "computing ...; Esc stops");
}

void activation_target_name(const struct workbench *w, char *out, size_t size)
{
    char names[2][32];
    const struct activations *x = &w->attributions.patched;
    const struct result *of = x->against < 0 ? w->plain : w->now.r;
    const char *other = x->against >= 0 ? attribution_label(w->plain, x->against, names[1]) : NULL;
    snprintf(out, size, "\"%s\"%s%s%s", draw_base_name(attribution_label(of, x->choice, names[0])),
             other ? " less \"" : "", other ? other : "", other ? "\"" : "");
}

void activation_want(struct workbench *w, enum net_site site, bool exact)
{
    struct activations *x = &w->attributions.patched;
    if (x->site != site || x->exact != exact)
        activation_stop(w);
    x->site = site;
    x->exact = exact;
    x->why[0] = '\0';
}

/* What was stopped comes back, and is nobody's. */
void activation_stop(struct workbench *w)
{
    struct activations *x = &w->attributions.patched;
    if (!x->runs)
        return;
    atomic_store(&x->runs->stop, true);
    x->runs = NULL;
    snprintf(x->why, sizeof x->why, "stopped: @ begins again");
}

void activation_forget(struct workbench *w)
{
    activation_stop(w);
    activation_known_free(&w->attributions.patched);
    w->attributions.patched = (struct activations){.site = w->attributions.patched.site};
}
