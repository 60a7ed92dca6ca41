/* SPDX-License-Identifier: MIT */
/* A figure's panel of curves or points on the screen, with the axes that it has on paper. */
#ifndef UI_PLOT_H
#define UI_PLOT_H

#include "src/figure/axes.h"
#include "ui/views/grid.h"

/* A point of a panel: of which series, and which of its points; series -1: none. */
struct plot_point {
    int series, at;
};
/* Where a panel was drawn last. */
struct plot {
    struct axis h, v; /* in pixels of the canvas */
    struct area at;   /* its cells, counted from the pane's corner; rows 0: nowhere */
};

/* The columns that it takes in a; 0: there is no room. */
int plot_cols(const struct workbench *w, const struct figure_panel *x, struct area a);
/* Draws it into a, with numbers and, where there is room, names at its axes, a ring around the
 * chosen point. */
void plot_draw(struct workbench *w, struct pane *p, const struct figure_panel *x, struct area a,
              struct plot_point chosen, struct plot *out);
/* Which color and mark is which: names one after the other in lines of `fold` columns; 0: a line
 * each. How many lines that are, and their drawing into a. */
int plot_legend_rows(const struct figure_panel *x, int fold);
void plot_legend(const struct workbench *w, const struct figure_panel *x, int fold,
                 struct area a);
/* The point nearest to a cell, where it is no farther than a row; series -1: none. */
struct plot_point plot_at(const struct workbench *w, const struct plot *t,
                          const struct figure_panel *x, int row, int col);
/* The next point in a direction; one that lies on the chosen point comes before all others. */
struct plot_point plot_toward(const struct plot *t, const struct figure_panel *x,
                              struct plot_point from, enum motion m);

#endif
