/* SPDX-License-Identifier: MIT */
/* Attributions of the result that is shown. */
#include "ui/jobs/attribute.h"

#include "src/base/mem.h"
#include "src/study/attributed.h"
#include "src/study/relevancy.h"
#include "ui/jobs/own_query.h"
#include "ui/state/stale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attribute_job {
    struct own_query own;
    const struct attribution_method *method;
    int choice, against;
    struct attribution_how how;
    struct attribution_progress progress;
    struct attribution out;
    atomic_bool stop; /* the engine's own flag is set where this one is (query_stop, the end) */
    bool unwanted;    /* it was stopped as nobody looks at it */
};

static void attribute_drop(void *arg)
{
    struct attribute_job *j = arg;
    own_query_fini(&j->own);
    attribution_fini(&j->out);
    free(j);
}

static int attribute_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct attribute_job *j = arg;
    (void)cancel;
    if (atomic_load(&j->stop))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return attribution_run(m, &j->own.q, j->method, j->choice, j->against, &j->how, &j->stop,
                           &j->out, err);
}

/* ---- which are known */

int attribute_against(const struct workbench *w)
{
    const struct attributions *x = &w->attributions;
    return x->contrasts && x->against != look_choice(w) ? x->against : -1;
}

/* Of raw attention the slice's map, layer and head; a set of heads, their maximum and the rollout
 * are none that the method knows: the mean. */
struct attribution_how attribute_how(const struct slice *x,
                                     const struct attribution_method *method)
{
    struct attribution_how how = attribution_usual;
    if (strcmp(method->word, "attention") == 0) {
        how.map = x->kind;
        how.layer = x->layer[x->kind];
        how.head = x->head[x->kind] >= 0 ? x->head[x->kind] : -1;
    }
    return how;
}

static struct attributed *attribute_find(const struct workbench *w,
                                         const struct attribution_method *method,
                                         const struct attribution_how *how, int choice, int against)
{
    for (int i = 0; i < w->attributions.count; i++) {
        struct attributed *a = w->attributions.list[i];
        if (a->method == method && a->choice == choice && a->against == against &&
            a->how.map == how->map && a->how.layer == how->layer && a->how.head == how->head)
            return a;
    }
    return NULL;
}

const struct attributed *attribute_of(const struct workbench *w, const struct slice *x)
{
    if (!w->now.r || !x->method)
        return NULL;
    const struct attribution_how how = attribute_how(x, x->method);
    return attribute_find(w, x->method, &how, look_choice(w), attribute_against(w));
}

void attribute_waits(const struct workbench *w, const struct slice *x, char *out, size_t size)
{
    const struct attributed *a = attribute_of(w, x);
    int done = a && a->runs ? atomic_load(&a->runs->progress.done) : 0;
    int all = a && a->runs ? atomic_load(&a->runs->progress.all) : 0;
    *out = '\0';
    if (x->method && !a)
        snprintf(out, size, "%s: %s", x->method->title,
                 !w->now.r ? "ask something first" : w->stale ? "r asks again" : "waits");
    else if (a && a->why[0])
        snprintf(out, size, "%s: %s", a->method->title, a->why);
    else if (a && !a->known.method && all > 0)
        snprintf(out, size, "%s: computing, %d/%d passes; Esc stops", a->method->title, done, all);
    else if (a && !a->known.method)
        snprintf(out, size, "%s: computing; Esc stops", a->method->title);
}

static void attributed_free(struct attributed *a)
{
    attribution_fini(&a->known);
    free(a);
}

/* ---- running */

/* Of a job; NULL when its result is no longer shown. */
static struct attributed *attributed_by(const struct workbench *w, const struct attribute_job *j)
{
    for (int i = 0; i < w->attributions.count; i++)
        if (w->attributions.list[i]->runs == j)
            return w->attributions.list[i];
    return NULL;
}

static void attribute_remove(struct workbench *w, struct attributed *a)
{
    struct attributions *x = &w->attributions;
    int at = 0;
    while (x->list[at] != a)
        at++;
    memmove(x->list + at, x->list + at + 1, (size_t)(x->count - at - 1) * sizeof(void *));
    x->count--;
    attributed_free(a);
}

static void attribute_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct attribute_job *j = arg;
    struct attributed *a = attributed_by(w, j);
    if (a && err && j->unwanted) {
        attribute_remove(w, a);
    } else if (a && err) {
        bool stopped = err->code == VS_E_CANCELLED;
        a->runs = NULL;
        snprintf(a->why, sizeof a->why, "%.255s", stopped ? "stopped: u begins again" : err->text);
        workbench_say(w, !stopped, "%s %s", j->method->title, stopped ? "stopped" : err->text);
    } else if (a) {
        a->runs = NULL;
        a->known = j->out;
        j->out = (struct attribution){0};
    }
    attribute_drop(j);
}

/* NULL, with words, where the query cannot be asked again as it was. */
static struct attribute_job *attribute_job_new(struct workbench *w, const struct attributed *a)
{
    struct attribute_job *j = xcalloc(1, sizeof *j);
    struct vs_err err = {0};
    int checkpoint = model_checkpoint_of(w->ses.model, w->now.r);
    *j = (struct attribute_job){.method = a->method, .choice = a->choice, .against = a->against,
                                .how = a->how};
    j->how.progress = &j->progress;
    int rc = own_query_make(w, &j->own, &err);
    j->own.q.checkpoint = checkpoint;
    if (rc == 0)
        rc = attribution_check(w->ses.model, checkpoint, a->method, &err);
    if (rc == 0 && stale_bits(w) & (STALE_BOXES | STALE_REGIONS))
        rc = vs_fail(&err, VS_E_USAGE, "the boxes on the image have changed: r asks again");
    if (rc == 0)
        return j;
    workbench_say(w, true, "%s", err.text);
    attribute_drop(j);
    return NULL;
}

static void attribute_start(struct workbench *w, const struct attribution_method *method,
                            const struct attribution_how *how)
{
    struct attributions *x = &w->attributions;
    struct attributed *a = xcalloc(1, sizeof *a);
    *a = (struct attributed){.method = method, .choice = look_choice(w),
                             .against = attribute_against(w), .how = *how};
    struct attribute_job *j = attribute_job_new(w, a);
    x->list = xreallocarray(x->list, (size_t)x->count + 1, sizeof(void *));
    x->list[x->count++] = a;
    a->runs = j;
    if (j)
        workbench_call(w, attribute_run, attribute_take, attribute_drop, j);
    else
        snprintf(a->why, sizeof a->why, "not computed: u tries again");
}

/* What is of another target than the chosen one is waited for by nobody. */
static void stop_others(struct workbench *w)
{
    for (int i = 0; i < w->attributions.count; i++) {
        struct attributed *a = w->attributions.list[i];
        if (!a->runs || (a->choice == look_choice(w) && a->against == attribute_against(w)))
            continue;
        a->runs->unwanted = true;
        atomic_store(&a->runs->stop, true);
    }
}

/* ---- scores */

/* Once for a result, as soon as the checkpoint's digest is known. */
static void look_up_scores(struct workbench *w)
{
    struct attributions *x = &w->attributions;
    struct result *r = w->now.r;
    if (x->scored || x->count == 0 || !model_complete_ready(w->ses.model, r))
        return;
    if (!r->checkpoint_digest[0])
        model_complete(w->ses.model, r);
    x->scores = explained_load(r->checkpoint_digest);
    x->scored = true;
}

void attribute_score(const struct workbench *w, const struct slice *x, enum explanation_kind kind,
                     char *out, size_t size)
{
    struct explained_score s;
    char gain[64], over[64];
    *out = '\0';
    if (!w->now.r || !x->method || !w->attributions.scored)
        return;
    if (!explained_find(w->attributions.scores, w->now.r->task, x->method, kind, &s)) {
        snprintf(out, size, "not tested on this model");
        return;
    }
    explained_mean_text(&s.gain, gain, sizeof gain);
    explained_mean_text(&s.over, over, sizeof over);
    if (s.over.count)
        snprintf(out, size, "%s over random, by %s of %d items (%s); insertion - deletion %s", over,
                 explanation_kinds[kind], s.items, s.set, gain);
    else
        snprintf(out, size, "insertion - deletion %s, by %s of %d items (%s)", gain,
                 explanation_kinds[kind], s.items, s.set);
}

/* What is known is logged with its query, as soon as that is and what the method is worth. */
static void attribute_log(struct workbench *w)
{
    struct attributions *x = &w->attributions;
    const struct result *r = w->now.r;
    for (int i = 0; i < x->count && x->scored && r->log_id && w->ses.log; i++) {
        struct attributed *a = x->list[i];
        if (a->logged || !a->known.method)
            continue;
        struct attribution_record *of =
            attribution_record_new(r, &a->known, a->choice, a->against, x->scores);
        log_attribution_later(w->ses.log, of, NULL); /* logging_tick writes what waits */
        attribution_record_free(of);
        a->logged = true;
    }
}

/* ---- what is wanted */

static void follow_slice(struct workbench *w, const struct slice *x)
{
    if (!x->method || attribute_of(w, x) || look_choice(w) < 0)
        return;
    const struct attribution_how how = attribute_how(x, x->method);
    stop_others(w);
    attribute_start(w, x->method, &how);
}

void attribute_follow(struct workbench *w)
{
    if (!w->now.r || !w->ses.engine || w->asked.running || stale_bits(w))
        return;
    look_up_scores(w);
    attribute_log(w);
    follow_slice(w, &w->sel->slice);
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].own && w->panes.list[i].shown)
            follow_slice(w, w->panes.list[i].own);
}

void attribute_begin(struct workbench *w, const struct slice *x)
{
    const struct attribution_how how = attribute_how(x, x->method);
    struct attributed *a = attribute_find(w, x->method, &how, look_choice(w), attribute_against(w));
    if (a && a->why[0])
        attribute_remove(w, a);
    else if (a)
        return;
    attribute_start(w, x->method, &how);
}

void attribute_stop(struct workbench *w)
{
    for (int i = 0; i < w->attributions.count; i++)
        if (w->attributions.list[i]->runs)
            atomic_store(&w->attributions.list[i]->runs->stop, true);
}

void attribute_forget(struct workbench *w)
{
    attribute_stop(w);
    for (int i = 0; i < w->attributions.count; i++)
        attributed_free(w->attributions.list[i]);
    free(w->attributions.list);
    explained_free(w->attributions.scores);
    w->attributions = (struct attributions){.curves = w->attributions.curves, /* by themselves */
                                            .patched = w->attributions.patched};
}

/* ---- on the result */

/* The row of the batch that the target's first image is. */
static int first_row(const struct workbench *w, const struct attributed *a)
{
    return attribution_first_image(w->now.r, a->choice);
}

/* What is never left out - special tokens, the whole image, the box that is asked about - has no
 * number of leave-one-out. */
static bool leaves_out(const struct attributed *a)
{
    return a->method->needs == NEEDS_OUTPUTS;
}

const struct relevancy *attribute_relevancy(const struct workbench *w, const struct attributed *a,
                                            int b)
{
    int at = b - first_row(w, a);
    return a->known.own && at >= 0 && at < a->known.images ? &a->known.own[at] : NULL;
}

bool attribute_regions(const struct workbench *w, const struct attributed *a, int image,
                       float *out)
{
    const struct result *r = w->now.r;
    const struct attribution *x = &a->known;
    int n = look_regions(r, image);
    bool any = false;
    memset(out, 0, (size_t)n * sizeof *out);
    for (int b = 0; b < x->images; b++)
        for (int i = 0; i < x->regions && i < r->rows; i++) {
            int row = first_row(w, a) + b;
            const struct result_source *s = &r->sources[(ptrdiff_t)row * r->rows + i];
            if (row >= r->batch || s->image != image || s->region >= n)
                continue;
            bool asked = r->task->reading->ranked == RANKED_REGIONS && i == a->choice;
            if (leaves_out(a) && (s->region == 0 || asked))
                out[s->region] = NAN;
            out[s->region] += (float)x->of_regions[(ptrdiff_t)b * x->regions + i];
            any = true;
        }
    return any;
}

void attribute_tokens(const struct workbench *w, const struct attributed *a, float *out)
{
    const struct attribution *x = &a->known;
    for (int i = 0; i < w->now.r->token_count; i++) {
        out[i] = leaves_out(a) && w->now.r->tokens[i].special ? NAN : 0;
        for (int b = 0; b < x->images && i < x->tokens; b++)
            out[i] += (float)x->of_tokens[(ptrdiff_t)b * x->tokens + i];
    }
}

void attribute_target_name(const struct workbench *w, const struct attributed *a, char *out,
                           size_t size)
{
    char names[2][32];
    bool paths = w->now.r->task->reading->ranked == RANKED_IMAGES;
    const char *target = attribution_label(w->now.r, a->choice, names[0]);
    const char *other = a->against >= 0 ? attribution_label(w->now.r, a->against, names[1]) : NULL;
    snprintf(out, size, "\"%s\"%s%s%s", paths ? draw_base_name(target) : target,
             other ? " against \"" : "", other ? other : "", other ? "\"" : "");
}
