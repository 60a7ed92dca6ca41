/* From keys and command lines to actions. */
#include "src/base/mem.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(c) ((c) & 31)
#define ESCAPE 27

/* Whether a word is among words with blanks between. */
static bool has_word(const char *words, const char *word)
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

const struct action *action_find(const char *name)
{
    for (int g = 0; action_groups[g].title; g++)
        for (const struct action *a = action_groups[g].actions; a->name; a++)
            if (strcmp(a->name, name) == 0)
                return a;
    return NULL;
}

/* The action of a key: those of the view before those of all. */
static const struct action *find_by_key(const struct view *v, const char *key)
{
    const struct action *found = NULL;
    for (int g = 0; action_groups[g].title; g++)
        for (const struct action *a = action_groups[g].actions; a->name; a++) {
            if (!has_word(a->keys, key))
                continue;
            if (a->view && strcmp(a->view, v->name) == 0)
                return a;
            if (!a->view && !found)
                found = a;
        }
    return found;
}

static const struct binding *find_binding(const struct workbench *w, const char *key)
{
    for (int i = 0; i < w->binding_count; i++)
        if (strcmp(w->bindings[i].key, key) == 0)
            return &w->bindings[i];
    return NULL;
}

/* ---- command lines */

bool actions_line(struct workbench *w, const char *line)
{
    line += strspn(line, " :");
    size_t len = strcspn(line, " ");
    char *name = xstrndup(line, len);
    const struct action *a = action_find(name);
    const char *arg = line + len + strspn(line + len, " ");
    w->status_bad = false;
    if (!*name)
        ;
    else if (!a)
        workbench_say(w, true, "there is no command '%s'; ? lists them", name);
    else if (a->args[0] && a->args[0] != '[' && !*arg)
        workbench_say(w, true, "%s %s: %s", a->name, a->args, a->what);
    else if (!a->args[0] && *arg)
        workbench_say(w, true, "%s takes nothing: '%s'", a->name, arg);
    else
        action_run(w, a, arg);
    free(name);
    return !w->status_bad;
}

/* ---- keys */

bool actions_named_key(struct workbench *w, const char *key)
{
    const struct binding *b = find_binding(w, key);
    const struct action *a = b ? NULL : find_by_key(panes_view(&w->panes), key);
    snprintf(w->key, sizeof w->key, "%s", key);
    if (b) {
        char *line = xstrdup(b->line); /* it may bind the key anew */
        actions_line(w, line);
        free(line);
    } else if (a) {
        action_run(w, a, "");
    }
    w->key[0] = '\0';
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
        edit_key(&w->filter, EDIT_BACKSPACE);
    } else if (!special && key == CTRL('u')) {
        edit_set(&w->filter, "");
    } else if (!special && key >= 32) {
        keys_name(key, false, letter, sizeof letter);
        edit_insert(&w->filter, key == ' ' ? " " : letter);
    } else {
        return false;
    }
    p->view->filter(w, p);
    return true;
}

static bool is_typing(const struct workbench *w)
{
    return w->mode == MODE_TYPE || w->mode == MODE_OPEN || w->mode == MODE_COMMAND ||
           w->mode == MODE_FIND;
}

/* Keys that work whatever is typed. */
static bool always(struct workbench *w, int key)
{
    if (key == CTRL('l') || key == CTRL('z'))
        return actions_named_key(w, key == CTRL('l') ? "C-l" : "C-z");
    if (key == CTRL('c') && is_typing(w) && !workbench_busy(w)) {
        w->mode = MODE_BROWSE;
        return true;
    }
    return key == CTRL('c') && actions_named_key(w, "C-c");
}

/* A script that waits for a key goes on; Escape and q end it. */
static bool resumes(struct workbench *w, int key, bool special)
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
        w->redraw = true;
    else if (!special && always(w, key))
        ;
    else if (resumes(w, key, special))
        ;
    else if (is_typing(w))
        typing_key(w, key, special);
    else if (w->mode == MODE_BOX)
        boxes_key(w, key, special);
    else if (!filter_key(w, key, special) && name[0] && !actions_named_key(w, name))
        workbench_say(w, false, "%s does nothing here; ? shows the keys", name);
}

void actions_keys(const struct workbench *w, const struct action *a, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *s = a->keys; *s;) {
        char key[16];
        size_t n = strcspn(s, " ");
        snprintf(key, sizeof key, "%.*s", (int)n, s);
        if (!find_binding(w, key) && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", key);
        s += n + strspn(s + n, " ");
    }
    for (int i = 0; i < w->binding_count; i++) {
        const char *line = w->bindings[i].line;
        size_t n = strcspn(line, " ");
        if (n == strlen(a->name) && strncmp(line, a->name, n) == 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     w->bindings[i].key);
    }
}

/* ---- the user's keys and settings */

void actions_bind(struct workbench *w, const char *key, const char *line)
{
    for (int i = 0; i < w->binding_count; i++)
        if (strcmp(w->bindings[i].key, key) == 0) {
            free(w->bindings[i].line);
            w->bindings[i].line = xstrdup(line);
            return;
        }
    w->bindings = xreallocarray(w->bindings, (size_t)w->binding_count + 1, sizeof *w->bindings);
    w->bindings[w->binding_count++] = (struct binding){xstrdup(key), xstrdup(line)};
}

void do_bind(struct workbench *w, const char *arg)
{
    size_t n = strcspn(arg, " ");
    char *key = xstrndup(arg, n), *name = NULL;
    const char *line = arg + n + strspn(arg + n, " ");
    name = xstrndup(line, strcspn(line, " "));
    if (!keys_known(key))
        workbench_say(w, true, "there is no key '%s': x, C-x, Space, Tab, Left, S-Left, F5 ...",
                      key);
    else if (!*line)
        workbench_say(w, true, "bind KEY COMMAND: what should %s do?", key);
    else if (!action_find(name))
        workbench_say(w, true, "there is no command '%s'; ? lists them", name);
    else
        actions_bind(w, key, line);
    free(key);
    free(name);
}

static bool parse_switch(struct workbench *w, const char *option, const char *value, bool *out)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
        workbench_say(w, true, "set %s on, or off, not '%s'", option, value);
        return false;
    }
    *out = strcmp(value, "on") == 0;
    return true;
}

static void set_graphics(struct workbench *w, const char *value)
{
    enum graphics_choice choice;
    if (workbench_graphics(value, &choice))
        workbench_set_graphics(w, choice);
    else
        workbench_say(w, true, "set graphics auto, sixel, blocks, ascii or none, not '%s'", value);
}

void do_set(struct workbench *w, const char *arg)
{
    size_t n = strcspn(arg, " ");
    char *option = xstrndup(arg, n);
    const char *value = arg + n + strspn(arg + n, " ");
    bool on = false;
    if (strcmp(option, "colors") == 0 && *value)
        do_color_map(w, value);
    else if (strcmp(option, "boxes") == 0 && atoi(value) > 0)
        do_boxes_more(w, value);
    else if (strcmp(option, "graphics") == 0)
        set_graphics(w, value);
    else if (strcmp(option, "mouse") == 0 && parse_switch(w, option, value, &on))
        keys_mouse(w, w->mouse = on);
    else if (strcmp(option, "special") == 0 && parse_switch(w, option, value, &on))
        w->hide_special = !on;
    else if (!w->status_bad)
        workbench_say(w, true, "set boxes N, colors NAME, graphics KIND, mouse or special on|off; "
                      "not '%s'", arg);
    free(option);
}
