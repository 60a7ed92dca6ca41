/* SPDX-License-Identifier: MIT */
/* What cannot be written to the log waits, is written when it can be, once and in order, and at
 * the end is kept elsewhere: the log is locked, its place is not there, it was taken away, the
 * disk is full. A queue that forgets, writes twice, or writes to a file that nobody finds breaks
 * it. */
#include "faults.h"
#include "logs.h"
#include "sessions/db.h"

/* What could not be written: kept in a log of its own, or lost. */
static int finish(struct log *l, int *kept, struct vs_err *err)
{
    struct log_left left;
    int rc = log_finish(l, &left, err);
    *kept = left.kept + 100 * left.lost;
    free(left.where);
    return rc;
}

static void waits_for_lock(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    sqlite3 *db;
    int lost = -1;
    const char *path = file("wait.db");
    ok(log_start(path, "test", &l, &err) == 0 && log_pending_count(l) == 0, "started %s", err.text);
    ok(later(l, "0", &err) == 0 && log_started_session(l) == 1, "written at once");
    sqlite3_open(path, &db);
    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    ok(later(l, "1", &err) == VS_E_DB && log_pending_count(l) == 1, "locked, kept: %s", err.text);
    ok(later(l, "2", &err) == VS_E_DB && log_pending_count(l) == 2, "the next waits: %s", err.text);
    ok(log_flush_pending(l, &err) == VS_E_DB && log_pending_count(l) == 2, "still locked");
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_flush_pending(l, &err) == 0 && log_pending_count(l) == 0, "written when it is free");
    ok(later(l, "3", &err) == 0, "and the next at once");
    ok(number(path, "SELECT group_concat(text, '') = '0123' FROM (SELECT text FROM queries ORDER BY"
                    " id)") == 1, "in order");
    ok(number(path, "SELECT count(*) FROM answers") == 4 * RESULT_TOP, "with all they had");
    ok(finish(l, &lost, &err) == 0 && lost == 0 &&
       number(path, "SELECT count(*) FROM sessions WHERE ended IS NOT NULL") == 1, "ended");
}

/* Of query 3, which waited. */
static void attribution_written(struct log *l)
{
    struct vs_err err = {0};
    struct attribution_record **list;
    int n = 0;
    ok(log_read_attributions(l, 3, &list, &n, &err) == 0 && n == 1 && list[0]->numbers[0] == -1 &&
       isnan(list[0]->numbers[5]) && list[0]->target_index == 3 && list[0]->against_index == -1 &&
       strstr(list[0]->tested, "\"items\":7"), "and an attribution of one that waited %s",
       err.text);
    log_attributions_free(list, n);
    sqlite3_exec(l->db, "UPDATE attributions SET data = zeroblob(length(data))", NULL, NULL, NULL);
    ok(log_read_attributions(l, 3, &list, &n, &err) == VS_E_DB && n == 0 && !list,
       "numbers of another digest are refused: %s", err.text);
}

/* Records of every kind wait in line, and find the queries that waited before them. */
static void records_wait(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    sqlite3 *db;
    const char *path = file("records.db");
    struct result *r[3] = {make_result("vqa", "a"), make_result("vqa", "b"),
                           make_result("vqa", "c")};
    struct difference *d = make_difference("b");
    log_start(path, "test", &l, &err);
    ok(log_result_later(l, r[0], &err) == 0 && r[0]->log_id == 1, "one is written");
    sqlite3_open(path, &db);
    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    ok(log_result_later(l, r[1], &err) == VS_E_DB && log_result_later(l, r[2], &err) == VS_E_DB &&
       r[1]->log_id < 0 && r[2]->log_id < 0 && r[1]->log_id != r[2]->log_id &&
       log_written_query(l, r[1]->log_id) == 0, "two wait, and have names");
    int64_t ids[5] = {r[2]->log_id, 1, r[1]->log_id, 77, 0};
    struct log_probe p[2] = {{.probe = "b", .task = "vqa", .query = r[2]->log_id, .answer = "x"},
                             {.probe = "c", .task = "vqa", .query = -99}};
    struct log_probe_run run = {.probes_digest = "d", .probes = p, .count = 2};
    ok(log_probe_run_later(l, &run, &err) == VS_E_DB && strstr(err.text, "without the digest") &&
       log_pending_count(l) == 2, "what can never be written does not wait: %s", err.text);
    memset(run.checkpoint_digest, 'e', 64);
    ok(log_comparison_later(l, ids, 5, "three", &err) == VS_E_DB &&
       log_probe_run_later(l, &run, &err) == VS_E_DB &&
       log_difference_later(l, d, &err) == VS_E_DB && log_pending_count(l) == 5,
       "behind them what ties them together: %s", err.text);
    struct attribution_record *x = make_attribution("rollout", r[2]->log_id);
    ok(log_attribution_later(l, x, &err) == VS_E_DB && log_pending_count(l) == 6,
       "an attribution waits, too: %s", err.text);
    x->numbers[0] = 77;
    attribution_record_free(x);
    p[0].answer = NULL; /* they are copies */
    ids[0] = 0;
    usleep(20000);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_flush_pending(l, &err) == 0 && log_pending_count(l) == 0 &&
       log_written_query(l, r[1]->log_id) == 2 && log_written_query(l, r[2]->log_id) == 3 &&
       log_written_query(l, 1) == 1, "all are written %s", err.text);
    ok(number(path, "SELECT group_concat(query_id) = '3,1,2' FROM (SELECT query_id FROM"
       " comparison_queries ORDER BY position)") == 1, "a comparison of those that are there");
    ok(number(path, "SELECT count(*) FROM probe_results WHERE (probe = 'b' AND query_id = 3 AND"
       " answer = 'x') OR (probe = 'c' AND query_id IS NULL)") == 2, "a run of probes");
    ok(number(path, "SELECT count(*) FROM differences JOIN difference_parts ON difference_id = id"
       " WHERE found < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-0.015 seconds')") == 2,
       "and a difference, with the time when it was found");
    attribution_written(l);
    log_finish(l, NULL, &err);
    ok(whole(path), "the log is sound");
    for (int i = 0; i < 3; i++)
        result_free(r[i]);
    difference_free(d);
}

/* The log cannot even be opened at first: a folder that is a file. */
static void waits_for_place(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int lost = -1;
    const char *place = file("place");
    char *path = xasprintf("%s/log.db", place);
    fclose(fopen(place, "w"));
    ok(log_start(path, "test", &l, &err) == VS_E_DB && l, "cannot be made: %s", err.text);
    later(l, "a", &err);
    later(l, "b", &err);
    ok(log_pending_count(l) == 2 && log_started_session(l) == 0, "two wait: %s", err.text);
    unlink(place);
    ok(log_flush_pending(l, &err) == 0 && log_started_session(l) == 1 &&
       number(path, "SELECT count(*) FROM queries") == 2, "and are written %s", err.text);
    ok(finish(l, &lost, &err) == 0 && lost == 0, "finished");
    log_start("/proc/none/log.db", "test", &l, &err);
    later(l, "a", &err);
    ok(finish(l, &lost, &err) == VS_E_DB && lost == 1, "what never could be: %s", err.text);
    free(path);
}

/* The file goes while the program has it open: what is asked then is kept, and never written to a
 * file that nobody finds. */
static void taken_away(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    struct log_left left = {0};
    const char *path = file("gone.db");
    char *moved = xasprintf("%s/moved.db", dir);
    log_start(path, "test", &l, &err);
    ok(later(l, "0", &err) == 0 && rename(path, moved) == 0, "one is written, the log is moved");
    ok(later(l, "1", &err) == VS_E_DB && strstr(err.text, "deleted or moved") &&
       log_pending_count(l) == 1 && access(path, F_OK) != 0, "the next is kept: %s", err.text);
    ok(rename(moved, path) == 0 && log_flush_pending(l, &err) == 0 &&
       number(path, "SELECT count(*) FROM queries") == 2, "back again, it is written");
    ok(copy_file(path, moved) && rename(moved, path) == 0 && later(l, "2", &err) == VS_E_DB &&
       strstr(err.text, "replaced"), "another file: %s", err.text);
    unlink(path);
    int64_t ids[2] = {1, -2}; /* of the file that is gone, and of what waits */
    ok(log_comparison_later(l, ids, 2, "both", &err) == VS_E_DB, "what ties them waits, too");
    ok(log_finish(l, &left, &err) == VS_E_DB && left.kept == 2 && left.lost == 0 && left.beside &&
       strncmp(left.where, path, strlen(path)) == 0 && access(path, F_OK) != 0,
       "kept beside it: %s", left.where);
    ok(number(left.where, "SELECT count(*) FROM queries WHERE text = '2'") == 1 &&
       number(left.where, "SELECT count(*) FROM comparison_queries") == 1 && whole(left.where),
       "in a sound log, that refers to no row of the other file");
    l = NULL;
    int rc = log_open(path, false, &l, &err);
    ok(rc == 0 && log_notice(l) && strstr(log_notice(l), "2 records") &&
       access(left.where, F_OK) != 0 && number(path, "SELECT count(*) FROM queries") == 1,
       "the next that writes adds it: %s", rc == 0 ? log_notice(l) : err.text);
    log_close(l);
    free(left.where);
    free(moved);
}

/* What waited names rows of the file that it comes to, and of no other. */
static void prefix_elsewhere(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    struct log_left left = {0};
    struct log_evaluation e = {.task = task_find("vqa"), .data_digest = "d", .items = 3,
                               .score = 0.5, .model = "m"};
    char *path = xasprintf("%s/none/log.db", file("file"));
    fclose(fopen(file("file"), "w"));
    memset(e.checkpoint_digest, 'c', 64);
    log_start(path, "test", &l, &err);
    later(l, "a", &err);
    ok(log_evaluation_later(l, &e, &err) == VS_E_DB && log_pending_count(l) == 2,
       "a score waits: %s", err.text);
    e.checkpoint_digest[0] = '\0';
    ok(log_evaluation_later(l, &e, &err) == VS_E_DB && log_pending_count(l) == 2,
       "one that can never be written does not: %s", err.text);
    ok(log_finish(l, &left, &err) != 0 && left.kept == 2 && left.where &&
       strstr(left.where, "/vilscope/waiting-") && !left.beside, "kept beside the default log: %s",
       left.where);
    ok(number(left.where, "SELECT count(*) FROM evaluations WHERE score = 0.5 AND items = 3 AND"
       " measured LIKE '2%'") == 1, "the score, too");
    unlink(left.where);
    free(left.where);
    free(path);
}

static void refuses(const char *name, const char *sql, const char *word)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *path = file(name);
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_start(path, "test", &l, &err) == VS_E_DB && strstr(err.text, word), "%s: %s", word,
       err.text);
    later(l, "a", &err);
    ok(log_pending_count(l) == 1, "the program goes on");
    log_finish(l, NULL, &err);
}

/* Writes fail with a full disk at every place in turn; then there is room again. */
static void disk_full(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *path = file("full.db");
    int asked = 0, waited = 0;
    faults_install();
    ok(log_start(path, "test", &l, &err) == 0, "a disk that will be full");
    for (int round = 0; round < 5; round++) {
        faults.full = true;
        for (int i = 0; i < 3; i++) {
            char text[16];
            snprintf(text, sizeof text, "q%d", asked++);
            waited += later(l, text, &err) != 0;
        }
        faults.full = false;
        if (log_flush_pending(l, &err) != 0)
            printf("# %s\n", err.text);
    }
    ok(waited == asked && strstr(err.text, "wait"), "%d of %d waited", waited, asked);
    ok(log_pending_count(l) == 0 && number(path, "SELECT count(DISTINCT text) FROM queries") ==
       asked && number(path, "SELECT count(*) FROM queries") == asked && whole(path),
       "all are there, once");
    /* And in the middle of a query, at every write of it in turn. */
    for (int write = 1; write <= 40; write++) {
        char text[16];
        snprintf(text, sizeof text, "q%d", asked++);
        faults.full_in = write;
        later(l, text, &err);
        faults.full = false;
        faults.full_in = 0;
        log_flush_pending(l, &err);
    }
    ok(log_pending_count(l) == 0 && number(path, "SELECT count(DISTINCT text) FROM queries") ==
       asked && number(path, "SELECT count(*) FROM queries") == asked && whole(path),
       "full at each write of a query: all %d are there, once", asked);
    log_finish(l, NULL, &err);
    faults_remove();
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    waits_for_lock();
    records_wait();
    waits_for_place();
    taken_away();
    prefix_elsewhere();
    refuses("newer.db", "PRAGMA application_id=1986620531; CREATE TABLE t(x); PRAGMA "
                        "user_version=99", "newer");
    refuses("other.db", "CREATE TABLE t(x)", "another program");
    disk_full();
    return remove_folder();
}
