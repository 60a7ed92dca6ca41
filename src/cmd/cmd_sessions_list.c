/* SPDX-License-Identifier: MIT */
/* vilscope sessions list, show, query, search: what is in the log. */
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/base/link.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/attributed.h"
#include "src/task/change.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "12    ", a link to the log, and the part of it. */
static void print_id(const struct log *l, const char *what, int64_t id)
{
    char number[32], part[64];
    snprintf(number, sizeof number, "%lld", (long long)id);
    snprintf(part, sizeof part, "%s-%s", what, number);
    link_print(stdout, log_path(l), part, number);
    plain_out("%*s", (int)strlen(number) < 6 ? 6 - (int)strlen(number) : 0, "");
}

static json_t *session_value(const struct log_session *s)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:i, s:i, s:o, s:o}", "id", (json_int_t)s->id, "uid",
                     s->uid,
                     "started", s->started, "ended",
                     s->ended[0] ? json_string(s->ended) : json_null(), "queries", s->query_count,
                     "evaluations", s->evaluation_count,
                     "note", plain_string(s->note), "machine", plain_string(s->machine));
}

int sessions_list(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_session *list;
    int n;
    int rc = log_list_sessions(l, o->filter.limit ? o->filter.limit : 50, &list, &n, err);
    if (rc != 0)
        return rc;
    json_t *all = json_array();
    if (!o->json)
        plain_out("%-6s %-24s %-24s %-8s %-6s %s\n", "ID", "STARTED (UTC)", "ENDED", "QUERIES",
                  "EVALS", "NOTE");
    for (int i = 0; i < n; i++) {
        if (o->json) {
            json_array_append_new(all, session_value(&list[i]));
            continue;
        }
        print_id(l, "session", list[i].id);
        plain_out(" %-24s %-24s %-8d %-6d ", list[i].started,
                  list[i].ended[0] ? list[i].ended : "-", list[i].query_count,
                  list[i].evaluation_count);
        sessions_print(list[i].note);
        putchar('\n');
    }
    log_sessions_free(list, n);
    if (o->json)
        return command_json(all, JSON_INDENT(1));
    json_decref(all);
    return 0;
}

static json_t *query_value(const struct log_query *q)
{
    json_t *v = json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "id",
                          (json_int_t)q->id, "session", (json_int_t)q->session, "when", q->when,
                          "task", plain_string(q->task), "text", plain_string(q->text), "answer",
                          plain_string(q->answer), "checkpoint", plain_string(q->checkpoint),
                          "image", plain_string(q->image), "score", plain_number(q->score),
                          "score_name", q->score_name, "ms", plain_number(q->total_ms));
    json_t *more = json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:o}", "digest", q->checkpoint_digest,
                             "pinned", (int)q->pinned, "outcome",
                             log_judged_names[q->judged], "expected", plain_string(q->expected),
                             "note", plain_string(q->note), "tags", plain_string(q->tags),
                             "changes", plain_string(q->changes));
    json_object_update(v, more);
    json_decref(more);
    return v;
}

static void print_query(const struct log *l, const struct log_query *q)
{
    print_id(l, "query", q->id);
    plain_out(" %.19s  %-10s %s", q->when, q->task, q->pinned ? "* " : "");
    sessions_print(q->text);
    printf("  ->  ");
    sessions_print(q->answer);
    plain_out("  (%s %.4f, ", q->score_name, q->score);
    sessions_print(q->checkpoint);
    plain_out(q->judged == LOG_UNJUDGED ? ")" : ", %s)", log_judged_names[q->judged]);
    if (q->changes) {
        char *shown = change_list_show(q->changes);
        printf("  changed: ");
        sessions_print(shown);
        free(shown);
    }
    for (const char *t = q->tags; t && *t; t += strcspn(t, " "), t += *t == ' ') {
        char *tag = xstrndup(t, strcspn(t, " "));
        printf("  #");
        sessions_print(tag);
        free(tag);
    }
    if (q->note) {
        printf("  \"");
        sessions_print(q->note);
        putchar('"');
    }
    putchar('\n');
}

static json_t *difference_value(const struct log_difference *d)
{
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "difference",
                     (json_int_t)d->id, "session", (json_int_t)d->session, "found", d->found,
                     "kind", plain_string(d->kind), "level", plain_string(d->level), "a",
                     plain_string(d->a), "b", plain_string(d->b), "subject",
                     plain_string(d->subject), "summary", plain_string(d->summary));
}

/* "d3": what "sessions difference" takes, told apart from the numbers of queries. */
static void print_difference(const struct log_difference *d)
{
    plain_out("d%-5lld %.19s  %-10s ", (long long)d->id, d->found, d->kind);
    if (d->level)
        plain_out("%s, ", d->level);
    sessions_print(d->a);
    printf(" -> ");
    sessions_print(d->b);
    if (d->subject) {
        printf(", \"");
        sessions_print(d->subject);
        putchar('"');
    }
    printf(": ");
    sessions_print(d->summary);
    putchar('\n');
}

bool sessions_narrows(const struct log_filter *f)
{
    return f->match || f->task || f->tag || f->checkpoint || f->image_digest || f->since ||
           f->until || f->pinned || f->judged;
}

/* What was found out in a session, behind its queries; what was measured comes after it. */
static int list_differences(const struct log_filter *f, struct log *l, json_t *all,
                            struct vs_err *err)
{
    struct log_difference *list;
    int n;
    int rc = log_list_differences(l, f->session, &list, &n, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < n; i++)
        if (all)
            json_array_append_new(all, difference_value(&list[i]));
        else
            print_difference(&list[i]);
    log_differences_free(list, n);
    return 0;
}

/* ---- what answers owe to words and regions */

#define ATTRIBUTED_SHOWN 3 /* words and regions of each */

/* The number of a word or region that is the largest but for those that were printed; -1: none. */
static int attributed_next(const struct attribution_record *x, const bool *printed)
{
    int best = -1;
    for (int i = 0; i < (int)attribution_record_places(x); i++)
        if (!printed[i] && isfinite(x->numbers[i]) &&
            (best < 0 || fabsf(x->numbers[i]) > fabsf(x->numbers[best])))
            best = i;
    return best;
}

static void attributed_print(const struct attribution_record *x, const struct result *r)
{
    bool *printed = xcalloc(attribution_record_places(x) + 1, sizeof *printed);
    char *name = attribution_record_name(x);
    plain_out("         %s, %s %+.4f:", name, x->scale, x->value);
    free(name);
    for (int k = 0; k < ATTRIBUTED_SHOWN; k++) {
        int i = attributed_next(x, printed);
        if (i < 0)
            break;
        printed[i] = true;
        if (i < x->tokens)
            plain_out("%s %s %+.4g", k ? "," : "", i < r->token_count ? r->tokens[i].piece : "?",
                      (double)x->numbers[i]);
        else if (x->images > 1)
            plain_out("%s image %d region %d %+.4g", k ? "," : "",
                      (i - x->tokens) / x->regions + 1, (i - x->tokens) % x->regions,
                      (double)x->numbers[i]);
        else
            plain_out("%s region %d %+.4g", k ? "," : "", (i - x->tokens) % x->regions,
                      (double)x->numbers[i]);
    }
    putchar('\n');
    free(printed);
}

/* Below their query, or as a member of its JSON. */
static int list_attributions(struct log *l, int64_t query, json_t *of, struct vs_err *err)
{
    struct attribution_record **list = NULL;
    struct result *r = NULL;
    json_t *all = json_array();
    int n = 0;
    int rc = log_read_attributions(l, query, &list, &n, err);
    if (rc == 0 && n > 0 && !of)
        rc = log_read_result(l, query, &r, err);
    for (int i = 0; i < n && rc == 0; i++)
        if (of)
            json_array_append_new(all, attribution_record_json(list[i]));
        else
            attributed_print(list[i], r);
    if (of && json_array_size(all))
        json_object_set(of, "attributions", all);
    json_decref(all);
    result_free(r);
    log_attributions_free(list, n);
    return rc;
}

static int list_queries(const struct sessions_options *o, const struct log_filter *f,
                        bool differences, struct log *l, struct vs_err *err)
{
    struct log_query *list;
    int n;
    int rc = log_find(l, f, &list, &n, err);
    if (rc != 0)
        return rc;
    json_t *all = json_array();
    for (int i = 0; i < n && rc == 0; i++) {
        json_t *v = o->json ? query_value(&list[i]) : NULL;
        if (!v)
            print_query(l, &list[i]);
        rc = list_attributions(l, list[i].id, v, err);
        if (v)
            json_array_append_new(all, v);
    }
    log_queries_free(list, n);
    if (rc == 0 && differences)
        rc = list_differences(f, l, o->json ? all : NULL, err);
    if (rc == 0 && differences)
        rc = sessions_list_evaluations(f, l, o->json ? all : NULL, err);
    if (rc == 0 && o->json)
        return command_json(all, JSON_INDENT(1));
    json_decref(all);
    return rc;
}

int sessions_show(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_filter f = o->filter;
    int rc = sessions_id(o->args[0], &f.session, err);
    return rc ? rc : list_queries(o, &f, !sessions_narrows(&f), l, err);
}

int sessions_search(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_filter f = o->filter;
    struct buf words = {0};
    buf_puts(&words, f.match ? f.match : "");
    for (int i = 0; i < o->arg_count; i++)
        buf_printf(&words, "%s%s", words.len ? " " : "", o->args[i]);
    f.match = words.data;
    int rc = list_queries(o, &f, false, l, err);
    buf_fini(&words);
    return rc;
}

/* The logged maps as a file, under the names that "query --attention" gives them. */
static int list_write_attention(struct log *l, int64_t id, const char *path, struct vs_err *err)
{
    struct trace *t = NULL;
    int rc = log_attention_read(l, id, &t, err);
    if (rc != 0)
        return rc;
    rc = trace_write(t, true, path, err);
    trace_free(t);
    return rc;
}

int sessions_query(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    char *json = NULL;
    int64_t id;
    int rc = sessions_id(o->args[0], &id, err);
    if (rc == 0)
        rc = log_query_json(l, id, &json, err);
    if (rc == 0 && o->attention)
        rc = list_write_attention(l, id, o->attention, err);
    if (rc == 0)
        plain_json_line(json);
    free(json);
    return rc;
}

int sessions_difference(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    char *json = NULL;
    int64_t id;
    int rc = sessions_id(o->args[0] + (o->args[0][0] == 'd'), &id, err);
    if (rc == 0)
        rc = log_difference_json(l, id, &json, err);
    if (rc == 0)
        plain_json_line(json);
    free(json);
    return rc;
}
