/* SPDX-License-Identifier: MIT */
/* Where a log lies. On a disk that machines share, SQLite's own ways do not hold: memory that is
 * shared through a file is each machine's own, and locks may not reach the others. There one
 * program writes at a time (lock.c), with a journal that is a file, and readers copy. */
#include "sessions/place.h"

#include "sessions/again.h"
#include "sessions/lock.h"
#include "sessions/tend.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders */

bool place_is_folder(const char *path)
{
    struct stat st;
    size_t n = strlen(path);
    return (n > 1 && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

int place_make_folders(const char *path, struct vs_err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;
    for (char *p = strchr(copy + 1, '/'); p && rc == 0; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = vs_fail(err, VS_E_DB, "%s: the folder for the log cannot be created: %s", copy,
                         strerror(errno));
        *p = '/';
    }
    free(copy);
    return rc;
}

char *place_name(const char *folder, int i)
{
    char host[65] = "", number[16] = "";
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        strcpy(host, "log");
    for (char *p = host; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *p))
            *p = '_';
    if (i > 1)
        snprintf(number, sizeof number, "-%d", i);
    size_t n = strlen(folder);
    return xasprintf("%s%s%s%s.db", folder, n && folder[n - 1] == '/' ? "" : "/", host, number);
}

static int place_by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of all logs there, in the order of their names. */
static char **list_logs(const char *folder, int *count)
{
    char **list = NULL;
    DIR *d = opendir(folder);
    *count = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 3, ".db") != 0 || e->d_name[0] == '.')
            continue;
        list = xreallocarray(list, (size_t)*count + 1, sizeof *list);
        list[(*count)++] = xasprintf("%s/%s", folder, e->d_name);
    }
    if (d)
        closedir(d);
    if (list)
        vs_sort(list, (size_t)*count, sizeof *list, place_by_name);
    return list;
}

static int merge_one(struct log *into, const char *path, struct vs_err *err)
{
    struct log *from = NULL;
    struct log_merged n;
    int rc = log_open(path, true, &from, err);
    if (rc != 0)
        return rc;
    rc = log_merge(into, from, &n, err);
    log_close(from);
    return rc;
}

int place_read_folder(struct log *l, struct vs_err *err)
{
    int count = 0;
    char **list = list_logs(l->path, &count);
    int rc = count ? 0 : vs_fail(err, VS_E_MISSING, "%s: there is no log in it yet", l->path);
    if (rc == 0)
        rc = backup_open_temporary(l, err);
    if (rc == 0)
        rc = schema_apply(l, false, err);
    guard_opening(l, false); /* from here on each statement has its own time */
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = merge_one(l, list[i], err);
        free(list[i]);
    }
    free(list);
    struct log_joined *joined = NULL;
    int n = 0;
    if (rc == 0 && !l->apart)
        rc = log_join(l, &joined, &n, err);
    log_joined_free(joined, n);
    return rc;
}

/* ---- a session that another machine began
 *
 * The lock of a machine that is no more cannot be taken over: the session is brought into our own
 * log under its own identity, so that merging the folder gives each row once. */

/* Of a log that cannot be read, as of a machine that is writing, nothing is brought. */
static void place_look(const char *path, const char *run, int64_t *most, char **best)
{
    struct log *from = NULL;
    struct vs_err err = {0};
    int64_t session = 0, last = 0;
    if (log_open(path, true, &from, &err) == 0)
        again_session(from, run, &session, &last, &err);
    if (session && last > *most) {
        *most = last;
        free(*best);
        *best = xstrdup(path);
    }
    log_close(from);
}

int place_bring(struct log *l, const char *run, int64_t have, struct vs_err *err)
{
    char *own = xstrdup(l->path), *best = NULL;
    struct log *from = NULL;
    struct log_merged n;
    int64_t session = 0, last = 0;
    int count = 0, rc = 0;
    char **list = list_logs(dirname(own), &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i], l->path) != 0)
            place_look(list[i], run, &have, &best);
        free(list[i]);
    }
    free(list);
    if (best)
        rc = log_open(best, true, &from, err);
    if (rc == 0 && best)
        rc = again_session(from, run, &session, &last, err);
    if (rc == 0 && session)
        rc = log_merge_session(l, from, session, &n, err);
    log_close(from);
    free(best);
    free(own);
    return rc;
}

/* ---- shared disks: reading */

static int64_t place_size_of(const char *path, const char *tail)
{
    struct stat st;
    char *name = xasprintf("%s%s", path, tail);
    int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : -1;
    free(name);
    return size;
}

int place_check_shared(const char *path, struct vs_err *err)
{
    const char *tail = place_size_of(path, "-shm") >= 0  ? "-shm"
                       : place_size_of(path, "-wal") > 0 ? "-wal" : NULL;
    if (!tail)
        return 0;
    return vs_fail(err, VS_E_DB, "%s%s is there: a program that has this disk as its own writes to "
                   "the log, or was killed: end it there, or run \"sqlite3 FILE 'PRAGMA "
                   "journal_mode=DELETE'\" when none does", path, tail);
}

/* What changes with every write: bytes 24 to 27 of the file count them. */
struct state {
    unsigned char counter[4];
    int64_t size;
    bool journal;
};

static bool read_state(const char *path, struct state *s)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool read = fd >= 0 && pread(fd, s->counter, sizeof s->counter, 24) == sizeof s->counter;
    s->size = place_size_of(path, "");
    s->journal = place_size_of(path, "-journal") > 0;
    if (fd >= 0)
        close(fd);
    return read;
}

static bool same_state(const struct state *a, const struct state *b)
{
    return memcmp(a->counter, b->counter, sizeof a->counter) == 0 && a->size == b->size &&
           !a->journal && !b->journal;
}

#define COPY_TRIES 60
#define COPY_STEP_MS 50

int place_read_shared(struct log *l, struct vs_err *err)
{
    struct state before = {0}, after = {0};
    int rc = place_check_shared(l->path, err);
    for (int i = 0; i < COPY_TRIES && rc == 0; i++) {
        bool empty = place_size_of(l->path, "") == 0;
        if (!empty && (!read_state(l->path, &before) || before.journal)) {
            sqlite3_sleep(COPY_STEP_MS);
            continue;
        }
        db_close(l);
        rc = backup_copy_still(l, err);
        if (rc == 0 && (empty || (read_state(l->path, &after) && same_state(&before, &after))))
            return 0;
    }
    if (rc == 0 && lock_look(l->path, err) == 0)
        rc = vs_fail(err, VS_E_DB, "%s: a program was ended while it wrote: \"vilscope sessions "
                     "check --repair\" takes back what it had not finished", l->path);
    return rc ? rc : err ? err->code : VS_E_DB;
}
