/* SPDX-License-Identifier: MIT */
/* Binding a detector's tensors. Names: modules of maskrcnn-benchmark. */
#include "src/vision/layers.h"

#include "kernels/kern.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 6

struct binder {
    struct layers *l;
    const struct tensorfile *f;
    struct buf bad; /* names of what is missing or misshapen */
    int bad_count;
    bool no_memory;
    const char *bad_norm; /* a variance that is none; the file's name of it */
    struct kern *k;
    int conv; /* number of the last convolution's work */
    struct work *works; /* what is done at the end, on all threads */
    int work_count;
};

/* A tensor's numbers have to be finite; those of a convolution are packed. */
struct work {
    const struct tensor *tensor;
    const void *numbers; /* as float32 */
    int cout, cin, kernel, groups;
    float *packed; /* or NULL */
    const float *scale; /* of the output channels, or NULL */
    struct kern *k;
    bool bad;
};

static void *layers_keep(struct binder *b, size_t floats)
{
    struct layers *l = b->l;
    /* After the first failure no more is asked for: what is left is for saying so. */
    void *p = b->no_memory ? NULL : vs_try_calloc(floats + 1, sizeof(float));
    if (!p) {
        b->no_memory = true;
        return NULL;
    }
    if (l->owned_count == l->owned_cap) {
        l->owned_cap = l->owned_cap ? 2 * l->owned_cap : 256;
        l->owned = xreallocarray(l->owned, (size_t)l->owned_cap, sizeof *l->owned);
    }
    l->owned[l->owned_count++] = p;
    return p;
}

static const void *add_work(struct binder *b, const struct tensor *t, const void *numbers)
{
    if ((b->work_count & (b->work_count - 1)) == 0)
        b->works = xreallocarray(b->works, b->work_count ? 2 * (size_t)b->work_count : 1,
                                 sizeof *b->works);
    b->works[b->work_count++] = (struct work){.tensor = t, .numbers = numbers};
    return numbers;
}

/* float32 data of a tensor of that shape, in the map where possible; NULL is noted. */
static const void *bind(struct binder *b, const char *name, int ndim, const int64_t *shape)
{
    const struct tensor *t = tensorfile_find(b->f, name);
    bool real = t && tensor_is_weights(t);
    bool good = real && t->ndim == ndim;
    for (int i = 0; good && i < ndim; i++)
        good = t->shape[i] == shape[i];
    if (!good) {
        if (b->bad_count++ < SHOWN)
            buf_printf(&b->bad, "%s%s %s", b->bad_count > 1 ? ", " : "", name,
                       real ? "(another shape)" : t ? dtype_name(t->dtype) : "(missing)");
        return NULL;
    }
    if (tensor_is_floats(t))
        return add_work(b, t, t->data);
    float *copy = layers_keep(b, (size_t)tensor_elements(t));
    if (copy)
        tensor_to_f32(t, copy);
    return copy ? add_work(b, t, copy) : NULL;
}

static const void *bind_vector(struct binder *b, const char *base, const char *tail, int n)
{
    char name[200];
    int64_t shape[1] = {n};
    snprintf(name, sizeof name, "%s%s", base, tail);
    return bind(b, name, 1, shape);
}

static float layers_at(const void *p, int i)
{
    float x;
    memcpy(&x, (const char *)p + 4 * (ptrdiff_t)i, sizeof x);
    return x;
}

/* Frozen batch norm as a scale and a shift. Source: FrozenBatchNorm2d, which has no epsilon. */
static void bind_norm(struct binder *b, struct conv_w *c, const char *base)
{
    const void *w = bind_vector(b, base, ".weight", c->cout);
    const void *bias = bind_vector(b, base, ".bias", c->cout);
    const void *mean = bind_vector(b, base, ".running_mean", c->cout);
    const void *var = bind_vector(b, base, ".running_var", c->cout);
    float *scale = layers_keep(b, (size_t)c->cout), *shift = layers_keep(b, (size_t)c->cout);
    for (int i = 0; w && bias && mean && var && scale && shift && i < c->cout; i++) {
        if (layers_at(var, i) <= 0) {
            char name[200];
            snprintf(name, sizeof name, "%s.running_var", base);
            b->bad_norm = tensorfile_find(b->f, name)->raw_name;
        }
        scale[i] = layers_at(w, i) * (1 / sqrtf(layers_at(var, i)));
        shift[i] = layers_at(bias, i) - layers_at(mean, i) * scale[i];
    }
    c->scale = scale;
    c->shift = shift;
    if (b->conv >= 0)
        b->works[b->conv].scale = scale;
}

static void bind_bias(struct binder *b, struct conv_w *c, const char *base)
{
    const void *bias = bind_vector(b, base, ".bias", c->cout);
    float *shift = layers_keep(b, (size_t)c->cout);
    for (int i = 0; bias && shift && i < c->cout; i++)
        shift[i] = layers_at(bias, i);
    c->shift = shift;
}

static struct conv_w bind_conv(struct binder *b, const char *base, int cin, int cout, int kernel,
                               int stride, int groups)
{
    char name[200];
    struct conv_w c = {.cin = cin, .cout = cout, .kernel = kernel, .stride = stride,
                       .groups = groups};
    int64_t shape[4] = {cout, cin / groups, kernel, kernel};
    snprintf(name, sizeof name, "%s.weight", base);
    c.w = bind(b, name, 4, shape);
    size_t size = kern_conv_size(b->k, cout, cin, kernel, kernel, groups);
    float *packed = c.w ? layers_keep(b, size) : NULL;
    b->conv = -1;
    b->l->bytes += size * sizeof *packed;
    if (packed) {
        b->conv = b->work_count - 1;
        struct work *w = &b->works[b->work_count - 1]; /* the one that bind added */
        w->cout = cout;
        w->cin = cin;
        w->kernel = kernel;
        w->groups = groups;
        w->packed = packed;
        w->k = b->k;
    }
    c.w = packed;
    return c;
}

static struct conv_w bind_normed(struct binder *b, const char *conv, const char *norm, int cin,
                                 int cout, int kernel, int stride, int groups)
{
    struct conv_w c = bind_conv(b, conv, cin, cout, kernel, stride, groups);
    bind_norm(b, &c, norm);
    return c;
}

static struct conv_w bind_biased(struct binder *b, const char *name, int cin, int cout, int kernel)
{
    struct conv_w c = bind_conv(b, name, cin, cout, kernel, 1, 1);
    bind_bias(b, &c, name);
    return c;
}

static void bind_block(struct binder *b, const struct arch *a, struct block_w *o, int stage,
                       int number, int cin, int mid, int cout)
{
    char base[80], x[6][100];
    int stride = number == 0 && stage > 0 ? 2 : 1;
    int first = a->stride_in_1x1 ? stride : 1, second = a->stride_in_1x1 ? 1 : stride;
    snprintf(base, sizeof base, "backbone.body.layer%d.%d", stage + 1, number);
    static const char *const names[] = {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3"};
    for (int i = 0; i < 6; i++)
        snprintf(x[i], sizeof x[i], "%s.%s", base, names[i]);
    o->conv1 = bind_normed(b, x[0], x[1], cin, mid, 1, first, 1);
    o->conv2 = bind_normed(b, x[2], x[3], mid, mid, 3, second, a->groups);
    o->conv3 = bind_normed(b, x[4], x[5], mid, cout, 1, 1, 1);
    if (number == 0 && cin != cout) {
        snprintf(x[0], sizeof x[0], "%s.downsample.0", base);
        snprintf(x[1], sizeof x[1], "%s.downsample.1", base);
        o->down = bind_normed(b, x[0], x[1], cin, cout, 1, stride, 1);
    }
}

static void bind_body(struct binder *b, const struct arch *a)
{
    int cin = a->stem_out;
    b->l->stem = bind_normed(b, "backbone.body.stem.conv1", "backbone.body.stem.bn1", 3,
                             a->stem_out, 7, 2, 1);
    for (int s = 0; s < 4; s++) {
        int mid = a->groups * a->width_per_group << s, cout = a->res2_out << s;
        b->l->stage[s] = xcalloc((size_t)a->blocks[s], sizeof *b->l->stage[s]);
        for (int i = 0; i < a->blocks[s]; i++) {
            bind_block(b, a, &b->l->stage[s][i], s, i, cin, mid, cout);
            cin = cout;
        }
    }
}

static void bind_anchors(struct binder *b)
{
    struct layers *l = b->l;
    for (int i = 0; i < ARCH_LEVELS; i++) {
        char name[80];
        snprintf(name, sizeof name, "rpn.anchor_generator.cell_anchors.%d", i);
        const struct tensor *t = tensorfile_find(b->f, name);
        int64_t n = t && t->ndim == 2 ? t->shape[0] : 0;
        int64_t shape[2] = {n < 1 || n > 64 ? 3 : i ? l->anchor_count : n, 4};
        const void *p = bind(b, name, 2, shape);
        l->anchor_count = (int)shape[0];
        if (p)
            memcpy(l->anchors[i], p, (size_t)shape[0] * 4 * sizeof(float));
    }
}

static struct dense_w bind_dense(struct binder *b, const char *base, int n, int k)
{
    char name[120];
    int64_t shape[2] = {n, k};
    b->l->bytes += (size_t)n * (size_t)k * sizeof(float);
    snprintf(name, sizeof name, "%s.weight", base);
    return (struct dense_w){bind(b, name, 2, shape), bind_vector(b, base, ".bias", n), n, k};
}

static void bind_heads(struct binder *b, const struct arch *a)
{
    struct layers *l = b->l;
    for (int i = 0; i < 4; i++) {
        char name[80];
        snprintf(name, sizeof name, "backbone.fpn.fpn_inner%d", i + 1);
        l->inner[i] = bind_biased(b, name, a->res2_out << i, a->fpn_out, 1);
        snprintf(name, sizeof name, "backbone.fpn.fpn_layer%d", i + 1);
        l->outer[i] = bind_biased(b, name, a->fpn_out, a->fpn_out, 3);
    }
    bind_anchors(b);
    l->rpn = bind_biased(b, "rpn.head.conv", a->fpn_out, a->fpn_out, 3);
    l->logits = bind_biased(b, "rpn.head.cls_logits", a->fpn_out, l->anchor_count, 1);
    l->deltas = bind_biased(b, "rpn.head.bbox_pred", a->fpn_out, 4 * l->anchor_count, 1);
    const char *box = "roi_heads.box.feature_extractor.fc6";
    l->fc6 = bind_dense(b, box, a->mlp_dim, a->fpn_out * a->bins * a->bins);
    l->fc7 = bind_dense(b, "roi_heads.box.feature_extractor.fc7", a->mlp_dim, a->mlp_dim);
    l->classes = bind_dense(b, "roi_heads.box.predictor.cls_score", a->num_classes, a->mlp_dim);
}

/* A ReLU would hide a NaN later. The published weights leave the memory once they are packed. */
static void do_work(void *arg, int i)
{
    struct work *w = (struct work *)arg + i;
    w->bad = !kern_is_finite(w->numbers, (size_t)tensor_elements(w->tensor));
    if (w->packed) {
        kern_conv_pack(w->k, w->numbers, w->cout, w->cin, w->kernel, w->kernel, w->groups, w->scale,
                       w->packed);
        tensor_forget(w->tensor);
    }
}

static int work_all(struct binder *b, struct kern *k, struct vs_err *err)
{
    kern_parallel(k, b->work_count, do_work, b->works);
    for (int i = 0; i < b->work_count; i++)
        if (b->works[i].bad)
            return vs_fail(err, VS_E_FORMAT, "%s: %s has numbers that are not finite: the file is "
                           "damaged, or its training went wrong", tensorfile_path(b->f),
                           b->works[i].tensor->raw_name);
    return 0;
}

int layers_bind(struct layers *l, const struct arch *a, const struct tensorfile *f,
                struct kern *k, struct vs_err *err)
{
    struct binder b = {.l = l, .f = f, .k = k};
    int rc = 0;
    *l = (struct layers){0};
    bind_body(&b, a);
    bind_heads(&b, a);
    if (b.no_memory)
        rc = vs_fail(err, VS_E_LIMIT, "%s: no memory for its weights", tensorfile_path(f));
    else if (b.bad_count)
        rc = vs_fail(err, VS_E_FORMAT, "%s: not a checkpoint of this detector: %s%s",
                     tensorfile_path(f), b.bad.data, b.bad_count > SHOWN ? " and more" : "");
    else if (b.bad_norm)
        rc = vs_fail(err, VS_E_FORMAT, "%s: %s has a variance that is not above 0: the file is "
                     "damaged", tensorfile_path(f), b.bad_norm);
    else
        rc = work_all(&b, k, err);
    free(b.works);
    buf_fini(&b.bad);
    if (rc != 0)
        layers_fini(l);
    return rc;
}

void layers_fini(struct layers *l)
{
    for (int i = 0; i < l->owned_count; i++)
        free(l->owned[i]);
    for (int s = 0; s < 4; s++)
        free(l->stage[s]);
    free(l->owned);
    *l = (struct layers){0};
}
