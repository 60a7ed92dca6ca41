/* SPDX-License-Identifier: MIT */
/* Everything a detection computed, in one file. Names: golden data of the detector. */
#include "src/vision/dump.h"

#include "src/base/mem.h"
#include "src/vision/priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 160

struct dump {
    struct tensor_out list[MOST];
    void *owned[MOST];
    char names[MOST][48];
    int count, owned_count;
};

static void *dump_own(struct dump *d, size_t bytes)
{
    return d->owned[d->owned_count++] = xcalloc(bytes + 8, 1);
}

static void dump_put(struct dump *d, const char *name, enum dtype dtype, int64_t rows,
                     int64_t columns, const void *data)
{
    struct tensor_out *t = &d->list[d->count];
    snprintf(d->names[d->count], sizeof d->names[0], "%s", name);
    *t = (struct tensor_out){.name = d->names[d->count++], .dtype = dtype,
                             .ndim = columns ? 2 : 1, .shape = {rows, columns}, .data = data};
}

static void put_integers(struct dump *d, const char *name, int n, const int64_t *x)
{
    int64_t *copy = dump_own(d, (size_t)n * sizeof *copy);
    memcpy(copy, x, (size_t)n * sizeof *copy);
    dump_put(d, name, DTYPE_I64, n, 0, copy);
}

/* A float row of the trace that holds whole numbers. */
static const int64_t *as_integers(struct dump *d, const struct trace_tensor *t)
{
    int64_t n = t->shape[0], *x = dump_own(d, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (int64_t)t->data[i];
    return x;
}

static void put_stats(struct dump *d, const struct trace_tensor *t)
{
    char name[TRACE_NAME + 16], own_name[TRACE_NAME];
    double sum = 0, squares = 0, most = 0, *out = dump_own(d, 3 * sizeof *out);
    int64_t n = (int64_t)trace_numbers(t);
    for (int64_t i = 0; i < n; i++)
        sum += (double)t->data[i];
    double mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)t->data[i] - mean, m = fabs((double)t->data[i]);
        squares += x * x;
        most = m > most ? m : most;
    }
    out[0] = mean;
    out[1] = n ? sqrt(squares / (double)n) : 0;
    out[2] = most;
    snprintf(name, sizeof name, "%s_stats", stage_name(t->at, own_name));
    dump_put(d, name, DTYPE_F64, 3, 0, out);
}

static void put_trace(struct dump *d, const struct trace *t)
{
    char name[TRACE_NAME];
    for (int i = 0; i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        stage_name(x->at, name);
        if (x->at.site == STAGE_LEVELS || x->at.site == STAGE_KEEP) {
            dump_put(d, name, DTYPE_I64, x->shape[0], 0, as_integers(d, x));
            continue;
        }
        dump_put(d, name, DTYPE_F32, x->shape[0], 0, x->data);
        struct tensor_out *o = &d->list[d->count - 1];
        o->ndim = x->ndim;
        memcpy(o->shape, x->shape, sizeof x->shape);
        if (x->at.site == STAGE_IMAGE) { /* the golden data has it without a batch */
            o->ndim = 3;
            memmove(o->shape, o->shape + 1, 3 * sizeof o->shape[0]);
        }
        if (x->ndim == 4 && x->at.site != STAGE_POOLED)
            put_stats(d, x);
    }
}

static void put_sizes(struct dump *d, const struct arch *a, const struct regions *g,
                      const struct trace *t)
{
    const struct trace_tensor *image = stage_of(t, STAGE_IMAGE);
    double *scale = dump_own(d, sizeof *scale);
    int64_t to = a->size_divisible, size[2] = {g->width, g->height}, padded[2];
    for (int i = 0; i < 2; i++)
        padded[i] = (image->shape[2 + i] + to - 1) / to * to;
    *scale = picture_scale(a, g->width, g->height);
    dump_put(d, "im_scale", DTYPE_F64, 1, 0, scale);
    put_integers(d, "orig_size", 2, size);
    put_integers(d, "padded_size", 2, padded);
}

/* Source: the box predictor of maskrcnn-benchmark; the reference goes on without it. */
static void put_deltas(struct dump *d, const struct arch *a, const struct tensorfile *f,
                       struct kern *k, const struct trace_tensor *fc7)
{
    struct kern *cpu = NULL; /* its operands are the host's */
    char why[KERN_WHY];
    const struct tensor *w = tensorfile_find(f, "roi_heads.box.predictor.bbox_pred.weight");
    const struct tensor *b = tensorfile_find(f, "roi_heads.box.predictor.bbox_pred.bias");
    int64_t n = 4 * (int64_t)a->num_classes;
    if (!w || !b || w->ndim != 2 || w->shape[0] != n || w->shape[1] != a->mlp_dim ||
        tensor_elements(b) != n)
        return; /* a file for features alone may lack it */
    if (!kern_is_host(k) && kern_open("cpu", 0, &cpu, why, sizeof why) != 0)
        return;
    k = cpu ? cpu : k;
    int rows = (int)fc7->shape[0];
    float *weights = dump_own(d, (size_t)(n * a->mlp_dim) * sizeof *weights);
    float *bias = dump_own(d, (size_t)n * sizeof *bias);
    float *out = dump_own(d, (size_t)rows * (size_t)n * sizeof *out);
    tensor_to_f32(w, weights);
    tensor_to_f32(b, bias);
    struct kern_linear o = {.x = fc7->data, .ldx = a->mlp_dim, .w = weights, .bias = bias,
                            .y = out, .ldy = n, .m = rows, .n = (int)n, .k = a->mlp_dim,
                            .act = KERN_NONE};
    kern_table(k)->linear(k, &o, 1);
    kern_close(cpu);
    dump_put(d, "box_deltas", DTYPE_F32, rows, n, out);
}

static int64_t dump_argmax(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* objects_rowslice is what the original script makes of a slice that takes away the first row
 * instead of the background's column. */
static void put_classes(struct dump *d, const struct arch *a, const struct regions *g,
                        const struct trace *t)
{
    const struct trace_tensor *scores = stage_of(t, STAGE_SCORES), *keep = stage_of(t, STAGE_KEEP);
    int64_t k = a->num_classes, first = a->background ? 0 : 1, n = g->count;
    float *prob = dump_own(d, (size_t)(n * k) * sizeof *prob),
          *best = dump_own(d, (size_t)n * sizeof *best);
    int64_t *objects = dump_own(d, (size_t)n * sizeof *objects);
    int64_t *sliced = dump_own(d, (size_t)n * sizeof *sliced);
    for (int64_t i = 0; i < n; i++) {
        const float *row = scores->data + (int64_t)keep->data[i] * k;
        memcpy(prob + i * (k - first), row + first, (size_t)(k - first) * sizeof *row);
        objects[i] = dump_argmax(row + first, k - first);
        best[i] = row[first + objects[i]];
        if (i >= first)
            sliced[i - first] = dump_argmax(row, k);
    }
    dump_put(d, "cls_prob", DTYPE_F32, n, k - first, prob);
    dump_put(d, "objects", DTYPE_I64, n, 0, objects);
    dump_put(d, "objects_rowslice", DTYPE_I64, n > first ? n - first : 0, 0, sliced);
    dump_put(d, "obj_score", DTYPE_F32, n, 0, best);
}

static void put_counts(struct dump *d, const struct trace *t)
{
    const struct trace_tensor *conf = stage_of(t, STAGE_CONF), *levels = stage_of(t, STAGE_LEVELS);
    const struct trace_tensor *boxes = stage_of(t, STAGE_PROPOSALS);
    const struct trace_tensor *scores = stage_of(t, STAGE_OBJECTNESS);
    int64_t boxed = 0, proposals = levels->shape[0], level[4] = {0};
    for (int64_t i = 0; i < conf->shape[0]; i++)
        boxed += conf->data[i] != 0;
    for (int64_t i = 0; i < proposals; i++)
        level[(int)levels->data[i]]++;
    put_integers(d, "num_boxes", 1, &boxed);
    put_integers(d, "proposal_count", 1, &proposals);
    put_integers(d, "level_counts", 4, level);
    int64_t head = proposals < 20 ? proposals : 20;
    dump_put(d, "proposals_head", DTYPE_F32, head, 4, boxes->data);
    dump_put(d, "objectness_head", DTYPE_F32, head, 0, scores->data);
}

int detector_dump(const char *path, const struct arch *a, const struct tensorfile *f,
                  struct kern *k, const struct regions *g, const struct trace *t,
                  struct vs_err *err)
{
    struct dump *d = xcalloc(1, sizeof *d);
    put_trace(d, t);
    put_sizes(d, a, g, t);
    put_deltas(d, a, f, k, stage_of(t, STAGE_FC7));
    put_classes(d, a, g, t);
    put_counts(d, t);
    dump_put(d, "boxes", DTYPE_F32, g->count, 4, g->boxes);
    dump_put(d, "features", DTYPE_F32, g->count, g->dim, g->features);
    int rc = tensorfile_check(f, 0, err);
    if (rc == 0)
        rc = safetensors_write(path, d->list, d->count, err);
    for (int i = 0; i < d->owned_count; i++)
        free(d->owned[i]);
    free(d);
    return rc;
}
