/* SPDX-License-Identifier: MIT */
/* An opened checkpoint, as all families have one, and a pass through it from the outside: what
 * comes in is checked, the family's own pass runs, and what comes out is looked at. */
#ifndef VS_CORE_H
#define VS_CORE_H

#include "src/model/prefixcache.h"
#include "src/model/transformer/packer.h"

struct activations;
struct tape_block;

/* The first member of what a family has of a checkpoint. */
struct core {
    struct net net; /* first: it is one */
    struct bound bound;
    struct kern *k;
    struct kern_set *set; /* its weights on the back end */
    struct packer *packer; /* of its weights; NULL: nothing is packed */
    struct prefix_cache *kept;    /* borrowed, or NULL */
    const struct tensorfile **files; /* borrowed: what the weights come from */
    int file_count;
    struct forward_memory memory;
    struct activations *recording; /* that the next pass fills, or NULL */
    struct tape_block *spare; /* memory of a tape that was freed, for the next one */
    int spare_count;
    int types;     /* of tokens */
    int task_rows; /* of task embeddings; 0: no task tokens */
    /* One pass; heads that are wanted are there and their weights are sound. keep: states that
     * passes share may be used. */
    int (*once)(struct core *m, const struct net_input *in, const struct net_want *want, bool keep,
                struct trace **out, struct vs_err *err);
};

static inline struct core *core_of(struct net *n)
{
    return (struct core *)n;
}
/* family.holds, family.drop_spare */
size_t core_holds(const struct net *n);
void core_drop_spare(struct net *n);

/* After the weights are bound. */
void core_start(struct core *m, const struct tensorfile *f);
/* The same of a net that is made of m and others' weights. */
void core_start_mix(struct core *x, const struct core *m, const struct net_patch *list, int count);
void core_fini(struct core *m);
/* After a pass: rc, or the error that one of the files changed since it was opened. */
int core_check_files(const struct core *m, int rc, struct vs_err *err);
/* The weights of these heads and of the trunk are sound. */
int core_ready(struct core *m, unsigned heads, struct vs_err *err);

/* family.forward */
int core_forward(struct core *m, const struct net_input *in, const struct net_want *want,
                 struct trace **out, struct vs_err *err);
/* The run of a pass, and its trace, which is its own until it is given away. */
void core_begin(struct core *m, const struct net_input *in, const struct net_want *want,
                struct forward *out, struct vs_err *err);

#endif
