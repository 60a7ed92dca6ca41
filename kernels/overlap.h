/* SPDX-License-Identifier: MIT */
/* When two boxes overlap: the one definition, for suppression here and in src/vision. */
#ifndef VS_OVERLAP_H
#define VS_OVERLAP_H

#include <math.h>
#include <stdbool.h>

/* Whether intersection over union of boxes x1 y1 x2 y2 exceeds the threshold. Sides count their
 * last pixel. cuda/kernels_vision.h does the same operations in the same order. */
static inline bool boxes_overlap(const float *a, const float *b, float threshold)
{
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + 1;
    float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + 1;
    if (w <= 0 || h <= 0)
        return false;
    float area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1);
    float area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1);
    float both = w * h;
    return both / (area_a + area_b - both) > threshold;
}

#endif
