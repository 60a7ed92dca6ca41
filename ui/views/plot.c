/* SPDX-License-Identifier: MIT */
/* Curves and points over two axes on the screen: marks that are told apart without colors, too. */
#include "ui/views/plot.h"

#include "ui/kit/text.h"
#include "ui/kit/theme.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TALL 10   /* rows with room for the names of the axes */
#define RIGHT 2   /* columns, for half of the last number below */

static const wchar_t *const marks[] = {L"\u25a0", L"\u25a1", L"+", L"\u00d7"};

/* ---- colors */

/* The rank whose color stands for a category on the screen, or -1: gray. */
static int plot_rank(figure_color color)
{
    static const int ranks[] = {0, 1, 3, 2, 4}; /* green is green, and pink is pink */
    for (int k = 0; k < (int)(sizeof ranks / sizeof ranks[0]); k++)
        if (figure_category(k) == color)
            return ranks[k];
    return -1;
}

static struct rgb plot_color(figure_color color)
{
    int rank = plot_rank(color);
    return rank < 0 ? theme_shade(0.55) : draw_rank_color(rank);
}

/* ---- painting */

static void paint_spot(struct canvas *c, int x, int y, int r, struct rgb color)
{
    canvas_fill(c, x - r, y - r, x + r, y + r, color);
}

/* dash: pixels of a dash and of the gap behind it; 0: none. */
static void paint_line(struct canvas *c, const double from[2], const double to[2], int dash,
                       struct rgb color)
{
    double dx = to[0] - from[0], dy = to[1] - from[1];
    int n = (int)ceil(fmax(fabs(dx), fabs(dy)));
    for (int i = 0; i <= n; i++)
        if (!dash || i / dash % 2 == 0)
            paint_spot(c, (int)lround(from[0] + dx * i / (n ? n : 1)),
                       (int)lround(from[1] + dy * i / (n ? n : 1)), 0, color);
}

/* As the legend has them: a full square, an empty one, a plus, a cross. */
static void paint_mark(struct canvas *c, int x, int y, int r, int series, struct rgb color)
{
    int kind = r ? series % 4 : 0;
    if (kind == 0)
        paint_spot(c, x, y, r, color);
    else if (kind == 1)
        canvas_frame(c, x - r, y - r, x + r, y + r, 1, color);
    for (int i = -r - 1; kind > 1 && i <= r + 1; i++) {
        paint_spot(c, x + i, kind == 2 ? y : y + i, 0, color);
        paint_spot(c, kind == 2 ? x : x + i, kind == 2 ? y + i : y - i, 0, color);
    }
}

static bool plot_spot(const struct plot *t, const struct figure_series *s, int i, double out[2])
{
    if (i < 0 || i >= s->count || !isfinite(s->x[i]) || !isfinite(s->y[i]))
        return false;
    out[0] = axis_at(&t->h, s->x[i]);
    out[1] = axis_at(&t->v, s->y[i]);
    return true;
}

static void paint_series(struct canvas *c, const struct plot *t, const struct figure_panel *x,
                         int k, int r)
{
    const struct figure_series *s = &x->series[k];
    struct rgb color = plot_color(s->color);
    double at[2] = {0}, before[2] = {0};
    bool joined = false;
    canvas_keep(c, color);
    for (int i = 0; i < s->count; i++) {
        bool known = plot_spot(t, s, i, at); /* a line ends where a number is missing */
        if (known && joined && s->style != FIGURE_POINTS)
            paint_line(c, before, at, 0, color);
        if (known)
            paint_mark(c, (int)lround(at[0]), (int)lround(at[1]), r, k, color);
        memcpy(before, at, sizeof before);
        joined = known;
    }
}

static void paint_axes(struct canvas *c, const struct plot *t, const struct figure_panel *x,
                       bool fine)
{
    const struct rgb faint = theme_shade(0.15), line = theme_shade(0.35);
    canvas_keep(c, faint);
    canvas_keep(c, line);
    for (int i = 0; fine && i < t->v.ticks; i++)
        canvas_fill(c, 0, (int)lround(axis_at(&t->v, t->v.tick[i])), c->w - 1,
                    (int)lround(axis_at(&t->v, t->v.tick[i])), faint);
    for (int i = 0; fine && i < t->h.ticks; i++)
        canvas_fill(c, (int)lround(axis_at(&t->h, t->h.tick[i])), 0,
                    (int)lround(axis_at(&t->h, t->h.tick[i])), c->h - 1, faint);
    if (x->diagonal) {
        double low = fmax(t->h.low, t->v.low), high = fmin(t->h.high, t->v.high);
        const double from[2] = {axis_at(&t->h, low), axis_at(&t->v, low)};
        const double to[2] = {axis_at(&t->h, high), axis_at(&t->v, high)};
        paint_line(c, from, to, fine ? 4 : 1, line);
    }
    if (fine)
        canvas_frame(c, 0, 0, c->w - 1, c->h - 1, 1, line);
}

static void paint_chosen(struct canvas *c, const struct plot *t, const struct figure_panel *x,
                         struct plot_point chosen, int r)
{
    double at[2];
    if (chosen.series < 0 || chosen.series >= x->series_count ||
        !plot_spot(t, &x->series[chosen.series], chosen.at, at))
        return;
    int px = (int)lround(at[0]), py = (int)lround(at[1]);
    if (r) { /* a ring that is seen on any cloud */
        canvas_frame(c, px - r - 4, py - r - 4, px + r + 4, py + r + 4, 2, theme_shade(1));
        canvas_frame(c, px - r - 2, py - r - 2, px + r + 2, py + r + 2, 1, theme_back());
        paint_mark(c, px, py, r, chosen.series, plot_color(x->series[chosen.series].color));
    } else {
        paint_spot(c, px, py, 0, theme_shade(1));
    }
}

/* ---- layout */

static int ticks_width(const struct axis *a)
{
    int most = 0;
    for (int i = 0; i < a->ticks; i++) {
        char text[40];
        axis_text(a, a->tick[i], text, sizeof text);
        most = (int)strlen(text) > most ? (int)strlen(text) : most;
    }
    return most;
}

/* Of how many numbers one is shown, so that they are so many cells apart; the ends are. */
static int ticks_every(const struct axis *a, int cell, int apart)
{
    int every = 1, last = a->ticks - 1;
    double step = last > 0 ? fabs(axis_at(a, a->tick[1]) - axis_at(a, a->tick[0])) : 1;
    while (every < last && (every * step / cell < apart || last % every))
        every++;
    return every;
}

static void draw_ticks(const struct plot *t, struct area at, int left, int cw, int ch)
{
    char text[40];
    attrset((int)draw_dim());
    int every = ticks_every(&t->v, ch, 1);
    for (int i = 0; i < t->v.ticks; i += every) {
        int row = at.row + (int)axis_at(&t->v, t->v.tick[i]) / ch;
        axis_text(&t->v, t->v.tick[i], text, sizeof text);
        draw_text(row, left, at.col - left, "%*s", at.col - left - 1, text);
    }
    every = ticks_every(&t->h, cw, ticks_width(&t->h) + 1);
    for (int i = 0; i < t->h.ticks; i += every) {
        axis_text(&t->h, t->h.tick[i], text, sizeof text);
        int n = (int)strlen(text), col = at.col + (int)axis_at(&t->h, t->h.tick[i]) / cw - n / 2;
        draw_text(at.row + at.rows, col, n, "%s", text);
    }
    attrset(A_NORMAL);
}

/* The cells of the canvas; one unit is as long on both axes where the panel says so. rows 0: there
 * is no room. */
static struct area plot_cells(const struct workbench *w, const struct figure_panel *x,
                              const struct axis *v, struct area a)
{
    int cw, ch, left = ticks_width(v) + 1;
    bool tall = a.rows >= TALL;
    draw_cell(w, &cw, &ch);
    struct area at = {a.row + tall, a.col + left, a.rows - 1 - 2 * tall,
                      draw_cols(w, a.cols - left - RIGHT)};
    if (x->equal && at.cols * cw > at.rows * ch)
        at.cols = at.rows * ch / cw;
    else if (x->equal)
        at.rows = at.cols * cw / ch;
    if (at.rows < 3 || at.cols < 6 || w->screen.gfx.mode == GFX_NONE)
        at.rows = 0;
    return at;
}

int plot_cols(const struct workbench *w, const struct figure_panel *x, struct area a)
{
    struct axis h, v;
    axes_find(x, &h, &v);
    const struct area at = plot_cells(w, x, &v, a);
    return at.rows ? at.col + at.cols + RIGHT - a.col : 0;
}

/* What the axes are, above and below. */
static void draw_names(const struct figure_panel *x, struct area a, struct area at)
{
    const char *across = x->col_title ? x->col_title : "", *up = x->row_title ? x->row_title : "";
    int col = at.col + (at.cols - text_width(across)) / 2;
    col = col > a.col ? col : a.col;
    draw_text(a.row, a.col, a.cols, "%s", up);
    draw_text(at.row + at.rows + 1, col, a.col + a.cols - col, "%s", across);
}

void plot_draw(struct workbench *w, struct pane *p, const struct figure_panel *x, struct area a,
               struct plot_point chosen, struct plot *out)
{
    int cw, ch, r = gfx_has_pixels(&w->screen.gfx) ? 2 : 0;
    *out = (struct plot){0};
    axes_find(x, &out->h, &out->v);
    draw_cell(w, &cw, &ch);
    struct area at = plot_cells(w, x, &out->v, a);
    struct canvas *c = at.rows ? draw_canvas(w, at.cols * cw, at.rows * ch) : NULL;
    if (!c)
        return;
    int edge = r ? r + 3 : 0; /* marks at the ends are whole */
    out->h.at = edge;
    out->h.length = c->w - 1 - 2 * edge;
    out->v.at = c->h - 1 - edge;
    out->v.length = -(c->h - 1 - 2 * edge);
    out->at = area_in_pane(p, at);
    paint_axes(c, out, x, r > 0);
    for (int k = 0; k < x->series_count; k++)
        paint_series(c, out, x, k, r);
    paint_chosen(c, out, x, chosen, r);
    gfx_place(&w->screen.gfx, p->slot, at, c);
    draw_ticks(out, at, a.col, cw, ch);
    if (a.rows >= TALL)
        draw_names(x, a, at);
}

/* ---- the legend */

#define BETWEEN 2 /* columns */

static const char *legend_name(const struct figure_panel *x, int k)
{
    return x->series[k].name ? x->series[k].name : "";
}

/* Where the name of a series stands. */
static void legend_place(const struct figure_panel *x, int k, int fold, int *row, int *col)
{
    *row = *col = 0;
    for (int i = 1; i <= k; i++) {
        *col += 2 + text_width(legend_name(x, i - 1)) + BETWEEN;
        if (*col + 2 + text_width(legend_name(x, i)) > fold) {
            ++*row;
            *col = 0;
        }
    }
}

int plot_legend_rows(const struct figure_panel *x, int fold)
{
    int row = -1, col;
    if (x->series_count)
        legend_place(x, x->series_count - 1, fold, &row, &col);
    return row + 1;
}

void plot_legend(const struct workbench *w, const struct figure_panel *x, int fold, struct area a)
{
    bool fine = gfx_has_pixels(&w->screen.gfx);
    for (int k = 0; k < x->series_count; k++) {
        int row, col, rank = plot_rank(x->series[k].color);
        legend_place(x, k, fold, &row, &col);
        if (row >= a.rows)
            return;
        attrset((int)(rank < 0 ? draw_dim() : draw_rank_attr(rank)));
        mvaddwstr(a.row + row, a.col + col, marks[fine ? k % 4 : 0]);
        draw_text(a.row + row, a.col + col + 2, a.cols - col - 2, "%s", legend_name(x, k));
        attrset(A_NORMAL);
    }
}

/* ---- points */

struct plot_point plot_at(const struct workbench *w, const struct plot *t,
                          const struct figure_panel *x, int row, int col)
{
    struct plot_point best = {-1, 0};
    int cw, ch;
    draw_cell(w, &cw, &ch);
    double least = (double)ch * ch, at[2];
    if (!t->at.rows || !area_holds(t->at, row, col))
        return best;
    double px = (col - t->at.col + 0.5) * cw, py = (row - t->at.row + 0.5) * ch;
    for (int k = 0; k < x->series_count; k++)
        for (int i = 0; i < x->series[k].count; i++) {
            if (!plot_spot(t, &x->series[k], i, at))
                continue;
            double d = (at[0] - px) * (at[0] - px) + (at[1] - py) * (at[1] - py);
            if (d <= least) {
                least = d;
                best = (struct plot_point){k, i};
            }
        }
    return best;
}

/* What is aside counts twice; points that lie on each other are in the order of their numbers. */
struct plot_point plot_toward(const struct plot *t, const struct figure_panel *x,
                              struct plot_point from, enum motion m)
{
    struct plot_point best = from;
    double here[2], at[2], least = INFINITY;
    bool on = m == MOVE_RIGHT || m == MOVE_UP, flat = m == MOVE_LEFT || m == MOVE_RIGHT;
    if (from.series < 0 || from.series >= x->series_count ||
        !plot_spot(t, &x->series[from.series], from.at, here))
        return from;
    for (int k = 0; k < x->series_count; k++)
        for (int i = 0; i < x->series[k].count; i++) {
            if (!plot_spot(t, &x->series[k], i, at) || (k == from.series && i == from.at))
                continue;
            double dx = (at[0] - here[0]) * (on ? 1 : -1), dy = (here[1] - at[1]) * (on ? 1 : -1);
            double along = flat ? dx : dy, aside = fabs(flat ? dy : dx);
            bool behind = k > from.series || (k == from.series && i > from.at);
            if (along == 0 && aside == 0 && behind == on)
                along = on ? 1e-9 * (k * 1e6 + i + 1) : 1e-9 * (1e7 - k * 1e6 - i);
            if (along > 0 && along + 2 * aside < least) {
                least = along + 2 * aside;
                best = (struct plot_point){k, i};
            }
        }
    return best;
}
