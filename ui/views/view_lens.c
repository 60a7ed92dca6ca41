/* SPDX-License-Identifier: MIT */
/* What the masked-word head would call each token, or the masked-region head each region, of the
 * states after every depth. The engine reads them; the screen does not wait. */
#include "src/base/mem.h"
#include "ui/views/figures.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct view view_lens;

#define CELL 13 /* columns of "piece .99" */

struct lens_view {
    bool regions;   /* it is on regions, else on words */
    struct area at; /* the cells, counted from the pane's corner */
    int wide;       /* columns of a depth */
    int top[2];     /* the first row and depth */
};

/* ---- asking the engine */

struct lens_job {
    const struct result *r;
    bool text;
    int b, photo;
    struct lens *lens;
};

static int lens_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct lens_job *j = arg;
    if (atomic_load(cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return lens_make(m, j->r, j->text, j->b, &j->lens, err);
}

static void lens_drop(void *arg)
{
    struct lens_job *j = arg;
    lens_free(j->lens);
    free(j);
}

/* Which of w->lenses: words first. */
static int slot_of(bool text)
{
    return text ? 0 : 1;
}

static void lens_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct lens_job *j = arg;
    int k = slot_of(j->text);
    if (j->r == w->now.r) {
        w->lenses.asked[k] = false;
        w->lenses.failed[k] = err != NULL;
    }
    if (err && j->r == w->now.r)
        workbench_say(w, err->code != VS_E_CANCELLED, "%s", err->text);
    if (!err && j->r == w->now.r) {
        lens_free(w->lenses.known[k]);
        w->lenses.known[k] = j->lens;
        j->lens = NULL;
        if (!j->text)
            w->lenses.photo = j->photo;
    }
    lens_drop(j);
}

/* The lens that is wanted, or NULL while it is made. */
static const struct lens *lens_wanted(struct workbench *w, const struct lens_view *v)
{
    int k = slot_of(!v->regions), photo = photo_in_result(w);
    if (w->lenses.known[k] && (!v->regions || w->lenses.photo == photo))
        return w->lenses.known[k];
    if (w->lenses.asked[k] || w->lenses.failed[k] || !w->ses.engine)
        return NULL;
    struct lens_job *j = xcalloc(1, sizeof *j);
    *j = (struct lens_job){.r = w->now.r, .text = !v->regions, .b = inside_batch(w),
                           .photo = photo};
    w->lenses.asked[k] = true;
    workbench_call(w, lens_run, lens_take, lens_drop, j);
    return NULL;
}

/* ---- rows */

/* A lens has a row for every token or region; these are shown. */
static int *rows_of(struct workbench *w, const struct lens_view *v, const struct lens *l,
                    int *count)
{
    return inside_list(w, !v->regions, l->rows, count);
}

/* The row of the chosen token or region. */
static int lens_chosen(const struct workbench *w, const struct lens_view *v)
{
    return inside_chosen_of(w, !v->regions);
}

static bool is_new(const struct lens_view *v, const struct depth *d)
{
    return v->regions ? d->image : d->text;
}

/* The lens has the depths of one stream; which is nearest before the chosen one of all. */
static int depth_of(const struct workbench *w, const struct pane *p, const struct lens *l)
{
    int n, at = -1;
    struct depth *d = inside_depths(w, &n);
    int now = inside_depth(w, p, n);
    for (int i = 0; i <= now && i < n; i++)
        at += is_new(p->state, &d[i]);
    free(d);
    return at < 0 ? 0 : at < l->depths ? at : l->depths - 1;
}

/* Goes to the stream's next or previous depth. */
static void step_depth(struct workbench *w, struct pane *p, int step)
{
    int n;
    struct depth *d = inside_depths(w, &n);
    int at = inside_depth(w, p, n);
    for (int i = at + step; i >= 0 && i < n; i += step)
        if (is_new(p->state, &d[i])) {
            inside_set_depth(w, p, i);
            break;
        }
    free(d);
}

static bool lens_step(struct workbench *w, struct pane *p, int step)
{
    if (w->now.r && lens_wanted(w, p->state))
        step_depth(w, p, step);
    return w->now.r != NULL;
}

static void lens_move(struct workbench *w, struct pane *p, enum motion m)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    if (!l)
        return;
    if (m == MOVE_LEFT || m == MOVE_RIGHT) {
        step_depth(w, p, m == MOVE_LEFT ? -1 : 1);
        return;
    }
    int n, *list = rows_of(w, v, l, &n), at = inside_place(list, n, lens_chosen(w, v));
    if (n > 0)
        look_choose_row(w, !v->regions, list[at < 0 ? 0 : panes_pick(at, n, 10, m)]);
    free(list);
}

static bool lens_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    struct area a = v->at;
    if (!l || row < a.row || row >= a.row + a.rows)
        return false;
    int n, *list = rows_of(w, v, l, &n), k = v->top[0] + row - a.row;
    if (k < n)
        look_choose_row(w, !v->regions, list[k]);
    free(list);
    if (col >= a.col && col < a.col + a.cols)
        for (int want = v->top[1] + (col - a.col) / v->wide, now = depth_of(w, p, l);
             now != want; now += now < want ? 1 : -1)
            step_depth(w, p, now < want ? 1 : -1);
    return k < n;
}

static bool lens_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                       size_t size)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    char name[100];
    if (!l || !area_holds(v->at, row, col))
        return false;
    int n, *list = rows_of(w, v, l, &n), k = v->top[0] + row - v->at.row;
    int depth = v->top[1] + (col - v->at.col) / v->wide;
    bool there = k < n && depth < l->depths;
    if (there) {
        const struct lens_cell *c = &l->cells[(ptrdiff_t)depth * l->rows + list[k]];
        inside_name(w, !v->regions, list[k], name, sizeof name);
        snprintf(out, size, "%s after %s: %.60s %.4f", name, l->names[depth], c->label,
                 (double)c->softmax);
    }
    free(list);
    return there;
}

/* ---- drawing */

static void draw_cell_of(const struct lens_cell *c, int row, int col, int width, bool here)
{
    char text[64], number[16];
    snprintf(number, sizeof number, "%.2f", (double)c->softmax);
    snprintf(text, sizeof text, " %.40s", c->label);
    draw_on(grid_color(c->softmax, 1, SCALE_LINEAR), here ? A_REVERSE | A_BOLD : A_NORMAL);
    mvhline(row, col, ' ', width - 1);
    draw_text(row, col, width - 6, "%s", text);
    draw_text(row, col + width - 5, 4, "%4s", number[0] == '0' ? number + 1 : number);
    attrset(A_NORMAL);
}

/* Depths that fit, so that the chosen one is seen. */
struct window {
    int first, count, wide, label;
};

static struct window lens_fit(struct lens_view *v, const struct lens *l, int cols, int depth)
{
    int label = inside_label(cols), room = cols - label;
    struct window x = {0, room / CELL, CELL, label};
    x.count = x.count < 1 ? 1 : x.count < l->depths ? x.count : l->depths;
    x.wide = room / x.count < 18 ? room / x.count : 18;
    x.first = list_top(&v->top[1], depth, l->depths, x.count);
    return x;
}

static void draw_lens_rows(struct workbench *w, struct lens_view *v, const struct lens *l,
                           struct area a, struct window x, int depth)
{
    int n, *list = rows_of(w, v, l, &n), at = inside_place(list, n, lens_chosen(w, v));
    int room = a.rows < n ? a.rows : n, top = list_top(&v->top[0], at, n, room);
    for (int i = 0; i < room; i++) {
        char name[128];
        int row = list[top + i];
        inside_name(w, !v->regions, row, name, sizeof name);
        attrset(top + i == at ? A_REVERSE : A_NORMAL);
        draw_text(a.row + i, a.col, x.label - 1, "%s", inside_brief(name, x.label));
        attrset(A_NORMAL);
        for (int j = 0; j < x.count; j++)
            draw_cell_of(&l->cells[(ptrdiff_t)(x.first + j) * l->rows + row], a.row + i,
                         a.col + x.label + j * x.wide, x.wide,
                         top + i == at && x.first + j == depth);
    }
    free(list);
}

static void draw_lens(struct workbench *w, struct pane *p, const struct lens *l, struct area a)
{
    struct lens_view *v = p->state;
    int depth = depth_of(w, p, l);
    struct window x = lens_fit(v, l, a.cols, depth);
    v->at = (struct area){2, x.label, a.rows - 2, x.count * x.wide};
    v->wide = x.wide;
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Logit lens, masked-%s head: depths %d-%d of %d",
              v->regions ? "region" : "word", x.first + 1, x.first + x.count, l->depths);
    attrset(A_NORMAL);
    for (int j = 0; j < x.count; j++) {
        attrset((int)(x.first + j == depth ? A_REVERSE : draw_dim()));
        draw_text(a.row + 1, a.col + x.label + j * x.wide, x.wide - 1, "%s", l->names[x.first + j]);
        attrset(A_NORMAL);
    }
    bool legend = a.rows >= 7;
    draw_lens_rows(w, v, l, (struct area){a.row + 2, a.col, a.rows - 2 - legend, a.cols}, x, depth);
    if (legend) {
        grid_legend(a.row + a.rows - 1, a.col, a.cols > 70 ? 56 : a.cols - 13, 1, SCALE_LINEAR);
        draw_text(a.row + a.rows - 1, a.col + (a.cols > 70 ? 57 : a.cols - 12), 12, "probability");
    }
}

static void lens_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    if (l && a.rows >= 4 && a.cols >= 24)
        draw_lens(w, p, l, a);
    else
        draw_text(a.row, a.col, a.cols, "%s",
                  l                                         ? "no room for the lens"
                  : !w->now.r                               ? "Logit lens: ask something first"
                  : w->lenses.failed[slot_of(!v->regions)] ? "Logit lens: nothing to show"
                                                            : "Logit lens: reading the states ...");
}

/* Probabilities; the names hold what they are of. */
static bool lens_table(struct workbench *w, struct pane *p, struct table *out)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    if (!l)
        return false;
    int n, *list = rows_of(w, v, l, &n);
    struct buf b = {0};
    table_init(out, n, l->depths);
    for (int i = 0; i < n; i++) {
        char name[128];
        inside_name(w, !v->regions, list[i], name, sizeof name);
        buf_printf(&b, "%s:", name);
        for (int j = 0; j < l->depths; j++) {
            const struct lens_cell *c = &l->cells[(ptrdiff_t)j * l->rows + list[i]];
            out->x[(ptrdiff_t)i * l->depths + j] = c->softmax;
            buf_printf(&b, " %s", c->label);
        }
        out->row_names[i] = buf_steal(&b);
    }
    for (int j = 0; j < l->depths; j++)
        out->col_names[j] = xstrdup(l->names[j]);
    free(list);
    return true;
}

static bool lens_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    const struct lens_view *v = p->state;
    const struct lens *l = w->now.r ? lens_wanted(w, v) : NULL;
    if (!l)
        return false;
    int n, *list = rows_of(w, v, l, &n);
    struct figure_panel *x = figure_panel(out, FIGURE_MATRIX, NULL);
    figure_panel_numbers(x, n, l->depths);
    x->words = xcalloc((size_t)n * (size_t)l->depths + 1, sizeof *x->words);
    for (int i = 0; i < n * l->depths; i++) {
        const struct lens_cell *c =
            &l->cells[(ptrdiff_t)(i % l->depths) * l->rows + list[i / l->depths]];
        x->x[i] = c->softmax;
        x->words[i] = xstrdup(c->label);
    }
    for (int i = 0; i < n; i++) {
        char name[128];
        inside_name(w, !v->regions, list[i], name, sizeof name);
        x->row_names[i] = xstrdup(name);
    }
    for (int j = 0; j < l->depths; j++)
        x->col_names[j] = xstrdup(l->names[j]);
    x->col_title = xstrdup("after");
    figure_heat(x, 1, SCALE_LINEAR, "probability of the best one");
    out->title = xasprintf("Logit lens, masked-%s head: the best %s at each depth",
                           v->regions ? "region" : "word", v->regions ? "class" : "word");
    free(list);
    return true;
}

/* ---- keys */

static void do_lens_of(struct workbench *w, const char *arg)
{
    static const char *const names[] = {"tokens", "regions"};
    struct lens_view *v = panes_of(&w->panes, &view_lens)->state;
    int at = word_choose(w, names, 2, v->regions, arg);
    if (at >= 0) {
        v->regions = at == 1;
        w->lenses.failed[at] = false;
    }
}

static void do_lens(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_lens);
}

static const struct action lens_actions[] = {
    ACTIONS_AFTER("plane-of"),
    {"lens-of", "L", "[WHAT]", NULL, "the logit lens on tokens or regions", do_lens_of},
    ACTIONS_AFTER("plane"),
    {"lens", "F6", "", NULL, "logit lens: hidden states read by the model's own heads", do_lens},
    {0},
};

const struct view view_lens = {
    .name = "lens",
    .what = "logit lens: what the model's own heads call each token or region, by depth",
    .hints = "arrows choose, L tokens or regions",
    .sliced = true,
    .state = sizeof(struct lens_view),
    .draw = lens_draw,
    .move = lens_move,
    .step = lens_step,
    .click = lens_click,
    .under = lens_under,
    .stale = stale_result,
    .table = lens_table,
    .figure = lens_figure,
    .actions = lens_actions,
};
