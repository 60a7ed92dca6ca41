/* Writing a result: one transaction a query. */
#include "sessions/db.h"

#include "src/mem.h"

#include <stdlib.h>
#include <string.h>

/* The row of table with this digest, made if need be. */
static int row_of_digest(struct log *l, const char *insert, const char *select, const char *digest,
                         int width, int height, int64_t *id, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, insert, &s, err);
    if (rc == 0) {
        if (width)
            db_bind(s, "sii", digest, (int64_t)width, (int64_t)height);
        else
            db_bind(s, "s", digest);
        rc = db_run(l, s, "writing", err);
    }
    sqlite3_finalize(s);
    s = NULL;
    if (rc == 0)
        rc = db_prepare(l, select, &s, err);
    if (rc == 0) {
        db_bind(s, "s", digest);
        rc = sqlite3_step(s) == SQLITE_ROW ? 0 : db_fail(l, "writing", err);
    }
    if (rc == 0)
        *id = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc;
}

/* What lists show: the best entry in words, and its number. */
static char *best_of(const struct result *r, double *score, const char **name)
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
    bool align = r->task->reading == READ_ALIGNMENT;
    *score = align ? (double)r->answers[0].logit : (double)r->answers[0].softmax;
    *name = align ? "logit" : "softmax";
    return xstrdup(r->answers[0].label ? r->answers[0].label : "");
}

static int write_query(struct log *l, int64_t session, int64_t checkpoint, const struct result *r,
                       int64_t *id, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    double score;
    const char *score_name;
    char *best = best_of(r, &score, &score_name);
    int rc = db_prepare(l, "INSERT INTO queries(session_id, asked, task, task_id, text, model_text,"
                           " truncated, model, checkpoint_id, checkpoint_name, checkpoint_path,"
                           " device, notice, answer_count, box_count, best, best_score,"
                           " best_score_name, entropy, margin) VALUES(?1,"
                           " strftime('%Y-%m-%dT%H:%M:%fZ','now'), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                           " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)", &s, err);
    if (rc == 0) {
        db_bind(s, "isissisissssiisdsdd", session, r->task->name, (int64_t)r->task->id, r->text,
                r->model_text, (int64_t)r->truncated, r->model_name, checkpoint,
                r->checkpoint_name, r->checkpoint_path, r->device, r->notice,
                (int64_t)r->answer_count, (int64_t)r->box_count, best, score, score_name,
                r->entropy, r->margin);
        rc = db_run(l, s, "writing a query", err);
    }
    sqlite3_finalize(s);
    free(best);
    *id = sqlite3_last_insert_rowid(l->db);
    return rc;
}

static int write_image(struct log *l, int64_t query, int position, const struct result_image *im,
                       struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t image = 0;
    int rc = 0;
    if (im->digest[0])
        rc = row_of_digest(l, "INSERT OR IGNORE INTO images(digest, width, height) VALUES(?, ?, ?)",
                           "SELECT id FROM images WHERE digest = ?", im->digest, im->width,
                           im->height, &image, err);
    if (rc == 0)
        rc = db_prepare(l, "INSERT INTO query_images VALUES(?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, "
                           "?)", &s, err);
    if (rc == 0) {
        db_bind(s, "iiisiissii", query, (int64_t)position, image, im->path, (int64_t)im->width,
                (int64_t)im->height, im->regions_path, im->regions_digest,
                (int64_t)im->region_count, (int64_t)im->candidate_count);
        rc = db_run(l, s, "writing an image", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int write_tokens(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO tokens VALUES(?, ?, ?, ?, ?, ?, ?)", &s, err);
    for (int i = 0; i < r->token_count && rc == 0; i++) {
        const struct result_token *t = &r->tokens[i];
        db_bind(s, "iisiiii", query, (int64_t)i, t->piece, (int64_t)t->id, (int64_t)t->begin,
                (int64_t)t->end, (int64_t)t->special);
        rc = db_run(l, s, "writing tokens", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int write_answers(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO answers VALUES(?, ?, ?, ?, ?, ?, ?)", &s, err);
    for (int i = 0; i < r->answer_count && i < RESULT_TOP && rc == 0; i++) {
        const struct result_answer *a = &r->answers[i];
        db_bind(s, "iiisddd", query, (int64_t)(i + 1), (int64_t)a->index, a->label,
                (double)a->logit, (double)a->softmax, (double)a->sigmoid);
        rc = db_run(l, s, "writing answers", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int write_boxes(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO boxes VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &s, err);
    for (int i = 0; i < r->box_count && rc == 0; i++) {
        const struct result_box *x = &r->boxes[i];
        db_bind(s, "iiiiddddsddd", query, (int64_t)(i + 1), (int64_t)x->image, (int64_t)x->region,
                (double)x->box[0], (double)x->box[1], (double)x->box[2], (double)x->box[3],
                x->label, (double)x->logit, (double)x->softmax, (double)x->sigmoid);
        rc = db_run(l, s, "writing boxes", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int write_times(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    const struct {
        const char *stage;
        double ms;
    } list[] = {{"tokenize", r->ms.tokenize}, {"regions", r->ms.regions},
                {"forward", r->ms.forward}, {"reading", r->ms.reading}, {"total", r->ms.total}};
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "INSERT INTO timings VALUES(?, ?, ?)", &s, err);
    for (size_t i = 0; i < sizeof list / sizeof list[0] && rc == 0; i++) {
        db_bind(s, "isd", query, list[i].stage, list[i].ms);
        rc = db_run(l, s, "writing times", err);
    }
    sqlite3_finalize(s);
    return rc;
}

int log_checkpoint_row(struct log *l, const char *digest, int64_t *id, struct vs_err *err)
{
    return row_of_digest(l, "INSERT OR IGNORE INTO checkpoints(digest) VALUES(?)",
                         "SELECT id FROM checkpoints WHERE digest = ?", digest, 0, 0, id, err);
}

static int write_all(struct log *l, int64_t session, const struct result *r, int64_t *id,
                     struct vs_err *err)
{
    int64_t checkpoint = 0;
    int rc = log_checkpoint_row(l, r->checkpoint_digest, &checkpoint, err);
    if (rc == 0)
        rc = write_query(l, session, checkpoint, r, id, err);
    for (int i = 0; i < r->image_count && rc == 0; i++)
        rc = write_image(l, *id, i, &r->images[i], err);
    if (rc == 0)
        rc = write_tokens(l, *id, r, err);
    if (rc == 0)
        rc = write_answers(l, *id, r, err);
    if (rc == 0)
        rc = write_boxes(l, *id, r, err);
    return rc ? rc : write_times(l, *id, r, err);
}

int log_result(struct log *l, int64_t session, struct result *r, struct vs_err *err)
{
    int64_t id = 0;
    if (strlen(r->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: a result without the digest of its checkpoint", l->path);
    int rc = db_exec(l, "BEGIN IMMEDIATE", "writing a query", err);
    if (rc != 0)
        return rc;
    rc = write_all(l, session, r, &id, err);
    if (rc == 0)
        rc = db_exec(l, "COMMIT", "writing a query", err);
    if (rc == 0)
        r->log_id = id;
    else if (!sqlite3_get_autocommit(l->db))
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
