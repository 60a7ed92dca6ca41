/* SPDX-License-Identifier: MIT */
/* The module for figures: Pango finds and sets glyphs, Cairo draws them.
 *
 * Metrics are never hinted, so that a text is as wide in a PNG as in a PDF. */
#include "src/figure/module.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY "DejaVu Sans, Noto Sans, Liberation Sans, Sans" /* the first that is there */

/* An outline that was asked for: a glyph of a font, which has a size. */
struct outline {
    PangoFont *font;
    PangoGlyph glyph;
};

struct figure_canvas {
    cairo_surface_t *measure, *page; /* page NULL: none has begun */
    cairo_t *scratch, *cr;
    PangoFontMap *fonts;
    PangoContext *context;
    PangoLayout *layout;
    struct outline *outlines;
    unsigned outline_count;
};

static void canvas_close(struct figure_canvas *c)
{
    for (unsigned i = 0; i < c->outline_count; i++)
        g_object_unref(c->outlines[i].font);
    free(c->outlines);
    if (c->layout)
        g_object_unref(c->layout);
    if (c->context)
        g_object_unref(c->context);
    if (c->fonts)
        g_object_unref(c->fonts);
    if (c->cr)
        cairo_destroy(c->cr);
    if (c->page)
        cairo_surface_destroy(c->page);
    cairo_destroy(c->scratch);
    cairo_surface_destroy(c->measure);
    free(c);
}

static bool has_fonts(PangoContext *context)
{
    PangoFontFamily **list = NULL;
    int n = 0;
    pango_context_list_families(context, &list, &n);
    g_free(list);
    return n > 0;
}

static struct figure_canvas *canvas_open(void)
{
    struct figure_canvas *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->measure = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    c->scratch = cairo_create(c->measure);
    c->fonts = pango_cairo_font_map_new(); /* its own: the shared one is never freed */
    c->context = pango_font_map_create_context(c->fonts);
    cairo_font_options_t *plain = cairo_font_options_create();
    cairo_font_options_set_hint_style(plain, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(plain, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(plain, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(c->context, plain);
    cairo_font_options_destroy(plain);
    pango_cairo_context_set_resolution(c->context, 72);
    pango_context_set_round_glyph_positions(c->context, FALSE);
    pango_context_set_language(c->context, pango_language_from_string("en"));
    c->layout = pango_layout_new(c->context);
    if (has_fonts(c->context))
        return c;
    canvas_close(c);
    return NULL;
}

/* ---- pages */

struct sink {
    bool (*write)(void *arg, const void *data, size_t len);
    void *arg;
};
static const cairo_user_data_key_t sink_key;

static cairo_status_t sink_write(void *arg, const unsigned char *data, unsigned int len)
{
    const struct sink *s = arg;
    return s->write(s->arg, data, len) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static bool page_begun(struct figure_canvas *c)
{
    c->cr = cairo_create(c->page);
    return cairo_status(c->cr) == CAIRO_STATUS_SUCCESS;
}

static bool begin_pdf(struct figure_canvas *c, double w, double h,
                      bool (*write)(void *arg, const void *data, size_t len), void *arg)
{
    struct sink *s = malloc(sizeof *s);
    if (!s)
        return false;
    *s = (struct sink){write, arg};
    c->page = cairo_pdf_surface_create_for_stream(sink_write, s, w, h);
    cairo_surface_set_user_data(c->page, &sink_key, s, free);
    cairo_pdf_surface_set_metadata(c->page, CAIRO_PDF_METADATA_CREATE_DATE, ""); /* none */
    cairo_pdf_surface_restrict_to_version(c->page, CAIRO_PDF_VERSION_1_5);
    return page_begun(c);
}

static bool begin_pixels(struct figure_canvas *c, int w, int h, double scale)
{
    c->page = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
    if (!page_begun(c))
        return false;
    cairo_set_source_rgb(c->cr, 1, 1, 1);
    cairo_paint(c->cr);
    cairo_scale(c->cr, scale, scale);
    return true;
}

static bool canvas_finish(struct figure_canvas *c)
{
    bool good = cairo_status(c->cr) == CAIRO_STATUS_SUCCESS;
    cairo_surface_t *page = c->page;
    if (cairo_surface_get_type(page) == CAIRO_SURFACE_TYPE_PDF)
        cairo_surface_finish(page);
    else
        cairo_surface_flush(page);
    return good && cairo_surface_status(page) == CAIRO_STATUS_SUCCESS;
}

static uint8_t *canvas_pixels(struct figure_canvas *c)
{
    int w = cairo_image_surface_get_width(c->page), h = cairo_image_surface_get_height(c->page);
    int stride = cairo_image_surface_get_stride(c->page);
    const unsigned char *data = cairo_image_surface_get_data(c->page);
    uint8_t *rgb = calloc((size_t)w * (size_t)h, 3);
    for (int y = 0; rgb && y < h; y++)
        for (int x = 0; x < w; x++) {
            uint32_t pixel;
            uint8_t *out = rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            memcpy(&pixel, data + (ptrdiff_t)y * stride + 4 * (ptrdiff_t)x, sizeof pixel);
            out[0] = (uint8_t)(pixel >> 16);
            out[1] = (uint8_t)(pixel >> 8);
            out[2] = (uint8_t)pixel;
        }
    return rgb;
}

/* ---- text */

static void set_text(struct figure_canvas *c, const char *text, struct figure_font f)
{
    PangoFontDescription *d = pango_font_description_from_string(FAMILY);
    pango_font_description_set_size(d, (int)(f.size * PANGO_SCALE + 0.5));
    pango_font_description_set_weight(d, f.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(c->layout, d);
    pango_font_description_free(d);
    pango_layout_set_single_paragraph_mode(c->layout, TRUE);
    pango_layout_set_text(c->layout, text, -1);
}

static double text_width(struct figure_canvas *c, const char *text, struct figure_font f)
{
    PangoRectangle r;
    set_text(c, text, f);
    pango_layout_get_extents(c->layout, NULL, &r);
    return (double)r.width / PANGO_SCALE;
}

static void set_color(cairo_t *cr, uint32_t color, double alpha)
{
    cairo_set_source_rgba(cr, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
                          (color & 255) / 255.0, alpha);
}

static void draw_text(struct figure_canvas *c, double x, double y, const char *text,
                      struct figure_font f, uint32_t color, bool turned)
{
    set_text(c, text, f);
    cairo_save(c->cr);
    cairo_move_to(c->cr, x, y);
    if (turned)
        cairo_rotate(c->cr, -1.5707963267948966);
    set_color(c->cr, color, 1);
    pango_cairo_show_layout_line(c->cr, pango_layout_get_line_readonly(c->layout, 0));
    cairo_restore(c->cr);
}

static unsigned find_outline(struct figure_canvas *c, PangoFont *font, PangoGlyph glyph)
{
    for (unsigned i = 0; i < c->outline_count; i++)
        if (c->outlines[i].font == font && c->outlines[i].glyph == glyph)
            return i;
    struct outline *more = realloc(c->outlines, (c->outline_count + 1) * sizeof *more);
    if (!more)
        abort();
    c->outlines = more;
    more[c->outline_count] = (struct outline){g_object_ref(font), glyph};
    return c->outline_count++;
}

static void text_glyphs(struct figure_canvas *c, const char *text, struct figure_font f,
                        figure_glyph *glyph, void *arg)
{
    double x = 0;
    set_text(c, text, f);
    PangoLayoutLine *line = pango_layout_get_line_readonly(c->layout, 0);
    for (GSList *l = line->runs; l; l = l->next) {
        const PangoLayoutRun *run = l->data;
        PangoFont *font = run->item->analysis.font;
        for (int i = 0; i < run->glyphs->num_glyphs; i++) {
            const PangoGlyphInfo *g = &run->glyphs->glyphs[i];
            bool drawn = g->glyph != PANGO_GLYPH_EMPTY && !(g->glyph & PANGO_GLYPH_UNKNOWN_FLAG);
            if (drawn)
                glyph(arg, find_outline(c, font, g->glyph),
                      x + (double)g->geometry.x_offset / PANGO_SCALE,
                      (double)g->geometry.y_offset / PANGO_SCALE);
            x += (double)g->geometry.width / PANGO_SCALE;
        }
    }
}

static void glyph_outline(struct figure_canvas *c, unsigned outline, figure_outline *part,
                          void *arg)
{
    static const char ops[] = {[CAIRO_PATH_MOVE_TO] = 'M', [CAIRO_PATH_LINE_TO] = 'L',
                               [CAIRO_PATH_CURVE_TO] = 'C', [CAIRO_PATH_CLOSE_PATH] = 'Z'};
    const struct outline *o = &c->outlines[outline];
    const cairo_glyph_t g = {o->glyph, 0, 0};
    cairo_set_scaled_font(c->scratch, pango_cairo_font_get_scaled_font(PANGO_CAIRO_FONT(o->font)));
    cairo_new_path(c->scratch);
    cairo_glyph_path(c->scratch, &g, 1);
    cairo_path_t *path = cairo_copy_path(c->scratch);
    for (int i = 0; i < path->num_data; i += path->data[i].header.length) {
        double at[6];
        int n = path->data[i].header.length - 1;
        for (int k = 0; k < n && k < 3; k++) {
            at[2 * k] = path->data[i + 1 + k].point.x;
            at[2 * k + 1] = path->data[i + 1 + k].point.y;
        }
        part(arg, ops[path->data[i].header.type], at, 2 * n);
    }
    cairo_path_destroy(path);
    cairo_new_path(c->scratch);
}

/* ---- shapes */

static void ink_path(cairo_t *cr, const struct figure_ink *ink)
{
    const double dash[] = {2.5, 2};
    cairo_set_antialias(cr, ink->sharp ? CAIRO_ANTIALIAS_NONE : CAIRO_ANTIALIAS_DEFAULT);
    if (ink->fill > 0) {
        set_color(cr, ink->color, ink->fill);
        cairo_fill_preserve(cr);
    }
    if (ink->width > 0) {
        set_color(cr, ink->color, 1);
        cairo_set_line_width(cr, ink->width);
        cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
        cairo_set_dash(cr, dash, ink->dashed ? 2 : 0, 0);
        cairo_stroke_preserve(cr);
    }
    cairo_new_path(cr);
}

static void draw_shape(struct figure_canvas *c, const double *xy, int count, bool closed,
                       const struct figure_ink *ink)
{
    cairo_new_path(c->cr); /* text has left a point */
    for (int i = 0; i < count; i++)
        cairo_line_to(c->cr, xy[2 * i], xy[2 * i + 1]);
    if (closed)
        cairo_close_path(c->cr);
    ink_path(c->cr, ink);
}

static void draw_dot(struct figure_canvas *c, double x, double y, double radius,
                     const struct figure_ink *ink)
{
    cairo_new_sub_path(c->cr);
    cairo_arc(c->cr, x, y, radius, 0, 6.283185307179586);
    ink_path(c->cr, ink);
}

static void draw_image(struct figure_canvas *c, const uint8_t *rgb, int w, int h,
                       const double at[4])
{
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
    unsigned char *data = cairo_image_surface_get_data(s);
    int stride = cairo_image_surface_get_stride(s);
    for (int y = 0; data && y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *p = rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            uint32_t pixel = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            memcpy(data + (ptrdiff_t)y * stride + 4 * (ptrdiff_t)x, &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(s);
    cairo_save(c->cr);
    cairo_translate(c->cr, at[0], at[1]);
    cairo_scale(c->cr, at[2] / w, at[3] / h);
    cairo_set_source_surface(c->cr, s, 0, 0);
    cairo_pattern_set_extend(cairo_get_source(c->cr), CAIRO_EXTEND_PAD);
    cairo_rectangle(c->cr, 0, 0, w, h);
    cairo_fill(c->cr);
    cairo_restore(c->cr);
    cairo_surface_destroy(s);
}

extern const struct figure_module vilscope_figure_module;
const struct figure_module vilscope_figure_module = {
    .version = FIGURE_MODULE_VERSION,
    .open = canvas_open,
    .begin_pdf = begin_pdf,
    .begin_pixels = begin_pixels,
    .finish = canvas_finish,
    .pixels = canvas_pixels,
    .close = canvas_close,
    .width = text_width,
    .text = draw_text,
    .shape = draw_shape,
    .dot = draw_dot,
    .image = draw_image,
    .glyphs = text_glyphs,
    .outline = glyph_outline,
};
