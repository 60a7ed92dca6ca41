/* SPDX-License-Identifier: MIT */
/* Room in unlinked temporary files, for what is written once and read now and then: memory has what
 * is looked at, and lets go of it when it is told to. */
#ifndef VS_SPOOL_H
#define VS_SPOOL_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* A temporary file for reading and writing, without a name, that fclose ends: in $TMPDIR, else in
 * /var/tmp (/tmp is memory on many systems), else where tmpfile makes it. NULL: errno says why. */
FILE *spool_file(void);

struct spool;
/* The caller calls spool_free. Where no file can be made all room is refused. */
struct spool *spool_new(void);
void spool_free(struct spool *s); /* NULL is fine */
/* Aligned for numbers and pointers, and there until spool_free; NULL: the disk has no room, and
 * what comes behind stays in memory. */
void *spool_room(struct spool *s, size_t size);
/* What was looked at is read again when it is looked at again. */
void spool_rest(const struct spool *s);

/* Bytes of a file in memory, for munmap, or NULL. They are on the disk before they are written to:
 * a full one would end the program then. */
void *spool_map(FILE *f, off_t from, size_t size);

#endif
