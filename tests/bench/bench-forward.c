/* SPDX-License-Identifier: MIT */
/* Times forward passes of a checkpoint: median, least and upper quartile of so many, in
 * milliseconds, and the most memory in MB.
 *
 * usage: bench-forward CONFIG CHECKPOINT TOKENS REGIONS THREADS PASSES [DEVICE [KEPT [BATCH
 *        [PRECISION]]]]
 *
 * KEPT: text, image or both: states of them are kept from one pass to the next, the other changes
 * with every pass; none: nothing is kept, as without it. BATCH: that many images with one text.
 * PRECISION: as of --precision. */
#include "median.h"
#include "subject.h"

#include "src/model/prefixcache.h"
#include "src/model/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another text or image than the last one. */
static void change(const struct net *n, const struct net_input *in, const char *kept, int turn)
{
    if (strcmp(kept, "text") == 0)
        *(float *)(uintptr_t)in->features = (float)turn;
    else if (strcmp(kept, "image") == 0)
        *(int32_t *)(uintptr_t)in->ids = subject_word(n, turn);
}

/* Two passes to warm up, of one image as they are there to find and pack weights; and one more when
 * all is packed. */
static int time_passes(struct subject *s, struct net_input *in, const char *kept, int passes,
                       double *ms, struct vs_err *err)
{
    struct net_want want = {.heads = HEAD_VQA};
    struct net_input one = *in;
    int rc = 0;
    one.batch = 1;
    for (int i = -3; i < passes && rc == 0; i++) {
        struct trace *t = NULL;
        if (i == -1)
            subject_pack(s);
        change(s->n, in, kept, i + 3);
        rc = net_forward(s->n, i < -1 ? &one : in, &want, &t, err);
        if (rc == 0 && i >= 0)
            ms[i] = t->ms;
        trace_free(t);
    }
    return rc;
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
    s.precision = argc > 10 ? argv[10] : NULL;
    if (subject_open(&s, argv[1], argv[2], argc > 7 ? argv[7] : NULL, atoi(argv[5]), &err) != 0)
        return fail(err.text);
    const char *kept = argc > 8 ? argv[8] : "none";
    if (strcmp(kept, "none") != 0)
        net_keep(s.n, prefix_new(s.k, (size_t)64 << 20));
    subject_input(s.n, argc > 9 ? atoi(argv[9]) : 1, atoi(argv[3]), atoi(argv[4]), &in);
    int passes = atoi(argv[6]);
    double *ms = xcalloc((size_t)passes + 1, sizeof *ms);
    if (time_passes(&s, &in, kept, passes, ms, &err) != 0)
        return fail(err.text);
    struct spread t = spread_of(ms, passes);
    printf("%.3f %.3f %.3f %.1f %s\n", t.median, t.least, t.upper, peak_memory(),
           kern_describe(s.k));
    return 0;
}
