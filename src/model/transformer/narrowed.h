/* SPDX-License-Identifier: MIT */
/* Weights of products in the bits of the precision that was asked for. */
#ifndef VS_NARROWED_H
#define VS_NARROWED_H

#include "kernels/kern.h"
#include "src/formats/tensorfile.h"

/* What panels are to be made of: rows where the file has them, or made of those. */
struct narrowed {
    struct kern_narrow x;
    void *rows; /* owned, or NULL */
    float *scale; /* owned, or NULL */
};

/* NARROWED_NOT: it stays as it is. NARROWED_TOO_LARGE: a number is finite, and would not be in
 * float16. */
enum narrowing { NARROWED, NARROWED_NOT, NARROWED_TOO_LARGE, NARROWED_NO_MEMORY };

/* What products of a tensor are to be packed from. type: what was asked for; KERN_FLOAT32: whatever
 * the file has. The caller ends *out with narrowed_fini, whatever comes of it. */
enum narrowing narrowed_make(const struct tensor *t, enum kern_type type, struct narrowed *out);
void narrowed_fini(struct narrowed *n);

#endif
