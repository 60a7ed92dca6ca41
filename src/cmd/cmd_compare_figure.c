/* SPDX-License-Identifier: MIT */
/* vilscope compare --figure: what was compared as plots. Scores with their intervals, how far
 * confidence can be trusted, the items of two checkpoints against each other; a check set over the
 * checkpoints. */
#include "src/cmd/cmd_compare_rows.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/figure/figure.h"
#include "src/study/plots.h"
#include "src/task/task.h"

#include <config.h> /* the version */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PAIRS 6

int compare_check_figure(const struct compare_options *o)
{
    if (!o->figure)
        return o->width || o->dpi ? command_usage("compare", "--width and --dpi are for --figure "
                                                  "FILE") : 0;
    if (!figure_is_name(o->figure))
        return command_usage("compare", "--figure writes .svg, .pdf or .png, not '%s'", o->figure);
    if (o->watch || o->what != COMPARE_ANSWERS)
        return command_usage("compare", "--figure is for check sets, queries and rows; \"vilscope "
                             "figure\" has drift, patch and difference");
    if (figure_missing())
        return command_usage("compare", "--figure: %s", figure_missing());
    return 0;
}

static int compare_figure_write(const struct compare_options *o, struct figure *f,
                                struct vs_err *err)
{
    const struct figure_how usual = FIGURE_HOW_USUAL;
    const struct figure_how how = {o->width ? o->width : usual.width, o->dpi ? o->dpi : usual.dpi};
    int rc = figure_write(f, o->figure, &how, err);
    figure_fini(f);
    return rc;
}

/* ---- scores */

static void scores_panel(struct figure *f, const struct rows_group *g)
{
    int n = g->column_count;
    struct figure_panel *p = figure_panel(f, FIGURE_CURVES, rows_group_name(g));
    p->x_names = xcalloc((size_t)n + 1, sizeof *p->x_names);
    p->x_name_count = n;
    p->row_title = xstrdup("score, %");
    struct figure_series *s = figure_panel_series(p, NULL, n);
    s->style = n > 2 ? FIGURE_LINE_POINTS : FIGURE_POINTS;
    s->low = xcalloc((size_t)n + 1, sizeof *s->low);
    s->high = xcalloc((size_t)n + 1, sizeof *s->high);
    for (int i = 0; i < n; i++) {
        p->x_names[i] = xstrdup(g->columns[i].name);
        s->y[i] = 100 * g->columns[i].score;
        s->low[i] = 100 * g->columns[i].low;
        s->high[i] = 100 * g->columns[i].high;
    }
    p->note = xasprintf("%d items, with 95 %% intervals", g->columns[0].e->scored);
}

/* ---- confidence */

static void reliability_panel(struct figure *f, const struct rows_group *g)
{
    int n = g->column_count;
    struct stats_calibration *of = xcalloc((size_t)n + 1, sizeof *of);
    struct plot_trusted *list = xcalloc((size_t)n + 1, sizeof *list);
    char *name = rows_group_name(g);
    for (int i = 0; i < n; i++) {
        compare_calibrate(&g->columns[i], &of[i]);
        list[i] = (struct plot_trusted){g->columns[i].name, &of[i]};
    }
    plot_reliability(f, name, list, n);
    free(name);
    free(list);
    free(of);
}

/* ---- items of A against B */

static void scatter_panel(struct figure *f, const struct rows_group *g, const struct rows_pair *r)
{
    const struct judge_items *m = &r->items;
    struct plot_pair *list = xcalloc((size_t)m->count + 1, sizeof *list);
    char *name = rows_group_name(g), *difference = rows_difference(&r->judged);
    for (int i = 0; i < m->count; i++)
        list[i] = (struct plot_pair){m->list[i].a->confidence, m->list[i].b->confidence,
                                     m->list[i].right_a, m->list[i].right_b};
    plot_scatter(f, name, g->columns[r->a].name, g->columns[r->b].name, list, m->count,
                 difference);
    free(difference);
    free(name);
    free(list);
}

/* ---- figures */

/* "vilscope 0.1.0; early of early.jsonl; final of final.jsonl": what it was made of. */
static void sources_of(struct figure *f, const struct rows_judged *r)
{
    struct buf b = {0};
    buf_printf(&b, "vilscope %s", VERSION);
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].column_count; k++) {
            const struct row_evaluation *e = r->groups[i].columns[k].e;
            const char *slash = strrchr(e->source, '/');
            char *one = xasprintf("; %s%s%s%s%.16s", r->groups[i].columns[k].name,
                                  r->o->rows_go ? "" : " of ",
                                  r->o->rows_go ? "" : slash ? slash + 1 : e->source,
                                  e->data ? ", data " : "", e->data ? e->data : "");
            if (!strstr(b.data, one)) /* one file has several tasks */
                buf_puts(&b, one);
            free(one);
        }
    f->caption = buf_steal(&b);
}

int compare_write_figure(const struct rows_judged *r, struct vs_err *err)
{
    struct figure f = {.title = xstrdup("Evaluations"), .columns = r->group_count > 4 ? 3 : 2};
    int pairs = 0;
    for (int i = 0; i < r->group_count; i++)
        scores_panel(&f, &r->groups[i]);
    for (int i = 0; r->o->calibration && i < r->group_count; i++)
        reliability_panel(&f, &r->groups[i]);
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++, pairs++)
            if (pairs < MOST_PAIRS)
                scatter_panel(&f, &r->groups[i], &r->groups[i].pairs[k]);
    if (pairs > MOST_PAIRS)
        figure_line(&f, "of %d pairs the first %d are drawn item by item", pairs, MOST_PAIRS);
    sources_of(&f, r);
    return compare_figure_write(r->o, &f, err);
}

int compare_draw_rows(const struct rowset *set, const struct compare_options *o,
                      struct vs_err *err)
{
    struct rows_judged r = rows_judged_of(o);
    r.alone = true;
    int rc = rows_judge(&r, set, err);
    if (rc == 0)
        rc = compare_write_figure(&r, err);
    rows_judged_fini(&r);
    return rc;
}

int compare_write_trend(const struct compare_run *run, struct vs_err *err)
{
    const struct probe_table *t = probe_runner_table(run->runner);
    const char *path = run->probes->path, *slash = path ? strrchr(path, '/') : NULL;
    struct figure f = {0};
    char *what = path ? xasprintf("Check set %s", slash ? slash + 1 : path)
                      : xasprintf("\u201c%s\u201d", run->o->text);
    plot_trend(&f, run->m, t, what, model_name(run->m), path ? -1 : 0);
    free(what);
    return compare_figure_write(run->o, &f, err);
}
