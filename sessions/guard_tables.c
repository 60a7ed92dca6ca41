/* SPDX-License-Identifier: MIT */
/* Whether the tables of a database are those that we make: nothing more, nothing else. */
#include "sessions/db.h"

#include <string.h>

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
