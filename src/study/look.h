/* SPDX-License-Identifier: MIT */
/* Attention maps of a result: which tokens and regions look where. */
#ifndef STUDY_LOOK_H
#define STUDY_LOOK_H

#include "src/task/result.h"

/* Instead of the number of a head. Rollout (Abnar and Zuidema 2020) follows the attention through
 * all layers up to the chosen one, self-attention and co-attention of both streams, half of every
 * step staying where it is; its rows sum to 1 over the tokens and regions together. */
enum { LOOK_MEAN = -1, LOOK_MAX = -2, LOOK_ROLLOUT = -3 };

/* The mean of some heads is one number, too: a bit for each of the first LOOK_SET_HEADS heads, not
 * all 0. */
#define LOOK_SET_HEADS 24
int look_set(uint32_t heads);
/* The bits again; 0 when head is no set. */
uint32_t look_set_heads(int head);
/* "heads 1,3,4" of a set. */
void look_set_name(uint32_t heads, char *out, size_t size);

/* The (rows, cols) map of a kind, layer and head for row b of the batch; *out is the caller's.
 * False when the result has no such map. */
bool look_map(const struct result *r, enum attn_kind kind, int layer, int b, int head, int *rows,
              int *cols, float **out);
/* The layer whose map, the mean of its heads, has the lowest mean entropy of its rows: where
 * looking begins. 0 when there are no maps. */
int look_focused_layer(const struct result *r, enum attn_kind kind);
/* The row of a stream that is this token or row of regions, or -1 (trace_row). */
int look_row(const struct result *r, enum net_stream s, bool token, int number);
/* The row of the batch with an image's regions. */
int look_batch(const struct result *r, int image);
/* The column or row of a region of an image in the maps of batch row b, or -1. */
int look_place(const struct result *r, int b, int image, int region);

/* This map, or, where it says nothing of the image, the one in which words look at regions. */
enum attn_kind look_image_map(const struct result *r, enum attn_kind kind);
/* Whether what looks at the regions, or is looked at by them, in such a map is a token; token is
 * the chosen one or -1. */
bool look_source_is_token(enum attn_kind kind, int token);
/* out[region], region 0 the whole image: the weight that source, a token or a region of the image,
 * gives each region of image; where only regions look, the weight that each of them gives it. out
 * has look_regions entries. False when the map has nothing of both. */
bool look_at_image(const struct result *r, int image, enum attn_kind kind, bool token, int source,
                   int layer, int head, float *out);
int look_regions(const struct result *r, int image);
/* heat (h, w), from -1 to 1: the weight of the heaviest region, by its size, over each pixel,
 * relative to top. The canvas shows the picture from (x, y) on, scaled. */
void look_heat(const struct result *r, int image, const float *weights, double x, double y,
               double scale, float top, int w, int h, float *heat);

/* out[i] += the weight of column (or, of row, along_row false) i in a map (rows, cols) at the row
 * (column) `at`; at -1: the mean over all. out has n entries; map NULL adds nothing. */
void look_flow(const float *map, int rows, int cols, int at, bool along_row, float *out, int n);
/* How far the attention of two results is apart: the mean of |difference| over all layers and
 * single heads of a map, for rows first to last of the batch; negative where none fit. */
double look_moved(const struct result *a, const struct result *b, enum attn_kind kind, int first,
                  int last);

#endif
