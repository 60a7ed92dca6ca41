/* SPDX-License-Identifier: MIT */
/* What studies find, as panels of figures. */
#ifndef STUDY_PLOTS_H
#define STUDY_PLOTS_H

#include "src/figure/figure.h"
#include "src/study/probes.h"

/* A check set over the checkpoints: each query thin, the chosen one (-1: none) and the mean of all
 * thick, with the mean's interval. */
void plot_trend(struct figure *f, const struct probe_table *t, int chosen);

#endif
