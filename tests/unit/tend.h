/* SPDX-License-Identifier: MIT */
/* What the tests of looking after logs share: logs with something in every table. */
#ifndef VS_TEND_TESTS_H
#define VS_TEND_TESTS_H

#include "logs.h"
#include "rows.h"
#include "sessions/db.h"
#include "sessions/tend.h"

/* Logs a result under a checkpoint whose digest is all c; its id, or 0. */
static __attribute__((unused)) int64_t ask(struct log *l, int64_t session, const char *task,
                                           const char *text, char c)
{
    struct result *r = make_result(task, text);
    memset(r->checkpoint_digest, c, 64);
    r->changes = c == 'f' ? xstrdup("head off") : NULL;
    r->pair_separate = c == 'd';
    r->images[1].regions_key = xstrdup("entry");
    r->images[1].regions_origin = ORIGIN_DETECTOR;
    return log_made(l, session, r);
}

/* A log with something in every table; number makes it another machine's. */
static __attribute__((unused)) void make_log(const char *path, int machine)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int64_t session = 0, ids[2];
    log_open(path, false, &l, &err);
    for (int s = 0; s < 2; s++) {
        char text[64];
        log_begin_session(l, "test", &session, &err);
        for (int i = 0; i < 3; i++) {
            snprintf(text, sizeof text, "question %d of %d on %d", i, s, machine);
            ids[i % 2] = ask(l, session, i == 1 ? "refcoco" : "vqa", text, (char)('c' + i));
        }
        log_pin(l, ids[0], "cat", &err);
        log_set_note(l, ids[1], "a note", &err);
        log_add_tag(l, ids[1], "hard", &err);
        log_comparison(l, session, ids, 2, "both", NULL, &err);
        struct log_evaluation e = {.task = task_find("gqa"), .model = "tiny", .data_digest = "d",
                                   .items = 10, .score = 0.5, .low = 0.2, .high = 0.8,
                                   .split = "dev"};
        struct buf rows = {0};
        for (int i = 0; i < 10; i++)
            add_row(&rows, "a", i, (i + s) % 3 == 0);
        e.rows = rows.data;
        e.rows_size = rows.len;
        memset(e.checkpoint_digest, 'c', 64);
        log_evaluation(l, session, &e, &err);
        buf_fini(&rows);
        struct log_probe p = {.probe = "what", .task = "vqa", .query = ids[0],
                              .outcome = PROBE_UNJUDGED};
        struct log_probe_run run = {.probes_digest = "d", .probes = &p, .count = 1};
        memset(run.checkpoint_digest, 'e', 64);
        log_probe_run(l, session, &run, NULL, &err);
        struct difference *d = make_difference("what");
        log_difference(l, session, d, NULL, &err);
        difference_free(d);
        struct trace *t = model_trace();
        log_attention(l, ids[0], t, LOG_ATTENTION_LIMIT, NULL, &err);
        trace_free(t);
        struct attribution_record *x = make_attribution("rollout", ids[0]);
        log_attribution_at(l, x, &err);
        attribution_record_free(x);
        log_end_session(l, session, &err);
    }
    log_close(l);
}

/* Whether a check finds nothing; what it finds is told. */
static __attribute__((unused)) bool sound(const char *path)
{
    struct log *l = NULL;
    struct log_report r = {0};
    struct vs_err err = {0};
    bool good = log_open(path, true, &l, &err) == 0 && log_check(l, false, &r, &err) == 0 &&
                r.problem_count == 0;
    for (int i = 0; i < r.problem_count; i++)
        printf("# %s\n", r.problems[i]);
    if (err.text[0])
        printf("# %s\n", err.text);
    log_report_fini(&r);
    log_close(l);
    return good;
}

#endif
