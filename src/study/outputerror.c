/* SPDX-License-Identifier: MIT */
/* Differences of outputs of two checkpoints. */
#include "src/study/outputerror.h"

#include "src/base/mem.h"
#include "src/study/compare.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PADDING -9999.0 /* what the reference adds to what may not be chosen; out.vision_logit */

/* While they are summed. */
struct sums {
    double squares, differences, largest;
    int64_t numbers;
};

/* Not of padding. */
static bool is_difference(double a, double b)
{
    return a >= PADDING || b >= PADDING || isnan(a) || isnan(b);
}

static bool is_sound(const struct trace_tensor *x, const struct trace_tensor *y)
{
    size_t n = trace_numbers(x);
    if (trace_numbers(y) != n)
        return true;
    for (size_t i = 0; i < n; i++) {
        double a = (double)x->data[i], b = (double)y->data[i];
        if (is_difference(a, b) && !isfinite(a - b))
            return false;
    }
    return true;
}

static void sums_add(struct sums *s, const struct trace_tensor *x, const struct trace_tensor *y)
{
    size_t n = trace_numbers(x);
    if (trace_numbers(y) != n)
        return;
    for (size_t i = 0; i < n; i++) {
        double a = (double)x->data[i], b = (double)y->data[i], d = fabs(a - b);
        if (!is_difference(a, b))
            continue;
        s->squares += a * a;
        s->differences += d * d;
        s->largest = d > s->largest ? d : s->largest;
        s->numbers++;
    }
}

static struct output_task *find_task(struct output_errors *e, const struct task *task)
{
    for (int i = 0; i < e->task_count; i++)
        if (e->tasks[i].task == task)
            return &e->tasks[i];
    e->tasks = xreallocarray(e->tasks, (size_t)e->task_count + 1, sizeof *e->tasks);
    e->tasks[e->task_count] = (struct output_task){.task = task};
    return &e->tasks[e->task_count++];
}

static bool is_ranked(const struct result *a, const struct result *b,
                      const struct compare_change *c)
{
    for (int i = 0; i < c->count; i++) {
        const struct compare_move *x = &c->moves[i];
        double p = compare_logit(a, x->rank_a), q = compare_logit(b, x->rank_b);
        if ((is_difference(p, q) && !isfinite(p - q)) || !isfinite(x->p_a - x->p_b))
            return false;
    }
    return true;
}

/* What is ranked: the logits of all, and the probability of a's best. While queries are asked the
 * means are sums. */
static void add_ranked(struct output_task *t, const struct result *a, const struct result *b,
                       const struct compare_change *c)
{
    for (int i = 0; i < c->count; i++) {
        const struct compare_move *x = &c->moves[i];
        double p = compare_logit(a, x->rank_a), q = compare_logit(b, x->rank_b), d = fabs(p - q);
        if (x->rank_a == 0) {
            double chance = fabs(x->p_a - x->p_b);
            t->mean_chance += chance;
            t->largest_chance = fmax(t->largest_chance, chance);
        }
        if (!is_difference(p, q))
            continue;
        t->mean += d;
        t->largest = fmax(t->largest, d);
        t->numbers++;
    }
}

/* Why the two cannot be compared, or NULL: each that is counted is a part of every number. */
static const char *unlike(const struct result *a, const struct result *b,
                          struct compare_change *c)
{
    if (!compare_results(a, b, compare_count(a), c))
        return "there is nothing to rank, or not the same for both";
    bool sound = is_ranked(a, b, c);
    for (int i = 0; i < a->trace->count && sound; i++) {
        const struct trace_tensor *x = &a->trace->tensors[i];
        const struct trace_tensor *y = trace_get(b->trace, x->at);
        sound = x->at.kind != TRACE_OUTPUT || !y || is_sound(x, y);
    }
    return sound ? NULL : "outputs are NaN or infinite";
}

static void compare_two(struct output_errors *e, struct sums *sums, const struct result *a,
                        const struct result *b, const struct compare_change *c)
{
    struct output_task *t = find_task(e, a->task);
    e->asked++;
    t->asked++;
    t->same += compare_key(a, 0) == compare_key(b, 0);
    add_ranked(t, a, b, c);
    for (int i = 0; i < a->trace->count; i++) {
        const struct trace_tensor *x = &a->trace->tensors[i];
        const struct trace_tensor *y = trace_get(b->trace, x->at);
        if (x->at.kind == TRACE_OUTPUT && y)
            sums_add(&sums[x->at.site], x, y);
    }
}

/* One of the two that are compared. */
struct side {
    struct model *m;
    int checkpoint;
    struct probe_runner *runner;
};

static int ask_both(struct side side[2], int i, const atomic_bool *stop, struct output_errors *e,
                    struct sums *sums)
{
    struct result *r[2] = {NULL, NULL};
    struct vs_err why = {0};
    int rc = 0;
    for (int k = 0; k < 2 && rc == 0; k++) {
        struct query q;
        rc = probe_runner_query(side[k].runner, i, side[k].checkpoint, &q, &why);
        q.outputs = true;
        if (rc == 0)
            rc = query_run(side[k].m, &q, stop, &r[k], &why);
    }
    struct compare_change c = {0};
    const char *reason = rc == 0 ? unlike(r[0], r[1], &c) : NULL;
    if (reason)
        rc = vs_fail(&why, VS_E_DIVERGED, "%s", reason);
    if (rc == 0)
        compare_two(e, sums, r[0], r[1], &c);
    else if (e->failed++ == 0)
        snprintf(e->first_failure, sizeof e->first_failure, "%.255s", why.text);
    compare_fini(&c);
    result_free(r[0]);
    result_free(r[1]);
    return rc;
}

int output_errors_measure(struct model *m, int a, struct model *other, int b,
                          const struct probes *set, const atomic_bool *stop,
                          struct output_errors *out, struct vs_err *err)
{
    struct side side[2] = {{m, a, probe_runner_new(m, set)},
                           {other, b, probe_runner_new(other, set)}};
    struct sums sums[OUT_COUNT] = {{0}};
    *out = (struct output_errors){.count = 0};
    for (int i = 0; i < set->count; i++)
        if (ask_both(side, i, stop, out, sums) == VS_E_CANCELLED)
            break;
    probe_runner_free(side[0].runner);
    probe_runner_free(side[1].runner);
    for (int i = 0; i < OUT_COUNT; i++) {
        struct output_error *e = &out->list[out->count];
        const struct sums *s = &sums[i];
        if (!s->numbers)
            continue;
        trace_name((struct trace_at){.kind = TRACE_OUTPUT, .site = i}, e->name);
        e->largest = s->largest;
        e->relative = s->squares > 0 ? sqrt(s->differences / s->squares) : s->largest;
        e->numbers = s->numbers;
        out->count++;
    }
    for (int i = 0; i < out->task_count; i++) {
        struct output_task *t = &out->tasks[i];
        t->mean /= t->numbers ? (double)t->numbers : 1;
        t->mean_chance /= t->asked;
    }
    if (stop && atomic_load(stop))
        return vs_fail(err, VS_E_CANCELLED, "stopped");
    if (out->asked == 0)
        return vs_fail(err, VS_E_MISSING, "%s: none of its %d queries could be asked%s%s",
                       set->path ? set->path : "the set", set->count, out->failed ? ": " : "",
                       out->first_failure);
    return 0;
}

void output_errors_fini(struct output_errors *e)
{
    free(e->tasks);
    *e = (struct output_errors){.count = 0};
}

static json_t *output_task_json(const struct output_task *t)
{
    return json_pack("{s:i, s:i, s:{s:f, s:f}, s:{s:f, s:f}}", "asked", t->asked, "same_answer",
                     t->same, "logit", "largest", t->largest, "mean", t->mean, "probability",
                     "largest", t->largest_chance, "mean", t->mean_chance);
}

char *output_errors_json(const struct output_errors *e)
{
    json_t *outputs = json_object(), *tasks = json_object();
    for (int i = 0; i < e->count; i++)
        json_object_set_new(outputs, e->list[i].name,
                            json_pack("{s:f, s:f}", "largest", e->list[i].largest, "relative",
                                      e->list[i].relative));
    for (int i = 0; i < e->task_count; i++)
        json_object_set_new(tasks, e->tasks[i].task->name,
                            output_task_json(&e->tasks[i]));
    json_t *root = json_pack("{s:i, s:i, s:o, s:o}", "asked", e->asked, "failed", e->failed,
                             "outputs", outputs, "tasks", tasks);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(5));
    json_decref(root);
    return text;
}
