/* SQLite with our errors. Inside sessions/ only. */
#ifndef VS_DB_H
#define VS_DB_H

#include "sessions/log.h"

#include <sqlite3.h>

struct log {
    sqlite3 *db;
    char *path;
    bool read_only;
};

#define LOG_SCHEMA 2
#define LOG_APPLICATION 0x76696c73 /* "vils", in the file's header */

/* One line for the last error of the database. */
int db_fail(struct log *l, const char *doing, struct vs_err *err);
/* Runs statements without results. */
int db_exec(struct log *l, const char *sql, const char *doing, struct vs_err *err);
int db_prepare(struct log *l, const char *sql, sqlite3_stmt **out, struct vs_err *err);
/* Binds by format, from parameter 1: i int64_t, d double, s string or NULL. The strings must live
 * until the statement is reset. */
void db_bind(sqlite3_stmt *s, const char *format, ...);
/* Steps a statement that gives no rows, and resets it. */
int db_run(struct log *l, sqlite3_stmt *s, const char *doing, struct vs_err *err);
/* The one whole number that sql gives. */
int db_number(struct log *l, const char *sql, int64_t *out, struct vs_err *err);
/* A copy of column i; NULL for NULL. */
char *db_text(sqlite3_stmt *s, int i);
void db_copy(sqlite3_stmt *s, int i, char *out, size_t size);

/* Makes or migrates the tables. */
int schema_apply(struct log *l, struct vs_err *err);
int schema_check(struct log *l, struct vs_err *err);

/* write.c: the row of a checkpoint, made when it is new. */
int log_checkpoint_row(struct log *l, const char *digest, int64_t *id, struct vs_err *err);

#endif
