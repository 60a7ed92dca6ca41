/* SPDX-License-Identifier: MIT */
/* The tiny model with a second checkpoint, in which some tensors are multiplied by a factor. */
#ifndef PAIR_H
#define PAIR_H

#include "copy.h"
#include "src/engine/engine.h"
#include "src/formats/tensorfile_priv.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((unused)) int make_checkpoint(const char *in, const char *out,
                                                   const char *prefix, double factor)
{
    struct copy c;
    struct vs_err err = {0};
    bool good = read_copy(in, &c);
    for (int i = 0; i < c.count; i++) {
        float *x = (float *)(uintptr_t)c.list[i].data;
        bool chosen = strncmp(c.list[i].name, prefix, strlen(prefix)) == 0;
        for (int64_t k = 0; chosen && k < shape_elements(c.list[i].ndim, c.list[i].shape); k++)
            x[k] = (float)((double)x[k] * factor);
    }
    good = good && safetensors_write(out, c.list, c.count, &err) == 0;
    free_copy(&c);
    return !good;
}

static __attribute__((unused)) bool open_pair(const char *prefix, double factor, struct model **m,
                                              struct photo **p)
{
    static char path[300];
    const char *dir = getenv("TMPDIR"), *tiny = source_path("tests/data/tiny/checkpoint.bin");
    struct vs_err err = {0};
    snprintf(path, sizeof path, "%s/changed.safetensors", dir ? dir : "/tmp");
    const char *files[] = {tiny, path, NULL}, *names[] = {"before", "after", NULL};
    struct model_options o = {.dir = source_path("tests/data/tiny"), .checkpoints = files,
                              .names = names, .threads = 1};
    struct photo_options how = {0};
    bool good = make_checkpoint(tiny, path, prefix, factor) == 0 && model_open(&o, m, &err) == 0 &&
                photo_open(source_path("tests/data/tiny/scene.png"), &how, p, &err) == 0;
    if (!good)
        ok(false, "%s times %g: %s", prefix, factor, err.text);
    return good;
}

static __attribute__((unused)) void close_pair(struct model *m, struct photo *p)
{
    photo_free(p);
    unlink(model_checkpoint_path(m, 1));
    model_free(m);
}

#endif
