/* SPDX-License-Identifier: MIT */
/* Times forward passes of a checkpoint: median and least of so many, in milliseconds.
 *
 * usage: bench-forward CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE [KEPT [BATCH]]]
 *
 * KEPT: text, image or both: states of them are kept from one pass to the next, the other changes
 * with every pass; none: nothing is kept, as without it. BATCH: that many images with one text. */
#include "src/base/mem.h"
#include "src/model/vilbert/vilbert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(struct net_input *in, int batch, int tokens, int regions, int dim)
{
    size_t t = (size_t)batch * (size_t)tokens, v = (size_t)batch * (size_t)regions;
    int32_t *ids = xcalloc(t, sizeof *ids), *task = xcalloc((size_t)batch, sizeof *task);
    float *features = xcalloc(v * (size_t)dim, sizeof *features);
    float *spatials = xcalloc(v * 5, sizeof *spatials);
    for (size_t i = 0; i < t; i++)
        ids[i] = 1000 + 37 * (int32_t)(i % (size_t)tokens);
    for (size_t i = 0; i < v * (size_t)dim; i++)
        features[i] = (float)((unsigned)i * 2654435761u >> 8) / 16777216.0f;
    for (size_t i = 0; i < v * 5; i++)
        spatials[i] = (float)(i % 7) / 7;
    for (int i = 0; i < batch; i++)
        task[i] = 1;
    *in = (struct net_input){batch, tokens, regions, ids, NULL, NULL, features, spatials, NULL,
                             task, NULL};
}

/* Another text or image than the last one. */
static void change(const struct net_input *in, const char *kept, int turn)
{
    if (strcmp(kept, "text") == 0)
        *(float *)(uintptr_t)in->features = (float)turn;
    else if (strcmp(kept, "image") == 0)
        *(int32_t *)(uintptr_t)in->ids = 1000 + turn;
}

static int fail(const char *why)
{
    fprintf(stderr, "bench-forward: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    struct config c;
    struct tensorfile *f = NULL;
    struct kern *k = NULL;
    struct vilbert *m = NULL;
    struct vs_err err = {0};
    struct net_input in;
    char why[256];
    if (argc < 7)
        return fail("CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE]");
    if (config_read(argv[1], &c, &err) != 0 || tensorfile_open(argv[2], &f, &err) != 0)
        return fail(err.text);
    if (kern_open(argc > 7 ? argv[7] : NULL, atoi(argv[5]), &k, why, sizeof why) != 0)
        return fail(why);
    if (vilbert_open(&c, f, k, &m, &err) != 0)
        return fail(err.text);
    const char *kept = argc > 8 ? argv[8] : "none";
    if (strcmp(kept, "none") != 0)
        vilbert_keep(m, prefix_new(k, (size_t)64 << 20));
    fill(&in, argc > 9 ? atoi(argv[9]) : 1, atoi(argv[3]), atoi(argv[4]), c.v_feature);
    int passes = atoi(argv[6]);
    double *ms = xcalloc((size_t)passes + 1, sizeof *ms);
    struct net_want want = {.heads = HEAD_VQA};
    for (int i = -3; i < passes; i++) { /* two passes to warm up, one more when all is packed */
        struct trace *t = NULL;
        if (i == -1)
            vilbert_pack(m);
        change(&in, kept, i + 3);
        if (vilbert_forward(m, &in, &want, &t, &err) != 0)
            return fail(err.text);
        if (i >= 0)
            ms[i] = t->ms;
        trace_free(t);
    }
    qsort(ms, (size_t)passes, sizeof *ms, by_value);
    printf("%.3f %.3f %s\n", ms[passes / 2], ms[0], kern_describe(k));
    return 0;
}
