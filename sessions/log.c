/* SPDX-License-Identifier: MIT */
/* Opening and closing the log, and its sessions. */
#include "sessions/log.h"

#include "sessions/db.h"
#include "sessions/identity.h"
#include "sessions/left.h"
#include "sessions/lock.h"
#include "sessions/place.h"
#include "src/formats/filesystem.h"
#include "src/base/mem.h"

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
        return vs_fail(err, VS_E_DB, "%s: the log cannot be created: %s", path, strerror(errno));
    close(fd);
    return 0;
}

/* A log is one thread's at a time, so SQLite need not lock it at each call: that would be a tenth
 * of the time that reading many rows takes. */
static int log_connect(struct log *l, const char *name, int how)
{
    return sqlite3_open_v2(name, &l->db, how | SQLITE_OPEN_NOMUTEX, NULL);
}

/* A log in a folder that may not be written has no room for SQLite's lock files: then it is read
 * as it is on the disk. */
static int open_immutable(struct log *l, struct vs_err *err)
{
    char *uri = backup_uri(l->path);
    db_close(l);
    int code = log_connect(l, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    free(uri);
    if (code == SQLITE_OK)
        code = guard_connection(l->db, l);
    return code == SQLITE_OK ? schema_check(l, err) : db_fail(l, "opening", err);
}

static int log_open_file(struct log *l, struct vs_err *err)
{
    if (log_connect(l, l->path, SQLITE_OPEN_READONLY) != SQLITE_OK ||
        guard_connection(l->db, l) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    int rc = schema_check(l, err), code = l->code & 0xff;
    if (rc != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
        rc = open_immutable(l, err);
    return rc;
}

static int open_reading(struct log *l, struct vs_err *err)
{
    struct stat st;
    bool copied = filesystem_shared(l->path) != NULL;
    if (place_is_folder(l->path)) {
        l->folder = true;
        return place_read_folder(l, err);
    }
    if (stat(l->path, &st) != 0)
        return vs_fail(err, VS_E_MISSING, "%s: there is no log yet (%s)", l->path, strerror(errno));
    int rc = guard_file(l->path, err);
    if (rc == 0)
        rc = copied ? place_read_shared(l, err) : log_open_file(l, err);
    if (rc == 0 && copied)
        rc = schema_check(l, err);
    guard_opening(l, false);
    if (rc == 0 && l->version < LOG_SCHEMA && copied) {
        guard_trust(l->db);
        return schema_apply(l, false, err);
    }
    return rc || l->version == LOG_SCHEMA ? rc : backup_into_temporary(l, err);
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

/* Before the first look at a file that machines share: WAL needs memory that they cannot share, and
 * one that another program left in this mode is read without. */
static int prepare_shared(struct log *l, struct vs_err *err)
{
    return db_exec(l, "PRAGMA locking_mode=EXCLUSIVE", "opening", err);
}

static int use_journal(struct log *l, struct vs_err *err)
{
    int rc = db_exec(l, "PRAGMA journal_mode=DELETE", "opening", err);
    return rc ? rc : db_exec(l, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_master",
                             "opening", err);
}

/* Nobody else writes from here on, where locks of files may not tell. */
static int log_reserve(struct log *l, struct vs_err *err)
{
    l->shared = filesystem_shared(l->path);
    int rc = place_make_folders(l->path, err);
    if (rc == 0)
        rc = guard_file(l->path, err);
    if (rc == 0)
        rc = l->shared ? lock_take(l->path, l->patience, &l->lock, err) : lock_look(l->path, err);
    if (rc == 0 && l->shared)
        rc = place_check_shared(l->path, err);
    return rc ? rc : make_file(l->path, err);
}

static int open_writing(struct log *l, struct vs_err *err)
{
    int rc = log_reserve(l, err);
    if (rc != 0)
        return rc;
    if (log_connect(l, l->path, SQLITE_OPEN_READWRITE) != SQLITE_OK ||
        guard_connection(l->db, l) != SQLITE_OK)
        return db_fail(l, "opening", err);
    sqlite3_busy_timeout(l->db, 2000);
    if (sqlite3_db_readonly(l->db, "main") == 1)
        return vs_fail(err, VS_E_DB, "%s: cannot be written: change its permissions, or use "
                       "another log with --log FILE", l->path);
    rc = l->shared ? prepare_shared(l, err) : 0;
    if (rc == 0)
        rc = schema_check(l, err); /* before anything is changed */
    guard_opening(l, false);
    if (rc == 0)
        rc = l->shared || l->alone ? use_journal(l, err) : use_wal(l, err);
    if (rc == 0)
        rc = db_exec(l, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "opening", err);
    if (rc == 0)
        rc = identity_remember(l, err);
    if (rc == 0)
        rc = schema_apply(l, true, err);
    if (rc == 0)
        left_take(l);
    return rc;
}

#define WRITERS 1000 /* at once, of one host */

/* The first log of this machine that nobody else writes to. */
static int open_in_folder(struct log *l, struct vs_err *err)
{
    char *folder = l->path;
    int rc = VS_E_REFUSED, patience = l->patience;
    for (int i = 1; i <= WRITERS && rc == VS_E_REFUSED; i++) {
        l->path = place_name(folder, i);
        l->patience = 0;
        rc = open_writing(l, err);
        if (rc != 0) {
            db_close(l);
            free(l->path);
        }
    }
    l->patience = patience;
    if (rc != 0)
        l->path = folder;
    else
        free(folder);
    l->folder = rc == 0;
    return rc;
}

int log_open_into(struct log *l, struct vs_err *err)
{
    guard_opening(l, true);
    int rc = l->read_only                 ? open_reading(l, err)
             : place_is_folder(l->path)   ? open_in_folder(l, err)
                                          : open_writing(l, err);
    guard_opening(l, false);
    if (rc == 0)
        rc = list_functions(l, err);
    if (rc != 0)
        db_close(l);
    return rc;
}

static int log_open_how(const char *path, bool read_only, bool apart, struct log **out,
                        struct vs_err *err)
{
    struct log *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->read_only = read_only;
    l->apart = apart;
    l->patience = LOG_PATIENCE;
    int rc = log_open_into(l, err);
    if (rc == 0)
        *out = l;
    else
        log_close(l);
    return rc;
}

int log_open(const char *path, bool read_only, struct log **out, struct vs_err *err)
{
    return log_open_how(path, read_only, false, out, err);
}

int log_open_apart(const char *path, struct log **out, struct vs_err *err)
{
    return log_open_how(path, true, true, out, err);
}

void log_close(struct log *l)
{
    if (!l)
        return;
    db_close(l);
    pending_free(l->pending);
    free(l->notice);
    free(l->path);
    free(l);
}

bool log_in_folder(const struct log *l)
{
    return l->folder;
}

bool log_names_folder(const char *path)
{
    return place_is_folder(path);
}

int log_make_folders(const char *path, struct vs_err *err)
{
    return place_make_folders(path, err);
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

int log_begin_session_at(struct log *l, const char *note, const char *started, const char *run,
                         int64_t *session, struct vs_err *err)
{
    char uid[LOG_UID], machine[256] = "";
    int rc = make_uid(uid, err);
    if (gethostname(machine, sizeof machine - 1) != 0)
        machine[0] = '\0';
    if (rc == 0)
        rc = db_do(l, "INSERT INTO sessions(started, note, program, uid, machine, run) VALUES("
                      "coalesce(?, " LOG_NOW "), ?, ?, ?, ?, ?)", "beginning a session", err,
                   "ssssss", started, note, PROGRAM, uid, machine, run);
    if (rc == 0)
        *session = sqlite3_last_insert_rowid(l->db);
    return rc;
}

int log_begin_session(struct log *l, const char *note, int64_t *session, struct vs_err *err)
{
    return log_begin_session_at(l, note, NULL, NULL, session, err);
}

int log_end_session(struct log *l, int64_t session, struct vs_err *err)
{
    return db_do(l, "UPDATE sessions SET ended = " LOG_NOW " WHERE id = ?", "ending a session", err,
                 "i", session);
}
