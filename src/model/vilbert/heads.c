/* SPDX-License-Identifier: MIT */
/* The heads of the multi-task model.
 *
 * Source: vilbert/vilbert.py of the reference, BertPreTrainingHeads, VILBertForVLTasks. */
#include "src/model/transformer/heads.h"
#include "src/model/vilbert/pass.h"

/* ---- heads on the pooled states */

#define POOLED (HEAD_POOLED | HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_TRI | HEAD_BINARY | \
                HEAD_MATCH)

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
    int batch = p->run.in->batch;
    float *first_t = p->wide, *first_v = p->wide + (ptrdiff_t)batch * c->text.hidden;
    struct kern_gather_rows t = {.x = p->xt, .ldx = c->text.hidden,
                                 .index = p->cut_t ? NULL : p->first_t,
                                 .y = first_t, .ldy = c->text.hidden, .m = batch,
                                 .n = c->text.hidden};
    struct kern_gather_rows v = {.x = p->xv, .ldx = c->v_hidden,
                                 .index = p->cut_v ? NULL : p->first_v,
                                 .y = first_v, .ldy = c->v_hidden, .m = batch, .n = c->v_hidden};
    p->run.ops->gather_rows(p->run.k, &t);
    p->run.ops->gather_rows(p->run.k, &v);
    struct kern_linear both[] = {
        line_linear(&p->m->w.t_pool, first_t, batch, p->pooled_t, KERN_RELU, NULL),
        line_linear(&p->m->w.v_pool, first_v, batch, p->pooled_v, KERN_RELU, NULL)};
    p->run.ops->linear(p->run.k, both, 2);
    size_t n = (size_t)batch * (size_t)c->bi_hidden;
    if (c->fusion_sum)
        p->run.ops->add(p->run.k, p->pooled_t, p->pooled_v, p->fused, n);
    else
        p->run.ops->mul(p->run.k, p->pooled_t, p->pooled_v, p->fused, n);
}

/* rows times in->k numbers at p->fused. */
static int head_classifier(struct pass *p, const struct classifier_w *w, int rows,
                           enum net_output of)
{
    struct kern_linear in = line_linear(&w->in, p->fused, rows, p->wide, KERN_GELU, NULL);
    struct kern_norm norm = line_norm(&w->norm, p->wide, rows);
    p->run.ops->linear(p->run.k, &in, 1);
    p->run.ops->norm(p->run.k, &norm, 1);
    return head_linear(&p->run, &w->out, p->wide, rows, of);
}

static int head_keep_pooled(struct pass *p)
{
    int rc = head_keep(&p->run, p->pooled_t, p->m->c.bi_hidden, OUT_POOLED_T);
    return rc ? rc : head_keep(&p->run, p->pooled_v, p->m->c.bi_hidden, OUT_POOLED_V);
}

/* Pairs of images stand side by side; with an odd number the reference answers with another
 * head. */
const struct classifier_w *head_classifier_of(const struct weights *w, enum net_head head,
                                              int batch)
{
    switch (head) {
    case HEAD_VQA: return &w->vqa;
    case HEAD_GQA: return &w->gqa;
    case HEAD_BINARY: return batch % 2 == 0 ? &w->binary : NULL;
    default: return NULL;
    }
}

const struct linear_w *head_linear_of(const struct weights *w, enum net_head head)
{
    return head == HEAD_ALIGN ? &w->align : head == HEAD_TRI ? &w->tri : &w->bi_seq;
}

static int heads_run_pooled(struct pass *p)
{
    static const enum net_head list[] = {HEAD_VQA, HEAD_GQA, HEAD_ALIGN, HEAD_TRI, HEAD_BINARY,
                                         HEAD_MATCH};
    const struct weights *w = &p->m->w;
    unsigned want = p->run.want->heads;
    int batch = p->run.in->batch, rc = want & HEAD_POOLED ? head_keep_pooled(p) : 0;
    for (size_t i = 0; i < sizeof list / sizeof list[0] && rc == 0; i++) {
        const struct classifier_w *c = head_classifier_of(w, list[i], batch);
        enum net_output of = output_of(list[i]);
        if (want & (unsigned)list[i])
            rc = c ? head_classifier(p, c, list[i] == HEAD_BINARY ? batch / 2 : batch, of)
                   : head_linear(&p->run, head_linear_of(w, list[i]), p->fused, batch, of);
    }
    return rc;
}

/* ---- heads on every token and region */

/* Both streams use hidden_act. */
struct row_head head_on_rows(const struct vilbert *m, enum net_head head)
{
    return row_head_of(&m->w.rows, head, m->c.text.act);
}

enum net_output head_output(const struct vilbert *m, enum net_head head)
{
    if (m->pretrained && head == HEAD_WORD)
        return OUT_PRE_WORD;
    return m->pretrained && head == HEAD_REGION_CLASS ? OUT_PRE_REGION_CLASS : output_of(head);
}

static int head_run_rows(struct pass *p, enum net_head head, bool text)
{
    struct row_head h = head_on_rows(p->m, head);
    return head_rows(&p->run, text ? &p->t : &p->v, text ? p->xt : p->xv, text ? p->qt : p->qv,
                     &h, head_output(p->m, head));
}

static int heads_run_rows(struct pass *p)
{
    const struct config *c = &p->m->c;
    unsigned want = p->run.want->heads;
    int rc = 0;
    if (want & HEAD_GROUND)
        rc = head_run_rows(p, HEAD_GROUND, false);
    if (rc == 0 && want & HEAD_WORD_LOGIT)
        rc = head_run_rows(p, HEAD_WORD_LOGIT, true);
    if (rc == 0 && want & HEAD_REGION_CLASS)
        rc = head_run_rows(p, HEAD_REGION_CLASS, false);
    if (rc == 0 && want & HEAD_WORD)
        rc = head_run_rows(p, HEAD_WORD, true);
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = head_keep_rows(&p->run, &p->t, p->xt, c->text.hidden, OUT_SEQUENCE_T);
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = head_keep_rows(&p->run, &p->v, p->xv, c->v_hidden, OUT_SEQUENCE_V);
    return rc;
}

/* ---- heads on states that are not the last ones */

int vilbert_head_size(const struct vilbert *m, enum net_head head)
{
    if (!(m->core.bound.heads & (unsigned)head))
        return 0;
    switch (head) {
    case HEAD_VQA: return m->w.vqa.out.n;
    case HEAD_GQA: return m->w.gqa.out.n;
    case HEAD_WORD: return m->w.rows.word_out.n;
    case HEAD_REGION_CLASS: return m->w.rows.region_out.n;
    case HEAD_GROUND: case HEAD_WORD_LOGIT: return 1;
    default: return 0;
    }
}

int vilbert_read_states(struct vilbert *m, enum net_head head, const float *x, int rows,
                        float *out, struct vs_err *err)
{
    bool text = head == HEAD_WORD || head == HEAD_WORD_LOGIT;
    struct row_head h = head_on_rows(m, head);
    if (vilbert_head_size(m, head) == 0)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of this head");
    return head_read_states(&m->core, head, &h, x,
                            (size_t)(text ? m->c.text.hidden : m->c.v_hidden), rows, out, err);
}

int heads_run(struct pass *p)
{
    int rc = 0;
    if (p->run.want->heads & POOLED) {
        head_pool(p);
        rc = heads_run_pooled(p);
    }
    return rc ? rc : heads_run_rows(p);
}
