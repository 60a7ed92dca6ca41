/* SPDX-License-Identifier: MIT */
/* SQLite with our errors. Inside sessions/ only. */
#ifndef VS_DB_H
#define VS_DB_H

#include "sessions/log.h"
#include "src/study/difference.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <sys/types.h>

#define DB_CACHE 160
struct pending; /* pending.c */

struct log {
    sqlite3 *db; /* NULL while a log that was asked for cannot be opened (pending.c) */
    char *path;
    bool read_only, folder; /* folder: path was, or is, one of logs (place.c) */
    bool apart;             /* whose shards of evaluations are not joined */
    const char *shared;     /* the kind of file system when machines share it, else NULL */
    struct lock *lock;      /* then, and when it is written to */
    int patience;           /* milliseconds to wait for another writer there */
    bool alone;             /* no other program knows the file yet: it needs no other beside it */
    bool placed;            /* the file that was opened is known: dev, ino */
    dev_t dev;
    ino_t ino;
    int64_t version; /* of the tables, when it was opened */
    char *notice;    /* what the user should know about the opening, or NULL */
    bool opening;    /* guard.c: strangers' files get little time */
    int code;        /* SQLite's, when schema_check failed */
    double until;    /* when a statement is stopped, in vs_now_ms's time; 0: never */
    struct {
        const char *sql; /* known by its address */
        sqlite3_stmt *stmt;
    } cache[DB_CACHE];
    int cached;
    struct pending *pending;
};

#define LOG_SCHEMA 10
#define LOG_PATIENCE 2000 /* ms that a writer waits for another one before there is a screen */
#define LOG_APPLICATION 0x76696c73 /* "vils", in the file's header */
#define LOG_NOW "strftime('%Y-%m-%dT%H:%M:%fZ','now')"

/* One line for the last error of the database. */
int db_fail(struct log *l, const char *doing, struct vs_err *err);
int db_fail_code(struct log *l, int code, const char *doing, struct vs_err *err);
/* Runs statements without results. */
int db_exec(struct log *l, const char *sql, const char *doing, struct vs_err *err);
int db_prepare(struct log *l, const char *sql, sqlite3_stmt **out, struct vs_err *err);
/* A statement that is kept prepared: sql is a literal, the statement is not to be finalized and is
 * reset by the next db_ready of it. */
int db_ready(struct log *l, const char *sql, sqlite3_stmt **out, struct vs_err *err);
/* Binds by format, from parameter 1: i int64_t, d double, s string or NULL. The strings must live
 * until the statement is reset. */
void db_bind(sqlite3_stmt *s, const char *format, ...);
void db_bind_list(sqlite3_stmt *s, const char *format, va_list ap);
/* Steps a statement that gives no rows, and resets it. */
int db_run(struct log *l, sqlite3_stmt *s, const char *doing, struct vs_err *err);
/* db_ready, db_bind and db_run in one. */
int db_do(struct log *l, const char *sql, const char *doing, struct vs_err *err,
          const char *format, ...);
/* The one whole number that sql gives. */
int db_number(struct log *l, const char *sql, int64_t *out, struct vs_err *err);
/* The whole number that a literal query with parameters gives; none: VS_E_MISSING without text. */
int db_find(struct log *l, const char *sql, int64_t *out, struct vs_err *err, const char *format,
            ...);
/* A copy of column i; NULL for NULL. */
char *db_text(sqlite3_stmt *s, int i);
/* The same, but "" for NULL: of columns that have no NULL, unless the file was made elsewhere. */
char *db_need(sqlite3_stmt *s, int i);
/* Times, digests, identities: what is not printable ASCII becomes a '?'. */
void db_copy(sqlite3_stmt *s, int i, char *out, size_t size);
/* A transaction that writes; db_end commits when rc is 0, else takes all back, and returns rc or
 * what the commit said. */
int db_begin(struct log *l, const char *doing, struct vs_err *err);
int db_end(struct log *l, int rc, const char *doing, struct vs_err *err);

/* guard.c: what a file may be that is opened as a log, how its connection is set up (a code of
 * SQLite), and whether its tables are those of version. */
int guard_file(const char *path, struct vs_err *err);
int guard_connection(sqlite3 *db, struct log *l);
void guard_trust(sqlite3 *db); /* its triggers and views, which are known to be ours */
int guard_tables(struct log *l, int64_t version, struct vs_err *err);
/* The time that statements have: begun anew with each one, or once for the whole opening. */
void guard_timer(struct log *l);
void guard_opening(struct log *l, bool begins);

/* The tables of a version, in an empty database. */
int schema_make(struct log *l, int64_t version, struct vs_err *err);
/* Makes or migrates the tables; backup: keeps a copy of an older log first. */
int schema_apply(struct log *l, bool backup, struct vs_err *err);
int schema_check(struct log *l, struct vs_err *err);
extern const char schema_version_3[], schema_version_4[], schema_version_5[], schema_version_6[],
    schema_version_7[], schema_version_8[], schema_version_9[],
    schema_version_10[];
/* schema3.c: what its migration calls. */
int schema_functions(struct log *l, struct vs_err *err);

/* list.c: what its statements call. */
int list_functions(struct log *l, struct vs_err *err);

/* backup.c */
int backup_make(struct log *l, int64_t version, struct vs_err *err);
int backup_into_temporary(struct log *l, struct vs_err *err);
int backup_open_temporary(struct log *l, struct vs_err *err); /* an empty one */
/* The file as it is on the disk, whatever locks and journals say, copied into a temporary one that
 * is checked; l->path stays. */
char *backup_uri(const char *path); /* to open it so; caller frees */
int backup_copy_still(struct log *l, struct vs_err *err);

/* ---- shared between the files that write */

/* The same task, text and images have the same question, whoever answers. */
int64_t log_question(const char *task, const char *text, const char *images);
int64_t log_question_of(const struct result *r); /* write.c */
/* write.c: the row of a checkpoint, made when it is new; names it is known by. */
int log_checkpoint_row(struct log *l, const char *digest, const char *name, const char *path,
                       int64_t *id, struct vs_err *err);
/* The next number in a session; within a transaction. */
int log_next_seq(struct log *l, int64_t session, int64_t *seq, struct vs_err *err);
/* All rows of a result, within a transaction; asked: UTC, or NULL for now. */
int log_write_rows(struct log *l, int64_t session, const struct result *r, const char *asked,
                   int64_t *id, struct vs_err *err);
/* The same as a transaction. */
int log_result_at(struct log *l, int64_t session, const struct result *r, const char *asked,
                  int64_t *id, struct vs_err *err);
/* log.c: opens what log_open opens, into a struct that is there. */
int log_open_into(struct log *l, struct vs_err *err);
void db_close(struct log *l);
int log_begin_session_at(struct log *l, const char *note, const char *started, const char *run,
                         int64_t *session, struct vs_err *err);
/* list.c: the statement that log_find runs, for the test of its plan. Caller frees. */
char *log_find_plan(struct log *l, const struct log_filter *f);
/* comparisons.c, differences.c: as their namesakes in log.h; asked as above */
int log_comparison_at(struct log *l, int64_t session, const int64_t *queries, int count,
                      const char *note, const char *asked, int64_t *id, struct vs_err *err);
int log_probe_run_at(struct log *l, int64_t session, const struct log_probe_run *run,
                     const char *asked, int64_t *id, struct vs_err *err);
int log_probe_run_check(struct log *l, const struct log_probe_run *run, struct vs_err *err);
int log_difference_at(struct log *l, int64_t session, const struct difference *d,
                      const char *asked, int64_t *id, struct vs_err *err);
int log_difference_check(struct log *l, const struct difference *d, struct vs_err *err);

/* attributions.c; x->query is a row */
int log_attribution_at(struct log *l, const struct attribution_record *x, struct vs_err *err);
int log_attribution_check(struct log *l, const struct attribution_record *x, struct vs_err *err);

/* pending.c; pending_row: log_written_query, but 0 for a row of another file than that which is
 * written now. */
void pending_free(struct pending *p);
int64_t pending_row(const struct log *l, int64_t id);
/* evaluations.c */
int log_evaluation_at(struct log *l, int64_t session, const struct log_evaluation *e,
                      const char *asked, struct vs_err *err);
int log_evaluation_check(struct log *l, const struct log_evaluation *e, struct vs_err *err);

/* ---- waiting.c: what can wait to be written, by its kind */
struct waiting_comparison {
    int64_t *queries;
    int count;
    char *note;
};
enum waiting_kind {
    WAIT_RESULT,     /* struct result */
    WAIT_COMPARISON, /* struct waiting_comparison */
    WAIT_PROBES,     /* struct log_probe_run */
    WAIT_DIFFERENCE, /* struct difference */
    WAIT_EVALUATION, /* struct log_evaluation */
    WAIT_ATTRIBUTION /* struct attribution_record */
};
void *waiting_copy(enum waiting_kind kind, const void *what);
void waiting_free(enum waiting_kind kind, void *what); /* of a copy */
/* A transaction. asked: UTC, or NULL for now. Queries that what refers to may be named as
 * log_result_later names them; those that are not in the log are left out. */
int waiting_write(struct log *l, int64_t session, enum waiting_kind kind, const void *what,
                  const char *asked, int64_t *id, struct vs_err *err);

/* search.c: typed words as a query for the index, or NULL when there is no word. Caller frees. */
int search_match(struct log *l, const char *typed, char **out, struct vs_err *err);

#endif
