/* SPDX-License-Identifier: MIT */
/* What every target of region features does with a file: one image, one by its key, all of them. */
#ifndef FUZZ_REGIONS_H
#define FUZZ_REGIONS_H

#include "src/formats/regions.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_IMAGES_MOST 50

static void fuzz_model_input(const struct regions *r)
{
    if (r->count < 1 || r->dim < 1 || r->width < 1 || r->height < 1)
        abort();
    float *features = xcalloc(((size_t)r->count + 1) * (size_t)r->dim, sizeof *features);
    float *spatials = xcalloc(((size_t)r->count + 1) * 5, sizeof *spatials);
    regions_model_input(r, features, spatials);
    free(features);
    free(spatials);
}

static bool fuzz_want(void *arg, const char *key)
{
    int *asked = arg;
    (void)key;
    return (*asked)++ < FUZZ_IMAGES_MOST;
}

static int fuzz_take(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                     struct vs_err *err)
{
    (void)arg;
    (void)key;
    (void)err;
    if (r)
        fuzz_model_input(r);
    else if (!why->text[0])
        abort();
    regions_free(r);
    return 0;
}

/* The number of images that the file as a whole said to have, at most FUZZ_IMAGES_MOST. */
__attribute__((unused)) static int fuzz_regions(const char *path, const char *key)
{
    struct regions *r = NULL;
    struct vs_err err = {0};
    int asked = 0;
    const struct region_sink sink = {fuzz_want, fuzz_take, &asked};
    if (regions_open(path, NULL, &r, &err) == 0)
        fuzz_model_input(r);
    else if (!err.text[0])
        abort();
    regions_free(r);
    r = NULL;
    if (regions_open(path, key, &r, &err) == 0)
        fuzz_model_input(r);
    regions_free(r);
    err.text[0] = '\0';
    if (regions_each(path, &sink, &err) != 0 && !err.text[0])
        abort();
    return asked < FUZZ_IMAGES_MOST ? asked : FUZZ_IMAGES_MOST;
}

#endif
