/* SPDX-License-Identifier: MIT */
/* Writing a result: one transaction a query. */
#include "sessions/columns.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The row with this digest, made if need be: most are there. */
static int row_of_digest(struct log *l, const char *insert, const char *select, const char *digest,
                         int width, int height, int64_t *id, struct vs_err *err)
{
    int rc = db_find(l, select, id, err, "s", digest);
    if (rc != VS_E_MISSING)
        return rc;
    rc = width ? db_do(l, insert, "writing", err, "sii", digest, (int64_t)width, (int64_t)height)
               : db_do(l, insert, "writing", err, "s", digest);
    *id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

char *log_best(const struct result *r, double *score, const char **name)
{
    *score = 0;
    *name = "softmax";
    if (r->box_count) {
        const struct result_box *x = &r->boxes[0];
        *score = (double)x->softmax;
        return xasprintf("region %d%s%s", x->region, x->label ? " " : "", x->label ? x->label : "");
    }
    if (!r->answer_count)
        return NULL;
    bool align = r->task->reading->by_logit;
    *score = align ? (double)r->answers[0].logit : (double)r->answers[0].softmax;
    *name = align ? "logit" : "softmax";
    return xstrdup(r->answers[0].label ? r->answers[0].label : "");
}

/* What an image adds to its query's question; schema3.c does the same for older logs. */
static void question_image(const struct result_image *im, struct buf *b)
{
    if (b->len)
        buf_putc(b, ' ');
    buf_puts(b, im->digest[0] ? im->digest : im->regions_digest);
    if (im->regions_origin == ORIGIN_USER)
        buf_printf(b, "+%s", im->regions_digest);
    if (im->candidate_count)
        buf_printf(b, "/%d", im->candidate_count);
}

int64_t log_question_of(const struct result *r)
{
    struct buf b = {0};
    buf_puts(&b, "");
    for (int i = 0; i < r->image_count; i++)
        question_image(&r->images[i], &b);
    if (r->pair_separate) /* another question to the model, with another answer */
        buf_puts(&b, " separate");
    int64_t question = log_question(r->task->name, r->text, b.data ? b.data : "");
    buf_fini(&b);
    return question;
}

static int write_query(struct log *l, int64_t session, int64_t checkpoint, const struct result *r,
                       const char *asked, int64_t *id, struct vs_err *err)
{
    double score;
    const char *score_name;
    struct column_row row;
    int64_t seq = 0, question = log_question_of(r);
    int rc = log_next_seq(l, session, &seq, err);
    if (rc == 0)
        rc = column_begin(l, COLUMN_INSERT("queries", "session_id, checkpoint_id, asked",
                                           "?, ?, coalesce(?, " LOG_NOW ")", QUERY_ALL),
                          &row, err, "iis", session, checkpoint, asked);
    if (rc != 0)
        return rc;
    char *best = log_best(r, &score, &score_name);
    QUERY_ALL(COLUMN_PUT)
    rc = db_run(l, row.s, "writing a query", err);
    free(best);
    *id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

/* Where a file is, from wherever the log will be read. */
static int write_path(struct log *l, const char *sql, int64_t id, const char *path,
                      struct vs_err *err)
{
    char *whole = realpath(path, NULL);
    int rc = db_do(l, sql, "writing a path", err, "is", id, whole ? whole : path);
    free(whole);
    return rc;
}

static int write_image(struct log *l, int64_t query, int position, const struct result_image *im,
                       struct vs_err *err)
{
    int64_t image = 0;
    struct column_row row;
    int rc = 0;
    if (im->digest[0])
        rc = row_of_digest(l, "INSERT INTO images(digest, width, height) VALUES(?, ?, ?)",
                           "SELECT id FROM images WHERE digest = ?", im->digest, im->width,
                           im->height, &image, err);
    if (rc == 0 && image && im->path)
        rc = write_path(l, "INSERT OR IGNORE INTO image_paths VALUES(?, ?)", image, im->path, err);
    if (rc == 0)
        rc = column_begin(l, COLUMN_INSERT("query_images", "query_id, position, image_id",
                                           "?, ?, nullif(?, 0)", IMAGE_COLUMNS),
                          &row, err, "iii", query, (int64_t)position, image);
    if (rc != 0)
        return rc;
    IMAGE_COLUMNS(COLUMN_PUT)
    return db_run(l, row.s, "writing an image", err);
}

static int write_token(struct log *l, int64_t query, int position, const struct result_token *t,
                       struct vs_err *err)
{
    struct column_row row;
    int rc = column_begin(l, COLUMN_INSERT("tokens", "query_id, position", "?, ?", TOKEN_COLUMNS),
                          &row, err, "ii", query, (int64_t)position);
    if (rc != 0)
        return rc;
    TOKEN_COLUMNS(COLUMN_PUT)
    return db_run(l, row.s, "writing tokens", err);
}

static int write_answer(struct log *l, int64_t query, int rank, const struct result_answer *a,
                        struct vs_err *err)
{
    struct column_row row;
    int rc = column_begin(l, COLUMN_INSERT("answers", "query_id, rank", "?, ?", ANSWER_COLUMNS),
                          &row, err, "ii", query, (int64_t)rank);
    if (rc != 0)
        return rc;
    ANSWER_COLUMNS(COLUMN_PUT)
    return db_run(l, row.s, "writing answers", err);
}

static int write_box(struct log *l, int64_t query, int rank, const struct result_box *x,
                     struct vs_err *err)
{
    struct column_row row;
    int rc = column_begin(l, COLUMN_INSERT("boxes", "query_id, rank", "?, ?", BOX_COLUMNS), &row,
                          err, "ii", query, (int64_t)rank);
    if (rc != 0)
        return rc;
    BOX_COLUMNS(COLUMN_PUT)
    return db_run(l, row.s, "writing boxes", err);
}

static int write_lists(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < r->image_count && rc == 0; i++)
        rc = write_image(l, query, i, &r->images[i], err);
    for (int i = 0; i < r->token_count && rc == 0; i++)
        rc = write_token(l, query, i, &r->tokens[i], err);
    for (int i = 0; i < r->answer_count && i < RESULT_TOP && rc == 0; i++)
        rc = write_answer(l, query, i + 1, &r->answers[i], err);
    for (int i = 0; i < r->box_count && rc == 0; i++)
        rc = write_box(l, query, i + 1, &r->boxes[i], err);
    return rc;
}

static int write_times(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
#define STAGE(name) {#name, r->ms.name},
    const struct {
        const char *stage;
        double ms;
    } list[] = {RESULT_TIMES(STAGE)};
    int rc = 0;
    for (size_t i = 0; i < sizeof list / sizeof list[0] && rc == 0; i++)
        rc = db_do(l, "INSERT INTO timings VALUES(?, ?, ?)", "writing times", err, "isd", query,
                   list[i].stage, list[i].ms);
    return rc;
}

int log_checkpoint_row(struct log *l, const char *digest, const char *name, const char *path,
                       int64_t *id, struct vs_err *err)
{
    int rc = row_of_digest(l, "INSERT INTO checkpoints(digest) VALUES(?)",
                           "SELECT id FROM checkpoints WHERE digest = ?", digest, 0, 0, id, err);
    if (rc == 0)
        rc = db_do(l, "INSERT OR IGNORE INTO checkpoint_names(checkpoint_id, name) VALUES(?, ?)",
                   "writing a checkpoint", err, "is", *id, name ? name : "");
    if (rc == 0 && path)
        rc = write_path(l, "INSERT OR IGNORE INTO checkpoint_paths VALUES(?, ?)", *id, path, err);
    return rc;
}

int log_next_seq(struct log *l, int64_t session, int64_t *seq, struct vs_err *err)
{
    int rc = db_do(l, "UPDATE sessions SET last_seq = last_seq + 1 WHERE id = ?", "writing", err,
                   "i", session);
    if (rc == 0)
        rc = db_find(l, "SELECT last_seq FROM sessions WHERE id = ?", seq, err, "i", session);
    return rc == VS_E_MISSING ? vs_fail(err, VS_E_DB, "%s: the session was removed from the log",
                                        l->path)
                              : rc;
}

int log_write_rows(struct log *l, int64_t session, const struct result *r, const char *asked,
                   int64_t *id, struct vs_err *err)
{
    int64_t checkpoint = 0;
    int rc = log_checkpoint_row(l, r->checkpoint_digest, r->checkpoint_name, r->checkpoint_path,
                                &checkpoint, err);
    if (rc == 0)
        rc = write_query(l, session, checkpoint, r, asked, id, err);
    if (rc == 0)
        rc = write_lists(l, *id, r, err);
    return rc ? rc : write_times(l, *id, r, err);
}

int log_result_at(struct log *l, int64_t session, const struct result *r, const char *asked,
                  int64_t *id, struct vs_err *err)
{
    if (strlen(r->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: a result without the digest of its checkpoint", l->path);
    int rc = db_begin(l, "writing a query", err);
    if (rc != 0)
        return rc;
    rc = log_write_rows(l, session, r, asked, id, err);
    return db_end(l, rc, "writing a query", err);
}

int log_result(struct log *l, int64_t session, struct result *r, struct vs_err *err)
{
    int64_t id = 0;
    int rc = log_result_at(l, session, r, NULL, &id, err);
    if (rc == 0)
        r->log_id = id;
    return rc;
}
