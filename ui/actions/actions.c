/* SPDX-License-Identifier: MIT */
/* From keys and command lines to actions. */
#include "src/base/mem.h"
#include "ui/actions/actions.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(c) ((c) & 31)
#define ESCAPE 27

/* Whether a word is among words with blanks between. */
static bool actions_has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *s = words; *s;) {
        size_t n = strcspn(s, " ");
        if (n == len && memcmp(s, word, len) == 0)
            return true;
        s += n + strspn(s + n, " ");
    }
    return false;
}

const struct action *action_find(const struct workbench *w, const char *name)
{
    name = action_name_now(name);
    for (const struct action_group *g = w->actions; g->title; g++)
        for (const struct action *a = g->actions; a->name; a++)
            if (strcmp(a->name, name) == 0)
                return a;
    return NULL;
}

/* The action of a key: those of the view before those of all. */
static const struct action *find_by_key(const struct workbench *w, const char *key)
{
    const struct view *v = panes_view(&w->panes);
    const struct action *found = NULL;
    for (const struct action_group *g = w->actions; g->title; g++)
        for (const struct action *a = g->actions; a->name; a++) {
            if (!actions_has_word(a->keys, key))
                continue;
            if (a->view && strcmp(a->view, v->name) == 0)
                return a;
            if (!a->view && !found)
                found = a;
        }
    return found;
}

/* ---- command lines */

bool actions_line(struct workbench *w, const char *line)
{
    line += strspn(line, " :");
    size_t len = strcspn(line, " ");
    char *name = xstrndup(line, len);
    const struct action *a = action_find(w, name);
    const char *arg = line + len + strspn(line + len, " ");
    w->status.bad = false;
    if (!*name)
        ;
    else if (!a)
        workbench_say(w, true, "there is no command '%s'; ? lists them", name);
    else if (a->args[0] && a->args[0] != '[' && !*arg)
        workbench_say(w, true, "%s %s: %s", a->name, a->args, a->what);
    else if (!a->args[0] && *arg)
        workbench_say(w, true, "%s: unexpected argument '%s'", a->name, arg);
    else
        action_run(w, a, arg);
    free(name);
    return !w->status.bad;
}

/* ---- keys */

/* By its name, as if it had been pressed while nothing is typed. False: it means nothing. */
static bool actions_named_key(struct workbench *w, const char *key)
{
    const struct binding *b = binding_find(&w->bound, key);
    const struct action *a = b ? NULL : find_by_key(w, key);
    snprintf(w->typed.key, sizeof w->typed.key, "%s", key);
    if (b) {
        char *line = xstrdup(b->line); /* it may bind the key anew */
        actions_line(w, line);
        free(line);
    } else if (a) {
        action_run(w, a, "");
    }
    w->typed.key[0] = '\0';
    return a || b;
}

/* Letters go to the search of a popup that has one. */
static bool filter_key(struct workbench *w, int key, bool special)
{
    struct pane *p = &w->panes.popup;
    char letter[16];
    if (!p->view || !p->view->filter)
        return false;
    bool erases = special ? key == KEY_BACKSPACE : key == 127 || key == CTRL('h');
    if (erases) {
        edit_key(&w->typed.filter, EDIT_BACKSPACE);
    } else if (!special && key == CTRL('u')) {
        edit_set(&w->typed.filter, "");
    } else if (!special && key >= 32) {
        keys_name(key, false, letter, sizeof letter);
        edit_insert(&w->typed.filter, key == ' ' ? " " : letter);
    } else {
        return false;
    }
    p->view->filter(w, p);
    return true;
}

static bool is_typing(const struct workbench *w)
{
    return w->typed.mode == MODE_TYPE || w->typed.mode == MODE_OPEN ||
           w->typed.mode == MODE_COMMAND || w->typed.mode == MODE_FIND;
}

/* Keys that work whatever is typed. */
static bool key_always(struct workbench *w, int key)
{
    if (key == CTRL('l') || key == CTRL('z'))
        return actions_named_key(w, key == CTRL('l') ? "C-l" : "C-z");
    if (key == CTRL('c') && is_typing(w) && !workbench_busy(w)) {
        w->typed.mode = MODE_BROWSE;
        return true;
    }
    return key == CTRL('c') && actions_named_key(w, "C-c");
}

/* A script that waits for a key goes on; Escape and q end it. */
static bool script_resumes(struct workbench *w, int key, bool special)
{
    if (!w->script.pauses)
        return false;
    w->script.pauses = false;
    if (!special && (key == ESCAPE || key == 'q')) {
        script_fini(w);
        workbench_say(w, false, "the script ends here");
    }
    return true;
}

void actions_key(struct workbench *w, int key, bool special)
{
    char name[16];
    keys_name(key, special, name, sizeof name);
    if (special && key == KEY_RESIZE)
        w->screen.redraw = true;
    else if (!special && key_always(w, key))
        ;
    else if (script_resumes(w, key, special))
        ;
    else if (is_typing(w))
        typing_key(w, key, special);
    else if (w->typed.mode == MODE_BOX)
        boxes_key(w, key, special);
    else if (!filter_key(w, key, special) && name[0] && !actions_named_key(w, name))
        workbench_say(w, false, "%s does nothing here; ? shows the keys", name);
}
