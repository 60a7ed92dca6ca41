/* SPDX-License-Identifier: MIT */
/* What the files of vilscope explain share. */
#ifndef VS_CMD_EXPLAIN_H
#define VS_CMD_EXPLAIN_H

#include "src/study/explain_set.h"
#include "src/study/explain_sums.h"

/* What came of a task on a checkpoint. */
struct explain_column {
    const char *checkpoint;
    const struct task *task;
    struct explain_sums sums;
};

/* ---- cmd_explain_rows.c: a row of JSON a line, for --rows and --resume */

struct explain_rows {
    const char *path; /* NULL: none are written */
    FILE *file;
    bool stale;       /* it holds what goes when a row is written */
    json_t *past;     /* rows of an earlier run, an array; or NULL */
};
int explain_rows_open(struct explain_rows *r, const char *path, bool resume, struct vs_err *err);
int explain_rows_add(struct explain_rows *r, const json_t *row, struct vs_err *err);
int explain_rows_close(struct explain_rows *r, struct vs_err *err);
/* Marks in done (set->count) the items that have a row, and hands on those rows. */
int explain_rows_past(const struct explain_rows *r, const struct eval_set *set,
                      const char *checkpoint, const char *digest, const char *setup, bool *done,
                      int (*take)(void *arg, json_t *row, struct vs_err *err), void *arg,
                      struct vs_err *err);

/* ---- cmd_explain_print.c */
void explain_print_text(const struct explain_column *c, bool agreement);
/* A new object. */
json_t *explain_column_json(const struct explain_column *c);

#endif
