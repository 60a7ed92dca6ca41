/* SPDX-License-Identifier: MIT */
/* Targets, and what gradients of the inputs say of them: gradient times input, and its mean along
 * the way from no input to the given one (integrated gradients). */
#ifndef VS_GRADIENTS_H
#define VS_GRADIENTS_H

#include "src/study/relevancy.h"

struct attribution_progress;

/* The target's value, by the outputs of a pass of its batch. */
double target_value(const struct trace *pass, const struct net_target *t);
/* The images of a target alone, borrowed from in, and the target among them. */
struct net_input target_input(const struct net *n, const struct net_input *in,
                              const struct net_target *t, struct net_target *alone);
/* One pass of the target's images and its way back. The caller frees all three: tape_free,
 * trace_free. want->attention: the maps, too. */
int target_gradients(struct net *n, const struct net_input *in, const struct net_target *alone,
                     const struct net_back_want *want, struct trace **pass, struct trace **grad,
                     struct vs_err *err);

/* What each token (T', the task's included), the features and the box of each region (V) are worth:
 * sums over numbers of gradient * input. NULL for what is not wanted. */
struct worths {
    double *tokens, *regions, *boxes;
};
void gradient_times_input(const struct explained *e, const struct net_input *in,
                          const struct worths *out);

/* Integrated gradients (Sundararajan, Taly, Yan, ICML 2017) from word vectors and features of 0, at
 * the middles of `steps` parts; positions, types, the task, boxes and masks stay. For each image of
 * the target tokens (T') and regions (V), one image after the other. base: the target's value at 0;
 * progress: or NULL; what all sum up to misses value - base by the error of the steps. */
struct integrated {
    double *tokens, *regions;
    double base;
};
int integrated_gradients(struct net *n, const struct net_input *in, const struct net_target *t,
                         int steps, const atomic_bool *cancel,
                         struct attribution_progress *progress, struct integrated *out,
                         struct vs_err *err);
void integrated_fini(struct integrated *x);

#endif
