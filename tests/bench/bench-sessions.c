/* SPDX-License-Identifier: MIT */
/* Times the log: makes one of so many queries, then opens the history, searches at every key of
 * some phrases, and logs queries beside bare SQLite inserts of the same bytes, in turn.
 *
 * usage: bench-sessions FILE [QUERIES]   (FILE is made, or used again when it has as many) */
#include "median.h"
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 300
#define TOKENS 14

static uint64_t state = 88172645463325252u;

static unsigned roll(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

/* ---- results such as the program logs */

/* Few words are common and many are rare, as in any text. */
static void add_word(struct buf *b)
{
    static const char *const parts[] = {"ba", "do", "ke", "li", "mo", "nu", "pa", "re", "si", "tu"};
    unsigned rank = roll(3) ? roll(40) : roll(2) ? roll(400) : roll(20000);
    buf_puts(b, b->len ? " " : "");
    for (unsigned n = rank + 10; n; n /= 10)
        buf_puts(b, parts[n % 10]);
}

static char *make_text(void)
{
    static const char *const starts[] = {"what color is the", "how many", "is there a", "where is",
                                         "what is the", "the left", "which", "are both"};
    struct buf b = {0};
    buf_puts(&b, starts[roll(8)]);
    for (unsigned i = 2 + roll(4); i > 0; i--)
        add_word(&b);
    return buf_steal(&b);
}

static void fill_images(struct result *r)
{
    unsigned number = roll(5000);
    r->image_count = 1;
    r->images = xcalloc(1, sizeof *r->images);
    struct result_image *im = &r->images[0];
    im->path = xasprintf("photos/COCO_val2014_%012u.jpg", number);
    snprintf(im->digest, DIGEST_HEX, "%064u", number);
    snprintf(im->regions_digest, DIGEST_HEX, "%064u", number + 1);
    im->regions_path = xasprintf("photos/COCO_val2014_%012u.npy", number);
    im->width = 640;
    im->height = 480;
    im->region_count = 100;
}

static struct result *make_result(int entries)
{
    struct result *r = xcalloc(1, sizeof *r);
    unsigned checkpoint = roll(8);
    r->task = &task_table[roll((unsigned)task_count)];
    r->text = make_text();
    r->model_text = xstrdup(r->text);
    r->model_name = xstrdup("12in1");
    r->checkpoint_name = xasprintf("step-%u", checkpoint);
    r->checkpoint_path = xasprintf("models/12in1/step-%u.bin", checkpoint);
    snprintf(r->checkpoint_digest, DIGEST_HEX, "%064u", checkpoint);
    r->device = xstrdup("cpu-avx2, 8 threads");
    fill_images(r);
    r->token_count = TOKENS;
    r->tokens = xcalloc(TOKENS, sizeof *r->tokens);
    for (int i = 0; i < TOKENS; i++)
        r->tokens[i] = (struct result_token){xstrdup("##ing"), 1000 + i, i, i + 1, i == 0};
    bool boxes = r->task->reading->ranked == RANKED_REGIONS;
    for (int i = 0; boxes && i < entries; i++) {
        r->boxes = xreallocarray(r->boxes, (size_t)i + 1, sizeof *r->boxes);
        r->boxes[r->box_count++] = (struct result_box){
            0, i, {10.5f, 20.25f, 300.125f, 200.0625f}, xstrdup("person"), 1.5f, 0.01f, 0.5f};
    }
    for (int i = 0; !boxes && i < entries; i++) {
        struct buf b = {0};
        add_word(&b);
        r->answers = xreallocarray(r->answers, (size_t)i + 1, sizeof *r->answers);
        r->answers[r->answer_count++] = (struct result_answer){i, buf_steal(&b), 1.5f, 0.01f, 0.5f};
    }
    r->answer_total = r->answer_count;
    r->ms = (struct result_times){0.1, 0.2, 30.3, 0.4, 31};
    return r;
}

/* ---- the log */

static int64_t count_queries(struct log *l)
{
    int64_t n = 0;
    db_number(l, "SELECT count(*) FROM queries", &n, NULL);
    return n;
}

static int add_batch(struct log *l, int count, struct vs_err *err)
{
    int64_t session, id;
    int rc = log_begin_session(l, "bench", &session, err);
    if (rc == 0)
        rc = db_begin(l, "generating", err);
    for (int i = 0; i < count && rc == 0; i++) {
        struct result *r = make_result(5);
        rc = log_write_rows(l, session, r, NULL, &id, err);
        result_free(r);
    }
    rc = db_end(l, rc, "generating", err);
    return rc ? rc : log_end_session(l, session, err);
}

static int generate(const char *path, int64_t want, struct vs_err *err)
{
    struct log *l = NULL;
    double start = vs_now_ms();
    int rc = log_open(path, false, &l, err);
    if (rc == 0)
        rc = db_exec(l, "PRAGMA synchronous=OFF; PRAGMA cache_size=-400000", "generating", err);
    int64_t n = rc == 0 ? count_queries(l) : want;
    if (n < want)
        printf("making a log of %lld queries: %s\n", (long long)want, path);
    fflush(stdout);
    for (int64_t there = n; there < want && rc == 0; there += 100)
        rc = add_batch(l, want - there < 100 ? (int)(want - there) : 100, err);
    if (rc == 0)
        rc = db_exec(l, "PRAGMA wal_checkpoint(TRUNCATE)", "generating", err);
    int64_t bytes = 0;
    if (rc == 0)
        rc = db_number(l, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                       &bytes, err);
    log_close(l);
    if (rc == 0 && n < want)
        printf("made in %.0f s: %.0f MB\n", (vs_now_ms() - start) / 1000, (double)bytes / 1e6);
    return rc;
}

/* ---- timing */

static int time_history(const char *path, struct vs_err *err)
{
    double first[21], sessions[21];
    int rc = 0;
    for (int i = 0; i < 21 && rc == 0; i++) {
        struct log *l = NULL;
        struct log_query *q = NULL;
        struct log_session *s = NULL;
        int n;
        double start = vs_now_ms();
        rc = log_open(path, true, &l, err);
        if (rc == 0)
            rc = log_find(l, &(struct log_filter){.limit = 200}, &q, &n, err);
        first[i] = vs_now_ms() - start;
        log_queries_free(q, rc ? 0 : n);
        start = vs_now_ms();
        if (rc == 0)
            rc = log_list_sessions(l, 50, &s, &n, err);
        sessions[i] = vs_now_ms() - start;
        log_sessions_free(s, rc ? 0 : n);
        log_close(l);
    }
    if (rc != 0)
        return rc;
    report("opening the history (200 queries)", first, 21, 100);
    report("listing 50 sessions", sessions, 21, 0);
    return 0;
}

static int time_search(const char *path, struct vs_err *err)
{
    static const char *const typed[] = {
        "what color is the mobado", "how many lidoba", "are both ke", "which what how", "pasi",
        "left kekeba step", "rebado", "is there a tusinumo", "vqa what", "zzzz"};
    double *ms = xcalloc(1000, sizeof *ms), worst = 0;
    char slow[64] = "";
    struct log *l = NULL;
    int n = 0, rc = log_open(path, true, &l, err);
    for (size_t i = 0; i < sizeof typed / sizeof typed[0] && rc == 0; i++)
        for (size_t keys = 1; keys <= strlen(typed[i]) && rc == 0; keys++) {
            struct log_query *q = NULL;
            char *so_far = xstrndup(typed[i], keys);
            int count;
            double start = vs_now_ms();
            rc = log_find(l, &(struct log_filter){.match = so_far, .limit = 50}, &q, &count, err);
            ms[n] = vs_now_ms() - start;
            if (rc == 0 && ms[n] > worst) {
                worst = ms[n];
                snprintf(slow, sizeof slow, "%s", so_far);
            }
            n++;
            log_queries_free(q, rc ? 0 : count);
            free(so_far);
        }
    log_close(l);
    if (rc == 0) {
        report("searching, at each key", ms, n, 50);
        printf("  the slowest: '%s'\n", slow);
    }
    free(ms);
    return rc;
}

/* ---- logging, beside the same bytes and the same rows without anything else */

static int64_t bytes_of(const struct result *r)
{
    int64_t n = 20 * 8 + (int64_t)(2 * strlen(r->text)) + 250 + 5 * 16;
    for (int i = 0; i < r->token_count; i++)
        n += 6 * 8 + (int64_t)strlen(r->tokens[i].piece);
    for (int i = 0; i < r->answer_count; i++)
        n += 6 * 8 + (int64_t)strlen(r->answers[i].label);
    for (int i = 0; i < r->box_count; i++)
        n += 11 * 8 + (int64_t)strlen(r->boxes[i].label);
    return n;
}

static int open_blob(const char *path, sqlite3 **db, sqlite3_stmt **s)
{
    unlink(path);
    return sqlite3_open(path, db) ||
           sqlite3_exec(*db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                        "CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB)", NULL, NULL, NULL) ||
           sqlite3_prepare_v2(*db, "INSERT INTO t(x) VALUES(?)", -1, s, NULL);
}

/* A log without indexes, search and references: what the rows alone cost. */
static int open_rows(const char *path, struct log **l, int64_t *session, struct vs_err *err)
{
    unlink(path);
    int rc = log_open(path, false, l, err);
    if (rc == 0)
        rc = log_begin_session(*l, NULL, session, err);
    return rc ? rc : db_exec(*l, "DROP TRIGGER queries_insert; DROP TABLE words;"
                                 "DROP INDEX queries_session; DROP INDEX queries_checkpoint;"
                                 "DROP INDEX queries_question; DROP INDEX queries_task;"
                                 "DROP INDEX queries_asked; DROP INDEX query_images_image;"
                                 "PRAGMA foreign_keys=OFF", "making bare tables", err);
}

static double time_blob(sqlite3_stmt *s, const struct result *r)
{
    int n = (int)bytes_of(r);
    char *bytes = xcalloc((size_t)n, 1);
    for (int i = 0; i < n; i++)
        bytes[i] = (char)roll(256);
    double start = vs_now_ms();
    sqlite3_bind_blob(s, 1, bytes, n, SQLITE_STATIC);
    sqlite3_step(s);
    sqlite3_reset(s);
    double ms = vs_now_ms() - start;
    free(bytes);
    return ms;
}

static double time_log(struct log *l, int64_t session, struct result *r, struct vs_err *err)
{
    double start = vs_now_ms();
    return log_result(l, session, r, err) == 0 ? vs_now_ms() - start : -1;
}

static int time_logging(const char *path, struct vs_err *err)
{
    double ours[ROUNDS], rows[ROUNDS], blob[ROUNDS];
    struct log *l = NULL, *bare = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t session, bare_session;
    char *blob_path = xasprintf("%s-blob", path), *rows_path = xasprintf("%s-rows", path);
    int rc = log_open(path, false, &l, err);
    if (rc == 0)
        rc = log_begin_session(l, "bench", &session, err);
    if (rc == 0)
        rc = open_rows(rows_path, &bare, &bare_session, err);
    if (rc == 0 && open_blob(blob_path, &db, &s) != 0)
        rc = vs_fail(err, VS_E_DB, "%s: cannot be made", blob_path);
    int64_t bytes = 0;
    for (int i = 0; i < ROUNDS && rc == 0; i++) {
        struct result *r = make_result(RESULT_TOP);
        blob[i] = time_blob(s, r);
        rows[i] = time_log(bare, bare_session, r, err);
        ours[i] = time_log(l, session, r, err);
        bytes += bytes_of(r);
        if (ours[i] < 0 || rows[i] < 0)
            rc = err->code;
        result_free(r);
    }
    if (rc == 0) {
        printf("%d queries of %.1f KB, with 100 answers or boxes each:\n", ROUNDS,
               (double)bytes / ROUNDS / 1e3);
        double a = report("logging one query", ours, ROUNDS, 2);
        double b = report("its rows in bare tables", rows, ROUNDS, 0);
        double c = report("its bytes as one value", blob, ROUNDS, 0);
        printf("ratio to bare rows %.2f, to the bytes as one value %.2f (limit 3)\n", a / b, a / c);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    log_close(bare);
    log_close(l);
    unlink(blob_path);
    unlink(rows_path);
    free(blob_path);
    free(rows_path);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: bench-sessions FILE [QUERIES]\n");
        return 2;
    }
    int rc = generate(argv[1], argc > 2 ? atoll(argv[2]) : 1000000, &err);
    if (rc == 0)
        rc = time_history(argv[1], &err);
    if (rc == 0)
        rc = time_search(argv[1], &err);
    if (rc == 0)
        rc = time_logging(argv[1], &err);
    if (rc != 0)
        fprintf(stderr, "bench-sessions: %s\n", err.text);
    return rc != 0;
}
