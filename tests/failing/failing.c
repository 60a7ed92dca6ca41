/* SPDX-License-Identifier: MIT */
/* The linker puts these functions in the place of those of the program and of its libraries
 * (--wrap). Each calls the true one, but for the one call that has to fail:
 *
 *   VILSCOPE_CALLS=FILE  each call that is new is appended to FILE: its name and where it is made
 *   VILSCOPE_FAIL=NAME   the first call of that name fails
 *
 * Those of vilscope that return an error are made by wrap.awk. */
#include "failing.h"

#include "kernels/kern.h"
#include "src/base/mem.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 8192, DEPTH = 3, OURS = 3 };
int main(int argc, char **argv);
int __real_open(const char *path, int flags, ...);
int __real_fclose(FILE *f);
ssize_t __real_write(int fd, const void *x, size_t n);
pid_t __real_fork(void);

extern char __executable_start, etext; /* the linker's: where the program's code lies */

/* A call's name: the function, and a number that stands for where it is called. What SQLite does is
 * called in few places for many reasons: these are told apart by what called them. */
struct call {
    char name[64];
    long at[DEPTH]; /* counted from main */
    int depth;
};
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char seen[MOST][64];
static int seen_count;
static bool failed;
static bool is_child; /* that decodes a picture and may ask for nothing */

static __attribute__((noinline)) void take_call(struct call *c, const char *name)
{
    void *frames[DEPTH + OURS];
    uint32_t h = 2166136261u;
    int n = backtrace(frames, DEPTH + OURS);
    int deep = strncmp(name, "sqlite3", 7) == 0 ? DEPTH : 1;
    c->depth = 0;
    for (int i = OURS; i < n && c->depth < deep; i++) { /* what is above are these functions */
        const char *p = frames[i];
        if (p < &__executable_start || p >= &etext)
            continue;
        c->at[c->depth++] = (long)(p - (const char *)main);
        h = (h ^ (uint32_t)c->at[c->depth - 1]) * 16777619u;
    }
    snprintf(c->name, sizeof c->name, "%s.%08x", name, h);
}

static bool is_new(const char *call)
{
    for (int i = 0; i < seen_count; i++)
        if (strcmp(seen[i], call) == 0)
            return false;
    if (seen_count == MOST)
        return false;
    snprintf(seen[seen_count++], sizeof seen[0], "%s", call);
    return true;
}

static void note(const char *path, const struct call *c)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s", c->name);
    for (int i = 0; i < c->depth; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %ld", c->at[i]);
    line[n++] = '\n';
    int fd = __real_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || __real_write(fd, line, (size_t)n) < 0)
        abort();
    close(fd);
}

__attribute__((noinline)) bool fails(const char *name)
{
    static bool inside;
    const char *calls = getenv("VILSCOPE_CALLS"), *fail = getenv("VILSCOPE_FAIL");
    struct call c;
    bool now = false;
    if (is_child || (!calls && (!fail || failed || strncmp(name, fail, strlen(name)) != 0)))
        return false;
    pthread_mutex_lock(&guard);
    if (!inside) {
        inside = true;
        take_call(&c, name);
        if (calls && is_new(c.name))
            note(calls, &c);
        if (fail && !failed)
            now = failed = strcmp(fail, c.name) == 0;
        inside = false;
    }
    pthread_mutex_unlock(&guard);
    return now;
}

/* What hangs is ended. */
static __attribute__((constructor)) void limit(void)
{
    if (getenv("VILSCOPE_FAIL"))
        alarm(60);
}

/* A call that was not made has shown nothing. */
static __attribute__((destructor)) void tell(void)
{
    if (getenv("VILSCOPE_FAIL") && !failed && !is_child)
        _exit(125);
}

/* ---- the C library and others */

#define FAILING(type, name, params, values, failure) \
    type __real_##name params; \
    type __wrap_##name params; \
    type __wrap_##name params \
    { \
        return fails(#name) ? (failure) : __real_##name values; \
    }

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;
    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    if (!fails("open"))
        return __real_open(path, flags, mode);
    errno = EACCES;
    return -1;
}

/* What was written is in the file, and yet the system says that it is not. */
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f)
{
    bool bad = fails("fclose");
    int rc = __real_fclose(f);
    errno = bad ? ENOSPC : errno;
    return bad ? EOF : rc;
}

pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    bool bad = fails("fork");
    pid_t pid = bad ? -1 : __real_fork();
    is_child |= pid == 0;
    errno = bad ? EAGAIN : errno;
    return pid;
}

FAILING(ssize_t, write, (int fd, const void *x, size_t n), (fd, x, n), (errno = ENOSPC, -1))
FAILING(ssize_t, read, (int fd, void *x, size_t n), (fd, x, n), (errno = EIO, -1))
FAILING(ssize_t, pread, (int fd, void *x, size_t n, off_t at), (fd, x, n, at), (errno = EIO, -1))
FAILING(FILE *, fopen, (const char *path, const char *how), (path, how), (errno = EACCES, NULL))
FAILING(FILE *, fdopen, (int fd, const char *how), (fd, how), (errno = ENOMEM, NULL))
FAILING(int, fflush, (FILE *f), (f), (errno = ENOSPC, EOF))
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), (errno = EIO, -1))
FAILING(int, stat, (const char *path, struct stat *st), (path, st), (errno = EACCES, -1))
FAILING(int, lstat, (const char *path, struct stat *st), (path, st), (errno = EACCES, -1))
FAILING(void *, mmap, (void *p, size_t n, int how, int flags, int fd, off_t at),
        (p, n, how, flags, fd, at), (errno = ENOMEM, MAP_FAILED))
FAILING(int, rename, (const char *from, const char *to), (from, to), (errno = EACCES, -1))
FAILING(int, link, (const char *from, const char *to), (from, to), (errno = EACCES, -1))
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), (errno = EACCES, -1))
FAILING(int, fsync, (int fd), (fd), (errno = EIO, -1))
FAILING(void *, vs_try_calloc, (size_t count, size_t size), (count, size), NULL)
FAILING(float *, kern_alloc, (struct kern *k, size_t n), (k, n), NULL)
FAILING(int, sqlite3_prepare_v2,
        (sqlite3 *db, const char *sql, int n, sqlite3_stmt **out, const char **tail),
        (db, sql, n, out, tail), (*out = NULL, SQLITE_NOMEM))
FAILING(int, sqlite3_prepare_v3,
        (sqlite3 *db, const char *sql, int n, unsigned how, sqlite3_stmt **out, const char **tail),
        (db, sql, n, how, out, tail), (*out = NULL, SQLITE_NOMEM))
FAILING(int, sqlite3_step, (sqlite3_stmt *s), (s), SQLITE_IOERR)
FAILING(int, sqlite3_exec,
        (sqlite3 *db, const char *sql, int (*f)(void *, int, char **, char **), void *arg,
         char **text),
        (db, sql, f, arg, text), SQLITE_IOERR)
