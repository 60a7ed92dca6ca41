/* SPDX-License-Identifier: MIT */
/* Work about two checkpoints in the engine's thread: weights, hidden states, patches. What a job
 * needs it owns, so that the screen may go on meanwhile. */
#include "ui/jobs/compare.h"

#include "src/base/mem.h"
#include "src/study/compare.h"
#include "ui/jobs/own_query.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>

static void say_failed(struct workbench *w, char why[256], const struct vs_err *err)
{
    snprintf(why, 256, "%.255s", err->text);
    if (err->code != VS_E_CANCELLED)
        workbench_say(w, true, "%s", err->text);
}

/* ---- weights and hidden states */

struct drift_job {
    int a, b;
    bool asks;
    struct own_query query;
    struct compare_progress *progress; /* outlives the job: the workbench ends the engine first */
    struct weights_change *weights;
    struct cka cka[2];
    struct difference *found[2]; /* to be logged: weights, states; NULL: not found now */
};

static void drift_job_free(void *arg)
{
    struct drift_job *j = arg;
    own_query_fini(&j->query);
    weights_change_free(j->weights);
    cka_fini(&j->cka[0]);
    cka_fini(&j->cka[1]);
    difference_free(j->found[0]);
    difference_free(j->found[1]);
    free(j);
}

static void on_states(void *arg, int done, int all)
{
    struct compare_progress *p = arg;
    atomic_store(&p->all, all);
    atomic_store(&p->done, done);
}

static int drift_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct drift_job *j = arg;
    int rc = compare_check_families(m, j->a, j->b, err);
    if (rc == 0 && !j->weights) {
        rc = weights_compare_opened(m, j->a, j->b, cancel, &j->weights, err);
        if (rc == 0)
            j->found[0] = difference_of_weights(m, j->a, j->b, j->weights);
    }
    if (rc == 0 && j->asks) {
        rc = cka_run(m, &j->query.q, 1, j->a, j->b, cancel, on_states, j->progress, j->cka, err);
        if (rc == 0)
            j->found[1] = difference_of_cka(m, j->a, j->b, j->cka, j->query.text);
    }
    return rc;
}

static void drift_done(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct drift_job *j = arg;
    struct drift *d = &comparison_of(w)->drift;
    drift_fini(d);
    *d = (struct drift){.a = j->a, .b = j->b, .weights = j->weights,
                        .cka = {j->cka[0], j->cka[1]}, .made = d->made + 1};
    d->text = j->asks ? xstrdup(j->query.text) : NULL;
    d->query = j->asks ? j->query.identity : 0;
    if (err)
        say_failed(w, d->why, err);
    for (int i = 0; i < 2; i++) {
        compare_log_found(w, j->found[i]);
        j->found[i] = NULL;
    }
    j->weights = NULL;
    j->cka[0] = j->cka[1] = (struct cka){0};
    drift_job_free(j);
    if (!err && (d->a != w->compare->a || d->b != w->compare->b))
        drift_start(w); /* others were chosen meanwhile */
}

/* The query would be asked with other boxes than the answer that is shown. */
static bool boxes_changed(struct workbench *w)
{
    if (!(stale_bits(w) & (STALE_BOXES | STALE_REGIONS)))
        return false;
    workbench_say(w, true, "the boxes on the image have changed: r asks again");
    return true;
}

/* Unless it is known already. */
void drift_start(struct workbench *w)
{
    struct comparison *c = comparison_of(w);
    struct drift *d = &c->drift;
    bool same = d->a == c->a && d->b == c->b && !d->why[0];
    if (d->runs || !w->ses.engine || c->a == c->b ||
        (same && d->query == stale_identity(w)) || boxes_changed(w))
        return;
    struct drift_job *j = xcalloc(1, sizeof *j);
    j->a = c->a;
    j->b = c->b;
    j->asks = w->now.r && own_query_make(w, &j->query, NULL) == 0;
    j->progress = &d->progress;
    if (same) { /* only another query */
        j->weights = d->weights;
        d->weights = NULL;
    }
    d->runs = true;
    d->why[0] = '\0';
    atomic_store(&d->progress.all, 0);
    workbench_call(w, drift_run, drift_done, drift_job_free, j);
}

void drift_fini(struct drift *d)
{
    weights_change_free(d->weights);
    cka_fini(&d->cka[0]);
    cka_fini(&d->cka[1]);
    free(d->text);
    d->weights = NULL;
    d->text = NULL;
}

/* ---- patches */

struct patch_job {
    struct patch_options o;
    struct own_query query;
    struct compare_progress *progress;
    struct patch_result *result;
    struct difference *found; /* to be logged */
};

static void patch_job_free(void *arg)
{
    struct patch_job *j = arg;
    own_query_fini(&j->query);
    patch_free(j->result);
    difference_free(j->found);
    free(j);
}

static void on_patch(void *arg, const struct patch_result *s)
{
    struct compare_progress *p = arg;
    atomic_store(&p->all, s->tries ? 0 : s->item_count);
    atomic_store(&p->done, s->tries ? s->tries : s->done);
}

static int patches_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct patch_job *j = arg;
    int rc = compare_check_families(m, j->o.a, j->o.b, err);
    j->o.cancel = cancel;
    j->o.report = on_patch;
    j->o.report_arg = j->progress;
    if (rc == 0)
        rc = patch_run(m, &j->query.q, 1, &j->o, &j->result, err);
    if (rc == 0)
        j->found = difference_of_patch(m, j->result, &j->query.q, j->query.text);
    return rc;
}

static void patches_done(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct patch_job *j = arg;
    struct patches *s = &comparison_of(w)->patches;
    enum patch_level level = s->level;
    patches_fini(s);
    *s = (struct patches){.a = j->o.a, .b = j->o.b, .level = level, .result = j->result,
                          .text = xstrdup(j->query.text), .query = j->query.identity,
                          .made = j->o.level, .number = s->number + 1};
    if (s->result)
        s->order = patch_order(s->result);
    if (err)
        say_failed(w, s->why, err);
    compare_log_found(w, j->found);
    j->found = NULL;
    j->result = NULL;
    bool stale = !err && (s->a != w->compare->a || s->b != w->compare->b || level != j->o.level);
    patch_job_free(j);
    if (stale)
        patches_start(w);
}

void patches_start(struct workbench *w)
{
    struct comparison *c = comparison_of(w);
    struct patches *s = &c->patches;
    if (s->runs || !w->ses.engine || c->a == c->b || boxes_changed(w))
        return;
    struct patch_job *j = xcalloc(1, sizeof *j);
    if (!w->now.r || own_query_make(w, &j->query, NULL) != 0) {
        workbench_say(w, true, "ask something first: patching explains how an answer changes");
        patch_job_free(j);
        return;
    }
    j->o = (struct patch_options){.a = c->a, .b = c->b, .level = s->level, .find_set = true};
    j->progress = &s->progress;
    s->runs = true;
    s->why[0] = '\0';
    atomic_store(&s->progress.all, 0);
    workbench_call(w, patches_run, patches_done, patch_job_free, j);
}

void patches_fini(struct patches *s)
{
    patch_free(s->result);
    free(s->order);
    free(s->text);
    s->result = NULL;
    s->order = NULL;
    s->text = NULL;
}
