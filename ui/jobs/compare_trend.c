/* SPDX-License-Identifier: MIT */
/* Probes over the checkpoints: a set from a file or of pinned queries, asked in the engine's thread
 * probe by probe, so that queries of the user come between; and a folder that is watched. */
#include "ui/jobs/compare.h"

#include "src/study/eval.h"
#include "src/base/mem.h"
#include "src/base/stream.h"
#include "ui/jobs/own_query.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the set */

static void trend_forget(struct trend *t)
{
    t->logged = 0;
    probe_runner_free(t->runner);
    probes_free(t->probes);
    free(t->path);
    t->runner = NULL;
    t->probes = NULL;
    t->path = NULL;
    t->next = 0;
    t->stopped = false;
}

void trend_fini(struct trend *t)
{
    trend_forget(t);
    watch_close(t->watch);
    t->watch = NULL;
}

static bool can_change(struct workbench *w)
{
    if (!w->ses.model || !w->ses.engine)
        workbench_say(w, true, "no model is open: start with -m DIR");
    else if (comparison_of(w)->trend.runs)
        workbench_say(w, true, "the check set is being asked; Esc stops it");
    else
        return true;
    return false;
}

bool trend_ask(struct workbench *w, const char *path)
{
    struct probes *p = NULL;
    struct vs_err err = {0};
    if (!can_change(w))
        return false;
    trend_log_tick(w, true);
    bool new = access(path, F_OK) != 0 && errno == ENOENT;
    if (!new && probes_open(path, &p, &err) != 0) {
        workbench_say(w, true, "%s", err.text);
        return false;
    }
    struct trend *t = &comparison_of(w)->trend;
    trend_forget(t);
    t->path = xstrdup(path);
    t->probes = p;
    if (p)
        t->runner = probe_runner_new(w->ses.model, p);
    else
        workbench_say(w, false, "%s is new: N adds the query that is shown", path);
    return true;
}

/* ---- pinning */

/* Region n of the first image, from 1. */
static bool take_region(const struct result *r, long n, struct eval_item *it)
{
    const struct result_image *im = &r->images[0];
    if (n < 1 || n > im->region_count + im->candidate_count)
        return false;
    memcpy(it->box, im->boxes + 4 * (n - 1), sizeof it->box);
    it->has_box = true;
    return true;
}

/* The answer in words becomes what is right, as the task has it. False: it cannot be. */
static bool set_answer(struct workbench *w, struct eval_item *it, const char *answer)
{
    const struct result *r = w->now.r;
    char *end;
    long n = strtol(answer, &end, 10);
    if (!*answer)
        return true;
    switch (it->task->reading->ranked) {
    case RANKED_IMAGES:
        it->number = *end || n < 1 || n > r->image_count ? -1 : (int)n - 1;
        return it->number >= 0;
    case RANKED_REGIONS:
        return take_region(r, *end ? 0 : n, it);
    case RANKED_LABELS: break;
    }
    eval_add_label(it, answer, 1);
    return true;
}

/* The boxes drawn on the first photo, which the answer was chosen from. */
static void take_boxes(const struct workbench *w, struct eval_item *it)
{
    if (it->task->extra_regions == 0)
        return;
    struct box_list *drawn = query_boxes(w, w->now.photos, 1);
    it->candidates = box_list_copy(&drawn[0]);
    free(drawn);
}

static bool make_probe(struct workbench *w, struct probes *set, const char *answer)
{
    const struct result *r = w->now.r;
    struct probe *p = probes_add(set);
    p->name = xstrdup(r->text);
    p->item.task = r->task;
    p->item.text = xstrdup(r->text);
    p->regions = xcalloc((size_t)r->image_count + 1, sizeof *p->regions);
    p->keys = xcalloc((size_t)r->image_count + 1, sizeof *p->keys);
    for (int i = 0; i < r->image_count; i++) {
        const struct photo *x = w->now.photos[i];
        char *full = x->path ? realpath(x->path, NULL) : NULL;
        eval_add_image(&p->item, full ? full : xstrdup(x->path ? x->path : ""));
        if (x->regions_path && access(x->regions_path, F_OK) == 0)
            p->regions[i] = realpath(x->regions_path, NULL);
        if (p->regions[i] && x->regions_key)
            p->keys[i] = xstrdup(x->regions_key);
    }
    take_boxes(w, &p->item);
    return set_answer(w, &p->item, answer);
}

static int trend_append(const char *path, const struct probe *p, struct vs_err *err)
{
    int rc = stream_check(path, err);
    if (rc != 0)
        return rc;
    char *text = probe_format(p, NULL);
    FILE *f = fopen(path, "ae");
    bool good = f && (ftell(f) == 0 || fputc('\n', f) != EOF) && fputs(text, f) != EOF;
    if (f && fclose(f) != 0)
        good = false;
    free(text);
    return good ? 0 : vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
}

/* The set with one more, in the file too; all checkpoints are asked anew. */
static void trend_add(struct workbench *w, const char *answer)
{
    struct trend *t = &comparison_of(w)->trend;
    struct probes *one = probes_new();
    struct vs_err err = {0};
    if (!make_probe(w, one, answer)) {
        workbench_say(w, true, "'%s' is not the number of an image or region", answer);
        probes_free(one);
        return;
    }
    if (t->path && trend_append(t->path, &one->list[0], &err) != 0) {
        workbench_say(w, true, "%s", err.text);
        probes_free(one);
        return;
    }
    trend_log_tick(w, true);
    if (!t->probes)
        t->probes = probes_new();
    probe_runner_free(t->runner);
    *probes_add(t->probes) = one->list[0]; /* moved */
    one->count = 0;
    probes_free(one);
    t->runner = probe_runner_new(w->ses.model, t->probes);
    probes_set_digest(t->probes);
    t->next = t->logged = 0;
    t->stopped = false;
    workbench_say(w, false, "pinned%s%s; J shows the check set", t->path ? " in " : "",
                  t->path ? t->path : "");
}

void trend_pin(struct workbench *w, const char *answer)
{
    if (!can_change(w))
        return;
    if (w->now.r && !w->now.r->changes)
        trend_add(w, answer);
    else
        workbench_say(w, true, w->now.r ? "a query with interventions cannot be in a check set"
                                        : "ask something first");
}

bool trend_watch(struct workbench *w, const char *folder)
{
    struct watch *x = NULL;
    struct vs_err err = {0};
    if (!w->ses.engine || comparison_of(w)->trend.looks) {
        workbench_say(w, true, w->ses.engine ? "the folder is being read: try again" :
                      "no model is open: start with -m DIR");
        return false;
    }
    if (watch_open(folder, 0, &x, &err) != 0) {
        workbench_say(w, true, "%s", err.text);
        return false;
    }
    struct trend *t = &comparison_of(w)->trend;
    watch_close(t->watch);
    t->watch = x;
    t->look = 0;
    snprintf(t->state, sizeof t->state, "watching %.200s", folder);
    return true;
}

/* ---- asking */

struct step {
    struct probe_runner *runner;
    int checkpoint, probe;
    bool more, begins;
    struct result *result; /* or NULL */
};

static void step_free(void *arg)
{
    struct step *s = arg;
    result_free(s->result);
    free(s);
}

static void keep_result(void *arg, int probe, struct probe_answer *a, struct result **result)
{
    struct step *s = arg;
    (void)a;
    s->probe = probe;
    s->result = *result;
    *result = NULL;
}

static int step_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct step *s = arg;
    int rc = s->begins ? probe_runner_begin(s->runner, s->checkpoint, err) : 0;
    (void)m;
    if (rc == 0)
        rc = probe_runner_step(s->runner, cancel, keep_result, s, err);
    s->more = rc == 1;
    return rc < 0 ? rc : 0;
}

static void post_step(struct workbench *w, bool begins);

static void step_done(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct step *s = arg;
    struct trend *t = &comparison_of(w)->trend;
    bool more = s->more;
    t->runs = false;
    if (s->result)
        trend_log(w, s->probe, s->result);
    s->result = NULL;
    step_free(s);
    if (err || t->stopped) {
        t->stopped = true;
        workbench_say(w, err && err->code != VS_E_CANCELLED, "check set: %s",
                      err ? err->text : "stopped");
    } else if (more) {
        post_step(w, false);
    } else {
        t->next++;
    }
}

static void post_step(struct workbench *w, bool begins)
{
    struct trend *t = &comparison_of(w)->trend;
    struct step *s = xcalloc(1, sizeof *s);
    *s = (struct step){.runner = t->runner, .checkpoint = t->next, .begins = begins};
    t->runs = true;
    workbench_call(w, step_run, step_done, step_free, s);
}

/* ---- the folder */

struct look {
    struct watch *watch;
    bool found;
    char text[256];
};

/* What is waited for. */
static void trend_tell(struct look *l)
{
    for (int i = 0; i < watch_count(l->watch); i++) {
        const struct watch_file *f = watch_at(l->watch, i);
        if (f->state == WATCH_GROWING)
            snprintf(l->text, sizeof l->text, "%.180s is being written, %.1f MB", f->name,
                     (double)f->bytes / 1e6);
        else if (f->state == WATCH_INCOMPLETE)
            snprintf(l->text, sizeof l->text, "%.180s is incomplete", f->name);
    }
}

static bool is_open(const struct model *m, const char *path)
{
    for (int i = 0; i < model_checkpoint_count(m); i++)
        if (strcmp(model_checkpoint_path(m, i), path) == 0)
            return true;
    return false;
}

static int look_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct look *l = arg;
    const char *path = NULL;
    int rc = watch_next(l->watch, &path, err);
    (void)cancel;
    snprintf(l->text, sizeof l->text, "watching %.200s", watch_folder(l->watch));
    if (rc > 0 && (watch_again(l->watch, path) || !is_open(m, path))) {
        struct vs_err why = {0};
        if (model_add_checkpoint(m, path, path + strlen(watch_folder(l->watch)) + 1, &why) < 0)
            snprintf(l->text, sizeof l->text, "skipped: %.240s", why.text);
    }
    l->found = rc > 0;
    if (rc == 0)
        trend_tell(l);
    return rc < 0 ? rc : 0;
}

static void look_done(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct look *l = arg;
    struct trend *t = &comparison_of(w)->trend;
    t->runs = t->looks = false;
    snprintf(t->state, sizeof t->state, "%.255s", err ? err->text : l->text);
    t->look = l->found ? 0 : vs_now_ms() + watch_delay(t->watch);
    free(l);
}

/* The next thing to do: a probe of a checkpoint, or a look at the folder. */
int trend_tick(struct workbench *w)
{
    struct trend *t = &w->compare->trend;
    if (t->runs || !w->ses.engine)
        return -1;
    if (t->runner && !t->stopped && t->next < model_checkpoint_count(w->ses.model)) {
        post_step(w, true);
        return -1;
    }
    if (!t->watch)
        return -1;
    double left = t->look - vs_now_ms();
    struct pollfd woken = {.fd = watch_fd(t->watch), .events = POLLIN};
    if (left > 0 && (woken.fd < 0 || poll(&woken, 1, 0) <= 0))
        return (int)left + 1;
    struct look *l = xcalloc(1, sizeof *l);
    l->watch = t->watch;
    t->runs = t->looks = true;
    workbench_call(w, look_run, look_done, free, l);
    return -1;
}
