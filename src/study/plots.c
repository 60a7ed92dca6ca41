/* SPDX-License-Identifier: MIT */
#include "src/study/plots.h"

#include "src/base/mem.h"
#include "src/engine/engine.h"

#include <config.h> /* the version */
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
    figure_line(f, "%s; probability of the right answer, or of the first checkpoint's where none "
                "is known to be right", of);
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
