/* SPDX-License-Identifier: MIT */
/* Looking after logs: merging, pruning, checking, comparing, asking in SQL, exporting. */
#ifndef VS_TEND_H
#define VS_TEND_H

#include "sessions/log.h"

struct log_merged {
    int64_t sessions, queries, others; /* that were new; others: evaluations, comparisons, probes,
                                           differences */
    int64_t notes, joined; /* that became others here; joined: of them, that keep what both say */
    int64_t pins, tags;    /* that were new */
    int64_t kept_pins;     /* that expect something else there: what is expected here stays */
};
/* Adds what another log has and this one has not; a transaction for each session, so that it can be
 * interrupted and run again. */
int log_merge(struct log *into, struct log *from, struct log_merged *count, struct vs_err *err);
/* The same of one session of from. */
int log_merge_session(struct log *into, struct log *from, int64_t session,
                      struct log_merged *count, struct vs_err *err);

/* What became of an evaluation that was measured by shards. */
struct log_joined {
    const struct task *task;  /* NULL: none that is known, or no share of it is there */
    char *checkpoint, *split; /* or NULL */
    int place, places;        /* as in struct log_evaluation */
    int shards, items, whole; /* items: that have a row */
    int *missing;             /* (missing_count) shards that are not there, from 1 */
    int missing_count;
    char *unequal;            /* which item came out in two ways, or NULL */
    int64_t evaluation;       /* of all shards together; 0: there is none */
    bool fresh;               /* it was not there before */
    double score, low, high;
    int order;                /* in which it was found */
};
/* Joins those that are whole, and says what all others lack, by task and checkpoint. */
int log_join(struct log *l, struct log_joined **out, int *count, struct vs_err *err);
void log_joined_free(struct log_joined *list, int count);

/* Which queries and differences go: those of all conditions that are given. */
struct log_prune {
    const int64_t *sessions; /* of these sessions; count 0: of any */
    int session_count;
    const char *before; /* asked before: ISO 8601 or the beginning of one; NULL: at any time */
    bool pinned;        /* also those that are pinned */
    bool dry;           /* only count */
};
struct log_pruned {
    int64_t queries, sessions, pinned; /* pinned: that stayed because they are pinned */
    int64_t differences;
};
/* Sessions stay that still run (no end, begun within 30 days) or hold anything but queries. */
int log_prune(struct log *l, const struct log_prune *what, struct log_pruned *out,
              struct vs_err *err);
/* Gives room in the file back to the disk. */
int log_vacuum(struct log *l, struct vs_err *err);

struct log_count {
    char *name; /* of a table */
    int64_t rows;
};
struct log_report {
    int version, count, problem_count;
    struct log_count *counts;
    char **problems; /* a line each; none: the log is sound */
    int64_t bytes;
};
/* repair: makes the search index anew. Caller calls log_report_fini, whatever comes back. */
int log_check(struct log *l, bool repair, struct log_report *out, struct vs_err *err);
void log_report_fini(struct log_report *r);

/* Two answers to one question. */
struct log_pair {
    int64_t a, b; /* queries; 0: the question was not asked there */
    char *task, *text, *image, *changes, *a_answer, *b_answer, *a_checkpoint, *b_checkpoint;
    double a_score, b_score;
    bool changed; /* both were asked, and the best answers differ */
};
struct log_side {
    int64_t session;        /* or 0 */
    const char *checkpoint; /* name or digest; or NULL */
};
/* The newest answers of both sides to each question that either has, those of a first in the order
 * of asking. Between checkpoints only answers without interventions. VS_E_MISSING when a side is
 * not in the log. */
int log_diff(struct log *l, const struct log_side *a, const struct log_side *b,
             struct log_pair **out, int *count, struct vs_err *err);
void log_pairs_free(struct log_pair *p, int count);

enum log_format { LOG_TABLE, LOG_CSV, LOG_JSON, LOG_HTML };
/* Runs one statement that only reads and prints what it gives as a table, CSV or JSON; cells of a
 * table without control characters. l is open for reading only. */
int log_sql(struct log *l, const char *sql, enum log_format format, FILE *out, struct vs_err *err);

struct log_exported {
    const int64_t *queries;
    int count;
    const struct log_difference *differences;
    int difference_count;
};
/* Writes these queries and differences: JSON as a line each, CSV (a table of the queries alone), or
 * one HTML page with the pictures that are still where they were, or at another path that the log
 * knows. */
int log_export(struct log *l, const struct log_exported *what, enum log_format format, FILE *out,
               struct vs_err *err);

#endif
