/* SPDX-License-Identifier: MIT */
/* Taking things out: pictures, numbers, results, the screen itself. */
#include "src/formats/base64.h"
#include "src/formats/npy.h"
#include "src/formats/outfile.h"
#include "src/formats/pngwrite.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "ui/kit/font.h"
#include "ui/kit/term_virtual.h"
#include "ui/state/stale.h"
#include "ui/kit/text.h"
#include "ui/actions/actions.h"
#include "ui/views/figures.h"

#include <curses.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wchar.h>

static const struct rgb white = {255, 255, 255}, black = {0, 0, 0};

static void export_tell(struct workbench *w, int rc, const char *path, const char *what,
                        const struct vs_err *err)
{
    if (rc == 0)
        workbench_say_file(w, path, what);
    else
        workbench_say(w, true, "%s", err->text);
}

/* ---- the composed picture */

/* Lines below the picture, for a paper: what was asked, what the colors and ranks mean. */
struct legend {
    struct canvas *c;
    int y, scale;
};

static void legend_text(struct legend *l, int x, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void legend_text(struct legend *l, int x, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    font_draw(l->c, x, l->y, text, l->scale, black);
}

static void legend_line(struct legend *l)
{
    l->y += 11 * l->scale;
}

static void legend_ranks(const struct workbench *w, struct legend *l)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w), n = r->box_count < w->how.boxes ? r->box_count
                                                                      : w->how.boxes;
    for (int i = 0; i < n; i++) {
        int size = 7 * l->scale;
        if (r->boxes[i].image != image)
            continue;
        canvas_fill(l->c, 4, l->y, 4 + size, l->y + size, draw_rank_color(i));
        legend_text(l, 4 + 2 * size, "%d  region %d %s  %.4f", i + 1, r->boxes[i].region,
                    r->boxes[i].label ? r->boxes[i].label : "", (double)r->boxes[i].softmax);
        legend_line(l);
    }
}

static void legend_heat(const struct workbench *w, struct legend *l)
{
    char name[320];
    legend_text(l, 4, "0");
    for (int x = 0; x < 60 * l->scale; x++)
        canvas_fill(l->c, 12 * l->scale + x, l->y, 12 * l->scale + x, l->y + 7 * l->scale,
                    canvas_heat_color((float)x / (float)(60 * l->scale)));
    legend_text(l, 76 * l->scale, "%.4f", (double)photo_top(w, w->now.r));
    legend_line(l);
    photo_looks(w, name, sizeof name);
    legend_text(l, 4, "%s", name);
    legend_line(l);
}

static void legend_answers(const struct workbench *w, struct legend *l)
{
    const struct result *r = w->now.r;
    bool align = r->task->reading->ranked == RANKED_IMAGES;
    for (int i = 0; i < r->answer_count && i < 3; i++) {
        legend_text(l, 4, "%d  %s  %.4f", i + 1, align ? draw_base_name(r->answers[i].label)
                                                       : r->answers[i].label,
                    (double)(align ? r->answers[i].logit : r->answers[i].softmax));
        legend_line(l);
    }
}

static void draw_export_legend(const struct workbench *w, struct legend *l)
{
    const struct result *r = photo_in_result(w) >= 0 && !w->stale ? w->now.r : NULL;
    int n = 0;
    if (!r)
        return;
    float *weights = w->sel->overlay ? photo_weights(w, &w->sel->slice, &n) : NULL;
    legend_text(l, 4, "%s: %s", r->task->title, r->text);
    legend_line(l);
    if (r->changes) {
        char *changes = change_list_show(r->changes);
        legend_text(l, 4, "with %s", changes);
        free(changes);
        legend_line(l);
    }
    if (weights)
        legend_heat(w, l);
    else if (r->box_count)
        legend_ranks(w, l);
    else
        legend_answers(w, l);
    legend_text(l, 4, "%s / %s", r->model_name, r->checkpoint_name);
    legend_line(l);
    free(weights);
}

/* At the image's own resolution; small ones are doubled until letters are small beside them. */
static int export_photo(struct workbench *w, const char *path, struct vs_err *err)
{
    const struct image *im =
        w->ses.photo < w->ses.photo_count ? w->ses.photos[w->ses.photo]->image : NULL;
    enum gfx_mode mode = w->screen.gfx.mode;
    int zoom = 1;
    if (!im)
        return vs_fail(err, VS_E_USAGE, "no image is open");
    while (im->width * zoom < 480 && zoom < 8)
        zoom++;
    double scale = fmin(zoom, 4000.0 / fmax(im->width, im->height));
    struct frame f = {.scale = scale, .w = (int)(im->width * scale),
                      .h = (int)(im->height * scale)};
    struct canvas *c = canvas_new(f.w, f.h), *page = NULL;
    if (!c)
        return vs_fail(err, VS_E_LIMIT, "%s: the image is too large", path);
    w->screen.gfx.mode = GFX_SIXEL; /* pixels, whatever the screen can */
    struct photo_cache cache = {0};
    const struct photo_paint x = {.photo = w->ses.photo, .r = w->stale ? NULL : w->now.r,
                                  .rank = w->sel->rank, .top = photo_top(w, w->now.r),
                                  .cache = &cache};
    photo_compose(w, &x, c, &f);
    canvas_free(cache.c);
    w->screen.gfx.mode = mode;
    struct legend l = {.scale = 1 + f.w / 500};
    bool legend = photo_in_result(w) >= 0 && !w->stale;
    int rows = legend ? 5 + (w->how.boxes > 3 ? w->how.boxes : 3) : 0;
    page = canvas_new(f.w, f.h + rows * 11 * l.scale + 4);
    if (page) {
        canvas_fill(page, 0, f.h, page->w - 1, page->h - 1, white);
        canvas_put(page, 0, 0, c);
        l.c = page;
        l.y = f.h + 4;
        draw_export_legend(w, &l);
        page->h = l.y < page->h ? l.y : page->h; /* what the legend took */
    }
    struct canvas *whole = page ? page : c;
    int rc = png_write(path, whole->rgb, whole->w, whole->h, err);
    canvas_free(page);
    canvas_free(c);
    return rc;
}

/* What the terminal shows of the pane, in a build that has no figures. */
static int export_pane(struct workbench *w, const char *path, struct vs_err *err)
{
    const struct canvas *c = w->screen.gfx.places[panes_focused(&w->panes)->slot].canvas;
    if (panes_view(&w->panes) != &view_image && c)
        return png_write(path, c->rgb, c->w, c->h, err);
    if (panes_view(&w->panes) != &view_image)
        return vs_fail(err, VS_E_USAGE, "the view %s has no picture", panes_view(&w->panes)->name);
    return export_photo(w, path, err);
}

static int export_figure(struct workbench *w, const char *path, struct vs_err *err)
{
    struct figure f;
    struct figure_how how = FIGURE_HOW_USUAL;
    how.width = w->how.figure_width ? w->how.figure_width : how.width;
    how.dpi = w->how.figure_dpi ? w->how.figure_dpi : how.dpi;
    int rc = view_figure(w, panes_focused(&w->panes), &f, err);
    if (rc == 0)
        rc = figure_write(&f, path, &how, err);
    figure_fini(&f);
    return rc;
}

/* SVG, PDF, PNG: a figure, or, where none can be drawn, a PNG of the pane and the reason. */
static void do_export_figure(struct workbench *w, const char *path, struct vs_err *err)
{
    const char *missing = figure_missing();
    if (!missing)
        export_tell(w, export_figure(w, path, err), path, "figure written", err);
    else if (!ends_in(path, ".png"))
        workbench_say(w, true, "%s: %s; a .png of the pane can be written", path, missing);
    else if (export_pane(w, path, err) != 0)
        workbench_say(w, true, "%s", err->text);
    else
        workbench_say(w, false, "%s: image of the pane written: %s", path, missing);
}

/* ---- numbers */

static void put_field(struct outfile *o, const char *s)
{
    char *field = plain_field(s, false);
    outfile_write(o, field, strlen(field));
    free(field);
}

static int write_csv(const char *path, const struct table *t, struct vs_err *err)
{
    struct outfile o;
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    put_field(&o, "name");
    for (int j = 0; j < t->cols; j++) {
        outfile_write(&o, ",", 1);
        put_field(&o, t->col_names[j] ? t->col_names[j] : "");
    }
    outfile_write(&o, "\n", 1);
    for (int i = 0; i < t->rows; i++) {
        put_field(&o, t->row_names[i] ? t->row_names[i] : "");
        for (int j = 0; j < t->cols; j++) {
            char number[32];
            double x = (double)t->x[(ptrdiff_t)i * t->cols + j];
            int n = snprintf(number, sizeof number, isnan(x) ? "," : ",%.9g", x);
            outfile_write(&o, number, (size_t)n);
        }
        outfile_write(&o, "\n", 1);
    }
    return outfile_close(&o, err);
}

static int export_table(struct workbench *w, const char *path, struct vs_err *err)
{
    struct pane *p = panes_focused(&w->panes);
    const struct view *v = p->view;
    struct table t;
    if (!v->table || !v->table(w, p, &t))
        return vs_fail(err, VS_E_USAGE, "the view %s has no numbers to write at present", v->name);
    const int64_t shape[2] = {t.rows, t.cols};
    int rc = ends_in(path, ".csv") ? write_csv(path, &t, err)
                                   : npy_write_f32(path, 2, shape, t.x, err);
    table_fini(&t);
    return rc;
}

static int export_json(struct workbench *w, const char *path, struct vs_err *err)
{
    struct outfile o;
    if (!w->now.r)
        return vs_fail(err, VS_E_USAGE, "there is no result to write: ask something first");
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    if (w->ses.model)
        model_complete(w->ses.model, w->now.r);
    char *json = result_json(w->now.r, 1);
    outfile_write(&o, json, strlen(json));
    outfile_write(&o, "\n", 1);
    free(json);
    return outfile_close(&o, err);
}

/* What was taken out of a view that is not about what the screen says. */
static void tell_stale(struct workbench *w, const char *path)
{
    struct pane *p = panes_focused(&w->panes);
    char about[512];
    if (!w->status.bad && p->view->stale && p->view->stale(w, p, about, sizeof about))
        workbench_say(w, true, "%s was written, but is %s", path, about + 2);
}

void do_export(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    w->stale = stale_bits(w); /* the frame may be older than what a script did last */
    if (!*arg)
        typed_command(w, "export ");
    else if (figure_is_name(arg))
        do_export_figure(w, arg, &err);
    else if (ends_in(arg, ".csv") || ends_in(arg, ".npy"))
        export_tell(w, export_table(w, arg, &err), arg, "numbers written", &err);
    else if (ends_in(arg, ".json"))
        export_tell(w, export_json(w, arg, &err), arg, "result written", &err);
    else
        workbench_say(w, true, "export to a .svg, .pdf, .png, .csv, .npy or .json, not '%s'", arg);
    if (*arg)
        tell_stale(w, arg);
}

/* ---- the screen */

void do_save_display(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    struct outfile o;
    int row, col;
    panes_draw(w);
    getyx(stdscr, row, col);
    int rc = outfile_open(&o, arg, &err);
    for (int i = 0; rc == 0 && i < LINES; i++) {
        wchar_t line[1024] = {0};
        char text[4 * 1024];
        int n = COLS < 1023 ? COLS : 1023;
        mvinnwstr(i, 0, line, n);
        for (wchar_t *s = line; *s; s++)
            *s = *s == 0xa0 || (*s >= 0x2000 && *s <= 0x200a) ? L' ' : *s; /* under pictures */
        size_t len = wcstombs(text, line, sizeof text - 1);
        len = len == (size_t)-1 ? 0 : len;
        while (len > 0 && text[len - 1] == ' ')
            len--;
        text[len++] = '\n';
        outfile_write(&o, text, len);
    }
    move(row, col);
    if (rc == 0)
        rc = outfile_close(&o, &err);
    export_tell(w, rc, arg, "screen written", &err);
}

void do_save_images(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int rc = 0, count = 0;
    panes_draw(w);
    if (mkdir(arg, 0777) != 0 && errno != EEXIST)
        rc = vs_fail(&err, VS_E_IO, "%s: %s", arg, strerror(errno));
    for (int i = 0; rc == 0 && i < GFX_PLACES; i++) {
        const struct gfx_place *p = &w->screen.gfx.places[i];
        if (!p->wanted || !p->canvas)
            continue;
        char *path = xasprintf("%s/%d.png", arg, ++count);
        rc = png_write(path, p->canvas->rgb, p->canvas->w, p->canvas->h, &err);
        free(path);
    }
    if (rc == 0)
        workbench_say(w, false, "%s: %d PNG files written", arg, count);
    else
        workbench_say(w, true, "%s", err.text);
}

/* ---- the clipboard */

/* What is chosen: the answer with its number, or the box. */
static char *chosen_text(const struct workbench *w)
{
    const struct result *r = w->now.r;
    if (!r)
        return w->typed.query.len ? xstrdup(w->typed.query.text) : NULL;
    if (w->sel->rank < r->box_count) {
        const struct result_box *b = &r->boxes[w->sel->rank];
        return xasprintf("region %d %s\t%.6g\t%.1f %.1f %.1f %.1f", b->region,
                         b->label ? b->label : "", (double)b->softmax, (double)b->box[0],
                         (double)b->box[1], (double)b->box[2], (double)b->box[3]);
    }
    if (w->sel->rank < r->answer_count)
        return xasprintf("%s\t%.6g", r->answers[w->sel->rank].label,
                         (double)r->answers[w->sel->rank].softmax);
    return xstrdup(r->text);
}

void do_copy(struct workbench *w, const char *arg)
{
    char *text = chosen_text(w), clean[1024];
    struct buf out = {0};
    (void)arg;
    if (!text || term_virtual()) {
        workbench_say(w, true, text ? "there is no terminal whose clipboard could take it"
                                    : "nothing is chosen to copy");
        free(text);
        return;
    }
    buf_puts(&out, "\033]52;c;"); /* OSC 52: set the clipboard */
    base64_encode(text, strlen(text), &out);
    buf_puts(&out, "\033\\");
    gfx_send(&w->screen.gfx, out.data, out.len);
    text_fit(text, 60, clean, sizeof clean);
    /* OSC 52 is not answered: terminals may refuse it, and tmux unless set-clipboard is on. */
    workbench_say(w, false, "sent to the clipboard: %s (the terminal does not say whether it took "
                  "it)", clean);
    buf_fini(&out);
    free(text);
}
