/* SPDX-License-Identifier: MIT */
/* A pass under way, as all families have one: what it is given, the line of operations, its memory
 * and its results. Where the back end's memory is the host's, nothing is copied. */
#ifndef VS_FORWARD_H
#define VS_FORWARD_H

#include "src/model/trace.h"
#include "src/model/transformer/packing.h"

#define FORWARD_BLOCKS 12

/* On the back end, kept between the passes of a net. */
struct forward_memory {
    float *arena; /* states */
    size_t arena_size;
    float *given; /* what replaces states */
    size_t given_size;
    float *out[FORWARD_BLOCKS]; /* results on a device, before they come back */
    size_t out_size[FORWARD_BLOCKS];
    int out_count;
};

/* What the host makes of n numbers at `at` once the pass has computed them. */
struct later {
    enum { LATER_COPY, LATER_ROWS, LATER_MAP, LATER_COLUMN } what;
    const float *at;
    size_t n;
    float *to;                        /* in the trace */
    const struct packing *from, *cols; /* rows, and for maps their columns */
    int width, heads, b;
    bool masked, owned;               /* owned: at is forward_room's */
    bool first;                       /* of a map: the first row alone */
    int block;
};

struct forward {
    struct kern *k;
    const struct kern_ops *ops;
    const struct net_input *in;
    const struct net_want *want;
    struct trace *trace;
    const struct net_sizes *sizes; /* since forward_give */
    struct forward_memory *memory;
    struct later *later;
    int later_count, out_block;
    size_t out_used;
    struct vs_err *err;
};

/* A part of the arena, of so many floats. */
struct forward_slice {
    float **at;
    size_t size;
};

/* Gives each slice its place, at the beginning of a cache line. */
int forward_arena(struct forward *r, const struct forward_slice *list, size_t count);
/* Waits for the results: what comes back after rc, the operations' so far. */
int forward_finish(struct forward *r, int rc);
void forward_memory_fini(struct forward_memory *m, struct kern *k);
size_t forward_memory_bytes(const struct forward_memory *m);
/* VS_E_CANCELLED when the pass is no longer wanted. */
int forward_check_cancel(const struct forward *r);
/* The mean over its queries stands in for a head of this layer: then all of them are needed. */
bool forward_is_averaged(const struct forward *r, enum attn_kind map, int layer);

/* Where an operation writes n numbers that belong at `to` in the trace. NULL: no memory. */
float *forward_out(struct forward *r, float *to, size_t n);
/* Where an operation writes n numbers for a later one, which owns them. NULL: no memory. */
float *forward_room(struct forward *r, size_t n);
/* x(rows, n) as it is now, for a later one; x may change afterwards. NULL: no memory. */
const float *forward_hold(struct forward *r, const float *x, int rows, int n);
void forward_later(struct forward *r, const struct later *l);
/* Computed rows as a tensor of the trace, (batch, width, n). */
int forward_keep(struct forward *r, const struct packing *k, const float *x, int n,
                 struct trace_at at);
/* The same where states are wanted. */
int forward_keep_state(struct forward *r, const struct packing *k, const float *x, int n,
                       enum net_part part, enum net_stream s, int layer);

/* ---- states that others take the place of (want->replaced) */

/* Sends them to the back end, before the line of operations. */
int forward_give(struct forward *r, const struct net_sizes *sizes);
/* Puts those of this place into x, the rows of k; first: x has the first row of every image
 * only. */
void forward_replace(struct forward *r, const struct packing *k, float *x, int n,
                     struct trace_at at, bool first);
/* Whether what is added to the states of this layer (at.kind says by what) is kept or replaced. */
bool forward_is_apart(const struct forward *r, struct trace_at at);

static inline size_t forward_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
