/* What is done with logits, and how boxes are compared. */
#ifndef VS_SCORE_H
#define VS_SCORE_H

/* p = softmax(x), both n numbers; accumulated in double. */
void score_softmax(const float *x, int n, float *p);
float score_sigmoid(float x);
/* order = the indices of x from the largest to the smallest; equal values keep their order. */
void score_rank(const float *x, int n, int *order);
/* Intersection over union of two boxes x1 y1 x2 y2 in pixels, whose last pixel belongs to them
 * (width x2 - x1 + 1), as the reference's grounding data sets count it. 0 for an inverted box.
 * Source: vilbert/datasets/_image_features_reader.py's users, iou() in refer_expression_dataset. */
float score_iou(const float a[4], const float b[4]);

#endif
