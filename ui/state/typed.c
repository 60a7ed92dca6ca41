/* SPDX-License-Identifier: MIT */
/* The lines that are typed, and the line that says what came of it. */
#include "ui/state/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the mouse points at gives way to it, until the mouse moves. */
static void status_put(struct workbench *w, bool bad, bool note, const char *fmt, va_list ap)
{
    struct status *s = &w->status;
    vsnprintf(s->text, sizeof s->text, fmt, ap);
    s->path[0] = '\0';
    s->bad = bad;
    s->note = note;
    hover_forget(&w->screen.hover);
}

void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status_put(w, bad, false, fmt, ap);
    va_end(ap);
}

void workbench_say_file(struct workbench *w, const char *path, const char *what)
{
    workbench_say(w, false, "%s: %s", path, what);
    if (strlen(path) < sizeof w->status.path)
        strcpy(w->status.path, path);
}

void workbench_note(struct workbench *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status_put(w, true, true, fmt, ap);
    va_end(ap);
}

void typed_init(struct typed *t)
{
    edit_init(&t->query);
    edit_init(&t->open);
    edit_init(&t->command);
    edit_init(&t->filter);
}

void typed_fini(struct typed *t)
{
    edit_fini(&t->query);
    edit_fini(&t->open);
    edit_fini(&t->command);
    edit_fini(&t->filter);
}

struct edit *typed_line(struct workbench *w)
{
    switch (w->typed.mode) {
    case MODE_OPEN: return &w->typed.open;
    case MODE_COMMAND: return &w->typed.command;
    case MODE_FIND: return &w->typed.filter;
    default: return &w->typed.query;
    }
}

void typed_query(struct workbench *w, const char *arg)
{
    if (*arg)
        edit_set(&w->typed.query, arg);
    panes_leave_popup(w);
    w->typed.asked = !*arg;
    w->typed.mode = MODE_TYPE;
}

void typed_command(struct workbench *w, const char *arg)
{
    edit_set(&w->typed.command, arg);
    w->typed.mode = MODE_COMMAND;
}
