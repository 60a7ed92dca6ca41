/* SPDX-License-Identifier: MIT */
/* vilscope eval --reference: checkpoints measured on the reference's data folder, one after the
 * other, each task on its own. */
#include "src/cmd/cmd_eval.h"

#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/vilscope.h"
#include "src/study/evaluation.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct measuring {
    const struct reference_wants *w;
    struct model *m;
    struct logging *log;
    struct rows_out rows;
    bool several; /* tasks or checkpoints */
    int shown;    /* evaluations that were printed */
    int failed, partly; /* those that came to nothing, or left items out */
    struct vs_err *err;
};

/* ---- the JSON of one evaluation */

static bool is_retrieval(const struct evaluation *e)
{
    return e->set->pool != NULL;
}

static struct eval_document document_of(const struct measuring *g, const struct eval_set *set,
                                        const char *task, const char *split, int checkpoint)
{
    return (struct eval_document){
        .model = model_name(g->m), .checkpoint = model_checkpoint_name(g->m, checkpoint),
        .path = model_checkpoint_path(g->m, checkpoint), .data = g->w->folder,
        .data_digest = set ? set->digest : NULL, .task = task, .split = split,
        .flaws_known = true};
}

static void open_document(struct measuring *g)
{
    if (g->several)
        fputs(eval_document_between(g->shown), stdout);
    g->shown++;
}

static int print_document(struct measuring *g, const struct evaluation *e, bool interrupted)
{
    int rc = rows_ready(&g->rows, g->err);
    if (rc != 0)
        return rc;
    struct eval_document d = document_of(g, e->set, e->set->items[0].task->name, e->set->split,
                                         e->checkpoint);
    d.e = e;
    d.ms = e->ms;
    d.interrupted = interrupted;
    open_document(g);
    eval_document_open(&d);
    rc = rows_print(&g->rows, g->err);
    fputs("\n}", stdout);
    fflush(stdout);
    return rc;
}

/* ---- for people */

static void say_flaws(const struct evaluation *e)
{
    const char *task = e->set->items[0].task->name;
    char *what = xasprintf("%s %s", task, e->set->split);
    eval_say_flaws(e, what);
    free(what);
    if (e->sums.shifted && !e->set->as_reference)
        plain_text(stderr, "vilscope eval: note: %s %s: in %d of %d items the reference takes "
                   "other rows than those of the choices, as their images have not 100 detected "
                   "boxes (its number: --as-reference)\n", task, e->set->split, e->sums.shifted,
                   e->sums.items);
}

/* ---- one task on one checkpoint */

/* The log of a share is begun when there is something to log. */
static bool is_logged(const struct measuring *g)
{
    return g->log && (g->log->log || (g->w->part->log && !g->log->command));
}

/* With the rows; where those cannot be read again, without them. */
static void log_score(struct measuring *g, const struct evaluation *e)
{
    struct log_evaluation l = {
        .task = e->set->items[0].task, .model = model_name(g->m),
        .checkpoint_name = model_checkpoint_name(g->m, e->checkpoint),
        .checkpoint_path = model_checkpoint_path(g->m, e->checkpoint), .data_path = e->set->path,
        .data_digest = e->set->digest, .items = e->sums.items, .score = evaluation_score(e),
        .low = e->low, .high = e->high, .split = e->set->split,
        .as_reference = e->set->as_reference && e->set->annotated, .rows_mapped = true};
    struct vs_err why = {0};
    const struct eval_part *part = g->w->part;
    if (!is_logged(g) || (e->sums.scored == 0 && part->shard.count == 0))
        return;
    eval_part_begin_log(part, g->log);
    if (!g->log->log)
        return;
    l.score = e->sums.scored ? l.score : 0;
    if (rows_map(&g->rows, &l.rows, &l.rows_size, &why) != 0)
        plain_text(stderr, "vilscope eval: rows are not logged: %s\n", why.text);
    char *flaws = eval_flaws_text(e, NULL, part->shard.count > 0);
    l.left_out = flaws;
    model_checkpoint_digest(g->m, e->checkpoint, l.checkpoint_digest);
    if (eval_part_describe(part, e->set, g->w->limit, &l))
        eval_log_put(g->log, &l);
    rows_unmap(l.rows, l.rows_size);
    free(flaws);
}

static void fail_one(struct measuring *g, const struct task *task, const char *split,
                     int checkpoint)
{
    g->failed++;
    plain_text(stderr, "vilscope eval: %s on %s: %s\n", task->name,
               model_checkpoint_name(g->m, checkpoint), g->err->text);
    if (!g->w->json)
        return;
    struct eval_document d = document_of(g, NULL, task->name, split, checkpoint);
    open_document(g);
    eval_document_failed(&d, g->err->text);
}

static int show(struct measuring *g, const struct evaluation *e, int rc)
{
    bool interrupted = vs_is_of_all(rc);
    int printed = 0;
    command_clear();
    if (rc != 0 && !(interrupted && e->sums.items))
        return rc;
    say_flaws(e);
    g->partly += e->flaw_count > 0;
    if (g->w->json)
        printed = print_document(g, e, interrupted);
    else
        eval_line_print(model_checkpoint_name(g->m, e->checkpoint), e, g->shown++ == 0);
    if (printed != 0)
        return printed;
    if (!interrupted)
        log_score(g, e);
    return rc ? rc
              : rows_write_reference(&g->rows, model_checkpoint_name(g->m, e->checkpoint),
                                     e->set->reference->name,
                                     is_retrieval(e) ? "val" : e->set->split, g->err);
}

static void report(void *arg, const struct eval_progress *p)
{
    struct measuring *g = arg;
    rows_flush(&g->rows);
    g->w->report(g->w->report_arg, p);
}

static int measure(struct measuring *g, const struct eval_set *set, int checkpoint)
{
    struct evaluation e = {.set = set, .checkpoint = checkpoint, .limit = g->w->limit,
                           .batch = g->w->batch, .strict = g->w->strict,
                           .shard = g->w->shard, .past_is_ours = g->w->part->rows != NULL,
                           .row = rows_take,
                           .row_arg = &g->rows, .past = g->rows.past, .cancel = g->w->stop,
                           .report = report, .report_arg = g};
    int rc = rows_begin(&g->rows, g->w->json || is_logged(g), g->err);
    *g->w->running = model_checkpoint_name(g->m, checkpoint);
    if (rc == 0)
        rc = evaluation_run(&e, g->m, g->err);
    rc = show(g, &e, rc);
    rows_end(&g->rows);
    evaluation_fini(&e);
    return rc;
}

/* A failure that concerns this one only, when there are others. */
static bool may_go_on(const struct measuring *g, int rc)
{
    return g->several && !g->w->strict && !vs_is_of_all(rc) && rc != VS_E_IO;
}

static int measure_task(struct measuring *g, const struct task *task)
{
    struct eval_set *set = NULL;
    const char *split = g->w->split ? g->w->split : reference_find(task)->split;
    int rc = reference_open(g->w->folder, task, split, g->w->as_reference, &set, g->err);
    if (rc != 0 && g->several && !g->w->task) {
        fail_one(g, task, split, 0);
        return 0;
    }
    for (int i = 0; i < model_checkpoint_count(g->m) && rc == 0; i++) {
        rc = measure(g, set, i);
        if (rc != 0 && may_go_on(g, rc)) {
            fail_one(g, task, split, i);
            rc = 0;
        }
    }
    eval_free(set);
    return rc;
}

/* ---- the whole */

static int count_tasks(const struct reference_wants *w)
{
    int n = 0;
    for (int t = 0; t < task_count; t++)
        n += w->task ? w->task == &task_table[t] : reference_has(w->folder, &task_table[t]);
    return n;
}

int eval_reference_folder(const struct reference_wants *w, struct model *m, struct logging *log,
                          struct vs_err *err)
{
    struct measuring g = {.w = w, .m = m, .log = log, .err = err};
    struct vs_err why = {0};
    if (w->task && !reference_find(w->task))
        return vs_fail(err, VS_E_USAGE, "the reference's folder has no data for %s: coco and "
                       "flickr30k are measured with it (zero-shot) where a checkpoint has no head "
                       "for retrieval", w->task->name);
    int tasks = count_tasks(w);
    if (tasks == 0)
        return vs_fail(err, VS_E_IO, "%s: no folder of the reference's tasks is in it (VQA, gqa, "
                       "refcoco, ...; vilscope-data(5))", w->folder);
    g.several = tasks * model_checkpoint_count(m) > 1;
    int rc = rows_open(&g.rows, w->rows, g.several, w->resume, err);
    for (int t = 0; t < task_count && rc == 0; t++)
        if (w->task ? w->task == &task_table[t] : reference_has(w->folder, &task_table[t]))
            rc = measure_task(&g, &task_table[t]);
    if (w->json && g.shown)
        puts(g.several ? EVAL_DOCUMENTS_END : "");
    fflush(stdout);
    int closed = rows_close(&g.rows, rc ? &why : err);
    rc = rc ? rc : closed;
    return rc ? rc : g.failed ? EXIT_FAILED : g.partly ? EXIT_PARTLY : EXIT_OK;
}
