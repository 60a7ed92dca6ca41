/* SPDX-License-Identifier: MIT */
/* Whole passes of the model on a GPU, or on the calls that stand in for one, against the CPU:
 * random queries, and a device whose memory ends at any moment. */
#ifndef QUERIES_H
#define QUERIES_H

#include "kernels/cuda/gpu.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/model/vilbert/vilbert.h"
#include "tap.h"

#include <math.h>

static uint32_t query_seed = 7;

static int query_below(int n)
{
    query_seed = query_seed * 1664525u + 1013904223u;
    return (int)((query_seed >> 8) % (uint32_t)n);
}

struct query_model {
    struct config c;
    struct tensorfile *file;
    struct kern *k;
    struct vilbert *m;
};

static void query_close(struct query_model *q)
{
    vilbert_free(q->m);
    kern_close(q->k);
    tensorfile_close(q->file);
    *q = (struct query_model){0};
}

/* Takes k. */
static int query_open(struct query_model *q, const char *config, const char *checkpoint,
                      struct kern *k, struct vs_err *err)
{
    *q = (struct query_model){.k = k};
    int rc = config_read(config, &q->c, err);
    if (rc == 0)
        rc = tensorfile_open(checkpoint, &q->file, err);
    if (rc == 0)
        rc = vilbert_open(&q->c, q->file, k, &q->m, err);
    return rc;
}

/* Some images, tokens and regions; every second one with padding at the end. */
static void query_random(const struct query_model *q, struct net_input *in)
{
    int b = 1 + query_below(4), t = 2 + query_below(10), v = 1 + query_below(12);
    bool masks = query_below(2), types = query_below(2);
    int32_t *ids = xcalloc((size_t)(b * t), sizeof *ids);
    int32_t *type = xcalloc((size_t)(b * t), sizeof *type);
    int32_t *tm = xcalloc((size_t)(b * t), sizeof *tm), *vm = xcalloc((size_t)(b * v), sizeof *vm);
    int32_t *task = xcalloc((size_t)b, sizeof *task);
    float *features = xcalloc((size_t)(b * v * q->c.v_feature), sizeof *features);
    float *spatials = xcalloc((size_t)(b * v * 5), sizeof *spatials);
    for (int i = 0; i < b; i++) {
        int tokens = 1 + query_below(t), regions = 1 + query_below(v);
        task[i] = query_below(4);
        for (int j = 0; j < t; j++) {
            ids[i * t + j] = query_below(q->c.text.vocab_size);
            type[i * t + j] = query_below(q->c.text.type_vocab);
            tm[i * t + j] = j < tokens;
        }
        for (int j = 0; j < v; j++)
            vm[i * v + j] = j < regions;
    }
    for (int i = 0; i < b * v * q->c.v_feature; i++)
        features[i] = (float)query_below(2000) / 1000 - 1;
    for (int i = 0; i < b * v * 5; i++)
        spatials[i] = (float)query_below(1000) / 1000;
    *in = (struct net_input){b, t, v, ids, types ? type : NULL, masks ? tm : NULL, features,
                             spatials, masks ? vm : NULL,
                             vilbert_net(q->m)->task_tokens ? task : NULL, NULL};
    if (!types)
        free(type);
    if (!masks)
        free(tm), free(vm);
    if (!in->task)
        free(task);
}

static void query_free(struct net_input *in)
{
    free((void *)(uintptr_t)in->ids);
    free((void *)(uintptr_t)in->types);
    free((void *)(uintptr_t)in->text_mask);
    free((void *)(uintptr_t)in->features);
    free((void *)(uintptr_t)in->spatials);
    free((void *)(uintptr_t)in->image_mask);
    free((void *)(uintptr_t)in->task);
}

/* The largest difference of two traces of the same shape; infinity for others. */
static float query_difference(const struct trace *a, const struct trace *b)
{
    float worst = a->count == b->count ? 0 : INFINITY;
    for (int i = 0; i < a->count && i < b->count; i++) {
        size_t n = 1;
        for (int d = 0; d < a->tensors[i].ndim; d++)
            n *= (size_t)a->tensors[i].shape[d];
        for (size_t j = 0; j < n; j++) {
            float d = fabsf(a->tensors[i].data[j] - b->tensors[i].data[j]);
            worst = d > worst || !(d >= 0) ? d : worst;
        }
    }
    return worst;
}

static struct net_want query_want(const struct query_model *q, struct net_silence *s)
{
    static const unsigned some[] = {HEAD_VQA | HEAD_ALIGN, HEAD_VQA | HEAD_GROUND | HEAD_ALIGN,
                                    HEAD_GROUND, HEAD_ALL};
    struct net_want w = {.heads = some[query_below(4)]};
    w.heads &= vilbert_net(q->m)->heads;
    w.attention = query_below(2);
    w.hidden = query_below(4) == 0;
    w.keep_padding = query_below(4) == 0;
    *s = (struct net_silence){.map = (enum attn_kind)query_below(4), .layer = 0, .head = -1,
                              .b = query_below(2) - 1,
                              .how = (enum kern_silence)query_below(3)};
    w.silences = s;
    w.silence_count = query_below(2);
    return w;
}

#define QUERY_NEAR 5e-5f /* sums of float32 in another order */

/* count random queries on both: every number that comes back, within so much. */
__attribute__((unused)) static void query_compare(struct query_model *gpu, struct query_model *cpu,
                                                  int count, float within)
{
    float worst = 0;
    int done = 0;
    for (int i = 0; i < count; i++) {
        struct net_input in;
        struct net_silence s;
        struct vs_err err = {0};
        struct trace *a = NULL, *b = NULL;
        query_random(cpu, &in);
        struct net_want want = query_want(cpu, &s);
        if (vilbert_forward(gpu->m, &in, &want, &a, &err) == 0 &&
            vilbert_forward(cpu->m, &in, &want, &b, &err) == 0) {
            float d = query_difference(a, b);
            worst = d > worst || !(d >= 0) ? d : worst;
            done++;
        } else {
            tap_note("query %d: %s", i, err.text);
        }
        trace_free(a);
        trace_free(b);
        query_free(&in);
    }
    ok(done == count && worst < within, "%d of %d random queries answer as on the CPU (%g)", done,
       count, (double)worst);
}

/* What the heads say of states that no pass left: the first thing that is asked of the device. */
__attribute__((unused)) static void query_states(struct query_model *gpu, struct query_model *cpu)
{
    static const enum net_head heads[] = {HEAD_WORD, HEAD_REGION_CLASS, HEAD_GROUND,
                                          HEAD_WORD_LOGIT};
    enum { ROWS = 3 };
    double worst = 0;
    int done = 0;
    for (int h = 0; h < 4; h++) {
        bool text = heads[h] == HEAD_WORD || heads[h] == HEAD_WORD_LOGIT;
        int width = text ? cpu->c.text.hidden : cpu->c.v_hidden;
        size_t n = ROWS * (size_t)vilbert_head_size(cpu->m, heads[h]);
        float *x = xcalloc(ROWS * (size_t)width, sizeof *x);
        float *a = xcalloc(n, sizeof *a), *b = xcalloc(n, sizeof *b);
        struct vs_err err = {0};
        for (int i = 0; i < ROWS * width; i++)
            x[i] = (float)query_below(2000) / 1000 - 1;
        done += n > 0 && vilbert_read_states(gpu->m, heads[h], x, ROWS, a, &err) == 0 &&
                vilbert_read_states(cpu->m, heads[h], x, ROWS, b, &err) == 0;
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        free(x);
        free(a);
        free(b);
    }
    ok(done == 4 && worst < 5e-5, "%d of 4 heads read states as on the CPU (%g)", done, worst);
}

/* ---- memory that ends: opens a back end whose nth allocation fails; every step-th behind the
 * first two dozen */

typedef struct kern *query_opener(int nth, char *why, size_t size);

/* One query with the nth allocation failing. Returns 1 when it failed as it should, 0 when nothing
 * failed any more, -1 when something is wrong. */
static int query_short(query_opener *open, int nth, const char *config, const char *checkpoint,
                       const struct net_input *in, const struct trace *expected)
{
    struct query_model q = {0};
    struct net_want want = {.heads = HEAD_VQA, .attention = true};
    struct vs_err err = {0};
    struct trace *t = NULL;
    char why[400] = "";
    struct kern *k = open(nth, why, sizeof why);
    if (!k)
        return strstr(why, "memory") ? 1 : -1;
    int rc = query_open(&q, config, checkpoint, k, &err), result;
    if (rc == 0)
        rc = vilbert_forward(q.m, in, &want, &t, &err);
    result = rc == 0 ? 0 : strstr(err.text, "memory") ? 1 : -1;
    if (result < 0)
        tap_note("allocation %d: %s", nth, err.text);
    if (result == 1 && q.m && vilbert_forward(q.m, in, &want, &t, &err) != 0)
        result = -1; /* it has to go on once there is memory again */
    if (result >= 0 && (!t || !(query_difference(t, expected) < 5e-5f)))
        result = -1;
    trace_free(t);
    query_close(&q);
    return result;
}

__attribute__((unused)) static void query_out_of_memory(query_opener *open, const char *config,
                                                        const char *checkpoint,
                                                        struct query_model *cpu, int step)
{
    struct net_input in;
    struct net_want want = {.heads = HEAD_VQA, .attention = true};
    struct vs_err err = {0};
    struct trace *expected = NULL;
    int failed = 0, nth = 1, quiet = 0, r = 1;
    query_random(cpu, &in);
    if (vilbert_forward(cpu->m, &in, &want, &expected, &err) == 0)
        for (; quiet < 8 && r >= 0 && nth < 5000; nth += nth < 24 ? 1 : step) {
            r = query_short(open, nth, config, checkpoint, &in, expected);
            failed += r == 1;
            quiet = r == 0 ? quiet + 1 : 0; /* pinned memory can be done without */
        }
    ok(expected && r == 0 && failed > 1, "memory ends at any of %d allocations: one line, and it "
       "goes on afterwards (%d failures, %d)", nth - step, failed, r);
    trace_free(expected);
    query_free(&in);
}

#endif
