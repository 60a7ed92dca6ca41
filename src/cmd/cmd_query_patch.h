/* SPDX-License-Identifier: MIT */
/* The options of vilscope query --patch-from, and what it does. */
#ifndef VS_CMD_QUERY_PATCH_H
#define VS_CMD_QUERY_PATCH_H

#include "src/cmd/options.h"
#include "src/study/activation.h"
#include "src/task/change.h"

/* What was given of the other query, B, and what is made of it. */
struct query_patch {
    const char *text; /* of B; NULL: the query's own */
    struct words images, regions;
    const char *pairs, *region_pairs;
    int site;         /* of enum net_site, or -1 */
    struct change *changes; /* (change_count) of B alone, owned */
    int change_count;
    struct activation_spot *spots; /* (spot_count), owned */
    int spot_count;
    /* query_patch_open's: */
    struct query other; /* B */
    struct photo **photos;
    struct change *all;
    struct activation_pair *token_list, *region_list;
    int token_count, region_count;
};

bool query_patch_wanted(const struct query_patch *p);
/* What other options are given, and how many images. */
struct query_patch_beside {
    int images;
    bool boxes, candidates, leave_out, attribute;
};
/* Why the options do not go together, or NULL. */
const char *query_patch_refusal(const struct query_patch *p, const struct query_patch_beside *o);
/* A --patch-state. */
int query_patch_state(struct query_patch *p, const char *text, struct vs_err *err);
/* Makes B of the query, whose features the model can read then. */
int query_patch_open(struct query_patch *p, const struct model *m, const struct query *q,
                     bool upright, struct vs_err *err);
void query_patch_fini(struct query_patch *p); /* in every case */

struct query_patch_how {
    const char *target, *against; /* answers by label or number, or NULL */
    bool json;
    int top, verify;
};
/* Prints what states of B bring into the query, whose result is r. */
int query_patch(struct model *m, const struct query *q, const struct result *r,
                const struct query_patch *p, const struct query_patch_how *how,
                struct vs_err *err);

#endif
