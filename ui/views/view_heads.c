/* SPDX-License-Identifier: MIT */
/* All heads of a map at once: a small picture of each, and a statistic that sorts them. The chosen
 * one drives the other views. */
#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "ui/kit/theme.h"
#include "ui/views/figures.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_heads;

#define LIST 19   /* columns of the list beside the pictures */
#define NARROW 13 /* without bars */
#define SMALL 6   /* pixels: in less, a head is one color that tells its statistic */

struct head_table {
    int layers, heads;
    float *x;  /* (layers * heads, STAT_COUNT) */
    float top; /* the largest shown weight of all of them */
};

struct heads_view {
    int statistic;
    int at;                 /* the head that it is at while a set is chosen */
    struct head_table table; /* a cache, */
    uint64_t key, chosen_key; /* what it was made of, and its STAT_CHOSEN, */
    unsigned chosen;        /* which is of this selection */
    struct area tiles, list; /* where they were drawn last, counted from the pane's corner */
    int top;                /* of the list */
};

/* ---- the statistics of all heads */

static bool *heads_flags(const struct workbench *w, enum net_stream s, int n, bool hidden)
{
    bool *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = hidden ? inside_row_hidden(w, s, i) : inside_row_special(w, s, i);
    return list;
}

/* Of the rows and columns that are shown. */
static float heads_largest(const float *map, int rows, int cols, const bool *skip_row,
                           const bool *skip_col)
{
    float top = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            if (!skip_row[i] && !skip_col[j])
                top = fmaxf(top, map[(ptrdiff_t)i * cols + j]);
    return top;
}

/* Rows and columns of a map's heads, which all have the same: false when there is none. */
static bool heads_shape(const struct workbench *w, enum attn_kind k, int *rows, int *cols)
{
    return trace_attention(w->now.r->trace, k, 0, inside_batch(w), -1, rows, cols, NULL);
}

/* What depends on the map alone. */
static void fill_table(struct workbench *w, enum attn_kind k, struct head_table *t)
{
    int rows, cols;
    if (!heads_shape(w, k, &rows, &cols))
        return;
    bool *skip = heads_flags(w, attn_table[k].from, rows, true);
    bool *special = heads_flags(w, attn_table[k].to, cols, false);
    bool *left_out = heads_flags(w, attn_table[k].to, cols, true);
    for (int i = 0; i < t->layers * t->heads; i++) {
        float *map = NULL;
        if (!look_map(w->now.r, k, i / t->heads, inside_batch(w), i % t->heads, &rows, &cols, &map))
            continue;
        stats_head(map, rows, cols, skip, special, t->x + (size_t)i * STAT_COUNT);
        t->top = fmaxf(t->top, heads_largest(map, rows, cols, skip, left_out));
        free(map);
    }
    free(left_out);
    free(skip);
    free(special);
}

static void fill_chosen(struct workbench *w, enum attn_kind k, struct head_table *t)
{
    /* In a map of one stream the chosen one is asked how much it gets. */
    bool self = attn_table[k].from == attn_table[k].to;
    int row = self ? -1 : inside_chosen(w, k, true), col = inside_chosen(w, k, self);
    int rows = 0, cols = 0;
    bool any = heads_shape(w, k, &rows, &cols);
    bool *skip = any ? heads_flags(w, attn_table[k].from, rows, true) : NULL;
    for (int i = 0; i < t->layers * t->heads; i++) {
        float *map = NULL, *x = &t->x[(size_t)i * STAT_COUNT + STAT_CHOSEN];
        *x = NAN;
        if (!look_map(w->now.r, k, i / t->heads, inside_batch(w), i % t->heads, &rows, &cols, &map))
            continue;
        *x = stats_on_column(map, rows, cols, skip, row, col);
        free(map);
    }
    free(skip);
}

/* Made anew where the selection, or the table, is another. */
static void need_chosen(struct workbench *w, struct heads_view *v, enum attn_kind k)
{
    unsigned now = selection_changes(w->selection);
    if (v->chosen_key == v->key && v->chosen == now)
        return;
    fill_chosen(w, k, &v->table);
    v->chosen_key = v->key;
    v->chosen = now;
}

/* NULL when the result has no such map. */
static struct head_table *heads_table(struct workbench *w, const struct pane *p)
{
    struct heads_view *v = p->state;
    enum attn_kind k = pane_slice(w, p)->kind;
    const struct trace *trace = w->now.r ? w->now.r->trace : NULL;
    int layers = trace_attention_layers(trace, k), heads = trace_attention_heads(trace, k);
    if (!layers || !heads)
        return NULL;
    uint64_t key = inside_key(w, (int)k);
    if (key != v->key) {
        free(v->table.x);
        v->table = (struct head_table){.layers = layers, .heads = heads};
        v->table.x = xcalloc((size_t)layers * (size_t)heads * STAT_COUNT, sizeof(float));
        fill_table(w, k, &v->table);
        v->key = key;
    }
    if (v->statistic == STAT_CHOSEN)
        need_chosen(w, v, k);
    return &v->table;
}

static float stat_of(const struct heads_view *v, int i)
{
    return v->table.x[(size_t)i * STAT_COUNT + (size_t)v->statistic];
}

/* Heads by the statistic; caller frees. */
static int *heads_ranked(const struct heads_view *v)
{
    const struct head_table *t = &v->table;
    int n = t->layers * t->heads;
    int *order = xcalloc((size_t)n, sizeof *order);
    float *x = xcalloc((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++)
        x[i] = stat_of(v, i);
    stats_order(x, n, order);
    free(x);
    return order;
}

/* ---- choosing */

/* The number of the chosen head, or the first of its layer; while a set is made, of the last
 * one. */
static int chosen_head(const struct workbench *w, const struct pane *p)
{
    const struct heads_view *v = p->state;
    const struct head_table *t = &v->table;
    const struct slice *x = pane_slice(w, p);
    int layer = x->layer[x->kind], head = x->head[x->kind];
    if (look_set_heads(head) && v->at < t->layers * t->heads)
        return v->at;
    layer = layer < t->layers ? layer : t->layers - 1;
    return layer * t->heads + (head >= 0 && head < t->heads ? head : 0);
}

/* Head i alone. */
static void choose_head(struct workbench *w, struct pane *p, int i)
{
    struct heads_view *v = p->state;
    struct slice x = *pane_slice(w, p);
    slice_choose(&x, x.kind, i / v->table.heads, i % v->table.heads);
    pane_set_slice(w, p, &x);
}

/* A set that was made stays. */
static void go_to_head(struct workbench *w, struct pane *p, int i)
{
    struct heads_view *v = p->state;
    const struct slice *x = pane_slice(w, p);
    v->at = i;
    if (!look_set_heads(x->head[x->kind]))
        choose_head(w, p, i);
}

/* Up and down go along the list, sideways through the heads of a layer. */
static void heads_move(struct workbench *w, struct pane *p, enum motion m)
{
    const struct head_table *t = heads_table(w, p);
    const struct slice *x = pane_slice(w, p);
    if (!t)
        return;
    int n = t->layers * t->heads, at = chosen_head(w, p), place = 0;
    if (m == MOVE_LEFT || m == MOVE_RIGHT) {
        go_to_head(w, p, (at + (m == MOVE_LEFT ? n - 1 : 1)) % n);
        return;
    }
    int *order = heads_ranked(p->state);
    while (order[place] != at)
        place++;
    bool first = x->head[x->kind] < 0; /* from a mean to the head with most */
    go_to_head(w, p, order[first ? 0 : panes_pick(place, n, 10, m)]);
    free(order);
}

/* One head alone, as a matrix. */
static void heads_accept(struct workbench *w, struct pane *p)
{
    if (!heads_table(w, p))
        return;
    struct heads_view *v = p->state;
    int at = chosen_head(w, p);
    v->at = at;
    choose_head(w, p, at);
    if (p->own)
        selection_slice(w->selection, p->own);
    panes_show(&w->panes, &view_matrix);
}

/* The head at a place of the pictures or the list, or -1. */
static int head_at(const struct heads_view *v, int row, int col)
{
    const struct head_table *t = &v->table;
    struct area l = v->list;
    int line = row - l.row + v->top, found = -1, layer, head;
    if (area_cell(v->tiles, t->layers, t->heads, row, col, &layer, &head))
        return layer * t->heads + head;
    if (row >= l.row && row < l.row + l.rows && col >= l.col && line < t->layers * t->heads) {
        int *order = heads_ranked(v);
        found = order[line];
        free(order);
    }
    return found;
}

static bool heads_click(struct workbench *w, struct pane *p, int row, int col)
{
    int head = heads_table(w, p) ? head_at(p->state, row, col) : -1;
    if (head >= 0)
        go_to_head(w, p, head);
    return head >= 0;
}

static bool heads_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                        size_t size)
{
    const struct heads_view *v = p->state;
    const struct head_table *t = heads_table(w, p);
    int i = t ? head_at(v, row, col) : -1;
    if (i >= 0)
        snprintf(out, size, "layer %d, head %d: %s %.3f", i / t->heads + 1, i % t->heads + 1,
                 stats_name((enum head_stat)v->statistic), (double)stat_of(v, i));
    return i >= 0;
}

/* ---- the pictures */

static struct pixels heads_tile(const struct head_table *t, const struct canvas *c, int i)
{
    int layer = i / t->heads, head = i % t->heads;
    return (struct pixels){c->w * head / t->heads, c->h * layer / t->layers,
                            c->w * (head + 1) / t->heads - 1, c->h * (layer + 1) / t->layers - 1};
}

/* The largest of the map's shown cells that a pixel covers: small ones stay seen. */
static float heads_covered(const float *map, int cols, const int *row, const int *col, int i1,
                           int i2, int j1, int j2)
{
    float x = 0;
    for (int i = i1; i < i2; i++)
        for (int j = j1; j < j2; j++)
            x = fmaxf(x, map[(ptrdiff_t)row[i] * cols + col[j]]);
    return x;
}

static int heads_later(int i, int least)
{
    return i > least ? i : least;
}

/* What of a map is shown, in each of its pictures, and the end of their colors. */
struct heads_shown {
    enum attn_kind kind;
    int *row, *col;
    int row_count, col_count;
    float top;
};

/* A weight has the same color in all of them. */
static void paint_map(struct workbench *w, const struct heads_shown *s, struct canvas *c,
                      struct pixels p, int layer, int head)
{
    int rows, cols, n = s->row_count, m = s->col_count, wide = p.x2 - p.x1, high = p.y2 - p.y1;
    float *map = NULL;
    if (!look_map(w->now.r, s->kind, layer, inside_batch(w), head, &rows, &cols, &map))
        return;
    for (int y = 0; y < high && n && m; y++)
        for (int x = 0; x < wide; x++) {
            int i = y * n / high, j = x * m / wide;
            int i2 = heads_later((y + 1) * n / high, i + 1);
            int j2 = heads_later((x + 1) * m / wide, j + 1);
            float v = heads_covered(map, cols, s->row, s->col, i, i2, j, j2);
            canvas_fill(c, p.x1 + x, p.y1 + y, p.x1 + x, p.y1 + y,
                        grid_color(v, s->top, SCALE_ROOT));
        }
    free(map);
}

static void paint_maps(struct workbench *w, const struct pane *p, struct canvas *c)
{
    const struct head_table *t = &((const struct heads_view *)p->state)->table;
    struct heads_shown s = {.kind = pane_slice(w, p)->kind, .top = t->top};
    int rows, cols;
    if (!heads_shape(w, s.kind, &rows, &cols))
        return;
    s.row = inside_rows(w, attn_table[s.kind].from, rows, &s.row_count);
    s.col = inside_rows(w, attn_table[s.kind].to, cols, &s.col_count);
    for (int i = 0; i < t->layers * t->heads; i++)
        paint_map(w, &s, c, heads_tile(t, c, i), i / t->heads, i % t->heads);
    free(s.row);
    free(s.col);
}

static bool in_set(const struct workbench *w, const struct pane *p, int i)
{
    const struct heads_view *v = p->state;
    const struct slice *x = pane_slice(w, p);
    int heads = v->table.heads, head = x->head[x->kind];
    uint32_t set = look_set_heads(head);
    if (i / heads != x->layer[x->kind])
        return false;
    return set ? set >> (i % heads) & 1 : i % heads == head;
}

static float heads_top_of(const struct heads_view *v)
{
    float top = 0;
    for (int i = 0; i < v->table.layers * v->table.heads; i++)
        top = fmaxf(top, stat_of(v, i));
    return top;
}

static bool tiles_are_small(const struct head_table *t, const struct canvas *c)
{
    return c->w / t->heads < SMALL || c->h / t->layers < SMALL;
}

static void heads_paint(struct workbench *w, const struct pane *p, struct canvas *c)
{
    static const struct rgb white = {255, 255, 255}, gray = {90, 90, 90};
    /* Beside tiles without frames is the background, which may be white. */
    bool blocks = !gfx_has_pixels(&w->screen.gfx);
    const struct rgb mark = blocks ? theme_color(THEME_ACCENT) : white;
    const struct heads_view *v = p->state;
    const struct head_table *t = &v->table;
    bool small = tiles_are_small(t, c), framed = c->w / t->heads >= 4 * SMALL;
    float top = heads_top_of(v);
    if (!small)
        paint_maps(w, p, c);
    for (int i = 0; i < t->layers * t->heads; i++) {
        struct pixels x = heads_tile(t, c, i);
        if (small)
            canvas_fill(c, x.x1, x.y1, x.x2, x.y2, grid_color(stat_of(v, i), top, SCALE_LINEAR));
        if (framed)
            canvas_frame(c, x.x1, x.y1, x.x2, x.y2, 1, gray);
        if (in_set(w, p, i) && !(small && blocks))
            canvas_frame(c, x.x1, x.y1, x.x2, x.y2, framed ? 2 : 1, mark);
    }
}

/* A head that is a color alone has its number on it, where there are letters. */
static void draw_cells(struct workbench *w, const struct pane *p, struct area at)
{
    const struct heads_view *v = p->state;
    const struct head_table *t = &v->table;
    int wide = at.cols / t->heads;
    float top = heads_top_of(v);
    for (int i = 0; i < t->layers * t->heads; i++) {
        float x = stat_of(v, i);
        char text[32] = "", padded[64];
        if (wide >= 5)
            snprintf(text, sizeof text, x < 10 ? "%.2f" : "%.0f", (double)x);
        snprintf(padded, sizeof padded, "%-*s", wide, text);
        draw_on(grid_color(x, top, SCALE_LINEAR),
                  in_set(w, p, i) ? A_REVERSE | A_BOLD : A_NORMAL);
        draw_text(at.row + i / t->heads, at.col + i % t->heads * wide, wide, "%s", padded);
    }
    attrset(A_NORMAL);
}

/* Returns whether colors tell the statistic, not the maps. Where there is room, numbers of layers
 * and heads are beside them. */
static bool draw_pictures(struct workbench *w, struct pane *p, struct area at)
{
    const struct slice *x = pane_slice(w, p);
    struct heads_view *v = p->state;
    const struct head_table *t = &v->table;
    int cw, ch;
    draw_cell(w, &cw, &ch);
    bool numbers = at.rows >= t->layers + 1 && at.cols >= t->heads + 3;
    if (numbers)
        at = (struct area){at.row + 1, at.col + 3, at.rows - 1, at.cols - 3};
    bool blocks = !gfx_has_pixels(&w->screen.gfx);
    struct canvas probe = {.w = at.cols * cw, .h = at.rows * ch};
    bool small = tiles_are_small(t, &probe);
    bool fits = at.rows >= t->layers && at.cols >= t->heads;
    if (blocks && fits && (small || w->screen.gfx.mode == GFX_NONE)) {
        at.rows = t->layers;
        at.cols = at.cols / t->heads * t->heads;
        draw_cells(w, p, at);
        small = true;
    } else {
        /* About square: a wide pane is not filled. */
        int side = at.rows * ch / t->layers * 2;
        int most = side * t->heads / cw;
        at.cols = draw_cols(w, at.cols < most ? at.cols : most);
        struct canvas *c = draw_canvas(w, at.cols * cw, at.rows * ch);
        if (c) {
            heads_paint(w, p, c);
            gfx_place(&w->screen.gfx, p->slot, at, c);
        }
    }
    if (numbers)
        area_numbers(at, t->layers, t->heads, x->layer[x->kind], x->head[x->kind]);
    v->tiles = area_in_pane(p, at);
    return small;
}

/* ---- the list */

static void draw_heads_list(struct workbench *w, struct pane *p, struct area at)
{
    struct heads_view *v = p->state;
    const struct head_table *t = &v->table;
    int n = t->layers * t->heads, place = 0, *order = heads_ranked(v), now = chosen_head(w, p);
    while (order[place] != now)
        place++;
    int top = list_top(&v->top, place, n, at.rows);
    float most = heads_top_of(v);
    for (int i = 0; i < at.rows && top + i < n; i++) {
        int h = order[top + i];
        float x = stat_of(v, h);
        attrset(in_set(w, p, h) ? A_REVERSE : h == now ? A_BOLD | A_UNDERLINE : A_NORMAL);
        int used = draw_text(at.row + i, at.col, at.cols, "%2d.%-2d ", h / t->heads + 1,
                             h % t->heads + 1);
        draw_text(at.row + i, at.col + used, at.cols - used, isnan(x) ? "     -" : "%7.3f",
                  (double)x);
        attrset((int)draw_accent_attr());
        if (at.cols > 16 && most > 0)
            draw_bar(at.row + i, at.col + 14, at.cols - 15, (double)(x / most), false);
        attrset(A_NORMAL);
    }
    v->list = area_in_pane(p, at);
    free(order);
}

static void draw_heads_title(const struct workbench *w, const struct pane *p, struct area a)
{
    const struct heads_view *v = p->state;
    const struct slice *x = pane_slice(w, p);
    char head[96], title[200];
    draw_head_name(w, x, x->kind, head, sizeof head);
    int n = snprintf(title, sizeof title, "Heads %s: %s%d, %s", inside_map_name(x->kind,
                     a.cols < 40), a.cols < 40 ? "" : "layer ", x->layer[x->kind] + 1, head);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s", title + (n > a.cols ? strlen("Heads ") : 0));
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "%s: %s", stats_name((enum head_stat)v->statistic),
              stats_what((enum head_stat)v->statistic));
}

static void heads_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct head_table *t = heads_table(w, p);
    if (!t || a.rows < 5 || a.cols < NARROW + 8) {
        inside_hint(a, 0, t ? "no room for the heads" : w->now.r ? "this result has no such map"
                                                                 : "Heads: ask something first");
        return;
    }
    draw_heads_title(w, p, a);
    int list = a.cols >= 40 ? LIST : NARROW;
    struct area body = {a.row + 2, a.col, a.rows - 3, a.cols - list - 1};
    draw_heads_list(w, p, (struct area){body.row, a.col + a.cols - list, body.rows, list});
    if (draw_pictures(w, p, body))
        grid_legend(a.row + a.rows - 1, a.col, a.cols, heads_top_of(p->state), SCALE_LINEAR);
    else
        grid_legend(a.row + a.rows - 1, a.col, a.cols, t->top, SCALE_ROOT);
}

static bool heads_export(struct workbench *w, struct pane *p, struct table *out)
{
    const struct head_table *t = heads_table(w, p);
    if (!t)
        return false;
    int n = t->layers * t->heads;
    need_chosen(w, p->state, pane_slice(w, p)->kind);
    table_init(out, n, STAT_COUNT);
    for (int s = 0; s < STAT_COUNT; s++)
        out->col_names[s] = xstrdup(stats_name((enum head_stat)s));
    for (int i = 0; i < n; i++)
        out->row_names[i] = xasprintf("%s %d.%d", attn_table[pane_slice(w, p)->kind].title,
                                      i / t->heads + 1, i % t->heads + 1);
    memcpy(out->x, t->x, (size_t)n * STAT_COUNT * sizeof *out->x);
    return true;
}

static bool heads_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    const struct head_table *t = heads_table(w, p);
    return t && figure_heads(w, pane_slice(w, p)->kind, t->layers, t->heads, t->top, out);
}

static void heads_end(struct pane *p)
{
    struct heads_view *v = p->state;
    free(v->table.x);
}

/* ---- keys */

static void do_statistic(struct workbench *w, const char *arg)
{
    const char *names[STAT_COUNT];
    struct heads_view *v = panes_of(&w->panes, &view_heads)->state;
    for (int i = 0; i < STAT_COUNT; i++)
        names[i] = stats_name((enum head_stat)i);
    int at = word_choose(w, names, STAT_COUNT, v->statistic, arg);
    if (at >= 0) {
        v->statistic = at;
        workbench_say(w, false, "heads by %s: %s", names[at], stats_what((enum head_stat)at));
    }
}

/* The head joins those that are chosen of its layer, or leaves them. */
static void heads_join(struct workbench *w, const char *arg)
{
    struct pane *p = panes_of(&w->panes, &view_heads);
    struct heads_view *v = p->state;
    const struct head_table *t = heads_table(w, p);
    struct slice x = *pane_slice(w, p);
    (void)arg;
    if (!t)
        return;
    int at = chosen_head(w, p), layer = at / t->heads, head = at % t->heads;
    if (head >= LOOK_SET_HEADS) {
        workbench_say(w, true, "a set can only hold the first %d heads", LOOK_SET_HEADS);
        return;
    }
    uint32_t set = x.layer[x.kind] == layer ? look_set_heads(x.head[x.kind]) : 0;
    set ^= 1u << head;
    v->at = at;
    slice_choose(&x, x.kind, layer, set ? look_set(set) : LOOK_MEAN);
    pane_set_slice(w, p, &x);
}

static void do_heads(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_heads);
}

static const struct action heads_actions[] = {
    ACTIONS_AFTER("difference"),
    {"statistic", "T", "[STATISTIC]", NULL,
     "sort the heads by entropy, k90, peak, content, special or chosen", do_statistic},
    {"join", "Space", "", "heads",
     "add the head to the chosen set, whose mean is shown, or remove it", heads_join},
    ACTIONS_AFTER("matrix"),
    {"heads", "F3", "", NULL, "all heads of the map", do_heads},
    {0},
};

const struct view view_heads = {
    .name = "heads",
    .what = "all layers and heads of a map, sorted by a statistic",
    .hints = "arrows choose, Enter opens, T statistic",
    .sliced = true,
    .state = sizeof(struct heads_view),
    .end = heads_end,
    .draw = heads_draw,
    .move = heads_move,
    .accept = heads_accept,
    .click = heads_click,
    .under = heads_under,
    .stale = stale_result,
    .table = heads_export,
    .figure = heads_figure,
    .actions = heads_actions,
};
