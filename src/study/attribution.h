/* SPDX-License-Identifier: MIT */
/* Attributions: what an answer owes to each word and region, by methods that are told apart by a
 * table. Numbers of one method compare within one query; methods have scales of their own. */
#ifndef VS_ATTRIBUTION_H
#define VS_ATTRIBUTION_H

#include "src/engine/engine.h"

struct attributing;

/* One method. run fills a->out, and says what is wrong. */
struct attribution_method {
    const char *word;  /* on the command line: "relevancy" */
    const char *title; /* "relevancy (Chefer et al.)" */
    const char *about; /* what its numbers mean, a sentence */
    bool is_signed;    /* numbers below 0 speak against the answer */
    int (*run)(struct attributing *a, struct vs_err *err);
};
extern const struct attribution_method attribution_table[];
extern const int attribution_count;
/* The method of this word, or NULL. */
const struct attribution_method *attribution_find(const char *word);

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
};

/* One clear line where the checkpoint's family has no gradients, and so no attributions. */
int attribution_check(const struct model *m, int checkpoint, struct vs_err *err);
/* choice: an answer's index or an image (result_answer.index), or a box's row of the model's input.
 * against: another one, whose logit is taken away, or -1. The query's own changes hold. The caller
 * frees out with attribution_fini. */
int attribution_run(struct model *m, const struct query *q, const struct attribution_method *method,
                    int choice, int against, const atomic_bool *cancel, struct attribution *out,
                    struct vs_err *err);
void attribution_fini(struct attribution *a);

#endif
