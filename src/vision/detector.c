/* The detector from top to bottom: backbone, pyramid, proposals, features, selection.
 *
 * Source: maskrcnn-benchmark's ResNet, FPN, RPN and box head; the reference's extraction script
 * for the selection. */
#include "src/vision/detector.h"

#include "src/mem.h"
#include "src/model/trace.h"
#include "src/text/score.h"
#include "src/vision/layers.h"
#include "src/vision/priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CHUNK 512 /* regions pooled at a time */

struct detector {
    struct arch a;
    struct layers l;
    struct kern *k;
    bool borrowed; /* the layers are another detector's */
};

/* A block of memory for activations; kept for the next map of a run, because fresh pages cost. */
struct slab {
    float *p;
    size_t size;
    bool used;
};

struct run {
    struct detector *d;
    const struct detector_want *want;
    const struct kern_ops *ops;
    struct trace *trace; /* or NULL */
    struct slab slabs[16];
    double done, all; /* multiply-adds */
    struct picture in;
    struct map c[4], inner[4], p[ARCH_LEVELS];
    int n; /* proposals: */
    float *boxes, *objectness;
    int *levels;
    float *fc6, *fc7, *scores; /* (n, mlp), (n, mlp), (n, classes) */
    struct vs_err *err;
};

int detector_open(const struct arch *a, const struct tensorfile *f, struct kern *k,
                  struct detector **out, struct vs_err *err)
{
    struct detector *d = xcalloc(1, sizeof *d);
    d->a = *a;
    d->k = k;
    int rc = layers_bind(&d->l, a, f, k, err);
    if (rc == 0)
        *out = d;
    else
        free(d);
    return rc;
}

struct detector *detector_share(const struct detector *d, struct kern *k)
{
    struct detector *s = xmalloc(sizeof *s);
    *s = *d;
    s->k = k;
    s->borrowed = true;
    return s;
}

void detector_free(struct detector *d)
{
    if (!d)
        return;
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
    for (int i = 0; i < 16; i++) {
        struct slab *s = &r->slabs[i];
        if (!s->p)
            empty = s;
        else if (!s->used && s->size >= need && (!best || s->size < best->size))
            best = s;
    }
    if (!best && empty) {
        best = empty;
        void *p = NULL;
        if (posix_memalign(&p, 64, (need + 64) * sizeof(float)) != 0)
            p = NULL;
        best->p = p;
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
    for (int i = 0; m->x && i < 16; i++)
        if (r->slabs[i].p == m->x)
            r->slabs[i].used = false;
    *m = (struct map){0};
}

/* Channels first, as the golden data has them. */
static int keep_map(struct run *r, const struct map *m, const char *name)
{
    int64_t shape[4] = {1, m->c, m->h, m->w};
    if (!r->trace)
        return 0;
    float *out = trace_add(r->trace, 4, shape, "%s", name);
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", name);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)m->h * m->w; i++)
        for (int c = 0; c < m->c; c++)
            out[c * (ptrdiff_t)m->h * m->w + i] = m->x[i * m->c + c];
    return 0;
}

static int keep_rows(struct run *r, const float *x, int rows, int columns, const char *name)
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
    struct kern_conv o = {.x = x->x, .h = x->h, .w = x->w, .cin = w->cin, .weights = w->w,
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

static int run_stem(struct run *r, struct map *out)
{
    struct map t = {0};
    int rc = run_conv(r, &r->d->l.stem, &r->in.map, KERN_RELU, NULL, "stem", &t);
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

/* x += small, every pixel of it 2x2. */
static void add_upsampled(struct map *x, const struct map *small)
{
    for (int y = 0; y < x->h; y++)
        for (int i = 0; i < x->w; i++) {
            int sy = y / 2 < small->h ? y / 2 : small->h - 1;
            int sx = i / 2 < small->w ? i / 2 : small->w - 1;
            float *to = x->x + ((ptrdiff_t)y * x->w + i) * x->c;
            const float *from = small->x + ((ptrdiff_t)sy * small->w + sx) * x->c;
            for (int c = 0; c < x->c; c++)
                to[c] += from[c];
        }
}

static int run_pyramid(struct run *r)
{
    int rc = 0;
    for (int i = 3; i >= 0 && rc == 0; i--) {
        rc = run_conv(r, &r->d->l.inner[i], &r->c[i], KERN_NONE, NULL, "pyramid", &r->inner[i]);
        drop_map(r, &r->c[i]);
        if (rc == 0 && i < 3)
            add_upsampled(&r->inner[i], &r->inner[i + 1]);
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
    for (int y = 0; rc == 0 && y < p6->h; y++)
        for (int x = 0; x < p6->w; x++)
            memcpy(p6->x + ((ptrdiff_t)y * p6->w + x) * p6->c,
                   p5->x + ((ptrdiff_t)2 * y * p5->w + 2 * x) * p5->c,
                   (size_t)p5->c * sizeof(float));
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
        rc = check_finite(r, logits.x, (size_t)p->h * (size_t)p->w * (size_t)logits.c, "scores");
    if (rc == 0)
        rc = check_finite(r, deltas.x, (size_t)p->h * (size_t)p->w * (size_t)deltas.c, "boxes");
    if (rc == 0)
        *count = propose_level(&d->a, logits.x, deltas.x, p->h, p->w, d->l.anchors[level],
                               d->l.anchor_count, d->a.anchor_strides[level], r->in.map.w,
                               r->in.map.h, boxes, scores);
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
    sort_down(scores, n, order);
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

/* Pools regions list[0..n-1], all of one level, and runs fc6 on them. */
static int pool_chunk(struct run *r, int level, const int *list, int n, float *pooled, float *out)
{
    const struct detector *d = r->d;
    int bins = d->a.bins, size = d->l.fc6.k, dim = d->l.fc6.n;
    float boxes[POOL_CHUNK * 4];
    for (int i = 0; i < n; i++)
        memcpy(boxes + 4 * i, r->boxes + 4 * (ptrdiff_t)list[i], 4 * sizeof *boxes);
    struct kern_roi roi = {r->p[level].x, r->p[level].h, r->p[level].w, r->p[level].c, n, bins,
                           boxes, 1.0f / (float)(4 << level), pooled};
    r->ops->roi(d->k, &roi);
    int rc = step(r, "pooling", 0);
    struct kern_linear fc = {.x = pooled, .ldx = size, .w = d->l.fc6.w, .bias = d->l.fc6.b,
                             .y = out, .ldy = dim, .m = n, .n = dim, .k = size, .act = KERN_RELU};
    r->ops->linear(d->k, &fc, 1);
    for (int i = 0; i < n; i++)
        memcpy(r->fc6 + (ptrdiff_t)list[i] * dim, out + (ptrdiff_t)i * dim,
               (size_t)dim * sizeof *out);
    return rc ? rc : step(r, "features", (double)n * size * dim);
}

/* The golden data has what is pooled for the first five. */
static int keep_pooled(struct run *r)
{
    const struct detector *d = r->d;
    int n = r->n < 5 ? r->n : 5;
    int64_t shape[4] = {n, d->a.fpn_out, d->a.bins, d->a.bins};
    if (!r->trace)
        return 0;
    float *out = trace_add(r->trace, 4, shape, "pooled");
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for pooled");
    for (int i = 0; i < n; i++) {
        const struct map *p = &r->p[r->levels[i]];
        struct kern_roi roi = {p->x, p->h, p->w, p->c, 1, d->a.bins, r->boxes + 4 * i,
                               1.0f / (float)(4 << r->levels[i]), out + (ptrdiff_t)i * d->l.fc6.k};
        r->ops->roi(d->k, &roi);
    }
    return 0;
}

static int run_features(struct run *r)
{
    const struct detector *d = r->d;
    size_t size = (size_t)d->l.fc6.k, dim = (size_t)d->a.mlp_dim;
    float *pooled = vs_try_calloc(POOL_CHUNK * size + 1, sizeof *pooled);
    float *out = xcalloc(POOL_CHUNK * dim, sizeof *out);
    int *list = xcalloc((size_t)r->n + 1, sizeof *list), rc = 0;
    r->levels = xcalloc((size_t)r->n + 1, sizeof *r->levels);
    r->fc6 = vs_try_calloc((size_t)r->n * dim + 1, sizeof *r->fc6);
    if (!pooled || !r->fc6)
        rc = vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", r->n);
    for (int i = 0; i < r->n; i++)
        r->levels[i] = level_of(r->boxes + 4 * (ptrdiff_t)i);
    for (int level = 0; level < 4 && rc == 0; level++) {
        int n = 0;
        for (int i = 0; i < r->n; i++)
            if (r->levels[i] == level)
                list[n++] = i;
        for (int i = 0; i < n && rc == 0; i += POOL_CHUNK) {
            int take = n - i < POOL_CHUNK ? n - i : POOL_CHUNK;
            rc = pool_chunk(r, level, list + i, take, pooled, out);
        }
    }
    free(pooled);
    free(out);
    free(list);
    return rc ? rc : keep_pooled(r);
}

static int run_scores(struct run *r)
{
    const struct detector *d = r->d;
    int dim = d->a.mlp_dim, classes = d->a.num_classes;
    r->fc7 = vs_try_calloc((size_t)r->n * (size_t)dim + 1, sizeof *r->fc7);
    r->scores = vs_try_calloc((size_t)r->n * (size_t)classes + 1, sizeof *r->scores);
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
    int rc = check_finite(r, r->fc6, (size_t)r->n * (size_t)dim, "features");
    if (rc == 0)
        rc = check_finite(r, r->scores, (size_t)r->n * (size_t)classes, "class scores");
    if (rc == 0)
        rc = keep_rows(r, r->scores, r->n, classes, "cls_logits");
    for (int i = 0; i < r->n; i++)
        score_softmax(r->scores + (ptrdiff_t)i * classes, classes,
                      r->scores + (ptrdiff_t)i * classes);
    return rc;
}

/* ---- selection */

static int best_class(const struct run *r, int i)
{
    int first = r->d->a.background ? 0 : 1, classes = r->d->a.num_classes, best = first;
    const float *s = r->scores + (ptrdiff_t)i * classes;
    for (int c = first; c < classes; c++)
        if (s[c] > s[best])
            best = c;
    return best;
}

/* All columns, the background first, as the reference's script stores them. */
static int add_prob(struct run *r, const int *order, struct regions *g)
{
    size_t columns = (size_t)r->d->a.num_classes;
    g->prob = vs_try_calloc((size_t)g->count * columns + 1, sizeof *g->prob);
    if (!g->prob)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", g->count);
    g->prob_columns = r->d->a.num_classes;
    for (int i = 0; i < g->count; i++)
        memcpy(g->prob + (size_t)i * columns, r->scores + (size_t)order[i] * columns,
               columns * sizeof *g->prob);
    return 0;
}

static int make_regions(struct run *r, const float *boxes, const int *order, int n, int w, int h,
                        struct regions **out)
{
    int dim = r->d->a.mlp_dim, first = r->d->a.background ? 0 : 1;
    struct regions *g = regions_new(n, dim);
    if (!g)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", n);
    g->width = w;
    g->height = h;
    g->classes = xcalloc((size_t)n + 1, sizeof *g->classes);
    g->conf = xcalloc((size_t)n + 1, sizeof *g->conf);
    for (int i = 0; i < n; i++) {
        int j = order[i], c = best_class(r, j);
        memcpy(g->boxes + 4 * i, boxes + 4 * (ptrdiff_t)j, 4 * sizeof *boxes);
        memcpy(g->features + (ptrdiff_t)i * dim, r->fc6 + (ptrdiff_t)j * dim,
               (size_t)dim * sizeof *r->fc6);
        g->classes[i] = c - first;
        g->conf[i] = r->scores[(ptrdiff_t)j * r->d->a.num_classes + c];
    }
    regions_seal(g);
    int rc = r->want->prob ? add_prob(r, order, g) : 0;
    if (rc == 0)
        *out = g;
    else
        regions_free(g);
    return rc;
}

static int keep_selection(struct run *r, const float *conf, const int *order, int n)
{
    float *x = xcalloc((size_t)r->n + 1, sizeof *x);
    int rc = keep_rows(r, r->boxes, r->n, 4, "proposals");
    rc = rc ? rc : keep_rows(r, r->objectness, r->n, 0, "objectness");
    rc = rc ? rc : keep_rows(r, r->fc6, r->n, r->d->a.mlp_dim, "fc6");
    rc = rc ? rc : keep_rows(r, r->fc7, r->n, r->d->a.mlp_dim, "fc7");
    rc = rc ? rc : keep_rows(r, r->scores, r->n, r->d->a.num_classes, "scores");
    rc = rc ? rc : keep_rows(r, conf, r->n, 0, "max_conf");
    for (int i = 0; i < r->n; i++)
        x[i] = (float)r->levels[i];
    rc = rc ? rc : keep_rows(r, x, r->n, 0, "levels");
    for (int i = 0; i < n; i++)
        x[i] = (float)order[i];
    rc = rc ? rc : keep_rows(r, x, n, 0, "keep");
    for (int i = 0; i < n; i++)
        x[i] = conf[order[i]];
    rc = rc ? rc : keep_rows(r, x, n, 0, "conf");
    free(x);
    return rc;
}

static int run_selection(struct run *r, int w, int h, struct regions **out)
{
    const struct arch *a = &r->d->a;
    float *boxes = xcalloc((size_t)r->n * 4 + 1, sizeof *boxes);
    float *conf = xcalloc((size_t)r->n + 1, sizeof *conf), s = (float)r->in.scale;
    int *order = xcalloc((size_t)r->n + 1, sizeof *order);
    int n = r->n < a->num_features ? r->n : a->num_features, rc = 0;
    for (int i = 0; i < 4 * r->n; i++)
        boxes[i] = r->boxes[i] / s;
    if (r->want->boxes) { /* exactly these, in their order */
        n = r->n;
        memcpy(boxes, r->want->boxes, (size_t)n * 4 * sizeof *boxes);
        for (int i = 0; i < n; i++)
            order[i] = i;
    } else {
        nms_classes(r->d->k, boxes, r->scores, r->n, a->num_classes, a->background ? 0 : 1,
                    a->class_nms_thresh, a->conf_thresh, conf);
        sort_down(conf, r->n, order);
        rc = keep_selection(r, conf, order, n);
    }
    if (rc == 0)
        rc = make_regions(r, boxes, order, n, w, h, out);
    for (int i = 0; rc == 0 && !r->want->boxes && i < n; i++)
        (*out)->num_boxes -= conf[order[i]] == 0;
    free(boxes);
    free(conf);
    free(order);
    return rc;
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
    for (int i = 0; i < 16; i++)
        free(r->slabs[i].p);
    free(r->in.map.x);
    free(r->boxes);
    free(r->objectness);
    free(r->levels);
    free(r->fc6);
    free(r->fc7);
    free(r->scores);
}

static int keep_image(struct run *r)
{
    struct map m = {NULL, r->in.h, r->in.w, 3};
    if (!r->trace)
        return 0;
    m.x = xmalloc((size_t)m.h * (size_t)m.w * 3 * sizeof *m.x);
    for (int y = 0; y < m.h; y++)
        memcpy(m.x + (ptrdiff_t)y * m.w * 3, r->in.map.x + (ptrdiff_t)y * r->in.map.w * 3,
               (size_t)m.w * 3 * sizeof *m.x);
    int rc = keep_map(r, &m, "image");
    free(m.x);
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
    int rc = run_all(&r, rgb, w, h, out);
    run_fini(&r);
    if (rc == 0 && trace)
        *trace = r.trace;
    else
        trace_free(r.trace);
    return rc;
}
