/* SPDX-License-Identifier: MIT */
/* The way back: derivatives of a target with respect to everything that a recorded pass computed on
 * its way to it. The steps of the pass are taken in reverse, each from the derivatives at what it
 * made to those at what it read; weights have none.
 *
 * Source: the chain rule on vilbert/vilbert.py of the reference. */
#include "src/model/vilbert/back.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- rows and memory */

/* The rows of images first to first + batch - 1. */
static void back_pack(const struct packing *all, int first, int batch, struct packing *out)
{
    int from = all->start[first];
    *out = (struct packing){.batch = batch, .width = all->width,
                            .rows = all->start[first + batch] - from};
    out->start = xcalloc((size_t)batch + 1, sizeof *out->start);
    out->pos = xcalloc((size_t)out->rows + 1, sizeof *out->pos);
    for (int b = 0; b <= batch; b++)
        out->start[b] = all->start[first + b] - from;
    memcpy(out->pos, all->pos + from, (size_t)out->rows * sizeof *out->pos);
}

/* Numbers of all maps of a layer. */
static size_t back_map_size(const struct back *b)
{
    const struct config *c = &b->p.m->c;
    size_t t = 0, v = 0, co = 0;
    for (int i = 0; i < b->p.run.in->batch; i++) {
        size_t nt = (size_t)rows_of(&b->p.t, i), nv = (size_t)rows_of(&b->p.v, i);
        t += (size_t)c->text.heads * nt * nt;
        v += (size_t)c->v_heads * nv * nv;
        co += 2 * (size_t)c->bi_heads * nt * nv;
    }
    return max_size(max_size(t, v), co);
}

#define BACK_ROUND(n) (((n) + 15) & ~(size_t)15)

/* Maps, the seed, inner states of a head, the first rows of images and the seed's. */
static int back_plan(struct back *b)
{
    size_t seed = BACK_ROUND(back_seed_size(b)), batch = (size_t)b->p.run.in->batch;
    const struct config *c = &b->p.m->c;
    size_t inner = BACK_ROUND(max_size(2 * (size_t)c->bi_hidden,
                                       (size_t)(c->text.hidden > c->v_hidden ? c->text.hidden
                                                                        : c->v_hidden)));
    b->map_size = BACK_ROUND(back_map_size(b));
    b->maps = kern_alloc(b->p.run.k, 2 * b->map_size + seed + 3 * inner + 2 * batch + 1);
    if (!b->maps)
        return vs_fail(b->p.run.err, VS_E_LIMIT, "no memory for gradients");
    b->inner[0] = b->maps + 2 * b->map_size;
    b->inner[1] = b->inner[0] + inner;
    b->inner[2] = b->inner[1] + inner;
    b->seed = b->inner[2] + inner;
    return 0;
}

/* The seed, and rows by number, in one copy. */
static int back_put(struct back *b)
{
    size_t seed = BACK_ROUND(back_seed_size(b)), batch = (size_t)b->p.run.in->batch;
    size_t all = seed + 2 * batch + 1;
    float *host = kern_stage(b->p.run.k, b->seed, all);
    memset(host, 0, seed * sizeof *host);
    back_fill_seed(b, host);
    memcpy(host + seed, b->p.v.start, batch * sizeof *host);
    memcpy(host + seed + batch, b->p.t.start, batch * sizeof *host);
    memcpy(host + seed + 2 * batch, &b->seed_row, sizeof *host);
    b->firsts[0] = (const int32_t *)(const void *)(b->seed + seed);
    b->firsts[1] = b->firsts[0] + batch;
    b->chosen = b->firsts[1] + batch;
    return kern_put(b->p.run.k, b->seed, host, all) == 0
               ? 0
               : vs_fail(b->p.run.err, VS_E_LIMIT, "the device takes no input");
}

static int back_start(struct back *b)
{
    const struct vilbert_tape *t = b->t;
    kern_use(b->p.run.k, b->p.m->core.set);
    back_pack(&t->rows[0], b->first, b->p.run.in->batch, &b->p.v);
    back_pack(&t->rows[1], b->first, b->p.run.in->batch, &b->p.t);
    for (int i = 0; i < 2; i++)
        b->at[i] = t->rows[i].start[b->first];
    int rc = back_check_target(b);
    if (rc == 0)
        rc = pass_plan_arena(&b->p);
    if (rc == 0)
        rc = back_plan(b);
    if (rc == 0)
        rc = back_put(b);
    b->d[0] = b->p.xv;
    b->d[1] = b->p.xt;
    kern_begin(b->p.run.k);
    return rc;
}

/* ---- the inputs */

static int back_keep_input(struct back *b, int i, const float *d, int n, enum trace_input what)
{
    struct trace_at at = {.kind = TRACE_INPUT, .site = (int)what};
    const struct packing *rows = back_rows(b, i);
    int64_t shape[3] = {rows->batch, rows->width, n};
    if (b->live[i])
        return forward_keep(&b->p.run, rows, d, n, at);
    return trace_add(b->p.run.trace, at, 3, shape)
               ? 0
               : vs_fail(b->p.run.err, VS_E_LIMIT, "no memory for gradients");
}

/* From the embeddings to the sums that were normalised, and to what they are sums of. */
static int back_inputs(struct back *b)
{
    const struct weights *w = &b->p.m->w;
    const struct norm_w *norms[2] = {&w->v_embed_norm, &w->text.norm};
    int regions = b->p.v.rows, n = b->p.m->c.v_feature;
    float *places = b->p.fv + (ptrdiff_t)regions * n;
    for (int i = 0; i < 2; i++) {
        struct kern_norm_back sum = back_norm(
            b, norms[i], b->t->embedded[i] + b->at[i] * back_width(b, i), b->d[i],
            back_rows(b, i)->rows);
        if (b->live[i])
            b->p.run.ops->norm_back(b->p.run.k, &sum, 1);
    }
    struct kern_linear_back list[] = {
        back_linear(&w->v_features, b->d[0], regions, b->p.fv, NULL),
        back_linear(&w->v_places, b->d[0], regions, places, NULL)};
    if (b->live[0])
        b->p.run.ops->linear_back(b->p.run.k, list, 2);
    int rc = back_keep_input(b, 1, b->d[1], b->p.m->c.text.hidden, INPUT_TOKENS);
    if (rc == 0)
        rc = back_keep_input(b, 0, b->p.fv, n, INPUT_FEATURES);
    return rc ? rc : back_keep_input(b, 0, places, 5, INPUT_BOXES);
}

/* ---- the whole */

static int back_run(struct back *b)
{
    int rc = 0;
    back_heads(b);
    for (int i = b->t->count - 1; i >= 0 && rc == 0; i--) {
        if (b->want->cancel && atomic_load(b->want->cancel))
            return vs_fail(b->p.run.err, VS_E_CANCELLED, "cancelled");
        rc = back_step(b, &b->t->steps[i]);
    }
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = back_keep(b, i, TRACE_STATE, PART_EMBEDDINGS, 0);
    return rc == 0 && b->want->inputs ? back_inputs(b) : rc;
}

/* x (images, outer, rows of stream i, inner): 0 in rows of padding. Padding is computed where an
 * image begins with it, as the first row is pooled whatever it is; derivatives of padding never
 * count. */
static void back_clear(const struct back *b, int i, float *x, size_t outer, size_t inner)
{
    const struct packing *k = &b->t->rows[i];
    size_t width = (size_t)k->width;
    for (int image = 0; k->bias && image < b->p.run.in->batch; image++) {
        float *at = x + (size_t)image * outer * width * inner;
        for (int r = k->start[b->first + image]; r < k->start[b->first + image + 1]; r++)
            for (size_t o = 0; k->bias[r] != 0 && o < outer; o++)
                memset(at + (o * width + (size_t)k->pos[r]) * inner, 0, inner * sizeof *at);
    }
}

static void back_clear_padding(const struct back *b)
{
    for (int j = 0; j < b->p.run.trace->count; j++) {
        const struct trace_tensor *x = &b->p.run.trace->tensors[j];
        const size_t n[4] = {0, (size_t)x->shape[1], (size_t)x->shape[2], (size_t)x->shape[3]};
        if (x->at.kind == TRACE_MAP) {
            back_clear(b, attn_table[x->at.site].from == STREAM_TEXT, x->data, n[1], n[3]);
            back_clear(b, attn_table[x->at.site].to == STREAM_TEXT, x->data, n[1] * n[2], 1);
        } else if (x->at.kind != TRACE_INPUT) {
            back_clear(b, x->at.stream == STREAM_TEXT, x->data, 1, n[2]);
        } else {
            back_clear(b, x->at.site == INPUT_TOKENS, x->data, 1, n[2]);
        }
    }
}

static int back_check_finite(const struct back *b, int rc)
{
    const struct trace_tensor *bad = rc == 0 ? trace_not_finite(b->p.run.trace) : NULL;
    char name[TRACE_NAME];
    return bad ? vs_fail(b->p.run.err, VS_E_DIVERGED, "%s: the gradient of %s is NaN or infinite, "
                         "though the pass was not", b->p.m->core.bound.path,
                         trace_name(bad->at, name))
               : rc;
}

int vilbert_backward(struct tape *tape, const struct net_target *target,
                     const struct net_back_want *want, struct trace **out, struct vs_err *err)
{
    struct vilbert_tape *t = vilbert_tape_of(tape);
    struct net_input in = {0};
    struct net_want none = {0};
    struct back b = {.t = t, .target = target, .want = want};
    double start = vs_now_ms();
    in.batch = net_target_images(target, t->rows[0].batch, &b.first);
    if (b.first < 0 || b.first + in.batch > t->rows[0].batch)
        return vs_fail(err, VS_E_FORMAT, "image or pair %d: the pass has %d images", target->b,
                       t->rows[0].batch);
    struct trace *trace = xcalloc(1, sizeof *trace);
    *trace = (struct trace){.batch = in.batch, .tokens = t->tokens, .regions = t->regions};
    b.p.m = t->m;
    b.p.run = (struct forward){.k = t->m->core.k, .ops = kern_table(t->m->core.k), .in = &in,
                               .want = &none, .trace = trace, .memory = &t->m->core.memory,
                               .err = err};
    int rc = back_start(&b);
    if (rc == 0)
        rc = back_run(&b);
    rc = pass_finish(&b.p, rc);
    if (rc == 0 && !want->padding)
        back_clear_padding(&b);
    rc = back_check_finite(&b, rc);
    kern_free(t->m->core.k, b.maps);
    trace->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = trace;
    else
        trace_free(trace);
    return rc;
}
