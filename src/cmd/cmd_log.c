/* SPDX-License-Identifier: MIT */
/* How commands log. */
#include "src/cmd/cmd_log.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAST_TRIES 16 /* some five seconds: each waits for a writer, too */

static void logging_start(struct logging *g, const char *command, const char *note,
                          const char *run, const char *path)
{
    struct vs_err err = {0};
    *g = (struct logging){.command = command};
    char *own = path ? xstrdup(path) : log_default_path(&err);
    g->unlogged = !own;
    if (!own)
        plain_text(stderr, "vilscope %s: not logged: %s\n", command, err.text);
    else if (log_start_run(own, note, run, &g->log, &err) == 0 && log_notice(g->log))
        plain_text(stderr, "vilscope %s: note: %s\n", command, log_notice(g->log));
    if (g->log && log_found_count(g->log))
        plain_text(stderr, "vilscope %s: note: this run was begun before: %d answers of it are in "
                   "the log and are not logged again\n", command, log_found_count(g->log));
    free(own);
}

void logging_begin(struct logging *g, const char *command, const char *note, const char *path)
{
    logging_start(g, command, note, NULL, path);
}

void logging_begin_run(struct logging *g, const char *command, const char *note,
                       const char *const *texts, int count, struct model *m,
                       const char *path)
{
    struct sha256 s;
    char digest[DIGEST_HEX];
    sha256_init(&s);
    sha256_add(&s, VERSION, sizeof VERSION);
    for (int i = 0; i < count; i++)
        sha256_add(&s, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) + 1 : 1);
    for (int i = 0; i < model_checkpoint_count(m); i++) {
        model_checkpoint_digest(m, i, digest);
        sha256_add(&s, digest, sizeof digest);
    }
    sha256_hex(&s, digest);
    logging_start(g, command, note, digest, path);
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
