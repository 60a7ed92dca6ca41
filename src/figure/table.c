/* SPDX-License-Identifier: MIT */
/* Numbers as text: names left, numbers aligned to the right; columns that do not fit follow
 * below. */
#include "src/figure/page.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

#define STEP 8.5

static const struct figure_font text = {PEN_SMALL, false}, head = {PEN_SMALL, true};

/* What stands in cell i: its word, or its number. */
static const char *cell_text(const struct figure_panel *x, ptrdiff_t i, char number[40])
{
    if (x->words)
        return x->words[i] ? x->words[i] : "";
    figure_number(x, x->x[i], number, 40);
    return number;
}

static double column_width(struct pen *p, const struct figure_panel *x, int j)
{
    double most = pen_width(p, x->col_names[j], head);
    for (int i = 0; i < x->rows; i++) {
        char number[40];
        most = fmax(most, pen_width(p, cell_text(x, (ptrdiff_t)i * x->cols + j, number), text));
    }
    return most + 8;
}

/* The columns from `from` on that fit; returns the one behind them. */
static int draw_block(struct pen *p, const struct figure_panel *x, struct figure_place at, int from,
                      double name_w)
{
    double right = at.x + name_w;
    int j = from;
    for (; j < x->cols; j++) {
        double w = column_width(p, x, j);
        if (j > from && right + w > at.x + at.w)
            break;
        right += w;
        char *title = pen_fit(p, x->col_names[j], fmin(w, right - at.x) - 2, head);
        pen_text(p, right, at.y + PEN_SMALL, title, head, PEN_BLACK, PEN_RIGHT);
        free(title);
        for (int i = 0; i < x->rows; i++) {
            char number[40];
            pen_text(p, right, at.y + (i + 1) * STEP + PEN_SMALL + 1.5,
                     cell_text(x, (ptrdiff_t)i * x->cols + j, number), text, PEN_BLACK, PEN_RIGHT);
        }
    }
    for (int i = 0; i < x->rows; i++) {
        char *name = pen_fit(p, x->row_names[i], name_w + 0.1, text);
        pen_text(p, at.x, at.y + (i + 1) * STEP + PEN_SMALL + 1.5, name, text, PEN_BLACK, PEN_LEFT);
        free(name);
    }
    pen_line(p, at.x, at.y + STEP, right, at.y + STEP,
             (struct figure_ink){.color = PEN_GRAY, .width = 0.5});
    return j;
}

double figure_draw_table(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    double all = 0, from = at.y;
    for (int j = 0; j < x->cols; j++)
        all += column_width(p, x, j);
    double room = fmax(at.w * 0.5, at.w - all); /* names are not cut where there is room */
    double name_w = fmin(pen_widest(p, x->row_names, x->rows, text), room);
    for (int j = 0; j < x->cols;) {
        j = draw_block(p, x, at, j, name_w);
        at.y += (x->rows + 1) * STEP + 3 + (j < x->cols ? STEP : 0);
    }
    return at.y - from;
}
