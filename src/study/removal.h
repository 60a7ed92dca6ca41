/* SPDX-License-Identifier: MIT */
/* Deletion and insertion: the target while regions or words go in the order of an attribution, and
 * while they come (Petsiuk, Das, Saenko, RISE, BMVC 2018). Removed is masked: nobody attends to
 * it. */
#ifndef VS_REMOVAL_H
#define VS_REMOVAL_H

#include "src/model/trace.h"

/* Something that can be removed: a region of an image, or a token (image -1: of all of them), by
 * their numbers in the input, with what an attribution gave it. */
struct removable {
    int image, index;
    double worth;
};

/* What of the target's images can be removed, the most first; ties by image, then number. Regions:
 * real ones but row 0 and the rows of a target on regions. Tokens: real ones but the first and the
 * last real one of the text. worth: of regions (V) or tokens (T, without the task's) of each image,
 * one after the other. To be freed; *count. */
struct removable *removal_order(const struct net_input *in, const struct net_target *t, bool tokens,
                                const double *worth, int *count);

/* The target's value, and for targets of one term of outputs that choose one answer its
 * probability (NAN: there is none), with the first 0 to count removed, and with all but the first 0
 * to count removed. Arrays of count + 1. */
struct removal {
    int count;
    double *deletion, *insertion, *deletion_p, *insertion_p;
    bool probability;
};
int removal_run(struct net *n, const struct net_input *in, const struct net_target *t, bool tokens,
                const struct removable *order, int count, const atomic_bool *cancel,
                struct removal *out, struct vs_err *err);
void removal_fini(struct removal *r);
/* Area under a curve of count + 1 points, by trapezoids, the width being 1. */
double removal_area(const double *y, int count);

#endif
