/* SPDX-License-Identifier: MIT */
/* Logging what other checkpoints and probes said. A checkpoint's digest takes a moment the first
 * time: results wait for it in line, so that the screen does not. */
#include "ui/jobs/compare.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct to_log {
    struct result *r;
    int column, probe;
    struct to_log *next;
};

/* A record that waits is told in the status line as queries are. */
static void compare_log_tell(struct workbench *w, int rc, const struct vs_err *err)
{
    int waiting = log_pending_count(w->ses.log);
    if (rc == 0)
        return;
    snprintf(w->logging.state, sizeof w->logging.state, "%d wait%s for the log", waiting,
             waiting == 1 ? "s" : "");
    if (waiting < 2) /* 0: there is nothing to wait for */
        workbench_note(w, "not logged%s: %s", waiting ? " yet" : "", err->text);
}

void compare_log(struct workbench *w, struct result *r)
{
    struct vs_err err = {0};
    if (!w->ses.log || r->log_id)
        return;
    model_complete(w->ses.model, r);
    if (log_result_later(w->ses.log, r, &err) != 0) {
        workbench_logged(w, r, &err);
        r->log_id = r->log_id ? r->log_id : -1; /* it is said once, also when it is not kept */
    }
}

void compare_log_together(struct workbench *w)
{
    int64_t ids[MODEL_CHECKPOINTS];
    struct vs_err err = {0};
    int n = 0;
    for (int i = 0; w->ses.log && i < model_checkpoint_count(w->ses.model); i++) {
        const struct result *r = compare_result(w, i);
        if (r && r->log_id)
            ids[n++] = r->log_id;
    }
    if (n > 1)
        compare_log_tell(w, log_comparison_later(w->ses.log, ids, n, NULL, &err), &err);
}

void compare_log_found(struct workbench *w, struct difference *d)
{
    struct vs_err err = {0};
    if (w->ses.log && d)
        compare_log_tell(w, log_difference_later(w->ses.log, d, &err), &err);
    difference_free(d);
}

/* ---- probes */

void trend_log(struct workbench *w, int probe, struct result *r)
{
    struct trend *t = &w->compare->trend;
    if (!w->ses.log) {
        result_free(r);
        return;
    }
    struct to_log *x = xcalloc(1, sizeof *x);
    *x = (struct to_log){.r = r, .column = t->next, .probe = probe};
    if (!t->queue)
        t->queue_end = &t->queue;
    *t->queue_end = x;
    t->queue_end = &x->next;
}

static void log_column(struct workbench *w, const struct probe_column *c)
{
    const struct trend *t = &w->compare->trend;
    int n = t->probes->count;
    struct log_probe *list = xcalloc((size_t)n + 1, sizeof *list);
    struct log_probe_run run = {.probes_path = t->path, .probes_digest = t->probes->digest,
                                .model = model_name(w->ses.model), .checkpoint_name = c->name,
                                .checkpoint_path = c->path, .probes = list, .count = n};
    struct vs_err err = {0};
    for (int i = 0; i < n; i++)
        list[i] = log_probe_of(&t->probes->list[i], &c->answers[i]);
    model_checkpoint_digest(w->ses.model, c->checkpoint, run.checkpoint_digest);
    if (run.checkpoint_digest[0]) /* else its file changed, which every answer has told */
        compare_log_tell(w, log_probe_run_later(w->ses.log, &run, &err), &err);
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)list[i].expected);
    free(list);
}

/* Columns whose probes are all in the log. */
static void log_columns(struct workbench *w)
{
    struct trend *t = &w->compare->trend;
    const struct probe_table *x = t->runner ? probe_runner_table(t->runner) : NULL;
    for (; w->ses.log && x && t->logged < x->count; t->logged++) {
        if (t->queue && t->queue->column <= t->logged)
            return;
        log_column(w, x->columns[t->logged]);
    }
}

bool trend_log_tick(struct workbench *w, bool now)
{
    struct trend *t = &w->compare->trend;
    const struct probe_table *x = t->runner ? probe_runner_table(t->runner) : NULL;
    while (t->queue && (now || model_complete_ready(w->ses.model, t->queue->r))) {
        struct to_log *q = t->queue;
        bool whole = x && q->column < x->count;
        if (!whole && !now)
            return true; /* the column is still another thread's */
        compare_log(w, q->r);
        if (whole)
            x->columns[q->column]->answers[q->probe].log_id = q->r->log_id;
        t->queue = q->next;
        result_free(q->r);
        free(q);
    }
    log_columns(w);
    return t->queue != NULL;
}
