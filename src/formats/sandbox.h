/* Giving up everything but computing, in a process that was forked for it. */
#ifndef VS_SANDBOX_H
#define VS_SANDBOX_H

#include <stddef.h>

/* No more files, no system calls but those for memory (room bytes more than there are now) and for
 * ending. Returns 0, or the errno of what the system refuses: nothing is promised then. A build
 * with a sanitizer, whose run-time needs system calls of its own, has limits only and returns 0. */
int sandbox_enter(size_t room);
/* Ends this process, in the sandbox too. */
void sandbox_leave(void) __attribute__((noreturn));

#endif
