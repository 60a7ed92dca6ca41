/* Writing a result: one transaction a query. */
#include "sessions/db.h"

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
    bool align = r->task->reading == READ_ALIGNMENT;
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
    if (im->regions_path && strcmp(im->regions_path, "boxes of the user") == 0)
        buf_printf(b, "+%s", im->regions_digest);
    if (im->candidate_count)
        buf_printf(b, "/%d", im->candidate_count);
}

static int64_t question_of(const struct result *r)
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
    int64_t seq = 0;
    int rc = log_next_seq(l, session, &seq, err);
    if (rc != 0)
        return rc;
    char *best = log_best(r, &score, &score_name);
    rc = db_do(l, "INSERT INTO queries(session_id, task, task_id, text, model_text, truncated,"
                  " model, checkpoint_id, checkpoint_name, checkpoint_path, device, notice,"
                  " answer_count, box_count, best, best_score, best_score_name, entropy, margin,"
                  " changes, asked, seq, question, layout) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                  " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, coalesce(?21, "
                  LOG_NOW "), ?22, ?23, ?24)", "writing a query", err, "isissisissssiisdsddssiis",
               session, r->task->name, (int64_t)r->task->id, r->text, r->model_text,
               (int64_t)r->truncated, r->model_name, checkpoint, r->checkpoint_name,
               r->checkpoint_path, r->device, r->notice, (int64_t)r->answer_total,
               (int64_t)r->box_count, best, score, score_name, r->entropy, r->margin,
               r->changes ? r->changes : "", asked, seq, question_of(r),
               r->pair_separate ? "separate" : "");
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
    int rc = 0;
    if (im->digest[0])
        rc = row_of_digest(l, "INSERT INTO images(digest, width, height) VALUES(?, ?, ?)",
                           "SELECT id FROM images WHERE digest = ?", im->digest, im->width,
                           im->height, &image, err);
    if (rc == 0 && image && im->path)
        rc = write_path(l, "INSERT OR IGNORE INTO image_paths VALUES(?, ?)", image, im->path, err);
    if (rc == 0)
        rc = db_do(l, "INSERT INTO query_images VALUES(?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?,"
                      " ?)", "writing an image", err, "iiisiissiis", query, (int64_t)position,
                   image, im->path, (int64_t)im->width, (int64_t)im->height, im->regions_path,
                   im->regions_digest, (int64_t)im->region_count, (int64_t)im->candidate_count,
                   im->regions_key);
    return rc;
}

static int write_tokens(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < r->token_count && rc == 0; i++) {
        const struct result_token *t = &r->tokens[i];
        rc = db_do(l, "INSERT INTO tokens VALUES(?, ?, ?, ?, ?, ?, ?)", "writing tokens", err,
                   "iisiiii", query, (int64_t)i, t->piece, (int64_t)t->id, (int64_t)t->begin,
                   (int64_t)t->end, (int64_t)t->special);
    }
    return rc;
}

static int write_answers(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < r->answer_count && i < RESULT_TOP && rc == 0; i++) {
        const struct result_answer *a = &r->answers[i];
        rc = db_do(l, "INSERT INTO answers VALUES(?, ?, ?, ?, ?, ?, ?)", "writing answers", err,
                   "iiisddd", query, (int64_t)(i + 1), (int64_t)a->index, a->label,
                   (double)a->logit, (double)a->softmax, (double)a->sigmoid);
    }
    return rc;
}

static int write_boxes(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < r->box_count && rc == 0; i++) {
        const struct result_box *x = &r->boxes[i];
        rc = db_do(l, "INSERT INTO boxes VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "writing boxes", err, "iiiiddddsddd", query, (int64_t)(i + 1),
                   (int64_t)x->image, (int64_t)x->region, (double)x->box[0], (double)x->box[1],
                   (double)x->box[2], (double)x->box[3], x->label, (double)x->logit,
                   (double)x->softmax, (double)x->sigmoid);
    }
    return rc;
}

static int write_times(struct log *l, int64_t query, const struct result *r, struct vs_err *err)
{
    const struct {
        const char *stage;
        double ms;
    } list[] = {{"tokenize", r->ms.tokenize}, {"regions", r->ms.regions},
                {"forward", r->ms.forward}, {"reading", r->ms.reading}, {"total", r->ms.total}};
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
