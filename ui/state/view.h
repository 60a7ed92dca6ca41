/* SPDX-License-Identifier: MIT */
/* Views and panes. A view is a const table; what it remembers is the state of the pane that shows
 * it, so that one view can stand twice on the screen. */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "ui/kit/gfx.h"
#include "ui/state/selection.h"

struct workbench;
struct pane;
struct action;
struct figure;

enum motion {
    MOVE_UP, MOVE_DOWN, MOVE_LEFT, MOVE_RIGHT, MOVE_PAGE_UP, MOVE_PAGE_DOWN, MOVE_FIRST, MOVE_LAST
};

/* How a figure shows numbers: as they are, as cells in colors, or one column as bars. */
enum table_shape { TABLE_TEXT, TABLE_MATRIX, TABLE_BARS };

/* Numbers with names for an export, as they are written to .csv and .npy, and what a figure says of
 * them. x (rows, cols), all owned by the table. */
struct table {
    int rows, cols;
    char **row_names, **col_names;
    float *x;
    enum table_shape shape;
    char *title, *row_title, *col_title; /* or NULL */
    char *unit;                          /* of the scale of colors, of bars; or NULL */
    bool sign, root;                     /* colors of a difference; of roots of the numbers */
    float top;                           /* what has the last color; 0: the largest of them */
    int digits;                          /* behind the point; of text, significant ones; 0: 3 */
    int bars;                            /* the column that is bars */
    int chosen_row, chosen_col;          /* from 1; 0: none */
};
void table_init(struct table *t, int rows, int cols);
void table_fini(struct table *t);

/* What a pane can show. Everything but name, what and draw may be left out. */
struct view {
    const char *name, *what;
    const char *hints; /* its keys in a few words, the most wanted first: "Up Down choose" */
    bool popup;   /* covers the body until it is left */
    bool sliced;  /* shows the slice of its pane: a second pane of it gets one of its own */
    size_t state; /* bytes that it remembers in each pane; zeros at first, p->state */
    void (*end)(struct pane *p); /* frees what the state holds, not the state */
    /* Draws into its cells; pictures go to gfx_place(&w->screen.gfx, p->slot, ...). */
    void (*draw)(struct workbench *w, struct pane *p, struct area a);
    /* NULL: tokens and answers move */
    void (*move)(struct workbench *w, struct pane *p, enum motion m);
    /* The keys of layers; false: not dealt with. */
    bool (*step)(struct workbench *w, struct pane *p, int step);
    void (*accept)(struct workbench *w, struct pane *p); /* Enter; NULL: types a query */
    /* In the area that was drawn last, counted from its corner; false: nothing is there. */
    bool (*click)(struct workbench *w, struct pane *p, int row, int col);
    /* Names what is at such a place, with its number: "star -> region 3 cone: 0.1234"; false:
     * nothing that has one. */
    bool (*under)(struct workbench *w, struct pane *p, int row, int col, char *out, size_t size);
    /* It can be searched: the line of searches changed. A popup takes letters at once, a pane after
     * "/". */
    void (*filter)(struct workbench *w, struct pane *p);
    void (*enter)(struct workbench *w, struct pane *p); /* a popup is opened */
    /* What it shows is not about what the screen says: true, and what it is about (stale.h). */
    bool (*stale)(struct workbench *w, struct pane *p, char *out, size_t size);
    /* Its numbers, a row for each line, names in front; for export. */
    bool (*table)(struct workbench *w, struct pane *p, struct table *out);
    /* A figure of it: panels, and lines, where the numbers alone would not show it. What was asked
     * stands in the lines already; figure_forget takes it away. NULL, or false: that of table. */
    bool (*figure)(struct workbench *w, struct pane *p, struct figure *out);
    /* Its keys and commands, ACTIONS_AFTER where they stand in the help; ends in a NULL name. */
    const struct action *actions;
    bool logged; /* It shows what the log has: nothing needs to be asked. */
    /* Why there is nothing to show, or NULL. */
    const char *(*why)(struct workbench *w, struct pane *p);
    /* Of checkpoints: all are asked while it is on the screen; A and B are others. */
    bool asks_all;
    void (*pair_changed)(struct workbench *w);
};

struct pane {
    const struct view *view; /* NULL: none */
    void *state;             /* owned; as view->state says, NULL for 0 */
    struct slice *own;       /* owned; NULL: it shows the selection's slice */
    struct area at;          /* where it was drawn last */
    bool shown;              /* there was room for it */
    double part;             /* of its column's rows, beside the others' parts; 0: 1 */
    int slot;                /* the number of its picture */
};

/* A pane of a view with a new state. */
struct pane pane_open(const struct view *v);
/* Frees what it owns. */
void pane_close(struct pane *p);
/* What it looks at: its own slice, or the selection's. */
const struct slice *pane_slice(const struct workbench *w, const struct pane *p);
void pane_set_slice(struct workbench *w, struct pane *p, const struct slice *x);

#endif
