/* SPDX-License-Identifier: MIT */
/* What is drawn where: panes beside the photo, popups over everything. */
#include "ui/state/stale.h"
#include "ui/kit/text.h"
#include "ui/views/views.h"

#include <curses.h>
#include <string.h>

#define MIN_ROWS 12
#define MIN_COLS 40

/* The lines between columns; beside the pane that has the keys in the accent's color. */
static void draw_lines(const struct panes *p)
{
    attrset(A_NORMAL);
    for (int k = 0; k < 2 && p->lines[k] > 0; k++)
        for (int i = 0; i < p->body.rows; i++)
            mvaddwstr(p->body.row + i, p->lines[k], L"\u2502");
    const struct pane *x = &p->list[p->focus];
    int col = x->at.col - 2;
    attrset(draw_accent_attr());
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < x->at.rows && p->lines[k] > 0 && p->lines[k] == col; i++)
            mvaddwstr(x->at.row + i, col, L"\u2502");
    attrset(A_NORMAL);
}

/* Letters lose their colors; under pictures, which have lost theirs, cells must not change. */
static void gray_pane(const struct workbench *w, int slot, struct area a)
{
    const struct gfx_place *p = &w->screen.gfx.places[slot];
    unsigned dim = draw_dim();
    attr_t attr = dim & A_ATTRIBUTES & ~A_COLOR;
    short pair = (short)PAIR_NUMBER((int)dim);
    for (int row = a.row; row < a.row + a.rows; row++)
        for (int col = a.col; col < a.col + a.cols; col++)
            if (!p->wanted || !area_holds(p->at, row, col))
                mvchgat(row, col, 1, attr, pair, NULL);
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

void pane_draw(struct workbench *w, struct pane *p)
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

/* The title of the pane that has the keys, in the accent's color: what is bold in its first row. */
static void light_title(const struct pane *p)
{
    attr_t attr;
    short pair;
    for (int col = p->at.col; col < p->at.col + p->at.cols; col++) {
        cchar_t cell;
        wchar_t text[CCHARW_MAX + 1];
        if (mvin_wch(p->at.row, col, &cell) != OK ||
            getcchar(&cell, text, &attr, &pair, NULL) != OK)
            continue;
        if ((attr & A_BOLD) && !(attr & A_REVERSE) && pair == 0)
            mvchgat(p->at.row, col, 1, A_BOLD, (short)PAIR_NUMBER((int)draw_accent_attr()), NULL);
    }
}

static void draw_panes_body(struct workbench *w, struct area a)
{
    struct pane *popup = &w->panes.popup;
    if (popup->view) {
        popup->at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        popup->view->draw(w, popup, popup->at);
        return;
    }
    layout_panes(&w->panes, a);
    draw_lines(&w->panes);
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].shown) {
            w->panes.list[i].slot = i;
            pane_draw(w, &w->panes.list[i]);
            if (i == w->panes.focus && w->panes.count > 1)
                light_title(&w->panes.list[i]);
        }
}

bool panes_fit(void)
{
    return LINES >= MIN_ROWS && COLS >= MIN_COLS;
}

void panes_draw(struct workbench *w)
{
    erase();
    gfx_begin(&w->screen.gfx);
    links_begin(&w->screen.links);
    w->stale = stale_bits(w);
    w->screen.cursor = false;
    if (!panes_fit()) {
        draw_text(0, 0, COLS, "too small: %dx%d", COLS, LINES);
        draw_text(1, 0, COLS, "needs %dx%d", MIN_COLS, MIN_ROWS);
        draw_text(2, 0, COLS, "%s", w->status.bad ? w->status.text : "");
    } else {
        /* A picture must end above the last row, or terminals scroll. */
        draw_panes_body(w, (struct area){CHROME_TOP, 0, LINES - CHROME_TOP - CHROME_BOTTOM, COLS});
        hover_again(w);
        chrome_draw(w);
    }
    if (w->screen.cursor != w->screen.gfx.cursor)
        curs_set(w->screen.cursor);
    w->screen.gfx.cursor = w->screen.cursor;
    links_refresh(&w->screen.links);
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

struct pane *panes_at(struct workbench *w, int row, int col)
{
    struct pane *popup = &w->panes.popup;
    int i = popup->view ? -1 : pane_at(w, row, col);
    if (popup->view)
        return area_holds(popup->at, row, col) ? popup : NULL;
    return i < 0 ? NULL : &w->panes.list[i];
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
