/* SPDX-License-Identifier: MIT */
/* Attention rollout: Abnar and Zuidema, Quantifying Attention Flow in Transformers (ACL 2020), over
 * all streams of a model. */
#ifndef VS_ROLLOUT_H
#define VS_ROLLOUT_H

#include "src/model/trace.h"

/* The attention through all layers up to the one that made this map, its own included, half of
 * every step staying where it is: (rows, cols) as the map of image b; rows sum to 1 over tokens and
 * regions together. rows and cols are those of the map (trace_attention). The caller frees it. */
float *rollout_map(const struct trace *t, enum attn_kind kind, int layer, int b, int rows,
                   int cols);

/* What the row of a stream holds behind the last layer: tokens[i] and regions[i] += the share of
 * each that attention carried there, in image b. Together they are 1. False, and nothing is added:
 * the trace has no map of the stream's rows, as of a stream that the model lacks. */
bool rollout_row(const struct trace *t, enum net_stream s, int row, int b, double *tokens,
                 double *regions);

#endif
