/* SPDX-License-Identifier: MIT */
/* Room in unlinked temporary files. */
#include "src/base/spool.h"

#include "src/base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)
#define LARGER 16 /* pieces of a size, until they are twice as large */
#define LARGEST 6 /* times */

struct spool_piece {
    char *data;
    size_t size;
};
struct spool {
    FILE *file; /* NULL: there is none, or no more room */
    struct spool_piece *pieces;
    int count;
    size_t used; /* of the last piece */
    off_t end;   /* of the file */
};

static FILE *spool_file_in(const char *folder)
{
    char *name = xasprintf("%s/vilscope-XXXXXX", folder);
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0 && unlink(name) != 0) {
        close(fd);
        fd = -1;
    }
    free(name);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w+b");
    if (fd >= 0 && !f)
        close(fd);
    return f;
}

FILE *spool_file(void)
{
    const char *folder = getenv("TMPDIR");
    FILE *f = folder && *folder ? spool_file_in(folder) : NULL;
    f = f ? f : spool_file_in("/var/tmp");
    return f ? f : tmpfile();
}

struct spool *spool_new(void)
{
    struct spool *s = xcalloc(1, sizeof *s);
    s->file = spool_file();
    return s;
}

void *spool_map(FILE *f, off_t from, size_t size)
{
    if (posix_fallocate(fileno(f), from, (off_t)size) != 0)
        return NULL;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), from);
    return p == MAP_FAILED ? NULL : p;
}

/* No more room: the disk gets back what was taken for a piece that did not come to be. */
static void spool_end(struct spool *s)
{
    if (!s->file)
        return;
    int kept = ftruncate(fileno(s->file), s->end);
    (void)kept; /* then it stays taken while the pieces are there */
    fclose(s->file);
    s->file = NULL;
}

static struct spool_piece *spool_grow(struct spool *s, size_t least)
{
    int doubled = s->count / LARGER < LARGEST ? s->count / LARGER : LARGEST;
    size_t piece = PIECE << doubled;
    size_t size = (least + piece - 1) / piece * piece;
    char *data = s->file ? spool_map(s->file, s->end, size) : NULL;
    if (!data) {
        spool_end(s);
        return NULL;
    }
    s->pieces = xreallocarray(s->pieces, (size_t)s->count + 1, sizeof *s->pieces);
    s->pieces[s->count] = (struct spool_piece){data, size};
    s->end += (off_t)size;
    s->used = 0;
    return &s->pieces[s->count++];
}

void *spool_room(struct spool *s, size_t size)
{
    struct spool_piece *last = s->count ? &s->pieces[s->count - 1] : NULL;
    size = (size + 7) & ~(size_t)7;
    if (!last || size > last->size - s->used)
        last = spool_grow(s, size ? size : 8);
    if (!last)
        return NULL;
    s->used += size;
    return last->data + s->used - size;
}

void spool_rest(const struct spool *s)
{
    for (int i = 0; i < s->count; i++)
        madvise(s->pieces[i].data, s->pieces[i].size, MADV_DONTNEED);
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->count; i++)
        munmap(s->pieces[i].data, s->pieces[i].size);
    if (s->file)
        fclose(s->file);
    free(s->pieces);
    free(s);
}
