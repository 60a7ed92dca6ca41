/* SPDX-License-Identifier: MIT */
/* Times the way back: a pass, a recorded pass, and the way back from one answer, in turns.
 *
 * usage: bench-back CONFIG CHECKPOINT TOKENS REGIONS THREADS TURNS [DEVICE [cpu]]
 *
 * cpu: time of the processor, for machines that do not rest. Prints medians in milliseconds and
 * their ratios to the pass: of recording, of recording and one target, of one more target; the
 * megabytes of kept activations; least and upper quartile of each of the three; the most memory. */
#include "median.h"
#include "subject.h"

#include "src/model/trace.h"

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

/* One turn: ms[kind][turn]. */
static int turn(struct net *n, const struct net_input *in, double *const ms[KINDS], int i,
                size_t *bytes, struct vs_err *err)
{
    static const struct net_term term = {0, 0, 1};
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
    struct subject s = {0};
    struct vs_err err = {0};
    struct net_input in;
    size_t bytes = 0;
    if (argc < 7)
        return fail("CONFIG CHECKPOINT TOKENS REGIONS THREADS TURNS [DEVICE]");
    if (subject_open(&s, argv[1], argv[2], argc > 7 ? argv[7] : NULL, atoi(argv[5]), &err) != 0)
        return fail(err.text);
    of_processor = argc > 8 && strcmp(argv[8], "cpu") == 0;
    subject_input(s.n, 1, atoi(argv[3]), atoi(argv[4]), &in);
    int turns = atoi(argv[6]);
    double *ms[KINDS];
    for (int i = 0; i < KINDS; i++)
        ms[i] = xcalloc((size_t)turns + 1, sizeof *ms[i]);
    for (int i = -2; i < turns; i++) { /* two to warm up; weights are packed as they are by then */
        if (turn(s.n, &in, ms, i < 0 ? 0 : i, &bytes, &err) != 0)
            return fail(err.text);
        if (i == -1)
            subject_pack(&s);
    }
    struct spread t[KINDS];
    for (int i = 0; i < KINDS; i++)
        t[i] = spread_of(ms[i], turns);
    double forward = t[FORWARD].median, record = t[RECORD].median, back = t[BACK].median;
    printf("%.3f %.3f %.3f record %.2f both %.2f back %.2f kept %.1f MB", forward, record, back,
           record / forward, (record + back) / forward, back / forward, (double)bytes / 1e6);
    for (int i = 0; i < KINDS; i++)
        printf("%s %.3f %.3f", i ? "" : " spread", t[i].least, t[i].upper);
    printf(" peak %.1f MB %s\n", peak_memory(), kern_describe(s.k));
    return 0;
}
