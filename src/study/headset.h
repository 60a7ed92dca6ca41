/* SPDX-License-Identifier: MIT */
/* How the heads of a checkpoint attend over a set of items: statistics of every head, with
 * intervals by resampling whole images, and their differences between two checkpoints. */
#ifndef VS_HEADSET_H
#define VS_HEADSET_H

#include "src/base/strmap.h"
#include "src/study/bootstrap.h"
#include "src/study/eval.h"
#include "src/study/set_row.h"

/* Of an item: means over the rows of its maps that are words or regions proper, neither special
 * tokens nor the whole image. */
enum headset_stat {
    HEADSET_ENTROPY,  /* of a row, nats */
    HEADSET_K90,      /* columns that hold 90 % of a row */
    HEADSET_PEAK,     /* the largest weight of a row */
    HEADSET_SPECIAL,  /* weight on special tokens or the whole image */
    HEADSET_CROSS,    /* of maps that have both: weight on the other modality */
    HEADSET_POINTING, /* of words on regions: 1 where the region that they attend to most overlaps a
                         true box by 0.5 and more, 0 where it does not; of items in which a region
                         could (eval_attention.c) */
    HEADSET_STATS
};
const char *headset_name(enum headset_stat s); /* "entropy" */

struct headset_head {
    enum attn_kind map;
    int layer, head; /* from 0 */
};
struct headset {
    struct headset_head *heads; /* (head_count) by map, layer and head */
    int head_count;
    double *x;      /* (items, head_count, HEADSET_STATS), NAN: there is none */
    int *index;     /* (items) places in the set, rising within a task */
    int *cluster;   /* (items) by their first image */
    int items;
    struct strmap images; /* what the clusters are of; keys are the set's */
    int left_out;   /* items that could not be asked; the first, and why: */
    char *first;    /* or NULL */
};
struct headset_wants {
    int checkpoint, limit;
    const struct task *task; /* NULL: all that the set has */
    const bool *without;     /* (task_count) that the checkpoint has no head for, or NULL */
    struct shard shard;      /* which of each task's items */
    const char *checkpoint_name, *digest; /* of the checkpoint, for rows; or NULL without them */
    json_t **past;           /* (set->count) rows of items that are not to be asked, NULL: none; or
                                NULL */
    int (*take)(void *arg, json_t *row, struct vs_err *err); /* borrowed, of each that was asked; or
                                                                NULL */
    void *take_arg;
    struct eval_gone *gone;
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
};
/* ---- headset_rows.c: what is found of an item, as a row of JSON (vilscope-eval(1)) */
extern const struct set_row_kind headset_set_rows;
/* What of the run stands in each row: the names of the statistics, in their order. */
const char *headset_setup(void);
/* Of item number `item` of h. A new object. */
json_t *headset_row(const struct headset *h, int item, const struct eval_set *set,
                    const struct headset_wants *w);
/* The heads and, for each, HEADSET_STATS numbers, both to be freed in any case. */
int headset_row_read(const json_t *row, struct headset_head **heads, int *head_count, double **x,
                     struct vs_err *err);

/* Asks every item once, with its maps, but for those whose row is there: numbers and their order
 * are the same either way. Of a shard there may be no item. The caller calls headset_fini in any
 * case, before the set is freed. */
int headset_run(struct model *m, const struct eval_set *set, const struct headset_wants *w,
                struct headset *out, struct vs_err *err);
void headset_fini(struct headset *h);

struct bootstrap headset_mean(const struct headset *h, int head, enum headset_stat s);
/* b minus a, item by item, of the items that both have; count 0 where b has no such head. */
struct bootstrap headset_difference(const struct headset *a, const struct headset *b, int head,
                                    enum headset_stat s);

#endif
