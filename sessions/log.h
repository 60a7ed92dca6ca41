/* SPDX-License-Identifier: MIT */
/* The log: one SQLite database of sessions, checkpoints, images, queries and results, and of what
 * people say about them. The only folder that includes sqlite3.h. Schema: vilscope-sessions(5). */
#ifndef VS_LOG_H
#define VS_LOG_H

#include "src/base/err.h"
#include "src/task/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct log;
struct difference;
struct attribution_record;
#define LOG_UID 33 /* 32 hexadecimal digits and a NUL */

/* $VILSCOPE_LOG, else $XDG_DATA_HOME/vilscope/log.db, else ~/.local/share/vilscope/log.db.
 * Caller frees; NULL with err when there is no home. */
char *log_default_path(struct vs_err *err);
/* Opens or creates (folders too), migrates forward after keeping a copy of the older log.
 * read_only: never creates or changes; an older log is read through a temporary copy. */
int log_open(const char *path, bool read_only, struct log **out, struct vs_err *err);
/* The same for reading; of a folder of logs, shards of evaluations stay apart: who writes them to
 * another log joins them there. */
int log_open_apart(const char *path, struct log **out, struct vs_err *err);
void log_close(struct log *l);
const char *log_path(const struct log *l);
/* One line about the opening that the user should see (a migration), or NULL. */
const char *log_notice(const struct log *l);

/* A session is one run of the program. note may be NULL. Sets *session. */
int log_begin_session(struct log *l, const char *note, int64_t *session, struct vs_err *err);
int log_end_session(struct log *l, int64_t session, struct vs_err *err);
/* One transaction; sets r->log_id. When it returns 0 the query is on the disk. */
int log_result(struct log *l, int64_t session, struct result *r, struct vs_err *err);

/* What lists show of a result: its best answer or box in words, the number and what that is. Caller
 * frees; NULL when there is none. */
char *log_best(const struct result *r, double *score, const char **score_name);

/* ---- logging that goes on when the log cannot be written: locked, full, read-only, damaged */

/* Opens the log at path for writing and begins a session. *out is always set: when it fails, what
 * is logged later is kept in memory, and log_flush_pending tries again, the opening included. */
int log_start(const char *path, const char *note, struct log **out, struct vs_err *err);
/* The same for a command that may be killed and given again; run: what is the same then, in a text,
 * and NULL for one that is not. It goes on with the session that it began: what is logged later and
 * is there already is not written again, and has the row that it had. In a folder of logs that
 * session may be in any of them. */
int log_start_run(const char *path, const char *note, const char *run, struct log **out,
                  struct vs_err *err);
/* How many queries of such a session were there when it was gone on with. */
int log_found_count(const struct log *l);
/* l is from log_start. 0: r is on the disk and r->log_id set. Otherwise err says why not, and a
 * copy of r (its trace aside) is kept to be written later, in order and with the time of now; then
 * r->log_id is negative, and names it until it has a row (0: there was no room to keep it). Waits
 * a quarter of a second for other writers at most, not at all while others are pending. */
int log_result_later(struct log *l, struct result *r, struct vs_err *err);
/* The row of a query that log_result_later named; 0 while it waits. A row is itself. */
int64_t log_written_query(const struct log *l, int64_t id);
/* The same for other records, in the order of the calls. Queries may be named by negative numbers,
 * and 0 is none; queries that were removed meanwhile are left out. */
int log_comparison_later(struct log *l, const int64_t *queries, int count, const char *note,
                         struct vs_err *err);
struct log_probe_run;
int log_probe_run_later(struct log *l, const struct log_probe_run *run, struct vs_err *err);
int log_difference_later(struct log *l, const struct difference *d, struct vs_err *err);
/* Writes what is pending, each query once; 0 when nothing is pending any more. */
int log_flush_pending(struct log *l, struct vs_err *err);
/* How many records are kept in memory: the mark to show while it is not 0. */
int log_pending_count(const struct log *l);
/* The session of log_start, 0 while it is not on the disk. */
int64_t log_started_session(const struct log *l);
/* What became of records that could not be written. */
struct log_left {
    int kept, lost; /* records; lost: not even kept */
    char *where;    /* the log that has the kept ones; the caller frees, NULL: none is kept */
    bool beside;    /* the next program that writes to the log adds it by itself */
};
/* Flushes, ends the session and closes. What could still not be written is kept in a log of its own
 * beside the log, which the next program that writes to the log adds, or in the folder of the
 * default log, or in $TMPDIR: then an error is returned, and *left (may be NULL) says what became
 * of it. */
int log_finish(struct log *l, struct log_left *left, struct vs_err *err);
/* Whether the log is one of a folder of logs, or all of them together, whose numbers are no
 * session's to keep. */
bool log_in_folder(const struct log *l);
/* Whether a path names such a folder: "DIR/", or one that is there. */
bool log_names_folder(const char *path);
/* Makes the folders above a path. */
int log_make_folders(const char *path, struct vs_err *err);

/* What a checkpoint scored on a data set, for one task. Strings may be NULL but the digests. */
struct log_evaluation {
    const struct task *task;
    const char *model, *checkpoint_name, *checkpoint_path, *data_path, *data_digest;
    char checkpoint_digest[DIGEST_HEX];
    int items;
    double score, low, high, baseline; /* shares; low and high: a 95 % interval; NAN: no answers */
    const char *split;                 /* or NULL */
    const char *left_out;              /* items that could not be asked, a list of JSON; or NULL */
    bool as_reference;                 /* as in struct eval_set */
    /* What came of each item (vilscope-data(5), "Rows"): rows_size bytes of lines, or none. */
    const char *rows;
    size_t rows_size;
    bool rows_mapped; /* of a file, whose pages memory may let go of */
    int row_count; /* read only: how many those were */
    /* Of a share of an evaluation, as sessions/joining.c joins them; else NULL and zeros. */
    const char *part; /* what is the same of all its shares, and of all checkpoints: a digest */
    int shard, shards; /* the shard-th, from 1, of so many; shard 0: it was joined of them */
    int whole;         /* items of all shares */
    int place, places; /* the checkpoint's, from 1, among those that are measured; or 0 */
};
/* With all of its rows one transaction. */
int log_evaluation(struct log *l, int64_t session, const struct log_evaluation *e,
                   struct vs_err *err);

/* As it is listed; task NULL: none that is known. */
struct log_evaluated {
    int64_t id, session;
    char measured[32];
    struct log_evaluation e; /* its texts are copies; without the rows */
};
/* Oldest first; session 0: of all. */
int log_list_evaluations(struct log *l, int64_t session, struct log_evaluated **out, int *count,
                         struct vs_err *err);
void log_evaluations_free(struct log_evaluated *list, int count);
/* VS_E_MISSING when there is none. The caller frees it with log_evaluations_free. */
int log_find_evaluation(struct log *l, int64_t id, struct log_evaluated **out, struct vs_err *err);
/* Hands each row of an evaluation on, in the order of the items, as the line that it was. */
typedef int log_row(void *arg, const char *line, size_t length, struct vs_err *err);
int log_read_evaluation_rows(struct log *l, int64_t evaluation, log_row *take, void *arg,
                             struct vs_err *err);
/* Items that two evaluations have, by what came of them with a and with b. */
enum log_outcomes {
    LOG_FLIPPED, LOG_GAINED /* right with b only */, LOG_LOST, LOG_BOTH_WRONG, LOG_BOTH_RIGHT
};
struct log_wanted {
    int64_t a, b; /* evaluations */
    enum log_outcomes outcome;
    double sure;               /* with one of both the answer has that confidence */
    const char *field, *value; /* of a slice, or NULL */
};
/* A number of an item, and the larger of both confidences. */
struct log_paired {
    int64_t item;
    double sure;
};
/* All of them, the surest first. */
struct log_pairs {
    int64_t a, b; /* evaluations */
    struct log_paired *list; /* (count) */
    int64_t count;
};
/* Which items, told by an index without reading a row. The caller calls log_pairs_fini in any
 * case. */
int log_list_pairs(struct log *l, const struct log_wanted *w, struct log_pairs *out,
                   struct vs_err *err);
void log_pairs_fini(struct log_pairs *p);
/* Lines of an item, without an end of their own. */
struct log_row_pair {
    const char *a, *b;
    size_t a_length, b_length;
};
typedef int log_take_pair(void *arg, const struct log_row_pair *p, struct vs_err *err);
/* Hands on a page of what is listed: from *next, which goes behind it, at most limit. An item that
 * is called otherwise in both is passed over. */
int log_read_pairs(struct log *l, const struct log_pairs *p, int64_t *next, int limit,
                   log_take_pair *take, void *arg, struct vs_err *err);
/* An item of an evaluation as numbers alone, without its row. */
struct log_item {
    int64_t item;
    uint64_t name;             /* a hash of its name: where it differs, so do the items */
    double score, confidence;  /* NAN: none is known */
    bool right;
};
/* All of an evaluation, by item; the caller frees. */
int log_list_items(struct log *l, int64_t evaluation, struct log_item **out, int *count,
                   struct vs_err *err);
/* Of a slice of an evaluation (a field and a value): how many items, and what they are worth. */
struct log_slice {
    char *field, *value;
    int64_t items, scored;
    double score; /* the mean, NAN: none has one */
};
/* By field and value; field NULL: all. */
int log_list_slices(struct log *l, int64_t evaluation, const char *field, struct log_slice **out,
                    int *count, struct vs_err *err);
void log_slices_free(struct log_slice *s, int count);
/* The digest of the checkpoint of that name, when the log knows one only; else VS_E_MISSING or
 * VS_E_REFUSED. */
int log_checkpoint_named(struct log *l, const char *name, char digest[DIGEST_HEX],
                         struct vs_err *err);

/* As log_comparison_later. */
int log_evaluation_later(struct log *l, const struct log_evaluation *e, struct vs_err *err);

/* ---- comparisons: one question, several checkpoints, asked together */

/* queries: ids of logged queries, in the order of the columns. note and id may be NULL. */
int log_comparison(struct log *l, int64_t session, const int64_t *queries, int count,
                   const char *note, int64_t *id, struct vs_err *err);
/* The ids of a comparison's queries, in order; caller frees *queries. */
int log_comparison_queries(struct log *l, int64_t id, int64_t **queries, int *count,
                           struct vs_err *err);
/* The newest comparison that a query is part of; 0: none. */
int log_comparison_of(struct log *l, int64_t query, int64_t *id, struct vs_err *err);

/* ---- probe sets (vilscope-probes(5)) asked of one checkpoint */

enum log_outcome { PROBE_RIGHT, PROBE_WRONG, PROBE_UNJUDGED, PROBE_FAILED };
struct log_probe {
    const char *probe;    /* what the set calls it, or its text; the key of its trend */
    const char *task;     /* name */
    const char *expected; /* or NULL */
    const char *answer;   /* or NULL when it failed */
    double score;         /* the answer's softmax or, where there is no other, its logit */
    double entropy;
    enum log_outcome outcome;
    int64_t query;  /* the logged query, or 0 */
    /* read only: */
    char ran[32], checkpoint_digest[DIGEST_HEX];
    const char *checkpoint;
};
struct log_probe_run {
    const char *probes_path, *probes_digest, *model, *checkpoint_name, *checkpoint_path;
    char checkpoint_digest[DIGEST_HEX];
    const struct log_probe *probes;
    int count;
};
/* What is logged of an answer; `expected` is the caller's to free. */
struct probe;
struct probe_answer;
struct log_probe log_probe_of(const struct probe *p, const struct probe_answer *a);
/* One transaction. Strings may be NULL but probes_digest; *id may be NULL. */
int log_probe_run(struct log *l, int64_t session, const struct log_probe_run *run, int64_t *id,
                  struct vs_err *err);
/* What became of a probe over time, oldest first; task NULL: of any. */
int log_probe_trend(struct log *l, const char *probe, const char *task, struct log_probe **out,
                    int *count, struct vs_err *err);
/* Of a list that log_probe_trend made. */
void log_probes_free(struct log_probe *p, int count);

/* ---- what was found out about two checkpoints (src/study/difference.h) */

int log_difference(struct log *l, int64_t session, const struct difference *d, int64_t *id,
                   struct vs_err *err);
/* As it is listed; strings may be NULL where those of a difference may. */
struct log_difference {
    int64_t id, session;
    char found[32];
    char *kind, *level, *subject, *a, *b, *summary; /* a, b: names of the checkpoints */
    char a_digest[DIGEST_HEX], b_digest[DIGEST_HEX];
    int part_count;
};
/* Oldest first; session 0: of all. */
int log_list_differences(struct log *l, int64_t session, struct log_difference **out, int *count,
                         struct vs_err *err);
void log_differences_free(struct log_difference *d, int count);
/* Its JSON, as it was printed. Caller frees. VS_E_MISSING when there is none. */
int log_difference_json(struct log *l, int64_t id, char **json, struct vs_err *err);

/* ---- attention maps, in half precision and compressed */

struct log_attention_size {
    int maps;
    int64_t raw, packed; /* bytes: as float16, and as they are in the log */
};
#define LOG_ATTENTION_LIMIT (16 * 1024 * 1024)
/* Adds all maps of the trace (attn.*) to a logged query, replacing those that it has; all or none.
 * More than limit packed bytes are refused with VS_E_LIMIT. size may be NULL. */
int log_attention(struct log *l, int64_t query, const struct trace *t, int64_t limit,
                  struct log_attention_size *size, struct vs_err *err);
/* The maps of a query as a trace that trace_attention reads; VS_E_MISSING when it has none. Values
 * are those of half precision. The caller frees *out with trace_free. */
int log_attention_read(struct log *l, int64_t query, struct trace **out, struct vs_err *err);
int log_attention_size(struct log *l, int64_t query, struct log_attention_size *size,
                       struct vs_err *err);

/* ---- what answers owe to words and regions (src/study/attributed.h) */

/* x->query names its query, as log_result_later did. One of the same target and settings that is
 * there stays. As log_comparison_later. */
int log_attribution_later(struct log *l, const struct attribution_record *x, struct vs_err *err);
/* Those of a query, in the order in which they were logged; numbers that are not those of their
 * digest are damage. The caller calls log_attributions_free. */
int log_read_attributions(struct log *l, int64_t query, struct attribution_record ***out,
                          int *count, struct vs_err *err);
void log_attributions_free(struct attribution_record **list, int count);

/* ---- what people say about queries; searched, too */

/* expected: what would be right, or NULL. Pinning again changes it. */
int log_pin(struct log *l, int64_t query, const char *expected, struct vs_err *err);
int log_unpin(struct log *l, int64_t query, struct vs_err *err);
/* NULL or "": no note. */
int log_set_note(struct log *l, int64_t query, const char *note, struct vs_err *err);
/* A tag is a word: no blanks, 64 bytes at most. */
int log_add_tag(struct log *l, int64_t query, const char *tag, struct vs_err *err);
int log_remove_tag(struct log *l, int64_t query, const char *tag, struct vs_err *err);

/* ---- reading */

struct log_session {
    int64_t id;
    char started[32], ended[32]; /* UTC, ISO 8601; "" while open or after a crash */
    char uid[LOG_UID];           /* the same in every log it was merged into */
    char *note, *machine;
    int query_count, evaluation_count;
};
/* Whether an answer is right. */
enum log_judged { LOG_ANY, LOG_RIGHT, LOG_WRONG, LOG_UNJUDGED };
extern const char *const log_judged_names[]; /* by it; ends in NULL */
struct log_query {
    int64_t id, session;
    int64_t question; /* the same for the same task, text and images, whoever answers */
    char when[32];
    char *task, *text, *answer /* the best answer or box in words */, *checkpoint, *image;
    char checkpoint_digest[DIGEST_HEX];
    double score;                /* its probability */
    const char *score_name;      /* what the number is: "softmax", "sigmoid", "logit" */
    double total_ms;
    bool pinned;
    char *expected, *note, *tags, *changes; /* NULL when none; tags with blanks between them */
    /* By what its check set said of it, else by what is expected of the same question where that is
     * pinned; never LOG_ANY. */
    enum log_judged judged;
};
/* Which queries; a zeroed one is all of them. */
struct log_filter {
    const char *match; /* words, all of which are in task, question, answer, note or tags; the last
                          may be the beginning of one */
    int64_t session, question;
    const char *task, *tag;
    const char *checkpoint;   /* its name or digest */
    const char *image_digest; /* wherever the file was */
    const char *since, *until; /* asked: ISO 8601, UTC, or the beginning of one */
    bool pinned;
    int judged;     /* enum log_judged */
    bool whole;     /* also the other answers to the questions of those, whoever gave them; the
                       newest of all that are as many as the limit */
    int64_t before; /* ids below this one: the last of a page asks for the next */
    int limit;      /* 0: 50 */
};
/* Newest first; *out is an array that the caller frees with the matching free function. */
int log_find(struct log *l, const struct log_filter *f, struct log_query **out, int *count,
             struct vs_err *err);
int log_list_sessions(struct log *l, int limit, struct log_session **out, int *count,
                      struct vs_err *err);
void log_sessions_free(struct log_session *s, int count);
/* A filter as it is typed: "task:vqa", "checkpoint:NAME", "outcome:wrong", "tag:hard",
 * "since:2026-01", "until:2026-02", "pinned:"; all other words are f->match. */
struct log_typed {
    struct log_filter f; /* its texts are those of `text` and `words` */
    char text[512], words[512];
    char why[160];       /* what cannot be so, or "" */
};
/* Text that is longer is cut. */
void log_filter_typed(const char *text, struct log_typed *out);
/* log_find by session (0: of all) and words (NULL: any). */
int log_list_queries(struct log *l, int64_t session, const char *match, int limit,
                     struct log_query **out, int *count, struct vs_err *err);
/* All answers to the question of this query, its own included, newest first. */
int log_same_question(struct log *l, int64_t query, struct log_query **out, int *count,
                      struct vs_err *err);
void log_queries_free(struct log_query *q, int count);
/* The JSON of one query as logged (same fields as result_json). Caller frees *json. */
int log_query_json(struct log *l, int64_t id, char **json, struct vs_err *err);
/* The result itself, without trace and the places of regions that were not ranked; of long lists
 * the first RESULT_TOP answers. The caller frees it with result_free. */
int log_read_result(struct log *l, int64_t id, struct result **out, struct vs_err *err);
/* The paths under which a picture was met, the newest question first; caller frees both levels. */
int log_image_paths(struct log *l, const char *digest, char ***out, int *count,
                    struct vs_err *err);

#endif
