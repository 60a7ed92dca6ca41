/* SPDX-License-Identifier: MIT */
/* A bar and its number for each name, the first on top. */
#include "src/figure/page.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

#define STEP 9.0

static const struct figure_font names = {PEN_SMALL, false};

static double number_width(struct pen *p, const struct figure_panel *x)
{
    char text[40];
    double most = 0;
    for (int i = 0; i < x->rows; i++) {
        figure_number(x, x->x[i], text, sizeof text);
        most = fmax(most, pen_width(p, text, names));
    }
    return most;
}

double figure_draw_bars(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    double low = 0, high = 0, y = at.y;
    for (int i = 0; i < x->rows; i++)
        if (!isnan(x->x[i])) {
            low = fmin(low, (double)x->x[i]);
            high = fmax(high, (double)x->x[i]);
        }
    double name_w = fmin(pen_widest(p, x->row_names, x->rows, names), at.w * 0.45);
    double number_w = number_width(p, x), left = at.x + name_w + 4;
    double wide = fmax(fmin(at.x + at.w - number_w - 4 - left, 240), 0), span = high - low;
    if (x->col_title) {
        pen_cut(p, left, y + PEN_SMALL, at.x + at.w - left, x->col_title, names, PEN_GRAY);
        y += PEN_SMALL + 4;
    }
    double zero = left + (span > 0 ? wide * -low / span : 0);
    for (int i = 0; i < x->rows; i++, y += STEP) {
        char *name = pen_fit(p, x->row_names[i], name_w + 0.1, names), text[40];
        double number = isnan(x->x[i]) ? 0 : (double)x->x[i];
        double end = zero + (span > 0 ? wide * number / span : 0);
        pen_text(p, at.x + name_w, y + STEP / 2 + PEN_SMALL * 0.36, name, names, PEN_BLACK,
                 PEN_RIGHT);
        pen_cell(p, fmin(zero, end), y + 1, fabs(end - zero), STEP - 2, x->colors[i]);
        figure_number(x, x->x[i], text, sizeof text);
        pen_text(p, left + wide + 4 + number_w, y + STEP / 2 + PEN_SMALL * 0.36,
                 isnan(x->x[i]) ? "\u2013" : text, names, PEN_BLACK, PEN_RIGHT);
        free(name);
    }
    pen_line(p, zero, at.y + (x->col_title ? PEN_SMALL + 4 : 0), zero, y,
             (struct figure_ink){.color = PEN_GRAY, .width = 0.5});
    return y - at.y;
}
