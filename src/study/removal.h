/* SPDX-License-Identifier: MIT */
/* Words and regions of an input removed: one at a time (leave-one-out), or more and more of them in
 * the order of an attribution, and back (deletion and insertion: Petsiuk, Das, Saenko, RISE, BMVC
 * 2018). */
#ifndef VS_REMOVAL_H
#define VS_REMOVAL_H

#include "src/model/trace.h"

#include <stdatomic.h>

/* Passes that a method needs, and those that are through, for whoever waits: there are more where
 * it finds that it needs them. */
struct attribution_progress {
    atomic_int done, all;
};

/* What is removed of what. */
struct removing {
    struct net *net;
    const struct net_input *in;
    const struct net_target *target; /* of in */
    bool tokens;      /* words, else regions */
    int32_t stand_in; /* id of the token that stands in for a word; -1: nobody attends to it, as for
                         regions always */
    const struct net_silence *silences; /* (silence_count) of all passes */
    int silence_count;
    const atomic_bool *cancel;
    struct attribution_progress *progress; /* or NULL */
};

/* Something that can be removed: a region of an image, or a token (image -1: of all of them), by
 * their numbers in the input, with what an attribution gave it. */
struct removable {
    int image, index;
    double worth;
};

/* Whether row i of image b is no padding. */
bool removal_is_real(const int32_t *mask, int width, int b, int i);
/* What of the target's images can be removed, the most first; ties by image, then number. Regions:
 * real ones but row 0 and the rows of a target on regions. Tokens: real ones but the first and the
 * last real one of the text. worth: of regions (V) or tokens (T, without the task's) of each image,
 * one after the other; NULL: all 0, which leaves them in their order. To be freed; *count. */
struct removable *removal_order(const struct removing *r, const double *worth, int *count);

/* value[i] (count): the target's value without list[i] alone. */
int removal_singly(const struct removing *r, const struct removable *list, int count, double *value,
                   struct vs_err *err);

/* The target's value, and for targets of one term of outputs that choose one answer its
 * probability (NAN: there is none), with the first 0 to count removed, and with all but the first 0
 * to count removed. Arrays of count + 1. */
struct removal {
    int count;
    double *deletion, *insertion, *deletion_p, *insertion_p;
    bool probability;
};
/* Several orders of the same things (many, count each), in full batches; the ends, which all
 * have in common, once. out (many): each to be freed with removal_fini; after a failure none. */
int removal_many(const struct removing *r, const struct removable *const *orders, int many,
                 int count, struct removal *out, struct vs_err *err);
int removal_run(const struct removing *r, const struct removable *order, int count,
                struct removal *out, struct vs_err *err);
void removal_fini(struct removal *r);
/* Area under a curve of count + 1 points, by trapezoids, the width being 1. */
double removal_area(const double *y, int count);

#endif
