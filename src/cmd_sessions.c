/* vilscope sessions: what was logged. */
#include "src/vilscope.h"

#include "sessions/log.h"
#include "src/mem.h"

#include <ctype.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char sessions_help[] =
    "  (nothing)          list the sessions, the newest first\n"
    "  show ID            list the queries of a session\n"
    "  query ID           show one query with all that was logged of it, as JSON\n\n"
    "  -s, --search TEXT  list queries of all sessions with TEXT in question, answer or task\n"
    "  -n, --limit N      at most N lines (default 50)\n"
    "      --json         as JSON\n"
    "      --log FILE     log database (default: the one of the workbench)\n"
    "      --help         this text\n\n"
    "The database is described in vilscope-sessions(5); sqlite3 reads it, too.\n";

struct options {
    const char *search, *log;
    int limit;
    bool json;
};

/* Typed text may hold anything; a terminal must not. */
static void print_text(const char *s)
{
    for (; s && *s; s++)
        putchar(iscntrl((unsigned char)*s) ? ' ' : *s);
}

static json_t *text_or_null(const char *s)
{
    json_t *v = s ? json_string(s) : NULL;
    return v ? v : json_null();
}

static int print_json(json_t *v)
{
    char *s = json_dumps(v, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    puts(s ? s : "");
    free(s);
    json_decref(v);
    return 0;
}

static int list_sessions(struct log *l, const struct options *o, struct vs_err *err)
{
    struct log_session *list;
    int n;
    int rc = log_list_sessions(l, o->limit, &list, &n, err);
    if (rc != 0)
        return rc;
    json_t *all = json_array();
    if (!o->json)
        printf("%-6s %-24s %-24s %-8s %s\n", "ID", "STARTED (UTC)", "ENDED", "QUERIES", "NOTE");
    for (int i = 0; i < n; i++) {
        if (o->json)
            json_array_append_new(all, json_pack("{s:I, s:s, s:o, s:i, s:o}", "id",
                                                 (json_int_t)list[i].id, "started",
                                                 list[i].started, "ended",
                                                 list[i].ended[0] ? json_string(list[i].ended)
                                                                  : json_null(),
                                                 "queries", list[i].query_count, "note",
                                                 text_or_null(list[i].note)));
        else {
            printf("%-6lld %-24s %-24s %-8d ", (long long)list[i].id, list[i].started,
                   list[i].ended[0] ? list[i].ended : "-", list[i].query_count);
            print_text(list[i].note);
            putchar('\n');
        }
    }
    log_sessions_free(list, n);
    if (o->json)
        return print_json(all);
    json_decref(all);
    return 0;
}

static json_t *query_value(const struct log_query *q)
{
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:f, s:s, s:f}", "id",
                     (json_int_t)q->id, "session", (json_int_t)q->session, "when", q->when, "task",
                     text_or_null(q->task), "text", text_or_null(q->text), "answer",
                     text_or_null(q->answer), "checkpoint", text_or_null(q->checkpoint), "image",
                     text_or_null(q->image), "score", q->score, "score_name", q->score_name, "ms",
                     q->total_ms);
}

static int list_queries(struct log *l, int64_t session, const struct options *o,
                        struct vs_err *err)
{
    struct log_query *list;
    int n;
    int rc = log_list_queries(l, session, o->search, o->limit, &list, &n, err);
    if (rc != 0)
        return rc;
    json_t *all = json_array();
    for (int i = 0; i < n; i++) {
        const struct log_query *q = &list[i];
        if (o->json) {
            json_array_append_new(all, query_value(q));
            continue;
        }
        printf("%-6lld %.19s  %-10s ", (long long)q->id, q->when, q->task);
        print_text(q->text);
        printf("  ->  ");
        print_text(q->answer);
        printf("  (%s %.4f, ", q->score_name, q->score);
        print_text(q->checkpoint);
        printf(")\n");
    }
    log_queries_free(list, n);
    if (o->json)
        return print_json(all);
    json_decref(all);
    return 0;
}

static int show_query(struct log *l, int64_t id, struct vs_err *err)
{
    char *json = NULL;
    int rc = log_query_json(l, id, &json, err);
    if (rc == 0)
        puts(json);
    free(json);
    return rc;
}

static int run(const struct options *o, const char *verb, int64_t id, struct vs_err *err)
{
    struct log *l = NULL;
    char *path = o->log ? xstrdup(o->log) : log_default_path(err);
    int rc = path ? log_open(path, true, &l, err) : err->code;
    if (rc == 0 && verb && strcmp(verb, "query") == 0)
        rc = show_query(l, id, err);
    else if (rc == 0 && (verb || o->search))
        rc = list_queries(l, id, o, err);
    else if (rc == 0)
        rc = list_sessions(l, o, err);
    log_close(l);
    free(path);
    return rc;
}

/* "show 3", "query 17" or nothing. */
static int parse_verb(int argc, char **argv, const char **verb, int64_t *id)
{
    char *end;
    if (optind == argc)
        return 0;
    *verb = argv[optind];
    if (strcmp(*verb, "show") != 0 && strcmp(*verb, "query") != 0)
        return command_usage("sessions", "'%s' is neither show nor query", *verb);
    if (argc - optind != 2)
        return command_usage("sessions", "%s takes one ID", *verb);
    *id = strtoll(argv[optind + 1], &end, 10);
    if (*end || end == argv[optind + 1] || *id < 1)
        return command_usage("sessions", "'%s' is not an ID", argv[optind + 1]);
    return 0;
}

static int parse_limit(const char *s, int *out)
{
    char *end;
    long n = strtol(s, &end, 10);
    if (*end || end == s || n < 1 || n > 1000000)
        return command_usage("sessions", "--limit takes a number from 1 on, not '%s'", s);
    *out = (int)n;
    return 0;
}

int cmd_sessions(int argc, char **argv)
{
    static const struct option list[] = {
        {"search", required_argument, NULL, 's'}, {"limit", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},         {"log", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct options o = {.limit = 50};
    struct vs_err err = {0};
    const char *verb = NULL;
    int64_t id = 0;
    int opt, status = 0;
    optind = 0;
    while (status == 0 && (opt = getopt_long(argc, argv, "s:n:", list, NULL)) != -1)
        switch (opt) {
        case 'h': return command_help(command_find("sessions"));
        case 's': o.search = optarg; break;
        case 'j': o.json = true; break;
        case 'l': o.log = optarg; break;
        case 'n': status = parse_limit(optarg, &o.limit); break;
        default: status = EXIT_USAGE;
        }
    if (status == 0)
        status = parse_verb(argc, argv, &verb, &id);
    if (status != 0)
        return status;
    if (run(&o, verb, id, &err) != 0)
        return command_fail("sessions", &err);
    return EXIT_OK;
}
