/* SPDX-License-Identifier: MIT */
/* A pane as it was: what is asked, chosen and computed later does not change it, so that it can be
 * compared with what comes. Cells and pixels are kept, not what they were made of. */
#include "src/base/mem.h"
#include "ui/kit/theme.h"
#include "ui/views/views.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

extern const struct view view_frozen;

struct frozen_cell {
    wchar_t text[CCHARW_MAX + 1];
    attr_t attr;
    int pair;           /* of a theme's color, which is the same later; or 0: */
    bool colored;
    int front, behind;
};

struct frozen {
    int rows, cols;
    struct frozen_cell *cells; /* (rows, cols); NULL: nothing was frozen */
    struct canvas *picture;    /* or NULL */
    struct area at;            /* its cells, counted from the pane's corner */
    char *name;                /* of the view */
};

static void frozen_end(struct pane *p)
{
    struct frozen *f = p->state;
    free(f->cells);
    free(f->name);
    canvas_free(f->picture);
}

/* ---- keeping */

/* What lies under pictures are blanks of other kinds, which are the picture's. */
static bool frozen_is_blank(wchar_t c)
{
    return c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x10eeee;
}

static void frozen_keep_cell(struct frozen_cell *x, int row, int col)
{
    cchar_t cell;
    short number;
    int pair = 0;
    if (mvin_wch(row, col, &cell) != OK ||
        getcchar(&cell, x->text, &x->attr, &number, &pair) != OK)
        x->text[0] = L' ';
    x->attr &= A_ATTRIBUTES & ~A_COLOR;
    if (frozen_is_blank(x->text[0]))
        *x = (struct frozen_cell){.text = L" "};
    else if (pair > 0 && pair <= THEME_COLORS)
        x->pair = pair;
    else if (pair > 0)
        x->colored = extended_pair_content(pair, &x->front, &x->behind) == OK;
}

static void frozen_keep_picture(const struct workbench *w, int slot, struct area a,
                                struct frozen *f)
{
    const struct gfx_place *place = &w->screen.gfx.places[slot];
    const struct canvas *c = place->canvas;
    if (!gfx_has_pixels(&w->screen.gfx) || !place->wanted || !c)
        return;
    f->picture = canvas_new(c->w, c->h);
    if (!f->picture)
        return;
    canvas_put(f->picture, 0, 0, c);
    f->at = place->at;
    f->at.row -= a.row;
    f->at.col -= a.col;
}

/* What was drawn in an area, with the picture of that slot. */
static void frozen_keep(const struct workbench *w, int slot, struct area a, struct frozen *f)
{
    f->rows = a.rows;
    f->cols = a.cols;
    f->cells = xcalloc((size_t)(a.rows * a.cols) + 1, sizeof *f->cells);
    for (int i = 0; i < a.rows; i++)
        for (int j = 0; j < a.cols; j++)
            frozen_keep_cell(&f->cells[i * a.cols + j], a.row + i, a.col + j);
    frozen_keep_picture(w, slot, a, f);
}

/* ---- showing */

static void frozen_put_cell(const struct frozen_cell *x, int row, int col)
{
    cchar_t cell;
    int pair = x->colored ? alloc_pair(x->front, x->behind) : x->pair;
    if (setcchar(&cell, x->text[0] ? x->text : L" ", x->attr, 0, &pair) == OK)
        mvadd_wch(row, col, &cell);
}

/* In its place, smaller where there is less room. */
static void frozen_put_picture(struct workbench *w, const struct pane *p, const struct frozen *f,
                        struct area a)
{
    struct area at = {a.row + f->at.row, a.col + f->at.col, a.rows - f->at.row,
                      a.cols - f->at.col};
    int width, height;
    if (at.rows < 1 || at.cols < 1)
        return;
    at.rows = at.rows < f->at.rows ? at.rows : f->at.rows;
    at.cols = at.cols < f->at.cols ? at.cols : f->at.cols;
    gfx_fit(&w->screen.gfx, at, f->picture->w, f->picture->h, &width, &height);
    bool same = gfx_has_pixels(&w->screen.gfx) && width >= f->picture->w;
    struct canvas *c = same ? draw_canvas(w, f->picture->w, f->picture->h)
                            : draw_canvas(w, width, height);
    if (!c)
        return;
    if (same) {
        canvas_put(c, 0, 0, f->picture);
    } else {
        canvas_photo(c, f->picture->rgb, f->picture->w, f->picture->h);
        canvas_keep_those(c, f->picture);
    }
    gfx_place(&w->screen.gfx, p->slot, at, c);
}

static void frozen_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct frozen *f = p->state;
    if (!f->cells) {
        draw_text(a.row, a.col, a.cols, "nothing is frozen: * keeps the focused pane as it is");
        return;
    }
    struct area body = {a.row + 1, a.col, a.rows - 1, a.cols};
    bool cut = f->rows > body.rows || f->cols > body.cols;
    attrset(A_REVERSE);
    draw_text(a.row, a.col, a.cols, " frozen: %s%s ", f->name, cut ? ", cut: it was larger" : "");
    attrset(A_NORMAL);
    for (int i = 0; i < f->rows && i < body.rows; i++)
        for (int j = 0; j < f->cols && j < body.cols; j++) {
            const struct frozen_cell *x = &f->cells[i * f->cols + j];
            bool wide = wcwidth(x->text[0]) > 1;
            if (!wide || j + 1 < body.cols)
                frozen_put_cell(x, body.row + i, body.col + j);
            j += wide;
        }
    if (f->picture)
        frozen_put_picture(w, p, f, body);
}

/* The focused pane is drawn in the room that the new one will have, kept, and in the next frame
 * drawn where it is. */
static void frozen_make(struct workbench *w)
{
    struct panes *p = &w->panes;
    int at = p->focus;
    p->zoomed = false;
    panes_insert(p, at + 1, pane_open(&view_frozen));
    layout_panes(p, p->body);
    struct pane *of = &p->list[at], *to = &p->list[at + 1];
    struct frozen *f = to->state;
    if (to->shown)
        of->at = to->at;
    of->at.row++;
    of->at.rows--;
    struct area body = of->at;
    erase();
    gfx_begin(&w->screen.gfx);
    pane_draw(w, of);
    f->name = xstrdup(of->view->name);
    frozen_keep(w, of->slot, body, f);
    workbench_say(w, false, "the view %s is kept as it is%s", f->name,
                  to->shown ? "" : ": Tab shows it");
}

static void do_freeze(struct workbench *w, const char *arg)
{
    struct panes *p = &w->panes;
    const struct pane *of = panes_focused(p);
    (void)arg;
    if (p->popup.view || of->view == &view_frozen)
        workbench_say(w, true, "the view %s cannot be frozen", of->view->name);
    else if (!panes_fit())
        workbench_say(w, true, "the terminal is too small to keep a pane as it is");
    else if (p->count == PANES)
        workbench_say(w, true, "there are %d panes already; hide closes one", PANES);
    else
        frozen_make(w);
}

static const struct action frozen_actions[] = {
    ACTIONS_AFTER("split"),
    {"freeze", "*", "", NULL, "keep the focused pane as it is, in a new pane", do_freeze},
    {0},
};

const struct view view_frozen = {
    .name = "frozen",
    .what = "a pane as it was, to be compared with what comes",
    .hints = "_ closes it",
    .state = sizeof(struct frozen),
    .end = frozen_end,
    .draw = frozen_draw,
    .actions = frozen_actions,
};
