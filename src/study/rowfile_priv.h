/* SPDX-License-Identifier: MIT */
/* What reading a row and keeping its texts share. */
#ifndef VS_ROWFILE_PRIV_H
#define VS_ROWFILE_PRIV_H

#include "src/study/rowfile.h"

#include "src/base/mem.h"

struct row_texts {
    struct spool *spool; /* where they are, while it has room; NULL: in memory */
    char **pieces;
    int count;
    size_t used, room; /* of the last one */
    int passed;        /* rows of all evaluations, however few each has */
    struct buf text;   /* the string that is being read */
    struct row_field *fields; /* of the row that is being read */
    int field_count, field_room;
};
/* Room for size bytes that lives as long as the rows. */
void *row_texts_room(struct row_texts *t, size_t size);

#endif
