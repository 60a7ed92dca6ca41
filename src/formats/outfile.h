/* SPDX-License-Identifier: MIT */
/* A file that appears complete or not at all: written beside its place, renamed at the end. */
#ifndef VS_OUTFILE_H
#define VS_OUTFILE_H

#include "src/base/err.h"

#include <stddef.h>
#include <stdio.h>

struct outfile {
    FILE *file;
    char *path, *temporary;
    int error; /* the first errno */
};

/* Makes the folder that files will be written into, not those above it; it may be there. */
int outfile_folder(const char *path, struct vs_err *err);
/* The same with those above it; the first that cannot be made is named. */
int outfile_folders(const char *path, struct vs_err *err);
int outfile_open(struct outfile *o, const char *path, struct vs_err *err);
/* Errors are remembered until outfile_close. */
void outfile_write(struct outfile *o, const void *data, size_t len);
/* Removes what was written: there is nothing to keep. */
void outfile_drop(struct outfile *o);
/* count numbers of size bytes each (at most 8), as files have them: little-endian. */
void outfile_numbers(struct outfile *o, const void *data, size_t count, size_t size);
/* Renames, or removes what was written and fails. */
int outfile_close(struct outfile *o, struct vs_err *err);

#endif
