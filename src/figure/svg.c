/* SPDX-License-Identifier: MIT */
/* A page as SVG 1.1. Text is drawn as outlines, so that it looks the same where its font is not
 * installed, each glyph defined once; the words lie over them, unseen, for those who search, copy
 * or listen. */
#include "src/figure/svg.h"

#include "src/base/plain.h"
#include "src/formats/base64.h"
#include "src/formats/pngwrite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct svg {
    const struct figure_module *module;
    struct figure_canvas *canvas;
    struct buf body, words, glyphs;
    unsigned defined; /* outlines below this number are defined */
    double x, y;      /* of the text that is written */
};

struct svg *svg_new(const struct figure_module *module, struct figure_canvas *canvas)
{
    struct svg *s = xcalloc(1, sizeof *s);
    s->module = module;
    s->canvas = canvas;
    return s;
}

void svg_free(struct svg *s)
{
    if (!s)
        return;
    buf_fini(&s->body);
    buf_fini(&s->words);
    buf_fini(&s->glyphs);
    free(s);
}

/* Two digits behind the point are a hundredth of a point; zeros at the end are left out. */
static void svg_number(struct buf *b, double x)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%.2f", fabs(x) < 0.005 ? 0 : x);
    while (n > 0 && text[n - 1] == '0')
        n--;
    n -= n > 0 && text[n - 1] == '.';
    buf_add(b, text, (size_t)n);
}

static void svg_attribute(struct buf *b, const char *name, double x)
{
    buf_printf(b, " %s=\"", name);
    svg_number(b, x);
    buf_putc(b, '"');
}

/* XML 1.0 is UTF-8 without control characters. */
static void svg_escape(struct buf *b, const char *text)
{
    char *clean = xstrdup(text);
    plain_clean(clean);
    for (const char *c = clean; *c; c++) {
        if (*c == '&')
            buf_puts(b, "&amp;");
        else if (*c == '<')
            buf_puts(b, "&lt;");
        else if (*c == '>')
            buf_puts(b, "&gt;");
        else if (*c == '"')
            buf_puts(b, "&quot;");
        else
            buf_putc(b, *c);
    }
    free(clean);
}

/* ---- text */

static void svg_outline(void *arg, char op, const double *at, int count)
{
    struct svg *s = arg;
    buf_putc(&s->glyphs, op);
    for (int i = 0; i < count; i++) {
        if (i)
            buf_putc(&s->glyphs, ' ');
        svg_number(&s->glyphs, at[i]);
    }
}

/* Outlines are numbered as they occur: a new one is the next number. */
static void svg_glyph(void *arg, unsigned outline, double x, double y)
{
    struct svg *s = arg;
    while (s->defined <= outline) {
        buf_printf(&s->glyphs, "<path id=\"g%u\" d=\"", s->defined);
        s->module->outline(s->canvas, s->defined, svg_outline, s);
        buf_puts(&s->glyphs, "\"/>\n");
        s->defined++;
    }
    buf_printf(&s->body, "<use xlink:href=\"#g%u\"", outline);
    svg_attribute(&s->body, "x", s->x + x);
    svg_attribute(&s->body, "y", s->y + y);
    buf_puts(&s->body, "/>");
}

/* A text that goes upwards has its place in its transformation. */
static void svg_turn(struct buf *b, const struct svg_line *l)
{
    if (!l->turned)
        return;
    buf_puts(b, " transform=\"translate(");
    svg_number(b, l->x);
    buf_putc(b, ' ');
    svg_number(b, l->y);
    buf_puts(b, ") rotate(-90)\"");
}

void svg_text(struct svg *s, const struct svg_line *l)
{
    buf_printf(&s->body, "<g fill=\"#%06x\"", (unsigned)l->color);
    svg_turn(&s->body, l);
    buf_puts(&s->body, ">");
    s->x = l->turned ? 0 : l->x;
    s->y = l->turned ? 0 : l->y;
    s->module->glyphs(s->canvas, l->text, l->font, svg_glyph, s);
    buf_puts(&s->body, "</g>\n");
    buf_puts(&s->words, "<text");
    svg_attribute(&s->words, "x", s->x);
    svg_attribute(&s->words, "y", s->y);
    svg_attribute(&s->words, "font-size", l->font.size);
    svg_attribute(&s->words, "textLength", l->w);
    svg_turn(&s->words, l);
    buf_puts(&s->words, ">");
    svg_escape(&s->words, l->text);
    buf_puts(&s->words, "</text>\n");
}

/* ---- shapes */

static void svg_ink(struct svg *s, const struct figure_ink *ink)
{
    struct buf *b = &s->body;
    if (ink->fill > 0)
        buf_printf(b, " fill=\"#%06x\"", (unsigned)ink->color);
    else
        buf_puts(b, " fill=\"none\"");
    if (ink->fill > 0 && ink->fill < 1)
        svg_attribute(b, "fill-opacity", ink->fill);
    if (ink->width > 0) {
        buf_printf(b, " stroke=\"#%06x\" stroke-linejoin=\"round\"", (unsigned)ink->color);
        svg_attribute(b, "stroke-width", ink->width);
    }
    if (ink->dashed)
        buf_puts(b, " stroke-dasharray=\"2.5 2\"");
    if (ink->sharp)
        buf_puts(b, " shape-rendering=\"crispEdges\"");
}

void svg_rect(struct svg *s, double x, double y, double w, double h, const struct figure_ink *ink)
{
    buf_puts(&s->body, "<rect");
    svg_attribute(&s->body, "x", x);
    svg_attribute(&s->body, "y", y);
    svg_attribute(&s->body, "width", w);
    svg_attribute(&s->body, "height", h);
    svg_ink(s, ink);
    buf_puts(&s->body, "/>\n");
}

void svg_shape(struct svg *s, const double *xy, int count, bool closed,
               const struct figure_ink *ink)
{
    buf_puts(&s->body, "<path d=\"");
    for (int i = 0; i < count; i++) {
        buf_putc(&s->body, i ? 'L' : 'M');
        svg_number(&s->body, xy[2 * i]);
        buf_putc(&s->body, ' ');
        svg_number(&s->body, xy[2 * i + 1]);
    }
    buf_puts(&s->body, closed ? "Z\"" : "\"");
    svg_ink(s, ink);
    buf_puts(&s->body, "/>\n");
}

void svg_dot(struct svg *s, double x, double y, double radius, uint32_t color)
{
    buf_puts(&s->body, "<circle");
    svg_attribute(&s->body, "cx", x);
    svg_attribute(&s->body, "cy", y);
    svg_attribute(&s->body, "r", radius);
    buf_printf(&s->body, " fill=\"#%06x\"/>\n", (unsigned)color);
}

void svg_image(struct svg *s, const uint8_t *rgb, int w, int h, const double at[4])
{
    struct buf png = {0};
    if (png_encode(rgb, w, h, &png)) {
        buf_puts(&s->body, "<image");
        svg_attribute(&s->body, "x", at[0]);
        svg_attribute(&s->body, "y", at[1]);
        svg_attribute(&s->body, "width", at[2]);
        svg_attribute(&s->body, "height", at[3]);
        buf_puts(&s->body, " preserveAspectRatio=\"none\" xlink:href=\"data:image/png;base64,");
        base64_encode(png.data, png.len, &s->body);
        buf_puts(&s->body, "\"/>\n");
    }
    buf_fini(&png);
}

/* ---- the document */

void svg_document(struct svg *s, double w, double h, const char *title, struct buf *out)
{
    buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                  "xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"");
    svg_number(out, w);
    buf_puts(out, "pt\" height=\"");
    svg_number(out, h);
    buf_puts(out, "pt\" viewBox=\"0 0 ");
    svg_number(out, w);
    buf_putc(out, ' ');
    svg_number(out, h);
    buf_puts(out, "\">\n<title>");
    svg_escape(out, title ? title : "");
    buf_puts(out, "</title>\n<defs>\n");
    buf_add(out, s->glyphs.data, s->glyphs.len);
    buf_puts(out, "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    buf_add(out, s->body.data, s->body.len);
    buf_puts(out, "<g fill-opacity=\"0\" font-family=\"DejaVu Sans, sans-serif\">\n");
    buf_add(out, s->words.data, s->words.len);
    buf_puts(out, "</g>\n</svg>\n");
}
