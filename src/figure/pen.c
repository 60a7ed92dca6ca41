/* SPDX-License-Identifier: MIT */
#include "src/figure/pen.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/figure/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text */

/* Pango takes UTF-8 alone, and names of files, for one, need not be. To be freed. */
static char *cleaned(const char *text)
{
    char *clean = xstrdup(text);
    plain_clean(clean);
    return clean;
}

double pen_width(struct pen *p, const char *text, struct figure_font f)
{
    if (!text)
        return 0;
    char *clean = cleaned(text);
    double w = p->module->width(p->canvas, clean, f);
    free(clean);
    return w;
}

double pen_widest(struct pen *p, char *const *texts, int count, struct figure_font f)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fmax(most, pen_width(p, texts[i], f));
    return most;
}

/* The bytes of the first n characters, or fewer. */
static size_t head_of(const char *text, size_t n)
{
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

char *pen_fit(struct pen *p, const char *text, double most, struct figure_font f)
{
    text = text ? text : "";
    if (pen_width(p, text, f) <= most)
        return xstrdup(text);
    size_t low = 0, high = strlen(text);
    while (low + 1 < high) { /* the longest beginning that fits */
        size_t mid = (low + high) / 2, n = head_of(text, mid);
        char *cut = xasprintf("%.*s\u2026", (int)n, text);
        if (pen_width(p, cut, f) <= most)
            low = mid;
        else
            high = mid;
        free(cut);
    }
    return xasprintf("%.*s\u2026", (int)head_of(text, low), text);
}

/* From (x, y) on. */
static void put_text(struct pen *p, double x, double y, const char *text, struct figure_font f,
                     figure_color color, bool turned)
{
    char *clean = cleaned(text);
    if (p->svg)
        svg_text(p->svg, &(struct svg_line){x, y, pen_width(p, clean, f), f, color, turned, clean});
    else
        p->module->text(p->canvas, x, y, clean, f, color, turned);
    free(clean);
}

void pen_text(struct pen *p, double x, double y, const char *text, struct figure_font f,
              figure_color color, enum pen_align align)
{
    if (p->dry || !text || !*text)
        return;
    double w = align != PEN_LEFT ? pen_width(p, text, f) : 0;
    x -= align == PEN_RIGHT ? w : align == PEN_CENTER ? w / 2 : 0;
    put_text(p, x, y, text, f, color, false);
}

void pen_cut(struct pen *p, double x, double y, double most, const char *text,
             struct figure_font f, figure_color color)
{
    char *fits = pen_fit(p, text, most, f);
    pen_text(p, x, y, fits, f, color, PEN_LEFT);
    free(fits);
}

void pen_turned(struct pen *p, double x, double y, const char *text, struct figure_font f,
                figure_color color)
{
    if (!p->dry && text && *text)
        put_text(p, x, y, text, f, color, true);
}

/* The bytes of a line: as many words as fit, and at least one, or a part of it. */
static size_t line_of(struct pen *p, const char *text, double w, struct figure_font f)
{
    size_t taken = 0, at = 0;
    while (text[at]) {
        size_t end = at + strcspn(text + at, " ");
        char *line = xstrndup(text, end);
        bool fits = pen_width(p, line, f) <= w;
        free(line);
        if (!fits)
            break;
        taken = end;
        at = end + strspn(text + end, " ");
    }
    if (taken)
        return taken;
    char *cut = pen_fit(p, text, w, f); /* one word is wider than the line */
    size_t n = strlen(cut), dots = strlen("\u2026");
    taken = n > dots && strncmp(cut, text, n - dots) == 0 && strlen(text) > n - dots ? n - dots : n;
    free(cut);
    return taken < strlen(text) ? taken : strlen(text);
}

double pen_paragraph(struct pen *p, double x, double y, double w, const char *text,
                     struct figure_font f, figure_color color)
{
    double step = f.size * 1.3, from = y;
    while (text && *text) {
        size_t n = line_of(p, text, w, f);
        char *line = xstrndup(text, n ? n : 1);
        pen_text(p, x, y + f.size, line, f, color, PEN_LEFT);
        free(line);
        text += n ? n : 1;
        text += strspn(text, " ");
        y += step;
    }
    return y - from;
}

/* ---- shapes */

void pen_path(struct pen *p, const double *xy, int count, bool closed, struct figure_ink ink)
{
    if (p->dry || count < 1)
        return;
    if (p->svg)
        svg_shape(p->svg, xy, count, closed, &ink);
    else
        p->module->shape(p->canvas, xy, count, closed, &ink);
}

void pen_frame(struct pen *p, double x, double y, double w, double h, struct figure_ink ink)
{
    const double xy[] = {x, y, x + w, y, x + w, y + h, x, y + h};
    if (p->dry)
        return;
    if (p->svg)
        svg_rect(p->svg, x, y, w, h, &ink);
    else
        p->module->shape(p->canvas, xy, 4, true, &ink);
}

void pen_cell(struct pen *p, double x, double y, double w, double h, figure_color color)
{
    pen_frame(p, x, y, w, h, (struct figure_ink){.color = color, .fill = 1, .sharp = true});
}

void pen_line(struct pen *p, double x1, double y1, double x2, double y2, struct figure_ink ink)
{
    const double xy[] = {x1, y1, x2, y2};
    pen_path(p, xy, 2, false, ink);
}

void pen_dot(struct pen *p, double x, double y, double radius, figure_color color)
{
    const struct figure_ink ink = {.color = color, .fill = 1};
    if (p->dry)
        return;
    if (p->svg)
        svg_dot(p->svg, x, y, radius, color);
    else
        p->module->dot(p->canvas, x, y, radius, &ink);
}

void pen_image(struct pen *p, const uint8_t *rgb, int w, int h, double x, double y, double width,
               double height)
{
    const double at[4] = {x, y, width, height};
    if (p->dry)
        return;
    if (p->svg)
        svg_image(p->svg, rgb, w, h, at);
    else
        p->module->image(p->canvas, rgb, w, h, at);
}

figure_color pen_ink(figure_color back)
{
    double sum = 0;
    const double weight[3] = {0.2126, 0.7152, 0.0722}; /* WCAG 2.2, "relative luminance" */
    for (int i = 0; i < 3; i++) {
        double s = (back >> (16 - 8 * i) & 255) / 255.0;
        sum += weight[i] * (s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4));
    }
    return sum > 0.179 ? 0x000000 : 0xffffff;
}
