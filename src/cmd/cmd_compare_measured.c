/* SPDX-License-Identifier: MIT */
/* vilscope compare --data, --reference: the checkpoints measured on a set of items, or on the
 * reference's data folder, to be judged by the rows. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_eval.h"
#include "src/cmd/vilscope.h"
#include "src/study/evaluation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct measuring {
    const struct compare_options *o;
    struct model *m;
    int first, count; /* checkpoints */
    const atomic_bool *stop;
    struct rowset *set;
    const char *command;
    struct rows_out rows; /* of eval --change */
    struct command_items show;
    bool *noted; /* (task_count) that answers are not in the model's list: it has one for all */
    int failed; /* tasks of checkpoints that came to nothing */
};

/* What concerns one checkpoint, or one task, does not stop the others. */
static int measure_failed(struct measuring *g, const char *what, int rc, const struct vs_err *err)
{
    if (g->o->change_count || (rc != VS_E_DIVERGED && rc != VS_E_MISSING))
        return rc;
    plain_text(stderr, "vilscope %s: %s: %s\n", g->command, what, err->text);
    g->failed++;
    return 0;
}

static int measure_take(void *arg, const struct eval_item *it, const char *row,
                        const char *reference, bool past, struct vs_err *err)
{
    struct measuring *g = arg;
    int rc = g->rows.stale ? rows_begin(&g->rows, false, err) : 0; /* what was there goes */
    if (rc == 0)
        rc = rows_take(&g->rows, it, row, reference, past, err);
    return rc ? rc : rowset_add_line(g->set, row, strlen(row), "a row", err);
}

static void measure_report(void *arg, const struct eval_progress *p)
{
    struct measuring *g = arg;
    rows_flush(&g->rows);
    command_items(&g->show, p);
}

static void measure_say(const struct measuring *g, const struct evaluation *e,
                        const struct eval_gone *gone)
{
    const struct eval_set *data = e->set;
    char *what = data->reference ? xasprintf("%s %s", data->items[0].task->name, data->split)
                                 : xstrdup(data->path);
    if (e->flaw_count)
        plain_text(stderr, "vilscope %s: %s: %d of %d items are left out with %s: the first "
                   "is %s: %s\n", g->command, what, e->flaw_count, e->flaw_count + e->sums.items,
                   g->show.checkpoint, e->flaws[0].item, e->flaws[0].why);
    if (gone->items)
        plain_text(stderr, "vilscope %s: note: %s: %d items are left out with %s: %d of their "
                   "images %s not there, the first is %s\n", g->command, what, gone->items,
                   g->show.checkpoint, gone->pictures,
                   gone->pictures == 1 ? "is" : "are", gone->first);
    for (int t = 0; t < task_count; t++) {
        const struct eval_score *s = &e->scores[t];
        if (s->unlisted && !g->noted[t])
            eval_say_unlisted(g->command, &task_table[t], s->unlisted, s->count);
        g->noted[t] |= s->unlisted > 0;
    }
    free(what);
}

/* change: NULL, the checkpoint as it is. */
static int measure_one(struct measuring *g, const struct eval_set *data, int checkpoint,
                       const struct compare_intervention *change, struct vs_err *err)
{
    char *name = change ? rows_changed_name(model_checkpoint_name(g->m, checkpoint), change->text)
                        : xstrdup(model_checkpoint_name(g->m, checkpoint));
    char *before = xasprintf("vilscope %s: note: ", g->command);
    struct eval_gone gone = {0};
    struct vs_err first = {0};
    struct buf notes = {0};
    int failed = g->failed;
    bool *without = xcalloc((size_t)task_count, sizeof *without);
    struct eval_score *scores = xcalloc((size_t)task_count, sizeof *scores);
    bool folder = data->reference != NULL; /* which says itself what is missing */
    const struct task *task = folder ? NULL : g->o->task;
    struct evaluation e = {.set = data, .checkpoint = checkpoint, .limit = g->o->limit,
                           .sample = g->o->sample, .seed = (uint64_t)g->o->seed,
                           .task = task, .without = without, .gone = folder ? NULL : &gone,
                           .shard = g->o->shard, .past = g->rows.past,
                           .past_in_parts = true, .row = measure_take, .row_arg = g,
                           .scores = scores, .cancel = g->stop, .report = measure_report,
                           .report_arg = g};
    if (change) {
        e.changes = change->list;
        e.change_count = change->count;
        e.name = name;
    }
    g->show = (struct command_items){.checkpoint = name};
    rowset_begin(g->set, data->path);
    int rc = folder || eval_check_heads(data, task, g->m, checkpoint, without,
                                        before, &notes, &first) || !first.code
                 ? 0 : vs_fail(err, VS_E_MISSING, "%s", first.text);
    if (rc == 0 && notes.len && !change) /* which says the same */
        fputs(notes.data, stderr);
    if (rc == 0)
        rc = evaluation_run(&e, g->m, err);
    command_clear();
    if (rc == 0)
        measure_say(g, &e, &gone);
    else
        rc = measure_failed(g, name, rc, err);
    if (g->failed > failed) /* its items until then are no measurement */
        rowset_drop(g->set);
    evaluation_fini(&e);
    buf_fini(&notes);
    free(scores);
    free(without);
    free(before);
    free(name);
    return rc;
}

static int measure_all(struct measuring *g, const struct eval_set *data, struct vs_err *err)
{
    int rc = 0;
    for (int i = g->first; i < g->first + g->count && rc == 0; i++)
        for (int k = 0; k < g->o->change_count && rc == 0; k++)
            rc = model_check_changes(g->m, i, g->o->changes[k].list, g->o->changes[k].count, err);
    for (int i = g->first; i < g->first + g->count && rc == 0; i++) {
        rc = measure_one(g, data, i, NULL, err);
        for (int k = 0; k < g->o->change_count && rc == 0; k++)
            rc = measure_one(g, data, i, &g->o->changes[k], err);
    }
    return rc;
}

/* ---- what is changed, and what that is called */

int compare_intervention_read(const char *text, struct compare_intervention *out,
                              struct vs_err *err)
{
    *out = (struct compare_intervention){0};
    int rc = change_list_parse(text, &out->list, &out->count, err);
    if (rc != 0)
        return rc;
    char *written = change_list_format(out->list, out->count);
    out->text = change_list_show(written);
    free(written);
    return out->text ? 0 : vs_fail(err, VS_E_USAGE, "--change names no intervention");
}

void compare_intervention_fini(struct compare_intervention *c)
{
    free(c->text);
    free(c->list);
}

char *rows_changed_name(const char *checkpoint, const char *change)
{
    return xasprintf("%s [%s]", checkpoint, change);
}

bool rows_is_changed(const char *name, const char *checkpoint)
{
    size_t n = strlen(checkpoint);
    return strncmp(name, checkpoint, n) == 0 && strncmp(name + n, " [", 2) == 0;
}

/* ---- a set of items */

static int measure_data(struct measuring *g, struct vs_err *err)
{
    struct eval_source from = g->o->data;
    struct eval_set *data = NULL;
    from.task = g->o->task;
    if (g->o->regions.count)
        from.regions = g->o->regions.list[0];
    int rc = eval_open(&from, &data, err);
    if (rc == 0 && g->o->rows_out && file_is_at(g->o->rows_out, data->path))
        rc = vs_fail(err, VS_E_USAGE, "%s: is the set that is read: give another file",
                     g->o->rows_out);
    if (rc == 0)
        rc = measure_all(g, data, err);
    eval_free(data);
    return rc;
}

/* ---- the reference's folder */

static int measure_task(struct measuring *g, const struct task *task, struct vs_err *err)
{
    struct eval_set *data = NULL;
    const char *split = g->o->data.split ? g->o->data.split : reference_find(task)->split;
    int rc = reference_open(g->o->reference, task, split, false, &data, err);
    if (rc == 0)
        rc = measure_all(g, data, err);
    else if (!g->o->task) /* the others can be measured all the same */
        rc = measure_failed(g, task->name, VS_E_MISSING, err);
    eval_free(data);
    return rc;
}

static int measure_folder(struct measuring *g, struct vs_err *err)
{
    const struct compare_options *o = g->o;
    int tasks = 0, rc = 0;
    for (int t = 0; t < task_count && rc == 0; t++) {
        const struct task *task = &task_table[t];
        if (o->task ? o->task != task : !reference_has(o->reference, task))
            continue;
        tasks++;
        rc = measure_task(g, task, err);
    }
    if (rc == 0 && tasks == 0)
        rc = vs_fail(err, VS_E_IO, "%s: no folder of the reference's tasks is in it (VQA, gqa, "
                     "refcoco, ...; vilscope-data(5))", o->reference);
    return rc;
}

/* Of what failed before it had a row nothing is left. */
static void measure_drop_empty(const char *path)
{
    struct stat st;
    if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        unlink(path);
}

static int measure_run(struct measuring *g, struct vs_err *err)
{
    g->noted = xcalloc((size_t)task_count, sizeof *g->noted);
    for (int t = 0; g->set->count > 0 && t < task_count; t++)
        g->noted[t] = true; /* with a checkpoint that was measured before */
    int rc = g->o->reference ? measure_folder(g, err) : measure_data(g, err);
    free(g->noted);
    if (vs_is_of_all(rc) && !g->o->rows_out && g->set->count > 0) {
        plain_text(stderr, "vilscope %s: %s: what was measured until then is compared\n",
                   g->command, rc == VS_E_GONE ? err->text : "stopped");
        g->failed++;
        rc = 0;
    }
    if (rc == 0)
        rc = rowset_finish(g->set, err);
    return rc ? rc : g->failed ? EXIT_FAILED : 0;
}

int rows_measure(const struct compare_options *o, struct model *m, int first, int count,
                 const atomic_bool *stop, struct rowset *set, struct vs_err *err)
{
    struct measuring g = {.o = o, .m = m, .first = first, .count = count, .stop = stop, .set = set,
                          .command = "compare"};
    return measure_run(&g, err);
}

int compare_check_measured(const struct compare_options *o, struct vs_err *err)
{
    return o->reference && o->task && !reference_find(o->task)
               ? vs_fail(err, VS_E_USAGE, "the reference's folder has no data for %s",
                         o->task->name)
               : 0;
}

int compare_measured(const struct compare_options *o, const struct model_options *how,
                     const atomic_bool *stop, struct rowset *set, struct vs_err *err)
{
    struct measuring g = {.o = o, .stop = stop, .set = set,
                          .command = o->change_count ? "eval" : "compare"};
    struct vs_err why = {0};
    int rc = compare_check_measured(o, err);
    if (rc != 0)
        return rc;
    rc = rows_open(&g.rows, o->rows_out, true, o->resume, err);
    if (rc == 0 && g.rows.folder)
        rc = vs_fail(err, VS_E_USAGE, "%s: is a folder: --rows is a file", o->rows_out);
    if (rc == 0)
        rc = model_open(how, &g.m, err);
    g.count = model_checkpoint_count(g.m);
    if (rc == 0 && g.count < 2 && !o->change_count)
        rc = vs_fail(err, VS_E_USAGE, "two checkpoints are needed (-c A -c B), there is %d",
                     g.count);
    if (rc == 0)
        command_opened(g.command, g.m);
    if (rc == 0)
        rc = measure_run(&g, err);
    int closed = rows_close(&g.rows, rc < 0 ? &why : err);
    if (o->rows_out)
        rc = command_stopped(rc, g.rows.stale ? NULL : o->rows_out, err);
    if (rc < 0)
        measure_drop_empty(o->rows_out);
    model_free(g.m);
    return rc < 0 || closed == 0 ? rc : closed;
}
