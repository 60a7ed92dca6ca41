/* SPDX-License-Identifier: MIT */
/* Cells in colors with their names, and the scale of the colors. */
#include "src/figure/page.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CELL 28.0   /* points: few cells are not blown up */
#define MOST_HEIGHT 560.0
#define MOST_NAMES 90.0  /* of turned names, how high */

static const struct figure_font names = {PEN_SMALL, false}, tiny = {PEN_TINY, false};

void figure_number(const struct figure_panel *x, float number, char *out, size_t size)
{
    out[0] = '\0';
    if (isnan(number))
        return;
    if (x->shape == FIGURE_TABLE)
        snprintf(out, size, x->sign ? "%+.*g" : "%.*g", x->digits, (double)number);
    else
        snprintf(out, size, x->sign ? "%+.*f" : "%.*f", x->digits, (double)number);
    if ((out[0] == '-' || out[0] == '+') && strspn(out + 1, "0.") == strlen(out + 1))
        memmove(out, out + 1, strlen(out)); /* zero has no sign, nor what is rounded to it */
}

/* ---- the scale */

/* As many digits as tell the ends' neighbors apart. */
static int ramp_digits(const struct figure_ramp *r)
{
    double top = fmax(fabs((double)r->value[0]), fabs((double)r->value[r->count - 1]));
    return top >= 20 ? 0 : top >= 2 ? 1 : top >= 0.2 ? 2 : top >= 0.02 ? 3 : 4;
}

/* Which of five numbers below it there is room for: all, every second, or the ends. */
static int ramp_step(struct pen *p, const struct figure_ramp *r, const struct figure_panel *how,
                     double wide)
{
    double most = 0;
    for (int k = 0; k < 5; k += 4) {
        char text[40];
        figure_number(how, r->value[k * (r->count - 1) / 4], text, sizeof text);
        most = fmax(most, pen_width(p, text, tiny) + 2);
    }
    return 5 * most <= wide ? 1 : 3 * most <= wide ? 2 : 4;
}

double figure_draw_ramp(struct pen *p, const struct figure_ramp *r, struct figure_place at)
{
    if (r->count < 2)
        return 0;
    double wide = fmin(180, at.w), cell = wide / r->count, high = 6, y = at.y + high + 2;
    for (int i = 0; i < r->count; i++)
        pen_cell(p, at.x + i * cell, at.y, i + 1 < r->count ? cell + 0.3 : cell, high, r->color[i]);
    const struct figure_panel how = {.digits = ramp_digits(r), .sign = r->sign};
    for (int k = 0, step = ramp_step(p, r, &how, wide); k < 5; k += step) {
        int i = k * (r->count - 1) / 4;
        char text[40];
        double x = at.x + (i + 0.5) * cell;
        figure_number(&how, r->value[i], text, sizeof text);
        pen_line(p, x, at.y + high, x, y, (struct figure_ink){.color = PEN_GRAY, .width = 0.5});
        pen_text(p, k == 0 ? at.x : k == 4 ? at.x + wide : x, y + PEN_TINY + 0.5, text, tiny,
                 PEN_BLACK, k == 0 ? PEN_LEFT : k == 4 ? PEN_RIGHT : PEN_CENTER);
    }
    double bottom = y + PEN_TINY + 3;
    if (r->label && wide + 8 + pen_width(p, r->label, names) <= at.w)
        pen_text(p, at.x + wide + 8, at.y + high - 0.5, r->label, names, PEN_BLACK, PEN_LEFT);
    else if (r->label)
        bottom += pen_paragraph(p, at.x, bottom, at.w, r->label, names, PEN_BLACK);
    return bottom - at.y;
}

/* ---- the matrix */

struct layout {
    double left, top;        /* of the cells' corner, from the panel's */
    double cell_w, cell_h;
    bool turned;             /* the columns' names */
    double name_w, name_h;   /* room for names of rows, of columns */
};

static struct layout lay_out(struct pen *p, const struct figure_panel *x, double w)
{
    struct layout l = {0};
    double widest = pen_widest(p, x->row_names, x->rows, names);
    l.name_w = fmin(widest, w * 0.3);
    double side = x->row_title ? PEN_SMALL + 4 : 0;
    l.left = side + l.name_w + (widest > 0 ? 3 : 0);
    l.cell_w = fmin((w - l.left) / x->cols, MOST_CELL);
    double columns = pen_widest(p, x->col_names, x->cols, names);
    if (columns > l.cell_w - 2 && x->cols <= 12)
        l.cell_w = fmin(columns + 4, (w - l.left) / x->cols); /* few: names lie flat if they can */
    if (x->words) /* as wide as there is room */
        l.cell_w = fmin((w - l.left) / x->cols, 60);
    l.turned = columns > l.cell_w - 2;
    l.name_h = columns <= 0 ? 0 : l.turned ? fmin(columns, MOST_NAMES) : PEN_SMALL;
    l.top = (x->col_title ? PEN_SMALL + 4 : 0) + l.name_h + (l.name_h > 0 ? 3 : 0);
    l.cell_h = fmin(fmax(l.cell_w, PEN_SMALL + 1.5), 14);
    if (!x->row_names[0] && !x->col_names[0])
        l.cell_h = fmin(fmax(l.cell_w, w * 0.6 / x->rows), 14);
    else if (l.cell_w < 3)
        l.cell_h = fmax(l.cell_w, PEN_SMALL * 0.75);
    if (l.cell_h * x->rows > MOST_HEIGHT)
        l.cell_h = fmax(MOST_HEIGHT / x->rows, 1);
    return l;
}

/* Every how many-th name there is room for. */
static int name_step(double cell)
{
    int n = (int)ceil(PEN_SMALL * 1.05 / cell - 0.001);
    return n > 1 ? n : 1;
}

/* Whether name i is drawn: each step-th, but for those whose room the named one (from 1; 0: none)
 * needs. */
static bool name_shows(int i, int step, int named)
{
    int from = i - (named - 1);
    if (named < 1)
        return i % step == 0;
    return from == 0 || (i % step == 0 && abs(from) >= step);
}

static void draw_names(struct pen *p, const struct figure_panel *x, const struct layout *l,
                       double left, double top)
{
    int step = name_step(l->cell_h);
    for (int i = 0; i < x->rows; i++) {
        if (!name_shows(i, step, x->named_row))
            continue;
        char *name = pen_fit(p, x->row_names[i], l->name_w + 0.1, names);
        pen_text(p, left - 3, top + (i + 0.5) * l->cell_h + PEN_SMALL * 0.36, name, names,
                 PEN_BLACK, PEN_RIGHT);
        free(name);
    }
    step = l->turned ? name_step(l->cell_w) : 1;
    for (int j = 0; j < x->cols; j++) {
        if (!name_shows(j, step, x->named_col))
            continue;
        double room = l->turned ? l->name_h + 0.1 : l->cell_w + 4;
        char *name = pen_fit(p, x->col_names[j], room, names);
        double middle = left + (j + 0.5) * l->cell_w;
        if (l->turned)
            pen_turned(p, middle + PEN_SMALL * 0.36, top - 3, name, names, PEN_BLACK);
        else
            pen_text(p, middle, top - 3, name, names, PEN_BLACK, PEN_CENTER);
        free(name);
    }
}

static bool has_room_for_numbers(struct pen *p, const struct figure_panel *x,
                                 const struct layout *l)
{
    char text[40];
    double most = 0;
    if (x->words)
        return l->cell_w >= 2 * PEN_TINY && l->cell_h >= PEN_TINY + 1.5;
    for (int i = 0; i < x->rows * x->cols && i < 4096; i++) {
        figure_number(x, x->x[i], text, sizeof text);
        most = fmax(most, pen_width(p, text, tiny));
    }
    return l->cell_w >= most + 2 && l->cell_h >= PEN_TINY + 1.5;
}

/* In cells: a word, cut to what fits, or the number. */
static void draw_cell_text(struct pen *p, const struct figure_panel *x, const struct layout *l,
                           int i, double middle, double base)
{
    char text[40];
    figure_number(x, x->x[i], text, sizeof text);
    char *shown = x->words ? pen_fit(p, x->words[i], l->cell_w - 1.5, tiny) : xstrdup(text);
    pen_text(p, middle, base, shown, tiny, pen_ink(x->colors[i]), PEN_CENTER);
    free(shown);
}

/* A cell reaches a little under the next ones, so that no line of the page shows between them. */
static void draw_cells(struct pen *p, const struct figure_panel *x, const struct layout *l,
                       double left, double top)
{
    bool numbers = has_room_for_numbers(p, x, l);
    for (int i = 0; i < x->rows; i++)
        for (int j = 0; j < x->cols; j++) {
            ptrdiff_t at = (ptrdiff_t)i * x->cols + j;
            double more_w = j + 1 < x->cols ? 0.25 : 0, more_h = i + 1 < x->rows ? 0.25 : 0;
            pen_cell(p, left + j * l->cell_w, top + i * l->cell_h, l->cell_w + more_w,
                     l->cell_h + more_h, x->colors[at]);
        }
    for (int i = 0; numbers && i < x->rows * x->cols; i++)
        draw_cell_text(p, x, l, i, left + (i % x->cols + 0.5) * l->cell_w,
                       top + (i / x->cols + 0.5) * l->cell_h + PEN_TINY * 0.36);
}

double figure_draw_matrix(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    if (x->rows < 1 || x->cols < 1)
        return figure_draw_ramp(p, &x->ramp, at);
    struct layout l = lay_out(p, x, at.w);
    double left = at.x + l.left, top = at.y + l.top;
    double wide = l.cell_w * x->cols, high = l.cell_h * x->rows;
    if (x->col_title)
        pen_cut(p, left, at.y + PEN_SMALL, at.x + at.w - left, x->col_title, names, PEN_GRAY);
    if (x->row_title) {
        char *title = pen_fit(p, x->row_title, fmax(high, 40), names);
        pen_turned(p, at.x + PEN_SMALL, top + fmax(high, fmin(40, pen_width(p, title, names))),
                   title, names, PEN_GRAY);
        free(title);
    }
    if (!p->dry) {
        draw_names(p, x, &l, left, top);
        draw_cells(p, x, &l, left, top);
    }
    pen_frame(p, left, top, wide, high, (struct figure_ink){.color = PEN_GRAY, .width = 0.4});
    double y = top + fmax(high, x->row_title ? 12 : 0) + 6;
    y += figure_draw_ramp(p, &x->ramp, (struct figure_place){left, y, at.x + at.w - left});
    return y - at.y;
}
