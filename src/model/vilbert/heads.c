/* SPDX-License-Identifier: MIT */
/* The heads of the multi-task model.
 *
 * Source: vilbert/vilbert.py of the reference, BertPreTrainingHeads, VILBertForVLTasks. */
#include "src/model/vilbert/pass.h"
#include "src/model/trace.h"

#include <stdlib.h>
#include <string.h>

static int head_no_memory(struct pass *p, enum net_output of)
{
    return vs_fail(p->err, VS_E_LIMIT, "no memory for %s", output_table[of].name);
}

static float *head_add_output(struct pass *p, enum net_output of, int ndim, const int64_t *shape)
{
    return trace_add(p->trace, (struct trace_at){.kind = TRACE_OUTPUT, .site = (int)of}, ndim,
                     shape);
}

/* ---- heads on the pooled states */

#define POOLED (HEAD_POOLED | HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_TRI | HEAD_BINARY)

enum need heads_need(const struct net_want *want, bool text)
{
    const unsigned rows = HEAD_SEQUENCE | (text ? HEAD_WORD | HEAD_WORD_LOGIT
                                                : HEAD_GROUND | HEAD_REGION_CLASS);
    if (want->heads & rows)
        return NEED_ALL;
    return want->heads & POOLED ? NEED_FIRST : NEED_NOTHING;
}

/* Token 0 and region 0 of every image, through a dense layer and ReLU. */
static void head_pool(struct pass *p)
{
    const struct config *c = &p->m->c;
    int batch = p->in->batch;
    float *first_t = p->wide, *first_v = p->wide + (ptrdiff_t)batch * c->hidden;
    struct kern_gather_rows t = {.x = p->xt, .ldx = c->hidden,
                                 .index = p->cut_t ? NULL : p->first_t,
                                 .y = first_t, .ldy = c->hidden, .m = batch, .n = c->hidden};
    struct kern_gather_rows v = {.x = p->xv, .ldx = c->v_hidden,
                                 .index = p->cut_v ? NULL : p->first_v,
                                 .y = first_v, .ldy = c->v_hidden, .m = batch, .n = c->v_hidden};
    p->ops->gather_rows(p->m->k, &t);
    p->ops->gather_rows(p->m->k, &v);
    struct kern_linear both[] = {
        pass_linear(&p->m->w.t_pool, first_t, batch, p->pooled_t, KERN_RELU, NULL),
        pass_linear(&p->m->w.v_pool, first_v, batch, p->pooled_v, KERN_RELU, NULL)};
    p->ops->linear(p->m->k, both, 2);
    size_t n = (size_t)batch * (size_t)c->bi_hidden;
    if (c->fusion_sum)
        p->ops->add(p->m->k, p->pooled_t, p->pooled_v, p->fused, n);
    else
        p->ops->mul(p->m->k, p->pooled_t, p->pooled_v, p->fused, n);
}

static int head_linear(struct pass *p, const struct linear_w *w, const float *x, int rows,
                       enum net_output of)
{
    int64_t shape[2] = {rows, w->n};
    float *out = head_add_output(p, of, 2, shape);
    float *y = out ? pass_out(p, out, (size_t)rows * (size_t)w->n) : NULL;
    if (!y)
        return head_no_memory(p, of);
    struct kern_linear o = pass_linear(w, x, rows, y, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &o, 1);
    return 0;
}

/* rows times in->k numbers at p->fused. */
static int head_classifier(struct pass *p, const struct classifier_w *w, int rows,
                           enum net_output of)
{
    struct kern_linear in = pass_linear(&w->in, p->fused, rows, p->wide, KERN_GELU, NULL);
    struct kern_norm norm = pass_norm(&w->norm, p->wide, rows);
    p->ops->linear(p->m->k, &in, 1);
    p->ops->norm(p->m->k, &norm, 1);
    return head_linear(p, &w->out, p->wide, rows, of);
}

static int head_keep_one(struct pass *p, const float *x, enum net_output of)
{
    int n = p->m->c.bi_hidden;
    int64_t shape[2] = {p->in->batch, n};
    struct later copy = {.what = LATER_COPY, .n = (size_t)shape[0] * (size_t)n};
    copy.to = head_add_output(p, of, 2, shape);
    copy.at = copy.to ? pass_hold(p, x, p->in->batch, n) : NULL;
    if (!copy.at)
        return head_no_memory(p, of);
    pass_later(p, &copy);
    return 0;
}

static int head_keep_pooled(struct pass *p)
{
    int rc = head_keep_one(p, p->pooled_t, OUT_POOLED_T);
    return rc ? rc : head_keep_one(p, p->pooled_v, OUT_POOLED_V);
}

static int heads_run_pooled(struct pass *p)
{
    const struct weights *w = &p->m->w;
    unsigned want = p->want->heads;
    int batch = p->in->batch, rc = 0;
    if (want & HEAD_POOLED)
        rc = head_keep_pooled(p);
    if (rc == 0 && want & HEAD_VQA)
        rc = head_classifier(p, &w->vqa, batch, OUT_VQA);
    if (rc == 0 && want & HEAD_GQA)
        rc = head_classifier(p, &w->gqa, batch, OUT_GQA);
    if (rc == 0 && want & HEAD_ALIGN)
        rc = head_linear(p, &w->align, p->fused, batch, OUT_ALIGN);
    if (rc == 0 && want & HEAD_TRI)
        rc = head_linear(p, &w->tri, p->fused, batch, OUT_TRI);
    /* Pairs of images side by side; with an odd number the reference answers with another head. */
    if (rc == 0 && want & HEAD_BINARY)
        rc = batch % 2 == 0
                 ? head_classifier(p, &w->binary, batch / 2, OUT_BINARY)
                 : head_linear(p, &w->bi_seq, p->fused, batch, OUT_BINARY);
    return rc;
}

/* ---- heads on every token and region */

/* dense, activation, layer norm, decoder; or the last one alone, where in is NULL. */
struct row_head {
    const struct linear_w *in, *out;
    const struct norm_w *norm;
};

static struct row_head head_on_rows(const struct weights *w, enum net_head head)
{
    switch (head) {
    case HEAD_WORD: return (struct row_head){&w->word_in, &w->word_out, &w->word_norm};
    case HEAD_REGION_CLASS:
        return (struct row_head){&w->region_in, &w->region_out, &w->region_norm};
    case HEAD_GROUND: return (struct row_head){NULL, &w->ground, NULL};
    default: return (struct row_head){NULL, &w->word_logit, NULL};
    }
}

/* x: states (rows, width), y: (rows, h->out->n), inner: room for the first layer's states, all on
 * the back end. Both streams use hidden_act. */
static void head_read_rows(struct vilbert *m, const struct row_head *h, const float *x, int rows,
                           float *inner, float *y)
{
    const struct kern_ops *ops = kern_table(m->k);
    if (h->in) {
        struct kern_linear dense = pass_linear(h->in, x, rows, inner, m->c.act, NULL);
        struct kern_norm norm = pass_norm(h->norm, inner, rows);
        ops->linear(m->k, &dense, 1);
        ops->norm(m->k, &norm, 1);
        x = inner;
    }
    struct kern_linear decode = pass_linear(h->out, x, rows, y, KERN_NONE, NULL);
    ops->linear(m->k, &decode, 1);
}

/* Numbers for every computed row; those of padding are masked where a softmax is to come. */
static int head_rows(struct pass *p, const struct packing *k, const float *x, float *inner,
                     enum net_head head)
{
    struct row_head h = head_on_rows(&p->m->w, head);
    enum net_output of = output_of(head);
    int64_t shape[3] = {k->batch, k->width, h.out->n};
    struct later rows = {.what = h.in ? LATER_ROWS : LATER_COLUMN, .from = k, .width = h.out->n,
                         .masked = head == HEAD_GROUND, .owned = true,
                         .n = (size_t)k->rows * (size_t)h.out->n};
    rows.to = head_add_output(p, of, 3, shape);
    float *y = rows.to ? pass_room(p, rows.n) : NULL;
    if (!y)
        return head_no_memory(p, of);
    head_read_rows(p->m, &h, x, k->rows, inner, y);
    rows.at = y;
    pass_later(p, &rows);
    return 0;
}

static int heads_run_rows(struct pass *p)
{
    const struct config *c = &p->m->c;
    unsigned want = p->want->heads;
    int rc = 0;
    if (want & HEAD_GROUND)
        rc = head_rows(p, &p->v, p->xv, p->qv, HEAD_GROUND);
    if (rc == 0 && want & HEAD_WORD_LOGIT)
        rc = head_rows(p, &p->t, p->xt, p->qt, HEAD_WORD_LOGIT);
    if (rc == 0 && want & HEAD_REGION_CLASS)
        rc = head_rows(p, &p->v, p->xv, p->qv, HEAD_REGION_CLASS);
    if (rc == 0 && want & HEAD_WORD)
        rc = head_rows(p, &p->t, p->xt, p->qt, HEAD_WORD);
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = pass_keep(p, &p->t, p->xt, c->hidden,
                       (struct trace_at){.kind = TRACE_OUTPUT, .site = OUT_SEQUENCE_T});
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = pass_keep(p, &p->v, p->xv, c->v_hidden,
                       (struct trace_at){.kind = TRACE_OUTPUT, .site = OUT_SEQUENCE_V});
    return rc;
}

/* ---- heads on states that are not the last ones */

int vilbert_head_size(const struct vilbert *m, enum net_head head)
{
    if (!(m->w.heads & (unsigned)head))
        return 0;
    switch (head) {
    case HEAD_VQA: return m->w.vqa.out.n;
    case HEAD_GQA: return m->w.gqa.out.n;
    case HEAD_WORD: return m->w.word_out.n;
    case HEAD_REGION_CLASS: return m->w.region_out.n;
    case HEAD_GROUND: case HEAD_WORD_LOGIT: return 1;
    default: return 0;
    }
}

int vilbert_read_states(struct vilbert *m, enum net_head head, const float *x, int rows,
                        float *out, struct vs_err *err)
{
    bool text = head == HEAD_WORD || head == HEAD_WORD_LOGIT;
    size_t width = (size_t)(text ? m->c.hidden : m->c.v_hidden), n = (size_t)rows;
    size_t size = (size_t)vilbert_head_size(m, head), step = (n * width + 63) & ~(size_t)63;
    char why[256];
    if (size == 0)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of this head");
    int rc = weights_ready(&m->w, m->k, head, err);
    if (rc != 0)
        return vilbert_check_files(m, rc, err);
    float *d = kern_alloc(m->k, 2 * step + n * size);
    kern_use(m->k, m->set);
    if (d && kern_put(m->k, d, x, n * width) == 0) {
        struct row_head h = head_on_rows(&m->w, head);
        head_read_rows(m, &h, d, rows, d + step, d + 2 * step);
        const float *y = kern_view(m->k, d + 2 * step, n * size);
        if (y)
            memcpy(out, y, n * size * sizeof *out);
    }
    rc = d ? 0 : vs_fail(err, VS_E_LIMIT, "no memory for %d states", rows);
    kern_free(m->k, d);
    if (kern_finish(m->k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_LIMIT, "%s", why);
    rc = vilbert_check_files(m, rc, err);
    if (rc == 0 && !kern_is_finite(out, n * size))
        rc = vs_fail(err, VS_E_DIVERGED, "%s: a head makes NaN or infinity of states of an inner "
                     "layer", m->w.path);
    return rc;
}

int heads_run(struct pass *p)
{
    int rc = 0;
    if (p->want->heads & POOLED) {
        head_pool(p);
        rc = heads_run_pooled(p);
    }
    return rc ? rc : heads_run_rows(p);
}
