/* The log: what is written is read back as the same JSON; and every fault of the disk or of other
 * programs is one clear line with nothing lost: locked, full, read-only, damaged, foreign, newer,
 * killed half way, two writers. */
#include "sessions/log.h"
#include "src/mem.h"
#include "tap.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[3000];

static const char *file(const char *name)
{
    static char path[4][4096];
    static int turn;
    char *p = path[turn++ & 3];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* A result with two images, tokens, answers and boxes; label of the best answer is the text. */
static struct result *make_result(const char *task, const char *text)
{
    struct result *r = xcalloc(1, sizeof *r);
    r->task = task_find(task);
    r->text = xstrdup(text);
    r->model_text = xasprintf("%s?", text);
    r->model_name = xstrdup("tiny");
    r->checkpoint_path = xstrdup("a/b.bin");
    r->checkpoint_name = xstrdup("b");
    memset(r->checkpoint_digest, 'c', 64);
    r->device = xstrdup("ref, 1 thread");
    r->notice = xstrdup("it's \"quoted\"");
    r->image_count = 2;
    r->images = xcalloc(2, sizeof *r->images);
    for (int i = 0; i < 2; i++) {
        struct result_image *im = &r->images[i];
        im->path = i ? NULL : xstrdup("p.png");
        memset(im->digest, 'a' + i, i ? 0 : 64);
        im->width = 96;
        im->height = 64;
        im->regions_path = xstrdup("p.npy");
        memset(im->regions_digest, 'd', 64);
        im->region_count = 7;
    }
    r->token_count = 2;
    r->tokens = xcalloc(2, sizeof *r->tokens);
    r->tokens[0] = (struct result_token){xstrdup("[CLS]"), 101, 0, 0, true};
    r->tokens[1] = (struct result_token){xstrdup("dog"), 17, 0, 3, false};
    bool boxes = r->task->reading == READ_BOXES;
    int n = boxes ? 3 : 150;
    if (boxes) {
        r->boxes = xcalloc((size_t)n, sizeof *r->boxes);
        r->box_count = n;
        for (int i = 0; i < n; i++)
            r->boxes[i] = (struct result_box){0, i, {0.1f, 1.5f, 2, 3}, i ? NULL : xstrdup("dog"),
                                              1.25f / (float)(i + 1), 0.3f, 0.9f};
    } else {
        r->answers = xcalloc((size_t)n, sizeof *r->answers);
        r->answer_count = n;
        for (int i = 0; i < n; i++)
            r->answers[i] = (struct result_answer){i, xasprintf("answer %d", i), 0.1f * (float)i,
                                                   0.01f, 0.5f};
    }
    r->ms = (struct result_times){0.1, 0.2, 30.3, 0.4, 31};
    r->entropy = 1.5;
    r->margin = 0.25;
    return r;
}

static int write_one(struct log *l, int64_t session, const char *text, struct vs_err *err)
{
    struct result *r = make_result("vqa", text);
    int rc = log_result(l, session, r, err);
    result_free(r);
    return rc;
}

static int64_t count_queries(const char *path)
{
    struct log *l = NULL;
    struct log_query *q = NULL;
    struct vs_err err = {0};
    int n = -1;
    if (log_open(path, true, &l, &err) != 0 || log_list_queries(l, 0, NULL, 100000, &q, &n, &err))
        n = -1;
    if (n >= 0)
        log_queries_free(q, n);
    log_close(l);
    return n;
}

static bool integrity(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool good = sqlite3_open(path, &db) == SQLITE_OK &&
                sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return good;
}

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
    small.rlim_cur = 400000;
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
    if (geteuid() == 0) {
        tap_skip("permissions do not bind root");
        return;
    }
    chmod(path, 0400);
    chmod(file("ro"), 0500);
    ok(log_open(path, false, &l, &err) == VS_E_DB && strstr(err.text, "written"), "read-only: %s",
       err.text);
    ok(count_queries(path) == 1, "it can still be read");
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
    ok(log_open(dir, false, &l, &err) == VS_E_DB, "a folder: %s", err.text);
}

/* A log of version 1, with data: version 2 only added a table. */
static void older(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    sqlite3 *db;
    int64_t session = 0;
    const char *path = file("older.db");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    write_one(l, session, "kept", &err);
    log_close(l);
    sqlite3_open(path, &db);
    sqlite3_exec(db, "DROP TABLE evaluations; PRAGMA user_version=1", NULL, NULL, NULL);
    sqlite3_close(db);
    ok(log_open(path, false, &l, &err) == 0 && count_queries(path) == 1, "version 1 is migrated %s",
       err.text);
    struct log_evaluation e = {.task = task_find("gqa"), .model = "tiny", .data_digest = "d",
                               .items = 10, .score = 0.5, .low = 0.2, .high = 0.8};
    memset(e.checkpoint_digest, 'c', 64);
    ok(log_evaluation(l, session, &e, &err) == 0, "and takes evaluations %s", err.text);
    log_close(l);
}

/* A child writes and says after each query that it is done; it is killed in the middle. */
static void killed(void)
{
    const char *path = file("killed.db");
    for (int round = 0; round < 5; round++) {
        int p[2];
        struct vs_err err = {0};
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
        int64_t before = round ? count_queries(path) : 0;
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
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/log-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        ok(false, "no folder for the test");
        return tap_done();
    }
    round_trip();
    locked();
    full();
    read_only();
    damaged();
    older();
    killed();
    two_writers();
    char *command = xasprintf("rm -rf '%s'", dir);
    ok(system(command) == 0, "the folder is removed");
    free(command);
    return tap_done();
}
