/* SPDX-License-Identifier: MIT */
/* The back end on a real GPU: every operation, large sizes included, against the reference; random
 * queries and the detector against the CPU; states that are kept against those computed anew;
 * memory that ends at every allocation. Exit 77 with the reason where there is no GPU. A wrong
 * kernel, product, copy or order of the stream breaks it.
 *
 * usage: test-gpu [QUERIES]     1000 when not said; $SRCDIR is the source tree
 *        test-gpu --quick       small sizes only, for compute-sanitizer */
#include "again.h"
#include "poison.h"
#include "queries.h"
#include "src/formats/regions.h"
#include "src/vision/arch.h"
#include "src/vision/detector.h"

static struct kern *open_kern(const char *device)
{
    struct kern *k = NULL;
    char why[256] = "";
    int rc = kern_open(device, 0, &k, why, sizeof why);
    return ok(rc == 0, "%s opens %s", device, why) ? k : NULL;
}

/* ---- memory that ends: the real calls, one of whose allocations fails */

static struct cuda_api failing;
static const struct cuda_api *real;
static int countdown, code_of_memory;

static int alloc_or_fail(void *ctx, size_t bytes, void **out)
{
    return countdown > 0 && --countdown == 0 ? code_of_memory : real->alloc(ctx, bytes, out);
}

static int pin_or_fail(void *ctx, size_t bytes, void **out)
{
    return countdown > 0 && --countdown == 0 ? code_of_memory : real->pin(ctx, bytes, out);
}

static struct kern *open_short(int nth, char *why, size_t size)
{
    struct kern *k = NULL;
    failing = *real;
    failing.alloc = alloc_or_fail;
    failing.pin = pin_or_fail;
    for (code_of_memory = 1; !real->is_memory(code_of_memory) && code_of_memory < 1000;)
        code_of_memory++;
    countdown = nth;
    return gpu_kern(&failing, "cuda", &k, why, size) == 0 ? k : NULL;
}

/* quick: the memory never ends */
static void check_queries(int count, bool quick)
{
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct query_model cpu, gpu;
    struct vs_err err = {0};
    char why[256];
    struct kern *a = open_kern("cpu"), *b = open_kern("cuda");
    if (!a || !b)
        return;
    if (!ok(query_open(&cpu, config, checkpoint, a, &err) == 0 &&
            query_open(&gpu, config, checkpoint, b, &err) == 0, "tiny opens on both %s", err.text))
        return;
    query_compare(&gpu, &cpu, count, QUERY_NEAR);
    query_close(&gpu);
    real = gpu_module(NULL, why, sizeof why);
    if (!quick)
        query_out_of_memory(open_short, config, checkpoint, &cpu, 1);
    query_close(&cpu);
}

/* Every precision answers, less exactly; one that has no algorithm for a shape says so. */
static void check_precisions(void)
{
    static const struct {
        const char *device;
        float within;
    } list[] = {{"cuda,tf32", 0.05f}, {"cuda,bf16", 0.3f}, {"cuda,half", 0.05f}};
    const char *config = source_path("tests/data/tiny/config.json");
    const char *checkpoint = source_path("tests/data/tiny/checkpoint.bin");
    struct query_model cpu = {0}, gpu = {0};
    struct vs_err err = {0};
    struct kern *k = open_kern("cpu");
    bool good = k && query_open(&cpu, config, checkpoint, k, &err) == 0;
    for (size_t i = 0; good && i < sizeof list / sizeof list[0]; i++) {
        char note[600];
        k = open_kern(list[i].device);
        if (!k || !ok(query_open(&gpu, config, checkpoint, k, &err) == 0, "%s: tiny opens %s",
                      list[i].device, err.text))
            break;
        query_compare(&gpu, &cpu, 6, list[i].within);
        kern_note(k, note, sizeof note);
        tap_note("%s%s%s", kern_describe(k), *note ? ": " : "", note);
        query_close(&gpu);
    }
    query_close(&cpu);
}

/* States that passes share. */
static void check_kept(int count)
{
    struct again x;
    struct vs_err err = {0};
    struct kern *k = open_kern("cuda");
    if (!k || !ok(again_open(&x, source_path("tests/data/tiny/config.json"),
                             source_path("tests/data/tiny/checkpoint.bin"), k, &err) == 0,
                  "tiny opens twice %s", err.text))
        return;
    again_run(&x, "on the device", (size_t)1 << 20, count, false);
    again_run(&x, "on the device, little room", 30000, count, false);
    again_same(&x);
    again_close(&x);
}

/* ---- the detector */

#define PICTURES 3

/* Runs count pictures together; their regions go to list. */
static bool detect(const char *device, int count, struct regions **list, struct trace **t)
{
    enum { W = 320, H = 240 };
    static uint8_t rgb[PICTURES][W * H * 3];
    struct arch a;
    struct tensorfile *f = NULL;
    struct detector *d = NULL;
    struct vs_err err = {0};
    struct detector_picture pictures[PICTURES];
    struct detector_want want = {.trace = t != NULL};
    struct kern *k = open_kern(device);
    for (int p = 0; p < count; p++) {
        for (int i = 0; i < W * H * 3; i++) /* blocks and stripes */
            rgb[p][i] = (uint8_t)((i / 3 % W / (24 + p) * 53 + i / 3 / W / (20 - p) * 91 +
                                   i % 3 * 40) & 255);
        pictures[p] = (struct detector_picture){rgb[p], W, H, NULL, 0, NULL};
    }
    bool good = k && arch_read(source_path("tests/data/tiny/detector.json"), &a, &err) == 0 &&
                tensorfile_open(source_path("tests/data/tiny/detector.pth"), &f, &err) == 0 &&
                detector_open(&a, f, k, &d, &err) == 0 &&
                detector_run(d, pictures, count, &want, t, &err) == 0;
    ok(good, "%s detects %s", device, err.text);
    for (int p = 0; p < count; p++)
        list[p] = pictures[p].regions;
    detector_free(d);
    kern_close(k);
    tensorfile_close(f);
    return good;
}

/* Which of two nearly equal boxes comes first may differ. */
static void compare_regions(const struct regions *gpu, const struct regions *cpu)
{
    int near = 0;
    for (int i = 0; i < gpu->count; i++)
        for (int j = 0, found = 0; j < cpu->count && !found; j++) {
            float d = 0;
            for (int c = 0; c < 4; c++)
                d = fmaxf(d, fabsf(gpu->boxes[4 * i + c] - cpu->boxes[4 * j + c]));
            found = d < 0.05f;
            near += found;
        }
    ok(gpu->count == cpu->count && near * 100 >= 95 * gpu->count, "%d of %d regions are the CPU's",
       near, gpu->count);
}

/* Pictures that the device computes together have their own regions. */
static void check_together(void)
{
    struct regions *cpu[PICTURES] = {0}, *gpu[PICTURES] = {0};
    bool good = detect("cpu", PICTURES, cpu, NULL) && detect("cuda", PICTURES, gpu, NULL);
    for (int p = 0; p < PICTURES; p++) {
        if (good)
            compare_regions(gpu[p], cpu[p]);
        regions_free(cpu[p]);
        regions_free(gpu[p]);
    }
}

static bool is_map(struct trace_at at)
{
    return at.site == STAGE_C || at.site == STAGE_P || at.site == STAGE_RPN_LOGITS ||
           at.site == STAGE_RPN_DELTAS || at.site == STAGE_STEM;
}

/* Maps within rounding. */
static void check_detector(void)
{
    struct trace *a = NULL, *b = NULL;
    struct regions *cpu = NULL, *gpu = NULL;
    int compared = 0, wrong = 0;
    detect("cpu", 1, &cpu, &a);
    detect("cuda", 1, &gpu, &b);
    for (int i = 0; a && b && i < a->count; i++) {
        const struct trace_tensor *x = &a->tensors[i], *y = trace_get(b, x->at);
        float worst = 0, scale = 1;
        size_t n = 1;
        for (int d = 0; d < x->ndim; d++)
            n *= (size_t)x->shape[d];
        if (!is_map(x->at) || x->ndim != 4 || !y)
            continue;
        for (size_t j = 0; j < n; j++) {
            worst = fmaxf(worst, fabsf(x->data[j] - y->data[j]));
            scale = fmaxf(scale, fabsf(x->data[j]));
        }
        compared++;
        wrong += !(worst / scale < 1e-4f);
    }
    ok(cpu && gpu && compared > 10 && wrong == 0, "%d maps of the detector, %d differ", compared,
       wrong);
    if (cpu && gpu)
        compare_regions(gpu, cpu);
    regions_free(cpu);
    regions_free(gpu);
    trace_free(a);
    trace_free(b);
}

int main(int argc, char **argv)
{
    struct kern *k = NULL, *ref;
    char why[256];
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (kern_open("cuda", 0, &k, why, sizeof why) != 0) {
        printf("test-gpu: skipped: %s\n", why);
        return 77;
    }
    tap_note("%s", kern_describe(k));
    ref = open_kern("ref");
    if (ref) {
        ops_check(k, ref, !quick);
        poison_check(k, ref);
    }
    kern_close(ref);
    kern_close(k);
    check_queries(quick ? 6 : argc > 1 ? atoi(argv[1]) : 1000, quick);
    check_precisions();
    check_kept(quick ? 10 : 200);
    check_detector();
    check_together();
    return tap_done();
}
