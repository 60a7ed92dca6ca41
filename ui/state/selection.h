/* SPDX-License-Identifier: MIT */
/* What is chosen: one selection for all views. It is read through a pointer to const, and set only
 * by these functions; a change announces itself once, by a number that grows. */
#ifndef UI_SELECTION_H
#define UI_SELECTION_H

#include "src/study/attribution.h"
#include "src/study/look.h"

/* Which numbers of the model are looked at. */
struct slice {
    enum attn_kind kind; /* the map of the matrix and the heads */
    int layer[ATTN_COUNT], head[ATTN_COUNT]; /* by kind; head also LOOK_MEAN, LOOK_MAX, ... */
    int depth; /* between the layers, in the order in which the model computes */
    /* An attribution instead of the map, which the method "attention" reads; NULL: the map. */
    const struct attribution_method *method;
};

struct chosen {
    struct slice slice;
    int token;              /* -1 none */
    int region;             /* as the model counts: 0 the whole image; -1 none */
    int column[ATTN_COUNT]; /* of the maps of one stream, whose rows are the above; -1 none */
    int rank;               /* of the answers, images or boxes */
    bool overlay;           /* attention on the photo */
    bool begun;             /* the first layers were chosen: the most focused ones */
};

struct selection;

/* Nothing is chosen but this map, means of heads, the last depth. */
struct selection *selection_new(enum attn_kind map);
void selection_free(struct selection *s);
/* As it is now, and stays up to date; the selection's own. */
const struct chosen *selection_chosen(const struct selection *s);
/* How often it has changed: what was made of an older one is not of this one. */
unsigned selection_changes(const struct selection *s);
/* All at once: one change, or none when it is as before. */
void selection_set(struct selection *s, const struct chosen *next);

/* One thing, the rest as before. */
void selection_token(struct selection *s, int token);
void selection_region(struct selection *s, int region);
void selection_rank(struct selection *s, int rank);
void selection_column(struct selection *s, enum attn_kind kind, int column);
void selection_overlay(struct selection *s, bool on);
void selection_slice(struct selection *s, const struct slice *x);
/* A token, and where it looks is on the photo; -1: neither. */
void selection_look(struct selection *s, int token);
/* No token, no region, no attribution, nothing on the photo. */
void selection_clear(struct selection *s);

bool slice_equal(const struct slice *a, const struct slice *b);
/* One layer and head of a map, instead of an attribution. */
void slice_choose(struct slice *x, enum attn_kind kind, int layer, int head);

#endif
