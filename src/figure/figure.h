/* SPDX-License-Identifier: MIT */
/* What a figure shows, as numbers and names, and the file that is made of it: SVG, PDF or PNG. Who
 * has something to show fills in panels; where they stand is no business of theirs. */
#ifndef VS_FIGURE_H
#define VS_FIGURE_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0xRRGGBB */
typedef uint32_t figure_color;
#define FIGURE_COLOR(r, g, b) ((figure_color)(r) << 16 | (figure_color)(g) << 8 | (figure_color)(b))
/* Categories told apart on white, also by those who see fewer colors (Okabe and Ito 2008). */
figure_color figure_category(int i);

enum figure_shape {
    FIGURE_MATRIX, /* cells in colors */
    FIGURE_BARS,   /* a bar and its number for each name */
    FIGURE_TABLE,  /* numbers as text */
    FIGURE_PHOTO,  /* a picture with boxes */
    FIGURE_CURVES  /* lines or points over axes */
};

/* Which color is which number; count 0: there is no scale. */
#define FIGURE_RAMP 49
struct figure_ramp {
    int count;
    figure_color color[FIGURE_RAMP];
    float value[FIGURE_RAMP]; /* grows, or falls, from end to end */
    bool sign;                /* numbers are written with it */
    char *label;              /* what the numbers are; or NULL */
};

struct figure_box {
    double x1, y1, x2, y2; /* pixels of the picture */
    figure_color color;
    float fill;            /* how much of the color lies over it, 0 to 1 */
    float width;           /* of its frame, in points; 0: none */
    bool dashed;
    char *label;           /* or NULL */
};

enum figure_style { FIGURE_LINE, FIGURE_THIN, FIGURE_DASHED, FIGURE_POINTS, FIGURE_LINE_POINTS };
struct figure_series {
    char *name;            /* NULL: not in the legend */
    figure_color color;
    enum figure_style style;
    int count;
    double *x, *y;         /* (count); NaN leaves out */
    double *low, *high;    /* (count) an interval of y, or NULL */
    char **labels;         /* (count) of points, or NULL */
    int *of;               /* (count) what the points are of: the caller's numbers, or NULL */
};

/* All of it is the panel's own. */
struct figure_panel {
    enum figure_shape shape;
    char *title, *note;        /* above and below; or NULL */
    struct figure_ramp ramp;   /* of matrix and photo */
    /* matrix, bars (cols 1), table */
    int rows, cols;
    char **row_names, **col_names;
    int named_row, named_col;  /* of a matrix, from 1: named even where there is no room for all */
    float *x;                  /* (rows, cols); NaN: unknown */
    figure_color *colors;      /* (rows, cols) of matrix and bars */
    char **words;              /* (rows, cols) in cells instead of their numbers, or NULL */
    int digits;                /* behind the point; a table: significant ones */
    bool sign;                 /* numbers are written with it */
    char *row_title, *col_title; /* what rows and columns are; of curves the axes y and x */
    /* photo */
    uint8_t *rgb;              /* (h, w, 3) */
    int w, h;
    struct figure_box *boxes;
    int box_count;
    /* curves */
    struct figure_series *series;
    int series_count;
    char **x_names;            /* (x_name_count) of 0, 1, 2 ... on the x axis; NULL: numbers */
    int x_name_count;
    bool diagonal;             /* a thin line where x is y */
    bool equal;                /* one unit is as long on both axes */
    bool unit;                 /* both axes from 0 to 1 */
};

struct figure {
    char *title;
    char **lines;              /* (line_count) below it: what, of what, whose */
    int line_count;
    char *caption;             /* small, at the end */
    int columns;               /* panels beside each other; 0: 1 */
    bool even;                 /* one that is alone in its row is no wider than others */
    struct figure_panel *panels;
    int panel_count;
};

struct figure_how {
    double width; /* of the page, mm; 20 to 1000 */
    int dpi;      /* of PNG, and pictures; 30 to 2400 */
};
#define FIGURE_HOW_USUAL {170, 300}

/* A line more. */
void figure_line(struct figure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A panel more; valid until the next one. title is taken over, or NULL. */
struct figure_panel *figure_panel(struct figure *f, enum figure_shape shape, char *title);
/* Room for rows and cols: names NULL, numbers 0, colors black. */
void figure_panel_numbers(struct figure_panel *p, int rows, int cols);
/* A box more, its label taken over. */
void figure_panel_box(struct figure_panel *p, struct figure_box b);
/* A series more of so many points, x = 0, 1, 2 ..., y NaN; valid until the next one. name is taken
 * over. */
struct figure_series *figure_panel_series(struct figure_panel *p, char *name, int count);
/* Frees what it holds. */
void figure_fini(struct figure *f);

/* Whether a file of this name is one that figure_write makes: .svg, .pdf, .png. */
bool figure_is_name(const char *path);
/* Why no figure can be drawn (built without Cairo), or NULL. */
const char *figure_missing(void);
/* Writes it in the format of the name's ending. The file is there complete or not at all, and its
 * bytes depend on the figure, and on the fonts that the machine has, alone. */
int figure_write(const struct figure *f, const char *path, const struct figure_how *how,
                 struct vs_err *err);

#endif
