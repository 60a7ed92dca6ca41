/* SPDX-License-Identifier: MIT */
/* Writing what evaluations measured. */
#include "sessions/columns.h"

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
    return db_run(l, row.s, "writing an evaluation", err);
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
