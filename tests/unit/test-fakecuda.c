/* SPDX-License-Identifier: MIT */
/* The calls that stand in for a GPU (fakecuda.c) notice what a GPU does not bear: each rule is
 * broken here, once, and is told. A rule that lets through what it is there for breaks it. */
#include "fakecuda.h"
#include "tap.h"

#include <math.h>
#include <pthread.h>
#include <sys/wait.h>

static const struct cuda_api *const api = &fakecuda_api;
static void *ctx;

static void begin(void)
{
    fakecuda_reset();
    fakecuda.devices = 2;
    ctx = NULL;
    ok(api->open(0, &ctx) == 0, "a context");
}

static float *memory(size_t floats)
{
    void *p = NULL;
    return api->alloc(ctx, floats * sizeof(float), &p) == 0 ? p : NULL;
}

/* One rule was broken, which is told in these words; it is forgotten then. */
static void told(const char *words, const char *what)
{
    ok(fakecuda.bad == 1 && strstr(fakecuda.first, words), "%s: %s", what, fakecuda.first);
    fakecuda.bad = 0;
    fakecuda.first[0] = '\0';
}

static void end(float *a, float *b)
{
    ok(api->wait(ctx) == 0 && api->release(ctx, a) == 0 && api->release(ctx, b) == 0 &&
       fakecuda.bad == 0 && fakecuda.live == 0, "nothing else is wrong (%s)", fakecuda.first);
    api->close(ctx);
}

/* d(m, n) = a b, both in one block. */
static int multiply_in(int slot, float *ab, float *d, int m, int n, int k,
                       enum cuda_precision precision)
{
    struct cuda_gemm g = {.a = ab, .b = ab + m * k, .c = d, .d = d, .lda = k, .ldb = k, .ldc = m,
                          .ldd = m, .m = m, .n = n, .k = k, .trans_a = true,
                          .precision = (int)precision};
    static struct cuda_algo how;
    int rc = slot < 0 ? api->resolve(ctx, &g, &how) : 0; /* in a capture: that of the last one */
    return rc ? rc : api->gemm(ctx, &g, &how, slot < 0 ? 0 : slot);
}

static int multiply(float *ab, float *d, int m, int n, int k, enum cuda_precision precision)
{
    return multiply_in(-1, ab, d, m, n, k, precision);
}

/* ---- memory */

static void check_unwritten(void)
{
    float numbers[32] = {0}, got[8];
    begin();
    float *a = memory(32), *d = memory(8);
    bool good = api->send(ctx, a, numbers, 31 * sizeof *a) == 0 &&
                multiply(a, d, 2, 2, 8, CUDA_FLOAT32) == 0 && api->wait(ctx) == 0;
    told("reads 1 words that nobody wrote", "a product of what was not written");
    good &= api->fetch(ctx, got, d, 8 * sizeof *d) == 0 && api->wait(ctx) == 0;
    told("word 2 of 32 bytes", "and what came of it is fetched");
    good &= api->clear(ctx, d, 8 * sizeof *d) == 0 &&
            api->fetch(ctx, got, d, 8 * sizeof *d) == 0;
    ok(good, "the calls themselves are all right");
    end(a, d);
}

static void check_bounds(void)
{
    float numbers[300] = {0};
    void *other = NULL, *there = NULL;
    begin();
    float *a = memory(64), *b = memory(3 << 18);
    ok(fakecuda.peak == (size_t)6 << 20, "256 bytes take 2 MB, 3 MB take 4 (%zu)", fakecuda.peak);
    ok(api->send(ctx, a, numbers, 65 * sizeof *a) != 0, "more than there is room for");
    told("beyond memory", "a copy beyond memory");
    ok(api->open(1, &other) == 0 && api->alloc(other, 256, &there) == 0 &&
       api->send(ctx, there, numbers, 4) != 0, "memory of another device");
    told("beyond memory", "another device's memory");
    ok(api->send(ctx, a, numbers, 4) == 0 && api->release(ctx, a) != 0, "freed too early");
    told("work is under way", "memory that is in use");
    ok(api->release(other, there) == 0, "the other device's is freed");
    api->close(other);
    end(a, b);
}

/* ---- captures, threads, processes */

static void *wait_elsewhere(void *arg)
{
    *(int *)arg = api->wait(ctx);
    return NULL;
}

static void check_capture(void)
{
    float numbers[32] = {0};
    void *graph = &graph;
    pthread_t thread;
    int elsewhere = 0;
    begin();
    float *a = memory(32), *d = memory(8);
    ok(api->send(ctx, a, numbers, sizeof numbers) == 0 && api->wait(ctx) == 0 &&
       api->capture(ctx) == 0 && multiply(a, d, 2, 2, 8, CUDA_FLOAT32) != 0, "no algorithm");
    told("an algorithm was asked for during a capture", "an algorithm in a capture");
    ok(api->captured(ctx, &graph) != 0 && !graph && api->capture(ctx) == 0, "the capture is lost");
    if (pthread_create(&thread, NULL, wait_elsewhere, &elsewhere) == 0)
        pthread_join(thread, NULL);
    ok(elsewhere != 0, "another thread may not wait");
    told("a wait during a capture", "a wait by another thread");
    ok(api->mark(ctx, 0) != 0 && fakecuda.bad == 0 && api->captured(ctx, &graph) != 0 && !graph &&
       multiply(a, d, 2, 2, 8, CUDA_FLOAT32) == 0, "it fails until it has ended, quietly");
    end(a, d);
}

/* b = 2 a, c = 2 b: as two calls of a graph, of which the second waits for so many before it. */
static float chain(float *a, int waits)
{
    static const int first = 0;
    float two[8] = {1}, got[8] = {0};
    void *made = NULL;
    struct cuda_launch l = {.kernel = KERNEL_binary, .grid = {1, 1}, .threads = FLAT_THREADS};
    int rc = api->clear(ctx, a, 24 * sizeof *a);
    rc = rc ? rc : api->send(ctx, a, two, sizeof two);
    rc = rc ? rc : api->capture(ctx);
    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = api->after(ctx, &first, i ? waits : 0);
        l.args.binary = (struct binary_args){a + 8 * i, a + 8 * i, a + 8 * i + 8, 8, 1, 0};
        rc = rc ? rc : api->launch(ctx, &l);
    }
    rc = rc ? rc : api->captured(ctx, &made);
    for (int i = 0; i < 1 && rc == 0; i++)
        rc = api->replay(ctx, made);
    rc = rc ? rc : api->fetch(ctx, got, a + 16, sizeof got);
    rc = rc ? rc : api->wait(ctx);
    if (made)
        api->drop(ctx, made);
    return rc ? -1 : got[0];
}

static void check_branches(void)
{
    static const int none = 0, itself = 2;
    float numbers[32] = {0};
    void *made = NULL;
    begin();
    float *a = memory(32), *d = memory(8);
    ok(api->after(ctx, &none, 0) != 0, "no order without a capture");
    told("outside of a capture", "an order outside of a capture");
    ok(chain(a, 1) == 4, "two calls that wait for each other"); /* replays 1, 2, 3 */
    ok(chain(a, 1) == 4 && chain(a, 1) == 4, "in every order");
    ok(chain(a, 0) == 0 && chain(a, 1) == 4, "one that should wait and does not comes too early");
    ok(api->send(ctx, a, numbers, sizeof numbers) == 0 &&
       multiply(a, d, 2, 2, 8, CUDA_FLOAT32) == 0 && api->wait(ctx) == 0, "an algorithm");
    for (int i = 0; i < 2; i++) {
        bool good = api->capture(ctx) == 0 && api->after(ctx, &none, 0) == 0 &&
                    multiply_in(0, a, d, 2, 2, 8, CUDA_FLOAT32) == 0 &&
                    api->after(ctx, &none, 0) == 0 &&
                    multiply_in(i, a, d, 2, 2, 8, CUDA_FLOAT32) == 0;
        if (i == 1)
            good = good && api->after(ctx, &itself, 1) != 0;
        good = good && api->captured(ctx, &made) == 0;
        ok(good, "a graph of two products");
        if (i == 0)
            told("products 0 and 1 have one workspace", "one workspace for both");
        else
            told("call 2 waits for call 2", "a call that waits for itself");
        api->drop(ctx, made);
    }
    end(a, d);
}

static void check_fork(void)
{
    int status = 0;
    begin();
    float *a = memory(4), *b = memory(4);
    pid_t child = fork();
    if (child == 0)
        _exit(api->wait(ctx) != 0 && fakecuda.bad == 1 ? 42 : 0);
    ok(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42,
       "a child may not use what it has of its parent");
    end(a, b);
}

static void check_death(void)
{
    float numbers[8] = {0};
    void *p = NULL;
    struct cuda_launch l = {.kernel = KERNEL_binary, .grid = {1, 1}, .threads = FLAT_THREADS};
    begin();
    float *a = memory(8);
    l.args.binary = (struct binary_args){.a = a, .b = a, .y = a, .n = 8};
    fakecuda.die_launch = 2;
    bool lives = api->send(ctx, a, numbers, sizeof numbers) == 0 && api->launch(ctx, &l) == 0 &&
                 api->wait(ctx) == 0 && api->launch(ctx, &l) == 0;
    int code = api->wait(ctx);
    ok(lives && api->is_lost(code) && api->alloc(ctx, 4, &p) == code &&
       api->launch(ctx, &l) == code && api->release(ctx, a) == code,
       "after a kernel's fault every call fails: %s", api->explain(code));
    api->close(ctx);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "which is no mistake of the caller's");
}

/* ---- products */

static void check_rounding(void)
{
    enum { K = 96, MOST = 24 };
    static const float limits[] = {1e-6f, 2e-3f, 2e-2f, 2e-3f};
    float numbers[2 * MOST * K], got[MOST * MOST], first = 0;
    int others = 0;
    double exact = 0, all = 0;
    begin();
    float *a = memory(2 * MOST * K), *d = memory(MOST * MOST);
    bool good = true;
    for (int i = 0; i < K; i++) {
        double product = (double)sinf((float)i) * (double)sinf(1.7f * (float)i);
        exact += product;
        all += fabs(product);
    }
    for (int p = CUDA_FLOAT32; p <= CUDA_HALF; p++)
        for (int m = 1; m <= MOST; m++) {
            for (int i = 0; i < 2 * m * K; i++) /* all rows of a side are the same */
                numbers[i] = sinf((i < m * K ? 1.0f : 1.7f) * (float)(i % K));
            good &= api->send(ctx, a, numbers, sizeof numbers) == 0 &&
                    multiply(a, d, m, m, K, (enum cuda_precision)p) == 0 &&
                    api->fetch(ctx, got, d, (size_t)(m * m) * sizeof *got) == 0 &&
                    api->wait(ctx) == 0 && got[0] == got[m * m - 1] &&
                    fabs((double)got[0] - exact) < (double)limits[p] * all;
            first = m == 1 ? got[0] : first;
            others += p == CUDA_FLOAT32 && got[0] != first;
        }
    ok(good, "products are right within their precision, each row the same");
    ok(others > 4, "%d of %d shapes round otherwise than the first", others, MOST - 1);
    end(a, d);
}

int main(void)
{
    check_unwritten();
    check_bounds();
    check_capture();
    check_branches();
    check_fork();
    check_death();
    check_rounding();
    return tap_done();
}
