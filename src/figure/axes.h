/* SPDX-License-Identifier: MIT */
/* The axes of curves: where they begin and end, and which numbers stand at them. Who draws a panel
 * on a screen has the same ones as paper. */
#ifndef VS_FIGURE_AXES_H
#define VS_FIGURE_AXES_H

#include "src/figure/figure.h"

#define AXIS_TICKS 12

struct axis {
    double low, high;          /* of the axis */
    double at, length;         /* the caller's: where it begins, and how far it goes; negative is
                                  upwards */
    double tick[AXIS_TICKS]; /* numbers; none where places have names */
    int ticks, digits;
};

/* Of all that a panel of curves has; at and length are 0. */
void axes_find(const struct figure_panel *x, struct axis *h, struct axis *v);
double axis_at(const struct axis *a, double x);
void axis_text(const struct axis *a, double x, char *out, size_t size);

#endif
