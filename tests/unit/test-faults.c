/* SPDX-License-Identifier: MIT */
/* Disks that are full and memory that ends, in the middle of everything that the log does: whatever
 * is told, each record is in the log once or waits, what is merged again is whole, and the log is
 * sound. A failure that is returned as success, or a half transaction, breaks it. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "faults.h"
#include "logs.h"

/* Sanitizers take four times as long: with them fewer of the requests for memory fail. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 11
#else
#define STEP 1
#endif

/* ---- memory of SQLite that ends at the n-th request from now */

static sqlite3_mem_methods real_memory;
static long memory_left; /* 0: there is enough */
static bool memory_ended;

static bool no_memory(void)
{
    if (memory_left && --memory_left == 0)
        memory_ended = true;
    return memory_ended;
}

static void *m_alloc(int n)
{
    return no_memory() ? NULL : real_memory.xMalloc(n);
}

static void *m_realloc(void *p, int n)
{
    return no_memory() ? NULL : real_memory.xRealloc(p, n);
}

static bool memory_install(void)
{
    sqlite3_mem_methods own;
    sqlite3_shutdown();
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK)
        return false;
    own = real_memory;
    own.xMalloc = m_alloc;
    own.xRealloc = m_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &own) == SQLITE_OK &&
           sqlite3_initialize() == SQLITE_OK;
}

static void memory_end_in(long n)
{
    memory_left = n;
    memory_ended = false;
}

/* ---- one of each kind */

static struct result *answers[2];

static int put_kind(struct log *l, int kind, struct vs_err *err)
{
    struct log_probe p = {.probe = "b", .task = "vqa", .answer = "x", .query = 1};
    struct log_probe_run run = {.probes_digest = "d", .probes = &p, .count = 1};
    struct log_evaluation e = {.task = task_find("vqa"), .data_digest = "d", .items = 3};
    int64_t ids[2] = {1, 2};
    struct difference *d;
    int rc;
    memset(run.checkpoint_digest, 'c', 64);
    memset(e.checkpoint_digest, 'c', 64);
    switch (kind) {
    case 0: return log_comparison_later(l, ids, 2, "both", err);
    case 1: return log_probe_run_later(l, &run, err);
    case 2: return log_evaluation_later(l, &e, err);
    default:
        d = make_difference("s");
        rc = log_difference_later(l, d, err);
        difference_free(d);
        return rc;
    }
}

static const struct {
    const char *name, *rows, *parts;
} kinds[] = {
    {"comparison", "SELECT count(*) FROM comparisons", "SELECT count(*) FROM comparison_queries"},
    {"run of probes", "SELECT count(*) FROM probe_runs", "SELECT count(*) FROM probe_results"},
    {"evaluation", "SELECT count(*) FROM evaluations", "SELECT count(*) FROM evaluations"},
    {"difference", "SELECT count(*) FROM differences", "SELECT count(*) FROM difference_parts"},
};
static const int parts_each[] = {2, 1, 1, 2};

static struct log *begin(const char *path)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    bool good = log_start(path, "test", &l, &err) == 0;
    for (int i = 0; i < 2; i++)
        good = good && log_result_later(l, answers[i], &err) == 0;
    if (!good)
        ok(false, "%s is begun: %s", path, err.text);
    return l;
}

/* The disk is full at each write of a record in turn. */
static void full_disk(int kind)
{
    struct vs_err err = {0};
    char name[32];
    snprintf(name, sizeof name, "kind%d.db", kind);
    const char *path = file(name);
    int failed = 0, told = 0, asked = 0;
    struct log *l = begin(path);
    for (int write = 1; write <= 12; write++) {
        faults.full_in = write;
        int rc = put_kind(l, kind, &err);
        bool full = faults.full;
        faults.full = false;
        faults.full_in = 0;
        asked++;
        failed += full;
        told += rc != 0 && log_pending_count(l) == 1;
        log_flush_pending(l, &err);
    }
    ok(failed > 0 && failed == told, "%s on a full disk: failed %d times, told %d times",
       kinds[kind].name, failed, told);
    ok(log_pending_count(l) == 0 && number(path, kinds[kind].rows) == asked &&
       number(path, kinds[kind].parts) == asked * parts_each[kind], "all %d are there, once",
       asked);
    log_finish(l, NULL, &err);
    ok(integrity(path), "the log is sound");
}

/* And memory ends at each request for it. */
static void no_memory_for(int kind)
{
    struct vs_err err = {0};
    char name[32];
    snprintf(name, sizeof name, "mem%d.db", kind);
    const char *path = file(name);
    int failed = 0, told = 0, asked = 0;
    bool ended = true;
    struct log *l = begin(path);
    for (int at = 1; ended && at < 400; at += STEP) {
        memory_end_in(at);
        int rc = put_kind(l, kind, &err);
        ended = memory_ended;
        memory_end_in(0);
        asked++;
        failed += rc != 0;
        told += rc != 0 && err.text[0] && log_pending_count(l) == 1;
        if (log_flush_pending(l, &err) != 0)
            printf("# %s\n", err.text);
    }
    ok(!ended && failed > 0 && failed == told, "%s without memory: failed %d times of %d",
       kinds[kind].name, failed, asked);
    ok(log_pending_count(l) == 0 && number(path, kinds[kind].rows) == asked &&
       number(path, kinds[kind].parts) == asked * parts_each[kind], "all %d are there, once",
       asked);
    log_finish(l, NULL, &err);
}

/* ---- merging */

static void make_source(const char *path)
{
    struct vs_err err = {0};
    for (int session = 0; session < 2; session++) {
        struct log *l = begin(path);
        for (int kind = 0; kind < 4; kind++)
            put_kind(l, kind, &err);
        log_set_note(l, 1 + 2 * session, "a note", &err);
        log_add_tag(l, 2 + 2 * session, "hard", &err);
        log_pin(l, 1, "yes", &err);
        if (log_finish(l, NULL, &err) != 0)
            ok(false, "a log to merge: %s", err.text);
    }
}

/* Everything that a whole merge brings. */
static bool is_whole(const char *path)
{
    return number(path, "SELECT count(*) FROM queries") == 4 &&
           number(path, "SELECT count(*) FROM comparison_queries") == 4 &&
           number(path, "SELECT count(*) FROM probe_results") == 2 &&
           number(path, "SELECT count(*) FROM evaluations") == 2 &&
           number(path, "SELECT count(*) FROM difference_parts") == 4 &&
           number(path, "SELECT count(*) FROM notes") == 2 &&
           number(path, "SELECT count(*) FROM tags") == 2 &&
           number(path, "SELECT count(*) FROM pins") == 1 && integrity(path);
}

/* Whether a session is there whole or not at all. */
static bool by_sessions(const char *path)
{
    return number(path, "SELECT count(*) FROM sessions s WHERE (SELECT count(*) FROM queries WHERE"
                        " session_id = s.id) <> 2 OR (SELECT count(*) FROM differences WHERE"
                        " session_id = s.id) <> 1 OR (SELECT count(*) FROM evaluations WHERE"
                        " session_id = s.id) <> 1") <= 0;
}

static void full_while_merging(void)
{
    const char *from = file("from.db"), *into = file("into.db");
    struct log_merged n;
    struct vs_err err = {0};
    int failed = 0, told = 0, bad = 0;
    bool full = true;
    for (int write = 1; full && write < 2000; write += 3) {
        unlink(into);
        faults.full_in = write;
        int rc = merge(into, from, &n, &err);
        full = faults.full;
        faults.full = false;
        faults.full_in = 0;
        failed += full;
        told += full && (rc != 0 ? err.text[0] != '\0' : is_whole(into)); /* full when it closed */
        bad += !by_sessions(into) || merge(into, from, &n, &err) != 0 || !is_whole(into);
    }
    ok(!full && failed > 5 && told == failed, "a full disk at each third write of a merge: %d, "
       "told or harmless %d", failed, told);
    ok(bad == 0, "whole sessions, and whole when it is run again");
}

static void no_memory_while_merging(void)
{
    const char *from = file("from.db"), *into = file("into.db");
    struct log *a = NULL, *b = NULL;
    struct log_merged n;
    struct vs_err err = {0};
    int failed = 0, bad = 0, untold = 0;
    bool ended = true;
    for (int at = 1; ended && at < 100000; at += STEP * (at < 300 ? 7 : 101)) {
        unlink(into);
        err.text[0] = '\0';
        if (log_open(into, false, &a, &err) != 0 || log_open(from, true, &b, &err) != 0)
            break;
        memory_end_in(at);
        int rc = log_merge(a, b, &n, &err);
        ended = memory_ended;
        memory_end_in(0);
        failed += rc != 0;
        untold += rc != 0 && !err.text[0];
        log_close(a);
        log_close(b);
        bad += !by_sessions(into) || (rc == 0 && !is_whole(into)) ||
               merge(into, from, &n, &err) != 0 || !is_whole(into);
    }
    ok(!ended && failed > 10 && untold == 0, "memory ends in a merge: it fails %d times", failed);
    ok(bad == 0, "whole sessions, and whole when it is run again");
}

/* ---- reading */

static int read_log(const char *path, struct vs_err *err)
{
    struct log *l = NULL;
    struct log_query *q = NULL;
    struct log_report r = {0};
    char *json = NULL;
    int count = 0, rc = log_open(path, true, &l, err);
    if (rc == 0)
        rc = log_list_queries(l, 0, "dog", 10, &q, &count, err);
    if (rc == 0 && count != 4)
        rc = VS_E_FORMAT; /* fewer than there are, and no word */
    log_queries_free(q, rc == 0 || rc == VS_E_FORMAT ? count : 0);
    if (rc == 0)
        rc = log_query_json(l, 1, &json, err);
    if (rc == 0)
        rc = log_check(l, false, &r, err);
    log_report_fini(&r);
    free(json);
    log_close(l);
    return rc;
}

static void no_memory_to_read(void)
{
    struct vs_err err = {0};
    int failed = 0, silent = 0;
    bool ended = true;
    /* Most requests are alike: those of the pages that a check reads. */
    for (int at = 1; ended && at < 100000; at += STEP * (at < 500 ? 3 : at / 50)) {
        err.text[0] = '\0';
        memory_end_in(at);
        int rc = read_log(file("from.db"), &err);
        ended = memory_ended;
        memory_end_in(0);
        failed += rc != 0;
        silent += rc == VS_E_FORMAT || (rc != 0 && !err.text[0]);
    }
    ok(!ended && failed > 10 && silent == 0, "memory ends while it is read: it fails %d times, "
       "%d in silence", failed, silent);
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    if (!ok(memory_install(), "SQLite takes its memory from us"))
        return tap_done();
    for (int i = 0; i < 2; i++)
        answers[i] = make_result("vqa", "dog");
    faults_install();
    for (int kind = 0; kind < 4; kind++)
        full_disk(kind);
    make_source(file("from.db"));
    ok(is_whole(file("from.db")), "a log to merge");
    full_while_merging();
    faults_remove();
    for (int kind = 0; kind < 4; kind++)
        no_memory_for(kind);
    no_memory_while_merging();
    no_memory_to_read();
    for (int i = 0; i < 2; i++)
        result_free(answers[i]);
    return remove_folder();
}
