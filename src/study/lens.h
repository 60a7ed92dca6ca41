/* SPDX-License-Identifier: MIT */
/* The lens: what the masked-word or masked-region head would say of the states after each layer.
 * Those layers were not trained for it: early ones say little. */
#ifndef VS_LENS_H
#define VS_LENS_H

#include "src/engine/engine.h"
#include "src/model/trace.h"

struct lens_cell {
    int best;      /* vocabulary id, or region class */
    float softmax; /* of it */
    char *label;   /* word piece or class name; "#17" without a list */
};
/* Depths in the order in which they ran: embeddings, layers, co-attention layers. */
struct lens {
    int depths, rows; /* rows: tokens (the task token included), or regions with the whole image */
    char (*names)[TRACE_DEPTH]; /* (depths) "embeddings", "layer 3", "co 2" */
    struct lens_cell *cells; /* (depths, rows) */
};
/* text: the word head on tokens, else the region-class head on the regions of row b of the batch.
 * The result must have been asked for with query.hidden. The caller frees *out with lens_free. */
int lens_make(struct model *m, const struct result *r, bool text, int b, struct lens **out,
              struct vs_err *err);
void lens_free(struct lens *l);

#endif
