/* SPDX-License-Identifier: MIT */
/* The program's commands. */
#ifndef VS_VILSCOPE_H
#define VS_VILSCOPE_H

#include "src/base/err.h"
#include "src/cmd/options.h"

#include <stdatomic.h>

struct json_t; /* jansson's */

/* Exit statuses. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_UNLOGGED = 3, /* all was done, but not all of it could be logged */
    EXIT_PARTLY = 4,   /* it was done, but for parts that were named */
    EXIT_AGAIN = 75    /* TERM, HUP or USR1 ended it: what is done is kept, the same command goes on
                          (EX_TEMPFAIL of sysexits.h) */
};

/* Of the documents of --json: schemas/README.md says when there is a new one. */
#define JSON_FORMAT 1

extern const struct command *const command_table[];
extern const int command_count;

/* From now on the signals INT, TERM, USR1 and HUP (unless that was ignored, as by nohup) set stop,
 * the first time each; a second one ends the program at once, but for HUP. */
void command_stop_by_signals(atomic_bool *stop);
/* Whether TERM, HUP or USR1 came: a scheduler wants the program to end, and to be run again. */
bool command_is_stopped(void);

/* Print "vilscope CMD: MESSAGE" on stderr and return the matching exit status. */
int command_fail(const char *command, const struct vs_err *err);
/* rc; the message of what a signal or a server that is gone ended says whether its rows are kept.
 * rows: the file that has them, NULL: it was not begun. */
int command_stopped(int rc, const char *rows, struct vs_err *err);
/* One line that ends with where to read more. */
int command_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int command_help(const struct command *c);
/* The path of what is called so in a folder, which may end in a slash. The caller frees it. */
char *command_inside(const char *folder, const char *name);
/* Prints a document of JSON and a new line, and frees v; flags: of json_dumps, what the document
 * looks like. Returns EXIT_OK. */
int command_json(struct json_t *v, size_t flags);
const struct command *command_find(const char *name);
/* A note that something is called otherwise now, once for each old name (a constant text); dashes:
 * what stands before both names. */
void command_renamed(const char *command, const char *dashes, const char *old, const char *now);

/* The list of commands. */
void help_overview(void);
/* Version, commit, libraries and features. Returns EXIT_OK. */
int version_print(void);

extern const struct command command_workbench, command_query, command_figure, command_compare,
    command_extract,
    command_eval, command_explain, command_batch, command_tasks, command_sessions, command_cache,
    command_devices, command_inspect, command_model, command_doctor, command_world, command_detect,
    command_forward, command_relevance, command_tokenize, command_help_command,
    command_serve, command_completions, command_convert, command_convert_regions;

#endif
