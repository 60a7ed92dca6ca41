/* SPDX-License-Identifier: MIT */
/* Which weights carry a change of an answer: checkpoint a runs with single parts of checkpoint b.
 */
#ifndef VS_COMPARE_SWAP_H
#define VS_COMPARE_SWAP_H

#include "src/task/change.h"
#include "src/engine/engine.h"
#include "src/text/score.h"

/* What is swapped one after the other. */
enum patch_level {
    PATCH_BLOCKS, /* embeddings, text, image, co-attention, heads */
    PATCH_LAYERS, /* embeddings, every layer, heads */
    PATCH_HEADS,  /* every attention head of every layer */
    PATCH_LEVELS
};
extern const char *const patch_level_names[]; /* (PATCH_LEVELS), then NULL */

/* Of one query: which answer a gave and which b gives. */
struct patch_query {
    bool changed;           /* a and b answer differently */
    char *answer_a, *answer_b;
    enum score_scale scale; /* what is measured, of a and of b: when they answer differently the log
                               odds of b's answer against a's (the difference of their logits),
                               else that of the answer (src/text/score.h): against all others, or
                               its logit */
    double before, after;
};

struct patch_item {
    struct change change;   /* the part, from b */
    char *name;             /* "co-attention layer 2", "text layer 3, head 1", "embeddings" */
    bool known;             /* has run by now */
    /* The share of the way from a's to b's values, over all queries weighted by how far they are
     * apart: 0 changes nothing, 1 brings b's answers about. It can be negative or above 1. */
    double share;
    double *values;         /* (query_count) what is measured, with this part from b */
    int flips;              /* of the queries with a changed answer: how many give b's answer now */
};

struct patch_result {
    int a, b;
    enum patch_level level;
    int query_count, changed;   /* changed: queries with another answer */
    struct patch_query *queries;
    int item_count, done;
    struct patch_item *items;    /* in the order of the model */
    int best;                   /* the item with the largest share, -1 while there is none */
    /* For the first query whose answer changes: items that together bring b's answer about. */
    int flip_query;             /* -1: none changes */
    bool smallest;              /* few items, all sets are tried by their size: no smaller one does
                                   it, and with none in `set` no set at all; else none of the set
                                   can be left out, though another set might be smaller */
    int set_count, tries;       /* tries: sets asked so far */
    int *set;                   /* items */
    int runs;                   /* forward passes */
};

/* Up to so many items all sets are tried; 4095 passes at most. */
#define PATCH_ALL_SETS 12

/* Called after every item, and while sets are tried (all items are done then); what it is given is
 * still being filled. */
typedef void patch_report(void *arg, const struct patch_result *s);

struct patch_options {
    int a, b;
    enum patch_level level;
    bool find_set;            /* look for the set, too */
    const atomic_bool *cancel;
    patch_report *report;
    void *report_arg;
};
/* The queries' own checkpoint is ignored; their own changes stay. The caller frees *out with
 * patch_free. */
int patch_run(struct model *m, const struct query *queries, int count,
              const struct patch_options *o, struct patch_result **out, struct vs_err *err);
void patch_free(struct patch_result *s);

/* What is measured of a query, in words: "log odds of the second answer against the first", "log
 * odds", "logit". */
const char *patch_measure_name(const struct patch_query *q);

/* Indices of the items by share, largest first: (item_count), caller frees. */
int *patch_order(const struct patch_result *s);

#endif
