/* SPDX-License-Identifier: MIT */
/* Knock-outs: what a result owes to each of its regions, tokens or heads. Every one is left out in
 * turn, many in one batch, and the answer read again: leave-one-out attribution, on the scale of
 * src/text/score.h. */
#ifndef VS_EFFECTS_H
#define VS_EFFECTS_H

#include "src/task/change.h"
#include "src/engine/engine.h"
#include "src/text/score.h"

enum effects_of { EFFECTS_REGIONS, EFFECTS_TOKENS, EFFECTS_HEADS, EFFECTS_KINDS };

struct effect {
    struct change change;
    bool known;         /* computed by now */
    float logit, softmax; /* of the chosen answer or box, without it */
    double measure;       /* on the scale of struct effects; NAN where there is none: the chosen box
                             itself is left out, or nothing else is left to choose */
    double effect;        /* measure minus that of the whole query */
    int rank;           /* of the chosen one, from 0 */
    int best;           /* the index of the answer, or the row of the box, that is first now */
};

/* Heads come in the order of attention maps: text, image, text to image, image to text; by layer
 * and head. */
struct effects {
    enum effects_of of;
    int choice;         /* what is looked at: result_answer.index, or the row of the box */
    enum score_scale scale;
    float logit, softmax; /* of it in the whole query */
    double measure;       /* of it, on that scale */
    int best;           /* of the whole query */
    int count, done;
    struct effect *items;
    double ms;
};

/* Called in the running thread after every batch; what it is given is still being filled. */
typedef void effects_report(void *arg, const struct effects *e);

/* Runs them on top of the query's own changes. choice: -1 the best; else as in struct effects.
 * how is for EFFECTS_HEADS. The caller frees *out with effects_free. */
int effects_run(struct model *m, const struct query *q, enum effects_of of, int choice,
                enum kern_silence how, const atomic_bool *cancel, effects_report *report, void *arg,
                struct effects **out, struct vs_err *err);
void effects_free(struct effects *e);

#endif
