/* SPDX-License-Identifier: MIT */
/* Forgetting: by session or age, in small transactions so that others can write in between. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 500

/* Which queries: "WHERE ...", for one session (0: any). */
static char *prune_condition(const struct log_prune *what, int64_t session, bool pinned)
{
    struct buf b = {0};
    buf_puts(&b, what->before ? "WHERE asked < ?1" : "WHERE ?1 IS NULL");
    if (session)
        buf_printf(&b, " AND session_id = %" PRId64, session);
    buf_printf(&b, " AND id %s (SELECT query_id FROM pins)", pinned ? "IN" : "NOT IN");
    return buf_steal(&b);
}

static int count_where(struct log *l, const char *where, const char *before, int64_t *n,
                       struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    char *sql = xasprintf("SELECT count(*) FROM queries %s", where);
    int rc = db_prepare(l, sql, &s, err);
    if (rc == 0) {
        db_bind(s, "s", before);
        if (sqlite3_step(s) == SQLITE_ROW)
            *n += sqlite3_column_int64(s, 0);
        else
            rc = db_fail(l, "reading", err);
    }
    sqlite3_finalize(s);
    free(sql);
    return rc;
}

/* Removes at most BATCH of them; *n: how many. */
static int remove_batch(struct log *l, const char *where, const char *before, int64_t *n,
                        struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    char *sql = xasprintf("DELETE FROM queries WHERE id IN (SELECT id FROM queries %s LIMIT %d)",
                          where, BATCH);
    int rc = db_begin(l, "removing queries", err);
    if (rc == 0) {
        rc = db_prepare(l, sql, &s, err);
        if (rc == 0) {
            db_bind(s, "s", before);
            rc = db_run(l, s, "removing queries", err);
            *n = sqlite3_changes(l->db);
        }
        sqlite3_finalize(s);
        rc = db_end(l, rc, "removing queries", err);
    }
    free(sql);
    return rc;
}

static int prune_queries(struct log *l, const struct log_prune *what, int64_t session, bool pinned,
                         int64_t *removed, struct vs_err *err)
{
    char *where = prune_condition(what, session, pinned);
    int64_t n = BATCH;
    int rc = 0;
    if (what->dry)
        rc = count_where(l, where, what->before, removed, err);
    while (!what->dry && rc == 0 && n == BATCH) {
        rc = remove_batch(l, where, what->before, &n, err);
        *removed += rc == 0 ? n : 0;
    }
    free(where);
    return rc;
}

/* What was found out about checkpoints goes by the same conditions; there are few of them. */
static int prune_differences(struct log *l, const struct log_prune *what, int64_t session,
                             int64_t *removed, struct vs_err *err)
{
#define WHICH " FROM differences WHERE (?1 IS NULL OR found < ?1) AND (?2 = 0 OR session_id = ?2)"
    int64_t n = 0;
    int rc = db_find(l, "SELECT count(*)" WHICH, &n, err, "si", what->before, session);
    if (rc == 0 && n > 0 && !what->dry) {
        rc = db_begin(l, "removing differences", err);
        if (rc == 0)
            rc = db_end(l, db_do(l, "DELETE" WHICH, "removing differences", err, "si",
                                 what->before, session), "removing differences", err);
    }
#undef WHICH
    *removed += rc == 0 ? n : 0;
    return rc;
}

static int prune_one(struct log *l, const struct log_prune *what, int64_t session,
                     struct log_pruned *out, struct vs_err *err)
{
    int rc = prune_differences(l, what, session, &out->differences, err);
    if (rc == 0)
        rc = prune_queries(l, what, session, false, &out->queries, err);
    if (rc == 0 && what->pinned)
        rc = prune_queries(l, what, session, true, &out->queries, err);
    else if (rc == 0) {
        char *where = prune_condition(what, session, true);
        rc = count_where(l, where, what->before, &out->pinned, err);
        free(where);
    }
    return rc;
}

/* What nothing refers to any more. */
static int remove_empty(struct log *l, struct log_pruned *out, struct vs_err *err)
{
    static const char doing[] = "removing what is empty";
    int rc = db_begin(l, doing, err);
    if (rc != 0)
        return rc;
    rc = db_exec(l, "DELETE FROM comparisons WHERE id NOT IN (SELECT comparison_id FROM"
                    " comparison_queries)", doing, err);
    if (rc == 0)
        rc = db_exec(l, "DELETE FROM sessions WHERE (ended IS NOT NULL OR started <"
                        " strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')) AND"
                        " NOT EXISTS (SELECT 1 FROM queries WHERE session_id = sessions.id)"
                        " AND NOT EXISTS (SELECT 1 FROM evaluations WHERE session_id ="
                        " sessions.id) AND NOT EXISTS (SELECT 1 FROM comparisons WHERE session_id"
                        " = sessions.id) AND NOT EXISTS (SELECT 1 FROM probe_runs WHERE session_id"
                        " = sessions.id) AND NOT EXISTS (SELECT 1 FROM differences WHERE session_id"
                        " = sessions.id)", doing, err);
    if (rc == 0)
        out->sessions = sqlite3_changes(l->db);
    if (rc == 0)
        rc = db_exec(l, "DELETE FROM images WHERE NOT EXISTS (SELECT 1 FROM query_images WHERE"
                        " image_id = images.id);"
                        "DELETE FROM checkpoints WHERE NOT EXISTS (SELECT 1 FROM queries WHERE"
                        " checkpoint_id = checkpoints.id) AND NOT EXISTS (SELECT 1 FROM evaluations"
                        " WHERE checkpoint_id = checkpoints.id) AND NOT EXISTS (SELECT 1 FROM"
                        " probe_runs WHERE checkpoint_id = checkpoints.id) AND NOT EXISTS (SELECT"
                        " 1 FROM differences WHERE a_checkpoint_id = checkpoints.id) AND NOT EXISTS"
                        " (SELECT 1 FROM differences WHERE b_checkpoint_id = checkpoints.id)",
                     doing, err);
    return db_end(l, rc, doing, err);
}

static int check_sessions(struct log *l, const struct log_prune *what, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < what->session_count && rc == 0; i++) {
        int64_t id;
        rc = db_find(l, "SELECT id FROM sessions WHERE id = ?", &id, err, "i", what->sessions[i]);
        if (rc == VS_E_MISSING)
            vs_fail(err, rc, "%s: there is no session %" PRId64, l->path, what->sessions[i]);
    }
    return rc;
}

int log_prune(struct log *l, const struct log_prune *what, struct log_pruned *out,
              struct vs_err *err)
{
    *out = (struct log_pruned){0};
    int rc = check_sessions(l, what, err);
    if (what->session_count == 0 && rc == 0)
        rc = prune_one(l, what, 0, out, err);
    for (int i = 0; i < what->session_count && rc == 0; i++)
        rc = prune_one(l, what, what->sessions[i], out, err);
    return rc || what->dry ? rc : remove_empty(l, out, err);
}

int log_vacuum(struct log *l, struct vs_err *err)
{
    static const char doing[] = "giving room back";
    int rc = db_exec(l, "INSERT INTO words(words) VALUES('optimize')", doing, err);
    if (rc == 0)
        rc = db_exec(l, "VACUUM", doing, err);
    return rc ? rc : db_exec(l, "PRAGMA wal_checkpoint(TRUNCATE)", doing, err);
}
