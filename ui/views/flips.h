/* SPDX-License-Identifier: MIT */
/* Items of evaluations that are listed, and asked. */
#ifndef UI_FLIPS_H
#define UI_FLIPS_H

#include "src/study/rowfile.h"
#include "ui/views/figures.h"
#include "ui/views/views.h"

struct flip {
    struct row a, b;
    const char *data; /* what they were measured on */
};

/* Opens the images of an item, at most `most`, into photos; their number, 0 with words on the
 * screen where one is not there. */
int flips_photos(struct workbench *w, const struct flip *f, int *photos, int most);
/* Boxes to choose from are those of the row. */
void flips_boxes(struct workbench *w, const struct flip *f, int photo);
/* A row of words, the panel's row: what both answered, how sure they were, what is right. */
void flips_words(struct figure_panel *p, int row, const struct flip *f);

#endif
