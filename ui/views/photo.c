/* SPDX-License-Identifier: MIT */
/* A photo with what is known of it: ranked boxes, where something looks, the chosen region. It is
 * painted into a canvas that shows the part of the picture that a frame says. */
#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/kit/theme.h"
#include "ui/views/views.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rgb white = {255, 255, 255};

/* An attribution is of the result that is shown, not of another checkpoint's. */
static float *weights_attributed(const struct workbench *w, const struct result *r,
                                 const struct slice *x, int image, int *count)
{
    const struct attributed *a = r == w->now.r && image >= 0 ? attribute_of(w, x) : NULL;
    if (!a || !a->known.method)
        return NULL;
    *count = look_regions(r, image);
    float *out = xcalloc((size_t)*count, sizeof *out);
    if (attribute_regions(w, a, image, out))
        return out;
    free(out);
    return NULL;
}

/* What looks at the regions: a token, or a region of the image where regions look at regions. */
static float *weights_of(const struct workbench *w, const struct result *r, const struct slice *x,
                         int image, int *count)
{
    if (x->method)
        return weights_attributed(w, r, x, image, count);
    enum attn_kind kind = look_image_map(r, x->kind);
    bool token = look_source_is_token(kind, w->sel->token);
    int source = token ? w->sel->token : w->sel->region;
    if (image < 0 || source < 0)
        return NULL;
    *count = look_regions(r, image);
    float *out = xcalloc((size_t)*count, sizeof *out);
    if (look_at_image(r, image, kind, token, source, x->layer[kind], x->head[kind], out))
        return out;
    free(out);
    return NULL;
}

bool photo_region_looks(const struct workbench *w, const struct result *r)
{
    const struct slice *x = &w->sel->slice;
    return !x->method && r && !look_source_is_token(look_image_map(r, x->kind), w->sel->token);
}

float *photo_weights(const struct workbench *w, const struct slice *x, int *count)
{
    return weights_of(w, w->now.r, x, photo_in_result(w), count);
}

/* The whole image, region 0, is on none of them. */
float photo_top(const struct workbench *w, const struct result *r)
{
    float top = 0;
    for (int image = 0; r && w->sel->overlay && image < r->image_count; image++) {
        int n = 0;
        if (photo_region_looks(w, r) && image != photo_in_result(w))
            continue;
        float *x = weights_of(w, r, &w->sel->slice, image, &n);
        for (int i = 1; x && i < n; i++)
            top = fmaxf(top, fabsf(x[i]));
        free(x);
    }
    return top;
}

bool photo_share(const struct workbench *w, const struct slice *x, double *share)
{
    enum attn_kind kind = look_image_map(w->now.r, x->kind);
    bool both = attn_joins(kind, true, true) && attn_joins(kind, true, false);
    int count = 0;
    if (x->method || !both || x->head[kind] == LOOK_MAX)
        return false;
    float *weights = photo_weights(w, x, &count);
    *share = 0;
    for (int i = 0; weights && i < count; i++)
        *share += (double)weights[i];
    free(weights);
    return weights != NULL;
}

void photo_region_number(const struct workbench *w, const struct result *r, int region, char *out,
                     size_t size)
{
    const struct slice *s = &w->sel->slice;
    int count = 0, image = r ? photo_in_result(w) : -1;
    float *weights = w->sel->overlay ? weights_of(w, r, s, image, &count) : NULL;
    out[0] = '\0';
    if (weights && region < count)
        snprintf(out, size, ", %s %.4f", s->method ? "attribution" : "weight",
                 (double)weights[region]);
    for (int i = 0; !weights && image >= 0 && i < r->box_count; i++)
        if (r->boxes[i].region == region && r->boxes[i].image == image)
            snprintf(out, size, ", rank %d, probability %.4f", i + 1, (double)r->boxes[i].softmax);
    free(weights);
}

void photo_looks(const struct workbench *w, char *out, size_t size)
{
    const struct slice *x = &w->sel->slice;
    enum attn_kind kind = look_image_map(w->now.r, x->kind);
    char name[128], head[32];
    const struct attributed *a = attribute_of(w, x);
    if (a) {
        attribute_target_name(w, a, name, sizeof name);
        snprintf(out, size, "%s%s of %s", a->method->title,
                 a->method->is_signed ? " (- against, + for)" : "", name);
        return;
    }
    if (look_source_is_token(kind, w->sel->token))
        draw_token_name(w, w->sel->token, name, sizeof name);
    else
        draw_region_name(w, w->sel->region, name, sizeof name);
    draw_head_name(w, x, kind, head, sizeof head);
    snprintf(out, size, "%s, %s, layer %d, %s", name, attn_table[kind].title, x->layer[kind] + 1,
             head);
}

/* ---- places */

/* A box in pixels of a picture of some width and height, on the canvas. The picture on the screen
 * has other pixels when its regions were made of a scaled one. */
static struct pixels photo_place(const struct image *im, const struct frame *f, const float *b,
                                 int width, int height)
{
    double sx = width > 0 ? (double)im->width / width : 1;
    double sy = height > 0 ? (double)im->height / height : 1;
    return (struct pixels){(int)((b[0] * sx - f->x) * f->scale),
                           (int)((b[1] * sy - f->y) * f->scale),
                           (int)((b[2] * sx - f->x) * f->scale),
                           (int)((b[3] * sy - f->y) * f->scale)};
}

/* The box of a region: of the result, else of what the detector found. False when there is none. */
static bool region_place(const struct workbench *w, int photo, int region, const struct frame *f,
                         struct pixels *out)
{
    const struct image *im = w->ses.photos[photo]->image;
    const struct regions *g = photo_regions(w->ses.photos[photo]);
    int image = photo_number(w, photo);
    const struct result_image *ri = image >= 0 ? &w->now.r->images[image] : NULL;
    if (region < 1)
        return false;
    if (ri && region < look_regions(w->now.r, image))
        *out = photo_place(im, f, ri->boxes + 4 * (region - 1), ri->width, ri->height);
    else if (!ri && g && region <= g->count)
        *out = photo_place(im, f, g->boxes + 4 * (region - 1), g->width, g->height);
    else
        return false;
    return true;
}

int frame_region(const struct workbench *w, const struct frame *f, int row, int col)
{
    const struct regions *g = photo_regions(w->ses.photos[w->ses.photo]);
    int cw, ch, image = photo_in_result(w), best = -1;
    int n = image >= 0 ? look_regions(w->now.r, image) : g ? g->count + 1 : 0;
    double least = INFINITY;
    draw_cell(w, &cw, &ch);
    int x = (col - f->at.col) * cw + cw / 2, y = (row - f->at.row) * ch + ch / 2;
    if (x < 0 || y < 0 || x >= f->w || y >= f->h)
        return -1;
    for (int i = 1; i < n; i++) {
        struct pixels p;
        if (!region_place(w, w->ses.photo, i, f, &p))
            continue;
        double size = ((double)p.x2 - p.x1) * ((double)p.y2 - p.y1);
        if (x >= p.x1 && x <= p.x2 && y >= p.y1 && y <= p.y2 && size < least) {
            least = size;
            best = i;
        }
    }
    return best;
}

static int frame_thickness(const struct workbench *w, const struct canvas *c, bool chosen)
{
    if (!gfx_has_pixels(&w->screen.gfx))
        return 1;
    return (c->w > 500 ? 2 : 1) + (chosen ? 2 : 0);
}

/* In blocks a frame is half a cell thick and a cell wide: it would hide the heat of a small region,
 * which is a rectangle without one. */
static bool frame_hides(const struct canvas *c, struct pixels p)
{
    int w = p.x2 - p.x1 + 1, h = p.y2 - p.y1 + 1;
    return c->cells && (w <= 2 || h <= 2 || 2 * (w - 2) * (h - 2) < w * h);
}

/* ---- labels */

/* Labels that are already there, so that a new one does not hide them. */
struct labels {
    struct pixels at[128];
    int count;
};

/* A place of w by h for the label of box p: above it, below, beside, inside, further above; the
 * first that is on the picture and free, else above. */
static struct pixels photo_find_place(const struct canvas *c, struct labels *l, struct pixels p,
                                      int w, int h)
{
    const int x[] = {p.x1, p.x1, p.x2 + 1, p.x1 - w, p.x1, p.x2 - w, p.x1, p.x1, p.x1};
    const int y[] = {p.y1 - h, p.y2 + 1, p.y1, p.y1, p.y1, p.y2 - h, p.y1 - 2 * h, p.y1 - 3 * h,
                     p.y1 - 4 * h};
    struct pixels chosen = {p.x1, p.y1 - h, p.x1 + w - 1, p.y1 - 1};
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
        struct pixels q = {x[i], y[i], x[i] + w - 1, y[i] + h - 1};
        bool inside = q.x1 >= 0 && q.y1 >= 0 && q.x2 < c->w && q.y2 < c->h;
        if (inside && pixels_free(l->at, l->count, q)) {
            chosen = q;
            break;
        }
    }
    if (l->count < 128)
        l->at[l->count++] = chosen;
    return chosen;
}

static void draw_label(struct canvas *c, struct labels *l, struct pixels p, const char *text,
                       struct rgb color)
{
    int scale = 1 + c->w / 500, width, height;
    canvas_plate_size(c, text, scale, &width, &height);
    struct pixels at = photo_find_place(c, l, p, width, height);
    canvas_label(c, at.x1, at.y1, text, scale, color);
}

static bool is_visible(const struct canvas *c, struct pixels p)
{
    return p.x2 >= 0 && p.y2 >= 0 && p.x1 < c->w && p.y1 < c->h;
}

/* The label of a rank: "1 0.43". */
static void rank_label(const struct result_box *x, int rank, char *out, size_t size)
{
    snprintf(out, size, "%d %.2f", rank + 1, (double)x->softmax);
}

/* ---- what is painted */

static struct pixels ranked_place(const struct workbench *w, int photo, const struct frame *f,
                                  const struct result *r, const struct result_box *b)
{
    const struct result_image *ri = &r->images[b->image];
    return photo_place(w->ses.photos[photo]->image, f, b->box, ri->width, ri->height);
}

static int ranks_drawn(const struct workbench *w, const struct result *r, int rank)
{
    int n = rank >= w->how.boxes ? rank + 1 : w->how.boxes;
    return r->box_count < n ? r->box_count : n;
}

/* A rank beyond those that are drawn shows while it is chosen. */
static bool rank_shows(const struct workbench *w, const struct photo_paint *x, int i, int image)
{
    return x->r->boxes[i].image == image && (i < w->how.boxes || i == x->rank);
}

/* Without colors ranks are told by their dashes: the lower, the looser. */
static void draw_ranked_frame(struct canvas *c, struct pixels p, int thick, int rank)
{
    int gap = rank < THEME_REST ? 3 * rank : 3 * THEME_REST;
    if (theme_is_plain() && rank > 0)
        canvas_dashed(c, p.x1, p.y1, p.x2, p.y2, thick, gap, draw_rank_color(rank));
    else
        canvas_frame(c, p.x1, p.y1, p.x2, p.y2, thick, draw_rank_color(rank));
}

/* The best boxes, the first one on top; labels lie over all frames, the best takes its place
 * first. */
static void draw_ranked(const struct workbench *w, const struct photo_paint *x, struct canvas *c,
                        const struct frame *f, int image)
{
    const struct result *r = x->r;
    struct labels l = {.count = 0};
    int n = ranks_drawn(w, r, x->rank);
    for (int i = n - 1; i >= 0; i--)
        if (rank_shows(w, x, i, image)) {
            struct pixels p = ranked_place(w, x->photo, f, r, &r->boxes[i]);
            draw_ranked_frame(c, p, frame_thickness(w, c, i == x->rank), i);
        }
    for (int i = 0; i < n; i++) {
        struct pixels p = ranked_place(w, x->photo, f, r, &r->boxes[i]);
        char text[32];
        if (!rank_shows(w, x, i, image) || !is_visible(c, p))
            continue;
        rank_label(&r->boxes[i], i, text, sizeof text);
        draw_label(c, &l, p, text, draw_rank_color(i));
    }
}

/* The heaviest region that has no mark yet, or 0. */
static int heaviest_region(const float *weights, int count, const bool *used)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (!used[i] && (best == 0 || fabsf(weights[i]) > fabsf(weights[best])))
            best = i;
    return best;
}

/* "1.2%" of attention, "+0.52" of an attribution in logits, "0.031" of one that cannot be
 * negative. */
static void weight_label(const struct workbench *w, float x, char *out, size_t size)
{
    const struct attribution_method *method = w->sel->slice.method;
    if (!method)
        snprintf(out, size, "%.1f%%", 100 * (double)x);
    else
        snprintf(out, size, method->is_signed ? "%+.2f" : "%.3g", (double)x);
}

/* Below this share of the heaviest one a region has no mark. */
#define LEAST_MARKED 0.005f

/* The three regions that are looked at most get a frame and their share; labels lie over all
 * frames. */
static void draw_heaviest(const struct workbench *w, int photo, struct canvas *c,
                          const struct frame *f, const float *weights, int count)
{
    struct labels l = {.count = 0};
    struct pixels at[3];
    int region[3], n = 0;
    float most = 0;
    bool *used = xcalloc((size_t)count, sizeof *used);
    for (int k = 0, best; k < 3 && (best = heaviest_region(weights, count, used)) > 0; k++) {
        used[best] = true;
        most = fmaxf(most, fabsf(weights[best]));
        region[n] = best;
        n += most > 0 && fabsf(weights[best]) >= LEAST_MARKED * most &&
             region_place(w, photo, best, f, &at[n]) && is_visible(c, at[n]);
    }
    for (int k = n - 1; k >= 0; k--)
        if (!frame_hides(c, at[k]))
            canvas_frame(c, at[k].x1, at[k].y1, at[k].x2, at[k].y2, frame_thickness(w, c, false),
                         white);
    for (int k = 0; k < n; k++) {
        char text[32];
        weight_label(w, weights[region[k]], text, sizeof text);
        draw_label(c, &l, at[k], text, white);
    }
    free(used);
}

static void draw_heat(const struct workbench *w, const struct photo_paint *x, struct canvas *c,
                      const struct frame *f, int image, const float *weights)
{
    const struct result_image *ri = &x->r->images[image];
    const struct image *im = w->ses.photos[x->photo]->image;
    double s = ri->width > 0 && im ? (double)im->width / ri->width : 1;
    float *heat = xmalloc((size_t)c->w * (size_t)c->h * sizeof *heat);
    look_heat(x->r, image, weights, f->x / s, f->y / s, f->scale * s, x->top, c->w, c->h, heat);
    canvas_dim(c, 0.6f);
    if (w->sel->slice.method && w->sel->slice.method->is_signed)
        canvas_signs(c, heat);
    else
        canvas_heat(c, heat);
    free(heat);
}

static void draw_chosen(const struct workbench *w, int photo, struct canvas *c,
                        const struct frame *f, bool spotlight)
{
    struct pixels p;
    char text[16];
    struct labels l = {.count = 0};
    if (photo != w->ses.photo || !region_place(w, photo, w->sel->region, f, &p))
        return;
    if (spotlight)
        canvas_spotlight(c, p.x1, p.y1, p.x2, p.y2);
    canvas_frame(c, p.x1, p.y1, p.x2, p.y2, frame_thickness(w, c, true), white);
    snprintf(text, sizeof text, "#%d", w->sel->region);
    draw_label(c, &l, p, text, white);
}

static uint64_t picture_key(int photo, const struct canvas *c, const struct frame *f)
{
    uint64_t key = 14695981039346656037u;
    const double parts[] = {photo, f->x, f->y, f->scale, c->w, c->h};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint64_t word;
        memcpy(&word, &parts[i], sizeof word);
        key = (key ^ word) * 1099511628211u;
        key ^= key >> 31;
    }
    return key;
}

/* The picture without marks is the same from key to key. */
static void paint_picture(struct workbench *w, const struct photo_paint *x, struct canvas *c,
                          const struct frame *f)
{
    const struct image *im = w->ses.photos[x->photo]->image;
    struct photo_cache *k = x->cache;
    uint64_t key = picture_key(x->photo, c, f);
    if (k->c && k->key == key && k->c->w == c->w && k->c->h == c->h) {
        canvas_put(c, 0, 0, k->c);
        return;
    }
    canvas_photo_part(c, im->rgb, im->width, im->height, f->x, f->y, f->scale, f->scale);
    if (x->photo != w->ses.photo)
        return;
    canvas_free(k->c);
    k->c = canvas_new(c->w, c->h);
    k->key = key;
    if (k->c)
        canvas_put(k->c, 0, 0, c);
}

void photo_compose(struct workbench *w, const struct photo_paint *x, struct canvas *c,
                   const struct frame *f)
{
    int image = x->r ? photo_number(w, x->photo) : -1, count = 0;
    bool here = x->photo == w->ses.photo || !photo_region_looks(w, x->r);
    float *weights = w->sel->overlay && here
                         ? weights_of(w, x->r, &w->sel->slice, image, &count) : NULL;
    paint_picture(w, x, c, f);
    if (weights) {
        draw_heat(w, x, c, f, image, weights);
        draw_heaviest(w, x->photo, c, f, weights, count);
        draw_chosen(w, x->photo, c, f, false);
    } else if (w->sel->region > 0 && x->photo == w->ses.photo) {
        draw_chosen(w, x->photo, c, f, true);
    } else if (image >= 0 && w->typed.mode != MODE_BOX) {
        draw_ranked(w, x, c, f, image);
    }
    if (x->photo == w->ses.photo)
        boxes_draw(w, c, f);
    free(weights);
}
