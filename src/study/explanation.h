/* SPDX-License-Identifier: MIT */
/* Whether an attribution says what the answer depends on: deletion and insertion in its order
 * beside random orders, whether it points at what is meant, and how two of them agree. */
#ifndef VS_EXPLANATION_H
#define VS_EXPLANATION_H

#include "src/study/attribution.h"
#include "src/study/removal.h"

enum explanation_kind { EXPLAIN_REGIONS, EXPLAIN_WORDS, EXPLAIN_KINDS };
extern const char *const explanation_kinds[EXPLAIN_KINDS]; /* "regions", "words" */

/* One method's order on one query. */
struct explanation_test {
    const struct attribution_method *method; /* NULL: random orders; curves are their means */
    struct removal curves[EXPLAIN_KINDS];    /* count 0: nothing can be removed */
    double *worth[EXPLAIN_KINDS]; /* (curves.count) in the input's order; NULL of random orders */
    double hit;  /* 1: its largest region is one that is meant, 0: it is not; of random orders the
                    chance; NAN: not known */
    double heads; /* of attribution patching: rank correlation of its numbers of heads with leaving
                     them out exactly, over those that were verified; NAN: fewer than 3 were */
    double mass; /* share of its numbers above 0 on regions that are meant; NAN: not known */
};

struct explanation {
    double value;      /* of the target */
    bool probability;  /* curves have one */
    int count;
    struct explanation_test *list; /* the methods, then, where wanted, random orders */
    bool pointed;      /* true boxes are known, and regions that overlap them by 0.5 or more */
    bool out_of_reach; /* they are known, but no region does */
};

struct explanation_wants {
    const struct attribution_method *const *methods; /* (method_count) */
    int method_count;
    struct attribution_how how; /* mask_token: also of the curves;*/
    int orders;                 /* random ones; 0: no floor */
    uint64_t seed;
    const struct box_list *meant; /* true boxes on the only image, in pixels, or NULL */
};

/* choice, against: as of attribution_run. The caller frees out with explanation_fini. */
int explanation_run(struct model *m, const struct query *q, int choice, int against,
                    const struct explanation_wants *w, const atomic_bool *cancel,
                    struct explanation *out, struct vs_err *err);
void explanation_fini(struct explanation *e);

/* Insertion less deletion, as areas: what the order is worth. NAN: nothing can be removed. */
double explanation_gain(const struct removal *r);
/* Spearman's rank correlation of n numbers, equal ones sharing their ranks; NAN where one side is
 * all equal. */
double explanation_agreement(const double *a, const double *b, int n);

#endif
