/* SPDX-License-Identifier: MIT */
/* What was found out about two checkpoints: written, listed, and read back as it was printed. */
#include "sessions/columns.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int log_difference_check(struct log *l, const struct difference *d, struct vs_err *err)
{
    if (strlen(d->sides[0].digest) != 64 || strlen(d->sides[1].digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: a difference without the digests of its checkpoints",
                       l->path);
    return 0;
}

static int write_parts(struct log *l, int64_t id, const struct difference *d, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < d->count && rc == 0; i++)
        rc = db_do(l, "INSERT INTO difference_parts VALUES(?, ?, ?, ?, ?)", "writing a difference",
                   err, "iissd", id, (int64_t)i, d->parts[i].part, d->parts[i].other,
                   d->parts[i].value); /* NaN becomes NULL */
    return rc;
}

static int write_difference(struct log *l, int64_t session, const struct difference *d,
                            const char *asked, int64_t *id, struct vs_err *err)
{
    const struct difference_side *x = d->sides;
    struct column_row row;
    int64_t seq = 0, checkpoint[2] = {0, 0};
    int rc = log_next_seq(l, session, &seq, err);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = log_checkpoint_row(l, x[i].digest, x[i].name, x[i].path, &checkpoint[i], err);
    if (rc == 0)
        rc = column_begin(l, COLUMN_INSERT("differences", "session_id, a_checkpoint_id,"
                                           " b_checkpoint_id, seq, found",
                                           "?, ?, ?, ?, coalesce(?, " LOG_NOW ")",
                                           DIFFERENCE_COLUMNS),
                          &row, err, "iiiis", session, checkpoint[0], checkpoint[1], seq, asked);
    if (rc != 0)
        return rc;
    DIFFERENCE_COLUMNS(COLUMN_PUT)
    rc = db_run(l, row.s, "writing a difference", err);
    *id = sqlite3_last_insert_rowid(l->db);
    return rc ? rc : write_parts(l, *id, d, err);
}

int log_difference_at(struct log *l, int64_t session, const struct difference *d,
                      const char *asked, int64_t *id, struct vs_err *err)
{
    static const char doing[] = "writing a difference";
    int rc = db_begin(l, doing, err);
    return rc ? rc : db_end(l, write_difference(l, session, d, asked, id, err), doing, err);
}

int log_difference(struct log *l, int64_t session, const struct difference *d, int64_t *id,
                   struct vs_err *err)
{
    int64_t made = 0;
    int rc = log_difference_check(l, d, err);
    if (rc == 0)
        rc = log_difference_at(l, session, d, NULL, &made, err);
    if (rc == 0 && id)
        *id = made;
    return rc;
}

/* ---- reading */

static void differences_read_row(sqlite3_stmt *s, struct log_difference *d)
{
    *d = (struct log_difference){.id = sqlite3_column_int64(s, 0),
                                 .session = sqlite3_column_int64(s, 1), .kind = db_need(s, 3),
                                 .level = db_text(s, 4), .subject = db_text(s, 5),
                                 .a = db_text(s, 6), .b = db_text(s, 7), .summary = db_need(s, 8),
                                 .part_count = sqlite3_column_int(s, 11)};
    db_copy(s, 2, d->found, sizeof d->found);
    db_copy(s, 9, d->a_digest, sizeof d->a_digest);
    db_copy(s, 10, d->b_digest, sizeof d->b_digest);
}

int log_list_differences(struct log *l, int64_t session, struct log_difference **out, int *count,
                         struct vs_err *err)
{
    static const char columns[] =
        "SELECT d.id, session_id, found, kind, level, subject, a_name, b_name, summary, a.digest,"
        " b.digest, part_count FROM differences d JOIN checkpoints a ON a.id = a_checkpoint_id"
        " JOIN checkpoints b ON b.id = b_checkpoint_id";
    sqlite3_stmt *s = NULL;
    char *sql = xasprintf("%s%s ORDER BY d.id", columns, session ? " WHERE session_id = ?" : "");
    int rc = db_prepare(l, sql, &s, err), code = SQLITE_DONE;
    free(sql);
    *out = NULL;
    *count = 0;
    if (rc == 0 && session)
        db_bind(s, "i", session);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        differences_read_row(s, &(*out)[(*count)++]);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_finalize(s);
    if (rc != 0) {
        log_differences_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_differences_free(struct log_difference *d, int count)
{
    for (int i = 0; i < count; i++) {
        free(d[i].kind);
        free(d[i].level);
        free(d[i].subject);
        free(d[i].a);
        free(d[i].b);
        free(d[i].summary);
    }
    free(d);
}

/* It is handed on as it is, so it has to be what it says. */
static int check_json(struct log *l, int64_t id, const char *text, struct vs_err *err)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    bool good = v != NULL;
    json_decref(v);
    return good ? 0 : vs_fail(err, VS_E_DB, "%s: the data of difference %" PRId64 " are not JSON: "
                              "the log was changed by hand or is damaged", l->path, id);
}

int log_difference_json(struct log *l, int64_t id, char **json, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT data FROM differences WHERE id = ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *json = db_need(s, 0);
    else
        rc = code == SQLITE_DONE ? vs_fail(err, VS_E_MISSING, "%s: there is no difference %" PRId64,
                                           l->path, id)
                                 : db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc == 0 && (rc = check_json(l, id, *json, err)) != 0) {
        free(*json);
        *json = NULL;
    }
    return rc;
}
