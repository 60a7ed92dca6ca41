/* SPDX-License-Identifier: MIT */
/* Giving up everything but computing, in a process that was forked for it: where the libraries run
 * that read files of strangers. */
#ifndef VS_SANDBOX_H
#define VS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* No more files, no system calls but those for memory (room bytes more than there are now) and for
 * ending. Returns 0, or the errno of what the system refuses: nothing is promised then. */
int sandbox_enter(size_t room);
/* Work for a process of its own: nothing of what it changes is seen outside but pages that both
 * share (mmap, MAP_SHARED). */
typedef void sandbox_work(void *arg);
enum sandbox_end {
    SANDBOX_DONE,
    SANDBOX_REFUSED,   /* the kernel offers none; *detail its errno, 0: it killed the process */
    SANDBOX_KILLED,    /* the work ended by a signal, *detail */
    SANDBOX_NO_PROCESS /* none could be made: *detail is the errno */
};
/* Runs work(arg) in the sandbox and waits for it. Where there is no sandbox for programs with
 * threads (see below), or the user insists, it runs without. */
enum sandbox_end sandbox_run(sandbox_work *work, void *arg, size_t room, int *detail);
/* The user insists: work is also done where the kernel offers no sandbox. Said once, at the
 * start. */
void sandbox_insist(void);
/* Whether a process with several threads can be forked for it. Not in a build with a sanitizer: its
 * run-time needs system calls of its own, and another thread may have held its locks at the fork,
 * which the child then waits for without end. */
bool sandbox_is_for_threads(void);

#endif
