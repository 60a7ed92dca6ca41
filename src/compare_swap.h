/* Which weights carry a change of an answer: checkpoint a runs with single parts of checkpoint b.
 */
#ifndef VS_COMPARE_SWAP_H
#define VS_COMPARE_SWAP_H

#include "src/change.h"
#include "src/engine.h"

/* What is swapped one after the other. */
enum swap_level {
    SWAP_BLOCKS, /* embeddings, text, image, co-attention, heads */
    SWAP_LAYERS, /* embeddings, every layer, heads */
    SWAP_HEADS   /* every attention head of every layer */
};

/* Of one query: which answer a gave and which b gives. */
struct swap_query {
    bool changed;           /* a and b answer differently */
    char *answer_a, *answer_b;
    double before, after;   /* what is measured, of a and of b: the log odds of b's answer against
                               a's, or, when they answer the same, that answer's log probability */
};

struct swap_item {
    struct change change;   /* the part, from b */
    char *name;             /* "co-attention layer 2", "text layer 3, head 1", "embeddings" */
    bool known;             /* has run by now */
    /* The share of the way from a's to b's values, over all queries weighted by how far they are
     * apart: 0 changes nothing, 1 brings b's answers about. It can be negative or above 1. */
    double share;
    double *values;         /* (query_count) what is measured, with this part from b */
    int flips;              /* of the queries with a changed answer: how many give b's answer now */
};

struct swap_result {
    int a, b;
    enum swap_level level;
    int query_count, changed;   /* changed: queries with another answer */
    struct swap_query *queries;
    int item_count, done;
    struct swap_item *items;    /* in the order of the model */
    int best;                   /* the item with the largest share, -1 while there is none */
    /* For the first query whose answer changes: items that together bring b's answer about, none of
     * which can be left out. Empty when it was not looked for. */
    int flip_query;             /* -1: none changes */
    int set_count;
    int *set;                   /* items */
    int runs;                   /* forward passes */
};

/* Called after every item; what it is given is still being filled. */
typedef void swap_report(void *arg, const struct swap_result *s);

struct swap_options {
    int a, b;
    enum swap_level level;
    bool smallest;            /* look for the set, too */
    const atomic_bool *cancel;
    swap_report *report;
    void *report_arg;
};
/* The queries' own checkpoint is ignored; their own changes stay. The caller frees *out with
 * swap_free. */
int swap_run(struct model *m, const struct query *queries, int count, const struct swap_options *o,
             struct swap_result **out, struct vs_err *err);
void swap_free(struct swap_result *s);

/* Indices of the items by share, largest first: (item_count), caller frees. */
int *swap_order(const struct swap_result *s);

#endif
