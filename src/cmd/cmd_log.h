/* SPDX-License-Identifier: MIT */
/* How commands log: what comes of them is worth more than the log, so a log that cannot be written
 * is a warning and a status of its own. */
#ifndef VS_CMD_LOG_H
#define VS_CMD_LOG_H

#include "sessions/log.h"

struct logging {
    const char *command; /* "query" */
    struct log *log;     /* NULL: nothing is logged */
    bool unlogged;       /* something could not even be tried */
};
/* path NULL: the default log. Says what is to be said about the opening. */
void logging_begin(struct logging *g, const char *command, const char *note, const char *path);
/* Tries for some seconds to write what waits, then keeps it elsewhere and says so. Returns EXIT_OK,
 * or EXIT_UNLOGGED when not everything is in the log. */
int logging_end(struct logging *g);

#endif
