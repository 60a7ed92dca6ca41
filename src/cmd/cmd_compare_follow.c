/* SPDX-License-Identifier: MIT */
/* vilscope compare --watch with --data or --reference: checkpoints of a training run are measured
 * as they come, all on the same items, and what moved since the one before is told at once. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"
#include "src/task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct follow_rows {
    const struct compare_options *o;
    struct model *m;
    struct rowset set;
    int status; /* EXIT_FAILED: something came to nothing, which was said */
};

static void follow_line(const struct rows_group *g, const struct rows_column *c,
                        const struct rows_pair *p)
{
    char *name = rows_group_name(g);
    plain_out("  %-20s %6.1f%% (%.1f to %.1f), %d items", name, 100 * c->score, 100 * c->low,
              100 * c->high, c->e->scored);
    if (p && p->judged.items) {
        char *moved = rows_difference(&p->judged), *test = rows_p(p->judged.p);
        plain_out("; %s since %s, McNemar %s", moved, g->columns[p->a].name, test);
        free(moved);
        free(test);
    }
    putchar('\n');
    free(name);
}

static void follow_json(const struct rows_group *g, const struct rows_column *c,
                        const struct rows_pair *p, json_t *tasks)
{
    json_t *v = json_pack("{s:s, s:o, s:i, s:o, s:o, s:o}", "task", c->e->task->name, "split",
                          plain_string(c->e->split), "items", c->e->scored, "score",
                          plain_number(c->score), "low", plain_number(c->low), "high",
                          plain_number(c->high));
    if (p) {
        json_object_set_new(v, "since", plain_string(g->columns[p->a].name));
        json_object_set_new(v, "since_last", rows_judged_json(&p->judged));
    }
    json_array_append_new(tasks, v);
}

/* The tasks in which the newest checkpoint was measured: there it is the last column. */
static int follow_tell(const struct follow_rows *x, const struct rows_judged *r, const char *name)
{
    json_t *tasks = x->o->json ? json_array() : NULL;
    if (!tasks)
        plain_out("%s\n", name);
    for (int i = 0; i < r->group_count; i++) {
        const struct rows_group *g = &r->groups[i];
        const struct rows_column *c = &g->columns[g->column_count - 1];
        const struct rows_pair *p = rows_pair_of(g, g->column_count - 2, g->column_count - 1);
        if (strcmp(c->e->checkpoint, name) != 0)
            continue;
        if (tasks)
            follow_json(g, c, p, tasks);
        else
            follow_line(g, c, p);
    }
    int rc = tasks ? command_json(json_pack("{s:o, s:i, s:i, s:o}", "checkpoint",
                                            plain_string(name), "sample", x->o->sample, "seed",
                                            x->o->seed, "tasks", tasks), JSON_COMPACT)
                   : 0;
    fflush(stdout);
    return rc;
}

static int follow_ask(void *arg, int checkpoint, struct vs_err *err)
{
    struct follow_rows *x = arg;
    struct rows_judged r = rows_judged_of(x->o);
    int before = x->set.count;
    int rc = rows_measure(x->o, x->m, checkpoint, 1, &compare_stopped, &x->set, err);
    x->status = rc > 0 ? rc : x->status;
    rc = rc > 0 ? 0 : rc;
    r.steps = r.newest = true; /* the others were told before */
    if (rc == 0 && x->set.count > before)
        rc = rows_judge(&r, &x->set, err);
    if (rc == 0 && x->set.count > before)
        rc = follow_tell(x, &r, model_checkpoint_name(x->m, checkpoint));
    rows_judged_fini(&r);
    return rc;
}

/* The whole way, with p values corrected for all steps that were looked at. */
static int follow_end(const struct follow_rows *x, struct vs_err *err)
{
    struct rows_judged r = rows_judged_of(x->o);
    r.steps = true;
    int rc = x->o->json || x->set.count == 0 ? 0 : rows_judge(&r, &x->set, err);
    if (rc == 0 && r.group_count)
        compare_print_trend(&r);
    rows_judged_fini(&r);
    return rc;
}

int compare_follow_rows(const struct compare_options *o, const struct model_options *how,
                        struct vs_err *err)
{
    struct follow_rows x = {.o = o};
    const struct compare_follower f = {.m = &x.m, .ask = follow_ask, .arg = &x};
    int rc = compare_check_measured(o, err);
    if (rc == 0)
        rc = compare_each_new(o, how, &f, err);
    if (rc == 0)
        rc = follow_end(&x, err);
    rowset_fini(&x.set);
    model_free(x.m);
    return rc ? rc : x.status;
}
