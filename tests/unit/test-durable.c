/* SPDX-License-Identifier: MIT */
/* What the log promises: a query that it said is written is there, once, whatever happened: power
 * cut at any write, kill -9, a full disk, a lock, a move from an older version; and what could not
 * be written waits. Without a sync at each commit the power cuts lose queries (shown by the last
 * but one test), without one transaction a query integrity or counts break, without the copy a
 * migration that goes wrong costs the log. VILSCOPE_FULL: 500 kills and cuts instead of 25. */
#include "faults.h"
#include "logs.h"
#include "sessions/db.h"

#include <limits.h>
#include <time.h>

static int points(void)
{
    return getenv("VILSCOPE_FULL") ? 500 : 25;
}

/* Logs a query of that text through the queue: the same code as the program. */
static int later(struct log *l, const char *text, struct vs_err *err)
{
    struct result *r = make_result("vqa", text);
    int rc = log_result_later(l, r, err);
    result_free(r);
    return rc;
}

static bool whole(const char *path)
{
    return integrity(path) && number(path, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

/* ---- migrations */

/* Where regions came from was told by their path before version 6: version-5.db has a query on
 * boxes of a user, of two images, and one on what a detector found. */
static void origins(const char *path, int version)
{
    static const char count[] = "SELECT count(*) FROM query_images WHERE query_id < 5 AND ";
    char *user = xasprintf("%sregions_origin = 'user' AND query_id = 3", count);
    char *found = xasprintf("%sregions_origin = 'detector' AND query_id = 1", count);
    char *file = xasprintf("%sregions_origin = 'file'", count);
    ok(number(path, user) == (version == 5 ? 2 : 0) &&
       number(path, found) == (version == 5) &&
       number(path, file) == (version == 5 ? 2 : 5), "where regions came from is known");
    free(user);
    free(found);
    free(file);
}

/* What a log of an older version holds afterwards: see tests/data/logs. */
static void migrated(int version)
{
    char from[4096], name[64];
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *srcdir = getenv("SRCDIR");
    snprintf(from, sizeof from, "%s/tests/data/logs/version-%d.db", srcdir ? srcdir : ".", version);
    snprintf(name, sizeof name, "old%d.db", version);
    const char *path = file(name);
    ok(copy_file(from, path) && log_open(path, true, &l, &err) == 0, "version %d is read %s",
       version, err.text);
    struct log_query *q = NULL;
    int n = 0;
    ok(log_list_queries(l, 0, "red square", 10, &q, &n, &err) == 0 && n == 2 &&
       strcmp(q[1].answer, "region 3 triangle") == 0, "and searched %s", err.text);
    log_queries_free(q, n);
    log_close(l);
    ok(number(path, "PRAGMA user_version") == version, "without being changed");
    int rc = log_open(path, false, &l, &err);
    ok(rc == 0 && log_notice(l) && strstr(log_notice(l), ".bak"), "opened for writing: %s",
       rc == 0 ? log_notice(l) : err.text);
    char *backup = xasprintf("%s.v%d.bak", path, version), *json = NULL;
    ok(number(backup, "PRAGMA user_version") == version &&
       number(backup, "SELECT count(*) FROM queries") == 4, "the old one is kept");
    ok(number(path, "PRAGMA user_version") == LOG_SCHEMA && whole(path) &&
       number(path, "SELECT count(*) FROM queries") == 4, "all queries are in the new one");
    ok(number(path, "SELECT count(*) FROM evaluations") == (version > 1), "evaluations, too");
    ok(number(path, "SELECT count(DISTINCT uid) FROM sessions WHERE length(uid) = 32") == 4,
       "sessions have identities");
    ok(log_query_json(l, 2, &json, &err) == 0 && strstr(json, "\"answer_count\": "),
       "a query is whole %s", err.text);
    origins(path, version);
    /* The same question logged anew has the question that the migration computed. */
    struct result *r = NULL;
    ok(log_read_result(l, 3, &r, &err) == 0 && log_result(l, 1, r, &err) == 0 && number(path,
       "SELECT count(DISTINCT question) FROM queries WHERE id IN (3, 5)") == 1,
       "old and new questions are the same %s", err.text);
    result_free(r);
    free(json);
    struct difference *d = make_difference("red");
    ok(log_difference(l, 1, d, NULL, &err) == 0 && number(path, "SELECT count(*) FROM"
       " changed_parts WHERE a = 'early'") == 2 && number(path, "SELECT count(*) FROM queries WHERE"
       " layout = ''") == 5, "what is new in it can be written %s", err.text);
    difference_free(d);
    if (version > 2)
        ok(number(path, "SELECT count(*) FROM comparison_queries x, probe_results p, notes n, pins"
           " i WHERE p.query_id = n.query_id AND i.query_id = n.query_id AND n.note = 'old note'")
           == 2, "comparisons, probes and marks are still there");
    log_close(l);
    ok(log_open(path, false, &l, &err) == 0 && !log_notice(l), "the second time it is silent");
    log_close(l);
    free(backup);
}

/* Two copies of one old log, migrated on two machines, have the same identities. */
static void same_identities(void)
{
    const char *a = file("old1.db"), *b = file("old2.db");
    char *sql = xasprintf("ATTACH '%s' AS o", b);
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int same = -1;
    if (sqlite3_open(a, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM sessions JOIN o.sessions x USING (uid)", -1,
                           &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        same = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    free(sql);
    ok(same == 4, "identities follow from what a session is: %d", same);
}

static void no_room_for_backup(void)
{
    char from[4096];
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *srcdir = getenv("SRCDIR"), *path = file("noroom.db");
    snprintf(from, sizeof from, "%s/tests/data/logs/version-2.db", srcdir ? srcdir : ".");
    copy_file(from, path);
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 40000;
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = log_open(path, false, &l, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    ok(rc == VS_E_DB, "no room for the copy: %s", err.text);
    ok(number(path, "PRAGMA user_version") == 2 && whole(path), "the old log is as it was");
    char *backup = xasprintf("%s.v2.bak", path);
    ok(access(backup, F_OK) != 0, "and there is no half copy");
    free(backup);
}

static int count_like(const char *pattern)
{
    char *command = xasprintf("ls -d '%s'/%s 2>/dev/null | wc -l", dir, pattern), line[32] = "";
    FILE *p = popen(command, "r");
    bool read = p && fgets(line, sizeof line, p);
    if (p)
        pclose(p);
    free(command);
    return read ? atoi(line) : -1;
}

/* What killed migrations left: half copies go, and a whole one is not made again. A link of an old
 * name is not written through. */
static void killed_migrations(void)
{
    char from[4096];
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *srcdir = getenv("SRCDIR"), *path = file("left.db");
    snprintf(from, sizeof from, "%s/tests/data/logs/version-2.db", srcdir ? srcdir : ".");
    char *half = xasprintf("%s.v2.bak.1.tmp", path), *own = xasprintf("%s.v2.bak.%ld.tmp", path,
                                                                      (long)getpid());
    char *random = xasprintf("%s.v2.bak.0123456789abcdef.tmp", path);
    char *victim = xasprintf("%s/victim", dir), *other = xasprintf("%s/left.db.tmp", dir);
    copy_file(from, path);
    copy_file(from, half);
    copy_file(from, random);
    copy_file(from, other);
    ok(symlink(victim, own) == 0 && count_like("left.db*.tmp") == 4, "three are left, one a link");
    ok(log_open(path, false, &l, &err) == 0, "migrated %s", err.text);
    log_close(l);
    ok(count_like("left.db*.tmp") == 1 && access(other, F_OK) == 0, "they are gone, no other is");
    ok(access(victim, F_OK) != 0, "nothing was written where the link leads");
    struct stat st;
    char *backup = xasprintf("%s.v2.bak", path);
    ok(stat(backup, &st) == 0 && (st.st_mode & 0777) == 0600, "the copy is its owner's");
    copy_file(from, path);
    l = NULL;
    int rc = log_open(path, false, &l, &err);
    ok(rc == 0 && strstr(log_notice(l), ".v2.bak") &&
       count_like("left.db.v2.bak*") == 1, "the same copy is not made twice: %s", log_notice(l));
    log_close(l);
    copy_file(from, path);
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "UPDATE sessions SET note = 'other'", NULL, NULL, NULL);
    sqlite3_close(db);
    l = NULL;
    rc = log_open(path, false, &l, &err);
    ok(rc == 0 && count_like("left.db.v2.bak*") == 2, "another one is: %s", log_notice(l));
    log_close(l);
    free(half);
    free(own);
    free(random);
    free(victim);
    free(other);
    free(backup);
}

/* ---- waiting */

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
static void kept_elsewhere(void)
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

/* ---- power cuts */

/* Power goes while an older log is migrated: it is old or new afterwards, and whole. */
static void cut_migration(void)
{
    char from[4096];
    const char *srcdir = getenv("SRCDIR"), *path = file("move.db");
    char *remove = xasprintf("rm -f '%s'*", path);
    int rounds = points(), bad = 0, old = 0;
    long all = 0;
    snprintf(from, sizeof from, "%s/tests/data/logs/version-2.db", srcdir ? srcdir : ".");
    faults_install();
    for (int i = -1; i < rounds; i++) {
        struct log *l = NULL;
        struct vs_err err = {0};
        if (system(remove) != 0 || !copy_file(from, path))
            break;
        srand((unsigned)i);
        faults_cut_at(i < 0 ? LONG_MAX : 1 + (long)i * all / rounds);
        log_open(path, false, &l, &err);
        log_close(l);
        l = NULL;
        all = i < 0 ? faults.ops : all;
        faults_restore();
        old += number(path, "PRAGMA user_version") == 2;
        bool good = whole(path) && log_open(path, false, &l, &err) == 0 &&
                    number(path, "SELECT count(*) FROM queries") == 4 && whole(path);
        if (!good)
            printf("# cut %d: %s\n", i, err.text);
        bad += !good;
        log_close(l);
    }
    ok(bad == 0 && old > 0 && all > 20, "power cut at %d of %ld operations of a migration (%d were "
       "old still)", rounds, all, old);
    faults_remove();
    free(remove);
}

/* Logs queries until the power goes; how many were confirmed. */
static int log_until_cut(const char *path, bool careless)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int confirmed = 0;
    log_start(path, "test", &l, &err);
    if (careless && l->db)
        sqlite3_exec(l->db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=60", NULL, NULL,
                     NULL);
    else if (l->db)
        sqlite3_exec(l->db, "PRAGMA wal_autocheckpoint=60", NULL, NULL, NULL);
    while (!faults.cut && confirmed < 25) {
        char text[16];
        snprintf(text, sizeof text, "q%d", confirmed);
        if (later(l, text, &err) != 0)
            break;
        confirmed++;
    }
    log_close(l);
    return confirmed;
}

/* True: the log is sound and has what was confirmed and at most one more. */
static bool survives(int confirmed, const char *path, int64_t *there)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    bool sound = log_open(path, false, &l, &err) == 0;
    log_close(l);
    *there = number(path, "SELECT count(*) FROM queries");
    return sound && whole(path) && *there >= confirmed && *there <= confirmed + 1 &&
           number(path, "SELECT count(DISTINCT text) FROM queries") == *there;
}

static void cut_power(void)
{
    const char *path = file("cut.db");
    char *remove = xasprintf("rm -f '%s'*", path);
    int rounds = points(), bad = 0;
    faults_install();
    faults_cut_at(LONG_MAX);
    log_until_cut(path, false);
    long all = faults.ops;
    faults_restore();
    for (int i = 0; i < rounds; i++) {
        int64_t there;
        if (system(remove) != 0)
            break;
        srand((unsigned)i);
        faults_cut_at(1 + (long)i * all / rounds);
        int confirmed = log_until_cut(path, false);
        faults_restore();
        if (!survives(confirmed, path, &there)) {
            printf("# cut %d of %d: %d confirmed, %lld there\n", i, rounds, confirmed,
                   (long long)there);
            bad++;
        }
    }
    ok(all > 100 && bad == 0, "power cut at %d of %ld operations: nothing confirmed is lost",
       rounds, all);
    int lost = 0;
    for (int i = 10; i < 25; i++) {
        int64_t there;
        if (system(remove) != 0)
            break;
        srand((unsigned)i);
        faults_cut_at(1 + (long)i * all / 40);
        int confirmed = log_until_cut(path, true);
        faults_restore();
        lost += !survives(confirmed, path, &there);
    }
    ok(lost > 0, "with synchronous=NORMAL %d of 15 cuts lose queries: FULL is needed", lost);
    faults_remove();
    free(remove);
}

/* ---- kill -9 */

static void write_until_killed(const char *path, int round, int out)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    log_start(path, "test", &l, &err);
    for (int i = 0;; i++) {
        char text[32];
        snprintf(text, sizeof text, "round %d number %d", round, i);
        if (later(l, text, &err) == 0 && write(out, "x", 1) != 1)
            break;
        log_flush_pending(l, &err);
    }
    _exit(1);
}

/* How many queries the child said are written before it was killed. */
static int kill_one(const char *path, int round)
{
    int p[2], said = 0;
    char c;
    if (pipe(p) != 0)
        return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(p[0]);
        write_until_killed(path, round, p[1]);
    }
    close(p[1]);
    for (int wait = rand() % 4; wait > 0 && read(p[0], &c, 1) == 1; wait--)
        said++;
    nanosleep(&(struct timespec){0, rand() % 3000000}, NULL);
    kill(pid, SIGKILL);
    while (read(p[0], &c, 1) == 1)
        said++;
    close(p[0]);
    waitpid(pid, NULL, 0);
    return said;
}

static void killed(void)
{
    const char *path = file("killed.db");
    int rounds = points(), bad = 0, confirmed = 0;
    srand(6);
    for (int i = 0; i < rounds; i++) {
        int64_t before = i ? number(path, "SELECT count(*) FROM queries") : 0;
        int said = kill_one(path, i);
        int64_t there = number(path, "SELECT count(*) FROM queries");
        before = before < 0 ? 0 : before; /* killed before there was a table */
        there = there < 0 ? 0 : there;
        confirmed += said;
        if (there - before != said && there - before != said + 1) {
            printf("# kill %d: %d said, %lld there\n", i, said, (long long)(there - before));
            bad++;
        }
        if (i % 25 == 24 && !whole(path))
            bad++;
    }
    ok(bad == 0, "killed at %d random points: all of %d confirmed queries are there", rounds,
       confirmed);
    ok(whole(path) && number(path, "SELECT count(*) - count(DISTINCT text) FROM queries") == 0,
       "the log is sound and has nothing twice");
}

/* "hold LOG COMMAND...": runs the command while the log is locked for its first 2.5 seconds, longer
 * than a single try to write waits; for tests of the command line. */
static int hold(const char *path, char **command)
{
    sqlite3 *db = NULL;
    int status = -1;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return 99;
    pid_t pid = fork();
    if (pid == 0) {
        execv(command[0], command);
        _exit(98);
    }
    sleep(2);
    usleep(500000);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv + 3);
    if (!make_folder())
        return tap_done();
    migrated(1);
    migrated(2);
    migrated(3);
    migrated(4);
    migrated(5);
    same_identities();
    no_room_for_backup();
    killed_migrations();
    waits_for_lock();
    records_wait();
    waits_for_place();
    taken_away();
    kept_elsewhere();
    refuses("newer.db", "PRAGMA application_id=1986620531; CREATE TABLE t(x); PRAGMA "
                        "user_version=99", "newer");
    refuses("other.db", "CREATE TABLE t(x)", "another program");
    disk_full();
    cut_migration();
    cut_power();
    killed();
    return remove_folder();
}
