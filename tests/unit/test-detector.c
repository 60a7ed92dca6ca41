/* SPDX-License-Identifier: MIT */
/* The detector against golden/detector: every tensor of every tiny case, then the selection, exact
 * where it is discrete. Another resize, stride, anchor, clip, order or threshold breaks it. Weights
 * are made by the golden data's own program (python3 with numpy).
 *
 * usage: test-detector                    the tiny cases
 *        test-detector full CHECKPOINT    the full-size case */
#include "device.h"
#include "fakecuda.h"
#include "src/formats/image.h"
#include "src/base/mem.h"
#include "src/vision/dump.h"
#include "tap.h"

#include <math.h>

struct loaded {
    struct arch a;
    struct tensorfile *file, *want;
    struct image *im;
    struct kern *k;
    struct detector *d;
};

static float *floats(const struct tensorfile *f, const char *name, int64_t *n)
{
    const struct tensor *t = tensorfile_find(f, name);
    *n = t ? tensor_elements(t) : 0;
    float *x = xcalloc((size_t)*n + 1, sizeof *x);
    if (t)
        tensor_to_f32(t, x);
    return x;
}

/* Limits of the golden README. */
static float limit_of(const char *name)
{
    static const struct {
        const char *name;
        float limit;
    } limits[] = {{"image", 1e-5f},      {"stem", 5e-5f},       {"rpn_logits", 5e-4f},
                  {"rpn_deltas", 1e-4f}, {"proposals", 5e-3f},  {"objectness", 1e-4f},
                  {"fc6", 1e-3f},        {"fc7", 1e-3f},        {"cls_logits", 3e-3f},
                  {"scores", 5e-4f},     {"conf", 5e-4f},       {"max_conf", 5e-4f},
                  {"cls_prob", 5e-4f},   {"box_deltas", 1e-3f}, {"boxes", 5e-3f},
                  {"features", 1e-3f},   {"pooled", 1e-3f},     {"im_scale", 1e-6f}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (strncmp(name, limits[i].name, strlen(limits[i].name)) == 0)
            return limits[i].limit;
    return 2e-4f; /* c2 to c5, p2 to p6 */
}

static float worst(const float *a, const float *b, int64_t n)
{
    float w = 0;
    for (int64_t i = 0; i < n; i++) {
        float d = fabsf(a[i] - b[i]);
        w = d > w || !(d >= 0) ? d : w;
    }
    return w;
}

static bool is_whole(enum dtype d)
{
    return d == DTYPE_I64;
}

/* Every tensor of the golden file must be in the dump, with its shape and kind. */
static int compare_tensor(const struct tensorfile *have, const struct tensor *want,
                          const char *what)
{
    const struct tensor *t = tensorfile_find(have, want->name);
    int64_t n = tensor_elements(want);
    if (!t || is_whole(t->dtype) != is_whole(want->dtype) || t->ndim != want->ndim ||
        memcmp(t->shape, want->shape, (size_t)t->ndim * sizeof t->shape[0]) != 0) {
        tap_note("%s: %s is missing or has another shape", what, want->name);
        return 1;
    }
    float *a = xcalloc((size_t)n + 1, sizeof *a), *b = xcalloc((size_t)n + 1, sizeof *b);
    tensor_to_f32(t, a);
    tensor_to_f32(want, b);
    float d = worst(a, b, n);
    bool good = d <= (is_whole(t->dtype) ? 0 : limit_of(want->name));
    if (!good)
        tap_note("%s: %s differs by %g", what, want->name, (double)d);
    free(a);
    free(b);
    return !good;
}

static void compare_dump(const struct loaded *l, const struct regions *g, const struct trace *t,
                         const char *what)
{
    char path[300];
    const char *dir = getenv("TMPDIR");
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    int wrong = 0;
    snprintf(path, sizeof path, "%s/dump.%ld.safetensors", dir ? dir : "/tmp", (long)getpid());
    if (ok(detector_dump(path, &l->a, l->file, l->k, g, t, &err) == 0 &&
           tensorfile_open(path, &f, &err) == 0, "%s: everything is written %s", what, err.text)) {
        for (int i = 0; i < tensorfile_count(l->want); i++)
            wrong += compare_tensor(f, tensorfile_at(l->want, i), what);
        ok(wrong == 0 && tensorfile_count(l->want) > 20, "%s: %d tensors within their limits",
           what, tensorfile_count(l->want));
    }
    tensorfile_close(f);
    unlink(path);
}

static void compare_regions(const struct loaded *l, const struct regions *g, const char *what)
{
    int64_t nb, nf, no;
    float *boxes = floats(l->want, "boxes", &nb), *features = floats(l->want, "features", &nf);
    float *objects = floats(l->want, "objects", &no), b = 0, f = 0;
    bool classes = no == g->count, sizes = nb == 4 * g->count && nf == (int64_t)g->count * g->dim;
    for (int i = 0; classes && i < g->count; i++)
        classes = (int)objects[i] == g->classes[i];
    if (sizes) {
        b = worst(boxes, g->boxes, nb);
        f = worst(features, g->features, nf);
    }
    ok(sizes && classes && b <= 5e-3f && f <= 1e-3f,
       "%s: %d regions: classes, boxes (%g), features (%g)", what, g->count, (double)b, (double)f);
    free(boxes);
    free(features);
    free(objects);
}

/* Features of the found boxes, given as the user's own, are the same features. */
static void compare_given(const struct loaded *l, const struct regions *g, const char *what)
{
    struct detector_picture picture = {l->im->rgb, l->im->width, l->im->height, g->boxes, g->count,
                                       NULL};
    struct detector_want want = {0};
    struct vs_err err = {0};
    bool runs = detector_run(l->d, &picture, 1, &want, NULL, &err) == 0;
    struct regions *again = picture.regions;
    if (ok(runs && again->count == g->count, "%s: given boxes run %s", what, err.text)) {
        float d = worst(again->features, g->features, (int64_t)g->count * g->dim);
        bool same = memcmp(again->boxes, g->boxes, (size_t)g->count * 4 * sizeof(float)) == 0 &&
                    memcmp(again->classes, g->classes, (size_t)g->count * sizeof(int)) == 0;
        ok(same && d < 1e-3f, "%s: given boxes have the features of the found ones (%g)", what,
           (double)d);
    }
    regions_free(again);
}

static bool open_kern(struct loaded *l, const char *device, struct vs_err *err)
{
    char why[256];
    if (fakecuda_open(device, 0, &l->k, why, sizeof why) == 0)
        return true;
    vs_fail(err, VS_E_USAGE, "%s", why);
    return false;
}

static bool open_all(struct loaded *l, const char *folder, const char *weights, const char *device,
                     struct vs_err *err)
{
    char path[400];
    snprintf(path, sizeof path, "golden/detector/%s/arch.json", folder);
    if (arch_read(shared_path(path), &l->a, err) != 0 ||
        tensorfile_open(weights, &l->file, err) != 0)
        return false;
    snprintf(path, sizeof path, "golden/detector/%s/expected.safetensors", folder);
    if (tensorfile_open(shared_path(path), &l->want, err) != 0)
        return false;
    snprintf(path, sizeof path, "golden/detector/%s/input.png", folder);
    if (image_open(shared_path(path), &l->im, err) != 0)
        return false;
    return open_kern(l, device, err) && detector_open(&l->a, l->file, l->k, &l->d, err) == 0;
}

static void close_all(struct loaded *l)
{
    detector_free(l->d);
    kern_close(l->k);
    image_free(l->im);
    tensorfile_close(l->file);
    tensorfile_close(l->want);
}

static bool detect(struct loaded *l, const struct detector_want *want, struct regions **g,
                   struct trace **t, struct vs_err *err)
{
    struct detector_picture picture = {l->im->rgb, l->im->width, l->im->height, NULL, 0, NULL};
    bool runs = detector_run(l->d, &picture, 1, want, t, err) == 0;
    *g = picture.regions;
    return runs;
}

static void run_case(const char *folder, const char *weights, const char *device)
{
    struct loaded l = {0};
    struct vs_err err = {0};
    struct regions *g = NULL;
    struct trace *t = NULL;
    char what[100];
    struct detector_want want = {.trace = true};
    snprintf(what, sizeof what, "%s on %s", folder, device ? device : "the fastest");
    if (device && device_lacks(device, folder))
        return;
    if (!open_all(&l, folder, weights, device, &err))
        ok(false, "%s opens: %s", what, err.text);
    else if (ok(detect(&l, &want, &g, &t, &err), "%s runs %s", what, err.text)) {
        compare_dump(&l, g, t, what);
        compare_regions(&l, g, what);
        compare_given(&l, g, what);
    }
    regions_free(g);
    trace_free(t);
    close_all(&l);
    if (device && strcmp(device, "fake") == 0)
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "%s: nothing is left, nothing was wrong (%s)",
           what, fakecuda.first);
}

static bool make_weights(const char *folder, char *out, size_t size)
{
    char arch[300], command[2000];
    const char *dir = getenv("TMPDIR"), *program = shared_path("golden/detector/make_detector.py");
    snprintf(arch, sizeof arch, "golden/detector/%s/arch.json", folder);
    snprintf(out, size, "%s/%s.safetensors", dir ? dir : "/tmp", folder);
    snprintf(command, sizeof command, "for p in python3 /usr/bin/python3; do $p '%s' '%s' '%s' "
             "--format safetensors --extra >/dev/null 2>&1 && exit 0; done; exit 1",
             program ? program : "", program ? shared_path(arch) : "", out);
    return program && system(command) == 0;
}

/* ---- pictures run together */

enum { W = 96, H = 64, PICTURES = 4 };

/* To the bit, or within the limits. */
static bool same_numbers(const char *name, const float *a, const float *b, size_t n, bool exact)
{
    return exact ? memcmp(a, b, n * sizeof *a) == 0 : worst(a, b, (int64_t)n) <= limit_of(name);
}

static bool same_regions(const struct regions *a, const struct regions *b, bool exact)
{
    size_t n = (size_t)a->count;
    return a->count == b->count && a->count > 0 && a->num_boxes == b->num_boxes &&
           same_numbers("boxes", a->boxes, b->boxes, n * 4, exact) &&
           same_numbers("features", a->features, b->features, n * (size_t)a->dim, exact) &&
           memcmp(a->classes, b->classes, n * sizeof *a->classes) == 0 &&
           same_numbers("conf", a->conf, b->conf, n, exact) &&
           same_numbers("cls_prob", a->prob, b->prob, n * (size_t)a->prob_columns, exact);
}

/* Each picture has the regions that it has alone, to the bit where a product's shape does not
 * decide the order of its sums; one has boxes of its own. Neighbours that see each other's pixels,
 * or a wrong row of scores, break it. */
static void run_together(struct detector *d, struct detector_picture *list, const char *what)
{
    struct detector_want want = {.prob = true, .more = true};
    struct regions *alone[PICTURES] = {0};
    struct vs_err err = {0};
    bool runs = true, same = true, exact = strcmp(what, "fake") != 0;
    int room = detector_batch(d, W, H, 1000);
    for (int i = 0; i < PICTURES && runs; i++) {
        runs = detector_run(d, &list[i], 1, &want, NULL, &err) == 0;
        alone[i] = list[i].regions;
    }
    for (int count = PICTURES; count > 1 && runs; count -= 2) { /* the arena is too large then */
        runs = detector_run(d, list, count, &want, NULL, &err) == 0;
        for (int i = 0; i < count && runs; i++) {
            same &= same_regions(alone[i], list[i].regions, exact);
            regions_free(list[i].regions);
        }
    }
    ok(runs && same, "%s: pictures run together have the regions that they have alone %s", what,
       err.text);
    int left = detector_batch(d, W, H, 1000);
    ok(room >= 1 && left >= PICTURES && left <= 1000 && detector_batch(d, W, H, 2) == 2,
       "%s: room for %d, then for %d", what, room, left);
    list[2].w = W / 2;
    ok(detector_run(d, list, PICTURES, &want, NULL, &err) != 0 && !list[0].regions,
       "%s: refused: %s", what, err.text);
    for (int i = 0; i < PICTURES; i++)
        regions_free(alone[i]);
}

static void check_together(const char *device)
{
    static uint8_t rgb[PICTURES][W * H * 3];
    static const float boxes[] = {3, 4, 40, 50, 20, 10, 90, 60, 0, 0, 95, 63};
    struct detector_picture list[PICTURES];
    struct loaded l = {0};
    struct vs_err err = {0};
    if (device_lacks(device, "pictures together"))
        return;
    for (int p = 0; p < PICTURES; p++) {
        for (int i = 0; i < W * H * 3; i++) /* blocks and stripes */
            rgb[p][i] = (uint8_t)((i / 3 % W / (9 + p) * 53 + i / 3 / W / (7 + 2 * p) * 91 +
                                   i % 3 * 40 * p) & 255);
        /* the last one is narrower, but as wide when padded */
        list[p] = (struct detector_picture){rgb[p], p == PICTURES - 1 ? W - 4 : W, H,
                                            p == 1 ? boxes : NULL, p == 1 ? 3 : 0, NULL};
    }
    bool opens = arch_read(source_path("tests/data/tiny/detector.json"), &l.a, &err) == 0 &&
                 tensorfile_open(source_path("tests/data/tiny/detector.pth"), &l.file, &err) == 0 &&
                 open_kern(&l, device, &err) && detector_open(&l.a, l.file, l.k, &l.d, &err) == 0;
    if (opens)
        run_together(l.d, list, device);
    else
        ok(false, "%s opens the tiny detector: %s", device, err.text);
    close_all(&l);
}

/* ---- the full-size case: boxes are matched, as equal scores may swap */

static void compare_full(const struct loaded *l, const struct regions *g)
{
    int64_t nb, nf, nc, no;
    float *boxes = floats(l->want, "boxes", &nb), *features = floats(l->want, "features", &nf);
    float *score = floats(l->want, "obj_score", &nc), *objects = floats(l->want, "objects", &no);
    int missing = 0, wrong = 0;
    for (int i = 0; i < (int)no; i++) {
        int best = 0;
        for (int j = 1; j < g->count; j++)
            if (worst(boxes + 4 * i, g->boxes + 4 * j, 4) <
                worst(boxes + 4 * i, g->boxes + 4 * best, 4))
                best = j;
        float f = worst(features + i * (ptrdiff_t)g->dim, g->features + best * (ptrdiff_t)g->dim,
                        g->dim);
        if (worst(boxes + 4 * i, g->boxes + 4 * best, 4) > 0.02f)
            missing++;
        else if (f > 1e-2f || fabsf(score[i] - g->conf[best]) > 2e-3f ||
                 (int)objects[i] != g->classes[best])
            wrong++;
    }
    ok(no == 100 && missing <= 2 && wrong == 0,
       "full: %d of %lld regions missing, %d with other features, class or score", missing,
       (long long)no, wrong);
    free(boxes);
    free(features);
    free(score);
    free(objects);
}

static void run_full(const char *weights)
{
    struct loaded l = {0};
    struct vs_err err = {0};
    struct regions *g = NULL;
    struct detector_want want = {.trace = false};
    double start = vs_now_ms();
    if (ok(open_all(&l, "full", weights, NULL, &err), "full opens %s", err.text) &&
        ok(detect(&l, &want, &g, NULL, &err), "full runs %s", err.text))
        compare_full(&l, g);
    tap_note("%.1f s on %s", (vs_now_ms() - start) / 1000, l.k ? kern_describe(l.k) : "");
    regions_free(g);
    close_all(&l);
}

int main(int argc, char **argv)
{
    static const char *const cases[] = {"a-landscape", "a-gray-portrait", "b-tiny", "b-alpha",
                                        "c-panorama", "c-background", "d-levels"};
    if (argc == 3) {
        run_full(argv[2]);
        return tap_done();
    }
    check_together("cpu");
    check_together("cpu-avx2");
    check_together("ref");
    check_together("fake");
    if (!shared_path("golden/detector/README.md")) {
        tap_skip("the golden data is not there");
        return tap_done();
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char weights[1000];
        if (!make_weights(cases[i], weights, sizeof weights)) {
            tap_skip("%s: its weights need python3 with numpy", cases[i]);
            continue;
        }
        run_case(cases[i], weights, NULL);
        run_case(cases[i], weights, "cpu-portable");
        if (i == 2)
            run_case(cases[i], weights, "ref");
        run_case(cases[i], weights, "cpu-avx2");
        run_case(cases[i], weights, "fake");
        unlink(weights);
    }
    return tap_done();
}
