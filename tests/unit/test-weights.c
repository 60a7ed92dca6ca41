/* SPDX-License-Identifier: MIT */
/* The tiny detector with changed weights: numbers that cannot be are refused by the tensor's name,
 * and a stage's stride is where the description says. Weights that are not checked, or a stride in
 * the wrong convolution, break it. Needs no golden data. */
#include "copy.h"
#include "src/formats/image.h"
#include "src/base/mem.h"
#include "src/vision/detector.h"
#include "tap.h"

#include <math.h>
#include <unistd.h>

static float *numbers_of(struct copy *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->list[i].name, name) == 0)
            return (float *)(uintptr_t)c->list[i].data;
    return NULL;
}

/* The regions that the changed weights find; NULL with the reason. */
static struct regions *find(const struct copy *c, bool stride_in_1x1, struct vs_err *err)
{
    char path[] = "/tmp/vilscope-weights-XXXXXX", why[200];
    int fd = mkstemp(path);
    struct tensorfile *f = NULL;
    struct image *im = NULL;
    struct kern *k = NULL;
    struct detector *d = NULL;
    struct regions *g = NULL;
    struct detector_want want = {.trace = false};
    struct arch a;
    *err = (struct vs_err){0};
    int rc = fd < 0 || kern_open(NULL, 1, &k, why, sizeof why) != 0 ? -1
             : arch_read(source_path("tests/data/tiny/detector.json"), &a, err);
    a.stride_in_1x1 = stride_in_1x1;
    if (rc == 0 && (rc = safetensors_write(path, c->list, c->count, err)) == 0 &&
        (rc = tensorfile_open(path, &f, err)) == 0 &&
        (rc = image_open(source_path("tests/data/tiny/scene.png"), &im, err)) == 0 &&
        (rc = detector_open(&a, f, k, &d, err)) == 0) {
        struct detector_picture picture = {im->rgb, im->width, im->height, NULL, 0, NULL};
        rc = detector_run(d, &picture, 1, &want, NULL, err);
        g = picture.regions;
    }
    detector_free(d);
    image_free(im);
    tensorfile_close(f);
    kern_close(k);
    close(fd);
    unlink(path);
    return g;
}

static void refuse(struct copy *c, const char *name, float number)
{
    struct vs_err err;
    float *x = numbers_of(c, name), old = x ? x[0] : 0;
    if (!ok(x != NULL, "there is %s", name))
        return;
    x[0] = number;
    struct regions *g = find(c, false, &err);
    ok(!g && strstr(err.text, name), "%g in %s is refused: %s", (double)number, name, err.text);
    regions_free(g);
    x[0] = old;
}

static bool same(const struct regions *a, const struct regions *b)
{
    size_t n = (size_t)a->count;
    return a->count == b->count && memcmp(a->boxes, b->boxes, n * 4 * sizeof(float)) == 0;
}

/* With only the middle of the 3x3 kernels, it does not matter which of the two convolutions leaves
 * pixels out; with all of it, it does. */
static void check_stride(struct copy *c)
{
    struct vs_err err;
    struct regions *a = find(c, false, &err), *b = find(c, true, &err);
    ok(a && b && !same(a, b), "a stride in the 1x1 convolutions finds other regions");
    regions_free(a);
    regions_free(b);
    for (int i = 0; i < c->count; i++) {
        const struct tensor_out *o = &c->list[i];
        float *x = (float *)(uintptr_t)o->data;
        int64_t n = o->shape[0] * o->shape[1];
        for (int64_t j = 0; strstr(o->name, ".0.conv2.weight") && j < 9 * n; j++)
            x[j] = j % 9 == 4 ? 3 * x[j] : 0;
    }
    a = find(c, false, &err);
    b = find(c, true, &err);
    ok(a && b && a->count > 3 && same(a, b), "but not where the 3x3 ones see one pixel %s",
       err.text);
    regions_free(a);
    regions_free(b);
}

int main(void)
{
    struct copy c;
    if (ok(read_copy(source_path("tests/data/tiny/detector.pth"), &c),
           "the tiny detector is read")) {
        refuse(&c, "backbone.body.layer2.0.bn2.running_var", -1.0f);
        refuse(&c, "backbone.body.stem.bn1.running_var", 0.0f);
        refuse(&c, "backbone.fpn.fpn_inner2.weight", NAN);
        refuse(&c, "rpn.anchor_generator.cell_anchors.3", INFINITY);
        refuse(&c, "roi_heads.box.predictor.cls_score.bias", NAN);
        check_stride(&c);
    }
    free_copy(&c);
    return tap_done();
}
