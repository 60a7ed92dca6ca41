/* SPDX-License-Identifier: MIT */
/* vilscope compare of rows: which items all, none or only one of the checkpoints gets, and how the
 * score moved from one to the next. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- agreement */

enum { AGREE_ALL, AGREE_NONE, AGREE_SOME, AGREE_ONLY }; /* AGREE_ONLY + a column */
struct agreed {
    const struct row **rows; /* (count), of the first column */
    int count;
};
struct agreement {
    const struct rows_group *g;
    struct agreed *kinds; /* (AGREE_ONLY + columns) */
    int items;
};

/* The next row of each column from its place on that is of item `index`; false: one lacks it. */
static bool agreement_rows(const struct rows_group *g, int *at, int index, const struct row **out)
{
    bool all = true;
    for (int c = 0; c < g->column_count; c++) {
        const struct row_evaluation *e = g->columns[c].e;
        while (at[c] < e->count && row_at(e, at[c])->index < index)
            at[c]++;
        const struct row *r = at[c] < e->count ? e->rows[at[c]] : NULL;
        out[c] = r && r->index == index ? r : NULL;
        all = all && out[c] && out[c]->scored;
    }
    return all;
}

static void agreement_add(struct agreement *x, const struct row **rows)
{
    int right = 0, last = 0;
    for (int c = 0; c < x->g->column_count; c++) {
        right += rows[c]->correct;
        last = rows[c]->correct ? c : last;
    }
    int kind = right == x->g->column_count ? AGREE_ALL : right == 0 ? AGREE_NONE
               : right == 1 ? AGREE_ONLY + last : AGREE_SOME;
    struct agreed *k = &x->kinds[kind];
    if ((k->count & (k->count - 1)) == 0)
        k->rows = xreallocarray(k->rows, k->count ? 2 * (size_t)k->count : 1, sizeof *k->rows);
    k->rows[k->count++] = rows[0];
    x->items++;
}

static json_t *agreement_list(const struct agreed *k, int top)
{
    json_t *ids = json_array();
    for (int i = 0; i < k->count && (top == 0 || i < top); i++)
        json_array_append_new(ids, plain_string(k->rows[i]->id));
    return json_pack("{s:i, s:o}", "items", k->count, "ids", ids);
}

static void agreement_json(const struct agreement *x, int top, json_t *all)
{
    json_t *only = json_array();
    for (int c = 0; c < x->g->column_count; c++) {
        json_t *one = agreement_list(&x->kinds[AGREE_ONLY + c], top);
        json_object_set_new(one, "checkpoint", plain_string(x->g->columns[c].name));
        json_array_append_new(only, one);
    }
    json_array_append_new(all, json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "task",
                                         x->g->columns[0].e->task->name, "split",
                                         plain_string(x->g->columns[0].e->split), "items",
                                         x->items, "all", agreement_list(&x->kinds[AGREE_ALL], top),
                                         "none", agreement_list(&x->kinds[AGREE_NONE], top), "some",
                                         agreement_list(&x->kinds[AGREE_SOME], top), "only", only));
}

/* A line, with the first items of it. */
static void agreement_line(const struct agreement *x, const char *what, const struct agreed *k)
{
    plain_out("  %-32.32s %6d  %5.1f%%", what, k->count,
              x->items ? 100.0 * k->count / x->items : 0);
    for (int i = 0; i < k->count && i < 4; i++)
        plain_out("%s%.20s", i ? ", " : "  ", k->rows[i]->id);
    puts(k->count > 4 ? ", ..." : "");
}

static void agreement_text(const struct agreement *x)
{
    char *name = rows_group_name(x->g);
    plain_out("\n%s: %d items by who gets them right\n", name, x->items);
    agreement_line(x, "all", &x->kinds[AGREE_ALL]);
    agreement_line(x, "none", &x->kinds[AGREE_NONE]);
    for (int c = 0; c < x->g->column_count; c++) {
        char *only = xasprintf("only %s", x->g->columns[c].name);
        agreement_line(x, only, &x->kinds[AGREE_ONLY + c]);
        free(only);
    }
    if (x->g->column_count > 2)
        agreement_line(x, "several, not all", &x->kinds[AGREE_SOME]);
    free(name);
}

static void agreement_group(const struct rows_judged *r, const struct rows_group *g, json_t *all)
{
    struct agreement x = {.g = g};
    size_t n = (size_t)g->column_count;
    int *at = xcalloc(n, sizeof *at);
    const struct row **rows = xcalloc(n, sizeof *rows);
    x.kinds = xcalloc(n + AGREE_ONLY, sizeof *x.kinds);
    const struct row_evaluation *first = g->columns[0].e;
    for (int i = 0; i < first->count; i++)
        if (agreement_rows(g, at, row_at(first, i)->index, rows))
            agreement_add(&x, rows);
    if (all)
        agreement_json(&x, r->o->top, all);
    else
        agreement_text(&x);
    for (size_t i = 0; i < n + AGREE_ONLY; i++)
        free(x.kinds[i].rows);
    free(x.kinds);
    free(rows);
    free(at);
}

void compare_print_agreement(const struct rows_judged *r)
{
    json_t *all = r->json ? json_array() : NULL;
    for (int i = 0; i < r->group_count; i++)
        if (r->groups[i].column_count > 1)
            agreement_group(r, &r->groups[i], all);
    if (all)
        json_object_set_new(r->json, "agreement", all);
}

/* ---- trends */

static void trend_json(const struct rows_group *g, json_t *all)
{
    json_t *steps = json_array();
    for (int i = 0; i < g->column_count; i++) {
        const struct rows_column *c = &g->columns[i];
        const struct rows_pair *p = rows_pair_of(g, i - 1, i);
        json_t *v = json_pack("{s:o, s:o, s:o, s:o}", "checkpoint", plain_string(c->name), "score",
                              plain_number(c->score), "low", plain_number(c->low), "high",
                              plain_number(c->high));
        if (p) {
            json_t *step = rows_judged_json(&p->judged);
            json_object_set_new(step, "holm", plain_number(p->judged.adjusted));
            json_object_set_new(v, "since_last", step);
        }
        json_array_append_new(steps, v);
    }
    json_array_append_new(all, json_pack("{s:s, s:o, s:o}", "task", g->columns[0].e->task->name,
                                         "split", plain_string(g->columns[0].e->split),
                                         "checkpoints", steps));
}

static void trend_text(const struct rows_group *g)
{
    char *name = rows_group_name(g);
    plain_out("\n%s: from checkpoint to checkpoint\n  %-24s %-24s %-34s %s\n", name, "", "score",
              "since the one before", "Holm");
    for (int i = 0; i < g->column_count; i++) {
        const struct rows_column *c = &g->columns[i];
        const struct rows_pair *p = rows_pair_of(g, i - 1, i);
        char *score = xasprintf("%.1f%% (%.1f to %.1f)", 100 * c->score, 100 * c->low,
                                100 * c->high);
        char *moved = p && p->judged.items ? rows_difference(&p->judged) : xstrdup("");
        char *test = p && p->judged.items ? rows_p(p->judged.adjusted) : xstrdup("");
        plain_out("  %-24.24s %-24s %-34s %s\n", c->name, score, moved, test);
        free(score);
        free(moved);
        free(test);
    }
    free(name);
}

void compare_print_trend(const struct rows_judged *r)
{
    json_t *all = r->json ? json_array() : NULL;
    for (int i = 0; i < r->group_count; i++)
        if (all)
            trend_json(&r->groups[i], all);
        else
            trend_text(&r->groups[i]);
    if (all)
        json_object_set_new(r->json, "trend", all);
}
