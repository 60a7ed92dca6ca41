/* SPDX-License-Identifier: MIT */
/* What the mouse points at is named in the last line, with its number. A mouse says where it is
 * more often than anybody reads: where the name is the same nothing is drawn, else that line
 * alone. */
#include "ui/views/views.h"

#include <curses.h>
#include <string.h>

static void hover_name(struct workbench *w, char *out, size_t size)
{
    const struct hover *h = &w->screen.hover;
    struct pane *p = panes_at(w, h->row, h->col);
    if (!panes_fit() || !p || !p->view->under ||
        !p->view->under(w, p, h->row - p->at.row, h->col - p->at.col, out, size))
        out[0] = '\0';
}

void hover_again(struct workbench *w)
{
    w->screen.hover.text[0] = '\0';
    if (w->screen.hover.on)
        hover_name(w, w->screen.hover.text, sizeof w->screen.hover.text);
}

bool hover_move(struct workbench *w, int row, int col)
{
    char before[sizeof w->screen.hover.text];
    memcpy(before, w->screen.hover.text, sizeof before);
    w->screen.hover.on = true;
    w->screen.hover.row = row;
    w->screen.hover.col = col;
    hover_again(w);
    return strcmp(before, w->screen.hover.text) != 0;
}

void hover_draw(struct workbench *w)
{
    links_drop(&w->screen.links, LINES - 1);
    chrome_draw_status(w);
    links_refresh(&w->screen.links);
}
