/* SPDX-License-Identifier: MIT */
/* Leave-one-out as colors. */
#ifndef UI_EFFECTS_H
#define UI_EFFECTS_H

#include "ui/jobs/leave_one_out.h"
#include "ui/views/grid.h"

/* Where the colors were drawn last. */
struct effects_picture {
    struct area at;     /* counted from the pane's corner; no rows: nowhere */
    struct frame photo; /* of regions */
    int cell_w, cell_h, heads_w; /* in pixels: of a head, and of all */
    struct canvas *backdrop; /* owned; the photo as it is shown here: a cache */
    uint64_t backdrop_key;
};

/* The end of the scale: changes that are next to nothing do not look like any. */
float effects_top_of(const struct effects *e);
/* Known ones by the size of their change, and behind these the others; *count: how many are known.
 * The caller frees it. */
int *effects_ranked(const struct effects *e, int *count);

/* On the photo; pick: the place of the chosen one among the ranked. */
void effects_draw_photo(struct workbench *w, const struct pane *p, struct effects_picture *v,
                        const struct effects *e, int pick, struct area a);
/* On the words; returns the rows that they take. */
int effects_draw_words(const struct workbench *w, const struct pane *p, struct effects_picture *v,
                       const struct effects *e, struct area a);
/* Layers go down, heads go right; a block for each map. */
void effects_draw_heads(struct workbench *w, const struct pane *p, struct effects_picture *v,
                        const struct effects *e, struct area a);
/* The largest number of layers of a map, at least 1. */
int effects_layers(const struct effects *e);
/* The item at a place, counted from the pane's corner, or -1. */
int effects_picture_at(const struct workbench *w, const struct pane *p,
                       const struct effects_picture *v, const struct effects *e, int row, int col);

#endif
