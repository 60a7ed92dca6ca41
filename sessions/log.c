/* Opening and closing the log, and its sessions. */
#include "sessions/log.h"

#include "sessions/db.h"
#include "src/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "vilscope"

char *log_default_path(struct vs_err *err)
{
    const char *own = getenv("VILSCOPE_LOG"), *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (own && own[0])
        return xstrdup(own);
    if (data && data[0] == '/')
        return xasprintf("%s/vilscope/log.db", data);
    if (home && home[0])
        return xasprintf("%s/.local/share/vilscope/log.db", home);
    vs_fail(err, VS_E_DB, "no place for the log: HOME is not set; give --log FILE");
    return NULL;
}

const char *log_path(const struct log *l)
{
    return l->path;
}

/* Makes the folders above path. */
static int make_folders(const char *path, struct vs_err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;
    for (char *p = strchr(copy + 1, '/'); p && rc == 0; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = vs_fail(err, VS_E_DB, "%s: the folder cannot be made for the log: %s", copy,
                         strerror(errno));
        *p = '/';
    }
    free(copy);
    return rc;
}

/* What was asked is nobody else's business: SQLite would let the group and others read it, and
 * gives the files beside it the same permissions. One that is there keeps its own. */
static int make_file(const char *path, struct vs_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST && access(path, F_OK) != 0) /* a link to what is not there yet */
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    else if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return vs_fail(err, VS_E_DB, "%s: the log cannot be made: %s", path, strerror(errno));
    close(fd);
    return 0;
}

/* A log in a folder that may not be written has no room for SQLite's lock files: then it is read
 * as it is on the disk. */
static int open_immutable(struct log *l, struct vs_err *err)
{
    struct buf uri = {0};
    buf_puts(&uri, "file:");
    for (const char *p = l->path; *p; p++)
        if (*p == '?' || *p == '#' || *p == '%')
            buf_printf(&uri, "%%%02x", (unsigned)*p);
        else
            buf_putc(&uri, *p);
    buf_puts(&uri, "?immutable=1");
    log_close_db(l);
    int code = sqlite3_open_v2(uri.data, &l->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    buf_fini(&uri);
    if (code == SQLITE_OK)
        code = guard_connection(l->db, l);
    return code == SQLITE_OK ? schema_check(l, err) : db_fail(l, "opening", err);
}

static int open_reading(struct log *l, struct vs_err *err)
{
    struct stat st;
    if (stat(l->path, &st) != 0)
        return vs_fail(err, VS_E_MISSING, "%s: there is no log yet (%s)", l->path, strerror(errno));
    int rc = guard_file(l->path, err);
    if (rc != 0)
        return rc;
    if (sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        guard_connection(l->db, l) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    rc = schema_check(l, err);
    int code = l->code & 0xff;
    if (rc != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
        rc = open_immutable(l, err);
    guard_opening(l, false);
    if (rc == 0 && l->version < LOG_SCHEMA)
        rc = backup_into_temporary(l, err);
    return rc;
}

/* SQLite does not wait by itself when two programs turn the same new file to WAL. */
static int use_wal(struct log *l, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < 100; i++) {
        rc = db_exec(l, "PRAGMA journal_mode=WAL", "opening", err);
        if (rc == 0 || (sqlite3_errcode(l->db) & 0xff) != SQLITE_BUSY)
            break;
        sqlite3_sleep(20);
    }
    return rc;
}

static int open_writing(struct log *l, struct vs_err *err)
{
    int rc = make_folders(l->path, err);
    if (rc == 0)
        rc = guard_file(l->path, err);
    if (rc == 0)
        rc = make_file(l->path, err);
    if (rc != 0)
        return rc;
    if (sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        guard_connection(l->db, l) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    if (sqlite3_db_readonly(l->db, "main") == 1)
        return vs_fail(err, VS_E_DB, "%s: cannot be written: change its permissions, or use "
                       "another log with --log FILE", l->path);
    rc = schema_check(l, err); /* before anything is changed */
    guard_opening(l, false);
    if (rc == 0)
        rc = use_wal(l, err);
    if (rc == 0)
        rc = db_exec(l, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "opening", err);
    return rc ? rc : schema_apply(l, true, err);
}

int log_open_into(struct log *l, struct vs_err *err)
{
    guard_opening(l, true);
    int rc = l->read_only ? open_reading(l, err) : open_writing(l, err);
    guard_opening(l, false);
    if (rc != 0)
        log_close_db(l);
    return rc;
}

int log_open(const char *path, bool read_only, struct log **out, struct vs_err *err)
{
    struct log *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->read_only = read_only;
    int rc = log_open_into(l, err);
    if (rc == 0)
        *out = l;
    else
        log_close(l);
    return rc;
}

void log_close_db(struct log *l)
{
    for (int i = 0; i < l->cached; i++)
        sqlite3_finalize(l->cache[i].stmt);
    l->cached = 0;
    sqlite3_close(l->db);
    l->db = NULL;
}

void log_close(struct log *l)
{
    if (!l)
        return;
    log_close_db(l);
    pending_free(l->pending);
    free(l->notice);
    free(l->path);
    free(l);
}

const char *log_notice(const struct log *l)
{
    return l->notice;
}

/* ---- sessions */

/* 128 random bits: no two machines begin the same session. */
static int make_uid(char out[LOG_UID], struct vs_err *err)
{
    unsigned char bytes[16];
    if (getentropy(bytes, sizeof bytes) != 0)
        return vs_fail(err, VS_E_IO, "no random numbers from the system: %s", strerror(errno));
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int log_begin_session_at(struct log *l, const char *note, const char *started, int64_t *session,
                         struct vs_err *err)
{
    char uid[LOG_UID], machine[256] = "";
    int rc = make_uid(uid, err);
    if (gethostname(machine, sizeof machine - 1) != 0)
        machine[0] = '\0';
    if (rc == 0)
        rc = db_do(l, "INSERT INTO sessions(started, note, program, uid, machine) VALUES("
                      "coalesce(?, " LOG_NOW "), ?, ?, ?, ?)", "beginning a session", err, "sssss",
                   started, note, PROGRAM, uid, machine);
    if (rc == 0)
        *session = sqlite3_last_insert_rowid(l->db);
    return rc;
}

int log_begin_session(struct log *l, const char *note, int64_t *session, struct vs_err *err)
{
    return log_begin_session_at(l, note, NULL, session, err);
}

int log_end_session(struct log *l, int64_t session, struct vs_err *err)
{
    return db_do(l, "UPDATE sessions SET ended = " LOG_NOW " WHERE id = ?", "ending a session", err,
                 "i", session);
}
