/* SPDX-License-Identifier: MIT */
/* The detector's weights, bound to their places. */
#ifndef VS_LAYERS_H
#define VS_LAYERS_H

#include "kernels/kern.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/vision/arch.h"

/* A convolution with what follows it: frozen batch norm or a bias. */
struct conv_w {
    const void *w;             /* packed as kern_conv wants it */
    const float *scale, *shift; /* (cout) or NULL */
    int cin, cout, kernel, stride, groups;
};
struct dense_w {
    const void *w, *b;
    int n, k;
};
struct block_w {
    struct conv_w conv1, conv2, conv3, down; /* down.w NULL: the identity */
};

struct layers {
    struct conv_w stem;
    struct block_w *stage[4];
    struct conv_w inner[4], outer[4]; /* of the pyramid, C2 first */
    struct conv_w rpn, logits, deltas;
    float anchors[ARCH_LEVELS][64 * 4];
    int anchor_count;
    struct dense_w fc6, fc7, classes;
    size_t bytes; /* of the weights, roughly */
    void **owned;
    int owned_count, owned_cap;
};

/* k packs the convolutions' weights on its threads. */
int layers_bind(struct layers *l, const struct arch *a, const struct tensorfile *f,
                struct kern *k, struct vs_err *err);
void layers_fini(struct layers *l);

#endif
