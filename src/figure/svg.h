/* SPDX-License-Identifier: MIT */
/* A page as SVG. */
#ifndef VS_FIGURE_SVG_H
#define VS_FIGURE_SVG_H

#include "src/base/mem.h"
#include "src/figure/module.h"

struct svg; /* glyphs are outlines, each once; texts stand over them, unseen */

struct svg *svg_new(const struct figure_module *module, struct figure_canvas *canvas);
void svg_free(struct svg *s);

struct svg_line {
    double x, y, w; /* its baseline, and how wide it is */
    struct figure_font font;
    uint32_t color;
    bool turned;
    const char *text;
};
void svg_text(struct svg *s, const struct svg_line *l);
void svg_rect(struct svg *s, double x, double y, double w, double h, const struct figure_ink *ink);
void svg_shape(struct svg *s, const double *xy, int count, bool closed,
               const struct figure_ink *ink);
void svg_dot(struct svg *s, double x, double y, double radius, uint32_t color);
void svg_image(struct svg *s, const uint8_t *rgb, int w, int h, const double at[4]);
/* The whole document of a page so large (points), appended to out. */
void svg_document(struct svg *s, double w, double h, const char *title, struct buf *out);

#endif
