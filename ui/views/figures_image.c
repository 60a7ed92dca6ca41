/* SPDX-License-Identifier: MIT */
/* A figure of an image: its pixels with heat, boxes as lines over them, and which box is what. */
#include "ui/views/figures.h"

#include "src/base/mem.h"
#include "ui/jobs/attribute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIDE 1600 /* pixels: more are not seen on paper */
#define TILE_SIDE 640  /* the same of one of several */
#define MOST_TILES 60  /* more are no figure */
#define HEAVIEST 3     /* regions that are looked at, with a frame and their share */

/* From pixels of the result's picture to those of the figure's. */
struct ratio {
    double x, y;
};

static struct ratio ratio_of(const struct figure_panel *p, const struct result_image *ri)
{
    return (struct ratio){ri->width > 0 ? (double)p->w / ri->width : 1,
                          ri->height > 0 ? (double)p->h / ri->height : 1};
}

static void put_box(struct figure_panel *p, struct ratio s, const float *b, figure_color color,
                    char *label)
{
    figure_panel_box(p, (struct figure_box){
        .x1 = (double)b[0] * s.x, .y1 = (double)b[1] * s.y, .x2 = (double)b[2] * s.x,
        .y2 = (double)b[3] * s.y, .color = color, .width = 1.2f, .label = label});
}

/* ---- ranked boxes, and what they are */

/* false: there is none on this image. */
static bool image_ranks(struct workbench *w, struct figure *f, struct figure_panel *p, int image)
{
    const struct result *r = w->now.r;
    struct ratio s = ratio_of(p, &r->images[image]);
    int n = r->box_count < w->how.boxes ? r->box_count : w->how.boxes, rows = 0;
    for (int i = 0; i < n; i++)
        if (r->boxes[i].image == image) {
            put_box(p, s, r->boxes[i].box, figure_rank(i), xasprintf("%d", i + 1));
            rows++;
        }
    if (rows == 0)
        return false;
    struct figure_panel *list = figure_panel(f, FIGURE_BARS, NULL); /* p is of before */
    figure_panel_numbers(list, rows, 1);
    list->col_title = xstrdup("probability");
    for (int i = 0, at = 0; i < n; i++) {
        char name[160];
        if (r->boxes[i].image != image)
            continue;
        draw_region_name(w, r->boxes[i].region, name, sizeof name);
        list->row_names[at] = xasprintf("%d  %s", i + 1, name);
        list->x[at] = r->boxes[i].softmax;
        list->colors[at++] = figure_rank(i);
    }
    return true;
}

/* ---- where something looks */

static void image_heat(struct workbench *w, struct figure_panel *p, int image,
                       const float *weights, int count)
{
    const struct result_image *ri = &w->now.r->images[image];
    struct ratio s = ratio_of(p, ri);
    float top = photo_top(w, w->now.r);
    const struct attribution_method *method = w->sel->slice.method;
    bool sign = method && method->is_signed;
    struct canvas c = {.w = p->w, .h = p->h, .rgb = p->rgb};
    float *heat = xmalloc((size_t)p->w * (size_t)p->h * sizeof *heat);
    char name[320];
    look_heat(w->now.r, image, weights, 0, 0, s.x, top, p->w, p->h, heat);
    canvas_dim(&c, 0.6f);
    if (sign)
        canvas_signs(&c, heat);
    else
        canvas_heat(&c, heat);
    free(heat);
    photo_looks(w, name, sizeof name);
    figure_ramp(&p->ramp, top, sign ? SCALE_SIGNED : SCALE_LINEAR, name);
    bool *used = xcalloc((size_t)count + 1, sizeof *used);
    for (int k = 0; k < HEAVIEST; k++) {
        int best = 0;
        for (int i = 1; i < count; i++)
            if (!used[i] && (best == 0 || fabsf(weights[i]) > fabsf(weights[best])))
                best = i;
        if (best == 0)
            break;
        used[best] = true;
        put_box(p, s, ri->boxes + 4 * (best - 1), 0xffffff,
                method ? xasprintf(sign ? "%+.2f" : "%.3g", (double)weights[best])
                       : xasprintf("%.1f %%", 100 * (double)weights[best]));
    }
    free(used);
}

/* ---- the image */

static void take_pixels(struct figure_panel *p, const struct image *im, int most)
{
    double scale = fmin(1, (double)most / fmax(im->width, im->height));
    int width = (int)fmax(1, im->width * scale), height = (int)fmax(1, im->height * scale);
    struct canvas *c = canvas_new(width, height);
    if (!c)
        return;
    canvas_photo(c, im->rgb, im->width, im->height);
    p->w = c->w;
    p->h = c->h;
    p->rgb = c->rgb;
    c->rgb = NULL;
    canvas_free(c);
}

/* Draws over an image of the result what the screen does; returns the figure's title. with_region:
 * the selection's region is one of this image. */
static const char *image_marks(struct workbench *w, struct figure *out, struct figure_panel *p,
                               int image, bool with_region)
{
    const struct result_image *ri = &w->now.r->images[image];
    int count = 0;
    float *weights = w->sel->overlay && (with_region || !photo_region_looks(w, w->now.r))
                         ? photo_weights(w, &w->sel->slice, &count) : NULL;
    if (weights) {
        image_heat(w, p, image, weights, count);
        free(weights);
        return "What is looked at on the image";
    }
    if (with_region && w->sel->region > 0 && w->sel->region < look_regions(w->now.r, image)) {
        char name[160];
        draw_region_name(w, w->sel->region, name, sizeof name);
        put_box(p, ratio_of(p, ri), ri->boxes + 4 * (w->sel->region - 1), figure_rank(0),
                xstrdup(name));
        return "The image with a region";
    }
    return image_ranks(w, out, p, image) ? "The image with ranked boxes" : "The image";
}

bool figure_image(struct workbench *w, struct figure *out)
{
    const struct image *im =
        w->ses.photo < w->ses.photo_count ? w->ses.photos[w->ses.photo]->image : NULL;
    int image = w->stale ? -1 : photo_in_result(w);
    if (!im)
        return false;
    struct figure_panel *p = figure_panel(out, FIGURE_PHOTO, NULL);
    take_pixels(p, im, MOST_SIDE);
    if (!p->rgb)
        return false;
    out->title = xstrdup(image < 0 ? "The image" : image_marks(w, out, p, image, true));
    return true;
}

/* ---- several */

/* "2  000007.png  4.231": rank, name, and how well it fits; of a pair without a score. */
static char *tile_title(const struct workbench *w, int i, const struct photo *photo)
{
    const struct result *r = w->now.r;
    const char *name = draw_base_name(photo->path);
    if (r->task->reading->ranked == RANKED_IMAGES && i < r->answer_count)
        return xasprintf("%d  %s  %.3f", i + 1, name, (double)r->answers[i].logit);
    return xasprintf("%d  %s", i + 1, name);
}

/* One scale stands for all: that of the last one. */
static void tile_forget_scale(struct figure_panel *p)
{
    free(p->ramp.label);
    p->ramp = (struct figure_ramp){0};
}

bool figure_images(struct workbench *w, const int *photos, int count, struct figure *out)
{
    bool ranked = w->now.r->task->reading->ranked == RANKED_IMAGES;
    int n = count < MOST_TILES ? count : MOST_TILES, shown = w->ses.photo;
    for (int i = 0; i < n; i++) {
        const struct photo *photo = w->ses.photos[photos[i]];
        struct figure_panel *p = figure_panel(out, FIGURE_PHOTO, tile_title(w, i, photo));
        int at = out->panel_count - 1;
        take_pixels(p, photo->image, TILE_SIDE);
        w->ses.photo = photos[i]; /* weights and marks are of the image that is shown */
        int image = photo_in_result(w);
        if (p->rgb && image >= 0)
            image_marks(w, out, p, image, photos[i] == shown);
        if (i + 1 < n && !photo_region_looks(w, w->now.r)) /* else only one has it */
            tile_forget_scale(&out->panels[at]);
    }
    w->ses.photo = shown;
    out->title = xstrdup(ranked ? "The images, ranked by how well they fit" : "The images");
    out->columns = n <= 2 ? n : n <= 9 ? 3 : n <= 20 ? 4 : 6;
    out->even = true;
    if (ranked)
        figure_line(out, "Above each image: its rank, its name, and the logit of the alignment");
    if (n < count)
        figure_line(out, "The first %d of %d images", n, count);
    return n > 0;
}
