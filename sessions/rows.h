/* SPDX-License-Identifier: MIT */
/* Rows of evaluations in the log. Inside sessions/ only. */
#ifndef VS_SESSIONS_ROWS_H
#define VS_SESSIONS_ROWS_H

#include "sessions/log.h"

/* e->rows, lines of JSON as "vilscope eval --rows" writes them; within a transaction. */
int log_write_evaluation_rows(struct log *l, int64_t evaluation, const struct log_evaluation *e,
                              struct vs_err *err);
/* The statements that log_list_pairs reads by, for the test of their plans: items by outcome, or
 * those of a slice. */
const char *pairs_plan(bool of_a_slice);

#endif
