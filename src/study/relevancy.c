/* SPDX-License-Identifier: MIT */
/* Rules on attention maps and their gradients. Sums are in double: relevancy without the identity
 * is small beside 1, and is divided by its own sums. */
#include "src/study/relevancy.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- maps: one image's numbers of a map and of its gradient */

struct map_pair {
    enum attn_kind kind;
    int heads, rows, cols; /* 0 heads: there is none */
    const float *map, *grad; /* (heads, rows, cols) */
};

static struct map_pair relevancy_pair_of(const struct explained *e, enum attn_kind kind, int layer)
{
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)kind, .layer = layer};
    const struct trace_tensor *a = trace_get(e->pass, at), *g = trace_get(e->grad, at);
    if (!a || !g)
        return (struct map_pair){.kind = kind};
    size_t n = (size_t)(a->shape[1] * a->shape[2] * a->shape[3]);
    return (struct map_pair){kind, (int)a->shape[1], (int)a->shape[2], (int)a->shape[3],
                             a->data + (size_t)e->b * n, g->data + (size_t)e->r * n};
}

/* The mean over heads of max(0, gradient * map), (rows, cols); to be freed. NULL: no map. */
static double *pair_mean(const struct map_pair *p)
{
    size_t n = (size_t)p->rows * (size_t)p->cols;
    double *a = p->heads ? xcalloc(n + 1, sizeof *a) : NULL;
    for (int h = 0; h < p->heads; h++)
        for (size_t i = 0; i < n; i++) {
            double x = (double)p->map[(size_t)h * n + i] * (double)p->grad[(size_t)h * n + i];
            a[i] += x > 0 ? x / p->heads : 0;
        }
    return a;
}

/* ---- matrices of doubles, row after row */

/* out(m,n) += a(m,k) b(k,n) */
static void add_product(const double *a, const double *b, int m, int k, int n, double *out)
{
    for (int i = 0; i < m; i++)
        for (int p = 0; p < k; p++) {
            double x = a[(ptrdiff_t)i * k + p];
            for (int j = 0; x != 0 && j < n; j++)
                out[(ptrdiff_t)i * n + j] += x * b[(ptrdiff_t)p * n + j];
        }
}

/* a(m,k) b(k,n), to be freed */
static double *relevancy_product(const double *a, const double *b, int m, int k, int n)
{
    double *out = xcalloc((size_t)m * (size_t)n + 1, sizeof *out);
    add_product(a, b, m, k, n, out);
    return out;
}

static void relevancy_add_to(double *to, const double *x, int m, int n)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)m * n; i++)
        to[i] += x[i];
}

/* I + R / row sums, or its transpose; to be freed. */
static double *relevancy_normalised(const double *r, int n, bool transposed)
{
    double *out = xcalloc((size_t)n * (size_t)n + 1, sizeof *out);
    for (ptrdiff_t i = 0; i < n; i++) {
        double sum = 0;
        for (ptrdiff_t j = 0; j < n; j++)
            sum += r[i * n + j];
        for (ptrdiff_t j = 0; j < n; j++) {
            double share = sum != 0 ? r[i * n + j] / sum : 0;
            out[transposed ? j * n + i : i * n + j] = (i == j) + share;
        }
    }
    return out;
}

/* ---- rules */

/* own += a + a own, cross += a cross; own (n, n), cross (n, m), which m 0 has none of. */
static void rule_self(const double *a, int n, int m, double *own, double *cross)
{
    double *x = relevancy_product(a, own, n, n, n), *y = relevancy_product(a, cross, n, n, m);
    relevancy_add_to(own, a, n, n);
    relevancy_add_to(own, x, n, n);
    relevancy_add_to(cross, y, n, m);
    free(x);
    free(y);
}

/* N(from)' a N(to), (n, m), to be freed. */
static double *rule_carry(const double *a, const double *from, const double *to, int n, int m)
{
    double *nf = relevancy_normalised(from, n, true), *nt = relevancy_normalised(to, m, false);
    double *x = relevancy_product(nf, a, n, n, m), *y = relevancy_product(x, nt, n, m, m);
    free(nf);
    free(nt);
    free(x);
    return y;
}

/* a1 or a2 may be NULL: a side that nobody reads. */
static void rule_co(const double *a1, const double *a2, struct relevancy *r)
{
    int t = r->tokens, v = r->regions;
    double *ti = a1 ? rule_carry(a1, r->tt, r->ii, t, v) : NULL;
    double *tt = a1 ? relevancy_product(a1, r->it, t, v, t) : NULL;
    double *it = a2 ? rule_carry(a2, r->ii, r->tt, v, t) : NULL;
    double *ii = a2 ? relevancy_product(a2, r->ti, v, t, v) : NULL;
    if (a1) {
        relevancy_add_to(r->ti, ti, t, v);
        relevancy_add_to(r->tt, tt, t, t);
    }
    if (a2) {
        relevancy_add_to(r->it, it, v, t);
        relevancy_add_to(r->ii, ii, v, v);
    }
    free(ti);
    free(tt);
    free(it);
    free(ii);
}

static void rule_layer(const struct explained *e, enum attn_kind kind, int layer,
                       struct relevancy *r)
{
    bool co = kind == ATTN_TEXT_TO_IMAGE || kind == ATTN_IMAGE_TO_TEXT;
    struct map_pair p = relevancy_pair_of(e, co ? ATTN_TEXT_TO_IMAGE : kind, layer);
    struct map_pair q = relevancy_pair_of(e, ATTN_IMAGE_TO_TEXT, layer);
    double *a = pair_mean(&p), *a2 = co ? pair_mean(&q) : NULL;
    if (co)
        rule_co(a, a2, r);
    else if (a && kind == ATTN_TEXT)
        rule_self(a, r->tokens, r->regions, r->tt, r->ti);
    else if (a && kind == ATTN_JOINT)
        rule_self(a, r->tokens + r->regions, 0, r->jj, NULL);
    else if (a)
        rule_self(a, r->regions, r->tokens, r->ii, r->it);
    free(a);
    free(a2);
}

/* Whether the map before tensor i of the trace is the other side of the same co-attention. */
static bool is_second_side(const struct trace *t, int i)
{
    const struct trace_at *x = &t->tensors[i].at;
    bool co = attn_table[x->site].part == PART_CO;
    for (int j = i - 1; j >= 0 && co; j--)
        if (t->tensors[j].at.kind == TRACE_MAP)
            return attn_table[t->tensors[j].at.site].part == PART_CO &&
                   t->tensors[j].at.layer == x->layer;
    return false;
}

void relevancy_make(const struct explained *e, struct relevancy *out)
{
    size_t t = (size_t)e->pass->tokens, v = (size_t)e->pass->regions;
    *out = (struct relevancy){.tokens = (int)t, .regions = (int)v};
    if (trace_attention_layers(e->pass, ATTN_JOINT) > 0) {
        out->jj = xcalloc((t + v) * (t + v) + 1, sizeof(double));
    } else {
        out->tt = xcalloc(t * t + 1, sizeof(double));
        out->ii = xcalloc(v * v + 1, sizeof(double));
        out->ti = xcalloc(t * v + 1, sizeof(double));
        out->it = xcalloc(t * v + 1, sizeof(double));
    }
    for (int i = 0; i < e->pass->count; i++) {
        const struct trace_at *at = &e->pass->tensors[i].at;
        if (at->kind == TRACE_MAP && !is_second_side(e->pass, i))
            rule_layer(e, (enum attn_kind)at->site, at->layer, out);
    }
}

void relevancy_fini(struct relevancy *r)
{
    free(r->tt);
    free(r->ii);
    free(r->ti);
    free(r->it);
    free(r->jj);
    *r = (struct relevancy){0};
}

const double *relevancy_matrix(const struct relevancy *r, enum attn_kind kind, int *rows,
                               int *cols)
{
    size_t tokens = (size_t)r->tokens, regions = (size_t)r->regions;
    *rows = (int)stream_rows(attn_table[kind].from, tokens, regions);
    *cols = (int)stream_rows(attn_table[kind].to, tokens, regions);
    switch (kind) {
    case ATTN_TEXT: return r->tt;
    case ATTN_VISUAL: return r->ii;
    case ATTN_TEXT_TO_IMAGE: return r->ti;
    case ATTN_IMAGE_TO_TEXT: return r->it;
    case ATTN_JOINT: return r->jj;
    default: return NULL;
    }
}

/* ---- read-outs */

/* A row of two of the four, or both parts of one of the joint: what tokens get, what regions. */
static void read_row(const struct relevancy *r, bool region, int row, double *tokens,
                     double *regions)
{
    int t = r->tokens, v = r->regions;
    const double *joint = r->jj ? r->jj + (ptrdiff_t)(region ? t + row : row) * (t + v) : NULL;
    relevancy_add_to(tokens, joint ? joint : (region ? r->it : r->tt) + (ptrdiff_t)row * t, 1, t);
    relevancy_add_to(regions, joint ? joint + t : (region ? r->ii : r->ti) + (ptrdiff_t)row * v, 1,
                     v);
}

void relevancy_read(const struct relevancy *r, const struct net_target *target, double *tokens,
                    double *regions)
{
    bool on_regions = output_table[target->output].rows == ROWS_REGIONS;
    memset(tokens, 0, (size_t)r->tokens * sizeof *tokens);
    memset(regions, 0, (size_t)r->regions * sizeof *regions);
    for (int i = 0; on_regions && i < target->count; i++)
        if (target->terms[i].weight > 0)
            read_row(r, true, target->terms[i].row, tokens, regions);
    if (on_regions)
        return;
    read_row(r, false, 0, tokens, regions);
    if (!r->jj) /* the visual stream is pooled as well */
        read_row(r, true, 0, tokens, regions);
}

/* ---- sums over maps */

/* Calls visit for every map of the pass that has a gradient; to: the numbers of its keys, which are
 * tokens, regions, or both of them (all). */
static void for_maps(const struct explained *e, double *tokens, double *regions,
                     void (*visit)(const struct map_pair *p, double *to))
{
    int t = e->pass->tokens, v = e->pass->regions;
    double *all = xcalloc((size_t)t + (size_t)v + 1, sizeof *all);
    memset(tokens, 0, (size_t)t * sizeof *tokens);
    memset(regions, 0, (size_t)v * sizeof *regions);
    for (int i = 0; i < e->pass->count; i++) {
        const struct trace_at *at = &e->pass->tensors[i].at;
        if (at->kind != TRACE_MAP)
            continue;
        struct map_pair p = relevancy_pair_of(e, (enum attn_kind)at->site, at->layer);
        enum net_stream to = attn_table[at->site].to;
        visit(&p, to == STREAM_JOINT ? all : to == STREAM_TEXT ? tokens : regions);
    }
    relevancy_add_to(tokens, all, 1, t);
    relevancy_add_to(regions, all + t, 1, v);
    free(all);
}

static void visit_plain(const struct map_pair *p, double *to)
{
    double *a = pair_mean(p);
    for (int i = 0; a && i < p->rows; i++)
        relevancy_add_to(to, a + (ptrdiff_t)i * p->cols, 1, p->cols);
    free(a);
}

/* d score = map (grad - sum over keys of map grad) */
static void visit_keys(const struct map_pair *p, double *to)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)p->heads * p->rows; i++) {
        const float *a = p->map + i * p->cols, *g = p->grad + i * p->cols;
        double mean = 0;
        for (int j = 0; j < p->cols; j++)
            mean += (double)a[j] * (double)g[j];
        for (int j = 0; j < p->cols; j++)
            to[j] += (double)a[j] * ((double)g[j] - mean);
    }
}

void relevancy_plain(const struct explained *e, double *tokens, double *regions)
{
    for_maps(e, tokens, regions, visit_plain);
}

void relevancy_keys(const struct explained *e, double *tokens, double *regions)
{
    for_maps(e, tokens, regions, visit_keys);
}

bool relevancy_heads(const struct explained *e, enum attn_kind map, int layer, double *out)
{
    struct map_pair p = relevancy_pair_of(e, map, layer);
    size_t n = (size_t)p.rows * (size_t)p.cols;
    for (int h = 0; h < p.heads; h++) {
        out[h] = 0;
        for (size_t i = 0; i < n; i++)
            out[h] += (double)p.map[(size_t)h * n + i] * (double)p.grad[(size_t)h * n + i];
    }
    return p.heads > 0;
}
