/* SPDX-License-Identifier: MIT */
/* Attributions: what an answer owes to each word and region, by methods that are told apart by a
 * table. Numbers of one method compare within one query; methods have scales of their own. */
#ifndef VS_ATTRIBUTION_H
#define VS_ATTRIBUTION_H

#include "src/engine/engine.h"
#include "src/study/removal.h"

struct attributing;
struct relevancy;

/* What a pass is asked for first. */
enum attribution_needs {
    NEEDS_GRADIENTS, /* of a family that has a way back; no head may be ablated */
    NEEDS_MAPS,      /* attention maps */
    NEEDS_OUTPUTS    /* nothing but answers */
};

/* One method. run fills a->out, and says what is wrong. */
struct attribution_method {
    const char *word;  /* on the command line: "relevancy" */
    const char *title; /* "relevancy (Chefer et al.)" */
    const char *brief; /* over a column: at most 4 letters: "rel" */
    const char *about; /* what its numbers mean, a sentence */
    bool is_signed;    /* numbers below 0 speak against the answer */
    enum attribution_needs needs;
    int (*run)(struct attributing *a, struct vs_err *err);
};
extern const struct attribution_method attribution_table[];
extern const int attribution_count;
/* The method of this word, or NULL. */
const struct attribution_method *attribution_find(const char *word);

/* What some methods are told. */
struct attribution_how {
    /* Raw attention: the map, its layer and head from 0. ATTN_COUNT: those in which words look at
     * regions, and regions at words; layer -1: the last; head -1: the mean of all. */
    enum attn_kind map;
    int layer, head;
    int verify;      /* attribution patching: how many words and regions are left out exactly, the
                        largest first, */
    int verify_heads; /* and how many heads */
    bool mask_token; /* where words are left out: [MASK] stands in; else nobody attends to them */
    struct attribution_progress *progress; /* set by the running thread; or NULL */
};
extern const struct attribution_how attribution_usual;

/* A head, and what leaving it out (its output is 0) takes from the target: by the gradient, and
 * exactly, which is NAN where it was not verified. */
struct attribution_head {
    enum attn_kind map;
    int layer, head;
    double worth, exact;
};

/* Of each image of the model's input tokens (as many as result.tokens) and rows of regions, one
 * image after the other; a pair has two. */
struct attribution {
    const struct attribution_method *method;
    int images, tokens, regions;
    double *of_tokens, *of_regions;
    double value; /* of the target: a logit, or the difference of two */
    int steps;    /* of integrated gradients, else 0 */
    double base;  /* the target's value at no input */
    double missing; /* share of value - base that the numbers do not add up to */
    /* Of attribution patching, else NULL: */
    struct attribution_head *heads; /* (head_count) in the order of maps, layers, heads */
    int head_count;
    double *exact_tokens, *exact_regions; /* as the others; NAN where not verified. A word of a pair
                                             is its first image's, and left out of both */
    struct relevancy *own; /* (images) the matrices of relevancy (relevancy.h), else NULL */
    /* Of raw attention: the map that was read; layer and head as in attribution_how, -1 for each
     * other's last or mean. progress is NULL. */
    struct attribution_how how;
};

/* One clear line where the checkpoint's family cannot have this method. */
int attribution_check(const struct model *m, int checkpoint,
                      const struct attribution_method *method, struct vs_err *err);
/* choice: an answer's index or an image (result_answer.index), or a box's row of the model's input.
 * against: another one, whose logit is taken away, or -1. how: NULL for attribution_usual. The
 * query's own changes hold. The caller frees out with attribution_fini. */
int attribution_run(struct model *m, const struct query *q, const struct attribution_method *method,
                    int choice, int against, const struct attribution_how *how,
                    const atomic_bool *cancel, struct attribution *out, struct vs_err *err);
void attribution_fini(struct attribution *a);

/* ---- attribution_result.c: an attribution beside the result of its query */

/* An answer by its label or its number, a box by its region's number, an image by its file as it is
 * printed or by its number, from 1; NULL: the first of all. -1: none is called so. */
int attribution_choice(const struct result *r, const char *name);
/* The answer's label, or "region 7" in out. */
const char *attribution_label(const struct result *r, int choice, char out[32]);

/* A word of the text, or a region. */
struct attribution_item {
    bool token;
    int image, number; /* of the token; of the region in its image */
    const char *piece; /* "" for regions; the result's */
    double worth, exact; /* exact is NAN where it was not left out exactly */
};
/* Words, then regions, without special tokens, whole images and padding; a word of a pair has the
 * sum over both images. r is the query's result, choice the target's. To be freed. */
struct attribution_item *attribution_items(const struct result *r, const struct attribution *a,
                                           int choice, int *count);
/* The first image that there are numbers of: of a task that ranks images the target's. */
int attribution_first_image(const struct result *r, int choice);
/* Items, and heads, the largest by size first. */
void attribution_sort(struct attribution_item *list, int count);
void attribution_sort_heads(struct attribution_head *list, int count);

#endif
