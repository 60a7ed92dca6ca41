/* SPDX-License-Identifier: MIT */
/* Items of the 12 data sets about scenes: what is asked, of which scenes, and what is right. */
#ifndef DEMO_ITEMS_H
#define DEMO_ITEMS_H

#include "demo/world.h"

/* What is asked: plain questions; or also with negation, "or", "all", groups, what is next to or
 * between what, about things that are not there, in few words, misspelt. */
enum language { LANGUAGE_BASIC, LANGUAGE_WIDE };

struct world {
    const struct scene *scenes;
    int count;
    int retrieval; /* images that a caption is looked for in */
    bool unseen;   /* wordings that training never has */
    enum language language;
    enum stress stress; /* of the scenes: a slice; a caption's other images are those alike */
};

/* Appends one item about scene i as a line of JSON (vilscope-data(5)); images are named
 * "images/NNNNNN.png" by the scene's number. task is a name of src/task/task.h. False, and nothing
 * appended, when the scene has nothing for the task. */
bool item_make(struct dice *d, const struct world *w, int i, const char *task, struct buf *out);
/* Whether there are items of the task at all. */
bool item_has(const char *task);

#endif
