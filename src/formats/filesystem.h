/* SPDX-License-Identifier: MIT */
/* Which file systems several machines write to at once. */
#ifndef VS_FILESYSTEM_H
#define VS_FILESYSTEM_H

/* What the file system is called that path, or the nearest folder above it that is there, lies on,
 * when machines may share it; NULL: it is this machine's own. $VILSCOPE_SHARED_FS (yes or no) knows
 * better than the list. */
const char *filesystem_shared(const char *path);

#endif
