/* SPDX-License-Identifier: MIT */
/* Rows of evaluations: what is read from a line, and what the log makes of many. A number that is
 * read as another, a field that is lost, a slice that counts an item twice or not at all, a row
 * that comes back with other bytes, or one of another run that is taken for a second one breaks
 * it. */
#include "logs.h"
#include "rows.h"

#include "sessions/db.h"
#include "sessions/rows.h"
#include "src/engine/engine.h"
#include "src/study/judge.h"
#include "src/study/rowfile.h"

static const char *value_of(const struct row *r, const char *name)
{
    for (int i = 0; i < r->field_count; i++)
        if (strcmp(r->fields[i].name, name) == 0)
            return r->fields[i].value;
    return "-";
}

static bool reads(struct row_texts *t, const char *line, struct row *r, const char **why)
{
    return row_read(line, strlen(line), t, r, why);
}

/* What is no row, and numbers that are too large. */
static void bad_lines(struct row_texts *t)
{
    struct row r;
    const char *why = "";
    ok(!reads(t, "{\"task\": \"vqa\"}", &r, &why) && strstr(why, "split"), "no row: %s", why);
    ok(!reads(t, "{\"task\": \"what\"}", &r, &why) && strstr(why, "task"), "no task: %s", why);
    ok(!reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0,"
              " \"choice\": 1, \"score\": 2}", &r, &why) && strstr(why, "score"), "a score: %s",
       why);
    ok(!reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0,"
              " \"choice\": 1} x", &r, &why), "more than a row: %s", why);
    ok(!reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0.5,"
              " \"choice\": 1}", &r, &why) && strstr(why, "whole number"), "half an item: %s", why);
    ok(reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0,"
             " \"choice\": 1, \"regions\": [2147483647, 2147483647, -5],"
             " \"images\": [\"a\", \"b\", \"c\"]}", &r, &why) && strcmp(r.image, "a + b") == 0 &&
       strcmp(value_of(&r, "regions"), "1073741824 to 2147483647") == 0,
       "more regions than can be counted: %s", why ? why : value_of(&r, "regions"));
}

/* One member that is wrong, where all others are right. */
static void bad_members(struct row_texts *t)
{
    static const char *const members[] = {
        "\"task\": \"what\"", "\"task\": 3", "\"split\": 3", "\"checkpoint\": null",
        "\"images\": \"a\"",
        "\"index\": -1", "\"index\": \"0\"", "\"choice\": -1", "\"choice\": 1.5",
        "\"rank\": \"x\"", "\"score\": \"x\"", "\"score\": -0.1", "\"score\": 1.01",
        "\"margin\": true", "\"correct\": 1", "\"correct\": tru", "\"truncated\": \"no\"",
        "\"as_reference\": 0",
        "\"logits\": [1, \"x\"]", "\"logits\": {}", "\"top\": [[1]]", "\"top\": [1, 2]",
        "\"top\": [[1, \"x\"]]", "\"regions\": [\"x\"]", "\"regions\": \"x\"", "\"regions\": [1",
        "\"target\": \"x\"", "\"target\": [1]", "\"target\": [[1], 2]",
        "\"target\": [[\"x\"], [1]]", "\"target\": [[1], [\"x\"]]", "\"target\": [[1], [1]",
        "\"target\": [[1], [1], [1]]", "\"label\": {}", "\"right\": []",
        "\"right\": {\"a\": \"x\"}", "\"right\": {\"a\"}", "\"right\": {3: 1}",
        "\"fields\": {\"a\": \"x\\q,\"b\": 1}", "\"fields\": {\"a\": [\"x\\q, 1]}",
        "\"fields\": {\"a\": [1 2]}",
        "\"fields\": {\"a\": {\"b\": \"\\u00,\"c\": 1}}", "\"fields\": {a: 1}",
        "\"fields\": {\"a\" 1}", "\"fields\": {\"a\": 1 \"b\": 2}", "\"fields\": {\"a\": }",
        "\"fields\": x", "\"other\": [1 2]", "\"other\"",
    };
    struct row r;
    const char *why;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char *line = xasprintf("{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", "
                               "\"index\": 0, \"choice\": 1, %s, \"rank\": 1}", members[i]);
        bool read = reads(t, line, &r, &why);
        ok(!read && why && *why, "no row with %s: %s", members[i], why ? why : "it was read");
        free(line);
    }
}

static void lines(void)
{
    struct row_texts *t = row_texts_new();
    struct row r;
    const char *why;
    struct buf b = {0};
    add_row(&b, "a", 20, true);
    ok(row_read(b.data, b.len, t, &r, &why) && r.task == task_find("nlvr2") && r.index == 20 &&
       strcmp(r.id, "dev-20") == 0 && strcmp(r.image, "i10 + j10") == 0 && r.scored && r.correct &&
       r.score == 1 && r.margin == 1.5, "a pair");
    ok(strcmp(r.answer, "true") == 0 && r.right && strcmp(r.right, "true") == 0,
       "its answer in words: %s, right is %s", r.answer, r.right ? r.right : "-");
    ok(fabs(r.confidence - 1 / (1 + exp(-1.5))) < 1e-12, "softmax of two logits: %.9f",
       r.confidence);
    ok(strcmp(value_of(&r, "turns"), "16 to 31") == 0 &&
       strcmp(value_of(&r, "kind"), "even") == 0 && strcmp(value_of(&r, "words"), "4") == 0 &&
       strcmp(value_of(&r, "first_word"), "both") == 0 &&
       strcmp(value_of(&r, "regions"), "128 to 255") == 0 &&
       strcmp(value_of(&r, "right"), "true") == 0, "fields");
    ok(reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0, \"id\":"
             " 262148000, \"image\": 7, \"text\": \"a \\u00e4 \\\"b\\\"\", \"choice\": 3,"
             " \"answer\": \"net\", \"top\": [[3, 2], [8, 1]], \"target\": [[8, 3], [0.3, 1]],"
             " \"score\": 1.0,"
             " \"correct\": true, \"fields\": {\"types\": {\"semantic\": \"attr\"}, \"area\":"
             " 1500.5, \"share\": 0.3, \"off\": -2.5, \"none\": null, \"list\": [1], \"big\":"
             " false, \"slices\": [\"or\", 7, \"typo\"]}}", &r, &why),
       "an answer of a vocabulary");
    ok(strcmp(r.id, "262148000") == 0 && strcmp(r.image, "7") == 0 &&
       strcmp(r.text, "a \xc3\xa4 \"b\"") == 0 && strcmp(r.answer, "net") == 0 && r.right &&
       strcmp(r.right, "3") == 0 && fabs(r.confidence - 1 / (1 + exp(-2.))) < 1e-12,
       "the class that is worth most, the sigmoid: %s, %.6f", r.right ? r.right : "-",
       r.confidence);
    ok(strcmp(value_of(&r, "types.semantic"), "attr") == 0 &&
       strcmp(value_of(&r, "area"), "1024 to 2047") == 0 &&
       strcmp(value_of(&r, "share"), "0.25 to 0.5") == 0 &&
       strcmp(value_of(&r, "off"), "below 0") == 0 && strcmp(value_of(&r, "none"), "-") == 0 &&
       strcmp(value_of(&r, "list"), "-") == 0 && strcmp(value_of(&r, "big"), "no") == 0,
       "objects, ranges, truth");
    ok(row_has_value(&r, "slices", "or") && row_has_value(&r, "slices", "typo") &&
       !row_has_value(&r, "slices", "7") && !row_has_value(&r, "big", "or") &&
       row_has_value(&r, "big", NULL) && !row_has_value(&r, "none", NULL),
       "each text of a list is a value");
    ok(reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0,"
             " \"choice\": 3, \"answer\": \"2\", \"right\": {\"1\": 0.3, \"3\": 1, \"x\": 1}}", &r,
             &why) && r.right && strcmp(r.right, "3") == 0 && r.right_named && !r.scored &&
       isnan(r.score), "what is right in words: %s", r.right ? r.right : why);
    ok(reads(t, "{\"task\": \"vqa\", \"split\": \"s\", \"checkpoint\": \"c\", \"index\": 0,"
             " \"choice\": 3, \"target\": [[3, 8], [1, 1]]}", &r, &why) && r.right &&
       strcmp(r.right, "3") == 0, "the first of what is worth most: %s", r.right ? r.right : why);
    bad_lines(t);
    bad_members(t);
    for (size_t n = 0; n < b.len - 2; n++)
        if (row_read(b.data, n, t, &r, &why))
            ok(false, "cut off at %zu", n);
    buf_fini(&b);
    row_texts_free(t);
}

static bool write_text(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "w");
    bool good = f && fwrite(b->data, 1, b->len, f) == b->len;
    return f && fclose(f) == 0 && good;
}

static void sets(void)
{
    const char *path = file("rows.jsonl");
    struct buf b = {0};
    struct vs_err err = {0};
    struct rowset s = {0};
    for (int i = 0; i < 4; i++)
        add_row(&b, "a", 3 - i, i % 2);
    add_row(&b, "b", 0, true);
    add_row(&b, "a", 2, true); /* once more */
    buf_puts(&b, "{\"task\": \"nlvr2\", \"cut");
    write_text(path, &b);
    ok(rowset_add_file(&s, path, &err) == 0 && rowset_finish(&s, &err) == 0 && s.count == 2 &&
       s.list[0].count == 4 && s.list[0].scored == 4 && s.list[0].rows[3]->index == 3 &&
       s.list[1].count == 1, "two evaluations in order, without what is cut off %s", err.text);
    ok(rowset_add_file(&s, path, &err) == 0 && s.count == 4, "another file is another run");
    rowset_fini(&s);
    b.len = 0;
    add_row(&b, "a", 0, true);
    add_row(&b, "a", 1, true);
    b.len--; /* its new line */
    write_text(path, &b);
    ok(rowset_add_file(&s, path, &err) == 0 && s.list[0].count == 2,
       "a last row without its new line counts %s", err.text);
    rowset_fini(&s);
    b.len = 0;
    add_row(&b, "a", 1, true);
    add_row(&b, "a", 1, false);
    write_text(path, &b);
    ok(rowset_add_file(&s, path, &err) == 0 && rowset_finish(&s, &err) == VS_E_FORMAT,
       "an item with two rows: %s", err.text);
    rowset_fini(&s);
    b.len = 0;
    buf_puts(&b, "\n[1]\n");
    write_text(path, &b);
    ok(rowset_add_file(&s, path, &err) == VS_E_FORMAT && strstr(err.text, "line 2"), "%s",
       err.text);
    rowset_fini(&s);
    buf_fini(&b);
}

/* ---- in the log */

#define ITEMS 40
#define BOTH_WRONG 4
static void make_rows(struct buf *b, const char *checkpoint, int seed)
{
    for (int i = 0; i < ITEMS; i++)
        add_row(b, checkpoint, i, (i + seed) % 4 != 0 && i % 10 != 9);
}

static struct log_evaluation evaluation_of(const struct buf *b, char digit)
{
    struct log_evaluation e = {.task = task_find("nlvr2"), .checkpoint_name = "a", .split = "dev",
                               .data_digest = "d", .items = ITEMS, .score = 0.75, .low = 0.6,
                               .high = 0.9, .rows = b->data, .rows_size = b->len,
                               .left_out = "[]"};
    memset(e.checkpoint_digest, digit, 64);
    return e;
}

static int take_line(void *arg, const char *line, size_t length, struct vs_err *err)
{
    (void)err;
    buf_add(arg, line, length);
    buf_putc(arg, '\n');
    return 0;
}

struct seen {
    int count, same, first;
};
static int take_pair(void *arg, const struct log_row_pair *p, struct vs_err *err)
{
    struct seen *s = arg;
    int a = -1, b = -2;
    const char *x = strstr(p->a, "\"index\": "), *y = strstr(p->b, "\"index\": ");
    (void)err;
    if (x && y && sscanf(x, "\"index\": %d", &a) == 1 && sscanf(y, "\"index\": %d", &b) == 1)
        s->same += a == b && strlen(p->a) == p->a_length && strlen(p->b) == p->b_length;
    s->first = s->count++ == 0 ? a : s->first;
    return 0;
}

/* In pages of that many; a page of 0: all in one. */
static struct seen paged_of(struct log *l, struct log_wanted w, int page, int pages)
{
    struct seen s = {0, 0, -1};
    struct vs_err err = {0};
    struct log_pairs list;
    int64_t next = 0;
    int rc;
    w.a = 1;
    w.b = 2;
    rc = log_list_pairs(l, &w, &list, &err);
    for (int i = 0; i < pages && rc == 0; i++)
        rc = log_read_pairs(l, &list, &next, page ? page : 1000, take_pair, &s, &err);
    ok(rc == 0 && s.same == s.count && next <= list.count, "%d pairs of %d %s", s.count,
       (int)list.count, err.text);
    for (int64_t i = 1; i < list.count; i++)
        s.same -= list.list[i].sure > list.list[i - 1].sure ||
                  (list.list[i].sure == list.list[i - 1].sure &&
                   list.list[i].item <= list.list[i - 1].item);
    ok(s.same == s.count, "the surest first, each once");
    log_pairs_fini(&list);
    return s;
}

static struct seen seen_of(struct log *l, struct log_wanted w)
{
    return paged_of(l, w, 0, 1);
}

/* Of even items one of two is right, with the one and the other; odd ones are right, but for some
 * that are right in neither. */
static void pairs(struct log *l)
{
    struct seen flipped = seen_of(l, (struct log_wanted){.outcome = LOG_FLIPPED});
    struct seen gained = seen_of(l, (struct log_wanted){.outcome = LOG_GAINED});
    struct seen lost = seen_of(l, (struct log_wanted){.outcome = LOG_LOST});
    ok(flipped.count == 20 && gained.count + lost.count == 20 && lost.first == 2 &&
       gained.first != 2 && gained.first % 2 == 0, "that flipped: %d and %d, lost from %d",
       gained.count, lost.count, lost.first);
    struct seen right = seen_of(l, (struct log_wanted){.outcome = LOG_BOTH_RIGHT});
    struct seen wrong = seen_of(l, (struct log_wanted){.outcome = LOG_BOTH_WRONG});
    ok(right.count == 20 - BOTH_WRONG && right.first == 1 && wrong.count == BOTH_WRONG &&
       wrong.first == 9, "that did not");
    struct seen some = paged_of(l, (struct log_wanted){.outcome = LOG_FLIPPED}, 3, 1);
    struct seen pages = paged_of(l, (struct log_wanted){.outcome = LOG_FLIPPED}, 3, 9);
    ok(pages.count == flipped.count && pages.first == flipped.first, "pages of 3 have all %d",
       pages.count);
    struct seen sure = seen_of(l, (struct log_wanted){.outcome = LOG_FLIPPED, .sure = 0.82});
    struct seen less = seen_of(l, (struct log_wanted){.outcome = LOG_FLIPPED, .sure = 0.81});
    ok(some.count == 3 && sure.count == 0 && less.count == 20, "some of them, those that are sure");
    struct log_wanted slice = {.outcome = LOG_FLIPPED, .field = "kind", .value = "odd"};
    struct seen odd = seen_of(l, slice);
    slice.value = "even";
    struct seen even = seen_of(l, slice);
    ok(odd.count == 0 && even.count == 20, "those of a slice");
}

/* All of an evaluation as numbers, those of its rows; broken by a name that two items share, and by
 * a confidence that is not known taken for 0. */
static void numbers(struct log *l)
{
    struct log_item *a = NULL, *b = NULL, *none = NULL;
    struct vs_err err = {0};
    int n = 0, m = 0, count = 1, right[2] = {0, 0}, same = 0, shared = 0;
    db_exec(l, "SAVEPOINT numbers; UPDATE evaluation_rows SET confidence = NULL, score = NULL WHERE"
               " evaluation_id = 1 AND item = 3", "testing", &err);
    int rc = log_list_items(l, 1, &a, &n, &err);
    rc = rc ? rc : log_list_items(l, 2, &b, &m, &err);
    for (int i = 0; rc == 0 && i < n && i < m; i++) {
        right[0] += a[i].right;
        right[1] += b[i].right;
        same += a[i].item == i && b[i].item == i && a[i].name == b[i].name;
        shared += i > 0 && a[i].name == a[i - 1].name;
    }
    ok(rc == 0 && n == 40 && m == 40 && same == 40 && shared == 0, "%d items as numbers %s", same,
       err.text);
    ok(n > 4 && isnan(a[3].confidence) && isnan(a[3].score) && isfinite(a[4].confidence) &&
       isfinite(a[4].score), "what is not known is none");
    ok(right[0] == 30 - BOTH_WRONG && right[1] == 30 - BOTH_WRONG, "what was right: %d and %d",
       right[0], right[1]);
    ok(log_list_items(l, 99, &none, &count, &err) == 0 && count == 0, "of none there are none");
    db_exec(l, "ROLLBACK TO numbers; RELEASE numbers", "testing", &err);
    free(a);
    free(b);
    free(none);
}

/* What an item is called in both has to be the same: others do not use up the limit. */
static void other_items(struct log *l)
{
    struct vs_err err = {0};
    struct log_wanted w = {.outcome = LOG_LOST};
    db_exec(l, "UPDATE evaluation_rows SET name = 'other' WHERE evaluation_id = 2 AND item IN"
               " (2, 6)", "testing", &err);
    struct seen some = paged_of(l, w, 3, 1);
    struct seen all = seen_of(l, w);
    ok(some.count == 3 && some.first == 10 && all.count == 8, "items of another set are left out "
       "(%d of %d)", some.count, all.count);
    db_exec(l, "UPDATE evaluation_rows SET name = 'dev-' || item WHERE name = 'other'", "testing",
            &err);
}

/* By the larger confidence of both, which here is now A's and now B's, in another order than the
 * items. */
static void surest_first(struct log *l)
{
    struct vs_err err = {0};
    db_exec(l, "UPDATE evaluation_rows SET confidence = ((item * 17 + 4) % 40) / 100.0 WHERE"
               " evaluation_id = 1 + (item % 4 = 0)", "testing", &err);
    db_exec(l, "UPDATE evaluation_rows SET confidence = NULL WHERE evaluation_id = 2 - (item % 4 ="
               " 0)", "testing", &err);
    struct seen all = paged_of(l, (struct log_wanted){.outcome = LOG_FLIPPED}, 3, 9);
    struct seen sure = seen_of(l, (struct log_wanted){.outcome = LOG_FLIPPED, .sure = 0.2});
    int first = -1, most = -1, above = 0;
    for (int i = 0; i < 40; i += 2) {
        int x = (i * 17 + 4) % 40;
        above += x >= 20;
        first = x > most ? i : first;
        most = x > most ? x : most;
    }
    ok(all.count == 20 && all.first == first && first != 0 && sure.count == above &&
       sure.first == first, "the surest is item %d, %d are sure", all.first, sure.count);
}

/* The steps of a statement, a semicolon behind each; to be freed. */
static char *plan_of(struct log *l, const char *sql)
{
    sqlite3_stmt *s = NULL;
    struct buf steps = {0};
    char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
    buf_puts(&steps, "");
    sqlite3_prepare_v2(l->db, explain, -1, &s, NULL);
    while (s && sqlite3_step(s) == SQLITE_ROW)
        buf_printf(&steps, "%s; ", (const char *)sqlite3_column_text(s, 3));
    sqlite3_finalize(s);
    free(explain);
    return buf_steal(&steps);
}

static int count_in(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

/* Which items are listed is told without reading a row of the table, and without sorting. Rows of
 * slices are found by their slices: an evaluation is not gone through for each value. */
static void plans(struct log *l)
{
    static const char of_slices[] =
        "SELECT * FROM sliced_rows r JOIN sliced_rows s USING (evaluation_id, item) WHERE"
        " r.evaluation_id = 1 AND r.field = 'a' AND r.value + 0 < 6 AND s.field = 'b' AND s.value ="
        " 'c' AND r.confidence > 0.9";
    for (int i = 0; i < 2; i++) {
        char *plan = plan_of(l, pairs_plan(i));
        int steps = count_in(plan, "; ");
        ok(steps == 1 + i && count_in(plan, "SEARCH ") == steps &&
           count_in(plan, "USING COVERING INDEX evaluation_outcomes") == !i, "a list: %s", plan);
        free(plan);
    }
    char *plan = plan_of(l, of_slices);
    ok(count_in(plan, "; ") == 6 && count_in(plan, "SEARCH ") == 6 &&
       count_in(plan, "(evaluation_id=? AND item=?)") == 2, "two slices: %s", plan);
    free(plan);
}

/* What the log gives of two evaluations, of the first of which rows are. */
static void logged_back(struct log *l, const struct buf *rows)
{
    struct vs_err err = {0};
    struct buf back = {0};
    struct log_evaluated *x = NULL;
    struct log_slice *slices = NULL;
    int n = 0;
    ok(log_read_evaluation_rows(l, 1, take_line, &back, &err) == 0 && back.len == rows->len &&
       memcmp(back.data, rows->data, back.len) == 0, "and come back as they were %s", err.text);
    ok(log_find_evaluation(l, 2, &x, &err) == 0 && x->e.row_count == ITEMS &&
       strcmp(x->e.split, "dev") == 0 && strcmp(x->e.left_out, "[]") == 0 && !x->e.rows,
       "with what the evaluation is %s", err.text);
    log_evaluations_free(x, 1);
    ok(log_find_evaluation(l, 3, &x, &err) == VS_E_MISSING, "%s", err.text);
    ok(log_list_slices(l, 1, "kind", &slices, &n, &err) == 0 && n == 2 &&
       strcmp(slices[0].value, "even") == 0 && slices[0].items == 20 && slices[0].score == 0.5 &&
       slices[1].score == (20 - BOTH_WRONG) / 20.0, "slices by kind %s", err.text);
    log_slices_free(slices, n);
    buf_fini(&back);
}

/* The views of the database at path, without our code. */
static void logged_views(const char *path)
{
    ok(number(path, "SELECT count(*) FROM row_flips WHERE a_evaluation = 1 AND b_evaluation = 2") ==
       20 && number(path, "SELECT item FROM row_flips WHERE a_evaluation = 1 AND b_evaluation = 2"
                    " AND a_correct = 1 ORDER BY item LIMIT 1") == 2, "flips");
    ok(number(path, "SELECT count(*) FROM sliced_rows WHERE evaluation_id = 2 AND field = 'kind'"
              " AND value = 'odd' AND correct = 1") == 20 - BOTH_WRONG, "rows of a slice");
    ok(number(path, "SELECT 1000 * score FROM slice_scores WHERE evaluation_id = 1 AND field ="
              " 'kind' AND value = 'even'") == 500, "scores of slices");
    ok(number(path, "SELECT count(*) FROM row_gained g JOIN row_flips f USING (item, a_evaluation,"
                    " b_evaluation) WHERE f.b_correct = 1 AND g.a_evaluation = 1 AND"
                    " g.b_evaluation = 2") == 10 &&
       number(path, "SELECT count(*) FROM row_lost g JOIN row_flips f USING (item, a_evaluation,"
                    " b_evaluation) WHERE f.a_correct = 1 AND g.a_evaluation = 1 AND"
                    " g.b_evaluation = 2") == 10, "flips of each side");
}

static void logged_checked(struct log *l)
{
    struct vs_err err = {0};
    struct log_report r = {0};
    ok(log_check(l, false, &r, &err) == 0 && r.problem_count == 0, "it is sound %s", err.text);
    log_report_fini(&r);
    db_exec(l, "DELETE FROM evaluation_lines WHERE item = 7", "testing", &err);
    ok(log_check(l, false, &r, &err) == 0 && r.problem_count == 2, "a row that is missing is told");
    log_report_fini(&r);
}

static void logged(void)
{
    char path[4096];
    struct log *l = NULL;
    struct vs_err err = {0};
    struct buf b[2] = {{0}, {0}};
    int64_t session = 0;
    snprintf(path, sizeof path, "%s", file("rows.db"));
    log_open(path, false, &l, &err);
    log_begin_session(l, "eval", &session, &err);
    for (int k = 0; k < 2; k++) {
        make_rows(&b[k], "a", 2 * k);
        struct log_evaluation e = evaluation_of(&b[k], (char)('c' + k));
        ok(log_evaluation(l, session, &e, &err) == 0, "rows are logged %s", err.text);
    }
    logged_back(l, &b[0]);
    logged_views(path);
    pairs(l);
    numbers(l);
    other_items(l);
    surest_first(l);
    plans(l);
    logged_checked(l);
    struct log_evaluation bad = evaluation_of(&b[0], 'c');
    bad.rows = "{\"task\": 1}\n";
    bad.rows_size = strlen(bad.rows);
    ok(log_evaluation(l, session, &bad, &err) == VS_E_FORMAT &&
       number(path, "SELECT count(*) FROM evaluations") == 2, "all or nothing: %s", err.text);
    log_close(l);
    buf_fini(&b[0]);
    buf_fini(&b[1]);
}

/* What cannot be written at once keeps its rows. */
static void waiting(void)
{
    char path[4096];
    struct log *l = NULL, *other = NULL;
    struct vs_err err = {0};
    struct buf b = {0};
    snprintf(path, sizeof path, "%s", file("waiting.db"));
    make_rows(&b, "a", 0);
    struct log_evaluation e = evaluation_of(&b, 'c');
    log_start(path, "eval", &l, &err);
    log_open(path, false, &other, &err);
    db_begin(other, "testing", &err);
    ok(log_evaluation_later(l, &e, &err) != 0 && log_pending_count(l) == 1, "it waits: %s",
       err.text);
    memset(b.data, 'x', b.len);
    db_end(other, 0, "testing", &err);
    log_close(other);
    ok(log_finish(l, NULL, &err) == 0 && number(path, "SELECT count(*) FROM evaluation_rows") ==
       ITEMS && number(path, "SELECT count(*) FROM slice_items") > ITEMS,
       "and is written with its rows %s", err.text);
    buf_fini(&b);
}

/* The count of boxes that a line's candidates are, the last one beginning at x1; -1: none. */
static int candidates(const char *list, float x1)
{
    struct buf b = {0};
    buf_printf(&b, "{\"candidates\": %s}", list);
    const struct row r = {.line = b.data, .length = b.len};
    struct box_list out;
    int n = row_candidates(&r, &out) ? out.count : -1;
    bool whole = n < 0 ? !out.boxes && !out.count : out.boxes[4 * n - 4] == x1;
    free(out.boxes);
    buf_fini(&b);
    return whole ? n : -2;
}

/* So many boxes, all of them 1 2 3 4. */
static int equal_candidates(int count)
{
    struct buf b = {0};
    for (int i = 0; i < count; i++)
        buf_printf(&b, "%s[1, 2, 3, 4]", i ? ", " : "[");
    buf_puts(&b, "]");
    int n = candidates(b.data, 1);
    buf_fini(&b);
    return n;
}

static void all_candidates(void)
{
    ok(candidates("[[1, 2, 3, 4]]", 1) == 1 && candidates("[[1, 2, 3, 4], [5, 6, 5.5, 6]]", 5) == 2,
       "one box is there to choose from, or two");
    ok(candidates("[]", 0) == -1 && candidates("null", 0) == -1 && candidates("7", 0) == -1,
       "or none");
    ok(candidates("[[1, 2, 3]]", 0) == -1 && candidates("[[1, 2, 3, 4, 5]]", 0) == -1 &&
       candidates("[[1, 2, 3, \"4\"]]", 0) == -1 && candidates("[[1, 5, 3, 4]]", 0) == -1 &&
       candidates("[[1, 2, 3, 4], [5, 2, 3, 4]]", 0) == -1, "what is no box leaves none");
    ok(equal_candidates(1000) == 1000 && equal_candidates(1001) == -1, "a thousand at most");
}

int main(void)
{
    lines();
    all_candidates();
    if (!make_folder())
        return tap_done();
    sets();
    logged();
    waiting();
    return remove_folder();
}
