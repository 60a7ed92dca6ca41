/* SPDX-License-Identifier: MIT */
/* How attention differs between checkpoints A and B: a signed map of the chosen layer and head, its
 * numbers, and all heads by how much they changed. */
#include "src/base/mem.h"
#include "src/study/compare.h"
#include "ui/jobs/compare.h"
#include "ui/views/list.h"
#include "ui/views/inside.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_difference;

#define LIST_COLS 40
#define NAME_COLS 14

/* All heads by how much they changed: a cache, with what it was made of. */
struct difference_view {
    uint64_t generation;
    int a, b;
    struct attention_change *list; /* (count), or NULL */
    int count, pick, top;
    char why[256];
    struct area lines, cells; /* where heads and the map were drawn last, from the pane's corner */
};

/* The map of the slice: B minus A, and A's. */
struct difference_map {
    const struct trace *t; /* A's */
    enum attn_kind kind;
    int rows, cols;
    float *x, *before; /* (rows, cols) */
};

/* ---- the list of heads */

/* Made anew when one of the two results is another. */
static bool find_heads(struct workbench *w, struct difference_view *v)
{
    struct comparison *c = comparison_of(w);
    const struct result *a = compare_result(w, c->a), *b = compare_result(w, c->b);
    struct vs_err err = {0};
    if (v->generation == c->generation && v->a == c->a && v->b == c->b)
        return v->list != NULL;
    free(v->list);
    *v = (struct difference_view){.generation = c->generation, .a = c->a, .b = c->b};
    if (a && b && (compare_check_families(w->ses.model, c->a, c->b, &err) != 0 ||
                   attention_changes(a, b, &v->list, &v->count, &err) != 0))
        snprintf(v->why, sizeof v->why, "%.255s", err.text);
    return v->list != NULL;
}

static bool difference_is_chosen(const struct slice *s, const struct attention_change *x)
{
    return x->map == s->kind && x->layer == s->layer[x->map] && x->head == s->head[x->map];
}

static void draw_difference_list(struct workbench *w, struct pane *p, struct area a)
{
    struct difference_view *v = p->state;
    const struct slice *now = pane_slice(w, p);
    int room = a.rows - 1, chosen = v->pick;
    attrset((int)draw_dim());
    draw_text(a.row, a.col, a.cols, "%-14s %5s %4s %9s", "attention", "layer", "head", "JSD, bits");
    attrset(A_NORMAL);
    for (int i = 0; i < v->count; i++)
        if (difference_is_chosen(now, &v->list[i]))
            chosen = i;
    v->pick = chosen;
    int from = list_top(&v->top, chosen, v->count, room);
    list_where((struct area){a.row, a.col + 36, 1, a.cols - 36}, from, v->count, room);
    for (int i = from; i < v->count && i - from < room; i++) {
        const struct attention_change *x = &v->list[i];
        int row = a.row + 1 + i - from, bar = a.cols - 36;
        attrset(difference_is_chosen(now, x) ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        draw_text(row, a.col, a.cols, "%-14s %5d %4d %9.5f", attn_table[x->map].name, x->layer + 1,
                  x->head + 1, x->jsd);
        attrset((int)draw_rank_attr(1));
        if (bar > 2)
            draw_bar(row, a.col + 36, bar, x->jsd / (v->list[0].jsd > 0 ? v->list[0].jsd : 1),
                     difference_is_chosen(now, x));
        attrset(A_NORMAL);
    }
    v->lines = area_in_pane(p, (struct area){a.row + 1, a.col, room, a.cols});
}

static void choose_change(struct workbench *w, struct pane *p, int i)
{
    struct difference_view *v = p->state;
    const struct attention_change *x = &v->list[i];
    struct slice next = *pane_slice(w, p);
    v->pick = i;
    slice_choose(&next, x->map, x->layer, x->head);
    pane_set_slice(w, p, &next);
}

/* ---- the map */

/* Mean of heads where the choice is no single one. */
static int head_of(const struct slice *x)
{
    int head = x->head[x->kind];
    return head < 0 ? -1 : head;
}

/* A row or column of the map by its name: a token, or a region. */
static void difference_name_of(const struct workbench *w, const struct trace *t, enum net_stream of,
                               int i, char *out, size_t size)
{
    const struct result *r = w->now.r;
    struct trace_place p = trace_place(t, of, i);
    if (p.token) {
        draw_token_name(w, p.number, out, size);
        return;
    }
    struct result_source s = {-1, -1};
    if (r && p.number < r->rows)
        s = r->sources[inside_batch(w) * r->rows + p.number];
    if (s.image < 0)
        snprintf(out, size, "-");
    else if (s.region == 0)
        snprintf(out, size, "whole image");
    else
        draw_region_name(w, s.region, out, size);
}

/* difference_close in any case. */
static int difference_open(struct workbench *w, const struct slice *s, struct difference_map *m,
                           struct vs_err *err)
{
    const struct comparison *c = comparison_of(w);
    const struct result *a = compare_result(w, c->a), *b = compare_result(w, c->b);
    int layer = s->layer[s->kind], batch = inside_batch(w);
    *m = (struct difference_map){.t = a->trace, .kind = s->kind};
    int rc = attention_difference(a, b, s->kind, layer, head_of(s), batch, &m->rows, &m->cols,
                                  &m->x, err);
    if (rc != 0)
        return rc;
    m->before = xcalloc((size_t)m->rows * (size_t)m->cols + 1, sizeof *m->before);
    trace_attention(a->trace, s->kind, layer, batch, head_of(s), &m->rows, &m->cols, m->before);
    return 0;
}

static void difference_close(struct difference_map *m)
{
    free(m->x);
    free(m->before);
}

static float difference_largest(const struct difference_map *m)
{
    float most = 0;
    for (int i = 0; i < m->rows * m->cols; i++)
        most = fmaxf(most, fabsf(m->x[i]));
    return most;
}

/* Every element a rectangle of the canvas. */
static void difference_paint(struct canvas *c, const struct difference_map *m)
{
    int rows = m->rows, cols = m->cols;
    float most = difference_largest(m);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            int y1 = i * c->h / rows, y2 = (i + 1) * c->h / rows - 1;
            int x1 = j * c->w / cols, x2 = (j + 1) * c->w / cols - 1;
            float v = most > 0 ? m->x[i * cols + j] / most : 0;
            canvas_fill(c, x1, y1, x2 < x1 ? x1 : x2, y2 < y1 ? y1 : y2, canvas_signed_color(v));
        }
}

/* Cells of the map: whole lines for every row, when there is room for their names. */
static struct area map_area(const struct workbench *w, struct area a, int rows, int cols,
                            bool *named)
{
    a.cols = draw_cols(w, a.cols);
    int high = a.rows / rows, wide = (a.cols - NAME_COLS - 1) / cols;
    *named = high >= 1 && a.cols > NAME_COLS + 8;
    high = high > 2 ? 2 : high;
    wide = wide > 7 ? 7 : wide;
    struct area at = {a.row, a.col + (*named ? NAME_COLS + 1 : 0), high ? high * rows : a.rows,
                      wide >= 1 ? wide * cols : a.cols - (*named ? NAME_COLS + 1 : 0)};
    return at;
}

/* Over the map: tokens, or numbers of regions. */
static void draw_difference_columns(struct workbench *w, const struct trace *t, enum attn_kind kind,
                                    struct area a, int cols)
{
    enum net_stream to = attn_table[kind].to;
    int wide = a.cols / cols;
    for (int j = 0; wide >= 3 && j < cols; j++) {
        char name[128];
        bool chosen = w->sel->token >= 0 && j == trace_row(t, to, true, w->sel->token);
        difference_name_of(w, t, to, j, name, sizeof name);
        const char *s = strncmp(name, "region ", 7) == 0 ? name + 7
                        : strcmp(name, "whole image") == 0 ? "all" : name;
        int width = s == name + 7 ? (int)strcspn(s, " ") : (int)strlen(s);
        attrset((int)(chosen ? A_REVERSE : draw_dim()));
        draw_text(a.row, a.col + j * wide, wide - 1, "%.*s", width, s);
        attrset(A_NORMAL);
    }
}

static void draw_difference_map(struct workbench *w, const struct pane *p,
                                const struct difference_map *m, struct area a)
{
    bool named;
    struct area at = map_area(w, a, m->rows, m->cols, &named);
    int cw, ch, source = look_source(w, m->kind);
    draw_cell(w, &cw, &ch);
    bool room = at.rows > 0 && at.cols > 0;
    struct canvas *c = room ? draw_canvas(w, at.cols * cw, at.rows * ch) : NULL;
    if (c)
        difference_paint(c, m);
    gfx_place(&w->screen.gfx, p->slot, at, c);
    ((struct difference_view *)p->state)->cells = c ? area_in_pane(p, at) : (struct area){0};
    draw_difference_columns(w, m->t, m->kind, (struct area){a.row - 1, at.col, 1, at.cols},
                            m->cols);
    for (int i = 0; named && i < m->rows; i++) {
        char name[128];
        difference_name_of(w, m->t, attn_table[m->kind].from, i, name, sizeof name);
        attrset(i == source ? A_REVERSE : A_NORMAL);
        draw_text(at.row + i * at.rows / m->rows, a.col, NAME_COLS, "%s", name);
        attrset(A_NORMAL);
    }
}

/* The elements that differ most, of the chosen row or of all. */
static void draw_difference_numbers(struct workbench *w, const struct difference_map *m,
                                    struct area a)
{
    int rows = m->rows, cols = m->cols;
    int source = look_source(w, m->kind), first = source < 0 || source >= rows ? 0 : source;
    int end = source < 0 || source >= rows ? rows : source + 1;
    bool *used = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *used);
    for (int k = 0; k < a.rows; k++) {
        int best = -1;
        char row[96], col[96];
        for (int i = first * cols; i < end * cols; i++)
            if (!used[i] && (best < 0 || fabsf(m->x[i]) > fabsf(m->x[best])))
                best = i;
        if (best < 0 || fabsf(m->x[best]) < 5e-5f)
            break;
        used[best] = true;
        difference_name_of(w, m->t, attn_table[m->kind].from, best / cols, row, sizeof row);
        difference_name_of(w, m->t, attn_table[m->kind].to, best % cols, col, sizeof col);
        attrset((int)(draw_sign_attr(m->x[best]) | A_BOLD));
        int n = draw_text(a.row + k, a.col, 9, "%+.4f ", (double)m->x[best]);
        attrset(A_NORMAL);
        draw_text(a.row + k, a.col + n, a.cols - n, " %.4f -> %.4f  %s attends to %s",
                  (double)m->before[best], (double)(m->before[best] + m->x[best]), row, col);
    }
    free(used);
}

static void draw_difference_head(struct workbench *w, const struct slice *s, struct area a)
{
    struct comparison *c = comparison_of(w);
    struct attention_change x = {0};
    enum attn_kind kind = s->kind;
    char pair[160], head[32];
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Attention of B minus A (orange more, blue less): %s", pair);
    attrset((int)draw_dim());
    if (head_of(s) < 0)
        snprintf(head, sizeof head, "mean of heads");
    else
        snprintf(head, sizeof head, "head %d", head_of(s) + 1);
    attention_change_of(compare_result(w, c->a), compare_result(w, c->b), kind, s->layer[kind],
                        head_of(s), &x, NULL);
    draw_text(a.row + 1, a.col, a.cols, "%s, layer %d, %s: divergence %.5f bits, largest row %.5f",
              attn_table[kind].title, s->layer[kind] + 1, head, x.jsd, x.most);
    attrset(A_NORMAL);
}

/* ---- the view */

static void draw_missing(struct workbench *w, const struct difference_view *v, struct area a)
{
    struct comparison *c = comparison_of(w);
    char pair[160];
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Attention of B minus A: %s", pair);
    attrset(A_NORMAL);
    if (v->why[0])
        draw_text(a.row + 1, a.col, a.cols, "%s", v->why);
    else if (!w->now.r)
        draw_text(a.row + 1, a.col, a.cols, "ask something first");
    else
        draw_text(a.row + 1, a.col, a.cols, c->number ? "asking ..." : "not asked: B asks both");
}

/* The map, its columns above it, the scale and the largest numbers below. */
static void draw_difference_body(struct workbench *w, const struct pane *p,
                                 const struct difference_map *m, struct area a)
{
    int numbers = a.rows > 16 ? 6 : a.rows > 8 ? 3 : 0, legend = a.rows > 8;
    int below = numbers + (numbers > 0);
    draw_difference_map(w, p, m, (struct area){a.row + 1, a.col, a.rows - 1 - below - legend,
                                               a.cols});
    if (legend)
        grid_legend(a.row + a.rows - below - 1, a.col, a.cols, difference_largest(m), SCALE_SIGNED);
    draw_difference_numbers(w, m, (struct area){a.row + a.rows - numbers, a.col, numbers, a.cols});
}

static void difference_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct difference_view *v = p->state;
    const struct slice *s = pane_slice(w, p);
    struct difference_map m;
    struct vs_err err = {0};
    v->cells = v->lines = (struct area){0};
    if (!find_heads(w, v)) {
        draw_missing(w, p->state, a);
        return;
    }
    draw_difference_head(w, s, a);
    struct area body = {a.row + 2, a.col, a.rows - 2, a.cols}, list = body;
    bool beside = a.cols >= 2 * LIST_COLS + 10;
    if (beside) {
        list.col = a.col + a.cols - LIST_COLS;
        list.cols = LIST_COLS;
        body.cols -= LIST_COLS + 2;
    } else {
        list.rows = body.rows / 3;
        list.row = body.row + body.rows - list.rows;
        body.rows -= list.rows + 1;
    }
    if (difference_open(w, s, &m, &err) == 0)
        draw_difference_body(w, p, &m, body);
    else
        draw_text(body.row, body.col, body.cols, "%s", err.text);
    difference_close(&m);
    draw_difference_list(w, p, list);
}

static void difference_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct difference_view *v = p->state;
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (find_heads(w, v))
        choose_change(w, p, difference_is_chosen(pane_slice(w, p), &v->list[v->pick])
                                ? panes_pick(v->pick, v->count, 10, m) : 0);
}

/* ---- the mouse */

/* The line of the list at a place, or -1. */
static int difference_line(const struct difference_view *v, int row, int col)
{
    return area_line(v->lines, v->top, v->count, row, col);
}

/* The element at a place, of the map that it opens. difference_close in any case. */
static bool difference_at(struct workbench *w, const struct pane *p, int row, int col,
                          struct difference_map *m, int *i, int *j)
{
    const struct difference_view *v = p->state;
    struct vs_err err = {0};
    *m = (struct difference_map){0};
    return find_heads(w, p->state) && difference_open(w, pane_slice(w, p), m, &err) == 0 &&
           area_cell(v->cells, m->rows, m->cols, row, col, i, j);
}

/* A head becomes the chosen one, as do what an element of the map is of. */
static bool difference_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct difference_map m;
    int i, j, line = find_heads(w, p->state) ? difference_line(p->state, row, col) : -1;
    if (line >= 0) {
        choose_change(w, p, line);
        return true;
    }
    bool there = difference_at(w, p, row, col, &m, &i, &j);
    if (there) {
        inside_choose(w, m.kind, true, i);
        inside_choose(w, m.kind, false, j);
    }
    difference_close(&m);
    return there;
}

static bool difference_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                             size_t size)
{
    const struct difference_view *v = p->state;
    struct difference_map m;
    char from[100], to[100];
    int i, j, line = find_heads(w, p->state) ? difference_line(v, row, col) : -1;
    if (line >= 0) {
        const struct attention_change *x = &v->list[line];
        snprintf(out, size, "%s, layer %d, head %d: divergence %.5f bits, largest row %.5f",
                 attn_table[x->map].title, x->layer + 1, x->head + 1, x->jsd, x->most);
        return true;
    }
    bool there = difference_at(w, p, row, col, &m, &i, &j);
    if (there) {
        double was = (double)m.before[i * m.cols + j], by = (double)m.x[i * m.cols + j];
        difference_name_of(w, m.t, attn_table[m.kind].from, i, from, sizeof from);
        difference_name_of(w, m.t, attn_table[m.kind].to, j, to, sizeof to);
        snprintf(out, size, "%s -> %s: %+.4f, A %.4f, B %.4f", from, to, by, was, was + by);
    }
    difference_close(&m);
    return there;
}

static bool difference_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {"layer", "head", "divergence", "largest"};
    struct difference_view *v = p->state;
    if (!find_heads(w, v))
        return false;
    char pair[160];
    table_init(out, v->count, 4);
    compare_pair_name(w, pair, sizeof pair);
    out->title = xasprintf("How far the attention of each head is apart: %s", pair);
    for (int j = 0; j < 4; j++)
        out->col_names[j] = xstrdup(names[j]);
    for (int i = 0; i < v->count; i++) {
        const struct attention_change *x = &v->list[i];
        const float row[4] = {(float)x->layer + 1, (float)x->head + 1, (float)x->jsd,
                              (float)x->most};
        out->row_names[i] = xstrdup(attn_table[x->map].name);
        memcpy(out->x + 4 * (size_t)i, row, sizeof row);
    }
    return true;
}

static void difference_end(struct pane *p)
{
    struct difference_view *v = p->state;
    free(v->list);
}

static void do_difference(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!compare_several(w))
        return;
    comparison_of(w);
    panes_show(&w->panes, &view_difference);
    compare_ask(w);
}

static const struct action difference_actions[] = {
    ACTIONS_AFTER("between"),
    {"attention-change", "B", "", NULL, "how attention differs between A and B", do_difference},
    {0},
};

const struct view view_difference = {
    .name = "difference",
    .what = "how attention differs between checkpoints A and B, head by head",
    .hints = "[ ] layer, { } head, ( ) A and B",
    .sliced = true,
    .state = sizeof(struct difference_view),
    .end = difference_end,
    .draw = difference_draw,
    .move = difference_move,
    .click = difference_click,
    .under = difference_under,
    .stale = stale_query,
    .table = difference_table,
    .asks_all = true,
    .actions = difference_actions,
};
