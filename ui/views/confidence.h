/* SPDX-License-Identifier: MIT */
/* What the log has of how sure A and B were, and how often they were right: numbers, and the plots
 * that are made of them on the screen and on paper. */
#ifndef UI_CONFIDENCE_H
#define UI_CONFIDENCE_H

#include "src/study/plots.h"
#include "ui/views/flips.h"

enum confidence_form { CONFIDENCE_SCATTER, CONFIDENCE_RELIABILITY, CONFIDENCE_FORMS };

struct confidence {
    int side[2], sides;         /* A and B, or the one checkpoint that there is */
    struct log_evaluated *list; /* (count) of the log */
    int count;
    int *kinds, kind_count;     /* one of the list for each task and set that can be shown */
    int kind;                   /* which is shown */
    const struct log_evaluated *of[2]; /* of each side, or NULL */
    struct plot_pair *pairs;    /* (pair_count) items that both have */
    int64_t *items;             /* (pair_count) their numbers in the set */
    double score[2];            /* means of those */
    int pair_count;
    struct stats_calibration trusted[2];
    struct figure plots;
    int panels[CONFIDENCE_FORMS]; /* of the plots, or -1 */
    char why[256];              /* why there is none, or "" */
};

/* Of a task, NULL: of the first that there is. The caller calls confidence_fini first, if it holds
 * something. */
void confidence_load(struct workbench *w, const struct task *task, struct confidence *out);
/* The next task or set. */
void confidence_next(struct workbench *w, struct confidence *c);
void confidence_fini(struct confidence *c);
/* A panel of one of its forms, or NULL. */
const struct figure_panel *confidence_panel(const struct confidence *c, enum confidence_form form);
/* "vqa val" */
void confidence_name(const struct confidence *c, char *out, size_t size);
/* The panels of all forms, with their title and where they come from. */
void confidence_figure(struct workbench *w, const struct confidence *c, struct figure *out);
/* What both said of a pair; t is emptied first. False: it cannot be read. */
bool confidence_read(struct workbench *w, const struct confidence *c, int pair,
                     struct row_texts *t, struct flip *out);

#endif
