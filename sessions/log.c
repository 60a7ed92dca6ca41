/* Opening and closing the log, and its sessions. */
#include "sessions/log.h"

#include "sessions/db.h"
#include "src/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

int log_schema_version(void)
{
    return LOG_SCHEMA;
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
    sqlite3_close(l->db);
    l->db = NULL;
    int code = sqlite3_open_v2(uri.data, &l->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    buf_fini(&uri);
    return code == SQLITE_OK ? schema_check(l, err) : db_fail(l, "opening", err);
}

static int open_reading(struct log *l, struct vs_err *err)
{
    struct stat st;
    if (stat(l->path, &st) != 0)
        return vs_fail(err, VS_E_MISSING, "%s: there is no log yet (%s)", l->path, strerror(errno));
    if (sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    int rc = schema_check(l, err);
    int code = sqlite3_errcode(l->db) & 0xff;
    if (rc != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
        rc = open_immutable(l, err);
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
    if (rc != 0)
        return rc;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(l->path, &l->db, flags, NULL) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    if (sqlite3_db_readonly(l->db, "main") == 1)
        return vs_fail(err, VS_E_DB, "%s: cannot be written: change its permissions, or use "
                       "another log with --log FILE", l->path);
    rc = schema_check(l, err); /* before anything is changed */
    if (rc == 0)
        rc = use_wal(l, err);
    if (rc == 0)
        rc = db_exec(l, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "opening", err);
    return rc ? rc : schema_apply(l, err);
}

int log_open(const char *path, bool read_only, struct log **out, struct vs_err *err)
{
    struct log *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->read_only = read_only;
    int rc = read_only ? open_reading(l, err) : open_writing(l, err);
    if (rc == 0)
        *out = l;
    else
        log_close(l);
    return rc;
}

void log_close(struct log *l)
{
    if (!l)
        return;
    sqlite3_close(l->db);
    free(l->path);
    free(l);
}

/* ---- sessions */

int log_begin_session(struct log *l, const char *note, int64_t *session, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO sessions(started, note, program) VALUES("
                           "strftime('%Y-%m-%dT%H:%M:%fZ','now'), ?, ?)", &s, err);
    if (rc == 0) {
        db_bind(s, "ss", note, PROGRAM);
        rc = db_run(l, s, "beginning a session", err);
    }
    sqlite3_finalize(s);
    if (rc == 0)
        *session = sqlite3_last_insert_rowid(l->db);
    return rc;
}

int log_end_session(struct log *l, int64_t session, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "UPDATE sessions SET ended = strftime('%Y-%m-%dT%H:%M:%fZ','now') "
                           "WHERE id = ?", &s, err);
    if (rc == 0) {
        db_bind(s, "i", session);
        rc = db_run(l, s, "ending a session", err);
    }
    sqlite3_finalize(s);
    return rc;
}

int log_list_sessions(struct log *l, int limit, struct log_session **out, int *count,
                      struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    *count = 0;
    int rc = db_prepare(l, "SELECT id, started, ended, note, (SELECT count(*) FROM queries WHERE "
                           "session_id = sessions.id) FROM sessions ORDER BY id DESC LIMIT ?",
                        &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", (int64_t)limit);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        struct log_session *x = &(*out)[(*count)++];
        *x = (struct log_session){.id = sqlite3_column_int64(s, 0), .note = db_text(s, 3),
                                  .query_count = sqlite3_column_int(s, 4)};
        db_copy(s, 1, x->started, sizeof x->started);
        db_copy(s, 2, x->ended, sizeof x->ended);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_finalize(s);
    if (rc != 0) {
        log_sessions_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_sessions_free(struct log_session *s, int count)
{
    for (int i = 0; i < count; i++)
        free(s[i].note);
    free(s);
}
