/* SPDX-License-Identifier: MIT */
/* Activation patching of the query without changes, A, with states of the changed one that is
 * shown, B: computed in the engine's thread when a pane wants it. */
#ifndef UI_ACTIVATION_H
#define UI_ACTIVATION_H

#include "src/study/activation.h"
#include "ui/jobs/jobs.h"

/* Of both results that are shown, as activation_want said; begun where it is not known yet. NULL:
 * not yet, or there is nothing to compare with. */
const struct activation *activation_wanted(struct workbench *w);
/* Why there is none: a line for people. */
void activation_waits(const struct workbench *w, char *out, size_t size);
/* "small" less "large", as the target is called. */
void activation_target_name(const struct workbench *w, char *out, size_t size);
/* Other states, or all cells exactly; what failed is tried again. */
void activation_want(struct workbench *w, enum net_site site, bool exact);
/* Stops what runs, before its next pass. */
void activation_stop(struct workbench *w);
/* Another result is shown, or none. */
void activation_forget(struct workbench *w);

#endif
