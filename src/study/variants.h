/* SPDX-License-Identifier: MIT */
/* Copies of one input in a batch, each with something else changed: regions and words that nobody
 * attends to, words that others stand in for, heads that are taken out, states of another run. */
#ifndef VS_VARIANTS_H
#define VS_VARIANTS_H

#include "src/model/trace.h"

#include <pthread.h>

struct variants {
    /* The caller's: */
    struct net *net;
    const struct net_input *in; /* what is copied */
    unsigned heads;             /* outputs that are wanted, of enum net_head */
    bool keep_padding;          /* as in struct net_want */
    const struct net_silence *silences; /* (silence_count) of all copies */
    int silence_count;
    int most;                   /* copies at once; 0: as many as fit */
    pthread_mutex_t *lock;      /* held during a pass; NULL: the caller holds it */
    const atomic_bool *cancel;  /* or NULL */
    /* Changes copy k, which is as the input, into item `item`. */
    void (*make)(void *arg, struct variants *v, int k, int item);
    /* What came of it: images k * batch to (k + 1) * batch - 1 of the pass. */
    void (*take)(void *arg, const struct trace *pass, int k, int item);
    void (*after)(void *arg, int done); /* after each batch: items done so far; or NULL */
    void *arg;
    /* Its own, of all copies: */
    struct net_input all;
    int32_t *ids, *text_mask, *image_mask;
    struct net_silence *taken;
    int taken_count;
    struct net_replaced *replaced;
    int replaced_count;
};

/* Items 0 to count-1, as many at once as fit. */
int variants_run(struct variants *v, int count, struct vs_err *err);

/* For reading one target: its head, and as many copies at once as it allows. */
void variants_aim(struct variants *v, const struct net_target *t);
/* The target of the input in copy k. */
struct net_target variants_target(const struct variants *v, const struct net_target *t, int k);

/* Of image b of copy k. Regions and tokens are those of the input. */
void variant_drop_region(struct variants *v, int k, int b, int region);
void variant_drop_token(struct variants *v, int k, int b, int token);
void variant_put_token(struct variants *v, int k, int b, int token, int32_t id);
/* Of all images of copy k; s->b does not count. */
void variant_silence(struct variants *v, int k, const struct net_silence *s);
/* s->b is of the input. */
void variant_replace(struct variants *v, int k, const struct net_replaced *s);

#endif
