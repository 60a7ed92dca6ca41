/* SPDX-License-Identifier: MIT */
/* Logs of what could not be written: LOG.waiting-RANDOM.db, merged when the log can be written. */
#ifndef VS_LEFT_H
#define VS_LEFT_H

#include "sessions/db.h"

/* A new name beside the log, one in the folder of the default log, and one in $TMPDIR, or NULL. The
 * caller frees. */
char *left_name(const char *log, bool in_folder);
char *left_home_name(void);
char *left_temporary_name(void);
/* Merges those that wait for l, which was just opened for writing, and removes them. */
void left_take(struct log *l);

#endif
