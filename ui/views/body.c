/* SPDX-License-Identifier: MIT */
/* What is drawn where: panes beside the photo, popups over everything. */
#include "ui/state/stale.h"
#include "ui/kit/text.h"
#include "ui/views/views.h"

#include <curses.h>
#include <string.h>

#define MIN_ROWS 12
#define MIN_COLS 40
#define PANE_ROWS 6   /* at least */
#define NARROW 60     /* below: one pane at a time */
#define WIDE 150      /* from here on: three columns */

void panes_init(struct workbench *w)
{
    static const char *const first[] = {"image", "answer", "attention", "matrix", "heads"};
    int most = COLS >= WIDE ? 5 : 3;
    for (int i = 0; i < most; i++)
        panes_add(&w->panes, view_find(first[i]));
    w->panes.focus = 0;
}

/* ---- where they are */

/* Panes first to end-1 one above the other; those that do not fit are left out, the focused one
 * never. */
static void panes_stack(struct workbench *w, struct area a, int first, int end)
{
    int n = end - first, room = a.rows / PANE_ROWS;
    room = room < 1 ? 1 : room > n ? n : room;
    int focus = w->panes.focus;
    int from = focus >= first + room && focus < end ? focus - room + 1 : first;
    for (int i = 0; i < room; i++) {
        struct pane *p = &w->panes.list[from + i];
        int top = a.rows * i / room, bottom = a.rows * (i + 1) / room;
        p->at = (struct area){a.row + top, a.col, bottom - top - (i + 1 < room), a.cols};
        p->shown = true;
    }
}

/* A column of panes with a line on its left. */
static void panes_column(struct workbench *w, struct area a, int first, int end)
{
    struct area inside = {a.row, a.col + 2, a.rows, a.cols - 3};
    for (int i = 0; i < a.rows; i++)
        mvaddwstr(a.row + i, a.col, L"\u2502");
    panes_stack(w, inside, first, end);
    for (int i = first; i < end; i++)
        if (w->panes.list[i].shown && i == w->panes.focus) {
            attrset(draw_accent_attr());
            for (int j = 0; j < w->panes.list[i].at.rows; j++)
                mvaddwstr(w->panes.list[i].at.row + j, a.col, L"\u2502");
            attrset(A_NORMAL);
        }
}

static void panes_lay_out(struct workbench *w, struct area a)
{
    int n = w->panes.count;
    for (int i = 0; i < n; i++)
        w->panes.list[i].shown = false;
    if (w->panes.zoomed || a.cols < NARROW || n == 1) {
        struct pane *p = &w->panes.list[w->panes.focus];
        p->at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        p->shown = true;
        return;
    }
    bool three = a.cols >= WIDE && n >= 4;
    int left = three ? a.cols * 9 / 20 : a.cols * 3 / 5, middle = three ? (a.cols - left) / 2 : 0;
    int split = three ? 1 + n / 2 : 1;
    w->panes.list[0].at = (struct area){a.row, a.col, a.rows, left - 1};
    w->panes.list[0].shown = true;
    if (three)
        panes_column(w, (struct area){a.row, left, a.rows, middle}, 1, split);
    panes_column(w, (struct area){a.row, left + middle, a.rows, a.cols - left - middle}, split, n);
}

/* Letters lose their colors; under pictures, which have lost theirs, cells must not change. */
static void gray_pane(const struct workbench *w, int slot, struct area a)
{
    const struct gfx_place *p = &w->screen.gfx.places[slot];
    for (int row = a.row; row < a.row + a.rows; row++)
        for (int col = a.col; col < a.col + a.cols; col++)
            if (!p->wanted || !area_holds(p->at, row, col))
                mvchgat(row, col, 1, A_DIM, 0, NULL);
}

/* What it is about, and, on a second line where one is too short, how to ask again. */
static void draw_note(struct pane *p, char *text)
{
    char *how = text_width(text) > p->at.cols ? strrchr(text, ';') : NULL;
    if (how)
        *how = '\0';
    attrset(A_BOLD);
    for (int i = 0; i < (how ? 2 : 1) && p->at.rows > 1; i++, p->at.rows--)
        draw_text(p->at.row++, p->at.col, p->at.cols, "%s", i ? how + 2 : text);
    attrset(A_NORMAL);
}

static void draw_pane(struct workbench *w, struct pane *p)
{
    char text[512];
    bool stale = p->view->stale && p->view->stale(w, p, text, sizeof text);
    if (stale)
        draw_note(p, text);
    w->screen.gfx.gray = stale;
    p->view->draw(w, p, p->at);
    w->screen.gfx.gray = false;
    attrset(A_NORMAL);
    if (stale)
        gray_pane(w, p->slot, p->at);
}

static void draw_panes_body(struct workbench *w, struct area a)
{
    struct pane *popup = &w->panes.popup;
    if (popup->view) {
        popup->at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        popup->view->draw(w, popup, popup->at);
        return;
    }
    panes_lay_out(w, a);
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].shown) {
            w->panes.list[i].slot = i;
            draw_pane(w, &w->panes.list[i]);
        }
}

void panes_draw(struct workbench *w)
{
    erase();
    gfx_begin(&w->screen.gfx);
    w->stale = stale_bits(w);
    w->screen.cursor = false;
    if (LINES < MIN_ROWS || COLS < MIN_COLS) {
        draw_text(0, 0, COLS, "too small: %dx%d", COLS, LINES);
        draw_text(1, 0, COLS, "needs %dx%d", MIN_COLS, MIN_ROWS);
    } else {
        /* A picture must end above the last row, or terminals scroll. */
        draw_panes_body(w, (struct area){CHROME_TOP, 0, LINES - CHROME_TOP - CHROME_BOTTOM, COLS});
        chrome_draw(w);
    }
    if (w->screen.cursor != w->screen.gfx.cursor)
        curs_set(w->screen.cursor);
    w->screen.gfx.cursor = w->screen.cursor;
    refresh();
}

/* ---- moving and the mouse */

void panes_move(struct workbench *w, enum motion m)
{
    struct pane *p = panes_focused(&w->panes);
    if (p->view->move)
        (p->view->move)(w, p, m); /* curses has a macro of that name */
    else if (!p->view->popup)
        look_move(w, m);
}

/* The pane under a cell, or -1. */
static int pane_at(const struct workbench *w, int row, int col)
{
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].shown && area_holds(w->panes.list[i].at, row, col))
            return i;
    return -1;
}

void panes_click(struct workbench *w, int row, int col)
{
    struct pane *p = &w->panes.popup;
    if (!p->view) {
        int i = pane_at(w, row, col);
        if (i < 0)
            return;
        w->panes.focus = i;
        p = &w->panes.list[i];
    }
    if (p->view->click && area_holds(p->at, row, col))
        p->view->click(w, p, row - p->at.row, col - p->at.col);
}

void panes_wheel(struct workbench *w, int row, int col, enum motion m)
{
    bool popup = w->panes.popup.view != NULL;
    int i = popup ? -1 : pane_at(w, row, col);
    if (i >= 0)
        w->panes.focus = i;
    if (i >= 0 || popup)
        panes_move(w, m);
}
