/* SPDX-License-Identifier: MIT */
/* What the log remembers and finds: marks, words, renamed files, the same question elsewhere,
 * comparisons, probes, attention maps; and that no listed question walks through a whole table.
 * A missing trigger leaves stale words in the index, a missing index a SCAN in the plan, a digest
 * that is not the identity loses the history of a renamed file. */
#include "logs.h"
#include "sessions/db.h"

#include <math.h>

static struct log *open_new(const char *path, int64_t *session)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    if (log_open(path, false, &l, &err) != 0 || log_begin_session(l, "test", session, &err) != 0)
        printf("# %s\n", err.text);
    return l;
}

/* A logged query about image d, answered by checkpoint c in a file of that name. */
static int64_t ask(struct log *l, int64_t session, const char *task, const char *text, char c,
                   const char *name, const char *path, const char *answer)
{
    struct result *r = make_result(task, text);
    memset(r->checkpoint_digest, c, 64);
    free(r->checkpoint_name);
    r->checkpoint_name = xstrdup(name);
    free(r->images[0].path);
    r->images[0].path = xstrdup(path);
    if (answer && r->answer_count) {
        free(r->answers[0].label);
        r->answers[0].label = xstrdup(answer);
    }
    return log_made(l, session, r);
}

/* The ids that a filter finds, as "3 2 1". */
static const char *found(struct log *l, struct log_filter f)
{
    static char text[4][256];
    static int turn;
    char *t = text[turn++ & 3];
    struct log_query *q = NULL;
    struct vs_err err = {0};
    int n = 0, at = 0;
    t[0] = '\0';
    if (log_find(l, &f, &q, &n, &err) != 0)
        snprintf(t, 256, "%.200s", err.text);
    for (int i = 0; i < n; i++)
        at += snprintf(t + at, (size_t)(256 - at), i ? " %lld" : "%lld", (long long)q[i].id);
    log_queries_free(q, n);
    return t;
}

static void is(const char *got, const char *want, const char *what)
{
    ok(strcmp(got, want) == 0, "%s: '%s', wanted '%s'", what, got, want);
}

#define FOUND(...) found(l, (struct log_filter){__VA_ARGS__})

static bool index_is_right(struct log *l)
{
    return sqlite3_exec(l->db, "INSERT INTO words(words, rank) VALUES('integrity-check', 1)", NULL,
                        NULL, NULL) == SQLITE_OK;
}

static void words(void)
{
    int64_t session = 0;
    struct log *l = open_new(file("words.db"), &session);
    ask(l, session, "vqa", "What colour is the dog's bowl?", 'c', "a", "1.png", "r\xc3\xa9" "d");
    ask(l, session, "vqa", "how many zebras", 'c', "a", "1.png", "two");
    ask(l, session, "snli-ve", "a dog sleeps", 'c', "a", "1.png", "entailment");
    is(FOUND(.match = "dog"), "3 1", "a word");
    is(FOUND(.match = "do"), "3 1", "the beginning of one, while it is typed");
    is(FOUND(.match = "do "), "", "but not when it is finished");
    is(FOUND(.match = "DOG colour"), "1", "two words, any case");
    is(FOUND(.match = "red"), "1", "an answer, without its accent");
    is(FOUND(.match = "zebras two"), "2", "question and answer");
    is(FOUND(.match = "snli-ve dog"), "3", "a task");
    is(FOUND(.match = ""), "3 2 1", "no words");
    is(FOUND(.limit = 2), "3 2", "a page");
    is(FOUND(.limit = 2, .before = 2), "1", "and the next");
    is(FOUND(.match = "dog", .before = 3), "1", "of what was searched, too");
    is(FOUND(.match = "nothing"), "", "a word that is nowhere");
    static const char *const hostile[] = {
        "\"", "dog\"", "(", ")", "*", "dog*", "a AND", "OR", "NOT dog", "NEAR(dog", "text:dog",
        "-dog", "+", "^dog", "{a b}:c", "dog ' OR 1=1", "\\", "\xff\xfe dog",
        "\xe2\x80\x94", "%", "?1",
    };
    bool fine = true;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct log_query *q = NULL;
        struct vs_err err = {0};
        int n = 0;
        if (log_list_queries(l, 0, hostile[i], 10, &q, &n, &err) != 0) {
            printf("# '%s': %s\n", hostile[i], err.text);
            fine = false;
        }
        log_queries_free(q, n);
    }
    ok(fine, "nothing typed is an error of syntax");
    is(FOUND(.match = "dog*"), "3 1", "a star is no syntax");
    is(FOUND(.match = "text:dog"), "", "nor is a column");
    log_close(l);
}

static void marks(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log *l = open_new(file("marks.db"), &session);
    for (int i = 0; i < 3; i++)
        ask(l, session, "vqa", "is it a dog", 'c', "a", "1.png", "yes");
    ok(log_pin(l, 2, "no", &err) == 0 && log_set_note(l, 3, "blurred; wrong?", &err) == 0 &&
       log_add_tag(l, 1, "hard", &err) == 0 && log_add_tag(l, 1, "night", &err) == 0 &&
       log_add_tag(l, 1, "hard", &err) == 0, "pin, note and tags %s", err.text);
    is(FOUND(.pinned = true), "2", "the pinned one");
    is(FOUND(.tag = "hard"), "1", "the tagged one");
    is(FOUND(.match = "blur"), "3", "words of a note");
    is(FOUND(.match = "dog night"), "1", "a tag and a word");
    struct log_query *q;
    int n;
    log_find(l, &(struct log_filter){.limit = 10}, &q, &n, &err);
    ok(n == 3 && q[1].pinned && strcmp(q[1].expected, "no") == 0 && !q[0].pinned &&
       strcmp(q[0].note, "blurred; wrong?") == 0 && strstr(q[2].tags, "hard"), "lists have them");
    log_queries_free(q, n);
    ok(log_pin(l, 2, NULL, &err) == 0 && log_unpin(l, 1, &err) == 0 &&
       log_set_note(l, 3, "sharp", &err) == 0 && log_remove_tag(l, 1, "night", &err) == 0,
       "changed again %s", err.text);
    is(FOUND(.match = "blur"), "", "old words are forgotten");
    is(FOUND(.match = "sharp"), "3", "new ones are known");
    is(FOUND(.match = "night"), "", "a tag that was removed");
    ok(log_unpin(l, 2, &err) == 0 && log_set_note(l, 3, "", &err) == 0, "taken away %s", err.text);
    is(FOUND(.pinned = true), "", "nothing is pinned");
    is(FOUND(.match = "sharp"), "", "no note");
    ok(log_pin(l, 99, NULL, &err) == VS_E_MISSING && log_set_note(l, 99, "x", &err) ==
       VS_E_MISSING && log_add_tag(l, 99, "x", &err) == VS_E_MISSING, "no such query: %s",
       err.text);
    ok(log_add_tag(l, 1, "two words", &err) == VS_E_USAGE && log_add_tag(l, 1, "", &err) ==
       VS_E_USAGE, "no tag: %s", err.text);
    sqlite3_exec(l->db, "PRAGMA foreign_keys=ON; DELETE FROM queries WHERE id = 1; UPDATE queries "
                 "SET text = 'is it a cat' WHERE id = 2", NULL, NULL, NULL);
    is(FOUND(.match = "hard"), "", "a removed query is not found");
    is(FOUND(.match = "cat"), "2", "a changed one by its new words");
    ok(index_is_right(l), "the index agrees with the tables");
    sqlite3_exec(l->db, "INSERT OR IGNORE INTO tags VALUES(2, 'x'), (2, 'x'), (3, 'y');"
                 "INSERT OR REPLACE INTO notes VALUES(2, '', 'one'); INSERT OR REPLACE INTO notes"
                 " VALUES(2, '', 'two'); UPDATE tags SET query_id = 3 WHERE tag = 'x'", NULL, NULL,
                 NULL);
    is(FOUND(.match = "x"), "3", "marks made by other programs are found");
    ok(index_is_right(l), "and leave the index right");
    log_close(l);
}

static int judged_of(struct log *l, int64_t id)
{
    struct log_filter f = {.before = id + 1, .limit = 1};
    struct log_query *q = NULL;
    struct vs_err err = {0};
    int n = 0, judged = LOG_ANY;
    if (log_find(l, &f, &q, &n, &err) == 0 && n == 1 && q->id == id)
        judged = (int)q->judged;
    log_queries_free(q, n);
    return judged;
}

/* Right and wrong, by what is pinned to a question, whoever answers it, and by a check set. */
static void judged(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log *l = open_new(file("judged.db"), &session);
    ask(l, session, "vqa", "what is it", 'c', "a", "1.png", "A dog");
    ask(l, session, "vqa", "what is it", 'd', "b", "1.png", "cat");
    ask(l, session, "vqa", "what else", 'd', "b", "1.png", "cat");
    ask(l, session, "vqa", "who is it", 'c', "a", "1.png", "cat");
    is(FOUND(.judged = LOG_UNJUDGED), "4 3 2 1", "nothing is judged yet");
    ok(log_pin(l, 2, "dog", &err) == 0 && judged_of(l, 1) == LOG_RIGHT &&
       judged_of(l, 2) == LOG_WRONG && judged_of(l, 3) == LOG_UNJUDGED,
       "by what is expected of the question, as its data set's scorer compares %s", err.text);
    ok(log_pin(l, 1, "cat", &err) == 0 && judged_of(l, 1) == LOG_WRONG &&
       judged_of(l, 2) == LOG_WRONG && log_pin(l, 1, NULL, &err) == 0 &&
       judged_of(l, 1) == LOG_RIGHT, "its own pin counts before another answer's %s", err.text);
    struct log_probe probe = {.probe = "who", .task = "vqa", .answer = "cat", .query = 4,
                              .outcome = PROBE_RIGHT};
    struct log_probe_run run = {.probes_digest = "d", .checkpoint_name = "a", .probes = &probe,
                                .count = 1};
    memset(run.checkpoint_digest, 'c', 64);
    ok(log_probe_run(l, session, &run, NULL, &err) == 0 && log_pin(l, 4, "dog", &err) == 0 &&
       judged_of(l, 4) == LOG_RIGHT, "a check set's word counts before a pin %s", err.text);
    is(FOUND(.judged = LOG_RIGHT), "4 1", "the right ones");
    is(FOUND(.judged = LOG_WRONG), "2", "the wrong ones");
    is(FOUND(.judged = LOG_WRONG, .whole = true), "2 1", "with the others' answers to the same");
    is(FOUND(.judged = LOG_RIGHT, .limit = 1, .whole = true), "4", "a page of them");
    is(FOUND(.judged = LOG_WRONG, .limit = 1, .whole = true), "2", "others' answers included");
    probe.outcome = PROBE_WRONG;
    ok(log_probe_run(l, session, &run, NULL, &err) == 0 && judged_of(l, 4) == LOG_WRONG,
       "of two words of a check set the last counts %s", err.text);
    log_close(l);
}

/* What is typed in the history. */
static void typed(void)
{
    struct log_typed t;
    log_filter_typed("task:vqa  dog checkpoint:final outcome:wrong bo", &t);
    ok(strcmp(t.f.task, "vqa") == 0 && strcmp(t.f.checkpoint, "final") == 0 &&
       t.f.judged == LOG_WRONG && strcmp(t.f.match, "dog bo") == 0 && !t.why[0],
       "fields are taken out of the words: '%s'", t.f.match);
    log_filter_typed("tag:hard since:2026-01 until:2026-02 pinned: dog ", &t);
    ok(strcmp(t.f.tag, "hard") == 0 && strcmp(t.f.since, "2026-01") == 0 && t.f.pinned &&
       strcmp(t.f.until, "2026-02") == 0 && strcmp(t.f.match, "dog ") == 0,
       "the others; a finished word stays finished");
    log_filter_typed("tag: task: outcome: 10:30", &t);
    ok(!t.f.tag && !t.f.task && !t.f.judged && strcmp(t.f.match, "10:30") == 0 && !t.why[0],
       "a value that is not typed yet is none, and other words may have a colon");
    log_filter_typed("task:vqaa", &t);
    ok(strstr(t.why, "no task 'vqaa'"), "%s", t.why);
    log_filter_typed("outcome:maybe", &t);
    ok(strstr(t.why, "right, wrong or unjudged"), "%s", t.why);
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    log_filter_typed(longer, &t);
    ok(t.f.match && strlen(t.f.match) == sizeof t.text - 1, "a long text is cut");
}

/* The same files under other names; other files under the same. */
static void names(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log *l = open_new(file("names.db"), &session);
    ask(l, session, "vqa", "what is it", 'c', "early", "a.png", "dog");
    ask(l, session, "vqa", "what is it", 'c', "renamed", "b.png", "dog");
    ask(l, session, "vqa", "what is it", 'e', "early", "b.png", "cat");
    ask(l, session, "vqa", "what else is it", 'e', "late", "b.png", "cat");
    char digest[65] = {0};
    memset(digest, 'a', 64);
    is(FOUND(.image_digest = digest), "4 3 2 1", "a renamed image keeps its history");
    memset(digest, 'c', 64);
    is(FOUND(.checkpoint = digest), "2 1", "a renamed checkpoint, too");
    is(FOUND(.checkpoint = "renamed"), "2 1", "found by any of its names");
    is(FOUND(.checkpoint = "late"), "4 3", "as is another with the first's old name");
    struct log_query *q;
    int n = 0, rc = log_same_question(l, 2, &q, &n, &err);
    ok(rc == 0 && n == 3 && q[0].id == 3 && q[2].id == 1, "the same question elsewhere: %d", n);
    log_queries_free(q, n);
    ok(log_same_question(l, 9, &q, &n, &err) == VS_E_MISSING, "of no query: %s", err.text);
    char **paths;
    memset(digest, 'a', 64);
    ok(log_image_paths(l, digest, &paths, &n, &err) == 0 && n == 2 && strcmp(paths[0], "b.png") ==
       0, "an image's paths, the newest first");
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    const char *path = file("names.db");
    ok(number(path, "SELECT count(*) FROM flips WHERE a_name = 'renamed' AND b_name = 'late'") == 1
       && number(path, "SELECT b_query FROM flips WHERE a_name = 'renamed' AND b_name = 'late'")
       == 3, "the view finds what flipped, under any names");
    ok(number(path, "SELECT count(*) FROM pairs WHERE a_name = 'late' AND b_name = 'late'") == 0,
       "a checkpoint is not compared with itself");
    ok(number(path, "SELECT count(*) FROM image_history WHERE path = 'b.png'") == 3,
       "image_history");
    ok(number(path, "SELECT queries FROM checkpoint_history WHERE name = 'renamed'") == 2,
       "checkpoint_history");
    log_close(l);
}

static void changes(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log *l = open_new(file("changes.db"), &session);
    struct result *r = make_result("vqa", "what");
    r->changes = xstrdup("head c.2.1.3 off");
    char *json = NULL, *want = result_json(r, 2);
    ok(strstr(want, "\"changes\": \"head c.2.1.3 off\""), "interventions are in the JSON");
    ok(log_result(l, session, r, &err) == 0 && log_query_json(l, 1, &json, &err) == 0 &&
       strcmp(json, want) == 0, "and come back %s", err.text);
    free(json);
    free(want);
    result_free(r);
    ask(l, session, "vqa", "what", 'e', "b", "p.png", "cat");
    ok(number(file("changes.db"), "SELECT count(*) FROM pairs") == 0,
       "an answer of a changed model is not compared");
    struct log_query *q;
    int n;
    ok(log_same_question(l, 2, &q, &n, &err) == 0 && n == 2 && q[1].changes && !q[0].changes,
       "but listed with its changes");
    log_queries_free(q, n);
    log_close(l);
}

/* A pair in separate rows is another question: its answer is no flip of the usual layout's. */
static void layouts(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log *l = open_new(file("layouts.db"), &session);
    for (int i = 0; i < 4; i++) {
        struct result *r = make_result("nlvr2", "both show a dog");
        memset(r->checkpoint_digest, i % 2 ? 'e' : 'c', 64);
        free(r->answers[0].label);
        r->answers[0].label = xstrdup(i % 2 == i / 2 ? "true" : "false");
        r->pair_separate = i / 2;
        ok(log_result(l, session, r, &err) == 0, "layout %d is logged %s", i / 2, err.text);
        result_free(r);
    }
    const char *path = file("layouts.db");
    ok(number(path, "SELECT count(DISTINCT question) FROM queries") == 2 &&
       number(path, "SELECT count(*) FROM pairs WHERE (a_query < 3) <> (b_query < 3)") == 0 &&
       number(path, "SELECT count(*) FROM flips") == 4,
       "answers are compared within a layout");
    log_close(l);
}

static void comparisons(void)
{
    int64_t session = 0, id = 0, *list = NULL, ids[3];
    struct vs_err err = {0};
    int n;
    struct log *l = open_new(file("compare.db"), &session);
    for (int i = 0; i < 3; i++)
        ids[i] = ask(l, session, "vqa", "what", (char)('c' + i), "x", "p.png", "cat");
    ok(log_comparison(l, session, ids, 3, "a note", &id, &err) == 0 && id == 1 &&
       log_comparison_queries(l, id, &list, &n, &err) == 0 && n == 3 && list[2] == ids[2],
       "a comparison %s", err.text);
    free(list);
    ok(log_comparison_of(l, ids[1], &id, &err) == 0 && id == 1, "found from its query");
    ids[2] = 77;
    ok(log_comparison(l, session, ids, 3, NULL, &id, &err) == VS_E_DB &&
       number(file("compare.db"), "SELECT count(*) FROM comparisons") == 1,
       "of a query that is not there: %s", err.text);
    ok(log_comparison_queries(l, 5, &list, &n, &err) == VS_E_MISSING, "no such: %s", err.text);
    log_close(l);
}

static void probes(void)
{
    int64_t session = 0, query;
    struct vs_err err = {0};
    struct log *l = open_new(file("probes.db"), &session);
    query = ask(l, session, "vqa", "what", 'c', "x", "p.png", "cat");
    struct log_probe list[2] = {
        {.probe = "what", .task = "vqa", .expected = "cat", .answer = "cat", .score = 0.75,
         .entropy = 0.5, .outcome = PROBE_RIGHT, .query = query},
        {.probe = "gone", .task = "gqa", .outcome = PROBE_FAILED}};
    struct log_probe_run run = {.probes_digest = "d", .probes_path = "p.jsonl", .probes = list,
                                .checkpoint_name = "x", .count = 2};
    bool good = true;
    for (int i = 0; i < 3; i++) {
        memset(run.checkpoint_digest, 'c' + i, 64);
        list[0].outcome = i == 1 ? PROBE_WRONG : PROBE_RIGHT;
        good &= log_probe_run(l, session, &run, NULL, &err) == 0;
    }
    ok(good, "three runs %s", err.text);
    struct log_probe *p;
    int n;
    ok(log_probe_trend(l, "what", "vqa", &p, &n, &err) == 0 && n == 3 &&
       p[1].outcome == PROBE_WRONG && p[2].outcome == PROBE_RIGHT && p[0].query == query &&
       p[0].score == 0.75 && p[2].checkpoint_digest[0] == 'e' && strcmp(p[1].expected, "cat") == 0,
       "the trend of a probe");
    log_probes_free(p, n);
    ok(log_probe_trend(l, "gone", NULL, &p, &n, &err) == 0 && n == 3 &&
       p[0].outcome == PROBE_FAILED && p[0].query == 0 && !p[0].answer, "of one that failed");
    log_probes_free(p, n);
    run.checkpoint_digest[0] = '\0';
    ok(log_probe_run(l, session, &run, NULL, &err) == VS_E_DB, "no digest: %s", err.text);
    log_close(l);
}

/* Bytes of all maps in half precision, and how many there are. */
static long raw_size(const struct trace *t, int *maps)
{
    long size = 0;
    *maps = 0;
    for (int i = 0; i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        if (x->at.kind == TRACE_MAP) {
            size += 2 * x->shape[0] * x->shape[1] * x->shape[2] * x->shape[3];
            ++*maps;
        }
    }
    return size;
}

/* How much further a map that was read back is from what it was than half precision allows. */
static double beyond_half(const struct trace *t, const struct trace *back, const char *name)
{
    const struct trace_tensor *x = trace_find(t, name), *y = trace_find(back, name);
    double worst = x && y ? 0 : 1;
    for (int64_t i = 0; x && y && i < x->shape[1] * x->shape[2] * x->shape[3]; i++) {
        double is = (double)x->data[i], off = fabs((double)y->data[i] - is) - is / 2048;
        worst = off > worst ? off : worst; /* not fmax: gcc 12 for ARM cannot compile that */
    }
    return worst;
}

static void attention(void)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log_attention_size size = {0}, again = {0};
    const char *path = file("attention.db");
    struct log *l = open_new(path, &session);
    struct trace *t = model_trace(), *back = NULL;
    int maps = 0, rows, cols;
    if (!ok(t != NULL, "the model's maps"))
        return;
    long raw = raw_size(t, &maps);
    ask(l, session, "vqa", "what", 'c', "x", "p.png", "cat");
    ok(log_attention_read(l, 1, &back, &err) == VS_E_MISSING, "none yet: %s", err.text);
    ok(log_attention(l, 1, t, LOG_ATTENTION_LIMIT, &size, &err) == 0 && size.maps == maps &&
       maps == 8 && maps < t->count && size.raw == raw && size.packed < size.raw,
       "eight maps, no states: %lld bytes from %lld %s", (long long)size.packed,
       (long long)size.raw, err.text);
    ok(log_attention(l, 1, t, LOG_ATTENTION_LIMIT, NULL, &err) == 0 &&
       log_attention_size(l, 1, &again, &err) == 0 && again.packed == size.packed,
       "again replaces them");
    ok(log_attention_read(l, 1, &back, &err) == 0 && back->count == maps &&
       back->tokens == t->tokens && back->regions == t->regions, "they are read back %s", err.text);
    bool same = back != NULL;
    for (int i = 0, k = 0; same && i < t->count; i++)
        if (t->tensors[i].at.kind == TRACE_MAP)
            same = trace_get(back, t->tensors[i].at) == &back->tensors[k++];
    ok(same, "in the order in which the layers ran");
    double worst = beyond_half(t, back, "attn.c.0.1"), other = beyond_half(t, back, "attn.v.1");
    worst = other > worst ? other : worst;
    ok(back && worst <= 3e-8 && trace_attention(back, ATTN_TEXT_TO_IMAGE, 0, 0, 1, &rows, &cols,
                                                NULL) && rows == t->tokens && cols == t->regions,
       "to half precision: %g", worst);
    trace_free(back);
    ok(log_attention(l, 1, t, size.packed - 1, NULL, &err) == VS_E_LIMIT &&
       log_attention_size(l, 1, &again, &err) == 0 && again.maps == maps, "above the limit: %s",
       err.text);
    ok(log_attention(l, 9, t, LOG_ATTENTION_LIMIT, NULL, &err) == VS_E_DB, "of no query");
    static const char *const harm[] = {
        "UPDATE attention SET data = substr(data, 1, 20)", "UPDATE attention SET data = x'00'",
        "UPDATE attention SET shape = '1 2 99999 99999'", "UPDATE attention SET shape = '-1 2 3 4'",
        "UPDATE attention SET shape = ''", "UPDATE attention SET shape = '1 2 3 4'"};
    bool refused = true;
    for (size_t i = 0; i < sizeof harm / sizeof harm[0]; i++) {
        log_attention(l, 1, t, LOG_ATTENTION_LIMIT, NULL, &err);
        sqlite3_exec(l->db, harm[i], NULL, NULL, NULL);
        refused &= log_attention_read(l, 1, &back, &err) == VS_E_DB;
    }
    ok(refused, "damaged: %s", err.text);
    trace_free(t);
    log_close(l);
}

/* ---- plans */

/* Lines of the plan that read a whole table (an index read from end to end counts, too). */
static int scans(struct log *l, const char *sql)
{
    sqlite3_stmt *s = NULL;
    char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
    int count = 0;
    if (sqlite3_prepare_v2(l->db, explain, -1, &s, NULL) != SQLITE_OK) {
        printf("# %s: %s\n", sqlite3_errmsg(l->db), sql);
        count = 1000;
    }
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(s, 3);
        if (strncmp(line, "SCAN", 4) == 0 && !strstr(line, "VIRTUAL TABLE INDEX") &&
            !strstr(line, "CONSTANT ROW")) {
            printf("# %s\n#   in %.300s\n", line, sql);
            count++;
        }
    }
    sqlite3_finalize(s);
    free(explain);
    return count;
}

static void plans(void)
{
    static const struct log_filter filters[] = {
        {.limit = 50}, {.before = 1000}, {.session = 3}, {.task = "vqa"}, {.tag = "hard"},
        {.pinned = true}, {.judged = LOG_WRONG}, {.judged = LOG_WRONG, .whole = true},
        {.checkpoint = "early"}, {.image_digest = "aa"}, {.question = 5},
        {.since = "2026-01-01", .until = "2026-02-01"}, {.match = "what col"},
        {.match = "what col", .session = 3}, {.match = "dog", .task = "vqa", .tag = "hard"},
    };
    static const char *const listed[] = {
        "SELECT * FROM flips WHERE a_name = 'early' AND b_name = 'final'",
        "SELECT * FROM pairs WHERE a_checkpoint = 1 AND b_checkpoint = 2",
        "SELECT * FROM image_history WHERE digest = 'aa'",
        "SELECT h.text FROM image_paths p JOIN images i ON i.id = p.image_id JOIN image_history h"
        " ON h.digest = i.digest WHERE p.path = '/a.jpg' ORDER BY h.asked",
        "SELECT q.id FROM words JOIN queries q ON q.id = words.rowid JOIN pins p ON p.query_id ="
        " q.id WHERE words MATCH 'dog' AND q.best <> p.expected",
        "SELECT * FROM checkpoint_history WHERE digest = 'aa'",
        "SELECT * FROM checkpoint_history WHERE name = 'early'",
        "SELECT * FROM probe_trend WHERE probe = 'what' AND task = 'vqa'",
        "SELECT * FROM query_list WHERE id = 5",
        "SELECT * FROM query_list WHERE session_id = 5",
        "SELECT * FROM queries WHERE question = 1 AND checkpoint_id = 2",
        "SELECT id FROM queries WHERE asked < '2026-01-01'",
        "SELECT * FROM comparison_queries WHERE query_id = 3",
        "SELECT name, b_answer FROM row_gained WHERE a_evaluation = 1 AND b_evaluation = 2",
        "SELECT name, b_answer FROM row_lost WHERE a_evaluation = 1 AND b_evaluation = 2",
        "SELECT value, items, score FROM slice_scores WHERE evaluation_id = 1 AND field = 'kind'",
        "DELETE FROM queries WHERE id = 3",
        "DELETE FROM sessions WHERE id = 3",
    };
    int64_t session = 0;
    struct log *l = open_new(file("plans.db"), &session);
    for (int i = 0; i < 20; i++)
        ask(l, session, "vqa", "what", (char)('c' + i % 3), "x", "p.png", "cat");
    int bad = 0;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        char *sql = log_find_plan(l, &filters[i]);
        bad += scans(l, sql);
        free(sql);
    }
    ok(bad == 0, "no list walks through a table: %d", bad);
    bad = 0;
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        bad += scans(l, listed[i]);
    ok(bad == 0, "nor does a documented question: %d", bad);
    ok(scans(l, "SELECT * FROM queries WHERE device = 'cpu'") == 1, "such a walk would be seen");
    log_close(l);
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    words();
    marks();
    judged();
    typed();
    names();
    changes();
    layouts();
    comparisons();
    probes();
    attention();
    plans();
    return remove_folder();
}
