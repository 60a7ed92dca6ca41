/* SPDX-License-Identifier: MIT */
/* Actions: what can be done by key, by command line, by script. Views have rows of their own; the
 * table of all (ui/actions/actions_table.c) is what keys, the help and the manual know. */
#ifndef UI_ACTION_H
#define UI_ACTION_H

#include <stddef.h>

struct workbench;

struct action {
    const char *name;
    const char *keys; /* names of keys with blanks between, or "" */
    const char *args; /* "" none; [X] may be left out. VIEW, TASK, FILE, CHECKPOINT, COLORS, MAP,
                         ACTION, OPTION are completed */
    const char *view; /* only while this view has the keys; NULL: always */
    const char *what;
    void (*run)(struct workbench *w, const char *arg);
};

/* In a view's rows: the following ones stand behind this action in the help and the manual, or at
 * the beginning of the group of this title. */
#define ACTIONS_AFTER(name_or_title) {"", "", "", NULL, name_or_title, NULL}

/* Those that belong together, for the help; ends in a NULL name. */
struct action_group {
    const char *title;
    const struct action *actions;
};

/* What the user has bound to a key, or NULL. */
struct bindings;
struct binding *binding_find(const struct bindings *b, const char *key);
/* What a command or a view is called now; the name itself unless it was called otherwise. */
const char *action_name_now(const char *name);
void action_run(struct workbench *w, const struct action *a, const char *arg);
/* The keys of an action, those of the user included. */
void action_keys(const struct workbench *w, const struct action *a, char *out, size_t size);

#endif
