/* SPDX-License-Identifier: MIT */
/* The log: what is written is read back as the same JSON; and every fault of the disk or of other
 * programs is one clear line with nothing lost: locked, full, read-only, damaged, foreign, newer,
 * killed half way, two writers. */
#include "logs.h"

#include <grp.h>

static void round_trip(void)
{
    static const char *const tasks[] = {"vqa", "refcoco", "nlvr2", "snli-ve", "coco"};
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session = 0;
    const char *path = file("deep/er/log.db");
    ok(log_open(path, false, &l, &err) == 0 && log_begin_session(l, "a note", &session, &err) == 0,
       "a log is made with its folders %s", err.text);
    bool same = true;
    for (int i = 0; i < 5; i++) {
        struct result *r = make_result(tasks[i], "it's \"a\" dog; DROP TABLE queries--");
        r->pair_separate = i == 2;
        r->images[1].regions_origin = (enum region_origin)(i % REGION_ORIGINS);
        r->images[0].regions_key = i == 1 ? xstrdup("an entry") : NULL;
        char *json = NULL, *want = result_json(r, 2);
        same &= log_result(l, session, r, &err) == 0 && r->log_id == i + 1 &&
                log_query_json(l, r->log_id, &json, &err) == 0 && strcmp(json, want) == 0;
        free(json);
        free(want);
        result_free(r);
    }
    ok(same, "results of all readings come back as the same JSON %s", err.text);
    struct log_query *q;
    int n;
    ok(log_list_queries(l, session, "DOG", 10, &q, &n, &err) == 0 && n == 5 && q[0].id == 5 &&
       strcmp(q[0].task, "coco") == 0 && strcmp(q[3].answer, "region 0 dog") == 0 &&
       strcmp(q[0].score_name, "logit") == 0, "queries are found, newest first");
    log_queries_free(q, n);
    ok(log_list_queries(l, 0, "zebra", 10, &q, &n, &err) == 0 && n == 0, "and not found");
    log_queries_free(q, n);
    log_end_session(l, session, &err);
    struct log_session *s;
    ok(log_list_sessions(l, 10, &s, &n, &err) == 0 && n == 1 && s[0].query_count == 5 &&
       s[0].ended[0] && strcmp(s[0].note, "a note") == 0, "the session is listed");
    log_sessions_free(s, n);
    char *json = NULL;
    ok(log_query_json(l, 99, &json, &err) == VS_E_MISSING, "no such query: %s", err.text);
    struct result *r = make_result("vqa", "x");
    r->checkpoint_digest[0] = '\0';
    ok(log_result(l, session, r, &err) != 0, "no digest: %s", err.text);
    result_free(r);
    log_close(l);
}

/* One layout wherever a result comes from: what is counted is there. */
static void copies(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session;
    struct result *r = make_result("vqa", "what?"), *read = NULL;
    char *want = result_json(r, 0);
    log_open(file("copies.db"), false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    ok(log_result(l, session, r, &err) == 0 && log_read_result(l, 1, &read, &err) == 0 &&
       read->answer_count == RESULT_TOP && read->answer_total == 150,
       "of 150 answers the log has the first hundred, and says so %s", err.text);
    struct result *all = result_copy(r, RESULT_TOP), *few = result_copy(r, 2);
    struct result *again = read ? result_copy(read, RESULT_TOP) : NULL;
    ok(few->answer_count == 2 && few->answer_total == 150 && r->answer_count == 150,
       "a copy has as many as were asked for");
    result_free(r);
    result_free(read);
    char *copied = result_json(all, 0), *twice = again ? result_json(again, 0) : xstrdup("");
    ok(strcmp(copied, want) == 0 && strcmp(twice, want) == 0,
       "copies are the same when what they were made of is gone");
    free(copied);
    free(twice);
    free(want);
    result_free(all);
    result_free(few);
    result_free(again);
    log_close(l);
}

static void locked(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session;
    sqlite3 *db;
    const char *path = file("locked.db");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    sqlite3_open(path, &db);
    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
    ok(write_one(l, session, "x", &err) == VS_E_DB && strstr(err.text, "locked"), "locked: %s",
       err.text);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(write_one(l, session, "x", &err) == 0, "and later it is written");
    log_close(l);
    ok(count_queries(path) == 1, "one query is there, not two");
}

static void full(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session;
    const char *path = file("full.db");
    struct rlimit old, small;
    int written = 0, rc = 0;
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 500000; /* some queries more than the tables */
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 200 && rc == 0; i++) {
        rc = write_one(l, session, "x", &err);
        written += rc == 0;
    }
    ok(rc == VS_E_DB && written > 0, "a full disk after %d queries: %s", written, err.text);
    setrlimit(RLIMIT_FSIZE, &old);
    ok(write_one(l, session, "after", &err) == 0, "with room again it goes on %s", err.text);
    log_close(l);
    ok(count_queries(path) == written + 1 && integrity(path), "all written queries are there");
}

/* The status of what somebody does whom permissions bind; -1: nobody can be found. */
static int as_anybody(int (*does)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        bool root = geteuid() == 0;
        if (root && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
            _exit(255);
        /* A folder above may keep all others out. */
        if (access(dir, X_OK) != 0 || setenv("TMPDIR", file("tmp"), 1) != 0)
            _exit(255);
        _exit(does());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 100;
    return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

/* What is wrong, in bits. */
static int try_read_only(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int bad = 0;
    if (log_open(file("ro/log.db"), false, &l, &err) != VS_E_DB ||
        !strstr(err.text, "cannot be written: change its permissions"))
        bad |= 1;
    if (count_queries(file("ro/log.db")) != 1)
        bad |= 2;
    if (log_open(file("ro/new.db"), false, &l, &err) != VS_E_DB || !strstr(err.text, "created"))
        bad |= 4;
    if (log_open(file("ro/other.db"), true, &l, &err) == 0 || !strstr(err.text, "opened"))
        bad |= 8; /* another's, mode 0600 */
    struct log_left left = {0};
    log_start(file("ro/log.db"), "test", &l, &err);
    struct result *r = make_result("vqa", "kept");
    if (log_result_later(l, r, &err) != VS_E_DB || log_finish(l, &left, &err) != VS_E_DB ||
        left.kept != 1 || !left.where || count_queries(left.where) != 1)
        bad |= 16; /* neither beside the log nor beside the default one, but in $TMPDIR */
    if (left.where)
        unlink(left.where);
    free(left.where);
    result_free(r);
    return bad;
}

static void read_only(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session;
    const char *path = file("ro/log.db");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    write_one(l, session, "x", &err);
    log_close(l);
    ok(log_open(file("none.db"), true, &l, &err) == VS_E_MISSING, "nothing to read: %s", err.text);
    ok(access(file("none.db"), F_OK) != 0, "reading makes no file");
    log_open(file("ro/other.db"), false, &l, &err);
    log_close(l);
    chmod(path, 0444);
    if (geteuid() != 0)
        chmod(file("ro/other.db"), 0); /* anybody is this same user, whose own file it is */
    chmod(file("ro"), 0555);
    chmod(dir, 0755);
    mkdir(file("tmp"), 01777);
    chmod(file("tmp"), 01777); /* whatever the mask is */
    int status = as_anybody(try_read_only);
    if (status < 0)
        tap_skip("there is nobody else to be, or a folder above keeps others out");
    else
        ok(status == 0, "for who may not write to it, it says so, and is read: %d", status);
    chmod(dir, 0700);
    chmod(file("ro"), 0700);
}

static void write_bytes(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(text, 1, n, f);
        fclose(f);
    }
}

static void damaged(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session = 0;
    sqlite3 *db;
    write_bytes(file("text.db"), "this is no database, but it is long enough to be looked at", 58);
    ok(log_open(file("text.db"), false, &l, &err) == VS_E_DB, "no database: %s", err.text);
    const char *path = file("damaged.db");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    for (int i = 0; i < 30; i++)
        write_one(l, session, "x", &err);
    log_close(l);
    FILE *f = fopen(path, "r+b");
    for (long at = 4096; f && at < 200000; at += 512) {
        fseek(f, at, SEEK_SET);
        fputs("damage damage damage damage", f);
    }
    if (f)
        fclose(f);
    l = NULL;
    int rc = log_open(path, false, &l, &err);
    if (rc == 0)
        rc = write_one(l, 1, "x", &err);
    ok(rc == VS_E_DB && strstr(err.text, path), "damaged pages: %s", err.text);
    log_close(l);
    sqlite3_open(file("other.db"), &db);
    sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_open(file("other.db"), false, &l, &err) == VS_E_DB && strstr(err.text, "another"),
       "another program's: %s", err.text);
    log_open(file("newer.db"), false, &l, &err);
    log_close(l);
    sqlite3_open(file("newer.db"), &db);
    sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_open(file("newer.db"), false, &l, &err) == VS_E_DB && strstr(err.text, "newer"),
       "a newer version: %s", err.text);
    ok(log_open("/proc/", false, &l, &err) == VS_E_DB, "a folder that takes none: %s", err.text);
}

/* A child writes and says after each query that it is done; it is killed in the middle. */
static void killed(void)
{
    const char *path = file("killed.db");
    for (int round = 0; round < 5; round++) {
        int p[2];
        struct vs_err err = {0};
        int64_t before = round ? count_queries(path) : 0;
        if (pipe(p) != 0)
            return;
        pid_t pid = fork();
        if (pid == 0) {
            struct log *l = NULL;
            int64_t session;
            if (log_open(path, false, &l, &err) == 0 &&
                log_begin_session(l, NULL, &session, &err) == 0)
                while (write_one(l, session, "x", &err) == 0 && write(p[1], "x", 1) == 1) {
                }
            _exit(1);
        }
        close(p[1]);
        int said = 0;
        char c;
        while (said < 5 + 3 * round && read(p[0], &c, 1) == 1)
            said++;
        kill(pid, SIGKILL);
        while (read(p[0], &c, 1) == 1)
            said++;
        close(p[0]);
        waitpid(pid, NULL, 0);
        int64_t there = count_queries(path) - before;
        ok(integrity(path) && (there == said || there == said + 1),
           "killed: %d queries were answered, %lld are there", said, (long long)there);
    }
}

static void two_writers(void)
{
    const char *path = file("two.db");
    pid_t pid[2];
    for (int i = 0; i < 2; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            struct log *l = NULL;
            struct vs_err err = {0};
            int64_t session;
            int rc = log_open(path, false, &l, &err);
            if (rc == 0)
                rc = log_begin_session(l, NULL, &session, &err);
            for (int n = 0; n < 30 && rc == 0; n++)
                rc = write_one(l, session, "x", &err);
            log_close(l);
            if (rc != 0)
                printf("# %s\n", err.text);
            fflush(stdout);
            _exit(rc != 0);
        }
    }
    int bad = 0, status;
    for (int i = 0; i < 2; i++) {
        waitpid(pid[i], &status, 0);
        bad += status != 0;
    }
    ok(bad == 0 && count_queries(path) == 60 && integrity(path), "two programs write at once");
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    round_trip();
    copies();
    locked();
    full();
    read_only();
    damaged();
    killed();
    two_writers();
    return remove_folder();
}
