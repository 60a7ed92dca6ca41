/* One run of the detector under way; shared by detector.c (the network) and select.c. */
#ifndef VS_VISION_RUN_H
#define VS_VISION_RUN_H

#include "src/model/trace.h"
#include "src/vision/layers.h"
#include "src/vision/priv.h"

#define SLABS 16

/* A block of memory for activations; kept for the next map of a run, because fresh pages cost. On a
 * device also for the next run. */
struct slab {
    float *p;
    size_t size;
    bool used;
};

struct detector {
    struct arch a;
    struct layers l;
    struct kern *k;
    struct kern_set *set; /* its weights on the back end */
    struct slab slabs[SLABS];
    bool borrowed; /* the layers are another detector's */
};

struct run {
    struct detector *d;
    const struct detector_want *want;
    const struct kern_ops *ops;
    struct trace *trace; /* or NULL */
    double done, all; /* multiply-adds */
    struct picture in;
    struct map c[4], inner[4], p[ARCH_LEVELS];
    int n; /* proposals: */
    float *boxes, *objectness;
    int *levels;
    /* (n, mlp), (n, mlp), (n, classes): the back end's memory, and the host's view of it */
    float *fc6, *fc7, *scores;
    float *seen_fc6, *seen_fc7, *seen_scores;
    struct vs_err *err;
};

/* Fails; kern_finish says what the device did not do. */
int run_device_failed(struct run *r);
/* x (rows, columns; 0: a vector), the host's, as a tensor of the trace, when there is one. */
int run_keep_rows(struct run *r, const float *x, int rows, int columns, const char *name);
/* select.c: the regions of a picture of w x h pixels, from proposals, features and scores. */
int run_selection(struct run *r, int w, int h, struct regions **out);

#endif
