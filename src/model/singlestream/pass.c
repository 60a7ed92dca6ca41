/* SPDX-License-Identifier: MIT */
/* A pass of the baseline: which rows are computed, the embeddings of both kinds, the layers.
 *
 * Source: vilbert/basebert.py of the reference (BertModel, BertImageEmbeddings). */
#include "src/model/singlestream/pass.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows */

/* The masks of tokens and regions as one, (batch, tokens + regions); NULL: nothing is masked. */
static int32_t *single_join_masks(const struct net_input *in)
{
    size_t t = (size_t)in->tokens, v = (size_t)in->regions, n = t + v;
    if (!in->text_mask && !in->image_mask)
        return NULL;
    int32_t *mask = xcalloc((size_t)in->batch * n, sizeof *mask);
    for (size_t b = 0; b < (size_t)in->batch; b++) {
        for (size_t i = 0; i < t; i++)
            mask[b * n + i] = in->text_mask ? in->text_mask[b * t + i] : 1;
        for (size_t i = 0; i < v; i++)
            mask[b * n + t + i] = in->image_mask ? in->image_mask[b * v + i] : 1;
    }
    return mask;
}

static void single_pack(struct single_pass *p)
{
    const struct net_input *in = p->run.in;
    int32_t *mask = single_join_masks(in);
    int width = in->tokens + in->regions;
    packing_make(&p->all, in->batch, width, NULL, mask, p->run.want->keep_padding);
    p->token_rows = xcalloc((size_t)p->all.rows + 1, sizeof *p->token_rows);
    p->region_rows = xcalloc((size_t)p->all.rows + 1, sizeof *p->region_rows);
    packing_cut(&p->all, 0, in->tokens, &p->tokens, p->token_rows);
    packing_cut(&p->all, in->tokens, width, &p->regions, p->region_rows);
    free(mask);
}

/* ---- the memory of a pass */

/* Ids of tokens, ones, the order, first rows, the rows of each kind, biases. */
static size_t single_small_size(const struct single_pass *p)
{
    size_t all = (size_t)p->all.rows;
    return 3 * (size_t)p->tokens.rows + (size_t)p->regions.rows + 2 * all +
           (size_t)p->run.in->batch + (p->all.bias ? all : 0);
}

static int single_plan_arena(struct single_pass *p)
{
    const struct single_config *c = &p->m->c;
    size_t rows = (size_t)p->all.rows, h = (size_t)c->text.hidden, n = rows * h;
    size_t b = (size_t)p->run.in->batch;
    /* Feed forward space also takes features and places. */
    size_t ff = forward_most(rows * forward_most((size_t)c->text.intermediate, h),
                             (size_t)p->regions.rows * (SINGLE_FEATURES + 5));
    const struct forward_slice list[] = {
        {&p->x, n}, {&p->q, n}, {&p->k, n}, {&p->v, n}, {&p->ctx, n}, {&p->ff, ff},
        {&p->pooled, b * h}, {&p->wide, 2 * b * h}, {&p->small, single_small_size(p)},
    };
    return forward_arena(&p->run, list, sizeof list / sizeof list[0]);
}

int single_batch(const struct single *m, int tokens, int regions, int most)
{
    size_t h = (size_t)m->c.text.hidden, ff = forward_most((size_t)m->c.text.intermediate, h);
    size_t each = (size_t)(tokens + regions) * (5 * h + ff) +
                  (size_t)regions * (SINGLE_FEATURES + 5);
    most = most < 1 ? 1 : most;
    return kern_is_host(m->core.k) ? most : kern_batch(m->core.k, each, 8 * most);
}

/* ---- what goes to the back end */

static void single_write_ids(const struct single_pass *p, int32_t *ids)
{
    const struct net_input *in = p->run.in;
    const struct packing *k = &p->tokens;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            ptrdiff_t at = (ptrdiff_t)b * in->tokens + k->pos[r];
            ids[r] = in->ids[at];
            ids[k->rows + r] = k->pos[r];
            ids[2 * k->rows + r] = in->types ? in->types[at] : 0;
        }
}

static int single_put_small(struct single_pass *p)
{
    size_t t = (size_t)p->tokens.rows, v = (size_t)p->regions.rows, all = t + v;
    size_t b = (size_t)p->run.in->batch;
    float *host = kern_stage(p->run.k, p->small, single_small_size(p));
    int32_t *at = (int32_t *)host, *ones = at + 3 * t, *order = ones + v, *first = order + all;
    single_write_ids(p, at);
    for (size_t i = 0; i < v; i++)
        ones[i] = 1;
    for (size_t i = 0; i < t; i++)
        order[p->token_rows[i]] = (int32_t)i;
    for (size_t i = 0; i < v; i++)
        order[p->region_rows[i]] = (int32_t)(t + i);
    memcpy(first, p->all.start, b * sizeof *first);
    memcpy(first + b, p->token_rows, t * sizeof *first);
    memcpy(first + b + t, p->region_rows, v * sizeof *first);
    if (p->all.bias)
        memcpy(first + b + all, p->all.bias, all * sizeof *first);
    const int32_t *there = (const int32_t *)p->small;
    for (int i = 0; i < 3; i++)
        p->ids[i] = there + (size_t)i * t;
    p->ones = there + 3 * t;
    p->order = p->ones + v;
    p->first = p->order + all;
    p->of_tokens = p->first + b;
    p->of_regions = p->of_tokens + t;
    p->bias = p->all.bias ? p->small + (p->of_regions + v - there) : NULL;
    return kern_put(p->run.k, p->small, host, single_small_size(p));
}

static int single_put_regions(struct single_pass *p)
{
    const struct net_input *in = p->run.in;
    const struct packing *k = &p->regions;
    size_t n = SINGLE_FEATURES, size = (size_t)k->rows * (n + 5);
    float *features = kern_stage(p->run.k, p->ff, size);
    float *places = features + (size_t)k->rows * n;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            size_t at = (size_t)b * (size_t)in->regions + (size_t)k->pos[r];
            memcpy(features + (size_t)r * n, in->features + at * n, n * sizeof *features);
            memcpy(places + (size_t)r * 5, in->spatials + at * 5, 5 * sizeof *places);
        }
    return size ? kern_put(p->run.k, p->ff, features, size) : 0;
}

static int single_start(struct single_pass *p)
{
    kern_use(p->run.k, p->m->core.set);
    single_pack(p);
    int rc = single_plan_arena(p);
    if (rc == 0)
        rc = forward_give(&p->run, &p->m->core.net.sizes);
    if (rc == 0 && (single_put_small(p) != 0 || single_put_regions(p) != 0))
        rc = vs_fail(p->run.err, VS_E_LIMIT, "the device takes no input");
    kern_begin(p->run.k);
    return rc;
}

/* ---- embeddings: tokens of all images, then regions of all, are put in the order of the stream */

static void single_embed_tokens(struct single_pass *p, float *y)
{
    const struct single_weights *w = &p->m->w;
    const struct single_config *c = &p->m->c;
    struct kern_embed e = {.table = {w->text.words, w->text.positions, w->text.types},
                           .ids = {p->ids[0], p->ids[1], p->ids[2]},
                           .rows = {c->text.vocab_size, c->text.max_positions, c->text.type_vocab},
                           .y = y, .ldy = c->text.hidden, .m = p->tokens.rows, .n = c->text.hidden};
    struct kern_norm norm = line_norm(&w->text.norm, y, p->tokens.rows);
    p->run.ops->embed(p->run.k, &e);
    p->run.ops->norm(p->run.k, &norm, 1);
}

/* Every region has type 1 of a table of its own. */
static void single_embed_regions(struct single_pass *p, float *y)
{
    const struct single_weights *w = &p->m->w;
    int n = p->m->c.text.hidden, rows = p->regions.rows;
    const float *features = p->ff, *places = p->ff + (ptrdiff_t)rows * SINGLE_FEATURES;
    struct kern_embed type = {.table = {w->region_types}, .ids = {p->ones}, .rows = {2}, .y = y,
                              .ldy = n, .m = rows, .n = n};
    struct kern_linear f = line_linear(&w->features, features, rows, y, KERN_NONE, y);
    struct kern_linear s = line_linear(&w->places, places, rows, y, KERN_NONE, y);
    struct kern_norm norm = line_norm(&w->region_embed_norm, y, rows);
    p->run.ops->embed(p->run.k, &type);
    p->run.ops->linear(p->run.k, &f, 1);
    p->run.ops->linear(p->run.k, &s, 1);
    p->run.ops->norm(p->run.k, &norm, 1);
}

static int single_embed(struct single_pass *p)
{
    int n = p->m->c.text.hidden;
    struct kern_gather_rows join = {.x = p->q, .ldx = n, .index = p->order, .y = p->x, .ldy = n,
                                    .m = p->all.rows, .n = n};
    if (p->tokens.rows > 0)
        single_embed_tokens(p, p->q);
    if (p->regions.rows > 0)
        single_embed_regions(p, p->q + (ptrdiff_t)p->tokens.rows * n);
    p->run.ops->gather_rows(p->run.k, &join);
    forward_replace(&p->run, &p->all, p->x, n,
                    (struct trace_at){TRACE_STATE, PART_EMBEDDINGS, STREAM_JOINT, 0}, false);
    return forward_keep_state(&p->run, &p->all, p->x, n, PART_EMBEDDINGS, STREAM_JOINT, 0);
}

/* ---- the whole */

/* Of the last layer only the first rows are computed where nobody reads others. */
static int single_layers(struct single_pass *p)
{
    const struct single_config *c = &p->m->c;
    const struct net_want *want = p->run.want;
    struct stream s = {&p->all, p->x, p->q, p->k, p->v, p->ctx, p->ff, c->text.hidden,
                       c->text.heads, c->text.act, ATTN_JOINT, p->bias, p->first, p->x, p->x,
                       NULL, NULL};
    bool all = want->hidden || want->added || want->attention || single_reads_rows(want->heads);
    int rc = 0, last = c->text.layers - 1;
    p->cut = !all && !forward_is_averaged(&p->run, ATTN_JOINT, last);
    for (int i = 0; i <= last && rc == 0; i++)
        if ((rc = forward_check_cancel(&p->run)) == 0)
            rc = layer_run(&p->run, &p->m->w.layers[i], &s, i, p->cut && i == last);
    return rc;
}

int single_once(struct core *core, const struct net_input *in, const struct net_want *want,
                bool keep, struct trace **out, struct vs_err *err)
{
    double start = vs_now_ms();
    struct single_pass p = {.m = (struct single *)core};
    (void)keep; /* nothing of it depends on a text or an image alone but the embeddings */
    core_begin(core, in, want, &p.run, err);
    int rc = single_start(&p);
    if (rc == 0)
        rc = single_embed(&p);
    if (rc == 0)
        rc = single_layers(&p);
    if (rc == 0)
        rc = single_heads_run(&p);
    rc = forward_finish(&p.run, rc);
    packing_fini(&p.all);
    packing_fini(&p.tokens);
    packing_fini(&p.regions);
    free(p.token_rows);
    free(p.region_rows);
    p.run.trace->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = p.run.trace;
    else
        trace_free(p.run.trace);
    return rc;
}
