/* SPDX-License-Identifier: MIT */
/* Measuring a model on a set of items (vilscope-data(5)): each data set's own metric. */
#ifndef VS_EVAL_H
#define VS_EVAL_H

#include "src/base/shard.h"
#include "src/engine/engine.h"
#include "src/task/task.h"

/* One item of a set. */
struct eval_item {
    const struct task *task;
    char *text;
    char *id;      /* what the data set calls it, or NULL */
    int line;      /* of the file */
    char **images; /* paths */
    int image_count;
    /* What is right: labels with their worth (VQA's soft accuracy gives several), a number of a
     * candidate or image, or a box. */
    char **labels;
    float *worths;
    int label_count; /* 0 and no number and no box: what is right is not known (`optional`) */
    int number;    /* -1: none */
    float box[4];
    bool has_box;
    struct box_list candidates;
    char **foils;  /* (foil_count) other texts: the item's own has to belong more to its image; with
                      two images the first foil is the caption of the second */
    int foil_count;
    struct box_list evidence; /* what the answer is about, for the pointing game; or none */
    bool scored; /* it says what is right, even where that is nothing of the above */
    bool no_id;  /* the set calls it nothing: the id is the number of its line */
    /* In a set of the reference's data folder (reference.h): images are keys of its LMDBs, and */
    bool id_is_number, image_is_number;
    int *classes;          /* (label_count) the answers' numbers in the head, instead of labels */
    int *choices;          /* (choice_count) which of the image's annotated boxes, in their order */
    int choice_count;
    struct json_t *fields; /* what else the annotation says, to slice by: an object, or NULL */
    char *field_text;      /* the same as text, once it is stored */
    bool stored;           /* what it holds is not its own (eval_store.c) */
};

/* What could not be asked, as a picture of it is not there. */
struct eval_gone {
    int items, pictures;
    const char *first; /* a picture; the set's */
};

/* An item that cannot be asked, by its name or line, and why. */
struct eval_flaw {
    char *item, *why;
    const struct task *task; /* NULL: not known, what it is of could not be read */
    bool image;              /* it is no item, but an image of the pool */
    int place;               /* of the item in the set, from 1; 0: it is not there */
};

struct eval_set {
    struct eval_item *items;
    int count;
    struct eval_store *store; /* what the items hold, and memory lets go of; or NULL */
    char *path;
    bool second_read; /* the file of --annotations, which few data sets have */
    char digest[DIGEST_HEX];
    struct eval_gone gone; /* left out of retrieval's pool already */
    char *gone_first;
    struct regionstore *features, *annotated_features; /* instead of pictures, or NULL */
    /* Of the reference's data folder; else NULL: */
    const struct reference_task *reference;
    char *split;
    struct regionlmdb *detected, *annotated; /* features by image; the second may be NULL */
    struct labels *labels;                   /* of answers, by class; or NULL */
    int classes;                             /* how many the head has to have; 0: any number */
    char **pool;                             /* retrieval: (pool_count) keys, or paths, of all
                                                images */
    int pool_count;
    bool as_reference;                       /* also where the reference takes the wrong rows */
    struct eval_flaw *flaws;                 /* (flaw_count) found while reading */
    int flaw_count;
};

/* Where a set is. */
struct eval_source {
    const char *path;        /* data.jsonl, a folder with one, or a data set's own annotations */
    const char *regions;     /* features by image (regionstore.h); NULL: beside the pictures, or of
                                the model's detector */
    const char *candidates;  /* the same of the boxes to choose from, in their order; NULL: they are
                                pooled from the pictures */
    const char *images;      /* folder of the images; NULL: that of the set */
    const char *annotations; /* VQA v2: the answers; RefCOCO: COCO's instances */
    const char *split;       /* of a file with several, NULL: val or test */
    const struct task *task; /* what the items are asked as, where that is open; NULL: the first */
    bool optional;           /* items need not say what is right */
};
/* The annotations of the data sets are known by their content (annotations.h), also when they are
 * compressed by gzip. */
int eval_open(const struct eval_source *o, struct eval_set **out, struct vs_err *err);
void eval_free(struct eval_set *s);
/* Notes that an item cannot be asked. */
void eval_add_flaw(struct eval_set *s, const char *item, const char *why);
/* Whether a is asked before b. */
bool eval_is_before(const struct eval_item *a, const struct eval_item *b);
/* An item's task, without looking at the item. */
const struct task *eval_task_of(const struct eval_set *s, int item);
/* An item that outlives its set, which has none in its place then: eval_item_fini frees it. */
struct eval_item eval_item_take(struct eval_set *s, int item);
/* What an item is called in messages: its id, or its line. Caller frees. */
char *eval_item_name(const struct eval_item *it);

/* What came of an item, as far as sums go. */
struct eval_mark {
    double score;     /* 0 to 1 */
    double chance;    /* what a blind choice gets */
    int rank;         /* retrieval: of the right image, from 0 */
    int named, found; /* boxes, meant or candidates; those that a region overlaps by 0.5 */
    bool text, image; /* two images with a caption each: both images prefer their captions, both
                         captions their images */
    bool foreign;     /* words or pictures that the model was not trained on */
    bool unlisted;    /* the model's list of answers has none that is right */
};

/* Scores of a task: the mean with a 95 % interval. */
struct eval_score {
    const struct task *task;
    int count;           /* items measured */
    int answered;        /* and those that do not say what is right */
    double score, low, high;
    double at5, at10;    /* retrieval: recall at 5 and 10 */
    int foils, pairs;    /* items with foils; and those of two images, */
    double text, image;  /* of which the score is that both of these are right */
    double baseline;     /* the most common answer, or a blind choice */
    double ms;
    int foreign;         /* items with words or pictures that the model was not trained on */
    int unlisted;        /* items whose right answers the model's list of answers lacks */
    int named, found;    /* boxes, meant or candidates; those that a region overlaps by 0.5 */
};

/* How often the region that a phrase's words look at most (text to image, summed over the words) is
 * the one it names, for each co-attention layer and head. */
#define EVAL_LAYERS 16
#define EVAL_HEADS 32
#define EVAL_FOLDS 10
struct eval_attention {
    int count, layers, heads;
    /* Item i belongs to fold i modulo EVAL_FOLDS; [0]: of the mean of the heads. */
    int hits[EVAL_FOLDS][EVAL_LAYERS][EVAL_HEADS + 1];
    double blind;                          /* sum of a blind choice's chances */
};
/* Shares of the items, head from 1, 0: the mean of the heads. */
double eval_attention_share(const struct eval_attention *a, int layer, int head);
/* The head with the most hits, from 1. */
int eval_attention_best(const struct eval_attention *a, int layer);
/* What the best head gets, chosen anew for each fold on the items of all others (cross-validation:
 * chosen and scored on the same items it would be the luckiest one, too). NAN with one item. */
double eval_attention_chosen(const struct eval_attention *a, int layer);

struct eval_progress {
    int done, all;
    int known; /* of those done: passed over, as it is known what comes of them */
    const struct task *task;
    double score; /* the task's so far; NAN: none */
};
typedef void eval_report(void *arg, const struct eval_progress *p);

/* What the model says of an item. */
typedef void eval_take(void *arg, const struct eval_item *it, const struct result *r);

/* An item cannot be asked: 0 goes on without it, a code ends the evaluation with err. */
typedef int eval_bad(void *arg, const struct eval_item *it, const struct vs_err *err);

/* The same of an image of a pool: 0 goes on without it, and the items that it is right of. */
typedef int eval_bad_image(void *arg, const char *image, const struct vs_err *err);

/* What is done with an item's query in place of asking it and scoring the answer. */
typedef int eval_ask(void *arg, const struct eval_item *it, const struct query *q,
                     struct vs_err *err);

/* Whether an item is passed over, as it is known what comes of it: then mark says what, for sets
 * that are not the reference's. */
typedef bool eval_skip(void *arg, const struct eval_item *it, struct eval_mark *mark);

struct eval_options {
    const struct task *task; /* NULL: all that the set has */
    const bool *without;     /* (task_count) tasks whose items are not asked, or NULL */
    int checkpoint, limit;   /* items of each task at most, 0: all */
    struct shard shard;      /* which of those, counted within each task */
    int sample;              /* so many of them alone, of each task, 0: all; which ones, */
    uint64_t seed;           /* this decides: the same gives the same */
    int batch;               /* items computed at once, 0: what the device takes */
    struct eval_gone *gone; /* what was left out; NULL: such an item is an error */
    struct eval_attention *attention; /* of referring expressions, or NULL */
    const struct change *changes; /* (change_count) of every query */
    int change_count;
    eval_ask *ask;           /* or NULL; of retrieval with a pool of images there is none */
    void *ask_arg;
    eval_take *take;         /* or NULL */
    void *take_arg;
    eval_bad *bad;           /* NULL: such an item ends the evaluation */
    eval_bad_image *bad_image; /* the same */
    void *bad_arg;
    eval_skip *skip;         /* or NULL */
    void *skip_arg;
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
};
/* Items are asked task by task, in the order of the table of tasks, and within one in that of the
 * set. scores has task_count entries, those of tasks without items have count 0. */
int eval_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
             struct eval_score *scores, struct vs_err *err);

/* Items of a task, at most limit of them unless that is 0: those of all shards. */
int eval_count(const struct eval_set *s, const struct task *task, int limit);

/* Wilson's interval (Probable Inference, JASA 1927) of a share p of n items, 95 %; for soft scores
 * with their own variance it is an upper bound. */
void eval_interval(double p, double n, double *low, double *high);

/* The candidate that is chosen, by its number; -1: none. */
int eval_chosen(const struct eval_item *it, const struct result *r);

/* For items that do not come from a set. */
void eval_add_foil(struct eval_item *it, const char *text);
void eval_add_image(struct eval_item *it, char *path); /* takes the path over */
void eval_add_label(struct eval_item *it, const char *label, double worth);

#endif
