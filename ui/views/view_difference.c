/* How attention differs between checkpoints A and B: a signed map of the chosen layer and head, its
 * numbers, and all heads by how much they changed. */
#include "src/base/mem.h"
#include "ui/compare.h"
#include "ui/views/grid.h"
#include "ui/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_COLS 40
#define NAME_COLS 14

/* ---- the list of heads */

/* Made anew when one of the two results is another. */
static bool find_heads(struct workbench *w)
{
    struct comparison *c = comparison_of(w);
    const struct result *a = compare_result(w, c->a), *b = compare_result(w, c->b);
    struct vs_err err = {0};
    if (c->heads.generation == c->generation && c->heads.a == c->a && c->heads.b == c->b)
        return c->heads.list != NULL;
    free(c->heads.list);
    c->heads.list = NULL;
    c->heads.count = c->heads.pick = c->heads.top = 0;
    c->heads.generation = c->generation;
    c->heads.a = c->a;
    c->heads.b = c->b;
    c->heads.why[0] = '\0';
    if (a && b && attention_changes(a, b, &c->heads.list, &c->heads.count, &err) != 0)
        snprintf(c->heads.why, sizeof c->heads.why, "%.255s", err.text);
    return c->heads.list != NULL;
}

static bool is_chosen(const struct workbench *w, const struct attention_change *x)
{
    return x->map == w->sel.kind && x->layer == w->sel.layer[x->map] &&
           x->head == w->sel.head[x->map];
}

static void draw_list(struct workbench *w, struct area a)
{
    struct comparison *c = comparison_of(w);
    int room = a.rows - 1, chosen = c->heads.pick;
    attrset(A_DIM);
    draw_text(a.row, a.col, a.cols, "%-14s %5s %4s %9s", "attention", "layer", "head", "JSD, bits");
    attrset(A_NORMAL);
    for (int i = 0; i < c->heads.count; i++)
        if (is_chosen(w, &c->heads.list[i]))
            chosen = i;
    c->heads.pick = chosen;
    int from = list_top(&c->heads.top, chosen, c->heads.count, room);
    for (int i = from; i < c->heads.count && i - from < room; i++) {
        const struct attention_change *x = &c->heads.list[i];
        int row = a.row + 1 + i - from, bar = a.cols - 36;
        attrset(is_chosen(w, x) ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        draw_text(row, a.col, a.cols, "%-14s %5d %4d %9.5f", attn_kind_names[x->map], x->layer + 1,
                  x->head + 1, x->jsd);
        attrset((int)draw_rank_attr(1));
        if (bar > 2)
            draw_bar(row, a.col + 36, bar, x->jsd / (c->heads.list[0].jsd > 0 ? c->heads.list[0].jsd
                                                                              : 1));
        attrset(A_NORMAL);
    }
}

static void choose(struct workbench *w, int i)
{
    struct comparison *c = comparison_of(w);
    const struct attention_change *x = &c->heads.list[i];
    c->heads.pick = i;
    w->sel.kind = x->map;
    w->sel.layer[x->map] = x->layer;
    w->sel.head[x->map] = x->head;
}

/* ---- the map */

/* Mean of heads where the choice is no single one. */
static int head_of(const struct workbench *w)
{
    int head = w->sel.head[w->sel.kind];
    return head < 0 ? -1 : head;
}

static int batch_row(const struct workbench *w)
{
    int image = photo_in_result(w);
    return w->now.r && image >= 0 ? look_batch(w->now.r, image) : 0;
}

/* A row or column of the map by its name: a token, or a region. */
static void name_of(const struct workbench *w, bool token, int i, char *out, size_t size)
{
    const struct result *r = w->now.r;
    if (token) {
        draw_token_name(w, i, out, size);
        return;
    }
    struct result_source s = {-1, -1};
    if (r && i < r->rows)
        s = r->sources[batch_row(w) * r->rows + i];
    if (s.image < 0)
        snprintf(out, size, "-");
    else if (s.region == 0)
        snprintf(out, size, "whole image");
    else
        draw_region_name(w, s.region, out, size);
}

static float largest(const float *x, int n)
{
    float most = 0;
    for (int i = 0; i < n; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

/* Every element a rectangle of the canvas. */
static void paint(struct canvas *c, const float *x, int rows, int cols, float most)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            int y1 = i * c->h / rows, y2 = (i + 1) * c->h / rows - 1;
            int x1 = j * c->w / cols, x2 = (j + 1) * c->w / cols - 1;
            float v = most > 0 ? x[i * cols + j] / most : 0;
            canvas_fill(c, x1, y1, x2 < x1 ? x1 : x2, y2 < y1 ? y1 : y2, canvas_signed_color(v));
        }
}

/* Cells of the map: whole lines for every row, when there is room for their names. */
static struct area map_area(struct area a, int rows, int cols, bool *named)
{
    int high = a.rows / rows, wide = (a.cols - NAME_COLS - 1) / cols;
    *named = high >= 1 && a.cols > NAME_COLS + 8;
    high = high > 2 ? 2 : high;
    wide = wide > 7 ? 7 : wide;
    struct area at = {a.row, a.col + (*named ? NAME_COLS + 1 : 0), high ? high * rows : a.rows,
                      wide >= 1 ? wide * cols : a.cols - (*named ? NAME_COLS + 1 : 0)};
    return at;
}

/* Over the map: tokens, or numbers of regions. */
static void draw_columns(struct workbench *w, struct area a, int cols)
{
    int wide = a.cols / cols;
    for (int j = 0; wide >= 3 && j < cols; j++) {
        char name[128];
        int chosen = look_cols_are_tokens(w->sel.kind) && j == w->sel.token;
        name_of(w, look_cols_are_tokens(w->sel.kind), j, name, sizeof name);
        const char *s = strncmp(name, "region ", 7) == 0 ? name + 7
                        : strcmp(name, "whole image") == 0 ? "all" : name;
        int width = s == name + 7 ? (int)strcspn(s, " ") : (int)strlen(s);
        attrset(chosen ? A_REVERSE : A_DIM);
        draw_text(a.row, a.col + j * wide, wide - 1, "%.*s", width, s);
        attrset(A_NORMAL);
    }
}

static void draw_map(struct workbench *w, struct area a, const float *x, int rows, int cols)
{
    bool named, tokens = look_rows_are_tokens(w->sel.kind);
    struct area at = map_area(a, rows, cols, &named);
    int cw, ch, source = look_source(w);
    draw_cell(w, &cw, &ch);
    struct canvas *c = at.rows > 0 && at.cols > 0 ? canvas_new(at.cols * cw, at.rows * ch) : NULL;
    if (c)
        paint(c, x, rows, cols, largest(x, rows * cols));
    gfx_place(&w->gfx, w->slot, at, c);
    draw_columns(w, (struct area){a.row - 1, at.col, 1, at.cols}, cols);
    for (int i = 0; named && i < rows; i++) {
        char name[128];
        name_of(w, tokens, i, name, sizeof name);
        attrset(i == source ? A_REVERSE : A_NORMAL);
        draw_text(at.row + i * at.rows / rows, a.col, NAME_COLS, "%s", name);
        attrset(A_NORMAL);
    }
}

/* The elements that differ most, of the chosen row or of all. */
static void draw_numbers(struct workbench *w, struct area a, const float *x, const float *before,
                         int rows, int cols)
{
    int source = look_source(w), first = source < 0 || source >= rows ? 0 : source;
    int end = source < 0 || source >= rows ? rows : source + 1;
    bool *used = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *used);
    for (int k = 0; k < a.rows; k++) {
        int best = -1;
        char row[96], col[96];
        for (int i = first * cols; i < end * cols; i++)
            if (!used[i] && (best < 0 || fabsf(x[i]) > fabsf(x[best])))
                best = i;
        if (best < 0 || fabsf(x[best]) < 5e-5f)
            break;
        used[best] = true;
        name_of(w, look_rows_are_tokens(w->sel.kind), best / cols, row, sizeof row);
        name_of(w, look_cols_are_tokens(w->sel.kind), best % cols, col, sizeof col);
        attrset((int)(draw_sign_attr(x[best]) | A_BOLD));
        int n = draw_text(a.row + k, a.col, 9, "%+.4f ", (double)x[best]);
        attrset(A_NORMAL);
        draw_text(a.row + k, a.col + n, a.cols - n, " %.4f -> %.4f  %s looks at %s",
                  (double)before[best], (double)(before[best] + x[best]), row, col);
    }
    free(used);
}

static void draw_head(struct workbench *w, struct area a)
{
    struct comparison *c = comparison_of(w);
    struct attention_change x = {0};
    enum attn_kind kind = w->sel.kind;
    char pair[160], head[32];
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Attention of B minus A (orange more, blue less): %s", pair);
    attrset(A_DIM);
    if (head_of(w) < 0)
        snprintf(head, sizeof head, "mean of heads");
    else
        snprintf(head, sizeof head, "head %d", head_of(w) + 1);
    attention_change_of(compare_result(w, c->a), compare_result(w, c->b), kind, w->sel.layer[kind],
                        head_of(w), &x, NULL);
    draw_text(a.row + 1, a.col, a.cols, "%s, layer %d, %s: divergence %.5f bits, largest row %.5f",
              look_kind_name(kind), w->sel.layer[kind] + 1, head, x.jsd, x.most);
    attrset(A_NORMAL);
}

/* ---- the view */

static void draw_missing(struct workbench *w, struct area a)
{
    struct comparison *c = comparison_of(w);
    char pair[160];
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Attention of B minus A: %s", pair);
    attrset(A_NORMAL);
    if (c->heads.why[0])
        draw_text(a.row + 1, a.col, a.cols, "%s", c->heads.why);
    else if (!w->now.r)
        draw_text(a.row + 1, a.col, a.cols, "ask something first");
    else
        draw_text(a.row + 1, a.col, a.cols, c->number ? "asked ..." : "not asked: B asks both");
}

static void difference_draw(struct workbench *w, struct area a)
{
    struct comparison *c = comparison_of(w);
    enum attn_kind kind = w->sel.kind;
    int rows = 0, cols = 0, layer = w->sel.layer[kind];
    float *x = NULL, *before = NULL;
    struct vs_err err = {0};
    if (!find_heads(w)) {
        draw_missing(w, a);
        return;
    }
    draw_head(w, a);
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
    const struct result *ra = compare_result(w, c->a), *rb = compare_result(w, c->b);
    if (attention_difference(ra, rb, kind, layer, head_of(w), batch_row(w), &rows, &cols, &x,
                             &err) == 0) {
        int numbers = body.rows > 16 ? 6 : body.rows > 8 ? 3 : 0, legend = body.rows > 8;
        before = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *before);
        trace_attention(ra->trace, kind, layer, batch_row(w), head_of(w), &rows, &cols, before);
        draw_map(w, (struct area){body.row + 1, body.col,
                                  body.rows - numbers - 1 - (numbers > 0) - legend, body.cols},
                 x, rows, cols);
        if (legend)
            grid_legend(body.row + body.rows - numbers - (numbers > 0) - 1, body.col, body.cols,
                        largest(x, rows * cols), SCALE_SIGNED);
        draw_numbers(w, (struct area){body.row + body.rows - numbers, body.col, numbers, body.cols},
                     x, before, rows, cols);
    } else {
        draw_text(body.row, body.col, body.cols, "%s", err.text);
    }
    draw_list(w, list);
    free(x);
    free(before);
}

static void difference_move(struct workbench *w, enum motion m)
{
    struct comparison *c = comparison_of(w);
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (find_heads(w))
        choose(w, is_chosen(w, &c->heads.list[c->heads.pick])
                      ? panes_pick(c->heads.pick, c->heads.count, 10, m) : 0);
}

static bool difference_table(struct workbench *w, struct table *out)
{
    static const char *const names[] = {"layer", "head", "divergence", "largest"};
    struct comparison *c = comparison_of(w);
    if (!find_heads(w))
        return false;
    table_init(out, c->heads.count, 4);
    for (int j = 0; j < 4; j++)
        out->col_names[j] = xstrdup(names[j]);
    for (int i = 0; i < c->heads.count; i++) {
        const struct attention_change *x = &c->heads.list[i];
        const float row[4] = {(float)x->layer + 1, (float)x->head + 1, (float)x->jsd,
                              (float)x->most};
        out->row_names[i] = xstrdup(attn_kind_names[x->map]);
        memcpy(out->x + 4 * (size_t)i, row, sizeof row);
    }
    return true;
}

const struct view view_difference = {
    .name = "difference",
    .what = "how attention differs between checkpoints A and B, head by head",
    .draw = difference_draw,
    .move = difference_move,
    .stale = stale_query,
    .table = difference_table,
};
