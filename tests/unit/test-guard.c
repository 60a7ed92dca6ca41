/* SPDX-License-Identifier: MIT */
/* Logs from strangers: each is a log of this program with one thing changed, as somebody with a
 * database browser would. A look at the version alone, tables that are believed by their names, a
 * rule that is taken for what the rows keep, or a pipe that is waited for breaks it. */
#include "sessions/db.h"
#include "sessions/tend.h"

#include "logs.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A log with a query, a session and a difference; sql is run on it with all defences down. */
static const char *make_log(const char *name, const char *sql)
{
    const char *path = file(name);
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session = 0;
    struct difference *d = make_difference("s");
    struct result *r = make_result("refcoco", "square");
    unlink(path);
    bool good = log_open(path, false, &l, &err) == 0 &&
                log_begin_session(l, "made", &session, &err) == 0 &&
                write_one(l, session, "dog", &err) == 0 && log_result(l, session, r, &err) == 0 &&
                log_difference(l, session, d, NULL, &err) == 0;
    log_close(l);
    result_free(r);
    difference_free(d);
    sqlite3 *db = NULL;
    char *why = NULL;
    good = good && sqlite3_open(path, &db) == SQLITE_OK &&
           sqlite3_exec(db, "PRAGMA journal_mode=DELETE; PRAGMA writable_schema=ON", NULL, NULL,
                        NULL) == SQLITE_OK &&
           sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
    if (!good)
        ok(false, "%s is made: %s %s", name, err.text, why ? why : "");
    sqlite3_free(why);
    sqlite3_close(db);
    return path;
}

static int open_both(const char *path, bool read_only, struct vs_err *err)
{
    struct log *l = NULL;
    int rc = log_open(path, read_only, &l, err);
    if (rc == 0)
        log_close(l);
    return rc;
}

/* Neither read nor written to, and not merged from; the message has word. */
static void is_refused(const char *sql, const char *word)
{
    struct vs_err err = {0}, other = {0};
    const char *path = make_log("evil.db", sql);
    int64_t before = number(path, "SELECT count(*) FROM sqlite_master");
    double began = vs_now_ms();
    int reading = open_both(path, true, &err), writing = open_both(path, false, &other);
    ok(reading == VS_E_DB && writing == VS_E_DB && strstr(err.text, word) &&
       strstr(other.text, word) && vs_now_ms() - began < 60000, "%.60s: %s", sql, err.text);
    ok(number(path, "SELECT count(*) FROM sqlite_master") == before, "and left as it is");
}

static void other_tables(void)
{
#define RENAME "PRAGMA legacy_alter_table=ON; ALTER TABLE sessions RENAME TO s0;"
    is_refused("PRAGMA user_version=-2147483648", "not a log of vilscope");
    is_refused("PRAGMA user_version=-1", "not a log of vilscope");
    is_refused("PRAGMA user_version=0", "not a log of vilscope");
    is_refused("PRAGMA user_version=2147483647", "not a log of vilscope");
    is_refused("PRAGMA user_version=3", "not a log of vilscope");
    is_refused("PRAGMA user_version=99", "newer");
    is_refused("PRAGMA application_id=-1", "another program");
    is_refused(RENAME "CREATE VIEW sessions AS WITH RECURSIVE t(id, started, ended, note, uid,"
               " machine) AS (SELECT 1, '', '', '', '', '' UNION ALL SELECT id + 1, '', '', '', '',"
               " '' FROM t) SELECT * FROM t WHERE id < 0", "does not belong");
    is_refused("CREATE TRIGGER evil AFTER INSERT ON sessions BEGIN DELETE FROM queries; END",
               "trigger 'evil'");
    is_refused("DROP TRIGGER queries_insert", "trigger 'queries_insert' is missing");
    is_refused("CREATE TABLE more(x)", "table 'more'");
    is_refused("CREATE VIEW more AS SELECT 1", "view 'more'");
    is_refused("DROP VIEW flips; CREATE VIEW flips AS SELECT 1", "view 'flips'");
    is_refused("CREATE VIRTUAL TABLE more USING fts5(x)", "table 'more");
    is_refused("DROP INDEX sessions_uid", "index 'sessions_uid' is missing");
    is_refused("CREATE INDEX more ON queries(device)", "index 'more'");
    is_refused("ALTER TABLE queries ADD COLUMN more TEXT", "table 'queries'");
    is_refused("ALTER TABLE queries ADD COLUMN more AS (zeroblob(1000000000))",
               "table 'queries'");
    is_refused("ALTER TABLE queries DROP COLUMN margin", "table 'queries'");
    is_refused("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'",
               "is not what it should be");
    is_refused("UPDATE sqlite_master SET sql = replace(sql, 'REAL', 'BLOB') WHERE name = 'answers'",
               "table 'answers'");
    is_refused("UPDATE sqlite_master SET sql = replace(sql, ' CHECK(length(digest) = 64)', '')"
               " WHERE name = 'images'", "table 'images'");
    is_refused("UPDATE sqlite_master SET tbl_name = 'queries' WHERE name = 'tags'", "");
#undef RENAME
}

/* ---- rows that break the rules of their tables, which say what they should again */

/* Without its rules the table takes anything; then they are there as before. */
static const char *break_rules(const char *name, const char *table, const char *sql)
{
    char *all = xasprintf(
        "CREATE TEMP TABLE kept AS SELECT sql FROM sqlite_master WHERE name = '%s';"
        "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = '%s';"
        "PRAGMA schema_version=1000;", table, table);
    const char *path = make_log(name, all);
    char *kept = NULL, *back;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    struct log *model = NULL;
    struct vs_err err = {0};
    bool good = log_open(file("model.db"), false, &model, &err) == 0 &&
                sqlite3_prepare_v2(model->db, "SELECT sql FROM sqlite_master WHERE name = ?", -1,
                                   &s, NULL) == SQLITE_OK &&
                sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW;
    kept = good ? xstrdup((const char *)sqlite3_column_text(s, 0)) : xstrdup("");
    sqlite3_finalize(s);
    log_close(model);
    back = sqlite3_mprintf("UPDATE sqlite_master SET sql = %Q WHERE name = %Q", kept, table);
    good = good && sqlite3_open(path, &db) == SQLITE_OK &&
           sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, "PRAGMA writable_schema=ON", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, back, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    sqlite3_free(back);
    free(kept);
    free(all);
    if (!good)
        ok(false, "rules are broken: %s %s", sql, err.text);
    return path;
}

static int read_all(struct log *l, struct vs_err *err)
{
    struct result *r = NULL;
    struct log_query *q = NULL;
    char *json = NULL;
    int n = 0, rc = log_list_queries(l, 0, NULL, 10, &q, &n, err);
    for (int i = 0; i < n; i++)
        if (!q[i].task || !q[i].text)
            rc = VS_E_FORMAT; /* no caller looks */
    for (int i = 0; i < n && rc == 0; i++) {
        rc = log_read_result(l, q[i].id, &r, err);
        if (rc == 0)
            result_free(r);
    }
    log_queries_free(q, n);
    if (rc == 0)
        rc = log_difference_json(l, 1, &json, err);
    free(json);
    return rc;
}

/* want: what reading all of it comes to. */
static void is_survived(const char *table, const char *sql, int want)
{
    struct log *l = NULL, *into = NULL;
    struct vs_err err = {0};
    struct log_merged n;
    const char *path = break_rules("broken.db", table, sql);
    ok(log_open(path, true, &l, &err) == 0, "opened: %s", err.text);
    int rc = l ? read_all(l, &err) : 1;
    ok(rc == want, "%s: %d %s", sql, rc, err.text);
    unlink(file("into.db"));
    ok(l && log_open(file("into.db"), false, &into, &err) == 0, "another log");
    err.text[0] = '\0';
    int merged = l && into ? log_merge(into, l, &n, &err) : 1;
    ok(merged == 0 || err.text[0], "merging it says why not: %s", err.text);
    log_close(into);
    log_close(l);
    ok(integrity(file("into.db")) &&
       number(file("into.db"), "SELECT count(*) FROM queries WHERE text IS NULL OR asked IS NULL OR"
       " typeof(seq) <> 'integer' OR seq > 1000") == 0 && number(file("into.db"), "SELECT count(*)"
       " FROM sessions WHERE last_seq > 1000 OR typeof(last_seq) <> 'integer'") == 0,
       "what is merged from it is sound");
}

static void broken_rows(void)
{
    is_survived("queries", "UPDATE queries SET text = NULL WHERE id = 1", VS_E_DB);
    is_survived("queries", "UPDATE queries SET model_text = NULL", VS_E_DB);
    is_survived("queries", "UPDATE queries SET task = NULL", VS_E_DB);
    is_survived("queries", "UPDATE queries SET asked = NULL, best_score_name = NULL, changes ="
                " NULL, seq = NULL", 0);
    is_survived("queries", "UPDATE queries SET answer_count = -1", VS_E_DB);
    is_survived("queries", "UPDATE queries SET answer_count = 4294967296, box_count = 'many'",
                VS_E_DB);
    is_survived("queries", "UPDATE queries SET seq = 9223372036854775807 WHERE id = 1", 0);
    is_survived("sessions", "UPDATE sessions SET uid = NULL, started = NULL, last_seq = 'x'", 0);
    is_survived("sessions", "UPDATE sessions SET last_seq = 9223372036854775807", 0);
    is_survived("query_images", "UPDATE query_images SET region_count = 2147483647", VS_E_DB);
    is_survived("query_images", "UPDATE query_images SET candidate_count = -5", VS_E_DB);
    is_survived("query_images", "UPDATE query_images SET width = NULL", VS_E_DB);
    is_survived("query_images", "PRAGMA ignore_check_constraints=ON; UPDATE"
                " query_images SET regions_origin = 'moon'", VS_E_DB);
    is_survived("query_images", "UPDATE query_images SET regions_origin = NULL", VS_E_DB);
    is_survived("tokens", "UPDATE tokens SET piece = NULL", VS_E_DB);
    is_survived("tokens", "UPDATE tokens SET first_byte = -1", VS_E_DB);
    is_survived("tokens", "UPDATE tokens SET end_byte = 5000", VS_E_DB);
    is_survived("boxes", "UPDATE boxes SET image = 2", VS_E_DB);
    is_survived("boxes", "UPDATE boxes SET x1 = NULL, logit = NULL", 0);
    is_survived("checkpoints", "UPDATE checkpoints SET digest = NULL", 0);
    is_survived("queries", "DELETE FROM checkpoints", 0);
    is_survived("differences", "UPDATE differences SET summary = NULL, data = NULL", VS_E_DB);
    is_survived("differences", "UPDATE differences SET data = '{\"a\":1}' || char(10) || '{}'",
                VS_E_DB);
}

/* ---- files that are none */

static void other_files(void)
{
    struct vs_err err = {0};
    const char *pipe = file("pipe.db"), *side = file("side.db-wal"), *sock = file("s.db");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    mkfifo(pipe, 0600);
    ok(open_both(pipe, true, &err) == VS_E_DB && strstr(err.text, "is a pipe"), "%s", err.text);
    ok(open_both(pipe, false, &err) == VS_E_DB && strstr(err.text, "is a pipe"), "%s", err.text);
    mkfifo(side, 0600);
    ok(open_both(file("side.db"), false, &err) == VS_E_DB && strstr(err.text, "is a pipe"), "%s",
       err.text);
    ok(open_both("/dev/zero", true, &err) == VS_E_DB && strstr(err.text, "is a device"), "%s",
       err.text);
    ok(open_both("/dev/null", false, &err) == VS_E_DB && strstr(err.text, "is a device"), "%s",
       err.text);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", sock);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
        tap_skip("no socket can be made here");
    else
        ok(open_both(sock, true, &err) == VS_E_DB && strstr(err.text, "is a socket"), "%s",
           err.text);
    close(fd);
}

static int mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static void permissions(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session;
    mode_t old = umask(022);
    const char *path = file("a/folder/log.db"), *wal = file("a/folder/log.db-wal");
    ok(log_open(path, false, &l, &err) == 0 && log_begin_session(l, "x", &session, &err) == 0,
       "a new log in a new folder %s", err.text);
    ok(mode_of(path) == 0600 && mode_of(wal) == 0600, "only its owner reads it: %o %o",
       (unsigned)mode_of(path), (unsigned)mode_of(wal));
    ok(mode_of(file("a/folder")) == 0700 && mode_of(file("a")) == 0700, "and its folders");
    log_close(l);
    chmod(path, 0640);
    log_open(path, false, &l, &err);
    log_close(l);
    ok(mode_of(path) == 0640, "what the owner chose stays");
    char *target = xasprintf("%s/target.db", dir);
    ok(symlink(target, file("link.db")) == 0 && open_both(file("link.db"), false, &err) == 0 &&
       mode_of(target) == 0600, "a link to a log that is still to be made: %s", err.text);
    free(target);
    umask(old);
}

/* SQLite keeps infinity, JSON has none: the row stays. */
static void infinite(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    struct result *r = NULL;
    make_log("inf.db", "UPDATE queries SET entropy = 9e999; UPDATE timings SET ms = 9e999;"
                       "UPDATE answers SET logit = 9e999");
    bool good = log_open(file("inf.db"), true, &l, &err) == 0 &&
                log_read_result(l, 1, &r, &err) == 0 && r->answer_count > 0;
    char *json = good ? result_json(r, 0) : xstrdup("");
    ok(strstr(json, "\"rank\":1,") && strstr(json, "\"logit\":null,") &&
       strstr(json, "\"entropy\":null") && strstr(json, "\"total\":null"),
       "infinite numbers are null in JSON: %s %.60s", err.text, json);
    free(json);
    result_free(r);
    log_close(l);
}

/* A folder of logs is read as one, or not at all. */
static void folders(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    const char *folder = file("logs/");
    ok(mkdir(folder, 0700) == 0, "a folder of logs");
    make_log("logs/a.db", "SELECT 1");
    make_log("logs/b.db", "UPDATE sessions SET last_seq = 1; UPDATE queries SET seq = seq + 100");
    ok(log_open(folder, true, &l, &err) == VS_E_DB && strstr(err.text, "logs//b.db: the numbers"),
       "one that cannot be merged is named: %s", err.text);
    unlink(file("logs/b.db"));
    ok(log_open(folder, true, &l, &err) == 0, "without it the others are read %s", err.text);
    log_close(l);
    unlink(file("logs/a.db"));
    rmdir(folder);
}

/* A statement has its time, and what stops at its end says so. */
static void too_long(void)
{
    static const char *const sql = "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t"
                                   " WHERE i < 100000) SELECT count(*) FROM t";
    struct log *l = NULL;
    struct vs_err err = {0}, late = {0};
    int64_t count = 0;
    if (log_open(make_log("long.db", "SELECT 1"), true, &l, &err) != 0) {
        ok(false, "a log opens: %s", err.text);
        return;
    }
    ok(db_number(l, sql, &count, &err) == 0 && count == 100000, "in time it counts: %s", err.text);
    guard_opening(l, true);
    l->until = vs_now_ms() - 1;
    ok(db_number(l, sql, &count, &late) == VS_E_DB && strstr(late.text, "long.db: this takes too "
       "long"), "too late it is stopped: %s", late.text);
    log_close(l);
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    other_tables();
    broken_rows();
    other_files();
    permissions();
    infinite();
    folders();
    too_long();
    return remove_folder();
}
