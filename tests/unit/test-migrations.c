/* SPDX-License-Identifier: MIT */
/* A log of an older version moves to this one: all that it holds is there, the old one is kept
 * beside it, and neither a full disk nor a killed program costs anything. Without the copy a
 * migration that goes wrong costs the log; a step that is left out loses columns. */
#include "logs.h"
#include "rows.h"
#include "sessions/db.h"

/* Where regions came from was told by their path before version 6: version-5.db, and the next
 * made of it, have a query on boxes of a user, of two images, and one on what a detector found. */
static void origins(const char *path, int version)
{
    static const char count[] = "SELECT count(*) FROM query_images WHERE query_id < 5 AND ";
    char *user = xasprintf("%sregions_origin = 'user' AND query_id = 3", count);
    char *found = xasprintf("%sregions_origin = 'detector' AND query_id = 1", count);
    char *file = xasprintf("%sregions_origin = 'file'", count);
    ok(number(path, user) == (version >= 5 ? 2 : 0) &&
       number(path, found) == (version >= 5) &&
       number(path, file) == (version >= 5 ? 2 : 5), "where regions came from is known");
    free(user);
    free(found);
    free(file);
}

/* Rows of an evaluation are new in version 7; those of before have none. */
static void new_rows(struct log *l, const char *path)
{
    struct vs_err err = {0};
    struct buf b = {0};
    int64_t old = number(path, "SELECT count(*) FROM evaluations WHERE split IS NULL OR row_count ="
                         " 4");
    add_row(&b, "a", 0, true);
    struct log_evaluation e = {.task = task_find("nlvr2"), .data_digest = "d", .items = 1,
                               .score = 1, .low = 0, .high = 1, .split = "dev", .rows = b.data,
                               .rows_size = b.len};
    memset(e.checkpoint_digest, 'c', 64);
    ok(number(path, "SELECT count(*) FROM evaluations WHERE shard = 0 AND shards = 0 AND part IS"
                    " NULL") == old, "what was measured is no share");
    ok(old == number(path, "SELECT count(*) FROM evaluations") &&
       log_evaluation(l, 1, &e, &err) == 0 && number(path, "SELECT count(*) FROM sliced_rows WHERE"
       " field = 'kind' AND name = 'dev-0'") == 1, "rows can be logged, and sliced %s", err.text);
    buf_fini(&b);
}

/* version-8.db has rows of two evaluations: how their items came out is indexed, and asked of new
 * views. */
static void old_rows(const char *path)
{
    ok(number(path, "SELECT a_answer = 'true' AND b_answer = 'false' AND item = 1 FROM row_lost"
                    " WHERE a_evaluation = 2 AND b_evaluation = 3") == 1 &&
       number(path, "SELECT a_answer = 'false' AND b_answer = 'true' AND item = 2 FROM row_gained"
                    " WHERE a_evaluation = 2 AND b_evaluation = 3") == 1 &&
       number(path, "SELECT count(*) FROM row_flips WHERE a_evaluation = 2 AND b_evaluation = 3")
       == 2, "flips of old rows are told by their side");
    ok(number(path, "SELECT count(*) FROM evaluation_rows INDEXED BY evaluation_outcomes WHERE"
                    " evaluation_id = 3 AND correct = 1") == 2, "and counted by the index");
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
    ok(number(path, "SELECT count(*) FROM evaluations") == (version > 7 ? 3 : version > 1),
       "evaluations, too");
    ok(number(path, "SELECT count(DISTINCT uid) FROM sessions WHERE length(uid) = 32 AND run IS"
                    " NULL") == (version > 7 ? 5 : 4), "sessions have identities");
    if (version > 7)
        old_rows(path);
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
    new_rows(l, path);
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

int main(void)
{
    if (!make_folder())
        return tap_done();
    for (int version = 1; version < LOG_SCHEMA; version++)
        migrated(version);
    same_identities();
    no_room_for_backup();
    killed_migrations();
    return remove_folder();
}
