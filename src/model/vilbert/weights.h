/* SPDX-License-Identifier: MIT */
/* The tensors of a checkpoint, bound to their places in the model. */
#ifndef VS_WEIGHTS_H
#define VS_WEIGHTS_H

#include "kernels/kern.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/model/vilbert/config.h"

/* Pointers are float32 data in the map (any alignment), or copies that the weights own where the
 * file has another type or order; those copies are filled by weights_ready. */
struct linear_w {
    const void *w, *b; /* (n, k), (n) */
    int n, k;
};
struct norm_w {
    const void *gamma, *beta;
    int n;
};

/* A transformer layer of either stream. */
struct layer_w {
    struct linear_w q, k, v, out;
    struct norm_w out_norm;
    struct linear_w gate_q, gate_k; /* dynamic attention, visual layers only */
    struct linear_w ff_in, ff_out;
    struct norm_w ff_norm;
};

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

/* A tensor that is to be copied as float32. */
struct weights_copy {
    const struct tensor *from; /* the file's */
    float *to;
};

/* A bound tensor, whose numbers have to be finite before they are computed with. */
struct weights_check {
    const struct tensor *of; /* the file's */
    const void *data;        /* float32 */
    unsigned head;           /* whose it is, 0: the trunk's */
    enum { CHECK_WAITS, CHECK_FINITE, CHECK_BAD } state;
};

struct weights {
    const char *path; /* of the file, borrowed */
    const void *words, *positions, *types, *tasks;
    int task_rows; /* 0: no task tokens */
    struct norm_w embed_norm, v_embed_norm;
    struct linear_w v_features, v_places;
    struct layer_w *t, *v;
    struct colayer_w *c;
    struct linear_w t_pool, v_pool;
    struct classifier_w vqa, gqa, binary;
    struct linear_w bi_seq, align, tri, ground, word_logit;
    struct linear_w word_in, word_out, region_in, region_out;
    struct norm_w word_norm, region_norm;
    size_t bytes;   /* of all of them as float32 */
    unsigned heads; /* complete ones, of enum net_head */
    void **owned;
    int owned_count, owned_cap;
    struct weights_copy *waiting; /* copies that are still empty */
    int waiting_count;
    struct weights_check *checks;
    int check_count, check_cap;
};

/* task_tokens: 1, 0, or -1 for what the checkpoint has. Tensors of the trunk that are missing or
 * misshapen are all named in one message; a head with missing tensors is only left out. */
int weights_bind(struct weights *w, const struct config *c, const struct tensorfile *f,
                 int task_tokens, struct vs_err *err);
/* Before the weights are used: fills the copies (opening a checkpoint in half precision costs no
 * more than one in float32 until then), and looks once at every number of the trunk and of these
 * heads. The first tensor with NaN or infinity is named: VS_E_DIVERGED. */
int weights_ready(struct weights *w, struct kern *k, unsigned heads, struct vs_err *err);
void weights_fini(struct weights *w);

#endif
