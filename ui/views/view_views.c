/* The list of views. */
#include "ui/workbench_priv.h"

#include <curses.h>

static const char *view_text(const struct workbench *w, int i)
{
    (void)w;
    return all_views[i]->name;
}

static int count_views(void)
{
    int n = 0;
    while (all_views[n])
        n++;
    return n;
}

static bool is_open(const struct workbench *w, const struct view *v)
{
    for (int i = 0; i < w->pane_count; i++)
        if (w->panes[i].view == v)
            return true;
    return false;
}

static void views_draw(struct workbench *w, struct area a)
{
    list_filter(w, count_views(), view_text);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Views: Enter opens one in the pane that has the keys");
    attrset(A_NORMAL);
    int room = a.rows - 2, from = list_top(&w->scroll, w->pick, w->line_count, room);
    for (int i = from; i < w->line_count && i - from < room; i++) {
        const struct view *v = all_views[w->lines[i]];
        attrset(i == w->pick ? A_REVERSE : A_NORMAL);
        draw_text(a.row + 2 + i - from, a.col, a.cols, "%c %-10s %s", is_open(w, v) ? '*' : ' ',
                  v->name, v->what);
    }
    attrset(A_NORMAL);
}

static void views_accept(struct workbench *w)
{
    const struct view *v = w->pick < w->line_count ? all_views[w->lines[w->pick]] : NULL;
    panes_leave_popup(w);
    if (v)
        do_view(w, v->name);
}

static bool views_click(struct workbench *w, int row, int col)
{
    int at = w->scroll + row - 2;
    (void)col;
    if (row < 2 || at >= w->line_count)
        return false;
    w->pick = at;
    views_accept(w);
    return true;
}

static void views_filter(struct workbench *w)
{
    list_filter(w, count_views(), view_text);
}

const struct view view_views = {
    .name = "views",
    .what = "this list",
    .popup = true,
    .draw = views_draw,
    .move = list_move,
    .accept = views_accept,
    .click = views_click,
    .filter = views_filter,
};
