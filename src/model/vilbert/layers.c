/* SPDX-License-Identifier: MIT */
/* The layers of ViLBERT: attention and feed forward of one stream, and co-attention of both.
 *
 * Source: vilbert/vilbert.py of the reference (BertLayer, BertConnectionLayer). Number 1 in its
 * names is the visual side, 2 the textual. */
#include "src/model/vilbert/layers.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

#define EPS 1e-12f /* of every layer norm */

/* ---- lines of the model */

struct kern_linear pass_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual)
{
    return (struct kern_linear){.x = x, .ldx = w->k, .w = w->w, .bias = w->b,
                                .residual = residual, .ldr = w->n, .y = y, .ldy = w->n,
                                .m = rows, .n = w->n, .k = w->k, .act = act};
}

struct kern_norm pass_norm(const struct norm_w *w, float *x, int rows)
{
    return (struct kern_norm){.x = x, .ldx = w->n, .gamma = w->gamma, .beta = w->beta, .y = x,
                              .ldy = w->n, .m = rows, .n = w->n, .eps = EPS};
}

/* ---- states and maps that are kept */

int layer_keep(struct pass *p, const struct packing *k, const float *x, int n,
               enum net_part part, enum net_stream s, int layer)
{
    if (!p->want->hidden)
        return 0;
    return pass_keep(p, k, x, n, (struct trace_at){TRACE_STATE, (int)part, s, layer});
}

/* One direction: the queries of one stream on the keys and values of the same or the other. */
struct look {
    const struct packing *from, *to;
    const float *q, *k, *v;
    float *out;
    int width, heads;
    enum attn_kind kind;
    int layer;
    bool first;   /* q and out have only the first row of every image; then no map is wanted */
    float *map;   /* (batch, heads, from.width, to.width) in the trace, or NULL */
    float **part; /* (batch): maps without padding, to be spread out */
    const float *bias; /* of the keys, or NULL */
};

static int look_keep(struct pass *p, struct look *l)
{
    if (!p->want->attention)
        return 0;
    int64_t shape[4] = {l->from->batch, l->heads, l->from->width, l->to->width};
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)l->kind, .layer = l->layer};
    char name[TRACE_NAME];
    l->map = trace_add(p->trace, at, 4, shape);
    l->part = xcalloc((size_t)l->from->batch, sizeof *l->part);
    return l->map ? 0 : vs_fail(p->err, VS_E_LIMIT, "no memory for %s", trace_name(at, name));
}

/* Where the map of image b is written: in its place, or without padding, to be spread out. */
static float *look_place(struct pass *p, struct look *l, int b, int tq, int tk)
{
    size_t n = (size_t)l->heads * (size_t)tq * (size_t)tk;
    if (!l->map)
        return NULL;
    if (tq == l->from->width && tk == l->to->width)
        return pass_out(p, l->map + (size_t)b * n, n);
    return l->part[b] = pass_room(p, n);
}

static int look_plan(struct pass *p, struct look *l, struct kern_attention *list)
{
    int dh = l->width / l->heads;
    for (int b = 0; b < l->from->batch; b++) {
        int tq = l->first ? 1 : rows_of(l->from, b), tk = rows_of(l->to, b);
        ptrdiff_t q0 = (ptrdiff_t)(l->first ? b : l->from->start[b]) * l->width;
        ptrdiff_t k0 = (ptrdiff_t)l->to->start[b] * l->width;
        float *probs = look_place(p, l, b, tq, tk);
        if (l->map && !probs)
            return vs_fail(p->err, VS_E_LIMIT, "no memory for attention maps");
        list[b] = (struct kern_attention){
            .q = l->q + q0, .k = l->k + k0, .v = l->v + k0, .out = l->out + q0,
            .ldq = l->width, .ldk = l->width, .ldv = l->width, .ldo = l->width,
            .key_bias = l->bias ? l->bias + l->to->start[b] : NULL, .probs = probs,
            .heads = l->heads, .dh = dh, .tq = tq, .tk = tk, .scale = 1.0f / sqrtf((float)dh)};
    }
    return 0;
}

/* The maps of images with padding go to the places of the input. */
static void look_finish(struct pass *p, struct look *l)
{
    for (int b = 0; l->part && b < l->from->batch; b++) {
        struct later map = {.what = LATER_MAP, .at = l->part[b], .to = l->map, .from = l->from,
                            .cols = l->to, .heads = l->heads, .b = b, .owned = true,
                            .n = (size_t)l->heads * (size_t)rows_of(l->from, b) *
                                 (size_t)rows_of(l->to, b)};
        if (l->part[b])
            pass_later(p, &map);
    }
    free(l->part);
}

/* One head of one image is taken out. a is its attention, done. */
static void look_silence_head(struct pass *p, const struct kern_attention *a, int head,
                              enum kern_silence how)
{
    ptrdiff_t at = (ptrdiff_t)head * a->dh;
    struct kern_silenced op = {
        .v = a->v + at, .ldv = a->ldv, .key_bias = a->key_bias, .out = a->out + at, .ldo = a->ldo,
        .probs = a->probs ? a->probs + (ptrdiff_t)head * a->tq * a->tk : NULL, .dh = a->dh,
        .tq = a->tq, .tk = a->tk, .how = how};
    p->ops->silence(p->m->k, &op);
}

/* list: the attentions of the look, one for each image. */
static void look_silence(struct pass *p, const struct look *l, const struct kern_attention *list)
{
    for (int i = 0; i < p->want->silence_count; i++) {
        const struct net_silence *s = &p->want->silences[i];
        if (s->map != l->kind || s->layer != l->layer)
            continue;
        for (int b = 0; b < l->from->batch; b++)
            for (int h = 0; h < l->heads && (s->b < 0 || s->b == b); h++)
                if (s->head < 0 || s->head == h)
                    look_silence_head(p, &list[b], h, s->how);
    }
}

/* Looks of the same images. */
static int look_run(struct pass *p, struct look *l, int count)
{
    int batch = l[0].from->batch, rc = 0;
    struct kern_attention *list = xcalloc((size_t)batch * (size_t)count, sizeof *list);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_keep(p, &l[i]);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_plan(p, &l[i], list + i * batch);
    if (rc == 0) {
        p->ops->attention(p->m->k, list, batch * count);
        for (int i = 0; i < count; i++)
            look_silence(p, &l[i], list + i * batch);
    }
    for (int i = 0; i < count; i++)
        look_finish(p, &l[i]);
    free(list);
    return rc;
}

/* ---- a layer of one stream */

struct stream text_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->t, p->xt, p->qt, p->kt, p->vt, p->ct, p->ft, c->hidden, c->heads,
                           c->act, ATTN_TEXT, p->bias_t, p->first_t};
}

struct stream visual_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->v, p->xv, p->qv, p->kv, p->vv, p->cv, p->fv, c->v_hidden,
                           c->v_heads, c->v_act, ATTN_VISUAL,
                           p->bias_v, p->first_v};
}

/* dynamic_attention: the text of the moment decides which numbers of queries and keys count.
 * first_only: there are queries of the first rows only. */
static void layer_gate(struct pass *p, const struct layer_w *w, bool first_only)
{
    int n = p->m->c.v_hidden;
    float *gq = p->gate, *gk = gq + n, *mean = gk + n;
    for (int b = 0; b < p->in->batch; b++) {
        ptrdiff_t at = (ptrdiff_t)p->v.start[b] * n;
        int hidden = p->m->c.hidden, first = p->t.start[b];
        struct kern_mean real = {.x = p->xt + (ptrdiff_t)first * hidden, .ldx = hidden,
                                 .skip = p->bias_t ? p->bias_t + first : NULL, .y = mean,
                                 .m = rows_of(&p->t, b), .n = hidden};
        p->ops->mean(p->m->k, &real); /* of the real tokens */
        struct kern_linear gates[] = {pass_linear(&w->gate_q, mean, 1, gq, KERN_NONE, NULL),
                                      pass_linear(&w->gate_k, mean, 1, gk, KERN_NONE, NULL)};
        p->ops->linear(p->m->k, gates, 2);
        if (first_only)
            p->ops->gate(p->m->k, p->qv + (ptrdiff_t)b * n, n, gq, 1, n);
        else
            p->ops->gate(p->m->k, p->qv + at, n, gq, rows_of(&p->v, b), n);
        p->ops->gate(p->m->k, p->kv + at, n, gk, rows_of(&p->v, b), n);
    }
}

/* The states of the first rows, one after the other. */
static float *layer_gather_first(struct pass *p, const struct stream *s)
{
    struct kern_gather_rows first = {.x = s->x, .ldx = s->hidden, .index = s->first, .y = s->ff,
                                     .ldy = s->hidden, .m = p->in->batch, .n = s->hidden};
    if (p->in->batch == 1)
        return s->x;
    p->ops->gather_rows(p->m->k, &first);
    return s->ff;
}

/* first: queries, outputs and what follows of the first row of every image only, which stand one
 * after the other afterwards. Keys and values are those of all rows. */
int layer_run(struct pass *p, const struct layer_w *w, struct stream s, int number,
              bool first)
{
    struct kern *k = p->m->k;
    int all = s.rows->rows, rows = first ? p->in->batch : all;
    float *x = first ? layer_gather_first(p, &s) : s.x;
    struct kern_linear qkv[] = {pass_linear(&w->q, x, rows, s.q, KERN_NONE, NULL),
                                pass_linear(&w->k, s.x, all, s.k, KERN_NONE, NULL),
                                pass_linear(&w->v, s.x, all, s.v, KERN_NONE, NULL)};
    p->ops->linear(k, qkv, 3);
    if (w->gate_q.w)
        layer_gate(p, w, first);
    struct look look = {.from = s.rows, .to = s.rows, .q = s.q, .k = s.k, .v = s.v, .out = s.ctx,
                        .width = s.hidden, .heads = s.heads, .kind = s.kind, .layer = number,
                        .bias = s.bias, .first = first};
    int rc = look_run(p, &look, 1);
    if (rc != 0)
        return rc;
    struct kern_linear out = pass_linear(&w->out, s.ctx, rows, s.x, KERN_NONE, x);
    struct kern_norm out_norm = pass_norm(&w->out_norm, s.x, rows);
    struct kern_linear ff_in = pass_linear(&w->ff_in, s.x, rows, s.ff, s.act, NULL);
    struct kern_linear ff_out = pass_linear(&w->ff_out, s.ff, rows, s.x, KERN_NONE, s.x);
    struct kern_norm ff_norm = pass_norm(&w->ff_norm, s.x, rows);
    p->ops->linear(k, &out, 1);
    p->ops->norm(k, &out_norm, 1);
    p->ops->linear(k, &ff_in, 1);
    p->ops->linear(k, &ff_out, 1);
    p->ops->norm(k, &ff_norm, 1);
    const struct attn_names *own = &attn_table[s.kind];
    return layer_keep(p, s.rows, s.x, s.hidden, own->part, own->from, number);
}

/* ---- a co-attention layer: each stream asks, the other is read */

/* What of stream i is computed: in the last of these layers, where nobody reads what becomes of a
 * stream, only the keys and values that the other one needs. */
static bool colayer_is_read(const struct pass *p, int i, int number)
{
    return number < p->m->c.connections - 1 || (i ? p->need_t : p->need_v) != NEED_NOTHING;
}

struct colayer_ops {
    struct kern_linear qkv[6], out[2], ff_in[2], ff_out[2];
    struct kern_norm out_norm[2], ff_norm[2];
    struct look look[2];
    int products, sides;
};

/* Keys, values and queries of stream i. Returns count. */
int colayer_project(const struct colayer_w *w, const struct stream *s, int i, int count,
                    struct kern_linear *list)
{
    const struct linear_w *const what[] = {&w->k[i], &w->v[i], &w->q[i]};
    float *const to[] = {s->k, s->v, s->q};
    for (int j = 0; j < count; j++)
        list[j] = pass_linear(what[j], s->x, s->rows->rows, to[j], KERN_NONE, NULL);
    return count;
}

static void colayer_add_side(struct pass *p, const struct colayer_w *w, const struct stream *s,
                             int i, int number, struct colayer_ops *o)
{
    int rows = s[i].rows->rows, n = o->sides;
    bool there = number == 0 && p->early[i].of, read = colayer_is_read(p, i, number);
    if (!there)
        o->products += colayer_project(w, &s[i], i, read ? 3 : 2, o->qkv + o->products);
    if (!read)
        return;
    o->sides++;
    o->look[n] = (struct look){.from = s[i].rows, .to = s[!i].rows, .q = s[i].q, .k = s[!i].k,
                               .v = s[!i].v, .out = s[i].ctx, .width = p->m->c.bi_hidden,
                               .heads = p->m->c.bi_heads, .layer = number, .bias = s[!i].bias,
                               .kind = i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT};
    o->out[n] = pass_linear(&w->out[i], s[i].ctx, rows, s[i].x, KERN_NONE, s[i].x);
    o->out_norm[n] = pass_norm(&w->out_norm[i], s[i].x, rows);
    o->ff_in[n] = pass_linear(&w->ff_in[i], s[i].x, rows, s[i].ff, s[i].act, NULL);
    o->ff_out[n] = pass_linear(&w->ff_out[i], s[i].ff, rows, s[i].x, KERN_NONE, s[i].x);
    o->ff_norm[n] = pass_norm(&w->ff_norm[i], s[i].x, rows);
}

int colayer_run(struct pass *p, const struct colayer_w *w, int number)
{
    struct kern *k = p->m->k;
    struct stream s[2] = {visual_stream(p), text_stream(p)};
    struct colayer_ops o = {.products = 0};
    for (int i = 0; i < 2; i++)
        colayer_add_side(p, w, s, i, number, &o);
    if (o.products > 0)
        p->ops->linear(k, o.qkv, o.products);
    int rc = look_run(p, o.look, o.sides);
    if (rc != 0)
        return rc;
    p->ops->linear(k, o.out, o.sides);
    p->ops->norm(k, o.out_norm, o.sides);
    p->ops->linear(k, o.ff_in, o.sides);
    p->ops->linear(k, o.ff_out, o.sides);
    p->ops->norm(k, o.ff_norm, o.sides);
    rc = layer_keep(p, &p->t, p->xt, p->m->c.hidden, PART_CO, STREAM_TEXT, number);
    return rc ? rc
              : layer_keep(p, &p->v, p->xv, p->m->c.v_hidden, PART_CO, STREAM_IMAGE, number);
}
