/* SPDX-License-Identifier: MIT */
/* What the GPU back end reaches: each operation against ceilings that are measured first, passes
 * of the model, the detector. kernels/NOTES.md says how it is used. Exit 77 with the reason where
 * there is no GPU.
 *
 * usage: bench-gpu ops [DEVICE]
 *        bench-gpu model CONFIG CHECKPOINT [DEVICE]
 *        bench-gpu first CONFIG CHECKPOINT [DEVICE]      the time from its start to an answer
 *        bench-gpu detector ARCH|- WEIGHTS [DEVICE]      -: the reference's */
#include "bench/median.h"
#include "bench/subject.h"
#include "kernels/cuda/gpu.h"
#include "src/formats/regions.h"
#include "src/formats/tensorfile.h"
#include "src/model/vilbert/vilbert.h"
#include "src/vision/arch.h"
#include "src/vision/detector.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMES 50 /* in one recording */
#define TURNS 9

static int fail(const char *why)
{
    fprintf(stderr, "bench-gpu: %s\n", why);
    return 1;
}

/* A number for the file that RESULTS names, which collects them, a line of JSON each. */
static const char *device = "cuda";

__attribute__((format(printf, 3, 4))) static void result(double value, const char *unit,
                                                         const char *fmt, ...)
{
    const char *path = getenv("RESULTS");
    FILE *f = path && *path && isfinite(value) ? fopen(path, "a") : NULL;
    va_list ap;
    if (!f)
        return;
    fprintf(f, "{\"what\": \"");
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fprintf(f, "\", \"value\": %.6g, \"unit\": \"%s\", \"device\": \"%s\"}\n", value, unit,
            device);
    if (fclose(f) != 0)
        fprintf(stderr, "bench-gpu: %s: cannot be written\n", path);
}

/* ---- operations: TIMES of them as one graph, the median of TURNS, in ms each. Numbers are random,
 * and each takes the next piece of them, so that none of it lies in the cache still: a pass of the
 * model reads 0.9 GB of weights before it comes back to the same ones. */

#define FLOATS ((size_t)96 << 20)  /* of x and y */
#define WEIGHTS ((size_t)64 << 20) /* floats: several times the largest cache */

struct job {
    struct kern *k;
    void (*run)(struct job *j);
    float *x, *y, *w, *z;
    int m, n, d, turn;
};

/* The turn's piece of so many floats. */
static float *piece(float *all, size_t room, size_t floats, int turn)
{
    size_t step = (floats + 63) & ~(size_t)63, count = room / step;
    return count > 1 ? all + (size_t)turn % count * step : all;
}

static float *piece_x(struct job *j, size_t floats)
{
    return piece(j->x, FLOATS, floats, j->turn);
}

static float *piece_y(struct job *j, size_t floats)
{
    return piece(j->y, FLOATS, floats, j->turn);
}

static float *piece_w(struct job *j, size_t floats)
{
    return piece(j->w, WEIGHTS, floats, j->turn);
}

/* Weights that this job uses are on the device for as long as it runs. */
static double time_job(struct job *j, int times)
{
    double ms[TURNS];
    struct kern_set *s = kern_set_new(j->k, 0);
    kern_use(j->k, s);
    for (int i = -2; i < TURNS; i++) {
        double start = gpu_milliseconds(j->k->gpu);
        kern_begin(j->k);
        for (j->turn = 0; j->turn < times; j->turn++)
            j->run(j);
        kern_end(j->k);
        double end = gpu_milliseconds(j->k->gpu);
        if (i >= 0)
            ms[i] = (end - start) / times;
    }
    kern_set_free(j->k, s);
    return median(ms, TURNS);
}

static void run_copy(struct job *j)
{
    struct kern_gather_rows o = {.x = j->x, .ldx = j->n, .y = j->y, .ldy = j->n, .m = j->m,
                                 .n = j->n};
    kern_table(j->k)->gather_rows(j->k, &o);
}

static void run_product(struct job *j, bool gelu)
{
    size_t m = (size_t)j->m, n = (size_t)j->n, d = (size_t)j->d;
    struct kern_linear o = {.x = piece_x(j, m * d), .ldx = j->d, .w = piece_w(j, n * d),
                            .bias = gelu ? j->w : NULL, .y = piece_y(j, m * n), .ldy = j->n,
                            .m = j->m, .n = j->n, .k = j->d, .act = gelu ? KERN_GELU : KERN_NONE};
    kern_table(j->k)->linear(j->k, &o, 1);
}

static void run_linear(struct job *j)
{
    run_product(j, false);
}

static void run_gelu(struct job *j)
{
    run_product(j, true);
}

static void run_norm(struct job *j)
{
    size_t all = (size_t)j->m * (size_t)j->n;
    struct kern_norm o = {.x = piece_x(j, all), .ldx = j->n, .gamma = j->w, .beta = j->w,
                          .y = piece_y(j, all), .ldy = j->n, .m = j->m, .n = j->n, .eps = 1e-12f};
    kern_table(j->k)->norm(j->k, &o, 1);
}

/* m images of n rows, eight heads of d, probabilities stored */
static void run_attention(struct job *j)
{
    struct kern_attention *list = xcalloc((size_t)j->m, sizeof *list);
    int wide = 8 * j->d;
    size_t one = (size_t)j->n * (size_t)wide, all = (size_t)j->m * one;
    float *x = piece_x(j, 3 * all), *y = piece_y(j, all);
    for (int i = 0; i < j->m; i++) {
        float *at = x + (size_t)i * one;
        list[i] = (struct kern_attention){.q = at, .k = at + all, .v = at + 2 * all, .ldq = wide,
                                          .ldk = wide, .ldv = wide, .ldo = wide,
                                          .out = y + (size_t)i * one,
                                          .probs = j->z + (ptrdiff_t)i * 8 * j->n * j->n,
                                          .heads = 8, .dh = j->d, .tq = j->n, .tk = j->n,
                                          .scale = 0.1f};
    }
    kern_table(j->k)->attention(j->k, list, j->m);
    free(list);
}

/* n by n pixels of m channels, 3x3, d groups */
static void run_conv(struct job *j)
{
    size_t all = (size_t)j->n * (size_t)j->n * (size_t)j->m;
    size_t weights = (size_t)j->m * (size_t)(j->m / j->d) * 9;
    struct kern_conv o = {.x = piece_x(j, all), .count = 1, .h = j->n, .w = j->n, .cin = j->m,
                          .weights = piece_w(j, weights), .y = piece_y(j, all), .cout = j->m,
                          .kh = 3, .kw = 3, .stride = 1, .pad = 1, .groups = j->d,
                          .act = KERN_RELU};
    kern_table(j->k)->conv(j->k, &o);
}

static void tell(const char *what, int m, int n, int d, double ms, double flop, double bytes,
                 double gflops, double gbs)
{
    double r = flop / ms / 1e6, b = bytes / ms / 1e6;
    printf("%-12s %5d %5d %5d  %9.2f us  %8.0f GFLOP/s %3.0f%%  %7.0f GB/s %3.0f%%\n", what, m, n,
           d, 1000 * ms, r, 100 * r / gflops, b, 100 * b / gbs);
    result(1000 * ms, "us", "%s %dx%dx%d", what, m, n, d);
    result(100 * fmax(r / gflops, b / gbs), "%", "%s %dx%dx%d, of its ceiling", what, m, n, d);
}

static void bench_linear(struct job *j, double gflops, double gbs)
{
    static const int list[][3] = {{12, 768, 768},    {38, 768, 768},    {38, 3072, 768},
                                  {38, 768, 3072},   {101, 1024, 1024}, {101, 1024, 2048},
                                  {1616, 1024, 1024}, {3800, 768, 768}, {3800, 3072, 768},
                                  {10100, 1024, 1024}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        double m = j->m = list[i][0], n = j->n = list[i][1], d = j->d = list[i][2];
        j->run = run_linear;
        tell("linear", j->m, j->n, j->d, time_job(j, TIMES), 2 * m * n * d,
             4 * (m * d + n * d + m * n), gflops, gbs);
        j->run = run_gelu;
        tell("linear+gelu", j->m, j->n, j->d, time_job(j, TIMES), 2 * m * n * d,
             4 * (m * d + n * d + 3 * m * n), gflops, gbs);
    }
}

static void bench_rest(struct job *j, double gflops, double gbs)
{
    static const int looks[][3] = {{1, 38, 64}, {1, 101, 128}, {100, 38, 64}, {100, 101, 128}};
    static const int convs[][3] = {{256, 200, 32}, {512, 100, 32}, {1024, 50, 32}, {2048, 25, 32},
                                   {512, 100, 1}};
    for (size_t i = 0; i < 4; i++) {
        double m = j->m = looks[i][0], n = j->n = looks[i][1], d = j->d = looks[i][2];
        j->run = run_attention;
        tell("attention", j->m, j->n, j->d, time_job(j, TIMES), 4 * m * 8 * n * n * d,
             4 * m * 8 * (4 * n * d + n * n), gflops, gbs);
    }
    for (int i = 0; i < 3; i++) {
        double m = j->m = i == 0 ? 38 : i == 1 ? 1616 : 10100, n = j->n = 1024;
        j->run = run_norm;
        tell("norm", j->m, j->n, 1, time_job(j, TIMES), 8 * m * n, 8 * m * n, gflops, gbs);
    }
    for (size_t i = 0; i < 5; i++) {
        double c = j->m = convs[i][0], n = j->n = convs[i][1], g = j->d = convs[i][2];
        j->run = run_conv;
        tell("conv 3x3", j->m, j->n, j->d, time_job(j, 5), 18 * n * n * c * c / g,
             4 * (2 * n * n * c + 9 * c * c / g), gflops, gbs);
    }
}

static void fill(float *x, size_t n)
{
    uint32_t state = 2463534242u;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / 8388608.0f - 1;
    }
}

static int bench_ops(struct kern *k)
{
    char why[400];
    struct job j = {.k = k, .x = kern_alloc(k, FLOATS), .y = kern_alloc(k, FLOATS),
                    .z = kern_alloc(k, FLOATS / 4), .w = xcalloc(WEIGHTS, sizeof *j.w)};
    bool good = j.x && j.y && j.z;
    fill(j.w, WEIGHTS);
    for (size_t at = 0; at < FLOATS && good; at += WEIGHTS)
        good = kern_put(k, j.x + at, j.w, FLOATS - at < WEIGHTS ? FLOATS - at : WEIGHTS) == 0;
    if (good) {
        j.run = run_copy;
        j.m = 1 << 14, j.n = 6144;
        double gbs = 8.0 * j.m * j.n / time_job(&j, 5) / 1e6;
        j.run = run_linear;
        j.m = j.n = j.d = 4096;
        double gflops = 2.0 * j.m * j.n * j.d / time_job(&j, 5) / 1e6;
        printf("ceilings: %.0f GB/s copying, %.0f GFLOP/s in a product of 4096\n", gbs, gflops);
        result(gbs, "GB/s", "copying");
        result(gflops, "GFLOP/s", "product of 4096");
        printf("%-12s %5s %5s %5s\n", "", "m", "n", "k");
        bench_linear(&j, gflops, gbs);
        bench_rest(&j, gflops, gbs);
    }
    kern_free(k, j.x), kern_free(k, j.y), kern_free(k, j.z);
    free(j.w);
    return kern_finish(k, why, sizeof why) == 0 ? 0 : fail(why);
}

/* ---- the model */

/* passes: at most 21, after three to warm up. */
static int time_model(struct vilbert *m, int batch, int tokens, bool attention, int passes,
                      bool kept)
{
    double ms[21];
    struct vs_err err = {0};
    struct net_input in;
    subject_input(vilbert_net(m), batch, tokens, 101, &in);
    struct net_want want = {.heads = HEAD_VQA, .attention = attention};
    int rc = 0;
    for (int i = -3; i < passes && rc == 0; i++) {
        struct trace *t = NULL;
        rc = vilbert_forward(m, &in, &want, &t, &err);
        if (rc == 0 && i >= 0)
            ms[i] = t->ms;
        trace_free(t);
    }
    qsort(ms, rc == 0 ? (size_t)passes : 0, sizeof *ms, by_value);
    if (rc == 0)
        printf("model: batch %3d, %2d tokens, %3d regions%s: %.3f ms (least %.3f), %.3f a query\n",
               batch, tokens, in.regions, attention ? ", all maps" : "", ms[passes / 2], ms[0],
               ms[passes / 2] / batch);
    if (rc == 0)
        result(ms[passes / 2], "ms", "model: %sbatch %d, %d tokens%s",
               kept ? "text and image kept, " : "", batch, tokens, attention ? ", all maps" : "");
    subject_free(&in);
    return rc == 0 ? 0 : fail(err.text);
}

/* Milliseconds since the system started this process, to 10 or so; NAN where it does not tell. */
static double since_start(void)
{
    char text[1024] = "";
    unsigned long long ticks;
    struct timespec now;
    FILE *f = fopen("/proc/self/stat", "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    const char *at = n ? strrchr(text, ')') : NULL;
    if (f)
        fclose(f);
    for (int field = 2; at && field < 22; field++) /* of which the second is the name */
        at = strchr(at + 1, ' ');
    if (!at || sscanf(at, "%llu", &ticks) != 1 || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return (double)NAN;
    return 1e3 * (double)now.tv_sec + (double)now.tv_nsec / 1e6 -
           1e3 * (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* What a user waits for: opening, weights on their way, code that is loaded at first use, a pass
 */
static int time_first(struct vilbert *m)
{
    struct vs_err err = {0};
    struct net_input in;
    struct trace *t = NULL;
    const struct net_want want = {.heads = HEAD_VQA};
    subject_input(vilbert_net(m), 1, 12, 101, &in);
    int rc = vilbert_forward(m, &in, &want, &t, &err);
    double ms = since_start();
    if (rc == 0) {
        printf("first answer: %.0f ms from the start of the process, of which the pass %.3f\n", ms,
               t->ms);
        result(ms, "ms", "first answer");
    }
    trace_free(t);
    subject_free(&in);
    return rc == 0 ? 0 : fail(err.text);
}

/* One query again and again, of which text and image are known. */
static int time_kept(struct vilbert *m, struct kern *k)
{
    struct prefix_cache *s = prefix_new(k, (size_t)64 << 20);
    vilbert_keep(m, s);
    printf("text and image kept: ");
    int rc = time_model(m, 1, 38, false, 21, true);
    vilbert_keep(m, NULL);
    prefix_free(s);
    return rc;
}

static int bench_model(struct kern *k, const char *config, const char *checkpoint, bool first)
{
    struct config c;
    struct tensorfile *f = NULL;
    struct vilbert *m = NULL;
    struct vs_err err = {0};
    int rc = config_read(config, &c, &err) || tensorfile_open(checkpoint, &f, &err) ||
             vilbert_open(&c, f, k, &m, &err);
    if (rc != 0)
        return fail(err.text);
    if (first)
        rc = time_first(m);
    else
        rc = time_model(m, 1, 12, false, 21, false) || time_model(m, 1, 38, false, 21, false) ||
             time_model(m, 1, 38, true, 21, false) || time_model(m, 16, 38, false, 21, false) ||
             time_model(m, 100, 38, false, 7, false) || time_kept(m, k);
    struct gpu_stats s;
    gpu_stats(k->gpu, &s);
    printf("memory: %zu MB in use (%zu MB of weights), %zu MB at most; %d graphs, "
           "the last of %d calls, in chains of %d at most\n", s.used >> 20,
           s.weights >> 20, s.peak >> 20, s.graphs, s.calls, s.depth);
    vilbert_free(m);
    tensorfile_close(f);
    return rc;
}

/* ---- the detector, at 800x1333 */

#define PICTURES 4

/* A picture's time when so many are run together. */
static int time_detector(struct detector *d, const uint8_t *rgb, int w, int h, int count,
                         struct vs_err *err)
{
    double ms[7];
    int rc = 0;
    for (int i = -2; i < 7 && rc == 0; i++) {
        struct detector_picture list[PICTURES];
        struct detector_want want = {.more = true};
        for (int p = 0; p < count; p++)
            list[p] = (struct detector_picture){rgb, w, h, NULL, 0, NULL};
        double start = vs_now_ms();
        rc = detector_run(d, list, count, &want, NULL, err);
        if (i >= 0)
            ms[i] = (vs_now_ms() - start) / count;
        for (int p = 0; p < count; p++)
            regions_free(list[p].regions);
    }
    qsort(ms, 7, sizeof *ms, by_value);
    if (rc == 0)
        printf("detector: %d of %dx%d: %.1f ms a picture (least %.1f)\n", count, w, h, ms[3],
               ms[0]);
    if (rc == 0)
        result(ms[3], "ms", "detector: %d of %dx%d, a picture", count, w, h);
    return rc;
}

static int bench_detector(struct kern *k, const char *arch, const char *weights)
{
    enum { W = 1333, H = 800 };
    struct arch a;
    struct tensorfile *f = NULL;
    struct detector *d = NULL;
    struct vs_err err = {0};
    uint8_t *rgb = xcalloc((size_t)W * H, 3);
    for (int i = 0; i < W * H * 3; i++)
        rgb[i] = (uint8_t)((i / 3 % W / 60 * 53 + i / 3 / W / 50 * 91 + i % 3 * 40) & 255);
    if (strcmp(arch, "-") == 0)
        arch_default(&a);
    int rc = (strcmp(arch, "-") != 0 && arch_read(arch, &a, &err)) ||
             tensorfile_open(weights, &f, &err) || detector_open(&a, f, k, &d, &err);
    for (int count = 1; count <= PICTURES && rc == 0; count *= 4)
        rc = time_detector(d, rgb, W, H, count, &err);
    detector_free(d);
    tensorfile_close(f);
    free(rgb);
    return rc == 0 ? 0 : fail(err.text);
}

int main(int argc, char **argv)
{
    struct kern *k = NULL;
    char why[256], note[600];
    bool ops = argc >= 2 && argc <= 3 && strcmp(argv[1], "ops") == 0;
    bool model = argc >= 4 && argc <= 5 && strcmp(argv[1], "model") == 0;
    bool first = argc >= 4 && argc <= 5 && strcmp(argv[1], "first") == 0;
    bool detector = argc >= 4 && argc <= 5 && strcmp(argv[1], "detector") == 0;
    if (!ops && !model && !first && !detector)
        return fail("ops [DEVICE] | model|first CONFIG CHECKPOINT [DEVICE] | detector ARCH WEIGHTS "
                    "[DEVICE]");
    device = ops ? argc > 2 ? argv[2] : "cuda" : argc > 4 ? argv[4] : "cuda";
    if (kern_open(device, 0, &k, why, sizeof why) != 0) {
        printf("bench-gpu: skipped: %s\n", why);
        return 77;
    }
    if (kern_is_host(k))
        return fail("it measures GPUs: cuda or cuda:N");
    printf("%s\n", kern_describe(k));
    const char *off = strstr(kern_describe(k), "products off by ");
    if (off)
        result(strtod(off + strlen("products off by "), NULL), "of a deviation",
               "products are off by");
    int rc = ops        ? bench_ops(k)
             : detector ? bench_detector(k, argv[2], argv[3])
                        : bench_model(k, argv[2], argv[3], first);
    kern_note(k, note, sizeof note);
    if (*note)
        printf("note: %s\n", note);
    kern_close(k);
    return rc;
}
