/* SPDX-License-Identifier: MIT */
/* What every command says in the same way: failures, wrong usage, old names, JSON, its help. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static atomic_bool *signalled; /* what a signal sets */
static volatile sig_atomic_t is_stopped;

static void command_on_signal(int number)
{
    if (number != SIGINT)
        is_stopped = 1;
    atomic_store(signalled, true);
    /* A terminal that is closed tells twice: by its shell, and by the kernel. */
    signal(number, number == SIGHUP ? SIG_IGN : SIG_DFL);
}

void command_stop_by_signals(atomic_bool *stop)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
    signalled = stop;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], command_on_signal);
    if (signal(SIGHUP, command_on_signal) == SIG_IGN)
        signal(SIGHUP, SIG_IGN); /* nohup: it is to outlive its terminal */
}

bool command_is_stopped(void)
{
    return is_stopped != 0;
}

int command_fail(const char *command, const struct vs_err *err)
{
    plain_text(stderr, "vilscope %s: %s\n", command, err->text);
    if (err->code == VS_E_CANCELLED && is_stopped)
        return EXIT_AGAIN;
    return err->code == VS_E_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int command_stopped(int rc, const char *rows, struct vs_err *err)
{
    const struct vs_err was = *err;
    struct stat st;
    bool any = rows && stat(rows, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > 0);
    if (vs_is_of_all(rc) && any)
        return vs_fail(err, rc, "%s: what was measured is kept, with --resume the same command "
                       "goes on", rc == VS_E_GONE ? was.text : "stopped");
    return rc == VS_E_CANCELLED ? vs_fail(err, rc, "stopped: nothing was measured") : rc;
}

char *command_inside(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    return xasprintf("%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
}

int command_usage(const char *command, const char *fmt, ...)
{
    struct vs_err err = {0};
    va_list ap;
    va_start(ap, fmt);
    vs_vfail(&err, VS_E_USAGE, fmt, ap);
    va_end(ap);
    plain_text(stderr, "vilscope %s: %s (vilscope %s --help explains)\n", command, err.text,
               command);
    return EXIT_USAGE;
}

void command_renamed(const char *command, const char *dashes, const char *old, const char *now)
{
    static const char *said[16];
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (said[i] == old)
            return;
        if (said[i])
            continue;
        said[i] = old;
        plain_text(stderr, "vilscope %s: note: %s%s is called %s%s now\n", command, dashes, old,
                   dashes, now);
        return;
    }
}

int command_json(json_t *v, size_t flags)
{
    char *text = json_dumps(v, flags | JSON_REAL_PRECISION(9));
    plain_json_line(text);
    free(text);
    json_decref(v);
    return EXIT_OK;
}

int command_help(const struct command *c)
{
    printf("usage: vilscope %s%s%s\n\n%s\n\n", c->name, c->args[0] ? " " : "", c->args,
           c->summary);
    if (c->about)
        printf("%s\n", c->about);
    options_print(c);
    if (c->after)
        printf("\n%s", c->after);
    return EXIT_OK;
}
