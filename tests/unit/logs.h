/* SPDX-License-Identifier: MIT */
/* What the tests of the log share: a folder, results to log, and looking into a log without our
 * code. */
#ifndef VS_LOGS_H
#define VS_LOGS_H

#include "sessions/log.h"
#include "sessions/tend.h"
#include "src/engine/engine.h"
#include "src/study/attributed.h"
#include "src/study/difference.h"
#include "src/base/mem.h"
#include "tap.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[3000];

static __attribute__((unused)) const char *file(const char *name)
{
    static char path[4][4096];
    static int turn;
    char *p = path[turn++ & 3];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* Maps and states as the tiny model leaves them; NULL when it does not answer. */
static __attribute__((unused)) struct trace *model_trace(void)
{
    struct vs_err err = {0};
    struct model *m = NULL;
    struct photo *p = NULL;
    struct result *r = NULL;
    struct trace *t = NULL;
    struct photo_options how = {0};
    struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 1};
    struct query q = {.task = task_find("vqa"), .text = "what color is the red square",
                      .photo_count = 1, .photos = &p, .attention = true, .hidden = true};
    if (model_open(&o, &m, &err) == 0 &&
        photo_open(source_path("tests/data/tiny/scene.png"), &how, &p, &err) == 0 &&
        query_run(m, &q, NULL, &r, &err) == 0) {
        t = r->trace;
        r->trace = NULL;
    }
    if (!t)
        printf("# %s\n", err.text);
    result_free(r);
    photo_free(p);
    model_free(m);
    return t;
}

/* A result with two images, tokens, answers and boxes; label of the best answer is the text. */
static __attribute__((unused)) struct result *make_result(const char *task, const char *text)
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
    bool boxes = r->task->reading->ranked == RANKED_REGIONS;
    int n = boxes ? 3 : 150;
    if (boxes) {
        r->boxes = xcalloc((size_t)n, sizeof *r->boxes);
        r->box_count = n;
        for (int i = 0; i < n; i++)
            r->boxes[i] = (struct result_box){0, i, {0.1f, 1.5f, 2, 3}, i ? NULL : xstrdup("dog"),
                                              1.25f / (float)(i + 1), 0.3f, 0.9f};
    } else {
        r->answers = xcalloc((size_t)n, sizeof *r->answers);
        r->answer_count = r->answer_total = n;
        for (int i = 0; i < n; i++)
            r->answers[i] = (struct result_answer){i, xasprintf("answer %d", i), 0.1f * (float)i,
                                                   0.01f, 0.5f};
    }
    r->ms = (struct result_times){0.1, 0.2, 30.3, 0.4, 31};
    r->entropy = 1.5;
    r->margin = 0.25;
    return r;
}

/* What an answer of make_result owes to its two tokens and to the regions of its images, of which
 * one has no number, as its method and query have it. */
static __attribute__((unused)) struct attribution_record *make_attribution(const char *method,
                                                                           int64_t query)
{
    struct attribution_record *x = xcalloc(1, sizeof *x);
    *x = (struct attribution_record){.query = query, .method = xstrdup(method),
                                     .target = xstrdup("answer 3"), .target_index = 3,
                                     .against_index = -1, .map = xstrdup(""),
                                     .removal = xstrdup("mask"), .scale = xstrdup("logit"),
                                     .value = 1.5, .base = (double)NAN, .missing = (double)NAN,
                                     .images = 2, .tokens = 2, .regions = 8,
                                     .tested = xstrdup("{\"set\":\"s\",\"items\":7}")};
    size_t n = attribution_record_count(x);
    x->numbers = xcalloc(n + 1, sizeof *x->numbers);
    for (size_t i = 0; i < n; i++)
        x->numbers[i] = i == 5 ? NAN : 0.25f * (float)i - 1;
    attribution_record_digest(x, x->digest);
    return x;
}

/* What a swap between checkpoints of the digests c... and b... found, in two parts. */
static __attribute__((unused)) struct difference *make_difference(const char *subject)
{
    struct difference *d = xcalloc(1, sizeof *d);
    d->kind = "swap";
    d->level = "layers";
    d->model = xstrdup("tiny");
    d->subject = xstrdup(subject);
    d->summary = xstrdup("carried by <text> layer 1, 75.0%");
    d->data = xstrdup("{\"parts\":[0.75]}");
    for (int i = 0; i < 2; i++) {
        d->sides[i].name = xstrdup(i ? "late" : "early");
        d->sides[i].path = xasprintf("run/%s.bin", d->sides[i].name);
        memset(d->sides[i].digest, i ? 'b' : 'c', 64);
    }
    d->parts = xcalloc(2, sizeof *d->parts);
    d->parts[d->count++] = (struct difference_part){xstrdup("<text> layer 1"), NULL, 0.75};
    d->parts[d->count++] = (struct difference_part){xstrdup("heads"), xstrdup("co"), (double)NAN};
    return d;
}

/* Logs a result and frees it; its id, or 0. */
static __attribute__((unused)) int64_t log_made(struct log *l, int64_t session, struct result *r)
{
    struct vs_err err = {0};
    int rc = log_result(l, session, r, &err);
    int64_t id = r->log_id;
    if (rc != 0)
        printf("# %s\n", err.text);
    result_free(r);
    return rc == 0 ? id : 0;
}

static __attribute__((unused)) int write_one(struct log *l, int64_t session, const char *text,
                                             struct vs_err *err)
{
    struct result *r = make_result("vqa", text);
    int rc = log_result(l, session, r, err);
    result_free(r);
    return rc;
}

static __attribute__((unused)) int64_t count_queries(const char *path)
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

static __attribute__((unused)) bool integrity(const char *path)
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

/* The first column of the first row of sql, as a number; -1 when there is none. */
static __attribute__((unused)) int64_t number(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t n = -1;
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static __attribute__((unused)) bool make_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/log-test-XXXXXX", tmp ? tmp : "/tmp");
    if (mkdtemp(dir) && setenv("XDG_DATA_HOME", dir, 1) == 0)
        return true;
    ok(false, "no folder for the test");
    return false;
}

static __attribute__((unused)) int merge(const char *into, const char *from,
                                         struct log_merged *n, struct vs_err *err)
{
    struct log *a = NULL, *b = NULL;
    int rc = log_open(into, false, &a, err);
    if (rc == 0)
        rc = log_open(from, true, &b, err);
    if (rc == 0)
        rc = log_merge(a, b, n, err);
    log_close(b);
    log_close(a);
    return rc;
}

static __attribute__((unused)) int remove_folder(void)
{
    char *command = xasprintf("rm -rf '%s'", dir);
    ok(system(command) == 0, "the folder is removed");
    free(command);
    return tap_done();
}

static __attribute__((unused)) bool copy_file(const char *from, const char *to)
{
    char *command = xasprintf("cp '%s' '%s'", from, to);
    bool good = system(command) == 0;
    free(command);
    return good;
}

/* Logs a query of that text through the queue: the same code as the program. */
static __attribute__((unused)) int later(struct log *l, const char *text, struct vs_err *err)
{
    struct result *r = make_result("vqa", text);
    int rc = log_result_later(l, r, err);
    result_free(r);
    return rc;
}

static __attribute__((unused)) bool whole(const char *path)
{
    return integrity(path) && number(path, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

#endif
