/* SPDX-License-Identifier: MIT */
/* Which panes there are, and which one has the keys. */
#ifndef UI_PANES_H
#define UI_PANES_H

#include "ui/state/view.h"

#define PANES 6

/* A line between panes: at the left edge of column i + 1, or (row) below pane i; i -1: none. */
struct border {
    bool row;
    int i;
};

struct panes {
    struct pane list[PANES];
    int count, focus;
    double left, middle; /* shares of the first column, and of the second in the rest; 0: usual */
    struct area body;    /* where they were drawn last, */
    int lines[2];        /* and the columns of the lines between them; 0: none */
    struct border drag;  /* the line that the mouse has */
    bool zoomed;        /* the focused pane has the whole body */
    struct pane popup;  /* its view NULL: none */
    struct pane *kept;  /* of views that are not on the screen: the next pane begins with it */
    int kept_count;
};

void panes_free(struct panes *p);
/* The one with the keys: the popup, or a pane. */
struct pane *panes_focused(struct panes *p);
const struct view *panes_view(const struct panes *p);
/* The first pane that shows a view, or -1. */
int panes_find(const struct panes *p, const struct view *v);
/* The one that is meant by a command about a view: the one with the keys, else the first that shows
 * it, else one that is not on the screen and that the next begins with. */
struct pane *panes_of(struct panes *p, const struct view *v);
/* One more at the end, which gets the keys; there is room. */
void panes_add(struct panes *p, const struct view *v);
/* A pane, which is taken over, at a place; there is room. The same pane keeps the keys. */
void panes_insert(struct panes *p, int at, struct pane x);
/* The view gets the keys: where it is, else in the place of the pane that has them; the photo stays
 * where it is. Not for popups. */
void panes_show(struct panes *p, const struct view *v);
void panes_remove(struct panes *p, int at);
/* The same view once more, with what the focused pane looks at as its own slice. */
void panes_double(struct panes *p, const struct slice *now);
/* Moves a chosen line and returns it in bounds. */
int panes_pick(int at, int count, int page, enum motion m);

/* ---- popups, with the search line that they share */
void panes_popup(struct workbench *w, const struct view *v);
void panes_leave_popup(struct workbench *w);

#endif
