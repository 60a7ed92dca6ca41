/* SPDX-License-Identifier: MIT */
/* Lines and points over two axes, with intervals; which is which stands below. */
#include "src/figure/axes.h"
#include "src/figure/page.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_WIDTH 360.0

static const struct figure_font names = {PEN_SMALL, false}, tiny = {PEN_TINY, false};
static const struct figure_ink axis_ink = {.color = PEN_GRAY, .width = 0.5};

/* ---- axes */

static double ticks_width(struct pen *p, const struct axis *v)
{
    char text[40];
    double most = 0;
    for (int i = 0; i < v->ticks; i++) {
        axis_text(v, v->tick[i], text, sizeof text);
        most = fmax(most, pen_width(p, text, names));
    }
    return most;
}

static void draw_rows_of_ticks(struct pen *p, const struct axis *h, const struct axis *v)
{
    for (int i = 0; i < v->ticks; i++) {
        char text[40];
        double y = axis_at(v, v->tick[i]);
        axis_text(v, v->tick[i], text, sizeof text);
        pen_line(p, h->at, y, h->at + h->length, y,
                 (struct figure_ink){.color = 0xe6e6e6, .width = 0.4});
        pen_text(p, h->at - 3, y + PEN_SMALL * 0.36, text, names, PEN_BLACK, PEN_RIGHT);
    }
}

static void draw_numbers_below(struct pen *p, const struct axis *h, double bottom)
{
    for (int i = 0; i < h->ticks; i++) {
        char text[40];
        double x = axis_at(h, h->tick[i]);
        axis_text(h, h->tick[i], text, sizeof text);
        pen_line(p, x, bottom, x, bottom + 2, axis_ink);
        pen_text(p, x, bottom + 3 + PEN_SMALL, text, names, PEN_BLACK, PEN_CENTER);
    }
}

/* Names of places 0, 1, 2 ...: flat where all fit, else turned. Returns their height. */
static double draw_names_below(struct pen *p, const struct figure_panel *x, const struct axis *h,
                               double bottom)
{
    int n = x->x_name_count;
    double widest = pen_widest(p, x->x_names, n, names);
    double step = n > 1 ? (axis_at(h, 1) - axis_at(h, 0)) : h->length;
    bool turned = widest + 4 > step;
    double room = turned ? fmin(widest, 80) : step;
    int every = turned && step < PEN_SMALL * 1.05 ? (int)ceil(PEN_SMALL * 1.05 / step) : 1;
    for (int i = 0; i < n; i += every) {
        double at = axis_at(h, i);
        char *name = pen_fit(p, x->x_names[i], room + 0.1, names);
        pen_line(p, at, bottom, at, bottom + 2, axis_ink);
        if (turned)
            pen_turned(p, at + PEN_SMALL * 0.36, bottom + 4 + pen_width(p, name, names), name,
                       names, PEN_BLACK);
        else
            pen_text(p, at, bottom + 3 + PEN_SMALL, name, names, PEN_BLACK, PEN_CENTER);
        free(name);
    }
    return turned ? room + 5 : PEN_SMALL + 4;
}

/* ---- series */

static void draw_interval(struct pen *p, const struct figure_series *s, const struct axis *h,
                          const struct axis *v)
{
    double *xy = xcalloc((size_t)s->count * 4 + 1, sizeof *xy);
    int n = 0;
    for (int i = 0; i < s->count; i++)
        if (isfinite(s->low[i])) {
            xy[2 * n] = axis_at(h, s->x[i]);
            xy[2 * n++ + 1] = axis_at(v, s->low[i]);
        }
    int half = n;
    for (int i = s->count - 1; i >= 0; i--)
        if (isfinite(s->high[i])) {
            xy[2 * n] = axis_at(h, s->x[i]);
            xy[2 * n++ + 1] = axis_at(v, s->high[i]);
        }
    if (half > 1)
        pen_path(p, xy, n, true, (struct figure_ink){.color = s->color, .fill = 0.16});
    free(xy);
}

/* Whiskers, where points stand alone. */
static void draw_whiskers(struct pen *p, const struct figure_series *s, const struct axis *h,
                          const struct axis *v)
{
    for (int i = 0; i < s->count; i++)
        if (isfinite(s->low[i]) && isfinite(s->high[i]))
            pen_line(p, axis_at(h, s->x[i]), axis_at(v, s->low[i]), axis_at(h, s->x[i]),
                     axis_at(v, s->high[i]), (struct figure_ink){.color = s->color, .width = 0.6});
}

/* Where a number is missing the line ends, and begins again. */
static void draw_line(struct pen *p, const struct figure_series *s, const struct axis *h,
                      const struct axis *v)
{
    double *xy = xcalloc((size_t)s->count * 2 + 1, sizeof *xy);
    struct figure_ink ink = {.color = s->color, .width = s->style == FIGURE_THIN ? 0.5 : 1.1,
                             .dashed = s->style == FIGURE_DASHED};
    int n = 0;
    for (int i = 0; i <= s->count; i++) {
        bool known = i < s->count && isfinite(s->y[i]) && isfinite(s->x[i]);
        if (known) {
            xy[2 * n] = axis_at(h, s->x[i]);
            xy[2 * n++ + 1] = axis_at(v, s->y[i]);
        } else {
            if (n > 1)
                pen_path(p, xy, n, false, ink);
            else if (n == 1)
                pen_dot(p, xy[0], xy[1], 1.2, s->color);
            n = 0;
        }
    }
    free(xy);
}

static void draw_series(struct pen *p, const struct figure_series *s, const struct axis *h,
                        const struct axis *v)
{
    bool points = s->style == FIGURE_POINTS || s->style == FIGURE_LINE_POINTS;
    if (s->low && s->high && s->style == FIGURE_POINTS)
        draw_whiskers(p, s, h, v);
    else if (s->low && s->high)
        draw_interval(p, s, h, v);
    if (s->style != FIGURE_POINTS)
        draw_line(p, s, h, v);
    for (int i = 0; points && i < s->count; i++)
        if (isfinite(s->y[i]) && isfinite(s->x[i]))
            pen_dot(p, axis_at(h, s->x[i]), axis_at(v, s->y[i]), 1.7, s->color);
}

/* ---- labels of points */

struct taken {
    double (*list)[4]; /* x, y of the left upper corner; width, height */
    int count;
};

static bool is_free(const struct taken *t, const double a[4])
{
    for (int i = 0; i < t->count; i++) {
        const double *b = t->list[i];
        if (a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3])
            return false;
    }
    return true;
}

static void take(struct taken *t, double x, double y, double w, double h)
{
    t->list = xreallocarray(t->list, (size_t)t->count + 1, sizeof *t->list);
    const double a[4] = {x, y, w, h};
    for (int i = 0; i < 4; i++)
        t->list[t->count][i] = a[i];
    t->count++;
}

/* Right, left, above, below; false where all are taken. */
static bool draw_label(struct pen *p, struct taken *t, double x, double y, const char *text,
                       figure_color color, const struct axis *h, const struct axis *v)
{
    double w = pen_width(p, text, tiny), high = PEN_TINY;
    const double left[] = {x + 2.5, x - 2.5 - w, x - w / 2, x - w / 2, x + 2, x + 2, x - 2 - w};
    const double top[] = {y - high / 2, y - high / 2, y - 2.5 - high, y + 2.5, y - high - 1, y + 1,
                          y - high - 1};
    for (int i = 0; i < 7; i++) {
        const double a[4] = {left[i], top[i], w, high};
        if (left[i] < h->at || left[i] + w > h->at + h->length || top[i] < v->at + v->length ||
            top[i] + high > v->at || !is_free(t, a))
            continue;
        take(t, a[0], a[1], a[2], a[3]);
        pen_text(p, left[i], top[i] + high * 0.86, text, tiny, color, PEN_LEFT);
        return true;
    }
    return false;
}

/* Returns how many found no room. */
static int draw_labels(struct pen *p, const struct figure_panel *x, const struct axis *h,
                       const struct axis *v)
{
    struct taken t = {0};
    int lost = 0;
    for (int k = 0; k < x->series_count; k++)
        for (int i = 0; x->series[k].labels && i < x->series[k].count; i++)
            take(&t, axis_at(h, x->series[k].x[i]) - 1.7, axis_at(v, x->series[k].y[i]) - 1.7, 3.4,
                 3.4);
    for (int k = 0; k < x->series_count; k++)
        for (int i = 0; x->series[k].labels && i < x->series[k].count; i++)
            if (x->series[k].labels[i] && isfinite(x->series[k].y[i]))
                lost += !draw_label(p, &t, axis_at(h, x->series[k].x[i]),
                                    axis_at(v, x->series[k].y[i]), x->series[k].labels[i],
                                    PEN_BLACK, h, v);
    free(t.list);
    return lost;
}

/* ---- the legend */

static double draw_legend(struct pen *p, const struct figure_panel *x, double left, double top,
                          double w)
{
    double at = left, y = top;
    int shown = 0;
    for (int k = 0; k < x->series_count; k++) {
        const struct figure_series *s = &x->series[k];
        if (!s->name)
            continue;
        char *name = pen_fit(p, s->name, w - 16, names);
        double wide = 14 + pen_width(p, name, names) + 9;
        if (at > left && at + wide - 9 > left + w) {
            at = left;
            y += PEN_SMALL + 3;
        }
        double middle = y + PEN_SMALL * 0.62;
        if (s->style != FIGURE_POINTS)
            pen_line(p, at, middle, at + 10, middle,
                     (struct figure_ink){.color = s->color, .dashed = s->style == FIGURE_DASHED,
                                         .width = s->style == FIGURE_THIN ? 0.5 : 1.1});
        if (s->style == FIGURE_POINTS || s->style == FIGURE_LINE_POINTS)
            pen_dot(p, at + 5, middle, 1.7, s->color);
        pen_text(p, at + 14, y + PEN_SMALL, name, names, PEN_BLACK, PEN_LEFT);
        free(name);
        at += wide;
        shown++;
    }
    return shown ? y - top + PEN_SMALL + 3 : 0;
}

double figure_draw_curves(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    struct axis h, v;
    axes_find(x, &h, &v);
    double side = x->row_title ? PEN_SMALL + 4 : 0;
    h.at = at.x + side + ticks_width(p, &v) + 4;
    h.length = fmin(at.x + at.w - 6 - h.at, MOST_WIDTH);
    double high = x->equal ? h.length * (v.high - v.low) / (h.high - h.low) : h.length * 0.6;
    high = fmax(50, fmin(high, 300));
    if (x->equal) /* the shorter side decides */
        h.length = fmin(h.length, high * (h.high - h.low) / (v.high - v.low));
    v.at = at.y + 3 + high;
    v.length = -high;
    draw_rows_of_ticks(p, &h, &v);
    double y = v.at + PEN_SMALL + 4;
    if (x->x_names)
        y = v.at + draw_names_below(p, x, &h, v.at);
    else
        draw_numbers_below(p, &h, v.at);
    pen_frame(p, h.at, v.at - high, h.length, high, axis_ink);
    if (x->diagonal) {
        double from = fmax(h.low, v.low), to = fmin(h.high, v.high);
        pen_line(p, axis_at(&h, from), axis_at(&v, from), axis_at(&h, to), axis_at(&v, to),
                 (struct figure_ink){.color = PEN_GRAY, .width = 0.6, .dashed = true});
    }
    for (int k = 0; k < x->series_count; k++)
        draw_series(p, &x->series[k], &h, &v);
    int lost = draw_labels(p, x, &h, &v);
    if (x->col_title) {
        pen_text(p, h.at + h.length / 2, y + PEN_SMALL + 1, x->col_title, names, PEN_GRAY,
                 PEN_CENTER);
        y += PEN_SMALL + 4;
    }
    if (x->row_title)
        pen_turned(p, at.x + PEN_SMALL,
                   v.at - high / 2 + pen_width(p, x->row_title, names) / 2, x->row_title, names,
                   PEN_GRAY);
    y += 2 + draw_legend(p, x, h.at, y + 2, at.x + at.w - h.at);
    if (lost) {
        char text[80];
        snprintf(text, sizeof text, "%d of the labels are left out where they would overlap", lost);
        y += pen_paragraph(p, h.at, y, at.x + at.w - h.at, text, tiny, PEN_GRAY);
    }
    return y - at.y;
}
