/* SPDX-License-Identifier: MIT */
/* Where the panels of a figure stand, and how each shape is drawn: from its left upper corner, so
 * wide; each returns how high it is. */
#ifndef VS_FIGURE_PAGE_H
#define VS_FIGURE_PAGE_H

#include "src/figure/pen.h"

struct figure_place {
    double x, y, w;
};

double figure_draw_matrix(struct pen *p, const struct figure_panel *x, struct figure_place at);
double figure_draw_bars(struct pen *p, const struct figure_panel *x, struct figure_place at);
double figure_draw_table(struct pen *p, const struct figure_panel *x, struct figure_place at);
double figure_draw_photo(struct pen *p, const struct figure_panel *x, struct figure_place at);
double figure_draw_curves(struct pen *p, const struct figure_panel *x, struct figure_place at);
/* The scale of colors with its numbers. */
double figure_draw_ramp(struct pen *p, const struct figure_ramp *r, struct figure_place at);
/* A number of a panel, as it is written, zero without a sign; nothing for NaN. */
void figure_number(const struct figure_panel *x, float number, char *out, size_t size);

#endif
