/* SPDX-License-Identifier: MIT */
/* The tokens with the attention that they give and receive, as colors behind them and as numbers:
 * to and from the chosen token or region; without one, over all of the text and the image. */
#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/state/stale.h"
#include "ui/views/inside.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct flow {
    int count;
    float *gives, *gets; /* (count) */
    char to[160], from[160]; /* what the numbers are */
    bool all;                /* of all regions */
};

static void flow_fini(struct flow *f)
{
    free(f->gives);
    free(f->gets);
}

/* What tokens or regions give tokens or regions, with the layer and head that the slice says, for
 * the current photo's row of the batch. */
static float *chosen_map(const struct workbench *w, const struct slice *x, bool from_tokens,
                         bool to_tokens, int *rows, int *cols)
{
    const struct result *r = w->now.r;
    enum attn_kind kind = trace_map_between(r->trace, from_tokens, to_tokens);
    float *out = NULL;
    if (kind == ATTN_COUNT ||
        !look_map(r, kind, x->layer[kind], inside_batch(w), x->head[kind], rows, cols, &out))
        return NULL;
    trace_block(r->trace, kind, from_tokens, to_tokens, out, rows, cols);
    return out;
}

/* To and from the chosen token. */
static void flow_token(const struct workbench *w, const struct slice *x, struct flow *f)
{
    int rows = 0, cols = 0, t = w->sel->token;
    char name[96];
    float *map = chosen_map(w, x, true, true, &rows, &cols);
    look_flow(map, rows, cols, t, false, f->gives, f->count);
    look_flow(map, rows, cols, t, true, f->gets, f->count);
    draw_token_name(w, t, name, sizeof name);
    snprintf(f->to, sizeof f->to, "to \"%s\"", name);
    snprintf(f->from, sizeof f->from, "from \"%s\"", name);
    free(map);
}

/* To and from a region; -1: all of them together. */
static void flow_region(const struct workbench *w, const struct slice *x, struct flow *f)
{
    int rows = 0, cols = 0, at = inside_chosen_of(w, false);
    float *to = chosen_map(w, x, true, false, &rows, &cols);
    look_flow(to, rows, cols, at, false, f->gives, f->count);
    float *from = chosen_map(w, x, false, true, &rows, &cols);
    look_flow(from, rows, cols, at, true, f->gets, f->count);
    f->all = at < 0;
    if (f->all) {
        snprintf(f->to, sizeof f->to, "to a region, mean");
        snprintf(f->from, sizeof f->from, "from the regions, mean");
    } else {
        snprintf(f->to, sizeof f->to, "to region %d", w->sel->region);
        snprintf(f->from, sizeof f->from, "from region %d", w->sel->region);
    }
    free(to);
    free(from);
}

/* False when the result has no attention. */
static bool find_flow(const struct workbench *w, const struct pane *p, struct flow *f)
{
    const struct slice *x = pane_slice(w, p);
    const struct result *r = w->now.r;
    *f = (struct flow){0};
    if (!r || !r->trace || photo_in_result(w) < 0)
        return false;
    f->count = r->token_count;
    f->gives = xcalloc((size_t)f->count + 1, sizeof *f->gives);
    f->gets = xcalloc((size_t)f->count + 1, sizeof *f->gets);
    if (w->sel->token >= 0)
        flow_token(w, x, f);
    else
        flow_region(w, x, f);
    return true;
}

static bool is_hidden(const struct workbench *w, int token)
{
    return w->how.hide_special && w->now.r->tokens[token].special;
}

static float tokens_largest(const struct workbench *w, const float *x, int n)
{
    float most = 0;
    for (int i = 0; i < n; i++)
        most = !is_hidden(w, i) && x[i] > most ? x[i] : most;
    return most > 0 ? most : 1e-9f;
}

static void draw_row(const struct workbench *w, struct area a, int row, const struct flow *f, int i,
                     float most)
{
    const struct result_token *t = &w->now.r->tokens[i];
    char name[128];
    int numbers = a.col + a.cols - 20;
    attrset((int)(i == w->sel->token ? A_REVERSE | A_BOLD : t->special ? draw_dim() : A_NORMAL));
    draw_token_name(w, i, name, sizeof name);
    draw_text(row, a.col, a.cols - 20, "%-*s", a.cols - 21, name);
    draw_heat_attr(f->gives[i] / most, 0);
    draw_text(row, numbers, 9, " %.4f  ", (double)f->gives[i]);
    draw_heat_attr(f->gets[i] / most, 0);
    draw_text(row, numbers + 10, 9, " %.4f  ", (double)f->gets[i]);
    attrset(A_NORMAL);
}

/* Rows above the tokens: an attribution has a score. */
static int tokens_head(const struct workbench *w, const struct pane *p)
{
    return pane_slice(w, p)->method ? 3 : 2;
}

/* The first one shown, so that the chosen one is among so many rows. */
static int tokens_first(const struct workbench *w, int room)
{
    int chosen = w->sel->token < 0 ? 0 : w->sel->token;
    return chosen >= room ? chosen - room + 1 : 0;
}

/* What the answer owes to each word, or why that is not known. */
static void draw_attributed(const struct workbench *w, const struct pane *p, struct area a)
{
    const struct attributed *x = attribute_of(w, pane_slice(w, p));
    int n = w->now.r ? w->now.r->token_count : 0, row = a.row + tokens_head(w, p);
    float *worth = xcalloc((size_t)n + 1, sizeof *worth), most = 1e-9f;
    char text[320];
    attribute_waits(w, pane_slice(w, p), text, sizeof text);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, *text ? "%s" : "%s by word", *text ? text
                                                                      : x->method->title);
    attrset((int)draw_dim());
    if (!*text) {
        attribute_tokens(w, x, worth);
        attribute_target_name(w, x, text, sizeof text);
        draw_text(a.row + 1, a.col, a.cols, "of %s: %s", text,
                  x->method->is_signed ? "+ for it, - against it" : "it has no sign");
        attribute_score(w, pane_slice(w, p), EXPLAIN_WORDS, text, sizeof text);
        draw_text(a.row + 2, a.col, a.cols, "%s", text);
    } else {
        n = 0;
    }
    for (int i = 0; i < n; i++)
        most = is_hidden(w, i) ? most : fmaxf(most, fabsf(worth[i]));
    for (int i = tokens_first(w, a.row + a.rows - row); i < n && row < a.row + a.rows; i++) {
        if (is_hidden(w, i))
            continue;
        const struct result_token *t = &w->now.r->tokens[i];
        char name[128];
        attrset((int)(i == w->sel->token ? A_REVERSE | A_BOLD
                      : t->special       ? draw_dim()
                                         : A_NORMAL));
        draw_token_name(w, i, name, sizeof name);
        draw_text(row, a.col, a.cols - 10, "%-*s", a.cols - 11, name);
        if (isnan(worth[i])) {
            draw_text(row++, a.col + a.cols - 10, 10, " -");
            continue;
        }
        draw_on(x->method->is_signed ? canvas_signed_color(worth[i] / most)
                                     : canvas_heat_color(worth[i] / most), A_NORMAL);
        char number[32];
        grid_number((double)worth[i], x->method->is_signed, 4, number, sizeof number);
        draw_text(row++, a.col + a.cols - 10, 10, " %s  ", number);
    }
    attrset(A_NORMAL);
    free(worth);
}

static void tokens_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct flow f;
    if (pane_slice(w, p)->method) {
        draw_attributed(w, p, a);
        return;
    }
    bool known = find_flow(w, p, &f);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Tokens");
    attrset(A_NORMAL);
    if (!known) {
        draw_text(a.row + 1, a.col, a.cols, "no query on this image yet");
        return;
    }
    float gives = tokens_largest(w, f.gives, f.count), gets = tokens_largest(w, f.gets, f.count);
    float most = gives > gets ? gives : gets; /* both columns have one scale */
    attrset((int)draw_dim());
    draw_text(a.row, a.col + 8, a.cols - 8, "attention %s%s",
              f.all ? "to and " : f.to, f.all ? f.from : " and from it");
    draw_text(a.row + 1, a.col + a.cols - 20, 20, "   gives   receives");
    attrset(A_NORMAL);
    int row = a.row + 2, end = a.row + a.rows;
    for (int i = tokens_first(w, a.rows - 2); i < f.count && row < end; i++)
        if (!is_hidden(w, i))
            draw_row(w, a, row++, &f, i, most);
    flow_fini(&f);
}

/* Up and down go through the tokens, as they stand below each other. */
static void tokens_move(struct workbench *w, struct pane *p, enum motion m)
{
    int n = w->now.r ? w->now.r->token_count : 0, now = w->sel->token;
    (void)p;
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else
        selection_look(w->selection, (m == MOVE_UP && now <= 0) || !n ? -1
                                                                      : panes_pick(now, n, 5, m));
}

static bool tokens_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct result *r = w->now.r;
    int head = tokens_head(w, p), at = tokens_first(w, p->at.rows - head);
    (void)col;
    for (int line = head; r && at < r->token_count; at++)
        if (!is_hidden(w, at) && line++ == row) {
            selection_look(w->selection, at);
            return true;
        }
    return false;
}

static bool tokens_table(struct workbench *w, struct pane *p, struct table *out)
{
    struct flow f;
    const struct attributed *x = attribute_of(w, pane_slice(w, p));
    if (x && x->known.method) {
        table_init(out, w->now.r->token_count, 1);
        char target[200];
        attribute_target_name(w, x, target, sizeof target);
        out->col_names[0] = xstrdup(x->method->word);
        out->shape = TABLE_BARS;
        out->title = xasprintf("Words: %s of %s", x->method->title, target);
        out->sign = x->method->is_signed;
        for (int i = 0; i < out->rows; i++)
            out->row_names[i] = xstrdup(w->now.r->tokens[i].piece);
        attribute_tokens(w, x, out->x);
        return true;
    }
    if (!find_flow(w, p, &f))
        return false;
    table_init(out, f.count, 2);
    out->shape = TABLE_MATRIX;
    out->title = xstrdup("The attention that words give and receive");
    out->unit = xstrdup("attention weight");
    out->root = true;
    out->col_names[0] = xasprintf("gives %s", f.to);
    out->col_names[1] = xasprintf("receives %s", f.from);
    for (int i = 0; i < f.count; i++) {
        out->row_names[i] = xstrdup(w->now.r->tokens[i].piece);
        out->x[2 * i] = f.gives[i];
        out->x[2 * i + 1] = f.gets[i];
    }
    flow_fini(&f);
    return true;
}

const struct view view_tokens = {
    .name = "tokens",
    .what = "the text with the attention that it gives and receives",
    .hints = "Left Right choose",
    .sliced = true,
    .draw = tokens_draw,
    .move = tokens_move,
    .click = tokens_click,
    .stale = stale_result,
    .table = tokens_table,
};
