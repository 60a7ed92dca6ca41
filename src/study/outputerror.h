/* SPDX-License-Identifier: MIT */
/* How far what one checkpoint computes is from what another does, output by output, on a set of
 * queries. */
#ifndef VS_OUTPUTERROR_H
#define VS_OUTPUTERROR_H

#include "src/model/trace.h"
#include "src/study/probes.h"

#include <stdatomic.h>

struct output_error {
    char name[TRACE_NAME]; /* "out.vil_prediction" */
    double largest;        /* difference of two numbers */
    double relative;       /* root of the summed squares of the differences, by that of a's */
    int64_t numbers;
};
struct output_task { /* of a task of the set */
    const struct task *task;
    int asked, same;  /* same: the best answer is */
    int64_t numbers;  /* of answers or regions that could be chosen, of all its queries */
    double largest, mean;                 /* difference of a logit of these */
    double largest_chance, mean_chance;   /* of the softmax of a's best answer, a query each */
};
struct output_errors {
    int count, asked, failed;
    struct output_error list[OUT_COUNT];
    int task_count;
    struct output_task *tasks; /* owned */
    char first_failure[256];
};

/* Asks checkpoint a of m and b of other (which may be m) every query of the set and compares all
 * that the model computes: every output of every head, not only the one that answers. A query that
 * cannot be asked, or whose answers cannot be compared, is counted as failed. Padding, which says
 * nothing, is left out. stop (or NULL) ends it with VS_E_CANCELLED. *out is output_errors_fini's in
 * any case. */
int output_errors_measure(struct model *m, int a, struct model *other, int b,
                          const struct probes *set, const atomic_bool *stop,
                          struct output_errors *out, struct vs_err *err);
void output_errors_fini(struct output_errors *e);
/* As JSON, in one line; the caller frees it. */
char *output_errors_json(const struct output_errors *e);

#endif
