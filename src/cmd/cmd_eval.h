/* SPDX-License-Identifier: MIT */
/* What the files of vilscope eval share. */
#ifndef VS_CMD_EVAL_H
#define VS_CMD_EVAL_H

#include "src/cmd/options.h"
#include "src/study/evaluation.h"

#include <jansson.h>
#include <stdio.h>

/* What a model answers, a row for each item of the set, in its order. */
struct predictions {
    const struct eval_set *set;
    json_t **rows; /* (set->count), NULL where nothing was answered */
    int count;
};

void predictions_begin(struct predictions *p, const struct eval_set *set);
/* An eval_take; arg: the struct predictions. */
void predictions_take(void *arg, const struct eval_item *it, const struct result *r);
int predictions_write(const struct predictions *p, const char *path, struct vs_err *err);
void predictions_end(struct predictions *p);

/* ---- cmd_eval_figure.c: scores and reliability as a figure */

struct eval_figure {
    const char *path; /* NULL: none is drawn */
    int width, dpi;   /* mm; 0: the usual ones */
};
struct rows_wanted;
/* 0, or the status of a usage error that is said; idle: an option that it does not go with. */
int eval_figure_check(const struct eval_figure *f, const char *idle);
/* *rows: where rows go; a new file, whose path is *own too, where a figure is drawn without one. */
int eval_figure_begin(const struct eval_figure *f, const char **rows, char **own,
                      struct vs_err *err);
/* Draws what was measured, and removes that file. As eval_figure_of, with what status says. */
int eval_figure_end(const struct eval_figure *f, const char *rows, char *own, int status);
/* Of the rows of files, or logs; nothing without a path. A status of the program: told, or a
 * failure that is said. */
int eval_figure_of(const struct eval_figure *f, const struct words *files,
                   const struct words *evaluations, const struct rows_wanted *w, int told);

/* ---- cmd_eval_table.c: vilscope eval --data, a checkpoint a column */

struct column {
    int checkpoint;
    bool *without;  /* (task_count) what it has no head for */
    char *diverged; /* why nothing was measured, or NULL */
    struct eval_score *scores; /* (task_count) */
    struct eval_attention attention;
    struct eval_gone gone;
    struct evaluation e; /* its flaws; scores, gone and attention are those above */
};
/* Those that were measured, `sound` of them, come first; VS_E_DIVERGED where there is none. */
int column_order(struct column *list, int count, int sound, struct vs_err *err);
/* Tells which tasks of the set the checkpoint has no head for, unless nothing else is asked: *first
 * says why then. task: the only one, or NULL. Returns whether there is one left to measure it on,
 * or none at all, which is for others to say. */
bool column_drop_tasks(struct column *c, const struct model *m, const struct eval_set *set,
                       const struct task *task, struct vs_err *first);
/* What both kinds of JSON call the numbers of a retrieval. */
struct eval_number {
    const char *name;
    double v;
};
#define EVAL_RECALLS 5
void eval_recalls(const struct reference_recall *r, struct eval_number out[EVAL_RECALLS]);
/* The task's own, or that of items with foils, or of pairs of those. */
const char *eval_metric(const struct task *t, int foils, int pairs);
/* "87.5% (52.9 to 97.8)"; ends that are 0 or 100 without a decimal. */
void eval_interval_text(double score, double low, double high, char *out, size_t size);
/* Of a pool: images by captions and captions by images; the second line is indented. */
void eval_print_recalls(const struct reference_sums *s, int indent);
void column_print_pools(const struct model *m, const struct column *list, int count);
void column_print_table(const struct model *m, const struct column *list, int count);
void column_print_recall(const struct column *list, int count);
void column_print_attention(const struct column *list, int count);
/* Notes on standard error: what the model was not trained on, and images that are not there. */
void column_print_foreign(const struct column *list, int count);
void column_print_unlisted(const struct column *list, int count);
/* The note of one task's items; nothing where unlisted is 0. */
void eval_say_unlisted(const char *command, const struct task *t, int unlisted, int items);
void column_print_gone(const struct column *c);
void column_print_json(const struct model *m, const struct eval_set *set,
                       const struct column *list, int count, bool interrupted);
/* Items with a score, or those without. */
int column_answered(const struct column *c, bool scored);
/* The checkpoint that was asked most: others lack heads. */
const struct column *column_widest(const struct column *list, int count);

/* ---- cmd_eval_rows.c: rows on their way to --rows and to the JSON */

struct rows_spool {
    FILE *file; /* temporary */
    const char *between;
    long size; /* bytes */
};
struct rows_out {
    const char *path;   /* NULL: only what the JSON has */
    bool folder;        /* it is one: files as the reference writes them */
    bool several;       /* tasks or checkpoints: a folder each */
    FILE *lines;        /* else a row a line */
    bool stale;         /* what is in that file is still of another run */
    int error;          /* the first errno of those */
    struct evaluation_past *past; /* rows that were there already, or NULL */
    struct rows_spool items, reference; /* of what is running since rows_begin */
    long *starts; /* (task_count) where each task's rows begin in items, -1: it has none; or NULL */
};
/* Whether --rows PATH is a folder, which gets the files that the reference writes. */
bool rows_is_folder(const char *path);
/* resume: behind the rows of an earlier run. */
int rows_open(struct rows_out *o, const char *path, bool several, bool resume, struct vs_err *err);
int rows_close(struct rows_out *o, struct vs_err *err); /* in any case */
/* Around each set on each checkpoint. keep_items: for rows_print and rows_map. */
int rows_begin(struct rows_out *o, bool keep_items, struct vs_err *err);
void rows_end(struct rows_out *o);
/* An evaluation_row; arg: the struct rows_out. */
int rows_take(void *arg, const struct eval_item *it, const char *row, const char *reference,
              bool past, struct vs_err *err);
void rows_flush(struct rows_out *o);
int rows_write_reference(struct rows_out *o, const char *checkpoint, const char *task,
                         const char *split, struct vs_err *err);
/* Before anything of a JSON document is printed: whether all rows of it were kept. */
int rows_ready(struct rows_out *o, struct vs_err *err);
/* The members "rows" and "per_item" of the JSON that is being printed, with a comma before. */
int rows_print(struct rows_out *o, struct vs_err *err);

/* Names the items of an evaluation that were left out, the first ones, on standard error; what: of
 * which set. Returns whether there were any. */
bool eval_say_flaws(const struct evaluation *e, const char *what);

/* The rows of the running set and checkpoint, a line each; to be unmapped. NULL: there are none. */
int rows_map(struct rows_out *o, const char **text, size_t *size, struct vs_err *err);
void rows_unmap(const char *text, size_t size);
/* Those of one task among them, borrowed; NULL: it has none. */
const char *rows_of_task(const struct rows_out *o, const struct task *task, const char *text,
                         size_t size, size_t *count);

/* ---- cmd_eval_document.c: one evaluation as JSON, and as a line */

struct eval_document {
    const char *model, *checkpoint, *path, *data, *data_digest; /* NULL: not known */
    const char *task, *split;
    const struct evaluation *e; /* NULL: it failed */
    double ms;                  /* NAN: not known */
    bool interrupted, flaws_known;
};
/* All of it but the rows and the end: rows_print, then "\n}". */
void eval_document_open(const struct eval_document *d);
/* Instead: that there is none, and why. */
void eval_document_failed(const struct eval_document *d, const char *why);
/* What stands before a document of several of which `shown` were printed, and behind the last. */
const char *eval_document_between(int shown);
#define EVAL_DOCUMENTS_END "\n]}"
/* The same for people; first: behind the heads of the columns. */
void eval_line_print(const char *checkpoint, const struct evaluation *e, bool first);
/* Items that were left out, as a list of JSON; the caller frees it. task: only those that may be
 * its items; NULL: all. places: also the items' places in the set. */
char *eval_flaws_text(const struct evaluation *e, const struct task *task, bool places);

struct logging;
struct log_evaluation;
/* ---- cmd_eval_part.c: one of N runs that share an evaluation */

struct part_there {
    char digest[DIGEST_HEX]; /* of a checkpoint */
    const struct task *task;
};
struct eval_part {
    struct shard shard, place; /* shard.count 0: the whole is measured, and nothing of this is */
    char key[DIGEST_HEX];
    char *stem;
    char *rows;  /* where its rows are put as they come: those of earlier runs are there */
    char *log;   /* where it is to be logged */
    char *final; /* what that is called when all is there, or NULL */
    int kept;    /* rows of earlier runs */
    struct part_there *there; /* (there_count) what is logged already */
    int there_count;
};
/* What is measured. */
struct eval_part_of {
    struct model *m;
    const char *data, *data_digest, *device;
    const struct eval_source *source;
    bool as_reference;
    int limit;
};
/* p->shard and p->place are set; log NULL: the default log. The caller calls eval_part_close in any
 * case. */
int eval_part_open(struct eval_part *p, const struct eval_part_of *of, const char *log,
                   struct vs_err *err);
/* Begins the log of a share, once there is something to log: until then there is none. Nothing for
 * what is no share, or is in a log already. */
void eval_part_begin_log(const struct eval_part *p, struct logging *g);
/* Says in a record which share it is, when it is one; false: that is logged already. */
bool eval_part_describe(const struct eval_part *p, const struct eval_set *set, int limit,
                        struct log_evaluation *e);
/* whole: all was measured and logged. */
int eval_part_close(struct eval_part *p, bool whole, struct vs_err *err);
/* rc, which of a signal says where what was measured until then is, and how it goes on. */
int eval_stopped(const struct eval_part *p, const char *rows, int rc, struct vs_err *err);
/* Logs a score: what waits is told at the end, what is not even kept, at once. */
void eval_log_put(struct logging *g, const struct log_evaluation *e);

/* ---- cmd_eval_from.c: vilscope eval --from; w: which of what there is in files and logs, and of
 * the logs only those evaluations. A status of the program. */
struct rows_wanted;
int eval_from(const struct words *files, const struct words *evaluations,
              const struct rows_wanted *w, bool json);

/* ---- what is studied on a set instead of scores */

struct eval_study {
    struct words changes, slices;
    bool all_slices, heads, csv, json;
    int least, top, resamples, seed;
    int sort; /* of eval_head_orders: 0, or 1 + an enum headset_stat */
    int limit;
    struct shard shard;
    bool resume;
    const struct model_options *model;
    const struct eval_source *data;
    const char *reference, *rows;
    const atomic_bool *stop;
    struct eval_figure figure;
};
extern const char *const eval_head_orders[];
/* cmd_eval_change.c, cmd_eval_heads.c: each opens the model and prints. A status of the program, or
 * a negative code. */
int eval_changed(const struct eval_study *s, struct vs_err *err);
int eval_heads(const struct eval_study *s, struct vs_err *err);

/* ---- cmd_eval_reference.c: vilscope eval --reference */

struct reference_wants {
    const char *folder, *split, *rows;
    const struct task *task; /* NULL: all that the folder has */
    bool as_reference, strict, resume, json;
    int limit, batch;
    const struct eval_part *part;
    struct shard shard;
    const atomic_bool *stop;
    eval_report *report;
    void *report_arg;
    const char **running; /* where the name of the checkpoint is put that is measured */
};
/* Measures, prints and logs (log NULL: does not). A status of the program, or a negative code. */
int eval_reference_folder(const struct reference_wants *w, struct model *m, struct logging *log,
                          struct vs_err *err);

#endif
