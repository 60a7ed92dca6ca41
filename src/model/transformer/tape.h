/* SPDX-License-Identifier: MIT */
/* What a recorded pass keeps for the way back: of every layer the operands of its products of
 * activations, and what was normalised or activated. Everything else is computed from it.
 *
 * Where memory ends, or more than want.kept_most would be kept, layers share one block: the first
 * ones give way to the next, and the pass is run again up to those that the way back comes to. Its
 * operations and their order are the same, so numbers are, to the last bit. */
#ifndef VS_TAPE_H
#define VS_TAPE_H

#include "src/model/transformer/core.h"
#include "src/model/transformer/layer.h"

/* A layer as it was run: of one stream, side[0], or of both (visual, textual). */
struct tape_step {
    enum net_part part;
    int number;
    const void *w; /* struct layer_w, or a family's own */
    struct tape_layer side[2];
};

/* Memory on the back end, of n floats. */
struct tape_block {
    float *at;
    size_t n;
};

/* The first member of what a family keeps of a pass. */
struct activations {
    struct tape tape; /* first: it is one */
    struct core *core;
    int tokens, regions; /* of the trace */
    unsigned heads;      /* that were wanted */
    struct tape_step *steps; /* in the order of the pass; kept are those from `from` on */
    int count, room, from;
    int all;             /* steps of the whole pass */
    struct tape_block *blocks;
    int block_count;
    bool full;           /* no memory for a step */
    bool over;           /* it was more than may be kept */
    size_t most;         /* bytes that may be kept; 0: as many as there are */
    size_t stepped, wanted; /* floats: of all steps so far, and of the largest */
    /* Layers that share a block: */
    float *slab;
    size_t slab_size, slab_used;
    int stop;            /* the pass ends before this step; -1: it does not */
    struct net_input in; /* copies of what it was run on, for what */
    struct net_want want;
    struct forward_memory memory; /* of a pass that is run again */
};

static inline struct activations *activations_of(struct tape *t)
{
    return (struct activations *)t;
}

/* What a recorded pass ends with where it is run again and has come to its end. */
#define TAPE_ENOUGH 1

void tape_init(struct activations *t, struct core *m, unsigned heads);
void tape_fini(struct activations *t);
/* core_forward that fills t, core.recording being t meanwhile. t becomes *out, or is freed. */
int tape_record(struct activations *t, const struct net_input *in, const struct net_want *want,
                struct tape **out, struct trace **trace, struct vs_err *err);
/* Step i is kept when this is done; outside of kern_begin and kern_end. */
int tape_need(struct activations *t, int i, const atomic_bool *cancel, struct vs_err *err);
static inline bool tape_has(const struct activations *t, int i)
{
    return i >= t->from && i < t->count;
}
/* The memory of core's next pass: a pass that is run again has its own. */
struct forward_memory *tape_memory(struct core *m);
/* Frees what the last tape left to the next one: memory that is new has to be found page by
 * page. */
void tape_drop_spare(struct core *m);

/* ---- while the pass runs */

/* One of several that lie in one piece. */
struct tape_piece {
    float **at;
    size_t size;
};
/* When a pass begins: forgets what is kept. */
void tape_begin_pass(struct activations *t);
/* Memory for what is kept beside the layers, once in a pass. */
int tape_take(struct activations *t, const struct tape_piece *list, int count, struct vs_err *err);
/* The next layer of the pass; a negative code, or TAPE_ENOUGH. */
int tape_add_step(struct activations *t, enum net_part part, int number, const void *w,
                  struct tape_step **out);
/* The sides of a step: s (sides) compute into what it keeps from now on. to: whom one attends to;
 * width: of queries, keys and values; inner: of the feed forward; gate: numbers of gates. */
struct tape_shape {
    const struct packing *to;
    int width, heads, inner;
    size_t gate;
};
int tape_keep(struct activations *t, struct tape_step *step, struct stream *s,
              const struct tape_shape *shape, int sides, struct vs_err *err);
/* A layer of one stream as the next step: both of the above. */
int tape_keep_layer(struct activations *t, const struct layer_w *w, struct stream *s, int number,
                    bool first, struct vs_err *err);
/* When it ends: token vectors for the trace, as the input or the model's own table has them
 * (words; tasks of task tokens, or NULL). */
int tape_end_pass(struct activations *t, struct forward *run, const struct packing *tokens,
                  const void *words, const void *tasks, int width);

#endif
