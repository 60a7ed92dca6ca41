/* SPDX-License-Identifier: MIT */
/* How alike the states of tokens and regions are to those of the chosen one, depth by depth: the
 * cosine of the angle between them. Both streams are compared only where they are equally wide. */
#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "ui/views/inside.h"
#include "src/study/pca.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_states;

#define NOW 7    /* columns of the number at the chosen depth */

struct states_view {
    struct grid grid; /* where it was drawn last, counted from the pane's corner */
    int top[2], pick;
    float *similar;   /* (items, depths): a cache */
    uint64_t key;     /* of what it was made of */
};

struct alike {
    struct item to;       /* the chosen one; at -1: none */
    struct item *items;   /* in the order shown */
    struct depth *depths;
    int count, depth_count, depth;
    bool other_stream;    /* the other stream is not as wide, and left out */
    float *x;             /* (count, depth_count) */
};

/* A token, or a region; where both are chosen, what the map's rows are. */
static struct item states_subject(const struct workbench *w, const struct pane *p)
{
    int region = inside_chosen_of(w, false);
    enum net_stream from = attn_table[pane_slice(w, p)->kind].from;
    if (w->sel->token >= 0 && (region < 0 || stream_table[from].tokens))
        return (struct item){true, w->sel->token};
    return (struct item){false, region};
}

static void states_fill(const struct workbench *w, const struct alike *a, float *x)
{
    for (int d = 0; d < a->depth_count; d++) {
        int width = 0, other = 0;
        const float *s = inside_state(w, &a->depths[d], a->to, &width);
        for (int i = 0; i < a->count; i++) {
            const float *y = inside_state(w, &a->depths[d], a->items[i], &other);
            x[i * a->depth_count + d] =
                s && y && width == other ? project_cosine(s, y, width) : NAN;
        }
    }
}

/* Items of a stream that cannot be compared are left out. */
static void keep_comparable(const struct workbench *w, struct alike *a)
{
    int width = 0, other = 0, n = 0;
    const float *s = inside_state(w, &a->depths[0], a->to, &width);
    for (int i = 0; i < a->count; i++)
        if (s && inside_state(w, &a->depths[0], a->items[i], &other) && other == width)
            a->items[n++] = a->items[i];
        else
            a->other_stream = true;
    a->count = n;
}

/* By falling likeness at the chosen depth. */
static void sort_items(struct alike *a)
{
    float *x = xcalloc((size_t)a->count + 1, sizeof *x);
    int *order = xcalloc((size_t)a->count + 1, sizeof *order), n = a->depth_count;
    struct item *items = xcalloc((size_t)a->count + 1, sizeof *items);
    float *sorted = xcalloc((size_t)a->count * (size_t)n + 1, sizeof *sorted);
    for (int i = 0; i < a->count; i++)
        x[i] = a->x[i * n + a->depth];
    stats_order(x, a->count, order);
    for (int i = 0; i < a->count; i++) {
        items[i] = a->items[order[i]];
        memcpy(sorted + (ptrdiff_t)i * n, a->x + (ptrdiff_t)order[i] * n, (size_t)n * sizeof *x);
    }
    free(a->items);
    free(a->x);
    a->items = items;
    a->x = sorted;
    free(x);
    free(order);
}

/* False when there is nothing to compare. close_alike in any case. */
static bool open_alike(struct workbench *w, const struct pane *p, struct alike *a)
{
    struct states_view *v = p->state;
    *a = (struct alike){.to = {.at = -1}};
    if (!w->now.r)
        return false;
    a->to = states_subject(w, p);
    a->items = inside_items(w, &a->count);
    a->depths = inside_depths(w, &a->depth_count);
    a->depth = inside_depth(w, p, a->depth_count);
    if (a->to.at < 0 || a->depth_count == 0)
        return false;
    keep_comparable(w, a);
    size_t n = (size_t)a->count * (size_t)a->depth_count;
    uint64_t key = inside_key(w, 2 * a->to.at + a->to.token);
    if (key != v->key) {
        free(v->similar);
        v->similar = xcalloc(n + 1, sizeof *v->similar);
        states_fill(w, a, v->similar);
        v->key = key;
    }
    a->x = xmalloc(n * sizeof *a->x + 1);
    memcpy(a->x, v->similar, n * sizeof *a->x);
    if (w->how.sort)
        sort_items(a);
    return a->count > 0;
}

static void close_alike(struct alike *a)
{
    free(a->items);
    free(a->depths);
    free(a->x);
}

/* ---- keys */

static void states_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct states_view *v = p->state;
    struct alike a;
    if (open_alike(w, p, &a)) {
        if (m == MOVE_LEFT || m == MOVE_RIGHT)
            inside_set_depth(w, p, panes_pick(a.depth, a.depth_count, 1,
                                              m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN));
        else
            v->pick = panes_pick(v->pick, a.count, 10, m);
    }
    close_alike(&a);
}

/* The picked one is what others are compared with. */
static void states_accept(struct workbench *w, struct pane *p)
{
    struct alike a;
    const struct states_view *v = p->state;
    if (open_alike(w, p, &a) && v->pick < a.count)
        inside_choose_item(w, a.items[v->pick]);
    close_alike(&a);
}

/* The cell at a place; *j is -1 beside the depths. close_alike in any case. */
static bool states_at(struct workbench *w, const struct pane *p, int row, int col,
                      struct alike *a, int *i, int *j)
{
    const struct states_view *v = p->state;
    return open_alike(w, p, a) &&
           grid_find(&v->grid, a->count, a->depth_count, row, col, i, j);
}

static bool states_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct states_view *v = p->state;
    struct alike a;
    int i, j;
    bool there = states_at(w, p, row, col, &a, &i, &j);
    if (there)
        v->pick = i;
    if (there && j >= 0)
        inside_set_depth(w, p, j);
    close_alike(&a);
    return there;
}

static bool states_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                         size_t size)
{
    struct alike a;
    char name[100];
    int i, j;
    bool there = states_at(w, p, row, col, &a, &i, &j) && j >= 0;
    if (there) {
        inside_name(w, a.items[i].token, a.items[i].at, name, sizeof name);
        snprintf(out, size, "%s after %s: cosine %.3f", name, a.depths[j].name,
                 (double)a.x[i * a.depth_count + j]);
    }
    close_alike(&a);
    return there;
}

/* ---- drawing */

static void draw_states_title(const struct workbench *w, const struct alike *a, struct area at,
                              int pick)
{
    char to[128], name[128];
    inside_name(w, a->to.token, a->to.at, to, sizeof to);
    inside_name(w, a->items[pick].token, a->items[pick].at, name, sizeof name);
    attrset(A_BOLD);
    draw_text(at.row, at.col, at.cols, "Cosine similarity to %s, after %s%s", to,
              a->depths[a->depth].name, w->how.sort ? ", sorted" : "");
    attrset(A_NORMAL);
    draw_text(at.row + 1, at.col, at.cols, "%s: cosine %.3f%s", name,
              (double)a->x[pick * a->depth_count + a->depth],
              a->other_stream ? "; the other stream has another width" : "");
}

static void draw_states_names(const struct workbench *w, const struct alike *a,
                              const struct grid *g, struct area body)
{
    for (int i = 0; i < g->shown_rows; i++) {
        char name[128];
        int k = g->first_row + i;
        struct item x = a->items[k];
        inside_name(w, x.token, x.at, name, sizeof name);
        attrset(k == g->at_row ? A_REVERSE : inside_is_chosen(w, x) ? A_BOLD : A_NORMAL);
        draw_text(body.row + i, body.col, g->label - 1, "%s",
                  inside_brief(name, g->label));
        attrset((int)draw_dim());
        draw_text(body.row + i, g->at.col + g->at.cols + 1, NOW - 1, "%+.3f",
                  (double)a->x[k * a->depth_count + a->depth]);
        attrset(A_NORMAL);
    }
}

/* "emb t1 v1 co1": cut to what there is room for. */
static void draw_depths(const struct alike *a, const struct grid *g, int row)
{
    for (int j = 0; j < g->shown_cols; j++) {
        const struct depth *d = &a->depths[g->first_col + j];
        char name[32];
        int left = grid_left(g, j), room = grid_left(g, j + 1) - left;
        const char *digits = strchr(d->name, ' ');
        snprintf(name, sizeof name, "%s%s", !digits ? "emb" : d->text && d->image ? "co"
                                            : d->text ? "t" : "v", digits ? digits + 1 : "");
        attrset((int)(g->first_col + j == a->depth ? A_REVERSE : draw_dim()));
        draw_text(row, g->at.col + left, room > 1 ? room - 1 : 1, "%s", name);
        attrset(A_NORMAL);
    }
}

static void draw_alike(struct workbench *w, struct pane *p, const struct alike *a, struct area at)
{
    struct states_view *v = p->state;
    bool legend = at.rows >= 7;
    struct area body = {at.row + 3, at.col, at.rows - 3 - legend, at.cols};
    v->pick = v->pick < a->count ? v->pick : a->count - 1;
    struct grid g = {.rows = a->count, .cols = a->depth_count, .x = a->x, .top = 1,
                     .scale = SCALE_SIGNED, .at_row = v->pick, .at_col = a->depth,
                     .label = inside_label(at.cols), .right = NOW, .digits = 2};
    grid_fit(w, &g, body, v->top);
    draw_states_title(w, a, at, v->pick);
    draw_depths(a, &g, at.row + 2);
    grid_more(&g, at.row + 2, at.col);
    draw_states_names(w, a, &g, body);
    grid_draw(w, p->slot, &g);
    if (legend)
        grid_legend(body.row + g.shown_rows, at.col, at.cols, 1, SCALE_SIGNED);
    v->grid = grid_in_pane(p, &g);
}

static void states_draw(struct workbench *w, struct pane *p, struct area at)
{
    struct alike a;
    bool any = open_alike(w, p, &a);
    if (any && at.rows >= 5 && at.cols >= 24)
        draw_alike(w, p, &a, at);
    else
        draw_text(at.row, at.col, at.cols, "%s",
                  any              ? "no room for the states"
                  : !w->now.r      ? "States: ask something first"
                  : !a.depth_count ? "this result has no hidden states"
                                   : "States: choose a token or a region");
    close_alike(&a);
}

static bool states_table(struct workbench *w, struct pane *p, struct table *out)
{
    struct alike a;
    bool any = open_alike(w, p, &a);
    char name[256];
    if (any) {
        inside_name(w, a.to.token, a.to.at, name, sizeof name);
        table_init(out, a.count, a.depth_count);
        out->shape = TABLE_MATRIX;
        out->sign = true;
        out->top = 1;
        out->digits = 2;
        out->title = xasprintf("Hidden states: cosine similarity to %s", name);
        out->unit = xstrdup("cosine");
        out->col_title = xstrdup("after");
        memcpy(out->x, a.x, (size_t)a.count * (size_t)a.depth_count * sizeof *out->x);
    }
    for (int i = 0; any && i < a.count; i++) {
        inside_name(w, a.items[i].token, a.items[i].at, name, sizeof name);
        out->row_names[i] = xstrdup(name);
    }
    for (int j = 0; any && j < a.depth_count; j++)
        out->col_names[j] = xstrdup(a.depths[j].name);
    close_alike(&a);
    return any;
}

static void states_end(struct pane *p)
{
    struct states_view *v = p->state;
    free(v->similar);
}

static void do_states(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_states);
}

static const struct action states_actions[] = {
    ACTIONS_AFTER("heads"),
    {"states", "F4", "", NULL, "cosine similarity of hidden states", do_states},
    {0},
};

const struct view view_states = {
    .name = "states",
    .what = "cosine similarity of tokens and regions to the chosen one, depth by depth",
    .hints = "arrows choose, [ ] depth",
    .sliced = true,
    .state = sizeof(struct states_view),
    .end = states_end,
    .draw = states_draw,
    .move = states_move,
    .step = inside_step,
    .accept = states_accept,
    .click = states_click,
    .under = states_under,
    .stale = stale_result,
    .table = states_table,
    .actions = states_actions,
};
