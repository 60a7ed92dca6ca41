/* SPDX-License-Identifier: MIT */
/* vilscope sessions: what was logged. This file reads the command line and lists; the rest is in
 * cmd_sessions_*.c. */
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/formats/bytes.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- helpers of all parts */

void sessions_print(const char *s)
{
    plain_out("%s", s ? s : "");
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

static int sessions_mark(const struct sessions_options *o, struct log *l, const char *verb,
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
    int least, most; /* arguments */
    bool writes;
    sessions_verb *run; /* NULL: mark */
    const char *wants;
} verbs[] = {
    {0, 0, false, sessions_list, "no argument"},
    {1, 1, false, sessions_show, "one ID"},
    {1, 1, false, sessions_query, "one ID"},
    {1, 1, false, sessions_difference, "one ID"},
    {0, 1, false, sessions_evaluations, "at most the ID of a session"},
    {1, 1, false, sessions_evaluation, "one ID"},
    {0, 1000, false, sessions_search, "words"},
    {1, 1, false, sessions_replay, "one ID"},
    {0, 2, false, sessions_diff, "two IDs, or two -c"},
    {0, 1000, false, sessions_export, "IDs"},
    {1, 1000, true, sessions_merge, "files"},
    {1, 1000, true, sessions_import, "files of rows"},
    {0, 0, true, sessions_prune, "no argument"},
    {0, 0, false, sessions_check, "no argument"},
    {1, 1, false, sessions_sql, "one statement, in quotes"},
    {1, 2, true, NULL, "an ID and perhaps what is expected"},
    {1, 1, true, NULL, "an ID"},
    {2, 2, true, NULL, "an ID and a text"},
    {2, 2, true, NULL, "an ID and a tag"},
    {2, 2, true, NULL, "an ID and a tag"},
};
#define VERBS (sizeof verbs / sizeof verbs[0])

/* In the order of verbs. */
static const struct command_word words[VERBS + 1] = {
    {"list", NULL, "list the sessions, the newest first (the default)"},
    {"show", "ID", "list the queries of a session, what was found out and measured in it"},
    {"query", "ID", "show one query with all that was logged of it, as JSON"},
    {"difference", "ID", "show what a comparison of two checkpoints found, as JSON"},
    {"evaluations", "[ID]", "list what was measured (in a session): scores of checkpoints"},
    {"evaluation", "ID", "show one of them with its slices as JSON, or with --rows what came of "
                         "each item"},
    {"search", "[WORD...]", "list queries with these words in task, question, answer, note or "
                            "tags; the last may be the beginning of one"},
    {"replay", "ID -m DIR", "ask a session's questions again, of other checkpoints, and report "
                            "what changed"},
    {"diff", "A B", "compare two sessions' answers to the same questions; or two checkpoints' "
                    "answers: diff -c A -c B"},
    {"export", "[ID...]", "write queries, of these sessions or of all, as JSON lines, CSV or HTML"},
    {"merge", "FILE...", "add what other logs have and this one lacks; join evaluations whose "
                         "shards are all there, and say which are missing"},
    {"import", "FILE...", "add evaluations from files of rows (vilscope eval --rows)"},
    {"prune", NULL, "remove queries, by --session or --older-than"},
    {"check", NULL, "verify that the log is sound"},
    {"sql", "QUERY", "run an SQL query; only reading is allowed"},
    {"pin", "ID [EXPECTED]", "pin a query, with what would be right"},
    {"unpin", "ID", "unpin a query"},
    {"note", "ID TEXT", "write a note on a query"},
    {"tag", "ID TAG", "add a tag to a query"},
    {"untag", "ID TAG", "remove a tag from a query"},
    {NULL, NULL, NULL},
};

/* ---- the command line */

static int take_session(void *options, const char *value, struct vs_err *err)
{
    struct sessions_options *o = options;
    int64_t id;
    int rc = sessions_id(value, &id, err);
    o->filter.session = rc ? o->filter.session : id;
    return rc;
}

#define OPTIONS struct sessions_options
static const char *const formats[] = {"jsonl", "csv", "html", NULL};
static const struct option_row option_rows[] = {
    HEADING("Which queries (show, search, export, replay)"),
    TEXT("search", 's', "TEXT", filter.match, VALUES_NONE, "with these words"),
    TASK(task, "of this task"),
    WORDS("checkpoint", 'c', "NAME", checkpoints, VALUES_CHECKPOINTS,
          "answered by it: a name or a file, whatever it was called then, or a digest; replay: "
          "asked again of it, by its name in the model directory or its file; may be given more "
          "than once"),
    TEXT("image", 0, "FILE", image, VALUES_FILES, "about this image, wherever it was then"),
    TEXT("tag", 0, "TAG", filter.tag, VALUES_NONE, "with this tag"),
    FLAG("pinned", filter.pinned, "that are pinned"),
    CHOICE("outcome", "KIND", filter.judged, log_judged_names, LOG_ANY,
           "whose answer is right or wrong, by a check set or by what is pinned to the question, "
           "or unjudged"),
    TAKE("session", "ID", take_session, "of this session"),
    TEXT("since", 0, "TIME", filter.since, VALUES_NONE,
         "asked from then on (2026-01-31, or with T14:30)"),
    TEXT("until", 0, "TIME", filter.until, VALUES_NONE, "asked before then"),
    INT("limit", 'n', "N", filter.limit, 1, 100000000, 0,
        "at most N lines; 50 without it, of export and diff all"),
    HEADING("replay, diff and import"),
    TEXT("model", 'm', "DIR", model.dir, VALUES_FOLDERS,
         "model directory (vilscope-model(5)); the demo's without it; import: whose checkpoints "
         "the rows are of"),
    REAL("tolerance", "P", tolerance, 0, 1, 0,
         "a best probability that moved by more than P counts as a change, too"),
    SHARD("shard", shard,
          "replay: only every N-th question of each task from the I-th on: one of N runs that "
          "share the work"),
    FLAG("resume", resume,
         "replay: log nothing twice when the same command was killed and is given again; so does "
         "each --shard"),
    FLAG("fail-on-change", fail_on_change,
         "exit with status 1 when an answer or an attribution changed, or a query failed"),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_NO_LOG(no_log),
    ROW_UNSAFE,
    HEADING("query, export and sql"),
    TEXT("attention", 0, "FILE", attention, VALUES_WRITTEN,
         "query: write its logged attention maps as .safetensors"),
    CHOICE("format", "KIND", format, formats, 0, "export"),
    TEXT("output", 'o', "FILE", output, VALUES_WRITTEN,
         "where to write (default: standard output)"),
    FLAG("csv", csv, "sql: CSV instead of a table"),
    FLAG("rows", rows, "evaluation: its rows, a line of JSON each"),
    HEADING("merge"),
    FLAG("missing", missing,
         "print the shards that no log has, as sbatch --array= takes them, and nothing else"),
    HEADING("prune and check"),
    TEXT("older-than", 0, "AGE", older, VALUES_NONE,
         "days (90d), or a time as --until takes it"),
    FLAG("all", filter.pinned, "prune: also pinned queries"),
    FLAG("dry-run", dry_run, "prune: only say what would be removed"),
    FLAG("vacuum", vacuum, "prune: return the freed space to the disk"),
    FLAG("repair", repair, "check: rebuild the search index when it is wrong"),
    HEADING("All"),
    ROW_JSON(json),
    TEXT("log", 0, "FILE", log, VALUES_FILES,
         "log database (default: the one of the workbench), or FOLDER/: all of its logs, to read"),
    END,
};

/* 0 or an exit status. */
static int choose_verb(struct sessions_options *o, char **args, int count, size_t *verb)
{
    const char *name = count ? args[0] : o->filter.match ? "search" : "list", *near = NULL;
    for (*verb = 0; *verb < VERBS && strcmp(words[*verb].name, name) != 0; ++*verb)
        near = options_nearer(name, near, words[*verb].name);
    if (*verb == VERBS && near)
        return command_usage("sessions", "there is no verb '%s': did you mean %s?", name, near);
    if (*verb == VERBS)
        return command_usage("sessions", "there is no verb '%s'", name);
    o->args = args + (count > 0);
    o->arg_count = count - (count > 0);
    if (o->arg_count < verbs[*verb].least || o->arg_count > verbs[*verb].most)
        return command_usage("sessions", "%s takes %s", name, verbs[*verb].wants);
    return 0;
}

/* The image's digest, whatever it is called now. */
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

/* For the others -c says who is asked, or compared: no file has to be read for a digest. */
static bool filters_checkpoint(const struct verb *v)
{
    return v->run != sessions_replay && v->run != sessions_diff;
}

static int run_verb(struct sessions_options *o, size_t number, struct vs_err *err)
{
    const struct verb *verb = &verbs[number];
    struct log *l = NULL;
    char image[DIGEST_HEX], checkpoint[DIGEST_HEX];
    bool writes = verb->writes ? !o->dry_run : o->repair;
    char *path = o->log ? xstrdup(o->log) : log_default_path(err);
    int rc = path ? resolve_image(o, image, err) : err->code;
    if (o->checkpoints.count && filters_checkpoint(verb))
        o->filter.checkpoint = sessions_checkpoint(o->checkpoints.list[0], checkpoint);
    if (rc == 0 && verb->run != sessions_merge && verb->run != sessions_import &&
        access(path, F_OK) != 0)
        writes = false; /* nothing to work on: no log is made only to say so */
    if (rc == 0 && writes && log_names_folder(path))
        rc = vs_fail(err, VS_E_USAGE, "%s: a folder of logs is only read: put them into one with "
                     "\"vilscope sessions --log FILE merge %s\"", path, path);
    if (rc == 0)
        rc = log_open(path, !writes, &l, err);
    if (rc == 0 && log_notice(l))
        plain_text(stderr, "vilscope sessions: note: %s\n", log_notice(l));
    if (rc == 0)
        rc = verb->run ? verb->run(o, l, err) : sessions_mark(o, l, words[number].name, err);
    log_close(l);
    free(path);
    return rc;
}

static int run_sessions(void *options, char **args, int count)
{
    struct sessions_options *o = options;
    struct vs_err err = {0};
    size_t verb;
    int status = choose_verb(o, args, count, &verb);
    if (status != 0)
        return status;
    if ((o->shard.count || o->resume) && verbs[verb].run != sessions_replay)
        return command_usage("sessions", "--%s is for replay",
                             o->shard.count ? "shard" : "resume");
    o->filter.task = o->task ? o->task->name : NULL;
    status = run_verb(o, verb, &err);
    return status < 0 ? command_fail("sessions", &err) : status;
}

const struct command command_sessions = {
    .name = "sessions", .args = "[OPTION...] [VERB [ARGUMENT...]]",
    .summary = "Find, compare and export what was logged.",
    .after = "The database is described in vilscope-sessions(5); sqlite3 reads it, too.\n\n"
             "  vilscope sessions replay 12 -m models/12in1 -c new.pth --fail-on-change\n",
    .rows = option_rows, .words = words, .most = -1, .values = VALUES_FILES,
    .size = sizeof(struct sessions_options), .run = run_sessions,
};
