/* SPDX-License-Identifier: MIT */
/* What a shared, worn or unusual GPU does to its user, over calls that stand in for one: the device
 * that auto takes, captures that fail or that others would disturb, precisions without an
 * algorithm, a device that is lost, and that each is told. A wrong choice, a graph given up for
 * another's failure, algorithms asked for during a capture, a line that is missing: each breaks
 * it. */
#include "fakecuda_priv.h"
#include "fakegpu.h"
#include "kernels/cuda/gpu.h"
#include "ops.h"
#include "queries.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/* Whether the note has the words; with none: whether it is empty. */
static bool noted(struct kern *k, const char *words)
{
    char text[600];
    kern_note(k, text, sizeof text);
    bool good = words ? strstr(text, words) != NULL : *text == '\0';
    if (!good)
        tap_note("the note is '%s'", text);
    return good;
}

/* ---- which device */

#define MB ((size_t)1 << 20)

static int contexts(void)
{
    int n = 0;
    for (int i = 0; i < FAKE_DEVICES; i++)
        n += fakecuda.opened[i];
    return n;
}

static void takes(const char *what, size_t bytes, const char *device, const char *words)
{
    struct kern *k = NULL;
    char why[KERN_WHY] = "";
    memset(fakecuda.opened, 0, sizeof fakecuda.opened);
    int rc = gpu_kern_best(&fakecuda_api, bytes, &k, why, sizeof why);
    if (device)
        ok(rc == 0 && strncmp(kern_describe(k), device, strlen(device)) == 0 && noted(k, words) &&
           contexts() == 1, "%s: %s, after opening %d", what, rc ? why : kern_describe(k),
           contexts());
    else
        ok(rc != 0 && strstr(why, words), "%s: %s", what, why);
    if (rc == 0)
        fakegpu_close(k, what);
}

static void check_choice(void)
{
    fakecuda_reset();
    takes("a GPU alone", 0, "cuda:0 ", NULL);
    fakecuda.devices = 3;
    fakecuda.monitor = true;
    fakecuda.others[0] = 246 * MB, fakecuda.others[1] = 166 * MB, fakecuda.others[2] = 56 * MB;
    takes("three GPUs", 0, "cuda:2 ", "auto took cuda:2, which has the most memory free of 3");
    fakecuda.others[2] = 206 * MB;
    takes("another is the emptiest", 80 * MB, "cuda:1 ", "auto took cuda:1");
    takes("none has room", 100 * MB, NULL, "cuda:1 has 90 MB free, 100 MB are needed");
    ok(contexts() == 0, "and none was opened for that");
    fakecuda.context = 60 * MB;
    takes("the context itself needs room", 80 * MB, NULL, "cuda:1 has 30 MB free");
    fakecuda.monitor = false;
    fakecuda.others[0] = 100 * MB;
    takes("free memory is known only once it is open", 100 * MB, NULL, "cuda:0 has 96 MB free");
    memset(fakecuda.open_fails, 0xff, sizeof fakecuda.open_fails);
    takes("none opens", 0, NULL, "invalid value; device cuda:1");
}

/* The note names what was tried, in that order, and nothing that was not. */
static void check_tried(void)
{
    fakecuda_reset();
    fakecuda.devices = 3;
    fakecuda.monitor = true;
    fakecuda.others[0] = 50 * MB, fakecuda.others[1] = 100 * MB;
    fakecuda.open_fails[2] = 209;
    takes("the emptiest does not open", 80 * MB, "cuda:0 ", "auto took cuda:0 of 3 GPUs, having "
          "tried: device cuda:2 (Fake 2, 9.0): opening it: no kernel image is available for");
    fakecuda.open_fails[0] = 35;
    fakecuda.others[1] = 250 * MB;
    takes("nor the next, and the last is full", 80 * MB, NULL, "for execution on the device; "
          "device cuda:0 (Fake 0, 9.0): opening it: CUDA driver version is insufficient for CUDA "
          "runtime version; cuda:1 has 6 MB free, 80 MB are needed");
    fakecuda_reset();
    fakecuda.devices = 3;
    takes("how much is free is not told", 0, "cuda:0 ", "cuda:0, which has the most memory of 3");
    fakecuda.no_code[0] = true;
    fakecuda.info_fails[1] = FAKE_NO_DEVICE;
    takes("one without code, one that can't be asked", 0, "cuda:2 ", "auto took cuda:2, which");
    fakecuda.no_code[2] = true;
    takes("none can compute", 0, NULL, "cuda:0 (Fake 0): the CUDA module has no code for it; "
          "cuda:2 (Fake 2): the CUDA module has no code for it; cuda:1 (?): invalid device "
          "ordinal");
    ok(contexts() == 0, "and none was opened for that");
    fakecuda_reset();
    fakecuda.devices = 2;
    fakecuda.monitor = true;
    fakecuda.others[0] = 256 * MB, fakecuda.others[1] = 100 * MB;
    takes("a GPU that is full to the last byte", 80 * MB, "cuda:1 ", "the most memory free of 2");
}

/* Of many the first are named. */
static int count_seven(int *devices)
{
    *devices = 7;
    return 0;
}

static int info_of_none(int device, struct cuda_info *out)
{
    (void)device;
    memset(out, 0, sizeof *out);
    return 35;
}

static void check_many(void)
{
    struct cuda_api api = fakecuda_api;
    struct kern *k = NULL;
    char why[KERN_WHY] = "";
    api.count = count_seven;
    api.info = info_of_none;
    ok(gpu_kern_best(&api, 0, &k, why, sizeof why) != 0 && strstr(why, "cuda:3 (?)") &&
       !strstr(why, "cuda:4") && strstr(why, "; and 3 more"), "%s", why);
}

static void check_list(void)
{
    struct kern_device d = {0};
    fakecuda_reset();
    fakecuda.others[0] = 166 * MB;
    fakecuda.monitor = true;
    gpu_list_device(&fakecuda_api, 0, &d);
    ok(d.usable && strstr(d.text, "90 of 256 MB free") && contexts() == 0,
       "listed without a context: %s", d.text);
    fakecuda.monitor = false;
    gpu_list_device(&fakecuda_api, 0, &d);
    ok(strstr(d.text, ", 256 MB") && !strstr(d.text, "free"), "free memory unknown: %s", d.text);
}

/* ---- captures */

static void check_strikes(void)
{
    enum { SIZE = 50 };
    struct gpu_stats st;
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    struct operand x = operand(k, SIZE), y = operand(k, SIZE);
    fakegpu_pass(k, &x, &y, SIZE);
    fakecuda.fail_capture = 2;
    for (int i = 0; i < 4; i++)
        fakegpu_pass(k, &x, &y, SIZE);
    gpu_stats(k->gpu, &st);
    ok(st.captures == 1 && fakecuda.replays == 2 && noted(k, NULL),
       "a capture that fails twice is tried a third time (%d, %d)", st.captures, fakecuda.replays);
    fakecuda.fail_capture = 3;
    for (int i = 0; i < 6; i++)
        fakegpu_pass(k, &x, &y, 20);
    gpu_stats(k->gpu, &st);
    ok(st.captures == 1 && fakecuda.fail_capture == 0 && fakecuda.captures == 6 &&
       noted(k, "1 kind of pass without a graph"), "after three it is left alone, which is told");
    for (int i = 0; i < 3; i++)
        fakegpu_pass(k, &x, &y, 30);
    gpu_stats(k->gpu, &st);
    ok(st.captures == 2 && ops_finished(k), "other passes still become graphs");
    fakecuda.fail_after = true;
    for (int i = 0; i < 4; i++)
        fakegpu_pass(k, &x, &y, 40);
    gpu_stats(k->gpu, &st);
    ok(st.captures == 3 && st.calls == 2 && st.depth == 2 && fakecuda.replays == 6 &&
       ops_finished(k), "without branches a graph is a chain (%d, %d)", st.captures,
       fakecuda.replays);
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "captures that fail");
}

/* Memory that another thread frees while a pass is captured: the stream may not be waited for
 * then. */
static struct {
    struct cuda_api api;
    struct kern *k;
    float *p;
    pthread_t thread;
    bool within, started;
    _Atomic bool running;
} other;

static void *free_other(void *arg)
{
    (void)arg;
    other.running = true;
    kern_free(other.k, other.p);
    return NULL;
}

static int capture_with_others(void *ctx)
{
    int rc = fakecuda_api.capture(ctx);
    other.within = rc == 0;
    return rc;
}

static int launch_with_others(void *ctx, const struct cuda_launch *l)
{
    if (other.within && !other.started) {
        other.started = pthread_create(&other.thread, NULL, free_other, NULL) == 0;
        while (other.started && !other.running)
            sched_yield();
        usleep(50000); /* it waits for the end of the capture, or breaks it now */
    }
    other.within = false;
    return fakecuda_api.launch(ctx, l);
}

static void check_disturbance(void)
{
    enum { SIZE = 50 };
    char why[256] = "";
    struct gpu_stats st;
    fakecuda_reset();
    other.api = fakecuda_api;
    other.api.capture = capture_with_others;
    other.api.launch = launch_with_others;
    if (!ok(gpu_kern(&other.api, "cuda", &other.k, why, sizeof why) == 0, "it opens %s", why))
        return;
    struct operand x = operand(other.k, SIZE), y = operand(other.k, SIZE);
    other.p = kern_alloc(other.k, SIZE);
    for (int i = 0; i < 3; i++)
        fakegpu_pass(other.k, &x, &y, SIZE);
    if (other.started)
        pthread_join(other.thread, NULL);
    gpu_stats(other.k->gpu, &st);
    ok(other.started && st.captures == 1 && fakecuda.bad == 0,
       "freeing memory waits until a capture has ended (%s)", fakecuda.first);
    operand_free(other.k, &x);
    operand_free(other.k, &y);
    fakegpu_close(other.k, "two threads");
}

/* ---- products */

static void check_precisions(struct query_model *cpu, const char *config, const char *checkpoint)
{
    static const char *const specs[] = {"cuda", "cuda,tf32", "cuda,bf16", "cuda,half"};
    for (int i = 0; i < 8; i++) {
        struct query_model q;
        struct vs_err err = {0};
        struct kern *k;
        const char *spec = specs[i % 4];
        fakecuda_reset();
        fakecuda.odd_unsupported = i >= 4;
        k = fakegpu_open(spec);
        if (!ok(query_open(&q, config, checkpoint, k, &err) == 0, "%s %s", spec, err.text))
            return;
        query_compare(&q, cpu, 4, i % 4 == 0 ? QUERY_NEAR : 0.1f);
        ok(noted(k, i > 4 ? "in float32, for which this precision has no algorithm" : NULL),
           "%s%s: the note", spec, i >= 4 ? " without algorithms" : "");
        query_close(&q);
        ok(fakecuda.bad == 0 && fakecuda.live == 0, "nothing was wrong (%s)", fakecuda.first);
    }
}

/* A pass that is seen again asks for no algorithm, be it captured, replayed or left alone. */
static void check_algorithms(void)
{
    enum { SIZE = 8, ROUNDS = 6 };
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    struct operand x = operand(k, SIZE * SIZE), y = operand(k, SIZE * SIZE);
    float w[SIZE * SIZE] = {0};
    struct kern_set *s = kern_set_new(k, sizeof w);
    struct kern_linear o = {.x = x.back, .ldx = SIZE, .w = w, .y = y.back, .ldy = SIZE, .m = SIZE,
                            .n = SIZE, .k = SIZE};
    int asked = 0;
    kern_use(k, s);
    for (int i = 0; i < ROUNDS; i++) {
        kern_begin(k);
        kern_table(k)->linear(k, &o, 1);
        kern_table(k)->linear(k, &o, 1);
        kern_end(k);
        asked = i == 0 ? fakecuda.resolves : asked;
    }
    ok(asked == 2 && fakecuda.resolves == 2 && fakecuda.replays == ROUNDS - 1 && ops_finished(k),
       "algorithms are asked for once, before the capture (%d, %d)", fakecuda.resolves,
       fakecuda.replays);
    kern_set_free(k, s);
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "algorithms");
}

/* ---- memory */

/* Weights of a set in one allocation, at equal distances, and counted as the driver counts: one by
 * one each would take two megabytes. */
static void check_slab(void)
{
    enum { COUNT = 12, FLOATS = 290000 }; /* 1.1 MB each */
    struct gpu_stats st;
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    float *host = xcalloc((size_t)COUNT * FLOATS, sizeof *host);
    const float *at[COUNT];
    struct kern_set *s = kern_set_new(k, (size_t)COUNT * FLOATS * sizeof *host);
    int before, even = 0;
    kern_use(k, s);
    before = fakecuda.allocs;
    for (int i = 0; i < COUNT; i++) {
        host[i * FLOATS] = (float)i;
        at[i] = gpu_weights(k->gpu, host + i * FLOATS, FLOATS * sizeof *host);
        even += i > 0 && at[i] && at[i] - at[i - 1] == at[1] - at[0];
    }
    gpu_stats(k->gpu, &st);
    ok(even == COUNT - 1 && fakecuda.allocs == before + 2, /* and a pinned piece */
       "%d weights lie behind each other, in %d allocations", COUNT, fakecuda.allocs - before - 1);
    ok(st.used == fakecuda.peak && st.used == 14 * MB, "%zu MB are counted, as the driver has it "
       "(%zu)", st.used / MB, fakecuda.peak / MB);
    kern_set_free(k, s);
    gpu_stats(k->gpu, &st);
    ok(st.used == 0, "and given back with the set");
    free(host);
    fakegpu_close(k, "weights");
}

/* A device that others fill is told as that; a limit of one's own, too. */
static void check_full(void)
{
    static const char *const lines[][2] = {{"cuda", "were free (vilscope devices shows other"},
                                           {"cuda:0,memory=8", "(--device cuda:0,memory=MB)"},
                                           {"cuda:0,memory=99", "16 MB were free (vilscope dev"}};
    for (int i = 0; i < 3; i++) {
        char why[400] = "";
        fakecuda_reset();
        fakecuda.others[0] = 240 * MB;
        struct kern *k = fakegpu_open(lines[i][0]);
        ok(kern_alloc(k, 5 * MB) == NULL && kern_finish(k, why, sizeof why) != 0 &&
           strstr(why, lines[i][1]), "%s", why);
        fakegpu_close(k, lines[i][0]);
    }
}

/* ---- the end of a device */

static void check_lost(void)
{
    char why[400] = "", again[400] = "";
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    struct operand x = operand(k, 100), y = operand(k, 100);
    fakecuda.die_launch = 1;
    kern_table(k)->add(k, x.back, x.back, y.back, 100);
    ok(kern_finish(k, why, sizeof why) != 0 && strstr(why, "waiting for the device") &&
       strstr(why, "illegal memory access") && strstr(why, "restart, or --device cpu"), "%s", why);
    int launches = fakecuda.launches;
    kern_table(k)->add(k, x.back, x.back, y.back, 100);
    ok(kern_finish(k, again, sizeof again) != 0 && strcmp(why, again) == 0 &&
       fakecuda.launches == launches, "nothing more is given to it, and the reason stays");
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "a lost device");
}

static void check_sync(void)
{
    enum { SIZE = 50 };
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda:0,sync");
    struct operand x = operand(k, SIZE), y = operand(k, SIZE);
    int waits = fakecuda.waits;
    char why[400] = "";
    for (int i = 0; i < 4; i++)
        fakegpu_pass(k, &x, &y, SIZE);
    ok(fakecuda.waits == waits + 8 && fakecuda.replays == 0 && strstr(kern_describe(k), ", sync"),
       "sync: each call is waited for, none is in a graph (%s)", kern_describe(k));
    fakecuda.die_launch = 2;
    fakegpu_pass(k, &x, &y, SIZE);
    ok(kern_finish(k, why, sizeof why) != 0 && strstr(why, ": mul 0x50x1: "), "the culprit: %s",
       why);
    operand_free(k, &x);
    operand_free(k, &y);
    fakegpu_close(k, "sync");
}

static void check_environment(void)
{
    static const char *const lines[][4] = {
        {"NVIDIA_TF32_OVERRIDE", "0", "cuda", NULL},
        {"NVIDIA_TF32_OVERRIDE", "0", "cuda,tf32", "makes products of tf32 float32"},
        {"NVIDIA_TF32_OVERRIDE", "1", "cuda", "may make products of float32 tf32"},
        {"CUDA_CACHE_PATH", "/dev/null/x", "cuda", "/dev/null/x can't be written"},
        {"CUDA_CACHE_DISABLE", "1", "cuda", "compiled at every start"},
        {"CUDA_CACHE_PATH", "/tmp", "cuda", NULL}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fakecuda_reset();
        fakecuda.not_built = i >= 3;
        setenv(lines[i][0], lines[i][1], 1);
        struct kern *k = fakegpu_open(lines[i][2]);
        ok(noted(k, lines[i][3]), "%s=%s: %s", lines[i][0], lines[i][1], kern_describe(k));
        if (i < 3)
            ok(strstr(kern_describe(k), "products off by") != NULL, "the error is measured");
        unsetenv(lines[i][0]);
        fakegpu_close(k, lines[i][0]);
    }
}

int main(void)
{
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct query_model cpu;
    struct vs_err err = {0};
    struct kern *k = NULL;
    char why[256] = "";
    unsetenv("NVIDIA_TF32_OVERRIDE"); /* the user's own settings are not what is tested */
    unsetenv("CUDA_CACHE_PATH");
    unsetenv("CUDA_CACHE_DISABLE");
    check_choice();
    check_tried();
    check_many();
    check_list();
    check_strikes();
    check_disturbance();
    check_algorithms();
    check_slab();
    check_full();
    check_lost();
    check_sync();
    check_environment();
    if (ok(kern_open("cpu-portable", 1, &k, why, sizeof why) == 0 &&
           query_open(&cpu, config, checkpoint, k, &err) == 0, "tiny opens %s", err.text)) {
        check_precisions(&cpu, config, checkpoint);
        query_close(&cpu);
    }
    return tap_done();
}
