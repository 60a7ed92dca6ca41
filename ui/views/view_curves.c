/* SPDX-License-Identifier: MIT */
/* Deletion and insertion of the chosen answer: its logit while regions, and words, are removed in
 * the order of an attribution, and put back, beside random orders. */
#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/curves.h"
#include "ui/kit/theme.h"
#include "ui/state/stale.h"
#include "ui/views/figures.h"
#include "ui/views/grid.h"
#include "ui/views/inside.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_curves;

#define AXIS 8  /* columns of the numbers beside a plot */
#define TEXT 2  /* rows of text for a plot */

struct curves_view {
    struct area plots[EXPLAIN_KINDS]; /* where they were drawn last, from the pane's corner */
};

/* The method's test, and that of random orders. */
static const struct removal *curves_mine(const struct curves *c, int kind)
{
    return &c->known.list[0].curves[kind];
}

static const struct removal *curves_floor(const struct curves *c, int kind)
{
    return &c->known.list[c->known.count - 1].curves[kind];
}

/* The lines of a kind: deletion and insertion, those of random orders behind. */
static void curves_lines(const struct curves *c, int kind, const double *out[4])
{
    const struct removal *mine = curves_mine(c, kind), *chance = curves_floor(c, kind);
    out[0] = chance->deletion;
    out[1] = chance->insertion;
    out[2] = mine->deletion;
    out[3] = mine->insertion;
}

/* ---- drawing */

static struct plot_range curves_range(const double *const line[4], int count)
{
    struct plot_range r = {INFINITY, -INFINITY};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i <= count; i++) {
            r.low = fmin(r.low, line[k][i]);
            r.high = fmax(r.high, line[k][i]);
        }
    return r;
}

/* Which line is which, and their areas; two rows. */
static void draw_curves_areas(const struct curves *c, int kind, struct area a)
{
    const struct removal *mine = curves_mine(c, kind), *chance = curves_floor(c, kind);
    int n = mine->count, used = draw_text(a.row, a.col, a.cols, "%s: ", explanation_kinds[kind]);
    attrset((int)draw_rank_attr(0));
    used += draw_text(a.row, a.col + used, a.cols - used, "deletion %.2f",
                      removal_area(mine->deletion, n));
    attrset((int)draw_rank_attr(1));
    used += draw_text(a.row, a.col + used, a.cols - used, "  insertion %.2f",
                      removal_area(mine->insertion, n));
    attrset((int)draw_dim());
    draw_text(a.row, a.col + used, a.cols - used, "  random %.2f, %.2f",
              removal_area(chance->deletion, n), removal_area(chance->insertion, n));
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col + 2, a.cols - 2, "difference %+.2f, random %+.2f; all removed "
              "%.2f", explanation_gain(mine), explanation_gain(chance), mine->deletion[n]);
}

static void paint_curves(const struct workbench *w, const struct curves *c, int kind,
                         struct canvas *out, const struct plot_range *r)
{
    const double *line[4];
    int n = curves_mine(c, kind)->count + 1, thick = gfx_has_pixels(&w->screen.gfx) ? 3 : 1;
    curves_lines(c, kind, line);
    for (int k = 0; k < 4; k++)
        canvas_curve(out, line[k], n, r, k < 2 ? 1 : thick,
                     k < 2 ? theme_shade(0.5) : draw_rank_color(k - 2));
}

/* The kinds of which something can be removed; returns how many. */
static int curves_kinds(const struct curves *c, int of[EXPLAIN_KINDS])
{
    int n = 0;
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        if (curves_mine(c, k)->count > 0)
            of[n++] = k;
    return n;
}

/* One plot of so many rows, into the picture of all at row `top`. */
static void draw_curves_plot(const struct workbench *w, const struct curves *c, int kind,
                             struct canvas *all, int top, struct area at)
{
    const double *line[4];
    int cw, ch;
    draw_cell(w, &cw, &ch);
    struct canvas *one = draw_canvas(w, all->w, at.rows * ch);
    curves_lines(c, kind, line);
    struct plot_range r = curves_range(line, curves_mine(c, kind)->count);
    if (one) {
        paint_curves(w, c, kind, one, &r);
        canvas_put(all, 0, top * ch, one);
    }
    canvas_free(one);
    draw_text(at.row, at.col, AXIS - 1, "%.2f", r.high);
    draw_text(at.row + at.rows - 1, at.col, AXIS - 1, "%.2f", r.low);
}

/* Both kinds in one picture, above each other; what they come to below. */
static void draw_curves_plots(struct workbench *w, struct pane *p, const struct curves *c,
                              struct area a)
{
    struct curves_view *v = p->state;
    int cw, ch, of[EXPLAIN_KINDS], kinds = curves_kinds(c, of);
    int rows = kinds ? (a.rows - TEXT * kinds - kinds) / kinds : 0;
    int cols = draw_cols(w, a.cols - AXIS);
    draw_cell(w, &cw, &ch);
    if (kinds == 0 || cols < 10) {
        inside_hint(a, 0, kinds ? "no room for the curves" : "nothing can be removed");
        return;
    }
    for (int i = 0; i < kinds; i++) {
        int row = a.row + a.rows - TEXT * (kinds - i);
        draw_curves_areas(c, of[i], (struct area){row, a.col, TEXT, a.cols});
    }
    int high = rows * kinds + kinds - 1;
    struct canvas *all = rows < 2 ? NULL : draw_canvas(w, cols * cw, high * ch);
    for (int i = 0; all && i < kinds; i++) {
        int top = i * (rows + 1);
        draw_curves_plot(w, c, of[i], all, top, (struct area){a.row + top, a.col, rows, a.cols});
        v->plots[of[i]] = area_in_pane(p, (struct area){a.row + top, a.col + AXIS, rows, cols});
    }
    if (all)
        gfx_place(&w->screen.gfx, p->slot, (struct area){a.row, a.col + AXIS, high, cols}, all);
}

static void draw_curves_title(const struct workbench *w, const struct pane *p, struct area a)
{
    const struct slice *x = pane_slice(w, p);
    const struct attributed *of = attribute_of(w, x);
    char target[128] = "", score[320];
    if (of)
        attribute_target_name(w, of, target, sizeof target);
    attribute_score(w, x, EXPLAIN_REGIONS, score, sizeof score);
    attrset(A_BOLD);
    if (x->method)
        draw_text(a.row, a.col, a.cols, "Deletion and insertion: %s of %s", x->method->title,
                  target);
    else
        draw_text(a.row, a.col, a.cols, "Deletion and insertion");
    attrset((int)draw_dim());
    draw_text(a.row + 1, a.col, a.cols, "%s", score);
    attrset(A_NORMAL);
}

static void curves_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct slice *x = pane_slice(w, p);
    const struct curves *c = w->now.r ? curves_of(w, x) : NULL;
    int done, all;
    memset(p->state, 0, sizeof(struct curves_view));
    draw_curves_title(w, p, a);
    struct area body = {a.row + 2, a.col, a.rows - 2, a.cols};
    if (!w->now.r) {
        inside_hint(body, 0, "ask something first");
    } else if (!x->method) {
        inside_hint(body, 0, "u chooses an attribution, Q tests it");
    } else if (!c) {
        inside_hint(body, 0, "Q removes regions and words in its order, and in 20 random ones");
    } else if (c->why[0]) {
        inside_hint(body, 0, c->why);
    } else if (c->known.count == 0) {
        curves_progress(c, &done, &all);
        draw_text(body.row, body.col, body.cols, "computing, %d passes; Esc stops", done);
    } else {
        draw_curves_plots(w, p, c, body);
    }
}

/* All four lines at a number of removed ones. */
static bool curves_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                         size_t size)
{
    const struct curves_view *v = p->state;
    const struct curves *c = w->now.r ? curves_of(w, pane_slice(w, p)) : NULL;
    for (int k = 0; c && c->known.count && k < EXPLAIN_KINDS; k++) {
        const double *line[4];
        int n = curves_mine(c, k)->count, at = area_point(w, v->plots[k], n + 1, row, col);
        if (at < 0)
            continue;
        curves_lines(c, k, line);
        snprintf(out, size, "%s, %d of %d: deletion %.3f, insertion %.3f; random %.3f, %.3f",
                 explanation_kinds[k], at, n, line[2][at], line[3][at], line[0][at], line[1][at]);
        return true;
    }
    return false;
}

/* A row for each number of removed ones; of the kind with fewer of them the rest is empty. */
static bool curves_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[4] = {"deletion, random", "insertion, random", "deletion",
                                         "insertion"};
    const struct curves *c = w->now.r ? curves_of(w, pane_slice(w, p)) : NULL;
    int rows = 0;
    if (!c || c->known.count == 0)
        return false;
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        if (curves_mine(c, k)->count >= rows)
            rows = curves_mine(c, k)->count + 1;
    table_init(out, rows, 4 * EXPLAIN_KINDS);
    for (int i = 0; i < rows; i++)
        out->row_names[i] = xasprintf("%d", i);
    for (int k = 0; k < EXPLAIN_KINDS; k++) {
        const double *line[4];
        int count = curves_mine(c, k)->count;
        curves_lines(c, k, line);
        for (int j = 0; j < 4; j++) {
            int col = 4 * k + j;
            out->col_names[col] = xasprintf("%s: %s", explanation_kinds[k], names[j]);
            for (int i = 0; i < rows; i++)
                out->x[(ptrdiff_t)i * out->cols + col] =
                    count > 0 && i <= count ? (float)line[j][i] : NAN;
        }
    }
    return true;
}

/* A line of the numbers of one kind. */
static void curves_series(struct figure_panel *p, const char *name, const double *y, int count,
                          figure_color color, enum figure_style style)
{
    struct figure_series *s = figure_panel_series(p, xstrdup(name), count + 1);
    s->color = color;
    s->style = style;
    for (int i = 0; i <= count; i++)
        s->y[i] = y[i];
}

static bool curves_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    static const char *const names[4] = {"deletion, random", "insertion, random", "deletion",
                                         "insertion"};
    const struct curves *c = w->now.r ? curves_of(w, pane_slice(w, p)) : NULL;
    int of[EXPLAIN_KINDS], kinds = c && c->known.count ? curves_kinds(c, of) : 0;
    for (int i = 0; i < kinds; i++) {
        const struct removal *mine = curves_mine(c, of[i]), *chance = curves_floor(c, of[i]);
        const double *line[4];
        struct figure_panel *x =
            figure_panel(out, FIGURE_CURVES, xasprintf("by %s", explanation_kinds[of[i]]));
        curves_lines(c, of[i], line);
        for (int k = 0; k < 4; k++)
            curves_series(x, names[k], line[k], mine->count,
                          figure_category(k % 2), k < 2 ? FIGURE_DASHED : FIGURE_LINE);
        x->col_title = xstrdup("removed, or put back");
        x->row_title = xstrdup("logit of the answer");
        x->note = xasprintf("insertion minus deletion, areas: %+.3f; random orders, their mean: "
                            "%+.3f", explanation_gain(mine), explanation_gain(chance));
    }
    out->columns = kinds;
    if (kinds)
        out->title = xasprintf("Deletion and insertion in the order of %s", c->method->title);
    return kinds > 0;
}

/* ---- keys */

static void do_curves(struct workbench *w, const char *arg)
{
    (void)arg;
    const struct slice x = *pane_slice(w, panes_focused(&w->panes));
    if (!w->now.r || look_choice(w) < 0) {
        workbench_say(w, true, "ask something first");
        return;
    }
    panes_show(&w->panes, &view_curves);
    if (!x.method)
        workbench_say(w, true, "choose an attribution first: u");
    else if (!curves_of(w, &x) || curves_of(w, &x)->why[0])
        curves_start(w, &x);
}

static const struct action curves_actions[] = {
    ACTIONS_AFTER("leave-one-out"),
    {"curves", "Q", "", NULL,
     "test the attribution that is shown: deletion and insertion, beside random orders", do_curves},
    {0},
};

const struct view view_curves = {
    .name = "curves",
    .what = "deletion and insertion in the order of an attribution",
    .hints = "Q tests, u method, ! against",
    .sliced = true,
    .state = sizeof(struct curves_view),
    .draw = curves_draw,
    .under = curves_under,
    .stale = stale_result,
    .table = curves_table,
    .figure = curves_figure,
    .actions = curves_actions,
};
