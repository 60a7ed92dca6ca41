/* SPDX-License-Identifier: MIT */
/* The user's keys and settings. */
#include "ui/actions/actions.h"

#include "src/base/mem.h"
#include "ui/kit/theme.h"

#include <stdlib.h>
#include <string.h>

/* A line that begins with the name of an action; the binding takes it over. */
static void bind_key(struct workbench *w, const char *key, char *line)
{
    struct binding *b = binding_find(&w->bound, key);
    if (b) {
        free(b->line);
        b->line = line;
        return;
    }
    w->bound.list = xreallocarray(w->bound.list, (size_t)w->bound.count + 1, sizeof *w->bound.list);
    w->bound.list[w->bound.count++] = (struct binding){xstrdup(key), line};
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
    else if (!action_find(w, name))
        workbench_say(w, true, "there is no command '%s'; ? lists them", name);
    else
        bind_key(w, key, xasprintf("%s%s", action_find(w, name)->name, line + strlen(name)));
    free(key);
    free(name);
}

static bool parse_switch(struct workbench *w, const char *option, const char *value, bool *out)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
        workbench_say(w, true, "set %s on or off, not '%s'", option, value);
        return false;
    }
    *out = strcmp(value, "on") == 0;
    return true;
}

static void set_graphics(struct workbench *w, const char *value)
{
    enum graphics_choice choice;
    if (!workbench_graphics(value, &choice)) {
        workbench_say(w, true, "set graphics auto, sixel, kitty, iterm2, blocks, ascii or none, "
                      "not '%s'", value);
        return;
    }
    screen_set_graphics(w, choice);
    if (choice == GRAPHICS_AUTO)
        screen_ask_anew(w);
}

static void set_theme(struct workbench *w, const char *value)
{
    if (theme_choose(value))
        screen_theme(w);
    else
        workbench_say(w, true, "set theme auto, dark or light, not '%s'", value);
}

/* "rank1 #ffd700" */
static void set_color(struct workbench *w, const char *value)
{
    size_t n = strcspn(value, " ");
    char *name = xstrndup(value, n);
    if (theme_set_color(name, value + n + strspn(value + n, " ")))
        screen_theme(w);
    else
        workbench_say(w, true, "set color NAME #rrggbb (or R,G,B, or default), where NAME is rank1 "
                      "to rank5, rest, more, less, accent or dim; not '%s'", value);
    free(name);
}

static void set_mouse(struct workbench *w, bool on)
{
    w->screen.mouse = on;
    screen_mouse(w);
}

/* A whole number from least to most. */
static void set_number(struct workbench *w, const char *option, const char *value, int least,
                       int most, int *out)
{
    char *end = NULL;
    long n = strtol(value, &end, 10);
    if (*value && !*end && n >= least && n <= most)
        *out = (int)n;
    else
        workbench_say(w, true, "set %s %d to %d, not '%s'", option, least, most, value);
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
    else if (strcmp(option, "theme") == 0)
        set_theme(w, value);
    else if (strcmp(option, "color") == 0)
        set_color(w, value);
    else if (strcmp(option, "figure-width") == 0)
        set_number(w, option, value, 20, 1000, &w->how.figure_width);
    else if (strcmp(option, "figure-dpi") == 0)
        set_number(w, option, value, 30, 2400, &w->how.figure_dpi);
    else if (strcmp(option, "mouse") == 0 && parse_switch(w, option, value, &on))
        set_mouse(w, on);
    else if (strcmp(option, "special") == 0 && parse_switch(w, option, value, &on))
        w->how.hide_special = !on;
    else if (strcmp(option, "words") == 0 && parse_switch(w, option, value, &on))
        w->how.words = on;
    else if (!w->status.bad)
        workbench_say(w, true, "set boxes N, colors NAME, graphics KIND, theme NAME, color NAME "
                      "VALUE, figure-width MM, figure-dpi N, mouse, special or words on|off; "
                      "not '%s'", arg);
    free(option);
}

void bindings_free(struct bindings *b)
{
    for (int i = 0; i < b->count; i++) {
        free(b->list[i].key);
        free(b->list[i].line);
    }
    free(b->list);
}
