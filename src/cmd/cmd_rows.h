/* SPDX-License-Identifier: MIT */
/* What commands take as rows of evaluations: files of rows, and evaluations of a log. */
#ifndef VS_CMD_ROWS_H
#define VS_CMD_ROWS_H

#include "sessions/log.h"
#include "src/cmd/options.h"
#include "src/study/rowfile.h"

struct rows_wanted {
    const char *const *sources; /* (source_count) files of rows, or logs */
    int source_count;
    const int64_t *evaluations; /* (evaluation_count) of the log, none: all that have rows */
    int evaluation_count;
    const struct task *task;    /* NULL: any */
    const char *split;          /* NULL: any */
    const struct words *checkpoints; /* by name; none: all */
};
struct rows_given {
    struct rowset set;          /* those that are wanted, in the order of the sources; of a log by
                                   task, and checkpoints as they were measured */
    struct log_evaluated *logged; /* (set.count) what the log says of each; id 0: it is of a file */
    int shares; /* evaluations that were left out, as others share them that are not there */
};
/* The caller calls rows_given_fini in any case. */
int rows_gather(const struct rows_wanted *w, struct rows_given *out, struct vs_err *err);
/* The same from `files`, of the evaluations that were typed; of w the rest. */
int rows_gather_typed(const struct words *files, const struct words *evaluations,
                      const struct rows_wanted *w, struct rows_given *out, struct vs_err *err);
/* A note on standard error on those that were left out. Returns whether there are any. */
bool rows_say_shares(const char *command, const struct rows_given *g);
void rows_given_fini(struct rows_given *g);
/* Numbers of evaluations that were typed; ids has room for WORDS_MOST. */
int rows_ids(const struct words *typed, int64_t *ids, int *count, struct vs_err *err);

#endif
