/* SPDX-License-Identifier: MIT */
/* What studies find, as panels of figures. */
#ifndef STUDY_PLOTS_H
#define STUDY_PLOTS_H

#include "src/figure/figure.h"
#include "src/study/probes.h"
#include "src/study/projection.h"
#include "src/study/statistics.h"

/* A check set over the checkpoints: each query thin, the chosen one (-1: none) and the mean of all
 * thick, with the mean's interval. The figure's title begins with what goes over them, its line
 * with `of`; its caption has the digests, m is the model that was asked. */
void plot_trend(struct figure *f, struct model *m, const struct probe_table *t, const char *what,
                const char *of, int chosen);

/* How far the confidence of each of some checkpoints can be trusted: a panel, whose title begins
 * with the name of the evaluation. A point is a bin; `of` of its series says which. */
struct plot_trusted {
    const char *name; /* the checkpoint's */
    const struct stats_calibration *of;
};
void plot_reliability(struct figure *f, const char *name, const struct plot_trusted *list,
                      int count);

/* Items of an evaluation, how sure A was of each and how sure B: a panel with a color for what came
 * of them. `of` of its series are their numbers in the list. */
struct plot_pair {
    double a, b; /* confidence; NAN: not known, and not drawn */
    bool right_a, right_b;
};
bool plot_pair_known(const struct plot_pair *x); /* it has a place */
enum plot_outcome { PLOT_BOTH, PLOT_ONLY_A, PLOT_ONLY_B, PLOT_NEITHER };
enum plot_outcome plot_outcome(const struct plot_pair *x);
/* says: behind the number of items in the note. */
void plot_scatter(struct figure *f, const char *name, const char *a, const char *b,
                  const struct plot_pair *list, int count, const char *says);

/* States of many, a color for each of the largest groups; title and panel. */
void plot_projection(struct figure *f, const struct projection *p, enum projection_by by);

#endif
