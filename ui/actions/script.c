/* SPDX-License-Identifier: MIT */
/* Scripts: a command a line, run as if typed. They wait for the engine, for a moment, or for a
 * key. */
#include "src/base/mem.h"
#include "ui/kit/lines.h"
#include "ui/kit/term_virtual.h"
#include "ui/actions/actions.h"

#include <stdlib.h>
#include <string.h>

void script_fini(struct workbench *w)
{
    free(w->script.text);
    free(w->script.path);
    w->script = (struct script){0};
}

int script_open(struct workbench *w, const char *path, struct vs_err *err)
{
    char *text = conf_read_text(path, err);
    if (!text)
        return err->code;
    script_fini(w);
    w->script = (struct script){.text = text, .at = text, .path = xstrdup(path)};
    return 0;
}

void script_lines(struct workbench *w, const char *lines)
{
    char *text = xstrdup(lines);
    script_fini(w);
    w->script = (struct script){.text = text, .at = text};
}

void do_source(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    char *path = xstrdup(arg);
    bool strict = w->script.strict;
    if (script_open(w, path, &err) == 0)
        w->script.strict = strict; /* what fails there fails the program, too */
    else
        workbench_say(w, true, "%s", err.text);
    free(path);
}

void do_wait(struct workbench *w, const char *arg)
{
    (void)arg;
    w->script.waits = w->script.at != NULL;
    w->script.ready = false;
}

/* What was waited for has come, or has failed, which is the failure of the line that waits. */
static bool end_wait(struct workbench *w)
{
    bool failed = w->script.waits && w->script.strict && w->status.bad && !w->status.note;
    w->script.waits = false;
    return !failed;
}

void do_sleep(struct workbench *w, const char *arg)
{
    double seconds = atof(arg);
    if (!(seconds > 0 && seconds <= 3600))
        workbench_say(w, true, "sleep SECONDS, up to 3600, not '%s'", arg);
    else if (w->script.at)
        w->script.until = vs_now_ms() + 1000 * seconds;
}

void do_pause(struct workbench *w, const char *arg)
{
    (void)arg;
    w->script.pauses = w->script.at != NULL && !term_virtual(); /* nobody could press one */
}

void do_say(struct workbench *w, const char *arg)
{
    workbench_say(w, false, "%s", arg);
}

void do_press(struct workbench *w, const char *arg)
{
    if (!keys_press(w, arg))
        workbench_say(w, true, "there is no key '%s'", arg);
}

/* The first failure of a script ends it, and the program that was started for it. */
static void script_fail(struct workbench *w, const char *option, int line)
{
    char *of = option ? xstrdup(option) : NULL;
    char *why = xstrdup(w->status.text), *path = xstrdup_null(w->script.path);
    bool strict = w->script.strict;
    script_fini(w);
    if (path)
        workbench_say(w, true, "%s:%d: %s", draw_base_name(path), line, why);
    else
        workbench_say(w, true, "%.*s%s%s", (int)strcspn(of ? of : "", " "), of ? of : "",
                      of ? ": " : "", why);
    if (strict) {
        w->script.failed = true;
        w->quit = true;
    }
    free(of);
    free(why);
    free(path);
}

static void run_next(struct workbench *w)
{
    struct lines l = {w->script.at, w->script.line};
    char *line = lines_next(&l), *copy;
    w->script.at = l.at;
    w->script.line = l.number;
    if (!line) {
        script_fini(w);
        return;
    }
    copy = xstrdup(line); /* the line may open another script */
    int number = l.number;
    const char *text = w->script.text;
    /* A line that an option was made of, "--layer 9", is "layer 9"; its faults name the option. */
    bool option = !w->script.path && strncmp(copy, "--", 2) == 0;
    if (!actions_line(w, copy + (option ? 2 : 0)) && w->script.text == text)
        script_fail(w, option ? line : NULL, number);
    free(copy);
}

int script_step(struct workbench *w)
{
    for (int i = 0; i < 1000 && w->script.at && !w->quit; i++) {
        struct script *s = &w->script;
        double now = vs_now_ms();
        if (s->until > now)
            return (int)(s->until - now) + 1;
        s->until = 0;
        if (s->pauses || (s->waits && !s->ready))
            return -1;
        if (end_wait(w))
            run_next(w);
        else
            script_fail(w, NULL, s->line);
        if (w->script.waits || w->script.pauses || w->screen.redraw)
            return -1;
    }
    return -1;
}
