/* SPDX-License-Identifier: MIT */
/* Hidden states of a set of items as points, and the images of those that are looked at. Computed
 * when it is asked for, in the engine's thread. */
#ifndef UI_PROJECT_JOB_H
#define UI_PROJECT_JOB_H

#include "src/study/projection.h"
#include "ui/jobs/jobs.h"

#define PROJECT_LIMIT 200 /* items of the task */

struct project_job;
struct project_image {
    char *path;
    struct photo *photo; /* NULL: it is being read, or cannot be */
};

struct project {
    char *set;                /* its path, as it was typed */
    const struct task *task;
    char *checkpoint;         /* its name */
    struct projection known;  /* n 0: not yet */
    char why[256];            /* why it is not known; "": it is, or runs */
    struct project_job *runs; /* the worker's; NULL: none */
    struct project_image *images; /* (image_count) that were asked for */
    int image_count;
    int serial;               /* another for every projection */
};

/* Begins that of a data set or a check set, of the task and the checkpoint that are chosen; an
 * older one stops. after: "" is the last layer. */
void project_start(struct workbench *w, const char *set, enum projection_of of, const char *after);
/* Items that are done, and all. */
void project_progress(const struct project *p, int *done, int *all);
/* The image of a point, read when it is asked for first; NULL: not yet, or never. */
const struct image *project_image(struct workbench *w, struct project *p, int point);
void project_stop(struct workbench *w);
/* Drops all of it. */
void project_forget(struct workbench *w);

#endif
