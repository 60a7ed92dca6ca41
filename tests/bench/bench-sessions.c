/* SPDX-License-Identifier: MIT */
/* Times the log: makes one of so many queries, then opens the history, searches at every key of
 * some phrases, and logs queries beside bare SQLite inserts of the same bytes, in turn. Then as
 * many rows of evaluations in a log of their own: how fast they come in, and what slices and flips
 * take.
 *
 * usage: bench-sessions FILE [QUERIES [ROWS]]   (FILE is made, or used again when it has as many;
 * as many rows as queries without ROWS) */
#include "median.h"
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static double report(const char *what, double *ms, int n, double limit)
{
    double middle = median(ms, n);
    printf("%-44s %8.3f ms median %8.3f at 95 %% %8.3f most", what, middle, ms[n * 95 / 100],
           ms[n - 1]);
    if (limit > 0)
        printf("   limit %g: %s", limit, middle < limit ? "kept" : "ABOVE");
    putchar('\n');
    return middle;
}

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

/* ---- rows of evaluations */

#define EVALUATIONS 96 /* of 12 tasks on 8 checkpoints */

/* Like one of VQA: ten answers, five fields, 0.6 KB. */
static void add_row(struct buf *b, int item)
{
    static const char *const kinds[] = {"yes/no", "number", "other"};
    buf_printf(b, "{\"task\": \"vqa\", \"split\": \"minval\", \"checkpoint\": \"step\", \"index\":"
               " %d, \"id\": %d, \"image\": %d, \"text\": \"what color is the %u\", \"tokens\":"
               " [101",
               item, 262148000 + item, item / 3, roll(1000));
    for (int i = 0; i < 8; i++)
        buf_printf(b, ", %u", roll(30000));
    buf_printf(b, "], \"regions\": 101, \"choice\": %u, \"answer\": \"answer\", \"top\": [",
               roll(3129));
    for (int i = 0; i < 10; i++)
        buf_printf(b, "%s[%u, %.9g]", i ? ", " : "", roll(3129), 3 - i + roll(1000) / 1000.0);
    bool good = roll(3) > 0;
    buf_printf(b, "], \"target\": [[8, 13], [1, 0.3]], \"margin\": %.9g, \"score\": %s,"
               " \"correct\": %s, \"fields\": {\"answer_type\": \"%s\", \"turns\": %u}}\n",
               roll(1000) / 100.0,
               good ? "1.0" : "0.0", good ? "true" : "false", kinds[roll(3)], roll(10));
}

static int time_inserts(struct log *l, int64_t rows, struct vs_err *err)
{
    struct buf b = {0};
    int64_t session = 0, each = rows / EVALUATIONS, bytes = 0;
    int rc = log_begin_session(l, "bench", &session, err);
    double ms = 0, own = 0;
    for (int k = 0; k < EVALUATIONS && rc == 0; k++) {
        b.len = 0;
        for (int i = 0; i < each; i++)
            add_row(&b, i);
        struct log_evaluation e = {.task = task_find("vqa"), .checkpoint_name = "step",
                                   .data_digest = "d", .items = (int)each, .split = "minval",
                                   .rows = b.data, .rows_size = b.len};
        snprintf(e.checkpoint_digest, DIGEST_HEX, "%064d", k % 8);
        double start = vs_now_ms();
        clock_t before = clock();
        rc = log_evaluation(l, session, &e, err);
        own += (double)(clock() - before) / CLOCKS_PER_SEC;
        ms += vs_now_ms() - start;
        bytes += (int64_t)b.len;
    }
    buf_fini(&b);
    double rate = (double)(each * EVALUATIONS) / ms * 1000;
    /* On a machine that others use, too, the second number is the one that can be compared. */
    printf("%lld rows of %.2f KB: %.0f a second, %.0f of processor time   limit 50000: %s\n",
           (long long)(each * EVALUATIONS), (double)bytes / (double)(each * EVALUATIONS) / 1e3,
           rate, (double)(each * EVALUATIONS) / own, rate >= 50000 ? "kept" : "BELOW");
    return rc;
}

static int time_statement(struct log *l, const char *what, const char *sql, struct vs_err *err)
{
    double ms[21];
    int rc = 0;
    FILE *none = fopen("/dev/null", "w");
    for (int i = 0; i < 21 && rc == 0 && none; i++) {
        double start = vs_now_ms();
        rc = log_sql(l, sql, LOG_CSV, none, err);
        ms[i] = vs_now_ms() - start;
    }
    if (none)
        fclose(none);
    if (rc == 0)
        report(what, ms, 21, 100);
    return rc;
}

static int time_rows(const char *path, int64_t rows, struct vs_err *err)
{
    char *own = xasprintf("%s-evaluations", path);
    struct log *l = NULL;
    unlink(own);
    int rc = log_open(own, false, &l, err);
    if (rc == 0)
        rc = time_inserts(l, rows, err);
    log_close(l);
    l = NULL;
    if (rc == 0)
        rc = log_open(own, true, &l, err);
    if (rc == 0)
        rc = time_statement(l, "scores of all slices of an evaluation",
                            "SELECT * FROM slice_scores WHERE evaluation_id = 40", err);
    if (rc == 0)
        rc = time_statement(l, "rows of a slice",
                            "SELECT name, answer, score FROM sliced_rows WHERE"
                            " evaluation_id = 40 AND field = 'answer_type' AND value = 'number'",
                            err);
    if (rc == 0)
        rc = time_statement(l, "flips between two evaluations",
                            "SELECT name, a_answer, b_answer FROM row_flips WHERE a_evaluation ="
                            " 40 AND b_evaluation = 41", err);
    log_close(l);
    unlink(own);
    free(own);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: bench-sessions FILE [QUERIES [ROWS]]\n");
        return 2;
    }
    int rc = generate(argv[1], argc > 2 ? atoll(argv[2]) : 1000000, &err);
    if (rc == 0)
        rc = time_history(argv[1], &err);
    if (rc == 0)
        rc = time_search(argv[1], &err);
    if (rc == 0)
        rc = time_logging(argv[1], &err);
    if (rc == 0)
        rc = time_rows(argv[1], argc > 2 ? atoll(argv[argc > 3 ? 3 : 2]) : 1000000, &err);
    if (rc != 0)
        fprintf(stderr, "bench-sessions: %s\n", err.text);
    return rc != 0;
}
