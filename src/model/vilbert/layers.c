/* SPDX-License-Identifier: MIT */
/* The layers of ViLBERT: those of one stream, and co-attention of both.
 *
 * Source: vilbert/vilbert.py of the reference (BertLayer, BertConnectionLayer). Number 1 in its
 * names is the visual side, 2 the textual. */
#include "src/model/vilbert/layers.h"

#include "src/model/vilbert/tape.h"

/* ---- a layer of one stream */

struct stream text_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->t, p->xt, p->qt, p->kt, p->vt, p->ct, p->ft, c->text.hidden,
                           c->text.heads, c->text.act, ATTN_TEXT, p->bias_t, p->first_t, p->xt,
                           p->xt, NULL, NULL};
}

struct stream visual_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->v, p->xv, p->qv, p->kv, p->vv, p->cv, p->fv, c->v_hidden,
                           c->v_heads, c->v_act, ATTN_VISUAL, p->bias_v, p->first_v, p->xv,
                           p->xv, NULL, NULL};
}

/* dynamic_attention: the text of the moment decides which numbers of queries and keys count.
 * first_only: there are queries of the first rows only. */
static void layer_gate(struct pass *p, const struct layer_w *w, const struct stream *s,
                       bool first_only)
{
    int n = p->m->c.v_hidden;
    float *mean = p->gate + 2 * (ptrdiff_t)n;
    for (int b = 0; b < p->run.in->batch; b++) {
        ptrdiff_t at = (ptrdiff_t)p->v.start[b] * n;
        float *gq = s->kept ? s->kept->gate + 2 * (ptrdiff_t)b * n : p->gate, *gk = gq + n;
        int hidden = p->m->c.text.hidden, first = p->t.start[b];
        struct kern_mean real = {.x = p->xt + (ptrdiff_t)first * hidden, .ldx = hidden,
                                 .skip = p->bias_t ? p->bias_t + first : NULL, .y = mean,
                                 .m = rows_of(&p->t, b), .n = hidden};
        p->run.ops->mean(p->run.k, &real); /* of the real tokens */
        struct kern_linear gates[] = {line_linear(&w->gate_q, mean, 1, gq, KERN_NONE, NULL),
                                      line_linear(&w->gate_k, mean, 1, gk, KERN_NONE, NULL)};
        p->run.ops->linear(p->run.k, gates, 2);
        if (first_only)
            p->run.ops->gate(p->run.k, s->q + (ptrdiff_t)b * n, n, gq, 1, n);
        else
            p->run.ops->gate(p->run.k, s->q + at, n, gq, rows_of(&p->v, b), n);
        p->run.ops->gate(p->run.k, s->k + at, n, gk, rows_of(&p->v, b), n);
    }
}

int stream_run(struct pass *p, const struct layer_w *w, const struct stream *s, int number,
               bool first)
{
    struct stream own = *s;
    int rc = p->tape ? tape_keep_layer(&p->tape->kept, w, &own, number, first, p->run.err) : 0;
    if (rc != 0)
        return rc;
    float *x = layer_project(&p->run, w, &own, first);
    if (w->gate_q.w)
        layer_gate(p, w, &own, first);
    return layer_finish(&p->run, w, &own, x, number, first);
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
    struct stream side[2]; /* those that are read */
    bool attended[2], fed[2]; /* what is added to their states is computed by itself */
    int products, sides;
};

/* A stream of a co-attention layer. */
static struct trace_at colayer_at(enum trace_kind kind, const struct stream *s, int number)
{
    return (struct trace_at){kind, PART_CO, attn_table[s->kind].from, number};
}

/* Keys, values and queries of stream i. Returns count. */
int colayer_project(const struct colayer_w *w, const struct stream *s, int i, int count,
                    struct kern_linear *list)
{
    const struct linear_w *const what[] = {&w->k[i], &w->v[i], &w->q[i]};
    float *const to[] = {s->k, s->v, s->q};
    for (int j = 0; j < count; j++)
        list[j] = line_linear(what[j], s->x, s->rows->rows, to[j], KERN_NONE, NULL);
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
    o->side[n] = s[i];
    o->look[n] = (struct look){.from = s[i].rows, .to = s[!i].rows, .q = s[i].q, .k = s[!i].k,
                               .v = s[!i].v, .out = s[i].ctx, .width = p->m->c.bi_hidden,
                               .heads = p->m->c.bi_heads, .layer = number, .bias = s[!i].bias,
                               .kind = i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT,
                               .kept = s[i].kept};
    bool alone = o->attended[n] = forward_is_apart(&p->run,
                                                   colayer_at(TRACE_ATTENDED, &s[i], number));
    o->out[n] = line_linear(&w->out[i], s[i].ctx, rows, alone ? s[i].ff : s[i].attended,
                            KERN_NONE, alone ? NULL : s[i].x);
    o->out_norm[n] = line_norm_to(&w->out_norm[i], s[i].attended, rows, s[i].x);
    o->ff_in[n] = layer_feed_in(&w->ff_in[i], &s[i], rows);
    alone = o->fed[n] = forward_is_apart(&p->run, colayer_at(TRACE_FED, &s[i], number));
    o->ff_out[n] = line_linear(&w->ff_out[i], s[i].ff, rows, alone ? s[i].ctx : s[i].fed,
                               KERN_NONE, alone ? NULL : s[i].x);
    o->ff_norm[n] = line_norm_to(&w->ff_norm[i], s[i].fed, rows, s[i].x);
}

/* Attention's output, and the feed forward, of what was read. */
static int colayer_finish(struct pass *p, const struct colayer_ops *o, int number)
{
    struct kern *k = p->run.k;
    const struct kern_ops *ops = p->run.ops;
    int rc = 0;
    ops->linear(k, o->out, o->sides);
    for (int j = 0; j < o->sides && rc == 0; j++)
        if (o->attended[j])
            rc = layer_add(&p->run, &o->side[j], o->side[j].ff, o->side[j].x,
                           o->side[j].attended, colayer_at(TRACE_ATTENDED, &o->side[j], number),
                           false);
    ops->norm(k, o->out_norm, o->sides);
    layer_feed(&p->run, o->ff_in, o->side, o->sides);
    ops->linear(k, o->ff_out, o->sides);
    for (int j = 0; j < o->sides && rc == 0; j++)
        if (o->fed[j])
            rc = layer_add(&p->run, &o->side[j], o->side[j].ctx, o->side[j].x, o->side[j].fed,
                           colayer_at(TRACE_FED, &o->side[j], number), false);
    ops->norm(k, o->ff_norm, o->sides);
    for (int j = 0; j < o->sides && rc == 0; j++)
        forward_replace(&p->run, o->side[j].rows, o->side[j].x, o->side[j].hidden,
                        colayer_at(TRACE_STATE, &o->side[j], number), false);
    return rc;
}

int colayer_run(struct pass *p, const struct colayer_w *w, int number)
{
    struct kern *k = p->run.k;
    struct stream s[2] = {visual_stream(p), text_stream(p)};
    struct colayer_ops o = {.products = 0};
    bool read[2] = {colayer_is_read(p, 0, number), colayer_is_read(p, 1, number)};
    int rc = p->tape ? vilbert_tape_colayer(p, w, s, number, read) : 0;
    if (rc != 0)
        return rc;
    for (int i = 0; i < 2; i++)
        colayer_add_side(p, w, s, i, number, &o);
    if (o.products > 0)
        p->run.ops->linear(k, o.qkv, o.products);
    rc = look_run(&p->run, o.look, o.sides);
    if (rc == 0)
        rc = colayer_finish(p, &o, number);
    if (rc != 0)
        return rc;
    rc = forward_keep_state(&p->run, &p->t, p->xt, p->m->c.text.hidden, PART_CO, STREAM_TEXT,
                            number);
    return rc ? rc
              : forward_keep_state(&p->run, &p->v, p->xv, p->m->c.v_hidden, PART_CO, STREAM_IMAGE,
                                   number);
}
