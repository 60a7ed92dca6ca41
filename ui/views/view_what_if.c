/* SPDX-License-Identifier: MIT */
/* The result beside the same query without changes: what is changed, which answers moved, and how
 * far the attention did. */
#include "src/base/mem.h"
#include "src/study/compare.h"
#include "src/study/moves.h"
#include "ui/views/inside.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_what_if;

#define MOVES 200 /* answers that are looked at, of both together */
#define LEAST_TOP 0.05f /* nats, of the scale: next to nothing does not look like a change */

struct what_if_view {
    int top;         /* the first line */
    struct area lines; /* where they were drawn last, counted from the pane's corner */
    double moved[ATTN_COUNT]; /* attention, by map: a cache, and what it was made of */
    uint64_t key;
};

/* ---- what moved */

/* Images by their file names. */
static const char *shown_label(const struct result *r, const char *label)
{
    return r->task->reading->ranked == RANKED_IMAGES ? draw_base_name(label) : label;
}

static const double *what_if_moved(const struct workbench *w, struct what_if_view *v)
{
    uint64_t key = inside_key(w, 0);
    bool pair = w->now.r->batch == 2; /* both images count */
    if (key != v->key)
        for (int k = 0; k < ATTN_COUNT; k++)
            v->moved[k] = look_moved(w->plain, w->now.r, (enum attn_kind)k,
                                     pair ? 0 : inside_batch(w), pair ? 1 : inside_batch(w));
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
        change_show(&w->changes.list[i], text);
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
        double x = what_if_moved(w, v)[k];
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

static void draw_move(const struct result *r, const struct answer_move *m, float top, int row,
                      struct area a)
{
    char before[16], after[16], number[32];
    rank_text(m->before, before);
    rank_text(m->after, after);
    if (isnan(m->effect))
        snprintf(number, sizeof number, "-");
    else
        grid_signed((double)m->effect, 3, number, sizeof number);
    draw_on(grid_color(m->effect, top, SCALE_SIGNED), A_NORMAL);
    draw_text(row, a.col, 8, " %s ", number);
    attrset(A_NORMAL);
    draw_text(row, a.col + 9, label_width(a) - 1, "%s",
              shown_label(r, m->label));
    int left = a.cols - 9 - label_width(a);
    int n = draw_text(row, a.col + 9 + label_width(a), left, "%.3f %.3f", (double)m->p_before,
                      (double)m->p_after);
    if (left >= n + 12) /* else the title has a mark */
        draw_text(row, a.col + 9 + label_width(a) + n, left - n, " %5s %5s", before, after);
}

static void draw_moves(struct workbench *w, const struct pane *p, struct area a, int row)
{
    struct what_if_view *v = p->state;
    struct answer_moves m = answer_moves_of(w->plain, w->now.r, MOVES / 2);
    float top = LEAST_TOP;
    attrset((int)draw_dim());
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
    v->lines = area_in_pane(p, (struct area){a.row + row, a.col, room > 0 ? room : 0, a.cols});
    for (int i = 0; i < room && v->top + i < m.count; i++)
        draw_move(w->now.r, &m.list[v->top + i], top, a.row + row + i, a);
    if (a.rows >= 10)
        grid_legend(a.row + a.rows - 1, a.col, a.cols, top, SCALE_SIGNED);
    answer_moves_fini(&m);
}

static void draw_same(struct workbench *w, struct area a)
{
    draw_changes(w, a, 2);
    inside_hint(a, w->changes.count + (w->asked.running != 0) + 2,
                "mask or drop what is chosen, ablate a head or a layer, replace a word:");
    inside_hint(a, w->changes.count + (w->asked.running != 0) + 3,
                "the query is asked again and compared here");
}

static void what_if_draw(struct workbench *w, struct pane *p, struct area a)
{
    ((struct what_if_view *)p->state)->lines = (struct area){0};
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
    char *before = compare_label(w->plain, 0), *after = compare_label(w->now.r, 0);
    attrset(strcmp(before, after) == 0 ? A_NORMAL : draw_rank_attr(2));
    draw_text(a.row + 1, a.col, a.cols, "%s %.3f -> %s %.3f; entropy %+.3f nats",
              shown_label(w->plain, before), compare_softmax(w->plain, 0),
              shown_label(w->now.r, after), compare_softmax(w->now.r, 0),
              w->now.r->entropy - w->plain->entropy);
    attrset(A_NORMAL);
    free(before);
    free(after);
    int row = draw_changes(w, a, 2);
    if (w->now.r->trace && w->plain->trace)
        row = draw_attention(w, p->state, a, row);
    draw_moves(w, p, a, row);
}

/* "blue: -1.2345 log odds, probability 0.9123 before, 0.4012 now" */
static bool what_if_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                          size_t size)
{
    const struct what_if_view *v = p->state;
    if (!w->now.r || !w->plain || !area_holds(v->lines, row, col))
        return false;
    struct answer_moves m = answer_moves_of(w->plain, w->now.r, MOVES / 2);
    int line = v->top + row - v->lines.row;
    bool there = line < m.count && !isnan(m.list[line].effect);
    if (there) {
        const struct answer_move *x = &m.list[line];
        snprintf(out, size, "%.120s: %+.4f %s, probability %.4f before, %.4f now",
                 shown_label(w->now.r, x->label), (double)x->effect,
                 score_scale_names[compare_scale(w->now.r)], (double)x->p_before,
                 (double)x->p_after);
    }
    answer_moves_fini(&m);
    return there;
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
    struct answer_moves m = answer_moves_of(w->plain, w->now.r, MOVES / 2);
    table_init(out, m.count, 5);
    for (int j = 0; j < 5; j++)
        out->col_names[j] = j ? xstrdup(names[j])
                              : xasprintf("change of %s",
                                          score_scale_names[compare_scale(w->now.r)]);
    for (int i = 0; i < m.count; i++) {
        const struct answer_move *x = &m.list[i];
        bool was = x->before >= 0, is = x->after >= 0; /* a region that is dropped is no more */
        const float row[5] = {x->effect, was ? x->p_before : NAN, is ? x->p_after : NAN,
                              was ? (float)x->before + 1 : NAN, is ? (float)x->after + 1 : NAN};
        memcpy(out->x + 5 * (ptrdiff_t)i, row, sizeof row);
        out->row_names[i] = xstrdup(shown_label(w->now.r, x->label));
    }
    answer_moves_fini(&m);
    return true;
}

static void do_what_if(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_what_if);
}

static const struct action what_if_actions[] = {
    ACTIONS_AFTER("effects"),
    {"what-if", "F8", "", NULL, "the result beside that of the unchanged query", do_what_if},
    {0},
};

const struct view view_what_if = {
    .name = "what-if",
    .what = "the answer beside that of the unchanged query",
    .hints = "Up Down choose, @ by layers",
    .state = sizeof(struct what_if_view),
    .draw = what_if_draw,
    .move = what_if_move,
    .under = what_if_under,
    .stale = stale_result,
    .table = what_if_table,
    .actions = what_if_actions,
};
