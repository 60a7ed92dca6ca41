/* SPDX-License-Identifier: MIT */
/* What studies find, as panels of figures. */
#ifndef STUDY_PLOTS_H
#define STUDY_PLOTS_H

#include "src/figure/figure.h"
#include "src/study/probes.h"
#include "src/study/projection.h"

/* A check set over the checkpoints: each query thin, the chosen one (-1: none) and the mean of all
 * thick, with the mean's interval. The figure's title begins with what goes over them, its line
 * with `of`; its caption has the digests, m is the model that was asked. */
void plot_trend(struct figure *f, struct model *m, const struct probe_table *t, const char *what,
                const char *of, int chosen);

/* States of many, a color for each of the largest groups; title and panel. */
void plot_projection(struct figure *f, const struct projection *p, enum projection_by by);

#endif
