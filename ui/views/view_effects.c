/* SPDX-License-Identifier: MIT */
/* Leave-one-out: how much the chosen answer owes to each region, token or head, as a ranked list
 * with numbers and on the photo, the words, or the layers and heads of every map. */
#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "ui/jobs/leave_one_out.h"
#include "ui/views/list.h"
#include "ui/views/inside.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_effects;

#define LIST 44    /* columns of the list beside a picture */
#define LEAST_TOP 0.05f /* nats */

struct effects_view {
    int of;            /* what the pick is of: results and attributions so far */
    int pick, top;     /* the chosen line, and the first */
    struct area list;  /* where the lines were drawn last, counted from the pane's corner, */
    struct area heads; /* and the colors of heads, */
    int cell_w, cell_h, heads_w; /* in pixels: of a head, and of all */
    struct canvas *backdrop; /* the photo as it is shown here: a cache */
    uint64_t backdrop_key;
};

/* The pick begins anew with what it is of. */
static struct effects_view *effects_state(const struct workbench *w, const struct pane *p)
{
    struct effects_view *v = p->state;
    int of = w->now.serial + w->leave_outs.started;
    v->pick = v->of == of ? v->pick : 0;
    v->of = of;
    return v;
}

/* ---- what is known */

/* The end of the scale: changes that are next to nothing do not look like any. */
static float effects_top_of(const struct effects *e)
{
    float top = LEAST_TOP;
    for (int i = 0; i < e->count; i++)
        if (e->items[i].known)
            top = fmaxf(top, (float)fabs(e->items[i].effect)); /* NaN counts for nothing */
    return top;
}

/* Known ones by the size of their change; caller frees. */
static int *effects_ranked(const struct effects *e, int *count)
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

static void effects_name_of(const struct workbench *w, const struct change *c, char *out,
                            size_t size)
{
    int image = photo_in_result(w);
    if (c->kind == CHANGE_DROP_REGION && c->image != image)
        snprintf(out, size, "image %d region %d", c->image + 1, c->region);
    else if (c->kind == CHANGE_DROP_REGION)
        draw_region_name(w, c->region, out, size);
    else if (c->kind == CHANGE_SILENCE)
        snprintf(out, size, "%s %d.%d", inside_map_name(c->map, true), c->layer + 1, c->head + 1);
    else
        draw_token_name(w, c->token, out, size);
}

/* In words, what the model says first. best: as in struct effects. */
static void best_name(const struct workbench *w, int best, char *out, size_t size)
{
    const struct result *r = w->now.r;
    *out = '\0';
    if (r->task->reading->ranked == RANKED_REGIONS && best >= 0 && best < r->batch * r->rows)
        draw_region_name(w, r->sources[best].region, out, size);
    for (int i = 0; r->task->reading->ranked != RANKED_REGIONS && i < r->answer_count; i++)
        if (r->answers[i].index == best)
            snprintf(out, size, "%s", r->task->reading->ranked == RANKED_IMAGES
                                          ? draw_base_name(r->answers[i].label)
                                          : r->answers[i].label);
}

/* ---- choosing */

static void choose_changed(struct workbench *w, const struct change *c)
{
    struct chosen next = *w->sel;
    if (c->kind == CHANGE_DROP_REGION && c->image == photo_in_result(w))
        next.region = c->region;
    else if (c->kind == CHANGE_MASK_TOKEN)
        next.token = c->token;
    else if (c->kind == CHANGE_SILENCE)
        slice_choose(&next.slice, c->map, c->layer, c->head);
    selection_set(w->selection, &next);
}

static void effects_pick(struct workbench *w, struct effects_view *v, const struct effects *e,
                         int place)
{
    int n, *order = effects_ranked(e, &n);
    if (place >= 0 && place < n) {
        v->pick = place;
        choose_changed(w, &e->items[order[place]].change);
    }
    free(order);
}

static void effects_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct effects_view *v = effects_state(w, p);
    const struct effects *e = leave_out_known(w);
    if (e && e->done)
        effects_pick(w, v, e, panes_pick(v->pick, e->done, 10, m));
}

/* Asks again without the chosen one. */
static void effects_accept(struct workbench *w, struct pane *p)
{
    const struct effects_view *v = effects_state(w, p);
    const struct effects *e = leave_out_known(w);
    int n;
    if (!e || !e->done)
        return;
    int *order = effects_ranked(e, &n);
    if (v->pick < n)
        change_toggle(w, &e->items[order[v->pick]].change);
    free(order);
}

static bool effects_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct effects_view *v = effects_state(w, p);
    const struct effects *e = leave_out_known(w);
    struct area l = v->list;
    if (!e || row < l.row || row >= l.row + l.rows || col < l.col)
        return false;
    effects_pick(w, v, e, v->top + row - l.row);
    return true;
}

/* ---- the list */

static void draw_effects_line(const struct workbench *w, const struct effects *e,
                              const struct effect *f, float top, struct area at, bool chosen)
{
    char name[128], best[128] = "", number[32];
    effects_name_of(w, &f->change, name, sizeof name);
    if (isnan(f->effect))
        snprintf(number, sizeof number, "-"); /* it is left out itself */
    else
        grid_signed(f->effect, 3, number, sizeof number);
    draw_on(grid_color((float)f->effect, top, SCALE_SIGNED), A_NORMAL);
    draw_text(at.row, at.col, 8, " %s ", number);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    draw_text(at.row, at.col + 9, 6, "%.3f", (double)f->softmax);
    int room = at.cols >= 60 ? 30 : at.cols < 34 ? at.cols - 15 : 19;
    int col = 15 + draw_text(at.row, at.col + 15, room, "%s", name);
    if (f->best != e->best)
        best_name(w, f->best, best, sizeof best);
    if (*best)
        draw_text(at.row, at.col + col + 1, at.cols - col - 1, "-> %s", best);
    attrset(A_NORMAL);
}

static void draw_effects_list(struct workbench *w, struct effects_view *v, const struct effects *e,
                              struct area a, struct area at)
{
    int n, *order = effects_ranked(e, &n), rows = at.rows - 1;
    float top = effects_top_of(e);
    attrset((int)draw_dim());
    draw_text(at.row, at.col, at.cols, " effect  prob. without");
    attrset(A_NORMAL);
    int first = list_top(&v->top, v->pick < n ? v->pick : n - 1, n, rows);
    for (int i = 0; i < rows && first + i < n; i++)
        draw_effects_line(w, e, &e->items[order[first + i]], top,
                          (struct area){at.row + 1 + i, at.col, 1, at.cols}, first + i == v->pick);
    v->list = (struct area){at.row + 1 - a.row, at.col - a.col, rows, at.cols};
    free(order);
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
static void paint_regions(struct workbench *w, const struct effects_view *v,
                          const struct effects *e, struct canvas *c)
{
    int n, *order = effects_ranked(e, &n), image = photo_in_result(w);
    const struct result_image *im = &w->now.r->images[image];
    double sx = (double)c->w / im->width, sy = (double)c->h / im->height;
    float top = effects_top_of(e);
    for (int turn = 0; turn < 2; turn++)
        for (int i = n - 1; i >= 0; i--) {
            const struct effect *f = by_place(e, order, n, i);
            bool chosen = i == v->pick, numbered = i < 4 || chosen;
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
static struct canvas *effects_backdrop(struct workbench *w, struct effects_view *v,
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

static void draw_effects_photo(struct workbench *w, struct pane *p, const struct effects *e,
                               struct area a)
{
    struct effects_view *v = effects_state(w, p);
    const struct image *im =
        w->ses.photo < w->ses.photo_count ? w->ses.photos[w->ses.photo]->image : NULL;
    int width, height, cw, ch;
    if (!im || photo_in_result(w) < 0)
        return;
    gfx_fit(&w->screen.gfx, a, im->width, im->height, &width, &height);
    draw_cell(w, &cw, &ch);
    struct canvas *c = effects_backdrop(w, v, im, width, height);
    if (!c)
        return;
    paint_regions(w, v, e, c);
    struct area at = {a.row, a.col, (height + ch - 1) / ch, (width + cw - 1) / cw};
    gfx_place(&w->screen.gfx, p->slot, at, c);
}

/* ---- on the words */

/* Returns the rows it took. */
static int draw_words(const struct workbench *w, const struct effects *e, struct area a)
{
    float top = effects_top_of(e);
    int row = 0, col = 0;
    for (int i = 0; i < e->count; i++) {
        char name[128];
        const struct effect *f = &e->items[i];
        draw_token_name(w, f->change.token, name, sizeof name);
        int width = (int)strlen(name) + 2;
        if (col > 0 && col + width > a.cols) {
            row++;
            col = 0;
        }
        if (row >= a.rows)
            break;
        draw_on(grid_color(f->known ? (float)f->effect : NAN, top, SCALE_SIGNED),
                  f->change.token == w->sel->token ? A_REVERSE : A_NORMAL);
        col += draw_text(a.row + row, a.col + col, a.cols - col, " %s ", name) + 1;
        attrset(A_NORMAL);
    }
    return row + 1;
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

/* Layers go down, heads go right; a block for each map. */
static void draw_heads(struct workbench *w, struct pane *p, const struct effects *e, struct area a)
{
    struct effects_view *v = effects_state(w, p);
    struct sizes s = sizes_of(e);
    int cw, ch;
    draw_cell(w, &cw, &ch);
    const struct gfx *g = &w->screen.gfx;
    int width = a.cols * cw, layers = effects_most(s.layers), heads = effects_most(s.heads);
    int maps = s.maps > 0 ? s.maps : 1;
    width = gfx_has_pixels(g) && width > g->most_w ? g->most_w : width;
    int cell_w = (width / maps - cw) / heads, cell_h = (a.rows - 1) * ch / layers;
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
    const struct area at = {a.row + 1, a.col, (layers * cell_h + ch - 1) / ch, a.cols};
    gfx_place(&w->screen.gfx, p->slot, at, c);
    v->heads = (struct area){at.row - p->at.row, at.col - p->at.col, at.rows, at.cols};
    v->cell_w = cell_w;
    v->cell_h = cell_h;
    v->heads_w = width;
}

/* The head at a cell of the colors, or NULL. */
static const struct effect *effects_head(const struct workbench *w, const struct effects_view *v,
                                         const struct effects *e, int row, int col)
{
    struct sizes s = sizes_of(e);
    int cw, ch;
    if (e->of != EFFECTS_HEADS || s.maps == 0 || !area_holds(v->heads, row, col))
        return NULL;
    draw_cell(w, &cw, &ch);
    int x = (col - v->heads.col) * cw + cw / 2, y = (row - v->heads.row) * ch + ch / 2;
    for (int i = 0; i < e->count; i++) {
        const struct change *c = &e->items[i].change;
        int left = v->heads_w * s.place[c->map] / s.maps + c->head * v->cell_w;
        if (x >= left && x < left + v->cell_w && y / v->cell_h == c->layer)
            return &e->items[i];
    }
    return NULL;
}

static bool effects_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                          size_t size)
{
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    const struct effect *f = e ? effects_head(w, effects_state(w, p), e, row, col) : NULL;
    char name[128];
    if (!f || !f->known)
        return false;
    effects_name_of(w, &f->change, name, sizeof name);
    snprintf(out, size, "without %s: %+.4f %s, probability %.4f", name, f->effect,
             score_scale_names[e->scale], (double)f->softmax);
    return true;
}

/* ---- drawing */

static const char *const effects_without[] = {[EFFECTS_REGIONS] = "without each region",
                                              [EFFECTS_TOKENS] = "with each token masked",
                                              [EFFECTS_HEADS] = "without each head"};

static void draw_effects_title(struct workbench *w, const struct effects *e, struct area a)
{
    char best[128], how[32] = "";
    best_name(w, e->choice, best, sizeof best);
    if (e->of == EFFECTS_HEADS && e->count)
        snprintf(how, sizeof how, " (%s)", silence_names[e->items[0].change.how]);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Leave-one-out: %s %s%s", best, effects_without[e->of], how);
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "%d/%d%s effect on %s %.3f, prob. %.3f", e->done, e->count,
              leave_out_runs(w) ? " ..." : ":", score_scale_names[e->scale], e->measure,
              (double)e->softmax);
}

static void draw_effects_body(struct workbench *w, struct pane *p, const struct effects *e,
                              struct area a, struct area at)
{
    bool pictures = w->screen.gfx.mode != GFX_NONE;
    bool wide = pictures && at.cols >= LIST + 30, high = pictures && at.rows >= 14;
    struct area picture = at, list = at;
    if (e->of == EFFECTS_TOKENS) {
        int used = draw_words(w, e, (struct area){at.row, at.col, at.rows / 2, at.cols});
        list = (struct area){at.row + used, at.col, at.rows - used, at.cols};
    } else if (wide) {
        picture.cols = at.cols - LIST - 1;
        list = (struct area){at.row, at.col + at.cols - LIST, at.rows, LIST};
    } else if (high) {
        struct sizes s = sizes_of(e);
        picture.rows = e->of == EFFECTS_HEADS ? effects_most(s.layers) + 1 : at.rows / 2;
        picture.rows = picture.rows < at.rows / 2 ? picture.rows : at.rows / 2;
        list = (struct area){at.row + picture.rows, at.col, at.rows - picture.rows, at.cols};
    }
    if ((wide || high) && e->of == EFFECTS_REGIONS)
        draw_effects_photo(w, p, e, picture);
    if ((wide || high) && e->of == EFFECTS_HEADS)
        draw_heads(w, p, e, picture);
    draw_effects_list(w, effects_state(w, p), e, a, list);
}

static void effects_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    if (!e || a.rows < 5 || a.cols < 24) {
        draw_text(a.row, a.col, a.cols, "%s",
                  e                 ? "no room for the list"
                  : !w->now.r       ? "Leave-one-out: ask something first"
                  : leave_out_runs(w)   ? "Leave-one-out: computing ..."
                                    : "Leave-one-out: what the answer depends on");
        if (!e && w->now.r && !leave_out_runs(w))
            inside_hint(a, 1, ":leave-one-out regions, tokens, or heads [zero, uniform, mean]");
        return;
    }
    bool legend = a.rows >= 8;
    effects_state(w, p)->heads = (struct area){0};
    draw_effects_title(w, e, a);
    draw_effects_body(w, p, e, a, (struct area){a.row + 2, a.col, a.rows - 2 - legend, a.cols});
    if (legend)
        grid_legend(a.row + a.rows - 1, a.col, a.cols, effects_top_of(e), SCALE_SIGNED);
}

static bool effects_table(struct workbench *w, struct pane *p, struct table *out)
{
    (void)p;
    static const char *const names[] = {NULL, "change of probability", "probability without",
                                        "logit without", "rank without"};
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    if (!e)
        return false;
    int n, *order = effects_ranked(e, &n);
    char best[128];
    table_init(out, n, 5);
    best_name(w, e->choice, best, sizeof best);
    out->shape = TABLE_BARS;
    out->sign = true;
    out->title = xasprintf("Leave-one-out: %s %s", best, effects_without[e->of]);
    for (int j = 0; j < 5; j++)
        out->col_names[j] = j ? xstrdup(names[j])
                              : xasprintf("change of %s", score_scale_names[e->scale]);
    for (int i = 0; i < n; i++) {
        const struct effect *f = &e->items[order[i]];
        char name[128];
        effects_name_of(w, &f->change, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        const float x[5] = {(float)f->effect, f->softmax - e->softmax, f->softmax, f->logit,
                            (float)f->rank + 1};
        memcpy(out->x + 5 * (ptrdiff_t)i, x, sizeof x);
    }
    free(order);
    return true;
}

static void effects_end(struct pane *p)
{
    struct effects_view *v = p->state;
    canvas_free(v->backdrop);
}

/* ---- keys */

/* "[regions|tokens|heads] [zero|uniform|mean]"; without a word the next kind. */
static void do_leave_one_out(struct workbench *w, const char *arg)
{
    static const char *const names[EFFECTS_KINDS] = {"regions", "tokens", "heads"};
    const char *blank = strchr(arg, ' ');
    size_t len = blank ? (size_t)(blank - arg) : strlen(arg);
    int next = w->leave_outs.known ? (int)(w->leave_outs.known->of + 1) % EFFECTS_KINDS : 0;
    int of = *arg ? -1 : next, how = blank ? silence_find(blank + 1) : (int)KERN_ZERO;
    for (int i = 0; i < EFFECTS_KINDS; i++)
        if (len && strncmp(names[i], arg, len) == 0 && strlen(names[i]) == len)
            of = i;
    if (of < 0 || how < 0) {
        workbench_say(w, true, "leave-one-out regions, tokens, or heads [zero, uniform, mean]");
        return;
    }
    if (!change_possible(w))
        return;
    panes_show(&w->panes, &view_effects);
    leave_out_start(w, (enum effects_of)of, (enum kern_silence)how);
}

static void do_effects(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_effects);
}

static const struct action effects_actions[] = {
    ACTIONS_AFTER("restore"),
    {"leave-one-out", "K", "[WHAT]", NULL,
     "attribution of the chosen answer to regions, tokens or heads [zero, uniform, mean]",
     do_leave_one_out},
    ACTIONS_AFTER("lens"),
    {"effects", "F7", "", NULL, "the leave-one-out attribution", do_effects},
    {0},
};

const struct view view_effects = {
    .name = "effects",
    .what = "leave-one-out attribution of the answer to regions, tokens or heads",
    .hints = "Up Down choose, K again",
    .state = sizeof(struct effects_view),
    .end = effects_end,
    .draw = effects_draw,
    .move = effects_move,
    .accept = effects_accept,
    .click = effects_click,
    .under = effects_under,
    .stale = stale_result,
    .table = effects_table,
    .actions = effects_actions,
};
