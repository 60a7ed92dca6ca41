/* SPDX-License-Identifier: MIT */
/* Drawing in points from the left upper corner of the page, on paper or dry. */
#ifndef VS_FIGURE_PEN_H
#define VS_FIGURE_PEN_H

#include "src/figure/figure.h"
#include "src/figure/module.h"

#define PEN_BLACK 0x1a1a1au
#define PEN_GRAY 0x666666u
#define PEN_FAINT 0xd0d0d0u

/* Points of the sizes of text. */
#define PEN_TITLE 9.0
#define PEN_TEXT 7.0
#define PEN_SMALL 6.0
#define PEN_TINY 5.0

struct svg;

struct pen {
    const struct figure_module *module;
    struct figure_canvas *canvas; /* measures, and draws where svg is NULL */
    struct svg *svg;
    bool dry;                     /* nothing is drawn: to find out how high it will be */
};

enum pen_align { PEN_LEFT, PEN_CENTER, PEN_RIGHT };

double pen_width(struct pen *p, const char *text, struct figure_font f);
/* The widest of some texts; NULL ones have none. */
double pen_widest(struct pen *p, char *const *texts, int count, struct figure_font f);
/* text, or its beginning and an ellipsis, where it is wider than `most`; the caller frees. */
char *pen_fit(struct pen *p, const char *text, double most, struct figure_font f);
/* At its baseline. */
void pen_text(struct pen *p, double x, double y, const char *text, struct figure_font f,
              figure_color color, enum pen_align align);
/* From (x, y) on, what of it fits into `most`. */
void pen_cut(struct pen *p, double x, double y, double most, const char *text,
             struct figure_font f, figure_color color);
/* Upwards from (x, y), where its baseline begins. */
void pen_turned(struct pen *p, double x, double y, const char *text, struct figure_font f,
                figure_color color);
/* In lines that are as wide as `w`, from y, the upper edge, on; returns their height. */
double pen_paragraph(struct pen *p, double x, double y, double w, const char *text,
                     struct figure_font f, figure_color color);
void pen_cell(struct pen *p, double x, double y, double w, double h, figure_color color);
void pen_frame(struct pen *p, double x, double y, double w, double h, struct figure_ink ink);
void pen_line(struct pen *p, double x1, double y1, double x2, double y2, struct figure_ink ink);
/* xy (count, 2) */
void pen_path(struct pen *p, const double *xy, int count, bool closed, struct figure_ink ink);
void pen_dot(struct pen *p, double x, double y, double radius, figure_color color);
void pen_image(struct pen *p, const uint8_t *rgb, int w, int h, double x, double y, double width,
               double height);

/* Black or white, whichever is read better on it. */
figure_color pen_ink(figure_color back);

#endif
