/* SPDX-License-Identifier: MIT */
/* A leave-one-out attribution under way: the worker computes, the screen shows what is known. */
#ifndef UI_LEAVE_ONE_OUT_H
#define UI_LEAVE_ONE_OUT_H

#include "ui/jobs/jobs.h"

/* Begins one of the result that is shown, or of the answer that is awaited; an older one stops. */
void leave_out_start(struct workbench *w, enum effects_of of, enum kern_silence how);
/* Another result is shown: begins what waited for it. */
void leave_out_resume(struct workbench *w);
/* Stops the running one, if any, before its next batch. */
void leave_out_stop(struct workbench *w);
/* What is known by now of the result that is shown, or NULL; until the next call. */
const struct effects *leave_out_known(struct workbench *w);
bool leave_out_runs(const struct workbench *w);

#endif
