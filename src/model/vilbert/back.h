/* SPDX-License-Identifier: MIT */
/* The way back through ViLBERT; shared by what follows of the heads and of the layers. Streams by
 * number: 0 the visual one, 1 the textual. */
#ifndef VS_VILBERT_BACK_H
#define VS_VILBERT_BACK_H

#include "src/model/transformer/back.h"
#include "src/model/vilbert/tape.h"

struct vilbert_back {
    struct back b; /* first: it is one */
    struct pass p; /* of the target's images: its run is b's */
    struct vilbert_tape *t;
};

static inline struct vilbert_back *vilbert_back_of(struct back *b)
{
    return (struct vilbert_back *)b;
}

/* ---- back_heads.c: from the target to the last states */
/* Numbers of a row of the target's output, 0: it has none that a target could be made of. */
int vilbert_back_numbers(const struct vilbert_back *v);
int vilbert_back_heads(struct back *b);

/* ---- back_layers.c: a step of the pass, backwards */
int vilbert_back_step(struct back *b, const struct tape_step *step);

#endif
