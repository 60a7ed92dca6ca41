/* SPDX-License-Identifier: MIT */
/* Everything that can be done, from the table of actions, with a search. */
#include "src/base/mem.h"
#include "ui/views/list.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Line i over all groups: an action, or a group's title (action NULL). */
static const struct action *line_at(const struct workbench *w, int i, const char **title)
{
    for (const struct action_group *g = w->actions; g->title; g++) {
        *title = g->title;
        if (i-- == 0)
            return NULL;
        for (const struct action *a = g->actions; a->name; a++)
            if (i-- == 0)
                return a;
    }
    *title = NULL;
    return NULL;
}

/* Titles are shown while nothing is searched. */
static const char *help_line_text(const struct workbench *w, const struct pane *p, int i)
{
    static char text[512];
    const char *title;
    const struct action *a = line_at(w, i, &title);
    char keys[128];
    (void)p;
    if (!a)
        return w->typed.filter.len ? NULL : title;
    action_keys(w, a, keys, sizeof keys);
    snprintf(text, sizeof text, "%s %s %s", keys, a->name, a->what);
    return text;
}

static int count_lines(const struct workbench *w)
{
    const char *title = "";
    int n = 0;
    while (title) {
        line_at(w, n, &title);
        n += title != NULL;
    }
    return n;
}

/* Many keys are told by the first and the last. */
static void help_shorten(char *keys, size_t size)
{
    char first[32], *last = strrchr(keys, ' ');
    int blanks = 0;
    for (const char *s = keys; *s; s++)
        blanks += *s == ' ';
    if (blanks < 3 || !last)
        return;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(keys, " "), keys);
    char *text = xasprintf("%s ..%s", first, last);
    snprintf(keys, size, "%s", text);
    free(text);
}

static void draw_action(const struct workbench *w, const struct action *a, struct area at, int row)
{
    char keys[128], name[128];
    bool narrow = at.cols < 100;
    int first = narrow ? 18 : 19, second = narrow ? 0 : 32;
    action_keys(w, a, keys, sizeof keys);
    help_shorten(keys, sizeof keys);
    snprintf(name, sizeof name, ":%s %s", a->name, a->args);
    attron(A_BOLD);
    draw_text(row, at.col + 1, first - 1, "%s", narrow && !keys[0] ? name : keys);
    attroff(A_BOLD);
    if (!narrow)
        draw_text(row, at.col + first, second - 1, "%s", name);
    int n = draw_text(row, at.col + first + second, at.cols - first - second, "%s", a->what);
    if (a->view)
        draw_text(row, at.col + first + second + n, at.cols - first - second - n, " (in %s)",
                  a->view);
}

static void help_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct list *l = p->state;
    list_filter(w, p, count_lines(w), help_line_text);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Keys and commands");
    attrset((int)draw_dim());
    draw_text(a.row, a.col + 19, a.cols - 19,
              "type to search, Enter runs the chosen one, Esc closes");
    int room = a.rows - 2, from = list_top(&l->top, l->pick, l->count, room);
    list_where((struct area){a.row + 1, a.col, 1, a.cols}, from, l->count, room);
    for (int i = from; i < l->count && i - from < room; i++) {
        const char *title;
        const struct action *x = line_at(w, l->lines[i], &title);
        int row = a.row + 2 + i - from;
        attrset(i == l->pick ? A_REVERSE : A_NORMAL);
        if (i == l->pick)
            mvhline(row, a.col, ' ', a.cols);
        if (x) {
            draw_action(w, x, a, row);
        } else {
            attron((int)draw_accent_attr());
            draw_text(row, a.col, a.cols, "%s", title);
        }
        attrset(A_NORMAL);
    }
}

static void help_accept(struct workbench *w, struct pane *p)
{
    const struct list *l = p->state;
    const char *title;
    const struct action *a = l->pick < l->count ? line_at(w, l->lines[l->pick], &title) : NULL;
    panes_leave_popup(w);
    if (!a)
        return;
    if (a->args[0] && a->args[0] != '[') {
        char line[128];
        snprintf(line, sizeof line, "%s ", a->name);
        typed_command(w, line);
    } else {
        action_run(w, a, "");
    }
}

static void help_filter(struct workbench *w, struct pane *p)
{
    struct list *l = p->state;
    l->pick = 0;
    list_filter(w, p, count_lines(w), help_line_text);
}

static void do_help(struct workbench *w, const char *arg)
{
    panes_popup(w, &view_help);
    if (*arg) {
        edit_set(&w->typed.filter, arg);
        help_filter(w, &w->panes.popup);
    }
}

static const struct action help_actions[] = {
    ACTIONS_AFTER("status"),
    {"help", "? F1", "[TEXT]", NULL, "all keys and commands", do_help},
    {0},
};

const struct view view_help = {
    .name = "help",
    .what = "all keys and commands, searchable",
    .hints = "type to search, Enter runs, Esc closes",
    .popup = true,
    .state = sizeof(struct list),
    .end = list_end,
    .draw = help_draw,
    .move = list_move,
    .accept = help_accept,
    .click = list_click,
    .filter = help_filter,
    .actions = help_actions,
};
