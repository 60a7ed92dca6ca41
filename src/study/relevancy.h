/* SPDX-License-Identifier: MIT */
/* What attention maps and their gradients say of a target: relevancy carried from layer to layer,
 * sums for each head, and first-order effects of leaving a key out.
 *
 * Source of the rules: Chefer, Gur, Wolf, Generic Attention-model Explainability for Interpreting
 * Bi-Modal and Encoder-Decoder Transformers (ICCV 2021), for two streams with co-attention, and for
 * one with both kinds of rows (equation 6, as there of VisualBERT). */
#ifndef VS_RELEVANCY_H
#define VS_RELEVANCY_H

#include "src/model/trace.h"

/* Image b of a recorded pass with its maps, and the same image, number r, of the gradients. */
struct explained {
    const struct trace *pass, *grad;
    int b, r;
};

/* T tokens, the task token included, V regions. tt (T, T) and ii (V, V) are without the identity
 * that they begin with; ti (T, V), it (V, T). Of a joint stream there is jj (T + V, T + V) alone,
 * tokens first, without its identity. All numbers are 0 or more. */
struct relevancy {
    int tokens, regions;
    double *tt, *ii, *ti, *it, *jj;
};

/* Every map of the pass updates the relevancy, in the order of the pass. With a the mean over heads
 * of max(0, gradient * map):
 *   text:   tt += a + a tt,  ti += a ti         regions: ii += a + a ii,  it += a it
 *   co-attention, a1 of tokens on regions, a2 of regions on tokens, from the values before:
 *     ti += N(tt)' a1 N(ii),  tt += a1 it,  it += N(ii)' a2 N(tt),  ii += a2 ti
 *     N(R) = I + R / row sums of R, a row of 0 staying 0.
 *   joint:  jj += a + a jj
 * The caller frees out with relevancy_fini. */
void relevancy_make(const struct explained *e, struct relevancy *out);
void relevancy_fini(struct relevancy *r);
/* The one that has the rows and columns of a map, (*rows, *cols); borrowed. NULL: the model has no
 * such map. */
const double *relevancy_matrix(const struct relevancy *r, enum attn_kind kind, int *rows,
                               int *cols);
/* What the target reads: row 0 of every stream, or for outputs on regions the terms' rows (those of
 * positive weight). tokens (T) and regions (V) are the caller's. */
void relevancy_read(const struct relevancy *r, const struct net_target *target, double *tokens,
                    double *regions);
/* The same without the recursion: of each key the sum of a over queries and all maps that read
 * it. */
void relevancy_plain(const struct explained *e, double *tokens, double *regions);

/* Of each head the sum of gradient * map, which is the derivative of the target by e in
 * map -> (1 + e) map. out (heads) is the caller's; false: the pass has no such map. */
bool relevancy_heads(const struct explained *e, enum attn_kind map, int layer, double *out);
/* The derivative of the target by the score of each key, summed over all maps that read it: the
 * effect of leaving it out is about minus that. */
void relevancy_keys(const struct explained *e, double *tokens, double *regions);

#endif
