/* SPDX-License-Identifier: MIT */
/* The page: a title, what it is about, panels, a caption. It is laid out twice, dry and then on
 * paper, as its height is that of what stands on it. */
#include "src/figure/page.h"

#include "src/base/mem.h"
#include "src/figure/svg.h"
#include "src/formats/modulefile.h"
#include "src/formats/outfile.h"
#include "src/formats/pngwrite.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_PER_MM (72 / 25.4)
#define MARGIN 5.0
#define GAP 9.0        /* between panels */
#define MOST 40000.0   /* points of a page's height */
#define MOST_PIXELS 32000

/* ---- the module */

static struct {
    pthread_once_t once;
    const struct figure_module *module;
    char why[240];
} loaded = {.once = PTHREAD_ONCE_INIT};

static void figure_module_load(void)
{
    char why[160];
    const struct figure_module *m =
        module_symbol(FIGURE_MODULE, FIGURE_MODULE_SYMBOL, why, sizeof why);
    if (m && m->version == FIGURE_MODULE_VERSION)
        loaded.module = m;
    else if (!m && !*why)
        snprintf(loaded.why, sizeof loaded.why, "this vilscope was built without Cairo and Pango, "
                 "which draw figures: install libpango1.0-dev (INSTALL.md) and build it anew");
    else
        snprintf(loaded.why, sizeof loaded.why, "the module for figures does not start: %.120s",
                 *why ? why : "it belongs to another version of vilscope");
}

const char *figure_missing(void)
{
    pthread_once(&loaded.once, figure_module_load);
    return loaded.module ? NULL : loaded.why;
}

/* ---- laying out */

static double draw_panel(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    const struct figure_font bold = {PEN_TEXT, true}, small = {PEN_SMALL, false};
    double from = at.y;
    if (x->title)
        at.y += pen_paragraph(p, at.x, at.y, at.w, x->title, bold, PEN_BLACK) + 3;
    switch (x->shape) {
    case FIGURE_MATRIX: at.y += figure_draw_matrix(p, x, at); break;
    case FIGURE_BARS: at.y += figure_draw_bars(p, x, at); break;
    case FIGURE_TABLE: at.y += figure_draw_table(p, x, at); break;
    case FIGURE_PHOTO: at.y += figure_draw_photo(p, x, at); break;
    case FIGURE_CURVES: at.y += figure_draw_curves(p, x, at); break;
    }
    if (x->note)
        at.y += 3 + pen_paragraph(p, at.x, at.y + 3, at.w, x->note, small, PEN_GRAY);
    return at.y - from;
}

/* Panels in rows; one that would be alone beside nothing takes the whole width. */
static double draw_panels(struct pen *p, const struct figure *f, struct figure_place at)
{
    int columns = f->columns > 1 ? f->columns : 1;
    double from = at.y;
    for (int i = 0; i < f->panel_count;) {
        int n = f->panel_count - i < columns ? f->panel_count - i : columns;
        double gap = columns > 4 ? GAP / 2 : GAP;
        bool alone = n == 1 && columns > 1 && !f->even;
        double wide = alone ? at.w : (at.w - gap * (columns - 1)) / columns;
        double high = 0;
        for (int k = 0; k < n; k++, i++)
            high = fmax(high, draw_panel(p, &f->panels[i], (struct figure_place){
                                         at.x + k * (wide + gap), at.y, wide}));
        at.y += high + (i < f->panel_count ? GAP : 0);
    }
    return at.y - from;
}

/* Returns the height of the page. */
static double draw_page(struct pen *p, const struct figure *f, double width)
{
    const struct figure_font title = {PEN_TITLE, true}, text = {PEN_TEXT, false},
                             tiny = {PEN_TINY, false};
    struct figure_place at = {MARGIN, MARGIN, width - 2 * MARGIN};
    at.y += pen_paragraph(p, at.x, at.y, at.w, f->title, title, PEN_BLACK);
    for (int i = 0; i < f->line_count; i++)
        at.y += pen_paragraph(p, at.x, at.y, at.w, f->lines[i], text, PEN_GRAY);
    at.y += GAP * 0.6;
    at.y += draw_panels(p, f, at);
    if (f->caption)
        at.y += GAP * 0.6 + pen_paragraph(p, at.x, at.y + GAP * 0.6, at.w, f->caption, tiny,
                                          PEN_GRAY);
    return at.y + MARGIN;
}

/* ---- files */

bool figure_is_name(const char *path)
{
    return ends_in(path, ".svg") || ends_in(path, ".pdf") || ends_in(path, ".png");
}

static bool page_write(void *arg, const void *data, size_t len)
{
    outfile_write(arg, data, len);
    return true; /* the file remembers */
}

static int write_svg(struct pen *p, const struct figure *f, double w, double h, const char *path,
                     struct vs_err *err)
{
    struct outfile o;
    struct buf text = {0};
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    p->svg = svg_new(p->module, p->canvas);
    draw_page(p, f, w);
    svg_document(p->svg, w, h, f->title, &text);
    outfile_write(&o, text.data, text.len);
    buf_fini(&text);
    svg_free(p->svg);
    return outfile_close(&o, err);
}

static int write_pdf(struct pen *p, const struct figure *f, double w, double h, const char *path,
                     struct vs_err *err)
{
    struct outfile o;
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    bool good = p->module->begin_pdf(p->canvas, w, h, page_write, &o);
    if (good) {
        draw_page(p, f, w);
        good = p->module->finish(p->canvas);
    }
    if (good)
        return outfile_close(&o, err);
    outfile_drop(&o);
    return vs_fail(err, VS_E_LIMIT, "%s: the figure could not be drawn as PDF", path);
}

static int write_png(struct pen *p, const struct figure *f, double w, double h,
                     const struct figure_how *how, const char *path, struct vs_err *err)
{
    double scale = how->dpi / 72.0;
    int wide = (int)lround(w * scale), high = (int)ceil(h * scale - 0.001);
    if (wide > MOST_PIXELS || high > MOST_PIXELS)
        return vs_fail(err, VS_E_LIMIT, "%s: %dx%d pixels are too many for a PNG: fewer dots per "
                       "inch, or a PDF or SVG", path, wide, high);
    if (!p->module->begin_pixels(p->canvas, wide, high, scale))
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for %dx%d pixels", path, wide, high);
    draw_page(p, f, w);
    uint8_t *rgb = p->module->finish(p->canvas) ? p->module->pixels(p->canvas) : NULL;
    int rc = rgb ? png_write_dpi(path, rgb, wide, high, how->dpi, err)
                 : vs_fail(err, VS_E_LIMIT, "%s: the figure could not be drawn", path);
    free(rgb);
    return rc;
}

int figure_write(const struct figure *f, const char *path, const struct figure_how *how,
                 struct vs_err *err)
{
    const char *missing = figure_missing();
    if (missing)
        return vs_fail(err, VS_E_REFUSED, "%s: %s", path, missing);
    struct pen p = {.module = loaded.module, .canvas = loaded.module->open(), .dry = true};
    if (!p.canvas)
        return vs_fail(err, VS_E_MISSING, "%s: fontconfig finds no font on this machine: install "
                       "one, such as fonts-dejavu-core", path);
    double w = how->width * POINTS_PER_MM, h = draw_page(&p, f, w);
    p.dry = false;
    int rc = 0;
    if (h > MOST)
        rc = vs_fail(err, VS_E_LIMIT, "%s: the figure would be %.0f mm high", path,
                     h / POINTS_PER_MM);
    else if (ends_in(path, ".svg"))
        rc = write_svg(&p, f, w, h, path, err);
    else if (ends_in(path, ".pdf"))
        rc = write_pdf(&p, f, w, h, path, err);
    else
        rc = write_png(&p, f, w, h, how, path, err);
    p.module->close(p.canvas);
    return rc;
}
