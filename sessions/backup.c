/* SPDX-License-Identifier: MIT */
/* Copies of a log: one beside it before its tables are changed, and one for reading an older log
 * that is not to be changed. */
#include "sessions/db.h"

#include "src/formats/bytes.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All pages of from, to the end or an error. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return sqlite3_errcode(to);
    int code = sqlite3_backup_step(b, -1);
    sqlite3_backup_finish(b);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Another connection reads what is committed, while this one holds the lock of a writer. Without a
 * journal nothing is left beside the copy when the program is killed. */
static int write_copy(struct log *l, const char *path, struct vs_err *err)
{
    sqlite3 *from = NULL, *to = NULL;
    int code = sqlite3_open_v2(l->path, &from, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(to, "PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = copy_pages(from, to);
    sqlite3_close(from);
    sqlite3_close(to);
    if (code == SQLITE_OK)
        return 0;
    return vs_fail(err, VS_E_DB, "%s: it has to be upgraded, and the copy to "
                   "keep of the old one cannot be written (%s): make room beside it", l->path,
                   sqlite3_errstr(code));
}

static bool same_bytes(const char *a, const char *b)
{
    struct bytes x, y;
    if (bytes_open(a, &x, NULL) != 0)
        return false;
    bool opened = bytes_open(b, &y, NULL) == 0;
    bool same = opened && x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    bytes_close(&x);
    if (opened)
        bytes_close(&y);
    return same;
}

/* The first name that is free: an older copy is never replaced. One that a migration has left that
 * was killed before its end is the same, and kept in place of another. Caller frees. */
static char *name_copy(const char *path, int64_t version, const char *temporary)
{
    for (int i = 1; i < 1000; i++) {
        char *name = i == 1 ? xasprintf("%s.v%" PRId64 ".bak", path, version)
                            : xasprintf("%s.v%" PRId64 ".bak.%d", path, version, i);
        if (link(temporary, name) == 0)
            return name;
        int why = errno;
        if (why == EEXIST && same_bytes(temporary, name))
            return name;
        free(name);
        errno = why;
        if (why != EEXIST)
            break;
    }
    return NULL;
}

static bool backup_is_left(const char *entry, const char *base)
{
    size_t n = strlen(base);
    if (strncmp(entry, base, n) != 0 || strncmp(entry + n, ".v", 2) != 0)
        return false;
    const char *rest = entry + n + 2 + strspn(entry + n + 2, "0123456789");
    return strncmp(rest, ".bak.", 5) == 0 && strstr(rest + 5, ".tmp") != NULL;
}

/* Half copies of migrations that were killed: only who has the writer's lock makes one. */
static void backup_remove_left(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (backup_is_left(e->d_name, base))
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    free(folder);
}

int backup_make(struct log *l, int64_t version, struct vs_err *err)
{
    char *about = xasprintf("%s.v%" PRId64 ".bak", l->path, version), *temporary = NULL;
    backup_remove_left(l->path);
    int fd = tempfile_make(about, 0600, &temporary, err);
    free(about);
    if (fd < 0)
        return fd;
    close(fd); /* SQLite locks it by itself */
    int rc = write_copy(l, temporary, err);
    char *name = rc == 0 ? name_copy(l->path, version, temporary) : NULL;
    if (rc == 0 && !name)
        rc = vs_fail(err, VS_E_DB, "%s: the copy to keep of the old log cannot be named: %s",
                     l->path, strerror(errno));
    unlink(temporary);
    if (rc == 0) {
        free(l->notice);
        l->notice = xasprintf("%s: upgraded from version %" PRId64 " to %d; the old log is kept as "
                              "%s", l->path, version, LOG_SCHEMA, name);
    }
    free(temporary);
    free(name);
    return rc;
}

int backup_open_temporary(struct log *l, struct vs_err *err)
{
    int code = sqlite3_open_v2("", &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code == SQLITE_OK)
        code = guard_connection(l->db, l);
    if (code != SQLITE_OK)
        return db_fail(l, "making a temporary log", err);
    guard_trust(l->db);
    return 0;
}

/* l becomes a copy of from that goes with this program. */
static int copy_into_temporary(struct log *l, sqlite3 *from, struct vs_err *err)
{
    struct log copy = {.path = l->path};
    int rc = backup_open_temporary(&copy, err);
    int code = rc == 0 ? copy_pages(from, copy.db) : SQLITE_OK;
    if (rc == 0 && code == SQLITE_FULL)
        rc = vs_fail(err, VS_E_DB, "%s: there is no room for a copy to read: make room in $TMPDIR",
                     l->path);
    else if (rc == 0 && code != SQLITE_OK)
        rc = db_fail_code(l, code, "copying it to be read", err);
    if (rc != 0) {
        sqlite3_close(copy.db);
        return rc;
    }
    db_close(l);
    sqlite3_progress_handler(copy.db, 0, NULL, NULL);
    l->db = copy.db;
    guard_connection(l->db, l);
    return 0;
}

/* The file stays as it is. */
int backup_into_temporary(struct log *l, struct vs_err *err)
{
    int rc = copy_into_temporary(l, l->db, err);
    if (rc == 0)
        guard_trust(l->db);
    return rc ? rc : schema_apply(l, false, err);
}

int backup_copy_still(struct log *l, struct vs_err *err)
{
    char *uri = backup_uri(l->path);
    sqlite3 *from = NULL;
    int rc = sqlite3_open_v2(uri, &from, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK
                 ? copy_into_temporary(l, from, err)
                 : vs_fail(err, VS_E_DB, "%s: cannot be read: %s", l->path, sqlite3_errmsg(from));
    sqlite3_close(from);
    free(uri);
    return rc;
}

char *backup_uri(const char *path)
{
    struct buf uri = {0};
    buf_puts(&uri, "file:");
    for (const char *p = path; *p; p++)
        if (*p == '?' || *p == '#' || *p == '%')
            buf_printf(&uri, "%%%02x", (unsigned)*p);
        else
            buf_putc(&uri, *p);
    buf_puts(&uri, "?immutable=1");
    return buf_steal(&uri);
}
