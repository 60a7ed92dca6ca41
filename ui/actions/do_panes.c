/* SPDX-License-Identifier: MIT */
/* Showing, hiding and doubling panes; their sizes. */
#include "ui/actions/actions.h"

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
    if (v && v->popup)
        panes_popup(w, v);
    else if (v)
        panes_show(&w->panes, v);
}

/* Of the view that has the keys a second one, with a slice of its own. */
void do_split(struct workbench *w, const char *arg)
{
    struct panes *p = &w->panes;
    const struct view *v = named_view(w, *arg ? arg : "tokens");
    if (!v || v->popup) {
        if (v)
            workbench_say(w, true, "the view %s is a popup, not a pane", v->name);
        return;
    }
    bool again = *arg && panes_view(p) == v;
    int at = again ? -1 : panes_find(p, v);
    if (at < 0 && p->count == PANES)
        workbench_say(w, true, "there are %d panes already; hide closes one", PANES);
    else if (again)
        panes_double(p, pane_slice(w, panes_focused(p)));
    else if (at < 0)
        panes_add(p, v);
    else
        p->focus = at;
}

void do_hide(struct workbench *w, const char *arg)
{
    struct panes *p = &w->panes;
    int at = *arg ? view_find(arg) ? panes_find(p, view_find(arg)) : -1 : p->focus;
    if (at < 0 || p->count < 2)
        workbench_say(w, true, at < 0 ? "no pane shows that" : "the last pane cannot be closed");
    else
        panes_remove(p, at);
}

void do_zoom(struct workbench *w, const char *arg)
{
    (void)arg;
    w->panes.zoomed = !w->panes.zoomed;
}

void do_focus_next(struct workbench *w, const char *arg)
{
    (void)arg;
    w->panes.focus = (w->panes.focus + 1) % w->panes.count;
}

void do_focus_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    w->panes.focus = (w->panes.focus + w->panes.count - 1) % w->panes.count;
}

/* The line beside the focused pane, or that below it (of the last one: above) goes so far. */
static void move_line(struct workbench *w, int rows, int cols)
{
    if (!panes_fit()) {
        workbench_say(w, true, "the terminal is too small for lines to move");
        return;
    }
    layout_panes(&w->panes, w->panes.body); /* keys come faster than frames */
    struct border b = border_of_focus(&w->panes, rows != 0);
    if (b.i < 0 && (w->panes.zoomed || rows == 0))
        workbench_say(w, true, "one pane has all the room%s",
                      w->panes.zoomed ? ": z restores the others" : "");
    else if (b.i < 0)
        workbench_say(w, true, "no pane is above or below this one");
    else
        border_step(&w->panes, b, rows, cols);
}

void do_line_left(struct workbench *w, const char *arg)
{
    (void)arg;
    move_line(w, 0, -2);
}

void do_line_right(struct workbench *w, const char *arg)
{
    (void)arg;
    move_line(w, 0, 2);
}

void do_line_up(struct workbench *w, const char *arg)
{
    (void)arg;
    move_line(w, -1, 0);
}

void do_line_down(struct workbench *w, const char *arg)
{
    (void)arg;
    move_line(w, 1, 0);
}

void do_even(struct workbench *w, const char *arg)
{
    (void)arg;
    layout_even(&w->panes);
}
