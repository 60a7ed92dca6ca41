/* SPDX-License-Identifier: MIT */
/* Sequences of random queries that share texts and images, on models that keep states between
 * passes and on the same ones that do not: every number has to be the same. */
#ifndef AGAIN_H
#define AGAIN_H

#include "queries.h"

#include <stdio.h>
#include <unistd.h>

#define AGAIN_POOL 4 /* texts, images */
enum { AGAIN_TOKENS = 7, AGAIN_REGIONS = 9 };

/* A model and another checkpoint of its configuration, each with and without a store. */
struct again {
    struct query_model a, b; /* they keep */
    struct vilbert *a_plain, *b_plain;
    char other[1000]; /* file of the second checkpoint */
    int32_t ids[AGAIN_POOL][AGAIN_TOKENS], types[AGAIN_POOL][AGAIN_TOKENS];
    float *features, *spatials; /* (pool, regions, ...) */
    int tokens[AGAIN_POOL], regions[AGAIN_POOL];
};

/* A safetensors file of the same tensors, each a bit larger. Written here, as machines with GPUs
 * may lack what the program writes JSON with. */
static int write_other(const struct tensorfile *f, const char *path, struct vs_err *err)
{
    int count = tensorfile_count(f);
    size_t at = 0;
    struct buf head = {0};
    for (int i = 0; i < count; i++) {
        const struct tensor *t = tensorfile_at(f, i);
        size_t size = (size_t)tensor_elements(t) * sizeof(float);
        buf_printf(&head, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "{", t->name);
        for (int d = 0; d < t->ndim; d++)
            buf_printf(&head, "%s%lld", d ? "," : "", (long long)t->shape[d]);
        buf_printf(&head, "],\"data_offsets\":[%zu,%zu]}", at, at + size);
        at += size;
    }
    buf_printf(&head, "}%*s", (int)(7 - head.len % 8), "");
    FILE *out = fopen(path, "wb");
    uint64_t n = head.len;
    bool good = out && fwrite(&n, sizeof n, 1, out) == 1 &&
                fwrite(head.data, 1, head.len, out) == head.len;
    for (int i = 0; i < count && good; i++) {
        const struct tensor *t = tensorfile_at(f, i);
        size_t elements = (size_t)tensor_elements(t);
        float *x = xcalloc(elements + 1, sizeof *x);
        tensor_to_f32(t, x);
        for (size_t j = 0; j < elements; j++)
            x[j] *= 1.0625f;
        good = fwrite(x, sizeof *x, elements, out) == elements;
        free(x);
    }
    good = out && fclose(out) == 0 && good;
    buf_fini(&head);
    return good ? 0 : vs_fail(err, VS_E_IO, "%s: cannot be written", path);
}

static void again_close(struct again *x)
{
    struct kern *k = x->a.k;
    vilbert_free(x->a_plain);
    vilbert_free(x->b_plain);
    vilbert_free(x->a.m);
    vilbert_free(x->b.m);
    kern_close(k);
    tensorfile_close(x->a.file);
    tensorfile_close(x->b.file);
    free(x->features);
    free(x->spatials);
    if (x->other[0])
        unlink(x->other);
}

static void again_fill(struct again *x)
{
    size_t rows = AGAIN_POOL * AGAIN_REGIONS, n = (size_t)x->a.c.v_feature;
    x->features = xcalloc(rows * n, sizeof *x->features);
    x->spatials = xcalloc(rows * 5, sizeof *x->spatials);
    for (size_t i = 0; i < rows * n; i++)
        x->features[i] = (float)query_below(2000) / 1000 - 1;
    for (size_t i = 0; i < rows * 5; i++)
        x->spatials[i] = (float)query_below(1000) / 1000;
    for (int i = 0; i < AGAIN_POOL; i++) {
        x->tokens[i] = 1 + query_below(AGAIN_TOKENS);
        x->regions[i] = 1 + query_below(AGAIN_REGIONS);
        for (int j = 0; j < AGAIN_TOKENS; j++) {
            x->ids[i][j] = query_below(x->a.c.text.vocab_size);
            x->types[i][j] = query_below(x->a.c.text.type_vocab);
        }
    }
    /* Some that differ late: in the last number of a row, in the last token, in their masks. */
    for (int i = 1; i < 3; i++) {
        memcpy(x->ids[i], x->ids[0], sizeof x->ids[0]);
        memcpy(x->types[i], x->types[0], sizeof x->types[0]);
    }
    x->tokens[0] = x->tokens[1] = AGAIN_TOKENS;
    x->tokens[2] = AGAIN_TOKENS - 3;
    x->ids[1][AGAIN_TOKENS - 1] ^= 1;
    memcpy(x->features + AGAIN_REGIONS * n, x->features, AGAIN_REGIONS * n * sizeof(float));
    memcpy(x->spatials + AGAIN_REGIONS * 5, x->spatials, AGAIN_REGIONS * 5 * sizeof(float));
    x->regions[0] = x->regions[1] = AGAIN_REGIONS;
    x->features[2 * AGAIN_REGIONS * n - 1] += 0.5f;
}

/* Takes k. */
static int again_open(struct again *x, const char *config, const char *checkpoint, struct kern *k,
                      struct vs_err *err)
{
    const char *dir = getenv("TMPDIR");
    *x = (struct again){.b = {.k = k}};
    int rc = query_open(&x->a, config, checkpoint, k, err);
    snprintf(x->other, sizeof x->other, "%s/again-%ld", dir ? dir : "/tmp", (long)getpid());
    if (rc == 0)
        rc = write_other(x->a.file, x->other, err);
    if (rc == 0)
        rc = tensorfile_open(x->other, &x->b.file, err);
    x->b.c = x->a.c;
    if (rc == 0)
        rc = vilbert_open(&x->b.c, x->b.file, k, &x->b.m, err);
    if (rc == 0)
        rc = vilbert_open(&x->a.c, x->a.file, k, &x->a_plain, err);
    if (rc == 0)
        rc = vilbert_open(&x->b.c, x->b.file, k, &x->b_plain, err);
    if (rc == 0)
        again_fill(x);
    return rc;
}

/* A batch of texts and images of the pool; here and there one region is masked. */
static void again_input(const struct again *x, struct net_input *in)
{
    size_t n = (size_t)x->a.c.v_feature;
    int b = 1 + query_below(4), t = AGAIN_TOKENS, v = AGAIN_REGIONS;
    int32_t *ids = xcalloc((size_t)(b * t), sizeof *ids);
    int32_t *types = xcalloc((size_t)(b * t), sizeof *types);
    int32_t *tm = xcalloc((size_t)(b * t), sizeof *tm), *vm = xcalloc((size_t)(b * v), sizeof *vm);
    int32_t *task = xcalloc((size_t)b, sizeof *task);
    float *features = xcalloc((size_t)(b * v) * n, sizeof *features);
    float *spatials = xcalloc((size_t)(b * v * 5), sizeof *spatials);
    for (int i = 0; i < b; i++) {
        int text = query_below(AGAIN_POOL), image = query_below(AGAIN_POOL);
        task[i] = 1 + query_below(2);
        memcpy(ids + i * t, x->ids[text], sizeof x->ids[text]);
        memcpy(types + i * t, x->types[text], sizeof x->types[text]);
        memcpy(features + (size_t)(i * v) * n, x->features + (size_t)(image * v) * n,
               (size_t)v * n * sizeof *features);
        memcpy(spatials + i * v * 5, x->spatials + image * v * 5, (size_t)v * 5 * sizeof *spatials);
        for (int j = 0; j < t; j++)
            tm[i * t + j] = j < x->tokens[text];
        for (int j = 0; j < v; j++)
            vm[i * v + j] = j < x->regions[image];
        if (query_below(4) == 0)
            vm[i * v + query_below(v)] = 0;
    }
    *in = (struct net_input){b, t, v, ids, types, tm, features, spatials, vm,
                             vilbert_net(x->a.m)->task_tokens ? task : NULL, NULL};
    if (!in->task)
        free(task);
}

/* One of both, or the first with a part of the other; *made are the caller's. */
static int again_models(struct again *x, struct vilbert *use[2], struct vilbert *made[2],
                        struct vs_err *err)
{
    int which = query_below(4), rc = 0;
    made[0] = made[1] = NULL;
    use[0] = which ? x->a.m : x->b.m;
    use[1] = which ? x->a_plain : x->b_plain;
    if (which != 2)
        return 0;
    struct net_patch swap = {.part = (enum net_part)query_below(5),
                             .layer = query_below(3) - 1, .head = -1,
                             .from = vilbert_net(x->b.m)};
    if (swap.part == PART_EMBEDDINGS || swap.part == PART_HEADS)
        swap.layer = -1;
    else if (swap.layer >= 0)
        swap.head = query_below(3) - 1;
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = vilbert_mix(use[i], &swap, 1, &made[i], err);
    if (rc == 0)
        memcpy(use, made, 2 * sizeof *use);
    return rc;
}

static int again_query(struct again *x, float *worst, struct vs_err *err)
{
    struct net_input in;
    struct net_silence s;
    struct vilbert *use[2], *made[2];
    struct trace *t[2] = {NULL, NULL};
    again_input(x, &in);
    struct net_want want = query_want(&x->a, &s);
    want.attention &= query_below(2);
    int rc = again_models(x, use, made, err);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = vilbert_forward(use[i], &in, &want, &t[i], err);
    float d = rc == 0 ? query_difference(t[0], t[1]) : 0;
    *worst = d > *worst || !(d >= 0) ? d : *worst;
    for (int i = 0; i < 2; i++) {
        trace_free(t[i]);
        vilbert_free(made[i]);
    }
    query_free(&in);
    return rc;
}

/* count queries with a store of so many bytes; 0 is the only difference where `exact`. */
static void again_run(struct again *x, const char *what, size_t bytes, int count, bool exact)
{
    struct prefix_cache *s = prefix_new(x->a.k, bytes);
    struct prefix_stats stats;
    struct vs_err err = {0};
    float worst = 0;
    int done = 0;
    vilbert_keep(x->a.m, s);
    vilbert_keep(x->b.m, s);
    for (int i = 0; i < count; i++)
        done += again_query(x, &worst, &err) == 0;
    prefix_stats(s, &stats);
    ok(done == count && worst <= (exact ? 0 : 5e-5f), "%s: %d of %d queries answer as without a "
       "store (%g) %s", what, done, count, (double)worst, err.text);
    ok(stats.bytes <= bytes && (bytes < 4096 || (stats.found > count / 8 && stats.made > 4)),
       "%s: %d states of %zu bytes, %d made, %d found", what, stats.count, stats.bytes, stats.made,
       stats.found);
    vilbert_keep(x->a.m, NULL);
    vilbert_keep(x->b.m, NULL);
    prefix_free(s);
}

/* One query several times: what is left of it becomes a graph on a device. Equal images are
 * computed once with a store, in a smaller product, whose sums have another order. */
__attribute__((unused)) static void again_same(struct again *x)
{
    struct prefix_cache *s = prefix_new(x->a.k, (size_t)1 << 20);
    struct net_want want = {.heads = HEAD_VQA | HEAD_GROUND};
    struct net_input in;
    struct trace *t[2] = {NULL, NULL};
    struct vs_err err = {0};
    float worst = 0;
    again_input(x, &in);
    vilbert_keep(x->a.m, s);
    for (int i = 0; i < 10; i++) {
        bool good = vilbert_forward(i % 2 ? x->a.m : x->a_plain, &in, &want, &t[i % 2], &err) == 0;
        float d = i % 2 && good ? query_difference(t[0], t[1]) : 0;
        worst = !good || !(d >= 0) ? INFINITY : d > worst ? d : worst;
        if (i % 2)
            trace_free(t[0]), trace_free(t[1]);
    }
    ok(worst <= 5e-5f, "the same query five times, with and without a store (%g) %s",
       (double)worst, err.text);
    vilbert_keep(x->a.m, NULL);
    prefix_free(s);
    query_free(&in);
}

/* Memory that ends while states are kept or made: every query is answered, as kept states make
 * room. *fail: which of the next allocations fails. */
__attribute__((unused)) static void again_short(struct again *x, int *fail)
{
    struct prefix_cache *s = prefix_new(x->a.k, (size_t)1 << 20);
    struct vs_err err = {0};
    float worst = 0;
    int done = 0, count = 15;
    vilbert_keep(x->a.m, s);
    vilbert_keep(x->b.m, s);
    for (int i = 0; i < count; i++) {
        *fail = 0;
        bool any = again_query(x, &worst, &err) == 0; /* something is kept */
        *fail = 1 + i % 5;
        done += again_query(x, &worst, &err) == 0 && any;
    }
    *fail = 0;
    ok(done >= count - 3 && worst <= 5e-5f, "memory that ends takes kept states first: %d of %d "
       "queries answer (%g) %s", done, count, (double)worst, err.text);
    prefix_free(s);
}

#endif
