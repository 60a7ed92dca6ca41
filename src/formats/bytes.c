/* A file's bytes, mapped read-only. */
#include "src/formats/bytes.h"

#include "src/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_fd(int fd, const char *path, struct bytes *out, struct vs_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return vs_fail(err, VS_E_FORMAT, "%s: is a folder, a file is wanted", path);
    if (!S_ISREG(st.st_mode))
        return vs_fail(err, VS_E_FORMAT, "%s: is not a regular file", path);
    if (st.st_size > PTRDIFF_MAX)
        return vs_fail(err, VS_E_LIMIT, "%s: has %lld bytes, more than a 32-bit program can read",
                       path, (long long)st.st_size);
    *out = (struct bytes){.size = (size_t)st.st_size};
    if (st.st_size > 0) {
        void *p = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            return vs_fail(err, VS_E_IO, "%s: cannot be mapped: %s", path, strerror(errno));
        out->data = p;
    }
    out->path = xstrdup(path);
    return 0;
}

int bytes_open(const char *path, struct bytes *out, struct vs_err *err)
{
    *out = (struct bytes){0};
    /* O_NONBLOCK: opening a FIFO without a writer must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
    int rc = map_fd(fd, path, out, err);
    close(fd);
    return rc;
}

void bytes_close(struct bytes *b)
{
    if (b->data)
        munmap((void *)(uintptr_t)b->data, b->size);
    free(b->path);
    *b = (struct bytes){0};
}
