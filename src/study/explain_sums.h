/* SPDX-License-Identifier: MIT */
/* What tests of explanations come to over the items of a task: means with intervals by resampling
 * whole images. */
#ifndef VS_EXPLAIN_SUMS_H
#define VS_EXPLAIN_SUMS_H

#include "src/base/err.h"
#include "src/base/strmap.h"
#include "src/study/bootstrap.h"
#include "src/study/explanation.h"

#include <jansson.h>

/* Of a method's curves, as logits. */
enum explain_measure {
    EXPLAIN_GAIN,      /* insertion less deletion */
    EXPLAIN_OVER,      /* the same less that of random orders, item by item */
    EXPLAIN_DELETION,
    EXPLAIN_INSERTION,
    EXPLAIN_WHOLE,     /* nothing is removed: the target's value */
    EXPLAIN_END,       /* everything is removed */
    EXPLAIN_GAIN_P,    /* insertion less deletion of the probability, where there is one */
    EXPLAIN_MEASURES
};
extern const char *const explain_measures[EXPLAIN_MEASURES];

struct explain_sums {
    int items, reachable, out_of_reach; /* with true boxes: regions overlap one, or none does */
    char **methods; /* (method_count) as rows call them */
    int method_count, real; /* without random orders, which are the last */
    double **x;     /* (columns) of (items) numbers, NAN where there is none */
    int columns, room;
    int *cluster;   /* (items) which images */
    struct strmap images;
    char **keys;    /* (items) what it borrows; NULL: images that were there before */
};

/* Takes in a row. VS_E_FORMAT: it is none, or has other methods than those before. */
int explain_sums_add(struct explain_sums *s, const json_t *row, struct vs_err *err);
void explain_sums_fini(struct explain_sums *s);

struct bootstrap explain_mean(const struct explain_sums *s, int method, enum explanation_kind kind,
                              enum explain_measure measure);
/* Hits of the pointing game, and the mass on what is meant, of items within reach. */
struct bootstrap explain_pointing(const struct explain_sums *s, int method, bool mass);
/* Mean rank correlation of a method's numbers of heads with leaving them out exactly; count 0: no
 * heads were verified. */
struct bootstrap explain_heads(const struct explain_sums *s, int method);
/* Mean rank correlation of two methods, a before b; neither is random. */
struct bootstrap explain_agreement(const struct explain_sums *s, int a, int b,
                                   enum explanation_kind kind);

#endif
