/* SPDX-License-Identifier: MIT */
/* Two sides' answers to the same questions: sessions or checkpoints. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The queries of a side, as a condition on the table called q. */
static char *side_sql(const struct log_side *side, const char *q, int parameter)
{
    if (side->session)
        return xasprintf("%s.session_id = ?%d", q, parameter);
    return xasprintf("%s.checkpoint_id IN (SELECT id FROM checkpoints WHERE digest = ?%d UNION "
                     "SELECT checkpoint_id FROM checkpoint_names WHERE name = ?%d) AND "
                     "%s.changes = ''", q, parameter, parameter, q);
}

/* Newest answers of side one, with those of side two to the same question; only_one: those that two
 * has no answer to. The columns are those that read_pair wants, one first. */
static char *pairs_sql(const struct log_side *one, const struct log_side *two, bool only_one)
{
    char *a = side_sql(one, "a", 1), *b = side_sql(two, "b", 2);
    char *x = side_sql(one, "x", 1), *y = side_sql(two, "x", 2);
    char *sql = xasprintf(
        "SELECT a.id, b.id, a.task, a.text, (SELECT path FROM query_images WHERE query_id = a.id"
        " AND position = 0), a.changes, a.best, b.best, a.checkpoint_name, b.checkpoint_name,"
        " a.best_score, b.best_score FROM queries a LEFT JOIN queries b ON b.question = a.question"
        " AND b.changes = a.changes AND %s AND b.id = (SELECT max(x.id) FROM queries x WHERE"
        " x.question = a.question AND x.changes = a.changes AND %s) WHERE %s AND a.id ="
        " (SELECT max(x.id) FROM queries x WHERE x.question = a.question AND x.changes ="
        " a.changes AND %s)%s ORDER BY a.id", b, y, a, x, only_one ? " AND b.id IS NULL" : "");
    free(a);
    free(b);
    free(x);
    free(y);
    return sql;
}

static void bind_side(sqlite3_stmt *s, int i, const struct log_side *side)
{
    if (side->session)
        sqlite3_bind_int64(s, i, side->session);
    else
        sqlite3_bind_text(s, i, side->checkpoint, -1, SQLITE_STATIC);
}

static void read_pair(sqlite3_stmt *s, bool swapped, struct log_pair *p)
{
    *p = (struct log_pair){.a = sqlite3_column_int64(s, 0), .b = sqlite3_column_int64(s, 1),
                           .task = db_need(s, 2), .text = db_need(s, 3), .image = db_text(s, 4),
                           .changes = db_text(s, 5), .a_answer = db_text(s, 6),
                           .b_answer = db_text(s, 7), .a_checkpoint = db_text(s, 8),
                           .b_checkpoint = db_text(s, 9), .a_score = sqlite3_column_double(s, 10),
                           .b_score = sqlite3_column_double(s, 11)};
    p->changed = p->a && p->b && (!p->a_answer != !p->b_answer ||
                                  (p->a_answer && strcmp(p->a_answer, p->b_answer) != 0));
    if (!swapped)
        return;
    struct log_pair q = *p;
    p->a = q.b;
    p->b = q.a;
    p->a_answer = q.b_answer;
    p->b_answer = q.a_answer;
    p->a_checkpoint = q.b_checkpoint;
    p->b_checkpoint = q.a_checkpoint;
    p->a_score = q.b_score;
    p->b_score = q.a_score;
}

static int add_pairs(struct log *l, const struct log_side *one, const struct log_side *two,
                     bool swapped, struct log_pair **out, int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    char *sql = pairs_sql(one, two, swapped);
    int rc = db_prepare(l, sql, &s, err), code = SQLITE_DONE;
    free(sql);
    if (rc != 0)
        return rc;
    bind_side(s, 1, one);
    bind_side(s, 2, two);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        read_pair(s, swapped, &(*out)[(*count)++]);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_finalize(s);
    return rc;
}

static int check_side(struct log *l, const struct log_side *side, struct vs_err *err)
{
    int64_t id;
    int rc = side->session
                 ? db_find(l, "SELECT id FROM sessions WHERE id = ?", &id, err, "i", side->session)
                 : db_find(l, "SELECT id FROM checkpoints WHERE digest = ?1 UNION SELECT"
                              " checkpoint_id FROM checkpoint_names WHERE name = ?1", &id, err, "s",
                           side->checkpoint);
    if (rc == VS_E_MISSING && side->session)
        vs_fail(err, rc, "%s: there is no session %" PRId64, l->path, side->session);
    else if (rc == VS_E_MISSING)
        vs_fail(err, rc, "%s: there is no checkpoint '%s'", l->path, side->checkpoint);
    return rc;
}

int log_diff(struct log *l, const struct log_side *a, const struct log_side *b,
             struct log_pair **out, int *count, struct vs_err *err)
{
    *out = NULL;
    *count = 0;
    int rc = check_side(l, a, err);
    if (rc == 0)
        rc = check_side(l, b, err);
    if (rc == 0)
        rc = add_pairs(l, a, b, false, out, count, err);
    if (rc == 0)
        rc = add_pairs(l, b, a, true, out, count, err);
    if (rc != 0) {
        log_pairs_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_pairs_free(struct log_pair *p, int count)
{
    for (int i = 0; i < count; i++) {
        free(p[i].task);
        free(p[i].text);
        free(p[i].image);
        free(p[i].changes);
        free(p[i].a_answer);
        free(p[i].b_answer);
        free(p[i].a_checkpoint);
        free(p[i].b_checkpoint);
    }
    free(p);
}
