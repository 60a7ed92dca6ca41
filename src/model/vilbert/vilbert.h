/* SPDX-License-Identifier: MIT */
/* ViLBERT for 12 tasks: two streams and co-attention, straight through, and its heads. Opened by
 * these functions, or as a net of vilbert_family, which is how everything above opens it.
 *
 * Source: Lu et al., 12-in-1 (CVPR 2020); vilbert/vilbert.py of the reference. */
#ifndef VS_VILBERT_H
#define VS_VILBERT_H

#include "src/model/prefixcache.h"
#include "src/model/trace.h"
#include "src/model/vilbert/config.h"

#define VILBERT_TASK_PLACE 1 /* the task token comes after [CLS] */

/* A checkpoint bound to a configuration and a back end. Opening reads no weights; those in half
 * precision are widened by the first call that computes. */
struct vilbert;

/* f and k are borrowed and must live as long as the model. All missing or misshapen tensors are
 * listed in one message. */
int vilbert_open(const struct config *c, const struct tensorfile *f, struct kern *k,
                 struct vilbert **out, struct vs_err *err);
void vilbert_free(struct vilbert *m);
struct net *vilbert_net(struct vilbert *m);

/* Whether a checkpoint with these heads is the one of pre-training: none is a task's. */
bool vilbert_is_pretrained(unsigned heads);

/* A model with m's weights but for the swapped parts. It borrows m and all `from`, which have the
 * same configuration, and is freed with vilbert_free before them. */
int vilbert_mix(struct vilbert *m, const struct net_patch *list, int count, struct vilbert **out,
                struct vs_err *err);

/* What a head says of states of its stream that are not the last ones: x (rows, width of the
 * stream), out (rows, vilbert_head_size). HEAD_WORD, HEAD_REGION_CLASS, HEAD_GROUND,
 * HEAD_WORD_LOGIT. */
int vilbert_read_states(struct vilbert *m, enum net_head head, const float *x, int rows,
                        float *out, struct vs_err *err);
/* Numbers that such a head gives for a row, and how many answers HEAD_VQA and HEAD_GQA have; 0 when
 * the checkpoint lacks the head, and for all others. */
int vilbert_head_size(const struct vilbert *m, enum net_head head);

/* What a text is before it meets an image, and an image before it meets a text, with the keys,
 * values and queries of the first co-attention layer, lies in s from now on (prefixcache.h), also
 * for models made of m (vilbert_mix); NULL, as in the beginning: every pass computes everything. */
void vilbert_keep(struct vilbert *m, struct prefix_cache *s);

/* How many images of so many tokens and regions to compute at once: most on the CPU, where more
 * gain nothing, on a GPU what its memory takes, up to eight times as many. At least 1. */
int vilbert_batch(const struct vilbert *m, int tokens, int regions, int most);

/* After its second pass a checkpoint's weights are packed by a thread in the background; this waits
 * for it, for those who measure, and says how many are packed. Numbers do not depend on it. */
int vilbert_pack(struct vilbert *m);

/* The caller frees *out with trace_free. Not reentrant per kern. */
int vilbert_forward(struct vilbert *m, const struct net_input *in, const struct net_want *want,
                    struct trace **out, struct vs_err *err);

#endif
