/* SPDX-License-Identifier: MIT */
/* The layers of ViLBERT, as the encoder runs them. */
#ifndef VS_LAYERS_H
#define VS_LAYERS_H

#include "src/model/vilbert/pass.h"

/* One stream in the middle of a pass: its rows, x (rows, hidden) their states, and the memory for
 * queries, keys, values, context and feed forward of them. */
struct stream {
    const struct packing *rows;
    float *x, *q, *k, *v, *ctx, *ff;
    int hidden, heads;
    enum kern_act act;
    enum attn_kind kind; /* of its own layers: ATTN_TEXT or ATTN_VISUAL */
    const float *bias; /* of its rows as keys, or NULL */
    const int32_t *first; /* the first rows of the images */
};

struct stream text_stream(const struct pass *p);
struct stream visual_stream(const struct pass *p);

/* x (rows, n) as a state of the trace, where states are wanted. */
int layer_keep(struct pass *p, const struct packing *k, const float *x, int n, enum net_part part,
               enum net_stream s, int layer);
/* Layer `number` of one stream. first: queries, outputs and what follows of the first row of every
 * image only, which stand one after the other afterwards; keys and values are those of all rows. */
int layer_run(struct pass *p, const struct layer_w *w, struct stream s, int number, bool first);
/* Keys, values and queries (count of them, in this order) of stream i for a co-attention layer:
 * fills list. Returns count. */
int colayer_project(const struct colayer_w *w, const struct stream *s, int i, int count,
                    struct kern_linear *list);
/* Co-attention layer `number`, both sides as far as somebody reads them. */
int colayer_run(struct pass *p, const struct colayer_w *w, int number);

/* ---- encoder.c: from the embeddings to the heads' outputs */
int encoder_run(struct pass *p);

#endif
