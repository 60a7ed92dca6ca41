/* Times forward passes of a checkpoint: median and least of so many, in milliseconds.
 *
 * usage: bench-forward CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE] */
#include "src/mem.h"
#include "src/model/vilbert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(struct vilbert_input *in, int tokens, int regions, int dim)
{
    int32_t *ids = xcalloc((size_t)tokens, sizeof *ids), *task = xcalloc(1, sizeof *task);
    float *features = xcalloc((size_t)regions * (size_t)dim, sizeof *features);
    float *spatials = xcalloc((size_t)regions * 5, sizeof *spatials);
    for (int i = 0; i < tokens; i++)
        ids[i] = 1000 + 37 * i;
    for (int i = 0; i < regions * dim; i++)
        features[i] = (float)((unsigned)i * 2654435761u >> 8) / 16777216.0f;
    for (int i = 0; i < regions * 5; i++)
        spatials[i] = (float)(i % 7) / 7;
    task[0] = 1;
    *in = (struct vilbert_input){1, tokens, regions, ids, NULL, NULL, features, spatials, NULL,
                                 task};
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
    struct vilbert_input in;
    char why[256];
    if (argc < 7)
        return fail("CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE]");
    if (config_read(argv[1], &c, &err) != 0 || tensorfile_open(argv[2], &f, &err) != 0)
        return fail(err.text);
    if (kern_open(argc > 7 ? argv[7] : NULL, atoi(argv[5]), &k, why, sizeof why) != 0)
        return fail(why);
    if (vilbert_open(&c, f, k, &m, &err) != 0)
        return fail(err.text);
    fill(&in, atoi(argv[3]), atoi(argv[4]), c.v_feature);
    int passes = atoi(argv[6]);
    double *ms = xcalloc((size_t)passes + 1, sizeof *ms);
    struct vilbert_want want = {.heads = HEAD_VQA};
    for (int i = -2; i < passes; i++) { /* two passes to warm up */
        struct trace *t = NULL;
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
