/* SPDX-License-Identifier: MIT */
/* What texts of rows are kept in: large pieces, as there are many short ones, in memory or in a
 * file that memory lets go of. */
#include "src/study/rowfile_priv.h"

#include "src/base/mem.h"
#include "src/base/spool.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1 << 20)
#define ROWS_PASSED 1024 /* that are looked at until memory lets go of them */

struct row_texts *row_texts_new(void)
{
    return xcalloc(1, sizeof(struct row_texts));
}

struct row_texts *row_texts_on_disk(void)
{
    struct row_texts *t = row_texts_new();
    t->spool = spool_new();
    return t;
}

void row_texts_passed(struct row_texts *t)
{
    t->passed = (t->passed + 1) % ROWS_PASSED;
    if (t->passed == 0 && t->spool)
        spool_rest(t->spool);
}

void row_texts_reset(struct row_texts *t)
{
    for (int i = 1; i < t->count; i++)
        free(t->pieces[i]);
    t->count = t->count ? 1 : 0;
    t->used = 0;
    t->room = t->count ? PIECE : 0;
}

void row_texts_free(struct row_texts *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->count; i++)
        free(t->pieces[i]);
    spool_free(t->spool);
    free(t->pieces);
    free(t->fields);
    buf_fini(&t->text);
    free(t);
}

void *row_texts_room(struct row_texts *t, size_t size)
{
    void *room = t->spool ? spool_room(t->spool, size) : NULL;
    if (room)
        return room;
    size = (size + 7) & ~(size_t)7;
    if (size > t->room - t->used || t->count == 0) {
        size_t piece = size > PIECE ? size : PIECE;
        t->pieces = xreallocarray(t->pieces, (size_t)t->count + 1, sizeof *t->pieces);
        t->pieces[t->count++] = xmalloc(piece);
        t->room = piece;
        t->used = 0;
    }
    t->used += size;
    return t->pieces[t->count - 1] + t->used - size;
}

const char *row_texts_copy(struct row_texts *t, const char *text, size_t length)
{
    char *copy = row_texts_room(t, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

const struct row *row_texts_keep(struct row_texts *t, const struct row *r)
{
    return memcpy(row_texts_room(t, sizeof *r), r, sizeof *r);
}
