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

int single_plan_arena(struct single_pass *p)
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

/* Word vectors of the input's own, at p->v. */
static int single_put_words(struct single_pass *p)
{
    const struct packing *k = &p->tokens;
    const struct net_input *in = p->run.in;
    size_t n = (size_t)p->m->c.text.hidden, size = (size_t)k->rows * n;
    if (!in->words || k->rows == 0)
        return 0;
    float *host = kern_stage(p->run.k, p->v, size);
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            memcpy(host + (size_t)r * n,
                   in->words + ((size_t)b * (size_t)in->tokens + (size_t)k->pos[r]) * n,
                   n * sizeof *host);
    return kern_put(p->run.k, p->v, host, size);
}

static int single_start(struct single_pass *p)
{
    kern_use(p->run.k, p->m->core.set);
    single_pack(p);
    int rc = single_plan_arena(p);
    if (rc == 0)
        rc = forward_give(&p->run, &p->m->core.net.sizes);
    if (rc == 0 &&
        (single_put_small(p) != 0 || single_put_regions(p) != 0 || single_put_words(p) != 0))
        rc = vs_fail(p->run.err, VS_E_LIMIT, "the device takes no input");
    kern_begin(p->run.k);
    return rc;
}

/* ---- embeddings: tokens of all images, then regions of all, are put in the order of the stream.
 * Their sums are at `sum`, which may be y. */

static void single_embed_tokens(struct single_pass *p, float *sum, float *y)
{
    const struct single_weights *w = &p->m->w;
    const struct single_config *c = &p->m->c;
    bool own = p->run.in->words != NULL;
    size_t all = (size_t)p->tokens.rows * (size_t)c->text.hidden;
    struct kern_embed e = {.table = {own ? NULL : w->text.words, w->text.positions,
                                     w->text.types},
                           .ids = {p->ids[0], p->ids[1], p->ids[2]},
                           .rows = {c->text.vocab_size, c->text.max_positions, c->text.type_vocab},
                           .y = sum, .ldy = c->text.hidden, .m = p->tokens.rows,
                           .n = c->text.hidden};
    struct kern_norm norm = line_norm_to(&w->text.norm, sum, p->tokens.rows, y);
    p->run.ops->embed(p->run.k, &e);
    if (own)
        p->run.ops->add(p->run.k, sum, p->v, sum, all);
    p->run.ops->norm(p->run.k, &norm, 1);
}

/* Every region has type 1 of a table of its own. */
static void single_embed_regions(struct single_pass *p, float *sum, float *y)
{
    const struct single_weights *w = &p->m->w;
    int n = p->m->c.text.hidden, rows = p->regions.rows;
    const float *features = p->ff, *places = p->ff + (ptrdiff_t)rows * SINGLE_FEATURES;
    struct kern_embed type = {.table = {w->region_types}, .ids = {p->ones}, .rows = {2},
                              .y = sum, .ldy = n, .m = rows, .n = n};
    struct kern_linear f = line_linear(&w->features, features, rows, sum, KERN_NONE, sum);
    struct kern_linear s = line_linear(&w->places, places, rows, sum, KERN_NONE, sum);
    struct kern_norm norm = line_norm_to(&w->region_embed_norm, sum, rows, y);
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
    float *sum = p->tape ? p->tape->embedded : p->q;
    ptrdiff_t regions = (ptrdiff_t)p->tokens.rows * n;
    if (p->tokens.rows > 0)
        single_embed_tokens(p, sum, p->q);
    if (p->regions.rows > 0)
        single_embed_regions(p, sum + regions, p->q + regions);
    p->run.ops->gather_rows(p->run.k, &join);
    forward_replace(&p->run, &p->all, p->x, n,
                    (struct trace_at){TRACE_STATE, PART_EMBEDDINGS, STREAM_JOINT, 0}, false);
    return forward_keep_state(&p->run, &p->all, p->x, n, PART_EMBEDDINGS, STREAM_JOINT, 0);
}

/* ---- the whole */

static int single_layer(struct single_pass *p, struct stream s, int i, bool first)
{
    const struct layer_w *w = &p->m->w.layers[i];
    int rc = p->tape ? tape_keep_layer(&p->tape->kept, w, &s, i, first, p->run.err) : 0;
    return rc ? rc : layer_run(&p->run, w, &s, i, first);
}

/* Of the last layer only the first rows are computed where nobody reads others; maps of a recorded
 * pass are not those of all rows. */
static int single_layers(struct single_pass *p)
{
    const struct single_config *c = &p->m->c;
    const struct net_want *want = p->run.want;
    struct stream s = {&p->all, p->x, p->q, p->k, p->v, p->ctx, p->ff, c->text.hidden,
                       c->text.heads, c->text.act, ATTN_JOINT, p->bias, p->first, p->x, p->x,
                       NULL, NULL};
    bool all = want->hidden || want->added || (want->attention && !p->tape) ||
               single_reads_rows(want->heads);
    int rc = 0, last = c->text.layers - 1;
    p->cut = !all && !forward_is_averaged(&p->run, ATTN_JOINT, last);
    for (int i = 0; i <= last && rc == 0; i++)
        if ((rc = forward_check_cancel(&p->run)) == 0)
            rc = single_layer(p, s, i, p->cut && i == last);
    return rc;
}

/* Makes room for what is kept beside the layers. */
static int single_tape_begin(struct single_pass *p)
{
    struct single_tape *t = p->tape;
    size_t n = (size_t)p->all.rows * (size_t)p->m->c.text.hidden;
    const struct tape_piece piece = {&t->embedded, n};
    tape_begin_pass(&t->kept);
    return tape_take(&t->kept, &piece, 1, p->run.err);
}

static int single_tape_end(struct single_pass *p)
{
    p->tape->cut = p->cut;
    return tape_end_pass(&p->tape->kept, &p->run, &p->tokens, p->m->w.text.words, NULL,
                         p->m->c.text.hidden);
}

/* Waits for the results; the rows become the tape's, or nobody's. */
static int single_finish(struct single_pass *p, int rc)
{
    struct single_tape *t = p->tape;
    rc = forward_finish(&p->run, rc);
    packing_fini(t ? &t->all : &p->all);
    packing_fini(t ? &t->tokens : &p->tokens);
    packing_fini(t ? &t->regions : &p->regions);
    if (t) {
        t->all = p->all;
        t->tokens = p->tokens;
        t->regions = p->regions;
    }
    free(p->token_rows);
    free(p->region_rows);
    return rc;
}

int single_once(struct core *core, const struct net_input *in, const struct net_want *want,
                bool keep, struct trace **out, struct vs_err *err)
{
    double start = vs_now_ms();
    struct single_pass p = {.m = (struct single *)core,
                            .tape = (struct single_tape *)core->recording};
    (void)keep; /* nothing of it depends on a text or an image alone but the embeddings */
    core_begin(core, in, want, &p.run, err);
    int rc = single_start(&p);
    if (rc == 0 && p.tape)
        rc = single_tape_begin(&p);
    if (rc == 0)
        rc = single_embed(&p);
    if (rc == 0)
        rc = single_layers(&p);
    if (rc == 0)
        rc = single_heads_run(&p);
    if (rc == 0 && p.tape)
        rc = single_tape_end(&p);
    rc = single_finish(&p, rc);
    p.run.trace->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = p.run.trace;
    else
        trace_free(p.run.trace);
    return rc;
}
