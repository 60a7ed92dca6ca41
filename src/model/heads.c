/* The heads of the multi-task model.
 *
 * Source: vilbert/vilbert.py of the reference, BertPreTrainingHeads, VILBertForVLTasks. */
#include "src/model/pass.h"
#include "src/model/trace.h"

#include <stdlib.h>
#include <string.h>

#define MASKED -10000.0f

static int no_memory(struct pass *p, const char *name)
{
    return vs_fail(p->err, VS_E_LIMIT, "no memory for %s", name);
}

/* ---- heads on the pooled states */

/* Token 0 and region 0 of every image, through a dense layer and ReLU. */
static void pool(struct pass *p)
{
    const struct config *c = &p->m->c;
    int batch = p->in->batch;
    float *first_t = p->wide, *first_v = p->wide + (ptrdiff_t)batch * c->hidden;
    for (int b = 0; b < batch; b++) {
        memcpy(first_t + (ptrdiff_t)b * c->hidden, p->xt + (ptrdiff_t)p->t.start[b] * c->hidden,
               (size_t)c->hidden * sizeof(float));
        memcpy(first_v + (ptrdiff_t)b * c->v_hidden,
               p->xv + (ptrdiff_t)p->v.start[b] * c->v_hidden,
               (size_t)c->v_hidden * sizeof(float));
    }
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

static int run_linear(struct pass *p, const struct linear_w *w, const float *x, int rows,
                      const char *name)
{
    int64_t shape[2] = {rows, w->n};
    float *out = trace_add(p->trace, 2, shape, "%s", name);
    if (!out)
        return no_memory(p, name);
    struct kern_linear o = pass_linear(w, x, rows, out, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &o, 1);
    return 0;
}

/* rows times in->k numbers at p->fused. */
static int run_classifier(struct pass *p, const struct classifier_w *w, int rows,
                          const char *name)
{
    struct kern_linear in = pass_linear(&w->in, p->fused, rows, p->wide, KERN_GELU, NULL);
    struct kern_norm norm = pass_norm(&w->norm, p->wide, rows);
    p->ops->linear(p->m->k, &in, 1);
    p->ops->norm(p->m->k, &norm, 1);
    return run_linear(p, &w->out, p->wide, rows, name);
}

static int keep_pooled(struct pass *p)
{
    int64_t shape[2] = {p->in->batch, p->m->c.bi_hidden};
    size_t size = (size_t)shape[0] * (size_t)shape[1] * sizeof(float);
    float *t = trace_add(p->trace, 2, shape, "out.pooled_t");
    float *v = t ? trace_add(p->trace, 2, shape, "out.pooled_v") : NULL;
    if (!v)
        return no_memory(p, "out.pooled");
    memcpy(t, p->pooled_t, size);
    memcpy(v, p->pooled_v, size);
    return 0;
}

static int run_pooled_heads(struct pass *p)
{
    const struct weights *w = &p->m->w;
    unsigned want = p->want->heads;
    int batch = p->in->batch, rc = 0;
    if (want & HEAD_POOLED)
        rc = keep_pooled(p);
    if (rc == 0 && want & HEAD_VQA)
        rc = run_classifier(p, &w->vqa, batch, "out.vil_prediction");
    if (rc == 0 && want & HEAD_GQA)
        rc = run_classifier(p, &w->gqa, batch, "out.vil_prediction_gqa");
    if (rc == 0 && want & HEAD_ALIGN)
        rc = run_linear(p, &w->align, p->fused, batch, "out.vil_logit");
    if (rc == 0 && want & HEAD_TRI)
        rc = run_linear(p, &w->tri, p->fused, batch, "out.vil_tri_prediction");
    /* Pairs of images side by side; with an odd number the reference answers with another head. */
    if (rc == 0 && want & HEAD_BINARY)
        rc = batch % 2 == 0
                 ? run_classifier(p, &w->binary, batch / 2, "out.vil_binary_prediction")
                 : run_linear(p, &w->bi_seq, p->fused, batch, "out.vil_binary_prediction");
    return rc;
}

/* ---- heads on every token and region */

/* dense, activation, layer norm, decoder, for every computed row. Both streams use hidden_act. */
static int run_decoder(struct pass *p, const struct packing *k, const float *x, float *inner,
                       const struct linear_w *in, const struct norm_w *norm,
                       const struct linear_w *out, const char *name)
{
    struct kern_linear dense = pass_linear(in, x, k->rows, inner, p->m->c.act, NULL);
    struct kern_norm ln = pass_norm(norm, inner, k->rows);
    p->ops->linear(p->m->k, &dense, 1);
    p->ops->norm(p->m->k, &ln, 1);
    float *y = vs_try_calloc((size_t)k->rows * (size_t)out->n + 1, sizeof *y);
    if (!y)
        return no_memory(p, name);
    struct kern_linear decode = pass_linear(out, inner, k->rows, y, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &decode, 1);
    int rc = pass_keep(p, k, y, out->n, name);
    free(y);
    return rc;
}

/* One number for every row; padding gets -10000 added, or alone when it was not computed. */
static int run_rows(struct pass *p, const struct packing *k, const float *x,
                    const struct linear_w *w, bool masked, const char *name)
{
    int64_t shape[3] = {k->batch, k->width, 1};
    float *out = trace_add(p->trace, 3, shape, "%s", name);
    if (!out)
        return no_memory(p, name);
    float *y = p->ft; /* free by now, and long enough: a row has more than one number */
    if (k == &p->v)
        y = p->fv;
    struct kern_linear o = pass_linear(w, x, k->rows, y, KERN_NONE, NULL);
    p->ops->linear(p->m->k, &o, 1);
    for (int i = 0; masked && i < k->batch * k->width; i++)
        out[i] = MASKED;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            out[b * k->width + k->pos[r]] = masked && k->bias ? y[r] + k->bias[r] : y[r];
    return 0;
}

static int run_row_heads(struct pass *p)
{
    const struct weights *w = &p->m->w;
    const struct config *c = &p->m->c;
    unsigned want = p->want->heads;
    int rc = 0;
    if (want & HEAD_GROUND)
        rc = run_rows(p, &p->v, p->xv, &w->ground, true, "out.vision_logit");
    if (rc == 0 && want & HEAD_WORD_LOGIT)
        rc = run_rows(p, &p->t, p->xt, &w->word_logit, false, "out.linguisic_logit");
    if (rc == 0 && want & HEAD_REGION_CLASS)
        rc = run_decoder(p, &p->v, p->xv, p->qv, &w->region_in, &w->region_norm, &w->region_out,
                         "out.vision_prediction");
    if (rc == 0 && want & HEAD_WORD)
        rc = run_decoder(p, &p->t, p->xt, p->qt, &w->word_in, &w->word_norm, &w->word_out,
                         "out.linguisic_prediction");
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = pass_keep(p, &p->t, p->xt, c->hidden, "out.sequence_t");
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = pass_keep(p, &p->v, p->xv, c->v_hidden, "out.sequence_v");
    return rc;
}

/* ---- heads on states that are not the last ones */

int vilbert_head_size(const struct vilbert *m, enum vilbert_head head)
{
    if (!(m->w.heads & (unsigned)head))
        return 0;
    switch (head) {
    case HEAD_WORD: return m->w.word_out.n;
    case HEAD_REGION_CLASS: return m->w.region_out.n;
    case HEAD_GROUND: case HEAD_WORD_LOGIT: return 1;
    default: return 0;
    }
}

int vilbert_read_states(struct vilbert *m, enum vilbert_head head, const float *x, int rows,
                        float *out, struct vs_err *err)
{
    const struct kern_ops *ops = kern_table(m->k);
    const struct weights *w = &m->w;
    bool word = head == HEAD_WORD;
    if (vilbert_head_size(m, head) == 0)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of this head");
    if (head == HEAD_GROUND || head == HEAD_WORD_LOGIT) {
        struct kern_linear o = pass_linear(head == HEAD_GROUND ? &w->ground : &w->word_logit, x,
                                           rows, out, KERN_NONE, NULL);
        ops->linear(m->k, &o, 1);
        return 0;
    }
    const struct linear_w *in = word ? &w->word_in : &w->region_in;
    float *inner = vs_try_calloc((size_t)rows * (size_t)in->n + 1, sizeof *inner);
    if (!inner)
        return vs_fail(err, VS_E_LIMIT, "no memory for %d states", rows);
    struct kern_linear dense = pass_linear(in, x, rows, inner, m->c.act, NULL);
    struct kern_norm norm = pass_norm(word ? &w->word_norm : &w->region_norm, inner, rows);
    struct kern_linear decode = pass_linear(word ? &w->word_out : &w->region_out, inner, rows, out,
                                            KERN_NONE, NULL);
    ops->linear(m->k, &dense, 1);
    ops->norm(m->k, &norm, 1);
    ops->linear(m->k, &decode, 1);
    free(inner);
    return 0;
}

int heads_run(struct pass *p)
{
    const unsigned pooled = HEAD_POOLED | HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_TRI | HEAD_BINARY;
    int rc = 0;
    if (p->want->heads & pooled) {
        pool(p);
        rc = run_pooled_heads(p);
    }
    return rc ? rc : run_row_heads(p);
}
