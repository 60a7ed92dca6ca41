/* SPDX-License-Identifier: MIT */
/* One writer at a time where file locks may not reach other machines: a file LOG.lock, made with
 * link(2), that says who writes. */
#ifndef VS_LOCK_H
#define VS_LOCK_H

#include "src/base/err.h"

#include <stdbool.h>

struct lock;
/* Waits wait_ms at most for another writer. A lock of a process of this machine that no longer
 * runs is taken over; else VS_E_REFUSED, and the message says whose it is and how to go on. */
int lock_take(const char *log, int wait_ms, struct lock **out, struct vs_err *err);
/* Whether it is still ours: somebody may have removed it by hand. */
bool lock_held(const struct lock *k);
/* NULL is fine. */
void lock_drop(struct lock *k);
/* VS_E_REFUSED, and who writes, when a lock is there; 0 when none is. */
int lock_look(const char *log, struct vs_err *err);

#endif
