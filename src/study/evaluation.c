/* SPDX-License-Identifier: MIT */
/* One set on one checkpoint. */
#include "src/study/evaluation.h"

#include "src/base/mem.h"
#include "src/study/eval_priv.h"
#include "src/study/eval_rows.h"
#include "src/study/evaluation_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct evaluating {
    struct evaluation *e;
    struct model *m;
    struct eval_listed listed;
    struct past_items past;
    const char *checkpoint;
    struct buf row, reference;
    struct { /* the running score of the task that is being asked */
        const struct task *task;
        double sum;
        int count;
    } now;
    int rc;                /* of what the taker could not hand on */
    struct vs_err *err;
    struct vs_err failure; /* its text */
    atomic_bool stop;
};

static void add_flaw(struct evaluation *e, const char *item, const char *why,
                     const struct task *task, int place)
{
    e->flaws = xreallocarray(e->flaws, (size_t)e->flaw_count + 1, sizeof *e->flaws);
    e->flaws[e->flaw_count++] = (struct eval_flaw){.item = xstrdup(item), .why = xstrdup(why),
                                                  .task = task, .place = place};
}

static int strict_failure(const struct evaluation *e, const char *item, const char *why,
                          struct vs_err *err)
{
    if (!e->set->reference)
        return vs_fail(err, VS_E_FORMAT, "%s: %s: %s", e->set->path, item, why);
    return vs_fail(err, VS_E_FORMAT, "%s %s: item %s: %s", e->set->items[0].task->name,
                   e->set->split, item, why);
}

/* 0, or what ends the evaluation. */
static int pass_over(struct evaluating *g, const struct eval_item *it, const char *why,
                     struct vs_err *err)
{
    char *name = eval_item_name(it);
    add_flaw(g->e, name, why, it->task, (int)(it - g->e->set->items) + 1);
    int rc = g->e->strict ? strict_failure(g->e, name, why, err) : 0;
    free(name);
    return rc;
}

static int take_bad(void *arg, const struct eval_item *it, const struct vs_err *why)
{
    struct evaluating *g = arg;
    char *text = xstrdup(why->text); /* it may be the error that is written to */
    int rc = pass_over(g, it, text, g->err);
    free(text);
    return rc;
}

static int take_bad_image(void *arg, const char *image, const struct vs_err *why)
{
    struct evaluating *g = arg;
    struct evaluation *e = g->e;
    char *text = xstrdup(why->text); /* it may be the error that is written to */
    add_flaw(e, image, text, e->set->items[0].task, 0);
    e->flaws[e->flaw_count - 1].image = true;
    int rc = e->strict ? vs_fail(g->err, VS_E_FORMAT, "%s: image %s: %s", e->set->path, image, text)
                       : 0;
    free(text);
    return rc;
}

static void count_now(struct evaluating *g, const struct eval_item *it,
                      const struct eval_verdict *v)
{
    if (g->now.task != it->task) {
        g->now.task = it->task;
        g->now.sum = g->now.count = 0;
    }
    g->now.sum += it->scored ? v->score : 0;
    g->now.count += it->scored;
}

static int hand_on(struct evaluating *g, const struct eval_item *it, const char *row,
                   const struct eval_verdict *v, bool past, struct vs_err *err)
{
    const struct evaluation *e = g->e;
    const struct reference_task *kind = e->set->reference;
    bool written = kind && kind->row;
    int rc = reference_add(&g->e->sums, it, v, e->set->pool_count, err);
    count_now(g, it, v);
    g->reference.len = 0;
    if (written)
        kind->row(e->set, it, v, &g->reference);
    return rc || !e->row ? rc
                         : e->row(e->row_arg, it, row, written ? g->reference.data : NULL, past,
                                  err);
}

/* The last row of an earlier run is computed once more: when it is another one now, they do not
 * belong together. */
static int compare_past(const struct evaluating *g, const char *row, struct vs_err *err)
{
    if (strcmp(row, g->past.last_row) == 0)
        return 0;
    return vs_fail(err, VS_E_FORMAT, "%s: its row of item %s is not what comes of it now: it is of "
                   "another checkpoint, device or version; give another file, or none to go on "
                   "from", evaluation_past_path(g->e->past), g->e->set->items[g->past.last].id);
}

/* Rows are written in the order of the items: one that is missing before others that are there
 * would come behind them. */
static int gap_in_past(const struct evaluating *g, int index, struct vs_err *err)
{
    const struct eval_item *items = g->e->set->items;
    int next = g->past.last; /* the first one behind it that is there */
    for (int i = 0; i < g->e->set->count; i++)
        if (g->past.lines[i] && eval_is_before(&items[index], &items[i]) &&
            eval_is_before(&items[i], &items[next]))
            next = i;
    return vs_fail(err, VS_E_FORMAT, "%s: line %d is of item %s, but that of item %s, which "
                   "belongs before it, is missing: cut the file off before line %d, or give "
                   "another", evaluation_past_path(g->e->past), g->past.lines[next],
                   items[next].id, items[index].id, g->past.lines[next]);
}

static int take_verdict(struct evaluating *g, const struct eval_item *it, const struct result *r,
                        const struct eval_verdict *v)
{
    const struct eval_item *items = g->e->set->items;
    int index = (int)(it - items);
    if (g->past.last >= 0 && !g->e->past_in_parts && eval_is_before(it, &items[g->past.last]))
        return gap_in_past(g, index, &g->failure);
    g->row.len = 0;
    eval_row_add(&g->row, g->e->set, it, index, g->checkpoint, r, v);
    return index == g->past.last ? compare_past(g, g->row.data, &g->failure)
                                 : hand_on(g, it, g->row.data, v, false, &g->failure);
}

/* ---- rows of an earlier run */

static int take_past(void *arg, const struct eval_item *it, const char *row,
                     const struct eval_verdict *v, struct vs_err *err)
{
    return hand_on(arg, it, row, v, true, err);
}

static bool is_past(void *arg, const struct eval_item *it, struct eval_mark *mark)
{
    const struct evaluating *g = arg;
    int index = (int)(it - g->e->set->items);
    bool is = g->past.lines && g->past.lines[index] && index != g->past.last;
    if (is)
        *mark = g->past.marks[index];
    return is;
}

static int judge(struct evaluating *g, const struct eval_item *it, const struct result *r,
                 struct eval_verdict *v, struct vs_err *err)
{
    const struct eval_set *s = g->e->set;
    if (s->reference)
        return s->reference->judge(s, it, r, v, err);
    eval_judge(it, r, v);
    v->mark.unlisted = !eval_is_listed(&g->listed, g->m, it);
    return 0;
}

static void take(void *arg, const struct eval_item *it, const struct result *r)
{
    struct evaluating *g = arg;
    struct eval_verdict v = {0};
    struct vs_err why = {0};
    if (g->rc != 0)
        return;
    if (judge(g, it, r, &v, &why) != 0) {
        g->rc = pass_over(g, it, why.text, &g->failure);
    } else {
        g->rc = take_verdict(g, it, r, &v);
    }
    if (g->e->take)
        g->e->take(g->e->take_arg, it, r);
    g->e->ms += r->ms.total;
    eval_verdict_fini(&v);
}

static void report(void *arg, const struct eval_progress *p)
{
    struct evaluating *g = arg;
    if (g->rc != 0 || (g->e->cancel && atomic_load(g->e->cancel)))
        atomic_store(&g->stop, true);
    struct eval_progress told = *p;
    told.score = g->now.count && g->now.task == p->task ? g->now.sum / g->now.count : (double)NAN;
    if (g->e->report)
        g->e->report(g->e->report_arg, &told);
}

static int run(struct evaluating *g)
{
    struct evaluation *e = g->e;
    struct eval_score *own = xcalloc((size_t)task_count, sizeof *own);
    struct eval_options o = {.checkpoint = e->checkpoint, .limit = e->limit, .batch = e->batch,
                             .shard = e->shard, .sample = e->sample, .seed = e->seed,
                             .task = e->task, .without = e->without, .gone = e->gone,
                             .attention = e->attention, .changes = e->changes,
                             .change_count = e->change_count,
                             .take = take, .take_arg = g, .bad = take_bad,
                             .bad_image = take_bad_image, .bad_arg = g,
                             .skip = is_past, .skip_arg = g,
                             .cancel = &g->stop, .report = report, .report_arg = g};
    int rc = eval_run(g->m, e->set, &o, e->scores ? e->scores : own, g->err);
    free(own);
    if (g->rc != 0) {
        *g->err = g->failure;
        return g->rc;
    }
    return rc;
}

static int copy_flaws(struct evaluation *e, struct vs_err *err)
{
    for (int i = 0; i < e->set->flaw_count; i++)
        add_flaw(e, e->set->flaws[i].item, e->set->flaws[i].why, NULL, 0);
    return e->strict && e->flaw_count
               ? strict_failure(e, e->flaws[0].item, e->flaws[0].why, err) : 0;
}

static int nothing_asked(const struct evaluation *e, struct vs_err *err)
{
    const struct eval_set *s = e->set;
    if (!s->reference)
        return eval_none_sound(s->path, e->flaws, e->flaw_count, err);
    return vs_fail(err, VS_E_FORMAT, "%s %s: of %d items none can be asked: the first is %s: %s",
                   s->items[0].task->name, s->split, e->flaw_count, e->flaws[0].item,
                   e->flaws[0].why);
}

int evaluation_run(struct evaluation *e, struct model *m, struct vs_err *err)
{
    struct evaluating g = {.e = e, .m = m, .checkpoint = e->name ? e->name
                                                 : model_checkpoint_name(m, e->checkpoint),
                           .err = err};
    g.past.last = -1;
    int rc = copy_flaws(e, err);
    if (rc == 0 && e->past)
        rc = evaluation_past_read(e->past, e->set, g.checkpoint, e->past_in_parts, &g.past,
                                  take_past, &g, err);
    if (e->past_is_ours)
        g.past.last = -1; /* nothing is compared, and gaps are filled */
    if (rc == 0)
        rc = run(&g);
    int finished = reference_finish(&e->sums, rc ? &g.failure : err); /* also when it was ended */
    rc = rc ? rc : finished;
    if (rc == 0 && e->sums.items == 0 && e->flaw_count)
        rc = nothing_asked(e, err);
    if (e->sums.items) {
        eval_interval(evaluation_score(e), e->sums.scored, &e->low, &e->high);
        e->ms /= e->sums.items;
    }
    past_items_fini(&g.past);
    eval_listed_fini(&g.listed);
    buf_fini(&g.row);
    buf_fini(&g.reference);
    return rc;
}

int eval_check_heads(const struct eval_set *s, const struct task *only, const struct model *m,
                     int checkpoint, bool *without, const char *before, struct buf *notes,
                     struct vs_err *first)
{
    bool *seen = xcalloc((size_t)task_count, sizeof *seen);
    int left = 0;
    for (int i = 0; i < s->count; i++) {
        const struct task *t = eval_task_of(s, i);
        struct vs_err why = {0};
        int at = (int)(t - task_table);
        if (seen[at] || (only && only != t))
            continue;
        seen[at] = true;
        without[at] = model_check_task(m, checkpoint, t, &why) != 0;
        left += !without[at];
        if (without[at])
            buf_printf(notes, "%s%s\n", before, why.text);
        if (without[at] && !first->code)
            *first = why;
    }
    free(seen);
    return left;
}

double evaluation_score(const struct evaluation *e)
{
    return e->sums.scored ? e->sums.score / e->sums.scored : (double)NAN;
}

void evaluation_fini(struct evaluation *e)
{
    reference_sums_fini(&e->sums);
    for (int i = 0; i < e->flaw_count; i++) {
        free(e->flaws[i].item);
        free(e->flaws[i].why);
    }
    free(e->flaws);
    e->flaws = NULL;
    e->flaw_count = 0;
}
