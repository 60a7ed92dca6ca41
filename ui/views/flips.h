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

/* "lost", "gained", "right", "wrong": what became of it from A to B. */
const char *flips_outcome(const struct flip *f);
/* Fills in what both said, of the lines of the log; false: another program's rules made them. */
bool flips_read_pair(struct row_texts *t, const struct log_row_pair *x, struct flip *out);
/* Of the log's list, which is oldest first, the newest evaluation with rows of a checkpoint on what
 * another one was measured on, or NULL. */
const struct log_evaluated *flips_newest(const struct log_evaluated *list, int count,
                                         const char *digest, const struct log_evaluation *like);
/* Whether two were measured on the same. */
bool flips_alike(const struct log_evaluation *x, const struct log_evaluation *y);
/* Asks the item of one of both; the view compare, opened where there is room, asks the other. */
void flips_ask(struct workbench *w, const struct flip *f, int a, int b);
/* A row of words, the panel's row: what both answered, how sure they were, what is right. */
void flips_words(struct figure_panel *p, int row, const struct flip *f);

#endif
