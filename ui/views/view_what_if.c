/* The result beside the same query without changes: what is changed, which answers moved, and how
 * far the attention did. */
#include "src/base/mem.h"
#include "src/study/compare.h"
#include "src/study/headstats.h"
#include "ui/views/inside.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_what_if;

#define MOVES 200 /* answers that are looked at, of both */
#define LEAST_TOP 0.05f /* nats, of the scale: next to nothing does not look like a change */

struct what_if_view {
    int top;         /* the first line */
    double moved[ATTN_COUNT]; /* attention, by map: a cache, and what it was made of */
    uint64_t key;
};

/* An answer in both results. */
struct move {
    char *label;
    int before, after; /* ranks, or -1 */
    float p_before, p_after;
    float effect; /* on the scale of compare_scale; NaN when it is not in both */
};

struct moves {
    struct move *list;
    int count;
};

/* ---- what moved */

static bool is_in(const struct moves *m, const int64_t *keys, int64_t key)
{
    for (int i = 0; i < m->count; i++)
        if (keys[i] == key)
            return true;
    return false;
}

/* Caller frees. */
static char *label_of(const struct result *r, int rank)
{
    char *label = compare_label(r, rank);
    if (r->task->reading->ranked != RANKED_IMAGES)
        return label;
    char *base = xstrdup(draw_base_name(label));
    free(label);
    return base;
}

static void add_moves(const struct result *a, const struct result *b, const struct result *from,
                      const double *of_a, const double *of_b, struct moves *m, int64_t *keys)
{
    int n = compare_count(from) < MOVES / 2 ? compare_count(from) : MOVES / 2;
    for (int i = 0; i < n; i++) {
        int64_t key = compare_key(from, i);
        int before = compare_rank(a, key), after = compare_rank(b, key);
        if (is_in(m, keys, key))
            continue;
        keys[m->count] = key;
        m->list[m->count++] = (struct move){
            .label = label_of(from, i), .before = before, .after = after,
            .p_before = before < 0 ? 0 : (float)compare_softmax(a, before),
            .p_after = after < 0 ? 0 : (float)compare_softmax(b, after),
            .effect = before < 0 || after < 0 ? NAN : (float)(of_b[after] - of_a[before])};
    }
}

/* The best of both, by how far their probabilities moved. */
static struct moves moves_of(const struct result *a, const struct result *b)
{
    struct moves m = {xcalloc(MOVES, sizeof *m.list), 0};
    struct move *sorted = xcalloc(MOVES, sizeof *sorted);
    int64_t keys[MOVES];
    float x[MOVES];
    int order[MOVES];
    double *of_a = xcalloc((size_t)compare_count(a) + 1, sizeof *of_a);
    double *of_b = xcalloc((size_t)compare_count(b) + 1, sizeof *of_b);
    compare_measures(a, of_a);
    compare_measures(b, of_b);
    add_moves(a, b, a, of_a, of_b, &m, keys);
    add_moves(a, b, b, of_a, of_b, &m, keys);
    for (int i = 0; i < m.count; i++)
        x[i] = fabsf(m.list[i].p_after - m.list[i].p_before);
    stats_order(x, m.count, order);
    for (int i = 0; i < m.count; i++)
        sorted[i] = m.list[order[i]];
    free(of_a);
    free(of_b);
    free(m.list);
    m.list = sorted;
    return m;
}

static void moves_fini(struct moves *m)
{
    for (int i = 0; i < m->count; i++)
        free(m->list[i].label);
    free(m->list);
}

/* The mean of |difference| of a map of one row of the batch; negative when they do not fit. */
static double map_moved(const struct workbench *w, enum attn_kind kind, int layer, int b, int head)
{
    float *x = NULL, *y = NULL;
    int rows, cols, rows_y, cols_y;
    double moved = -1;
    if (look_map(w->plain, kind, layer, b, head, &rows, &cols, &x) &&
        look_map(w->now.r, kind, layer, b, head, &rows_y, &cols_y, &y) && rows == rows_y &&
        cols == cols_y)
        moved = stats_difference(x, y, rows * cols);
    free(x);
    free(y);
    return moved;
}

/* Over all layers and heads, for a pair of images both; negative when none fit. */
static double attention_moved(const struct workbench *w, enum attn_kind kind)
{
    const struct trace *t = w->now.r->trace;
    int layers = trace_attention_layers(t, kind), heads = trace_attention_heads(t, kind), n = 0;
    bool pair = w->now.r->batch == 2;
    int first = pair ? 0 : inside_batch(w), last = pair ? 1 : first;
    double sum = 0;
    for (int b = first; b <= last; b++)
        for (int i = 0; i < layers * heads; i++) {
            double x = map_moved(w, kind, i / heads, b, i % heads);
            sum += x >= 0 ? x : 0;
            n += x >= 0;
        }
    return n ? sum / n : -1;
}

static const double *moved(const struct workbench *w, struct what_if_view *v)
{
    uint64_t key = inside_key(w, 0);
    if (key != v->key)
        for (int k = 0; k < ATTN_COUNT; k++)
            v->moved[k] = attention_moved(w, (enum attn_kind)k);
    v->key = key;
    return v->moved;
}

/* ---- drawing */

/* Returns the next row. */
static int draw_changes(const struct workbench *w, struct area a, int row)
{
    const struct result *r = w->now.r, *before = w->plain;
    if (w->asked.running)
        draw_text(a.row + row++, a.col, a.cols, "asking again ...");
    if (before && strcmp(before->text, r->text) != 0) {
        draw_text(a.row + row++, a.col, a.cols, "was: %s", before->text);
        draw_text(a.row + row++, a.col, a.cols, "now: %s", r->text);
    }
    for (int i = 0; i < w->changes.count && row < a.rows - 4; i++) {
        char text[CHANGE_TEXT];
        change_format(&w->changes.list[i], text);
        draw_text(a.row + row++, a.col, a.cols, "%d %s", i + 1, text);
    }
    return row;
}

/* In a narrow pane on two lines. */
static int draw_attention(const struct workbench *w, struct what_if_view *v, struct area a, int row)
{
    int col = draw_text(a.row + row, a.col, a.cols, "attention moved by");
    for (int k = 0; k < ATTN_COUNT; k++) {
        char text[64];
        double x = moved(w, v)[k];
        if (x < 0)
            continue;
        snprintf(text, sizeof text, " %s %.3f", inside_map_name((enum attn_kind)k, true), x);
        if (col + (int)strlen(text) > a.cols && row + 6 < a.rows) {
            row++;
            col = 0;
        }
        col += draw_text(a.row + row, a.col + col, a.cols - col, "%s", text);
    }
    return row + 1;
}

static void rank_text(int rank, char out[16])
{
    if (rank < 0)
        snprintf(out, 16, "-");
    else
        snprintf(out, 16, "%d", rank + 1);
}

static int label_width(struct area a)
{
    int room = a.cols - 9 - 24;
    return room < 8 ? 8 : room < 24 ? room : 24;
}

static void draw_move(const struct move *m, float top, int row, struct area a)
{
    char before[16], after[16], number[32];
    rank_text(m->before, before);
    rank_text(m->after, after);
    if (isnan(m->effect))
        snprintf(number, sizeof number, "-");
    else
        grid_signed((double)m->effect, 3, number, sizeof number);
    grid_attr(grid_color(m->effect, top, SCALE_SIGNED), A_NORMAL);
    draw_text(row, a.col, 8, " %s ", number);
    attrset(A_NORMAL);
    draw_text(row, a.col + 9, label_width(a) - 1, "%s", m->label);
    draw_text(row, a.col + 9 + label_width(a), a.cols - 9 - label_width(a), "%.3f %.3f %5s %5s",
              (double)m->p_before, (double)m->p_after, before, after);
}

static void draw_moves(struct workbench *w, struct what_if_view *v, struct area a, int row)
{
    struct moves m = moves_of(w->plain, w->now.r);
    float top = LEAST_TOP;
    attrset(A_DIM);
    draw_text(a.row + row, a.col, a.cols, "effect: %s",
              score_scale_names[compare_scale(w->now.r)]);
    draw_text(a.row + row++, a.col + 9 + label_width(a), a.cols - 9 - label_width(a),
              "prob. now    rank   now");
    attrset(A_NORMAL);
    for (int i = 0; i < m.count; i++)
        top = fmaxf(top, fabsf(m.list[i].effect)); /* NaN counts for nothing */
    int room = a.rows - row - (a.rows >= 10);
    int most = m.count - room > 0 ? m.count - room : 0;
    v->top = v->top > most ? most : v->top;
    for (int i = 0; i < room && v->top + i < m.count; i++)
        draw_move(&m.list[v->top + i], top, a.row + row + i, a);
    if (a.rows >= 10)
        grid_legend(a.row + a.rows - 1, a.col, a.cols, top, SCALE_SIGNED);
    moves_fini(&m);
}

static void draw_same(struct workbench *w, struct area a)
{
    draw_changes(w, a, 2);
    inside_hint(a, w->changes.count + (w->asked.running != 0) + 2,
                "mask or drop what is chosen, silence a head or a layer, replace a word:");
    inside_hint(a, w->changes.count + (w->asked.running != 0) + 3,
                "the query is asked again and compared here");
}

static void what_if_draw(struct workbench *w, struct pane *p, struct area a)
{
    if (!w->now.r || a.rows < 6 || a.cols < 24) {
        draw_text(a.row, a.col, a.cols, "%s",
                  w->now.r ? "no room" : "What if: ask something first");
        return;
    }
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "What if: %s", w->plain ? "compared with the unchanged query"
                                                            : "nothing is changed");
    attrset(A_NORMAL);
    if (!w->plain) {
        draw_same(w, a);
        return;
    }
    char *before = label_of(w->plain, 0), *after = label_of(w->now.r, 0);
    attrset(strcmp(before, after) == 0 ? A_NORMAL : draw_rank_attr(2));
    draw_text(a.row + 1, a.col, a.cols, "%s %.3f -> %s %.3f; entropy %+.3f nats", before,
              compare_softmax(w->plain, 0), after, compare_softmax(w->now.r, 0),
              w->now.r->entropy - w->plain->entropy);
    attrset(A_NORMAL);
    free(before);
    free(after);
    int row = draw_changes(w, a, 2);
    if (w->now.r->trace && w->plain->trace)
        row = draw_attention(w, p->state, a, row);
    draw_moves(w, p->state, a, row);
}

static void what_if_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct what_if_view *v = p->state;
    (void)w;
    v->top = panes_pick(v->top, MOVES, 10, m);
}

static bool what_if_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {NULL, "probability before", "probability now",
                                        "rank before", "rank now"};
    (void)p;
    if (!w->now.r || !w->plain)
        return false;
    struct moves m = moves_of(w->plain, w->now.r);
    table_init(out, m.count, 5);
    for (int j = 0; j < 5; j++)
        out->col_names[j] = j ? xstrdup(names[j])
                              : xasprintf("change of %s",
                                          score_scale_names[compare_scale(w->now.r)]);
    for (int i = 0; i < m.count; i++) {
        const struct move *x = &m.list[i];
        bool was = x->before >= 0, is = x->after >= 0; /* a region that is dropped is no more */
        const float row[5] = {x->effect, was ? x->p_before : NAN, is ? x->p_after : NAN,
                              was ? (float)x->before + 1 : NAN, is ? (float)x->after + 1 : NAN};
        memcpy(out->x + 5 * (ptrdiff_t)i, row, sizeof row);
        out->row_names[i] = xstrdup(x->label);
    }
    moves_fini(&m);
    return true;
}

static void do_what_if(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_what_if);
}

static const struct action what_if_actions[] = {
    ACTIONS_AFTER("effects"),
    {"what-if", "F8", "", NULL, "the result beside the one without changes", do_what_if},
    {0},
};

const struct view view_what_if = {
    .name = "what-if",
    .what = "the answer with changes beside the one without",
    .state = sizeof(struct what_if_view),
    .draw = what_if_draw,
    .move = what_if_move,
    .stale = stale_result,
    .table = what_if_table,
    .actions = what_if_actions,
};
