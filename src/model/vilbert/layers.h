/* SPDX-License-Identifier: MIT */
/* The layers of ViLBERT, as the encoder runs them. */
#ifndef VS_VILBERT_LAYERS_H
#define VS_VILBERT_LAYERS_H

#include "src/model/vilbert/pass.h"

struct stream text_stream(const struct pass *p);
struct stream visual_stream(const struct pass *p);

/* Layer `number` of one stream (layer_run), with the gates of dynamic attention. */
int stream_run(struct pass *p, const struct layer_w *w, const struct stream *s, int number,
               bool first);
/* Keys, values and queries (count of them, in this order) of stream i for a co-attention layer:
 * fills list. Returns count. */
int colayer_project(const struct colayer_w *w, const struct stream *s, int i, int count,
                    struct kern_linear *list);
/* Co-attention layer `number`, both sides as far as somebody reads them. */
int colayer_run(struct pass *p, const struct colayer_w *w, int number);

/* ---- encoder.c: from the embeddings to the heads' outputs */
int encoder_run(struct pass *p);

#endif
