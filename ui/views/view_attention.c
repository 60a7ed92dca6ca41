/* SPDX-License-Identifier: MIT */
/* What the chosen token or region looks at, in numbers. */
#include "src/base/mem.h"
#include "ui/jobs/attribute.h"
#include "ui/state/stale.h"
#include "ui/views/grid.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weighted {
    float weight;
    int region;
};

/* Rows above the list: an attribution has a score, what looks at words, too, a share. */
static int head_rows(const struct workbench *w, const struct pane *p)
{
    double share;
    return pane_slice(w, p)->method || photo_share(w, pane_slice(w, p), &share) ? 3 : 2;
}

static int attention_heavier(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    float p = fabsf(x->weight), q = fabsf(y->weight); /* an attribution has a sign */
    return p != q ? (p > q ? -1 : 1) : x->region - y->region;
}

static struct weighted *attention_ranked(const struct workbench *w, const struct pane *p,
                                         int *count)
{
    float *weights = photo_weights(w, pane_slice(w, p), count);
    if (!weights)
        return NULL;
    struct weighted *list = xcalloc((size_t)*count, sizeof *list);
    int n = 0;
    for (int i = 0; i < *count; i++)
        if (!isnan(weights[i]))
            list[n++] = (struct weighted){weights[i], i};
    *count = n;
    vs_sort(list, (size_t)*count, sizeof *list, attention_heavier);
    free(weights);
    return list;
}

static enum attn_kind shown_kind(const struct workbench *w, const struct pane *p)
{
    return look_image_map(w->now.r, pane_slice(w, p)->kind);
}

/* Whether a token is asked what it looks at, else a region. */
static bool asks_token(const struct workbench *w, const struct pane *p)
{
    return look_source_is_token(shown_kind(w, p), w->sel->token);
}

/* Of an attribution: what it is of, and which sign says what. */
static void draw_attributed_head(const struct workbench *w, const struct pane *p, struct area a)
{
    const struct attributed *x = attribute_of(w, pane_slice(w, p));
    char target[128], score[320];
    attribute_score(w, pane_slice(w, p), EXPLAIN_REGIONS, score, sizeof score);
    attribute_target_name(w, x, target, sizeof target);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s of %s, by region", x->method->title, target);
    attrset((int)draw_dim());
    draw_text(a.row + 1, a.col, a.cols, "%s %.3f; %s",
              x->against >= 0 ? "difference of logits" : "logit", x->known.value,
              x->method->is_signed ? "+ for it, - against it" : "it has no sign");
    draw_text(a.row + 2, a.col, a.cols, "%s", score);
    attrset(A_NORMAL);
}

static void draw_attention_head(const struct workbench *w, const struct pane *p, struct area a,
                                bool known)
{
    const struct slice *x = pane_slice(w, p);
    enum attn_kind kind = shown_kind(w, p);
    char head[32], name[160];
    double share;
    bool asks = attn_joins(kind, asks_token(w, p), false);
    if (asks_token(w, p))
        draw_token_name(w, w->sel->token, name, sizeof name);
    else
        draw_region_name(w, w->sel->region, name, sizeof name);
    attrset(A_BOLD);
    if (known)
        draw_text(a.row, a.col, a.cols, asks ? "\"%s\" attends to"
                                             : "\"%s\" is attended by", name);
    else
        draw_text(a.row, a.col, a.cols, "Attention");
    attrset((int)draw_dim());
    draw_head_name(w, x, kind, head, sizeof head);
    if (w->now.r)
        draw_text(a.row + 1, a.col, a.cols, "%s%slayer %d/%d, %s",
                  a.cols < 40 ? "" : attn_table[kind].title, a.cols < 40 ? "" : ", ",
                  x->layer[kind] + 1, trace_attention_layers(w->now.r->trace, kind), head);
    if (photo_share(w, x, &share))
        draw_text(a.row + 2, a.col, a.cols, "%.3f of it on this image", share);
    attrset(A_NORMAL);
}

/* Of a chosen region in a map that regions have words in, which are no list of regions. */
static void draw_attention_words(const struct workbench *w, struct area a)
{
    char name[160];
    draw_region_name(w, w->sel->region, name, sizeof name);
    draw_text(a.row, a.col, a.cols, "choose a token: Left, Right");
    draw_text(a.row + 1, a.col, a.cols, a.cols < 44 ? ":view tokens has its words"
                                                    : ":view tokens has the words of %s", name);
}

/* How one chooses what looks. */
static void draw_attention_choose(const struct workbench *w, const struct pane *p, struct area a)
{
    enum attn_kind kind = shown_kind(w, p);
    bool token = look_source_is_token(kind, 0), region = !look_source_is_token(kind, -1);
    if (token && !region && w->sel->region >= 0) {
        draw_attention_words(w, a);
        return;
    }
    if (token)
        draw_text(a.row, a.col, a.cols, "choose a token: Left, Right%s", region ? "," : "");
    if (region)
        draw_text(a.row + token, a.col, a.cols, "%s a region: click it, or g",
                  token ? "or" : "choose");
}

static void attention_draw(struct workbench *w, struct pane *p, struct area a)
{
    int n = 0;
    struct weighted *list = attention_ranked(w, p, &n);
    const struct attribution_method *method = pane_slice(w, p)->method;
    char waits[320] = "";
    if (method)
        attribute_waits(w, pane_slice(w, p), waits, sizeof waits);
    if (method && list)
        draw_attributed_head(w, p, a);
    else
        draw_attention_head(w, p, a, list != NULL);
    if (!list && method)
        draw_text(a.row + 2, a.col, a.cols, "%s", waits);
    else if (!list && w->now.r)
        draw_attention_choose(w, p, (struct area){a.row + 2, a.col, a.rows - 2, a.cols});
    int head = head_rows(w, p), bar = a.cols >= 44 ? a.cols / 4 : 0;
    for (int i = 0; list && i < n && i + head < a.rows; i++) {
        char name[160];
        int row = a.row + head + i;
        draw_region_name(w, list[i].region, name, sizeof name);
        attrset(list[i].region == w->sel->region ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        if (a.cols < 36) /* less is more in little room */
            draw_text(row, a.col, a.cols - 10, "#%s", name + strlen("region "));
        else
            draw_text(row, a.col, a.cols - 10 - bar, "%2d %s", i + 1, name);
        if (bar) {
            attrset((int)(method && method->is_signed ? draw_sign_attr((double)list[i].weight)
                                                      : draw_rank_attr(1)));
            draw_bar(row, a.col + a.cols - 9 - bar, bar,
                     list[0].weight != 0 ? (double)fabsf(list[i].weight / list[0].weight) : 0,
                     list[i].region == w->sel->region);
            attrset(list[i].region == w->sel->region ? A_REVERSE : A_NORMAL);
        }
        char number[32];
        grid_number((double)list[i].weight, method && method->is_signed, 4, number, sizeof number);
        draw_text(row, a.col + a.cols - 8, 8, "%8s", number);
        attrset(A_NORMAL);
    }
    free(list);
}

/* Up and down choose a region by its weight, sideways a token. */
static void attention_move(struct workbench *w, struct pane *p, enum motion m)
{
    int n = 0, at = -1;
    struct weighted *list = m == MOVE_LEFT || m == MOVE_RIGHT ? NULL : attention_ranked(w, p, &n);
    if (!list || (!asks_token(w, p) && !pane_slice(w, p)->method)) {
        look_move(w, m);
        free(list);
        return;
    }
    for (int i = 0; i < n; i++)
        at = list[i].region == w->sel->region ? i : at;
    at = at < 0 && m == MOVE_DOWN ? 0 : panes_pick(at, n, 10, m);
    selection_region(w->selection, list[at].region);
    free(list);
}

static bool attention_click(struct workbench *w, struct pane *p, int row, int col)
{
    int n = 0, head = head_rows(w, p);
    struct weighted *list = attention_ranked(w, p, &n);
    bool there = list && row >= head && row - head < n;
    (void)col;
    if (there)
        selection_region(w->selection, list[row - head].region);
    free(list);
    return there;
}

static bool attention_table(struct workbench *w, struct pane *p, struct table *out)
{
    int n = 0;
    struct weighted *list = attention_ranked(w, p, &n);
    if (!list)
        return false;
    char looks[320];
    photo_looks(w, looks, sizeof looks);
    table_init(out, n, 2);
    out->shape = TABLE_BARS;
    out->bars = 1;
    out->title = xasprintf("Regions by weight: %s", looks);
    out->unit = xstrdup(pane_slice(w, p)->method ? "attribution" : "attention weight");
    out->sign = pane_slice(w, p)->method && pane_slice(w, p)->method->is_signed;
    out->col_names[0] = xstrdup("region");
    out->col_names[1] = xstrdup("weight");
    for (int i = 0; i < n; i++) {
        char name[160];
        draw_region_name(w, list[i].region, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        out->x[2 * i] = (float)list[i].region;
        out->x[2 * i + 1] = list[i].weight;
    }
    free(list);
    return true;
}

const struct view view_attention = {
    .name = "attention",
    .what = "what the chosen token or region attends to, ranked",
    .hints = "Left Right token, [ ] layer, { } head",
    .sliced = true,
    .draw = attention_draw,
    .move = attention_move,
    .click = attention_click,
    .stale = stale_result,
    .table = attention_table,
};
