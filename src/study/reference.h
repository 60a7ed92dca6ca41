/* SPDX-License-Identifier: MIT */
/* The reference's data folder (vilbert_tasks.yml): annotations, caches and LMDBs of the 12 tasks,
 * as sets of items, and how their answers are scored and written there (vilscope-data(5)). */
#ifndef VS_REFERENCE_H
#define VS_REFERENCE_H

#include "src/study/eval.h"

#include <stdio.h>

/* What a model made of an item. */
struct eval_verdict {
    int choice;          /* class, row of the image's regions, or place among the item's choices */
    int target;          /* the same of what is right, -1: nothing is; retrieval: of the pool */
    double score;        /* 0 to 1; 0 where nothing is said to be right */
    float iou;           /* of the chosen box */
    int rank;            /* retrieval: of the caption's own image, from 0 */
    const float *logits; /* (count) of what there was to choose from; of the result, or own */
    int count;
    int *rows;           /* (count) choices: the rows of the image's regions */
    const char *answer;  /* the chosen word, where the set has no list of them; of the result */
    struct eval_mark mark; /* of a set that is not the reference's */
    bool shifted;        /* the reference takes other rows than those of the choices */
    float *own;          /* logits, where they are not the result's */
};
void eval_verdict_fini(struct eval_verdict *v);

struct reference_reader;
struct buf;

struct reference_split {
    const char *name, *file; /* it is there when that file is */
};

/* One task: a row of the table in reference.c. */
struct reference_task {
    int id;                    /* of the task table */
    const char *name;          /* in vilbert_tasks.yml */
    const char *root;          /* folder of its annotations */
    const char *detected;      /* LMDBs, without their common ending */
    const char *annotated;     /* or NULL */
    const char *trained;       /* what split train has of those instead, or NULL */
    const char *split;         /* the default */
    const struct reference_split *splits; /* that there can be, with an empty one behind; NULL: the
                                             annotations say */
    const char *id_key;        /* what its rows call an item, or NULL */
    int (*read)(struct reference_reader *r);
    /* 0, or why the item has no score. */
    int (*judge)(const struct eval_set *s, const struct eval_item *it, const struct result *r,
                 struct eval_verdict *v, struct vs_err *err);
    /* Its row as the reference's program writes it; NULL: it writes none. */
    void (*row)(const struct eval_set *s, const struct eval_item *it, const struct eval_verdict *v,
                struct buf *out);
};
/* NULL: there is no such task in it. */
const struct reference_task *reference_find(const struct task *task);

/* folder: "datasets", or the one that holds it; split NULL: the default. Items whose annotations
 * cannot be used are the set's flaws. */
int reference_open(const char *folder, const struct task *task, const char *split,
                   bool as_reference, struct eval_set **out, struct vs_err *err);
/* Whether there is anything of the task. */
bool reference_has(const char *folder, const struct task *task);

/* Opens one set after the other, of one task, or of all that are in the folder but retrieval, which
 * asks for every caption with every image, and hands it on. */
int reference_each(const char *folder, const struct task *only, const char *split,
                   int (*take)(void *arg, const struct eval_set *set), void *arg,
                   struct vs_err *err);

/* The numbers of a set. */
struct reference_recall {
    double r1, r5, r10, medr, meanr; /* percent, and ranks from 1 */
};
struct reference_sums {
    int items, scored, shifted;
    int unlisted; /* eval.h */
    double score;
    /* Retrieval: ranks of the items, and all logits, (items, pool), in a temporary file. */
    int *ranks, *own; /* (items); own: the caption's image */
    FILE *logits;
    float *best;      /* (pool) the highest logit of an image's own captions, */
    int *best_at;     /* (pool) and which of them it is, -1: it has none */
    int pool;
    /* Once reference_finish was called: images by captions; and captions by images, where the best
     * of an image's captions counts, which the reference does not compute. */
    struct reference_recall images, captions;
    int asked; /* images that have captions */
    /* Items with foils; of them those of two images; of these those whose images prefer their
     * captions, and those whose captions prefer their images. */
    int foils, pairs, text, image;
};
/* pool: how many images there are to choose from, 0 but in retrieval. */
int reference_add(struct reference_sums *s, const struct eval_item *it,
                  const struct eval_verdict *v, int pool, struct vs_err *err);
int reference_finish(struct reference_sums *s, struct vs_err *err);
void reference_sums_fini(struct reference_sums *s);

/* As Python's json module writes texts and numbers: ASCII, the shortest digits. */
void reference_quote(struct buf *out, const char *text);
void reference_real(struct buf *out, double v);
/* The first of the largest. */
int reference_argmax(const float *v, int count);
/* An image as the annotations call it: without what its key in the LMDB has before. */
const char *reference_image(const struct eval_item *it);
/* The word of a class, "" where there is none. */
const char *reference_answer(const struct eval_set *s, int class);
/* Which class, or row of the regions, a result chooses; -1: it cannot be judged. *name: in words,
 * "#2" where there are none, to be freed; score: what it is worth, or NULL. */
int reference_chosen(const struct eval_set *s, const struct eval_item *it, const struct result *r,
                     char **name, double *score, struct vs_err *err);

/* For eval_run: whether the numbers of padding are asked for, and whether the model has the task's
 * head with as many answers as the set has. */
bool reference_needs_padding(const struct eval_item *it, const struct photo *p);
int reference_check_model(const struct eval_set *s, struct model *m, int checkpoint,
                          struct vs_err *err);

#endif
