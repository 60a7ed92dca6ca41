/* SPDX-License-Identifier: MIT */
/* Times the way back: a pass, a recorded pass, and the way back from one answer, in turns.
 *
 * usage: bench-back CONFIG CHECKPOINT TOKENS REGIONS THREADS TURNS [DEVICE [cpu]]
 *
 * cpu: time of the processor, for machines that do not rest. Prints medians in milliseconds and
 * their ratios to the pass: of recording, of recording and one target, of one more target; and the
 * megabytes of kept activations. */
#include "src/base/mem.h"
#include "src/model/vilbert/vilbert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FORWARD, RECORD, BACK, KINDS };

static bool of_processor;

static double now_ms(void)
{
    struct timespec t;
    if (!of_processor)
        return vs_now_ms();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

static void fill(struct net_input *in, int tokens, int regions, int dim)
{
    static const int32_t task = 1;
    size_t v = (size_t)regions;
    int32_t *ids = xcalloc((size_t)tokens, sizeof *ids);
    float *features = xcalloc(v * (size_t)dim, sizeof *features);
    float *spatials = xcalloc(v * 5, sizeof *spatials);
    for (int i = 0; i < tokens; i++)
        ids[i] = 1000 + 37 * i;
    for (size_t i = 0; i < v * (size_t)dim; i++)
        features[i] = (float)((unsigned)i * 2654435761u >> 8) / 16777216.0f;
    for (size_t i = 0; i < v * 5; i++)
        spatials[i] = (float)(i % 7) / 7;
    *in = (struct net_input){1, tokens, regions, ids, NULL, NULL, features, spatials, NULL, &task,
                             NULL};
}

/* One turn: ms[kind][turn]. */
static int turn(struct net *n, const struct net_input *in, double *const ms[KINDS], int i,
                size_t *bytes, struct vs_err *err)
{
    static const struct net_term term = {0, 100, 1};
    static const struct net_target target = {OUT_VQA, 0, &term, 1};
    static const struct net_back_want all = {.attention = true, .inputs = true};
    struct net_want want = {.heads = HEAD_VQA};
    struct trace *t = NULL, *g = NULL;
    struct tape *tape = NULL;
    double start = now_ms();
    int rc = net_forward(n, in, &want, &t, err);
    trace_free(t);
    ms[FORWARD][i] = now_ms() - start;
    start = now_ms();
    want.attention = true;
    if (rc == 0)
        rc = net_record(n, in, &want, &tape, &t, err);
    ms[RECORD][i] = now_ms() - start;
    start = now_ms();
    if (rc == 0)
        rc = net_backward(tape, &target, &all, &g, err);
    ms[BACK][i] = now_ms() - start;
    if (rc == 0) {
        *bytes = tape->bytes;
        trace_free(t);
        trace_free(g);
    }
    tape_free(tape);
    return rc;
}

static int fail(const char *why)
{
    fprintf(stderr, "bench-back: %s\n", why);
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
    size_t bytes = 0;
    if (argc < 7)
        return fail("CONFIG CHECKPOINT TOKENS REGIONS THREADS TURNS [DEVICE]");
    if (config_read(argv[1], &c, &err) != 0 || tensorfile_open(argv[2], &f, &err) != 0)
        return fail(err.text);
    if (kern_open(argc > 7 ? argv[7] : NULL, atoi(argv[5]), &k, why, sizeof why) != 0)
        return fail(why);
    if (vilbert_open(&c, f, k, &m, &err) != 0)
        return fail(err.text);
    of_processor = argc > 8 && strcmp(argv[8], "cpu") == 0;
    fill(&in, atoi(argv[3]), atoi(argv[4]), c.v_feature);
    int turns = atoi(argv[6]);
    double *ms[KINDS];
    for (int i = 0; i < KINDS; i++)
        ms[i] = xcalloc((size_t)turns + 1, sizeof *ms[i]);
    for (int i = -1; i < turns; i++) /* one to warm up */
        if (turn(vilbert_net(m), &in, ms, i < 0 ? 0 : i, &bytes, &err) != 0)
            return fail(err.text);
    double forward = median(ms[FORWARD], turns), record = median(ms[RECORD], turns);
    double back = median(ms[BACK], turns);
    printf("%.3f %.3f %.3f record %.2f both %.2f back %.2f kept %.1f MB %s\n", forward, record,
           back, record / forward, (record + back) / forward, back / forward,
           (double)bytes / 1e6, kern_describe(k));
    return 0;
}
