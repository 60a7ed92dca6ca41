/* SPDX-License-Identifier: MIT */
/* Files that users name and stdio opens. */
#ifndef VS_STREAM_H
#define VS_STREAM_H

#include "src/base/err.h"

/* Fails for a pipe that has a name: opening it waits until another program opens its other end,
 * perhaps for ever, and a signal that only sets a flag does not end that. Pipes of a shell (|, and
 * <(...), also as /dev/stdin) have no name and pass. /dev/stdin that is a pipe with a name does
 * not: it would be opened anew, when its writer may be gone. */
int stream_check(const char *path, struct vs_err *err);

#endif
