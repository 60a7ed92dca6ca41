/* SPDX-License-Identifier: MIT */
/* Reading whole results back, which become the same JSON that they were when they were new. */
#include "sessions/columns.h"

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

static int is_of_unknown_task(struct log *l, int64_t id, const char *task, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: query %" PRId64 " is of a task that this program does not "
                   "know (%s)", l->path, id, task ? task : "none");
}

/* r->box_count becomes how many there have to be. */
static int read_query(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    struct column_row row = {.at = 1, .good = true};
    int rc = db_prepare(l, "SELECT c.digest" QUERY_COLUMNS(COLUMN_OF_Q) " FROM queries q LEFT JOIN"
                           " checkpoints c ON c.id = q.checkpoint_id WHERE q.id = ?", &row.s, err);
    if (rc != 0)
        return rc;
    db_bind(row.s, "i", id);
    int code = sqlite3_step(row.s);
    if (code == SQLITE_DONE)
        rc = vs_fail(err, VS_E_MISSING, "%s: there is no query %" PRId64, l->path, id);
    else if (code != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    if (rc == 0) {
        QUERY_COLUMNS(COLUMN_GET)
        db_copy(row.s, 0, r->checkpoint_digest, sizeof r->checkpoint_digest);
        r->log_id = id;
        rc = !r->task ? is_of_unknown_task(l, id, (const char *)sqlite3_column_text(row.s, 1), err)
             : !row.good ? is_damaged(l, id, err) : 0;
    }
    sqlite3_finalize(row.s);
    return rc;
}

/* Calls take, which says whether the row can be, for every row of sql, which has the query's id as
 * its parameter. */
static int record_each_row(struct log *l, int64_t id, const char *sql,
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

static bool record_take_image(sqlite3_stmt *s, struct result *r)
{
    struct column_row row = {s, 1, true};
    if (r->image_count == MOST_IMAGES)
        return false;
    r->images = xreallocarray(r->images, (size_t)r->image_count + 1, sizeof *r->images);
    struct result_image *im = &r->images[r->image_count++];
    *im = (struct result_image){0};
    db_copy(s, 0, im->digest, sizeof im->digest);
    IMAGE_COLUMNS(COLUMN_GET)
    return row.good && im->region_count <= MOST_ROWS && im->candidate_count <= MOST_ROWS;
}

static bool take_token(sqlite3_stmt *s, struct result *r)
{
    struct column_row row = {s, 1, true};
    r->tokens = xreallocarray(r->tokens, (size_t)r->token_count + 1, sizeof *r->tokens);
    struct result_token *t = &r->tokens[r->token_count++];
    TOKEN_COLUMNS(COLUMN_GET)
    return row.good && t->begin <= t->end && t->end <= (int)strlen(r->model_text);
}

static bool record_take_answer(sqlite3_stmt *s, struct result *r)
{
    struct column_row row = {s, 1, true};
    r->answers = xreallocarray(r->answers, (size_t)r->answer_count + 1, sizeof *r->answers);
    struct result_answer *a = &r->answers[r->answer_count++];
    ANSWER_COLUMNS(COLUMN_GET)
    return row.good;
}

static bool record_take_box(sqlite3_stmt *s, struct result *r)
{
    struct column_row row = {s, 1, true};
    r->boxes = xreallocarray(r->boxes, (size_t)r->box_count + 1, sizeof *r->boxes);
    struct result_box *x = &r->boxes[r->box_count++];
    BOX_COLUMNS(COLUMN_GET)
    return row.good && x->image < r->image_count;
}

static bool take_time(sqlite3_stmt *s, struct result *r)
{
#define STAGE(name) {#name, &r->ms.name},
    const struct {
        const char *stage;
        double *ms;
    } list[] = {RESULT_TIMES(STAGE)};
    const char *stage = (const char *)sqlite3_column_text(s, 0);
    for (size_t i = 0; stage && i < sizeof list / sizeof list[0]; i++)
        if (strcmp(stage, list[i].stage) == 0)
            *list[i].ms = sqlite3_column_double(s, 1);
    return true;
}

static int record_read_rows(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int rc = record_each_row(l, id,
                             "SELECT i.digest" IMAGE_COLUMNS(COLUMN_OF_Q) " FROM query_images q"
                             " LEFT JOIN images i ON i.id = q.image_id WHERE query_id = ?"
                             " ORDER BY position", record_take_image, r, err);
    if (rc == 0)
        rc = record_each_row(l, id, "SELECT position" TOKEN_COLUMNS(COLUMN_NAME) " FROM tokens"
                                    " WHERE query_id = ? ORDER BY position", take_token, r, err);
    if (rc == 0)
        rc = record_each_row(l, id, "SELECT rank" ANSWER_COLUMNS(COLUMN_NAME) " FROM answers"
                                    " WHERE query_id = ? ORDER BY rank", record_take_answer, r,
                             err);
    if (rc == 0)
        rc = record_each_row(l, id, "SELECT rank" BOX_COLUMNS(COLUMN_NAME) " FROM boxes"
                                    " WHERE query_id = ? ORDER BY rank", record_take_box, r, err);
    return rc ? rc
              : record_each_row(l, id, "SELECT stage, ms FROM timings WHERE query_id = ?",
                                take_time, r, err);
}

/* Fewer or more rows than the query says that it had mean a damaged log. */
static int read_result(struct log *l, int64_t id, struct result *r, struct vs_err *err)
{
    int rc = read_query(l, id, r, err), boxes = r->box_count;
    int answers = r->answer_total < RESULT_TOP ? r->answer_total : RESULT_TOP;
    r->box_count = 0; /* until they are there */
    if (rc == 0)
        rc = record_read_rows(l, id, r, err);
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
