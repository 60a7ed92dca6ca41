/* SPDX-License-Identifier: MIT */
/* Rows of what was found out about each item of a set, a line of JSON each (--rows, --resume). */
#ifndef VS_CMD_SET_ROWS_H
#define VS_CMD_SET_ROWS_H

#include "src/study/set_row.h"

#include <stdio.h>

struct set_rows {
    const struct set_row_kind *kind;
    const char *path; /* NULL: none are written */
    FILE *file;
    bool stale;       /* it holds what goes when a row is written */
    json_t *past;     /* rows of an earlier run, an array; or NULL */
};
/* The caller calls set_rows_close in any case. */
int set_rows_open(struct set_rows *r, const struct set_row_kind *kind, const char *path,
                  bool resume, struct vs_err *err);
int set_rows_add(struct set_rows *r, const json_t *row, struct vs_err *err);
int set_rows_close(struct set_rows *r, struct vs_err *err);
/* A borrowed row of the set's item of that number. */
typedef int set_rows_take(void *arg, int index, json_t *row, struct vs_err *err);
/* Marks in done (set->count) the items that have a row, and hands on those rows, in the order of
 * the file; further rows of an item are passed over. */
int set_rows_past(const struct set_rows *r, const struct eval_set *set, const char *checkpoint,
                  const char *digest, const char *setup, bool *done, set_rows_take *take, void *arg,
                  struct vs_err *err);

#endif
