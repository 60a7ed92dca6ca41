/* What is drawn where: panes beside the photo, popups over everything. */
#include "src/base/mem.h"
#include "ui/stale.h"
#include "ui/kit/text.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

#define MIN_ROWS 12
#define MIN_COLS 40
#define PANE_ROWS 6   /* at least */
#define NARROW 60     /* below: one pane at a time */
#define WIDE 150      /* from here on: three columns */

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
}

/* ---- which panes there are */

void panes_init(struct workbench *w)
{
    static const char *const first[] = {"photo", "answer", "looks", "matrix", "heads"};
    int most = COLS >= WIDE ? 5 : 3;
    w->pane_count = 0;
    for (int i = 0; i < most; i++)
        if (view_find(first[i]))
            w->panes[w->pane_count++].view = view_find(first[i]);
}

const struct view *panes_focused(const struct workbench *w)
{
    return w->popup ? w->popup : w->panes[w->focus].view;
}

void panes_popup(struct workbench *w, const struct view *v)
{
    panes_leave_popup(w);
    w->popup = v;
    w->scroll = w->pick = 0;
    edit_set(&w->filter, "");
    if (v->enter)
        v->enter(w);
}

void panes_leave_popup(struct workbench *w)
{
    if (w->popup && w->popup->leave)
        w->popup->leave(w);
    if (w->popup)
        edit_set(&w->filter, "");
    w->popup = NULL;
}

static int pane_of(const struct workbench *w, const struct view *v)
{
    for (int i = 0; i < w->pane_count; i++)
        if (w->panes[i].view == v)
            return i;
    return -1;
}

/* NULL, with words, when there is no such view. */
static const struct view *named_view(struct workbench *w, const char *name)
{
    const struct view *v = view_find(name);
    if (!v)
        workbench_say(w, true, "there is no view '%s'; v lists them", name);
    return v;
}

void do_view(struct workbench *w, const char *arg)
{
    const struct view *v = *arg ? named_view(w, arg) : &view_views;
    if (!v)
        return;
    if (v->popup) {
        panes_popup(w, v);
        return;
    }
    int at = pane_of(w, v);
    if (at < 0) {
        at = w->focus > 0 ? w->focus : w->pane_count - 1;
        at = at > 0 ? at : w->pane_count++;
        w->panes[at] = (struct pane){.view = v};
    }
    w->focus = at;
}

void do_split(struct workbench *w, const char *arg)
{
    const struct view *v = named_view(w, *arg ? arg : "tokens");
    if (!v || v->popup) {
        if (v)
            workbench_say(w, true, "the view %s covers the whole body", v->name);
        return;
    }
    int at = pane_of(w, v);
    if (at < 0 && w->pane_count == PANES) {
        workbench_say(w, true, "there are %d panes already; hide takes one away", PANES);
        return;
    }
    if (at < 0) {
        at = w->pane_count++;
        w->panes[at] = (struct pane){.view = v};
    }
    w->focus = at;
}

void do_hide(struct workbench *w, const char *arg)
{
    int at = *arg ? view_find(arg) ? pane_of(w, view_find(arg)) : -1 : w->focus;
    if (at < 0 || w->pane_count < 2) {
        workbench_say(w, true, at < 0 ? "no pane shows that" : "the last pane stays");
        return;
    }
    memmove(w->panes + at, w->panes + at + 1,
            (size_t)(w->pane_count - at - 1) * sizeof w->panes[0]);
    w->pane_count--;
    w->focus = w->focus >= w->pane_count ? 0 : w->focus;
    w->zoomed = false;
}

void do_zoom(struct workbench *w, const char *arg)
{
    (void)arg;
    w->zoomed = !w->zoomed;
}

void do_focus_next(struct workbench *w, const char *arg)
{
    (void)arg;
    w->focus = (w->focus + 1) % w->pane_count;
}

void do_focus_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    w->focus = (w->focus + w->pane_count - 1) % w->pane_count;
}

int panes_pick(int at, int count, int page, enum motion m)
{
    page = page > 1 ? page : 1;
    switch (m) {
    case MOVE_UP: at--; break;
    case MOVE_DOWN: at++; break;
    case MOVE_PAGE_UP: at -= page; break;
    case MOVE_PAGE_DOWN: at += page; break;
    case MOVE_FIRST: at = 0; break;
    case MOVE_LAST: at = count; break;
    case MOVE_LEFT: case MOVE_RIGHT: break;
    }
    at = at >= count ? count - 1 : at;
    return at < 0 ? 0 : at;
}

/* ---- where they are */

/* Panes first to end-1 one above the other; those that do not fit are left out, the focused one
 * never. */
static void stack(struct workbench *w, struct area a, int first, int end)
{
    int n = end - first, room = a.rows / PANE_ROWS;
    room = room < 1 ? 1 : room > n ? n : room;
    int from = w->focus >= first + room && w->focus < end ? w->focus - room + 1 : first;
    for (int i = 0; i < room; i++) {
        struct pane *p = &w->panes[from + i];
        int top = a.rows * i / room, bottom = a.rows * (i + 1) / room;
        p->at = (struct area){a.row + top, a.col, bottom - top - (i + 1 < room), a.cols};
        p->shown = true;
    }
}

/* A column of panes with a line on its left. */
static void column(struct workbench *w, struct area a, int first, int end)
{
    struct area inside = {a.row, a.col + 2, a.rows, a.cols - 3};
    for (int i = 0; i < a.rows; i++)
        mvaddwstr(a.row + i, a.col, L"\u2502");
    stack(w, inside, first, end);
    for (int i = first; i < end; i++)
        if (w->panes[i].shown && i == w->focus) {
            attrset(draw_rank_attr(1));
            for (int j = 0; j < w->panes[i].at.rows; j++)
                mvaddwstr(w->panes[i].at.row + j, a.col, L"\u2502");
            attrset(A_NORMAL);
        }
}

static void lay_out(struct workbench *w, struct area a)
{
    int n = w->pane_count;
    for (int i = 0; i < n; i++)
        w->panes[i].shown = false;
    if (w->zoomed || a.cols < NARROW || n == 1) {
        struct pane *p = &w->panes[w->focus];
        p->at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        p->shown = true;
        return;
    }
    bool three = a.cols >= WIDE && n >= 4;
    int left = three ? a.cols * 9 / 20 : a.cols * 3 / 5, middle = three ? (a.cols - left) / 2 : 0;
    int split = three ? 1 + n / 2 : 1;
    w->panes[0].at = (struct area){a.row, a.col, a.rows, left - 1};
    w->panes[0].shown = true;
    if (three)
        column(w, (struct area){a.row, left, a.rows, middle}, 1, split);
    column(w, (struct area){a.row, left + middle, a.rows, a.cols - left - middle}, split, n);
}

static bool inside(struct area a, int row, int col)
{
    return row >= a.row && row < a.row + a.rows && col >= a.col && col < a.col + a.cols;
}

/* Letters lose their colors; under pictures, which have lost theirs, cells must not change. */
static void gray(const struct workbench *w, struct area a)
{
    const struct gfx_place *p = &w->gfx.places[w->slot];
    for (int row = a.row; row < a.row + a.rows; row++)
        for (int col = a.col; col < a.col + a.cols; col++)
            if (!p->wanted || !inside(p->at, row, col))
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
    bool stale = p->view->stale && p->view->stale(w, text, sizeof text);
    if (stale)
        draw_note(p, text);
    w->gfx.gray = stale;
    p->view->draw(w, p->at);
    w->gfx.gray = false;
    attrset(A_NORMAL);
    if (stale)
        gray(w, p->at);
}

static void draw_body(struct workbench *w, struct area a)
{
    if (w->popup) {
        w->slot = 0;
        w->popup_at = (struct area){a.row, a.col + 1, a.rows, a.cols - 2};
        w->popup->draw(w, w->popup_at);
        return;
    }
    lay_out(w, a);
    for (int i = 0; i < w->pane_count; i++)
        if (w->panes[i].shown) {
            w->slot = i;
            draw_pane(w, &w->panes[i]);
        }
}

void panes_draw(struct workbench *w)
{
    erase();
    gfx_begin(&w->gfx);
    w->stale = stale_bits(w);
    w->cursor = false;
    if (LINES < MIN_ROWS || COLS < MIN_COLS) {
        draw_text(0, 0, COLS, "too small: %dx%d", COLS, LINES);
        draw_text(1, 0, COLS, "needs %dx%d", MIN_COLS, MIN_ROWS);
    } else {
        /* A picture must end above the last row, or terminals scroll. */
        draw_body(w, (struct area){CHROME_TOP, 0, LINES - CHROME_TOP - CHROME_BOTTOM, COLS});
        chrome_draw(w);
    }
    if (w->cursor != w->cursor_on)
        curs_set(w->cursor);
    w->cursor_on = w->cursor;
    refresh();
}

/* ---- moving and the mouse */

void panes_move(struct workbench *w, enum motion m)
{
    const struct view *v = panes_focused(w);
    if (v->move)
        (v->move)(w, m); /* curses has a macro of that name */
    else if (!v->popup)
        look_move(w, m);
}

/* The pane under a cell, or -1. */
static int pane_at(const struct workbench *w, int row, int col)
{
    for (int i = 0; i < w->pane_count; i++)
        if (w->panes[i].shown && inside(w->panes[i].at, row, col))
            return i;
    return -1;
}

void panes_click(struct workbench *w, int row, int col)
{
    if (w->popup) {
        struct area a = w->popup_at;
        if (w->popup->click && inside(a, row, col))
            w->popup->click(w, row - a.row, col - a.col);
        return;
    }
    int i = pane_at(w, row, col);
    if (i < 0)
        return;
    const struct pane *p = &w->panes[i];
    w->focus = i;
    if (p->view->click)
        p->view->click(w, row - p->at.row, col - p->at.col);
}

void panes_wheel(struct workbench *w, int row, int col, enum motion m)
{
    int i = w->popup ? -1 : pane_at(w, row, col);
    if (i >= 0)
        w->focus = i;
    if (i >= 0 || w->popup)
        panes_move(w, m);
}
