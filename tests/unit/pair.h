/* The tiny model with a second checkpoint, in which some tensors are multiplied by a factor. */
#ifndef PAIR_H
#define PAIR_H

#include "src/engine.h"
#include "src/formats/tensorfile.h"
#include "src/mem.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((unused)) int make_checkpoint(const char *in, const char *out,
                                                   const char *prefix, double factor)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    if (tensorfile_open(in, &f, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int n = tensorfile_count(f);
    struct tensor_out *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++) {
        const struct tensor *t = tensorfile_at(f, i);
        int64_t count = tensor_elements(t);
        float *x = xcalloc((size_t)count + 1, sizeof *x);
        bool chosen = strncmp(t->name, prefix, strlen(prefix)) == 0;
        tensor_to_f32(t, x);
        for (int64_t k = 0; k < count && chosen; k++)
            x[k] = (float)((double)x[k] * factor);
        list[i] =
            (struct tensor_out){.name = t->name, .dtype = DTYPE_F32, .ndim = t->ndim, .data = x};
        memcpy(list[i].shape, t->shape, sizeof list[i].shape);
    }
    int rc = safetensors_write(out, list, n, &err);
    for (int i = 0; i < n; i++)
        free((void *)(uintptr_t)list[i].data);
    free(list);
    tensorfile_close(f);
    return rc != 0;
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
