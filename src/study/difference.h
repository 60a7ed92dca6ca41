/* SPDX-License-Identifier: MIT */
/* What was found out about two checkpoints - weights, hidden states, attention, swaps - as one kind
 * of record: the JSON that is printed and logged, its numbers part by part, one line that sums it
 * up. It knows nothing of screens or logs. */
#ifndef VS_DIFFERENCE_H
#define VS_DIFFERENCE_H

#include "src/study/compare_attention.h"
#include "src/study/compare_cka.h"
#include "src/study/compare_patch.h"
#include "src/study/compare_weights.h"
#include "src/engine/engine.h"

struct difference_part {
    char *part;   /* a layer, a head, a swapped part; of hidden states one of a's depths */
    char *other;  /* of hidden states one of b's depths, else NULL */
    double value; /* relative change, similarity, divergence in bits, share; NAN: none */
};
struct difference_side {
    char *name, *path;
    char digest[DIGEST_HEX];
};
struct difference {
    const char *kind;  /* "weights", "cka", "attention" or "swap" */
    const char *level; /* of a swap: "blocks", "layers" or "heads"; else NULL */
    char *model;
    struct difference_side sides[2]; /* of b with regard to a */
    char *subject; /* what was asked: a query's text, or a set's path; NULL: nothing was asked */
    char *summary; /* one line */
    char *data;    /* JSON, as "vilscope compare --json" prints it */
    int count;
    struct difference_part *parts;
};

/* Each waits for the digests of the two checkpoints. subject as above. The caller frees it with
 * difference_free. */
struct difference *difference_of_weights(struct model *m, int a, int b,
                                         const struct weights_change *w);
/* c: the textual and the visual stream. */
struct difference *difference_of_cka(struct model *m, int a, int b, const struct cka c[2],
                                     const char *subject);
struct difference *difference_of_attention(struct model *m, int a, int b,
                                           const struct attention_change *list, int count,
                                           const char *subject);
/* queries: those that patch_run had. */
struct difference *difference_of_patch(struct model *m, const struct patch_result *s,
                                       const struct query *queries, const char *subject);
struct difference *difference_copy(const struct difference *d);
void difference_free(struct difference *d);

extern const char *const weight_state_names[];

#endif
