/* SPDX-License-Identifier: MIT */
/* Giving up everything but computing, in a process that was forked for it. */
#ifndef VS_SANDBOX_H
#define VS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* No more files, no system calls but those for memory (room bytes more than there are now) and for
 * ending. Returns 0, or the errno of what the system refuses: nothing is promised then. */
int sandbox_enter(size_t room);
/* Whether a process with several threads can be forked for it. Not in a build with a sanitizer: its
 * run-time needs system calls of its own, and another thread may have held its locks at the fork,
 * which the child then waits for without end. */
bool sandbox_is_for_threads(void);
/* Ends this process, in the sandbox too. */
void sandbox_leave(void) __attribute__((noreturn));

#endif
