/* SPDX-License-Identifier: MIT */
/* Joining logs. Every session has an identity that no other machine gives, and everything in a
 * session a number: what is there already is not written again, so merging twice changes nothing.
 * Rows are read from one log and written to the other by our own statements: nothing that the other
 * log's file says is executed in this one. */
#include "sessions/columns.h"
#include "sessions/mergenotes.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

struct merge {
    struct log *into, *from;
    struct log_merged *count;
    int copied; /* rows, by the last copy */
};

/* A row is there by one index of a damaged log, and not by another. */
static int row_is_missing(struct merge *m, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: a row is missing: \"sessions check\" tells more",
                   m->from->path);
}

static void bind_column(sqlite3_stmt *to, int i, sqlite3_stmt *from, int column)
{
    sqlite3_bind_value(to, i, sqlite3_column_value(from, column));
}

/* Every row that select (with the parameters a, b, c, d) gives in the one log is inserted in the
 * other. */
static int copy_four(struct merge *m, const char *select, const char *insert, int64_t a, int64_t b,
                     int64_t c, int64_t d, struct vs_err *err)
{
    sqlite3_stmt *read = NULL, *write = NULL;
    int rc = db_ready(m->from, select, &read, err), code = SQLITE_DONE;
    if (rc == 0)
        rc = db_ready(m->into, insert, &write, err);
    if (rc != 0)
        return rc;
    db_bind(read, "iiii", a, b, c, d);
    m->copied = 0;
    while (rc == 0 && (code = sqlite3_step(read)) == SQLITE_ROW) {
        m->copied++;
        for (int i = 0; i < sqlite3_column_count(read); i++)
            bind_column(write, i + 1, read, i);
        rc = db_run(m->into, write, "merging", err);
        if (rc != 0 && (sqlite3_errcode(m->into->db) & 0xff) == SQLITE_CONSTRAINT)
            rc = vs_fail(err, VS_E_DB, "%s: a row cannot be merged (%s): the log was changed by "
                         "hand or is damaged", m->from->path, sqlite3_errmsg(m->into->db));
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(m->from, "reading", err);
    sqlite3_reset(read);
    return rc;
}

/* The new number of the one row that was just copied, which others will refer to. */
static int new_row(struct merge *m, int64_t *id, struct vs_err *err)
{
    *id = sqlite3_last_insert_rowid(m->into->db);
    return m->copied == 1 ? 0 : row_is_missing(m, err);
}

/* A number of a row of the other log. */
static int number_from(struct merge *m, const char *select, int64_t from, int64_t *out,
                       struct vs_err *err)
{
    int rc = db_find(m->from, select, out, err, "i", from);
    return rc == VS_E_MISSING ? row_is_missing(m, err) : rc;
}

static int copy_three(struct merge *m, const char *select, const char *insert, int64_t a,
                      int64_t b, int64_t c, struct vs_err *err)
{
    return copy_four(m, select, insert, a, b, c, 0, err);
}

static int copy_rows(struct merge *m, const char *select, const char *insert, int64_t a, int64_t b,
                     struct vs_err *err)
{
    return copy_three(m, select, insert, a, b, 0, err);
}

/* The row of this one's table whose key is what the other one's row has. */
static int find_row(struct merge *m, const char *select, int64_t from, const char *find,
                    int64_t *id, struct vs_err *err)
{
    sqlite3_stmt *read = NULL, *look = NULL;
    int rc = db_ready(m->from, select, &read, err);
    if (rc == 0)
        rc = db_ready(m->into, find, &look, err);
    if (rc != 0)
        return rc;
    db_bind(read, "i", from);
    if (sqlite3_step(read) != SQLITE_ROW)
        rc = row_is_missing(m, err);
    for (int i = 0; rc == 0 && i < sqlite3_column_count(read); i++)
        bind_column(look, i + 1, read, i);
    int code = rc == 0 ? sqlite3_step(look) : SQLITE_DONE;
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(look, 0);
    else if (rc == 0)
        rc = code == SQLITE_DONE ? VS_E_MISSING : db_fail(m->into, "reading", err);
    sqlite3_reset(read);
    sqlite3_reset(look);
    return rc;
}

/* ---- things that are known by their digest */

static int merge_checkpoint(struct merge *m, int64_t from, int64_t *id, struct vs_err *err)
{
    static const char select[] = "SELECT digest FROM checkpoints WHERE id = ?1";
    static const char find[] = "SELECT id FROM checkpoints WHERE digest = ?1";
    int rc = copy_rows(m, select, "INSERT OR IGNORE INTO checkpoints(digest) VALUES(?)", from, 0,
                       err);
    if (rc == 0)
        rc = find_row(m, select, from, find, id, err);
    if (rc == VS_E_MISSING) /* its digest is none */
        rc = row_is_missing(m, err);
    if (rc == 0)
        rc = copy_rows(m, "SELECT name, ?2 FROM checkpoint_names WHERE checkpoint_id = ?1",
                       "INSERT OR IGNORE INTO checkpoint_names(name, checkpoint_id) VALUES(?, ?)",
                       from, *id, err);
    return rc ? rc : copy_rows(m, "SELECT ?2, path FROM checkpoint_paths WHERE checkpoint_id = ?1",
                               "INSERT OR IGNORE INTO checkpoint_paths VALUES(?, ?)", from, *id,
                               err);
}

/* Images of a query, with their paths. */
static int merge_images(struct merge *m, int64_t from, int64_t id, struct vs_err *err)
{
    int rc = copy_rows(m, "SELECT i.digest, i.width, i.height FROM query_images q JOIN images i ON"
                          " i.id = q.image_id WHERE q.query_id = ?1",
                       "INSERT OR IGNORE INTO images(digest, width, height) VALUES(?, ?, ?)", from,
                       0, err);
    if (rc == 0)
        rc = copy_rows(m, "SELECT i.digest, p.path FROM query_images q JOIN images i ON"
                          " i.id = q.image_id JOIN image_paths p ON p.image_id = i.id"
                          " WHERE q.query_id = ?1",
                       "INSERT OR IGNORE INTO image_paths SELECT id, ?2 FROM images WHERE"
                       " digest = ?1", from, 0, err);
    return rc ? rc : copy_rows(m, "SELECT ?2, q.position, i.digest" IMAGE_COLUMNS(COLUMN_OF_Q)
                                  " FROM query_images q LEFT JOIN images i ON i.id = q.image_id"
                                  " WHERE q.query_id = ?1",
                               COLUMN_INSERT("query_images", "query_id, position, image_id",
                                             "?1, ?2, (SELECT id FROM images WHERE digest = ?3)",
                                             IMAGE_COLUMNS), from, id, err);
}

/* ---- queries */

static const struct {
    const char *select, *insert;
} parts[] = {
    {"SELECT ?2, position" TOKEN_COLUMNS(COLUMN_NAME) " FROM tokens WHERE query_id = ?1",
     COLUMN_INSERT("tokens", "query_id, position", "?, ?", TOKEN_COLUMNS)},
    {"SELECT ?2, rank" ANSWER_COLUMNS(COLUMN_NAME) " FROM answers WHERE query_id = ?1",
     COLUMN_INSERT("answers", "query_id, rank", "?, ?", ANSWER_COLUMNS)},
    {"SELECT ?2, rank" BOX_COLUMNS(COLUMN_NAME) " FROM boxes WHERE query_id = ?1",
     COLUMN_INSERT("boxes", "query_id, rank", "?, ?", BOX_COLUMNS)},
    {"SELECT ?2, stage, ms FROM timings WHERE query_id = ?1",
     "INSERT INTO timings VALUES(?, ?, ?)"},
    {"SELECT ?2, name, shape, bytes, data FROM attention WHERE query_id = ?1",
     "INSERT INTO attention(query_id, name, shape, bytes, data) VALUES(?, ?, ?, ?, ?)"},
};

static int merge_new_query(struct merge *m, int64_t from, int64_t session, int64_t *id,
                           struct vs_err *err)
{
    int64_t checkpoint = 0, old = 0;
    int rc = number_from(m, "SELECT checkpoint_id FROM queries WHERE id = ?", from, &old, err);
    if (rc == 0)
        rc = merge_checkpoint(m, old, &checkpoint, err);
    if (rc == 0)
        rc = copy_three(m, "SELECT ?2, ?3, asked" QUERY_ALL(COLUMN_NAME) " FROM queries WHERE"
                           " id = ?1",
                        COLUMN_INSERT("queries", "session_id, checkpoint_id, asked", "?, ?, ?",
                                      QUERY_ALL), from, session, checkpoint, err);
    if (rc == 0)
        rc = new_row(m, id, err);
    if (rc == 0)
        rc = merge_images(m, from, *id, err);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && rc == 0; i++)
        rc = copy_rows(m, parts[i].select, parts[i].insert, from, *id, err);
    m->count->queries += rc == 0;
    return rc;
}

static int merge_count_rows(struct log *l, const char *sql, int64_t query, int64_t *n,
                            struct vs_err *err)
{
    return db_find(l, sql, n, err, "i", query);
}

/* A pin that is there stays as it is; that the other one expects something else is counted. */
static int merge_pins(struct merge *m, int64_t from, int64_t id, struct vs_err *err)
{
    static const char pinned[] = "SELECT count(*) FROM pins WHERE query_id = ?";
    int64_t there = 0, here = 0;
    sqlite3_stmt *a = NULL, *b = NULL;
    int rc = merge_count_rows(m->from, pinned, from, &there, err);
    if (rc == 0)
        rc = merge_count_rows(m->into, pinned, id, &here, err);
    if (rc != 0 || !there)
        return rc;
    m->count->pins += !here;
    if (!here)
        return copy_rows(m, "SELECT ?2, pinned, expected FROM pins WHERE query_id = ?1",
                         "INSERT INTO pins VALUES(?, ?, ?)", from, id, err);
    rc = db_ready(m->from, "SELECT coalesce(expected, '') FROM pins WHERE query_id = ?", &a, err);
    if (rc == 0)
        rc = db_ready(m->into, "SELECT coalesce(expected, '') <> ?2 FROM pins WHERE query_id = ?1",
                      &b, err);
    if (rc != 0)
        return rc;
    db_bind(a, "i", from);
    db_bind(b, "i", id);
    if (sqlite3_step(a) != SQLITE_ROW)
        rc = db_fail(m->from, "reading", err);
    else
        bind_column(b, 2, a, 0);
    if (rc == 0 && sqlite3_step(b) != SQLITE_ROW)
        rc = db_fail(m->into, "reading", err);
    else if (rc == 0)
        m->count->kept_pins += sqlite3_column_int(b, 0);
    sqlite3_reset(a);
    sqlite3_reset(b);
    return rc;
}

static int merge_tags(struct merge *m, int64_t from, int64_t id, struct vs_err *err)
{
    static const char tagged[] = "SELECT count(*) FROM tags WHERE query_id = ?";
    int64_t before = 0, after = 0;
    int rc = merge_count_rows(m->into, tagged, id, &before, err);
    if (rc == 0)
        rc = copy_rows(m, "SELECT ?2, tag FROM tags WHERE query_id = ?1",
                       "INSERT OR IGNORE INTO tags VALUES(?, ?)", from, id, err);
    if (rc == 0)
        rc = merge_count_rows(m->into, tagged, id, &after, err);
    m->count->tags += after - before;
    return rc;
}

/* What people said of it, also of a query that was there. */
static int merge_marks(struct merge *m, int64_t from, int64_t id, struct vs_err *err)
{
    int rc = merge_pins(m, from, id, err);
    if (rc == 0)
        rc = mergenotes(m->into, m->from, id, from, m->count, err);
    return rc ? rc : merge_tags(m, from, id, err);
}

/* Also of a query that was there: somebody may have asked later what it owes to what. */
static int merge_attributions(struct merge *m, int64_t from, int64_t id, struct vs_err *err)
{
    return copy_rows(m, "SELECT ?2, target_index, against_index, data"
                        ATTRIBUTION_COLUMNS(COLUMN_NAME) " FROM attributions WHERE query_id = ?1"
                        " ORDER BY id",
                     COLUMN_INSERT("attributions", "query_id, target_index, against_index, data",
                                   "?, ?, ?, ?", ATTRIBUTION_COLUMNS) " ON CONFLICT DO NOTHING",
                     from, id, err);
}

static int merge_query(struct merge *m, int64_t from, int64_t session, struct vs_err *err)
{
    int64_t seq = 0, id = 0;
    int rc = number_from(m, "SELECT seq FROM queries WHERE id = ?", from, &seq, err);
    if (rc == 0)
        rc = db_find(m->into, "SELECT id FROM queries WHERE session_id = ? AND seq = ?", &id, err,
                     "ii", session, seq);
    if (rc == VS_E_MISSING)
        rc = merge_new_query(m, from, session, &id, err);
    if (rc == 0)
        rc = merge_attributions(m, from, id, err);
    return rc ? rc : merge_marks(m, from, id, err);
}

/* ---- what else a session has. A row that is there is passed over with all it owns. */

/* The query of this log that is the other's query from; 0: none. */
static int map_query(struct merge *m, int64_t from, int64_t *id, struct vs_err *err)
{
    *id = 0;
    if (from == 0)
        return 0;
    int rc = find_row(m, "SELECT s.uid, q.seq FROM queries q JOIN sessions s ON s.id ="
                         " q.session_id WHERE q.id = ?1", from,
                      "SELECT q.id FROM queries q JOIN sessions s ON s.id = q.session_id WHERE"
                      " s.uid = ?1 AND q.seq = ?2", id, err);
    return rc == VS_E_MISSING ? 0 : rc;
}

/* What came of the items of an evaluation. Slices are known by what they are called. */
static const struct {
    const char *select, *insert;
} rows[] = {
    {"SELECT ?2, item, name, answer, score, correct, confidence, margin, image FROM"
     " evaluation_rows WHERE evaluation_id = ?1",
     "INSERT INTO evaluation_rows VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT ?2, item, line FROM evaluation_lines WHERE evaluation_id = ?1",
     "INSERT INTO evaluation_lines VALUES(?, ?, ?)"},
    {"SELECT ?2, field, value, items, scored, score_sum FROM evaluation_slices WHERE"
     " evaluation_id = ?1",
     "INSERT INTO evaluation_slices(evaluation_id, field, value, items, scored, score_sum)"
     " VALUES(?, ?, ?, ?, ?, ?)"},
    {"SELECT ?2, s.field, s.value, i.item FROM evaluation_slices s JOIN slice_items i ON"
     " i.slice_id = s.id WHERE s.evaluation_id = ?1",
     "INSERT INTO slice_items SELECT id, ?4 FROM evaluation_slices WHERE evaluation_id = ?1 AND"
     " field = ?2 AND value = ?3"},
};

static int merge_evaluation(struct merge *m, int64_t from, int64_t session, struct vs_err *err)
{
    int64_t checkpoint = 0, old = 0, id = 0;
    int rc = number_from(m, "SELECT checkpoint_id FROM evaluations WHERE id = ?", from, &old, err);
    if (rc == 0)
        rc = merge_checkpoint(m, old, &checkpoint, err);
    if (rc == 0)
        rc = copy_three(m, "SELECT ?2, ?3, seq, measured" EVALUATION_COLUMNS(COLUMN_NAME)
                           " FROM evaluations WHERE id = ?1",
                        COLUMN_INSERT("evaluations", "session_id, checkpoint_id, seq, measured",
                                      "?, ?, ?, ?", EVALUATION_COLUMNS), from, session, checkpoint,
                        err);
    if (rc == 0)
        rc = new_row(m, &id, err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && rc == 0; i++)
        rc = copy_rows(m, rows[i].select, rows[i].insert, from, id, err);
    return rc;
}

static int merge_comparison(struct merge *m, int64_t from, int64_t session, struct vs_err *err)
{
    int64_t *queries = NULL, id = 0;
    int count = 0;
    int rc = copy_rows(m, "SELECT ?2, seq, asked, note FROM comparisons WHERE id = ?1",
                       "INSERT INTO comparisons(session_id, seq, asked, note) VALUES(?, ?, ?, ?)",
                       from, session, err);
    if (rc == 0)
        rc = new_row(m, &id, err);
    if (rc == 0)
        rc = log_comparison_queries(m->from, from, &queries, &count, err);
    if (rc == VS_E_MISSING) /* its queries were pruned */
        rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        int64_t query;
        rc = map_query(m, queries[i], &query, err);
        if (rc == 0 && query)
            rc = db_do(m->into, "INSERT INTO comparison_queries VALUES(?, ?, ?)", "merging", err,
                       "iii", id, (int64_t)i, query);
    }
    free(queries);
    return rc;
}

static int merge_probe_results(struct merge *m, int64_t from, int64_t run, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code = SQLITE_DONE;
    int rc = copy_rows(m, "SELECT ?2, position" PROBE_COLUMNS(COLUMN_NAME) " FROM probe_results"
                          " WHERE run_id = ?1",
                       COLUMN_INSERT("probe_results", "run_id, position", "?, ?", PROBE_COLUMNS),
                       from, run, err);
    if (rc == 0)
        rc = db_ready(m->from, "SELECT position, query_id FROM probe_results WHERE run_id = ? AND"
                               " query_id IS NOT NULL", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", from);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t query;
        rc = map_query(m, sqlite3_column_int64(s, 1), &query, err);
        if (rc == 0)
            rc = db_do(m->into, "UPDATE probe_results SET query_id = nullif(?, 0) WHERE run_id = ?"
                                " AND position = ?", "merging", err, "iii", query, run,
                       (int64_t)sqlite3_column_int64(s, 0));
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(m->from, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static int merge_probe_run(struct merge *m, int64_t from, int64_t session, struct vs_err *err)
{
    int64_t checkpoint = 0, old = 0, id = 0;
    int rc = number_from(m, "SELECT checkpoint_id FROM probe_runs WHERE id = ?", from, &old, err);
    if (rc == 0)
        rc = merge_checkpoint(m, old, &checkpoint, err);
    if (rc == 0)
        rc = copy_three(m, "SELECT ?2, ?3, seq, ran" PROBE_RUN_COLUMNS(COLUMN_NAME)
                           " FROM probe_runs WHERE id = ?1",
                        COLUMN_INSERT("probe_runs", "session_id, checkpoint_id, seq, ran",
                                      "?, ?, ?, ?", PROBE_RUN_COLUMNS), from, session, checkpoint,
                        err);
    if (rc == 0)
        rc = new_row(m, &id, err);
    return rc ? rc : merge_probe_results(m, from, id, err);
}

static int merge_difference(struct merge *m, int64_t from, int64_t session, struct vs_err *err)
{
    static const char *const sides[] = {"SELECT a_checkpoint_id FROM differences WHERE id = ?",
                                        "SELECT b_checkpoint_id FROM differences WHERE id = ?"};
    int64_t checkpoint[2] = {0, 0}, old = 0, id = 0;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = number_from(m, sides[i], from, &old, err);
        if (rc == 0)
            rc = merge_checkpoint(m, old, &checkpoint[i], err);
    }
    if (rc == 0)
        rc = copy_four(m, "SELECT ?2, ?3, ?4, seq, found" DIFFERENCE_COLUMNS(COLUMN_NAME)
                          " FROM differences WHERE id = ?1",
                       COLUMN_INSERT("differences", "session_id, a_checkpoint_id, b_checkpoint_id,"
                                     " seq, found", "?, ?, ?, ?, ?", DIFFERENCE_COLUMNS),
                       from, session, checkpoint[0], checkpoint[1], err);
    if (rc == 0)
        rc = new_row(m, &id, err);
    return rc ? rc : copy_rows(m, "SELECT ?2, position, part, other, value FROM difference_parts"
                                  " WHERE difference_id = ?1",
                               "INSERT INTO difference_parts VALUES(?, ?, ?, ?, ?)", from, id,
                               err);
}

static const struct {
    const char *list, *find; /* ids and numbers of a session; the row of a number */
    int (*merge)(struct merge *m, int64_t from, int64_t session, struct vs_err *err);
} kinds[] = {
    {"SELECT id, seq FROM queries WHERE session_id = ? ORDER BY id", NULL, merge_query},
    {"SELECT id, seq FROM evaluations WHERE session_id = ? ORDER BY id",
     "SELECT id FROM evaluations WHERE session_id = ? AND seq = ?", merge_evaluation},
    {"SELECT id, seq FROM comparisons WHERE session_id = ? ORDER BY id",
     "SELECT id FROM comparisons WHERE session_id = ? AND seq = ?", merge_comparison},
    {"SELECT id, seq FROM probe_runs WHERE session_id = ? ORDER BY id",
     "SELECT id FROM probe_runs WHERE session_id = ? AND seq = ?", merge_probe_run},
    {"SELECT id, seq FROM differences WHERE session_id = ? ORDER BY id",
     "SELECT id FROM differences WHERE session_id = ? AND seq = ?", merge_difference},
};

static int merge_kind(struct merge *m, size_t kind, int64_t from, int64_t session,
                      struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(m->from, kinds[kind].list, &s, err), code = SQLITE_DONE;
    if (rc != 0)
        return rc;
    db_bind(s, "i", from);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, 0), there;
        rc = kinds[kind].find ? db_find(m->into, kinds[kind].find, &there, err, "ii", session,
                                        (int64_t)sqlite3_column_int64(s, 1))
                              : VS_E_MISSING;
        if (rc == VS_E_MISSING) {
            rc = kinds[kind].merge(m, id, session, err);
            m->count->others += kind > 0 && rc == 0;
        }
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(m->from, "reading", err);
    sqlite3_reset(s);
    return rc;
}

/* ---- sessions: a transaction each, so that others can write in between */

/* Numbers that a stranger's log gives must not use up those of a session of this one. */
#define LAST_SEQ ((int64_t)1 << 53)

static int check_numbers(struct merge *m, int64_t from, struct vs_err *err)
{
    static const char sql[] =
        "SELECT count(*) FROM sessions s WHERE id = ?1 AND (typeof(last_seq) <> 'integer' OR"
        " last_seq < 0 OR last_seq > ?2 OR EXISTS (SELECT 1 FROM queries WHERE session_id = ?1 AND"
        " (typeof(seq) <> 'integer' OR seq < 0 OR seq > s.last_seq)) OR EXISTS (SELECT 1 FROM"
        " evaluations WHERE session_id = ?1 AND (typeof(seq) <> 'integer' OR seq < 0 OR seq >"
        " s.last_seq)) OR EXISTS (SELECT 1 FROM comparisons WHERE session_id = ?1 AND (typeof(seq)"
        " <> 'integer' OR seq < 0 OR seq > s.last_seq)) OR EXISTS (SELECT 1 FROM probe_runs WHERE"
        " session_id = ?1 AND (typeof(seq) <> 'integer' OR seq < 0 OR seq > s.last_seq)) OR EXISTS"
        " (SELECT 1 FROM differences WHERE session_id = ?1 AND (typeof(seq) <> 'integer' OR seq < 0"
        " OR seq > s.last_seq)))";
    int64_t bad = 0;
    int rc = db_find(m->from, sql, &bad, err, "ii", from, LAST_SEQ);
    if (rc == 0 && bad)
        rc = vs_fail(err, VS_E_DB, "%s: the numbers of session %" PRId64 " cannot be: the log was "
                     "changed by hand or is damaged", m->from->path, from);
    return rc;
}

static int merge_session_row(struct merge *m, int64_t from, int64_t *id, struct vs_err *err)
{
    static const char select[] = "SELECT uid FROM sessions WHERE id = ?1";
    static const char find[] = "SELECT id FROM sessions WHERE uid = ?1";
    int rc = find_row(m, select, from, find, id, err);
    if (rc == VS_E_MISSING) {
        rc = copy_rows(m, "SELECT started, note, program, uid, machine, run FROM sessions WHERE id"
                          " = ?1",
                       "INSERT INTO sessions(started, note, program, uid, machine, run) VALUES(?,"
                       " ?, ?, ?, ?, ?)", from, 0, err);
        if (rc == 0)
            rc = new_row(m, id, err);
        m->count->sessions += rc == 0;
    }
    return rc ? rc : copy_rows(m, "SELECT ended, last_seq, ?2 FROM sessions WHERE id = ?1",
                               "UPDATE sessions SET ended = coalesce(ended, ?1), last_seq ="
                               " max(last_seq, ?2) WHERE id = ?3 AND (last_seq < ?2 OR (ended IS"
                               " NULL AND ?1 IS NOT NULL))", from, *id, err);
}

static int merge_session(struct merge *m, int64_t from, struct vs_err *err)
{
    static const char doing[] = "merging";
    int64_t id = 0;
    int rc = check_numbers(m, from, err);
    if (rc == 0)
        rc = db_begin(m->into, doing, err);
    if (rc != 0)
        return rc;
    rc = merge_session_row(m, from, &id, err);
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0] && rc == 0; kind++)
        rc = merge_kind(m, kind, from, id, err);
    return db_end(m->into, rc, doing, err);
}

static int list_ids(struct log *l, int64_t **ids, int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "SELECT id FROM sessions ORDER BY id", &s, err), code;
    if (rc != 0)
        return rc;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *ids = xreallocarray(*ids, (size_t)*count + 1, sizeof **ids);
        (*ids)[(*count)++] = sqlite3_column_int64(s, 0);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_finalize(s);
    return rc;
}

int log_merge_session(struct log *into, struct log *from, int64_t session,
                      struct log_merged *count, struct vs_err *err)
{
    struct merge m = {into, from, count, 0};
    *count = (struct log_merged){0};
    return merge_session(&m, session, err);
}

int log_merge(struct log *into, struct log *from, struct log_merged *count, struct vs_err *err)
{
    struct merge m = {into, from, count, 0};
    int64_t *ids = NULL;
    int n = 0;
    *count = (struct log_merged){0};
    int rc = list_ids(from, &ids, &n, err);
    for (int i = 0; i < n && rc == 0; i++)
        rc = merge_session(&m, ids[i], err);
    free(ids);
    return rc;
}
