/* SPDX-License-Identifier: MIT */
/* Where the panes are: columns beside each other, in each panes one above the other, and the lines
 * between them, which keys and the mouse move. What was never moved stands where it usually does;
 * what was keeps its share of a window that changes its size. */
#include "ui/views/views.h"

#include <curses.h>
#include <string.h>

#define LEAST_ROWS 6   /* of a pane */
#define LEAST_COLS 24  /* of a column, its line included */
#define NARROW 60      /* below: one pane at a time */
#define WIDE 150       /* from here on: three columns */

void panes_init(struct workbench *w)
{
    static const char *const first[] = {"image", "answer", "attention", "matrix", "heads"};
    int most = COLS >= WIDE ? 5 : 3;
    for (int i = 0; i < most; i++)
        panes_add(&w->panes, view_find(first[i]));
    w->panes.focus = 0;
    w->panes.drag.i = -1;
}

/* ---- laying out */

static bool layout_has_one(const struct panes *p, struct area a)
{
    return p->zoomed || a.cols < NARROW || p->count == 1;
}

/* The number of a pane's column, and the first pane of a column. */
static int layout_column_of(const struct panes *p, int pane)
{
    return pane == 0 ? 0 : p->lines[1] == 0 || pane < 1 + p->count / 2 ? 1 : 2;
}

static int layout_first_of(const struct panes *p, int column)
{
    int all = p->count;
    return column == 0 ? 0 : column == 1 ? 1 : column == 2 && p->lines[1] ? 1 + all / 2 : all;
}

static double layout_part(const struct pane *p)
{
    return p->part > 0 ? p->part : 1;
}

/* The sum of the parts of panes first to end-1. */
static double layout_parts(const struct panes *p, int first, int end)
{
    double sum = 0;
    for (int i = first; i < end; i++)
        sum += layout_part(&p->list[i]);
    return sum;
}

/* Panes first to end-1 one above the other; those that do not fit are left out, the focused one
 * never. */
static void layout_stack(struct panes *p, struct area a, int first, int end)
{
    int n = end - first, room = a.rows / LEAST_ROWS;
    room = room < 1 ? 1 : room > n ? n : room;
    int from = p->focus >= first + room && p->focus < end ? p->focus - room + 1 : first;
    double all = layout_parts(p, from, from + room);
    for (int i = 0, top = 0; i < room; i++) {
        struct pane *x = &p->list[from + i];
        int bottom = (int)(a.rows * layout_parts(p, from, from + i + 1) / all + 1e-6);
        int most = a.rows - LEAST_ROWS * (room - 1 - i);
        bottom = bottom < top + LEAST_ROWS ? top + LEAST_ROWS : bottom;
        bottom = bottom > most || i + 1 == room ? most : bottom;
        x->at = (struct area){a.row + top, a.col, bottom - top - (i + 1 < room), a.cols};
        x->shown = true;
        top = bottom;
    }
}

/* Where a line stands in so many columns, of which `least` stay free behind it. */
static int layout_line_at(double share, int usual, int room, int least)
{
    int at = share > 0 ? (int)(share * room + 0.5) : usual;
    at = at > room - least ? room - least : at;
    return at < LEAST_COLS ? LEAST_COLS : at;
}

/* A column of panes, with a line at its left edge. */
static void layout_column(struct panes *p, int column, int col, int cols)
{
    struct area inside = {p->body.row, col + 2, p->body.rows, cols - 3};
    p->lines[column - 1] = col;
    layout_stack(p, inside, layout_first_of(p, column), layout_first_of(p, column + 1));
}

void layout_panes(struct panes *p, struct area a)
{
    int n = p->count;
    for (int i = 0; i < n; i++)
        p->list[i].shown = false;
    memset(p->lines, 0, sizeof p->lines);
    p->body = a;
    if (layout_has_one(p, a)) {
        struct pane *x = &p->list[p->focus];
        x->at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        x->shown = true;
        return;
    }
    bool three = a.cols >= WIDE && n >= 4;
    int left = layout_line_at(p->left, three ? a.cols * 9 / 20 : a.cols * 3 / 5, a.cols,
                       three ? 2 * LEAST_COLS : LEAST_COLS);
    int rest = a.cols - left;
    int middle = three ? layout_line_at(p->middle, rest / 2, rest, LEAST_COLS) : rest;
    p->list[0].at = (struct area){a.row, a.col, a.rows, left - 1};
    p->list[0].shown = true;
    p->lines[1] = three; /* there are so many columns */
    layout_column(p, 1, a.col + left, middle);
    if (three)
        layout_column(p, 2, a.col + left + middle, rest - middle);
}

/* ---- moving lines */

static const struct border no_border = {false, -1};

/* The pane below another one in its column that is shown, or -1. */
static int layout_below(const struct panes *p, int pane)
{
    int next = pane + 1;
    bool there = next < p->count && p->list[pane].shown && p->list[next].shown;
    return there && layout_column_of(p, next) == layout_column_of(p, pane) ? next : -1;
}

struct border border_at(const struct panes *p, int row, int col)
{
    for (int k = 0; k < 2; k++)
        if (p->lines[k] > 0 && col == p->lines[k] && row >= p->body.row &&
            row < p->body.row + p->body.rows)
            return (struct border){false, k};
    for (int i = 0; i < p->count; i++) {
        const struct area *a = &p->list[i].at;
        if (layout_below(p, i) >= 0 && row == a->row + a->rows && col >= a->col &&
            col < a->col + a->cols)
            return (struct border){true, i};
    }
    return no_border;
}

struct border border_of_focus(const struct panes *p, bool row)
{
    int column = layout_column_of(p, p->focus);
    if (p->lines[0] == 0)
        return no_border;
    if (!row)
        return (struct border){false, column > 0 ? column - 1 : 0};
    if (layout_below(p, p->focus) >= 0)
        return (struct border){true, p->focus};
    bool above = p->focus > 0 && layout_below(p, p->focus - 1) == p->focus;
    return above ? (struct border){true, p->focus - 1} : no_border;
}

/* The pane above a line ends there; the one below gets or gives the difference. */
static void border_move_row(struct panes *p, int pane, int row)
{
    int column = layout_column_of(p, pane);
    int first = layout_first_of(p, column), end = layout_first_of(p, column + 1);
    while (!p->list[first].shown)
        first++;
    while (!p->list[end - 1].shown)
        end--;
    struct pane *above = &p->list[pane], *below = &p->list[pane + 1];
    int least = above->at.row + LEAST_ROWS - 1;
    int most = below->at.row + below->at.rows - LEAST_ROWS - 1;
    row = row > most ? most : row < least ? least : row;
    double both = layout_part(above) + layout_part(below), all = layout_parts(p, first, end);
    double top = layout_parts(p, first, pane), rows = p->body.rows;
    above->part = (row + 1 - p->body.row + 0.5) / rows * all - top;
    above->part = above->part < 0.02 * both ? 0.02 * both : above->part;
    above->part = above->part > 0.98 * both ? 0.98 * both : above->part;
    below->part = both - above->part;
}

void border_move(struct panes *p, struct border b, int row, int col)
{
    if (b.i < 0 || p->lines[0] == 0 || (!b.row && p->lines[b.i] == 0))
        return;
    if (b.row) {
        if (layout_below(p, b.i) >= 0)
            border_move_row(p, b.i, row);
        return;
    }
    int from = b.i == 0 ? p->body.col : p->lines[0], room = p->body.col + p->body.cols - from;
    int least = b.i == 0 && p->lines[1] ? 2 * LEAST_COLS : LEAST_COLS;
    int at = layout_line_at((double)(col - from > 1 ? col - from : 1) / room, 0, room, least);
    *(b.i == 0 ? &p->left : &p->middle) = (double)at / room;
}

void border_step(struct panes *p, struct border b, int rows, int cols)
{
    if (b.i < 0)
        return;
    const struct area *above = b.row ? &p->list[b.i].at : NULL;
    border_move(p, b, above ? above->row + above->rows + rows : 0,
                b.row ? 0 : p->lines[b.i] + cols);
}

void layout_even(struct panes *p)
{
    p->left = p->middle = 0;
    for (int i = 0; i < p->count; i++)
        p->list[i].part = 0;
}
