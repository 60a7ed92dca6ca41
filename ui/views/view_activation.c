/* SPDX-License-Identifier: MIT */
/* Activation patching as a map: a row for every layer of a stream, a column for every word or
 * region, in each cell the share of the changed query's answer that its state brings into the
 * unchanged one. */
#include "src/base/mem.h"
#include "ui/jobs/activation.h"
#include "ui/state/stale.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_activation;

#define HEAD 4 /* rows above the map */

struct activation_view {
    enum net_stream stream; /* that is shown, where it aligns */
    int depth;              /* the chosen row */
    struct grid grid;       /* where it was drawn last, counted from the pane's corner */
    int top[2];
};

/* ---- what is shown */

struct cells_shown {
    const struct activation *x;
    const struct activation_map *map;
    int *col; /* (cols) columns of the map */
    int cols;
    int at; /* the chosen one's place among them, or -1 */
    bool shares; /* else changes of the logit */
};

static struct item cells_item(const struct activation_column *c)
{
    return (struct item){c->token, c->b};
}

static bool cells_has(const struct workbench *w, const struct activation_column *c)
{
    bool here = c->token || c->of[1].image == photo_in_result(w);
    return here && !(w->how.hide_special && inside_special(w, c->token, c->b));
}

/* False: nothing is known, or nothing of it is shown. cells_close in any case. */
static bool cells_open(struct workbench *w, struct pane *p, struct cells_shown *s)
{
    struct activation_view *v = p->state;
    *s = (struct cells_shown){.x = activation_wanted(w), .at = -1};
    if (!s->x || s->x->map_count == 0)
        return false;
    s->map = &s->x->maps[0];
    for (int i = 0; i < s->x->map_count; i++)
        if (s->x->maps[i].stream == v->stream)
            s->map = &s->x->maps[i];
    s->shares = !isnan(activation_share(s->x, 1));
    s->col = xcalloc((size_t)s->map->columns + 1, sizeof *s->col);
    for (int j = 0; j < s->map->columns; j++) {
        if (!cells_has(w, &s->map->column[j]))
            continue;
        if (inside_is_chosen(w, cells_item(&s->map->column[j])))
            s->at = s->cols;
        s->col[s->cols++] = j;
    }
    v->depth = v->depth >= s->map->depths ? s->map->depths - 1 : v->depth;
    return s->cols > 0;
}

static void cells_close(struct cells_shown *s)
{
    free(s->col);
}

/* As it is drawn: a share, or where there is none a change of the logit. */
static double cells_number(const struct cells_shown *s, double effect)
{
    return s->shares ? activation_share(s->x, effect) : effect;
}

static double cells_value(const struct cells_shown *s, int depth, int j)
{
    int at = depth * s->map->columns + s->col[j];
    return cells_number(s, activation_effect(s->x, s->map, at));
}

/* "blue", "blue (was red)", "region 3 cube" */
static void cells_name(const struct workbench *w, const struct cells_shown *s, int j, bool whole,
                       char *out, size_t size)
{
    const struct activation_column *c = &s->map->column[s->col[j]];
    const char *was = c->token && c->a < w->plain->token_count ? w->plain->tokens[c->a].piece : "";
    char name[128];
    inside_name(w, c->token, c->b, name, sizeof name);
    if (whole && c->token && strcmp(was, name) != 0)
        snprintf(out, size, "%s (was %s)", name, was);
    else
        snprintf(out, size, "%s", name);
}

/* ---- moving */

static void activation_move(struct workbench *w, struct pane *p, enum motion way)
{
    struct activation_view *v = p->state;
    struct cells_shown s;
    bool sideways = way == MOVE_LEFT || way == MOVE_RIGHT || way == MOVE_FIRST || way == MOVE_LAST;
    if (cells_open(w, p, &s) && sideways) {
        enum motion along = way == MOVE_LEFT ? MOVE_UP : way == MOVE_RIGHT ? MOVE_DOWN : way;
        int at = panes_pick(s.at < 0 && along == MOVE_UP ? s.cols : s.at, s.cols, 10, along);
        inside_choose_item(w, cells_item(&s.map->column[s.col[at]]));
    } else if (s.cols > 0) {
        v->depth = panes_pick(v->depth, s.map->depths, 10, way);
    }
    cells_close(&s);
}

static bool activation_step(struct workbench *w, struct pane *p, int step)
{
    activation_move(w, p, step < 0 ? MOVE_UP : MOVE_DOWN);
    return true;
}

/* The cell at a place; *j is -1 beside the columns. cells_close in any case. */
static bool activation_at(struct workbench *w, struct pane *p, int row, int col,
                          struct cells_shown *s, int *i, int *j)
{
    const struct activation_view *v = p->state;
    return cells_open(w, p, s) && grid_find(&v->grid, s->map->depths, s->cols, row, col, i, j);
}

static bool activation_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct activation_view *v = p->state;
    struct cells_shown s;
    int i, j;
    bool there = activation_at(w, p, row, col, &s, &i, &j);
    if (there)
        v->depth = i;
    if (there && j >= 0)
        inside_choose_item(w, cells_item(&s.map->column[s.col[j]]));
    cells_close(&s);
    return there;
}

static bool activation_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                             size_t size)
{
    struct cells_shown s;
    char name[150], where[TRACE_DEPTH];
    int i, j;
    bool there = activation_at(w, p, row, col, &s, &i, &j) && j >= 0;
    if (there) {
        cells_name(w, &s, j, true, name, sizeof name);
        trace_depth(s.map->at[i], false, where);
        snprintf(out, size, "%s, %s: %+.4f", where, name, cells_value(&s, i, j));
    }
    cells_close(&s);
    return there;
}

/* Every cell exactly. */
static void activation_accept(struct workbench *w, struct pane *p)
{
    (void)p;
    if (w->plain)
        activation_want(w, w->attributions.patched.site, true);
}

/* ---- drawing */

static const char *const site_titles[SITE_COUNT] = {
    [SITE_STATE] = "states", [SITE_ATTENTION] = "what attention adds",
    [SITE_FEED] = "what the feed forward adds"};

static void draw_cells_title(const struct workbench *w, const struct cells_shown *s, struct area a)
{
    char target[160];
    activation_target_name(w, target, sizeof target);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Activation patching, %s, %s, %s",
              stream_table[s->map->stream].word, site_titles[s->x->site],
              s->x->all ? "exactly" : "to first order (Enter: exactly)");
    attrset((int)draw_dim());
    if (s->shares)
        draw_text(a.row + 1, a.col, a.cols, "%s: logit %.3f before the change (0), %.3f after (1)",
                  target, s->x->a, s->x->b);
    else
        draw_text(a.row + 1, a.col, a.cols, "%s: %.3f before, %.3f after the change: too near for "
                  "shares, so logits", target, s->x->a, s->x->b);
    attrset(A_NORMAL);
}

/* Both numbers of the chosen cell; else what does not align. */
static void draw_cells_line(const struct workbench *w, const struct cells_shown *s, int depth,
                            struct area a)
{
    char name[300], where[TRACE_DEPTH], number[2][32];
    const char *why = s->x->unaligned[0][0] ? s->x->unaligned[0] : s->x->unaligned[1];
    if (s->at < 0) {
        inside_hint(a, 2, *why ? why : "arrows or a click choose a cell");
        return;
    }
    int at = depth * s->map->columns + s->col[s->at];
    const double effects[2] = {s->map->exact[at], s->map->screen[at]};
    cells_name(w, s, s->at, true, name, sizeof name);
    trace_depth(s->map->at[depth], false, where);
    for (int i = 0; i < 2; i++)
        snprintf(number[i], sizeof number[i], isnan(effects[i]) ? "not run" : "%+.4f",
                 cells_number(s, effects[i]));
    draw_text(a.row + 2, a.col, a.cols, "%s, %s: %s exactly%s%s%s", where, name, number[0],
              s->x->screened ? ", " : "", s->x->screened ? number[1] : "",
              s->x->screened ? " to first order" : "");
}

static void cells_column_name(const struct workbench *w, const void *arg, int j, char *out,
                              size_t size)
{
    cells_name(w, arg, j, false, out, size);
}

static float *cells_dense(const struct cells_shown *s, float *top)
{
    float *x = xcalloc((size_t)s->map->depths * (size_t)s->cols + 1, sizeof *x);
    *top = s->shares ? 1 : 0;
    for (int i = 0; i < s->map->depths; i++)
        for (int j = 0; j < s->cols; j++) {
            x[(ptrdiff_t)i * s->cols + j] = (float)cells_value(s, i, j);
            if (!s->shares)
                *top = fmaxf(*top, fabsf(x[(ptrdiff_t)i * s->cols + j]));
        }
    return x;
}

static void draw_cells(struct workbench *w, struct pane *p, const struct cells_shown *s,
                       struct area a)
{
    struct activation_view *v = p->state;
    bool legend = a.rows >= HEAD + 4;
    float top, *x = cells_dense(s, &top);
    struct area body = {a.row + HEAD, a.col, a.rows - HEAD - legend, a.cols};
    struct grid g = {.rows = s->map->depths, .cols = s->cols, .x = x, .top = top,
                     .scale = SCALE_SIGNED, .at_row = v->depth, .at_col = s->at,
                     .label = TRACE_DEPTH / 2, .digits = 2};
    grid_fit(w, &g, body, v->top);
    draw_cells_title(w, s, a);
    draw_cells_line(w, s, v->depth, a);
    inside_columns(w, &g, a, a.row + HEAD - 1, cells_column_name, s);
    grid_more(&g, a.row + HEAD - 1, a.col);
    for (int i = 0; i < g.shown_rows; i++) {
        char name[TRACE_DEPTH];
        trace_depth(s->map->at[g.first_row + i], true, name);
        attrset(g.first_row + i == v->depth ? A_REVERSE : A_NORMAL);
        draw_text(body.row + i, body.col, g.label - 1, "%s", name);
        attrset(A_NORMAL);
    }
    grid_draw(w, p->slot, &g);
    if (legend)
        grid_legend(body.row + g.shown_rows, a.col, a.cols, top, SCALE_SIGNED);
    v->grid = grid_in_pane(p, &g);
    free(x);
}

static void activation_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct cells_shown s;
    char why[256];
    bool any = cells_open(w, p, &s);
    if (any && a.rows >= HEAD + 2 && a.cols >= 30) {
        draw_cells(w, p, &s, a);
    } else {
        activation_waits(w, why, sizeof why);
        draw_text(a.row, a.col, a.cols, "Activation patching: %s",
                  any    ? "no room for the map"
                  : s.x  ? "nothing of this image, or special tokens alone (_ shows them)"
                         : why);
    }
    cells_close(&s);
}

/* What a figure says of it. */
static void activation_words(const struct workbench *w, const struct cells_shown *s,
                             struct table *out)
{
    char target[160];
    activation_target_name(w, target, sizeof target);
    out->shape = TABLE_MATRIX;
    out->title = xasprintf("Activation patching, %s, %s", site_titles[s->x->site],
                           s->x->all ? "exactly" : "to first order");
    out->row_title = xstrdup("after");
    out->col_title = xasprintf("of the changed query; logit of %s: %.3f before the change%s, %.3f "
                               "after%s", target, s->x->a, s->shares ? " (0)" : "", s->x->b,
                               s->shares ? " (1)" : "");
    out->unit = xstrdup(s->shares ? "share of the difference" : "change of the logit");
    out->sign = true;
    out->top = s->shares ? 1 : 0;
    out->digits = 2;
}

static bool activation_table(struct workbench *w, struct pane *p, struct table *out)
{
    struct cells_shown s;
    char name[TRACE_DEPTH], column[300];
    bool any = cells_open(w, p, &s);
    if (any) {
        table_init(out, s.map->depths, s.cols);
        activation_words(w, &s, out);
    }
    for (int i = 0; any && i < s.map->depths; i++) {
        trace_depth(s.map->at[i], false, name);
        out->row_names[i] = xstrdup(name);
        for (int j = 0; j < s.cols; j++)
            out->x[(ptrdiff_t)i * s.cols + j] = (float)cells_value(&s, i, j);
    }
    for (int j = 0; any && j < s.cols; j++) {
        cells_name(w, &s, j, true, column, sizeof column);
        out->col_names[j] = xstrdup(column);
    }
    cells_close(&s);
    return any;
}

/* ---- keys */

static void do_activation(struct workbench *w, const char *arg)
{
    (void)arg;
    activation_want(w, w->attributions.patched.site, w->attributions.patched.exact);
    panes_show(&w->panes, &view_activation);
}

/* The next stream that aligns. */
static void do_activation_of(struct workbench *w, const char *arg)
{
    static const char *const names[] = {"text", "image"};
    struct activation_view *v = panes_of(&w->panes, &view_activation)->state;
    int at = word_choose(w, names, 2, v->stream == STREAM_IMAGE, arg);
    if (at >= 0)
        v->stream = at == 1 ? STREAM_IMAGE : STREAM_TEXT;
}

static void do_activation_site(struct workbench *w, const char *arg)
{
    const struct activations *x = &w->attributions.patched;
    int at = word_choose(w, activation_site_names, SITE_COUNT, (int)x->site, arg);
    if (at < 0)
        return;
    activation_want(w, (enum net_site)at, x->exact);
    workbench_say(w, false, "patched: %s of each layer", site_titles[at]);
}

static const struct action activation_actions[] = {
    ACTIONS_AFTER("lens-of"),
    {"activation-of", "#", "[STREAM]", NULL, "activation patching of words (text) or regions "
     "(image)", do_activation_of},
    {"activation-site", "~", "[SITE]", NULL, "what is patched in each layer: state, attention, "
     "feed-forward", do_activation_site},
    ACTIONS_AFTER("what-if"),
    {"activation", "@", "", NULL, "activation patching: in which layers the change counts",
     do_activation},
    {0},
};

const struct view view_activation = {
    .name = "activation",
    .what = "activation patching: where the changed query differs, by layer and place",
    .hints = "arrows choose, # text or image, ~ what, Enter exactly",
    .state = sizeof(struct activation_view),
    .draw = activation_draw,
    .move = activation_move,
    .step = activation_step,
    .accept = activation_accept,
    .click = activation_click,
    .under = activation_under,
    .stale = stale_result,
    .table = activation_table,
    .actions = activation_actions,
};
