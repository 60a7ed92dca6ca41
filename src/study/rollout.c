/* SPDX-License-Identifier: MIT */
/* Attention rollout. */
#include "src/study/rollout.h"

#include "src/base/mem.h"

#include <stdlib.h>

/* The states of every stream as mixtures of what came in: tokens and regions, n in all. */
struct rollout {
    const struct trace *t;
    int n;
    double *x[STREAM_COUNT]; /* (rows, n) */
};

static int rows_of(const struct rollout *r, enum net_stream s)
{
    int first;
    return trace_rows(r->t, s, true, &first) + trace_rows(r->t, s, false, &first);
}

/* Of the columns of a stream's maps the first among all n. */
static int first_of(const struct rollout *r, enum net_stream s)
{
    return stream_table[s].tokens ? 0 : r->t->tokens;
}

/* out = (x + map y) / 2: each of `rows` rows keeps half, and takes half from where it looks. */
static void step(const double *x, const float *map, const double *y, int rows, int cols, int n,
                 double *out)
{
    for (int i = 0; i < rows; i++) {
        double *o = out + (ptrdiff_t)i * n;
        for (int k = 0; k < n; k++)
            o[k] = x[(ptrdiff_t)i * n + k] / 2;
        for (int j = 0; j < cols; j++)
            for (int k = 0; k < n; k++)
                o[k] += (double)map[(ptrdiff_t)i * cols + j] * y[(ptrdiff_t)j * n + k] / 2;
    }
}

/* The mean over heads, or NULL when there is none of the streams' sizes. */
static float *mean_map(const struct rollout *r, enum attn_kind kind, int layer, int b)
{
    int rows, cols;
    if (!trace_attention(r->t, kind, layer, b, -1, &rows, &cols, NULL) ||
        rows != rows_of(r, attn_table[kind].from) || cols != rows_of(r, attn_table[kind].to))
        return NULL;
    float *x = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *x);
    trace_attention(r->t, kind, layer, b, -1, &rows, &cols, x);
    return x;
}

/* All maps of one layer of a part are one step: each reads what was there before it. One of them
 * missing, nothing moves. */
static void rollout_layer(struct rollout *r, enum net_part part, int layer, int b)
{
    double *next[STREAM_COUNT] = {NULL};
    bool whole = true;
    for (int k = 0; k < ATTN_COUNT; k++) {
        const struct attn_names *m = &attn_table[k];
        if (m->part != part)
            continue;
        float *map = mean_map(r, (enum attn_kind)k, layer, b);
        int rows = rows_of(r, m->from);
        next[m->from] = xcalloc((size_t)rows * (size_t)r->n + 1, sizeof *next[0]);
        if (map)
            step(r->x[m->from], map, r->x[m->to], rows, rows_of(r, m->to), r->n, next[m->from]);
        whole &= map != NULL;
        free(map);
    }
    for (int s = 0; s < STREAM_COUNT; s++) {
        double *old = whole && next[s] ? r->x[s] : next[s];
        r->x[s] = whole && next[s] ? next[s] : r->x[s];
        free(old);
    }
}

/* A trace holds its maps in the order in which the layers ran. kind ATTN_COUNT: all of them. */
static void rollout_run(struct rollout *r, enum attn_kind kind, int layer, int b)
{
    int part = -1, number = -1; /* the last layer that was taken in */
    for (int i = 0; i < r->t->count; i++) {
        struct trace_at at = r->t->tensors[i].at;
        if (at.kind != TRACE_MAP)
            continue;
        if ((int)attn_table[at.site].part != part || at.layer != number)
            rollout_layer(r, attn_table[at.site].part, at.layer, b);
        part = (int)attn_table[at.site].part;
        number = at.layer;
        if (at.site == (int)kind && at.layer == layer)
            break;
    }
}

/* Before the first layer every state is what came in. */
static void rollout_begin(struct rollout *r)
{
    for (int s = 0; s < STREAM_COUNT; s++) {
        int count = rows_of(r, (enum net_stream)s), first = first_of(r, (enum net_stream)s);
        r->x[s] = xcalloc((size_t)count * (size_t)r->n + 1, sizeof *r->x[s]);
        for (int i = 0; i < count; i++)
            r->x[s][(ptrdiff_t)i * r->n + first + i] = 1;
    }
}

static void rollout_end(struct rollout *r)
{
    for (int s = 0; s < STREAM_COUNT; s++)
        free(r->x[s]);
}

float *rollout_map(const struct trace *t, enum attn_kind kind, int layer, int b, int rows,
                   int cols)
{
    struct rollout r = {.t = t, .n = t->tokens + t->regions};
    float *out = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *out);
    enum net_stream from = attn_table[kind].from, to = attn_table[kind].to;
    rollout_begin(&r);
    rollout_run(&r, kind, layer, b);
    for (int i = 0; i < rows && i < rows_of(&r, from); i++)
        for (int j = 0; j < cols && j < rows_of(&r, to); j++)
            out[(ptrdiff_t)i * cols + j] =
                (float)r.x[from][(ptrdiff_t)i * r.n + first_of(&r, to) + j];
    rollout_end(&r);
    return out;
}

bool rollout_row(const struct trace *t, enum net_stream s, int row, int b, double *tokens,
                 double *regions)
{
    struct rollout r = {.t = t, .n = t->tokens + t->regions};
    bool any = false;
    for (int i = 0; i < t->count; i++)
        any |= t->tensors[i].at.kind == TRACE_MAP &&
               attn_table[t->tensors[i].at.site].from == s;
    if (!any)
        return false;
    rollout_begin(&r);
    rollout_run(&r, ATTN_COUNT, -1, b);
    for (int i = 0; i < t->tokens; i++)
        tokens[i] += r.x[s][(ptrdiff_t)row * r.n + i];
    for (int i = 0; i < t->regions; i++)
        regions[i] += r.x[s][(ptrdiff_t)row * r.n + t->tokens + i];
    rollout_end(&r);
    return true;
}
