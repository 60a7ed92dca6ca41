/* SPDX-License-Identifier: MIT */
/* What a pass takes and leaves, as parts of messages. What is read borrows the message's arrays,
 * which have the sizes that the rest says; whether ids and rows are the model's is checked by the
 * pass. */
#ifndef VS_NETWIRE_H
#define VS_NETWIRE_H

#include "src/formats/regions.h"
#include "src/model/trace.h"
#include "src/remote/wire.h"

void netwire_put_input(struct buf *b, const struct net_sizes *s, const struct net_input *in);
void netwire_get_input(struct wire *w, const struct net_sizes *s, struct net_input *out);

/* But for what cancels it. want_fini frees the lists of what was read. */
void netwire_put_want(struct buf *b, const struct net_sizes *s, const struct net_want *want);
void netwire_get_want(struct wire *w, const struct net_sizes *s, struct net_want *out);
void netwire_want_fini(struct net_want *want);

void netwire_put_target(struct buf *b, const struct net_target *t);
/* The terms are to be freed. */
void netwire_get_target(struct wire *w, struct net_target *out);
void netwire_put_back(struct buf *b, const struct net_back_want *want);
void netwire_get_back(struct wire *w, struct net_back_want *out);

void netwire_put_trace(struct buf *b, const struct trace *t);
/* The caller frees it with trace_free. NULL where the message is wrong or there is no memory. */
struct trace *netwire_get_trace(struct wire *w);

/* What a family tells of an opened checkpoint. head_sizes: how many numbers its heads give for a
 * row of states (net_head_size), by their places; NULL: 0. */
void netwire_put_net(struct buf *b, const struct net *n, const int *head_sizes);
void netwire_get_net(struct wire *w, struct net *out, int head_sizes[HEAD_COUNT]);

/* Of the states that a head on rows reads. */
size_t netwire_state_width(const struct net_sizes *s, enum net_head head);

/* Boxes, features, classes and their probability; what else regions have is the reader's to say. */
void netwire_put_regions(struct buf *b, const struct regions *r);
struct regions *netwire_get_regions(struct wire *w);

#endif
