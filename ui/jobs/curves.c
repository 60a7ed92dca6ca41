/* SPDX-License-Identifier: MIT */
/* Deletion and insertion of the result that is shown. */
#include "ui/jobs/curves.h"

#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/own_query.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct curves_job {
    struct own_query own;
    const struct attribution_method *method;
    int choice, against;
    struct attribution_how how;
    struct attribution_progress progress;
    struct explanation out;
    atomic_bool stop; /* as in struct attribute_job */
};

static void curves_drop(void *arg)
{
    struct curves_job *j = arg;
    own_query_fini(&j->own);
    explanation_fini(&j->out);
    free(j);
}

static int curves_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct curves_job *j = arg;
    const struct explanation_wants wants = {.methods = &j->method, .method_count = 1, .how = j->how,
                                            .orders = CURVES_ORDERS, .seed = 1};
    (void)cancel;
    if (atomic_load(&j->stop))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return explanation_run(m, &j->own.q, j->choice, j->against, &wants, &j->stop, &j->out, err);
}

static void curves_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct curves_job *j = arg;
    struct curves *last = w->attributions.curves, *c = last && last->runs == j ? last : NULL;
    if (c && err) {
        bool stopped = err->code == VS_E_CANCELLED;
        snprintf(c->why, sizeof c->why, "%.255s", stopped ? "stopped: Q begins again" : err->text);
        workbench_say(w, !stopped, "deletion and insertion: %s", c->why);
    } else if (c) {
        c->known = j->out;
        j->out = (struct explanation){0};
    }
    if (c)
        c->runs = NULL;
    curves_drop(j);
}

static void curves_free(struct curves *c)
{
    if (c)
        explanation_fini(&c->known);
    free(c);
}

static struct curves_job *curves_job_new(struct workbench *w, const struct curves *c)
{
    struct curves_job *j = xcalloc(1, sizeof *j);
    struct vs_err err = {0};
    int checkpoint = model_checkpoint_of(w->ses.model, w->now.r);
    *j = (struct curves_job){.method = c->method, .choice = c->choice, .against = c->against,
                             .how = c->how};
    j->how.progress = &j->progress;
    j->how.verify = j->how.verify_heads = 0;
    int rc = own_query_make(w, &j->own, &err);
    j->own.q.checkpoint = checkpoint;
    if (rc == 0)
        rc = attribution_check(w->ses.model, checkpoint, c->method, &err);
    if (rc == 0 && stale_bits(w) & (STALE_BOXES | STALE_REGIONS))
        rc = vs_fail(&err, VS_E_USAGE, "the boxes on the image have changed: r asks again");
    if (rc == 0)
        return j;
    workbench_say(w, true, "%s", err.text);
    curves_drop(j);
    return NULL;
}

void curves_start(struct workbench *w, const struct slice *x)
{
    struct curves *c = xcalloc(1, sizeof *c);
    *c = (struct curves){.method = x->method, .choice = look_choice(w),
                         .against = attribute_against(w), .how = attribute_how(x, x->method)};
    struct curves_job *j = curves_job_new(w, c);
    curves_forget(w);
    c->runs = j;
    w->attributions.curves = c;
    if (j)
        workbench_call(w, curves_run, curves_take, curves_drop, j);
    else
        snprintf(c->why, sizeof c->why, "not computed: Q tries again");
}

const struct curves *curves_of(const struct workbench *w, const struct slice *x)
{
    const struct curves *c = w->attributions.curves;
    if (!c || !x->method || c->method != x->method || c->choice != look_choice(w) ||
        c->against != attribute_against(w))
        return NULL;
    const struct attribution_how how = attribute_how(x, x->method);
    bool same = c->how.map == how.map && c->how.layer == how.layer && c->how.head == how.head;
    return same ? c : NULL;
}

void curves_progress(const struct curves *c, int *done, int *all)
{
    *done = c->runs ? atomic_load(&c->runs->progress.done) : 0;
    *all = c->runs ? atomic_load(&c->runs->progress.all) : 0;
}

void curves_stop(struct workbench *w)
{
    if (w->attributions.curves && w->attributions.curves->runs)
        atomic_store(&w->attributions.curves->runs->stop, true);
}

void curves_forget(struct workbench *w)
{
    curves_stop(w);
    curves_free(w->attributions.curves);
    w->attributions.curves = NULL;
}
