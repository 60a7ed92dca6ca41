/* SPDX-License-Identifier: MIT */
/* How attention differs between two results of the same query: every map, layer and head. */
#ifndef VS_COMPARE_ATTENTION_H
#define VS_COMPARE_ATTENTION_H

#include "src/base/err.h"
#include "src/task/result.h"

#include <stdbool.h>


/* One head, or the mean of a layer's heads (head -1). */
struct attention_change {
    enum attn_kind map;
    int layer, head;
    double jsd;  /* bits, 0 to 1: mean over the rows that look at anything, of all images */
    double most; /* the largest of a row */
    int rows;    /* counted */
};

/* All heads of all maps, most changed first. Both results must hold their attention
 * (query.attention) of the same tokens and regions; a task token that only one has is left out, and
 * the rest of a row counts as the whole. The caller frees *out. */
int attention_changes(const struct result *a, const struct result *b, struct attention_change **out,
                      int *count, struct vs_err *err);
/* One of them: a layer's head, or -1 for the mean of its heads. */
int attention_change_of(const struct result *a, const struct result *b, enum attn_kind map,
                        int layer, int head, struct attention_change *out, struct vs_err *err);
/* b minus a: the signed difference map of image b_row, (rows, cols); the caller frees *out. */
int attention_difference(const struct result *a, const struct result *b, enum attn_kind map,
                         int layer, int head, int b_row, int *rows, int *cols, float **out,
                         struct vs_err *err);

#endif
