/* SPDX-License-Identifier: MIT */
/* One set of the reference's data folder on one checkpoint: what came of each item, and the numbers
 * of all of them. */
#ifndef VS_EVALUATION_H
#define VS_EVALUATION_H

#include "src/study/reference.h"

/* row: the item as a line of JSON (eval_rows.h); reference: as its program writes it, or NULL.
 * Neither has a new line. A failure ends the evaluation. */
typedef int evaluation_row(void *arg, const char *row, const char *reference, struct vs_err *err);

struct evaluation {
    /* The caller's: */
    const struct eval_set *set;
    int checkpoint, limit, batch; /* as in struct eval_options */
    bool strict;                  /* an item that cannot be asked ends it */
    evaluation_row *row;          /* or NULL */
    void *row_arg;
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
    /* What came of it: */
    struct reference_sums sums;
    struct eval_flaw *flaws; /* (flaw_count) of the set, and those that were found when asked */
    int flaw_count;
    double low, high;        /* 95 % interval of the score */
    double ms;               /* an item */
};
int evaluation_run(struct evaluation *e, struct model *m, struct vs_err *err);
/* The mean score, 0 to 1; NAN where nothing says what is right. */
double evaluation_score(const struct evaluation *e);
void evaluation_fini(struct evaluation *e);

#endif
