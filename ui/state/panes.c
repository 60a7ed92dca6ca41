/* SPDX-License-Identifier: MIT */
/* Which panes there are. */
#include "ui/state/panes.h"

#include "src/base/mem.h"
#include "ui/state/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- what views remember while they are not on the screen */

static int kept_at(const struct panes *p, const struct view *v)
{
    for (int i = 0; i < p->kept_count; i++)
        if (p->kept[i].view == v)
            return i;
    return -1;
}

/* As it was when it was last on the screen. */
static struct pane take_kept(struct panes *p, const struct view *v)
{
    int at = kept_at(p, v);
    if (at < 0)
        return pane_open(v);
    struct pane x = p->kept[at];
    p->kept[at] = p->kept[--p->kept_count];
    return x;
}

/* A second one, with a slice of its own, is forgotten. */
static void put_away(struct panes *p, struct pane *x)
{
    int at = kept_at(p, x->view);
    if (x->own || at >= 0 || panes_find(p, x->view) >= 0) {
        pane_close(x);
        return;
    }
    x->shown = false;
    p->kept = xreallocarray(p->kept, (size_t)p->kept_count + 1, sizeof *p->kept);
    p->kept[p->kept_count++] = *x;
    *x = (struct pane){0};
}

void panes_free(struct panes *p)
{
    for (int i = 0; i < p->count; i++)
        pane_close(&p->list[i]);
    for (int i = 0; i < p->kept_count; i++)
        pane_close(&p->kept[i]);
    pane_close(&p->popup);
    free(p->kept);
    *p = (struct panes){0};
}

/* ---- which there are */

struct pane *panes_focused(struct panes *p)
{
    return p->popup.view ? &p->popup : &p->list[p->focus];
}

const struct view *panes_view(const struct panes *p)
{
    return p->popup.view ? p->popup.view : p->list[p->focus].view;
}

int panes_find(const struct panes *p, const struct view *v)
{
    for (int i = 0; i < p->count; i++)
        if (p->list[i].view == v)
            return i;
    return -1;
}

struct pane *panes_of(struct panes *p, const struct view *v)
{
    int at = panes_find(p, v);
    if (panes_view(p) == v)
        return panes_focused(p);
    if (at >= 0)
        return &p->list[at];
    at = kept_at(p, v);
    if (at >= 0)
        return &p->kept[at];
    p->kept = xreallocarray(p->kept, (size_t)p->kept_count + 1, sizeof *p->kept);
    p->kept[p->kept_count] = pane_open(v);
    return &p->kept[p->kept_count++];
}

void panes_add(struct panes *p, const struct view *v)
{
    p->list[p->count] = take_kept(p, v);
    p->focus = p->count++;
}

void panes_insert(struct panes *p, int at, struct pane x)
{
    memmove(p->list + at + 1, p->list + at, (size_t)(p->count - at) * sizeof p->list[0]);
    p->list[at] = x;
    p->count++;
    p->focus += p->focus >= at;
}

void panes_show(struct panes *p, const struct view *v)
{
    int at = panes_view(p) == v ? p->focus : panes_find(p, v);
    if (at < 0 && p->focus == 0 && p->count == 1) {
        panes_add(p, v);
        return;
    }
    if (at < 0) {
        at = p->focus > 0 ? p->focus : p->count - 1;
        struct pane old = p->list[at];
        p->list[at] = take_kept(p, v);
        p->list[at].part = old.part; /* lines between panes stay */
        put_away(p, &old);
    }
    p->focus = at;
}

void panes_remove(struct panes *p, int at)
{
    struct pane old = p->list[at];
    memmove(p->list + at, p->list + at + 1, (size_t)(p->count - at - 1) * sizeof p->list[0]);
    p->count--;
    put_away(p, &old);
    p->focus -= at < p->focus; /* the same pane has the keys */
    p->focus = p->focus >= p->count ? 0 : p->focus;
    p->zoomed = false;
}

void panes_double(struct panes *p, const struct slice *now)
{
    struct pane x = pane_open(p->list[p->focus].view);
    if (x.view->sliced) {
        x.own = xmalloc(sizeof *x.own);
        *x.own = *now;
    }
    p->list[p->count] = x;
    p->focus = p->count++;
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

/* ---- popups */

void panes_popup(struct workbench *w, const struct view *v)
{
    panes_leave_popup(w);
    w->panes.popup = pane_open(v);
    edit_set(&w->typed.filter, "");
    if (v->enter)
        v->enter(w, &w->panes.popup);
}

void panes_leave_popup(struct workbench *w)
{
    if (w->panes.popup.view)
        edit_set(&w->typed.filter, "");
    pane_close(&w->panes.popup);
}
