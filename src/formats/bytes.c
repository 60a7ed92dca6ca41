/* SPDX-License-Identifier: MIT */
/* A file's bytes: in memory, or mapped read-only. */
#include "src/formats/bytes.h"

#include "src/formats/guard.h"
#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_STEP ((size_t)1 << 20)
#define READ_MOST ((size_t)64 << 20) /* more is mapped */

/* ---- the state of a file */

static struct file_id id_of(const struct stat *st)
{
    return (struct file_id){
        .device = (uint64_t)st->st_dev,
        .inode = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .written = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

bool file_id_of(const char *path, struct file_id *out)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    *out = id_of(&st);
    return true;
}

bool file_id_same(const struct file_id *a, const struct file_id *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->written == b->written && a->changed == b->changed;
}

bool file_is_at(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
           (S_ISREG(x.st_mode) || S_ISDIR(x.st_mode));
}

static int fail_changed(const char *path, struct vs_err *err)
{
    return vs_fail(err, VS_E_IO, "%s: the file changed while it was read: open it again when it is "
                   "complete", path);
}

int bytes_check(const struct bytes *b, int rc, struct vs_err *err)
{
    struct file_id now;
    if (!b->mapped)
        return rc;
    bool there = file_id_of(b->path, &now) && now.device == b->id.device &&
                 now.inode == b->id.inode;
    if (guard_hit(b->guard) || (there && !file_id_same(&now, &b->id)))
        return fail_changed(b->path, err);
    return rc;
}

struct bytes bytes_text(const struct bytes *b)
{
    struct bytes text = *b;
    if (b->size >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0) {
        text.data += 3;
        text.size -= 3;
    }
    return text;
}

void bytes_rest(const struct bytes *b)
{
    if (b->mapped)
        madvise((void *)(uintptr_t)b->data, b->size, MADV_DONTNEED);
}

void bytes_digest(const struct bytes *b, char hex[DIGEST_HEX])
{
    struct sha256 h;
    sha256_init(&h);
    for (size_t at = 0, n; at < b->size; at += n) {
        n = b->size - at < DIGEST_STEP ? b->size - at : DIGEST_STEP;
        sha256_add(&h, b->data + at, n);
        bytes_rest(b);
    }
    sha256_hex(&h, hex);
}

/* ---- opening */

static int map_fd(int fd, struct bytes *b, struct vs_err *err)
{
    void *p = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return vs_fail(err, VS_E_IO, "%s: cannot be mapped: %s", b->path, strerror(errno));
    b->data = p;
    b->mapped = true;
    b->guard = guard_add(p, b->size);
    return b->guard ? 0 : vs_fail(err, VS_E_LIMIT, "%s: too many files are open", b->path);
}

static int read_fd(int fd, struct bytes *b, struct vs_err *err)
{
    struct stat st;
    uint8_t *data = vs_try_calloc(b->size, 1);
    if (!data)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for %zu bytes", b->path, b->size);
    b->data = data;
    size_t at = 0;
    for (ssize_t n; at < b->size; at += (size_t)n) {
        n = read(fd, data + at, b->size - at);
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n < 0)
            return vs_fail(err, VS_E_IO, "%s: %s", b->path, strerror(errno));
        else if (n == 0)
            return fail_changed(b->path, err);
    }
    struct file_id now = fstat(fd, &st) == 0 ? id_of(&st) : b->id;
    return now.size == b->id.size && now.written == b->id.written ? 0
                                                                  : fail_changed(b->path, err);
}

static int open_fd(int fd, const char *path, bool map, struct bytes *out, struct vs_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return vs_fail(err, VS_E_FORMAT, "%s: is a directory, expected a file", path);
    if (!S_ISREG(st.st_mode))
        return vs_fail(err, VS_E_FORMAT, "%s: is not a regular file", path);
    if (st.st_size > PTRDIFF_MAX)
        return vs_fail(err, VS_E_LIMIT, "%s: has %lld bytes, more than a 32-bit program can read",
                       path, (long long)st.st_size);
    *out = (struct bytes){.size = (size_t)st.st_size, .path = xstrdup(path), .id = id_of(&st)};
    if (out->size == 0)
        return 0;
    int rc = map || out->size > READ_MOST ? map_fd(fd, out, err) : read_fd(fd, out, err);
    if (rc != 0)
        bytes_close(out);
    return rc;
}

static int open_either(const char *path, bool map, struct bytes *out, struct vs_err *err)
{
    *out = (struct bytes){0};
    /* O_NONBLOCK: opening a FIFO without a writer must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
    int rc = open_fd(fd, path, map, out, err);
    close(fd);
    return rc;
}

int bytes_open(const char *path, struct bytes *out, struct vs_err *err)
{
    return open_either(path, false, out, err);
}

int bytes_map(const char *path, struct bytes *out, struct vs_err *err)
{
    return open_either(path, true, out, err);
}

void bytes_close(struct bytes *b)
{
    guard_remove(b->guard);
    if (b->mapped)
        munmap((void *)(uintptr_t)b->data, b->size);
    else
        free((void *)(uintptr_t)b->data);
    free(b->path);
    *b = (struct bytes){0};
}
