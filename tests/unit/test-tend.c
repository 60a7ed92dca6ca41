/* SPDX-License-Identifier: MIT */
/* Looking after logs: a merge has everything once however often it is run and whoever writes
 * meanwhile; pruning removes what it says and nothing else; a damaged log is called damaged; SQL
 * only reads; exports are well formed whatever was typed. A merge without identities doubles
 * queries, a prune without cascades leaves rows behind, text that is not escaped ends up as
 * markup. */
#include "logs.h"
#include "sessions/db.h"
#include "sessions/tend.h"
#include "src/formats/image.h"

static int64_t ask(struct log *l, int64_t session, const char *task, const char *text, char c)
{
    struct vs_err err = {0};
    struct result *r = make_result(task, text);
    memset(r->checkpoint_digest, c, 64);
    r->changes = c == 'f' ? xstrdup("head off") : NULL;
    r->pair_separate = c == 'd';
    r->images[1].regions_key = xstrdup("entry");
    r->images[1].regions_origin = ORIGIN_DETECTOR;
    int rc = log_result(l, session, r, &err);
    int64_t id = r->log_id;
    if (rc != 0)
        printf("# %s\n", err.text);
    result_free(r);
    return rc == 0 ? id : 0;
}

/* A log with something in every table; number makes it another machine's. */
static void make_log(const char *path, int machine)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session = 0, ids[2];
    log_open(path, false, &l, &err);
    for (int s = 0; s < 2; s++) {
        char text[64];
        log_begin_session(l, "test", &session, &err);
        for (int i = 0; i < 3; i++) {
            snprintf(text, sizeof text, "question %d of %d on %d", i, s, machine);
            ids[i % 2] = ask(l, session, i == 1 ? "refcoco" : "vqa", text, (char)('c' + i));
        }
        log_pin(l, ids[0], "cat", &err);
        log_set_note(l, ids[1], "a note", &err);
        log_add_tag(l, ids[1], "hard", &err);
        log_comparison(l, session, ids, 2, "both", NULL, &err);
        struct log_evaluation e = {.task = task_find("gqa"), .model = "tiny", .data_digest = "d",
                                   .items = 10, .score = 0.5, .low = 0.2, .high = 0.8};
        memset(e.checkpoint_digest, 'c', 64);
        log_evaluation(l, session, &e, &err);
        struct log_probe p = {.probe = "what", .task = "vqa", .query = ids[0],
                              .outcome = PROBE_UNJUDGED};
        struct log_probe_run run = {.probes_digest = "d", .probes = &p, .count = 1};
        memset(run.checkpoint_digest, 'e', 64);
        log_probe_run(l, session, &run, NULL, &err);
        struct difference *d = make_difference("what");
        log_difference(l, session, d, NULL, &err);
        difference_free(d);
        struct trace *t = model_trace();
        log_attention(l, ids[0], t, LOG_ATTENTION_LIMIT, NULL, &err);
        trace_free(t);
        log_end_session(l, session, &err);
    }
    log_close(l);
}

/* All rows of both logs, without what ids each gave: "" or the first table that differs. */
static const char *differs(const char *a, const char *b)
{
    static const char *const views[] = {
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
        "SELECT s.uid, q.seq, p.expected, n.note, t.tag FROM queries q JOIN sessions s ON s.id ="
        " q.session_id LEFT JOIN pins p ON p.query_id = q.id LEFT JOIN notes n ON n.query_id ="
        " q.id LEFT JOIN tags t ON t.query_id = q.id",
        "SELECT s.uid, c.seq, c.note, x.position, q.seq FROM comparisons c JOIN sessions s ON"
        " s.id = c.session_id JOIN comparison_queries x ON x.comparison_id = c.id JOIN queries q"
        " ON q.id = x.query_id",
        "SELECT s.uid, r.seq, c.digest, x.probe, x.outcome, q.seq FROM probe_runs r JOIN sessions s"
        " ON s.id = r.session_id JOIN checkpoints c ON c.id = r.checkpoint_id JOIN probe_results x"
        " ON x.run_id = r.id LEFT JOIN queries q ON q.id = x.query_id",
        "SELECT s.uid, e.seq, c.digest, e.score FROM evaluations e JOIN sessions s ON s.id ="
        " e.session_id JOIN checkpoints c ON c.id = e.checkpoint_id",
        "SELECT s.uid, d.seq, p.position, a.digest, b.digest, d.found, d.kind, d.level, d.a_name,"
        " d.b_path, d.subject, d.summary, d.data, p.part, p.other, p.value FROM differences d JOIN"
        " sessions s ON s.id = d.session_id JOIN checkpoints a ON a.id = d.a_checkpoint_id JOIN"
        " checkpoints b ON b.id = d.b_checkpoint_id JOIN difference_parts p ON p.difference_id ="
        " d.id",
        "SELECT name, digest FROM checkpoint_names n JOIN checkpoints c ON c.id = n.checkpoint_id",
        "SELECT path, digest FROM image_paths p JOIN images i ON i.id = p.image_id"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        struct log *l[2] = {NULL, NULL};
        char *text[2] = {NULL, NULL};
        size_t size[2];
        for (int j = 0; j < 2; j++) {
            char *sql = xasprintf("SELECT * FROM (%s) ORDER BY 1, 2, 3, 4", views[i]);
            FILE *f = open_memstream(&text[j], &size[j]);
            struct vs_err err = {0};
            if (log_open(j ? b : a, true, &l[j], &err) != 0 ||
                log_sql(l[j], i < 13 ? sql : views[i], LOG_JSON, f, &err) != 0)
                fprintf(f, "%d %s", j, err.text);
            fclose(f);
            log_close(l[j]);
            free(sql);
        }
        bool same = strcmp(text[0], text[1]) == 0 && size[0] > 30;
        if (!same)
            printf("# %.300s\n# %.300s\n", text[0], text[1]);
        free(text[0]);
        free(text[1]);
        if (!same)
            return views[i];
    }
    return "";
}

static bool sound(const char *path)
{
    struct log *l = NULL;
    struct log_report r = {0};
    struct vs_err err = {0};
    bool good = log_open(path, true, &l, &err) == 0 && log_check(l, false, &r, &err) == 0 &&
                r.problem_count == 0;
    for (int i = 0; i < r.problem_count; i++)
        printf("# %s\n", r.problems[i]);
    if (err.text[0])
        printf("# %s\n", err.text);
    log_report_fini(&r);
    log_close(l);
    return good;
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
    log_open(b, false, &l, &err);
    log_set_note(l, 1, "newer", &err);
    log_close(l);
    ok(merge(b, a, &n, &err) == 0 && number(b, "SELECT note = 'newer' FROM notes") == 1,
       "the later note stays");
    char from[4096];
    const char *srcdir = getenv("SRCDIR");
    for (int v = 1; v < LOG_SCHEMA; v++) {
        snprintf(from, sizeof from, "%s/tests/data/logs/version-%d.db", srcdir ? srcdir : ".", v);
        ok(merge(b, from, &n, &err) == 0 && n.queries == (v == 1 ? 4 : 0),
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
        struct log_merged n;
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
            for (int wait = 0; wait < 40 && log_flush_pending(l, &err) != 0; wait++)
                usleep(100000);
            rc = log_pending_count(l);
            log_finish(l, NULL, &err);
        } else {
            for (int m = 0; m < 8 && rc == 0; m++)
                rc = merge(a, b, &n, &err);
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

static void pruning(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_pruned n;
    int64_t sessions[2] = {1, 99};
    const char *path = file("prune.db");
    make_log(path, 1);
    log_open(path, false, &l, &err);
    struct log_prune what = {.sessions = sessions, .session_count = 1, .dry = true};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 2 && n.pinned == 1 &&
       n.differences == 1 && number(path, "SELECT count(*) FROM differences") == 2 &&
       number(path, "SELECT count(*) FROM queries") == 6, "a dry run only counts %s", err.text);
    what.dry = false;
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 2 && n.pinned == 1 &&
       number(path, "SELECT count(*) FROM queries WHERE session_id = 1") == 1,
       "a session but its pinned query %s", err.text);
    ok(number(path, "SELECT group_concat(session_id) = '2' FROM differences") == 1 &&
       number(path, "SELECT count(*) FROM difference_parts") == 2, "what was found out goes, too");
    ok(number(path, "SELECT count(*) FROM tokens") == 8 && number(path, "SELECT count(*) FROM words"
       " WHERE words MATCH 'question'") == 4, "with all that was theirs");
    what.pinned = true;
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 1 &&
       number(path, "SELECT count(*) FROM queries WHERE session_id = 1") == 0, "and that, too");
    what.session_count = 2;
    ok(log_prune(l, &what, &n, &err) == VS_E_MISSING, "no such session: %s", err.text);
    what = (struct log_prune){.before = "2001-01-01"};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 0 && n.differences == 0,
       "nothing is that old");
    what = (struct log_prune){.before = "2999-01-01", .pinned = true};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 3 &&
       number(path, "SELECT count(*) FROM queries") == 0 &&
       number(path, "SELECT count(*) FROM images") == 0 && n.differences == 1 &&
       number(path, "SELECT count(*) FROM checkpoints") == 2, "everything is older %s", err.text);
    ok(number(path, "SELECT count(*) FROM evaluations") == 2 &&
       number(path, "SELECT count(*) FROM sessions") == 2, "evaluations stay, with their sessions");
    ok(log_vacuum(l, &err) == 0, "room is given back %s", err.text);
    log_close(l);
    ok(sound(path), "what is left is sound");
}

static int problems(struct log *l, bool repair)
{
    struct log_report r;
    struct vs_err err = {0};
    int n = log_check(l, repair, &r, &err) == 0 ? r.problem_count : -1;
    if (n > 0)
        printf("# %s\n", r.problems[0]);
    log_report_fini(&r);
    return n;
}

static void checking(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    const char *path = file("check.db");
    make_log(path, 1);
    log_open(path, false, &l, &err);
    ok(problems(l, false) == 0, "a sound log has no problems");
    sqlite3_exec(l->db, "DELETE FROM difference_parts WHERE difference_id = 1 AND position = 1",
                 NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a part that is missing");
    sqlite3_exec(l->db, "DELETE FROM differences", NULL, NULL, NULL);
    sqlite3_exec(l->db, "DELETE FROM answers WHERE query_id = 1 AND rank = 3", NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a missing answer is one");
    sqlite3_exec(l->db, "PRAGMA foreign_keys=OFF; DELETE FROM sessions WHERE id = 2", NULL, NULL,
                 NULL);
    ok(problems(l, false) > 1, "so is a reference that leads nowhere");
    log_close(l);
    const char *other = file("words.db");
    make_log(other, 1);
    log_open(other, false, &l, &err);
    sqlite3_exec(l->db, "DROP TRIGGER queries_update;"
                 "UPDATE queries SET text = 'zebra' WHERE id = 1", NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a search index that disagrees");
    ok(problems(l, true) == 0 && problems(l, false) == 0, "is repaired");
    log_close(l);
}

static char *sql(const char *path, const char *text, enum log_format format, int *rc)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    *rc = log_open(path, true, &l, &err);
    if (*rc == 0)
        *rc = log_sql(l, text, format, f, &err);
    if (*rc != 0)
        fprintf(f, "%s", err.text);
    fclose(f);
    log_close(l);
    return out;
}

static void prints(const char *path, const char *text, enum log_format format, const char *want)
{
    int rc;
    char *got = sql(path, text, format, &rc);
    bool same = rc == 0 && strcmp(got, want) == 0;
    ok(same, "%.60s", text);
    if (!same)
        printf("# '%s', wanted '%s'\n", got, want);
    free(got);
}

static void asking(void)
{
    static const char *const refused[] = {
        "DELETE FROM queries", "ATTACH '/tmp/x.db' AS x", "PRAGMA journal_mode=DELETE",
        "PRAGMA user_version=7", "CREATE TEMP TABLE t(x)", "SELECT 1; DELETE FROM queries", "",
        "nonsense", "VACUUM INTO '/tmp/y.db'", "BEGIN", "SELECT * FROM nowhere",
        "INSERT INTO words(words) VALUES('delete-all')", "SELECT load_extension('x')"};
    const char *path = file("sql.db");
    int rc, bad = 0;
    make_log(path, 1);
    prints(path, "SELECT 1 AS a, NULL AS b, 'x,\"y' AS c, 0.5 AS d", LOG_CSV,
           "a,b,c,d\n1,,\"x,\"\"y\",0.5\n");
    prints(path, "SELECT 1 AS a, NULL AS b, 'x\"' AS c, x'0102' AS d", LOG_JSON,
           "[{\"a\":1,\"b\":null,\"c\":\"x\\\"\",\"d\":\"(2 bytes)\"}]\n");
    prints(path, "SELECT 'a' || char(27) || '[31m' || char(155) AS long, 1 AS b", LOG_TABLE,
           "long     b\na?[31m?  1\n");
    prints(path, "SELECT count(*) FROM queries; ", LOG_CSV, "count(*)\n6\n");
    prints(path, "SELECT text FROM queries WHERE 0", LOG_JSON, "[]\n");
    prints(path, "SELECT count(*) FROM words WHERE words MATCH 'question OR zebra'", LOG_CSV,
           "count(*)\n6\n");
    prints(path, "SELECT count(*) FROM words JOIN queries ON id = words.rowid WHERE words MATCH"
                 " 'ques*' ORDER BY rank", LOG_CSV, "count(*)\n6\n");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char *out = sql(path, refused[i], LOG_CSV, &rc);
        if (rc == 0)
            printf("# allowed: %s\n", refused[i]);
        bad += rc == 0;
        free(out);
    }
    ok(bad == 0 && number(path, "SELECT count(*) FROM queries") == 6, "only reading is allowed");
}

static void exporting(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    int64_t session, id;
    const char *path = file("export.db"), *picture = file("p<i>.png");
    char *out = NULL, from[4096];
    size_t size;
    const char *srcdir = getenv("SRCDIR");
    snprintf(from, sizeof from, "%s/tests/data/pictures/palette.png", srcdir ? srcdir : ".");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    struct result *r = make_result("refcoco", "<script>alert(\"1\")</script> & 'x' \xff");
    struct image *im = NULL;
    ok(copy_file(from, picture) && image_open(picture, &im, &err) == 0, "a picture %s", err.text);
    memcpy(r->images[0].digest, im ? im->digest : "", DIGEST_HEX);
    free(r->images[0].path);
    r->images[0].path = xstrdup(picture);
    image_free(im);
    log_result(l, session, r, &err);
    result_free(r);
    id = 1;
    log_set_note(l, 1, "a \"note\", </dd>\nsecond line", &err);
    struct log_exported what = {.queries = &id, .count = 1};
    for (int format = LOG_CSV; format <= LOG_HTML; format++) {
        FILE *f = open_memstream(&out, &size);
        int rc = log_export(l, &what, (enum log_format)format, f, &err);
        fclose(f);
        if (format == LOG_HTML)
            ok(rc == 0 && !strstr(out, "<script") && !strstr(out, "<i>") &&
               !strstr(out, "note\", </dd>") && strstr(out, "&#60;script&#62;") &&
               strstr(out, "\xef\xbf\xbd") && strstr(out, "data:image/png;base64,iVBORw0KGgo") &&
               strstr(out, "<rect x=\"0.1\" y=\"1.5\""), "HTML: escaped, with picture and boxes %s",
               err.text);
        else if (format == LOG_CSV)
            ok(rc == 0 && strstr(out, ",\"<script>alert(\"\"1\"\")</script> & 'x' \xff\",") &&
               strstr(out, "\"a \"\"note\"\", </dd>\nsecond line\""), "CSV: quoted");
        else
            ok(rc == 0 && strchr(out, '\n') == out + size - 1 && strstr(out, "\"result\":{\"task\":"
               "\"refcoco\"") && strstr(out, "second line"), "JSON: one line");
        free(out);
    }
    unlink(picture);
    FILE *f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_HTML, f, &err) == 0 && fclose(f) == 0 &&
       strstr(out, "the image was not found") && !strstr(out, "base64"), "a picture that is "
       "gone");
    free(out);
    id = 5;
    f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_JSON, f, &err) == VS_E_MISSING, "no such query: %s", err.text);
    fclose(f);
    free(out);
    log_close(l);
}

/* Written, listed, read back as it was, and exported with its text escaped. */
static void differences(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_difference *list;
    struct difference *d = make_difference("<b>what</b>");
    int64_t session, id = 0;
    char *json = NULL, *out[2] = {NULL, NULL};
    size_t size;
    int n;
    log_open(file("differences.db"), false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    log_begin_session(l, NULL, &session, &err);
    ok(log_difference(l, session, d, &id, &err) == 0 && log_difference_json(l, id, &json, &err) ==
       0 && strcmp(json, d->data) == 0, "a difference is read back %s", err.text);
    free(json);
    ok(log_list_differences(l, 1, &list, &n, &err) == 0 && n == 0, "not in another session");
    log_differences_free(list, n);
    ok(log_list_differences(l, session, &list, &n, &err) == 0 && n == 1 && list[0].part_count == 2
       && strcmp(list[0].b, "late") == 0 && list[0].a_digest[0] == 'c' && strlen(list[0].found) ==
       24, "listed %s", err.text);
    struct log_exported what = {.differences = list, .difference_count = n};
    for (int i = 0; i < 2; i++) {
        FILE *f = open_memstream(&out[i], &size);
        ok(log_export(l, &what, i ? LOG_HTML : LOG_JSON, f, &err) == 0, "exported %s", err.text);
        fclose(f);
    }
    ok(strstr(out[0], ",\"data\":{\"parts\":[0.75]}}\n") && strstr(out[0], "\"kind\":\"swap\""),
       "JSON has it as it was");
    ok(!strstr(out[1], "<b>") && !strstr(out[1], "<text>") && strstr(out[1], "&#60;text&#62;") &&
       strstr(out[1], ">0.7500<") && strstr(out[1], "not compared"), "HTML: escaped");
    free(out[0]);
    free(out[1]);
    log_differences_free(list, n);
    ok(log_difference_json(l, 9, &json, &err) == VS_E_MISSING, "no such: %s", err.text);
    d->sides[1].digest[0] = '\0';
    ok(log_difference(l, session, d, &id, &err) == VS_E_DB, "no digest: %s", err.text);
    difference_free(d);
    log_close(l);
}

/* The page says what the other checkpoint of a comparison answered, and which maps there are. */
static void reporting(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    char *out = NULL;
    size_t size;
    int64_t id = 3; /* compared with 2, and with maps; refcoco, and of a pair in separate rows */
    struct log_exported what = {.queries = &id, .count = 1};
    make_log(file("report.db"), 1);
    log_open(file("report.db"), true, &l, &err);
    FILE *f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_HTML, f, &err) == 0, "a page %s", err.text);
    fclose(f);
    ok(strstr(out, "compared with</dt><dd><a href=\"#q2\">b</a>: region 0 dog 0.3000</dd>") &&
       strstr(out, "8 maps in the log") && !strstr(out, "separate rows"),
       "with what was compared, and maps");
    free(out);
    id = 2;
    f = open_memstream(&out, &size);
    log_export(l, &what, LOG_HTML, f, &err);
    fclose(f);
    ok(strstr(out, "separate rows") && strstr(out, "href=\"#q3\"") && !strstr(out, " in the log, "),
       "and how a pair was laid out");
    free(out);
    log_close(l);
}

static void comparing(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_pair *p;
    int64_t a, b;
    int n;
    log_open(file("diff.db"), false, &l, &err);
    log_begin_session(l, NULL, &a, &err);
    log_begin_session(l, NULL, &b, &err);
    ask(l, a, "vqa", "same", 'c');
    ask(l, a, "vqa", "other", 'c');
    ask(l, a, "vqa", "only in a", 'c');
    ask(l, b, "vqa", "same", 'e');
    ask(l, b, "vqa", "other", 'e');
    ask(l, b, "vqa", "only in b", 'e');
    ask(l, b, "vqa", "same", 'f'); /* of a changed model */
    sqlite3_exec(l->db, "UPDATE queries SET best = 'cat' WHERE id = 5", NULL, NULL, NULL);
    struct log_side x = {.session = a}, y = {.session = b};
    ok(log_diff(l, &x, &y, &p, &n, &err) == 0 && n == 5 && !p[0].changed && p[1].changed &&
       p[1].b == 5 && strcmp(p[1].b_answer, "cat") == 0 && p[2].b == 0 && p[3].a == 0 &&
       strcmp(p[3].text, "only in b") == 0 && p[4].a == 0 && strcmp(p[4].changes, "head off") == 0,
       "two sessions: %d %s", n, err.text);
    log_pairs_free(p, n);
    char c[65] = {0}, d[65] = {0};
    memset(c, 'c', 64);
    memset(d, 'e', 64);
    x = (struct log_side){.checkpoint = c};
    y = (struct log_side){.checkpoint = d};
    ok(log_diff(l, &x, &y, &p, &n, &err) == 0 && n == 4 && p[1].changed, "two checkpoints: %d", n);
    log_pairs_free(p, n);
    y.checkpoint = "nobody";
    ok(log_diff(l, &x, &y, &p, &n, &err) == VS_E_MISSING, "no such: %s", err.text);
    log_close(l);
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
    pruning();
    checking();
    asking();
    exporting();
    differences();
    reporting();
    comparing();
    return remove_folder();
}
