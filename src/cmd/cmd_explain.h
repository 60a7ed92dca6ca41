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

/* ---- cmd_explain_print.c */
void explain_print_text(const struct explain_column *c, bool agreement);
/* A new object. */
json_t *explain_column_json(const struct explain_column *c);

#endif
