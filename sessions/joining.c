/* SPDX-License-Identifier: MIT */
/* Joining evaluations of which several runs measured a share each (shard I of N). When all shares
 * are there their rows become those of one evaluation, whose score is computed of them as one run
 * would have. A share stays as a record without rows, so that merging its log again adds nothing.
 * A share that was measured twice, as by a task that was started again, has to say the same. */
#include "sessions/columns.h"
#include "sessions/tend.h"

#include "src/base/mem.h"
#include "src/base/shard.h"
#include "src/study/eval.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char doing[] = "joining shards";

/* What was measured by shares: one task of one checkpoint. */
struct group {
    char *part, *task;
    int64_t checkpoint, whole_id; /* whole_id: the evaluation that was joined before, 0: none */
    int shards;
};
/* One share; the same one may be there more than once. */
struct share {
    int64_t id;
    int shard, items, rows;
};
struct joining {
    struct log *l;
    struct group *groups;
    int group_count;
    int64_t session; /* that joins; 0: nothing was joined yet */
    struct share *shares; /* of the group in work, by shard */
    int share_count;
    struct log_joined *now; /* what becomes of it */
};

/* ---- which there are */

static int read_groups(struct joining *g, struct log_joined **out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code, n = 0;
    int rc = db_prepare(g->l, "SELECT part, task, checkpoint_id, shards, max(checkpoint_name),"
                              " max(split), max(whole), max(place), max(places), max((shard = 0) *"
                              " id) FROM evaluations WHERE part IS NOT NULL AND shards > 0 GROUP"
                              " BY part, task, checkpoint_id, shards ORDER BY min(id)", &s, err);
    if (rc != 0)
        return rc;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct column_row row = {.s = s, .at = 6, .good = true};
        if (sqlite3_column_int64(s, 3) > SHARDS_MOST)
            continue;
        g->groups = xreallocarray(g->groups, (size_t)n + 1, sizeof *g->groups);
        *out = xreallocarray(*out, (size_t)n + 1, sizeof **out);
        g->groups[n] = (struct group){.part = db_need(s, 0), .task = db_need(s, 1),
                                      .checkpoint = sqlite3_column_int64(s, 2),
                                      .whole_id = sqlite3_column_int64(s, 9),
                                      .shards = sqlite3_column_int(s, 3)};
        (*out)[n] = (struct log_joined){.task = task_find(g->groups[n].task),
                                        .shards = g->groups[n].shards, .split = db_text(s, 5),
                                        .checkpoint = db_need(s, 4)};
        (*out)[n].whole = column_get_int(&row);
        (*out)[n].place = column_get_int(&row);
        (*out)[n].places = column_get_int(&row);
        n++;
    }
    g->group_count = n;
    if (code != SQLITE_DONE)
        rc = db_fail(g->l, "reading", err);
    sqlite3_finalize(s);
    return rc;
}

static int read_shares(struct joining *g, const struct group *x, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code;
    int rc = db_ready(g->l, "SELECT id, shard, items, row_count FROM evaluations WHERE part = ? AND"
                            " checkpoint_id = ? AND task = ? AND shards = ? AND shard > 0 AND"
                            " shard <= shards ORDER BY shard, id", &s, err);
    if (rc != 0)
        return rc;
    g->share_count = 0;
    db_bind(s, "sisi", x->part, x->checkpoint, x->task, (int64_t)x->shards);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct column_row row = {.s = s, .at = 1, .good = true};
        g->shares = xreallocarray(g->shares, (size_t)g->share_count + 1, sizeof *g->shares);
        struct share *p = &g->shares[g->share_count++];
        p->id = sqlite3_column_int64(s, 0);
        p->shard = column_get_int(&row);
        p->items = column_get_int(&row);
        p->rows = column_get_int(&row);
    }
    if (code != SQLITE_DONE)
        rc = db_fail(g->l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static void note_missing(struct joining *g)
{
    struct log_joined *now = g->now;
    int at = 0;
    now->missing = xcalloc((size_t)now->shards + 1, sizeof *now->missing);
    for (int shard = 1; shard <= now->shards; shard++) {
        if (at == g->share_count || g->shares[at].shard != shard)
            now->missing[now->missing_count++] = shard;
        else
            now->items += g->shares[at].items;
        while (at < g->share_count && g->shares[at].shard == shard)
            at++;
    }
}

/* ---- the same share twice */

/* Rows that are there once, or say something else; another kind of processor may have other last
 * digits, and nothing else may be different. */
static const char unequal[] =
    "SELECT a.name, coalesce(a.answer, ''), a.score, a.confidence, coalesce(b.answer, 'nothing'),"
    " b.score, b.confidence FROM evaluation_rows a LEFT JOIN evaluation_rows b ON b.evaluation_id ="
    " ?2 AND b.item = a.item WHERE a.evaluation_id = ?1 AND (b.item IS NULL OR a.name <> b.name OR"
    " a.answer IS NOT b.answer OR a.score IS NOT b.score OR abs(a.confidence - b.confidence) >"
    " 0.001 OR abs(a.margin - b.margin) > 0.001 * (1 + abs(a.margin))) LIMIT 1";

static char *tell_unequal(const struct joining *g, sqlite3_stmt *s, int64_t a, int64_t b,
                          int shard)
{
    char *name = db_need(s, 0), *x = db_need(s, 1), *y = db_need(s, 4);
    char *text = xasprintf("shard %d of %d was measured twice, and item %s came out otherwise: "
                           "'%s' (score %.4g, confidence %.4f) in evaluation %" PRId64 ", "
                           "'%s' (%.4g, %.4f) in %" PRId64 ": one is of another device, version "
                           "or picture", shard, g->now->shards, name, x,
                           sqlite3_column_double(s, 2), sqlite3_column_double(s, 3), a, y,
                           sqlite3_column_double(s, 5), sqlite3_column_double(s, 6), b);
    free(name);
    free(x);
    free(y);
    return text;
}

/* Whether all rows of a are among those of b: *why NULL. */
static int compare_rows(struct joining *g, int64_t a, int64_t b, int shard, char **why,
                        struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(g->l, unequal, &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "ii", a, b);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *why = tell_unequal(g, s, a, b, shard);
    else if (code != SQLITE_DONE)
        rc = db_fail(g->l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

/* The record stays. */
static int drop_rows(struct log *l, int64_t id, struct vs_err *err)
{
    static const char *const all[] = {
        "DELETE FROM evaluation_rows WHERE evaluation_id = ?",
        "DELETE FROM evaluation_lines WHERE evaluation_id = ?",
        ("DELETE FROM slice_items WHERE slice_id IN (SELECT id FROM evaluation_slices WHERE"
         " evaluation_id = ?)"),
        "DELETE FROM evaluation_slices WHERE evaluation_id = ?",
        "UPDATE evaluations SET row_count = 0 WHERE id = ?"};
    int rc = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && rc == 0; i++)
        rc = db_do(l, all[i], doing, err, "i", id);
    return rc;
}

/* What is there of a share already, the joined one or the first of them, stays. */
static int drop_again(struct joining *g, struct share *p, int64_t there, bool both,
                      struct vs_err *err)
{
    char *why = NULL;
    int rc = compare_rows(g, p->id, there, p->shard, &why, err);
    if (rc == 0 && !why && both)
        rc = compare_rows(g, there, p->id, p->shard, &why, err);
    if (rc == 0 && !why) {
        rc = drop_rows(g->l, p->id, err);
        p->rows = 0;
        p->id = rc == 0 ? 0 : p->id;
    }
    if (g->now->unequal)
        free(why);
    else
        g->now->unequal = why;
    return rc;
}

static int unite_shares(struct joining *g, int64_t whole, struct vs_err *err)
{
    const struct share *first = NULL;
    int rc = 0;
    for (int i = 0; i < g->share_count && rc == 0; i++) {
        struct share *p = &g->shares[i];
        bool again = first && first->shard == p->shard;
        if (p->rows && whole)
            rc = drop_again(g, p, whole, false, err);
        else if (p->rows && again && first->rows)
            rc = drop_again(g, p, first->id, true, err);
        if (!again || !first->rows)
            first = p;
    }
    return rc;
}

/* ---- one of all */

static void add_left_out(json_t *list, json_t *more)
{
    size_t i;
    json_t *v;
    json_array_foreach(more, i, v) {
        size_t at = 0;
        while (at < json_array_size(list) && !json_equal(json_array_get(list, at), v))
            at++;
        if (at == json_array_size(list))
            json_array_append(list, v);
    }
}

static int left_out_by_place(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "place"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "place"));
    return (x > y) - (x < y);
}

/* In the order of one run: what the set lacks, then items, whose places are dropped. */
static char *order_left_out(json_t *list)
{
    size_t n = json_array_size(list), items = 0;
    json_t **all = xcalloc(n + 1, sizeof *all), *ordered = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        if (json_object_get(v, "place"))
            all[items++] = v;
        else
            json_array_append(ordered, v);
    }
    vs_sort(all, items, sizeof *all, left_out_by_place);
    for (size_t i = 0; i < items; i++) {
        json_array_append(ordered, all[i]);
        json_object_del(all[i], "place");
    }
    char *text = json_dumps(ordered, JSON_INDENT(1));
    free(all);
    json_decref(ordered);
    return text;
}

/* Of all shares; NULL where none says it. The caller frees *out. */
static int unite_left_out(struct joining *g, char **out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    json_t *list = NULL;
    int rc = db_ready(g->l, "SELECT left_out FROM evaluations WHERE id = ?", &s, err);
    for (int i = 0; i < g->share_count && rc == 0; i++) {
        db_bind(s, "i", g->shares[i].id);
        char *text = sqlite3_step(s) == SQLITE_ROW ? db_text(s, 0) : NULL;
        json_t *more = text ? json_loads(text, 0, NULL) : NULL;
        list = more && !list ? json_array() : list;
        add_left_out(list, more);
        json_decref(more);
        free(text);
        sqlite3_reset(s);
    }
    *out = list ? order_left_out(list) : NULL;
    json_decref(list);
    return rc;
}

/* The record of the whole, from that of a share; numbers come of the rows. */
static int write_whole(struct joining *g, int64_t *id, struct vs_err *err)
{
    char *left_out = NULL;
    int64_t seq = 0;
    int rc = g->session ? 0 : log_begin_session(g->l, "merge", &g->session, err);
    if (rc == 0)
        rc = log_next_seq(g->l, g->session, &seq, err);
    if (rc == 0)
        rc = unite_left_out(g, &left_out, err);
    if (rc == 0)
        rc = db_do(g->l, "INSERT INTO evaluations(session_id, seq, measured, checkpoint_id, model,"
                         " checkpoint_name, checkpoint_path, data_path, data_digest, task, items,"
                         " score, low, high, baseline, split, as_reference, left_out, part, shards,"
                         " whole, place, places) SELECT ?1, ?2, " LOG_NOW ", checkpoint_id, model,"
                         " checkpoint_name, checkpoint_path, data_path, data_digest, task, 0, 0, 0,"
                         " 0, (SELECT CASE WHEN min(s.baseline) = max(s.baseline) THEN"
                         " min(s.baseline) ELSE sum(s.baseline * s.items) / max(sum(s.items), 1)"
                         " END FROM evaluations s WHERE s.part = e.part AND s.checkpoint_id ="
                         " e.checkpoint_id AND s.task = e.task AND s.shards = e.shards), split,"
                         " as_reference, ?4, part, shards, whole, place, places FROM evaluations e"
                         " WHERE id = ?3", doing, err, "iiis", g->session, seq,
                   g->shares[0].id, left_out);
    *id = sqlite3_last_insert_rowid(g->l->db);
    free(left_out);
    return rc;
}

/* The rows of a share become the whole's. */
static int move_rows(struct joining *g, const struct share *p, int64_t whole, struct vs_err *err)
{
    static const char *const all[] = {
        "UPDATE evaluation_rows SET evaluation_id = ?1 WHERE evaluation_id = ?2",
        "UPDATE evaluation_lines SET evaluation_id = ?1 WHERE evaluation_id = ?2",
        "INSERT INTO evaluation_slices(evaluation_id, field, value, items, scored, score_sum)"
        " SELECT ?1, field, value, items, scored, score_sum FROM evaluation_slices WHERE"
        " evaluation_id = ?2 ORDER BY id ON CONFLICT(evaluation_id, field, value) DO UPDATE SET"
        " items = items + excluded.items, scored = scored + excluded.scored, score_sum = score_sum"
        " + excluded.score_sum",
        "INSERT INTO slice_items SELECT n.id, i.item FROM evaluation_slices o JOIN slice_items i ON"
        " i.slice_id = o.id JOIN evaluation_slices n ON n.evaluation_id = ?1 AND n.field = o.field"
        " AND n.value = o.value WHERE o.evaluation_id = ?2 ORDER BY n.id, i.item"};
    int rc = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && rc == 0; i++)
        rc = db_do(g->l, all[i], doing, err, "ii", whole, p->id);
    return rc ? rc : drop_rows(g->l, p->id, err);
}

/* In the order of the items, as one run adds them up. */
static int sum_rows(struct joining *g, int64_t whole, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    double sum = 0;
    int64_t rows = 0, scored = 0;
    int rc = db_ready(g->l, "SELECT score FROM evaluation_rows WHERE evaluation_id = ? ORDER BY"
                            " item", &s, err), code;
    if (rc != 0)
        return rc;
    db_bind(s, "i", whole);
    for (; (code = sqlite3_step(s)) == SQLITE_ROW; rows++)
        if (sqlite3_column_type(s, 0) != SQLITE_NULL) {
            sum += sqlite3_column_double(s, 0);
            scored++;
        }
    if (code != SQLITE_DONE)
        rc = db_fail(g->l, "reading", err);
    sqlite3_reset(s);
    struct log_joined *now = g->now;
    now->score = scored ? sum / (double)scored : 0;
    eval_interval(now->score, (double)scored, &now->low, &now->high);
    now->items = (int)rows;
    return rc ? rc : db_do(g->l, "UPDATE evaluations SET items = ?2, row_count = ?2, score = ?3,"
                                 " low = ?4, high = ?5 WHERE id = ?1", doing, err, "iiddd", whole,
                           rows, now->score, now->low, now->high);
}

static int join_shares(struct joining *g, struct vs_err *err)
{
    int64_t whole = 0;
    int rc = write_whole(g, &whole, err);
    for (int i = 0; i < g->share_count && rc == 0; i++)
        if (g->shares[i].rows)
            rc = move_rows(g, &g->shares[i], whole, err);
    if (rc == 0)
        rc = sum_rows(g, whole, err);
    g->now->evaluation = rc == 0 ? whole : 0;
    g->now->fresh = rc == 0;
    return rc;
}

static int read_whole(struct joining *g, int64_t id, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(g->l, "SELECT items, score, low, high FROM evaluations WHERE id = ?", &s,
                      err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    if (sqlite3_step(s) == SQLITE_ROW) {
        g->now->items = sqlite3_column_int(s, 0);
        g->now->score = sqlite3_column_double(s, 1);
        g->now->low = sqlite3_column_double(s, 2);
        g->now->high = sqlite3_column_double(s, 3);
    }
    sqlite3_reset(s);
    g->now->evaluation = id;
    return 0;
}

/* Within a transaction. */
static int join_group(struct joining *g, const struct group *x, struct vs_err *err)
{
    int rc = read_shares(g, x, err);
    if (rc == 0)
        rc = unite_shares(g, x->whole_id, err);
    if (rc == 0 && x->whole_id)
        return read_whole(g, x->whole_id, err);
    note_missing(g);
    if (rc != 0 || g->now->missing_count || g->now->unequal)
        return rc;
    return join_shares(g, err);
}

/* ---- the whole */

/* Of checkpoints that are counted but of which there is no share at all, the places. */
static void add_absent(const struct joining *g, struct log_joined **list, int *count)
{
    int known = *count;
    for (int i = 0; i < known; i++) {
        bool *seen, before = false;
        int places = (*list)[i].places;
        for (int k = 0; k < i; k++)
            before |= strcmp(g->groups[k].part, g->groups[i].part) == 0;
        if (before || places < 1 || places > SHARDS_MOST)
            continue;
        seen = xcalloc((size_t)places + 1, sizeof *seen);
        for (int k = i; k < known; k++)
            if (strcmp(g->groups[k].part, g->groups[i].part) == 0 && (*list)[k].place <= places)
                seen[(*list)[k].place] = true;
        for (int p = 1; p <= places; p++) {
            if (seen[p])
                continue;
            *list = xreallocarray(*list, (size_t)*count + 1, sizeof **list);
            struct log_joined *x = &(*list)[(*count)++];
            *x = (struct log_joined){.shards = (*list)[i].shards, .place = p, .places = places};
            x->missing = xcalloc((size_t)x->shards + 1, sizeof *x->missing);
            for (int shard = 1; shard <= x->shards; shard++)
                x->missing[x->missing_count++] = shard;
        }
        free(seen);
    }
}

static int joined_by_place(const void *a, const void *b)
{
    const struct log_joined *x = a, *y = b;
    if (!x->task || !y->task)
        return (x->task == NULL) - (y->task == NULL);
    if (x->task != y->task)
        return x->task < y->task ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

int log_join(struct log *l, struct log_joined **out, int *count, struct vs_err *err)
{
    struct joining g = {.l = l};
    *out = NULL;
    *count = 0;
    int rc = read_groups(&g, out, err);
    for (int i = 0; i < g.group_count && rc == 0; i++) {
        g.now = &(*out)[i];
        g.now->order = i;
        rc = db_begin(l, doing, err);
        if (rc == 0)
            rc = db_end(l, join_group(&g, &g.groups[i], err), doing, err);
    }
    *count = g.group_count;
    if (rc == 0)
        add_absent(&g, out, count);
    if (*out)
        vs_sort(*out, (size_t)*count, sizeof **out, joined_by_place);
    if (g.session) {
        int ended = log_end_session(l, g.session, rc ? NULL : err);
        rc = rc ? rc : ended;
    }
    for (int i = 0; i < g.group_count; i++) {
        free(g.groups[i].part);
        free(g.groups[i].task);
    }
    free(g.groups);
    free(g.shares);
    return rc;
}

void log_joined_free(struct log_joined *list, int count)
{
    for (int i = 0; i < count; i++) {
        free(list[i].checkpoint);
        free(list[i].split);
        free(list[i].missing);
        free(list[i].unequal);
    }
    free(list);
}
