/* SPDX-License-Identifier: MIT */
/* How far the weights of two checkpoints are apart, tensor by tensor and layer by layer. */
#ifndef VS_COMPARE_WEIGHTS_H
#define VS_COMPARE_WEIGHTS_H

#include "kernels/kern.h"
#include "src/base/err.h"
#include "src/formats/tensorfile.h"

#include <stdatomic.h>
#include <stdbool.h>

enum weight_state {
    WEIGHT_COMPARED,
    WEIGHT_ONLY_A,  /* the other file has no such tensor */
    WEIGHT_ONLY_B,
    WEIGHT_RESHAPED /* both have it, in different shapes */
};

struct weight_change {
    char *name;             /* canonical, or a layer's: everything before the module's last names */
    enum weight_state state;
    int64_t elements;
    int tensors;            /* of a layer */
    /* Over the elements that are finite in both: norms of a and of b minus a, and the quotient of
     * the two (0 for no change; INFINITY when a is all zero and b is not). */
    double norm, distance, relative;
    double most;            /* largest single difference */
    int64_t changed;        /* elements that differ */
    int64_t broken;         /* elements that are NaN or infinite in either, not counted above */
};

struct weights_change {
    int tensor_count, layer_count;
    struct weight_change
        *tensors; /* in the order of the first file, then what only the second has */
    struct weight_change *layers;  /* in the order in which they come */
    struct weight_change all;      /* name NULL */
};

/* Reads both files once, in pieces, on the back end's threads; tied tensors count once. Tensors of
 * whole numbers are left out. cancel may be NULL. The caller frees *out with weights_change_free.
 */
int weights_compare(struct kern *k, const struct tensorfile *a, const struct tensorfile *b,
                    const atomic_bool *cancel, struct weights_change **out, struct vs_err *err);
struct model;
/* The same of two checkpoints of a model. */
int weights_compare_opened(struct model *m, int a, int b, const atomic_bool *cancel,
                           struct weights_change **out, struct vs_err *err);
void weights_change_free(struct weights_change *w);

/* The layer that a tensor belongs to, from the names of the reference: "bert.encoder.layer.3",
 * "bert.embeddings", "vil_prediction". A copy of that part of the name is the caller's. */
char *weight_layer_name(const char *tensor);

#endif
