/* SPDX-License-Identifier: MIT */
/* Probe sets: pinned queries with what is expected of them (vilscope-probes(5)), asked of one
 * checkpoint after the other. */
#ifndef VS_PROBES_H
#define VS_PROBES_H

#include "src/engine/engine.h"
#include "src/study/eval.h"

#include <stdatomic.h>

struct probe {
    char *name;            /* as the file says, else the text */
    struct eval_item item; /* what is asked, and what is right when that is known */
    char **regions;        /* (item.image_count) paths; NULL: as photo_open finds them */
    char **keys;           /* (item.image_count) of entries there; NULL: as photo_open finds them */
    bool upright;          /* pictures turned as their EXIF orientation says */
};
struct probes {
    char *path;            /* NULL: not from a file */
    char digest[DIGEST_HEX];
    int count;
    struct probe *list;
};
/* Both forms: paragraphs of "field: value" lines, or the JSON lines of vilscope-data(5). The caller
 * frees *out with probes_free. */
int probes_open(const char *path, struct probes **out, struct vs_err *err);
void probes_free(struct probes *p);
/* Drops the others; counted within each task. */
void probes_keep(struct probes *p, const struct shard *shard);
/* An empty set, and one more probe in it, all zero but item.number (-1); valid until the next. */
struct probes *probes_new(void);
struct probe *probes_add(struct probes *p);
/* The paragraph of a probe, to be appended to a file. folder: images below it are written relative
 * to it; NULL: as they are. Caller frees. */
char *probe_format(const struct probe *p, const char *folder);
/* The digest of a set that was not read from a file: that of its paragraphs. */
void probes_set_digest(struct probes *p);

/* ---- asking them */

#define PROBE_TOP 32
/* What a checkpoint said. */
struct probe_answer {
    char *error;        /* why it could not be asked, or NULL */
    bool diverged;      /* that was: its weights, or what they make of it, are no numbers */
    char *text;         /* the best answer or box, in words */
    char *notice;       /* the result's, or NULL */
    int64_t key;        /* of it (src/study/compare.h) */
    double softmax, entropy, margin;
    bool lone;          /* it is the only one, so its softmax is always 1: */
    double logit, sigmoid;
    bool judged, right; /* judged: the probe says what is right; right: worth 0.5 or more */
    double worth;       /* 0 to 1 */
    double expected;    /* softmax of what is right, all of it together; -1 when not judged */
    int expected_rank;  /* of the best of it, from 0; -1 when there is none */
    int64_t log_id;     /* of the logged query, 0: not logged */
    int top_count;      /* the best answers, ranked */
    struct { int64_t key; double softmax; } top[PROBE_TOP];
};
struct probe_column {
    int checkpoint;     /* the model's number */
    char *name, *path;
    struct probe_answer *answers; /* (probes->count) */
};
/* Columns come one after the other; a column that is counted does not change any more, so other
 * threads may read it. */
struct probe_table {
    const struct probes *probes;
    atomic_int count;
    struct probe_column *columns[MODEL_CHECKPOINTS];
};

struct probe_runner; /* keeps the photos open */
/* m and p are borrowed. */
struct probe_runner *probe_runner_new(struct model *m, const struct probes *p);
void probe_runner_free(struct probe_runner *r);
const struct probe_table *probe_runner_table(const struct probe_runner *r);
/* Probe i as a query of a checkpoint; its parts belong to the runner. */
int probe_runner_query(struct probe_runner *r, int i, int checkpoint, struct query *out,
                       struct vs_err *err);
/* Called after each probe, in the running thread. *result is NULL when it failed; else it is lent,
 * or the callee's when it sets it to NULL. Where it was logged is kept in the answer. */
typedef void probe_report(void *arg, int probe, struct probe_answer *a, struct result **result);
/* Asks a checkpoint all probes: a new column. Fails when cancelled; a probe that fails is told in
 * its answer. */
int probe_runner_add(struct probe_runner *r, int checkpoint, const atomic_bool *cancel,
                     probe_report *report, void *arg, struct vs_err *err);
/* The same in steps of one probe, so that other work comes between: begin, then step until it no
 * longer returns 1. 0: the column is there. A failed or abandoned column is dropped by the next
 * begin. */
int probe_runner_begin(struct probe_runner *r, int checkpoint, struct vs_err *err);
/* The column that was begun stays, with what was answered, if anything was, and why the others were
 * not asked. */
void probe_runner_stop(struct probe_runner *r, const char *why);
int probe_runner_step(struct probe_runner *r, const atomic_bool *cancel, probe_report *report,
                      void *arg, struct vs_err *err);
/* The probe that the next step asks. */
int probe_runner_at(const struct probe_runner *r);

/* ---- reading the table */

/* What is right, in words; NULL when that is not known. Caller frees. */
char *probe_expected(const struct probe *p);

struct probe_sum {
    int asked, failed, diverged; /* all that diverged failed */
    int judged, right;
    double worth, expected; /* means over the judged ones */
    double entropy;         /* mean, nats; NAN: nothing was answered */
};
struct probe_sum probe_table_sum(const struct probe_table *t, int column);
/* Probes that both columns answer, and those to which they give the same answer. */
int probe_table_both(const struct probe_table *t, int a, int b);
int probe_table_agree(const struct probe_table *t, int a, int b);
/* The same of all columns but those without any answer: columns counts the others. */
int probe_table_agree_all(const struct probe_table *t, int *columns);
/* Whether the answer to a probe differs between two columns; false when one failed. */
bool probe_table_flips(const struct probe_table *t, int probe, int a, int b);
/* A probe over the first n columns (a runner may add one at any time): the softmax of what is right
 * or, when that is not known, of the last column's answer, and where there is only one to choose,
 * the sigmoid of its logit; NAN where the probe failed. out (n). */
void probe_table_trend(const struct probe_table *t, int n, int probe, double *out);
/* The mean of all probes that were answered; NAN where none was. out (n). */
void probe_table_mean(const struct probe_table *t, int n, double *out);
/* 95 % of that mean, by the normal approximation; NAN where fewer than two were answered. */
void probe_table_interval(const struct probe_table *t, int n, double *low, double *high);
/* Values from 0 to 1 as one character each, in UTF-8 block elements or ASCII. Caller frees. */
char *sparkline(const double *values, int count, bool utf8);

#endif
