/* SPDX-License-Identifier: MIT */
/* What timings of the model are taken of: a model as a command line names it, and inputs that are
 * the same in every run. A benchmark ends with its process, which frees them. */
#ifndef VS_SUBJECT_H
#define VS_SUBJECT_H

#include "src/base/mem.h"
#include "src/model/vilbert/vilbert.h"

struct subject {
    struct config c;
    struct tensorfile *f;
    struct kern *k;
    struct vilbert *m;
};

/* device: NULL for the default. */
static inline int subject_open(struct subject *s, const char *config, const char *checkpoint,
                               const char *device, int threads, struct vs_err *err)
{
    char why[256];
    int rc = config_read(config, &s->c, err);
    if (rc == 0)
        rc = tensorfile_open(checkpoint, &s->f, err);
    if (rc == 0 && kern_open(device, threads, &s->k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0)
        rc = vilbert_open(&s->c, s->f, s->k, &s->m, err);
    return rc;
}

/* A VQA question about so many images, each with the same text. */
static inline void subject_input(const struct subject *s, int batch, int tokens, int regions,
                                 struct net_input *in)
{
    size_t t = (size_t)batch * (size_t)tokens, v = (size_t)batch * (size_t)regions;
    size_t numbers = v * (size_t)s->c.v_feature;
    int32_t *ids = xcalloc(t, sizeof *ids), *task = xcalloc((size_t)batch, sizeof *task);
    float *features = xcalloc(numbers, sizeof *features);
    float *spatials = xcalloc(v * 5, sizeof *spatials);
    for (size_t i = 0; i < t; i++)
        ids[i] = 1000 + 37 * (int32_t)(i % (size_t)tokens);
    for (size_t i = 0; i < numbers; i++)
        features[i] = (float)((unsigned)i * 2654435761u >> 8) / 16777216.0f;
    for (size_t i = 0; i < v * 5; i++)
        spatials[i] = (float)(i % 7) / 7;
    for (int i = 0; i < batch; i++)
        task[i] = 1;
    *in = (struct net_input){batch, tokens, regions, ids, NULL, NULL, features, spatials, NULL,
                             task, NULL};
}

#endif
