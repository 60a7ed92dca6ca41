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

/* dense, activation, layer norm, decoder, for every computed row. Both streams use hidden_act. */
static int head_decoder(struct pass *p, const struct packing *k, const float *x, float *inner,
                        const struct linear_w *in, const struct norm_w *norm,
                        const struct linear_w *out, enum net_output of)
{
    struct kern_linear dense = pass_linear(in, x, k->rows, inner, p->m->c.act, NULL);
    struct kern_norm ln = pass_norm(norm, inner, k->rows);
    p->ops->linear(p->m->k, &dense, 1);
    p->ops->norm(p->m->k, &ln, 1);
    int64_t shape[3] = {k->batch, k->width, out->n};
    struct later rows = {.what = LATER_ROWS, .from = k, .width = out->n, .owned = true,
                         .n = (size_t)k->rows * (size_t)out->n};
    rows.to = head_add_output(p, of, 3, shape);
    float *y = rows.to ? pass_room(p, rows.n) : NULL;
    if (!y)
        return head_no_memory(p, of);
    struct kern_linear decode = pass_linear(out, inner, k->rows, y, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &decode, 1);
    rows.at = y;
    pass_later(p, &rows);
    return 0;
}

/* One number for every row. */
static int head_rows(struct pass *p, const struct packing *k, const float *x,
                     const struct linear_w *w, bool masked, enum net_output of)
{
    int64_t shape[3] = {k->batch, k->width, 1};
    struct later column = {.what = LATER_COLUMN, .from = k, .masked = masked, .owned = true,
                           .n = (size_t)k->rows};
    column.to = head_add_output(p, of, 3, shape);
    float *y = column.to ? pass_room(p, column.n) : NULL;
    if (!y)
        return head_no_memory(p, of);
    struct kern_linear o = pass_linear(w, x, k->rows, y, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &o, 1);
    column.at = y;
    pass_later(p, &column);
    return 0;
}

static int heads_run_rows(struct pass *p)
{
    const struct weights *w = &p->m->w;
    const struct config *c = &p->m->c;
    unsigned want = p->want->heads;
    int rc = 0;
    if (want & HEAD_GROUND)
        rc = head_rows(p, &p->v, p->xv, &w->ground, true, OUT_GROUND);
    if (rc == 0 && want & HEAD_WORD_LOGIT)
        rc = head_rows(p, &p->t, p->xt, &w->word_logit, false, OUT_WORD_LOGIT);
    if (rc == 0 && want & HEAD_REGION_CLASS)
        rc = head_decoder(p, &p->v, p->xv, p->qv, &w->region_in, &w->region_norm, &w->region_out,
                          OUT_REGION_CLASS);
    if (rc == 0 && want & HEAD_WORD)
        rc = head_decoder(p, &p->t, p->xt, p->qt, &w->word_in, &w->word_norm, &w->word_out,
                          OUT_WORD);
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

/* d: rows of states, of inner states and of numbers, behind each other on the back end. */
static void head_read_states(struct vilbert *m, enum net_head head, float *d, int rows,
                             float *inner, float *y)
{
    const struct kern_ops *ops = kern_table(m->k);
    const struct weights *w = &m->w;
    bool word = head == HEAD_WORD;
    if (head == HEAD_GROUND || head == HEAD_WORD_LOGIT) {
        struct kern_linear o = pass_linear(head == HEAD_GROUND ? &w->ground : &w->word_logit, d,
                                           rows, y, KERN_NONE, NULL);
        ops->linear(m->k, &o, 1);
        return;
    }
    const struct linear_w *in = word ? &w->word_in : &w->region_in;
    struct kern_linear dense = pass_linear(in, d, rows, inner, m->c.act, NULL);
    struct kern_norm norm = pass_norm(word ? &w->word_norm : &w->region_norm, inner, rows);
    struct kern_linear decode = pass_linear(word ? &w->word_out : &w->region_out, inner, rows, y,
                                            KERN_NONE, NULL);
    ops->linear(m->k, &dense, 1);
    ops->norm(m->k, &norm, 1);
    ops->linear(m->k, &decode, 1);
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
        head_read_states(m, head, d, rows, d + step, d + 2 * step);
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
