/* SPDX-License-Identifier: MIT */
/* Merging logs: one that was merged has everything once, however often it is done and whoever
 * writes meanwhile, and notes that two machines edit are both kept. A merge without identities
 * doubles queries, one that trusts clocks loses notes. */
#include "tend.h"

/* Every row without what ids each log gave it. */
static const char *const rows[] = {
    "SELECT uid, started, ended, note, last_seq FROM sessions",
    "SELECT s.uid, q.seq, q.asked, q.task, q.text, q.best, q.question, q.changes, c.digest,"
    " q.layout, q.margin FROM queries q JOIN sessions s ON s.id = q.session_id JOIN checkpoints"
    " c ON c.id = q.checkpoint_id",
    "SELECT s.uid, q.seq, x.rank, x.label, x.softmax FROM answers x JOIN queries q ON q.id ="
    " x.query_id JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, x.rank, x.region, x.x1, x.label FROM boxes x JOIN queries q ON q.id ="
    " x.query_id JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, x.position, x.path, i.digest, x.regions_digest, x.regions_key,"
    " x.regions_origin FROM"
    " query_images x JOIN queries q ON q.id = x.query_id JOIN sessions s ON s.id = q.session_id"
    " LEFT JOIN images i ON i.id = x.image_id",
    "SELECT s.uid, q.seq, x.position, x.piece FROM tokens x JOIN queries q ON q.id ="
    " x.query_id JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, x.stage, x.ms FROM timings x JOIN queries q ON q.id = x.query_id"
    " JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, x.name, x.data FROM attention x JOIN queries q ON q.id = x.query_id"
    " JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, x.method, x.target_index, x.against_index, x.target, x.removal, x.value,"
    " x.images, x.tokens, x.regions, x.exact, x.tested, x.digest, x.data FROM attributions x JOIN"
    " queries q ON q.id = x.query_id JOIN sessions s ON s.id = q.session_id",
    "SELECT s.uid, q.seq, p.expected, n.note, t.tag FROM queries q JOIN sessions s ON s.id ="
    " q.session_id LEFT JOIN pins p ON p.query_id = q.id LEFT JOIN notes n ON n.query_id ="
    " q.id LEFT JOIN tags t ON t.query_id = q.id",
    "SELECT s.uid, c.seq, c.note, x.position, q.seq FROM comparisons c JOIN sessions s ON"
    " s.id = c.session_id JOIN comparison_queries x ON x.comparison_id = c.id JOIN queries q"
    " ON q.id = x.query_id",
    "SELECT s.uid, r.seq, c.digest, x.probe, x.outcome, q.seq FROM probe_runs r JOIN sessions s"
    " ON s.id = r.session_id JOIN checkpoints c ON c.id = r.checkpoint_id JOIN probe_results x"
    " ON x.run_id = r.id LEFT JOIN queries q ON q.id = x.query_id",
    "SELECT s.uid, e.seq, c.digest, e.score, e.split, e.row_count, e.left_out FROM evaluations e"
    " JOIN sessions s ON s.id = e.session_id JOIN checkpoints c ON c.id = e.checkpoint_id",
    "SELECT s.uid, e.seq, r.item, r.name, r.answer, r.score, r.correct, r.confidence, r.margin,"
    " r.image, l.line FROM evaluation_rows r JOIN evaluation_lines l USING (evaluation_id, item)"
    " JOIN evaluations e ON e.id = r.evaluation_id JOIN sessions s ON s.id = e.session_id",
    "SELECT s.uid, e.seq, x.field, x.value, x.items, x.scored, x.score_sum, i.item FROM"
    " evaluation_slices x JOIN slice_items i ON i.slice_id = x.id JOIN evaluations e ON e.id ="
    " x.evaluation_id JOIN sessions s ON s.id = e.session_id",
    "SELECT s.uid, d.seq, p.position, a.digest, b.digest, d.found, d.kind, d.level, d.a_name,"
    " d.b_path, d.subject, d.summary, d.data, p.part, p.other, p.value FROM differences d JOIN"
    " sessions s ON s.id = d.session_id JOIN checkpoints a ON a.id = d.a_checkpoint_id JOIN"
    " checkpoints b ON b.id = d.b_checkpoint_id JOIN difference_parts p ON p.difference_id ="
    " d.id",
    "SELECT name, digest FROM checkpoint_names n JOIN checkpoints c ON c.id = n.checkpoint_id",
    "SELECT path, digest FROM image_paths p JOIN images i ON i.id = p.image_id"};

/* What a log answers, as JSON; caller frees. */
static char *answer_of(const char *path, const char *sql)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (log_open(path, true, &l, &err) != 0 || log_sql(l, sql, LOG_JSON, f, &err) != 0)
        fprintf(f, "%s: %s", path, err.text);
    fclose(f);
    log_close(l);
    return text;
}

/* All rows of both logs: "" or the first table that differs. */
static const char *differs(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *ordered = xasprintf("SELECT * FROM (%s) ORDER BY 1, 2, 3, 4", rows[i]);
        const char *sql = i < 16 ? ordered : rows[i];
        char *x = answer_of(a, sql), *y = answer_of(b, sql);
        bool same = strcmp(x, y) == 0 && strlen(x) > 30;
        if (!same)
            printf("# %.300s\n# %.300s\n", x, y);
        free(x);
        free(y);
        free(ordered);
        if (!same)
            return rows[i];
    }
    return "";
}

static void merging(void)
{
    struct vs_err err = {0};
    struct log_merged n;
    char a[4096], b[4096], c[4096];
    snprintf(a, sizeof a, "%s", file("a.db"));
    snprintf(b, sizeof b, "%s", file("b.db"));
    snprintf(c, sizeof c, "%s", file("c.db"));
    make_log(a, 1);
    make_log(b, 2);
    ok(merge(c, a, &n, &err) == 0 && n.sessions == 2 && n.queries == 6 && n.others == 8,
       "a log is merged into an empty one %s", err.text);
    const char *what = differs(a, c);
    ok(!what[0], "nothing is lost or changed: %s", what);
    ok(merge(c, a, &n, &err) == 0 && n.sessions == 0 && n.queries == 0 && n.others == 0,
       "the second time nothing is new %s", err.text);
    what = differs(a, c);
    ok(!what[0], "and nothing there twice: %s", what);
    ok(merge(c, b, &n, &err) == 0 && n.queries == 6 && merge(a, b, &n, &err) == 0 &&
       merge(b, a, &n, &err) == 0 && n.queries == 6, "another machine's, both ways %s", err.text);
    what = differs(a, c);
    ok(!what[0], "the order does not matter: %s", what);
    what = differs(a, b);
    ok(!what[0], "nor the direction: %s", what);
    ok(sound(a) && sound(b) && sound(c), "all are sound");
}

/* A session that goes on after it was merged, with new marks on an old query. */
static void merging_more(void)
{
    struct vs_err err = {0};
    struct log_merged n;
    struct log *l = NULL;
    int64_t session;
    char a[4096], b[4096];
    snprintf(a, sizeof a, "%s", file("more-a.db"));
    snprintf(b, sizeof b, "%s", file("more-b.db"));
    log_open(a, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    ask(l, session, "vqa", "first", 'c');
    ok(merge(b, a, &n, &err) == 0 && n.queries == 1, "while it runs");
    ask(l, session, "vqa", "second", 'c');
    log_add_tag(l, 1, "late", &err);
    log_set_note(l, 1, "late, too", &err);
    log_end_session(l, session, &err);
    log_close(l);
    ok(merge(b, a, &n, &err) == 0 && n.sessions == 0 && n.queries == 1, "and when it has ended");
    ok(number(b, "SELECT count(*) FROM sessions WHERE ended IS NOT NULL") == 1 &&
       number(b, "SELECT count(*) FROM tags") == 1 && number(b, "SELECT count(*) FROM words WHERE "
       "words MATCH 'late'") == 1, "with its end and marks");
    struct attribution_record *x = make_attribution("relevancy", 1), **list = NULL;
    int attributions = 0;
    log_open(a, false, &l, &err);
    log_attribution_at(l, x, &err);
    log_close(l);
    ok(merge(b, a, &n, &err) == 0 && merge(b, a, &n, &err) == 0 && log_open(b, true, &l, &err) == 0
       && log_read_attributions(l, 1, &list, &attributions, &err) == 0 && attributions == 1 &&
       strcmp(list[0]->digest, x->digest) == 0 && attribution_record_distance(x, list[0]) == 0,
       "and what it was asked to owe, once: %d %s", attributions, err.text);
    log_attributions_free(list, attributions);
    attribution_record_free(x);
    log_close(l);
    log_open(b, false, &l, &err);
    log_set_note(l, 1, "newer", &err);
    log_close(l);
    ok(merge(b, a, &n, &err) == 0 && number(b, "SELECT note = 'newer' FROM notes") == 1,
       "the later note stays");
    char old[4096];
    const char *srcdir = getenv("SRCDIR"), *from = file("old.db");
    for (int v = 1; v < LOG_SCHEMA; v++) {
        snprintf(old, sizeof old, "%s/tests/data/logs/version-%d.db", srcdir ? srcdir : ".", v);
        unlink(from); /* a copy: SQLite writes files beside a log that it reads */
        ok(copy_file(old, from) && merge(b, from, &n, &err) == 0 && n.queries == (v == 1 ? 4 : 0),
           "an older log, unchanged (version %d) %s", v, err.text);
    }
    ok(number(from, "PRAGMA user_version") == LOG_SCHEMA - 1, "it is still old");
    ok(sound(b), "the whole is sound");
}

/* ---- notes that two machines edit */

static void set_note(const char *path, const char *text)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    if (log_open(path, false, &l, &err) != 0 || log_set_note(l, 1, text, &err) != 0)
        ok(false, "%s gets a note: %s", path, err.text);
    log_close(l);
}

/* The note of query 1; "" when it has none. Four buffers in turn. */
static const char *note_of(const char *path)
{
    static char out[4][200];
    static int turn;
    char *text = out[turn++ & 3];
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    text[0] = '\0';
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT note FROM notes WHERE query_id = 1", -1, &s, NULL) ==
            SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        snprintf(text, sizeof out[0], "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return text;
}

/* Two logs that had one note, then said a and b (NULL: left as it was), merged both ways, twice and
 * at once: all say want, and the counts are right. */
static void both_edit(const char *before, const char *a, const char *b, const char *want,
                      bool joined)
{
    char x[4096], y[4096], x2[4096], y2[4096];
    struct vs_err err = {0};
    struct log_merged n[4];
    struct log *l = NULL;
    int64_t session;
    snprintf(x, sizeof x, "%s", file("x.db"));
    snprintf(y, sizeof y, "%s", file("y.db"));
    snprintf(x2, sizeof x2, "%s", file("x2.db"));
    snprintf(y2, sizeof y2, "%s", file("y2.db"));
    unlink(x);
    log_open(x, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    ask(l, session, "vqa", "first", 'c');
    log_close(l);
    if (before)
        set_note(x, before);
    copy_file(x, y);
    if (a)
        set_note(x, a);
    if (b)
        set_note(y, b);
    copy_file(x, x2);
    copy_file(y, y2);
    bool good = merge(x, y2, &n[0], &err) == 0 && merge(y, x2, &n[1], &err) == 0;
    ok(good && strcmp(note_of(x), want) == 0 && strcmp(note_of(y), want) == 0,
       "'%s', here '%s', there '%s': '%s' and '%s' %s", before ? before : "", a ? a : "the same",
       b ? b : "the same", note_of(x), note_of(y), err.text);
    good = merge(x, y, &n[2], &err) == 0 && merge(x, y2, &n[3], &err) == 0;
    ok(good && strcmp(note_of(x), want) == 0 && n[2].notes == 0 && n[3].notes == 0,
       "again it changes nothing");
    int changed = strcmp(note_of(x2), want) != 0;
    ok(n[0].notes == changed && n[0].joined == joined && n[1].joined == joined,
       "and what it did is counted: %d, %d", (int)n[0].notes, (int)n[0].joined);
    ok(sound(x) && number(x, "SELECT count(*) FROM words WHERE words MATCH 'dog'") ==
       (strstr(want, "dog") != NULL), "the search knows");
}

static void merging_notes(void)
{
    both_edit(NULL, "a dog", NULL, "a dog", false);
    both_edit(NULL, NULL, "a dog", "a dog", false);
    both_edit(NULL, "a dog", "a cat", "a cat | also: a dog", true);
    both_edit("old", "a dog", NULL, "a dog", false);
    both_edit("old", NULL, "a dog", "a dog", false);
    both_edit("old", "a dog", "a cat", "a cat | also: a dog", true);
    both_edit("old", "a dog", "a dog", "a dog", false);
    both_edit("old", "", NULL, "", false);
    both_edit("old", "", "a dog", "a dog", false);
    both_edit("a | also: b", "a | also: b | also: c", "a | also: b | also: d",
              "a | also: b | also: c | also: d", true);
}

/* Each says what the other one said once: neither is the older. */
static void round_about(void)
{
    struct vs_err err = {0};
    struct log_merged n;
    char x[4096], y[4096];
    both_edit("a dog", NULL, "a cat", "a cat", false);
    snprintf(x, sizeof x, "%s", file("x2.db"));
    snprintf(y, sizeof y, "%s", file("y2.db"));
    set_note(x, "a cat");
    set_note(x, "a dog");
    bool good = merge(x, y, &n, &err) == 0;
    ok(good && n.joined == 1 && strcmp(note_of(x), "a cat | also: a dog") == 0,
       "each said what the other says: '%s'", note_of(x));
}

/* A machine whose clock is years ahead wins nothing; nor does its time stay. */
static void wrong_clock(void)
{
    struct vs_err err = {0};
    struct log_merged n;
    both_edit("old", "a dog", "a cat", "a cat | also: a dog", true);
    char x[4096], y[4096];
    snprintf(x, sizeof x, "%s", file("x2.db"));
    snprintf(y, sizeof y, "%s", file("y2.db"));
    sqlite3 *db = NULL;
    sqlite3_open(y, &db);
    sqlite3_exec(db, "UPDATE notes SET written = '2999-01-01T00:00:00.000Z'", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(merge(x, y, &n, &err) == 0 && strcmp(note_of(x), "a cat | also: a dog") == 0 &&
       n.joined == 1, "a note of the year 2999 is one of two: %s", note_of(x));
    ok(number(x, "SELECT written < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 seconds') FROM notes")
       == 1, "its time is that of the merge");
    set_note(x, "settled");
    ok(merge(x, y, &n, &err) == 0 && strcmp(note_of(x), "settled") == 0 && n.notes == 0,
       "what was settled since stays: %s", note_of(x));
    ok(merge(y, x, &n, &err) == 0 && strcmp(note_of(y), "settled") == 0 && n.notes == 1,
       "there, too: %s", note_of(y));
}

/* Of pins that expect different answers both stay where they are, and that is said. */
static void merging_pins(void)
{
    struct vs_err err = {0};
    struct log_merged n;
    struct log *l = NULL;
    const char *want[] = {"yes", "no"};
    char path[2][4096];
    both_edit("old", NULL, NULL, "old", false);
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s", file(i ? "y2.db" : "x2.db"));
        log_open(path[i], false, &l, &err);
        log_pin(l, 1, want[i], &err);
        log_add_tag(l, 1, want[i], &err);
        log_close(l);
    }
    ok(merge(path[0], path[1], &n, &err) == 0 && n.pins == 0 && n.kept_pins == 1 && n.tags == 1 &&
       number(path[0], "SELECT count(*) FROM pins WHERE expected = 'yes'") == 1,
       "a pin that expects something else there is counted");
    ok(merge(path[0], path[1], &n, &err) == 0 && n.tags == 0, "a tag is added once");
}

/* As its user would: again, when others were faster for as long as it waits. */
static int merge_until_done(const char *into, const char *from, struct vs_err *err)
{
    struct log_merged n;
    int rc = -1;
    for (int i = 0; rc != 0 && i < 30; i++) {
        rc = merge(into, from, &n, err);
        if (rc != 0 && !strstr(err->text, "locked by another program"))
            return rc;
    }
    return rc;
}

/* Two workbenches write while a third program merges into their log, again and again. */
static void all_at_once(void)
{
    char a[4096], b[4096];
    pid_t pid[3];
    snprintf(a, sizeof a, "%s", file("busy.db"));
    snprintf(b, sizeof b, "%s", file("other.db"));
    make_log(b, 7);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        pid[i] = fork();
        if (pid[i] != 0)
            continue;
        struct log *l = NULL;
        struct vs_err err = {0};
        int rc = 0;
        if (i < 2) {
            log_start(a, "writer", &l, &err);
            for (int q = 0; q < 40; q++) {
                char text[32];
                snprintf(text, sizeof text, "writer %d, %d", i, q);
                struct result *r = make_result("vqa", text);
                log_result_later(l, r, &err);
                log_flush_pending(l, &err);
                result_free(r);
            }
            for (int wait = 0; wait < 600 && log_flush_pending(l, &err) != 0; wait++)
                usleep(100000);
            rc = log_pending_count(l);
            log_finish(l, NULL, &err);
        } else {
            for (int m = 0; m < 8 && rc == 0; m++)
                rc = merge_until_done(a, b, &err);
        }
        if (rc != 0)
            printf("# %d: %s\n", i, err.text);
        fflush(stdout);
        _exit(rc != 0);
    }
    int bad = 0, status;
    for (int i = 0; i < 3; i++) {
        waitpid(pid[i], &status, 0);
        bad += status != 0;
    }
    ok(bad == 0, "two write and one merges at once");
    ok(number(a, "SELECT count(*) FROM queries") == 86 &&
       number(a, "SELECT count(DISTINCT text) FROM queries") == 86 && sound(a),
       "everything is there once");
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    merging();
    merging_more();
    merging_notes();
    round_about();
    wrong_clock();
    merging_pins();
    all_at_once();
    return remove_folder();
}
