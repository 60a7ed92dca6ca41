/* The detector from top to bottom: backbone, pyramid, proposals, features; the
 * selection is in select.c.
 *
 * Source: maskrcnn-benchmark's ResNet, FPN, RPN and box head. */
#include "src/vision/detector.h"

#include "src/mem.h"
#include "src/model/trace.h"
#include "src/vision/layers.h"
#include "src/vision/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CHUNK 512 /* regions pooled at a time */

int detector_open(const struct arch *a, const struct tensorfile *f, struct kern *k,
                  struct detector **out, struct vs_err *err)
{
    struct detector *d = xcalloc(1, sizeof *d);
    d->a = *a;
    d->k = k;
    int rc = layers_bind(&d->l, a, f, k, err);
    if (rc == 0) {
        d->set = kern_set_new(k, d->l.bytes);
        *out = d;
    } else {
        free(d);
    }
    return rc;
}

struct detector *detector_share(const struct detector *d, struct kern *k)
{
    struct detector *s = xmalloc(sizeof *s);
    *s = *d;
    s->k = k;
    s->set = kern_set_new(k, d->l.bytes);
    memset(s->slabs, 0, sizeof s->slabs);
    s->borrowed = true;
    return s;
}

void detector_free(struct detector *d)
{
    if (!d)
        return;
    for (int i = 0; i < SLABS; i++)
        kern_free(d->k, d->slabs[i].p);
    kern_set_free(d->k, d->set);
    if (!d->borrowed)
        layers_fini(&d->l);
    free(d);
}

const struct arch *detector_arch(const struct detector *d)
{
    return &d->a;
}

/* ---- maps */

static int new_map(struct run *r, int h, int w, int c, struct map *out)
{
    size_t need = (size_t)h * (size_t)w * (size_t)c;
    struct slab *best = NULL, *empty = NULL;
    for (int i = 0; i < SLABS; i++) {
        struct slab *s = &r->d->slabs[i];
        if (!s->p)
            empty = s;
        else if (!s->used && s->size >= need && (!best || s->size < best->size))
            best = s;
    }
    if (!best && empty) {
        best = empty;
        best->p = kern_alloc(r->d->k, need + 64);
        best->size = need;
    }
    if (!best || !best->p)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for a map of %dx%dx%d", h, w, c);
    best->used = true;
    *out = (struct map){best->p, h, w, c};
    return 0;
}

/* Gives a map's memory back; a slab that is much larger than others are is freed with the run. */
static void drop_map(struct run *r, struct map *m)
{
    for (int i = 0; m->x && i < SLABS; i++)
        if (r->d->slabs[i].p == m->x)
            r->d->slabs[i].used = false;
    *m = (struct map){0};
}

/* Channels first, as the golden data has them. x is the host's. */
static int keep_host_map(struct run *r, const float *x, int h, int w, int c, const char *name)
{
    int64_t shape[4] = {1, c, h, w};
    float *out = trace_add(r->trace, 4, shape, "%s", name);
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", name);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)h * w; i++)
        for (int j = 0; j < c; j++)
            out[j * (ptrdiff_t)h * w + i] = x[i * c + j];
    return 0;
}

int run_device_failed(struct run *r)
{
    return vs_fail(r->err, VS_E_LIMIT, "the device failed");
}

static int keep_map(struct run *r, const struct map *m, const char *name)
{
    if (!r->trace)
        return 0;
    const float *x = kern_view(r->d->k, m->x, (size_t)m->h * (size_t)m->w * (size_t)m->c);
    return x ? keep_host_map(r, x, m->h, m->w, m->c, name) : run_device_failed(r);
}

/* The host's numbers of x(n): x itself, or a copy, which *own holds too. NULL: failed. */
static float *fetch(struct run *r, float *x, size_t n, float **own)
{
    *own = NULL;
    if (kern_is_host(r->d->k))
        return x;
    const float *seen = kern_view(r->d->k, x, n);
    *own = seen ? vs_try_calloc(n + 1, sizeof **own) : NULL;
    if (*own)
        memcpy(*own, seen, n * sizeof **own);
    return *own;
}

int run_keep_rows(struct run *r, const float *x, int rows, int columns, const char *name)
{
    int64_t shape[2] = {rows, columns};
    float *out = r->trace ? trace_add(r->trace, columns ? 2 : 1, shape, "%s", name) : NULL;
    if (r->trace && !out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", name);
    if (out)
        memcpy(out, x, (size_t)rows * (size_t)(columns ? columns : 1) * sizeof *out);
    return 0;
}

static int step(struct run *r, const char *stage, double work)
{
    r->done += work;
    if (r->want->progress)
        r->want->progress(r->want->progress_arg, stage, r->done, r->all);
    if (r->want->cancel && atomic_load(r->want->cancel))
        return vs_fail(r->err, VS_E_CANCELLED, "cancelled");
    return 0;
}

static double conv_work(const struct conv_w *w, int h, int wd)
{
    return (double)((h + w->stride - 1) / w->stride) * ((wd + w->stride - 1) / w->stride) *
           w->cout * (w->cin / w->groups) * w->kernel * w->kernel;
}

/* y = conv(x) with its norm or bias, then + residual, then the activation. */
static int run_conv(struct run *r, const struct conv_w *w, const struct map *x, enum kern_act act,
                    const struct map *residual, const char *stage, struct map *y)
{
    int pad = w->kernel / 2, h = (x->h + 2 * pad - w->kernel) / w->stride + 1;
    int wd = (x->w + 2 * pad - w->kernel) / w->stride + 1;
    int rc = new_map(r, h, wd, w->cout, y);
    if (rc != 0)
        return rc;
    struct kern_conv o = {.x = x->x, .count = 1, .h = x->h, .w = x->w, .cin = w->cin, .weights = w->w,
                          .scale = w->scale, .shift = w->shift,
                          .residual = residual ? residual->x : NULL, .y = y->x, .cout = w->cout,
                          .kh = w->kernel, .kw = w->kernel, .stride = w->stride, .pad = pad,
                          .groups = w->groups, .act = act};
    r->ops->conv(r->d->k, &o);
    return step(r, stage, conv_work(w, x->h, x->w));
}

/* ---- backbone */

static int run_block(struct run *r, const struct block_w *b, const struct map *x,
                     const char *stage, struct map *y)
{
    struct map t = {0}, u = {0}, shortcut = {0};
    int rc = run_conv(r, &b->conv1, x, KERN_RELU, NULL, stage, &t);
    if (rc == 0)
        rc = run_conv(r, &b->conv2, &t, KERN_RELU, NULL, stage, &u);
    drop_map(r, &t);
    if (rc == 0 && b->down.w)
        rc = run_conv(r, &b->down, x, KERN_NONE, NULL, stage, &shortcut);
    if (rc == 0)
        rc = run_conv(r, &b->conv3, &u, KERN_RELU, b->down.w ? &shortcut : x, stage, y);
    drop_map(r, &u);
    drop_map(r, &shortcut);
    return rc;
}

/* The picture in the back end's memory. */
static int put_picture(struct run *r, struct map *in)
{
    const struct map *m = &r->in.map;
    if (kern_is_host(r->d->k))
        return 0;
    int rc = new_map(r, m->h, m->w, m->c, in);
    if (rc == 0 && kern_put(r->d->k, in->x, m->x, (size_t)m->h * (size_t)m->w * (size_t)m->c) != 0)
        rc = run_device_failed(r);
    return rc;
}

static int run_stem(struct run *r, struct map *out)
{
    struct map t = {0}, in = r->in.map;
    int rc = put_picture(r, &in);
    if (rc == 0)
        rc = run_conv(r, &r->d->l.stem, &in, KERN_RELU, NULL, "stem", &t);
    drop_map(r, &in);
    if (rc == 0)
        rc = new_map(r, (t.h + 1) / 2, (t.w + 1) / 2, t.c, out);
    if (rc == 0)
        r->ops->maxpool(r->d->k, t.x, t.h, t.w, t.c, out->x);
    drop_map(r, &t);
    return rc ? rc : keep_map(r, out, "stem");
}

static int run_body(struct run *r)
{
    static const char *const stages[] = {"stage 1 of 4", "stage 2 of 4", "stage 3 of 4",
                                         "stage 4 of 4"};
    struct map x = {0};
    int rc = run_stem(r, &x);
    for (int s = 0; s < 4 && rc == 0; s++) {
        for (int i = 0; i < r->d->a.blocks[s] && rc == 0; i++) {
            struct map y = {0};
            rc = run_block(r, &r->d->l.stage[s][i], &x, stages[s], &y);
            if (s == 0 || i > 0 || !r->c[s - 1].x) /* the last stage's output is still wanted */
                drop_map(r, &x);
            x = y;
        }
        char name[24];
        snprintf(name, sizeof name, "c%d", s + 2);
        r->c[s] = x;
        if (rc == 0)
            rc = keep_map(r, &x, name);
    }
    return rc;
}

/* ---- pyramid */

static void add_upsampled(struct run *r, struct map *x, const struct map *small)
{
    struct kern_upsample op = {x->x, small->x, x->h, x->w, small->h, small->w, x->c};
    r->ops->upsample(r->d->k, &op);
}

/* Every second pixel of every second row. */
static void thin_out(struct run *r, const struct map *x, struct map *y)
{
    for (int i = 0; i < y->h; i++) {
        struct kern_rows op = {.x = x->x + (ptrdiff_t)2 * i * x->w * x->c, .ldx = 2 * x->c,
                               .y = y->x + (ptrdiff_t)i * y->w * y->c, .ldy = y->c, .m = y->w,
                               .n = y->c};
        r->ops->rows(r->d->k, &op);
    }
}

static int run_pyramid(struct run *r)
{
    int rc = 0;
    for (int i = 3; i >= 0 && rc == 0; i--) {
        rc = run_conv(r, &r->d->l.inner[i], &r->c[i], KERN_NONE, NULL, "pyramid", &r->inner[i]);
        drop_map(r, &r->c[i]);
        if (rc == 0 && i < 3)
            add_upsampled(r, &r->inner[i], &r->inner[i + 1]);
        if (rc == 0)
            rc = run_conv(r, &r->d->l.outer[i], &r->inner[i], KERN_NONE, NULL, "pyramid",
                          &r->p[i]);
        if (i < 3)
            drop_map(r, &r->inner[i + 1]);
    }
    drop_map(r, &r->inner[0]);
    const struct map *p5 = &r->p[3];
    struct map *p6 = &r->p[4];
    if (rc == 0)
        rc = new_map(r, (p5->h + 1) / 2, (p5->w + 1) / 2, p5->c, p6);
    if (rc == 0)
        thin_out(r, p5, p6);
    for (int i = 0; i < ARCH_LEVELS && rc == 0; i++) {
        char name[24];
        snprintf(name, sizeof name, "p%d", i + 2);
        rc = keep_map(r, &r->p[i], name);
    }
    return rc;
}

/* ---- proposals */

/* Weights with NaN or infinity would otherwise end as regions in any order. */
static int check_finite(struct run *r, const float *x, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return vs_fail(r->err, VS_E_FORMAT, "the detector's %s are not finite numbers: its "
                           "weights are damaged or belong to another description", what);
    return 0;
}

/* The host's part of a level: sorting, decoding, suppression. */
static int choose_boxes(struct run *r, int level, const struct map *logits,
                        const struct map *deltas, float *boxes, float *scores, int *count)
{
    const struct detector *d = r->d;
    size_t pixels = (size_t)logits->h * (size_t)logits->w;
    float *own_l, *own_d = NULL, *x = NULL;
    float *l = fetch(r, logits->x, pixels * (size_t)logits->c, &own_l);
    if (l)
        x = fetch(r, deltas->x, pixels * (size_t)deltas->c, &own_d);
    int rc = x ? check_finite(r, l, pixels * (size_t)logits->c, "scores") : run_device_failed(r);
    if (rc == 0)
        rc = check_finite(r, x, pixels * (size_t)deltas->c, "boxes");
    if (rc == 0)
        *count = propose_level(d->k, &d->a, l, x, logits->h, logits->w, d->l.anchors[level],
                               d->l.anchor_count, d->a.anchor_strides[level], r->in.map.w,
                               r->in.map.h, boxes, scores);
    if (rc == 0 && *count < 0)
        rc = run_device_failed(r);
    free(own_l);
    free(own_d);
    return rc;
}

static int propose(struct run *r, int level, float *boxes, float *scores, int *count)
{
    const struct detector *d = r->d;
    struct map t = {0}, logits = {0}, deltas = {0};
    char name[24];
    const struct map *p = &r->p[level];
    int rc = run_conv(r, &d->l.rpn, p, KERN_RELU, NULL, "proposals", &t);
    if (rc == 0)
        rc = run_conv(r, &d->l.logits, &t, KERN_NONE, NULL, "proposals", &logits);
    if (rc == 0)
        rc = run_conv(r, &d->l.deltas, &t, KERN_NONE, NULL, "proposals", &deltas);
    snprintf(name, sizeof name, "rpn_logits%d", level + 2);
    if (rc == 0)
        rc = keep_map(r, &logits, name);
    snprintf(name, sizeof name, "rpn_deltas%d", level + 2);
    if (rc == 0)
        rc = keep_map(r, &deltas, name);
    if (rc == 0)
        rc = choose_boxes(r, level, &logits, &deltas, boxes, scores, count);
    drop_map(r, &t);
    drop_map(r, &logits);
    drop_map(r, &deltas);
    return rc;
}

/* The level that a box is pooled from. */
static int level_of(const float *b)
{
    float side = sqrtf((b[2] - b[0] + 1) * (b[3] - b[1] + 1));
    int k = (int)floorf(4 + log2f(side / 224 + 1e-6f));
    return k < 2 ? 0 : k > 5 ? 3 : k - 2;
}

static void take_proposals(struct run *r, const float *boxes, const float *scores, int n)
{
    int *order = xcalloc((size_t)n + 1, sizeof *order);
    kern_sort_down(scores, n, order);
    r->n = n < r->d->a.fpn_post_nms_top_n ? n : r->d->a.fpn_post_nms_top_n;
    r->boxes = xcalloc((size_t)r->n * 4 + 1, sizeof *r->boxes);
    r->objectness = xcalloc((size_t)r->n + 1, sizeof *r->objectness);
    for (int i = 0; i < r->n; i++) {
        memcpy(r->boxes + 4 * i, boxes + 4 * (ptrdiff_t)order[i], 4 * sizeof *boxes);
        r->objectness[i] = scores[order[i]];
    }
    free(order);
}

static int run_proposals(struct run *r)
{
    size_t most = (size_t)r->d->a.post_nms_top_n * ARCH_LEVELS;
    float *boxes = xmalloc(most * 4 * sizeof *boxes), *scores = xmalloc(most * sizeof *scores);
    int n = 0, rc = 0;
    for (int i = 0; i < ARCH_LEVELS && rc == 0; i++) {
        int count = 0;
        rc = propose(r, i, boxes + 4 * (ptrdiff_t)n, scores + n, &count);
        n += count;
    }
    if (rc == 0)
        take_proposals(r, boxes, scores, n);
    free(boxes);
    free(scores);
    return rc;
}

/* The user's boxes instead, in pixels of the resized picture. */
static int use_boxes(struct run *r)
{
    r->n = r->want->box_count;
    r->boxes = xcalloc((size_t)r->n * 4 + 1, sizeof *r->boxes);
    r->objectness = xcalloc((size_t)r->n + 1, sizeof *r->objectness);
    for (int i = 0; i < 4 * r->n; i++)
        r->boxes[i] = (float)((double)r->want->boxes[i] * r->in.scale);
    return 0;
}

/* ---- features and scores */

/* What pooling needs: boxes (POOL_CHUNK, 4), what is pooled of them, all regions of the levels so
 * far through fc6; all in the back end's memory. */
struct pooling {
    float *boxes, *pooled, *sorted;
    int done;
};

static int put_boxes(struct run *r, struct pooling *o, const int *list, int n)
{
    float *host = kern_stage(r->d->k, o->boxes, 4 * (size_t)n);
    for (int i = 0; i < n; i++)
        memcpy(host + 4 * i, r->boxes + 4 * (ptrdiff_t)list[i], 4 * sizeof *host);
    return kern_put(r->d->k, o->boxes, host, 4 * (size_t)n) == 0 ? 0 : run_device_failed(r);
}

static void pool(struct run *r, int level, struct pooling *o, int n)
{
    const struct map *p = &r->p[level];
    struct kern_roi roi = {p->x, p->h, p->w, p->c, n, r->d->a.bins, o->boxes,
                           1.0f / (float)(4 << level), o->pooled};
    r->ops->roi(r->d->k, &roi);
}

/* Pools regions list[0..n-1], all of one level, and runs fc6 on them. */
static int pool_chunk(struct run *r, int level, const int *list, int n, struct pooling *o)
{
    const struct detector *d = r->d;
    int size = d->l.fc6.k, dim = d->l.fc6.n, rc = put_boxes(r, o, list, n);
    if (rc != 0)
        return rc;
    pool(r, level, o, n);
    rc = step(r, "pooling", 0);
    struct kern_linear fc = {.x = o->pooled, .ldx = size, .w = d->l.fc6.w, .bias = d->l.fc6.b,
                             .y = o->sorted + (ptrdiff_t)o->done * dim, .ldy = dim, .m = n,
                             .n = dim, .k = size, .act = KERN_RELU};
    r->ops->linear(d->k, &fc, 1);
    o->done += n;
    return rc ? rc : step(r, "features", (double)n * size * dim);
}

/* The golden data has what is pooled for the first five. */
static int keep_pooled(struct run *r, struct pooling *o)
{
    const struct detector *d = r->d;
    int n = r->n < 5 ? r->n : 5, rc = 0;
    int64_t shape[4] = {n, d->a.fpn_out, d->a.bins, d->a.bins};
    if (!r->trace)
        return 0;
    float *out = trace_add(r->trace, 4, shape, "pooled");
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for pooled");
    for (int i = 0; i < n && rc == 0; i++) {
        rc = put_boxes(r, o, &i, 1);
        if (rc != 0)
            return rc;
        pool(r, r->levels[i], o, 1);
        const float *x = kern_view(d->k, o->pooled, (size_t)d->l.fc6.k);
        if (x)
            memcpy(out + (ptrdiff_t)i * d->l.fc6.k, x, (size_t)d->l.fc6.k * sizeof *x);
        else
            rc = run_device_failed(r);
    }
    return rc;
}

/* fc6 was computed level by level; place[i] is where region i is. */
static int back_in_order(struct run *r, const int *place, const struct pooling *o)
{
    int dim = r->d->a.mlp_dim;
    float *index = kern_alloc(r->d->k, (size_t)r->n + 1);
    struct kern_rows op = {.x = o->sorted, .ldx = dim, .index = (const int32_t *)(void *)index,
                           .y = r->fc6, .ldy = dim, .m = r->n, .n = dim};
    int rc = index ? 0 : run_device_failed(r);
    if (rc == 0 && kern_put(r->d->k, index, (const float *)(const void *)place, (size_t)r->n) != 0)
        rc = run_device_failed(r);
    if (rc == 0)
        r->ops->rows(r->d->k, &op);
    kern_free(r->d->k, index);
    return rc;
}

static int pool_levels(struct run *r, struct pooling *o, int *place)
{
    int *list = xcalloc((size_t)r->n + 1, sizeof *list), rc = 0;
    for (int level = 0; level < 4 && rc == 0; level++) {
        int n = 0;
        for (int i = 0; i < r->n; i++)
            if (r->levels[i] == level) {
                place[i] = o->done + n;
                list[n++] = i;
            }
        for (int i = 0; i < n && rc == 0; i += POOL_CHUNK)
            rc = pool_chunk(r, level, list + i, n - i < POOL_CHUNK ? n - i : POOL_CHUNK, o);
    }
    free(list);
    return rc;
}

static int run_features(struct run *r)
{
    const struct detector *d = r->d;
    size_t size = (size_t)d->l.fc6.k, n = (size_t)r->n, dim = (size_t)d->a.mlp_dim;
    int *place = xcalloc(n + 1, sizeof *place), rc = 0;
    struct pooling o = {.boxes = kern_alloc(d->k, 4 * POOL_CHUNK),
                        .pooled = kern_alloc(d->k, POOL_CHUNK * size + 1),
                        .sorted = kern_alloc(d->k, n * dim + 1)};
    r->levels = xcalloc(n + 1, sizeof *r->levels);
    r->fc6 = kern_alloc(d->k, n * dim + 1);
    if (!o.boxes || !o.pooled || !o.sorted || !r->fc6)
        rc = vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", r->n);
    for (int i = 0; i < r->n; i++)
        r->levels[i] = level_of(r->boxes + 4 * (ptrdiff_t)i);
    if (rc == 0)
        rc = pool_levels(r, &o, place);
    if (rc == 0)
        rc = back_in_order(r, place, &o);
    if (rc == 0)
        rc = keep_pooled(r, &o);
    kern_free(d->k, o.boxes);
    kern_free(d->k, o.pooled);
    kern_free(d->k, o.sorted);
    free(place);
    return rc;
}

/* What selection and trace read, on the host. */
static int see_scores(struct run *r)
{
    size_t n = (size_t)r->n, dim = (size_t)r->d->a.mlp_dim, classes = (size_t)r->d->a.num_classes;
    float *own;
    r->seen_fc6 = fetch(r, r->fc6, n * dim, &own);
    r->seen_scores = r->seen_fc6 ? fetch(r, r->scores, n * classes, &own) : NULL;
    if (r->seen_scores && r->trace)
        r->seen_fc7 = fetch(r, r->fc7, n * dim, &own);
    return !r->seen_scores || (r->trace && !r->seen_fc7) ? run_device_failed(r) : 0;
}

static int run_scores(struct run *r)
{
    const struct detector *d = r->d;
    int dim = d->a.mlp_dim, classes = d->a.num_classes;
    r->fc7 = kern_alloc(d->k, (size_t)r->n * (size_t)dim + 1);
    r->scores = kern_alloc(d->k, (size_t)r->n * (size_t)classes + 1);
    if (!r->fc7 || !r->scores)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", r->n);
    struct kern_linear fc7 = {.x = r->fc6, .ldx = dim, .w = d->l.fc7.w, .bias = d->l.fc7.b,
                              .y = r->fc7, .ldy = dim, .m = r->n, .n = dim, .k = dim,
                              .act = KERN_RELU};
    struct kern_linear cls = {.x = r->fc7, .ldx = dim, .w = d->l.classes.w,
                              .bias = d->l.classes.b, .y = r->scores, .ldy = classes, .m = r->n,
                              .n = classes, .k = dim, .act = KERN_NONE};
    r->ops->linear(d->k, &fc7, 1);
    r->ops->linear(d->k, &cls, 1);
    int rc = see_scores(r);
    if (rc == 0)
        rc = check_finite(r, r->seen_fc6, (size_t)r->n * (size_t)dim, "features");
    if (rc == 0)
        rc = check_finite(r, r->seen_scores, (size_t)r->n * (size_t)classes, "class scores");
    if (rc == 0)
        rc = run_keep_rows(r, r->seen_scores, r->n, classes, "cls_logits");
    if (rc != 0)
        return rc;
    r->ops->softmax(d->k, r->scores, r->n, classes);
    const float *p = kern_view(d->k, r->scores, (size_t)r->n * (size_t)classes);
    if (p && p != r->seen_scores)
        memcpy(r->seen_scores, p, (size_t)r->n * (size_t)classes * sizeof *p);
    return p ? 0 : run_device_failed(r);
}

/* ---- the whole */

static double body_work(const struct run *r)
{
    const struct layers *l = &r->d->l;
    int h = r->in.map.h, w = r->in.map.w;
    double all = conv_work(&l->stem, h, w);
    for (int s = 0; s < 4; s++) {
        int sh = h >> (s + 2), sw = w >> (s + 2), up = s ? 2 : 1;
        for (int i = 0; i < r->d->a.blocks[s]; i++) {
            const struct block_w *b = &l->stage[s][i];
            int from = i == 0 ? up : 1;
            all += conv_work(&b->conv1, sh * from, sw * from) +
                   conv_work(&b->conv2, sh * from, sw * from) + conv_work(&b->conv3, sh, sw);
            all += b->down.w ? conv_work(&b->down, sh * from, sw * from) : 0;
        }
        all += conv_work(&l->inner[s], sh, sw) + conv_work(&l->outer[s], sh, sw);
    }
    return all;
}

static void plan_work(struct run *r)
{
    const struct layers *l = &r->d->l;
    int n = r->want->boxes ? r->want->box_count : r->d->a.fpn_post_nms_top_n;
    r->all = body_work(r) + (double)n * l->fc6.k * l->fc6.n;
    for (int i = 0; i < ARCH_LEVELS && !r->want->boxes; i++)
        r->all += conv_work(&l->rpn, r->in.map.h >> (i + 2), r->in.map.w >> (i + 2));
}

static void run_fini(struct run *r)
{
    struct kern *k = r->d->k;
    for (int i = 0; i < SLABS; i++) {
        r->d->slabs[i].used = false;
        if (kern_is_host(k)) { /* pages may go; device memory stays for the next run */
            kern_free(k, r->d->slabs[i].p);
            r->d->slabs[i] = (struct slab){0};
        }
    }
    if (!kern_is_host(k)) {
        free(r->seen_fc6);
        free(r->seen_fc7);
        free(r->seen_scores);
    }
    free(r->in.map.x);
    free(r->boxes);
    free(r->objectness);
    free(r->levels);
    kern_free(k, r->fc6);
    kern_free(k, r->fc7);
    kern_free(k, r->scores);
}

/* Without the padding. */
static int keep_image(struct run *r)
{
    int h = r->in.h, w = r->in.w;
    if (!r->trace)
        return 0;
    float *x = xmalloc((size_t)h * (size_t)w * 3 * sizeof *x);
    for (int y = 0; y < h; y++)
        memcpy(x + (ptrdiff_t)y * w * 3, r->in.map.x + (ptrdiff_t)y * r->in.map.w * 3,
               (size_t)w * 3 * sizeof *x);
    int rc = keep_host_map(r, x, h, w, 3, "image");
    free(x);
    return rc;
}

static int run_all(struct run *r, const uint8_t *rgb, int w, int h, struct regions **out)
{
    int rc = picture_make(&r->d->a, rgb, w, h, &r->in, r->err);
    if (rc == 0)
        rc = keep_image(r);
    if (rc == 0) {
        plan_work(r);
        rc = step(r, "picture", 0);
    }
    if (rc == 0)
        rc = run_body(r);
    if (rc == 0)
        rc = run_pyramid(r);
    if (rc == 0)
        rc = r->want->boxes ? use_boxes(r) : run_proposals(r);
    if (rc == 0)
        rc = run_features(r);
    if (rc == 0)
        rc = run_scores(r);
    if (rc == 0)
        rc = step(r, "classes", 0);
    if (rc == 0)
        rc = run_selection(r, w, h, out);
    return rc ? rc : step(r, "selection", 0);
}

int detector_run(struct detector *d, const uint8_t *rgb, int w, int h,
                 const struct detector_want *want, struct regions **out, struct trace **trace,
                 struct vs_err *err)
{
    struct run r = {.d = d, .want = want, .ops = kern_table(d->k), .err = err};
    if (want->trace)
        r.trace = xcalloc(1, sizeof *r.trace);
    char why[256];
    kern_use(d->k, d->set);
    int rc = run_all(&r, rgb, w, h, out);
    run_fini(&r);
    if (kern_finish(d->k, why, sizeof why) != 0) { /* says more than what followed from it */
        if (rc == 0)
            regions_free(*out);
        rc = vs_fail(err, VS_E_LIMIT, "%s", why);
    }
    if (rc == 0 && trace)
        *trace = r.trace;
    else
        trace_free(r.trace);
    return rc;
}
