/* SPDX-License-Identifier: MIT */
/* What the parts of "vilscope sessions" share. */
#ifndef VS_CMD_SESSIONS_H
#define VS_CMD_SESSIONS_H

#include "sessions/log.h"
#include "sessions/tend.h"
#include "src/cmd/options.h"
#include "src/engine/engine.h"

#include <jansson.h>

struct sessions_options {
    const char *log, *output, *attention, *image, *older;
    struct words checkpoints;
    const struct task *task;
    struct log_filter filter; /* limit 0: not given */
    struct model_options model;
    double tolerance;
    struct shard shard;
    bool resume;
    int format; /* of export, in the order of its choices */
    bool json, csv, fail_on_change, no_log, dry_run, vacuum, repair, rows, missing;
    char **args; /* after the verb */
    int arg_count;
};

/* Status 0, or 1 when what was asked to be looked for was found (a change, a problem); negative:
 * err says why. l is open, for writing where the verb's table says so. */
typedef int sessions_verb(const struct sessions_options *o, struct log *l, struct vs_err *err);
sessions_verb sessions_list, sessions_show, sessions_query, sessions_difference, sessions_search,
    sessions_replay, sessions_diff, sessions_export, sessions_merge, sessions_prune,
    sessions_check, sessions_sql, sessions_evaluations, sessions_evaluation, sessions_import;

/* Whether a filter names more than a session: then differences, which are no queries, are not
 * meant. */
bool sessions_narrows(const struct log_filter *f);
/* Evaluations of the filter's session, task and checkpoint: into all, or printed where it is NULL.
 */
int sessions_list_evaluations(const struct log_filter *f, struct log *l, json_t *all,
                              struct vs_err *err);
/* Typed text may hold anything; a terminal must not. */
void sessions_print(const char *s);
/* An ID from the command line. */
int sessions_id(const char *text, int64_t *out, struct vs_err *err);
/* "name", a digest or a file's path as what log_filter's checkpoint takes: a file's digest is put
 * into hex. */
const char *sessions_checkpoint(const char *text, char hex[DIGEST_HEX]);

#endif
