/* SPDX-License-Identifier: MIT */
/* The query that is shown, once more: what a job in the engine's thread needs of it, so that the
 * screen may go on meanwhile; and the user's boxes, which each query is posted with. */
#ifndef UI_OWN_QUERY_H
#define UI_OWN_QUERY_H

#include "ui/state/state.h"

/* Text, boxes and changes are copies, photos live as long as the workbench. */
struct own_query {
    struct query q;         /* of the members below; the checkpoint is the caller's to set */
    uint64_t identity;      /* stale_identity */
    char *text;
    struct photo **photos;  /* (q.photo_count) */
    struct box_list *boxes; /* (q.photo_count) */
    struct change *changes; /* (q.change_count) */
};

/* There is a result. After a failure, too, own_query_fini. */
int own_query_make(const struct workbench *w, struct own_query *o, struct vs_err *err);
void own_query_fini(struct own_query *o);

/* The boxes drawn on each of these photos: a list (count) that the caller frees, of boxes that stay
 * the workbench's. */
struct box_list *query_boxes(const struct workbench *w, struct photo *const *photos, int count);

#endif
