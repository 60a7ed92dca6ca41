/* SPDX-License-Identifier: MIT */
/* What timings of the model are taken of: a model of any family as a command line names it, and
 * inputs that are the same in every run. What subject_open opened ends with the process. */
#ifndef VS_SUBJECT_H
#define VS_SUBJECT_H

#include "src/base/mem.h"
#include "src/model/transformer/core.h"

#include <stdlib.h>

struct subject {
    const char *precision; /* set before, or NULL */
    struct net_config c;
    struct tensorfile *f;
    struct kern *k;
    struct net *n;
};

/* device: NULL for the default. */
static inline int subject_open(struct subject *s, const char *config, const char *checkpoint,
                               const char *device, int threads, struct vs_err *err)
{
    char why[256];
    int rc = tensorfile_open(checkpoint, &s->f, err);
    if (rc == 0)
        rc = net_read_config(config, s->f, &s->c, err);
    if (rc == 0 && kern_open(device, threads, &s->k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0 && s->precision && kern_set_precision(s->k, s->precision, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0)
        rc = net_open(&s->c, config, s->f, s->k, &s->n, err);
    return rc;
}

/* Waits until weights that are packed in the background are. */
static inline void subject_pack(struct subject *s)
{
    packer_wait(core_of(s->n)->packer);
}

/* The id of some word of the vocabulary, another for each number as long as there are some. */
static inline int32_t subject_word(const struct net *n, int number)
{
    return 1 + (1000 + 37 * number) % (n->sizes.words - 1);
}

/* A VQA question about so many images, each with the same text; freed with subject_free. */
static inline void subject_input(const struct net *n, int batch, int tokens, int regions,
                                 struct net_input *in)
{
    size_t t = (size_t)batch * (size_t)tokens, v = (size_t)batch * (size_t)regions;
    size_t numbers = v * (size_t)n->sizes.features;
    int32_t *ids = xcalloc(t, sizeof *ids), *task = NULL;
    float *features = xcalloc(numbers, sizeof *features);
    float *spatials = xcalloc(v * 5, sizeof *spatials);
    for (size_t i = 0; i < t; i++)
        ids[i] = subject_word(n, (int)(i % (size_t)tokens));
    for (size_t i = 0; i < numbers; i++)
        features[i] = (float)((unsigned)i * 2654435761u >> 8) / 16777216.0f;
    for (size_t i = 0; i < v * 5; i++)
        spatials[i] = (float)(i % 7) / 7;
    if (n->task_tokens)
        task = xcalloc((size_t)batch, sizeof *task);
    for (int i = 0; task && i < batch; i++)
        task[i] = 1;
    *in = (struct net_input){batch, tokens, regions, ids, NULL, NULL, features, spatials, NULL,
                             task, NULL};
}

static inline void subject_free(struct net_input *in)
{
    free((void *)(uintptr_t)in->ids);
    free((void *)(uintptr_t)in->features);
    free((void *)(uintptr_t)in->spatials);
    free((void *)(uintptr_t)in->task);
}

#endif
