/* SPDX-License-Identifier: MIT */
/* Two evaluations judged by their rows: the difference of the scores, whether it can be chance, and
 * in which slices of the items it is. */
#ifndef VS_JUDGE_H
#define VS_JUDGE_H

#include "src/study/rowfile.h"
#include "src/study/statistics.h"

/* An item that both have, and that both have a score of. */
struct judge_item {
    const struct row *a, *b; /* which need not be in memory (row_at): */
    double score_a, score_b;
    bool right_a, right_b;
    bool other;  /* the answers are not the same */
    int cluster; /* of the items of one image */
};
struct judge_items {
    const struct row_evaluation *of; /* that of a */
    struct judge_item *list; /* (count), in the order of the set */
    int count, clusters;
    int only_a, only_b; /* items with a score that only one has */
};
/* The rows are borrowed. Two rows of one place in the set that are not of one item are an error:
 * the evaluations are of other data. The caller calls judge_items_fini in any case. */
int judge_match(const struct row_evaluation *a, const struct row_evaluation *b,
                struct judge_items *out, struct vs_err *err);
void judge_items_fini(struct judge_items *m);
/* Whether rows of one place in the set are of one item, wherever both have one. */
bool judge_same_items(const struct row_evaluation *a, const struct row_evaluation *b);

struct judge_options {
    int resamples; /* of the bootstrap */
    uint64_t seed;
    int least;     /* items of a slice, below which nothing is said of it */
    int intervals; /* of how many slices there is one, of those that come first; 0: of all */
};
struct judged {
    int items, clusters;
    int both, neither, only_a, only_b; /* items that are right with */
    int other;                         /* items that are answered otherwise, right or not */
    double a, b;                       /* mean scores of these items, 0 to 1; NAN of no item */
    double difference, low, high;      /* b - a, and its 95 % interval (stats_bootstrap) */
    double p;                          /* McNemar's, of only_a and only_b */
    double adjusted;                   /* the caller's: as one of many */
};
/* which (count): places in the items; NULL: all of them. */
void judge_compare(const struct judge_items *m, const int *which, int count,
                   const struct judge_options *o, struct judged *out);

enum judge_verdict {
    /* Is better: the interval is on one side of 0, and the adjusted p below 0.05. */
    JUDGED_A, JUDGED_B,
    JUDGED_MAYBE,       /* one of both only, or p before it was adjusted */
    JUDGED_OPEN         /* no difference is shown, which does not show that there is none */
};
enum judge_verdict judge_verdict(const struct judged *j);

/* ---- slices */

struct judge_slice {
    const char *field[2], *value[2]; /* [1]: of a crossing, or NULL; borrowed from the rows */
    struct judged judged;            /* adjusted: false discovery among all slices of the list */
    int *which;                      /* (judged.items) places in the items */
};
struct judge_slices {
    /* (count) those that differ most first: below 0.05 when adjusted, then the others, by the size
     * of the difference */
    struct judge_slice *list;
    int count, small;         /* small: how many had too few items */
};
/* What to slice by: a field, or two to cross; NULL: each. */
struct judge_fields {
    const char *first, *second;
    bool crossed; /* each with each, where second is NULL */
};
void judge_slice(const struct judge_items *m, const struct judge_fields *f,
                 const struct judge_options *o, struct judge_slices *out);
void judge_slices_fini(struct judge_slices *s);
/* "field = value, other = value". The caller frees it. */
char *judge_slice_name(const struct judge_slice *s);
/* Whether that is a value of a field of a row, NULL: whether it has any. */
bool row_has_value(const struct row *r, const char *field, const char *value);

#endif
