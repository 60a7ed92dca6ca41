/* SPDX-License-Identifier: MIT */
/* Explanations tested on a set of items, a row of JSON for each. */
#ifndef VS_EXPLAIN_SET_H
#define VS_EXPLAIN_SET_H

#include "src/study/eval.h"
#include "src/study/explanation.h"
#include "src/study/set_row.h"

#include <jansson.h>

struct explain_set {
    /* The caller's: */
    const struct eval_set *set;
    int checkpoint;
    const struct task *task; /* NULL: all that the set has */
    const bool *without;     /* (task_count) tasks that are left out, or NULL */
    int limit;               /* items of each task at most, 0: all */
    struct shard shard;      /* which of each task's items */
    const struct explanation_wants *wants; /* meant and the seed of an item are its own */
    const char *setup;       /* what of the wants is in each row, in words */
    const bool *done;        /* (set->count) items that have a row already, or NULL */
    int (*take)(void *arg, json_t *row, struct vs_err *err); /* a borrowed row */
    void *arg;
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
    struct eval_gone *gone;
};
/* The model's own answer to each item is what is explained. */
int explain_set_run(struct model *m, const struct explain_set *e, struct vs_err *err);

/* What its rows are called. */
extern const struct set_row_kind explain_set_rows;

#endif
