/* SPDX-License-Identifier: MIT */
/* Whether a log is sound: SQLite's own checks, references, the search index, and our counts. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <stdlib.h>

#define MOST_PROBLEMS 100

static void add_problem(struct log_report *r, char *text)
{
    if (r->problem_count == MOST_PROBLEMS) {
        free(text);
        return;
    }
    r->problems = xreallocarray(r->problems, (size_t)r->problem_count + 1, sizeof(char *));
    r->problems[r->problem_count++] = text;
}

/* Every row of sql is a problem, told by what. */
static int add_rows(struct log *l, const char *sql, const char *what, struct log_report *r,
                    struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, sql, &s, err), code = SQLITE_DONE;
    while (rc == 0 && r->problem_count < MOST_PROBLEMS && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        add_problem(r, xasprintf("%s: %s", what, text ? text : "?"));
    }
    if (rc == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        add_problem(r, xasprintf("%s: %s", what, sqlite3_errmsg(l->db)));
    sqlite3_finalize(s);
    return rc;
}

static const struct {
    const char *what, *sql;
} rules[] = {
    {"the file", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <>"
                 " 'ok'"},
    {"a reference leads nowhere", "SELECT \"table\" || ', row ' || coalesce(rowid, '?') FROM"
                                  " pragma_foreign_key_check"},
    {"answers are missing", "SELECT 'query ' || id FROM queries WHERE min(answer_count, 100) <>"
                            " (SELECT count(*) FROM answers WHERE query_id = queries.id)"},
    {"boxes are missing", "SELECT 'query ' || id FROM queries WHERE box_count <> (SELECT count(*)"
                          " FROM boxes WHERE query_id = queries.id)"},
    {"parts are missing", "SELECT 'difference ' || id FROM differences WHERE part_count <>"
                          " (SELECT count(*) FROM difference_parts WHERE difference_id ="
                          " differences.id)"},
    {"rows are missing", "SELECT 'evaluation ' || id FROM evaluations WHERE row_count <> (SELECT"
                         " count(*) FROM evaluation_rows WHERE evaluation_id = evaluations.id) OR"
                         " row_count <> (SELECT count(*) FROM evaluation_lines WHERE evaluation_id"
                         " = evaluations.id)"},
    {"a number of a session is used beyond its end",
     "SELECT 'session ' || id FROM sessions WHERE last_seq < (SELECT coalesce(max(seq), 0) FROM"
     " queries WHERE session_id = sessions.id) OR last_seq < (SELECT coalesce(max(seq), 0) FROM"
     " differences WHERE session_id = sessions.id)"},
};

/* FTS5's own check is an insertion that inserts nothing: it needs a connection that may write.
 * Where the file may not be written, it is left out. */
static int run_words_check(struct log *l)
{
    static const char sql[] = "INSERT INTO words(words, rank) VALUES('integrity-check', 1)";
    sqlite3 *db = NULL;
    if (sqlite3_db_readonly(l->db, "main") == 0)
        return sqlite3_exec(l->db, sql, NULL, NULL, NULL);
    int code = sqlite3_open_v2(l->path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = guard_connection(db, l);
    if (code == SQLITE_OK && sqlite3_db_readonly(db, "main") == 0) {
        sqlite3_busy_timeout(db, 2000);
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return (code & 0xff) == SQLITE_CORRUPT ? code : SQLITE_OK;
}

static void check_words(struct log *l, bool repair, struct log_report *r)
{
    int code = run_words_check(l);
    if (code != SQLITE_OK && repair &&
        sqlite3_exec(l->db, "INSERT INTO words(words) VALUES('rebuild')", NULL, NULL, NULL) ==
            SQLITE_OK)
        return;
    if (code != SQLITE_OK)
        add_problem(r, xasprintf("the search index disagrees with the queries (%s): \"vilscope "
                                 "sessions check --repair\" rebuilds it",
                                 sqlite3_errstr(code)));
}

static int count_tables(struct log *l, struct log_report *r, struct vs_err *err)
{
    static const char *const tables[] = {
        "sessions", "queries", "checkpoints", "images", "answers", "boxes", "evaluations",
        "evaluation_rows",
        "comparisons", "probe_runs", "probe_results", "differences", "attention", "attributions",
        "pins", "notes", "tags"};
    int rc = 0;
    r->counts = xcalloc(sizeof tables / sizeof tables[0], sizeof *r->counts);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == 0; i++) {
        struct log_count *c = &r->counts[r->count++];
        char *sql = xasprintf("SELECT count(*) FROM %s", tables[i]);
        c->name = xstrdup(tables[i]);
        rc = db_number(l, sql, &c->rows, err);
        free(sql);
    }
    return rc ? rc : db_number(l, "SELECT page_count * page_size FROM pragma_page_count,"
                                  " pragma_page_size", &r->bytes, err);
}

int log_check(struct log *l, bool repair, struct log_report *out, struct vs_err *err)
{
    int rc = 0;
    *out = (struct log_report){.version = LOG_SCHEMA};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && rc == 0; i++)
        rc = add_rows(l, rules[i].sql, rules[i].what, out, err);
    if (rc == 0)
        check_words(l, repair, out);
    return rc ? rc : count_tables(l, out, err);
}

void log_report_fini(struct log_report *r)
{
    for (int i = 0; i < r->count; i++)
        free(r->counts[i].name);
    for (int i = 0; i < r->problem_count; i++)
        free(r->problems[i]);
    free(r->counts);
    free(r->problems);
}
