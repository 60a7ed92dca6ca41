/* SPDX-License-Identifier: MIT */
/* What the files of "vilscope compare" share. */
#ifndef VS_CMD_COMPARE_H
#define VS_CMD_COMPARE_H

#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/options.h"
#include "src/study/difference.h"
#include "src/study/eval.h"
#include "src/study/probes.h"
#include "src/task/change.h"

#include <jansson.h>

enum compare_what {
    COMPARE_ANSWERS, COMPARE_WEIGHTS, COMPARE_CKA, COMPARE_SWAP, COMPARE_ATTENTION
};

/* Interventions that are applied together, in every item's query. */
struct compare_intervention {
    char *text; /* as people write them */
    struct change *list;
    int count;
};

struct compare_options {
    struct model_options model;
    struct words checkpoints, regions, keys;
    struct shard shard; /* of a check set, or of what eval --change measures */
    char **images; /* borrowed, image_count of them */
    int image_count;
    const char *probes, *text, *watch, *log;
    const struct task *task;
    enum compare_what what;
    int level; /* of enum patch_level, or -1 */
    bool json, csv, no_log, weights, tensors, cka, attention, upright;
    int top;       /* rows of a table, 0: all */
    int until;     /* --watch: stop at so many checkpoints, 0: never */
    double settle; /* --watch: seconds, 0: as ever */
    int sample;    /* of a set: so many items of each task, by the seed; 0: all */
    /* Evaluations judged by their rows (cmd_compare_rows.h): */
    struct words rows, evaluations, slices;
    const char *from, *reference, *gallery, *pictures;
    struct eval_source data; /* path NULL: no set; its split is of anything that has splits */
    /* eval --change: instead of with each other, checkpoints are compared with themselves. */
    const struct compare_intervention *changes;
    int change_count;
    const char *figure; /* where plots are written, or NULL */
    bool rows_go;       /* the file of the rows is gone afterwards: the figure does not name it */
    int width, dpi;     /* of it; 0: the usual ones */
    const char *rows_out; /* where the rows of all are written, or NULL */
    bool resume;          /* behind those that are there, which may be those of several shards */
    char **more; /* borrowed, more_count: further files or evaluations */
    int more_count;
    bool all_slices, crossings, agreement, trend, calibration, confusion;
    struct words where;
    int least, resamples, seed, limit, outcome;
    double sure;
};

/* What slices and tests of evaluations ask for, in every command that judges them. */
#define ROW_SLICE(member)                                                                          \
    WORDS("slice", 0, "FIELD", member, VALUES_NONE,                                                \
          "in which values of a field (FIELD), or of two that are crossed (FIELD,FIELD), they "    \
          "differ; may be given more than once")
#define ROW_SLICES(member) FLAG("slices", member, "the same of each field")
#define ROW_LEAST(member)                                                                          \
    INT("least", 0, "N", member, 1, 1000000000, 30, "nothing is said of slices with fewer items")
#define ROW_RESAMPLES(member)                                                                      \
    INT("resamples", 0, "N", member, 100, 1000000, 10000, "drawings of the bootstrap")
#define ROW_SEED(member)                                                                           \
    INT("seed", 0, "N", member, 0, 2147483647, 1, "where those begin: the same gives the same")

struct compare_run {
    const struct compare_options *o;
    struct model *m;
    struct probes *probes;       /* NULL when only weights are compared */
    struct probe_runner *runner;
    struct logging logging;
    struct log *log;             /* that of logging, or NULL */
    bool log_failed;             /* said once */
    double flush_at;             /* ms: when to try again to write what waits for the log */
};

/* Set by signals: what runs stops between layers. */
extern atomic_bool compare_stopped;

/* The answer of one probe, for probe_runner_add with the run as its argument: logged, and told as
 * progress on a terminal. */
void compare_log_answer(void *arg, int probe, struct probe_answer *a, struct result **r);
/* A column of a probe set as a run of it, and what all columns say to each probe as a comparison.
 */
void compare_log_column(struct compare_run *r, int column);
void compare_log_rows(struct compare_run *r);
/* Takes d; r->log is there. */
void compare_log_difference(struct compare_run *r, struct difference *d);
bool compare_utf8(void);

/* Reads what is typed ("WHAT; WHAT"); the caller calls compare_intervention_fini in any case. */
int compare_intervention_read(const char *text, struct compare_intervention *out,
                              struct vs_err *err);
void compare_intervention_fini(struct compare_intervention *c);
/* ---- cmd_compare_rows.c: evaluations judged by their rows; stop ends measuring them. A status, or
 * a negative code. */
int compare_rows(const struct compare_options *o, const struct model_options *how,
                 const atomic_bool *stop, struct vs_err *err);

/* ---- cmd_compare_follow.c: --watch with --data or --reference: each checkpoint that comes is
 * measured, and what moved since the one before it is told. A status, or a negative code. */
int compare_follow_rows(const struct compare_options *o, const struct model_options *how,
                        struct vs_err *err);

/* ---- cmd_compare_figure.c: --figure */
int compare_check_figure(const struct compare_options *o);
int compare_write_trend(const struct compare_run *r, struct vs_err *err);

/* ---- cmd_compare_probes.c: the table of probes */
int compare_answers(struct compare_run *r, struct vs_err *err);
/* Fails, and says why the first one did not, when columns were asked and none answered. */
int compare_check_answers(const struct probe_table *t, struct vs_err *err);
/* Cut and filled to width columns; control characters become '?'. */
void compare_put_cell(const char *s, int width);
void compare_put_field(const char *s, char end); /* of CSV, in quotes */
/* A column that has just come, told in a few lines (--watch). */
void compare_print_column(const struct compare_run *r, int column);

/* ---- cmd_compare_watch.c */
/* What is done with checkpoints as they come. */
struct compare_follower {
    struct model **m;        /* NULL until it is opened with the first one; the caller frees it */
    void (*begin)(void *arg); /* it is open; or NULL */
    int (*ask)(void *arg, int checkpoint, struct vs_err *err);
    void *arg;
};
/* Waits for the checkpoints of o->watch until o->until of them were asked, or compare_stopped.
 * Those that are named come first. */
int compare_each_new(const struct compare_options *o, const struct model_options *how,
                     const struct compare_follower *f, struct vs_err *err);
/* Opens the model, with the first complete checkpoint of the folder when no other is named. */
int compare_watch(struct compare_run *r, const struct model_options *how, struct vs_err *err);

/* ---- cmd_compare_parts.c: weights, hidden states, attention, swaps */
int compare_weights(struct compare_run *r, struct vs_err *err);
int compare_cka(struct compare_run *r, struct vs_err *err);
int compare_patch(struct compare_run *r, struct vs_err *err);
int compare_attention(struct compare_run *r, struct vs_err *err);

#endif
