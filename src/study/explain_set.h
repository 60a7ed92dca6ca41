/* SPDX-License-Identifier: MIT */
/* Explanations tested on a set of items, a row of JSON for each. */
#ifndef VS_EXPLAIN_SET_H
#define VS_EXPLAIN_SET_H

#include "src/study/eval.h"
#include "src/study/explanation.h"

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

/* Whether a row of an earlier run is one of this set, checkpoint and setup. */
enum explain_row {
    ROW_FITS,    /* it is of item *index */
    ROW_OF_OTHER, /* of another set or checkpoint */
    ROW_WRONG    /* of them, but what it says is not what this run would: why, in words */
};
enum explain_row explain_row_check(const json_t *row, const struct eval_set *set,
                                   const char *checkpoint, const char *digest, const char *setup,
                                   int *index, const char **why);

#endif
