/* Reading whole results back, which become the same JSON that they were when they were new. */
#include "sessions/db.h"

#include "src/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- one whole result */

static int read_query(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "SELECT task, text, model_text, truncated, model, checkpoint_name,"
                           " checkpoint_path, c.digest, device, notice, answer_count, box_count,"
                           " entropy, margin, changes, layout FROM queries q JOIN checkpoints c ON"
                           " c.id = q.checkpoint_id WHERE q.id = ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    int code = sqlite3_step(s);
    const char *task = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    r->task = task ? task_find(task) : NULL;
    if (code == SQLITE_DONE)
        rc = vs_fail(err, VS_E_MISSING, "%s: there is no query %" PRId64, l->path, id);
    else if (code != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    else if (!r->task)
        rc = vs_fail(err, VS_E_DB, "%s: query %" PRId64 " is of a task that this program does not "
                     "know (%s)", l->path, id, task ? task : "none");
    if (rc == 0) {
        r->text = db_text(s, 1);
        r->model_text = db_text(s, 2);
        r->truncated = sqlite3_column_int(s, 3);
        r->model_name = db_text(s, 4);
        r->checkpoint_name = db_text(s, 5);
        r->checkpoint_path = db_text(s, 6);
        db_copy(s, 7, r->checkpoint_digest, sizeof r->checkpoint_digest);
        r->device = db_text(s, 8);
        r->notice = db_text(s, 9);
        r->answer_count = sqlite3_column_int(s, 10);
        r->box_count = sqlite3_column_int(s, 11);
        r->entropy = sqlite3_column_double(s, 12);
        r->margin = sqlite3_column_double(s, 13);
        r->changes = db_text(s, 14);
        if (r->changes && !r->changes[0]) {
            free(r->changes);
            r->changes = NULL;
        }
        const char *layout = (const char *)sqlite3_column_text(s, 15);
        r->pair_separate = layout && strcmp(layout, "separate") == 0;
        r->log_id = id;
    }
    sqlite3_finalize(s);
    return rc;
}

/* Calls take for every row of sql, which has the query's id as its parameter. */
static int each_row(struct log *l, int64_t id, const char *sql,
                    void (*take)(sqlite3_stmt *s, struct result *r), struct result *r,
                    struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, sql, &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        take(s, r);
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static void take_image(sqlite3_stmt *s, struct result *r)
{
    r->images = xreallocarray(r->images, (size_t)r->image_count + 1, sizeof *r->images);
    struct result_image *im = &r->images[r->image_count++];
    *im = (struct result_image){.path = db_text(s, 0), .width = sqlite3_column_int(s, 2),
                                .height = sqlite3_column_int(s, 3), .regions_path = db_text(s, 4),
                                .region_count = sqlite3_column_int(s, 6),
                                .candidate_count = sqlite3_column_int(s, 7),
                                .regions_key = db_text(s, 8)};
    db_copy(s, 1, im->digest, sizeof im->digest);
    db_copy(s, 5, im->regions_digest, sizeof im->regions_digest);
}

static void take_token(sqlite3_stmt *s, struct result *r)
{
    r->tokens = xreallocarray(r->tokens, (size_t)r->token_count + 1, sizeof *r->tokens);
    r->tokens[r->token_count++] =
        (struct result_token){.piece = db_text(s, 0), .id = (int32_t)sqlite3_column_int(s, 1),
                              .begin = sqlite3_column_int(s, 2), .end = sqlite3_column_int(s, 3),
                              .special = sqlite3_column_int(s, 4)};
}

/* batch and rows, which only a trace needs, count what was read. */
static void take_answer(sqlite3_stmt *s, struct result *r)
{
    int i = r->batch++;
    r->answers = xreallocarray(r->answers, (size_t)i + 1, sizeof *r->answers);
    r->answers[i] = (struct result_answer){.index = sqlite3_column_int(s, 0),
                                           .label = db_text(s, 1),
                                           .logit = (float)sqlite3_column_double(s, 2),
                                           .softmax = (float)sqlite3_column_double(s, 3),
                                           .sigmoid = (float)sqlite3_column_double(s, 4)};
}

static void take_box(sqlite3_stmt *s, struct result *r)
{
    int i = r->rows++;
    r->boxes = xreallocarray(r->boxes, (size_t)i + 1, sizeof *r->boxes);
    struct result_box *x = &r->boxes[i];
    *x = (struct result_box){.image = sqlite3_column_int(s, 0),
                             .region = sqlite3_column_int(s, 1), .label = db_text(s, 6),
                             .logit = (float)sqlite3_column_double(s, 7),
                             .softmax = (float)sqlite3_column_double(s, 8),
                             .sigmoid = (float)sqlite3_column_double(s, 9)};
    for (int j = 0; j < 4; j++)
        x->box[j] = (float)sqlite3_column_double(s, 2 + j);
}

static void take_time(sqlite3_stmt *s, struct result *r)
{
    const struct {
        const char *stage;
        double *ms;
    } list[] = {{"tokenize", &r->ms.tokenize}, {"regions", &r->ms.regions},
                {"forward", &r->ms.forward}, {"reading", &r->ms.reading}, {"total", &r->ms.total}};
    const char *stage = (const char *)sqlite3_column_text(s, 0);
    for (size_t i = 0; stage && i < sizeof list / sizeof list[0]; i++)
        if (strcmp(stage, list[i].stage) == 0)
            *list[i].ms = sqlite3_column_double(s, 1);
}

/* The counts of the row say how many there were, the arrays what was kept; fewer rows than both
 * allow mean a damaged log. */
static int check_counts(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int want = r->answer_count < RESULT_TOP ? r->answer_count : RESULT_TOP;
    if (r->batch == want && r->rows == r->box_count)
        return 0;
    r->answer_count = r->batch;
    r->box_count = r->rows;
    return vs_fail(err, VS_E_DB, "%s: query %" PRId64 " is incomplete: the log was changed by "
                   "hand or is damaged", l->path, id);
}

static int read_result(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int rc = read_query(l, id, r, err);
    int answers = r->answer_count, boxes = r->box_count;
    r->answer_count = r->box_count = 0; /* until they are there: result_free counts on it */
    if (rc == 0)
        rc = each_row(l, id, "SELECT path, i.digest, q.width, q.height, regions_path,"
                             " regions_digest, region_count, candidate_count, regions_key FROM"
                             " query_images q"
                             " LEFT JOIN images i ON i.id = q.image_id WHERE query_id = ?"
                             " ORDER BY position", take_image, r, err);
    if (rc == 0)
        rc = each_row(l, id, "SELECT piece, token_id, first_byte, end_byte, special FROM tokens"
                             " WHERE query_id = ? ORDER BY position", take_token, r, err);
    if (rc == 0)
        rc = each_row(l, id, "SELECT label_index, label, logit, softmax, sigmoid FROM answers"
                             " WHERE query_id = ? ORDER BY rank", take_answer, r, err);
    if (rc == 0)
        rc = each_row(l, id, "SELECT image, region, x1, y1, x2, y2, label, logit, softmax, sigmoid"
                             " FROM boxes WHERE query_id = ? ORDER BY rank", take_box, r, err);
    if (rc == 0)
        rc = each_row(l, id, "SELECT stage, ms FROM timings WHERE query_id = ?", take_time, r, err);
    if (rc != 0) {
        r->answer_count = r->batch;
        r->box_count = r->rows;
        return rc;
    }
    r->answer_count = answers;
    r->box_count = boxes;
    return check_counts(l, id, r, err);
}

void log_result_free(struct result *r)
{
    if (r && r->answer_count > r->batch)
        r->answer_count = r->batch; /* only the kept ones are there to be freed */
    result_free(r);
}

int log_read_result(struct log *l, int64_t id, struct result **out, struct vs_err *err)
{
    struct result *r = xcalloc(1, sizeof *r);
    int rc = read_result(l, id, r, err);
    if (rc == 0)
        *out = r;
    else
        log_result_free(r);
    return rc;
}

int log_query_json(struct log *l, int64_t id, char **json, struct vs_err *err)
{
    struct result *r = NULL;
    int rc = log_read_result(l, id, &r, err);
    if (rc != 0)
        return rc;
    *json = result_json(r, 2);
    log_result_free(r);
    return 0;
}
