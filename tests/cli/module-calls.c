/* SPDX-License-Identifier: MIT */
/* The table of kernels/cuda/module.cu, call by call, over a runtime that is none
 * (tests/cli/fakert): its codes, what it says of devices, whose memory is whose when threads and
 * devices change, which products ask for an algorithm of their own, and failures at every step,
 * after which nothing may be left. A code in the wrong range, a call on the thread's last device
 * instead of its own, a member of a product that does not count, an object that is lost: each
 * breaks it.
 *
 * usage: module-calls DRIVER MODULE     DRIVER: fake-driver.so */
#include "fakecuda.h"
#include "tap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#define CUBLAS 1000000
#define UNSUPPORTED (CUBLAS + 15)

static const struct cuda_api *api;
static struct fakecuda *fake;
static void (*reset)(void);

/* Nothing was broken and nothing is left since the last reset. */
static void clean(const char *what)
{
    ok(fake->bad == 0 && fake->live == 0, "%s: nothing is left, nothing was wrong (%d %s)", what,
       fake->live, fake->first);
    reset();
    fake->devices = 2;
}

static void *open_ctx(int device)
{
    void *ctx = NULL;
    int rc = api->open(device, &ctx);
    if (!ok(rc == 0 && ctx, "device %d opens (%d)", device, rc))
        exit(1);
    return ctx;
}

static void check_codes(void)
{
    static const int lost[] = {214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719,
                               721, 810, 911};
    int memory = 0, at = 0, wrong = 0;
    for (int code = 0; code < CUBLAS + 100; code++) {
        memory += api->is_memory(code);
        bool is = at < (int)(sizeof lost / sizeof *lost) && lost[at] == code;
        wrong += api->is_lost(code) != is;
        at += is;
    }
    ok(memory == 2 && api->is_memory(2) && api->is_memory(CUBLAS + 3), "codes of memory");
    ok(wrong == 0 && at == 16, "codes that end a device");
    ok(strstr(api->explain(700), "illegal memory access") &&
       strcmp(api->explain(UNSUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED") == 0 &&
       strcmp(api->explain(CUBLAS), "a status of cuBLAS") == 0 &&
       strcmp(api->explain(CUBLAS - 1), "invalid value") == 0, "codes are explained by their kind");
}

static void check_devices(void)
{
    static const struct {
        int capability;
        enum cuda_code code;
    } lines[] = {{70, CUDA_NO_CODE}, {75, CUDA_BUILT}, {80, CUDA_NO_CODE}, {81, CUDA_NO_CODE},
                 {82, CUDA_PTX}, {84, CUDA_PTX}, {86, CUDA_BUILT}, {89, CUDA_BUILT},
                 {90, CUDA_BUILT}, {100, CUDA_PTX}, {121, CUDA_PTX}};
    struct cuda_info info;
    void *ctx = NULL;
    int n = 0;
    ok(api->count(&n) == 0 && n == 2, "two devices");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        fake->capability = lines[i].capability;
        int rc = api->info(1, &info);
        ok(rc == 0 && info.code == lines[i].code &&
           10 * info.major + info.minor == lines[i].capability, "%d.%d has code %d", info.major,
           info.minor, (int)info.code);
    }
    ok(strcmp(info.name, "Fake 1") == 0 && info.uuid[15] == 1 && info.processors == 16 &&
       info.memory == (size_t)256 << 20 && !info.spare_known, "its name, number and memory");
    ok(api->info(2, &info) == 101 && info.name[0] == '\0', "one that is not there");
    ok(api->open(2, &ctx) == 101 && !ctx, "nor opens");
    clean("devices");
}

/* ---- two devices, and threads that come from the other one */

static void *used[2];
static size_t spares[2]; /* free of each, which differ */

static int copy_some(void *ctx, float value, float *device, float *host, float *back)
{
    for (int i = 0; i < 64; i++)
        host[i] = value;
    int rc = api->clear(ctx, device, 256);
    rc = rc ? rc : api->send(ctx, device, host, 128);
    rc = rc ? rc : api->mark(ctx, 1);
    rc = rc ? rc : api->fetch(ctx, back, device, 256);
    rc = rc ? rc : api->reach(ctx, 1);
    rc = rc ? rc : api->wait(ctx);
    return rc ? rc : back[0] == value && back[31] == value && back[32] == 0 ? 0 : -1;
}

static int use(int which, float value)
{
    struct cuda_launch l = {.kernel = -1, .grid = {1, 1}, .threads = 32};
    void *ctx = used[which], *device = NULL, *host = NULL, *back = NULL;
    size_t spare = 0, total = 0;
    int rc = api->memory(ctx, &spare, &total);
    rc = rc ? rc : spare == spares[which] && total == fake->memory ? 0 : -2;
    rc = rc ? rc : api->alloc(ctx, 256, &device);
    rc = rc ? rc : api->pin(ctx, 256, &host);
    rc = rc ? rc : api->pin(ctx, 256, &back);
    rc = rc ? rc : copy_some(ctx, value, device, host, back);
    rc = rc ? rc : api->launch(ctx, &l) == 98 ? 0 : -3;
    l.kernel = KERNEL_COUNT;
    rc = rc ? rc : api->launch(ctx, &l) == 98 ? 0 : -4;
    rc = rc ? rc : api->release(ctx, device);
    rc = rc ? rc : api->unpin(ctx, host);
    return rc ? rc : api->unpin(ctx, back);
}

static void *use_both(void *arg)
{
    int *rc = arg;
    for (int i = 0; i < 4 && *rc == 0; i++)
        *rc = use(i & 1, (float)i + 1);
    return NULL;
}

static void check_threads(void)
{
    pthread_t thread;
    int here = 0, there = 0;
    size_t total;
    fake->others[1] = (size_t)20 << 20;
    for (int i = 0; i < 2; i++)
        used[i] = open_ctx(i);
    for (int i = 0; i < 2; i++)
        api->memory(used[i], &spares[i], &total);
    use_both(&here);
    ok(here == 0 && spares[0] == spares[1] + fake->others[1], "two devices in turn (%d)", here);
    if (pthread_create(&thread, NULL, use_both, &there) == 0)
        pthread_join(thread, NULL);
    ok(there == 0, "from a thread that knows neither (%d)", there);
    ok(use(0, 5) == 0, "the first again");
    api->close(used[0]);
    ok(use(1, 6) == 0, "and the second without it");
    api->close(used[1]);
    clean("threads");
}

/* ---- products: which are told apart */

#define AREA ((size_t)16384 * sizeof(float))
static float *area;

static struct cuda_gemm product(void)
{
    return (struct cuda_gemm){.a = area, .b = area + 4096, .c = area + 8192, .d = area + 8192,
                              .lda = 32, .ldb = 32, .ldc = 32, .ldd = 32, .m = 8, .n = 8, .k = 8};
}

/* How many algorithms were asked for to resolve it. */
static int asked(void *ctx, const struct cuda_gemm *g)
{
    struct cuda_algo how;
    int before = fake->resolves, rc = api->resolve(ctx, g, &how);
    return rc == 0 && how.precision == g->precision ? fake->resolves - before : -1;
}

/* Each way to differ has an algorithm of its own, once. */
static void check_shapes(void *ctx)
{
    struct cuda_gemm list[32];
    int n = 0, first = 0, again = 0;
#define LIKE(change)                                                                               \
    do {                                                                                           \
        struct cuda_gemm g = product();                                                            \
        change;                                                                                    \
        list[n++] = g;                                                                             \
    } while (0)
    LIKE((void)0);
    LIKE(g.m = 16);
    LIKE(g.n = 16);
    LIKE(g.k = 16);
    LIKE(g.lda = 33);
    LIKE(g.ldb = 33);
    LIKE(g.ldc = 33);
    LIKE(g.ldd = 33);
    LIKE(g.beta = 1);
    LIKE(g.bias = area);
    LIKE(g.trans_a = true);
    LIKE(g.trans_b = true);
    LIKE(g.precision = CUDA_TF32);
    LIKE(g.precision = CUDA_BFLOAT16);
    LIKE(g.precision = CUDA_HALF);
    LIKE(g.a++);
    LIKE(g.a += 2);
    LIKE(g.b++);
    LIKE(g.c++);
    LIKE(g.d++);
    for (int i = 0; i < n; i++)
        first += asked(ctx, &list[i]) == 1;
    for (int i = 0; i < n; i++)
        again += asked(ctx, &list[i]);
    ok(first == n && again == 0, "%d of %d ways to differ have an algorithm, %d asked twice", first,
       n, again);
    struct cuda_gemm same = product();
    same.a += 64, same.b += 128, same.c = same.d = area + 8192 + 256;
    ok(asked(ctx, &same) == 0, "addresses that are aligned alike have one");
}

/* The module remembers so many; then it asks again. */
static void check_many(void *ctx)
{
    enum { KNOWN = 512 };
    struct cuda_gemm g = product();
    int sum = 0;
    for (int i = 0; i < KNOWN + 8; i++) {
        g.lda = 100 + i;
        sum += asked(ctx, &g);
    }
    g.lda = 100 + KNOWN + 7;
    ok(sum == KNOWN + 8 && asked(ctx, &g) == 0, "%d shapes, of which the last is known", sum);
    g.lda = 100;
    ok(asked(ctx, &g) == 1, "and the first was forgotten");
}

static void check_product(void *ctx)
{
    struct cuda_gemm g = product();
    struct cuda_algo how, none = {.words = {0}};
    float *host = NULL;
    int rc = api->resolve(ctx, &g, &how);
    rc = rc ? rc : api->pin(ctx, 12288 * sizeof *host, (void **)&host);
    for (int i = 0; rc == 0 && i < 12288; i++)
        host[i] = (float)(i % 5);
    double want = 0; /* column major: row 2, column 3 */
    for (int k = 0; rc == 0 && k < 8; k++)
        want += (double)host[2 + 32 * k] * (double)host[4096 + k + 32 * 3];
    rc = rc ? rc : api->send(ctx, area, host, 12288 * sizeof *host);
    rc = rc ? rc : api->gemm(ctx, &g, &how, 0);
    rc = rc ? rc : api->fetch(ctx, host, area, 12288 * sizeof *host);
    rc = rc ? rc : api->wait(ctx);
    ok(rc == 0 && (double)host[8192 + 2 + 32 * 3] == want, "a product (%d): %g", rc, want);
    ok(api->gemm(ctx, &g, &none, 0) > CUBLAS && fake->bad == 1, "none without its algorithm");
    fake->bad = 0;
    fake->odd_unsupported = true;
    g.m = 9, g.precision = CUDA_TF32;
    ok(api->resolve(ctx, &g, &how) == UNSUPPORTED, "a shape that cuBLAS finds nothing for");
    g.k = 9;
    ok(api->resolve(ctx, &g, &how) == UNSUPPORTED, "a shape that it refuses");
    fake->odd_unsupported = false;
    api->unpin(ctx, host);
}

/* Four calls, of which three wait for each other: in every order of the graph. */
static void check_order(void *ctx)
{
    static const int numbers[] = {0, 1, 2};
    struct cuda_launch l = {.kernel = KERNEL_binary, .grid = {1, 1}, .threads = FLAT_THREADS};
    void *made = NULL;
    float *host = NULL;
    int right = 0, rc = api->pin(ctx, 40 * sizeof *host, (void **)&host);
    rc = rc ? rc : api->capture(ctx);
    for (int i = 0; i < 4 && rc == 0; i++) { /* to 32, to 8, from there to 16, and to 24 */
        float *from = area + (i == 2 ? 8 : 0), *to = area + (i ? 8 * i : 32);
        rc = api->after(ctx, numbers + i - (i > 0), i == 1 || i == 2);
        l.args.binary = (struct binary_args){from, from, to, 8, 1, 0};
        rc = rc ? rc : api->launch(ctx, &l);
    }
    rc = rc ? rc : api->captured(ctx, &made);
    for (int n = 1; n <= 4 && rc == 0; n++) {
        for (int i = 0; i < 40; i++)
            host[i] = i < 8 ? (float)n : 0;
        rc = api->send(ctx, area, host, 40 * sizeof *host);
        rc = rc ? rc : api->replay(ctx, made);
        rc = rc ? rc : api->fetch(ctx, host, area, 40 * sizeof *host);
        rc = rc ? rc : api->wait(ctx);
        right += rc == 0 && host[16] == 4 * (float)n && host[24] == 2 * (float)n;
    }
    ok(right == 4, "a graph of branches has its numbers, %d times (%d)", right, rc);
    ok(fake->depth == 3, "its longest chain has %d of 4 calls", fake->depth);
    if (made)
        api->drop(ctx, made);
    api->unpin(ctx, host);
}

/* ---- failures, one at each object that is made */

enum step { OPEN, RESOLVE, GEMM, CAPTURE, STEPS };

static void *graph;
static const int no_such_call = 2;

static int take_graph(void *ctx, const struct cuda_gemm *g, const struct cuda_algo *how)
{
    int rc = api->wait(ctx);
    rc = rc ? rc : api->capture(ctx);
    rc = rc ? rc : api->after(ctx, NULL, 0);
    rc = rc ? rc : api->gemm(ctx, g, how, 0);
    rc = rc ? rc : api->after(ctx, NULL, 0);
    rc = rc ? rc : api->gemm(ctx, g, how, CUDA_SLOTS - 1); /* beside the first */
    rc = rc ? rc : api->after(ctx, &no_such_call, 1) ? 0 : -1;
    int ended = api->captured(ctx, &graph);
    fake->bad += (ended == 0) != (graph != NULL);
    if (rc != 0 && graph) {
        api->drop(ctx, graph);
        graph = NULL;
    }
    return rc ? rc : ended;
}

static int take(enum step step, void **ctx, struct cuda_algo *how)
{
    struct cuda_gemm g = product();
    g.bias = area;
    switch (step) {
    case OPEN: return api->open(0, ctx);
    case RESOLVE: return api->resolve(*ctx, &g, how);
    case GEMM: return api->gemm(*ctx, &g, how, 0);
    case CAPTURE: return take_graph(*ctx, &g, how);
    case STEPS: break;
    }
    return -1;
}

/* Returns how often it failed until it worked. */
static int take_at_last(enum step step, void **ctx, struct cuda_algo *how)
{
    int rc = -1, failed = 0;
    for (int nth = 1; nth < 100 && rc != 0; nth++) {
        fake->fail_made = nth;
        rc = take(step, ctx, how);
        failed += rc != 0;
        fake->bad += step == OPEN && rc != 0 && *ctx;
    }
    fake->fail_made = 0;
    return rc == 0 ? failed : -1;
}

static void check_failures(void)
{
    static const int objects[STEPS] = {7 + KERNEL_COUNT, 6, 5, 13}; /* that each makes */
    static const char *const names[STEPS] = {"opening", "an algorithm", "a product", "a graph"};
    void *ctx = NULL;
    struct cuda_algo how = {.words = {0}};
    for (int step = 0; step < STEPS; step++) {
        int failed = take_at_last((enum step)step, &ctx, &how);
        ok(failed == objects[step], "%s: fails at each of %d objects, then works", names[step],
           failed);
        if (step == OPEN && (!ctx || api->alloc(ctx, AREA, (void **)&area) != 0))
            return;
        if (step == OPEN)
            api->clear(ctx, area, AREA);
    }
    ok(api->wait(ctx) == 0 && api->replay(ctx, graph) == 0 && api->wait(ctx) == 0,
       "the graph can be replayed");
    api->drop(ctx, graph);
    api->release(ctx, area);
    api->close(ctx);
}

static void check_memory(void)
{
    void *ctx = NULL, *p = NULL;
    fake->fail_alloc = 1;
    ok(api->is_memory(api->open(0, &ctx)) && !ctx, "no memory for the workspace");
    ctx = open_ctx(0);
    double first = 0, later = 0;
    ok(api->is_memory(api->alloc(ctx, (size_t)1 << 40, &p)) && !p, "no memory on the device");
    fake->fail_alloc = 1;
    ok(api->is_memory(api->pin(ctx, 256, &p)) && !p, "no memory on the host");
    int rc = api->milliseconds(ctx, &first) | api->milliseconds(ctx, &later);
    ok(rc == 0 && first == 1 && later == 2, "the clock adds up its steps (%g, %g)", first, later);
    fake->fail_capture = 1;
    ok(api->capture(ctx) == 0 && api->captured(ctx, &p) == 901 && !p, "a capture of no use");
    fake->no_graphs = true;
    ok(api->capture(ctx) == 801, "nor can there be one");
    api->close(ctx);
    clean("memory, clock and captures");
}

int main(int argc, char **argv)
{
    void *driver = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *lib = driver ? dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!ok(lib != NULL, "the module loads %s", lib ? "" : dlerror()))
        return tap_done();
    void *f = dlsym(driver, "fakecuda_reset");
    api = dlsym(lib, CUDA_API_SYMBOL);
    fake = dlsym(driver, "fakecuda");
    memcpy(&reset, &f, sizeof reset);
    if (!ok(api && fake && reset && api->version == CUDA_API_VERSION, "it is a module over them"))
        return tap_done();
    reset();
    fake->devices = 2;
    check_codes();
    check_devices();
    check_threads();
    void *ctx = open_ctx(0);
    if (ok(api->alloc(ctx, AREA, (void **)&area) == 0, "memory for products")) {
        check_shapes(ctx);
        check_product(ctx);
        check_order(ctx);
        check_many(ctx);
    }
    api->release(ctx, area);
    api->close(ctx);
    clean("products");
    check_failures();
    clean("failures");
    check_memory();
    return tap_done();
}
