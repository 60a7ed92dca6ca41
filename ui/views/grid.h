/* SPDX-License-Identifier: MIT */
/* Numbers as colors in rows and columns: a picture, or colored text where cells have room for their
 * numbers and there are no pixels. */
#ifndef UI_GRID_H
#define UI_GRID_H

#include "ui/views/views.h"

enum scale { SCALE_LINEAR, SCALE_ROOT, SCALE_SIGNED };
/* The color of x, whose largest is top; NaN is a gray near the background. */
struct rgb grid_color(float x, float top, enum scale s);
/* The colors with their numbers, in one line. */
void grid_legend(int row, int col, int width, float top, enum scale s);

/* "+0.12", "-0.12", " 0.00": what rounds to nothing has no sign. */
void grid_signed(double x, int digits, char *out, size_t size);
/* So, or without a sign where none is meant: "0.12". */
void grid_number(double x, bool sign, int digits, char *out, size_t size);

struct grid {
    /* What it shows. */
    int rows, cols;
    const float *x;     /* (rows, cols), borrowed while it is drawn */
    float top;          /* the largest, by its size */
    enum scale scale;
    int at_row, at_col; /* the chosen ones, or -1 */
    int label, right;   /* columns of the screen left and right of it */
    int digits;         /* of a number in a cell: 2 or 3 */
    /* Where, after grid_fit. */
    struct area at;     /* a row of text each */
    int shown_rows, shown_cols, first_row, first_col;
    int cell;           /* pixels of a column */
    double cell_cols;   /* columns of the screen of one */
    bool numbers;       /* the cells are text */
};

/* top[2]: the first row and column, kept from frame to frame so that the chosen cell is seen. */
void grid_fit(struct workbench *w, struct grid *g, struct area body, int top[2]);
/* As picture number slot, or as text. */
void grid_draw(struct workbench *w, int slot, const struct grid *g);
/* What of it is shown, where not all is: "3-8/18" in the row above it from column `col`, and < and
 * > beside that. */
void grid_more(const struct grid *g, int row, int col);
/* The columns of the screen that column j of the shown ones begins at, from g->at.col. */
int grid_left(const struct grid *g, int j);
/* The row and column of a place, counted as g->at is. False when it is beside the rows; *j is -1
 * beside the columns. What was drawn may have become less since: beside is also what is not among
 * so many rows and columns. */
bool grid_find(const struct grid *g, int rows, int cols, int row, int col, int *i, int *j);

/* The same for an area, counted as it is, that rows and columns share evenly: of several in one
 * cell the middle one. False beside it. */
bool area_cell(struct area a, int rows, int cols, int row, int col, int *i, int *j);
/* The numbers of its columns in the row above it, and of its rows in the three columns left of it,
 * as many as have room; the chosen ones stand out. */
void area_numbers(struct area a, int rows, int cols, int row, int col);
/* Which of `count` lines, the first shown being `top`, is at a place of the area; -1: none. */
int area_line(struct area a, int top, int count, int row, int col);
/* Which of n points of a curve, the first and the last at the area's edges, is nearest to a place;
 * -1 beside the area. */
int area_point(const struct workbench *w, struct area a, int n, int row, int col);
/* As they are counted from a pane's corner; what the grid showed is not its own. */
struct area area_in_pane(const struct pane *p, struct area a);
struct grid grid_in_pane(const struct pane *p, const struct grid *g);

#endif
