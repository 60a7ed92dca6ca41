/* Reading whole results back, which become the same JSON that they were when they were new. */
#include "sessions/db.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What no query that was asked has more of: a row beyond is a stranger's. */
#define MOST_ROWS 1000000
#define MOST_IMAGES 100000

/* ---- one whole result */

static int is_damaged(struct log *l, int64_t id, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: query %" PRId64 " is incomplete: the log was changed by hand "
                   "or is damaged", l->path, id);
}

/* *boxes: how many there have to be. */
static int read_query(struct log *l, int64_t id, struct result *r, int *boxes, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "SELECT task, text, model_text, truncated, model, checkpoint_name,"
                           " checkpoint_path, c.digest, device, notice, answer_count, box_count,"
                           " entropy, margin, changes, layout FROM queries q LEFT JOIN checkpoints"
                           " c ON c.id = q.checkpoint_id WHERE q.id = ?", &s, err);
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
    else if (sqlite3_column_type(s, 1) == SQLITE_NULL || sqlite3_column_type(s, 2) == SQLITE_NULL)
        rc = is_damaged(l, id, err);
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
        r->answer_total = sqlite3_column_int(s, 10);
        *boxes = sqlite3_column_int(s, 11);
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

/* A whole number within limits; false: it cannot have been written by this program. */
static bool take_int(sqlite3_stmt *s, int i, int64_t least, int64_t most, int *out)
{
    int64_t n = sqlite3_column_int64(s, i);
    *out = (int)n;
    return n >= least && n <= most && sqlite3_column_type(s, i) == SQLITE_INTEGER;
}

/* Calls take, which says whether the row can be, for every row of sql, which has the query's id as
 * its parameter. */
static int each_row(struct log *l, int64_t id, const char *sql,
                    bool (*take)(sqlite3_stmt *s, struct result *r), struct result *r,
                    struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, sql, &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    int code, rows = 0;
    while ((code = sqlite3_step(s)) == SQLITE_ROW && rc == 0)
        rc = rows++ < MOST_ROWS && take(s, r) ? 0 : is_damaged(l, id, err);
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static bool take_image(sqlite3_stmt *s, struct result *r)
{
    if (r->image_count == MOST_IMAGES)
        return false;
    r->images = xreallocarray(r->images, (size_t)r->image_count + 1, sizeof *r->images);
    struct result_image *im = &r->images[r->image_count++];
    *im = (struct result_image){.path = db_text(s, 0), .regions_path = db_text(s, 4),
                                .regions_key = db_text(s, 8)};
    db_copy(s, 1, im->digest, sizeof im->digest);
    db_copy(s, 5, im->regions_digest, sizeof im->regions_digest);
    return take_int(s, 2, 0, INT32_MAX, &im->width) && take_int(s, 3, 0, INT32_MAX, &im->height) &&
           take_int(s, 6, 0, MOST_ROWS, &im->region_count) &&
           take_int(s, 7, 0, MOST_ROWS, &im->candidate_count);
}

static bool take_token(sqlite3_stmt *s, struct result *r)
{
    int id = 0, last = (int)strlen(r->model_text);
    r->tokens = xreallocarray(r->tokens, (size_t)r->token_count + 1, sizeof *r->tokens);
    struct result_token *t = &r->tokens[r->token_count++];
    *t = (struct result_token){.piece = db_text(s, 0), .special = sqlite3_column_int(s, 4)};
    bool good = t->piece && take_int(s, 1, 0, INT32_MAX, &id) &&
                take_int(s, 2, 0, last, &t->begin) && take_int(s, 3, t->begin, last, &t->end);
    t->id = (int32_t)id;
    return good;
}

static bool take_answer(sqlite3_stmt *s, struct result *r)
{
    int i = r->answer_count++;
    r->answers = xreallocarray(r->answers, (size_t)i + 1, sizeof *r->answers);
    r->answers[i] = (struct result_answer){.label = db_text(s, 1),
                                           .logit = (float)sqlite3_column_double(s, 2),
                                           .softmax = (float)sqlite3_column_double(s, 3),
                                           .sigmoid = (float)sqlite3_column_double(s, 4)};
    return take_int(s, 0, 0, INT32_MAX, &r->answers[i].index);
}

static bool take_box(sqlite3_stmt *s, struct result *r)
{
    int i = r->box_count++;
    r->boxes = xreallocarray(r->boxes, (size_t)i + 1, sizeof *r->boxes);
    struct result_box *x = &r->boxes[i];
    *x = (struct result_box){.label = db_text(s, 6), .logit = (float)sqlite3_column_double(s, 7),
                             .softmax = (float)sqlite3_column_double(s, 8),
                             .sigmoid = (float)sqlite3_column_double(s, 9)};
    for (int j = 0; j < 4; j++)
        x->box[j] = (float)sqlite3_column_double(s, 2 + j);
    return take_int(s, 0, 0, r->image_count - 1, &x->image) &&
           take_int(s, 1, 0, INT32_MAX, &x->region);
}

static bool take_time(sqlite3_stmt *s, struct result *r)
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
    return true;
}

static int read_rows(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int rc = each_row(l, id, "SELECT path, i.digest, q.width, q.height, regions_path,"
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
    return rc ? rc : each_row(l, id, "SELECT stage, ms FROM timings WHERE query_id = ?", take_time,
                              r, err);
}

/* Fewer or more rows than the query says that it had mean a damaged log. */
static int read_result(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int boxes = 0, rc = read_query(l, id, r, &boxes, err);
    int answers = r->answer_total < RESULT_TOP ? r->answer_total : RESULT_TOP;
    if (rc == 0)
        rc = read_rows(l, id, r, err);
    return rc == 0 && (r->answer_count != answers || r->box_count != boxes)
               ? is_damaged(l, id, err) : rc;
}

int log_read_result(struct log *l, int64_t id, struct result **out, struct vs_err *err)
{
    struct result *r = xcalloc(1, sizeof *r);
    int rc = read_result(l, id, r, err);
    if (rc == 0)
        *out = r;
    else
        result_free(r);
    return rc;
}

int log_query_json(struct log *l, int64_t id, char **json, struct vs_err *err)
{
    struct result *r = NULL;
    int rc = log_read_result(l, id, &r, err);
    if (rc != 0)
        return rc;
    *json = result_json(r, 2);
    result_free(r);
    return 0;
}
