/* SPDX-License-Identifier: MIT */
/* One writer at a time where file locks may not reach other machines. link(2) is atomic on every
 * network file system, and its success is seen in the file even when the server's answer was
 * lost. */
#include "sessions/lock.h"

#include "src/formats/tempfile.h"
#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 50 /* between two tries */

struct lock {
    char *path, *line;
};

/* Who writes. Processes can be looked up where host, boot and space of their numbers are ours. */
struct holder {
    char host[65], boot[40], space[40], since[24];
    long pid;
    long long began; /* of the process, in ticks since boot: numbers are used again */
};

/* ---- processes */

static void lock_read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(out, (int)size, f))
        out[0] = '\0';
    out[strcspn(out, " \t\r\n")] = '\0';
    if (f)
        fclose(f);
}

/* When a process began; 0: there is none, or nothing is known. */
static long long began_at(long pid)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    char *p = strrchr(text, ')'); /* of the name, which may hold anything */
    for (int i = 0; p && i < 20; i++)
        p = strchr(p + 1, ' ');
    return p ? strtoll(p, NULL, 10) : 0;
}

static void describe_self(struct holder *h)
{
    struct tm utc;
    time_t now = time(NULL);
    *h = (struct holder){.pid = (long)getpid(), .began = began_at((long)getpid())};
    if (gethostname(h->host, sizeof h->host - 1) != 0 || !h->host[0])
        snprintf(h->host, sizeof h->host, "unknown");
    lock_read_line("/proc/sys/kernel/random/boot_id", h->boot, sizeof h->boot);
    ssize_t n = readlink("/proc/self/ns/pid", h->space, sizeof h->space - 1);
    h->space[n > 0 ? n : 0] = '\0';
    gmtime_r(&now, &utc);
    strftime(h->since, sizeof h->since, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* Whether it is, or was, among the processes that can be looked up. */
static bool is_here(const struct holder *h, const struct holder *self)
{
    return self->boot[0] && strcmp(h->host, self->host) == 0 && strcmp(h->boot, self->boot) == 0 &&
           strcmp(h->space, self->space) == 0;
}

static bool is_dead(const struct holder *h)
{
    struct holder self;
    describe_self(&self);
    if (!is_here(h, &self))
        return false;
    if (kill((pid_t)h->pid, 0) != 0 && errno == ESRCH)
        return true;
    long long began = began_at(h->pid);
    return began && h->began && began != h->began;
}

/* ---- the file */

#define LINE 400

/* The line of a lock file; a random word makes it ours alone. */
static int make_line(char out[LINE])
{
    struct holder h;
    char random[TEMPFILE_RANDOM];
    describe_self(&h);
    if (tempfile_random(random, NULL) != 0)
        return -1;
    return snprintf(out, LINE, "vilscope %s %ld %s %lld %s %s %s\n", h.host, h.pid, h.since,
                    h.began, h.boot[0] ? h.boot : "-", h.space[0] ? h.space : "-", random);
}

static int write_line(int fd, const char *line)
{
    size_t n = strlen(line);
    return write(fd, line, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -1;
}

static ssize_t lock_read_file(const char *path, char out[LINE])
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, LINE - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

/* False: there is no such file, or it says nothing that can be read. */
static bool read_holder(const char *path, struct holder *h)
{
    char text[LINE];
    *h = (struct holder){0};
    if (lock_read_file(path, text) <= 0)
        return false;
    return sscanf(text, "vilscope %64s %ld %23s %lld %39s %39s", h->host, &h->pid, h->since,
                  &h->began, h->boot, h->space) == 6 && h->pid > 0;
}

/* Where there are no hard links, making a file that must be new is what is left. */
static int make_exclusive(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : -1;
    int rc = write_line(fd, line) == 0 ? 1 : -1, why = errno;
    close(fd);
    if (rc < 0)
        unlink(path);
    errno = why;
    return rc;
}

/* Whether the link is there although the server's answer, which was lost, did not say so. */
static bool lock_has_line(const char *path, const char *line)
{
    char text[LINE];
    return lock_read_file(path, text) > 0 && strcmp(text, line) == 0;
}

/* 1: made, 0: another's is there, negative: it cannot be made, and errno says why. */
static int try_once(const char *path, const char *line)
{
    char *temporary = NULL;
    int fd = tempfile_make(path, 0600, &temporary, NULL);
    if (fd < 0)
        return -1;
    bool linkless = false;
    int rc = write_line(fd, line) == 0 && link(temporary, path) == 0 ? 1 : -1, why = errno;
    if (rc < 0) {
        linkless = why == EPERM || why == ENOSYS || why == EOPNOTSUPP || why == EMLINK;
        rc = lock_has_line(path, line) ? 1 : why == EEXIST ? 0 : -1;
    }
    unlink(temporary);
    close(fd);
    free(temporary);
    errno = why;
    return rc < 0 && linkless ? make_exclusive(path, line) : rc;
}

/* ---- another's */

static int lock_tell(const char *log, const char *path, const struct holder *h, struct vs_err *err)
{
    struct holder self;
    describe_self(&self);
    if (!h->host[0])
        return vs_fail(err, VS_E_REFUSED, "%s: another program writes to it, %s says so but not "
                       "which: use --log FOLDER/, a log for each machine, or remove that file when "
                       "no program writes", log, path);
    bool here = is_here(h, &self);
    return vs_fail(err, VS_E_REFUSED, "%s: process %ld of %s writes to it since %s, and on a disk "
                   "that machines share only one can: use --log FOLDER/, a log for each "
                   "machine%s%s%s", log, h->pid, here ? "this machine" : h->host, h->since,
                   here ? "" : ", or remove ", here ? "" : path,
                   here ? "" : " if it no longer runs");
}

/* Only who has made PATH.break may remove another's lock, so that no two do: the second would
 * remove the first one's new lock. */
static void take_over(const char *path)
{
    struct holder h;
    char line[LINE], *broken = xasprintf("%s.break", path);
    if (make_line(line) > 0 && try_once(broken, line) == 1) {
        if (read_holder(path, &h) && is_dead(&h))
            unlink(path);
        unlink(broken);
    } else if (read_holder(broken, &h) && is_dead(&h)) {
        unlink(broken);
    }
    free(broken);
}

int lock_look(const char *log, struct vs_err *err)
{
    struct holder h;
    char *path = xasprintf("%s.lock", log);
    int rc = 0;
    if (access(path, F_OK) == 0) {
        bool known = read_holder(path, &h);
        if (access(path, F_OK) == 0 && !(known && is_dead(&h)))
            rc = lock_tell(log, path, &h, err);
    }
    free(path);
    return rc;
}

#define TAKEOVERS 20

static int try_for(const char *log, const char *path, const char *line, int wait_ms,
                   struct vs_err *err)
{
    const struct timespec step = {0, STEP_MS * 1000000L};
    double until = vs_now_ms() + wait_ms;
    struct holder h;
    for (int takeovers = 0;;) {
        int made = try_once(path, line);
        if (made > 0)
            return 0;
        if (made < 0)
            return vs_fail(err, VS_E_DB, "%s: it lies on a disk that machines share, and the file "
                           "that keeps others from writing, %s, cannot be made: %s", log, path,
                           strerror(errno));
        if (read_holder(path, &h) && is_dead(&h) && takeovers++ < TAKEOVERS)
            take_over(path);
        else if (vs_now_ms() >= until)
            return lock_tell(log, path, &h, err);
        else
            nanosleep(&step, NULL);
    }
}

int lock_take(const char *log, int wait_ms, struct lock **out, struct vs_err *err)
{
    char line[LINE], *path = xasprintf("%s.lock", log);
    int rc = make_line(line) > 0 ? try_for(log, path, line, wait_ms, err)
                                 : vs_fail(err, VS_E_IO, "no random numbers from the system");
    if (rc != 0) {
        free(path);
        return rc;
    }
    *out = xcalloc(1, sizeof **out);
    **out = (struct lock){path, xstrdup(line)};
    return 0;
}

bool lock_held(const struct lock *k)
{
    return lock_has_line(k->path, k->line);
}

void lock_drop(struct lock *k)
{
    if (!k)
        return;
    if (lock_held(k))
        unlink(k->path);
    free(k->path);
    free(k->line);
    free(k);
}
