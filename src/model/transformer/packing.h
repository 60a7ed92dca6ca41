/* SPDX-License-Identifier: MIT */
/* Which rows of a stream a pass computes: those of all images in a row, without padding. */
#ifndef VS_PACKING_H
#define VS_PACKING_H

#include "src/model/family.h"

#define PACKING_MASKED -10000.0f /* added to the scores of masked keys */

struct packing {
    int batch, width; /* of the input, the task token included */
    int rows;         /* computed, of all images */
    int *start;       /* (batch + 1): image b has rows start[b] to start[b+1]-1 */
    int *pos;         /* (rows): where in its image's input a row was */
    float *bias;      /* (rows): 0, or -10000 for padding that is computed; NULL without any */
    int *image;       /* (batch): which of the input's; NULL: all of them */
};

static inline int rows_of(const struct packing *k, int b)
{
    return k->start[b + 1] - k->start[b];
}

static inline int image_of(const struct packing *k, int b)
{
    return k->image ? k->image[b] : b;
}

/* mask, 1 real and 0 padding, or NULL: (batch, tokens of the input) of a text, (batch, width) of
 * others. text: whose task token, if it has one, has no column there; NULL of others. keep: compute
 * padding, too. */
void packing_make(struct packing *k, int batch, int width, const struct net *text,
                  const int32_t *mask, bool keep);
/* The rows of k at places from to to-1 of every image, which are places 0 to to-from-1 of these;
 * index (k->rows) or NULL: which rows of k they are. */
void packing_cut(const struct packing *k, int from, int to, struct packing *out, int32_t *index);
void packing_fini(struct packing *k);

#endif
