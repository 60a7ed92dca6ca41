/* SPDX-License-Identifier: MIT */
/* A picture in memory, to be shown as sixels or blocks. */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANVAS_MOST 4096 /* pixels a side */
#define CANVAS_KEEP 40   /* colors that are kept exact */

struct rgb {
    uint8_t r, g, b;
};

/* A label of a picture whose pixels are halves of cells: too small for painted letters. */
struct canvas_text {
    int x, y; /* of its left end */
    struct rgb ink, plate;
    char text[32];
};

struct canvas {
    int w, h;
    uint8_t *rgb; /* (h, w, 3) */
    bool cells;   /* a pixel is half a cell: labels are text over it */
    struct canvas_text *texts;
    int text_count;
    struct rgb keep[CANVAS_KEEP]; /* of letters, whose edges a palette would make ragged */
    int kept;
};

/* A box of pixels, both ends included. */
struct pixels {
    int x1, y1, x2, y2;
};
/* Whether it touches none of a list. */
bool pixels_free(const struct pixels *list, int count, struct pixels p);

/* NULL when too large. */
struct canvas *canvas_new(int w, int h);
void canvas_free(struct canvas *c);
/* The picture rgb (h, w, 3) scaled to fill the canvas, by area averages. */
void canvas_photo(struct canvas *c, const uint8_t *rgb, int w, int h);
/* The part that begins at pixel (left, top) of it, so many canvas pixels for each of its own. */
void canvas_photo_part(struct canvas *c, const uint8_t *rgb, int w, int h, double left, double top,
                       double scale_x, double scale_y);
/* Copies a canvas into another at (x, y), which are not negative. */
void canvas_put(struct canvas *c, int x, int y, const struct canvas *from);
/* Toward gray and dark, so that what is drawn on it stands out. amount 0 to 1. */
void canvas_dim(struct canvas *c, float amount);
/* Dims what is outside the box. */
void canvas_spotlight(struct canvas *c, int x1, int y1, int x2, int y2);
void canvas_fill(struct canvas *c, int x1, int y1, int x2, int y2, struct rgb color);
/* A frame of the given thickness inside the box (pixels, both ends included). */
void canvas_frame(struct canvas *c, int x1, int y1, int x2, int y2, int thick, struct rgb color);
/* The same in dashes, with gaps between them of so many pixels. */
void canvas_dashed(struct canvas *c, int x1, int y1, int x2, int y2, int thick, int gap,
                   struct rgb color);
/* A color over pixel i, so much of it (0 to 1). Returns what the pixel became. */
struct rgb canvas_blend(struct canvas *c, size_t i, struct rgb color, float amount);
/* A color that is drawn as it is where there is a palette; those beyond CANVAS_KEEP are not. */
void canvas_keep(struct canvas *c, struct rgb color);
/* The same for all that another canvas keeps. */
void canvas_keep_those(struct canvas *c, const struct canvas *from);
/* Text on a plate of color; scale as font_draw has it, in cells it is one character a pixel. The
 * plate is moved inside the canvas. */
void canvas_plate(struct canvas *c, int x, int y, const char *text, int scale, struct rgb ink,
                  struct rgb plate);
/* The same in black or white, whichever is read better. */
void canvas_label(struct canvas *c, int x, int y, const char *text, int scale, struct rgb color);
/* The pixels that it takes. */
void canvas_plate_size(const struct canvas *c, const char *text, int scale, int *w, int *h);
/* heat (h, w) from 0 to 1 laid over the picture: hotter is more opaque. */
void canvas_heat(struct canvas *c, const float *heat);
/* The same from -1 to 1, in the colors of a difference: the further from 0, the more opaque. */
void canvas_signs(struct canvas *c, const float *x);
/* A curve over the whole canvas: n values from left to right, joined; NaN is left out. */
struct plot_range {
    double low, high; /* at the bottom and the top; values beyond are cut */
};
void canvas_curve(struct canvas *c, const double *v, int n, const struct plot_range *r, int thick,
                  struct rgb color);
/* What lies between two curves, under what is drawn later. */
void canvas_band(struct canvas *c, const double *low, const double *high, int n,
                 const struct plot_range *r, struct rgb color);
/* The color of a heat from 0 to 1 in the chosen map, dark to bright and even to the eye. */
struct rgb canvas_heat_color(float heat);
/* The color of a difference from -1 to 1: blue is less, orange more, in steps. */
struct rgb canvas_signed_color(float x);
/* False when there is no such map. */
bool canvas_set_color_map(const char *name);
const char *canvas_next_color_map(void);
const char *canvas_color_maps(void); /* their names */

#endif
