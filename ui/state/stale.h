/* SPDX-License-Identifier: MIT */
/* Whether what is shown still is about what the screen says: the image, the task, the checkpoint,
 * the query, the boxes. A result that is not is shown in gray, with a line that says what it is
 * about. */
#ifndef UI_STALE_H
#define UI_STALE_H

#include "ui/state/state.h"

enum stale {
    STALE_IMAGE = 1,       /* the current image is none of the result's */
    STALE_SET = 2,         /* images were opened since all of them were asked about */
    STALE_TASK = 4,
    STALE_CHECKPOINT = 8,
    STALE_QUERY = 16,      /* the query line holds other words */
    STALE_BOXES = 32,      /* boxes were drawn, or dropped */
    STALE_REGIONS = 64,    /* the detector, or a file, gave others */
    STALE_CHANGES = 128    /* interventions */
};

/* In what the result that is shown differs from what the screen says; 0: in nothing, or there is no
 * result. */
unsigned stale_bits(const struct workbench *w);

/* For struct view: of a result, and of what all checkpoints say, whichever is chosen. */
bool stale_result(struct workbench *w, struct pane *p, char *out, size_t size);
bool stale_query(struct workbench *w, struct pane *p, char *out, size_t size);

/* The boxes that the user has drawn on these photos, as a number. */
uint64_t stale_boxes(const struct workbench *w, struct photo *const *photos, int count);
/* The regions that these photos have. */
uint64_t stale_regions(struct photo *const *photos, int count);
/* The query of the result that is shown, whichever checkpoint answered: task, words, images,
 * regions and interventions; 0 without one. */
uint64_t stale_identity(const struct workbench *w);

#endif
