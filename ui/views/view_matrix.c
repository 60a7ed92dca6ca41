/* SPDX-License-Identifier: MIT */
/* An attention map as a matrix: a row for everything that looks, a column for what it looks at,
 * with numbers for the chosen cell, and the sum of what is shown of each row. Of the answer that is
 * shown, or of checkpoint A or B, so that two panes show both. While relevancy stands in the place
 * of attention, its own matrix with these rows and columns. */
#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "src/study/relevancy.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/compare.h"
#include "ui/kit/text.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUM 7       /* columns of a row's sum */
#define WIDE 44     /* from here on there is room for it */

/* Whose answer: that on the screen, or those of the two checkpoints that are compared. */
enum matrix_of { MATRIX_SHOWN, MATRIX_A, MATRIX_B, MATRIX_KINDS };

struct matrix_view {
    enum matrix_of of;
    bool difference;  /* now minus without interventions */
    struct grid grid; /* where it was drawn last, counted from the pane's corner */
    int top[2];
};

/* ---- the map, and which rows and columns of it are shown */

struct shown_map {
    enum attn_kind kind;
    int layer, head;
    bool difference;
    const struct attributed *relevancy; /* it is one of its matrices; or NULL */
    float *all; /* (rows, cols) */
    int rows, cols;
    int *row, *col; /* what is shown, in its order */
    int row_count, col_count;
    int at_row, at_col; /* places of what is chosen in these lists, or -1 */
    float top;          /* the largest number, by its size; drawn: as matrix_top says */
};

/* The columns' weights that they are sorted by: of the chosen row, else of all that are shown. */
static void sort_columns(struct shown_map *m)
{
    float *x = xcalloc((size_t)m->col_count + 1, sizeof *x);
    int *order = xcalloc((size_t)m->col_count + 1, sizeof *order);
    int *sorted = xcalloc((size_t)m->col_count + 1, sizeof *sorted);
    for (int j = 0; j < m->col_count; j++)
        for (int i = 0; i < m->row_count; i++)
            if (m->at_row < 0 || i == m->at_row)
                x[j] += fabsf(m->all[(ptrdiff_t)m->row[i] * m->cols + m->col[j]]);
    stats_order(x, m->col_count, order);
    for (int j = 0; j < m->col_count; j++)
        sorted[j] = m->col[order[j]];
    free(m->col);
    m->col = sorted;
    free(x);
    free(order);
}

/* all = now minus plain; false when they do not fit. */
static bool take_difference(const struct workbench *w, struct shown_map *m)
{
    int rows, cols, b = inside_batch(w);
    float *before = NULL;
    if (!look_map(w->plain, m->kind, m->layer, b, m->head, &rows, &cols, &before))
        return false;
    bool fits = rows == m->rows && cols == m->cols;
    for (ptrdiff_t i = 0; fits && i < (ptrdiff_t)rows * cols; i++)
        m->all[i] -= before[i];
    free(before);
    return fits;
}

/* The checkpoint whose map it is, of A and B. */
static int matrix_checkpoint(struct workbench *w, const struct matrix_view *v)
{
    const struct comparison *c = comparison_of(w);
    return v->of == MATRIX_A ? c->a : c->b;
}

/* NULL: there is none, or that checkpoint has not answered yet. Tokens and regions are those of the
 * result that is shown. */
static const struct result *matrix_result(struct workbench *w, const struct matrix_view *v)
{
    if (v->of == MATRIX_SHOWN || !w->now.r)
        return w->now.r;
    return compare_result(w, matrix_checkpoint(w, v));
}

/* Whether relevancy is to be shown, of the answer on the screen. */
static bool matrix_is_relevancy(const struct workbench *w, const struct pane *p)
{
    const struct slice *x = pane_slice(w, p);
    const struct matrix_view *v = p->state;
    return v->of == MATRIX_SHOWN && x->method && strcmp(x->method->word, "relevancy") == 0;
}

/* False while it is not known. */
static bool take_relevancy(const struct workbench *w, const struct pane *p, struct shown_map *m)
{
    const struct attributed *a = attribute_of(w, pane_slice(w, p));
    const struct relevancy *r = a ? attribute_relevancy(w, a, inside_batch(w)) : NULL;
    const double *x = r ? relevancy_matrix(r, m->kind, &m->rows, &m->cols) : NULL;
    if (!x)
        return false;
    size_t n = (size_t)m->rows * (size_t)m->cols;
    m->all = xcalloc(n + 1, sizeof *m->all);
    for (size_t i = 0; i < n; i++)
        m->all[i] = (float)x[i];
    m->relevancy = a;
    return true;
}

static bool take_map(const struct workbench *w, const struct result *r, struct shown_map *m)
{
    return look_map(r, m->kind, m->layer, inside_batch(w), m->head, &m->rows, &m->cols, &m->all);
}

/* False when the result has no such map, or nothing of it is shown. close_map in any case. */
static bool open_map(struct workbench *w, const struct pane *p, struct shown_map *m)
{
    const struct slice *x = pane_slice(w, p);
    const struct matrix_view *v = p->state;
    enum attn_kind k = x->kind;
    *m = (struct shown_map){.kind = k, .layer = x->layer[k], .head = x->head[k]};
    const struct result *r = matrix_result(w, v);
    bool relevancy = matrix_is_relevancy(w, p);
    if (!r || !(relevancy ? take_relevancy(w, p, m) : take_map(w, r, m)))
        return false;
    m->difference = v->difference && v->of == MATRIX_SHOWN && w->plain && !relevancy &&
                    take_difference(w, m);
    m->row = inside_rows(w, attn_table[k].from, m->rows, &m->row_count);
    m->col = inside_rows(w, attn_table[k].to, m->cols, &m->col_count);
    m->at_row = inside_place(m->row, m->row_count, inside_chosen(w, k, true));
    if (w->how.sort)
        sort_columns(m);
    m->at_col = inside_place(m->col, m->col_count, inside_chosen(w, k, false));
    for (int i = 0; i < m->row_count; i++)
        for (int j = 0; j < m->col_count; j++)
            m->top = fmaxf(m->top, fabsf(m->all[(ptrdiff_t)m->row[i] * m->cols + m->col[j]]));
    return m->row_count > 0 && m->col_count > 0;
}

static void close_map(struct shown_map *m)
{
    free(m->all);
    free(m->row);
    free(m->col);
}

static bool same_map(const struct workbench *w, const struct pane *p, const struct shown_map *m)
{
    const struct slice *x = pane_slice(w, p);
    enum attn_kind k = m->kind;
    return x->kind == k && x->layer[k] == m->layer && x->head[k] == m->head;
}

/* The same map of several checkpoints has one scale, so that a color is one number in all of them:
 * the largest number of those on the screen. */
static float matrix_top(struct workbench *w, const struct pane *p, const struct shown_map *m)
{
    float top = m->top;
    for (int i = 0; i < w->panes.count; i++) {
        const struct pane *other = &w->panes.list[i];
        struct shown_map x;
        if (other == p || !other->shown || other->view != p->view || !same_map(w, other, m))
            continue;
        if (open_map(w, other, &x) && x.difference == m->difference &&
            x.relevancy == m->relevancy)
            top = fmaxf(top, x.top);
        close_map(&x);
    }
    return top;
}

/* Of places in the lists. */
static float matrix_value(const struct shown_map *m, int i, int j)
{
    return m->all[(ptrdiff_t)m->row[i] * m->cols + m->col[j]];
}

static double row_sum(const struct shown_map *m, int i)
{
    double sum = 0;
    for (int j = 0; j < m->col_count; j++)
        sum += (double)matrix_value(m, i, j);
    return fabs(sum) < 0.0005 ? 0 : sum; /* rounding has no sign */
}

/* ---- moving */

static void matrix_move(struct workbench *w, struct pane *p, enum motion way)
{
    struct shown_map m;
    if (open_map(w, p, &m)) {
        bool sideways = way == MOVE_LEFT || way == MOVE_RIGHT || way == MOVE_FIRST ||
                        way == MOVE_LAST;
        enum motion along = way == MOVE_LEFT ? MOVE_UP : way == MOVE_RIGHT ? MOVE_DOWN : way;
        int at = sideways ? m.at_col : m.at_row, n = sideways ? m.col_count : m.row_count;
        at = at < 0 && along == MOVE_UP ? n : at;
        at = panes_pick(at, n, 10, along);
        inside_choose(w, m.kind, !sideways, sideways ? m.col[at] : m.row[at]);
    }
    close_map(&m);
}

/* The photo shows where the chosen one looks, in this map. */
static void matrix_accept(struct workbench *w, struct pane *p)
{
    struct chosen next = *w->sel;
    next.slice = *pane_slice(w, p);
    next.overlay = true;
    selection_set(w->selection, &next);
    w->panes.focus = 0;
    w->panes.zoomed = false;
}

/* The cell at a place, of the map that it opens; *j is -1 beside the columns. close_map in any
 * case. */
static bool matrix_at(struct workbench *w, const struct pane *p, int row, int col,
                      struct shown_map *m, int *i, int *j)
{
    const struct matrix_view *v = p->state;
    return open_map(w, p, m) &&
           grid_find(&v->grid, m->row_count, m->col_count, row, col, i, j);
}

static bool matrix_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct shown_map m;
    int i, j;
    bool there = matrix_at(w, p, row, col, &m, &i, &j);
    if (there)
        inside_choose(w, m.kind, true, m.row[i]);
    if (there && j >= 0)
        inside_choose(w, m.kind, false, m.col[j]);
    close_map(&m);
    return there;
}

static bool matrix_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                         size_t size)
{
    struct shown_map m;
    char from[100], to[100];
    int i, j;
    bool there = matrix_at(w, p, row, col, &m, &i, &j) && j >= 0;
    if (there) {
        inside_row_name(w, attn_table[m.kind].from, m.row[i], from, sizeof from);
        inside_row_name(w, attn_table[m.kind].to, m.col[j], to, sizeof to);
        snprintf(out, size, m.difference ? "%s -> %s: %+.4f" : "%s -> %s: %.4f", from, to,
                 (double)matrix_value(&m, i, j));
    }
    close_map(&m);
    return there;
}

/* ---- drawing */

/* All that is shown, dense; caller frees x. */
static void make_grid(struct workbench *w, struct matrix_view *v, const struct shown_map *m,
                      struct area body, struct grid *g, float **x)
{
    *x = xcalloc((size_t)m->row_count * (size_t)m->col_count, sizeof **x);
    for (int i = 0; i < m->row_count; i++)
        for (int j = 0; j < m->col_count; j++)
            (*x)[(ptrdiff_t)i * m->col_count + j] = matrix_value(m, i, j);
    *g = (struct grid){.rows = m->row_count, .cols = m->col_count, .x = *x, .top = m->top,
                       .scale = m->difference ? SCALE_SIGNED : SCALE_ROOT, .at_row = m->at_row,
                       .at_col = m->at_col, .label = inside_label(body.cols),
                       .right = body.cols > WIDE ? SUM : 0, .digits = m->difference ? 2 : 3};
    grid_fit(w, g, body, v->top);
}

static void draw_matrix_rows(const struct workbench *w, const struct shown_map *m,
                             const struct grid *g, struct area body)
{
    for (int i = 0; i < g->shown_rows; i++) {
        char name[128];
        int k = g->first_row + i;
        inside_row_name(w, attn_table[m->kind].from, m->row[k], name, sizeof name);
        attrset(k == m->at_row ? A_REVERSE : A_NORMAL);
        draw_text(body.row + i, body.col, g->label - 1, "%s",
                  inside_brief(name, g->label));
        attrset((int)draw_dim());
        int right = g->at.col + g->at.cols + 1;
        grid_number(row_sum(m, k), m->difference, 3, name, sizeof name);
        if (g->right)
            draw_text(body.row + i, right, SUM - 1, "%s", name);
        attrset(A_NORMAL);
    }
}

static void matrix_column_name(const struct workbench *w, const void *arg, int j, char *out,
                               size_t size)
{
    const struct shown_map *m = arg;
    inside_row_name(w, attn_table[m->kind].to, m->col[j], out, size);
}

/* The numbers have no unit; those of one stream lack the identity that they begin with. */
static void draw_relevancy_title(const struct workbench *w, const struct shown_map *m,
                                 struct area a)
{
    char target[128];
    attribute_target_name(w, m->relevancy, target, sizeof target);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s of %s: %s%s%s", m->relevancy->known.method->title, target,
              inside_map_name(m->kind, a.cols < 60), w->how.sort ? ", sorted" : "",
              w->how.hide_special ? ", without special tokens" : "");
    attrset(A_NORMAL);
}

static void draw_attention_title(struct workbench *w, const struct pane *p,
                                 const struct shown_map *m, struct area a)
{
    const struct matrix_view *v = p->state;
    char head[96], whose[80] = "";
    bool brief = a.cols < 40;
    draw_head_name(w, pane_slice(w, p), m->kind, head, sizeof head);
    if (v->of != MATRIX_SHOWN) {
        char name[64];
        compare_name(w, matrix_checkpoint(w, v), name, sizeof name);
        snprintf(whose, sizeof whose, "%c %s: ", v->of == MATRIX_A ? 'A' : 'B', name);
    }
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s%s%s, %s%d/%d, %s%s%s", whose,
              m->difference ? "Change of " : "", inside_map_name(m->kind, brief),
              brief ? "" : "layer ", m->layer + 1,
              trace_attention_layers(w->now.r->trace, m->kind), head, w->how.sort ? ", sorted" : "",
              w->how.hide_special ? ", without special tokens" : "");
    attrset(A_NORMAL);
}

/* The chosen cell; the number first where there is no room for all of it, and the row's sum where
 * there is. */
static void draw_matrix_cell(const struct shown_map *m, const char *from, const char *to,
                             struct area a)
{
    double x = (double)matrix_value(m, m->at_row, m->at_col);
    char number[32];
    snprintf(number, sizeof number, m->difference ? "%+.4f" : "%.4f", x);
    int width = text_width(from) + text_width(to) + (int)strlen(number) + 6;
    if (width > a.cols) {
        draw_text(a.row + 1, a.col, a.cols, "%s: %s -> %s", number, from, to);
        return;
    }
    int n = draw_text(a.row + 1, a.col, a.cols, "%s -> %s: %s", from, to, number);
    snprintf(number, sizeof number, m->difference ? "; row sum %+.3f" : "; row sum %.3f",
             row_sum(m, m->at_row));
    if (n + (int)strlen(number) <= a.cols)
        draw_text(a.row + 1, a.col + n, a.cols - n, "%s", number);
}

static void draw_matrix_title(struct workbench *w, const struct pane *p, const struct shown_map *m,
                              struct area a)
{
    char from[128] = "", to[128] = "";
    if (m->relevancy)
        draw_relevancy_title(w, m, a);
    else
        draw_attention_title(w, p, m, a);
    if (m->at_row < 0 && m->at_col < 0) {
        inside_hint(a, 1, !m->relevancy
                              ? "arrows or a click choose a cell; rows sum to 1 over all columns"
                          : m->kind == ATTN_JOINT
                              ? "arrows or a click choose a cell"
                              : "arrows or a click choose a cell; [ ] the other matrices");
        return;
    }
    if (m->at_row >= 0)
        inside_row_name(w, attn_table[m->kind].from, m->row[m->at_row], from, sizeof from);
    if (m->at_col >= 0)
        inside_row_name(w, attn_table[m->kind].to, m->col[m->at_col], to, sizeof to);
    if (m->at_row >= 0 && m->at_col >= 0)
        draw_matrix_cell(m, from, to, a);
    else if (m->at_row >= 0)
        draw_text(a.row + 1, a.col, a.cols, "row %s sums to %.3f", from, row_sum(m, m->at_row));
    else
        draw_text(a.row + 1, a.col, a.cols, "column %s", to);
}

static void draw_matrix_map(struct workbench *w, struct pane *p, const struct shown_map *m,
                            struct area a)
{
    struct matrix_view *v = p->state;
    struct grid g;
    float *x;
    bool legend = a.rows >= 7;
    struct area body = {a.row + 3, a.col, a.rows - 3 - legend, a.cols};
    make_grid(w, v, m, body, &g, &x);
    draw_matrix_title(w, p, m, a);
    inside_columns(w, &g, a, a.row + 2, matrix_column_name, m);
    grid_more(&g, a.row + 2, a.col);
    draw_matrix_rows(w, m, &g, body);
    grid_draw(w, p->slot, &g);
    if (legend)
        grid_legend(a.row + 3 + g.shown_rows, a.col, a.cols, m->top, g.scale);
    v->grid = grid_in_pane(p, &g);
    free(x);
}

/* Why there is no map; a checkpoint that has not answered is asked. */
static const char *no_matrix(struct workbench *w, const struct pane *p)
{
    const struct matrix_view *v = p->state;
    if (!w->now.r)
        return "Attention: ask something first";
    if (matrix_result(w, v))
        return "this result has no such map";
    const char *error = comparison_of(w)->errors[matrix_checkpoint(w, v)];
    if (!error)
        compare_ask(w);
    return error ? error : comparison_of(w)->number ? "asking ..." : "not asked: A asks";
}

static void matrix_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct shown_map m;
    char waits[256];
    bool any = open_map(w, p, &m);
    if (any)
        m.top = matrix_top(w, p, &m);
    if (any && a.rows >= 5 && a.cols >= 18)
        draw_matrix_map(w, p, &m, a);
    else if (!any && w->now.r && matrix_is_relevancy(w, p)) {
        attribute_waits(w, pane_slice(w, p), waits, sizeof waits);
        draw_text(a.row, a.col, a.cols, "%s", *waits ? waits : "of the other image of the pair");
    } else
        draw_text(a.row, a.col, a.cols, "%s", any ? "no room for the matrix" : no_matrix(w, p));
    close_map(&m);
}

/* Relevancy has no layers: the keys of layers go through its matrices, of which a single stream has
 * one. */
static bool matrix_step(struct workbench *w, struct pane *p, int step)
{
    static const enum attn_kind kinds[] = {ATTN_TEXT, ATTN_TEXT_TO_IMAGE, ATTN_IMAGE_TO_TEXT,
                                           ATTN_VISUAL};
    struct slice x = *pane_slice(w, p);
    if (!matrix_is_relevancy(w, p))
        return false;
    if (x.kind == ATTN_JOINT) {
        workbench_say(w, false, "relevancy of one stream is one matrix");
        return true;
    }
    int at = 0;
    while (at < 3 && kinds[at] != x.kind)
        at++;
    x.kind = kinds[(at + (step > 0 ? 1 : 3)) % 4];
    pane_set_slice(w, p, &x);
    return true;
}

/* What A and B answer is about the query, whichever checkpoint is chosen. */
static bool matrix_stale(struct workbench *w, struct pane *p, char *out, size_t size)
{
    const struct matrix_view *v = p->state;
    return v->of == MATRIX_SHOWN ? stale_result(w, p, out, size) : stale_query(w, p, out, size);
}

/* What a figure says of it. */
static void matrix_words(struct workbench *w, const struct pane *p, struct shown_map *m,
                         struct table *out)
{
    const struct matrix_view *v = p->state;
    char head[96], name[64], whose[80] = "", target[128];
    out->shape = TABLE_MATRIX;
    out->digits = 2;
    out->chosen_row = m->at_row + 1;
    out->chosen_col = m->at_col + 1;
    out->top = matrix_top(w, p, m);
    if (m->relevancy) {
        attribute_target_name(w, m->relevancy, target, sizeof target);
        out->title = xasprintf("%s of %s: %s", m->relevancy->known.method->title, target,
                               inside_map_name(m->kind, false));
        out->row_title = xstrdup("of what");
        out->col_title = xstrdup("to what");
        out->unit = xstrdup("relevancy, without the identity");
        out->root = true;
        return;
    }
    draw_head_name(w, pane_slice(w, p), m->kind, head, sizeof head);
    if (v->of != MATRIX_SHOWN) {
        compare_name(w, matrix_checkpoint(w, v), name, sizeof name);
        snprintf(whose, sizeof whose, " of %s", name);
    }
    out->title = xasprintf("%s%s, layer %d of %d, %s%s", m->difference ? "Change of attention "
                           : "Attention ", inside_map_name(m->kind, false), m->layer + 1,
                           trace_attention_layers(w->now.r->trace, m->kind), head, whose);
    out->row_title = xstrdup("what attends");
    out->col_title = xstrdup("what it attends to");
    out->unit = xstrdup(m->difference ? "change of the weight" : "attention weight");
    out->sign = m->difference;
    out->root = !m->difference;
}

static bool matrix_table(struct workbench *w, struct pane *p, struct table *out)
{
    struct shown_map m;
    bool any = open_map(w, p, &m);
    char name[256];
    if (any) {
        table_init(out, m.row_count, m.col_count);
        matrix_words(w, p, &m, out);
    }
    for (int i = 0; any && i < m.row_count; i++) {
        inside_row_name(w, attn_table[m.kind].from, m.row[i], name, sizeof name);
        out->row_names[i] = xstrdup(name);
        for (int j = 0; j < m.col_count; j++)
            out->x[(ptrdiff_t)i * m.col_count + j] = matrix_value(&m, i, j);
    }
    for (int j = 0; any && j < m.col_count; j++) {
        inside_row_name(w, attn_table[m.kind].to, m.col[j], name, sizeof name);
        out->col_names[j] = xstrdup(name);
    }
    close_map(&m);
    return any;
}

/* ---- keys */

static void do_matrix_difference(struct workbench *w, const char *arg)
{
    struct matrix_view *v = panes_of(&w->panes, &view_matrix)->state;
    (void)arg;
    v->difference = !v->difference;
    if (v->difference && !w->plain)
        workbench_say(w, false, "the difference is shown as soon as something is changed");
}

/* The map of A, of B, or of the checkpoint whose answer is shown. */
static void do_matrix_of(struct workbench *w, const char *arg)
{
    static const char *const names[MATRIX_KINDS] = {"shown", "A", "B"};
    struct matrix_view *v = panes_of(&w->panes, &view_matrix)->state;
    int at = word_choose(w, names, MATRIX_KINDS, (int)v->of, arg);
    if (at < 0 || (at != MATRIX_SHOWN && !compare_several(w)))
        return;
    v->of = (enum matrix_of)at;
    workbench_say(w, false, "%s", at == MATRIX_A   ? "the map of checkpoint A"
                                  : at == MATRIX_B ? "the map of checkpoint B"
                                                   : "the map of the answer that is shown");
}

static void do_matrix(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_matrix);
}

static const struct action matrix_actions[] = {
    ACTIONS_AFTER("leave-one-out"),
    {"difference", "V", "", "matrix", "the map minus that of the unchanged query",
     do_matrix_difference},
    {"matrix-of", "w", "[WHAT]", "matrix", "the map of checkpoint A or B, or of the answer shown",
     do_matrix_of},
    ACTIONS_AFTER("lens-of"),
    {"matrix", "F2", "", NULL, "the attention map as a matrix", do_matrix},
    {0},
};

const struct view view_matrix = {
    .name = "matrix",
    .what = "an attention map, cell by cell",
    .hints = "arrows choose, [ ] layer, { } head, S sorts",
    .sliced = true,
    .state = sizeof(struct matrix_view),
    .draw = matrix_draw,
    .move = matrix_move,
    .step = matrix_step,
    .accept = matrix_accept,
    .click = matrix_click,
    .under = matrix_under,
    .stale = matrix_stale,
    .table = matrix_table,
    .actions = matrix_actions,
};
