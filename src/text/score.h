/* SPDX-License-Identifier: MIT */
/* What is done with logits, and how boxes are compared. */
#ifndef VS_SCORE_H
#define VS_SCORE_H

/* p = softmax(x), both n numbers; accumulated in double. */
void score_softmax(const float *x, int n, float *p);
float score_sigmoid(float x);
/* What effects on one of n ranked entries are measured on, both in nats. Never on the probability:
 * it does not move where it is saturated, or where there is nothing else to choose.
 * Source: Robnik-Sikonja and Kononenko, Explaining Classifications for Individual Instances (IEEE
 * TKDE 2008): "weight of evidence", a difference of log odds; Zintgraf et al. (ICLR 2017). */
enum score_scale {
    SCORE_LOGIT,   /* entries that are scored one by one, or a lone one */
    SCORE_LOG_ODDS /* a choice among entries: of this one against all others together */
};
extern const char *const score_scale_names[]; /* "logit", "log odds" */
/* x[which] - log(sum of exp of all others): exact where the softmax is 0 or 1 to all its digits.
 * -INFINITY takes no part; without any other the result is INFINITY. */
double score_log_odds(const float *x, int n, int which);
/* order = the indices of x from the largest to the smallest; equal values keep their order. */
void score_rank(const float *x, int n, int *order);
/* Intersection over union of two boxes x1 y1 x2 y2 in pixels, whose last pixel belongs to them
 * (width x2 - x1 + 1), as the reference's grounding data sets count it. 0 for an inverted box.
 * Source: vilbert/datasets/_image_features_reader.py's users, iou() in refer_expression_dataset. */
float score_iou(const float a[4], const float b[4]);

#endif
