/* Comparisons and runs of probe sets: what ties queries of several checkpoints together. */
#include "sessions/db.h"

#include "src/base/mem.h"
#include "src/study/probes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int write_comparison(struct log *l, int64_t session, const int64_t *queries, int count,
                            const char *note, const char *asked, int64_t *id, struct vs_err *err)
{
    static const char doing[] = "writing a comparison";
    int64_t seq = 0;
    int rc = log_next_seq(l, session, &seq, err);
    if (rc == 0)
        rc = db_do(l, "INSERT INTO comparisons(session_id, seq, asked, note) VALUES(?, ?,"
                      " coalesce(?, " LOG_NOW "), ?)", doing, err, "iiss", session, seq, asked,
                   note);
    *id = sqlite3_last_insert_rowid(l->db);
    for (int i = 0; i < count && rc == 0; i++)
        rc = db_do(l, "INSERT INTO comparison_queries VALUES(?, ?, ?)", doing, err, "iii", *id,
                   (int64_t)i, queries[i]);
    return rc;
}

int log_comparison_at(struct log *l, int64_t session, const int64_t *queries, int count,
                      const char *note, const char *asked, int64_t *id, struct vs_err *err)
{
    static const char doing[] = "writing a comparison";
    int rc = db_begin(l, doing, err);
    if (rc != 0)
        return rc;
    rc = write_comparison(l, session, queries, count, note, asked, id, err);
    return db_end(l, rc, doing, err);
}

int log_comparison(struct log *l, int64_t session, const int64_t *queries, int count,
                   const char *note, int64_t *id, struct vs_err *err)
{
    int64_t made = 0;
    int rc = log_comparison_at(l, session, queries, count, note, NULL, &made, err);
    if (rc == 0 && id)
        *id = made;
    return rc;
}

int log_comparison_queries(struct log *l, int64_t id, int64_t **queries, int *count,
                           struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *queries = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT query_id FROM comparison_queries WHERE comparison_id = ? ORDER BY "
                         "position", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *queries = xreallocarray(*queries, (size_t)*count + 1, sizeof **queries);
        (*queries)[(*count)++] = sqlite3_column_int64(s, 0);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    else if (*count == 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: there is no comparison %" PRId64, l->path, id);
    sqlite3_reset(s);
    if (rc != 0) {
        free(*queries);
        *queries = NULL;
        *count = 0;
    }
    return rc;
}

int log_comparison_of(struct log *l, int64_t query, int64_t *id, struct vs_err *err)
{
    int rc = db_find(l, "SELECT comparison_id FROM comparison_queries WHERE query_id = ? ORDER BY "
                        "comparison_id DESC LIMIT 1", id, err, "i", query);
    if (rc == VS_E_MISSING)
        *id = 0;
    return rc == VS_E_MISSING ? 0 : rc;
}

/* ---- probes */

static const char *const outcomes[] = {"right", "wrong", "unjudged", "failed"};

static enum log_outcome outcome_of(const char *name)
{
    int o = PROBE_FAILED;
    while (o > 0 && strcmp(name ? name : "", outcomes[o]) != 0)
        o--;
    return (enum log_outcome)o;
}

struct log_probe log_probe_of(const struct probe *p, const struct probe_answer *a)
{
    return (struct log_probe){
        .probe = p->name, .task = p->item.task->name, .expected = probe_expected(p),
        .answer = a->text, .score = a->lone ? a->logit : a->softmax, .entropy = a->entropy,
        .query = a->log_id,
        .outcome = a->error     ? PROBE_FAILED
                   : !a->judged ? PROBE_UNJUDGED
                   : a->right   ? PROBE_RIGHT
                                : PROBE_WRONG};
}

/* Where nothing was answered there is no number: SQLite keeps NaN as NULL. */
static int write_probe(struct log *l, int64_t run, int position, const struct log_probe *p,
                       struct vs_err *err)
{
    bool failed = p->outcome == PROBE_FAILED;
    return db_do(l, "INSERT INTO probe_results(run_id, position, probe, task, expected, outcome,"
                    " answer, score, entropy, query_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?,"
                    " nullif(?, 0))", "writing a probe", err, "iisssssddi", run,
                 (int64_t)position, p->probe, p->task, p->expected, outcomes[p->outcome],
                 p->answer, failed ? (double)NAN : p->score, failed ? (double)NAN : p->entropy,
                 p->query);
}

static int write_run(struct log *l, int64_t session, const struct log_probe_run *run,
                     const char *asked, int64_t *id, struct vs_err *err)
{
    int64_t seq = 0, checkpoint = 0;
    int rc = log_checkpoint_row(l, run->checkpoint_digest, run->checkpoint_name,
                                run->checkpoint_path, &checkpoint, err);
    if (rc == 0)
        rc = log_next_seq(l, session, &seq, err);
    if (rc == 0)
        rc = db_do(l, "INSERT INTO probe_runs(session_id, seq, ran, probes_path, probes_digest,"
                      " model, checkpoint_id, checkpoint_name, checkpoint_path) VALUES(?, ?,"
                      " coalesce(?, " LOG_NOW "), ?, ?, ?, ?, ?, ?)", "writing a probe run", err,
                   "iissssiss", session, seq, asked, run->probes_path, run->probes_digest,
                   run->model, checkpoint, run->checkpoint_name, run->checkpoint_path);
    *id = sqlite3_last_insert_rowid(l->db);
    for (int i = 0; i < run->count && rc == 0; i++)
        rc = write_probe(l, *id, i, &run->probes[i], err);
    return rc;
}

int log_probe_run_check(struct log *l, const struct log_probe_run *run, struct vs_err *err)
{
    if (strlen(run->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: probes without the digest of their checkpoint", l->path);
    return 0;
}

int log_probe_run_at(struct log *l, int64_t session, const struct log_probe_run *run,
                     const char *asked, int64_t *id, struct vs_err *err)
{
    static const char doing[] = "writing a probe run";
    int rc = db_begin(l, doing, err);
    return rc ? rc : db_end(l, write_run(l, session, run, asked, id, err), doing, err);
}

int log_probe_run(struct log *l, int64_t session, const struct log_probe_run *run, int64_t *id,
                  struct vs_err *err)
{
    int64_t made = 0;
    int rc = log_probe_run_check(l, run, err);
    if (rc == 0)
        rc = log_probe_run_at(l, session, run, NULL, &made, err);
    if (rc == 0 && id)
        *id = made;
    return rc;
}

static void read_probe(sqlite3_stmt *s, struct log_probe *p)
{
    *p = (struct log_probe){.probe = db_need(s, 0), .task = db_need(s, 1),
                            .expected = db_text(s, 2), .answer = db_text(s, 3),
                            .score = sqlite3_column_double(s, 4),
                            .entropy = sqlite3_column_double(s, 5),
                            .outcome = outcome_of((const char *)sqlite3_column_text(s, 6)),
                            .query = sqlite3_column_int64(s, 7), .checkpoint = db_text(s, 9)};
    db_copy(s, 8, p->ran, sizeof p->ran);
    db_copy(s, 10, p->checkpoint_digest, sizeof p->checkpoint_digest);
}

int log_probe_trend(struct log *l, const char *probe, const char *task, struct log_probe **out,
                    int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT p.probe, p.task, p.expected, p.answer, p.score, p.entropy,"
                         " p.outcome, p.query_id, r.ran, r.checkpoint_name, c.digest"
                         " FROM probe_results p JOIN probe_runs r ON r.id = p.run_id"
                         " JOIN checkpoints c ON c.id = r.checkpoint_id WHERE p.probe = ?1"
                         " AND (?2 IS NULL OR p.task = ?2) ORDER BY r.ran, r.id", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "ss", probe, task);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        read_probe(s, &(*out)[(*count)++]);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc != 0) {
        log_probes_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_probes_free(struct log_probe *p, int count)
{
    for (int i = 0; i < count; i++) {
        free((char *)p[i].probe);
        free((char *)p[i].task);
        free((char *)p[i].expected);
        free((char *)p[i].answer);
        free((char *)p[i].checkpoint);
    }
    free(p);
}
