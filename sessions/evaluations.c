/* Writing what evaluations measured. */
#include "sessions/db.h"

#include <string.h>

static int write_row(struct log *l, int64_t session, int64_t checkpoint,
                     const struct log_evaluation *e, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO evaluations(session_id, measured, model, checkpoint_id,"
                           " checkpoint_name, checkpoint_path, data_path, data_digest, task, items,"
                           " score, low, high, baseline) VALUES(?1,"
                           " strftime('%Y-%m-%dT%H:%M:%fZ','now'), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                           " ?10, ?11, ?12, ?13)", &s, err);
    if (rc == 0) {
        db_bind(s, "isisssssidddd", session, e->model, checkpoint, e->checkpoint_name,
                e->checkpoint_path, e->data_path, e->data_digest, e->task->name,
                (int64_t)e->items, e->score, e->low, e->high, e->baseline);
        rc = db_run(l, s, "writing an evaluation", err);
    }
    sqlite3_finalize(s);
    return rc;
}

int log_evaluation(struct log *l, int64_t session, const struct log_evaluation *e,
                   struct vs_err *err)
{
    int64_t checkpoint = 0;
    if (strlen(e->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: an evaluation without the digest of its checkpoint",
                       l->path);
    int rc = db_exec(l, "BEGIN IMMEDIATE", "writing an evaluation", err);
    if (rc != 0)
        return rc;
    rc = log_checkpoint_row(l, e->checkpoint_digest, &checkpoint, err);
    if (rc == 0)
        rc = write_row(l, session, checkpoint, e, err);
    if (rc == 0)
        rc = db_exec(l, "COMMIT", "writing an evaluation", err);
    if (rc != 0 && !sqlite3_get_autocommit(l->db))
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
