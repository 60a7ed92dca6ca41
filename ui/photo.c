/* The current photo with what is known of it: ranked boxes, or where a token looks. */
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rgb photo_rank_color(int rank)
{
    static const struct rgb colors[] = {{255, 214, 0},  {0, 214, 255},  {255, 102, 204},
                                        {128, 255, 80}, {255, 140, 40}, {204, 204, 204}};
    return colors[rank < 5 ? rank : 5];
}

int photo_in_result(const struct workbench *w)
{
    for (int i = 0; w->now.r && i < w->now.r->image_count; i++)
        if (w->photo < w->photo_count && w->now.photos[i] == w->photos[w->photo])
            return i;
    return -1;
}

float *photo_weights(const struct workbench *w, int *count)
{
    int image = photo_in_result(w);
    if (image < 0 || w->token < 0)
        return NULL;
    *count = look_regions(w->now.r, image);
    float *out = xcalloc((size_t)*count, sizeof *out);
    if (look_at_image(w->now.r, image, w->token, w->layer, w->head, out))
        return out;
    free(out);
    return NULL;
}

struct pixels {
    int x1, y1, x2, y2;
};

static struct pixels place(const struct canvas *c, const struct result_image *im, const float *b)
{
    double sx = (double)c->w / im->width, sy = (double)c->h / im->height;
    return (struct pixels){(int)(b[0] * sx), (int)(b[1] * sy), (int)(b[2] * sx), (int)(b[3] * sy)};
}

static int thickness(const struct workbench *w, const struct canvas *c, bool chosen)
{
    if (w->gfx.mode == GFX_BLOCKS)
        return 1;
    return (c->w > 500 ? 3 : 2) + (chosen ? 2 : 0);
}

/* Labels that are already there, so that a new one does not hide them. */
struct labels {
    struct pixels at[128];
    int count;
};

static bool is_free(const struct labels *l, struct pixels p)
{
    for (int i = 0; i < l->count; i++)
        if (p.x1 <= l->at[i].x2 && p.x2 >= l->at[i].x1 && p.y1 <= l->at[i].y2 &&
            p.y2 >= l->at[i].y1)
            return false;
    return true;
}

/* A place of w by h for the label of box p: above it, below, beside, inside, further above; the
 * first that is on the picture and free, else above. */
static struct pixels find_place(const struct canvas *c, struct labels *l, struct pixels p, int w,
                                int h)
{
    const int x[] = {p.x1, p.x1, p.x2 + 1, p.x1 - w, p.x1, p.x2 - w, p.x1, p.x1, p.x1};
    const int y[] = {p.y1 - h, p.y2 + 1, p.y1, p.y1, p.y1, p.y2 - h, p.y1 - 2 * h, p.y1 - 3 * h,
                     p.y1 - 4 * h};
    struct pixels chosen = {p.x1, p.y1 - h, p.x1 + w - 1, p.y1 - 1};
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
        struct pixels q = {x[i], y[i], x[i] + w - 1, y[i] + h - 1};
        if (q.x1 >= 0 && q.y1 >= 0 && q.x2 < c->w && q.y2 < c->h && is_free(l, q)) {
            chosen = q;
            break;
        }
    }
    if (l->count < 128)
        l->at[l->count++] = chosen;
    return chosen;
}

static void draw_label(const struct workbench *w, struct canvas *c, struct labels *l,
                       struct pixels p, const char *text, struct rgb color)
{
    int scale = c->w > 500 ? 2 : 1;
    if (w->gfx.mode != GFX_SIXEL)
        return;
    struct pixels at = find_place(c, l, p, ((int)strlen(text) * 6 + 1) * scale, 9 * scale);
    canvas_label(c, at.x1, at.y1, text, scale, color);
}

/* The label of a rank: "1 0.43". */
static void rank_label(const struct result_box *x, int rank, char *out, size_t size)
{
    snprintf(out, size, "%d %.2f", rank + 1, (double)x->softmax);
}

/* The best boxes, the first one on top; labels lie over all frames, the best takes its place
 * first. */
static void draw_ranked(const struct workbench *w, struct canvas *c, int image)
{
    const struct result *r = w->now.r;
    struct labels l = {.count = 0};
    int n = r->box_count < w->boxes_shown ? r->box_count : w->boxes_shown;
    for (int i = n - 1; i >= 0; i--)
        if (r->boxes[i].image == image) {
            struct pixels p = place(c, &r->images[image], r->boxes[i].box);
            canvas_frame(c, p.x1, p.y1, p.x2, p.y2, thickness(w, c, i == w->box),
                         photo_rank_color(i));
        }
    for (int i = 0; i < n; i++)
        if (r->boxes[i].image == image) {
            char text[32];
            rank_label(&r->boxes[i], i, text, sizeof text);
            draw_label(w, c, &l, place(c, &r->images[image], r->boxes[i].box), text,
                       photo_rank_color(i));
        }
}

/* The three regions that a token looks at most get a frame and their share. */
static void draw_heat(const struct workbench *w, struct canvas *c, int image,
                      const float *weights, int count)
{
    static const struct rgb white = {255, 255, 255};
    const struct result *r = w->now.r;
    float *heat = xmalloc((size_t)c->w * (size_t)c->h * sizeof *heat);
    look_heat(r, image, weights, c->w, c->h, heat);
    canvas_dim(c, 0.6f);
    canvas_heat(c, heat);
    free(heat);
    struct labels l = {.count = 0};
    bool *used = xcalloc((size_t)count, sizeof *used);
    for (int k = 0; k < 3; k++) {
        int best = 0;
        for (int i = 1; i < count; i++)
            if (!used[i] && (best == 0 || weights[i] > weights[best]))
                best = i;
        if (best == 0)
            break;
        used[best] = true;
        struct pixels p = place(c, &r->images[image], r->images[image].boxes + 4 * (best - 1));
        char text[32];
        snprintf(text, sizeof text, "%.1f%%", 100 * (double)weights[best]);
        canvas_frame(c, p.x1, p.y1, p.x2, p.y2, thickness(w, c, false), white);
        draw_label(w, c, &l, p, text, white);
    }
    free(used);
}

/* In cells there is no room for painted letters: ranks are text over the blocks. */
static void label_cells(const struct workbench *w, struct area a, const struct canvas *c,
                        int image)
{
    const struct result *r = w->now.r;
    int n = r->box_count < w->boxes_shown ? r->box_count : w->boxes_shown;
    for (int i = n - 1; i >= 0; i--) {
        const struct result_box *x = &r->boxes[i];
        struct pixels p = place(c, &r->images[image], x->box);
        char text[32];
        if (x->image != image)
            continue;
        rank_label(x, i, text, sizeof text);
        int row = a.row + p.y1 / 2, col = a.col + p.x1, len = (int)strlen(text);
        col = col + len > a.col + a.cols ? a.col + a.cols - len : col;
        row = row < a.row ? a.row : row >= a.row + a.rows ? a.row + a.rows - 1 : row;
        attrset(panes_rank_attr(i) | A_REVERSE);
        mvaddstr(row, col < a.col ? a.col : col, text);
        attrset(A_NORMAL);
    }
}

void photo_draw(struct workbench *w, struct area a)
{
    const struct image *im = w->photos[w->photo]->image;
    int width, height, image = photo_in_result(w), count = 0;
    gfx_fit(&w->gfx, a, im->width, im->height, &width, &height);
    struct canvas *c = canvas_new(width, height);
    if (!c)
        return;
    int cw = w->gfx.mode == GFX_SIXEL ? w->gfx.term.cell_w : 1;
    int ch = w->gfx.mode == GFX_SIXEL ? w->gfx.term.cell_h : 2;
    struct area at = {a.row, a.col, (height + ch - 1) / ch, (width + cw - 1) / cw};
    at.row += (a.rows - at.rows) / 2;
    at.col += (a.cols - at.cols) / 2;
    struct gfx_place *p = &w->gfx.places[0];
    bool moved = p->at.rows != at.rows || p->at.cols != at.cols;
    bool paint = w->gfx.mode == GFX_BLOCKS || w->photo_changed || moved || !p->data.len;
    if (paint) {
        canvas_photo(c, im->rgb, im->width, im->height);
        float *weights = w->overlay ? photo_weights(w, &count) : NULL;
        if (w->region >= 0)
            regions_highlight(w, c);
        else if (weights)
            draw_heat(w, c, image, weights, count);
        else if (image >= 0 && w->mode != MODE_BOX)
            draw_ranked(w, c, image);
        boxes_draw(w, c);
        free(weights);
    }
    w->shown_at = at;
    w->shown_w = width;
    w->shown_h = height;
    gfx_place(&w->gfx, 0, at, c, paint);
    if (w->gfx.mode == GFX_BLOCKS && image >= 0 && w->region < 0 && w->mode != MODE_BOX &&
        !(w->overlay && w->token >= 0))
        label_cells(w, at, c, image);
    canvas_free(c);
    w->photo_changed = false;
}
