/* SPDX-License-Identifier: MIT */
/* Logs from strangers. A file that calls itself a log may hold anything: views in place of tables,
 * triggers, columns without their rules, numbers out of every range, and text of any length. It is
 * opened with SQLite's defences up and within limits of size, memory and time, and before a row of
 * it is read, its tables are compared with those that this program makes. */
#include "sessions/db.h"

#include "src/base/mem.h"

#include <stdlib.h>
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
