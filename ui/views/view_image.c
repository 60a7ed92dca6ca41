/* SPDX-License-Identifier: MIT */
/* The photo, or several: two side by side, a grid in the order of their ranks, a strip of all that
 * are open. */
#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/views/figures.h"
#include "ui/views/views.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRIP_SLOT PANES     /* of the first pane's strip: behind the pictures of the panes */
#define MOST_ZOOM 16
#define STRIP_ROWS 3
#define STRIP_COLS 9
#define SHARE_COLS 27 /* of "; 0.123 of it on this image" */

/* Photos that are on the screen, for clicks. */
struct tile {
    int photo;
    struct area at;
};
#define TILES 128

struct photo_view {
    bool single;               /* one photo, where a result has several */
    unsigned went;             /* as w->ses.went was when it was zoomed */
    double zoom, pan_x, pan_y; /* pan is the middle of what is shown, 0 to 1; zoom 0: 1 */
    struct frame frame;
    struct tile tiles[TILES];
    int tile_count;
    struct photo_cache cache;  /* of the photo that was drawn last */
    float top;                 /* photo_top, in this frame; 0: nothing is drawn of a result */
};

/* 1: all of it. */
static double zoom_of(const struct workbench *w, const struct photo_view *v)
{
    return v->went == w->ses.went && v->zoom > 1 ? v->zoom : 1;
}

const struct frame *photo_frame(struct workbench *w)
{
    const struct photo_view *v = panes_of(&w->panes, &view_image)->state;
    return &v->frame;
}

/* ---- one */

/* The part of the photo that fills the area, as zoom and pan say. */
static void find_frame(const struct workbench *w, const struct photo_view *v,
                       const struct image *im, struct area a, double zoom, struct frame *f)
{
    int cw, ch, width, height;
    draw_cell(w, &cw, &ch);
    gfx_fit(&w->screen.gfx, a, im->width, im->height, &width, &height);
    f->scale = (double)width / im->width * zoom;
    double most_w = a.cols * cw, most_h = a.rows * ch;
    if (gfx_has_pixels(&w->screen.gfx)) {
        most_w = fmin(most_w, w->screen.gfx.most_w);
        most_h = fmin(most_h, w->screen.gfx.most_h);
    }
    f->w = zoom > 1 ? (int)fmin(most_w, im->width * f->scale) : width;
    f->h = zoom > 1 ? (int)fmin(most_h, im->height * f->scale) : height;
    double seen_w = f->w / f->scale, seen_h = f->h / f->scale;
    f->x = zoom > 1 ? fmin(fmax(v->pan_x * im->width - seen_w / 2, 0), im->width - seen_w) : 0;
    f->y = zoom > 1 ? fmin(fmax(v->pan_y * im->height - seen_h / 2, 0), im->height - seen_h) : 0;
    f->at.rows = (f->h + ch - 1) / ch;
    f->at.cols = (f->w + cw - 1) / cw;
    f->at.row = a.row + (a.rows - f->at.rows) / 2;
    f->at.col = a.col + (a.cols - f->at.cols) / 2;
}

/* Panning stays inside the picture, so that the next step moves it at once. */
static void settle_pan(struct photo_view *v, const struct image *im)
{
    double half_w = v->frame.w / v->frame.scale / 2, half_h = v->frame.h / v->frame.scale / 2;
    v->pan_x = fmin(fmax(v->pan_x, half_w / im->width), 1 - half_w / im->width);
    v->pan_y = fmin(fmax(v->pan_y, half_h / im->height), 1 - half_h / im->height);
}

static void add_tile(struct photo_view *v, int photo, struct area at)
{
    if (v->tile_count < TILES)
        v->tiles[v->tile_count++] = (struct tile){photo, at};
}

/* What is painted of a photo. */
static struct photo_paint paint_of(const struct workbench *w, struct photo_view *v, int photo)
{
    return (struct photo_paint){.photo = photo, .r = w->stale ? NULL : w->now.r,
                                .rank = w->sel->rank, .top = v->top, .cache = &v->cache};
}

static void draw_one(struct workbench *w, struct pane *p, struct area a)
{
    struct photo_view *v = p->state;
    const struct image *im = w->ses.photos[w->ses.photo]->image;
    const struct photo_paint x = paint_of(w, v, w->ses.photo);
    double zoom = zoom_of(w, v);
    find_frame(w, v, im, a, zoom, &v->frame);
    if (zoom > 1)
        settle_pan(v, im);
    struct canvas *c = draw_canvas(w, v->frame.w, v->frame.h);
    if (!c)
        return;
    photo_compose(w, &x, c, &v->frame);
    gfx_place(&w->screen.gfx, p->slot, v->frame.at, c);
}

/* ---- several */

/* The photos of the result that is shown, best first; NULL when they are not shown together. */
static int *photos_together(const struct workbench *w, const struct photo_view *v, int *count)
{
    const struct result *r = w->now.r;
    if (!r || r->image_count < 2 || v->single || w->typed.mode == MODE_BOX || zoom_of(w, v) > 1 ||
        photo_in_result(w) < 0 || w->stale)
        return NULL;
    int *list = xcalloc((size_t)r->image_count, sizeof *list);
    *count = 0;
    for (int i = 0; i < r->image_count; i++) {
        bool ranked = r->task->reading->ranked == RANKED_IMAGES && i < r->answer_count;
        int image = ranked ? r->answers[i].index : i;
        int at = session_find_photo(w, w->now.photos[image]);
        if (at >= 0 && w->ses.photos[at]->image)
            list[(*count)++] = at;
    }
    return list;
}

/* Columns that make tiles of about 4 by 3 largest. */
static int choose_columns(int n, int width, int height)
{
    int best = 1;
    double most = 0;
    if (n == 2)
        return 2; /* statements speak of the left one and the right one */
    for (int cols = 1; cols <= n; cols++) {
        int rows = (n + cols - 1) / cols;
        double size = fmin((double)width / cols / 4, (double)height / rows / 3);
        if (size > most * 1.001) {
            most = size;
            best = cols;
        }
    }
    return best;
}

/* "1 4.231": rank and alignment; "first", "second" of a pair. */
static void tile_label(const struct workbench *w, int i, char *out, size_t size)
{
    const struct result *r = w->now.r;
    if (r->task->reading->ranked == RANKED_IMAGES && i < r->answer_count)
        snprintf(out, size, "%d %.2f", i + 1, (double)r->answers[i].logit);
    else
        snprintf(out, size, "%d", i + 1);
}

static void draw_tile(struct workbench *w, struct photo_view *v, struct canvas *whole,
                      struct area at, int x, int y, int i, int photo)
{
    struct frame f = {0};
    struct rgb color = draw_rank_color(i);
    char text[32];
    const struct photo_paint paint = paint_of(w, v, photo);
    find_frame(w, v, w->ses.photos[photo]->image, at, 1, &f);
    struct canvas *c = draw_canvas(w, f.w, f.h);
    if (!c)
        return;
    photo_compose(w, &paint, c, &f);
    tile_label(w, i, text, sizeof text);
    if (photo == w->ses.photo)
        canvas_frame(c, 0, 0, c->w - 1, c->h - 1, gfx_has_pixels(&w->screen.gfx) ? 3 : 1, color);
    canvas_label(c, c->cells ? 0 : 4, c->cells ? 0 : 4, text, whole->w > 500 ? 2 : 1, color);
    canvas_put(whole, x, y, c);
    canvas_free(c);
    if (photo == w->ses.photo) {
        v->frame = f;
        v->frame.at.row = at.row; /* not in the middle: in the corner */
        v->frame.at.col = at.col;
    }
}

/* Rows of cells that the highest of the photos needs, and a blank one below; at most `most`. */
static int needed_rows(const struct workbench *w, const struct photo_view *v, const int *list,
                       int n, int cols, int most)
{
    int rows = 1;
    for (int i = 0; i < n && cols > 0; i++) {
        struct frame f = {0};
        find_frame(w, v, w->ses.photos[list[i]]->image, (struct area){0, 0, most, cols}, 1, &f);
        rows = f.at.rows > rows ? f.at.rows : rows;
    }
    return rows + 1 < most ? rows + 1 : most;
}

/* All in one picture, in cells that are all of one size; the photos begin in their left upper
 * corners. */
static void draw_together(struct workbench *w, struct pane *p, struct area a, const int *list,
                          int n)
{
    struct photo_view *v = p->state;
    int cw, ch;
    draw_cell(w, &cw, &ch);
    int cols = choose_columns(n, a.cols * cw, a.rows * ch), rows = (n + cols - 1) / cols;
    int wide = a.cols / cols, high = needed_rows(w, v, list, n, wide - 1, a.rows / rows);
    if (wide < 4 || high < 2) {
        draw_one(w, p, a);
        return;
    }
    struct area at = {a.row + (a.rows - high * rows) / 2, a.col, high * rows, wide * cols};
    struct canvas *whole = draw_canvas(w, at.cols * cw, at.rows * ch);
    for (int i = 0; whole && i < n; i++) {
        struct area tile = {at.row + i / cols * high, at.col + i % cols * wide,
                            high > 3 ? high - 1 : high, wide - 1};
        add_tile(v, list[i], tile);
        draw_tile(w, v, whole, tile, i % cols * wide * cw, i / cols * high * ch, i, list[i]);
    }
    gfx_place(&w->screen.gfx, p->slot, at, whole);
}

/* ---- the strip of all photos */

static const struct canvas *photo_thumb(struct workbench *w, int i, int width, int height)
{
    struct photo_state *s = &w->ses.states[i];
    const struct image *im = w->ses.photos[i]->image;
    if (!im || (s->thumb && s->thumb->w == width && s->thumb->h == height))
        return s->thumb;
    canvas_free(s->thumb);
    s->thumb = draw_canvas(w, width, height);
    if (s->thumb)
        canvas_photo(s->thumb, im->rgb, im->width, im->height);
    return s->thumb;
}

static void draw_strip(struct workbench *w, struct pane *p, struct area a)
{
    struct photo_view *v = p->state;
    int cw, ch, room = a.cols / STRIP_COLS, n = w->ses.photo_count;
    draw_cell(w, &cw, &ch);
    int from = w->ses.photo - room / 2;
    from = from > n - room ? n - room : from;
    from = from < 0 ? 0 : from;
    n = n - from < room ? n - from : room;
    struct canvas *c = draw_canvas(w, n * STRIP_COLS * cw, a.rows * ch);
    for (int i = 0; c && i < n; i++) {
        int x = i * STRIP_COLS * cw, width = (STRIP_COLS - 1) * cw,
            chosen = from + i == w->ses.photo;
        const struct canvas *t = photo_thumb(w, from + i, width, c->h);
        struct rgb color = chosen ? draw_rank_color(0) : (struct rgb){150, 150, 150};
        char text[16];
        snprintf(text, sizeof text, "%d", from + i + 1);
        if (t)
            canvas_put(c, x, 0, t);
        if (chosen)
            canvas_frame(c, x, 0, x + width - 1, c->h - 1, gfx_has_pixels(&w->screen.gfx) ? 3 : 1,
                         color);
        canvas_label(c, c->cells ? x : x + 3, c->cells ? 0 : 3, text, 1, color);
        add_tile(v, from + i, (struct area){a.row, a.col + i * STRIP_COLS, a.rows, STRIP_COLS - 1});
    }
    if (c)
        gfx_place(&w->screen.gfx, STRIP_SLOT + p->slot,
                  (struct area){a.row, a.col, a.rows, n * STRIP_COLS}, c);
}

/* ---- the legend */

static void draw_photo_legend(const struct workbench *w, const struct photo_view *v, struct area a)
{
    const struct chosen *s = w->sel;
    char name[320];
    double share;
    if (v->top > 0) {
        bool sign = s->slice.method && s->slice.method->is_signed;
        int n = sign ? draw_signs(a.row, a.col, v->top) : draw_scale(a.row, a.col, v->top);
        photo_looks(w, name, sizeof name);
        n += draw_text(a.row, a.col + n, a.cols - n, "%s", name);
        if (photo_share(w, &s->slice, &share) && n + SHARE_COLS <= a.cols)
            draw_text(a.row, a.col + n, a.cols - n, "; %.3f of it on this image", share);
    } else if (s->overlay && s->slice.method) {
        attribute_waits(w, &s->slice, name, sizeof name);
        draw_text(a.row, a.col, a.cols, "%s", name);
    } else if (s->region >= 0) {
        draw_region_name(w, s->region, name, sizeof name);
        draw_text(a.row, a.col, a.cols, "%s", name);
    } else if (zoom_of(w, v) > 1) {
        draw_text(a.row, a.col, a.cols, "%.1f times; < > zoom, Shift and arrows pan", v->zoom);
    } else if (w->stale && photo_in_result(w) >= 0) {
        draw_text(a.row, a.col, a.cols,
                  "no boxes: the answer is to another query; r asks again");
    } else if (w->now.r && w->now.r->box_count && photo_in_result(w) >= 0) {
        draw_text(a.row, a.col, a.cols, "rank and probability of the best %d boxes; + - for more",
                  w->how.boxes);
    }
}

/* ---- the view */

static void draw_no_photo(const struct workbench *w, struct area a)
{
    draw_text(a.row + 1, a.col + 1, a.cols - 2, "No image is open.");
    draw_text(a.row + 3, a.col + 1, a.cols - 2, "o opens one: IMAGE, or IMAGE REGIONS");
    if (!w->ses.model)
        draw_text(a.row + 5, a.col + 1, a.cols - 2, "No model is open: start with -m DIR.");
}

static void photo_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct photo_view *v = p->state;
    v->tile_count = 0;
    v->frame = (struct frame){0};
    v->top = w->stale ? 0 : photo_top(w, w->now.r);
    if (w->ses.photo >= w->ses.photo_count || !w->ses.photos[w->ses.photo]->image) {
        draw_no_photo(w, a);
        return;
    }
    if (a.rows >= 10) {
        draw_photo_legend(w, v, (struct area){a.row + a.rows - 1, a.col + 1, 1, a.cols - 1});
        a.rows--;
    }
    if (w->ses.photo_count > 1 && a.rows >= 16 && a.cols >= 3 * STRIP_COLS) {
        draw_strip(w, p, (struct area){a.row + a.rows - STRIP_ROWS, a.col, STRIP_ROWS, a.cols});
        a.rows -= STRIP_ROWS + 1;
    }
    int n = 0, *list = photos_together(w, v, &n);
    if (list && n > 1)
        draw_together(w, p, a, list, n);
    else
        draw_one(w, p, a);
    free(list);
}

/* The photo of a tile at a cell of the screen, or -1: none, or the current one. */
static int photo_other(const struct workbench *w, const struct photo_view *v, int row, int col)
{
    for (int i = 0; i < v->tile_count; i++)
        if (area_holds(v->tiles[i].at, row, col))
            return v->tiles[i].photo == w->ses.photo ? -1 : v->tiles[i].photo;
    return -1;
}

static bool photo_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct photo_view *v = p->state;
    row += p->at.row;
    col += p->at.col;
    int other = photo_other(w, v, row, col);
    if (other >= 0) {
        photo_go(w, other);
        return true;
    }
    if (v->frame.scale <= 0 || w->ses.photo >= w->ses.photo_count)
        return false;
    int region = frame_region(w, &v->frame, row, col);
    look_choose_region(w, region == w->sel->region ? -1 : region);
    return true;
}

static bool photo_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                        size_t size)
{
    const struct photo_view *v = p->state;
    char name[128], number[64];
    row += p->at.row;
    col += p->at.col;
    int other = photo_other(w, v, row, col);
    if (other >= 0) {
        snprintf(out, size, "%d  %.200s", other + 1, draw_base_name(w->ses.photos[other]->path));
        return true;
    }
    bool there = v->frame.scale > 0 && w->ses.photo < w->ses.photo_count;
    int region = there ? frame_region(w, &v->frame, row, col) : -1;
    if (region < 0)
        return false;
    draw_region_name(w, region, name, sizeof name);
    photo_region_number(w, w->stale ? NULL : w->now.r, region, number, sizeof number);
    snprintf(out, size, "%s%s", name, number);
    return true;
}

/* Boxes, and their weights when something looks at them. */
static bool photo_table(struct workbench *w, struct pane *p, struct table *out)
{
    (void)p;
    static const char *const names[] = {"x1", "y1", "x2", "y2", "weight"};
    int image = photo_in_result(w), count = 0;
    if (image < 0)
        return false;
    float *weights = w->sel->overlay ? photo_weights(w, &w->sel->slice, &count) : NULL;
    int n = look_regions(w->now.r, image), cols = weights ? 5 : 4;
    const struct result_image *ri = &w->now.r->images[image];
    table_init(out, n, cols);
    for (int j = 0; j < cols; j++)
        out->col_names[j] = xstrdup(names[j]);
    for (int i = 0; i < n; i++) {
        char name[128];
        const float whole[4] = {0, 0, (float)ri->width, (float)ri->height};
        draw_region_name(w, i, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        memcpy(out->x + (ptrdiff_t)i * cols, i ? ri->boxes + 4 * (i - 1) : whole, sizeof whole);
        if (weights)
            out->x[(ptrdiff_t)i * cols + 4] = weights[i];
    }
    free(weights);
    return true;
}

static bool photo_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    int count = 0, *list = photos_together(w, p->state, &count);
    bool drawn = list && count > 1 ? figure_images(w, list, count, out) : figure_image(w, out);
    free(list);
    return drawn;
}

static void photo_end(struct pane *p)
{
    struct photo_view *v = p->state;
    canvas_free(v->cache.c);
}

/* ---- keys */

/* Zooming begins at the chosen region, or the best box. */
static void photo_aim(struct workbench *w, struct photo_view *v)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w);
    const float *b = NULL;
    if (w->ses.photo >= w->ses.photo_count || !w->ses.photos[w->ses.photo]->image)
        return;
    v->pan_x = v->pan_y = 0.5;
    if (image >= 0 && w->sel->region > 0 && w->sel->region < look_regions(r, image))
        b = r->images[image].boxes + 4 * (w->sel->region - 1);
    else if (image >= 0 && w->sel->rank < r->box_count && r->boxes[w->sel->rank].image == image)
        b = r->boxes[w->sel->rank].box;
    if (b) {
        v->pan_x = (double)(b[0] + b[2]) / 2 / w->ses.photos[w->ses.photo]->image->width;
        v->pan_y = (double)(b[1] + b[3]) / 2 / w->ses.photos[w->ses.photo]->image->height;
    }
}

static void do_zoom_in(struct workbench *w, const char *arg)
{
    struct photo_view *v = panes_of(&w->panes, &view_image)->state;
    double zoom = zoom_of(w, v);
    (void)arg;
    if (zoom <= 1)
        photo_aim(w, v);
    v->zoom = zoom * 1.5 > MOST_ZOOM ? MOST_ZOOM : zoom * 1.5;
    v->went = w->ses.went;
}

static void do_zoom_out(struct workbench *w, const char *arg)
{
    struct photo_view *v = panes_of(&w->panes, &view_image)->state;
    double zoom = zoom_of(w, v);
    (void)arg;
    v->zoom = zoom / 1.5 < 1.01 ? 1 : zoom / 1.5;
}

static void do_pan(struct workbench *w, const char *arg)
{
    struct photo_view *v = panes_of(&w->panes, &view_image)->state;
    double zoom = zoom_of(w, v), step = 0.25 / zoom;
    arg = *arg ? arg : strcmp(w->typed.key, "S-Left") == 0  ? "left"
                       : strcmp(w->typed.key, "S-Right") == 0 ? "right"
                       : strcmp(w->typed.key, "S-Up") == 0    ? "up"
                                                        : "down";
    if (zoom <= 1) {
        workbench_say(w, false, "the whole image is shown: > zooms in");
        return;
    }
    if (strcmp(arg, "left") == 0)
        v->pan_x -= step;
    else if (strcmp(arg, "right") == 0)
        v->pan_x += step;
    else if (strcmp(arg, "up") == 0)
        v->pan_y -= step;
    else if (strcmp(arg, "down") == 0)
        v->pan_y += step;
    else
        workbench_say(w, true, "pan left, right, up or down");
}

static void do_single(struct workbench *w, const char *arg)
{
    struct photo_view *v = panes_of(&w->panes, &view_image)->state;
    (void)arg;
    v->single = !v->single;
    workbench_say(w, false, v->single ? "one image at a time" : "all images of a result together");
}

static const struct action photo_actions[] = {
    ACTIONS_AFTER("image"),
    {"single", "f", "", NULL, "show one image, or all of a result together", do_single},
    {"zoom-in", ">", "", NULL, "zoom in on what is chosen", do_zoom_in},
    {"zoom-out", "<", "", NULL, "zoom out", do_zoom_out},
    {"pan", "S-Left S-Right S-Up S-Down", "DIRECTION", NULL, "pan the enlarged image", do_pan},
    {0},
};

const struct view view_image = {
    .name = "image",
    .what = "the image with ranked boxes, or with attention",
    .hints = "Up Down box, > zooms, p n image",
    .state = sizeof(struct photo_view),
    .end = photo_end,
    .draw = photo_draw,
    .click = photo_click,
    .under = photo_under,
    .table = photo_table,
    .figure = photo_figure,
    .actions = photo_actions,
};
