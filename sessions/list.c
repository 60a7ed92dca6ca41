/* SPDX-License-Identifier: MIT */
/* Lists of sessions and queries, for people. */
#include "sessions/db.h"

#include "src/base/mem.h"
#include "src/task/answers.h"

#include <stdlib.h>
#include <string.h>

/* What a check set said of the answer last, else what is pinned to it, or to the same question. */
#define JUDGE_PIN                                                                                  \
    "CASE WHEN answers_equal(q.task, q.best, p.expected) THEN 'right' ELSE 'wrong' END"
#define JUDGED                                                                                     \
    "coalesce((SELECT outcome FROM probe_results WHERE query_id = q.id AND outcome IN ('right',"   \
    " 'wrong') ORDER BY run_id DESC LIMIT 1), (SELECT " JUDGE_PIN " FROM pins p WHERE p.query_id"  \
    " = q.id AND p.expected <> ''), (SELECT " JUDGE_PIN " FROM queries o JOIN pins p ON"  \
    " p.query_id = o.id WHERE o.question = q.question AND p.expected <> '' ORDER BY o.id DESC"     \
    " LIMIT 1), 'unjudged')"

#define QUERY_COLUMNS                                                                              \
    "q.id, q.session_id, q.asked, q.task, q.text, q.best, q.checkpoint_name,"                      \
    " (SELECT path FROM query_images WHERE query_id = q.id AND position = 0), q.best_score,"       \
    " q.best_score_name, (SELECT ms FROM timings WHERE query_id = q.id AND stage = 'total'),"      \
    " EXISTS(SELECT 1 FROM pins WHERE query_id = q.id), (SELECT expected FROM pins WHERE"          \
    " query_id = q.id), (SELECT note FROM notes WHERE query_id = q.id), (SELECT group_concat(tag," \
    " ' ') FROM tags WHERE query_id = q.id), q.changes, (SELECT digest FROM checkpoints WHERE"     \
    " id = q.checkpoint_id), q.question, " JUDGED

static const char *score_name(const char *s)
{
    return s && strcmp(s, "logit") == 0 ? "logit" : s && strcmp(s, "sigmoid") == 0 ? "sigmoid"
                                                                                   : "softmax";
}

const char *const log_judged_names[] = {"any", "right", "wrong", "unjudged", NULL};

static const char *list_text_of(sqlite3_value *v)
{
    const char *text = (const char *)sqlite3_value_text(v);
    return text ? text : "";
}

/* answers_equal(task, answer, other) */
static void list_answers_equal(sqlite3_context *c, int n, sqlite3_value **v)
{
    const struct task *t = task_find(list_text_of(v[0]));
    const char *a = list_text_of(v[1]), *b = list_text_of(v[2]);
    (void)n;
    sqlite3_result_int(c, t ? answers_equal(t, a, b) : strcmp(a, b) == 0);
}

int list_functions(struct log *l, struct vs_err *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    if (sqlite3_create_function(l->db, "answers_equal", 3, flags, NULL, list_answers_equal, NULL,
                                NULL) != SQLITE_OK)
        return db_fail(l, "opening", err);
    return 0;
}

static enum log_judged list_judged(const char *name)
{
    int i = LOG_UNJUDGED;
    while (i > LOG_ANY && strcmp(name ? name : "", log_judged_names[i]) != 0)
        i--;
    return i > LOG_ANY ? (enum log_judged)i : LOG_UNJUDGED;
}

static void list_read_row(sqlite3_stmt *s, struct log_query *x)
{
    *x = (struct log_query){.id = sqlite3_column_int64(s, 0),
                            .session = sqlite3_column_int64(s, 1), .task = db_need(s, 3),
                            .text = db_need(s, 4), .answer = db_text(s, 5),
                            .checkpoint = db_text(s, 6), .image = db_text(s, 7),
                            .score = sqlite3_column_double(s, 8),
                            .total_ms = sqlite3_column_double(s, 10),
                            .pinned = sqlite3_column_int(s, 11), .expected = db_text(s, 12),
                            .note = db_text(s, 13), .tags = db_text(s, 14),
                            .question = sqlite3_column_int64(s, 17),
                            .judged = list_judged((const char *)sqlite3_column_text(s, 18))};
    const char *changes = (const char *)sqlite3_column_text(s, 15);
    x->changes = changes && changes[0] ? xstrdup(changes) : NULL;
    x->score_name = score_name((const char *)sqlite3_column_text(s, 9));
    db_copy(s, 2, x->when, sizeof x->when);
    db_copy(s, 16, x->checkpoint_digest, sizeof x->checkpoint_digest);
}

/* All rows of a prepared statement with QUERY_COLUMNS. */
static int list_read_rows(struct log *l, sqlite3_stmt *s, struct log_query **out, int *count,
                          struct vs_err *err)
{
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        list_read_row(s, &(*out)[(*count)++]);
    }
    if (code == SQLITE_DONE)
        return 0;
    int rc = db_fail(l, "reading", err);
    log_queries_free(*out, *count);
    *out = NULL;
    *count = 0;
    return rc;
}

/* Only conditions that are asked for are in the statement: SQLite then knows which index serves. */
static char *find_sql(const struct log_filter *f, bool words)
{
    struct buf b = {0};
    buf_puts(&b, f->whole ? "SELECT " QUERY_COLUMNS " FROM queries q WHERE q.question IN (SELECT"
                            " q.question FROM "
                          : "SELECT " QUERY_COLUMNS " FROM ");
    buf_puts(&b, words ? "words CROSS JOIN queries q ON q.id = words.rowid WHERE words MATCH ?1"
                         " AND words.rowid < ?2"
                       : "queries q WHERE q.id < ?2");
    if (f->session)
        buf_puts(&b, " AND q.session_id = ?3");
    if (f->session && words)
        buf_puts(&b, " AND words.rowid >= (SELECT min(id) FROM queries WHERE session_id = ?3)");
    if (f->task)
        buf_puts(&b, " AND q.task = ?4");
    if (f->tag)
        buf_puts(&b, " AND q.id IN (SELECT query_id FROM tags WHERE tag = ?5)");
    if (f->pinned)
        buf_puts(&b, " AND q.id IN (SELECT query_id FROM pins)");
    if (f->checkpoint)
        buf_puts(&b, " AND q.checkpoint_id IN (SELECT id FROM checkpoints WHERE digest = ?6 UNION "
                     "SELECT checkpoint_id FROM checkpoint_names WHERE name = ?6)");
    if (f->image_digest)
        buf_puts(&b, " AND q.id IN (SELECT query_id FROM query_images WHERE image_id = (SELECT id "
                     "FROM images WHERE digest = ?7))");
    if (f->since)
        buf_puts(&b, " AND q.asked >= ?8");
    if (f->until)
        buf_puts(&b, " AND q.asked < ?9");
    if (f->question)
        buf_puts(&b, " AND q.question = ?10");
    if (f->judged)
        buf_puts(&b, " AND ?12 = " JUDGED);
    buf_printf(&b, " ORDER BY %s DESC LIMIT ?11", words ? "words.rowid" : "q.id");
    if (f->whole)
        buf_puts(&b, ") ORDER BY q.id DESC LIMIT ?11");
    return buf_steal(&b);
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
    if (text)
        sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
}

static void bind_filter(sqlite3_stmt *s, const struct log_filter *f, const char *match)
{
    bind_text(s, 1, match);
    sqlite3_bind_int64(s, 2, f->before ? f->before : INT64_MAX);
    sqlite3_bind_int64(s, 3, f->session);
    bind_text(s, 4, f->task);
    bind_text(s, 5, f->tag);
    bind_text(s, 6, f->checkpoint);
    bind_text(s, 7, f->image_digest);
    bind_text(s, 8, f->since);
    bind_text(s, 9, f->until);
    sqlite3_bind_int64(s, 10, f->question);
    sqlite3_bind_int(s, 11, f->limit > 0 ? f->limit : 50);
    bind_text(s, 12, f->judged ? log_judged_names[f->judged] : NULL);
}

int log_find(struct log *l, const struct log_filter *f, struct log_query **out, int *count,
             struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    char *match = NULL, *sql = NULL;
    *out = NULL;
    *count = 0;
    int rc = f->match ? search_match(l, f->match, &match, err) : 0;
    if (rc == 0) {
        sql = find_sql(f, match != NULL);
        rc = db_prepare(l, sql, &s, err);
    }
    if (rc == 0) {
        bind_filter(s, f, match);
        rc = list_read_rows(l, s, out, count, err);
    }
    sqlite3_finalize(s);
    free(sql);
    free(match);
    return rc;
}

char *log_find_plan(struct log *l, const struct log_filter *f)
{
    char *match = NULL;
    if (f->match && search_match(l, f->match, &match, NULL) != 0)
        return NULL;
    char *sql = find_sql(f, match != NULL);
    free(match);
    return sql;
}

int log_list_queries(struct log *l, int64_t session, const char *match, int limit,
                     struct log_query **out, int *count, struct vs_err *err)
{
    struct log_filter f = {.session = session, .match = match, .limit = limit};
    return log_find(l, &f, out, count, err);
}

int log_same_question(struct log *l, int64_t query, struct log_query **out, int *count,
                      struct vs_err *err)
{
    struct log_filter f = {.limit = 1000};
    *out = NULL;
    *count = 0;
    int rc = db_find(l, "SELECT question FROM queries WHERE id = ?", &f.question, err, "i", query);
    if (rc == VS_E_MISSING)
        return vs_fail(err, VS_E_MISSING, "%s: there is no query %lld", l->path, (long long)query);
    return rc ? rc : log_find(l, &f, out, count, err);
}

void log_queries_free(struct log_query *q, int count)
{
    for (int i = 0; i < count; i++) {
        free(q[i].task);
        free(q[i].text);
        free(q[i].answer);
        free(q[i].checkpoint);
        free(q[i].image);
        free(q[i].expected);
        free(q[i].note);
        free(q[i].tags);
        free(q[i].changes);
    }
    free(q);
}

/* ---- sessions */

int log_list_sessions(struct log *l, int limit, struct log_session **out, int *count,
                      struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT id, started, ended, note, (SELECT count(*) FROM queries WHERE "
                         "session_id = sessions.id), uid, machine, (SELECT count(*) FROM "
                         "evaluations WHERE session_id = sessions.id) FROM sessions WHERE id < "
                         "9223372036854775807 ORDER BY id DESC LIMIT ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", (int64_t)limit);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        struct log_session *x = &(*out)[(*count)++];
        *x = (struct log_session){.id = sqlite3_column_int64(s, 0), .note = db_text(s, 3),
                                  .query_count = sqlite3_column_int(s, 4),
                                  .machine = db_text(s, 6),
                                  .evaluation_count = sqlite3_column_int(s, 7)};
        db_copy(s, 1, x->started, sizeof x->started);
        db_copy(s, 2, x->ended, sizeof x->ended);
        db_copy(s, 5, x->uid, sizeof x->uid);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc != 0) {
        log_sessions_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_sessions_free(struct log_session *s, int count)
{
    for (int i = 0; i < count; i++) {
        free(s[i].note);
        free(s[i].machine);
    }
    free(s);
}

/* ---- names */

int log_image_paths(struct log *l, const char *digest, char ***out, int *count,
                    struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT p.path FROM images i JOIN image_paths p ON p.image_id = i.id WHERE"
                         " i.digest = ?1 ORDER BY (SELECT max(query_id) FROM query_images m WHERE"
                         " m.image_id = i.id AND m.path = p.path) DESC", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "s", digest);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof(char *));
        (*out)[(*count)++] = db_need(s, 0);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}
