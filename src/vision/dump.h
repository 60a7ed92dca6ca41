/* SPDX-License-Identifier: MIT */
/* Everything a detection computed, in one file for comparing implementations. */
#ifndef VS_DUMP_H
#define VS_DUMP_H

#include "src/vision/detector.h"

/* Writes safetensors with the tensors that the golden data of the detector has, under its names:
 * those of the trace, what was selected, the second stage's box deltas (computed here, as nothing
 * else needs them), and NAME_stats with mean, deviation and largest magnitude. g and t are of one
 * detector_run with trace; f holds the weights. */
int detector_dump(const char *path, const struct arch *a, const struct tensorfile *f,
                  struct kern *k, const struct regions *g, const struct trace *t,
                  struct vs_err *err);

#endif
