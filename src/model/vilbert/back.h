/* SPDX-License-Identifier: MIT */
/* One way back under way; shared by what follows of the heads and of the layers. Streams by number:
 * 0 the visual one, 1 the textual. */
#ifndef VS_BACK_H
#define VS_BACK_H

#include "src/model/vilbert/tape.h"

struct back {
    struct pass p; /* of the target's images: memory, rows, the trace, what comes back later */
    struct vilbert_tape *t;
    const struct net_target *target;
    const struct net_back_want *want;
    int first;          /* of the target's images in the recorded batch */
    ptrdiff_t at[2];    /* of their first rows among the recorded ones */
    /* The derivatives of the target with respect to the states of the streams: (rows, width), or of
     * the first row of each image where cut. Not live: all 0, and nothing is computed. */
    float *d[2];
    bool live[2], cut[2];
    float *maps;        /* two of the largest maps of a layer */
    size_t map_size;    /* of one */
    /* The target's derivatives with respect to its output: a number of each of seed_rows rows; or,
     * where that is 0, the numbers of an image or of its row seed_row. */
    float *seed;
    int seed_rows, seed_row;
    const int32_t *firsts[2], *chosen; /* the first rows of the images; seed_row */
    float *inner[3];    /* room for a row of a head's inner states */
};

static inline int back_width(const struct back *b, int i)
{
    return i ? b->p.m->c.text.hidden : b->p.m->c.v_hidden;
}

static inline const struct packing *back_rows(const struct back *b, int i)
{
    return i ? &b->p.t : &b->p.v;
}

/* dx = dy w + residual, w being a line of the model; residual may be dx. */
static inline struct kern_linear_back back_linear(const struct linear_w *w, const float *dy,
                                                  int rows, float *dx, const float *residual)
{
    return (struct kern_linear_back){.dy = dy, .ldy = w->n, .w = w->w, .residual = residual,
                                     .ldr = w->k, .dx = dx, .ldx = w->k, .m = rows, .n = w->n,
                                     .k = w->k};
}

/* d, in place, of norm(x). */
static inline struct kern_norm_back back_norm(const struct back *b, const struct norm_w *w,
                                              const float *x, float *d, int rows)
{
    return (struct kern_norm_back){.x = x, .ldx = w->n, .gamma = w->gamma, .dy = d, .ldy = w->n,
                                   .dx = d, .lddx = w->n, .m = rows, .n = w->n, .eps = LAYER_EPS,
                                   .fixed = b->want->lrp};
}

/* ---- back_heads.c: from the target to the last states */
/* Checks the target, and says how large its seed is. */
int back_check_target(struct back *b);
/* Fills the seed's host copy, which is zeros. */
void back_fill_seed(const struct back *b, float *host);
size_t back_seed_size(const struct back *b);
void back_heads(struct back *b);

/* ---- back_layers.c */
/* A step of the pass, backwards. */
int back_step(struct back *b, const struct tape_step *step);
/* The derivatives of stream i's states as they are now, as what `at` says of the trace, where it is
 * wanted. */
int back_keep(struct back *b, int i, enum trace_kind kind, enum net_part part, int layer);

#endif
