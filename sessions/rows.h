/* SPDX-License-Identifier: MIT */
/* Rows of evaluations in the log. Inside sessions/ only. */
#ifndef VS_SESSIONS_ROWS_H
#define VS_SESSIONS_ROWS_H

#include "sessions/log.h"

/* Lines of JSON as "vilscope eval --rows" writes them; within a transaction. */
int log_write_evaluation_rows(struct log *l, int64_t evaluation, const char *rows, size_t size,
                              struct vs_err *err);

#endif
