/* SPDX-License-Identifier: MIT */
/* Back through the layers of ViLBERT. A layer is, of the states x of a stream,
 *
 *   a = norm(attention(q, k, v) Wo + x)        q, k, v = x Wq, x Wk, x Wv
 *   y = norm(act(a W1) W2 + a)
 *
 * and from the derivatives d at y follow, line by line, those at a and at x. In a co-attention
 * layer k and v are the other stream's. */
#include "src/model/vilbert/back.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* One stream in a layer: what was kept of its rows, d (rows, width) its derivatives, and memory for
 * those of the feed forward, of attention's output, of queries, keys and values. */
struct back_side {
    int i, rows, inner;
    enum kern_act act;
    const struct tape_layer *l;
    const struct linear_w *out, *ff_in, *ff_out;
    const struct norm_w *out_norm, *ff_norm;
    const float *attended, *hidden, *fed;
    float *d, *wide, *read, *q, *k, *v;
};

/* Where the rows of the target's images begin among kept ones that are `width` wide. */
static ptrdiff_t side_at(const struct back *b, const struct back_side *s, int width)
{
    return (s->l->first ? b->first : b->at[s->i]) * width;
}

static struct back_side back_side(const struct back *b, const struct tape_layer *l, int i)
{
    const struct pass *p = &b->p;
    struct back_side s = {.i = i, .l = l, .d = b->d[i],
                          .rows = l->first ? p->run.in->batch : back_rows(b, i)->rows,
                          .act = i ? p->m->c.text.act : p->m->c.v_act};
    s.wide = i ? p->ft : p->fv;
    s.read = i ? p->ct : p->cv;
    s.q = i ? p->qt : p->qv;
    s.k = i ? p->kt : p->kv;
    s.v = i ? p->vt : p->vv;
    return s;
}

static void side_kept(const struct back *b, struct back_side *s)
{
    s->attended = s->l->attended + side_at(b, s, back_width(b, s->i));
    s->hidden = s->l->inner + side_at(b, s, s->ff_in->n);
    s->fed = s->l->fed + side_at(b, s, back_width(b, s->i));
}

/* Derivatives at a sum are those at what was added to the state. */
static int back_keep_added(struct back *b, const struct back_side *s, int count,
                           enum trace_kind kind, const struct tape_step *step)
{
    int rc = 0;
    for (int j = 0; j < count && rc == 0; j++)
        rc = back_keep(b, s[j].i, kind, step->part, step->number);
    return rc;
}

/* From d at y to d at the sum in front of the first norm, and to attention's output. */
static int back_feed(struct back *b, const struct back_side *s, int count,
                     const struct tape_step *step)
{
    const struct kern_ops *ops = b->p.run.ops;
    struct kern *k = b->p.run.k;
    struct kern_norm_back fed[2] = {{.m = 0}}, attended[2] = {{.m = 0}};
    struct kern_linear_back out[2] = {{.m = 0}}, in[2] = {{.m = 0}}, read[2] = {{.m = 0}};
    for (int j = 0; j < count; j++) {
        int rows = s[j].rows;
        fed[j] = back_norm(b, s[j].ff_norm, s[j].fed, s[j].d, rows);
        out[j] = back_linear(s[j].ff_out, s[j].d, rows, s[j].wide, NULL);
        in[j] = back_linear(s[j].ff_in, s[j].wide, rows, s[j].d, s[j].d);
        attended[j] = back_norm(b, s[j].out_norm, s[j].attended, s[j].d, rows);
        read[j] = back_linear(s[j].out, s[j].d, rows, s[j].read, NULL);
    }
    ops->norm_back(k, fed, count);
    int rc = back_keep_added(b, s, count, TRACE_FED, step);
    ops->linear_back(k, out, count);
    for (int j = 0; j < count; j++)
        ops->activate_back(k, s[j].hidden, s[j].wide, s[j].wide,
                           (size_t)s[j].rows * (size_t)s[j].ff_in->n, s[j].act);
    ops->linear_back(k, in, count);
    ops->norm_back(k, attended, count);
    if (rc == 0)
        rc = back_keep_added(b, s, count, TRACE_ATTENDED, step);
    ops->linear_back(k, read, count);
    return rc;
}

/* ---- attention */

/* The queries of one side on the keys and values of the same or the other. */
struct back_look {
    const struct back_side *from, *to;
    int width, heads, layer;
    enum attn_kind kind;
    float *dprobs, *dscores;
};

static struct kern_attention_back look_image(const struct back *b, const struct back_look *l, int i,
                                             size_t at)
{
    const struct packing *from = back_rows(b, l->from->i), *to = back_rows(b, l->to->i);
    const struct tape_layer *f = l->from->l, *t = l->to->l;
    ptrdiff_t q = (ptrdiff_t)(f->first ? i : from->start[i]) * l->width;
    ptrdiff_t k = (ptrdiff_t)to->start[i] * l->width, first = side_at(b, l->from, l->width);
    ptrdiff_t kept = b->at[l->to->i] * l->width + k;
    bool lrp = b->want->lrp;
    return (struct kern_attention_back){
        .q = f->q + first + q, .k = t->k + kept, .v = t->v + kept, .ldq = l->width,
        .ldk = l->width, .ldv = l->width, .ldo = l->width,
        .probs = tape_map(f, &b->t->rows[l->from->i], &b->t->rows[l->to->i], l->heads,
                          b->first + i),
        .dout = l->from->read + q, .dprobs = l->dprobs + at, .dscores = l->dscores + at,
        .dq = lrp ? NULL : l->from->q + q, .dk = lrp ? NULL : l->to->k + k, .dv = l->to->v + k,
        .heads = l->heads, .dh = l->width / l->heads, .tq = f->first ? 1 : rows_of(from, i),
        .tk = rows_of(to, i), .scale = 1.0f / sqrtf((float)(l->width / l->heads))};
}

/* The map's derivatives go to the trace, those of image i being at a. */
static int look_keep(struct back *b, const struct back_look *l, int i,
                     const struct kern_attention_back *a, float *map)
{
    struct later m = {.what = LATER_MAP,
                      .at = forward_hold(&b->p.run, a->dprobs, a->heads * a->tq, a->tk),
                      .n = (size_t)a->heads * (size_t)a->tq * (size_t)a->tk, .to = map,
                      .from = back_rows(b, l->from->i), .cols = back_rows(b, l->to->i),
                      .heads = l->heads, .b = i, .first = l->from->l->first};
    if (!m.at)
        return vs_fail(b->p.run.err, VS_E_LIMIT, "no memory for the gradients of attention maps");
    forward_later(&b->p.run, &m);
    return 0;
}

/* A map of the trace, of zeros. */
static int look_add(struct back *b, enum attn_kind kind, int heads, int layer, float **map)
{
    const struct packing *from = attn_table[kind].from == STREAM_TEXT ? &b->p.t : &b->p.v;
    const struct packing *to = attn_table[kind].to == STREAM_TEXT ? &b->p.t : &b->p.v;
    int64_t shape[4] = {from->batch, heads, from->width, to->width};
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)kind, .layer = layer};
    *map = b->want->attention ? trace_add(b->p.run.trace, at, 4, shape) : NULL;
    return *map || !b->want->attention
               ? 0
               : vs_fail(b->p.run.err, VS_E_LIMIT, "no memory for the gradients of attention maps");
}

static int back_looks(struct back *b, struct back_look *l, int count)
{
    int batch = b->p.run.in->batch, rc = 0;
    struct kern_attention_back *list = xcalloc((size_t)(batch * count), sizeof *list);
    size_t at = 0;
    for (int j = 0; j < count; j++) {
        l[j].dprobs = b->maps;
        l[j].dscores = b->maps + b->map_size;
        for (int i = 0; i < batch; i++) {
            struct kern_attention_back *a = &list[j * batch + i];
            *a = look_image(b, &l[j], i, at);
            at += (size_t)a->heads * (size_t)a->tq * (size_t)a->tk;
        }
    }
    b->p.run.ops->attention_back(b->p.run.k, list, batch * count);
    for (int j = 0; j < count && rc == 0; j++) {
        float *map = NULL;
        rc = look_add(b, l[j].kind, l[j].heads, l[j].layer, &map);
        for (int i = 0; map && i < batch && rc == 0; i++)
            rc = look_keep(b, &l[j], i, &list[j * batch + i], map);
    }
    free(list);
    return rc;
}

/* ---- a layer of one stream */

/* The gates of dynamic attention: from the derivatives of gated queries and keys to those of what
 * was gated, and through the gates to the text of that moment. */
static void back_gates(struct back *b, const struct layer_w *w, const struct back_side *s)
{
    const struct kern_ops *ops = b->p.run.ops;
    struct kern *k = b->p.run.k;
    int n = b->p.m->c.v_hidden, hidden = b->p.m->c.text.hidden;
    float *dq = b->p.gate, *dk = dq + n, *mean = dk + n;
    for (int i = 0; i < b->p.run.in->batch; i++) {
        const float *gate = s->l->gate + 2 * (ptrdiff_t)(b->first + i) * n;
        int rows = rows_of(&b->p.v, i), start = b->p.v.start[i], from = b->p.t.start[i];
        ptrdiff_t q = (ptrdiff_t)(s->l->first ? i : start) * n, at = (ptrdiff_t)start * n;
        struct kern_gate_back queries = {s->l->q + side_at(b, s, n) + q, n, gate, s->q + q, n, dq,
                                         s->l->first ? 1 : rows, n};
        struct kern_gate_back keys = {s->l->k + b->at[0] * n + at, n, gate + n, s->k + at, n, dk,
                                      rows, n};
        ops->gate_back(k, &queries);
        ops->gate_back(k, &keys);
        struct kern_linear_back of_q = back_linear(&w->gate_q, dq, 1, mean, NULL);
        struct kern_linear_back of_k = back_linear(&w->gate_k, dk, 1, mean, mean);
        ops->linear_back(k, &of_q, 1);
        ops->linear_back(k, &of_k, 1);
        float *d = b->d[1] + (ptrdiff_t)from * hidden;
        struct kern_mean_back text = {mean, b->t->skip ? b->t->skip + b->at[1] + from : NULL,
                                      b->live[1] ? d : NULL, d, hidden, rows_of(&b->p.t, i),
                                      hidden};
        ops->mean_back(k, &text);
    }
    b->live[1] = true;
}

/* d, of the first rows, becomes that of all rows. */
static void back_uncut(struct back *b, int i)
{
    int n = back_width(b, i);
    float *all = i ? b->p.xt : b->p.xv;
    struct kern_scatter_rows rows = {b->d[i], n, b->firsts[i], all, n, b->p.run.in->batch,
                                     back_rows(b, i)->rows, n};
    b->p.run.ops->scatter_rows(b->p.run.k, &rows);
    b->d[i] = all;
    b->cut[i] = false;
}

static int back_layer(struct back *b, const struct tape_step *step)
{
    const struct layer_w *w = step->w;
    const struct kern_ops *ops = b->p.run.ops;
    struct kern *k = b->p.run.k;
    int i = step->part == PART_TEXT, width = back_width(b, i);
    struct back_side s = back_side(b, &step->side[0], i);
    s.out = &w->out, s.out_norm = &w->out_norm;
    s.ff_in = &w->ff_in, s.ff_out = &w->ff_out, s.ff_norm = &w->ff_norm;
    side_kept(b, &s);
    int rc = back_feed(b, &s, 1, step), all = back_rows(b, i)->rows;
    if (rc != 0)
        return rc;
    struct back_look look = {.from = &s, .to = &s, .width = width, .layer = step->number,
                             .heads = i ? b->p.m->c.text.heads : b->p.m->c.v_heads,
                             .kind = i ? ATTN_TEXT : ATTN_VISUAL};
    rc = back_looks(b, &look, 1);
    if (rc != 0)
        return rc;
    if (w->gate_q.w && !b->want->lrp)
        back_gates(b, w, &s);
    struct kern_linear_back queries = back_linear(&w->q, s.q, s.rows, s.d, s.d);
    if (!b->want->lrp)
        ops->linear_back(k, &queries, 1);
    if (s.l->first)
        back_uncut(b, i);
    struct kern_linear_back keys = back_linear(&w->k, s.k, all, b->d[i], b->d[i]);
    struct kern_linear_back values = back_linear(&w->v, s.v, all, b->d[i], b->d[i]);
    if (!b->want->lrp)
        ops->linear_back(k, &keys, 1);
    ops->linear_back(k, &values, 1);
    return 0;
}

/* ---- a co-attention layer */

static struct back_side back_coside(const struct back *b, const struct tape_step *step, int i)
{
    const struct colayer_w *w = step->w;
    struct back_side s = back_side(b, &step->side[i], i);
    s.out = &w->out[i], s.out_norm = &w->out_norm[i];
    s.ff_in = &w->ff_in[i], s.ff_out = &w->ff_out[i], s.ff_norm = &w->ff_norm[i];
    if (s.l->read)
        side_kept(b, &s);
    return s;
}

/* d of both streams += what came to their queries, keys or values; a stream without any so far
 * begins with it. asked[i]: the queries of stream i had derivatives. */
static void back_project(struct back *b, const struct colayer_w *w, const struct back_side *s,
                         const bool asked[2])
{
    for (int what = b->want->lrp ? 2 : 0; what < 3; what++) { /* queries, keys, values */
        struct kern_linear_back list[2];
        int count = 0;
        for (int i = 0; i < 2; i++) {
            const struct linear_w *line = what == 0 ? &w->q[i] : what == 1 ? &w->k[i] : &w->v[i];
            const float *dy = what == 0 ? s[i].q : what == 1 ? s[i].k : s[i].v;
            if (!asked[what == 0 ? i : !i])
                continue;
            list[count++] = back_linear(line, dy, back_rows(b, i)->rows, b->d[i],
                                        b->live[i] ? b->d[i] : NULL);
            b->live[i] = true;
        }
        b->p.run.ops->linear_back(b->p.run.k, list, count);
    }
}

static int back_colayer(struct back *b, const struct tape_step *step)
{
    struct back_side s[2] = {back_coside(b, step, 0), back_coside(b, step, 1)}, read[2];
    struct back_look looks[2];
    bool asked[2] = {b->live[0], b->live[1]};
    int count = 0;
    for (int i = 0; i < 2; i++) {
        if (!asked[i])
            continue;
        read[count] = s[i];
        looks[count++] = (struct back_look){
            .from = &s[i], .to = &s[!i], .width = b->p.m->c.bi_hidden, .layer = step->number,
            .heads = b->p.m->c.bi_heads, .kind = i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT};
    }
    int rc = back_feed(b, read, count, step);
    if (rc == 0)
        rc = back_looks(b, looks, count);
    if (rc == 0)
        back_project(b, step->w, s, asked);
    return rc;
}

/* ---- steps */

int back_keep(struct back *b, int i, enum trace_kind kind, enum net_part part, int layer)
{
    struct trace_at at = {kind, (int)part, i ? STREAM_TEXT : STREAM_IMAGE, layer};
    const struct packing *rows = back_rows(b, i);
    int n = back_width(b, i);
    int64_t shape[3] = {rows->batch, rows->width, n};
    const float *d = b->d[i];
    if (!(kind == TRACE_STATE ? b->want->hidden : b->want->added))
        return 0;
    if (!b->live[i])
        return trace_add(b->p.run.trace, at, 3, shape)
                   ? 0
                   : vs_fail(b->p.run.err, VS_E_LIMIT, "no memory for gradients");
    if (b->cut[i]) { /* the memory of attention's output is free until the layer runs */
        float *all = i ? b->p.ct : b->p.cv;
        struct kern_scatter_rows spread = {d, n, b->firsts[i], all, n, rows->batch, rows->rows, n};
        b->p.run.ops->scatter_rows(b->p.run.k, &spread);
        d = all;
    }
    return forward_keep(&b->p.run, rows, d, n, at);
}

/* Nothing comes from behind this layer: its maps, and what it adds, have derivatives of 0. */
static int back_skip(struct back *b, enum attn_kind kind, int layer)
{
    enum net_part part = attn_table[kind].part;
    int i = attn_table[kind].from == STREAM_TEXT;
    float *map = NULL;
    int rc = look_add(b, kind, net_map_heads(&b->p.m->core.net.sizes, kind), layer, &map);
    if (rc == 0)
        rc = back_keep(b, i, TRACE_FED, part, layer);
    return rc ? rc : back_keep(b, i, TRACE_ATTENDED, part, layer);
}

int back_step(struct back *b, const struct tape_step *step)
{
    bool co = step->part == PART_CO;
    int i = step->part == PART_TEXT, rc = 0;
    if (!co) {
        rc = back_keep(b, i, TRACE_STATE, step->part, step->number);
        if (rc == 0)
            rc = b->live[i] ? back_layer(b, step)
                            : back_skip(b, i ? ATTN_TEXT : ATTN_VISUAL, step->number);
        return rc;
    }
    for (i = 0; i < 2 && rc == 0; i++) {
        rc = back_keep(b, i, TRACE_STATE, PART_CO, step->number);
        if (rc == 0 && !b->live[i])
            rc = back_skip(b, i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT, step->number);
    }
    return rc == 0 && (b->live[0] || b->live[1]) ? back_colayer(b, step) : rc;
}
