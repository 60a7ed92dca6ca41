/* SPDX-License-Identifier: MIT */
/* Panes: what they own. */
#include "ui/state/view.h"

#include "src/base/mem.h"
#include "ui/state/state.h"

#include <stdlib.h>

struct pane pane_open(const struct view *v)
{
    return (struct pane){.view = v, .state = v->state ? xcalloc(1, v->state) : NULL};
}

void pane_close(struct pane *p)
{
    if (p->view && p->view->end)
        p->view->end(p);
    free(p->state);
    free(p->own);
    *p = (struct pane){0};
}

const struct slice *pane_slice(const struct workbench *w, const struct pane *p)
{
    return p->own ? p->own : &w->sel->slice;
}

void pane_set_slice(struct workbench *w, struct pane *p, const struct slice *x)
{
    if (p->own)
        *p->own = *x;
    else
        selection_slice(w->selection, x);
}

/* ---- tables */

void table_init(struct table *t, int rows, int cols)
{
    *t = (struct table){.rows = rows, .cols = cols};
    t->row_names = xcalloc((size_t)rows + 1, sizeof *t->row_names);
    t->col_names = xcalloc((size_t)cols + 1, sizeof *t->col_names);
    t->x = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *t->x);
}

void table_fini(struct table *t)
{
    for (int i = 0; i < t->rows; i++)
        free(t->row_names[i]);
    for (int i = 0; i < t->cols; i++)
        free(t->col_names[i]);
    free(t->row_names);
    free(t->col_names);
    free(t->x);
    free(t->title);
    free(t->row_title);
    free(t->col_title);
    free(t->unit);
}
