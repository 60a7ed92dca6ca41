/* vilscope sessions: what was logged. This file reads the command line and lists; the rest is in
 * cmd_sessions_*.c. */
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/formats/bytes.h"
#include "src/formats/image.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char sessions_help[] =
    "  list               list the sessions, the newest first (the default)\n"
    "  show ID            list the queries of a session, and what was found out in it\n"
    "  query ID           show one query with all that was logged of it, as JSON\n"
    "  difference ID      show what a comparison of two checkpoints found, as JSON\n"
    "  search [WORD...]   list queries with these words in task, question, answer, note or tags;\n"
    "                     the last may be the beginning of one\n"
    "  replay ID -m DIR   ask a session's questions again, of other checkpoints, and report what\n"
    "                     changed\n"
    "  diff A B           compare two sessions' answers to the same questions\n"
    "  diff -c A -c B     compare two checkpoints' answers\n"
    "  export [ID...]     write queries, of these sessions or of all, as JSON lines, CSV or HTML\n"
    "  merge FILE...      add what other logs have and this one has not\n"
    "  prune              remove queries, by --session or --older-than\n"
    "  check              look whether the log is sound\n"
    "  sql QUERY          ask in SQL; only reading is allowed\n"
    "  pin ID [EXPECTED], unpin ID, note ID TEXT, tag ID TAG, untag ID TAG\n"
    "                     say something about a query\n\n"
    "Which queries (show, search, export, replay):\n"
    "  -s, --search TEXT  with these words\n"
    "  -t, --task TASK    of this task\n"
    "  -c, --checkpoint C answered by it: a name, a digest or a file, whatever it was called then\n"
    "      --image FILE   about this picture, wherever it was then\n"
    "      --tag TAG      with this tag\n"
    "      --pinned       that are pinned\n"
    "      --session ID   of this session\n"
    "      --since TIME   asked from then on (2026-01-31, or with T14:30)\n"
    "      --until TIME   asked before then\n"
    "  -n, --limit N      at most N lines (default 50; export and diff: all)\n\n"
    "replay and diff:\n"
    "  -m, --model DIR    model directory (vilscope-model(5))\n"
    "  -c, --checkpoint C one of its checkpoints, by name, or a file; may be given more than once\n"
    "      --tolerance P  a best probability that moved by more than P is a change, too\n"
    "      --fail-on-change  exit with status 1 when an answer changed or could not be had\n"
    "      --device NAME  auto, cpu, ref, cpu-avx2, ...\n"
    "      --threads N    threads to compute with (default: all CPUs)\n"
    "      --no-log       do not log what is asked again\n"
    "      --unsafe-decode  decode pictures without a sandbox where there is none\n\n"
    "export and sql:\n"
    "      --format F     export: jsonl (default), csv or html\n"
    "  -o, --output FILE  where to (default: standard output)\n"
    "      --csv          sql: CSV instead of a table\n"
    "      --attention FILE  query: write its logged attention maps as .safetensors\n\n"
    "prune and check:\n"
    "      --older-than T days (90d), or a time as --until takes it\n"
    "      --all          prune: also pinned queries\n"
    "      --dry-run      prune: only say what would go\n"
    "      --vacuum       prune: give the room back to the disk\n"
    "      --repair       check: make the search index anew when it is wrong\n\n"
    "      --json         as JSON\n"
    "      --log FILE     log database (default: the one of the workbench), or FOLDER/: all of\n"
    "                     its logs, to read\n"
    "      --help         this text\n\n"
    "The database is described in vilscope-sessions(5); sqlite3 reads it, too.\n\n"
    "  vilscope sessions replay 12 -m models/12in1 -c new.pth --fail-on-change\n";

enum {
    OPT_IMAGE = 256, OPT_TAG, OPT_PINNED, OPT_SESSION, OPT_SINCE, OPT_UNTIL, OPT_TOLERANCE,
    OPT_FAIL, OPT_DEVICE, OPT_THREADS, OPT_NO_LOG, OPT_FORMAT, OPT_CSV, OPT_ATTENTION, OPT_OLDER,
    OPT_ALL, OPT_DRY, OPT_VACUUM, OPT_REPAIR, OPT_UNSAFE, OPT_JSON, OPT_LOG, OPT_HELP
};

static const struct option long_options[] = {
    {"search", required_argument, NULL, 's'},
    {"task", required_argument, NULL, 't'},
    {"checkpoint", required_argument, NULL, 'c'},
    {"model", required_argument, NULL, 'm'},
    {"limit", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"image", required_argument, NULL, OPT_IMAGE},
    {"tag", required_argument, NULL, OPT_TAG},
    {"pinned", no_argument, NULL, OPT_PINNED},
    {"session", required_argument, NULL, OPT_SESSION},
    {"since", required_argument, NULL, OPT_SINCE},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"tolerance", required_argument, NULL, OPT_TOLERANCE},
    {"fail-on-change", no_argument, NULL, OPT_FAIL},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"no-log", no_argument, NULL, OPT_NO_LOG},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"csv", no_argument, NULL, OPT_CSV},
    {"attention", required_argument, NULL, OPT_ATTENTION},
    {"older-than", required_argument, NULL, OPT_OLDER},
    {"all", no_argument, NULL, OPT_ALL},
    {"dry-run", no_argument, NULL, OPT_DRY},
    {"vacuum", no_argument, NULL, OPT_VACUUM},
    {"repair", no_argument, NULL, OPT_REPAIR},
    {"unsafe-decode", no_argument, NULL, OPT_UNSAFE},
    {"json", no_argument, NULL, OPT_JSON},
    {"log", required_argument, NULL, OPT_LOG},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* ---- helpers of all parts */

void sessions_print(const char *s)
{
    plain_out("%s", s ? s : "");
}

json_t *sessions_text(const char *s)
{
    return plain_string(s);
}

int sessions_print_json(json_t *v)
{
    char *s = json_dumps(v, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    plain_json_line(s);
    free(s);
    json_decref(v);
    return 0;
}

int sessions_id(const char *text, int64_t *out, struct vs_err *err)
{
    char *end;
    *out = strtoll(text, &end, 10);
    if (*end || end == text || *out < 1)
        return vs_fail(err, VS_E_USAGE, "'%s' is not an ID", text);
    return 0;
}

const char *sessions_checkpoint(const char *text, char hex[DIGEST_HEX])
{
    struct bytes b;
    if (!strpbrk(text, "/.") || bytes_open(text, &b, NULL) != 0)
        return text;
    digest_bytes(b.data, b.size, hex);
    bytes_close(&b);
    return hex;
}

/* ---- saying something about a query */

static int mark(const struct sessions_options *o, struct log *l, const char *verb,
                struct vs_err *err)
{
    int64_t id;
    const char *text = o->arg_count > 1 ? o->args[1] : NULL;
    int rc = sessions_id(o->args[0], &id, err);
    if (rc != 0)
        return rc;
    switch (verb[0]) {
    case 'p': return log_pin(l, id, text, err);
    case 'n': return log_set_note(l, id, text, err);
    case 't': return log_add_tag(l, id, text, err);
    default: return strcmp(verb, "unpin") == 0 ? log_unpin(l, id, err)
                                               : log_remove_tag(l, id, text, err);
    }
}

/* ---- the verbs */

static const struct verb {
    const char *name;
    int least, most; /* arguments */
    bool writes;
    sessions_verb *run; /* NULL: mark */
    const char *wants;
} verbs[] = {
    {"list", 0, 0, false, sessions_list, "no argument"},
    {"show", 1, 1, false, sessions_show, "one ID"},
    {"query", 1, 1, false, sessions_query, "one ID"},
    {"difference", 1, 1, false, sessions_difference, "one ID"},
    {"search", 0, 1000, false, sessions_search, "words"},
    {"replay", 1, 1, false, sessions_replay, "one ID"},
    {"diff", 0, 2, false, sessions_diff, "two IDs, or two -c"},
    {"export", 0, 1000, false, sessions_export, "IDs"},
    {"merge", 1, 1000, true, sessions_merge, "files"},
    {"prune", 0, 0, true, sessions_prune, "no argument"},
    {"check", 0, 0, false, sessions_check, "no argument"},
    {"sql", 1, 1, false, sessions_sql, "one statement, in quotes"},
    {"pin", 1, 2, true, NULL, "an ID and perhaps what is expected"},
    {"unpin", 1, 1, true, NULL, "an ID"},
    {"note", 2, 2, true, NULL, "an ID and a text"},
    {"tag", 2, 2, true, NULL, "an ID and a word"},
    {"untag", 2, 2, true, NULL, "an ID and a word"},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* ---- the command line */

static int take_number(const char *name, const char *s, long most, int *out)
{
    char *end;
    long n = strtol(s, &end, 10);
    if (*end || end == s || n < 1 || n > most)
        return command_usage("sessions", "%s takes a number from 1 to %ld, not '%s'", name, most,
                             s);
    *out = (int)n;
    return 0;
}

static int take_session(struct sessions_options *o, const char *value)
{
    struct vs_err err = {0};
    int64_t id;
    if (sessions_id(value, &id, &err) != 0)
        return command_usage("sessions", "%s", err.text);
    if (o->filter.session)
        return command_usage("sessions", "--session is given twice");
    o->filter.session = id;
    return 0;
}

static int take_checked(int opt, struct sessions_options *o, const char *value)
{
    char *end;
    switch (opt) {
    case 't':
        if (!task_find(value))
            return command_usage("sessions", "there is no task '%s' (\"vilscope tasks\" lists "
                                 "them)", value);
        o->filter.task = task_find(value)->name;
        return 0;
    case 'c':
        if (o->checkpoint_count == SESSIONS_MOST)
            return command_usage("sessions", "more than %d checkpoints", SESSIONS_MOST);
        o->checkpoints[o->checkpoint_count++] = value;
        return 0;
    case 'n':
        o->limit_given = true;
        return take_number("--limit", value, 100000000, &o->filter.limit);
    case OPT_TOLERANCE:
        o->tolerance = strtod(value, &end);
        if (*end || end == value || !(o->tolerance >= 0 && o->tolerance <= 1))
            return command_usage("sessions", "--tolerance takes a probability, not '%s'", value);
        return 0;
    case OPT_FORMAT:
        o->format = value;
        if (strcmp(value, "jsonl") != 0 && strcmp(value, "csv") != 0 && strcmp(value, "html") != 0)
            return command_usage("sessions", "--format takes jsonl, csv or html, not '%s'", value);
        return 0;
    default: return EXIT_USAGE; /* getopt has said what is wrong */
    }
}

static int take_option(int opt, struct sessions_options *o, const char *value)
{
    switch (opt) {
    case 's': o->filter.match = value; return 0;
    case 'm': o->model.dir = value; return 0;
    case 'o': o->output = value; return 0;
    case OPT_IMAGE: o->image = value; return 0;
    case OPT_TAG: o->filter.tag = value; return 0;
    case OPT_PINNED: o->filter.pinned = true; return 0;
    case OPT_SESSION: return take_session(o, value);
    case OPT_SINCE: o->filter.since = value; return 0;
    case OPT_UNTIL: o->filter.until = value; return 0;
    case OPT_FAIL: o->fail_on_change = true; return 0;
    case OPT_DEVICE: o->model.device = value; return 0;
    case OPT_THREADS: return take_number("--threads", value, 1024, &o->model.threads);
    case OPT_NO_LOG: o->no_log = true; return 0;
    case OPT_CSV: o->csv = true; return 0;
    case OPT_ATTENTION: o->attention = value; return 0;
    case OPT_OLDER: o->older = value; return 0;
    case OPT_ALL: o->filter.pinned = true; return 0; /* prune: those, too */
    case OPT_DRY: o->dry_run = true; return 0;
    case OPT_VACUUM: o->vacuum = true; return 0;
    case OPT_REPAIR: o->repair = true; return 0;
    case OPT_UNSAFE: image_unsafe_decode(); return 0;
    case OPT_JSON: o->json = true; return 0;
    case OPT_LOG: o->log = value; return 0;
    case OPT_HELP: return -1;
    default: return take_checked(opt, o, value);
    }
}

/* 0, an exit status, or -1 when help was asked for. */
static int parse(int argc, char **argv, struct sessions_options *o, const struct verb **verb)
{
    int opt, rc;
    optind = 0;
    while ((opt = command_getopt("sessions", argc, argv, "s:t:c:m:n:o:", long_options)) != -1)
        if ((rc = take_option(opt, o, optarg)) != 0)
            return rc;
    *verb = find_verb(optind < argc ? argv[optind] : o->filter.match ? "search" : "list");
    if (!*verb)
        return command_usage("sessions", "'%s' is not one of its words", argv[optind]);
    if (optind < argc)
        optind++;
    o->args = argv + optind;
    o->arg_count = argc - optind;
    if (o->arg_count < (*verb)->least || o->arg_count > (*verb)->most)
        return command_usage("sessions", "%s takes %s", (*verb)->name, (*verb)->wants);
    return 0;
}

/* The picture's digest, whatever it is called now. */
static int resolve_image(struct sessions_options *o, char hex[DIGEST_HEX], struct vs_err *err)
{
    struct bytes b;
    if (!o->image)
        return 0;
    int rc = bytes_open(o->image, &b, err);
    if (rc != 0)
        return rc;
    digest_bytes(b.data, b.size, hex);
    bytes_close(&b);
    o->filter.image_digest = hex;
    return 0;
}

static int run(struct sessions_options *o, const struct verb *verb, struct vs_err *err)
{
    struct log *l = NULL;
    char image[DIGEST_HEX], checkpoint[DIGEST_HEX];
    bool writes = verb->writes ? !o->dry_run : o->repair;
    char *path = o->log ? xstrdup(o->log) : log_default_path(err);
    int rc = path ? resolve_image(o, image, err) : err->code;
    if (o->checkpoint_count)
        o->filter.checkpoint = sessions_checkpoint(o->checkpoints[0], checkpoint);
    if (rc == 0 && verb->run != sessions_merge && access(path, F_OK) != 0)
        writes = false; /* nothing to work on: no log is made only to say so */
    if (rc == 0 && writes && log_names_folder(path))
        rc = vs_fail(err, VS_E_USAGE, "%s: a folder of logs is only read: put them into one with "
                     "\"vilscope sessions --log FILE merge %s\"", path, path);
    if (rc == 0)
        rc = log_open(path, !writes, &l, err);
    if (rc == 0 && log_notice(l))
        plain_text(stderr, "vilscope sessions: note: %s\n", log_notice(l));
    if (rc == 0)
        rc = verb->run ? verb->run(o, l, err) : mark(o, l, verb->name, err);
    log_close(l);
    free(path);
    return rc;
}

int cmd_sessions(int argc, char **argv)
{
    struct sessions_options *o = xcalloc(1, sizeof *o);
    struct vs_err err = {0};
    const struct verb *verb = NULL;
    int status = parse(argc, argv, o, &verb);
    if (status < 0)
        status = command_help(command_find("sessions"));
    else if (status == 0) {
        int rc = run(o, verb, &err);
        status = rc < 0 ? command_fail("sessions", &err) : rc;
    }
    free(o);
    return status;
}
