/* SPDX-License-Identifier: MIT */
/* Figures of views: a title, what was asked and of whom, the panels of the view or its numbers, and
 * the digests of all that went in. */
#include "ui/views/figures.h"

#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/kit/theme.h"

#include <config.h> /* the version */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 400   /* of text and bars: more are no figure */
#define MOST_CELLS 40000

/* ---- colors */

figure_color figure_rgb(struct rgb k)
{
    return FIGURE_COLOR(k.r, k.g, k.b);
}

figure_color figure_rank(int rank)
{
    return figure_rgb(themes[1].colors[rank < THEME_REST ? rank : THEME_REST]);
}

void figure_ramp(struct figure_ramp *r, float top, enum scale s, const char *label)
{
    *r = (struct figure_ramp){.count = FIGURE_RAMP, .sign = s == SCALE_SIGNED,
                              .label = label ? xstrdup(label) : NULL};
    for (int i = 0; i < FIGURE_RAMP; i++) {
        float f = (float)i / (FIGURE_RAMP - 1);
        f = s == SCALE_SIGNED ? 2 * f - 1 : s == SCALE_ROOT ? f * f : f;
        r->value[i] = f * top;
        r->color[i] = figure_rgb(grid_color(f * top, top, s));
    }
}

void figure_heat(struct figure_panel *p, float top, enum scale s, const char *label)
{
    int n = p->rows * p->cols;
    bool largest = top <= 0;
    for (int i = 0; largest && i < n; i++)
        top = fmaxf(top, fabsf(p->x[i])); /* NaN is no maximum */
    for (int i = 0; i < n; i++)
        p->colors[i] = isnan(p->x[i]) ? 0xd9d9d9 : figure_rgb(grid_color(p->x[i], top, s));
    if (top > 0)
        figure_ramp(&p->ramp, top, s, label);
}

void figure_forget(struct figure *f)
{
    for (int i = 0; i < f->line_count; i++)
        free(f->lines[i]);
    f->line_count = 0;
    free(f->caption);
    f->caption = NULL;
}

/* ---- numbers */

static void take_names(struct figure_panel *p, const struct table *t)
{
    for (int i = 0; i < p->rows; i++)
        p->row_names[i] = xstrdup_null(t->row_names[i]);
    for (int j = 0; j < p->cols && p->cols == t->cols; j++)
        p->col_names[j] = xstrdup_null(t->col_names[j]);
    p->row_title = xstrdup_null(t->row_title);
    p->col_title = xstrdup_null(t->col_title);
    p->digits = t->digits ? t->digits : 3;
    p->sign = t->sign;
}

void figure_bars(struct figure *f, const struct table *t)
{
    struct figure_panel *p = figure_panel(f, FIGURE_BARS, NULL);
    int rows = t->rows < MOST_ROWS ? t->rows : MOST_ROWS;
    figure_panel_numbers(p, rows, 1);
    take_names(p, t);
    if (!p->col_title)
        p->col_title = xstrdup_null(t->unit ? t->unit : t->col_names[t->bars]);
    for (int i = 0; i < rows; i++) {
        p->x[i] = t->x[(ptrdiff_t)i * t->cols + t->bars];
        p->colors[i] = t->sign ? figure_rgb(themes[1].colors[p->x[i] < 0 ? THEME_LESS : THEME_MORE])
                               : figure_category(0);
    }
    if (rows < t->rows)
        p->note = xasprintf("the first %d of %d", rows, t->rows);
}

static int panel_of(struct figure *f, const struct table *t, struct vs_err *err)
{
    bool matrix = t->shape == TABLE_MATRIX;
    if (matrix ? (size_t)t->rows * (size_t)t->cols > MOST_CELLS : t->rows > MOST_ROWS &&
                                                                  t->shape == TABLE_TEXT)
        return vs_fail(err, VS_E_LIMIT, "%d rows and %d columns are too many for a figure: export "
                       "them as .csv or .npy", t->rows, t->cols);
    if (t->shape == TABLE_BARS) {
        figure_bars(f, t);
        return 0;
    }
    struct figure_panel *p = figure_panel(f, matrix ? FIGURE_MATRIX : FIGURE_TABLE, NULL);
    figure_panel_numbers(p, t->rows, t->cols);
    take_names(p, t);
    p->named_row = t->chosen_row;
    p->named_col = t->chosen_col;
    memcpy(p->x, t->x, (size_t)t->rows * (size_t)t->cols * sizeof *p->x);
    if (matrix)
        figure_heat(p, t->top, t->sign ? SCALE_SIGNED : t->root ? SCALE_ROOT : SCALE_LINEAR,
                    t->unit);
    return 0;
}

/* ---- what was asked */

/* "1a2b3c4d5e6f7a8b": enough to tell files apart. */
#define DIGITS 16

static void add_digest(struct buf *b, const char *what, const char *name, const char *digest)
{
    if (digest[0])
        buf_printf(b, "; %s%s%s %.*s", what, *name ? " " : "", name, DIGITS, digest);
}

static void figure_asked(struct workbench *w, struct figure *f)
{
    struct result *r = w->now.r;
    struct buf b = {0};
    if (w->ses.model)
        model_complete(w->ses.model, r);
    figure_line(f, "%s: \u201c%s\u201d", r->task->title, r->text);
    if (r->changes) {
        char *changes = change_list_show(r->changes);
        figure_line(f, "with %s", changes);
        free(changes);
    }
    for (int i = 0; i < r->image_count; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", draw_base_name(r->images[i].path));
    figure_line(f, "%s / %s, image%s %s", r->model_name, r->checkpoint_name,
                r->image_count == 1 ? "" : "s", b.data ? b.data : "");
    buf_fini(&b);
    buf_printf(&b, "vilscope %s", VERSION);
    add_digest(&b, "checkpoint", r->checkpoint_name, r->checkpoint_digest);
    for (int i = 0; i < r->image_count; i++) {
        add_digest(&b, "image", draw_base_name(r->images[i].path), r->images[i].digest);
        add_digest(&b, "its regions", "", r->images[i].regions_digest);
    }
    f->caption = buf_steal(&b);
}

/* Of a view that holds checkpoints against each other: the digests of all that it shows. */
static void figure_checkpoints(struct workbench *w, const struct view *v, struct figure *f)
{
    const struct comparison *c = w->compare;
    struct buf b = {0};
    if (!c || !w->ses.model || !f->caption || !(v->asks_all || v->pair_changed))
        return;
    buf_puts(&b, f->caption);
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++) {
        char digest[DIGEST_HEX], brief[DIGITS + 1];
        if (!v->asks_all && i != c->a && i != c->b)
            continue;
        model_checkpoint_digest(w->ses.model, i, digest);
        snprintf(brief, sizeof brief, "%.*s", DIGITS, digest);
        if (!strstr(f->caption, brief)) /* that of the answer stands there already */
            add_digest(&b, "checkpoint", model_checkpoint_name(w->ses.model, i), digest);
    }
    free(f->caption);
    f->caption = buf_steal(&b);
}

/* "What it is", from the words of the list of views. */
static char *title_of(const char *what)
{
    char *title = xstrdup(what);
    if (title[0] >= 'a' && title[0] <= 'z')
        title[0] = (char)(title[0] - 'a' + 'A');
    return title;
}

static int nothing_to_show(struct workbench *w, struct pane *p, struct vs_err *err)
{
    const char *why = p->view->why ? p->view->why(w, p) : NULL;
    return vs_fail(err, VS_E_USAGE, "the view %s has nothing to show at present%s%s",
                   p->view->name, why ? ": " : "", why ? why : "");
}

int view_figure(struct workbench *w, struct pane *p, struct figure *out, struct vs_err *err)
{
    const struct view *v = p->view;
    struct table t;
    char about[512];
    *out = (struct figure){0};
    if (!v->figure && !v->table)
        return vs_fail(err, VS_E_USAGE, "the view %s has no figure", v->name);
    if (w->now.r)
        figure_asked(w, out);
    figure_checkpoints(w, v, out);
    if (v->stale && v->stale(w, p, about, sizeof about))
        figure_line(out, "%s", about);
    if (v->figure && v->figure(w, p, out)) {
        out->title = out->title ? out->title : title_of(v->what);
        return 0;
    }
    if (!v->table || !v->table(w, p, &t))
        return nothing_to_show(w, p, err);
    int rc = panel_of(out, &t, err);
    out->title = t.title ? xstrdup(t.title) : title_of(v->what);
    table_fini(&t);
    return rc;
}
