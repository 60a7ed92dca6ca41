/* SPDX-License-Identifier: MIT */
/* One statement of the user's, which may only read, and what it gives as a table, CSV or JSON. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>

#define MEASURED 200 /* rows that decide the widths of a table */
#define WIDEST 60

/* Reading tables is allowed, and nothing else: no other files, no settings. */
static int sql_authorize(void *arg, int action, const char *a, const char *b, const char *c,
                         const char *d)
{
    static const char *const asks[] = {"table_info", "table_xinfo", "table_list", "index_list",
                                       "index_info", "foreign_key_list", "user_version",
                                       "data_version"};
    (void)arg, (void)c, (void)d;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
        action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    for (size_t i = 0; action == SQLITE_PRAGMA && i < sizeof asks / sizeof asks[0]; i++)
        if (sqlite3_stricmp(a, asks[i]) == 0 && (i < 6 || !b))
            return SQLITE_OK;
    return SQLITE_DENY;
}

static int sql_prepare(struct log *l, const char *sql, sqlite3_stmt **s, struct vs_err *err)
{
    const char *rest = NULL;
    /* The search index makes its own statements when it is first used. */
    sqlite3_exec(l->db, "SELECT 1 FROM words WHERE words MATCH 'x' LIMIT 0", NULL, NULL, NULL);
    sqlite3_set_authorizer(l->db, sql_authorize, NULL);
    l->until = 0; /* the user's own, who can end it */
    int code = sqlite3_prepare_v2(l->db, sql, -1, s, &rest);
    if (code == SQLITE_AUTH)
        return vs_fail(err, VS_E_USAGE, "only reading is allowed (%s): use sqlite3 to change the "
                       "log", sqlite3_errmsg(l->db));
    if (code != SQLITE_OK)
        return vs_fail(err, VS_E_USAGE, "SQL: %s", sqlite3_errmsg(l->db));
    while (rest && (isspace((unsigned char)*rest) || *rest == ';'))
        rest++;
    if (!*s || (rest && *rest))
        return vs_fail(err, VS_E_USAGE, "SQL: expected one statement");
    return 0;
}

/* ---- CSV */

#define BLOB_TEXT 32

/* The text of a cell until the next row is read, NULL for NULL; blob is where a blob is named. */
static const char *sql_cell(sqlite3_stmt *s, int i, char blob[BLOB_TEXT])
{
    if (sqlite3_column_type(s, i) != SQLITE_BLOB)
        return (const char *)sqlite3_column_text(s, i);
    snprintf(blob, BLOB_TEXT, "(%d bytes)", sqlite3_column_bytes(s, i));
    return blob;
}

static void print_csv_head(sqlite3_stmt *s, FILE *out)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (i)
            fputc(',', out);
        plain_csv(out, sqlite3_column_name(s, i), false);
    }
    fputc('\n', out);
}

static void print_csv_row(sqlite3_stmt *s, FILE *out)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        char blob[BLOB_TEXT];
        if (i)
            fputc(',', out);
        plain_csv(out, sql_cell(s, i, blob), false);
    }
    fputc('\n', out);
}

/* ---- JSON */

static json_t *json_value(sqlite3_stmt *s, int i)
{
    char blob[BLOB_TEXT];
    const char *text;
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_NULL: return json_null();
    case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(s, i));
    case SQLITE_FLOAT: return plain_number(sqlite3_column_double(s, i));
    default:
        text = sql_cell(s, i, blob);
        return plain_string(text ? text : "");
    }
}

static void print_json_row(sqlite3_stmt *s, bool first, FILE *out)
{
    json_t *row = json_object();
    for (int i = 0; i < sqlite3_column_count(s); i++)
        json_object_set_new(row, sqlite3_column_name(s, i), json_value(s, i));
    char *text = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputs(first ? "" : ",\n ", out);
    plain_json(out, text ? text : "{}");
    free(text);
    json_decref(row);
}

/* ---- a table */

struct table {
    int columns, rows;
    int *widths;
    char **cells; /* (rows, columns) of the first rows, until the widths are known */
    bool printed;
};

/* A cell without what drives a terminal, cut to the widest. */
static void print_cell(const char *s, int width, bool last, FILE *out)
{
    if (last)
        plain_text(out, "%s\n", s ? s : "");
    else
        plain_text(out, "%-*.*s  ", width, WIDEST, s ? s : "");
}

static void flush_table(struct table *t, sqlite3_stmt *s, FILE *out)
{
    if (t->printed)
        return;
    t->printed = true;
    for (int i = 0; i < t->columns; i++)
        print_cell(sqlite3_column_name(s, i), t->widths[i], i == t->columns - 1, out);
    for (int k = 0; k < t->rows * t->columns; k++)
        print_cell(t->cells[k], t->widths[k % t->columns], (k + 1) % t->columns == 0, out);
}

static void table_row(struct table *t, sqlite3_stmt *s, FILE *out)
{
    char blob[BLOB_TEXT];
    if (t->rows == MEASURED) {
        flush_table(t, s, out);
        for (int i = 0; i < t->columns; i++)
            print_cell(sql_cell(s, i, blob), t->widths[i], i == t->columns - 1, out);
        return;
    }
    size_t at = (size_t)t->rows++ * (size_t)t->columns;
    t->cells = xreallocarray(t->cells, at + (size_t)t->columns, sizeof(char *));
    for (int i = 0; i < t->columns; i++) {
        char *cell = xstrdup_null(sql_cell(s, i, blob));
        int w = plain_width(cell);
        w = w < WIDEST ? w : WIDEST;
        t->widths[i] = w > t->widths[i] ? w : t->widths[i];
        t->cells[at + (size_t)i] = cell;
    }
}

static int run_table(struct log *l, sqlite3_stmt *s, FILE *out, struct vs_err *err)
{
    struct table t = {.columns = sqlite3_column_count(s)};
    int code;
    t.widths = xcalloc((size_t)t.columns, sizeof *t.widths);
    for (int i = 0; i < t.columns; i++)
        t.widths[i] = plain_width(sqlite3_column_name(s, i));
    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        table_row(&t, s, out);
    if (code == SQLITE_DONE)
        flush_table(&t, s, out);
    for (int i = 0; i < t.rows * t.columns; i++)
        free(t.cells[i]);
    free(t.cells);
    free(t.widths);
    return code == SQLITE_DONE ? 0 : db_fail(l, "your query", err);
}

static int run_stream(struct log *l, sqlite3_stmt *s, enum log_format format, FILE *out,
                      struct vs_err *err)
{
    int code;
    bool first = true;
    if (format == LOG_CSV)
        print_csv_head(s, out);
    else
        fputc('[', out);
    for (; (code = sqlite3_step(s)) == SQLITE_ROW; first = false) {
        if (format == LOG_CSV)
            print_csv_row(s, out);
        else
            print_json_row(s, first, out);
    }
    if (format == LOG_JSON)
        fputs("]\n", out);
    return code == SQLITE_DONE ? 0 : db_fail(l, "your query", err);
}

int log_sql(struct log *l, const char *sql, enum log_format format, FILE *out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sql_prepare(l, sql, &s, err);
    if (rc == 0 && sqlite3_column_count(s) == 0)
        rc = vs_fail(err, VS_E_USAGE, "SQL: the statement gives no rows");
    if (rc == 0)
        rc = format == LOG_TABLE ? run_table(l, s, out, err) : run_stream(l, s, format, out, err);
    sqlite3_finalize(s);
    sqlite3_set_authorizer(l->db, NULL, NULL);
    return rc;
}
