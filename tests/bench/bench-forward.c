/* SPDX-License-Identifier: MIT */
/* Times forward passes of a checkpoint: median and least of so many, in milliseconds.
 *
 * usage: bench-forward CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE [KEPT [BATCH]]]
 *
 * KEPT: text, image or both: states of them are kept from one pass to the next, the other changes
 * with every pass; none: nothing is kept, as without it. BATCH: that many images with one text. */
#include "median.h"
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another text or image than the last one. */
static void change(struct vilbert *m, const struct net_input *in, const char *kept, int turn)
{
    if (strcmp(kept, "text") == 0)
        *(float *)(uintptr_t)in->features = (float)turn;
    else if (strcmp(kept, "image") == 0)
        *(int32_t *)(uintptr_t)in->ids = subject_word(m, turn);
}

static int fail(const char *why)
{
    fprintf(stderr, "bench-forward: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    struct subject s = {0};
    struct vs_err err = {0};
    struct net_input in;
    if (argc < 7)
        return fail("CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE]");
    if (subject_open(&s, argv[1], argv[2], argc > 7 ? argv[7] : NULL, atoi(argv[5]), &err) != 0)
        return fail(err.text);
    const char *kept = argc > 8 ? argv[8] : "none";
    if (strcmp(kept, "none") != 0)
        vilbert_keep(s.m, prefix_new(s.k, (size_t)64 << 20));
    subject_input(s.m, argc > 9 ? atoi(argv[9]) : 1, atoi(argv[3]), atoi(argv[4]), &in);
    int passes = atoi(argv[6]);
    double *ms = xcalloc((size_t)passes + 1, sizeof *ms);
    struct net_want want = {.heads = HEAD_VQA};
    for (int i = -3; i < passes; i++) { /* two passes to warm up, one more when all is packed */
        struct trace *t = NULL;
        if (i == -1)
            vilbert_pack(s.m);
        change(s.m, &in, kept, i + 3);
        if (vilbert_forward(s.m, &in, &want, &t, &err) != 0)
            return fail(err.text);
        if (i >= 0)
            ms[i] = t->ms;
        trace_free(t);
    }
    double middle = median(ms, passes);
    printf("%.3f %.3f %s\n", middle, ms[0], kern_describe(s.k));
    return 0;
}
