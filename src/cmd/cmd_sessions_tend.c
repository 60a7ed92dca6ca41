/* SPDX-License-Identifier: MIT */
/* vilscope sessions diff, export, merge, prune, check, sql: working on whole logs. */
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/formats/outfile.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- diff */

static bool pair_moved(const struct sessions_options *o, const struct log_pair *p)
{
    double moved = p->b_score - p->a_score;
    return p->a && p->b && o->tolerance > 0 && (moved > o->tolerance || -moved > o->tolerance);
}

static json_t *side_value(int64_t query, const char *checkpoint, const char *answer, double score)
{
    return query ? json_pack("{s:I, s:o, s:o, s:o}", "query", (json_int_t)query, "checkpoint",
                             plain_string(checkpoint), "answer", plain_string(answer), "score",
                             plain_number(score))
                 : json_null();
}

static json_t *pair_value(const struct log_pair *p, bool changed)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "task", plain_string(p->task), "text",
                     plain_string(p->text), "image", plain_string(p->image), "changes",
                     p->changes && p->changes[0] ? plain_string(p->changes) : json_null(),
                     "changed", (int)changed, "a",
                     side_value(p->a, p->a_checkpoint, p->a_answer, p->a_score), "b",
                     side_value(p->b, p->b_checkpoint, p->b_answer, p->b_score));
}

static void print_pair(const struct log_pair *p)
{
    plain_out("%-10s ", p->task);
    sessions_print(p->text);
    printf("  ");
    sessions_print(p->a_answer);
    printf(" %.4f  ->  ", p->a_score);
    sessions_print(p->b_answer);
    printf(" %.4f", p->b_score);
    if (p->image) {
        printf("  (");
        sessions_print(p->image);
        putchar(')');
    }
    putchar('\n');
}

static int print_diff(const struct sessions_options *o, const struct log_pair *list, int n)
{
    int both = 0, changed = 0, only_a = 0, only_b = 0, shown = 0;
    json_t *all = json_array();
    for (int i = 0; i < n; i++) {
        bool differs = list[i].changed || pair_moved(o, &list[i]);
        both += list[i].a && list[i].b;
        only_a += !list[i].b;
        only_b += !list[i].a;
        changed += differs;
        if (o->filter.limit && shown >= o->filter.limit)
            continue;
        if (o->json) {
            json_array_append_new(all, pair_value(&list[i], differs));
            shown++;
        } else if (differs) {
            print_pair(&list[i]);
            shown++;
        }
    }
    if (o->json)
        command_json(json_pack("{s:i, s:i, s:i, s:i, s:o}", "asked_in_both", both, "changed",
                               changed, "only_in_a", only_a, "only_in_b", only_b, "questions", all),
                     JSON_INDENT(1));
    else {
        printf("%d of %d answers changed; %d questions only in the first, %d only in the second\n",
               changed, both, only_a, only_b);
        json_decref(all);
    }
    return o->fail_on_change && changed ? 1 : 0;
}

int sessions_diff(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_side a = {0}, b = {0};
    char a_hex[DIGEST_HEX], b_hex[DIGEST_HEX];
    struct log_pair *list;
    int n, rc = 0;
    if (o->arg_count == 2 && o->checkpoints.count == 0) {
        rc = sessions_id(o->args[0], &a.session, err);
        if (rc == 0)
            rc = sessions_id(o->args[1], &b.session, err);
    } else if (o->arg_count == 0 && o->checkpoints.count == 2) {
        a.checkpoint = sessions_checkpoint(o->checkpoints.list[0], a_hex);
        b.checkpoint = sessions_checkpoint(o->checkpoints.list[1], b_hex);
    } else {
        rc = vs_fail(err, VS_E_USAGE, "diff takes two session IDs, or two -c");
    }
    if (rc == 0)
        rc = log_diff(l, &a, &b, &list, &n, err);
    if (rc != 0)
        return rc;
    rc = print_diff(o, list, n);
    log_pairs_free(list, n);
    return rc;
}

/* ---- export */

static int tend_add_ids(struct log *l, const struct log_filter *f, int64_t **ids, int *count,
                        struct vs_err *err)
{
    struct log_query *list;
    int n;
    int rc = log_find(l, f, &list, &n, err);
    if (rc != 0)
        return rc;
    *ids = xreallocarray(*ids, (size_t)(*count + n) + 1, sizeof **ids);
    for (int i = 0; i < n; i++)
        (*ids)[(*count)++] = list[i].id;
    log_queries_free(list, n);
    return 0;
}

struct export {
    struct log *l;
    int64_t *ids;
    struct log_exported what;
    struct log_difference *differences;
    int difference_count;
    enum log_format format;
};

/* Appends the session's (0: all sessions'), as long as no other condition is about queries. */
static int add_differences(struct log *l, const struct log_filter *f, struct export *e,
                           struct vs_err *err)
{
    struct log_difference *list;
    int n;
    if (sessions_narrows(f))
        return 0;
    int rc = log_list_differences(l, f->session, &list, &n, err);
    if (rc != 0)
        return rc;
    e->differences = xreallocarray(e->differences, (size_t)(e->difference_count + n) + 1,
                                   sizeof *e->differences);
    if (n)
        memcpy(e->differences + e->difference_count, list, (size_t)n * sizeof *list);
    e->difference_count += n;
    free(list); /* its strings are kept */
    return 0;
}

static int add_session(struct log *l, const struct log_filter *f, struct export *e, int *count,
                       struct vs_err *err)
{
    int rc = tend_add_ids(l, f, &e->ids, count, err);
    return rc ? rc : add_differences(l, f, e, err);
}

static int tend_choose(const struct sessions_options *o, struct log *l, struct export *e,
                       int *count, struct vs_err *err)
{
    struct log_filter f = o->filter;
    int rc = 0;
    f.limit = f.limit ? f.limit : INT32_MAX;
    if (o->arg_count == 0)
        return add_session(l, &f, e, count, err);
    for (int i = 0; i < o->arg_count && rc == 0; i++) {
        int before = *count + e->difference_count;
        rc = sessions_id(o->args[i], &f.session, err);
        if (rc == 0)
            rc = add_session(l, &f, e, count, err);
        if (rc == 0 && *count + e->difference_count == before)
            rc = vs_fail(err, VS_E_MISSING, "%s: session %s has no such queries", log_path(l),
                         o->args[i]);
    }
    return rc;
}

typedef int put_function(FILE *out, void *arg, struct vs_err *err);

/* Runs put with the standard output, or with a new file that is there whole or not at all. */
static int with_output(const char *path, put_function *put, void *arg, struct vs_err *err)
{
    struct outfile o;
    if (!path || strcmp(path, "-") == 0)
        return put(stdout, arg, err);
    tempfile_sweep(path);
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    rc = put(o.file, arg, err);
    if (rc != 0)
        outfile_drop(&o);
    return rc ? rc : outfile_close(&o, err);
}

static int put_export(FILE *out, void *arg, struct vs_err *err)
{
    struct export *e = arg;
    return log_export(e->l, &e->what, e->format, out, err);
}

int sessions_export(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    static const enum log_format formats[] = {LOG_JSON, LOG_CSV, LOG_HTML};
    struct export e = {.l = l, .format = formats[o->format]};
    int count = 0;
    int rc = tend_choose(o, l, &e, &count, err);
    e.what = (struct log_exported){e.ids, count, e.differences, e.difference_count};
    if (rc == 0)
        rc = with_output(o->output, put_export, &e, err);
    log_differences_free(e.differences, e.difference_count);
    free(e.ids);
    return rc;
}

/* ---- prune */

/* "90d" as a time; others as they are. */
static int parse_age(const char *text, char out[32], struct vs_err *err)
{
    char *end;
    long days = strtol(text, &end, 10);
    if (end != text && strcmp(end, "d") == 0 && days >= 0 && days < 100000) {
        time_t then = time(NULL) - (time_t)days * 86400;
        struct tm utc;
        gmtime_r(&then, &utc);
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
        return 0;
    }
    int y, m, d, n = 0;
    if (strlen(text) > 30 || sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != 10)
        return vs_fail(err, VS_E_USAGE, "--older-than takes days (90d) or a date (2026-01-31), not "
                       "'%s'", text);
    snprintf(out, 32, "%s", text);
    return 0;
}

int sessions_prune(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    char before[32];
    struct log_prune what = {.pinned = o->filter.pinned, .dry = o->dry_run};
    struct log_pruned n = {0};
    int rc = 0;
    if (!o->older && !o->filter.session)
        return vs_fail(err, VS_E_USAGE, "prune needs --older-than or --session");
    if (o->older)
        rc = parse_age(o->older, before, err);
    what.before = o->older ? before : NULL;
    what.sessions = &o->filter.session;
    what.session_count = o->filter.session ? 1 : 0;
    if (rc == 0)
        rc = log_prune(l, &what, &n, err);
    if (rc == 0 && o->vacuum && !o->dry_run)
        rc = log_vacuum(l, err);
    if (rc == 0 && o->json)
        return command_json(json_pack("{s:I, s:I, s:I, s:I, s:b}", "queries", (json_int_t)n.queries,
                                      "differences", (json_int_t)n.differences, "sessions",
                                      (json_int_t)n.sessions, "pinned_kept", (json_int_t)n.pinned,
                                      "dry_run", (int)o->dry_run),
                            JSON_INDENT(1));
    if (rc == 0)
        plain_out("%lld queries %s, %lld pinned ones stay; %lld differences\n",
                  (long long)n.queries, o->dry_run ? "would be removed" : "removed",
                  (long long)n.pinned, (long long)n.differences);
    return rc;
}

/* ---- check */

static void tend_print_report(const struct log_report *r, const char *path)
{
    sessions_print(path);
    printf(": version %d, %.1f MB\n", r->version, (double)r->bytes / 1e6);
    for (int i = 0; i < r->count; i++)
        plain_out("%10lld %s\n", (long long)r->counts[i].rows, r->counts[i].name);
    for (int i = 0; i < r->problem_count; i++) {
        printf("problem: ");
        sessions_print(r->problems[i]);
        putchar('\n');
    }
    if (r->problem_count == 0)
        printf("no problems\n");
}

static void print_report_json(const struct log_report *r, const char *path)
{
    json_t *counts = json_object(), *problems = json_array();
    for (int i = 0; i < r->count; i++)
        json_object_set_new(counts, r->counts[i].name, json_integer(r->counts[i].rows));
    for (int i = 0; i < r->problem_count; i++)
        json_array_append_new(problems, plain_string(r->problems[i]));
    command_json(json_pack("{s:o, s:i, s:I, s:o, s:o}", "log", plain_string(path), "version",
                           r->version, "bytes", (json_int_t)r->bytes, "rows", counts, "problems",
                           problems),
                 JSON_INDENT(1));
}

int sessions_check(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_report r;
    int rc = log_check(l, o->repair, &r, err);
    if (rc == 0 && o->json)
        print_report_json(&r, log_path(l));
    else if (rc == 0)
        tend_print_report(&r, log_path(l));
    if (rc == 0)
        rc = r.problem_count > 0;
    log_report_fini(&r);
    return rc;
}

/* ---- sql */

struct sql {
    struct log *l;
    const char *text;
    enum log_format format;
};

static int put_sql(FILE *out, void *arg, struct vs_err *err)
{
    struct sql *s = arg;
    return log_sql(s->l, s->text, s->format, out, err);
}

int sessions_sql(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct sql s = {l, o->args[0], o->json ? LOG_JSON : o->csv ? LOG_CSV : LOG_TABLE};
    return with_output(o->output, put_sql, &s, err);
}
