/* SPDX-License-Identifier: MIT */
/* How far checkpoints A and B are apart: weights by layer, and how alike hidden states are. */
#include "src/base/mem.h"
#include "src/study/compare.h"
#include "ui/jobs/compare.h"
#include "ui/views/figures.h"
#include "ui/views/grid.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"
#include "ui/kit/text.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const struct view view_drift;

#define LIST_COLS 56

struct drift_view {
    int top; /* the first layer shown, */
    int of;  /* of what was found as the so manieth */
    struct area list, states[2]; /* where they were drawn last, counted from the pane's corner */
};

static void draw_drift_progress(const struct compare_progress *p, struct area a, const char *what)
{
    int all = atomic_load(&((struct compare_progress *)(uintptr_t)p)->all);
    int done = atomic_load(&((struct compare_progress *)(uintptr_t)p)->done);
    if (all)
        draw_text(a.row, a.col, a.cols, "%s: %d of %d; Esc stops", what, done, all);
    else
        draw_text(a.row, a.col, a.cols, "%s ...; Esc stops", what);
}

/* Names of layers without what they all begin with. */
static const char *drift_short_name(const char *name)
{
    static const char *const starts[] = {"bert.encoder.", "bert."};
    for (int i = 0; i < 2; i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return name + strlen(starts[i]);
    return name;
}

static void draw_weights(const struct weights_change *x, const struct pane *p, struct area a)
{
    struct drift_view *v = p->state;
    double most = 0;
    for (int i = 0; i < x->layer_count; i++)
        if (isfinite(x->layers[i].relative) && x->layers[i].relative > most)
            most = x->layers[i].relative;
    draw_text(a.row, a.col, a.cols, "weights moved by %.4g of their norm, %lld of %lld differ%s",
              x->all.relative, (long long)x->all.changed, (long long)x->all.elements,
              x->all.broken ? "; some are not numbers" : "");
    attrset((int)draw_dim());
    draw_text(a.row + 1, a.col, a.cols, "%-22s %10s %10s", "layer", "relative", "largest");
    attrset(A_NORMAL);
    int room = a.rows > 3 ? a.rows - 2 : 1, last = x->layer_count - room;
    v->top = v->top > last ? last : v->top;
    v->top = v->top < 0 ? 0 : v->top;
    v->list = area_in_pane(p, (struct area){a.row + 2, a.col, room, a.cols});
    list_where((struct area){a.row + 1, a.col + 45, 1, a.cols - 45}, v->top, x->layer_count, room);
    for (int i = v->top; i < x->layer_count && i - v->top < room; i++) {
        const struct weight_change *l = &x->layers[i];
        int row = a.row + 2 + i - v->top, bar = a.cols - 46;
        if (l->state != WEIGHT_COMPARED) {
            draw_text(row, a.col, a.cols, "%-22.22s cannot be compared", drift_short_name(l->name));
            continue;
        }
        draw_text(row, a.col, a.cols, "%-22.22s %#10.4g %#10.4g", drift_short_name(l->name),
                  l->relative, l->most);
        attrset((int)draw_rank_attr(1));
        if (bar > 2)
            draw_bar(row, a.col + 45, bar, most > 0 ? l->relative / most : 0, false);
        attrset(A_NORMAL);
    }
}

/* ---- hidden states */

/* "0.42", "~" what is not above the noise, "-" where there is none. */
static const char *value_text(const struct cka *x, int i, char out[16])
{
    double v = x->values[i];
    snprintf(out, 16, !isfinite(v) ? "-" : cka_is_noise(x, i) ? "~" : "%.2f", v);
    return out;
}

/* Noise has the color of nothing. */
static double shown_value(const struct cka *x, int i)
{
    return isfinite(x->values[i]) && !cka_is_noise(x, i) ? x->values[i] : 0;
}

static void paint_value(struct canvas *c, double v, const char *text, int x1, int y1, int x2,
                        int y2)
{
    if (x2 - x1 > 28 && y2 - y1 > 10)
        canvas_label(c, (x1 + x2) / 2 - 12, (y1 + y2) / 2 - 4, text, 1,
                     canvas_heat_color((float)v));
}

static void drift_paint(struct canvas *c, const struct cka *x, bool numbers)
{
    int n = x->depths, left = 0, width = c->w, height = c->h;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double v = shown_value(x, i * n + j);
            char text[16];
            int y1 = i * height / n, y2 = (i + 1) * height / n - 1;
            int x1 = left + j * width / n, x2 = left + (j + 1) * width / n - 1;
            canvas_fill(c, x1, y1, x2, y2, canvas_heat_color((float)v));
            if (numbers)
                paint_value(c, v, value_text(x, i * n + j, text), x1, y1, x2, y2);
        }
}

/* Numbers over the colors, where every element is some cells: not where pixels cover them. */
static void draw_values(const struct workbench *w, const struct cka *x, struct area a)
{
    int n = x->depths, wide = a.cols / n;
    if (gfx_has_pixels(&w->screen.gfx) || wide < 4 || a.rows < n)
        return;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            char text[16];
            draw_heat_attr((float)shown_value(x, i * n + j), 0);
            draw_text(a.row + i * a.rows / n, a.col + j * a.cols / n, 4, "%s",
                      value_text(x, i * n + j, text));
        }
    attrset(A_NORMAL);
}

/* Over or below the columns of a matrix: "emb", "1", "co 1", where there is room. */
static void draw_depth_names(const struct cka *x, int row, int col, int wide)
{
    int each = wide / x->depths;
    if (each < 4)
        return;
    attrset((int)draw_dim());
    for (int i = 0; i < x->depths; i++) {
        const char *name = x->names[i];
        name = strncmp(name, "layer ", 6) == 0 ? name + 6 : name;
        int len = text_width(name);
        len = len < each ? len : 3;
        draw_text(row, col + i * each + (each - len) / 2, len, "%.*s", len, name);
    }
    attrset(A_NORMAL);
}

/* How many columns a matrix takes of so many. */
static int states_wide(const struct cka *x, int cols)
{
    return cols / x->depths > 6 ? 6 * x->depths : cols / x->depths * x->depths;
}

/* And how many rows. */
static int states_high(const struct cka *x, int rows)
{
    return rows / x->depths > 0 ? rows / x->depths * x->depths : rows;
}

/* Both streams, one above the other, in one picture; names of columns stand above the first and
 * below the second, where no pixels cover them. */
static void draw_states(struct workbench *w, struct pane *p, const struct drift *d, struct area a)
{
    struct drift_view *v = p->state;
    int cw, ch, names = 11;
    draw_cell(w, &cw, &ch);
    int most = d->cka[0].depths > d->cka[1].depths ? d->cka[0].depths : d->cka[1].depths;
    bool named = (a.rows - 5) / 2 >= most;
    int rows = (a.rows - (named ? 5 : 3)) / 2;
    struct canvas *c = NULL;
    char why[256];
    bool one = compare_task_tokens(w->ses.model, d->a, d->b, why, sizeof why);
    attrset((int)draw_dim());
    draw_text(a.row + 1, a.col, a.cols,
              "text n = %d%s, noise < %.2f; image n = %d, noise < %.2f; ~ noise, - none",
              d->cka[0].rows, one ? " (no task token)" : "", cka_floor(&d->cka[0]),
              d->cka[1].rows, cka_floor(&d->cka[1]));
    attrset(A_NORMAL);
    int last = d->cka[1].depths ? states_high(&d->cka[1], rows) : rows;
    struct area at = {a.row + (named ? 3 : 2), a.col + names, rows + 1 + last,
                      draw_cols(w, a.cols - names)};
    for (int s = 0; s < 2; s++) {
        const struct cka *x = &d->cka[s];
        int n = x->depths, top = at.row + s * (rows + 1);
        if (n == 0 || rows < n / 2 || at.cols < n) {
            draw_text(a.row + 2, a.col, a.cols, "no room for the states: z maximises the view");
            break;
        }
        int high = states_high(x, rows), wide = states_wide(x, at.cols);
        if (named)
            draw_depth_names(x, s == 0 ? at.row - 1 : top + high, at.col, wide);
        if (!c)
            c = draw_canvas(w, at.cols * cw, at.rows * ch);
        if (!c)
            return;
        struct canvas *part = draw_canvas(w, wide * cw, high * ch);
        if (part) {
            drift_paint(part, x, gfx_has_pixels(&w->screen.gfx));
            canvas_put(c, 0, s * (rows + 1) * ch, part);
        }
        canvas_free(part);
        v->states[s] = area_in_pane(p, (struct area){top, at.col, high, wide});
        for (int i = 0; i < n && rows >= n; i++)
            draw_text(top + i * high / n, a.col, names - 1, "%s", x->names[i]);
    }
    if (c)
        gfx_place(&w->screen.gfx, p->slot, at, c);
    for (int s = 0; s < 2 && c; s++) {
        const struct cka *x = &d->cka[s];
        int n = x->depths, top = at.row + s * (rows + 1);
        if (n && rows >= n)
            draw_values(w, x, (struct area){top, at.col, states_high(x, rows),
                                            states_wide(x, at.cols)});
    }
}

/* Its lines begin anew with what is found. */
static struct drift_view *drift_state(const struct pane *p, const struct drift *d)
{
    struct drift_view *v = p->state;
    v->top = v->of == d->made ? v->top : 0;
    v->of = d->made;
    return v;
}

static void drift_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct comparison *c = comparison_of(w);
    struct drift *d = &c->drift;
    char pair[160];
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "From A to B: %s", pair);
    attrset(A_NORMAL);
    struct area body = {a.row + 2, a.col, a.rows - 2, a.cols};
    if (d->runs)
        draw_drift_progress(&d->progress, (struct area){a.row + 1, a.col, 1, a.cols}, "comparing");
    else if (d->why[0])
        draw_text(a.row + 1, a.col, a.cols, "%s", d->why);
    bool known = d->a == c->a && d->b == c->b;
    struct drift_view *v = drift_state(p, d);
    v->list = v->states[0] = v->states[1] = (struct area){0};
    if (!known || !d->weights) {
        if (!d->runs && !d->why[0])
            draw_text(a.row + 1, a.col, a.cols, "F compares them");
        return;
    }
    bool beside = a.cols >= LIST_COLS + 50;
    struct area list = body, states = body;
    if (beside) {
        list.cols = LIST_COLS;
        states.col += LIST_COLS + 2;
        states.cols -= LIST_COLS + 2;
    } else {
        list.rows = body.rows / 2;
        states.row += list.rows + 1;
        states.rows -= list.rows + 1;
    }
    draw_weights(d->weights, p, list);
    if (d->cka[0].depths) {
        draw_text(states.row, states.col, states.cols, "CKA of one query, A down, B across: \"%s\"",
                  d->text);
        draw_states(w, p, d, states);
    } else if (!d->runs) {
        draw_text(states.row, states.col, states.cols, "hidden states: ask something, then F");
    }
}

/* Up and down through the layers. */
static void drift_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct drift *d = &comparison_of(w)->drift;
    struct drift_view *v = drift_state(p, d);
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (d->weights)
        v->top = panes_pick(v->top, d->weights->layer_count, 10, m);
}

/* ---- the mouse */

static bool drift_under_layer(const struct weight_change *l, char *out, size_t size)
{
    if (l->state == WEIGHT_COMPARED)
        snprintf(out, size, "%s: moved by %.4g of its norm, largest %.4g", l->name, l->relative,
                 l->most);
    return l->state == WEIGHT_COMPARED;
}

static bool drift_under_states(const struct cka *x, int i, int j, char *out, size_t size)
{
    int at = i * x->depths + j;
    if (isfinite(x->values[at]))
        snprintf(out, size, "%s, A after %s, B after %s: CKA %.4f%s",
                 x->text ? "text" : "image", x->names[i], x->names[j], x->values[at],
                 cka_is_noise(x, at) ? ", not above the noise" : "");
    return isfinite(x->values[at]);
}

static bool drift_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                        size_t size)
{
    const struct drift *d = &comparison_of(w)->drift;
    const struct drift_view *v = p->state;
    int i, j;
    if (v->of != d->made || !d->weights)
        return false;
    int layer = area_line(v->list, v->top, d->weights->layer_count, row, col);
    if (layer >= 0)
        return drift_under_layer(&d->weights->layers[layer], out, size);
    for (int s = 0; s < 2; s++)
        if (area_cell(v->states[s], d->cka[s].depths, d->cka[s].depths, row, col, &i, &j))
            return drift_under_states(&d->cka[s], i, j, out, size);
    return false;
}

/* ---- exports */

static bool drift_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {"relative", "distance", "largest", "elements"};
    const struct drift *d = &comparison_of(w)->drift;
    (void)p;
    if (!d->weights)
        return false;
    char pair[160];
    table_init(out, d->weights->layer_count, 4);
    compare_pair_name(w, pair, sizeof pair);
    out->shape = TABLE_BARS;
    out->title = xasprintf("How far the weights are apart: %s", pair);
    out->unit = xstrdup("relative distance");
    for (int j = 0; j < 4; j++)
        out->col_names[j] = xstrdup(names[j]);
    for (int i = 0; i < d->weights->layer_count; i++) {
        const struct weight_change *l = &d->weights->layers[i];
        bool known = l->state == WEIGHT_COMPARED;
        const float row[4] = {known ? (float)l->relative : NAN, known ? (float)l->distance : NAN,
                              known ? (float)l->most : NAN, (float)l->elements};
        out->row_names[i] = xstrdup(l->name);
        memcpy(out->x + 4 * (size_t)i, row, sizeof row);
    }
    return true;
}

/* A row for each depth of A. What is not above the noise has no number. */
static void drift_states(struct figure *out, const struct cka *x)
{
    struct figure_panel *p = figure_panel(out, FIGURE_MATRIX,
                                          xasprintf("CKA of the %s stream", x->text ? "text"
                                                                                    : "image"));
    figure_panel_numbers(p, x->depths, x->depths);
    p->digits = 2;
    p->row_title = xstrdup("A after");
    p->col_title = xstrdup("B after");
    p->note = xasprintf("n = %d; gray: not above the noise (at most %.2f), or none", x->rows,
                        cka_floor(x));
    for (int i = 0; i < x->depths; i++) {
        p->row_names[i] = xstrdup(x->names[i]);
        p->col_names[i] = xstrdup(x->names[i]);
    }
    for (int i = 0; i < x->depths * x->depths; i++)
        p->x[i] = cka_is_noise(x, i) ? NAN : (float)x->values[i];
    figure_heat(p, 1, SCALE_LINEAR, "CKA");
}

/* Weights by part, and, of a query, how alike hidden states are. */
static bool drift_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    const struct drift *d = &comparison_of(w)->drift;
    struct table t;
    if (!drift_table(w, p, &t))
        return false;
    out->title = xstrdup(t.title);
    out->columns = 2;
    for (int s = 0; s < 2 && d->cka[0].depths && d->cka[1].depths; s++)
        drift_states(out, &d->cka[s]);
    figure_bars(out, &t);
    table_fini(&t);
    return true;
}

/* Weights are of the two; hidden states are of a query, too. */
static bool drift_stale(struct workbench *w, struct pane *p, char *out, size_t size)
{
    const struct drift *d = &comparison_of(w)->drift;
    if (!d->cka[0].depths || d->runs)
        return false;
    if (d->query == stale_identity(w))
        return stale_query(w, p, out, size);
    snprintf(out, size, "! hidden states of an earlier query, \"%.120s\"; F asks again", d->text);
    return true;
}

static void do_drift(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!compare_several(w))
        return;
    panes_show(&w->panes, &view_drift);
    drift_start(w);
}

static const struct action drift_actions[] = {
    ACTIONS_AFTER("attention-change"),
    {"drift", "F", "", NULL, "how far apart weights and hidden states of A and B are", do_drift},
    {0},
};

const struct view view_drift = {
    .name = "drift",
    .what = "how far apart weights and hidden states of A and B are",
    .hints = "( ) A and B",
    .state = sizeof(struct drift_view),
    .draw = drift_draw,
    .move = drift_move,
    .under = drift_under,
    .stale = drift_stale,
    .table = drift_table,
    .figure = drift_figure,
    .pair_changed = drift_start,
    .actions = drift_actions,
};
