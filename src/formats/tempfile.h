/* SPDX-License-Identifier: MIT */
/* Temporary files beside what they become: with random names, so that nothing that was left or laid
 * there stands in the way, and never through a link. */
#ifndef VS_TEMPFILE_H
#define VS_TEMPFILE_H

#include "src/base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* 16 hexadecimal digits and a NUL. */
#define TEMPFILE_RANDOM 17
int tempfile_random(char out[TEMPFILE_RANDOM], struct vs_err *err);

/* A new file PATH.RANDOM.tmp, open for writing and locked as long as it is; *name: the caller
 * frees. Returns the descriptor, or a negative code. */
int tempfile_make(const char *path, mode_t mode, char **name, struct vs_err *err);
/* Removes those of path that a program left which was killed: nobody has them open. On a file
 * system that machines share, those of a day ago. "FOLDER/": of everything in it. */
void tempfile_sweep(const char *path);

#endif
