/* SPDX-License-Identifier: MIT */
/* vilscope compare of rows: scores, differences and tests as text, CSV or JSON. What is said of a
 * difference goes no further than the test: that none is shown does not show that there is none. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>

char *rows_group_name(const struct rows_group *g)
{
    const struct row_evaluation *e = g->columns[0].e;
    return xasprintf("%s%s%s%s", e->task->name, *e->split ? " " : "", e->split,
                     e->as_reference ? " as the reference" : "");
}

const struct rows_pair *rows_pair_of(const struct rows_group *g, int a, int b)
{
    for (int i = 0; i < g->pair_count; i++)
        if (g->pairs[i].a == a && g->pairs[i].b == b)
            return &g->pairs[i];
    return NULL;
}

json_t *rows_pair_json(const struct rows_group *g, const struct rows_pair *p)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "task", g->columns[0].e->task->name, "split",
                     plain_string(g->columns[0].e->split), "a", plain_string(g->columns[p->a].name),
                     "b", plain_string(g->columns[p->b].name));
}

void rows_pair_csv(const struct rows_group *g, const struct rows_pair *p)
{
    const char *const texts[] = {g->columns[0].e->task->name, g->columns[0].e->split,
                                 g->columns[p->a].name, g->columns[p->b].name};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        plain_csv(stdout, texts[i], true);
        putchar(',');
    }
}

char *rows_p(double p)
{
    return p < 0.0001 ? xstrdup("p < 0.0001") : xasprintf("p %.4f", p);
}

/* Without an interval where there is none. */
char *rows_difference(const struct judged *j)
{
    double points[] = {j->difference, j->low, j->high};
    for (int i = 0; i < 3; i++)
        points[i] = stats_shown(100 * points[i], 1);
    return isfinite(j->low) ? xasprintf("%+.1f points (%+.1f to %+.1f)", points[0], points[1],
                                        points[2])
                            : xasprintf("%+.1f points", points[0]);
}

static const char *const verdict_words[] = {
    [JUDGED_A] = "a", [JUDGED_B] = "b", [JUDGED_MAYBE] = "unclear", [JUDGED_OPEN] = "not shown"};

json_t *rows_judged_json(const struct judged *j)
{
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:o}", "items",
                     j->items, "images", j->clusters, "a_score", plain_number(j->a), "b_score",
                     plain_number(j->b), "difference", plain_number(j->difference), "low",
                     plain_number(j->low), "high", plain_number(j->high), "both", j->both,
                     "only_a", j->only_a, "only_b", j->only_b, "neither", j->neither, "p",
                     plain_number(j->p));
}

/* ---- JSON */

static void judged_json(const struct rows_judged *r)
{
    json_t *scores = json_array(), *pairs = json_array();
    for (int i = 0; i < r->group_count; i++) {
        const struct rows_group *g = &r->groups[i];
        for (int k = 0; k < g->column_count; k++) {
            const struct rows_column *c = &g->columns[k];
            json_array_append_new(scores, json_pack(
                "{s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o}", "task", c->e->task->name, "split",
                plain_string(c->e->split), "checkpoint", plain_string(c->name), "source",
                plain_string(c->e->source), "rows", c->e->count, "scored", c->e->scored, "score",
                plain_number(c->score), "low", plain_number(c->low), "high",
                plain_number(c->high)));
        }
        for (int k = 0; k < g->pair_count; k++) {
            const struct rows_pair *p = &g->pairs[k];
            json_t *v = rows_pair_json(g, p);
            json_t *numbers = rows_judged_json(&p->judged);
            json_object_update(v, numbers);
            json_decref(numbers);
            json_object_set_new(v, "holm", plain_number(p->judged.adjusted));
            json_object_set_new(v, "better", json_string(verdict_words[judge_verdict(&p->judged)]));
            if (r->o->change_count)
                json_object_set_new(v, "answered_otherwise", json_integer(p->judged.other));
            json_object_set_new(v, "items_only_a", json_integer(p->items.only_a));
            json_object_set_new(v, "items_only_b", json_integer(p->items.only_b));
            json_array_append_new(pairs, v);
        }
    }
    json_object_set_new(r->json, "scores", scores);
    json_object_set_new(r->json, "comparisons", pairs);
}

/* ---- CSV */

static void judged_csv(const struct rows_judged *r)
{
    fputs("task,split,a,b,items,images,a_score,b_score,difference,low,high,both,only_a,only_b,"
          "neither,p,holm,better", stdout);
    puts(r->o->change_count ? ",answered_otherwise" : "");
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++) {
            const struct rows_group *g = &r->groups[i];
            const struct rows_pair *p = &g->pairs[k];
            const struct judged *j = &p->judged;
            rows_pair_csv(g, p);
            printf("%d,%d,%.9g,%.9g,%.9g,%.9g,%.9g,%d,%d,%d,%d,%.9g,%.9g,", j->items, j->clusters,
                   j->a, j->b, j->difference, j->low, j->high, j->both, j->only_a, j->only_b,
                   j->neither, j->p, j->adjusted);
            plain_csv(stdout, verdict_words[judge_verdict(j)], true);
            if (r->o->change_count)
                printf(",%d", j->other);
            putchar('\n');
        }
}

/* ---- for people */

static void print_verdict(const struct rows_group *g, const struct rows_pair *p, bool several)
{
    const struct judged *j = &p->judged;
    switch (judge_verdict(j)) {
    case JUDGED_A: plain_out("%s is better on these items\n", g->columns[p->a].name); return;
    case JUDGED_B: plain_out("%s is better on these items\n", g->columns[p->b].name); return;
    case JUDGED_MAYBE:
        plain_out(several ? "unclear: of so many comparisons one may be so by chance\n"
                          : "unclear: interval and test do not agree\n");
        return;
    case JUDGED_OPEN: break;
    }
    plain_out("no difference is shown\n");
}

/* What concerns a pair: two lines, indented. */
static void print_pair(const struct rows_judged *r, const struct rows_group *g,
                       const struct rows_pair *p)
{
    const struct judged *j = &p->judged;
    const char *a = g->columns[p->a].name, *b = g->columns[p->b].name;
    if (j->items == 0) {
        plain_out("  %s to %s: no item has a score with both\n", a, b);
        return;
    }
    char *difference = rows_difference(j), *test = rows_p(j->p), *holm = rows_p(j->adjusted);
    bool several = r->group_count > 1 || g->pair_count > 1;
    plain_out("  %s to %s: %s, %d items of %d image%s\n", a, b, difference, j->items, j->clusters,
              j->clusters == 1 ? "" : "s");
    plain_out("    right with %s only %d, with %s only %d; McNemar %s%s%s: ", a, j->only_a, b,
              j->only_b, test, several ? ", Holm " : "", several ? holm : "");
    print_verdict(g, p, several && j->p < 0.05 && j->adjusted >= 0.05);
    if (r->o->change_count)
        plain_out("    answered otherwise, right or not: %d\n", j->other);
    if (p->items.only_a + p->items.only_b)
        plain_out("    left out: %d items that only %s has, %d that only %s has\n",
                  p->items.only_a, a, p->items.only_b, b);
    free(difference);
    free(test);
    free(holm);
}

static void print_cell(const struct rows_group *g, int row, int column)
{
    const struct rows_pair *p = rows_pair_of(g, row < column ? row : column,
                                             row < column ? column : row);
    if (!p || p->judged.items == 0) {
        plain_out("  %14s", "");
        return;
    }
    enum judge_verdict v = judge_verdict(&p->judged);
    double points = 100 * p->judged.difference * (row < column ? -1 : 1);
    plain_out("  %13.1f%s", points == 0 ? 0.0 : points, v == JUDGED_A || v == JUDGED_B ? "*" : " ");
}

/* How much better the one at the left is than the one above. */
static void print_matrix(const struct rows_group *g)
{
    plain_out("  points, left against above; * Holm p < 0.05 and the interval is on one side\n"
              "  %-20s", "");
    for (int i = 0; i < g->column_count; i++)
        plain_out("  %13.13s ", g->columns[i].name);
    putchar('\n');
    for (int i = 0; i < g->column_count; i++) {
        plain_out("  %-20.20s", g->columns[i].name);
        for (int k = 0; k < g->column_count; k++)
            print_cell(g, i, k);
        putchar('\n');
    }
}

static void print_scores(const struct rows_group *g)
{
    char *name = rows_group_name(g);
    int wide = 20; /* names with interventions are long */
    for (int i = 0; i < g->column_count; i++) {
        int own = plain_width(g->columns[i].name);
        wide = own > wide ? own : wide;
    }
    plain_out("%s\n", name);
    free(name);
    for (int i = 0; i < g->column_count; i++) {
        const struct rows_column *c = &g->columns[i];
        if (c->e->scored)
            plain_out("  %-*s %6.1f%% (%.1f to %.1f), %d items\n", wide, c->name, 100 * c->score,
                      100 * c->low, 100 * c->high, c->e->scored);
        else
            plain_out("  %-*s has no scores: the split has no answers\n", wide, c->name);
    }
}

void compare_print_judged(const struct rows_judged *r)
{
    if (r->json) {
        judged_json(r);
        return;
    }
    if (r->o->csv) {
        judged_csv(r);
        return;
    }
    for (int i = 0; i < r->group_count; i++) {
        const struct rows_group *g = &r->groups[i];
        if (i)
            putchar('\n');
        print_scores(g);
        bool each = g->column_count == 2 || r->o->change_count;
        if (g->column_count < 2)
            plain_out("  no other one to compare it with\n");
        else if (!each)
            print_matrix(g);
        for (int k = 0; k < g->pair_count && each; k++)
            print_pair(r, g, &g->pairs[k]);
    }
}
