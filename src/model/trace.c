/* What a forward pass leaves behind. */
#include "src/model/trace.h"

#include "src/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float *trace_add(struct trace *t, int ndim, const int64_t *shape, const char *fmt, ...)
{
    size_t n = 1;
    t->tensors = xreallocarray(t->tensors, (size_t)t->count + 1, sizeof *t->tensors);
    struct trace_tensor *x = &t->tensors[t->count];
    *x = (struct trace_tensor){.ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        x->shape[i] = shape[i];
        n = vs_times(n, (size_t)shape[i]);
    }
    x->data = vs_try_calloc(n + 1, sizeof *x->data);
    if (!x->data)
        return NULL;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->name, sizeof x->name, fmt, ap);
    va_end(ap);
    t->count++;
    return x->data;
}

const struct trace_tensor *trace_find(const struct trace *t, const char *name)
{
    for (int i = 0; t && i < t->count; i++)
        if (strcmp(t->tensors[i].name, name) == 0)
            return &t->tensors[i];
    return NULL;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->count; i++)
        free(t->tensors[i].data);
    free(t->tensors);
    free(t);
}

/* ---- numbers that are none */

const char *trace_not_finite(const struct trace *t)
{
    for (int i = 0; i < t->count; i++) {
        size_t n = 1;
        for (int d = 0; d < t->tensors[i].ndim; d++)
            n *= (size_t)t->tensors[i].shape[d];
        if (!kern_is_finite(t->tensors[i].data, n))
            return t->tensors[i].name;
    }
    return NULL;
}

void trace_describe(const char *name, char *out, size_t size)
{
    static const char *const streams[] = {"t", "textual", "v", "visual", "c", "co-attention"};
    int layer;
    char stream, kind[8];
    const char *what = "layer";
    if (strncmp(name, "hid.embeddings.", 15) == 0) {
        snprintf(out, size, "the embedding of the %s", name[15] == 't' ? "text" : "regions");
        return;
    }
    if (strncmp(name, "attn.", 5) == 0)
        what = "attention of layer";
    if (sscanf(name, "%7[a-z].%c.%d", kind, &stream, &layer) == 3)
        for (int i = 0; i < 6; i += 2)
            if (stream == streams[i][0]) {
                snprintf(out, size, "%s %s %d", streams[i + 1], what, layer);
                return;
            }
    snprintf(out, size, "the output");
}

/* ---- images of a trace, and of several */

/* Numbers of one entry of the first dimension. */
static size_t step_of(const struct trace_tensor *x)
{
    size_t n = 1;
    for (int d = 1; d < x->ndim; d++)
        n *= (size_t)x->shape[d];
    return n;
}

int trace_append(struct trace *a, const struct trace *b, struct vs_err *err)
{
    for (int i = 0; i < a->count; i++) {
        struct trace_tensor *x = &a->tensors[i];
        const struct trace_tensor *y = trace_find(b, x->name);
        size_t n = step_of(x), had = (size_t)x->shape[0] * n;
        if (!y || y->ndim != x->ndim || step_of(y) != n)
            return vs_fail(err, VS_E_FORMAT, "parts of a pass differ in %s", x->name);
        float *all = vs_try_calloc(had + (size_t)y->shape[0] * n + 1, sizeof *all);
        if (!all)
            return vs_fail(err, VS_E_LIMIT, "no memory for %s", x->name);
        memcpy(all, x->data, had * sizeof *all);
        memcpy(all + had, y->data, (size_t)y->shape[0] * n * sizeof *all);
        free(x->data);
        x->data = all;
        x->shape[0] += y->shape[0];
    }
    a->batch += b->batch;
    a->ms += b->ms;
    return 0;
}

/* Rows of one tensor; those of pairs are half as many. A row of the numbers of regions is cut. */
static int add_part(struct trace *to, const struct trace *t, const struct trace_tensor *x,
                    int first)
{
    int64_t shape[4] = {x->shape[0] * to->batch / t->batch, x->shape[1], x->shape[2], x->shape[3]};
    int64_t from = x->shape[0] * first / t->batch;
    size_t n = step_of(x), own = n;
    if (x->ndim == 3 && x->shape[1] == t->regions) {
        shape[1] = to->regions;
        own = n / (size_t)t->regions * (size_t)to->regions;
    }
    float *y = trace_add(to, x->ndim, shape, "%s", x->name);
    for (int64_t i = 0; y && i < shape[0]; i++)
        memcpy(y + (size_t)i * own, x->data + (size_t)(from + i) * n, own * sizeof *y);
    return y ? 0 : -1;
}

int trace_part(const struct trace *t, int first, int batch, int regions, struct trace **out,
               struct vs_err *err)
{
    struct trace *part = xcalloc(1, sizeof *part);
    *part = (struct trace){.batch = batch, .tokens = t->tokens, .regions = regions};
    for (int i = 0; i < t->count; i++)
        if (add_part(part, t, &t->tensors[i], first) != 0) {
            trace_free(part);
            return vs_fail(err, VS_E_LIMIT, "no memory for %s", t->tensors[i].name);
        }
    *out = part;
    return 0;
}

/* ---- attention maps */

static const struct trace_tensor *find_map(const struct trace *t, enum attn_kind kind, int layer)
{
    static const char *const names[] = {
        [ATTN_TEXT] = "t",
        [ATTN_VISUAL] = "v",
        [ATTN_TEXT_TO_IMAGE] = "c",
        [ATTN_IMAGE_TO_TEXT] = "c",
    };
    static const char *const tails[] = {
        [ATTN_TEXT] = "", [ATTN_VISUAL] = "", [ATTN_TEXT_TO_IMAGE] = ".1",
        [ATTN_IMAGE_TO_TEXT] = ".2",
    };
    char name[32];
    snprintf(name, sizeof name, "attn.%s.%d%s", names[kind], layer, tails[kind]);
    return trace_find(t, name);
}

bool trace_attention(const struct trace *t, enum attn_kind kind, int layer, int b, int head,
                     int *rows, int *cols, float *out)
{
    const struct trace_tensor *x = layer < 0 ? NULL : find_map(t, kind, layer);
    if (!x || b < 0 || b >= x->shape[0] || head >= x->shape[1])
        return false;
    size_t n = (size_t)x->shape[2] * (size_t)x->shape[3];
    int first = head < 0 ? 0 : head, last = head < 0 ? (int)x->shape[1] - 1 : head;
    *rows = (int)x->shape[2];
    *cols = (int)x->shape[3];
    if (!out)
        return true;
    memset(out, 0, n * sizeof *out);
    for (int h = first; h <= last; h++) {
        const float *p = x->data + ((size_t)b * (size_t)x->shape[1] + (size_t)h) * n;
        for (size_t i = 0; i < n; i++)
            out[i] += p[i] / (float)(last - first + 1);
    }
    return true;
}

int trace_attention_layers(const struct trace *t, enum attn_kind kind)
{
    int n = 0;
    while (find_map(t, kind, n))
        n++;
    return n;
}

int trace_attention_heads(const struct trace *t, enum attn_kind kind)
{
    const struct trace_tensor *x = find_map(t, kind, 0);
    return x ? (int)x->shape[1] : 0;
}
