/* SPDX-License-Identifier: MIT */
/* vilscope compare --reference: the checkpoints measured on the reference's data folder, to be
 * judged by the rows. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/evaluation.h"

#include <stdlib.h>
#include <string.h>

struct measuring {
    const struct compare_options *o;
    struct model *m;
    const atomic_bool *stop;
    struct rowset *set;
    struct command_items show;
};

static int measure_take(void *arg, const struct eval_item *it, const char *row,
                        const char *reference, bool past, struct vs_err *err)
{
    struct measuring *g = arg;
    (void)it;
    (void)reference;
    (void)past;
    return rowset_add_line(g->set, row, strlen(row), "a row", err);
}

static int measure_one(struct measuring *g, const struct eval_set *data, int checkpoint,
                       struct vs_err *err)
{
    struct evaluation e = {.set = data, .checkpoint = checkpoint, .limit = g->o->limit,
                           .row = measure_take, .row_arg = g, .cancel = g->stop,
                           .report = command_items, .report_arg = &g->show};
    g->show = (struct command_items){.checkpoint = model_checkpoint_name(g->m, checkpoint)};
    rowset_begin(g->set, g->o->reference);
    int rc = evaluation_run(&e, g->m, err);
    command_clear();
    if (rc == 0 && e.flaw_count)
        plain_text(stderr, "vilscope compare: %s %s: %d of %d items are left out with %s: the "
                   "first is %s: %s\n", data->items[0].task->name, data->split, e.flaw_count,
                   e.flaw_count + e.sums.items, g->show.checkpoint, e.flaws[0].item,
                   e.flaws[0].why);
    evaluation_fini(&e);
    return rc;
}

static int measure_task(struct measuring *g, const struct task *task, struct vs_err *err)
{
    struct eval_set *data = NULL;
    const char *split = g->o->split ? g->o->split : reference_find(task)->split;
    int rc = reference_open(g->o->reference, task, split, false, &data, err);
    for (int i = 0; i < model_checkpoint_count(g->m) && rc == 0; i++)
        rc = measure_one(g, data, i, err);
    eval_free(data);
    return rc;
}

int compare_on_reference(const struct compare_options *o, const struct model_options *how,
                         const atomic_bool *stop, struct rowset *set, struct vs_err *err)
{
    struct measuring g = {.o = o, .stop = stop, .set = set};
    int tasks = 0;
    if (o->task && !reference_find(o->task))
        return vs_fail(err, VS_E_USAGE, "the reference's folder has no data for %s", o->task->name);
    int rc = model_open(how, &g.m, err);
    if (rc == 0 && model_checkpoint_count(g.m) < 2)
        rc = vs_fail(err, VS_E_USAGE, "two checkpoints are needed (-c A -c B), there is %d",
                     model_checkpoint_count(g.m));
    for (int t = 0; t < task_count && rc == 0; t++) {
        const struct task *task = &task_table[t];
        if (o->task ? o->task != task : !reference_has(o->reference, task))
            continue;
        tasks++;
        rc = measure_task(&g, task, err);
    }
    if (rc == 0 && tasks == 0)
        rc = vs_fail(err, VS_E_IO, "%s: no folder of the reference's tasks is in it (VQA, gqa, "
                     "refcoco, ...; vilscope-data(5))", o->reference);
    if (rc == 0)
        rc = rowset_finish(set, err);
    model_free(g.m);
    return rc;
}
