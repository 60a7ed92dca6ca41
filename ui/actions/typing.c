/* SPDX-License-Identifier: MIT */
/* Keys of the lines that are typed: queries, images, commands, searches. */
#include "src/base/mem.h"
#include "ui/actions/actions.h"

#include <curses.h>
#include <stdlib.h>

#define CTRL(c) ((c) & 31)
#define ESCAPE 27

static bool edit_special(struct edit *e, int key)
{
    static const struct {
        int key;
        enum edit_key action;
    } map[] = {{KEY_LEFT, EDIT_LEFT}, {KEY_RIGHT, EDIT_RIGHT}, {KEY_HOME, EDIT_HOME},
               {KEY_END, EDIT_END}, {KEY_BACKSPACE, EDIT_BACKSPACE}, {KEY_DC, EDIT_DELETE},
               {KEY_UP, EDIT_OLDER}, {KEY_DOWN, EDIT_NEWER}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].key == key) {
            edit_key(e, map[i].action);
            return true;
        }
    return false;
}

static bool edit_control(struct edit *e, int key)
{
    static const struct {
        int key;
        enum edit_key action;
    } map[] = {{CTRL('a'), EDIT_HOME}, {CTRL('e'), EDIT_END}, {CTRL('b'), EDIT_LEFT},
               {CTRL('f'), EDIT_RIGHT}, {CTRL('h'), EDIT_BACKSPACE}, {127, EDIT_BACKSPACE},
               {CTRL('d'), EDIT_DELETE}, {CTRL('k'), EDIT_KILL_END}, {CTRL('u'), EDIT_KILL_START},
               {CTRL('w'), EDIT_KILL_WORD}, {CTRL('p'), EDIT_OLDER}, {CTRL('n'), EDIT_NEWER}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].key == key) {
            edit_key(e, map[i].action);
            return true;
        }
    return false;
}

static void insert_character(struct edit *e, int key)
{
    char utf8[16];
    keys_name(key, false, utf8, sizeof utf8);
    edit_insert(e, key == ' ' ? " " : utf8);
}

static bool is_enter(int key, bool special)
{
    return special ? key == KEY_ENTER : key == '\r' || key == '\n';
}

static void run_command(struct workbench *w)
{
    char *line = xstrdup(w->typed.command.text);
    edit_remember(&w->typed.command, line);
    edit_set(&w->typed.command, "");
    w->typed.mode = MODE_BROWSE;
    actions_line(w, line);
    free(line);
}

static void enter(struct workbench *w, int key, bool special)
{
    if (w->typed.mode == MODE_OPEN)
        do_open(w, w->typed.open.text);
    else if (w->typed.mode == MODE_COMMAND)
        run_command(w);
    else if (w->typed.mode == MODE_FIND)
        w->typed.mode = MODE_BROWSE;
    else if (w->ses.task->dialog && !special && key == '\n')
        edit_insert(&w->typed.query, "\n"); /* ^J: another round */
    else
        do_ask(w, "");
}

static void tab(struct workbench *w)
{
    if (w->typed.mode == MODE_COMMAND || w->typed.mode == MODE_OPEN)
        complete_command(w);
    else if (w->typed.mode == MODE_TYPE)
        panes_popup(w, &view_tasks);
}

/* Backspace on an empty command or search leaves it, as in vi. */
static bool leaves(const struct workbench *w, const struct edit *e, int key, bool special)
{
    bool erases = special ? key == KEY_BACKSPACE : key == 127 || key == CTRL('h');
    return (!special && key == ESCAPE) ||
           (erases && e->len == 0 && (w->typed.mode == MODE_COMMAND || w->typed.mode == MODE_FIND));
}

/* A question that was asked already makes room for the first letter of another; any other key edits
 * it. A "/" too many is none. True: the key is dealt with. */
static bool begins_anew(struct workbench *w, int key, bool special)
{
    bool letter = !special && key >= 32 && key != 127;
    if (w->typed.mode != MODE_TYPE || !w->typed.asked)
        return false;
    if (letter && key == '/')
        return true;
    w->typed.asked = false;
    if (letter)
        edit_set(&w->typed.query, "");
    return false;
}

void typing_key(struct workbench *w, int key, bool special)
{
    struct edit *e = typed_line(w);
    size_t len = e->len;
    if (begins_anew(w, key, special))
        return;
    if (is_enter(key, special))
        enter(w, key, special);
    else if (leaves(w, e, key, special))
        w->typed.mode = MODE_BROWSE;
    else if (!special && key == '\t')
        tab(w);
    else if (special)
        edit_special(e, key);
    else if (!edit_control(e, key) && key >= 32)
        insert_character(e, key);
    if (w->typed.mode == MODE_FIND && e->len != len && panes_view(&w->panes)->filter)
        panes_view(&w->panes)->filter(w, panes_focused(&w->panes));
}

/* In a view that can be searched; elsewhere a query is typed. */
void do_find(struct workbench *w, const char *arg)
{
    const struct view *v = panes_view(&w->panes);
    if (!v->filter) {
        typed_query(w, arg);
        return;
    }
    edit_set(&w->typed.filter, arg);
    if (*arg)
        v->filter(w, panes_focused(&w->panes));
    else
        w->typed.mode = MODE_FIND;
}
