/* SPDX-License-Identifier: MIT */
/* The inputs of the golden data, and comparing a trace with its tensors. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "src/base/mem.h"
#include "src/formats/tensorfile.h"
#include "src/model/vilbert/vilbert.h"
#include "tap.h"

#include <math.h>

static float *golden_floats(const struct tensorfile *f, const char *name)
{
    const struct tensor *t = tensorfile_find(f, name);
    if (!t)
        return NULL;
    float *x = xcalloc((size_t)tensor_elements(t) + 1, sizeof *x);
    tensor_to_f32(t, x);
    return x;
}

static int32_t *golden_whole(const struct tensorfile *f, const char *name)
{
    const struct tensor *t = tensorfile_find(f, name);
    if (!t)
        return NULL;
    size_t n = (size_t)tensor_elements(t);
    int64_t *x = xcalloc(n + 1, sizeof *x);
    int32_t *y = xcalloc(n + 1, sizeof *y);
    tensor_to_i64(t, x);
    for (size_t i = 0; i < n; i++)
        y[i] = (int32_t)x[i];
    free(x);
    return y;
}

/* The inputs of a golden case, to be freed with golden_free; tasks: with its task's. */
static struct net_input golden_input(const struct tensorfile *f, bool tasks)
{
    const struct tensor *ids = tensorfile_find(f, "in.input_ids");
    const struct tensor *features = tensorfile_find(f, "in.features");
    return (struct net_input){.batch = (int)ids->shape[0],
                              .tokens = (int)ids->shape[1],
                              .regions = (int)features->shape[1],
                              .ids = golden_whole(f, "in.input_ids"),
                              .types = golden_whole(f, "in.token_type_ids"),
                              .text_mask = golden_whole(f, "in.attention_mask"),
                              .features = golden_floats(f, "in.features"),
                              .spatials = golden_floats(f, "in.spatials"),
                              .image_mask = golden_whole(f, "in.image_mask"),
                              .task = tasks ? golden_whole(f, "in.task_ids") : NULL};
}

static void golden_free(struct net_input *x)
{
    free((void *)(uintptr_t)x->ids);
    free((void *)(uintptr_t)x->types);
    free((void *)(uintptr_t)x->text_mask);
    free((void *)(uintptr_t)x->features);
    free((void *)(uintptr_t)x->spatials);
    free((void *)(uintptr_t)x->image_mask);
    free((void *)(uintptr_t)x->task);
}

/* Limits of the golden README. */
__attribute__((unused)) static float golden_limit(const char *name)
{
    if (strncmp(name, "attn.", 5) == 0)
        return 5e-6f;
    if (strncmp(name, "out.linguisic_prediction", 24) == 0)
        return 3e-5f;
    return 2e-5f;
}

/* Largest difference of an expected tensor, or part of one (".rows3-7", ".heads0-1": a range of
 * the second dimension), from the trace's; negative when the trace has no such tensor or another
 * shape. Padded regions of vision_logit (about -10000) are held to a limit of their own. */
__attribute__((unused)) static float golden_difference(const struct trace *t,
                                                       const struct tensor *want, float *padded)
{
    char name[128];
    int from = 0, to = -1;
    snprintf(name, sizeof name, "%s", want->name);
    char *part = strstr(name, ".rows");
    part = part ? part : strstr(name, ".heads");
    if (part && sscanf(part + strcspn(part, "0123456789"), "%d-%d", &from, &to) == 2)
        *part = '\0';
    const struct trace_tensor *have = trace_find(t, name);
    if (!have || have->ndim != want->ndim)
        return -1;
    int64_t inner = 1;
    for (int i = 0; i < have->ndim; i++) {
        int64_t size = i == 1 && to >= 0 ? to - from + 1 : have->shape[i];
        if (size != want->shape[i])
            return -1;
        inner *= i > 1 ? have->shape[i] : 1;
    }
    int64_t n = tensor_elements(want), rows = want->ndim > 1 ? want->shape[1] : 1;
    float *x = xcalloc((size_t)n + 1, sizeof *x), worst = 0;
    tensor_to_f32(want, x);
    for (int64_t i = 0; i < n; i++) {
        int64_t b = i / (rows * inner), r = i / inner % rows;
        int64_t all = want->ndim > 1 ? have->shape[1] : 1;
        float d = fabsf(have->data[(b * all + r + from) * inner + i % inner] - x[i]);
        if (!(d >= 0))
            d = INFINITY; /* NaN */
        if (x[i] < -5000)
            *padded = d > *padded ? d : *padded;
        else
            worst = d > worst ? d : worst;
    }
    free(x);
    return worst;
}

#endif
