/* Writing what evaluations measured. */
#include "sessions/db.h"

#include <string.h>

static int write_row(struct log *l, int64_t session, int64_t checkpoint,
                     const struct log_evaluation *e, const char *asked, struct vs_err *err)
{
    int64_t seq = 0;
    int rc = log_next_seq(l, session, &seq, err);
    return rc ? rc : db_do(l, "INSERT INTO evaluations(session_id, measured, model, checkpoint_id,"
                              " checkpoint_name, checkpoint_path, data_path, data_digest, task,"
                              " items, score, low, high, baseline, seq) VALUES(?1, coalesce(?15,"
                              " " LOG_NOW "), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
                              " ?14)",
                           "writing an evaluation", err, "isisssssiddddis", session, e->model,
                           checkpoint, e->checkpoint_name, e->checkpoint_path, e->data_path,
                           e->data_digest, e->task->name, (int64_t)e->items, e->score, e->low,
                           e->high, e->baseline, seq, asked);
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
