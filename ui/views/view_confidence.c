/* SPDX-License-Identifier: MIT */
/* Evaluations in the log as plots: the confidence of A and B in each item, against each other, and
 * the accuracy of answers with that confidence. The numbers are those of confidence.c. */
#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/kit/text.h"
#include "ui/views/confidence.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "ui/views/plot.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_confidence;

#define SIDE 24 /* columns beside a plot, for what it has no room for */
#define PAGE 10 /* points */
#define CONFIDENCE_NONE "no item has a confidence and a score"

static const char *const confidence_forms[] = {"scatter", "reliability"};

/* An item whose rows were read. */
struct confidence_item {
    struct row_texts *texts;
    struct flip flip;
    int pair;  /* from 1; 0: none */
    bool good; /* there is one */
};
struct confidence_view {
    bool asked;              /* for the pair that follows */
    int a, b;
    const struct task *task; /* NULL: the first that there is */
    struct confidence data;
    enum confidence_form form;
    struct plot_point chosen[CONFIDENCE_FORMS];
    struct plot plot;        /* where it was drawn last */
    struct confidence_item chosen_item, under_item;
};

static void confidence_end(struct pane *p)
{
    struct confidence_view *v = p->state;
    confidence_fini(&v->data);
    row_texts_free(v->chosen_item.texts);
    row_texts_free(v->under_item.texts);
}

/* ---- what is shown */

static void confidence_begin(struct confidence_view *v)
{
    v->chosen_item.pair = v->under_item.pair = 0;
    memset(v->chosen, 0, sizeof v->chosen);
    if (!confidence_panel(&v->data, v->form))
        v->form = v->form == CONFIDENCE_SCATTER ? CONFIDENCE_RELIABILITY : CONFIDENCE_SCATTER;
}

static void confidence_follow(struct workbench *w, struct confidence_view *v)
{
    const struct comparison *c = comparison_of(w);
    if (v->asked && v->a == c->a && v->b == c->b)
        return;
    v->asked = true;
    v->a = c->a;
    v->b = c->b;
    confidence_fini(&v->data);
    confidence_load(w, v->task, &v->data);
    confidence_begin(v);
}

static bool confidence_has_point(const struct figure_panel *x, struct plot_point at)
{
    if (at.series < 0 || at.series >= x->series_count)
        return false;
    const struct figure_series *s = &x->series[at.series];
    return at.at >= 0 && at.at < s->count && isfinite(s->x[at.at]) && isfinite(s->y[at.at]);
}

/* The point that is `by` points further, in the order of the series; the same where there is
 * none. */
static struct plot_point confidence_step(const struct figure_panel *x, struct plot_point from,
                                         int by)
{
    struct plot_point at = from, best = from;
    int step = by < 0 ? -1 : 1;
    for (int left = abs(by); left > 0;) {
        at.at += step;
        if (at.at < 0 && --at.series >= 0)
            at.at = x->series[at.series].count - 1;
        else if (at.series >= 0 && at.at >= x->series[at.series].count) {
            at.series++;
            at.at = 0;
        }
        if (at.series < 0 || at.series >= x->series_count)
            break;
        if (at.at < 0 || !confidence_has_point(x, at))
            continue;
        best = at;
        left--;
    }
    return best;
}

/* The panel that is shown, its chosen point one that is there; NULL: none is. */
static const struct figure_panel *confidence_shown(struct confidence_view *v)
{
    const struct figure_panel *x = confidence_panel(&v->data, v->form);
    struct plot_point *at = &v->chosen[v->form];
    if (x && !confidence_has_point(x, *at))
        *at = confidence_step(x, (struct plot_point){0, -1}, 1);
    return x;
}

/* ---- words */

static const char *confidence_right(const struct plot_pair *x, const char *a, const char *b,
                                    char out[160])
{
    switch (plot_outcome(x)) {
    case PLOT_BOTH: return "both right";
    case PLOT_NEITHER: return "neither right";
    case PLOT_ONLY_A: case PLOT_ONLY_B: break;
    }
    snprintf(out, 160, "only %s right", x->right_a ? a : b);
    return out;
}

/* NULL: it cannot be read. */
static const struct flip *confidence_item(struct workbench *w, const struct confidence_view *v,
                                          struct confidence_item *x, int pair)
{
    if (x->pair != pair + 1) {
        x->texts = x->texts ? x->texts : row_texts_new();
        x->good = confidence_read(w, &v->data, pair, x->texts, &x->flip);
        x->pair = pair + 1;
    }
    return x->good ? &x->flip : NULL;
}

/* "q17: early 0.913, final 0.551, only early right", which item that is is read into `item`; or
 * "final, 0.53 to 0.60: 12 items, confidence 0.561, accuracy 0.417" */
static void confidence_point(struct workbench *w, const struct confidence_view *v,
                             struct confidence_item *item, const struct figure_panel *x,
                             struct plot_point at, char *out, size_t size)
{
    const struct confidence *c = &v->data;
    char a[64], b[64], right[160];
    if (!confidence_has_point(x, at)) {
        snprintf(out, size, "no point");
        return;
    }
    int of = x->series[at.series].of[at.at];
    compare_name(w, c->side[0], a, sizeof a);
    compare_name(w, c->side[1], b, sizeof b);
    if (v->form == CONFIDENCE_SCATTER) {
        const struct plot_pair *p = &c->pairs[of];
        const struct flip *f = confidence_item(w, v, item, of);
        snprintf(out, size, "%.40s: %s %.3f, %s %.3f, %s", f ? f->a.id : "?", a, p->a, b, p->b,
                 confidence_right(p, a, b, right));
        return;
    }
    int side = c->trusted[0].count ? at.series : 1;
    const struct stats_bin *bin = &c->trusted[side].bins[of];
    snprintf(out, size, "%s, %.2f to %.2f: %d item%s, confidence %.3f, accuracy %.3f",
             side ? b : a, (double)of / STATS_BINS, (double)(of + 1) / STATS_BINS, bin->count,
             bin->count == 1 ? "" : "s", bin->confidence, bin->right);
}

/* ---- drawing */

static void confidence_title(struct workbench *w, const struct confidence_view *v, struct area a)
{
    char name[128], pair[128] = "", kinds[32] = "";
    confidence_name(&v->data, name, sizeof name);
    if (v->data.sides > 1)
        compare_pair_name(w, pair, sizeof pair);
    else
        compare_name(w, v->data.side[0], pair, sizeof pair);
    if (v->data.kind_count > 1)
        snprintf(kinds, sizeof kinds, " %d/%d", v->data.kind + 1, v->data.kind_count);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s%s%s%s, %s", v->form == CONFIDENCE_SCATTER
              ? "Confidence" : "Reliability", *name ? ": " : "", name, kinds, pair);
    attrset(A_NORMAL);
}

/* In as many rows as it needs, and there are; returns those. */
static int draw_confidence_text(struct area a, const char *text)
{
    int row = 0;
    while (*text && row < a.rows) {
        size_t n = text_line(text, a.cols);
        bool last = row + 1 == a.rows;
        draw_text(a.row + row++, a.col, a.cols, "%.*s", last ? (int)strlen(text) : (int)n, text);
        text += n;
        text += *text == ' ';
    }
    return row;
}

/* The rest of an area below so many rows. */
static struct area confidence_below(struct area a, int rows)
{
    rows = rows < a.rows ? rows : a.rows;
    return (struct area){a.row + rows, a.col, a.rows - rows, a.cols};
}

/* What was asked in the chosen item, and answered. */
static void draw_confidence_item(struct workbench *w, struct confidence_view *v,
                                 const struct figure_panel *x, struct area a)
{
    struct plot_point at = v->chosen[v->form];
    int of = confidence_has_point(x, at) ? x->series[at.series].of[at.at] : -1;
    const struct flip *f = of < 0 ? NULL : confidence_item(w, v, &v->chosen_item, of);
    if (!f || a.rows < 1)
        return;
    const struct row *of_side[2] = {&f->a, &f->b};
    char *asked = xasprintf("item %s of %s: %s", f->a.id, draw_base_name(f->a.image), f->a.text);
    attrset(A_BOLD);
    a = confidence_below(a, draw_confidence_text(a, asked));
    attrset(A_NORMAL);
    free(asked);
    for (int k = 0; k < 2 && a.rows > 0; k++) {
        char name[64];
        compare_name(w, v->data.side[k], name, sizeof name);
        attrset((int)draw_rank_attr(of_side[k]->correct ? 3 : 4));
        draw_text(a.row, a.col, a.cols, "%s %s: %s %.3f", of_side[k]->correct ? "+" : "-", name,
                  of_side[k]->answer, of_side[k]->confidence);
        attrset(A_NORMAL);
        a = confidence_below(a, 1);
    }
    if (f->a.right && a.rows > 0)
        draw_text(a.row, a.col, a.cols, "right is %s", f->a.right);
}

/* The bins of the chosen checkpoint, the chosen one reversed. */
static void draw_confidence_bins(const struct confidence_view *v, struct area a)
{
    struct plot_point at = v->chosen[CONFIDENCE_RELIABILITY];
    const struct stats_calibration *c =
        &v->data.trusted[v->data.trusted[0].count ? at.series : 1];
    int row = a.row, end = a.row + a.rows, shown = 0;
    bool wide = a.cols >= 31;
    for (int i = 0; i < STATS_BINS; i++)
        shown += c->bins[i].count > 0;
    if (a.rows < 2)
        return;
    attrset((int)draw_dim());
    draw_text(row++, a.col, a.cols, wide ? "from  items confidence accuracy"
                                         : "from  items conf.  acc.");
    attrset(A_NORMAL);
    for (int i = 0, from = 0; i < STATS_BINS && row < end; i++) {
        const struct stats_bin *b = &c->bins[i];
        if (!b->count)
            continue;
        /* The chosen one is among those that there is room for. */
        int left = shown - from++;
        if (i < at.at && left > end - row)
            continue;
        attrset(i == at.at ? A_REVERSE : A_NORMAL);
        draw_text(row++, a.col, a.cols, "%.2f %6d %*.3f %*.3f", (double)i / STATS_BINS, b->count,
                  wide ? 10 : 5, b->confidence, wide ? 8 : 5, b->right);
        attrset(A_NORMAL);
    }
}

/* Beside the plot, or in its place where there is no room for it. */
static void draw_confidence_side(struct workbench *w, struct confidence_view *v,
                                 const struct figure_panel *x, struct area a)
{
    int rows = plot_legend_rows(x, 0);
    plot_legend(w, x, 0, a);
    a = confidence_below(a, rows + (a.rows > rows + 6));
    attrset((int)draw_dim());
    const struct area note = {a.row, a.col, 4, a.cols};
    int used = x->note && a.rows > 5 ? draw_confidence_text(note, x->note) : 0;
    attrset(A_NORMAL);
    a = confidence_below(a, used + (used > 0 && a.rows > used + 6));
    if (v->form == CONFIDENCE_SCATTER)
        draw_confidence_item(w, v, x, a);
    else
        draw_confidence_bins(v, a);
}

static void confidence_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct confidence_view *v = p->state;
    char point[320];
    v->plot = (struct plot){0};
    confidence_follow(w, v);
    const struct figure_panel *x = confidence_shown(v);
    confidence_title(w, v, a);
    if (!x) {
        inside_hint(a, 1, v->data.why[0] ? v->data.why : CONFIDENCE_NONE);
        return;
    }
    confidence_point(w, v, &v->chosen_item, x, v->chosen[v->form], point, sizeof point);
    draw_text(a.row + 1, a.col, a.cols, "%s", point);
    struct area body = confidence_below(a, 2);
    int cols = plot_cols(w, x, body), legend = plot_legend_rows(x, body.cols);
    bool beside = cols == 0 || body.cols - cols >= SIDE;
    if (!beside)
        body.rows -= legend;
    plot_draw(w, p, x, body, v->chosen[v->form], &v->plot);
    if (beside)
        draw_confidence_side(w, v, x, (struct area){body.row, body.col + cols, body.rows,
                                                    body.cols - cols});
    else
        plot_legend(w, x, body.cols, (struct area){body.row + body.rows, body.col, legend,
                                                   body.cols});
}

/* ---- keys and mouse */

static void confidence_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct confidence_view *v = p->state;
    confidence_follow(w, v);
    const struct figure_panel *x = confidence_shown(v);
    if (!x)
        return;
    struct plot_point *at = &v->chosen[v->form];
    const struct plot_point first = {0, -1}, last = {x->series_count, 0};
    switch (m) {
    case MOVE_PAGE_UP: *at = confidence_step(x, *at, -PAGE); break;
    case MOVE_PAGE_DOWN: *at = confidence_step(x, *at, PAGE); break;
    case MOVE_FIRST: *at = confidence_step(x, first, 1); break;
    case MOVE_LAST: *at = confidence_step(x, last, -1); break;
    case MOVE_UP: case MOVE_DOWN: case MOVE_LEFT: case MOVE_RIGHT:
        *at = v->plot.at.rows ? plot_toward(&v->plot, x, *at, m)
                              : confidence_step(x, *at, m == MOVE_UP || m == MOVE_LEFT ? -1 : 1);
    }
}

static bool confidence_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct confidence_view *v = p->state;
    const struct figure_panel *x = confidence_shown(v);
    struct plot_point at = x ? plot_at(w, &v->plot, x, row, col) : (struct plot_point){-1, 0};
    if (at.series >= 0)
        v->chosen[v->form] = at;
    return at.series >= 0;
}

static bool confidence_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                             size_t size)
{
    struct confidence_view *v = p->state;
    const struct figure_panel *x = confidence_shown(v);
    struct plot_point at = x ? plot_at(w, &v->plot, x, row, col) : (struct plot_point){-1, 0};
    if (at.series >= 0)
        confidence_point(w, v, &v->under_item, x, at, out, size);
    return at.series >= 0;
}

static void confidence_accept(struct workbench *w, struct pane *p)
{
    struct confidence_view *v = p->state;
    confidence_follow(w, v);
    const struct figure_panel *x = confidence_shown(v);
    struct plot_point at = v->chosen[v->form];
    if (!x || v->form != CONFIDENCE_SCATTER || !confidence_has_point(x, at)) {
        workbench_say(w, true, "Enter asks an item: C-o shows them");
        return;
    }
    const struct flip *f =
        confidence_item(w, v, &v->chosen_item, x->series[at.series].of[at.at]);
    if (f)
        flips_ask(w, f, v->a, v->b);
    else
        workbench_say(w, true, "the log does not have this item's rows");
}

/* ---- exports */

static bool confidence_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {"A right", "A confidence", "B right", "B confidence"};
    struct confidence_view *v = p->state;
    confidence_follow(w, v);
    const struct confidence *c = &v->data;
    if (!confidence_shown(v))
        return false;
    bool items = v->form == CONFIDENCE_SCATTER;
    table_init(out, items ? c->pair_count : STATS_BINS, items ? 4 : 3 * c->sides);
    for (int k = 0; k < out->cols; k++)
        out->col_names[k] = items ? xstrdup(names[k])
                                  : xasprintf("%c %s", k < 3 ? 'A' : 'B', k % 3 == 0 ? "items"
                                              : k % 3 == 1 ? "confidence" : "accuracy");
    for (int i = 0; i < out->rows; i++) {
        float *x = out->x + (ptrdiff_t)i * out->cols;
        if (items) {
            const struct plot_pair *q = &c->pairs[i];
            out->row_names[i] = xasprintf("item %lld", (long long)c->items[i]);
            x[0] = q->right_a;
            x[1] = (float)q->a;
            x[2] = q->right_b;
            x[3] = (float)q->b;
            continue;
        }
        out->row_names[i] = xasprintf("%.3f to %.3f", (double)i / STATS_BINS,
                                      (double)(i + 1) / STATS_BINS);
        for (int k = 0; k < c->sides; k++) {
            const struct stats_bin *b = &c->trusted[k].bins[i];
            x[3 * k] = (float)b->count;
            x[3 * k + 1] = b->count ? (float)b->confidence : NAN;
            x[3 * k + 2] = b->count ? (float)b->right : NAN;
        }
    }
    return true;
}

/* Not of the query on the screen: of what was logged of A and B. */
static bool confidence_paper(struct workbench *w, struct pane *p, struct figure *out)
{
    struct confidence_view *v = p->state;
    confidence_follow(w, v);
    if (!confidence_shown(v))
        return false;
    figure_forget(out);
    confidence_figure(w, &v->data, out);
    return true;
}

static const char *confidence_why(struct workbench *w, struct pane *p)
{
    const struct confidence_view *v = p->state;
    (void)w;
    return v->data.why[0] ? v->data.why : CONFIDENCE_NONE;
}

/* ---- commands */

static struct confidence_view *confidence_state(struct workbench *w)
{
    return panes_of(&w->panes, &view_confidence)->state;
}

static void do_confidence(struct workbench *w, const char *arg)
{
    const struct task *t = *arg ? task_find(arg) : NULL;
    if (!w->ses.model) {
        workbench_say(w, true, "no model is open");
        return;
    }
    if (*arg && !t) {
        workbench_say(w, true, "there is no task '%s': confidence [TASK]", arg);
        return;
    }
    panes_show(&w->panes, &view_confidence);
    confidence_state(w)->task = t;
    confidence_state(w)->asked = false;
}

static void do_confidence_form(struct workbench *w, const char *arg)
{
    struct confidence_view *v = confidence_state(w);
    int to = word_choose(w, confidence_forms, CONFIDENCE_FORMS, (int)v->form, arg);
    confidence_follow(w, v);
    if (to < 0)
        return;
    if (confidence_panel(&v->data, (enum confidence_form)to))
        v->form = (enum confidence_form)to;
    else
        workbench_say(w, true, "%s", to != CONFIDENCE_SCATTER ? CONFIDENCE_NONE : v->data.pair_count
                      ? "no item has a confidence of A and one of B"
                      : "there is no item that A and B both answered");
}

static void do_confidence_task(struct workbench *w, const char *arg)
{
    struct confidence_view *v = confidence_state(w);
    (void)arg;
    confidence_follow(w, v);
    confidence_next(w, &v->data);
    confidence_begin(v);
    if (v->data.kind_count < 2)
        workbench_say(w, false, "the log has no other evaluation of them");
}

static const struct action confidence_actions[] = {
    ACTIONS_AFTER("flips-sure"),
    {"confidence", "$", "[TASK]", NULL,
     "plots of logged evaluations: confidence and accuracy of A and B",
     do_confidence},
    {"confidence-form", "C-o", "[FORM]", "confidence",
     "scatter, of A against B, or reliability, of both", do_confidence_form},
    {"confidence-task", "C-f", "", "confidence", "the next task or set that was measured",
     do_confidence_task},
    {0},
};

const struct view view_confidence = {
    .name = "confidence",
    .what = "confidence and accuracy of A and B in logged evaluations",
    .hints = "arrows choose, C-o scatter or reliability, C-f task, Enter asks both",
    .state = sizeof(struct confidence_view),
    .end = confidence_end,
    .draw = confidence_draw,
    .move = confidence_move,
    .accept = confidence_accept,
    .click = confidence_click,
    .under = confidence_under,
    .table = confidence_table,
    .figure = confidence_paper,
    .logged = true,
    .why = confidence_why,
    .actions = confidence_actions,
};
