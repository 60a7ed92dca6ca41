/* SPDX-License-Identifier: MIT */
/* Heads and layers of one checkpoint in place of another's. */
#ifndef VS_SWAP_H
#define VS_SWAP_H

#include "src/model/transformer/bound.h"

/* a, b: queries, keys, values (rows of the head) and output (its columns; the bias stays a's), of
 * which a's become those of both, owned by w. */
int patch_head(struct bound *w, struct linear_w *const *a, const struct linear_w *const *b,
               int head, int heads, struct vs_err *err);
/* head -1: the whole layer. */
int patch_layer(struct bound *w, struct layer_w *a, const struct layer_w *b, int head, int heads,
                struct vs_err *err);

#endif
