/* SPDX-License-Identifier: MIT */
/* Back through a layer. It is, of the states x of a stream,
 *
 *   a = norm(attention(q, k, v) Wo + x)        q, k, v = x Wq, x Wk, x Wv
 *   y = norm(act(a W1) W2 + a)
 *
 * and from the derivatives d at y follow, line by line, those at a and at x. */
#include "src/model/transformer/back.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* ---- what was kept of a side */

ptrdiff_t back_side_at(const struct back *b, const struct back_side *s, int width)
{
    return (s->l->first ? b->first : s->s->at) * width;
}

struct back_side back_side(const struct back *b, const struct tape_layer *l,
                           struct back_stream *s)
{
    return (struct back_side){.s = s, .l = l, .d = s->d,
                              .rows = l->first ? b->in.batch : s->rows.rows};
}

void back_side_kept(const struct back *b, struct back_side *s)
{
    s->attended = s->l->attended + back_side_at(b, s, s->s->width);
    s->hidden = s->l->inner + back_side_at(b, s, s->ff_in->n);
    s->fed = s->l->fed + back_side_at(b, s, s->s->width);
}

/* Derivatives at a sum are those at what was added to the state. */
static int back_keep_added(struct back *b, const struct back_side *s, int count,
                           enum trace_kind kind, const struct tape_step *step)
{
    int rc = 0;
    for (int j = 0; j < count && rc == 0; j++)
        rc = back_keep(b, s[j].s, kind, step->part, step->number);
    return rc;
}

int back_feed(struct back *b, const struct back_side *s, int count, const struct tape_step *step)
{
    const struct kern_ops *ops = b->run->ops;
    struct kern *k = b->run->k;
    struct kern_norm_back fed[2] = {{.m = 0}}, attended[2] = {{.m = 0}};
    struct kern_linear_back out[2] = {{.m = 0}}, in[2] = {{.m = 0}}, read[2] = {{.m = 0}};
    for (int j = 0; j < count; j++) {
        int rows = s[j].rows;
        float *wide = s[j].s->wide;
        fed[j] = back_norm(b, s[j].ff_norm, s[j].fed, s[j].d, rows);
        out[j] = back_linear(s[j].ff_out, s[j].d, rows, wide, NULL);
        in[j] = back_linear(s[j].ff_in, wide, rows, s[j].d, s[j].d);
        attended[j] = back_norm(b, s[j].out_norm, s[j].attended, s[j].d, rows);
        read[j] = back_linear(s[j].out, s[j].d, rows, s[j].s->read, NULL);
    }
    ops->norm_back(k, fed, count);
    int rc = back_keep_added(b, s, count, TRACE_FED, step);
    ops->linear_back(k, out, count);
    for (int j = 0; j < count; j++)
        ops->activate_back(k, s[j].hidden, s[j].s->wide, s[j].s->wide,
                           (size_t)s[j].rows * (size_t)s[j].ff_in->n, s[j].s->act);
    ops->linear_back(k, in, count);
    ops->norm_back(k, attended, count);
    if (rc == 0)
        rc = back_keep_added(b, s, count, TRACE_ATTENDED, step);
    ops->linear_back(k, read, count);
    return rc;
}

/* ---- attention */

static struct kern_attention_back look_image(const struct back *b, const struct back_look *l, int i,
                                             size_t at)
{
    const struct back_stream *from = l->from->s, *to = l->to->s;
    const struct tape_layer *f = l->from->l, *t = l->to->l;
    int heads = net_map_heads(&b->t->core->net.sizes, l->kind);
    ptrdiff_t q = (ptrdiff_t)(f->first ? i : from->rows.start[i]) * l->width;
    ptrdiff_t k = (ptrdiff_t)to->rows.start[i] * l->width;
    ptrdiff_t first = back_side_at(b, l->from, l->width), kept = to->at * l->width + k;
    bool lrp = b->want->lrp;
    return (struct kern_attention_back){
        .q = f->q + first + q, .k = t->k + kept, .v = t->v + kept, .ldq = l->width,
        .ldk = l->width, .ldv = l->width, .ldo = l->width,
        .probs = tape_map(f, from->kept, to->kept, heads, b->first + i),
        .dout = from->read + q, .dprobs = l->dprobs + at, .dscores = l->dscores + at,
        .dq = lrp ? NULL : from->q + q, .dk = lrp ? NULL : to->k + k, .dv = to->v + k,
        .heads = heads, .dh = l->width / heads, .tq = f->first ? 1 : rows_of(&from->rows, i),
        .tk = rows_of(&to->rows, i), .scale = 1.0f / sqrtf((float)(l->width / heads))};
}

/* The map's derivatives go to the trace, those of image i being at a. */
static int look_keep(struct back *b, const struct back_look *l, int i,
                     const struct kern_attention_back *a, float *map)
{
    struct later m = {.what = LATER_MAP,
                      .at = forward_hold(b->run, a->dprobs, a->heads * a->tq, a->tk),
                      .n = (size_t)a->heads * (size_t)a->tq * (size_t)a->tk, .to = map,
                      .from = &l->from->s->rows, .cols = &l->to->s->rows, .heads = a->heads, .b = i,
                      .first = l->from->l->first};
    if (!m.at)
        return vs_fail(b->run->err, VS_E_LIMIT, "no memory for the gradients of attention maps");
    forward_later(b->run, &m);
    return 0;
}

/* A map of the trace, of zeros. */
static int look_add(struct back *b, enum attn_kind kind, int layer, float **map)
{
    const struct packing *from = &back_stream_of(b, attn_table[kind].from)->rows;
    const struct packing *to = &back_stream_of(b, attn_table[kind].to)->rows;
    int64_t shape[4] = {from->batch, net_map_heads(&b->t->core->net.sizes, kind), from->width,
                        to->width};
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)kind, .layer = layer};
    *map = b->want->attention ? trace_add(b->run->trace, at, 4, shape) : NULL;
    return *map || !b->want->attention
               ? 0
               : vs_fail(b->run->err, VS_E_LIMIT, "no memory for the gradients of attention maps");
}

int back_looks(struct back *b, struct back_look *l, int count)
{
    int batch = b->in.batch, rc = 0;
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
    b->run->ops->attention_back(b->run->k, list, batch * count);
    for (int j = 0; j < count && rc == 0; j++) {
        float *map = NULL;
        rc = look_add(b, l[j].kind, l[j].layer, &map);
        for (int i = 0; map && i < batch && rc == 0; i++)
            rc = look_keep(b, &l[j], i, &list[j * batch + i], map);
    }
    free(list);
    return rc;
}

/* ---- a layer of one stream */

enum attn_kind back_map_of(enum net_part part)
{
    int i = 0;
    while (i < ATTN_COUNT - 1 && attn_table[i].part != part)
        i++;
    return (enum attn_kind)i;
}

int back_layer_read(struct back *b, const struct tape_step *step, struct back_side *s)
{
    const struct layer_w *w = step->w;
    enum attn_kind kind = back_map_of(step->part);
    *s = back_side(b, &step->side[0], back_stream_of(b, attn_table[kind].from));
    s->out = &w->out, s->out_norm = &w->out_norm;
    s->ff_in = &w->ff_in, s->ff_out = &w->ff_out, s->ff_norm = &w->ff_norm;
    back_side_kept(b, s);
    struct back_look look = {.from = s, .to = s, .width = s->s->width, .layer = step->number,
                             .kind = kind};
    int rc = back_feed(b, s, 1, step);
    return rc ? rc : back_looks(b, &look, 1);
}

/* d, of the first rows, becomes that of all rows. */
static void back_uncut(struct back *b, struct back_stream *s)
{
    int n = s->width;
    struct kern_scatter_rows rows = {s->d, n, s->firsts, s->x, n, b->in.batch, s->rows.rows, n};
    b->run->ops->scatter_rows(b->run->k, &rows);
    s->d = s->x;
    s->cut = false;
}

void back_layer_project(struct back *b, const struct tape_step *step, struct back_side *side)
{
    const struct layer_w *w = step->w;
    const struct kern_ops *ops = b->run->ops;
    struct kern *k = b->run->k;
    struct back_stream *s = side->s;
    int all = s->rows.rows;
    struct kern_linear_back queries = back_linear(&w->q, s->q, side->rows, side->d, side->d);
    if (!b->want->lrp)
        ops->linear_back(k, &queries, 1);
    if (side->l->first)
        back_uncut(b, s);
    struct kern_linear_back keys = back_linear(&w->k, s->k, all, s->d, s->d);
    struct kern_linear_back values = back_linear(&w->v, s->v, all, s->d, s->d);
    if (!b->want->lrp)
        ops->linear_back(k, &keys, 1);
    ops->linear_back(k, &values, 1);
}

int back_skip(struct back *b, enum attn_kind kind, int layer)
{
    enum net_part part = attn_table[kind].part;
    struct back_stream *s = back_stream_of(b, attn_table[kind].from);
    float *map = NULL;
    int rc = look_add(b, kind, layer, &map);
    if (rc == 0)
        rc = back_keep(b, s, TRACE_FED, part, layer);
    return rc ? rc : back_keep(b, s, TRACE_ATTENDED, part, layer);
}
