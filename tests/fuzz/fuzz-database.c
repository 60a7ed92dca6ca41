/* SPDX-License-Identifier: MIT */
/* Whole logs of strangers: the bytes are a file that every verb of "vilscope sessions" works on as
 * if it were a log. What a page that was damaged or made up can reach from there is looked for.
 * Seeds are logs (tests/data/logs); without one the first pages are hardly ever passed. */
#include "sessions/db.h"
#include "sessions/tend.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static char folder[32]; /* in memory where that can be: a sync costs more than all the rest */

static const char *in_folder(const char *name)
{
    static char path[2][64];
    static int turn;
    char *p = path[turn++ & 1];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static void remove_folder(void)
{
    static const char *const names[] = {"log.db", "into.db"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_folder(names[i]));
    rmdir(folder);
}

static bool make_folder(void)
{
    atexit(remove_folder);
    snprintf(folder, sizeof folder, "/dev/shm/database-XXXXXX");
    if (mkdtemp(folder))
        return true;
    snprintf(folder, sizeof folder, "/tmp/fuzz-database-XXXXXX");
    return mkdtemp(folder) != NULL;
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void need_words(int rc, const struct vs_err *err)
{
    if (rc != 0 && !err->text[0])
        abort();
}

/* A row that is listed is a C string wherever callers do not look. */
static void list_all(struct log *l, FILE *out)
{
    struct log_query *q = NULL;
    struct log_session *s = NULL;
    struct log_probe *p = NULL;
    int n = 0;
    if (log_list_sessions(l, 50, &s, &n, NULL) == 0)
        log_sessions_free(s, n);
    if (log_list_queries(l, 0, "dog", 50, &q, &n, NULL) == 0)
        log_queries_free(q, n);
    if (log_probe_trend(l, "p", NULL, &p, &n, NULL) == 0)
        log_probes_free(p, n);
    if (log_list_queries(l, 0, NULL, 50, &q, &n, NULL) != 0)
        return;
    for (int i = 0; i < n; i++)
        fprintf(out, "%zu %zu\n", strlen(q[i].task), strlen(q[i].text));
    log_queries_free(q, n);
}

static void read_all(struct log *l)
{
    for (int64_t id = 1; id < 6; id++) {
        struct result *r = NULL;
        struct trace *t = NULL;
        char *json = NULL;
        struct vs_err err = {0};
        int rc = log_read_result(l, id, &r, &err);
        need_words(rc, &err);
        if (rc == 0)
            result_free(r);
        if (log_query_json(l, id, &json, NULL) == 0)
            free(json);
        if (log_attention_read(l, id, &t, NULL) == 0)
            trace_free(t);
    }
}

static void export_all(struct log *l, FILE *out)
{
    static const int64_t ids[] = {1, 2, 3, 4};
    struct log_difference *d = NULL;
    int n = 0;
    if (log_list_differences(l, 0, &d, &n, NULL) != 0)
        n = 0;
    for (int i = 0; i < 4; i++) {
        struct log_exported what = {ids + i, 1, d, n};
        log_export(l, &what, LOG_JSON, out, NULL);
        log_export(l, &what, LOG_CSV, out, NULL);
        log_export(l, &what, LOG_HTML, out, NULL);
    }
    log_differences_free(d, n);
}

static void ask_all(struct log *l, FILE *out)
{
    static const char *const sql[] = {"SELECT * FROM queries", "SELECT * FROM changed_parts",
                                      "SELECT * FROM flips", "SELECT * FROM image_history",
                                      "SELECT * FROM words WHERE words MATCH 'dog'"};
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        log_sql(l, sql[i], LOG_TABLE, out, NULL);
        log_sql(l, sql[i], LOG_JSON, out, NULL);
    }
}

static void compare_all(struct log *l)
{
    struct log_side a = {.session = 1}, b = {.session = 2};
    struct log_pair *p = NULL;
    struct log_report report;
    int n = 0;
    if (log_diff(l, &a, &b, &p, &n, NULL) == 0)
        log_pairs_free(p, n);
    log_check(l, false, &report, NULL);
    log_report_fini(&report);
}

/* What is merged from it leaves the other log sound. */
static void merge_all(struct log *from)
{
    struct log *into = NULL;
    struct vs_err err = {0};
    struct log_merged n;
    struct log_report report;
    unlink(in_folder("into.db"));
    if (log_open(in_folder("into.db"), false, &into, &err) != 0)
        abort();
    sqlite3_exec(into->db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    need_words(log_merge(into, from, &n, &err), &err);
    if (log_check(into, false, &report, NULL) != 0)
        abort();
    log_report_fini(&report);
    log_close(into);
}

/* For writing too: it may be migrated, and said something about. */
static void write_all(const char *path, const uint8_t *data, size_t size)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    struct log_prune what = {.before = "9999-01-01"};
    struct log_pruned pruned;
    int64_t session;
    write_file(path, data, size);
    int rc = log_open(path, false, &l, &err);
    need_words(rc, &err);
    if (rc != 0)
        return;
    if (log_begin_session(l, "fuzz", &session, NULL) == 0)
        log_end_session(l, session, NULL);
    log_set_note(l, 1, "a note", NULL);
    log_add_tag(l, 2, "tag", NULL);
    log_prune(l, &what, &pruned, NULL);
    log_close(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct log *l = NULL;
    struct vs_err err = {0};
    if (!nowhere && (!make_folder() || !(nowhere = fopen("/dev/null", "w"))))
        abort();
    if (size == 0 || size > 1 << 20)
        return 0;
    const char *path = in_folder("log.db");
    write_file(path, data, size);
    int rc = log_open(path, true, &l, &err);
    need_words(rc, &err);
    if (rc == 0) {
        list_all(l, nowhere);
        read_all(l);
        export_all(l, nowhere);
        ask_all(l, nowhere);
        compare_all(l);
        merge_all(l);
        log_close(l);
    }
    write_all(in_folder("write.db"), data, size);
    char *command = xasprintf("%s/write.db", folder);
    static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".v1.bak", ".v2.bak",
                                        ".v3.bak", ".v4.bak"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *name = xasprintf("%s%s", command, tails[i]);
        unlink(name);
        free(name);
    }
    free(command);
    return 0;
}
