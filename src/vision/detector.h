/* SPDX-License-Identifier: MIT */
/* From a picture to regions: Faster R-CNN with ResNeXt and a feature pyramid.
 *
 * Source: maskrcnn-benchmark (Massa and Girshick) as used by the reference's feature extraction. */
#ifndef VS_DETECTOR_H
#define VS_DETECTOR_H

#include "kernels/kern.h"
#include "src/base/err.h"
#include "src/formats/regions.h"
#include "src/formats/tensorfile.h"
#include "src/model/trace.h"
#include "src/vision/arch.h"

#include <stdatomic.h>

struct detector;

/* What the tensors of a file tell of a detector's weights. */
struct detector_about {
    int features, classes; /* numbers of a region; classes with the background */
};
/* Whether a file's tensors have a detector's names; out (may be NULL) is set then. */
bool detector_owns(const struct tensorfile *f, struct detector_about *out);

/* Bytes of a device beside the weights, for a picture of the reference's size. */
#define DETECTOR_ROOM ((size_t)1280 << 20)
/* f and k are borrowed and must live as long. Missing or misshapen tensors are named. */
int detector_open(const struct arch *a, const struct tensorfile *f, struct kern *k,
                  struct detector **out, struct vs_err *err);
/* Another one with the same weights for another thread; d must live as long. */
struct detector *detector_share(const struct detector *d, struct kern *k);
void detector_free(struct detector *d);
const struct arch *detector_arch(const struct detector *d);

/* One of the pictures of a run. */
struct detector_picture {
    const uint8_t *rgb; /* (h, w, 3) */
    int w, h;
    const float *boxes; /* (box_count, 4) in its pixels: pool these instead of proposing; the
                           regions come in their order. Or NULL */
    int box_count;
    struct regions *regions; /* what is found, the caller's; with class and its probability */
};

/* What a run keeps in its trace, TRACE_STAGE; layer is the pyramid's level, where there is one. */
enum detector_stage {
    STAGE_IMAGE, STAGE_STEM, STAGE_C, STAGE_P, STAGE_RPN_LOGITS, STAGE_RPN_DELTAS, STAGE_PROPOSALS,
    STAGE_OBJECTNESS, STAGE_POOLED, STAGE_FC6, STAGE_FC7, STAGE_CLS_LOGITS, STAGE_SCORES,
    STAGE_MAX_CONF, STAGE_LEVELS, STAGE_KEEP, STAGE_CONF, STAGE_COUNT
};
/* As in the golden data: "c2", "proposals". Returns out. */
const char *stage_name(struct trace_at at, char out[TRACE_NAME]);
/* NULL when the trace does not have it. */
const struct trace_tensor *stage_of(const struct trace *t, enum detector_stage of);

struct detector_want {
    bool prob;  /* regions with the probabilities of all classes */
    bool trace; /* keep what the golden data has; of one picture */
    bool more;  /* more pictures follow: the memory of activations is kept for them */
    const atomic_bool *cancel;
    /* Called from the running thread; done and all count multiply-adds. */
    void (*progress)(void *arg, const char *stage, double done, double all);
    void *progress_arg;
};

/* Pictures that may be run together have the same size here: resized and padded. Then each has
 * exactly the regions that it would have alone. */
void detector_size(const struct detector *d, int w, int h, int *padded_w, int *padded_h);
/* How many pictures of that size, at most most, the back end has room for at a time. */
int detector_batch(struct detector *d, int w, int h, int most);

/* Sets regions of all pictures, or of none. *trace is NULL unless wanted; trace may be NULL. */
int detector_run(struct detector *d, struct detector_picture *list, int count,
                 const struct detector_want *want, struct trace **trace, struct vs_err *err);

#endif
