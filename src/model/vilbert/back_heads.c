/* SPDX-License-Identifier: MIT */
/* From the target back to the last states of both streams, through the heads and what pools and
 * joins the streams. */
#include "src/model/vilbert/back.h"

/* One head may have several outputs: a target is of the one that the head's last line gives, by the
 * name that it has in this model; a share of a softmax is none. */
int vilbert_back_numbers(const struct vilbert_back *v)
{
    const struct weights *w = &v->t->m->w;
    enum net_head head = back_output(&v->b)->head;
    if (head == HEAD_POOLED || head == HEAD_SEQUENCE ||
        head_output(v->t->m, head) != v->b.target->output)
        return 0;
    if (back_is_on_rows(&v->b))
        return head_on_rows(v->t->m, head).out->n;
    const struct classifier_w *c = head_classifier_of(w, head, v->t->rows[0].batch);
    return c ? c->out.n : head_linear_of(w, head)->n;
}

/* From the joined states of the images to those of each stream: d at what was pooled. */
static void vilbert_back_fuse(struct vilbert_back *v, const float *dfused)
{
    const struct kern_ops *ops = v->p.run.ops;
    struct kern *k = v->p.run.k;
    size_t bi = (size_t)v->p.m->c.bi_hidden, n = (size_t)v->b.in.batch * bi;
    size_t at = (size_t)v->b.first * bi;
    float *const d[2] = {v->p.pooled_v, v->p.pooled_t};
    for (int i = 0; i < 2; i++) {
        const float *other = v->t->pooled[!i] + at;
        struct kern_gather_rows copy = {.x = dfused, .ldx = (ptrdiff_t)n, .y = d[i],
                                        .ldy = (ptrdiff_t)n, .m = 1, .n = (int)n};
        if (v->p.m->c.fusion_sum)
            ops->gather_rows(k, &copy);
        else
            ops->mul(k, dfused, other, d[i], n);
        ops->activate_back(k, v->t->pooled[i] + at, d[i], d[i], n, KERN_RELU);
    }
}

/* To the first rows of both streams. */
static void vilbert_back_pool(struct vilbert_back *v)
{
    int batch = v->b.in.batch;
    const struct weights *w = &v->p.m->w;
    float *first[2] = {v->p.wide, v->p.wide + (ptrdiff_t)batch * v->p.m->c.v_hidden};
    struct kern_linear_back both[] = {
        back_linear(&w->v_pool, v->p.pooled_v, batch, first[0], NULL),
        back_linear(&w->t_pool, v->p.pooled_t, batch, first[1], NULL)};
    v->p.run.ops->linear_back(v->p.run.k, both, 2);
    for (int i = 0; i < 2; i++) {
        v->b.s[i].cut = v->t->pooled_cut[i];
        back_from_first(&v->b, &v->b.s[i], first[i]);
    }
}

static void vilbert_back_pooled(struct vilbert_back *v)
{
    const struct weights *w = &v->p.m->w;
    enum net_head head = back_output(&v->b)->head;
    const struct classifier_w *c = head_classifier_of(w, head, v->t->rows[0].batch);
    const float *fused = v->t->fused + (ptrdiff_t)v->b.first * v->p.m->c.bi_hidden;
    if (c) {
        const struct row_head h = {&c->in, &c->out, &c->norm, KERN_GELU, false};
        back_decoder(&v->b, &h, fused, v->p.fused);
    } else {
        struct kern_linear_back line = back_linear(head_linear_of(w, head), v->b.seed, 1,
                                                   v->p.fused, NULL);
        v->p.run.ops->linear_back(v->p.run.k, &line, 1);
    }
    vilbert_back_fuse(v, v->p.fused);
    vilbert_back_pool(v);
}

int vilbert_back_heads(struct back *b)
{
    struct vilbert_back *v = vilbert_back_of(b);
    if (back_is_on_rows(b)) {
        struct row_head h = head_on_rows(v->t->m, back_output(b)->head);
        return back_on_rows(b, &h, v->p.wide);
    }
    vilbert_back_pooled(v);
    return 0;
}
