/* SPDX-License-Identifier: MIT */
/* Differences of two results of the same query, from two checkpoints or with and without a change.
 * It knows nothing of screens or logs. */
#ifndef VS_COMPARE_H
#define VS_COMPARE_H

#include "src/task/result.h"
#include "src/text/score.h"

#include <stdbool.h>
#include <stdint.h>

/* An entry of a result is a ranked answer or box. Its key is the same in all results of a query. */
int compare_count(const struct result *r);
int64_t compare_key(const struct result *r, int rank);
/* The rank of a key, from 0, or -1. */
int compare_rank(const struct result *r, int64_t key);
/* In words: "red", "region 4 (dog)". Caller frees. */
char *compare_label(const struct result *r, int rank);
double compare_softmax(const struct result *r, int rank);
double compare_logit(const struct result *r, int rank);
/* On what effects on an entry are measured, and the measure of one. */
enum score_scale compare_scale(const struct result *r);
double compare_measure(const struct result *r, int rank);
/* Those of all entries at once: out (compare_count). */
void compare_measures(const struct result *r, double *out);
/* Whether both rank the same kind of thing: the same task, and as many entries. */
bool compare_fits(const struct result *a, const struct result *b);

/* An entry in both results. */
struct compare_move {
    int64_t key;
    int rank_a, rank_b;
    double p_a, p_b; /* softmax */
};
struct compare_change {
    double divergence;     /* Jensen-Shannon, in bits, 0 to 1, of all entries' softmax */
    double entropy_change; /* b minus a, nats */
    int count;             /* of moves: the `top` best of both, ranked by how far they moved */
    struct compare_move *moves;
};
/* False when the two do not fit together. compare_fini in that case too. */
bool compare_results(const struct result *a, const struct result *b, int top,
                     struct compare_change *out);
void compare_fini(struct compare_change *c);

/* Of models of two families answers and boxes can be compared, and nothing that lies inside: fails
 * when checkpoints a and b are such. */
struct model;
int compare_check_families(const struct model *m, int a, int b, struct vs_err *err);

/* "only FINAL has task tokens: ...", where only one of two checkpoints has them, as one that was
 * fine-tuned from a pre-trained one has: what is left out of what is compared inside. False: both
 * have them, or none. */
bool compare_task_tokens(const struct model *m, int a, int b, char *out, size_t size);

/* Jensen-Shannon divergence of two distributions over n, in bits: 0 when equal, 1 when disjoint.
 * They need not sum to 1; NaN and negative numbers count as 0. An empty one gives 0. */
double compare_jsd(const float *p, const float *q, int n);

#endif
