/* SPDX-License-Identifier: MIT */
/* vilscope compare --rows, --from, --data, --reference: evaluations of several checkpoints, judged
 * by what came of each item. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"
#include "src/study/eval.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups */

/* A log may have evaluations of several sets without a split. What is not known to be of another
 * set is taken for the same: judge_match says where it is not. */
static bool rows_belong(const struct row_evaluation *x, const struct row_evaluation *y)
{
    if (x->task != y->task || x->as_reference != y->as_reference || strcmp(x->split, y->split) != 0)
        return false;
    return !x->data || !y->data || strcmp(x->data, y->data) == 0 || judge_same_items(x, y);
}

static double rows_mean(const struct row_evaluation *e)
{
    double sum = 0;
    for (int i = 0; i < e->count; i++) {
        const struct row *r = row_at(e, i);
        sum += r->scored ? r->score : 0;
    }
    return e->scored ? sum / e->scored : (double)NAN;
}

static void rows_add_column(struct rows_judged *r, const struct row_evaluation *e)
{
    int at = 0;
    while (at < r->group_count && !rows_belong(r->groups[at].columns[0].e, e))
        at++;
    if (at == r->group_count) {
        r->groups = xreallocarray(r->groups, (size_t)at + 1, sizeof *r->groups);
        r->groups[r->group_count++] = (struct rows_group){0};
    }
    struct rows_group *g = &r->groups[at];
    g->columns = xreallocarray(g->columns, (size_t)g->column_count + 1, sizeof *g->columns);
    struct rows_column *c = &g->columns[g->column_count++];
    *c = (struct rows_column){.e = e, .score = rows_mean(e)};
    c->low = c->high = (double)NAN;
    if (e->scored)
        eval_interval(c->score, e->scored, &c->low, &c->high);
}

static void rows_name_columns(struct rows_group *g)
{
    for (int i = 0; i < g->column_count; i++) {
        const struct row_evaluation *e = g->columns[i].e;
        bool twice = false;
        for (int k = 0; k < g->column_count; k++)
            twice |= k != i && strcmp(g->columns[k].e->checkpoint, e->checkpoint) == 0;
        g->columns[i].name = twice ? xasprintf("%s (%s)", e->checkpoint, e->source)
                                   : xstrdup(e->checkpoint);
    }
}

static int rows_judge_group(const struct rows_judged *r, struct rows_group *g, struct vs_err *err)
{
    int n = g->column_count, rc = 0;
    g->pairs = xcalloc((size_t)n * (size_t)n + 1, sizeof *g->pairs);
    for (int i = 0; i < n && rc == 0; i++)
        for (int k = i + 1; k < n && rc == 0; k++) {
            if (r->o->change_count &&
                !rows_is_changed(g->columns[k].e->checkpoint, g->columns[i].e->checkpoint))
                continue;
            if (r->alone || (r->steps && k != i + 1) || (r->newest && k != n - 1))
                continue;
            struct rows_pair *p = &g->pairs[g->pair_count++];
            p->a = i;
            p->b = k;
            rc = judge_match(g->columns[i].e, g->columns[k].e, &p->items, err);
            if (rc == 0)
                judge_compare(&p->items, NULL, p->items.count, &r->how, &p->judged);
        }
    return rc;
}

/* Of all tests that are shown. */
static void rows_adjust(struct rows_judged *r)
{
    int n = 0;
    for (int i = 0; i < r->group_count; i++)
        n += r->groups[i].pair_count;
    double *p = xcalloc((size_t)n + 1, sizeof *p);
    n = 0;
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++)
            p[n++] = r->groups[i].pairs[k].judged.p;
    stats_holm(p, n, p);
    n = 0;
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++)
            r->groups[i].pairs[k].judged.adjusted = p[n++];
    free(p);
}

struct rows_judged rows_judged_of(const struct compare_options *o)
{
    return (struct rows_judged){.o = o, .how = {.resamples = o->resamples,
                                                .seed = (uint64_t)o->seed, .least = o->least,
                                                .intervals = o->top}};
}

int rows_judge(struct rows_judged *r, const struct rowset *set, struct vs_err *err)
{
    int rc = 0, pairs = 0;
    for (int i = 0; i < set->count; i++)
        rows_add_column(r, &set->list[i]);
    for (int i = 0; i < r->group_count && rc == 0; i++) {
        rows_name_columns(&r->groups[i]);
        rc = rows_judge_group(r, &r->groups[i], err);
        pairs += r->groups[i].pair_count;
    }
    bool alone = r->alone || r->steps || (r->partly && set->count) || r->o->calibration ||
                 r->o->confusion;
    if (rc == 0 && pairs == 0 && !alone)
        rc = vs_fail(err, VS_E_USAGE, "no task was measured on two checkpoints: give the rows of "
                     "both (%d evaluation%s here)", set->count, set->count == 1 ? " is" : "s are");
    if (rc == 0)
        rows_adjust(r);
    return rc;
}

void rows_judged_fini(struct rows_judged *r)
{
    for (int i = 0; i < r->group_count; i++) {
        struct rows_group *g = &r->groups[i];
        for (int k = 0; k < g->pair_count; k++)
            judge_items_fini(&g->pairs[k].items);
        for (int k = 0; k < g->column_count; k++)
            free(g->columns[k].name);
        free(g->pairs);
        free(g->columns);
    }
    free(r->groups);
}

/* ---- what is asked for */

static int rows_show(struct rows_judged *r, struct vs_err *err)
{
    const struct compare_options *o = r->o;
    int rc = 0;
    if (o->json)
        r->json = json_pack("{s:i, s:i}", "resamples", r->how.resamples, "seed", o->seed);
    if (!o->csv || (!o->slices.count && !o->all_slices && !o->crossings))
        compare_print_judged(r);
    if (o->slices.count || o->all_slices || o->crossings)
        rc = compare_print_slices(r, err);
    if (o->agreement)
        compare_print_agreement(r);
    if (o->trend)
        compare_print_trend(r);
    if (o->calibration)
        compare_print_calibration(r);
    if (o->confusion)
        compare_print_confusion(r);
    if (rc == 0 && o->figure)
        rc = compare_write_figure(r, err);
    if (rc == 0 && o->gallery)
        rc = compare_write_gallery(r, err);
    if (rc == 0 && r->json)
        return command_json(r->json, JSON_INDENT(1));
    json_decref(r->json);
    return rc;
}

static int rows_gather_given(const struct compare_options *o, struct rows_given *given,
                             struct vs_err *err)
{
    const char *sources[2 * WORDS_MOST + 2];
    int64_t ids[WORDS_MOST];
    struct rows_wanted w = {.sources = sources, .evaluations = ids, .task = o->task,
                            .split = o->data.split, .checkpoints = &o->checkpoints};
    struct words typed = o->evaluations;
    int rc = 0;
    for (int i = 0; i < o->rows.count; i++)
        sources[w.source_count++] = o->rows.list[i];
    if (o->from)
        sources[w.source_count++] = o->from;
    for (int i = 0; i < o->more_count && rc == 0; i++) {
        int *count = typed.count ? &typed.count : &w.source_count;
        if (*count >= WORDS_MOST)
            rc = vs_fail(err, VS_E_USAGE, "more than %d files or evaluations", WORDS_MOST);
        else if (typed.count)
            typed.list[typed.count++] = o->more[i];
        else
            sources[w.source_count++] = o->more[i];
    }
    if (rc == 0)
        rc = rows_ids(&typed, ids, &w.evaluation_count, err);
    return rc ? rc : rows_gather(&w, given, err);
}

int compare_rows(const struct compare_options *o, const struct model_options *how,
                 const atomic_bool *stop, struct vs_err *err)
{
    struct rows_judged r = rows_judged_of(o);
    struct rows_given given = {0};
    int rc = o->reference || o->data.path ? compare_measured(o, how, stop, &given.set, err)
                                          : rows_gather_given(o, &given, err);
    rows_say_shares("compare", &given);
    int status = rc > 0 ? rc : 0;
    rc = rc > 0 ? 0 : rc;
    r.partly = status > 0;
    if (rc == 0 && o->change_count && o->shard.count && given.set.count == 0) {
        plain_text(stderr, "vilscope eval: note: shard %d of %d has no item\n", o->shard.index,
                   o->shard.count);
        rows_given_fini(&given);
        return status;
    }
    if (rc == 0)
        rc = rows_judge(&r, &given.set, err);
    if (rc == 0)
        rc = rows_show(&r, err);
    rows_judged_fini(&r);
    rows_given_fini(&given);
    return rc ? rc : status;
}
