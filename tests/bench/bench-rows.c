/* SPDX-License-Identifier: MIT */
/* Times rows of evaluations in a log: how fast they come in, and what slices and flips take. Half
 * of them are of many evaluations, as of 12 tasks on 4 checkpoints, half of two large ones. On a
 * machine that others use, too, it is the time of the processor that can be compared.
 *
 * usage: bench-rows FILE [ROWS]   (FILE is made, and removed) */
#include "median.h"
#include "sessions/db.h"
#include "sessions/tend.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SMALL 48 /* evaluations */
#define ROUNDS 21

static uint64_t state = 88172645463325252u;

static unsigned roll(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

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

static double own_ms(void)
{
    return 1000.0 * (double)clock() / CLOCKS_PER_SEC;
}

struct spent {
    double ms, own;
    int64_t rows, bytes;
};

static int add_evaluation(struct log *l, int64_t session, int number, int64_t rows,
                          struct spent *out, struct vs_err *err)
{
    struct buf b = {0};
    for (int i = 0; i < rows; i++)
        add_row(&b, i);
    struct log_evaluation e = {.task = task_find("vqa"), .checkpoint_name = "step",
                               .data_digest = "d", .items = (int)rows, .split = "minval",
                               .rows = b.data, .rows_size = b.len};
    snprintf(e.checkpoint_digest, DIGEST_HEX, "%064d", number % 8);
    double start = vs_now_ms(), own = own_ms();
    int rc = log_evaluation(l, session, &e, err);
    out->own += own_ms() - own;
    out->ms += vs_now_ms() - start;
    out->bytes += (int64_t)b.len;
    out->rows += rows;
    buf_fini(&b);
    return rc;
}

/* The two large ones come last. */
static int time_inserts(struct log *l, int64_t rows, struct vs_err *err)
{
    struct spent t = {0};
    int64_t session = 0;
    int rc = log_begin_session(l, "bench", &session, err);
    for (int k = 0; k < SMALL + 2 && rc == 0; k++)
        rc = add_evaluation(l, session, k, k < SMALL ? rows / 2 / SMALL : rows / 4, &t, err);
    double rate = 1000 * (double)t.rows / t.ms, own = 1000 * (double)t.rows / t.own;
    printf("%lld rows of %.2f KB: %.0f a second, %.0f a second of the processor; limit 50000: %s\n",
           (long long)t.rows, (double)t.bytes / (double)t.rows / 1e3, rate, own,
           rate >= 50000 ? "kept" : own >= 50000 ? "kept by the processor" : "BELOW");
    return rc;
}

static int time_statement(struct log *l, const char *what, double limit, const char *sql,
                          struct vs_err *err)
{
    double ms[ROUNDS], own[ROUNDS];
    int rc = 0;
    FILE *none = fopen("/dev/null", "w");
    for (int i = 0; i < ROUNDS && rc == 0 && none; i++) {
        double start = vs_now_ms(), before = own_ms();
        rc = log_sql(l, sql, LOG_CSV, none, err);
        own[i] = own_ms() - before;
        ms[i] = vs_now_ms() - start;
    }
    if (none)
        fclose(none);
    if (rc != 0)
        return rc;
    report(what, ms, ROUNDS, 0);
    report("  of the processor", own, ROUNDS, limit);
    return 0;
}

static int pass_over(void *arg, const struct log_row_pair *p, struct vs_err *err)
{
    (void)err;
    *(size_t *)arg += p->a_length + p->b_length;
    return 0;
}

static int page_of(struct log *l, const struct log_wanted *want, int64_t *count, size_t *bytes,
                   struct vs_err *err)
{
    struct log_pairs list;
    int64_t next = 0;
    int rc = log_list_pairs(l, want, &list, err);
    if (rc == 0)
        rc = log_read_pairs(l, &list, &next, 100, pass_over, bytes, err);
    *count = list.count;
    log_pairs_fini(&list);
    return rc;
}

/* What the workbench shows of two evaluations: all of them are listed by how sure they are, and a
 * page is read. */
static int time_page(struct log *l, int a, const char *size, enum log_outcomes outcome,
                     double limit, struct vs_err *err)
{
    struct log_wanted want = {.a = a, .b = a + 1, .outcome = outcome};
    double ms[ROUNDS], own[ROUNDS];
    char what[96];
    size_t bytes = 0;
    int64_t count = 0;
    int rc = 0;
    for (int i = 0; i < ROUNDS && rc == 0; i++) {
        double start = vs_now_ms(), before = own_ms();
        rc = page_of(l, &want, &count, &bytes, err);
        own[i] = own_ms() - before;
        ms[i] = vs_now_ms() - start;
    }
    if (rc != 0)
        return rc;
    snprintf(what, sizeof what, "%lld %s listed, 100 read, %s rows", (long long)count,
             outcome == LOG_FLIPPED ? "flips" : "that B has right and A wrong", size);
    report(what, ms, ROUNDS, 0);
    report("  of the processor", own, ROUNDS, limit);
    return 0;
}

/* Of evaluations number a and the one behind it. */
static int time_reading(struct log *l, int a, const char *size, double limit, struct vs_err *err)
{
    static const struct {
        const char *what, *sql;
        bool all; /* grows with the evaluation */
    } asked[] = {
        {"scores of all slices", "SELECT * FROM slice_scores WHERE evaluation_id = %d", false},
        {"rows of a slice, the first 100",
         "SELECT name, answer, score FROM sliced_rows WHERE evaluation_id = %d AND"
         " field = 'answer_type' AND value = 'number' LIMIT 100", false},
        {"rows of a slice", "SELECT name, answer, score FROM sliced_rows WHERE evaluation_id = %d"
         " AND field = 'answer_type' AND value = 'number'", true},
        {"rows of three values of a field, crossed with another field",
         "SELECT count(*), avg(r.score) FROM sliced_rows r JOIN sliced_rows s USING (evaluation_id,"
         " item) WHERE r.evaluation_id = %d AND r.field = 'turns' AND r.value + 0 < 3 AND s.field ="
         " 'answer_type' AND s.value = 'number' AND r.confidence > 0.5", true},
        {"flips, the first 100", "SELECT name, a_answer, b_answer FROM row_flips WHERE a_evaluation"
         " = %d AND b_evaluation = %d LIMIT 100", false},
        {"values of a slice's field", "SELECT value, items, score FROM slice_scores WHERE"
         " evaluation_id = %d AND field = 'answer_type'", false},
        {"flips, A right and B wrong, counted", "SELECT count(*) FROM evaluation_rows b CROSS JOIN"
         " evaluation_rows a ON a.evaluation_id = %d AND a.correct = 1 AND a.item = b.item WHERE"
         " b.evaluation_id = %d AND b.correct = 0", false},
        {"flips, A right and B wrong", "SELECT name, a_answer, b_answer FROM row_lost WHERE"
         " a_evaluation = %d AND b_evaluation = %d", false},
        {"flips, B right and A wrong", "SELECT name, a_answer, b_answer FROM row_gained WHERE"
         " a_evaluation = %d AND b_evaluation = %d", false},
        {"flips in one table", "SELECT name, a_answer, b_answer FROM row_flips WHERE a_evaluation"
         " = %d AND b_evaluation = %d", true}};
    int rc = 0;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0] && rc == 0; i++) {
        char sql[384], what[96];
        snprintf(sql, sizeof sql, asked[i].sql, a, a + 1);
        snprintf(what, sizeof what, "%s, %s rows", asked[i].what, size);
        rc = time_statement(l, what, asked[i].all ? limit : 100, sql, err);
    }
    if (rc == 0)
        rc = time_page(l, a, size, LOG_GAINED, 100, err);
    return rc ? rc : time_page(l, a, size, LOG_FLIPPED, 100, err);
}

/* A reader leaves what it found beside it. */
static void remove_log(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[4096];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static int time_rows(const char *path, int64_t rows, struct vs_err *err)
{
    struct log *l = NULL;
    char small[32], large[32];
    remove_log(path);
    int rc = log_open(path, false, &l, err);
    if (rc == 0)
        rc = time_inserts(l, rows, err);
    log_close(l);
    l = NULL;
    snprintf(small, sizeof small, "%lld", (long long)(rows / 2 / SMALL));
    snprintf(large, sizeof large, "%lld", (long long)(rows / 4));
    if (rc == 0)
        rc = log_open(path, true, &l, err);
    if (rc == 0)
        rc = time_reading(l, SMALL / 2, small, 100, err);
    if (rc == 0)
        rc = time_reading(l, SMALL + 1, large, 0, err);
    log_close(l);
    remove_log(path);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: bench-rows FILE [ROWS]\n");
        return 2;
    }
    int rc = time_rows(argv[1], argc > 2 ? atoll(argv[2]) : 1000000, &err);
    if (rc != 0)
        fprintf(stderr, "bench-rows: %s\n", err.text);
    else
        printf("peak memory %.1f MB\n", peak_memory());
    return rc != 0;
}
