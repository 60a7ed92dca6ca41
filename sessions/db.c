/* SPDX-License-Identifier: MIT */
/* SQLite with our errors. */
#include "sessions/db.h"

#include "sessions/identity.h"
#include "sessions/lock.h"

#include "src/base/mem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool about_locks(int code)
{
    return code == SQLITE_IOERR_LOCK || code == SQLITE_IOERR_RDLOCK ||
           code == SQLITE_IOERR_UNLOCK || code == SQLITE_IOERR_CHECKRESERVEDLOCK ||
           code == SQLITE_IOERR_SHMLOCK || code == SQLITE_IOERR_SHMMAP ||
           code == SQLITE_IOERR_SHMOPEN;
}

int db_fail(struct log *l, const char *doing, struct vs_err *err)
{
    return db_fail_code(l, sqlite3_extended_errcode(l->db), doing, err);
}

int db_fail_code(struct log *l, int code, const char *doing, struct vs_err *err)
{
    const char *path = l->path;
    switch (code & 0xff) {
    case SQLITE_BUSY: case SQLITE_LOCKED:
        if (!identity_has_locks(path))
            return vs_fail(err, VS_E_DB, "%s: the disk it lies on has no file locks (%s), so "
                           "programs could destroy it together: use a log on a disk of this "
                           "machine with --log FILE", path, doing);
        return vs_fail(err, VS_E_DB, "%s: locked by another program (%s): close it, or use another "
                       "log with --log FILE", path, doing);
    case SQLITE_FULL:
        return vs_fail(err, VS_E_DB, "%s: the disk is full (%s): make room", path, doing);
    case SQLITE_IOERR:
        if (about_locks(code))
            return vs_fail(err, VS_E_DB, "%s: file locks fail on the disk it lies on (%s), "
                           "so programs could destroy it together: use a log on a disk of this "
                           "machine with --log FILE", path, doing);
        return vs_fail(err, VS_E_DB, "%s: reading or writing fails (%s): is the disk full, or out "
                       "of order?", path, doing);
    case SQLITE_READONLY:
        return vs_fail(err, VS_E_DB, "%s: cannot be written (%s): change its permissions, or use "
                       "another log with --log FILE", path, doing);
    case SQLITE_INTERRUPT:
        return vs_fail(err, VS_E_DB, "%s: this takes too long (%s): is the log damaged, or made to "
                       "do so?", path, doing);
    case SQLITE_TOOBIG: case SQLITE_NOMEM:
        return vs_fail(err, VS_E_DB, "%s: too large for this program's limits (%s): is the log "
                       "damaged, or made so?", path, doing);
    case SQLITE_CORRUPT:
        return vs_fail(err, VS_E_DB, "%s: damaged (%s): move it away, or rescue it with \"sqlite3 "
                       "FILE .recover\"", path, doing);
    case SQLITE_NOTADB:
        return vs_fail(err, VS_E_DB, "%s: not an SQLite database: choose another with --log FILE",
                       path);
    case SQLITE_CANTOPEN:
        return vs_fail(err, VS_E_DB, "%s: cannot be opened: check that the folder is there and may "
                       "be written", path);
    default:
        return vs_fail(err, VS_E_DB, "%s: %s: %s", path, doing,
                       l->db ? sqlite3_errmsg(l->db) : sqlite3_errstr(code));
    }
}

/* A log of log_start that could not be opened yet. */
static int not_open(struct log *l, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: is not open", l->path);
}

void db_close(struct log *l)
{
    for (int i = 0; i < l->cached; i++)
        sqlite3_finalize(l->cache[i].stmt);
    l->cached = 0;
    sqlite3_close(l->db);
    l->db = NULL;
    lock_drop(l->lock);
    l->lock = NULL;
    l->placed = false;
}

int db_exec(struct log *l, const char *sql, const char *doing, struct vs_err *err)
{
    if (!l->db)
        return not_open(l, err);
    if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(l, doing, err);
    return 0;
}

int db_prepare(struct log *l, const char *sql, sqlite3_stmt **out, struct vs_err *err)
{
    if (!l->db)
        return not_open(l, err);
    guard_timer(l);
    if (sqlite3_prepare_v2(l->db, sql, -1, out, NULL) != SQLITE_OK)
        return db_fail(l, "preparing", err);
    return 0;
}

int db_ready(struct log *l, const char *sql, sqlite3_stmt **out, struct vs_err *err)
{
    if (!l->db)
        return not_open(l, err);
    guard_timer(l);
    for (int i = 0; i < l->cached; i++)
        if (l->cache[i].sql == sql) {
            *out = l->cache[i].stmt;
            sqlite3_reset(*out);
            sqlite3_clear_bindings(*out);
            return 0;
        }
    if (l->cached == DB_CACHE) /* never, with the literals that there are */
        sqlite3_finalize(l->cache[--l->cached].stmt);
    if (sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return db_fail(l, "preparing", err);
    l->cache[l->cached].sql = sql;
    l->cache[l->cached++].stmt = *out;
    return 0;
}

void db_bind_list(sqlite3_stmt *s, const char *format, va_list ap)
{
    for (int i = 1; *format; format++, i++) {
        const char *text;
        switch (*format) {
        case 'i': sqlite3_bind_int64(s, i, va_arg(ap, int64_t)); break;
        case 'd': sqlite3_bind_double(s, i, va_arg(ap, double)); break;
        default:
            text = va_arg(ap, const char *);
            if (text)
                sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
            else
                sqlite3_bind_null(s, i);
        }
    }
}

void db_bind(sqlite3_stmt *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    db_bind_list(s, format, ap);
    va_end(ap);
}

int db_do(struct log *l, const char *sql, const char *doing, struct vs_err *err,
          const char *format, ...)
{
    sqlite3_stmt *s = NULL;
    va_list ap;
    int rc = db_ready(l, sql, &s, err);
    if (rc != 0)
        return rc;
    va_start(ap, format);
    db_bind_list(s, format, ap);
    va_end(ap);
    return db_run(l, s, doing, err);
}

int db_find(struct log *l, const char *sql, int64_t *out, struct vs_err *err, const char *format,
            ...)
{
    sqlite3_stmt *s = NULL;
    va_list ap;
    int rc = db_ready(l, sql, &s, err);
    if (rc != 0)
        return rc;
    va_start(ap, format);
    db_bind_list(s, format, ap);
    va_end(ap);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    else
        rc = code == SQLITE_DONE ? VS_E_MISSING : db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static const char rollback[] = "ROLLBACK";

int db_begin(struct log *l, const char *doing, struct vs_err *err)
{
    sqlite3_stmt *back = NULL;
    int rc = db_ready(l, rollback, &back, err); /* before there may be no memory for it */
    if (rc == 0)
        rc = identity_check(l, err);
    return rc ? rc : db_exec(l, "BEGIN IMMEDIATE", doing, err);
}

int db_end(struct log *l, int rc, const char *doing, struct vs_err *err)
{
    sqlite3_stmt *back = NULL;
    if (rc == 0)
        rc = identity_check(l, err);
    if (rc == 0)
        rc = db_exec(l, "COMMIT", doing, err);
    if (rc != 0 && !sqlite3_get_autocommit(l->db) && db_ready(l, rollback, &back, NULL) == 0) {
        sqlite3_step(back);
        sqlite3_reset(back);
    }
    return rc;
}

int db_run(struct log *l, sqlite3_stmt *s, const char *doing, struct vs_err *err)
{
    int rc = 0;
    if (sqlite3_get_autocommit(l->db) && !sqlite3_stmt_readonly(s))
        rc = identity_check(l, err); /* a transaction of its own */
    if (rc == 0 && sqlite3_step(s) != SQLITE_DONE)
        rc = db_fail(l, doing, err);
    sqlite3_reset(s);
    return rc;
}

int db_number(struct log *l, const char *sql, int64_t *out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, sql, &s, err);
    if (rc == 0 && sqlite3_step(s) != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    if (rc == 0)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc;
}

char *db_text(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return xstrdup_null(text);
}

char *db_need(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return xstrdup(text ? text : "");
}

void db_copy(sqlite3_stmt *s, int i, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    size_t n = text ? strlen(text) : 0;
    n = n < size ? n : size - 1;
    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126)
            *p = '?';
}
