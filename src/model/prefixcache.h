/* SPDX-License-Identifier: MIT */
/* States that passes share: what a text is before it meets an image, and an image before it meets a
 * text. They are found by the exact ids or features (and masks, task, weights) that they were
 * computed from, so results do not change; they lie in the back end's memory, those used longest
 * ago go when there are more than `bytes` (host memory of what they are found by included), and all
 * go when memory ends. A store may serve several models of one kern, and is freed after they
 * were used last. Only the thread that computes uses it. */
#ifndef VS_KEPT_H
#define VS_KEPT_H

#include "kernels/kern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prefix_cache;
struct prefix_cache *prefix_new(struct kern *k, size_t bytes);
void prefix_free(struct prefix_cache *s);
struct prefix_stats {
    int count;       /* states */
    int found, made; /* so far */
    size_t bytes;
};
void prefix_stats(const struct prefix_cache *s, struct prefix_stats *out);

/* ---- for a family's passes */

/* One text's or image's states, on the back end. */
struct prefix_state {
    struct prefix_state *next; /* used longer ago */
    uint64_t of, sign;       /* of: which weights; sign: equal for equal keys */
    int rows;
    unsigned char *key; /* (rows, row_size) what it was computed from, to the last byte */
    size_t row_size;
    float *at;
    size_t floats;
    bool busy, fresh; /* the pass under way reads it; computes it */
};

/* Whether the row'th row of what is looked for is these bytes. */
typedef bool prefix_same(void *arg, int row, const unsigned char *bytes, size_t size);

/* The state of these rows, which then is busy; NULL when it is not there. */
struct prefix_state *prefix_find(struct prefix_cache *s, uint64_t of, uint64_t sign, int rows,
                                 size_t row_size, prefix_same *same, void *arg);
/* Whether there might be one: signs are compared, not keys. */
bool prefix_may_have(const struct prefix_cache *s, uint64_t of, uint64_t sign);
/* Room for a new one, busy and fresh; its key is to be written, its numbers computed in this pass.
 * Takes the place of those that were used longest ago; NULL when there is no memory for it, which
 * is no failure. To be called while the back end has no other failure to tell. */
struct prefix_state *prefix_add(struct prefix_cache *s, uint64_t of, uint64_t sign, int rows,
                                size_t row_size, size_t floats);
void prefix_remove(struct prefix_cache *s, struct prefix_state *x);
/* Bytes of new states that are worth keeping of one pass: more of them would only displace each
 * other. */
size_t prefix_share(const struct prefix_cache *s);
/* The pass has ended: nothing is busy any more, and what it computed is there, or, after a failure,
 * never was. */
void prefix_settle(struct prefix_cache *s, bool good);
/* Frees everything. Returns whether there was anything. */
bool prefix_drop(struct prefix_cache *s);

#endif
