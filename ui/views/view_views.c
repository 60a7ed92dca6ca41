/* SPDX-License-Identifier: MIT */
/* The list of views. */
#include "ui/views/list.h"

#include <curses.h>

static const char *view_text(const struct workbench *w, const struct pane *p, int i)
{
    (void)w;
    (void)p;
    return all_views[i]->name;
}

static int count_views(void)
{
    int n = 0;
    while (all_views[n])
        n++;
    return n;
}

static void views_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct list *l = p->state;
    list_filter(w, p, count_views(), view_text);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Views: Enter opens one in the focused pane");
    attrset(A_NORMAL);
    int room = a.rows - 2, from = list_top(&l->top, l->pick, l->count, room);
    for (int i = from; i < l->count && i - from < room; i++) {
        const struct view *v = all_views[l->lines[i]];
        attrset(i == l->pick ? A_REVERSE : A_NORMAL);
        draw_text(a.row + 2 + i - from, a.col, a.cols, "%c %-10s %s",
                  panes_find(&w->panes, v) >= 0 ? '*' : ' ', v->name, v->what);
    }
    attrset(A_NORMAL);
}

static void views_accept(struct workbench *w, struct pane *p)
{
    const struct list *l = p->state;
    const struct view *v = l->pick < l->count ? all_views[l->lines[l->pick]] : NULL;
    panes_leave_popup(w);
    if (v && v->popup)
        panes_popup(w, v);
    else if (v)
        panes_show(&w->panes, v);
}

static bool views_click(struct workbench *w, struct pane *p, int row, int col)
{
    bool there = list_click(w, p, row, col);
    if (there)
        views_accept(w, p);
    return there;
}

static void views_filter(struct workbench *w, struct pane *p)
{
    struct list *l = p->state;
    l->pick = 0;
    list_filter(w, p, count_views(), view_text);
}

const struct view view_views = {
    .name = "views",
    .what = "this list",
    .hints = "Enter shows, Esc closes",
    .popup = true,
    .state = sizeof(struct list),
    .end = list_end,
    .draw = views_draw,
    .move = list_move,
    .accept = views_accept,
    .click = views_click,
    .filter = views_filter,
};
