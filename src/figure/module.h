/* SPDX-License-Identifier: MIT */
/* What the module for figures can do: text and shapes by Pango and Cairo, in points from the left
 * upper corner.
 *
 * The two bring tens of libraries along. Loaded at every start of the program they would make 8.6
 * ms of processor time out of 3.1 (x86-64, Debian 12): they are in a module of their own, which is
 * opened when a figure is written. */
#ifndef VS_FIGURE_MODULE_H
#define VS_FIGURE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIGURE_MODULE "vilscope-figure.so"
#define FIGURE_MODULE_SYMBOL "vilscope_figure_module"
#define FIGURE_MODULE_VERSION 1

struct figure_canvas; /* the module's */

struct figure_font {
    double size; /* points */
    bool bold;
};

/* How a line, or what it encloses, is drawn. */
struct figure_ink {
    uint32_t color;
    double width;  /* of the line, points; 0: none */
    double fill;   /* opacity of what it encloses, 0 to 1 */
    bool dashed;
    bool sharp;    /* edges without anti-aliasing: cells that lie side by side */
};

/* One glyph of a text: which outline (one number for each font, size and glyph), and where. */
typedef void figure_glyph(void *arg, unsigned outline, double x, double y);
/* A part of an outline: 'M', 'L', 'C' or 'Z', with its coordinates. */
typedef void figure_outline(void *arg, char op, const double *at, int count);

struct figure_module {
    int version;
    /* For measuring, and outlines; NULL: there is no font. */
    struct figure_canvas *(*open)(void);
    /* A page, from now on drawn on: of a PDF, whose bytes go to write, or of pixels, so many for a
     * point. False: no memory for it. */
    bool (*begin_pdf)(struct figure_canvas *c, double w, double h,
                      bool (*write)(void *arg, const void *data, size_t len), void *arg);
    bool (*begin_pixels)(struct figure_canvas *c, int w, int h, double scale);
    /* The page is done; false: something of it failed. */
    bool (*finish)(struct figure_canvas *c);
    /* Of begin_pixels, (h, w, 3); the caller frees with free(). */
    uint8_t *(*pixels)(struct figure_canvas *c);
    void (*close)(struct figure_canvas *c);

    double (*width)(struct figure_canvas *c, const char *text, struct figure_font f);
    /* From (x, y), its baseline, on; turned: upwards. */
    void (*text)(struct figure_canvas *c, double x, double y, const char *text,
                 struct figure_font f, uint32_t color, bool turned);
    void (*shape)(struct figure_canvas *c, const double *xy, int count, bool closed,
                  const struct figure_ink *ink);
    void (*dot)(struct figure_canvas *c, double x, double y, double radius,
                const struct figure_ink *ink);
    /* rgb (h, w, 3) over a rectangle. */
    void (*image)(struct figure_canvas *c, const uint8_t *rgb, int w, int h, const double at[4]);
    void (*glyphs)(struct figure_canvas *c, const char *text, struct figure_font f,
                   figure_glyph *glyph, void *arg);
    void (*outline)(struct figure_canvas *c, unsigned outline, figure_outline *part, void *arg);
};

#endif
