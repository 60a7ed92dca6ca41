/* SPDX-License-Identifier: MIT */
/* Heads as all families have them. */
#ifndef VS_HEADS_H
#define VS_HEADS_H

#include "src/model/transformer/core.h"

/* The head as an output (rows, w->n). */
int head_linear(struct forward *r, const struct linear_w *w, const float *x, int rows,
                enum net_output of);
/* x (batch, n) as an output. */
int head_keep(struct forward *r, const float *x, int n, enum net_output of);
/* The rows' x (rows, n) as an output (batch, width, n). */
int head_keep_rows(struct forward *r, const struct packing *k, const float *x, int n,
                   enum net_output of);

/* On every token or region: dense, activation, layer norm, decoder; or the last one alone, where in
 * is NULL. */
struct row_head {
    const struct linear_w *in, *out;
    const struct norm_w *norm;
    enum kern_act act;
    bool masked; /* rows of padding get -10000: a softmax is to come */
};
/* The tensors of these heads: HEAD_WORD, HEAD_REGION_CLASS, HEAD_GROUND, HEAD_WORD_LOGIT. */
struct row_heads {
    struct linear_w word_in, word_out, region_in, region_out, ground, word_logit;
    struct norm_w word_norm, region_norm;
};
/* What their sizes follow from; classes: -1 for the file's. words: the word embeddings, to which
 * the decoder of words is tied where the file leaves it out. */
struct row_sizes {
    int vocab, text, image, classes;
    const void *words;
};
void bind_row_head(struct binder *b, struct row_heads *w, unsigned head, const struct row_sizes *s);
struct row_head row_head_of(const struct row_heads *w, enum net_head head, enum kern_act act);
/* Numbers for every computed row, (batch, width, out->n). inner: room for as many states as x. */
int head_rows(struct forward *r, const struct packing *k, const float *x, float *inner,
              const struct row_head *h, enum net_output of);
/* family.read_states: the same of states x (rows, width) that are the host's. */
int head_read_states(struct core *m, enum net_head head, const struct row_head *h,
                     const float *x, size_t width, int rows, float *out, struct vs_err *err);

#endif
