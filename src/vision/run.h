/* SPDX-License-Identifier: MIT */
/* One run of the detector under way, over pictures of one size; shared by the files of the network
 * (backbone.c, proposals.c, features.c), of the selection (select.c) and of its memory (maps.c). */
#ifndef VS_VISION_RUN_H
#define VS_VISION_RUN_H

#include "src/model/trace.h"
#include "src/vision/layers.h"
#include "src/vision/priv.h"

#define BLOCKS 24 /* maps that live at a time, at most */

/* A part of the arena, in floats. */
struct block {
    size_t start, size;
};

struct detector {
    struct arch a;
    struct layers l;
    struct kern *k;
    struct kern_set *set; /* its weights on the back end */
    const struct tensorfile *file; /* borrowed */
    float *arena;         /* the memory of a run's maps */
    size_t arena_size;
    bool borrowed; /* the layers are another detector's */
};

/* The proposals of a picture. */
struct proposals {
    int n, first; /* first: the row of the first one in fc6, fc7 and scores */
    float *boxes, *objectness;
    int *levels;
};

struct run {
    struct detector *d;
    const struct detector_want *want;
    const struct kern_ops *ops;
    struct trace *trace; /* or NULL; then there is one picture */
    bool plan;           /* only finds out how much memory the maps need */
    double done, all;    /* multiply-adds */
    struct detector_picture *list;
    struct picture *in; /* (count); when planning one stands for all */
    int count, rows;    /* pictures, and proposals of all of them */
    struct proposals *found; /* (count) */
    struct block blocks[BLOCKS]; /* sorted by start */
    int block_count;
    size_t need; /* of the arena so far */
    struct map c[4], inner[4], p[ARCH_LEVELS];
    struct map fc6, fc7, scores; /* (rows, mlp), (rows, mlp), (rows, classes) */
    struct vs_err *err;
};

/* ---- maps.c. A map is dropped, or lives as long as the run. */

/* (count, h, w, c) */
int run_new_map(struct run *r, int h, int w, int c, struct map *out);
/* (rows, c) */
int run_new_rows(struct run *r, int rows, int c, struct map *out);
void run_drop(struct run *r, struct map *m);
/* The map (of a level, or 0) as a tensor of the trace, when there is one; channels first, as in the
 * golden data. */
int run_keep_map(struct run *r, const struct map *m, enum detector_stage of, int level);
int run_keep_picture(struct run *r);
/* x (rows, columns; 0: a vector), the host's, as a tensor of the trace, when there is one. */
int run_keep_rows(struct run *r, const float *x, int rows, int columns, enum detector_stage of);
/* All rows of a map that has no pixels. */
int run_keep_all(struct run *r, const struct map *m, enum detector_stage of);
/* Fails; kern_finish says what the device did not do. */
int run_device_failed(struct run *r);

/* ---- the network, in this order */

/* Counts work that is done. Fails when the run is cancelled. */
int run_step(struct run *r, const char *stage, double work);
/* y = conv(x) with its norm or bias, then + residual, then the activation. */
int run_conv(struct run *r, const struct conv_w *w, const struct map *x, enum kern_act act,
             const struct map *residual, const char *stage, struct map *y);
/* Weights with NaN or infinity would otherwise end as regions in any order. */
int run_check_finite(struct run *r, const float *x, size_t n, const char *what);
int run_body(struct run *r);
int run_pyramid(struct run *r);
int run_proposals(struct run *r);
int run_features(struct run *r);
int run_scores(struct run *r);

/* The regions of picture i, from proposals, features and scores. */
int run_selection(struct run *r, int i);

#endif
