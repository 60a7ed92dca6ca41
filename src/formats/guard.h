/* SPDX-License-Identifier: MIT */
/* Maps of files that may be cut short while they are read, which ends a program with SIGBUS.
 *
 * A page of a guarded map that cannot be read becomes zeros, up to the map's end, and the guard
 * remembers it: whoever reads a map asks afterwards. Reading goes on, in whatever thread and with
 * whatever locks, so nothing is left half done. */
#ifndef VS_GUARD_H
#define VS_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* A number from 1 on for a map, or 0 when there are too many. */
int guard_add(const void *map, size_t size);
/* Whether a page of it could not be read. False for 0. */
bool guard_hit(int number);
/* Before the map is gone; 0 is fine. */
void guard_remove(int number);
/* What happens for SIGBUS elsewhere. */
void guard_otherwise(const struct sigaction *action);

#endif
