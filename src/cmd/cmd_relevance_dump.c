/* SPDX-License-Identifier: MIT */
/* The tensors of vilscope relevance. All numbers are float32; rows and columns of padding are 0. */
#include "src/cmd/cmd_relevance.h"

#include "src/base/mem.h"
#include "src/formats/tensorfile.h"
#include "src/study/gradients.h"
#include "src/study/removal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump {
    struct tensor_out *list;
    char **names;
    float **data;
    int count;
};

struct dump *dump_new(void)
{
    return xcalloc(1, sizeof(struct dump));
}

void dump_free(struct dump *d)
{
    for (int i = 0; i < d->count; i++) {
        free(d->names[i]);
        free(d->data[i]);
    }
    free(d->names);
    free(d->data);
    free(d->list);
    free(d);
}

int dump_write(const struct dump *d, const char *path, struct vs_err *err)
{
    return safetensors_write(path, d->list, d->count, err);
}

/* A tensor of zeros, "TARGET.NAME". */
static float *dump_add(struct dump *d, const struct subject *s, const char *name, int ndim,
                       const int64_t *shape)
{
    size_t n = (size_t)d->count + 1, size = 1;
    char full[400];
    d->list = xreallocarray(d->list, n, sizeof *d->list);
    d->names = xreallocarray(d->names, n, sizeof *d->names);
    d->data = xreallocarray(d->data, n, sizeof *d->data);
    snprintf(full, sizeof full, "%.300s.%s", s->of->name, name);
    struct tensor_out *t = &d->list[d->count];
    *t = (struct tensor_out){.dtype = DTYPE_F32, .ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        t->shape[i] = shape[i];
        size = vs_times(size, (size_t)shape[i]);
    }
    t->name = d->names[d->count] = xstrdup(full);
    t->data = d->data[d->count] = xcalloc(size + 1, sizeof(float));
    return d->data[d->count++];
}

static int relevance_dump_images_of(const struct subject *s)
{
    return s->grad->batch;
}

/* (images, a, b) or (images, a). */
static float *dump_add_rows(struct dump *d, const struct subject *s, const char *name, int a, int b)
{
    int64_t shape[3] = {relevance_dump_images_of(s), a, b};
    return dump_add(d, s, name, b > 0 ? 3 : 2, shape);
}

static void put_doubles(float *to, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)x[i];
}

static struct explained explained_of(const struct subject *s, int r)
{
    int first;
    net_target_images(&s->of->target, s->in->batch, &first);
    return (struct explained){s->pass, s->grad, first + r, r};
}

/* ---- gradients */

static void dump_map(struct dump *d, const struct subject *s, enum attn_kind kind, int layer)
{
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)kind, .layer = layer};
    const struct trace_tensor *g = trace_get(s->grad, at);
    size_t t = (size_t)s->pass->tokens, v = (size_t)s->pass->regions;
    int64_t shape[4] = {relevance_dump_images_of(s), net_map_heads(&s->net->sizes, kind),
                        (int64_t)stream_rows(attn_table[kind].from, t, v),
                        (int64_t)stream_rows(attn_table[kind].to, t, v)};
    char name[TRACE_NAME], full[TRACE_NAME + 8];
    snprintf(full, sizeof full, "grad.%s", trace_name(at, name));
    float *out = dump_add(d, s, full, 4, shape);
    if (g)
        memcpy(out, g->data,
               (size_t)(shape[0] * shape[1] * shape[2] * shape[3]) * sizeof *out);
}

static void dump_maps(struct dump *d, const struct subject *s)
{
    const struct family *f = s->net->family;
    for (int i = 0; i < f->map_count; i++)
        for (int l = 0; l < net_map_layers(&s->net->sizes, f->maps[i]); l++)
            dump_map(d, s, f->maps[i], l);
}

static void dump_tensor(struct dump *d, const struct subject *s, const char *name,
                        struct trace_at at)
{
    const struct trace_tensor *g = trace_get(s->grad, at);
    if (g)
        memcpy(dump_add_rows(d, s, name, (int)g->shape[1], (int)g->shape[2]), g->data,
               (size_t)(g->shape[0] * g->shape[1] * g->shape[2]) * sizeof(float));
}

/* Token vectors without the task's. */
static void dump_words(struct dump *d, const struct subject *s)
{
    struct trace_at at = {.kind = TRACE_INPUT, .site = INPUT_TOKENS};
    const struct trace_tensor *g = trace_get(s->grad, at);
    size_t n = (size_t)g->shape[2], tokens = (size_t)s->in->tokens;
    float *out = dump_add_rows(d, s, "grad.words", s->in->tokens, (int)n);
    for (size_t i = 0; i < (size_t)relevance_dump_images_of(s) * tokens; i++) {
        size_t place = (size_t)net_token_row(s->net, (int)(i % tokens));
        memcpy(out + i * n, g->data + (i / tokens * (size_t)g->shape[1] + place) * n,
               n * sizeof *out);
    }
}

static void dump_gradients(struct dump *d, const struct subject *s)
{
    dump_maps(d, s);
    for (int i = 0; i < STREAM_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "grad.embeddings.%s", stream_table[i].key);
        dump_tensor(d, s, name, (struct trace_at){.kind = TRACE_STATE, .site = PART_EMBEDDINGS,
                                                  .stream = (enum net_stream)i});
    }
    dump_words(d, s);
    dump_tensor(d, s, "grad.features",
                (struct trace_at){.kind = TRACE_INPUT, .site = INPUT_FEATURES});
    dump_tensor(d, s, "grad.spatials", (struct trace_at){.kind = TRACE_INPUT, .site = INPUT_BOXES});
}

/* ---- what is made of them */

static void dump_heads(struct dump *d, const struct subject *s)
{
    static const struct {
        enum attn_kind kind;
        const char *name;
    } list[] = {{ATTN_TEXT, "head.t"}, {ATTN_VISUAL, "head.v"}, {ATTN_TEXT_TO_IMAGE, "head.c1"},
                {ATTN_IMAGE_TO_TEXT, "head.c2"}, {ATTN_JOINT, "head.j"}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        int layers = net_map_layers(&s->net->sizes, list[i].kind);
        int heads = net_map_heads(&s->net->sizes, list[i].kind);
        if (layers == 0)
            continue;
        float *out = dump_add_rows(d, s, list[i].name, layers, heads);
        double *sums = xcalloc((size_t)heads + 1, sizeof *sums);
        for (int r = 0; r < relevance_dump_images_of(s); r++) {
            struct explained e = explained_of(s, r);
            e.grad = s->whole;
            for (int l = 0; l < layers; l++)
                if (relevancy_heads(&e, list[i].kind, l, sums))
                    put_doubles(out + ((ptrdiff_t)r * layers + l) * heads, sums, (size_t)heads);
        }
        free(sums);
    }
}

static void dump_relevancy(struct dump *d, const struct subject *s)
{
    static const struct {
        enum attn_kind kind;
        const char *name;
    } list[] = {{ATTN_TEXT, "Rhat.tt"}, {ATTN_VISUAL, "Rhat.ii"}, {ATTN_TEXT_TO_IMAGE, "R.ti"},
                {ATTN_IMAGE_TO_TEXT, "R.it"}, {ATTN_JOINT, "Rhat.jj"}};
    size_t t = (size_t)s->pass->tokens, v = (size_t)s->pass->regions;
    size_t images = (size_t)relevance_dump_images_of(s);
    struct relevancy *x = xcalloc(images + 1, sizeof *x);
    double *tokens = xcalloc(t + 1, sizeof *tokens), *regions = xcalloc(v + 1, sizeof *regions);
    for (size_t r = 0; r < images; r++) {
        struct explained e = explained_of(s, (int)r);
        relevancy_make(&e, &x[r]);
    }
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        int rows, cols;
        bool any = relevancy_matrix(&x[0], list[i].kind, &rows, &cols) != NULL;
        size_t n = (size_t)rows * (size_t)cols;
        float *out = any ? dump_add_rows(d, s, list[i].name, rows, cols) : NULL;
        for (size_t r = 0; any && r < images; r++)
            put_doubles(out + r * n, relevancy_matrix(&x[r], list[i].kind, &rows, &cols), n);
    }
    float *of_tokens = dump_add_rows(d, s, "read.tokens", (int)t, 0);
    float *of_regions = dump_add_rows(d, s, "read.regions", (int)v, 0);
    for (size_t r = 0; r < images; r++) {
        relevancy_read(&x[r], &s->of->target, tokens, regions);
        put_doubles(of_tokens + r * t, tokens, t);
        put_doubles(of_regions + r * v, regions, v);
        relevancy_fini(&x[r]);
    }
    free(tokens);
    free(regions);
    free(x);
}

/* Keys that are padding have no effect that counts. */
static void dump_clear_padding(const struct subject *s, int r, double *tokens, double *regions)
{
    const struct net_input *in = s->in;
    int first, b;
    net_target_images(&s->of->target, in->batch, &first);
    b = first + r;
    for (int i = 0; i < in->tokens; i++)
        if (!removal_is_real(in->text_mask, in->tokens, b, i))
            tokens[net_token_row(s->net, i)] = 0;
    for (int i = 0; i < in->regions; i++)
        if (!removal_is_real(in->image_mask, in->regions, b, i))
            regions[i] = 0;
}

static void dump_keys(struct dump *d, const struct subject *s)
{
    int t = s->pass->tokens, v = s->pass->regions;
    float *tokens = dump_add_rows(d, s, "mask.tokens", t, 0);
    float *regions = dump_add_rows(d, s, "mask.regions", v, 0);
    double *x = xcalloc((size_t)t + 1, sizeof *x), *y = xcalloc((size_t)v + 1, sizeof *y);
    for (int r = 0; r < relevance_dump_images_of(s); r++) {
        struct explained e = explained_of(s, r);
        e.grad = s->whole;
        relevancy_keys(&e, x, y);
        dump_clear_padding(s, r, x, y);
        put_doubles(tokens + (ptrdiff_t)r * t, x, (size_t)t);
        put_doubles(regions + (ptrdiff_t)r * v, y, (size_t)v);
    }
    free(x);
    free(y);
}

/* Of tokens of the pass those of the input. */
static void relevance_dump_put_words(const struct subject *s, float *to, const double *x)
{
    for (int i = 0; i < s->in->tokens; i++)
        to[i] = (float)x[net_token_row(s->net, i)];
}

static void dump_products(struct dump *d, const struct subject *s)
{
    size_t t = (size_t)s->pass->tokens, v = (size_t)s->pass->regions, words = (size_t)s->in->tokens;
    float *tokens = dump_add_rows(d, s, "gxi.tokens", s->in->tokens, 0);
    float *regions = dump_add_rows(d, s, "gxi.regions", (int)v, 0);
    float *boxes = dump_add_rows(d, s, "gxi.spatials", (int)v, 0);
    struct worths w = {xcalloc(t + 1, sizeof(double)), xcalloc(v + 1, sizeof(double)),
                       xcalloc(v + 1, sizeof(double))};
    for (size_t r = 0; r < (size_t)relevance_dump_images_of(s); r++) {
        struct explained e = explained_of(s, (int)r);
        gradient_times_input(&e, s->in, &w);
        relevance_dump_put_words(s, tokens + r * words, w.tokens);
        put_doubles(regions + r * v, w.regions, v);
        put_doubles(boxes + r * v, w.boxes, v);
    }
    free(w.tokens);
    free(w.regions);
    free(w.boxes);
}

static int dump_integrated(struct dump *d, const struct subject *s, struct vs_err *err)
{
    size_t v = (size_t)s->pass->regions, t = (size_t)s->pass->tokens, words = (size_t)s->in->tokens;
    struct integrated x = {0};
    const int64_t one = 1;
    if (s->ig_steps == 0)
        return 0;
    int rc = integrated_gradients(s->net, s->in, &s->of->target, s->ig_steps, NULL, NULL, &x,
                                  err);
    if (rc == 0) {
        float *tokens = dump_add_rows(d, s, "ig.tokens", s->in->tokens, 0);
        float *regions = dump_add_rows(d, s, "ig.regions", (int)v, 0);
        for (size_t r = 0; r < (size_t)relevance_dump_images_of(s); r++) {
            relevance_dump_put_words(s, tokens + r * words, x.tokens + r * t);
            put_doubles(regions + r * v, x.regions + r * v, v);
        }
        *dump_add(d, s, "ig.base", 1, &one) = (float)x.base;
    }
    integrated_fini(&x);
    return rc;
}

int dump_target(struct dump *d, const struct subject *s, struct vs_err *err)
{
    const int64_t one = 1;
    *dump_add(d, s, "value", 1, &one) = (float)target_value(s->pass, &s->of->target);
    dump_gradients(d, s);
    dump_heads(d, s);
    dump_keys(d, s);
    dump_products(d, s);
    dump_relevancy(d, s);
    return dump_integrated(d, s, err);
}
