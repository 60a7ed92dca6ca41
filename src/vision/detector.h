/* From a picture to regions: Faster R-CNN with ResNeXt and a feature pyramid.
 *
 * Source: maskrcnn-benchmark (Massa and Girshick) as used by the reference's feature extraction. */
#ifndef VS_DETECTOR_H
#define VS_DETECTOR_H

#include "kernels/kern.h"
#include "src/err.h"
#include "src/formats/regions.h"
#include "src/formats/tensorfile.h"
#include "src/model/vilbert.h"
#include "src/vision/arch.h"

#include <stdatomic.h>

struct detector;

/* f and k are borrowed and must live as long. Missing or misshapen tensors are named. */
int detector_open(const struct arch *a, const struct tensorfile *f, struct kern *k,
                  struct detector **out, struct vs_err *err);
/* Another one with the same weights for another thread; d must live as long. */
struct detector *detector_share(const struct detector *d, struct kern *k);
void detector_free(struct detector *d);
const struct arch *detector_arch(const struct detector *d);

struct detector_want {
    const float *boxes; /* (box_count, 4) in pixels of the picture: pool these instead of
                           proposing; the regions come in their order */
    int box_count;
    bool prob;          /* regions with the probabilities of all classes */
    bool trace;         /* keep what the golden data has */
    const atomic_bool *cancel;
    /* Called from the running thread; done and all count multiply-adds. */
    void (*progress)(void *arg, const char *stage, double done, double all);
    void *progress_arg;
};

/* rgb (h, w, 3). Regions with class and its probability; *trace is NULL unless wanted. */
int detector_run(struct detector *d, const uint8_t *rgb, int w, int h,
                 const struct detector_want *want, struct regions **out, struct trace **trace,
                 struct vs_err *err);

#endif
