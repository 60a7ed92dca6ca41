/* SPDX-License-Identifier: MIT */
/* What the detector's files share. */
#ifndef VS_VISION_PRIV_H
#define VS_VISION_PRIV_H

#include "src/vision/detector.h"

/* Pixels as rows of channels; in a run, of all its pictures one after another. */
struct map {
    float *x; /* (h*w, c) */
    int h, w, c;
    size_t start; /* of a run's map: where it is in the arena */
};

/* A picture as the network reads it: padded, B G R, mean subtracted. */
struct picture {
    struct map map;  /* (padded h * padded w, 3) */
    int w, h;        /* resized, without padding */
    double scale;
};
/* By what a picture is resized. */
double picture_scale(const struct arch *a, int w, int h);
/* Sizes of the resized picture and, with padding, of its map; out->map.x is NULL. */
void picture_plan(const struct arch *a, int w, int h, struct picture *out);
/* Fails for sizes beyond memory. Caller frees map.x. */
int picture_make(const struct arch *a, const uint8_t *rgb, int w, int h, struct picture *out,
                 struct vs_err *err);

/* ---- boxes: (n, 4) x1 y1 x2 y2, last pixel included */

/* Greedy suppression of boxes in order of falling score; keep gets indices, at most max. Returns
 * how many. */
int nms_greedy(const float *boxes, const int *order, int n, float threshold, int max, int *keep);
/* conf[i] = best score of box i in a class whose suppression it survives, 0 when none. scores (n,
 * classes); columns first.. take part. boxes, scores and conf are k's memory. Returns 0, or -1 when
 * there is no memory. */
int nms_classes(struct kern *k, const float *boxes, const float *scores, int n, int classes,
                int first, float threshold, float conf_thresh, float *conf);

/* Boxes proposed at one level: logits (h*w, a), deltas (h*w, 4a), anchors (a, 4), all the host's.
 * boxes and scores get at most post_nms_top_n; returns how many, falling by score, or -1 when the
 * device failed. */
int propose_level(struct kern *kern, const struct arch *a, const float *logits,
                  const float *deltas, int h, int w, const float *anchors, int anchor_count,
                  int stride, int image_w, int image_h, float *boxes, float *scores);

#endif
