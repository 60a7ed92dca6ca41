/* SPDX-License-Identifier: MIT */
/* The GPU back end without a GPU: its host side and every kernel, over calls that check sizes,
 * pitches, lifetimes and the order of the stream (fakecuda.c). A wrong index, tail, barrier or
 * leading dimension, memory that is read before it is written or freed while in use, a failure that
 * is not told, a graph or weights used when they should not be: each breaks it. */
#include "fakegpu.h"
#include "kernels/cuda/gpu.h"
#include "poison.h"
#include "again.h"
#include "queries.h"

static struct kern *ref;

static void check_operations(bool backwards)
{
    fakecuda_reset();
    fakecuda.backwards = backwards;
    struct kern *k = fakegpu_open("cuda");
    if (!k)
        return;
    ops_check(k, ref, false);
    poison_check(k, ref);
    int before = fakecuda.launches + fakecuda.gemms;
    ops_nothing(k);
    ok(fakecuda.launches + fakecuda.gemms == before, "nothing is launched for nothing");
    int unused = -1;
    for (int i = 0; i < KERNEL_COUNT; i++)
        unused = fakecuda.used[i] == 0 ? i : unused;
    ok(unused < 0, "every kernel ran (%d)", unused);
    fakegpu_close(k, "operations");
}

/* ---- opening and its failures */

static void refuses(const char *spec, const char *word)
{
    struct kern *k = NULL;
    char why[256] = "";
    int rc = gpu_kern(&fakecuda_api, spec, &k, why, sizeof why);
    ok(rc != 0 && strstr(why, word) && !strchr(why, '\n'), "%s: %s", spec, why);
    if (rc == 0)
        kern_close(k);
}

static void check_opening(void)
{
    fakecuda_reset();
    refuses("cuda:1", "this machine has 1");
    refuses("cuda:x", "cuda:N");
    refuses("cuda,tf33", "tf32");
    refuses("cuda:0,memory=0", "memory=MB");
    refuses("cuda:0,memory=12x", "memory=MB");
    fakecuda.open_fails[0] = 209;
    refuses("cuda", "no kernel image");
    fakecuda.open_fails[0] = 35;
    refuses("cuda", "insufficient");
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda:0,tf32,memory=64");
    if (!k)
        return;
    size_t used, limit;
    kern_memory(k, &used, &limit);
    ok(strstr(kern_describe(k), "cuda:0 Fake 0, tf32 (products off by ") &&
       !strstr(kern_describe(k), "0e+00"), "%s", kern_describe(k));
    ok(limit == (size_t)64 << 20 && used == 0, "the limit holds, and nothing is in use");
    ok(kern_batch(k, 1 << 20, 100) == 8 && kern_batch(k, 1 << 26, 100) == 1 &&
       kern_batch(k, 1, 100) == 100, "batches that fit");
    fakegpu_close(k, "opening");
}

/* ---- weights: y = x w, in a set */

#define N 64

static float run_product(struct kern *k, struct kern_set *s, const float *w, int n)
{
    float *x = kern_alloc(k, N), *y = kern_alloc(k, (size_t)n), one[N], got = NAN;
    for (int i = 0; i < N; i++)
        one[i] = 1;
    kern_use(k, s);
    if (x && y && kern_put(k, x, one, N) == 0) {
        struct kern_linear o = {.x = x, .ldx = N, .w = w, .y = y, .ldy = n, .m = 1, .n = n, .k = N};
        kern_table(k)->linear(k, &o, 1);
        const float *seen = kern_view(k, y, (size_t)n);
        got = seen ? seen[n - 1] : NAN;
    }
    kern_free(k, x);
    kern_free(k, y);
    return got;
}

static float *weights_of(int n, float value)
{
    float *w = malloc((size_t)(n * N) * sizeof *w);
    for (int i = 0; w && i < n * N; i++)
        w[i] = value;
    return w;
}

static size_t told, told_all;

static void on_upload(void *arg, size_t done, size_t all)
{
    (void)arg;
    told = done;
    told_all = all;
}

static void check_store(void)
{
    enum { ROWS = 6000 }; /* 1.5 MB of weights */
    size_t bytes = (size_t)ROWS * N * 4;
    struct gpu_stats st;
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda:0,memory=6");
    if (!k)
        return;
    float *a = weights_of(ROWS, 1), *b = weights_of(ROWS, 2), *same = weights_of(ROWS, 1);
    float *c = weights_of(ROWS, 3);
    struct kern_set *sa = kern_set_new(k, bytes), *sb = kern_set_new(k, bytes);
    struct kern_set *ss = kern_set_new(k, bytes), *sc = kern_set_new(k, bytes);
    kern_watch(k, on_upload, NULL);
    bool good = run_product(k, sa, a, ROWS) == N && run_product(k, sa, a, ROWS) == N;
    gpu_stats(k->gpu, &st);
    ok(good && st.uploads == 1 && told == bytes && told_all == bytes, "weights are sent once");
    good = run_product(k, ss, same, ROWS) == N;
    gpu_stats(k->gpu, &st);
    ok(good && st.uploads == 1 && st.shared == 1, "equal weights are shared");
    good = run_product(k, sb, b, ROWS) == 2 * N;
    gpu_stats(k->gpu, &st);
    ok(good && st.uploads == 2 && st.evictions == 0, "others are not");
    good = run_product(k, sc, c, ROWS) == 3 * N;
    gpu_stats(k->gpu, &st);
    ok(good && st.uploads == 3 && st.evictions == 1 && st.used <= st.limit,
       "the oldest make room (%zu of %zu)", st.used, st.limit);
    kern_set_free(k, sa); /* its numbers go; the set that shares them lends its own */
    memset(a, 0, bytes);
    good = run_product(k, ss, same, ROWS) == N && run_product(k, sb, b, ROWS) == 2 * N;
    gpu_stats(k->gpu, &st);
    ok(good && st.uploads >= 4 && st.peak <= st.limit, "what was dropped comes back on use");
    float *large = weights_of(3 * ROWS, 1);
    char why[256] = "";
    good = isnan(run_product(k, sb, large, 3 * ROWS)) && kern_finish(k, why, sizeof why) != 0;
    ok(good && strstr(why, "cuda:0 (Fake 0)") && strstr(why, "out of memory"), "%s", why);
    ok(run_product(k, sb, b, ROWS) == 2 * N && kern_finish(k, why, sizeof why) == 0,
       "and it goes on afterwards");
    kern_set_free(k, ss);
    kern_set_free(k, sb);
    kern_set_free(k, sc);
    float *again = weights_of(ROWS, 5); /* loose weights are never remembered */
    good = run_product(k, NULL, again, ROWS) == 5 * N;
    for (int i = 0; i < ROWS * N; i++)
        again[i] = 7;
    ok(good && run_product(k, NULL, again, ROWS) == 7 * N, "outside of a set they are sent anew");
    fakegpu_close(k, "weights");
    free(a), free(b), free(c), free(same), free(large), free(again);
}

/* ---- recordings */

static void check_graphs(void)
{
    enum { SIZE = 1000 };
    struct gpu_stats st;
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    if (!k)
        return;
    struct operand x = operand(k, SIZE), y = operand(k, SIZE);
    for (int i = 0; i < 5; i++) {
        fakegpu_pass(k, &x, &y, SIZE);
        ok(fakecuda.captures == (i > 0) && fakecuda.replays == i,
           "pass %d: %d captured, %d replayed", i, fakecuda.captures, fakecuda.replays);
        for (int j = 0; j < SIZE; j++)
            y.host[j] = 2 * x.host[j] * x.host[j];
        if (i == 2) /* other numbers in the same memory */
            for (int j = 0; j < SIZE; j++)
                x.host[j] += 1;
        ok(ops_worst(k, &y, 1) < 1e-6f, "its numbers");
        kern_put(k, x.back, x.host, SIZE);
    }
    struct operand z = operand(k, SIZE); /* the same operations, elsewhere */
    fakegpu_pass(k, &x, &z, SIZE);
    for (int j = 0; j < SIZE; j++)
        z.host[j] = 2 * x.host[j] * x.host[j];
    ok(ops_worst(k, &z, 1) < 1e-6f && fakecuda.replays == 4, "the same on other memory is another");
    operand_free(k, &z);
    for (int n = 1; n <= 40; n++) /* more shapes than there is room for */
        for (int i = 0; i < 2; i++)
            fakegpu_pass(k, &x, &y, n);
    gpu_stats(k->gpu, &st);
    ok(st.graphs == 32, "%d graphs are kept", st.graphs);
    int before = fakecuda.captures;
    fakegpu_pass(k, &x, &y, SIZE);
    fakegpu_pass(k, &x, &y, 40);
    ok(fakecuda.captures == before, "the first was forgotten, the last was not");
    fakecuda.no_graphs = true;
    for (int i = 0; i < 3; i++)
        fakegpu_pass(k, &x, &y, 123);
    ok(ops_finished(k), "a device without graphs computes without");
    kern_begin(k); /* a look at the numbers in the middle does what was recorded so far */
    kern_table(k)->add(k, x.back, x.back, y.back, SIZE);
    for (int j = 0; j < SIZE; j++)
        y.host[j] = 2 * x.host[j];
    ok(ops_worst(k, &y, 1) == 0, "a view within a recording");
    kern_end(k);
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "graphs");
}

/* ---- failures of the device */

static void check_failures(void)
{
    char why[256] = "";
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    if (!k)
        return;
    struct operand x = operand(k, 100), y = operand(k, 100);
    fakecuda.fail_call = 1;
    kern_table(k)->add(k, x.back, x.back, y.back, 100);
    kern_table(k)->mul(k, x.back, x.back, y.back, 100);
    ok(kern_view(k, y.back, 100) == NULL && kern_finish(k, why, sizeof why) != 0 &&
       strstr(why, "cuda:0 (Fake 0): add 0x100x1: "), "%s", why);
    kern_table(k)->add(k, x.back, x.back, y.back, 100);
    ok(kern_view(k, y.back, 100) != NULL && kern_finish(k, why, sizeof why) == 0,
       "what follows is done again");
    ok(kern_alloc(k, SIZE_MAX / 16) == NULL && kern_finish(k, why, sizeof why) != 0 &&
       strstr(why, "memory"), "%s", why);
    struct kern_attention a = {.q = x.back, .k = x.back, .v = x.back, .out = y.back, .heads = 1,
                               .dh = 300, .tq = 1, .tk = 1, .scale = 1};
    kern_table(k)->attention(k, &a, 1);
    ok(kern_finish(k, why, sizeof why) != 0 && strstr(why, "attention 1x1x1"), "%s", why);
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "failures");
}

/* ---- whole passes */

static struct kern *open_short(int nth, char *why, size_t size)
{
    struct kern *k = NULL;
    fakecuda_reset();
    fakecuda.fail_alloc = nth;
    return gpu_kern(&fakecuda_api, "cuda", &k, why, size) == 0 ? k : NULL;
}

static void check_queries(void)
{
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct query_model cpu, gpu;
    struct kern *k = NULL;
    struct vs_err err = {0};
    char why[256];
    fakecuda_reset();
    if (!ok(kern_open("cpu-portable", 1, &k, why, sizeof why) == 0 &&
            query_open(&cpu, config, checkpoint, k, &err) == 0 && (k = fakegpu_open("cuda")) &&
            query_open(&gpu, config, checkpoint, k, &err) == 0, "tiny opens on both %s", err.text))
        return;
    query_states(&gpu, &cpu);
    query_compare(&gpu, &cpu, 40, QUERY_NEAR);
    query_close(&gpu);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
    query_out_of_memory(open_short, config, checkpoint, &cpu, 7);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
    query_close(&cpu);
}

/* The same query again and again: first its calls run one after the other, then as a graph, in
 * ever other orders that the graph allows. Every number has to be the same to the last bit. */
static float repeat(struct query_model *gpu, const struct net_input *in, const struct net_want *w)
{
    struct trace *first = NULL, *t = NULL;
    struct vs_err err = {0};
    float worst = vilbert_forward(gpu->m, in, w, &first, &err) == 0 ? 0 : INFINITY;
    for (int i = 0; i < 8 && first; i++) {
        float d = vilbert_forward(gpu->m, in, w, &t, &err) == 0 ? query_difference(t, first)
                                                                : INFINITY;
        worst = d > worst || !(d >= 0) ? d : worst;
        trace_free(t);
        t = NULL;
    }
    trace_free(first);
    return worst;
}

static void check_orders(void)
{
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct query_model gpu;
    struct gpu_stats st;
    struct kern *k;
    struct vs_err err = {0};
    fakecuda_reset();
    if (!ok((k = fakegpu_open("cuda")) && query_open(&gpu, config, checkpoint, k, &err) == 0,
            "tiny opens %s", err.text))
        return;
    float worst = 0;
    for (int i = 0; i < 12; i++) {
        struct net_input in;
        struct net_silence s;
        query_random(&gpu, &in);
        struct net_want want = query_want(&gpu, &s);
        float d = repeat(&gpu, &in, &want);
        worst = d > worst || !(d >= 0) ? d : worst;
        query_free(&in);
    }
    gpu_stats(k->gpu, &st);
    ok(worst == 0 && st.replays >= 80, "%d replays in other orders have the same bits (%g)",
       st.replays, (double)worst);
    ok(st.depth == fakecuda.depth && st.depth * 3 < st.calls * 2,
       "%d calls of a graph are chains of %d", st.calls, st.depth);
    query_close(&gpu);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
}

/* Kept states on a device: in its memory, counted, never outside of it, given back when weights
 * or activations need it. */
static void check_kept(void)
{
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct again x;
    struct vs_err err = {0};
    struct kern *k;
    fakecuda_reset();
    k = fakegpu_open("cuda");
    if (!ok(k && again_open(&x, config, checkpoint, k, &err) == 0, "tiny opens twice %s", err.text))
        return;
    again_run(&x, "on the device", (size_t)1 << 20, 15, false);
    again_run(&x, "on the device, little room", 30000, 10, false);
    again_same(&x);
    ok(fakecuda.replays > 4, "%d pieces of passes were graphs", fakecuda.replays);
    again_short(&x, &fakecuda.fail_alloc);
    again_close(&x);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
}

int main(void)
{
    char why[256];
    if (!ok(kern_open("ref", 1, &ref, why, sizeof why) == 0, "ref opens"))
        return tap_done();
    check_operations(false);
    check_operations(true);
    check_opening();
    check_store();
    check_graphs();
    check_failures();
    check_queries();
    check_orders();
    check_kept();
    kern_close(ref);
    return tap_done();
}
