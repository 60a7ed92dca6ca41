/* SPDX-License-Identifier: MIT */
/* How commands log. */
#include "src/cmd/cmd_log.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LAST_TRIES 16 /* some five seconds: each waits for a writer, too */

void logging_begin(struct logging *g, const char *command, const char *note, const char *path)
{
    struct vs_err err = {0};
    *g = (struct logging){.command = command};
    char *own = path ? xstrdup(path) : log_default_path(&err);
    g->unlogged = !own;
    if (!own)
        plain_text(stderr, "vilscope %s: not logged: %s\n", command, err.text);
    else if (log_start(own, note, &g->log, &err) == 0 && log_notice(g->log))
        plain_text(stderr, "vilscope %s: note: %s\n", command, log_notice(g->log));
    free(own);
}

static void tell(const struct logging *g, const struct log_left *left, const struct vs_err *err)
{
    int all = left->kept + left->lost;
    if (left->kept && left->where)
        plain_text(stderr, "vilscope %s: not logged: %s; %d of %d record%s kept in %s: %s"
                   "\"vilscope sessions merge FILE\" adds it\n",
                   g->command, err->text, left->kept, all, all == 1 ? "" : "s", left->where,
                   left->beside ? "the next program that can write the log or " : "");
    else
        plain_text(stderr, "vilscope %s: not logged, %d record%s lost: %s\n", g->command, all,
                   all == 1 ? " is" : "s are", err->text);
}

int logging_end(struct logging *g)
{
    const struct timespec pause = {0, 50000000};
    struct vs_err err = {0};
    struct log_left left;
    for (int i = 0; i < LAST_TRIES && log_pending_count(g->log) > 0; i++)
        if (log_flush_pending(g->log, &err) != 0)
            nanosleep(&pause, NULL);
    log_finish(g->log, &left, &err);
    g->log = NULL;
    bool all = left.kept + left.lost == 0;
    if (!all)
        tell(g, &left, &err);
    free(left.where);
    return all && !g->unlogged ? EXIT_OK : EXIT_UNLOGGED;
}
