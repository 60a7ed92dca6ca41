/* SPDX-License-Identifier: MIT */
/* Hidden states of one kind of token or region over a set of items, on the plane that shows most of
 * their variance (principal components), and which of them are nearest to one. */
#ifndef VS_PROJECTION_H
#define VS_PROJECTION_H

#include "src/study/eval.h"
#include "src/study/probes.h"

/* What of an item is a point. */
enum projection_of {
    PROJECT_CLS,           /* [CLS] */
    PROJECT_WORDS,         /* each token that has a letter or a digit */
    PROJECT_PIECES,        /* each that goes on with a word */
    PROJECT_PUNCTUATION,   /* each other one */
    PROJECT_WORDS_MEAN,    /* the mean of the item's words */
    PROJECT_IMAGE,         /* the whole image */
    PROJECT_REGIONS,       /* each region proper */
    PROJECT_CHOSEN,        /* the region that is ranked first */
    PROJECT_REGIONS_MEAN,  /* the mean of an image's regions */
    PROJECT_KINDS
};
extern const char *const projection_kinds[PROJECT_KINDS + 1]; /* as they are typed, then NULL */
bool projection_is_text(enum projection_of of);

/* What points are told apart by. */
enum projection_by { PROJECT_BY_CLASS, PROJECT_BY_ANSWER, PROJECT_BY_CORRECT, PROJECT_BY_TASK,
                     PROJECT_BYS };
extern const char *const projection_bys[PROJECT_BYS + 1];

struct projection_point {
    char *id;          /* what the set calls the item, or its line */
    const struct task *task;
    char *text;        /* as asked */
    char *name;        /* the token or region: "red", "region 7 cat", "mean of 12 regions" */
    char *image;       /* path, or key in features */
    float box[4];      /* of the region, pixels */
    bool boxed;
    char *label;       /* the piece, the region's class; "": there is none */
    char *answer;
    bool scored, correct;
};

#define PROJECTION_MOST 20000 /* points */
struct projection {
    enum projection_of of;
    char after[TRACE_DEPTH]; /* the state's layer: "co 2" */
    struct projection_point *points; /* (n) */
    int n, dim;
    int items;         /* that gave points */
    bool cut;          /* at PROJECTION_MOST points: later items were not asked */
    float *x;          /* (n, dim) */
    float *xy;         /* (n, 2) */
    float share[2];    /* of all variance, 0 to 1, that the axes have */
    int left_out;      /* items that could not be asked; the first, and why: */
    char *first;       /* or NULL */
};
struct projection_wants {
    enum projection_of of;
    const char *after; /* "embeddings", "text 3", "image 2", "co 1", "joint 4"; NULL: the last */
    int checkpoint, limit;
    bool cut; /* the first PROJECTION_MOST points, where there are more: else that is an error */
    const struct task *task; /* NULL: all that the set has */
    const bool *without;     /* (task_count) that the checkpoint has no head for, or NULL */
    struct eval_gone *gone;
    const atomic_bool *cancel;
    eval_report *report;
    void *report_arg;
};
/* Asks every item of a set of items, or of a check set, with its states, and projects. Fails where
 * there are fewer than two points, or more than PROJECTION_MOST. The caller calls projection_fini
 * in any case. */
int projection_run(struct model *m, const struct eval_set *set, const struct projection_wants *w,
                   struct projection *out, struct vs_err *err);
int projection_run_probes(struct model *m, const struct probes *p, const struct projection_wants *w,
                          struct projection *out, struct vs_err *err);
void projection_fini(struct projection *p);

/* What point i is called among points that are told apart so: its class, "right", "wrong", "not
 * known"; borrowed. */
const char *projection_group(const struct projection *p, int i, enum projection_by by);
/* The groups by how many points they have, most first, equal ones by name. groups[k] (the caller
 * frees the array, not the names), of (n): which of them a point is of, also to be freed. */
int projection_groups(const struct projection *p, enum projection_by by, const char ***groups,
                      int **of);
/* In words: "each region". */
const char *projection_what(enum projection_of of);

enum projection_distance { PROJECT_COSINE, PROJECT_EUCLID };
extern const char *const projection_distances[];
/* The points nearest to point `to` in all dimensions, not on the plane: the largest cosine, or the
 * smallest Euclidean distance; of equal ones the first. order and distance have room for `count`;
 * returns how many there are. */
int projection_neighbors(const struct projection *p, int to, enum projection_distance how,
                         int count, int *order, float *distance);

#endif
