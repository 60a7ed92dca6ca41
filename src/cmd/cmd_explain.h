/* SPDX-License-Identifier: MIT */
/* What the files of vilscope explain share. */
#ifndef VS_CMD_EXPLAIN_H
#define VS_CMD_EXPLAIN_H

#include "src/study/explain_set.h"
#include "src/study/explain_sums.h"
#include "src/study/projection.h"

struct model_options;

/* What came of a task on a checkpoint. */
struct explain_column {
    const char *checkpoint;
    const struct task *task;
    struct explain_sums sums;
};

/* ---- cmd_explain.c: names the first flaws of a set; whether there are any. */
bool explain_say_flaws(const struct eval_set *set);

/* ---- cmd_explain_print.c */
void explain_print_text(const struct explain_column *c, bool agreement);
/* A new object. */
json_t *explain_column_json(const struct explain_column *c);

/* ---- cmd_explain_project.c: hidden states of a set as points */

struct explain_project {
    const struct model_options *model;
    const struct eval_source *data;
    const char *check_set, *reference; /* instead of data, or NULL */
    const char *after;     /* NULL: the last layer */
    int of;                /* of projection_kinds */
    enum projection_by by;
    enum projection_distance distance;
    int near, neighbors;   /* near: a point from 0, -1: none */
    int limit, width, dpi;
    const char *figure;    /* or NULL */
    bool json, csv;
    const atomic_bool *stop;
};
/* A usage status, or 0. */
int explain_check_project(const struct explain_project *o);
/* Opens the model, computes, prints and writes. A status of the program, or a negative code. */
int explain_project(const struct explain_project *o, struct vs_err *err);

#endif
