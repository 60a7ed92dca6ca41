/* SPDX-License-Identifier: MIT */
/* Probes over the checkpoints: a plot, and a line for each probe. */
#include "src/base/mem.h"
#include "src/study/plots.h"
#include "ui/jobs/compare.h"
#include "ui/kit/theme.h"
#include "ui/views/figures.h"
#include "ui/views/grid.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_trend;

struct trend_view {
    int pick, top; /* the chosen probe, and the first one shown */
    struct area plot, lines; /* where they were drawn last, counted from the pane's corner */
};

/* The columns of a probe's line, of n checkpoints: its name, its numbers as signs, of those
 * columns, its answer. */
struct trend_line {
    int name, from, shown;
};

static struct trend_line trend_line_of(int n, int cols)
{
    int most = cols / 3;
    struct trend_line l = {.from = n > most ? n - most : 0};
    l.shown = n - l.from;
    l.name = (cols - l.shown - 4) / 2;
    return l;
}

/* ---- the plot */

static void draw_curve(struct canvas *c, const double *v, int n, int thick, struct rgb color)
{
    canvas_curve(c, v, n, &(struct plot_range){0, 1}, thick, color);
}

/* The mean's interval, as a band behind the curves. */
static void trend_band(struct canvas *c, const struct probe_table *t, int n)
{
    double *low = xcalloc(2 * (size_t)n + 1, sizeof *low);
    probe_table_interval(t, n, low, low + n);
    canvas_band(c, low, low + n, n, &(struct plot_range){0, 1}, theme_shade(0.14));
    free(low);
}

/* All probes dark, their mean with its interval and the chosen one bright. */
static void trend_paint(const struct workbench *w, struct canvas *c, const struct probe_table *t,
                        int pick)
{
    int n = t->count, fine = gfx_has_pixels(&w->screen.gfx);
    double *v = xcalloc((size_t)n + 1, sizeof *v);
    trend_band(c, t, n);
    for (int k = 0; k <= 4 && fine; k++)
        draw_curve(c, (const double[]){k / 4.0, k / 4.0}, 2, 1, theme_shade(0.2));
    for (int i = 0; i < t->probes->count; i++) {
        probe_table_trend(t, n, i, v);
        draw_curve(c, v, n, 1, theme_shade(0.35));
    }
    probe_table_mean(t, n, v);
    draw_curve(c, v, n, fine ? 3 : 1, draw_rank_color(1));
    if (pick < t->probes->count) {
        probe_table_trend(t, n, pick, v);
        draw_curve(c, v, n, fine ? 3 : 1, draw_rank_color(0));
    }
    free(v);
}

static void draw_plot(struct workbench *w, const struct pane *p, const struct probe_table *t,
                      struct area a)
{
    struct trend_view *v = p->state;
    int cw, ch, n = t->count;
    char name[64];
    draw_cell(w, &cw, &ch);
    struct area at = {a.row, a.col + 5, a.rows - 2, draw_cols(w, a.cols - 6)};
    bool room = at.rows > 1 && at.cols > 1;
    struct canvas *c = room ? draw_canvas(w, at.cols * cw, at.rows * ch) : NULL;
    if (!c)
        return;
    trend_paint(w, c, t, v->pick);
    gfx_place(&w->screen.gfx, p->slot, at, c);
    v->plot = area_in_pane(p, at);
    draw_text(at.row, a.col, 4, "1.0");
    draw_text(at.row + at.rows - 1, a.col, 4, "0.0");
    attrset((int)draw_dim());
    for (int i = 0, free_col = at.col; i < n; i++) { /* names that do not meet */
        compare_name(w, t->columns[i]->checkpoint, name, sizeof name);
        int width = (int)strlen(name), col = at.col + (n > 1 ? (at.cols - width) * i / (n - 1) : 0);
        if (col < free_col || (i + 1 < n && col + width > at.col + at.cols - 12))
            continue;
        draw_text(at.row + at.rows, col, at.col + at.cols - col, "%s", name);
        free_col = col + width + 1;
    }
    attrset((int)draw_rank_attr(0));
    int used = draw_text(at.row + at.rows + 1, at.col, at.cols, "the chosen query   ");
    attrset((int)draw_rank_attr(1));
    draw_text(at.row + at.rows + 1, at.col + used, at.cols - used, "mean of all queries, with its "
              "95 %% interval");
    attrset(A_NORMAL);
}

/* ---- the list */

static void draw_probe(const struct probe_table *t, struct area a, int i, bool chosen)
{
    int n = t->count;
    const struct trend_line l = trend_line_of(n, a.cols);
    const struct probe_answer *x = &t->columns[n - 1]->answers[i];
    double *v = xcalloc((size_t)n + 1, sizeof *v);
    probe_table_trend(t, n, i, v);
    char *line = sparkline(v + l.from, l.shown, true);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(a.row, a.col, ' ', a.cols);
    draw_text(a.row, a.col, l.name - 1, "%s", t->probes->list[i].name);
    mvaddstr(a.row, a.col + l.name, line);
    int col = a.col + l.name + l.shown + 1;
    bool flips = n > 1 && probe_table_flips(t, i, n - 2, n - 1);
    if (x->judged && !chosen)
        attrset((int)draw_rank_attr(x->right ? 3 : 4));
    if (x->error)
        draw_text(a.row, col, a.col + a.cols - col, "! %s%s", x->diverged ? "diverged: " : "",
                  x->error);
    else
        draw_text(a.row, col, a.col + a.cols - col, x->lone ? "%s%s logit %.2f%s" : "%s%s %.2f%s",
                  !x->judged ? "  " : x->right ? "+ " : "- ", x->text,
                  x->lone ? x->logit : x->softmax,
                  flips ? " *" : "");
    attrset(A_NORMAL);
    free(line);
    free(v);
}

static void draw_sums(const struct probe_table *t, struct area a)
{
    struct probe_sum s = probe_table_sum(t, t->count - 1), first = probe_table_sum(t, 0);
    int columns, agree = probe_table_agree_all(t, &columns);
    if (!isfinite(s.entropy))
        draw_text(a.row, a.col, a.cols, "last: %s, no answer; the %d that answer agree on %d of %d",
                  s.diverged ? "diverged" : "failed", columns, agree, t->probes->count);
    else if (s.judged && first.judged)
        draw_text(a.row, a.col, a.cols, "last: %d of %d right (first: %d), probability of the "
                  "right answer %.3f, entropy %.3f; all agree on %d", s.right, s.judged,
                  first.right, s.expected, s.entropy, agree);
    else if (isfinite(first.entropy))
        draw_text(a.row, a.col, a.cols, "last: entropy %.3f (first: %.3f); all agree on %d of %d",
                  s.entropy, first.entropy, agree, t->probes->count);
    else
        draw_text(a.row, a.col, a.cols, "last: entropy %.3f (first: no answer); the %d that answer "
                  "agree on %d of %d", s.entropy, columns, agree, t->probes->count);
}

static void draw_state(struct workbench *w, struct area a)
{
    struct trend *t = &comparison_of(w)->trend;
    int n = model_checkpoint_count(w->ses.model);
    char name[64] = "";
    if (t->runner && t->next < n && !t->stopped) {
        int at = probe_runner_at(t->runner), last = t->probes->count; /* at is last in the end */
        compare_name(w, t->next, name, sizeof name);
        draw_text(a.row, a.col, a.cols, "asking %s: query %d of %d; Esc stops", name,
                  at < last ? at + 1 : last, last);
    } else if (t->stopped) {
        draw_text(a.row, a.col, a.cols, "stopped; :check-set FILE starts again");
    } else if (t->watch) {
        draw_text(a.row, a.col, a.cols, "%s", t->state);
    }
}

static void trend_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct trend_view *v = p->state;
    struct trend *t = &comparison_of(w)->trend;
    const struct probe_table *x = t->runner ? probe_runner_table(t->runner) : NULL;
    v->plot = v->lines = (struct area){0};
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Check set%s%s, %d checkpoints", t->path ? " " : "",
              t->path ? draw_base_name(t->path) : "", x ? x->count : 0);
    attrset((int)draw_dim());
    draw_state(w, (struct area){a.row + 1, a.col, 1, a.cols});
    attrset(A_NORMAL);
    if (!t->probes) {
        draw_text(a.row + 2, a.col, a.cols, "no check set: N pins the query that is shown, :pin "
                                            "ANSWER with what is right; :check-set FILE opens one");
        return;
    }
    if (!x || x->count == 0)
        return;
    int row = a.row + 2, end = a.row + a.rows, plot = (a.rows - 3) / 2;
    if (plot >= 6 && w->screen.gfx.mode != GFX_NONE) {
        draw_plot(w, p, x, (struct area){row, a.col, plot, a.cols});
        row += plot + 1;
    }
    draw_sums(x, (struct area){row++, a.col, 1, a.cols});
    int from = list_top(&v->top, v->pick, t->probes->count, end - row);
    v->lines = area_in_pane(p, (struct area){row, a.col, end > row ? end - row : 0, a.cols});
    for (int i = from; i < t->probes->count && row < end; i++, row++)
        draw_probe(x, (struct area){row, a.col, 1, a.cols}, i, i == v->pick);
}

static void trend_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct trend_view *v = p->state;
    struct trend *t = &comparison_of(w)->trend;
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (t->probes)
        v->pick = panes_pick(v->pick, t->probes->count, 10, m);
}

/* ---- the mouse */

/* The line at a place, or -1. */
static int trend_line_at(const struct trend_view *v, const struct probe_table *t, int row, int col)
{
    return area_line(v->lines, v->top, t->probes->count, row, col);
}

static const struct probe_table *trend_table_of(struct workbench *w)
{
    const struct trend *t = &comparison_of(w)->trend;
    const struct probe_table *x = t->runner ? probe_runner_table(t->runner) : NULL;
    return x && x->count ? x : NULL;
}

static bool trend_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct trend_view *v = p->state;
    const struct probe_table *t = trend_table_of(w);
    int line = t ? trend_line_at(v, t, row, col) : -1;
    if (line >= 0)
        v->pick = line;
    return line >= 0;
}

/* ": 0.123", or that there is none. */
static void trend_number(double x, char out[32])
{
    if (isnan(x))
        snprintf(out, 32, "no answer");
    else
        snprintf(out, 32, "%.4f", x);
}

/* Of a checkpoint: the mean with its interval, and the chosen query. */
static void trend_under_plot(struct workbench *w, const struct trend_view *v,
                             const struct probe_table *t, int at, char *out, size_t size)
{
    int n = t->count;
    double *x = xcalloc(4 * (size_t)n, sizeof *x);
    char name[64], mean[32], one[32] = "", within[64] = "";
    probe_table_mean(t, n, x);
    probe_table_interval(t, n, x + n, x + 2 * n);
    compare_name(w, t->columns[at]->checkpoint, name, sizeof name);
    trend_number(x[at], mean);
    if (!isnan(x[n + at]))
        snprintf(within, sizeof within, ", 95 %% %.4f to %.4f", x[n + at], x[2 * n + at]);
    if (v->pick < t->probes->count) {
        probe_table_trend(t, n, v->pick, x + 3 * n);
        trend_number(x[3 * n + at], one);
    }
    snprintf(out, size, "%s: mean %s%s%s%s", name, mean, within, *one ? "; the chosen query " : "",
             one);
    free(x);
}

/* Of a query: the checkpoint whose sign is pointed at, else the last. */
static void trend_under_line(struct workbench *w, const struct trend_view *v,
                             const struct probe_table *t, int line, int col, char *out, size_t size)
{
    int n = t->count;
    const struct trend_line l = trend_line_of(n, v->lines.cols);
    int sign = col - v->lines.col - l.name;
    int at = sign >= 0 && sign < l.shown ? l.from + sign : n - 1;
    double *x = xcalloc((size_t)n, sizeof *x);
    char name[64], number[32];
    probe_table_trend(t, n, line, x);
    compare_name(w, t->columns[at]->checkpoint, name, sizeof name);
    trend_number(x[at], number);
    snprintf(out, size, "%.120s, %s: %s", t->probes->list[line].name, name, number);
    free(x);
}

static bool trend_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                        size_t size)
{
    const struct trend_view *v = p->state;
    const struct probe_table *t = trend_table_of(w);
    int at = t ? area_point(w, v->plot, t->count, row, col) : -1;
    int line = t && at < 0 ? trend_line_at(v, t, row, col) : -1;
    if (at >= 0)
        trend_under_plot(w, v, t, at, out, size);
    else if (line >= 0)
        trend_under_line(w, v, t, line, col, out, size);
    return at >= 0 || line >= 0;
}

/* ---- exports */

static bool trend_table(struct workbench *w, struct pane *p, struct table *out)
{
    const struct trend *t = &comparison_of(w)->trend;
    const struct probe_table *x = trend_table_of(w);
    int n = x ? x->count : 0;
    (void)p;
    if (n == 0)
        return false;
    double *v = xcalloc((size_t)n, sizeof *v);
    table_init(out, t->probes->count, n);
    for (int j = 0; j < n; j++)
        out->col_names[j] = xstrdup(x->columns[j]->name);
    for (int i = 0; i < t->probes->count; i++) {
        out->row_names[i] = xstrdup(t->probes->list[i].name);
        probe_table_trend(x, n, i, v);
        for (int j = 0; j < n; j++)
            out->x[(size_t)i * (size_t)n + (size_t)j] = (float)v[j];
    }
    free(v);
    return true;
}

static bool trend_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    const struct trend_view *v = p->state;
    struct trend *t = &comparison_of(w)->trend;
    const struct probe_table *x = trend_table_of(w);
    if (!x)
        return false;
    char *what = xasprintf("Check set%s%s", t->path ? " " : "", draw_base_name(t->path));
    char *of = xasprintf("%d queries", t->probes->count);
    figure_forget(out);
    plot_trend(out, w->ses.model, x, what, of, v->pick);
    free(of);
    free(what);
    return true;
}

static void do_trend(struct workbench *w, const char *arg)
{
    (void)arg;
    comparison_of(w);
    panes_show(&w->panes, &view_trend);
}

static void do_probes(struct workbench *w, const char *arg)
{
    if (trend_ask(w, arg))
        panes_show(&w->panes, &view_trend);
}

static void do_watch(struct workbench *w, const char *arg)
{
    if (trend_watch(w, arg))
        panes_show(&w->panes, &view_trend);
}

static const struct action trend_actions[] = {
    ACTIONS_AFTER("patch"),
    {"trend", "J", "", NULL, "the check set over all checkpoints", do_trend},
    {"check-set", "", "FILE", NULL, "ask all checkpoints the queries of a check set", do_probes},
    {"pin", "N", "[ANSWER]", NULL,
     "add the query that is shown to the check set, with what is right", trend_pin},
    {"watch", "", "FOLDER", NULL, "ask each new checkpoint of a training run the check set",
     do_watch},
    {0},
};

const struct view view_trend = {
    .name = "trend",
    .what = "a check set over all checkpoints, as a plot and line by line",
    .hints = "Up Down choose, N pins",
    .state = sizeof(struct trend_view),
    .draw = trend_draw,
    .move = trend_move,
    .click = trend_click,
    .under = trend_under,
    .table = trend_table,
    .figure = trend_figure,
    .actions = trend_actions,
};
