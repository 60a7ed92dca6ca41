/* SPDX-License-Identifier: MIT */
/* How commands log: what comes of them is worth more than the log, so a log that cannot be written
 * is a warning and a status of its own. */
#ifndef VS_CMD_LOG_H
#define VS_CMD_LOG_H

#include "sessions/log.h"
#include "src/engine/engine.h"

struct logging {
    const char *command; /* "query" */
    struct log *log;     /* NULL: nothing is logged */
    bool unlogged;       /* something could not even be tried */
};
/* path NULL: the default log. Says what is to be said about the opening. */
void logging_begin(struct logging *g, const char *command, const char *note, const char *path);
/* The same for a command that goes on with its session when it is given again (log_start_run): what
 * it is asked is in texts (count), NULL among them is "", and in the checkpoints of m. */
void logging_begin_run(struct logging *g, const char *command, const char *note,
                       const char *const *texts, int count, struct model *m,
                       const char *path);
/* Tries for some seconds to write what waits, then keeps it elsewhere and says so. Returns EXIT_OK,
 * or EXIT_UNLOGGED when not everything is in the log. */
int logging_end(struct logging *g);

#endif
