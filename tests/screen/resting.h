/* SPDX-License-Identifier: MIT */
/* Whether a program rests. On a busy machine nothing may come for long from one that only waits for
 * the processor: what is silent has not always finished. */
#ifndef VS_TEST_RESTING_H
#define VS_TEST_RESTING_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether a thread of the process, or of its children, runs, waits for the processor or for the
 * disk. False where there is no /proc. */
bool process_works(pid_t pid);

#endif
