/* SPDX-License-Identifier: MIT */
/* Text files that may be compressed by gzip. */
#ifndef VS_GUNZIP_H
#define VS_GUNZIP_H

#include "src/formats/bytes.h"

/* As bytes_open; a file that is compressed is inflated into memory, all of it, its checksum and
 * length compared. */
int gunzip_open(const char *path, struct bytes *out, struct vs_err *err);
/* The same as bytes_map: for files that are read from the front, of which memory need not have
 * all. */
int gunzip_map(const char *path, struct bytes *out, struct vs_err *err);

#endif
