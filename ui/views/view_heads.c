/* All heads of a map at once: a small picture of each, and a statistic that sorts them. The chosen
 * one drives the other views. */
#include "src/base/mem.h"
#include "ui/inside.h"
#include "ui/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST 19   /* columns of the list beside the pictures */
#define NARROW 13 /* without bars */
#define SMALL 6   /* pixels: in less, a head is one color that tells its statistic */

/* ---- the statistics of all heads */

static bool *flags(const struct workbench *w, bool token, int n, bool hidden)
{
    bool *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = hidden ? inside_hidden(w, token, i) : inside_special(w, token, i);
    return list;
}

/* Of the rows and columns that are shown. */
static float largest(const float *map, int rows, int cols, const bool *skip_row,
                     const bool *skip_col)
{
    float top = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            if (!skip_row[i] && !skip_col[j])
                top = fmaxf(top, map[(ptrdiff_t)i * cols + j]);
    return top;
}

/* What depends on the map alone. */
static void fill_table(struct workbench *w, struct head_table *t)
{
    enum attn_kind k = w->sel.kind;
    int rows, cols;
    for (int i = 0; i < t->layers * t->heads; i++) {
        float *map = NULL;
        if (!look_map(w->now.r, k, i / t->heads, inside_batch(w), i % t->heads, &rows, &cols, &map))
            continue;
        bool *skip = flags(w, look_rows_are_tokens(k), rows, true);
        bool *special = flags(w, look_cols_are_tokens(k), cols, false);
        bool *left_out = flags(w, look_cols_are_tokens(k), cols, true);
        stats_head(map, rows, cols, skip, special, t->x + (size_t)i * STAT_COUNT);
        t->top = fmaxf(t->top, largest(map, rows, cols, skip, left_out));
        free(left_out);
        free(skip);
        free(special);
        free(map);
    }
}

static void fill_chosen(struct workbench *w, struct head_table *t)
{
    enum attn_kind k = w->sel.kind;
    /* In a map of one stream the chosen one is asked how much it gets. */
    bool self = k == ATTN_TEXT || k == ATTN_VISUAL;
    int row = self ? -1 : inside_chosen(w, k, true), col = inside_chosen(w, k, self);
    int rows, cols;
    for (int i = 0; i < t->layers * t->heads; i++) {
        float *map = NULL, *x = &t->x[(size_t)i * STAT_COUNT + STAT_CHOSEN];
        *x = NAN;
        if (!look_map(w->now.r, k, i / t->heads, inside_batch(w), i % t->heads, &rows, &cols, &map))
            continue;
        bool *skip = flags(w, look_rows_are_tokens(k), rows, true);
        *x = stats_on_column(map, rows, cols, skip, row, col);
        free(skip);
        free(map);
    }
}

/* NULL when the result has no such map. */
static struct head_table *heads_table(struct workbench *w)
{
    struct inside *in = inside_of(w);
    enum attn_kind k = w->sel.kind;
    const struct trace *trace = w->now.r ? w->now.r->trace : NULL;
    int layers = trace_attention_layers(trace, k), heads = trace_attention_heads(trace, k);
    if (!layers || !heads)
        return NULL;
    uint64_t key = inside_key(w, (int)k);
    if (key != in->table_key) {
        free(in->table.x);
        in->table = (struct head_table){.layers = layers, .heads = heads};
        in->table.x = xcalloc((size_t)layers * (size_t)heads * STAT_COUNT, sizeof(float));
        fill_table(w, &in->table);
        in->table_key = key;
    }
    if (w->statistic == STAT_CHOSEN)
        fill_chosen(w, &in->table);
    return &in->table;
}

static float stat_of(const struct workbench *w, const struct head_table *t, int i)
{
    return t->x[(size_t)i * STAT_COUNT + (size_t)w->statistic];
}

/* Heads by the statistic; caller frees. */
static int *ranked(const struct workbench *w, const struct head_table *t)
{
    int n = t->layers * t->heads;
    int *order = xcalloc((size_t)n, sizeof *order);
    float *x = xcalloc((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++)
        x[i] = stat_of(w, t, i);
    stats_order(x, n, order);
    free(x);
    return order;
}

/* ---- choosing */

/* The number of the chosen head, or the first of its layer; while a set is made, of the last
 * one. */
static int chosen(struct workbench *w, const struct head_table *t)
{
    int at = inside_of(w)->heads_at;
    if (look_set_heads(w->sel.head[w->sel.kind]) && at < t->layers * t->heads)
        return at;
    int layer = w->sel.layer[w->sel.kind], head = w->sel.head[w->sel.kind];
    layer = layer < t->layers ? layer : t->layers - 1;
    return layer * t->heads + (head >= 0 && head < t->heads ? head : 0);
}

/* A set that was made stays. */
static void choose(struct workbench *w, const struct head_table *t, int i)
{
    inside_of(w)->heads_at = i;
    if (look_set_heads(w->sel.head[w->sel.kind]))
        return;
    w->sel.layer[w->sel.kind] = i / t->heads;
    w->sel.head[w->sel.kind] = i % t->heads;
}

/* Up and down go along the list, sideways through the heads of a layer. */
static void move_head(struct workbench *w, enum motion m)
{
    const struct head_table *t = heads_table(w);
    if (!t)
        return;
    int n = t->layers * t->heads, at = chosen(w, t), place = 0;
    if (m == MOVE_LEFT || m == MOVE_RIGHT) {
        choose(w, t, (at + (m == MOVE_LEFT ? n - 1 : 1)) % n);
        return;
    }
    int *order = ranked(w, t);
    while (order[place] != at)
        place++;
    bool first = w->sel.head[w->sel.kind] < 0; /* from a mean to the head with most */
    choose(w, t, order[first ? 0 : panes_pick(place, n, 10, m)]);
    free(order);
}

/* The head joins those that are chosen of its layer, or leaves them. */
void heads_join(struct workbench *w, const char *arg)
{
    const struct head_table *t = heads_table(w);
    int *head = &w->sel.head[w->sel.kind], *layer = &w->sel.layer[w->sel.kind];
    (void)arg;
    if (!t)
        return;
    int at = chosen(w, t);
    if (at % t->heads >= LOOK_SET_HEADS) {
        workbench_say(w, true, "sets are of the first %d heads", LOOK_SET_HEADS);
        return;
    }
    uint32_t set = *layer == at / t->heads ? look_set_heads(*head) : 0;
    set ^= 1u << at % t->heads;
    inside_of(w)->heads_at = at;
    *layer = at / t->heads;
    *head = set ? look_set(set) : LOOK_MEAN;
}

/* One head alone, as a matrix. */
static void accept(struct workbench *w)
{
    const struct head_table *t = heads_table(w);
    if (!t)
        return;
    int at = chosen(w, t);
    w->sel.head[w->sel.kind] = LOOK_MEAN;
    choose(w, t, at);
    do_view(w, "matrix");
}

static bool click(struct workbench *w, int row, int col)
{
    const struct inside *in = inside_of(w);
    const struct head_table *t = heads_table(w);
    struct area p = in->heads, l = in->heads_list;
    if (!t)
        return false;
    if (row >= p.row && row < p.row + p.rows && col >= p.col && col < p.col + p.cols) {
        int layer = (row - p.row) * t->layers / p.rows;
        choose(w, t, layer * t->heads + (col - p.col) * t->heads / p.cols);
        return true;
    }
    int line = row - l.row + in->heads_top;
    if (row >= l.row && row < l.row + l.rows && col >= l.col && line < t->layers * t->heads) {
        int *order = ranked(w, t);
        choose(w, t, order[line]);
        free(order);
        return true;
    }
    return false;
}

/* ---- the pictures */

/* A pixel box of a head. */
struct tile_at {
    int x1, y1, x2, y2;
};

static struct tile_at tile(const struct head_table *t, const struct canvas *c, int i)
{
    int layer = i / t->heads, head = i % t->heads;
    return (struct tile_at){c->w * head / t->heads, c->h * layer / t->layers,
                            c->w * (head + 1) / t->heads - 1, c->h * (layer + 1) / t->layers - 1};
}

/* The largest of the map's shown cells that a pixel covers: small ones stay seen. */
static float covered(const float *map, int cols, const int *row, const int *col, int i1, int i2,
                     int j1, int j2)
{
    float x = 0;
    for (int i = i1; i < i2; i++)
        for (int j = j1; j < j2; j++)
            x = fmaxf(x, map[(ptrdiff_t)row[i] * cols + col[j]]);
    return x;
}

static int later(int i, int least)
{
    return i > least ? i : least;
}

/* A weight has the same color in all of them. */
static void paint_map(struct workbench *w, struct canvas *c, struct tile_at p, int layer, int head,
                      float top)
{
    enum attn_kind k = w->sel.kind;
    int rows, cols, n, m, wide = p.x2 - p.x1, high = p.y2 - p.y1;
    float *map = NULL;
    if (!look_map(w->now.r, k, layer, inside_batch(w), head, &rows, &cols, &map))
        return;
    int *row = inside_list(w, look_rows_are_tokens(k), rows, &n);
    int *col = inside_list(w, look_cols_are_tokens(k), cols, &m);
    for (int y = 0; y < high && n && m; y++)
        for (int x = 0; x < wide; x++) {
            int i = y * n / high, j = x * m / wide;
            float v = covered(map, cols, row, col, i, later((y + 1) * n / high, i + 1), j,
                              later((x + 1) * m / wide, j + 1));
            canvas_fill(c, p.x1 + x, p.y1 + y, p.x1 + x, p.y1 + y,
                        grid_color(v, top, SCALE_ROOT));
        }
    free(row);
    free(col);
    free(map);
}

static bool in_set(const struct workbench *w, const struct head_table *t, int i)
{
    enum attn_kind k = w->sel.kind;
    uint32_t set = look_set_heads(w->sel.head[k]);
    if (i / t->heads != w->sel.layer[k])
        return false;
    return set ? set >> (i % t->heads) & 1 : i % t->heads == w->sel.head[k];
}

static float top_of(const struct workbench *w, const struct head_table *t)
{
    float top = 0;
    for (int i = 0; i < t->layers * t->heads; i++)
        top = fmaxf(top, stat_of(w, t, i));
    return top;
}

static bool tiles_are_small(const struct head_table *t, const struct canvas *c)
{
    return c->w / t->heads < SMALL || c->h / t->layers < SMALL;
}

static void paint(struct workbench *w, const struct head_table *t, struct canvas *c)
{
    static const struct rgb white = {255, 255, 255}, gray = {90, 90, 90};
    bool small = tiles_are_small(t, c), framed = c->w / t->heads >= 4 * SMALL;
    for (int i = 0; i < t->layers * t->heads; i++) {
        struct tile_at p = tile(t, c, i);
        if (small)
            canvas_fill(c, p.x1, p.y1, p.x2, p.y2,
                        grid_color(stat_of(w, t, i), top_of(w, t), SCALE_LINEAR));
        else
            paint_map(w, c, p, i / t->heads, i % t->heads, t->top);
        if (framed)
            canvas_frame(c, p.x1, p.y1, p.x2, p.y2, 1, gray);
        if (in_set(w, t, i) && !(small && w->gfx.mode != GFX_SIXEL))
            canvas_frame(c, p.x1, p.y1, p.x2, p.y2, framed ? 2 : 1, white);
    }
}

/* A head that is a color alone has its number on it, where there are letters. */
static void draw_cells(struct workbench *w, const struct head_table *t, struct area at)
{
    int wide = at.cols / t->heads;
    for (int i = 0; i < t->layers * t->heads; i++) {
        float x = stat_of(w, t, i);
        char text[32] = "", padded[64];
        if (wide >= 5)
            snprintf(text, sizeof text, x < 10 ? "%.2f" : "%.0f", (double)x);
        snprintf(padded, sizeof padded, "%-*s", wide, text);
        grid_attr(grid_color(x, top_of(w, t), SCALE_LINEAR),
                    in_set(w, t, i) ? A_REVERSE | A_BOLD : A_NORMAL);
        draw_text(at.row + i / t->heads, at.col + i % t->heads * wide, wide, "%s", padded);
    }
    attrset(A_NORMAL);
}

/* Returns whether colors tell the statistic, not the maps. */
static bool draw_pictures(struct workbench *w, const struct head_table *t, struct area a,
                         struct area at)
{
    int cw, ch;
    draw_cell(w, &cw, &ch);
    bool blocks = w->gfx.mode != GFX_SIXEL;
    struct canvas probe = {.w = at.cols * cw, .h = at.rows * ch};
    bool small = tiles_are_small(t, &probe);
    bool fits = at.rows >= t->layers && at.cols >= t->heads;
    if (blocks && fits && (small || w->gfx.mode == GFX_NONE)) {
        at.rows = t->layers;
        at.cols = at.cols / t->heads * t->heads;
        draw_cells(w, t, at);
        small = true;
    } else {
        /* About square: a wide pane is not filled. */
        int side = at.rows * ch / t->layers * 2;
        int most = side * t->heads / cw;
        at.cols = at.cols < most ? at.cols : most;
        int width = at.cols * cw;
        width = !blocks && width > w->gfx.term.max_w ? w->gfx.term.max_w : width;
        struct canvas *c = canvas_new(width, at.rows * ch);
        if (c) {
            paint(w, t, c);
            gfx_place(&w->gfx, w->slot, at, c);
        }
    }
    inside_of(w)->heads = (struct area){at.row - a.row, at.col - a.col, at.rows, at.cols};
    return small;
}

/* ---- the list */

static void draw_list(struct workbench *w, const struct head_table *t, struct area a,
                      struct area at)
{
    struct inside *in = inside_of(w);
    int n = t->layers * t->heads, place = 0, *order = ranked(w, t), now = chosen(w, t);
    while (order[place] != now)
        place++;
    int top = list_top(&in->heads_top, place, n, at.rows);
    float most = top_of(w, t);
    for (int i = 0; i < at.rows && top + i < n; i++) {
        int h = order[top + i];
        float x = stat_of(w, t, h);
        attrset(in_set(w, t, h) ? A_REVERSE : h == now ? A_BOLD | A_UNDERLINE : A_NORMAL);
        if (isnan(x))
            draw_text(at.row + i, at.col, at.cols, "%2d.%-2d      -", h / t->heads + 1,
                      h % t->heads + 1);
        else
            draw_text(at.row + i, at.col, at.cols, "%2d.%-2d %7.3f", h / t->heads + 1,
                      h % t->heads + 1, (double)x);
        attrset(A_NORMAL);
        if (at.cols > 16 && most > 0)
            draw_bar(at.row + i, at.col + 14, at.cols - 15, (double)(x / most));
    }
    in->heads_list = (struct area){at.row - a.row, at.col - a.col, at.rows, at.cols};
    free(order);
}

static void draw_title(const struct workbench *w, struct area a)
{
    char head[96];
    draw_head_name(w, w->sel.kind, head, sizeof head);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Heads %s: %s%d, %s",
              inside_map_name(w->sel.kind, a.cols < 40), a.cols < 40 ? "" : "layer ",
              w->sel.layer[w->sel.kind] + 1, head);
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "%s: %s", stats_name((enum head_stat)w->statistic),
              stats_what((enum head_stat)w->statistic));
}

static void draw(struct workbench *w, struct area a)
{
    const struct head_table *t = heads_table(w);
    if (!t || a.rows < 5 || a.cols < NARROW + 8) {
        draw_text(a.row, a.col, a.cols, "%s", t ? "no room for the heads"
                                            : w->now.r ? "this result has no such map"
                                                       : "Heads: ask something first");
        return;
    }
    draw_title(w, a);
    int list = a.cols >= 40 ? LIST : NARROW;
    struct area body = {a.row + 2, a.col, a.rows - 3, a.cols - list - 1};
    draw_list(w, t, a, (struct area){body.row, a.col + a.cols - list, body.rows, list});
    if (draw_pictures(w, t, a, body))
        grid_legend(a.row + a.rows - 1, a.col, a.cols, top_of(w, t), SCALE_LINEAR);
    else
        grid_legend(a.row + a.rows - 1, a.col, a.cols, t->top, SCALE_ROOT);
}

static bool table(struct workbench *w, struct table *out)
{
    const struct head_table *t = heads_table(w);
    if (!t)
        return false;
    int n = t->layers * t->heads;
    fill_chosen(w, &inside_of(w)->table);
    table_init(out, n, STAT_COUNT);
    for (int s = 0; s < STAT_COUNT; s++)
        out->col_names[s] = xstrdup(stats_name((enum head_stat)s));
    for (int i = 0; i < n; i++)
        out->row_names[i] = xasprintf("%s %d.%d", look_kind_name(w->sel.kind), i / t->heads + 1,
                                      i % t->heads + 1);
    memcpy(out->x, t->x, (size_t)n * STAT_COUNT * sizeof *out->x);
    return true;
}

const struct view view_heads = {
    .name = "heads",
    .what = "all layers and heads of a map, sorted by a statistic",
    .draw = draw,
    .move = move_head,
    .accept = accept,
    .click = click,
    .stale = stale_result,
    .table = table,
};
