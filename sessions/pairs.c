/* SPDX-License-Identifier: MIT */
/* Items of two evaluations by what came of them: both are read by the index alone, in the order of
 * the items, side by side. A search for each item of the one in the other takes twice as long. */
#include "sessions/db.h"
#include "sessions/rows.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Items of one evaluation that came out one way, or those of a slice, in their order. */
struct outcome_walk {
    sqlite3_stmt *s; /* NULL: nobody asks for them */
    bool there, right;
    int64_t item;
    double sure;
};
/* Of A and of B the wrong ones and the right ones, and of A the slice. */
struct pair_walks {
    struct outcome_walk side[2][2], slice;
};

static const char outcome_items[] = "SELECT item, confidence FROM evaluation_rows WHERE"
                                    " evaluation_id = ?1 AND correct = ?2 ORDER BY item";
static const char slice_items[] = "SELECT i.item, 0 FROM evaluation_slices s JOIN slice_items i ON"
                                  " i.slice_id = s.id WHERE s.evaluation_id = ?1 AND s.field = ?2"
                                  " AND s.value = ?3 ORDER BY i.item";

const char *pairs_plan(bool of_a_slice)
{
    return of_a_slice ? slice_items : outcome_items;
}

static int walk_on(struct log *l, struct outcome_walk *x, struct vs_err *err)
{
    int code = sqlite3_step(x->s);
    x->there = code == SQLITE_ROW;
    if (!x->there)
        return code == SQLITE_DONE ? 0 : db_fail(l, "reading", err);
    x->item = sqlite3_column_int64(x->s, 0);
    x->sure = sqlite3_column_double(x->s, 1); /* NULL is 0 */
    return 0;
}

static int walks_open(struct log *l, const struct log_wanted *w, struct pair_walks *p,
                      struct vs_err *err)
{
    static const bool asked[][2][2] = { /* of A wrong, right; of B */
        [LOG_FLIPPED] = {{true, true}, {true, true}},
        [LOG_GAINED] = {{true, false}, {false, true}},
        [LOG_LOST] = {{false, true}, {true, false}},
        [LOG_BOTH_WRONG] = {{true, false}, {true, false}},
        [LOG_BOTH_RIGHT] = {{false, true}, {false, true}}};
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++) {
        struct outcome_walk *x = &p->side[i / 2][i % 2];
        x->right = i % 2;
        if (!asked[w->outcome][i / 2][i % 2])
            continue;
        rc = db_prepare(l, outcome_items, &x->s, err);
        if (rc == 0) {
            db_bind(x->s, "ii", i / 2 ? w->b : w->a, (int64_t)x->right);
            rc = walk_on(l, x, err);
        }
    }
    if (rc == 0 && w->field)
        rc = db_prepare(l, slice_items, &p->slice.s, err);
    if (rc == 0 && w->field) {
        db_bind(p->slice.s, "iss", w->a, w->field, w->value);
        rc = walk_on(l, &p->slice, err);
    }
    return rc;
}

static void walks_close(struct pair_walks *p)
{
    for (int i = 0; i < 4; i++)
        sqlite3_finalize(p->side[i / 2][i % 2].s);
    sqlite3_finalize(p->slice.s);
}

/* The next item of a side; NULL: there is none. */
static struct outcome_walk *walks_next(struct outcome_walk side[2])
{
    if (!side[0].there || !side[1].there)
        return side[0].there ? &side[0] : side[1].there ? &side[1] : NULL;
    return side[1].item < side[0].item ? &side[1] : &side[0];
}

/* Whether an item is in the slice that is asked for, if one is. */
static int walks_in_slice(struct log *l, struct pair_walks *p, int64_t item, bool *is,
                          struct vs_err *err)
{
    int rc = 0;
    while (rc == 0 && p->slice.there && p->slice.item < item)
        rc = walk_on(l, &p->slice, err);
    *is = !p->slice.s || (p->slice.there && p->slice.item == item);
    return rc;
}

static int pairs_add(struct log *l, const struct log_wanted *w, struct pair_walks *p,
                     const struct outcome_walk *a, const struct outcome_walk *b, int64_t *room,
                     struct log_pairs *out, struct vs_err *err)
{
    double sure = a->sure > b->sure ? a->sure : b->sure;
    bool is = true;
    if (sure < w->sure || (w->outcome == LOG_FLIPPED && a->right == b->right))
        return 0;
    int rc = walks_in_slice(l, p, a->item, &is, err);
    if (rc != 0 || !is)
        return rc;
    if (out->count == *room) {
        *room = *room ? 2 * *room : 1024;
        out->list = xreallocarray(out->list, (size_t)*room, sizeof *out->list);
    }
    out->list[out->count++] = (struct log_paired){a->item, sure};
    return 0;
}

static int pairs_by_sure(const void *x, const void *y)
{
    const struct log_paired *a = x, *b = y;
    if (a->sure != b->sure)
        return a->sure < b->sure ? 1 : -1;
    return (a->item > b->item) - (a->item < b->item);
}

int log_list_pairs(struct log *l, const struct log_wanted *w, struct log_pairs *out,
                   struct vs_err *err)
{
    struct pair_walks p = {0};
    struct outcome_walk *a, *b;
    int64_t room = 0;
    *out = (struct log_pairs){.a = w->a, .b = w->b};
    int rc = walks_open(l, w, &p, err);
    while (rc == 0 && (a = walks_next(p.side[0])) && (b = walks_next(p.side[1]))) {
        bool same = a->item == b->item;
        if (same)
            rc = pairs_add(l, w, &p, a, b, &room, out, err);
        bool on_b = same || b->item < a->item;
        if (rc == 0 && (same || !on_b))
            rc = walk_on(l, a, err);
        if (rc == 0 && on_b)
            rc = walk_on(l, b, err);
    }
    walks_close(&p);
    if (rc == 0 && out->count)
        qsort(out->list, (size_t)out->count, sizeof *out->list, pairs_by_sure);
    return rc;
}

void log_pairs_fini(struct log_pairs *p)
{
    free(p->list);
    *p = (struct log_pairs){0};
}

/* Hands an item on, where both sides call it the same: *given becomes one more. */
static int pairs_give(struct log *l, const struct log_pairs *p, int64_t item, int *given,
                      log_take_pair *take, void *arg, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT x.line, y.line FROM evaluation_rows a JOIN evaluation_rows b ON"
                         " b.evaluation_id = ?2 AND b.item = ?3 AND b.name = a.name JOIN"
                         " evaluation_lines x ON x.evaluation_id = ?1 AND x.item = ?3 JOIN"
                         " evaluation_lines y ON y.evaluation_id = ?2 AND y.item = ?3 WHERE"
                         " a.evaluation_id = ?1 AND a.item = ?3", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "iii", p->a, p->b, item);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        const char *a = (const char *)sqlite3_column_text(s, 0);
        const char *b = (const char *)sqlite3_column_text(s, 1);
        struct log_row_pair pair = {a ? a : "", b ? b : "", (size_t)sqlite3_column_bytes(s, 0),
                                    (size_t)sqlite3_column_bytes(s, 1)};
        ++*given;
        rc = take(arg, &pair, err);
    } else if (code != SQLITE_DONE) {
        rc = db_fail(l, "reading", err);
    }
    sqlite3_reset(s);
    return rc;
}

/* Where items are not the same in both, those do not use up the limit. */
int log_read_pairs(struct log *l, const struct log_pairs *p, int64_t *next, int limit,
                   log_take_pair *take, void *arg, struct vs_err *err)
{
    int given = 0, rc = 0;
    while (rc == 0 && given < limit && *next < p->count)
        rc = pairs_give(l, p, p->list[(*next)++].item, &given, take, arg, err);
    return rc;
}

/* ---- items as numbers */

static uint64_t item_name(const char *s)
{
    uint64_t x = 0xcbf29ce484222325; /* FNV-1a */
    for (; s && *s; s++)
        x = (x ^ (unsigned char)*s) * 0x100000001b3;
    return x;
}

static double item_number(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? (double)NAN
                                                         : sqlite3_column_double(s, column);
}

int log_list_items(struct log *l, int64_t evaluation, struct log_item **out, int *count,
                   struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code = SQLITE_DONE, room = 0;
    *out = NULL;
    *count = 0;
    int rc = db_ready(l, "SELECT item, name, score, confidence, correct FROM evaluation_rows WHERE"
                         " evaluation_id = ? ORDER BY item", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", evaluation);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (*count == room) {
            room = room ? 2 * room : 1024;
            *out = xreallocarray(*out, (size_t)room, sizeof **out);
        }
        (*out)[(*count)++] = (struct log_item){
            sqlite3_column_int64(s, 0), item_name((const char *)sqlite3_column_text(s, 1)),
            item_number(s, 2), item_number(s, 3), sqlite3_column_int(s, 4) == 1};
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}
