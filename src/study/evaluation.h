/* SPDX-License-Identifier: MIT */
/* One set on one checkpoint: what came of each item, and the numbers of all of them. */
#ifndef VS_EVALUATION_H
#define VS_EVALUATION_H

#include "src/study/reference.h"

/* row: the item as a line of JSON (eval_rows.h); reference: as its program writes it, or NULL.
 * Neither has a new line. past: it is a row of an earlier run. Rows come task by task. A failure
 * ends the evaluation. */
typedef int evaluation_row(void *arg, const struct eval_item *it, const char *row,
                           const char *reference, bool past, struct vs_err *err);

/* ---- evaluation_past.c: the rows of an earlier run, which need not be computed again */
struct evaluation_past;
/* A file of rows; one that is not there has none. The caller closes it; NULL is fine there. */
int evaluation_past_open(const char *path, struct evaluation_past **out, struct vs_err *err);
void evaluation_past_close(struct evaluation_past *p);
/* Bytes of its whole lines: what is behind them was cut off when the run ended. */
size_t evaluation_past_size(const struct evaluation_past *p);

/* Which tasks of a set, or whether that one, a checkpoint has no head for: without (task_count).
 * Of each a line goes to notes, with `before` at its beginning; *first: why, of the first one.
 * Returns how many are left. */
int eval_check_heads(const struct eval_set *s, const struct task *only, const struct model *m,
                     int checkpoint, bool *without, const char *before, struct buf *notes,
                     struct vs_err *first);

struct evaluation {
    /* The caller's: */
    const struct eval_set *set;
    struct shard shard;
    int sample;
    uint64_t seed;
    int checkpoint, limit, batch; /* as in struct eval_options, and for other sets than those of the
                                     reference's folder these, too: */
    const struct task *task;
    const bool *without;
    struct eval_gone *gone;
    struct eval_attention *attention;
    const struct change *changes; /* (change_count) interventions in every item's query */
    int change_count;
    const char *name;             /* what rows call the checkpoint; NULL: by its own name */
    eval_take *take;
    void *take_arg;
    struct eval_score *scores;    /* (task_count), or NULL */
    bool strict;                  /* an item that cannot be asked ends it */
    evaluation_row *row;          /* or NULL */
    void *row_arg;
    const struct evaluation_past *past; /* or NULL */
    bool past_in_parts; /* its rows may be those of several shards, one after the other: they stand
                           in any order, and gaps are filled behind them */
    bool past_is_ours; /* its rows are of the same command: none is computed again to compare */
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
    /* What came of it: */
    struct reference_sums sums; /* of all its tasks */
    struct eval_flaw *flaws; /* (flaw_count) of the set, and those that were found when asked */
    int flaw_count;
    double low, high;        /* 95 % interval of the score */
    double ms;               /* an item */
};
int evaluation_run(struct evaluation *e, struct model *m, struct vs_err *err);
/* The mean score, 0 to 1; NAN where nothing says what is right. */
double evaluation_score(const struct evaluation *e);
void evaluation_fini(struct evaluation *e);

#endif
