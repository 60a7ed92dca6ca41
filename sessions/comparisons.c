/* SPDX-License-Identifier: MIT */
/* Comparisons and runs of probe sets: what ties queries of several checkpoints together. */
#include "sessions/columns.h"

#include "src/base/mem.h"
#include "src/study/probes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int comparisons_write(struct log *l, int64_t session, const int64_t *queries, int count,
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
    rc = comparisons_write(l, session, queries, count, note, asked, id, err);
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
static int write_probe(struct log *l, int64_t run, int position, const struct log_probe *asked,
                       struct vs_err *err)
{
    struct column_row row;
    struct log_probe probe = *asked, *p = &probe;
    int rc = column_begin(l, COLUMN_INSERT("probe_results", "run_id, position, query_id",
                                           "?, ?, nullif(?, 0)", PROBE_COLUMNS),
                          &row, err, "iii", run, (int64_t)position, p->query);
    if (rc != 0)
        return rc;
    if (p->outcome == PROBE_FAILED)
        p->score = p->entropy = (double)NAN;
    PROBE_COLUMNS(COLUMN_PUT)
    return db_run(l, row.s, "writing a probe", err);
}

static int write_run(struct log *l, int64_t session, const struct log_probe_run *run,
                     const char *asked, int64_t *id, struct vs_err *err)
{
    struct column_row row;
    int64_t seq = 0, checkpoint = 0;
    int rc = log_checkpoint_row(l, run->checkpoint_digest, run->checkpoint_name,
                                run->checkpoint_path, &checkpoint, err);
    if (rc == 0)
        rc = log_next_seq(l, session, &seq, err);
    if (rc == 0)
        rc = column_begin(l, COLUMN_INSERT("probe_runs", "session_id, checkpoint_id, seq, ran",
                                           "?, ?, ?, coalesce(?, " LOG_NOW ")", PROBE_RUN_COLUMNS),
                          &row, err, "iiis", session, checkpoint, seq, asked);
    if (rc != 0)
        return rc;
    PROBE_RUN_COLUMNS(COLUMN_PUT)
    rc = db_run(l, row.s, "writing a probe run", err);
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
    struct column_row row = {s, 4, true};
    *p = (struct log_probe){.query = sqlite3_column_int64(s, 0), .checkpoint = db_text(s, 2)};
    db_copy(s, 1, p->ran, sizeof p->ran);
    db_copy(s, 3, p->checkpoint_digest, sizeof p->checkpoint_digest);
    PROBE_COLUMNS(COLUMN_GET)
}

int log_probe_trend(struct log *l, const char *probe, const char *task, struct log_probe **out,
                    int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT p.query_id, r.ran, r.checkpoint_name, c.digest"
                         PROBE_COLUMNS(COLUMN_OF_P)
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

void log_probes_free(struct log_probe *list, int count)
{
    for (int i = 0; i < count; i++) {
        struct log_probe *p = &list[i];
        PROBE_COLUMNS(COLUMN_FREE)
        free((char *)(uintptr_t)p->checkpoint);
    }
    free(list);
}
