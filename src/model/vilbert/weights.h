/* SPDX-License-Identifier: MIT */
/* The tensors of a checkpoint, bound to their places in the model. */
#ifndef VS_WEIGHTS_H
#define VS_WEIGHTS_H

#include "src/model/transformer/heads.h"
#include "src/model/vilbert/config.h"

/* A co-attention layer; [0] is the visual side (the files' number 1), [1] the textual (2). */
struct colayer_w {
    struct linear_w q[2], k[2], v[2], out[2];
    struct norm_w out_norm[2];
    struct linear_w ff_in[2], ff_out[2];
    struct norm_w ff_norm[2];
};

/* linear, GELU, layer norm, linear */
struct classifier_w {
    struct linear_w in, out;
    struct norm_w norm;
};

struct weights {
    struct bert_embeddings text;
    const void *tasks;
    struct norm_w v_embed_norm;
    struct linear_w v_features, v_places;
    struct layer_w *t, *v;
    struct colayer_w *c;
    struct linear_w t_pool, v_pool;
    struct classifier_w vqa, gqa, binary;
    struct linear_w bi_seq, align, tri;
    struct row_heads rows;
};

/* task_tokens: 1, 0, or -1 for what the checkpoint has; *task_rows then is how many, 0 without.
 * Tensors of the trunk that are missing or misshapen are all named in one message; a head with
 * missing tensors is only left out. */
int weights_bind(struct weights *w, struct bound *bound, const struct config *c,
                 const struct tensorfile *f, int task_tokens, int *task_rows, struct vs_err *err);
/* The heads whose tensors f has, all of them and in the shapes that go with its own trunk. */
unsigned weights_heads(const struct tensorfile *f);
void weights_fini(struct weights *w);

#endif
