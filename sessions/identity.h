/* SPDX-License-Identifier: MIT */
/* The file that a log was opened from. */
#ifndef VS_IDENTITY_H
#define VS_IDENTITY_H

#include "sessions/db.h"

/* Remembers the file that is at l's path; identity_check fails when it is another or none. */
int identity_remember(struct log *l, struct vs_err *err);
int identity_check(const struct log *l, struct vs_err *err);
/* Whether locks of files work at all there. */
bool identity_has_locks(const char *path);

#endif
