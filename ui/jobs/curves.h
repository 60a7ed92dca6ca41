/* SPDX-License-Identifier: MIT */
/* Deletion and insertion of the result that is shown: whether an attribution says what its answer
 * depends on, beside random orders. Computed when it is asked for, in the engine's thread. */
#ifndef UI_CURVES_H
#define UI_CURVES_H

#include "src/study/explanation.h"
#include "ui/jobs/jobs.h"

#define CURVES_ORDERS 20 /* random ones */

struct curves_job;

struct curves {
    const struct attribution_method *method;
    int choice, against;
    struct attribution_how how;
    struct explanation known; /* count 0: not yet */
    char why[256];            /* why it is not known; "": it is, or runs */
    struct curves_job *runs;  /* the worker's; NULL: none */
};

/* Begins those of a slice's method on the chosen answer; older ones stop. */
void curves_start(struct workbench *w, const struct slice *x);
/* Those of a slice's method on the chosen answer, or NULL. */
const struct curves *curves_of(const struct workbench *w, const struct slice *x);
/* Passes that are through, and all that are known to be needed. */
void curves_progress(const struct curves *c, int *done, int *all);
void curves_stop(struct workbench *w);
/* Another result is shown, or none. */
void curves_forget(struct workbench *w);

#endif
