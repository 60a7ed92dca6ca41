/* SPDX-License-Identifier: MIT */
/* Leave-one-out as colors: on the photo, on the words, on the layers and heads of every map; and
 * what of it is at a place. */
#include "ui/views/effects.h"

#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "ui/views/inside.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_TOP 0.05f /* nats */

float effects_top_of(const struct effects *e)
{
    float top = LEAST_TOP;
    for (int i = 0; i < e->count; i++)
        if (e->items[i].known)
            top = fmaxf(top, (float)fabs(e->items[i].effect)); /* NaN counts for nothing */
    return top;
}

int *effects_ranked(const struct effects *e, int *count)
{
    int *order = xcalloc((size_t)e->count + 1, sizeof *order);
    float *x = xcalloc((size_t)e->count + 1, sizeof *x);
    *count = 0;
    for (int i = 0; i < e->count; i++) {
        x[i] = e->items[i].known ? (float)fabs(e->items[i].effect) : NAN;
        *count += e->items[i].known;
    }
    stats_order(x, e->count, order);
    free(x);
    return order;
}

/* ---- on the photo */

/* A color over a box, more of it where more changes. */
static void effects_tint(struct canvas *c, int x1, int y1, int x2, int y2, struct rgb k,
                         float amount)
{
    for (int y = y1 < 0 ? 0 : y1; y <= y2 && y < c->h; y++)
        for (int x = x1 < 0 ? 0 : x1; x <= x2 && x < c->w; x++) {
            uint8_t *p = c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x);
            p[0] = (uint8_t)(p[0] * (1 - amount) + k.r * amount);
            p[1] = (uint8_t)(p[1] * (1 - amount) + k.g * amount);
            p[2] = (uint8_t)(p[2] * (1 - amount) + k.b * amount);
        }
}

static const struct effect *by_place(const struct effects *e, const int *order, int n, int k)
{
    return k >= 0 && k < n ? &e->items[order[k]] : NULL;
}

/* The largest change lies on top, the four largest have their numbers. */
static void paint_regions(struct workbench *w, const struct effects *e, int pick,
                          struct canvas *c)
{
    int n, *order = effects_ranked(e, &n), image = photo_in_result(w);
    const struct result_image *im = &w->now.r->images[image];
    double sx = (double)c->w / im->width, sy = (double)c->h / im->height;
    float top = effects_top_of(e);
    for (int turn = 0; turn < 2; turn++)
        for (int i = n - 1; i >= 0; i--) {
            const struct effect *f = by_place(e, order, n, i);
            bool chosen = i == pick, numbered = i < 4 || chosen;
            if (f->change.image != image || f->change.region == 0 ||
                f->change.region >= look_regions(w->now.r, image) || (turn && !numbered))
                continue;
            const float *b = im->boxes + 4 * (f->change.region - 1);
            int x1 = (int)(b[0] * sx), y1 = (int)(b[1] * sy);
            int x2 = (int)(b[2] * sx), y2 = (int)(b[3] * sy);
            struct rgb k = grid_color((float)f->effect, top, SCALE_SIGNED);
            float share = top > 0 && !isnan(f->effect) ? (float)fabs(f->effect) / top : 0;
            if (!turn)
                effects_tint(c, x1, y1, x2, y2, k, 0.65f * share);
            if (!turn && numbered)
                canvas_frame(c, x1, y1, x2, y2, chosen ? 3 : 1, k);
            char text[32];
            snprintf(text, sizeof text, "%+.2f", f->effect);
            if (turn && !isnan(f->effect))
                canvas_label(c, x1, y1, text, 1, k);
        }
    free(order);
}

/* The dimmed photo at this size, kept: large ones take a moment to scale. NULL: too large. */
static struct canvas *effects_backdrop(struct workbench *w, struct effects_picture *v,
                                       const struct image *im, int width, int height)
{
    uint64_t key = ((uint64_t)w->ses.photo + 1) << 32 | (uint64_t)width << 16 | (uint64_t)height;
    struct canvas *c = draw_canvas(w, width, height);
    if (c && v->backdrop_key != key) {
        canvas_free(v->backdrop);
        v->backdrop = draw_canvas(w, width, height);
        canvas_photo(v->backdrop, im->rgb, im->width, im->height);
        canvas_dim(v->backdrop, 0.7f);
        v->backdrop_key = key;
    }
    if (c)
        canvas_put(c, 0, 0, v->backdrop);
    return c;
}

void effects_draw_photo(struct workbench *w, const struct pane *p, struct effects_picture *v,
                        const struct effects *e, int pick, struct area a)
{
    const struct image *im =
        w->ses.photo < w->ses.photo_count ? w->ses.photos[w->ses.photo]->image : NULL;
    struct frame f = {.at = a};
    int cw, ch;
    if (!im || photo_in_result(w) < 0)
        return;
    gfx_fit(&w->screen.gfx, a, im->width, im->height, &f.w, &f.h);
    draw_cell(w, &cw, &ch);
    struct canvas *c = effects_backdrop(w, v, im, f.w, f.h);
    if (!c)
        return;
    paint_regions(w, e, pick, c);
    f.scale = (double)f.w / im->width;
    f.at.rows = (f.h + ch - 1) / ch;
    f.at.cols = (f.w + cw - 1) / cw;
    gfx_place(&w->screen.gfx, p->slot, f.at, c);
    v->at = area_in_pane(p, f.at);
    v->photo = f;
}

/* The item of a region of the photo that is shown, or -1. */
static int effects_region_at(const struct workbench *w, const struct pane *p,
                             const struct effects_picture *v, const struct effects *e, int row,
                             int col)
{
    int image = photo_in_result(w);
    int region = frame_region(w, &v->photo, row + p->at.row, col + p->at.col);
    for (int i = 0; i < e->count && image >= 0 && region > 0; i++)
        if (e->items[i].change.image == image && e->items[i].change.region == region)
            return i;
    return -1;
}

/* ---- on the words */

/* Words beside each other, in as many rows as there are. */
struct words {
    struct area a;
    int row, col, width; /* of the one that was placed last, from the area's corner */
};

/* Where the next word stands, with a blank at both ends; false: there is no room for it. */
static bool words_place(struct words *x, const char *name)
{
    x->col += x->width ? x->width + 1 : 0;
    x->width = (int)strlen(name) + 2;
    if (x->col > 0 && x->col + x->width > x->a.cols) {
        x->row++;
        x->col = 0;
    }
    return x->row < x->a.rows;
}

int effects_draw_words(const struct workbench *w, const struct pane *p, struct effects_picture *v,
                       const struct effects *e, struct area a)
{
    struct words x = {.a = a};
    float top = effects_top_of(e);
    v->at = area_in_pane(p, a);
    for (int i = 0; i < e->count; i++) {
        char name[128];
        const struct effect *f = &e->items[i];
        draw_token_name(w, f->change.token, name, sizeof name);
        if (!words_place(&x, name))
            break;
        draw_on(grid_color(f->known ? (float)f->effect : NAN, top, SCALE_SIGNED),
                  f->change.token == w->sel->token ? A_REVERSE : A_NORMAL);
        draw_text(a.row + x.row, a.col + x.col, a.cols - x.col, " %s ", name);
        attrset(A_NORMAL);
    }
    return x.row + 1;
}

static int effects_word_at(const struct workbench *w, const struct effects_picture *v,
                           const struct effects *e, int row, int col)
{
    struct words x = {.a = v->at};
    char name[128];
    for (int i = 0; i < e->count; i++) {
        draw_token_name(w, e->items[i].change.token, name, sizeof name);
        if (!words_place(&x, name))
            break;
        if (row - x.a.row == x.row && col - x.a.col >= x.col && col - x.a.col < x.col + x.width)
            return i;
    }
    return -1;
}

/* ---- on layers and heads */

struct sizes {
    int layers[ATTN_COUNT], heads[ATTN_COUNT];
    int place[ATTN_COUNT], maps; /* of those that occur, from the left */
};

static struct sizes sizes_of(const struct effects *e)
{
    struct sizes s = {0};
    for (int i = 0; i < e->count; i++) {
        const struct change *c = &e->items[i].change;
        s.layers[c->map] = c->layer + 1 > s.layers[c->map] ? c->layer + 1 : s.layers[c->map];
        s.heads[c->map] = c->head + 1 > s.heads[c->map] ? c->head + 1 : s.heads[c->map];
    }
    for (int k = 0; k < ATTN_COUNT; k++)
        if (s.layers[k])
            s.place[k] = s.maps++;
    return s;
}

static void paint_heads(const struct workbench *w, const struct effects *e,
                        const struct sizes *s, struct canvas *c, int cell_w, int cell_h)
{
    static const struct rgb white = {255, 255, 255};
    const struct slice *now = &w->sel->slice;
    float top = effects_top_of(e);
    for (int i = 0; i < e->count; i++) {
        const struct effect *f = &e->items[i];
        const struct change *x = &f->change;
        char text[32];
        int left = c->w * s->place[x->map] / s->maps + x->head * cell_w, above = x->layer * cell_h;
        canvas_fill(c, left, above, left + cell_w - 1, above + cell_h - 1,
                    grid_color(f->known ? (float)f->effect : NAN, top, SCALE_SIGNED));
        grid_signed(f->effect, 2, text, sizeof text);
        int label_w, label_h, edge = c->cells ? 0 : 2;
        canvas_plate_size(c, text, 1, &label_w, &label_h);
        if (f->known && cell_w > label_w + edge && cell_h >= label_h + 2 * edge)
            canvas_label(c, left + edge, above + edge, text, 1,
                       grid_color((float)f->effect, top, SCALE_SIGNED));
        if (cell_w > 5 && x->map == now->kind && x->layer == now->layer[x->map] &&
            x->head == now->head[x->map])
            canvas_frame(c, left, above, left + cell_w - 1, above + cell_h - 1, 2, white);
    }
}

static int effects_most(const int *x)
{
    int top = 1;
    for (int i = 0; i < ATTN_COUNT; i++)
        top = x[i] > top ? x[i] : top;
    return top;
}

int effects_layers(const struct effects *e)
{
    struct sizes s = sizes_of(e);
    return effects_most(s.layers);
}

/* Numbers of layers beside the maps, which v describes, and of heads above each. */
static void draw_head_numbers(const struct sizes *s, const struct effects_picture *v,
                              struct area at, int cw, int ch)
{
    attrset((int)draw_dim());
    for (int i = 0, layers = effects_most(s->layers); i < layers; i++)
        draw_text(at.row + i * v->cell_h / ch, at.col - 3, 2, "%2d", i + 1);
    for (int k = 0; k < ATTN_COUNT; k++) {
        bool room = v->cell_w >= (s->heads[k] > 9 ? 3 : 2) * cw;
        for (int j = 0; s->layers[k] && j < s->heads[k] && room; j++)
            draw_text(at.row - 1, at.col + (v->heads_w * s->place[k] / s->maps +
                                            (2 * j + 1) * v->cell_w / 2) / cw, 2, "%d", j + 1);
    }
    attrset(A_NORMAL);
}

void effects_draw_heads(struct workbench *w, const struct pane *p, struct effects_picture *v,
                        const struct effects *e, struct area a)
{
    struct sizes s = sizes_of(e);
    int cw, ch;
    draw_cell(w, &cw, &ch);
    const struct gfx *g = &w->screen.gfx;
    int layers = effects_most(s.layers), heads = effects_most(s.heads);
    int maps = s.maps > 0 ? s.maps : 1;
    bool numbers = a.rows >= layers + 2 && a.cols >= 3 * heads * maps;
    if (numbers) {
        a.col += 3;
        a.cols -= 3;
    }
    int width = a.cols * cw;
    width = gfx_has_pixels(g) && width > g->most_w ? g->most_w : width;
    int cell_w = (width / maps - cw) / heads, cell_h = (a.rows - 1 - numbers) * ch / layers;
    cell_w = cell_w < 1 ? 1 : cell_w < 5 * cw ? cell_w : 5 * cw;
    cell_h = cell_h < 1 ? 1 : cell_h < ch ? cell_h : cell_h < 2 * ch ? ch : 2 * ch;
    for (int k = 0; k < ATTN_COUNT; k++)
        if (s.layers[k])
            draw_text(a.row, a.col + a.cols * s.place[k] / maps, a.cols / maps - 1, "%s",
                      inside_map_name((enum attn_kind)k, true));
    struct canvas *c = draw_canvas(w, width, layers * cell_h);
    if (!c)
        return;
    paint_heads(w, e, &s, c, cell_w, cell_h);
    const struct area at = {a.row + 1 + numbers, a.col, (layers * cell_h + ch - 1) / ch, a.cols};
    gfx_place(&w->screen.gfx, p->slot, at, c);
    v->at = area_in_pane(p, at);
    v->cell_w = cell_w;
    v->cell_h = cell_h;
    v->heads_w = width;
    if (numbers)
        draw_head_numbers(&s, v, at, cw, ch);
}

static int effects_head_at(const struct workbench *w, const struct effects_picture *v,
                           const struct effects *e, int row, int col)
{
    struct sizes s = sizes_of(e);
    int cw, ch;
    draw_cell(w, &cw, &ch);
    int x = (col - v->at.col) * cw + cw / 2, y = (row - v->at.row) * ch + ch / 2;
    for (int i = 0; i < e->count && s.maps; i++) {
        const struct change *c = &e->items[i].change;
        int left = v->heads_w * s.place[c->map] / s.maps + c->head * v->cell_w;
        if (x >= left && x < left + v->cell_w && y / v->cell_h == c->layer)
            return i;
    }
    return -1;
}

/* ---- the mouse */

int effects_picture_at(const struct workbench *w, const struct pane *p,
                       const struct effects_picture *v, const struct effects *e, int row, int col)
{
    if (!area_holds(v->at, row, col))
        return -1;
    switch (e->of) {
    case EFFECTS_REGIONS: return effects_region_at(w, p, v, e, row, col);
    case EFFECTS_TOKENS: return effects_word_at(w, v, e, row, col);
    case EFFECTS_HEADS: return effects_head_at(w, v, e, row, col);
    case EFFECTS_KINDS: break;
    }
    return -1;
}
