/* SPDX-License-Identifier: MIT */
#include "src/study/plots.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* ---- trends */

/* 95 % of a mean over the queries that were answered, by the normal approximation. */
static void mean_interval(const struct probe_table *t, struct figure_series *mean)
{
    int n = mean->count;
    double *x = xcalloc((size_t)n + 1, sizeof *x), *sum = xcalloc((size_t)n + 1, sizeof *sum);
    int *count = xcalloc((size_t)n + 1, sizeof *count);
    mean->low = xcalloc((size_t)n + 1, sizeof *mean->low);
    mean->high = xcalloc((size_t)n + 1, sizeof *mean->high);
    for (int i = 0; i < t->probes->count; i++) {
        probe_table_trend(t, i, x);
        for (int j = 0; j < n; j++)
            if (isfinite(x[j])) {
                sum[j] += (x[j] - mean->y[j]) * (x[j] - mean->y[j]);
                count[j]++;
            }
    }
    for (int j = 0; j < n; j++) {
        double half = count[j] > 1 ? 1.96 * sqrt(sum[j] / (count[j] - 1) / count[j]) : NAN;
        mean->low[j] = fmax(mean->y[j] - half, 0);
        mean->high[j] = fmin(mean->y[j] + half, 1);
        if (isnan(half))
            mean->low[j] = mean->high[j] = NAN;
    }
    free(count);
    free(sum);
    free(x);
}

static void trend_names(struct figure_panel *p, const struct probe_table *t, int n)
{
    p->x_names = xcalloc((size_t)n + 1, sizeof *p->x_names);
    p->x_name_count = n;
    for (int j = 0; j < n; j++)
        p->x_names[j] = xstrdup(t->columns[j]->name);
}

void plot_trend(struct figure *f, const struct probe_table *t, int chosen)
{
    int n = t->count;
    struct figure_panel *p = figure_panel(f, FIGURE_CURVES, NULL);
    trend_names(p, t, n);
    p->row_title = xstrdup("probability");
    p->col_title = xstrdup("checkpoint");
    for (int i = 0; i < t->probes->count; i++) {
        struct figure_series *s = figure_panel_series(p, i ? NULL : xstrdup("each query"), n);
        s->color = 0x999999;
        s->style = FIGURE_THIN;
        probe_table_trend(t, i, s->y);
    }
    struct figure_series *mean =
        figure_panel_series(p, xstrdup("mean of all, with its 95 % interval"), n);
    mean->color = figure_category(0);
    mean->style = FIGURE_LINE_POINTS;
    probe_table_mean(t, mean->y);
    mean_interval(t, mean);
    if (chosen < 0 || chosen >= t->probes->count)
        return;
    struct figure_series *one = figure_panel_series(p, xstrdup(t->probes->list[chosen].name), n);
    one->color = figure_category(1);
    one->style = FIGURE_LINE_POINTS;
    probe_table_trend(t, chosen, one->y);
}
