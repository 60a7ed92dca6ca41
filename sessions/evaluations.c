/* SPDX-License-Identifier: MIT */
/* What evaluations measured: written, and read back. */
#include "sessions/columns.h"
#include "sessions/rows.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int write_row(struct log *l, int64_t session, int64_t checkpoint,
                     const struct log_evaluation *e, const char *asked, struct vs_err *err)
{
    int64_t seq = 0;
    struct column_row row;
    int rc = log_next_seq(l, session, &seq, err);
    if (rc == 0)
        rc = column_begin(l, COLUMN_INSERT("evaluations", "session_id, checkpoint_id, seq,"
                                           " measured", "?, ?, ?, coalesce(?, " LOG_NOW ")",
                                           EVALUATION_COLUMNS),
                          &row, err, "iiis", session, checkpoint, seq, asked);
    if (rc != 0)
        return rc;
    EVALUATION_COLUMNS(COLUMN_PUT)
    rc = db_run(l, row.s, "writing an evaluation", err);
    if (rc != 0 || !e->rows)
        return rc;
    return log_write_evaluation_rows(l, sqlite3_last_insert_rowid(l->db), e, err);
}

int log_evaluation_check(struct log *l, const struct log_evaluation *e, struct vs_err *err)
{
    if (strlen(e->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: an evaluation without the digest of its checkpoint",
                       l->path);
    return 0;
}

int log_evaluation_at(struct log *l, int64_t session, const struct log_evaluation *e,
                      const char *asked, struct vs_err *err)
{
    int64_t checkpoint = 0;
    int rc = db_begin(l, "writing an evaluation", err);
    if (rc != 0)
        return rc;
    rc = log_checkpoint_row(l, e->checkpoint_digest, e->checkpoint_name, e->checkpoint_path,
                            &checkpoint, err);
    if (rc == 0)
        rc = write_row(l, session, checkpoint, e, asked, err);
    return db_end(l, rc, "writing an evaluation", err);
}

int log_evaluation(struct log *l, int64_t session, const struct log_evaluation *e,
                   struct vs_err *err)
{
    int rc = log_evaluation_check(l, e, err);
    return rc ? rc : log_evaluation_at(l, session, e, NULL, err);
}

/* ---- reading */

/* Zeroed members of a record that has its texts from a row. */
static void evaluation_read_row(sqlite3_stmt *s, struct log_evaluated *out)
{
    struct log_evaluation *e = &out->e;
    struct column_row row = {.s = s, .at = 4, .good = true};
    *out = (struct log_evaluated){.id = sqlite3_column_int64(s, 0),
                                  .session = sqlite3_column_int64(s, 1)};
    db_copy(s, 2, out->measured, sizeof out->measured);
    db_copy(s, 3, e->checkpoint_digest, sizeof e->checkpoint_digest);
    EVALUATION_COLUMNS(COLUMN_GET)
}

/* where: what comes behind the tables, with a number, or without one where it is 0. */
static int evaluations_read(struct log *l, const char *where, int64_t number,
                            struct log_evaluated **out, int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    char *sql = xasprintf("SELECT e.id, session_id, measured, c.digest%s FROM evaluations e JOIN"
                          " checkpoints c ON c.id = checkpoint_id %s ORDER BY e.id",
                          EVALUATION_COLUMNS(COLUMN_NAME), where);
    int rc = db_prepare(l, sql, &s, err), code = SQLITE_DONE;
    free(sql);
    *out = NULL;
    *count = 0;
    if (rc == 0 && number)
        db_bind(s, "i", number);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        evaluation_read_row(s, &(*out)[(*count)++]);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_finalize(s);
    if (rc != 0) {
        log_evaluations_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

int log_list_evaluations(struct log *l, int64_t session, struct log_evaluated **out, int *count,
                         struct vs_err *err)
{
    /* Shares that were joined have no rows any more: what was joined of them is listed. */
    return evaluations_read(l, session ? "WHERE session_id = ? AND (shard = 0 OR row_count > 0)"
                                       : "WHERE shard = 0 OR row_count > 0",
                            session, out, count, err);
}

int log_find_evaluation(struct log *l, int64_t id, struct log_evaluated **out, struct vs_err *err)
{
    int n = 0;
    int rc = evaluations_read(l, "WHERE e.id = ?", id, out, &n, err);
    return rc || n ? rc : vs_fail(err, VS_E_MISSING, "%s: there is no evaluation %" PRId64
                                  ": \"vilscope sessions evaluations\" lists those that there "
                                  "are", l->path, id);
}

void log_evaluations_free(struct log_evaluated *list, int count)
{
    for (int i = 0; i < count; i++) {
        struct log_evaluation *e = &list[i].e;
        EVALUATION_COLUMNS(COLUMN_FREE)
    }
    free(list);
}

/* ---- names */

int log_checkpoint_named(struct log *l, const char *name, char digest[DIGEST_HEX],
                         struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT digest FROM checkpoints c JOIN checkpoint_names n ON"
                         " n.checkpoint_id = c.id WHERE n.name = ?", &s, err), n = 0, code;
    if (rc != 0)
        return rc;
    db_bind(s, "s", name);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && n++ == 0)
        db_copy(s, 0, digest, DIGEST_HEX);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc == 0 && n == 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: knows no checkpoint '%s': name the model directory "
                     "that has it with -m DIR", l->path, name);
    return rc || n == 1 ? rc : vs_fail(err, VS_E_REFUSED, "%s: knows several checkpoints '%s': "
                                       "name the model directory that has it with -m DIR", l->path,
                                       name);
}
