/* SPDX-License-Identifier: MIT */
/* A command that was killed and is given again: what it logged in its session is not logged a
 * second time. Its answers come in the same order, so the k-th answer of a checkpoint to a question
 * is the k-th that is there. */
#include "sessions/again.h"
#include "sessions/columns.h"

#include "src/base/mem.h"

#include <stdlib.h>

/* ---- the session */

int again_session(struct log *l, const char *run, int64_t *session, int64_t *last,
                  struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT id, last_seq FROM sessions WHERE run = ? ORDER BY last_seq DESC"
                         " LIMIT 1", &s, err);
    *session = *last = 0;
    if (rc != 0)
        return rc;
    db_bind(s, "s", run);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        *session = sqlite3_column_int64(s, 0);
        *last = sqlite3_column_int64(s, 1);
    } else if (code != SQLITE_DONE) {
        rc = db_fail(l, "reading", err);
    }
    sqlite3_reset(s);
    return rc;
}

int again_reopen(struct log *l, int64_t session, struct vs_err *err)
{
    return db_do(l, "UPDATE sessions SET ended = NULL WHERE id = ?", "going on with a session",
                 err, "i", session);
}

/* ---- what is there */

void again_take(struct again *a, int64_t query)
{
    a->taken = xreallocarray(a->taken, (size_t)a->count + 1, sizeof *a->taken);
    a->taken[a->count++] = query;
}

static bool again_is_taken(const struct again *a, int64_t query)
{
    for (int i = a->count - 1; i >= 0; i--)
        if (a->taken[i] == query)
            return true;
    return false;
}

static int again_find_query(struct log *l, struct again *a, int64_t session,
                            const struct result *r, int64_t *id, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code = SQLITE_DONE;
    int rc = db_ready(l, "SELECT q.id FROM queries q JOIN checkpoints c ON c.id = q.checkpoint_id"
                         " WHERE q.question = ? AND c.digest = ? AND q.session_id = ? AND"
                         " q.changes = ? ORDER BY q.id", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "isis", log_question_of(r), r->checkpoint_digest, session,
            r->changes ? r->changes : "");
    while (!*id && (code = sqlite3_step(s)) == SQLITE_ROW)
        if (!again_is_taken(a, sqlite3_column_int64(s, 0)))
            *id = sqlite3_column_int64(s, 0);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

/* Queries of a session are of one comparison of it. */
static int again_find_comparison(struct log *l, int64_t session, int64_t last, int64_t *id,
                                 struct vs_err *err)
{
    return db_find(l, "SELECT c.id FROM comparison_queries x JOIN comparisons c ON c.id ="
                      " x.comparison_id WHERE x.query_id = ? AND c.session_id = ?", id, err, "ii",
                   last, session);
}

int again_find(struct log *l, struct again *a, int64_t session, enum waiting_kind kind,
               const void *what, int64_t last, int64_t *id, struct vs_err *err)
{
    const struct log_probe_run *run = what;
    const struct difference *d = what;
    int rc = 0;
    *id = 0;
    if (kind == WAIT_RESULT)
        rc = again_find_query(l, a, session, what, id, err);
    if (kind == WAIT_COMPARISON)
        rc = again_find_comparison(l, session, last, id, err);
    if (kind == WAIT_PROBES)
        rc = db_find(l, "SELECT r.id FROM probe_runs r JOIN checkpoints c ON c.id ="
                        " r.checkpoint_id WHERE r.session_id = ? AND r.probes_digest = ? AND"
                        " c.digest = ?", id, err, "iss", session, run->probes_digest,
                     run->checkpoint_digest);
    if (kind == WAIT_DIFFERENCE)
        rc = db_find(l, "SELECT d.id FROM differences d JOIN checkpoints a ON a.id ="
                        " d.a_checkpoint_id JOIN checkpoints b ON b.id = d.b_checkpoint_id WHERE"
                        " d.session_id = ? AND d.kind = ? AND d.level IS ? AND d.subject IS ? AND"
                        " a.digest = ? AND b.digest = ?", id, err, "isssss", session, d->kind,
                     d->level, d->subject, d->sides[0].digest, d->sides[1].digest);
    return rc == VS_E_MISSING ? 0 : rc;
}
