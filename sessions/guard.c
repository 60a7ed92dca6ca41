/* Logs from strangers. A file that calls itself a log may hold anything: views in place of tables,
 * triggers, columns without their rules, numbers out of every range, and text of any length. It is
 * opened with SQLite's defences up and within limits of size, memory and time, and before a row of
 * it is read, its tables are compared with those that this program makes. */
#include "sessions/db.h"

#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES (256 * 1024 * 1024)       /* of one value */
#define MOST_MEMORY ((int64_t)1 << 30)       /* of SQLite, in all */
#define OPENING_SECONDS 30                   /* for all that opening asks */
#define STATEMENT_SECONDS 600                /* for one statement that reads */
#define STEPS_BETWEEN_LOOKS 20000

/* ---- files */

/* A pipe would wait for ever, a device has no end. */
static int check_kind(const char *path, const char *tail, struct vs_err *err)
{
    struct stat st;
    char *name = xasprintf("%s%s", path, tail);
    int rc = 0;
    if (stat(name, &st) == 0 && !S_ISREG(st.st_mode))
        rc = vs_fail(err, VS_E_DB, "%s: is %s, and a log is an ordinary file: choose another with "
                     "--log FILE", name, S_ISDIR(st.st_mode) ? "a folder"
                                         : S_ISFIFO(st.st_mode) ? "a pipe"
                                         : S_ISSOCK(st.st_mode) ? "a socket" : "a device");
    free(name);
    return rc;
}

int guard_file(const char *path, struct vs_err *err)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    int rc = 0;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && rc == 0; i++)
        rc = check_kind(path, tails[i], err);
    return rc;
}

/* ---- connections */

static int look_at_clock(void *arg)
{
    const struct log *l = arg;
    return l->until > 0 && vs_now_ms() > l->until;
}

void guard_timer(struct log *l)
{
    if (!l->opening)
        l->until = l->read_only ? vs_now_ms() + STATEMENT_SECONDS * 1000.0 : 0;
}

void guard_opening(struct log *l, bool begins)
{
    l->opening = begins;
    l->until = begins ? vs_now_ms() + OPENING_SECONDS * 1000.0 : 0;
}

int guard_connection(sqlite3 *db, struct log *l)
{
    static const struct {
        int what, most;
    } limits[] = {{SQLITE_LIMIT_LENGTH, MOST_BYTES}, {SQLITE_LIMIT_SQL_LENGTH, 1000000},
                  {SQLITE_LIMIT_COLUMN, 500}, {SQLITE_LIMIT_EXPR_DEPTH, 200},
                  {SQLITE_LIMIT_COMPOUND_SELECT, 50}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
                  {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10000}, {SQLITE_LIMIT_ATTACHED, 1}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(db, limits[i].what, limits[i].most);
    sqlite3_hard_heap_limit64(MOST_MEMORY);
    sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_at_clock, l);
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
    return code;
}

/* Our triggers write to the search index, which older SQLite does not let untrusted ones do. */
void guard_trust(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
}

/* ---- tables */

static const char rows_sql[] =
    "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name NOT IN"
    " ('sqlite_stat1', 'sqlite_stat4') OR type <> 'table' ORDER BY name, type";

static const char *text_of(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return text ? text : "";
}

static int not_ours(struct log *l, sqlite3_stmt *row, const char *why, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: not a log of vilscope (%s '%s' %s): choose another with --log"
                   " FILE", l->path, text_of(row, 0), text_of(row, 1), why);
}

/* Where two ordered lists stand: below 0 when want has something that have has not. */
static int order(sqlite3_stmt *want, sqlite3_stmt *have)
{
    int by_name = strcmp(text_of(want, 1), text_of(have, 1));
    return by_name ? by_name : strcmp(text_of(want, 0), text_of(have, 0));
}

static int compare_rows(struct log *l, sqlite3_stmt *want, sqlite3_stmt *have, struct vs_err *err)
{
    int w = sqlite3_step(want), h = sqlite3_step(have);
    while (w == SQLITE_ROW || h == SQLITE_ROW) {
        if (h != SQLITE_ROW && h != SQLITE_DONE)
            return db_fail(l, "reading the tables", err);
        int which = w != SQLITE_ROW ? 1 : h != SQLITE_ROW ? -1 : order(want, have);
        if (which < 0)
            return not_ours(l, want, "is missing", err);
        if (which > 0)
            return not_ours(l, have, "does not belong there", err);
        if (strcmp(text_of(want, 2), text_of(have, 2)) != 0 ||
            strcmp(text_of(want, 3), text_of(have, 3)) != 0)
            return not_ours(l, have, "is not what it should be", err);
        w = sqlite3_step(want);
        h = sqlite3_step(have);
    }
    return w == SQLITE_DONE && h == SQLITE_DONE ? 0 : db_fail(l, "reading the tables", err);
}

int guard_tables(struct log *l, int64_t version, struct vs_err *err)
{
    struct log model = {.path = l->path};
    sqlite3_stmt *want = NULL, *have = NULL;
    int rc = sqlite3_open_v2(":memory:", &model.db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
                 ? schema_make(&model, version, err)
                 : db_fail(&model, "opening", err);
    if (rc == 0)
        rc = db_prepare(&model, rows_sql, &want, err);
    if (rc == 0)
        rc = db_prepare(l, rows_sql, &have, err);
    if (rc == 0)
        rc = compare_rows(l, want, have, err);
    sqlite3_finalize(want);
    sqlite3_finalize(have);
    sqlite3_close(model.db);
    return rc;
}
