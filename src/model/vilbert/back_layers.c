/* SPDX-License-Identifier: MIT */
/* Back through the layers of ViLBERT. Those of one stream are transformer/back_layer.c's, with the
 * gates of dynamic attention. In a co-attention layer keys and values are the other stream's. */
#include "src/model/vilbert/back.h"

/* The gates of dynamic attention: from the derivatives of gated queries and keys to those of what
 * was gated, and through the gates to the text of that moment. */
static void back_gates(struct vilbert_back *v, const struct layer_w *w, const struct back_side *s)
{
    const struct kern_ops *ops = v->p.run.ops;
    struct kern *k = v->p.run.k;
    struct back_stream *image = &v->b.s[0], *words = &v->b.s[1];
    int n = image->width, hidden = words->width;
    float *dq = v->p.gate, *dk = dq + n, *mean = dk + n;
    for (int i = 0; i < v->b.in.batch; i++) {
        const float *gate = s->l->gate + 2 * (ptrdiff_t)(v->b.first + i) * n;
        int rows = rows_of(&image->rows, i), start = image->rows.start[i];
        int from = words->rows.start[i];
        ptrdiff_t q = (ptrdiff_t)(s->l->first ? i : start) * n, at = (ptrdiff_t)start * n;
        struct kern_gate_back queries = {s->l->q + back_side_at(&v->b, s, n) + q, n, gate,
                                         image->q + q, n, dq, s->l->first ? 1 : rows, n};
        struct kern_gate_back keys = {s->l->k + image->at * n + at, n, gate + n, image->k + at, n,
                                      dk, rows, n};
        ops->gate_back(k, &queries);
        ops->gate_back(k, &keys);
        struct kern_linear_back of_q = back_linear(&w->gate_q, dq, 1, mean, NULL);
        struct kern_linear_back of_k = back_linear(&w->gate_k, dk, 1, mean, mean);
        ops->linear_back(k, &of_q, 1);
        ops->linear_back(k, &of_k, 1);
        float *d = words->d + (ptrdiff_t)from * hidden;
        struct kern_mean_back text = {mean, v->t->skip ? v->t->skip + words->at + from : NULL,
                                      words->live ? d : NULL, d, hidden, rows_of(&words->rows, i),
                                      hidden};
        ops->mean_back(k, &text);
    }
    words->live = true;
}

static int back_own_layer(struct vilbert_back *v, const struct tape_step *step)
{
    const struct layer_w *w = step->w;
    struct back_side s;
    int rc = back_layer_read(&v->b, step, &s);
    if (rc != 0)
        return rc;
    if (w->gate_q.w && !v->b.want->lrp)
        back_gates(v, w, &s);
    back_layer_project(&v->b, step, &s);
    return 0;
}

/* ---- a co-attention layer */

static struct back_side back_coside(struct back *b, const struct tape_step *step, int i)
{
    const struct colayer_w *w = step->w;
    struct back_side s = back_side(b, &step->side[i], &b->s[i]);
    s.out = &w->out[i], s.out_norm = &w->out_norm[i];
    s.ff_in = &w->ff_in[i], s.ff_out = &w->ff_out[i], s.ff_norm = &w->ff_norm[i];
    if (s.l->read)
        back_side_kept(b, &s);
    return s;
}

/* d of both streams += what came to their queries, keys or values; a stream without any so far
 * begins with it. asked[i]: the queries of stream i had derivatives. */
static void back_project(struct back *b, const struct colayer_w *w, const bool asked[2])
{
    for (int what = b->want->lrp ? 2 : 0; what < 3; what++) { /* queries, keys, values */
        struct kern_linear_back list[2];
        int count = 0;
        for (int i = 0; i < 2; i++) {
            struct back_stream *s = &b->s[i];
            const struct linear_w *line = what == 0 ? &w->q[i] : what == 1 ? &w->k[i] : &w->v[i];
            const float *dy = what == 0 ? s->q : what == 1 ? s->k : s->v;
            if (!asked[what == 0 ? i : !i])
                continue;
            list[count++] = back_linear(line, dy, s->rows.rows, s->d, s->live ? s->d : NULL);
            s->live = true;
        }
        b->run->ops->linear_back(b->run->k, list, count);
    }
}

static int back_colayer(struct vilbert_back *v, const struct tape_step *step)
{
    struct back *b = &v->b;
    struct back_side s[2] = {back_coside(b, step, 0), back_coside(b, step, 1)}, read[2];
    struct back_look looks[2];
    bool asked[2] = {b->s[0].live, b->s[1].live};
    int count = 0;
    for (int i = 0; i < 2; i++) {
        if (!asked[i])
            continue;
        read[count] = s[i];
        looks[count++] = (struct back_look){
            .from = &s[i], .to = &s[!i], .width = v->p.m->c.bi_hidden, .layer = step->number,
            .kind = i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT};
    }
    int rc = back_feed(b, read, count, step);
    if (rc == 0)
        rc = back_looks(b, looks, count);
    if (rc == 0)
        back_project(b, step->w, asked);
    return rc;
}

/* ---- steps */

static int back_costep(struct vilbert_back *v, const struct tape_step *step)
{
    struct back *b = &v->b;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = back_keep(b, &b->s[i], TRACE_STATE, PART_CO, step->number);
        if (rc == 0 && !b->s[i].live)
            rc = back_skip(b, i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT, step->number);
    }
    return rc == 0 && (b->s[0].live || b->s[1].live) ? back_colayer(v, step) : rc;
}

int vilbert_back_step(struct back *b, const struct tape_step *step)
{
    struct vilbert_back *v = vilbert_back_of(b);
    if (step->part == PART_CO)
        return back_costep(v, step);
    enum attn_kind kind = back_map_of(step->part);
    struct back_stream *s = back_stream_of(b, attn_table[kind].from);
    int rc = back_keep(b, s, TRACE_STATE, step->part, step->number);
    if (rc != 0)
        return rc;
    return s->live ? back_own_layer(v, step) : back_skip(b, kind, step->number);
}
