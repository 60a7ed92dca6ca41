/* SPDX-License-Identifier: MIT */
/* The description of a detector: widths, depths, counts. */
#ifndef VS_ARCH_H
#define VS_ARCH_H

#include "src/base/err.h"

#include <stdbool.h>

#define ARCH_LEVELS 5 /* P2 to P6 */

struct arch {
    int stem_out, groups, width_per_group, res2_out, blocks[4];
    int fpn_out, mlp_dim, num_classes; /* background included */
    int anchor_strides[ARCH_LEVELS];
    int pre_nms_top_n, post_nms_top_n, fpn_post_nms_top_n;
    float rpn_nms_thresh, class_nms_thresh, conf_thresh;
    int bins; /* of a pooled region, a side */
    int min_side, max_side, size_divisible;
    int num_features;
    bool stride_in_1x1; /* a stage's stride is in its first 1x1 convolution, not the 3x3 */
    bool background; /* the background class takes part in the selection */
};

/* Faster R-CNN ResNeXt-152 32x8d FPN, Visual Genome: the reference's. */
void arch_default(struct arch *a);
/* A JSON file, whose absent keys have the reference's values, or the YAML that is published with
 * the weights (archyaml.h). */
int arch_read(const char *path, struct arch *a, struct vs_err *err);
/* Whether a list of class names, of path, has one for each class that a region can have. */
int arch_check_names(const struct arch *a, const char *path, int count, struct vs_err *err);

#endif
