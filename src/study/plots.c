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
