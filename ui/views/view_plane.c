/* SPDX-License-Identifier: MIT */
/* Tokens and regions as points: the plane that shows most of their states' variance (PCA), depth by
 * depth. Each stream has a plane of its own; together they are drawn only where they are equally
 * wide. */
#include "src/base/mem.h"
#include "ui/kit/theme.h"
#include "ui/views/figures.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "src/study/pca.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_plane;

#define LETTER_W 6 /* pixels of painted letters */
#define LETTER_H 9

enum plane_of { PLANE_BOTH, PLANE_TOKENS, PLANE_REGIONS, PLANE_JOINT, PLANE_KINDS };

struct plane_view {
    enum plane_of of;
    struct area at;    /* where the points were drawn last, from the pane's corner */
    float *xy;         /* (items, 2): a cache, and what it was made of */
    float share[2][2];
    uint64_t key;
};

/* Points [first, first + count) of all lie on one plane. */
struct panel {
    const char *title;
    int first, count;
    float share[2];
};

struct plane {
    struct item *items;
    struct depth *depths;
    int count, depth_count, depth;
    const float *xy; /* (count, 2), borrowed from the cache */
    struct panel panels[2];
    int panel_count;
};

/* ---- the points */

static void put_panel(struct plane *p, const char *title, int first, int count)
{
    if (count > 0)
        p->panels[p->panel_count++] = (struct panel){.title = title, .first = first,
                                                     .count = count};
}

static bool equally_wide(const struct depth *d)
{
    return d->t && d->v && d->t->shape[2] == d->v->shape[2];
}

static void make_panels(struct plane *p, enum plane_of of)
{
    int tokens = 0;
    while (tokens < p->count && p->items[tokens].token)
        tokens++;
    if (of == PLANE_JOINT && equally_wide(&p->depths[p->depth])) {
        put_panel(p, "together", 0, p->count);
        return;
    }
    if (of != PLANE_REGIONS)
        put_panel(p, "tokens", 0, tokens);
    if (of != PLANE_TOKENS)
        put_panel(p, "regions", tokens, p->count - tokens);
}

static void plane_project(const struct workbench *w, const struct plane *p, const struct panel *l,
                          float *xy, float share[2])
{
    const float **x = xcalloc((size_t)l->count + 1, sizeof *x);
    int width = 0;
    bool all = true;
    for (int i = 0; i < l->count; i++) {
        x[i] = inside_state(w, &p->depths[p->depth], p->items[l->first + i], &width);
        all = all && x[i];
    }
    if (all)
        project_plane(x, l->count, width, xy + 2 * l->first, share);
    free(x);
}

/* False when there are no states. close_plane in any case. */
static bool open_plane(struct workbench *w, const struct pane *at, struct plane *p)
{
    struct plane_view *v = at->state;
    *p = (struct plane){0};
    if (!w->now.r)
        return false;
    p->items = inside_items(w, &p->count);
    p->depths = inside_depths(w, &p->depth_count);
    p->depth = inside_depth(w, at, p->depth_count);
    if (!p->depth_count || !p->count)
        return false;
    make_panels(p, v->of);
    uint64_t key = inside_key(w, p->depth * PLANE_KINDS + (int)v->of);
    if (key != v->key) {
        free(v->xy);
        v->xy = xcalloc((size_t)p->count * 2 + 2, sizeof *v->xy);
        memset(v->share, 0, sizeof v->share);
        for (int i = 0; i < p->panel_count; i++)
            plane_project(w, p, &p->panels[i], v->xy, v->share[i]);
        v->key = key;
    }
    p->xy = v->xy;
    for (int i = 0; i < p->panel_count; i++)
        memcpy(p->panels[i].share, v->share[i], sizeof p->panels[i].share);
    return p->panel_count > 0;
}

static void close_plane(struct plane *p)
{
    free(p->items);
    free(p->depths);
}

/* ---- keys */

static int chosen_item(const struct workbench *w, const struct plane *p)
{
    int at = -1;
    for (int i = 0; i < p->count; i++) /* a region before a token: it is chosen last */
        if (inside_is_chosen(w, p->items[i]))
            at = i;
    return at;
}

static void plane_move(struct workbench *w, struct pane *at, enum motion m)
{
    struct plane p;
    if (open_plane(w, at, &p)) {
        int now = chosen_item(w, &p);
        if (m == MOVE_LEFT || m == MOVE_RIGHT)
            inside_set_depth(w, at, panes_pick(p.depth, p.depth_count, 1,
                                               m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN));
        else
            inside_choose_item(w, p.items[now < 0 ? 0 : panes_pick(now, p.count, 10, m)]);
    }
    close_plane(&p);
}

/* ---- where points are drawn */

struct spot {
    int x, y; /* in units of a panel's box */
};

/* Both axes alike, and all points inside the box with a margin. */
static void plane_place(const struct plane *p, const struct panel *l, int w, int h, int margin_x,
                        int margin_y, double aspect, struct spot *out)
{
    double low[2] = {0}, high[2] = {0};
    for (int i = 0; i < l->count; i++)
        for (int k = 0; k < 2; k++) {
            double v = (double)p->xy[2 * (l->first + i) + k];
            low[k] = v < low[k] ? v : low[k];
            high[k] = v > high[k] ? v : high[k];
        }
    double room_x = w - 2 * margin_x > 1 ? w - 2 * margin_x : 1;
    double room_y = h - 2 * margin_y > 1 ? h - 2 * margin_y : 1;
    double sx = high[0] > low[0] ? room_x / (high[0] - low[0]) : 1;
    double sy = high[1] > low[1] ? room_y / aspect / (high[1] - low[1]) : sx;
    double s = sx < sy ? sx : sy;
    for (int i = 0; i < l->count; i++) {
        const float *v = p->xy + 2 * (l->first + i);
        out[i].x = (int)(w / 2.0 + s * ((double)v[0] - (low[0] + high[0]) / 2));
        out[i].y = (int)(h / 2.0 - s * aspect * ((double)v[1] - (low[1] + high[1]) / 2));
    }
}

/* "dog", "7 cat" */
static const char *plane_short_name(const struct workbench *w, struct item x, char *out,
                                    size_t size)
{
    inside_name(w, x.token, x.at, out, size);
    return inside_brief(out, 0);
}

static struct rgb color_of(const struct workbench *w, struct item x)
{
    return inside_special(w, x.token, x.at) ? theme_shade(0.6) : draw_rank_color(x.token ? 1 : 4);
}

/* ---- as a picture */

/* A place beside the point where nothing is; false: there is none. */
static bool find_room(const struct canvas *c, const struct pixels *list, int count, struct spot s,
                      int w, int h, struct pixels *out)
{
    const int at[][2] = {{5, -h / 2}, {-w - 5, -h / 2}, {-w / 2, 5}, {-w / 2, -h - 5},
                         {5, 4}, {5, -h - 4}, {-w - 5, 4}, {-w - 5, -h - 4}};
    for (size_t k = 0; k < sizeof at / sizeof at[0]; k++) {
        struct pixels b = {s.x + at[k][0], s.y + at[k][1], s.x + at[k][0] + w, s.y + at[k][1] + h};
        if (b.x1 < 0 || b.y1 < 0 || b.x2 >= c->w || b.y2 >= c->h || !pixels_free(list, count, b))
            continue;
        *out = b;
        return true;
    }
    return false;
}

static void paint_label(const struct workbench *w, struct canvas *c, struct item x, struct spot s,
                        struct pixels *list, int *count)
{
    char name[128];
    const char *text = plane_short_name(w, x, name, sizeof name);
    struct pixels b;
    char cut[16];
    snprintf(cut, sizeof cut, "%.14s", text);
    if (!find_room(c, list, *count, s, ((int)strlen(cut) * LETTER_W + 1), LETTER_H, &b))
        return;
    canvas_label(c, b.x1, b.y1, cut, 1, color_of(w, x));
    list[(*count)++] = b;
}

static void paint_panel(const struct workbench *w, const struct plane *p, const struct panel *l,
                        struct canvas *c, int now)
{
    const struct rgb line = theme_shade(0.25), white = theme_shade(1);
    struct spot *s = xcalloc((size_t)l->count + 1, sizeof *s);
    struct pixels *list = xcalloc(2 * (size_t)l->count + 2, sizeof *list);
    int count = 0, first = now - l->first;
    canvas_frame(c, 0, 0, c->w - 1, c->h - 1, 1, line);
    plane_place(p, l, c->w, c->h, 40, 14, 1, s);
    for (int i = 0; i < l->count; i++) {
        int r = i == first ? 5 : 3;
        if (i == first)
            canvas_fill(c, s[i].x - 7, s[i].y - 7, s[i].x + 7, s[i].y + 7, white);
        canvas_fill(c, s[i].x - r, s[i].y - r, s[i].x + r, s[i].y + r,
                    color_of(w, p->items[l->first + i]));
        list[count++] = (struct pixels){s[i].x - 3, s[i].y - 3, s[i].x + 3, s[i].y + 3};
    }
    /* The chosen one's label finds room first. */
    if (first >= 0 && first < l->count)
        paint_label(w, c, p->items[now], s[first], list, &count);
    for (int i = 0; i < l->count; i++)
        if (i != first)
            paint_label(w, c, p->items[l->first + i], s[i], list, &count);
    free(s);
    free(list);
}

/* ---- as text */

static void write_panel(const struct workbench *w, const struct plane *p, const struct panel *l,
                        struct area a, int now)
{
    struct spot *s = xcalloc((size_t)l->count + 1, sizeof *s);
    struct pixels *list = xcalloc((size_t)l->count + 1, sizeof *list);
    int count = 0;
    plane_place(p, l, a.cols, a.rows, 3, 0, 0.5, s);
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < l->count; i++) {
            char name[128];
            struct item x = p->items[l->first + i];
            bool chosen = l->first + i == now;
            if (chosen != (turn == 0))
                continue;
            const char *text = plane_short_name(w, x, name, sizeof name);
            int len = (int)strlen(text) < 12 ? (int)strlen(text) : 12;
            int col = s[i].x, row = s[i].y < a.rows ? s[i].y : a.rows - 1;
            col = col + len + 1 > a.cols ? a.cols - len - 1 : col;
            struct pixels b = {col < 0 ? 0 : col, row, col + len, row};
            attrset(chosen ? A_REVERSE | A_BOLD
                    : x.token ? draw_rank_attr(1) : draw_rank_attr(4));
            if (pixels_free(list, count, b)) {
                draw_text(a.row + row, a.col + b.x1, len, "%s", text);
                list[count++] = b;
            } else if (pixels_free(list, count, (struct pixels){s[i].x, row, s[i].x, row})) {
                draw_text(a.row + row, a.col + s[i].x, 1, "o");
            }
            attrset(A_NORMAL);
        }
    free(s);
    free(list);
}

/* ---- clicks */

/* The item nearest to a cell, or -1, and the square of how far it is, in half columns. The pane is
 * divided among panels as draw_points does it. */
static int plane_nearest(const struct workbench *w, const struct plane *p, struct area a, int row,
                         int col, int *least)
{
    int cw, ch, best = -1;
    draw_cell(w, &cw, &ch);
    bool sixel = gfx_has_pixels(&w->screen.gfx);
    int uw = sixel ? cw : 1, uh = sixel ? ch : 1;
    for (int k = 0; k < p->panel_count; k++) {
        const struct panel *l = &p->panels[k];
        int left = a.cols * k / p->panel_count, right = a.cols * (k + 1) / p->panel_count;
        struct spot *s = xcalloc((size_t)l->count + 1, sizeof *s);
        plane_place(p, l, (right - left) * uw, a.rows * uh, sixel ? 40 : 3, sixel ? 14 : 0,
                    sixel ? 1 : 0.5, s);
        for (int i = 0; i < l->count; i++) {
            int x = s[i].x / uw + left - (col - a.col), y = 2 * (s[i].y / uh - (row - a.row));
            if (best < 0 || x * x + y * y < *least) {
                best = l->first + i;
                *least = x * x + y * y;
            }
        }
        free(s);
    }
    return best;
}

static bool plane_click(struct workbench *w, struct pane *at, int row, int col)
{
    struct plane p;
    int least = 0, best = -1;
    if (open_plane(w, at, &p))
        best = plane_nearest(w, &p, ((const struct plane_view *)at->state)->at, row, col, &least);
    if (best >= 0)
        inside_choose_item(w, p.items[best]);
    close_plane(&p);
    return best >= 0;
}

/* A point that is no farther away than a row. */
static bool plane_under(struct workbench *w, struct pane *at, int row, int col, char *out,
                        size_t size)
{
    struct plane p;
    char name[128];
    int least = 0, best = -1;
    if (open_plane(w, at, &p))
        best = plane_nearest(w, &p, ((const struct plane_view *)at->state)->at, row, col, &least);
    bool there = best >= 0 && least <= 4;
    if (there) {
        inside_name(w, p.items[best].token, p.items[best].at, name, sizeof name);
        snprintf(out, size, "%s: %.3f, %.3f", name, (double)p.xy[2 * best],
                 (double)p.xy[2 * best + 1]);
    }
    close_plane(&p);
    return there;
}

/* ---- drawing */

static void draw_points(struct workbench *w, int slot, const struct plane *p, struct area a,
                        int now)
{
    int cw, ch, n = p->panel_count;
    if (!gfx_has_pixels(&w->screen.gfx)) {
        for (int i = 0; i < n; i++) {
            int left = a.cols * i / n, right = a.cols * (i + 1) / n;
            struct area half = {a.row, a.col + left, a.rows, right - left - (i + 1 < n)};
            write_panel(w, p, &p->panels[i], half, now);
        }
        return;
    }
    draw_cell(w, &cw, &ch);
    int width = a.cols * cw;
    struct canvas *c = draw_canvas(w, width, a.rows * ch);
    for (int i = 0; c && i < n; i++) {
        int left = width * i / n, right = width * (i + 1) / n;
        struct canvas *half = draw_canvas(w, right - left - (i + 1 < n ? 4 : 0), a.rows * ch);
        if (!half)
            break;
        paint_panel(w, p, &p->panels[i], half, now);
        canvas_put(c, left, 0, half);
        canvas_free(half);
    }
    gfx_place(&w->screen.gfx, slot, a, c);
}

static void draw_plane_title(const struct workbench *w, const struct plane *p, struct area a,
                             int now)
{
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Plane after %s (%d/%d)", p->depths[p->depth].name,
              p->depth + 1, p->depth_count);
    attrset(A_NORMAL);
    int col = 0;
    for (int i = 0; i < p->panel_count; i++) {
        const struct panel *l = &p->panels[i];
        col += draw_text(a.row + 1, a.col + col, a.cols - col, "%s%s", i ? ", " : "variance: ",
                         l->title);
        if (l->share[0] > 0)
            col += draw_text(a.row + 1, a.col + col, a.cols - col, " %.0f %% + %.0f %%",
                             100 * (double)l->share[0], 100 * (double)l->share[1]);
        else
            col += draw_text(a.row + 1, a.col + col, a.cols - col, " in one point");
    }
    if (now >= 0 && a.rows >= 6) {
        char name[128];
        inside_name(w, p->items[now].token, p->items[now].at, name, sizeof name);
        draw_text(a.row + a.rows - 1, a.col + 24, a.cols - 24, "%s %.2f, %.2f", name,
                  (double)p->xy[2 * now], (double)p->xy[2 * now + 1]);
    }
}

static void draw_colors(struct area a)
{
    int row = a.row + a.rows - 1, col = a.col;
    attrset(draw_rank_attr(1));
    col += draw_text(row, col, 8, "tokens ");
    attrset(draw_rank_attr(4));
    col += draw_text(row, col, 9, "regions ");
    attrset((int)draw_dim());
    draw_text(row, col, 12, "special");
    attrset(A_NORMAL);
}

static void plane_draw(struct workbench *w, struct pane *at, struct area a)
{
    struct plane_view *v = at->state;
    struct plane p;
    bool any = open_plane(w, at, &p);
    if (any && a.rows >= 6 && a.cols >= 24) {
        int now = chosen_item(w, &p);
        const struct area points = {a.row + 2, a.col, a.rows - 3, draw_cols(w, a.cols)};
        v->at = area_in_pane(at, points);
        draw_plane_title(w, &p, a, now);
        draw_colors(a);
        draw_points(w, at->slot, &p, points, now);
    } else {
        draw_text(a.row, a.col, a.cols, "%s", any ? "no room for the plane"
                                            : w->now.r ? "this result has no hidden states"
                                                       : "Plane: ask something first");
    }
    close_plane(&p);
}

static bool plane_table(struct workbench *w, struct pane *at, struct table *out)
{
    struct plane p;
    bool any = open_plane(w, at, &p);
    char name[256];
    if (any) {
        table_init(out, p.count, 2);
        memcpy(out->x, p.xy, (size_t)p.count * 2 * sizeof *out->x);
        out->col_names[0] = xstrdup("x");
        out->col_names[1] = xstrdup("y");
    }
    for (int i = 0; any && i < p.count; i++) {
        inside_name(w, p.items[i].token, p.items[i].at, name, sizeof name);
        out->row_names[i] = xstrdup(name);
    }
    close_plane(&p);
    return any;
}

/* The tokens, or the regions, of a panel as points. */
static void plane_series(const struct workbench *w, const struct plane *p, const struct panel *l,
                         bool tokens, struct figure_panel *out)
{
    int n = 0;
    for (int i = 0; i < l->count; i++)
        n += p->items[l->first + i].token == tokens;
    if (n == 0)
        return;
    struct figure_series *s = figure_panel_series(out, xstrdup(tokens ? "tokens" : "regions"), n);
    s->color = figure_category(tokens ? 0 : 1);
    s->style = FIGURE_POINTS;
    s->labels = xcalloc((size_t)n + 1, sizeof *s->labels);
    for (int i = 0, at = 0; i < l->count; i++) {
        const struct item *it = &p->items[l->first + i];
        char name[256];
        if (it->token != tokens)
            continue;
        inside_name(w, it->token, it->at, name, sizeof name);
        s->x[at] = (double)p->xy[2 * (l->first + i)];
        s->y[at] = (double)p->xy[2 * (l->first + i) + 1];
        s->labels[at++] = xstrdup(inside_brief(name, 1));
    }
}

static bool plane_figure(struct workbench *w, struct pane *at, struct figure *out)
{
    struct plane p;
    bool any = open_plane(w, at, &p);
    for (int k = 0; any && k < p.panel_count; k++) {
        const struct panel *l = &p.panels[k];
        struct figure_panel *x = figure_panel(out, FIGURE_CURVES, xstrdup(l->title));
        plane_series(w, &p, l, true, x);
        plane_series(w, &p, l, false, x);
        x->col_title = xasprintf("first component, %.0f %% of the variance",
                                 100 * (double)l->share[0]);
        x->row_title = xasprintf("second, %.0f %%", 100 * (double)l->share[1]);
        x->equal = true;
    }
    if (any)
        out->title = xasprintf("Hidden states after %s, on the plane of most variance",
                               p.depths[p.depth].name);
    close_plane(&p);
    return any;
}

static void plane_end(struct pane *at)
{
    struct plane_view *v = at->state;
    free(v->xy);
}

/* ---- keys */

static void do_plane_of(struct workbench *w, const char *arg)
{
    static const char *const names[PLANE_KINDS] = {"both", "tokens", "regions", "joint"};
    struct plane_view *v = panes_of(&w->panes, &view_plane)->state;
    int at = word_choose(w, names, PLANE_KINDS, (int)v->of, arg);
    if (at < 0)
        return;
    v->of = (enum plane_of)at;
    workbench_say(w, false, "%s",
                  at == PLANE_JOINT    ? "one plane for both streams, where they are equally wide"
                  : at == PLANE_BOTH   ? "a plane for tokens, and one for regions"
                  : at == PLANE_TOKENS ? "the plane of tokens"
                                       : "the plane of regions");
}

static void do_plane(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_plane);
}

static const struct action plane_actions[] = {
    ACTIONS_AFTER("join"),
    {"plane-of", "P", "[WHAT]", NULL, "the plane of both streams, tokens, regions, or joint",
     do_plane_of},
    ACTIONS_AFTER("states"),
    {"plane", "F5", "", NULL, "hidden states as points (PCA)", do_plane},
    {0},
};

const struct view view_plane = {
    .name = "plane",
    .what = "hidden states of tokens and regions on their first two principal components",
    .hints = "arrows choose, [ ] depth, P of what",
    .sliced = true,
    .state = sizeof(struct plane_view),
    .end = plane_end,
    .draw = plane_draw,
    .move = plane_move,
    .step = inside_step,
    .click = plane_click,
    .under = plane_under,
    .stale = stale_result,
    .table = plane_table,
    .figure = plane_figure,
    .actions = plane_actions,
};
