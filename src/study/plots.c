/* SPDX-License-Identifier: MIT */
#include "src/study/plots.h"

#include "src/base/mem.h"
#include "src/engine/engine.h"

#include <config.h> /* the version */
#include <math.h>
#include <stdlib.h>

/* ---- trends */

static void trend_names(struct figure_panel *p, const struct probe_table *t, int n)
{
    p->x_names = xcalloc((size_t)n + 1, sizeof *p->x_names);
    p->x_name_count = n;
    for (int j = 0; j < n; j++)
        p->x_names[j] = xstrdup(t->columns[j]->name);
}

/* "vilscope 0.1.0; check set 1a2b3c4d5e6f7a8b; checkpoint early ...": what it was made of. */
static char *trend_sources(struct model *m, const struct probe_table *t)
{
    struct buf b = {0};
    buf_printf(&b, "vilscope %s", VERSION);
    if (t->probes->path)
        buf_printf(&b, "; check set %.16s", t->probes->digest);
    for (int i = 0; i < t->count; i++) {
        char digest[DIGEST_HEX];
        model_checkpoint_digest(m, t->columns[i]->checkpoint, digest);
        buf_printf(&b, "; checkpoint %s %.16s", t->columns[i]->name, digest);
    }
    return buf_steal(&b);
}

void plot_trend(struct figure *f, struct model *m, const struct probe_table *t, const char *what,
                const char *of, int chosen)
{
    int n = t->count;
    f->caption = trend_sources(m, t);
    f->title = xasprintf("%s over %d checkpoints", what, n);
    figure_line(f, "%s; probability of the right answer, or of the last checkpoint's where none "
                "is known to be right", of);
    struct figure_panel *p = figure_panel(f, FIGURE_CURVES, NULL);
    trend_names(p, t, n);
    p->row_title = xstrdup("probability");
    p->col_title = xstrdup("checkpoint");
    for (int i = 0; i < t->probes->count; i++) {
        struct figure_series *s = figure_panel_series(p, i ? NULL : xstrdup("each query"), n);
        s->color = 0x999999;
        s->style = FIGURE_THIN;
        probe_table_trend(t, n, i, s->y);
    }
    struct figure_series *mean =
        figure_panel_series(p, xstrdup("mean of all, with its 95 % interval"), n);
    mean->color = figure_category(0);
    mean->style = FIGURE_LINE_POINTS;
    probe_table_mean(t, n, mean->y);
    mean->low = xcalloc((size_t)n + 1, sizeof *mean->low);
    mean->high = xcalloc((size_t)n + 1, sizeof *mean->high);
    probe_table_interval(t, n, mean->low, mean->high);
    if (chosen < 0 || chosen >= t->probes->count)
        return;
    struct figure_series *one = figure_panel_series(p, xstrdup(t->probes->list[chosen].name), n);
    one->color = figure_category(1);
    one->style = FIGURE_LINE_POINTS;
    probe_table_trend(t, n, chosen, one->y);
}

/* ---- confidence */

static void reliability_series(struct figure_panel *p, const struct plot_trusted *t,
                               struct buf *note)
{
    const struct stats_calibration *c = t->of;
    struct figure_series *s = figure_panel_series(p, xstrdup(t->name), STATS_BINS);
    s->style = FIGURE_LINE_POINTS;
    s->of = xcalloc(STATS_BINS, sizeof *s->of);
    for (int i = 0; i < STATS_BINS; i++) {
        s->x[i] = c->bins[i].count ? c->bins[i].confidence : NAN;
        s->y[i] = c->bins[i].count ? c->bins[i].right : NAN;
        s->of[i] = i;
    }
    buf_printf(note, "%s%s: %d items, calibration error %.3f, Brier %.3f", note->len ? "; " : "",
               t->name, c->count, c->ece, c->brier);
}

void plot_reliability(struct figure *f, const char *name, const struct plot_trusted *list,
                      int count)
{
    struct figure_panel *p = figure_panel(f, FIGURE_CURVES, xasprintf("%s: reliability", name));
    struct buf note = {0};
    p->unit = p->diagonal = p->equal = true;
    p->col_title = xstrdup("confidence");
    p->row_title = xstrdup("accuracy");
    for (int i = 0; i < count; i++)
        reliability_series(p, &list[i], &note);
    p->note = buf_steal(&note);
}

/* ---- items of A against B */

#define MOST_POINTS 2000 /* of a plot of items: more are a cloud of the same shape */

bool plot_pair_known(const struct plot_pair *x)
{
    return isfinite(x->a) && isfinite(x->b);
}

enum plot_outcome plot_outcome(const struct plot_pair *x)
{
    if (x->right_a)
        return x->right_b ? PLOT_BOTH : PLOT_ONLY_A;
    return x->right_b ? PLOT_ONLY_B : PLOT_NEITHER;
}

/* The items of one outcome, of all with a place each step-th; name is taken over. */
static void scatter_series(struct figure_panel *p, const struct plot_pair *list, int count,
                           int step, enum plot_outcome outcome, char *name)
{
    /* A and B as in a diagram of reliability beside it. */
    const figure_color colors[] = {figure_category(2), figure_category(0), figure_category(1),
                                   0x999999};
    int n = 0, all = 0, known = 0;
    struct figure_series *s = figure_panel_series(p, NULL, count / step + 1);
    s->style = FIGURE_POINTS;
    s->color = colors[outcome];
    s->of = xcalloc((size_t)s->count, sizeof *s->of);
    for (int i = 0; i < count; i++) {
        bool mine = plot_outcome(&list[i]) == outcome;
        all += mine;
        if (!plot_pair_known(&list[i]) || known++ % step || !mine)
            continue;
        s->x[n] = list[i].a;
        s->y[n] = list[i].b;
        s->of[n++] = i;
    }
    s->count = n;
    s->name = xasprintf("%s (%d)", name, all);
    free(name);
}

void plot_scatter(struct figure *f, const char *name, const char *a, const char *b,
                  const struct plot_pair *list, int count, const char *says)
{
    int known = 0;
    for (int i = 0; i < count; i++)
        known += plot_pair_known(&list[i]);
    int step = known > MOST_POINTS ? (known + MOST_POINTS - 1) / MOST_POINTS : 1;
    struct figure_panel *p =
        figure_panel(f, FIGURE_CURVES, xasprintf("%s: %s against %s", name, b, a));
    p->unit = p->diagonal = p->equal = true;
    p->col_title = xasprintf("confidence of %s", a);
    p->row_title = xasprintf("confidence of %s", b);
    scatter_series(p, list, count, step, PLOT_BOTH, xstrdup("both right"));
    scatter_series(p, list, count, step, PLOT_ONLY_A, xasprintf("only %s", a));
    scatter_series(p, list, count, step, PLOT_ONLY_B, xasprintf("only %s", b));
    scatter_series(p, list, count, step, PLOT_NEITHER, xstrdup("neither"));
    p->note = xasprintf("%d items, %s%s", count, says,
                        step > 1 ? "; some of them are drawn" : "");
}

/* ---- projections */

#define GROUPS_NAMED 7 /* colors that are told apart */

/* Points of groups from `first` on, up to `end`. */
static void projection_series(struct figure_panel *x, const struct projection *p, const int *of,
                              int first, int end, char *name, figure_color color)
{
    int n = 0;
    for (int i = 0; i < p->n; i++)
        n += of[i] >= first && of[i] < end;
    struct figure_series *s = figure_panel_series(x, xasprintf("%s (%d)", name, n), n);
    s->color = color;
    s->style = FIGURE_POINTS;
    for (int i = 0, at = 0; i < p->n; i++)
        if (of[i] >= first && of[i] < end) {
            s->x[at] = (double)p->xy[2 * i];
            s->y[at++] = (double)p->xy[2 * i + 1];
        }
    free(name);
}

void plot_projection(struct figure *f, const struct projection *p, enum projection_by by)
{
    const char **names;
    int *of, n = projection_groups(p, by, &names, &of);
    f->title = xasprintf("Hidden states after %s: %s", p->after, projection_what(p->of));
    struct figure_panel *x = figure_panel(f, FIGURE_CURVES, NULL);
    if (n > GROUPS_NAMED) /* below the others */
        projection_series(x, p, of, GROUPS_NAMED, n, xasprintf("%d others", n - GROUPS_NAMED),
                          0xbbbbbb);
    for (int k = 0; k < n && k < GROUPS_NAMED; k++)
        projection_series(x, p, of, k, k + 1, xstrdup(names[k]), figure_category(k));
    x->col_title = xasprintf("first component, %.1f %% of the variance",
                             100 * (double)p->share[0]);
    x->row_title = xasprintf("second, %.1f %%", 100 * (double)p->share[1]);
    x->note = xasprintf("%d points of %d items in %d dimensions, by %s", p->n, p->items, p->dim,
                        projection_bys[by]);
    x->equal = true;
    free(names);
    free(of);
}
