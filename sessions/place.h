/* SPDX-License-Identifier: MIT */
/* Where a log lies: on a disk of this machine, on one that machines share, or in a folder that
 * holds a log for each writer. */
#ifndef VS_PLACE_H
#define VS_PLACE_H

#include "sessions/db.h"

/* "DIR/", or a folder that is there. */
bool place_is_folder(const char *path);
/* Makes the folders above path. */
int place_make_folders(const char *path, struct vs_err *err);
/* The i-th (from 1) name of a log in a folder that this machine may write. Caller frees. */
char *place_name(const char *folder, int i);
/* Copies the session of a run from that log of l's folder which has most of it, where that is more
 * than `have`. */
int place_bring(struct log *l, const char *run, int64_t have, struct vs_err *err);
/* All logs of a folder in one database in memory, for reading. */
int place_read_folder(struct log *l, struct vs_err *err);
/* A copy of a log on a disk that machines share, of one moment, for reading. */
int place_read_shared(struct log *l, struct vs_err *err);
/* Refuses a log on a shared disk whose last writer had it on a disk of its own, and has it yet. */
int place_check_shared(const char *path, struct vs_err *err);

#endif
