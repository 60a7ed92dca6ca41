/* SPDX-License-Identifier: MIT */
/* The heads of the baseline.
 *
 * Source: vilbert/basebert.py of the reference, BertPreTrainingHeads, BaseBertForVLTasks,
 * SimpleClassifier. */
#include "src/model/singlestream/pass.h"

#define SINGLE_ROWS (HEAD_SEQUENCE | HEAD_WORD | HEAD_WORD_LOGIT | HEAD_GROUND | HEAD_REGION_CLASS)
#define SINGLE_POOLED (HEAD_POOLED | HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_MATCH)

bool single_reads_rows(unsigned heads)
{
    return heads & SINGLE_ROWS;
}

/* ---- heads on the pooled state: row 0, [CLS], through a dense layer and tanh */

static void single_pool(struct single_pass *p)
{
    int n = p->m->c.text.hidden, batch = p->run.in->batch;
    struct kern_gather_rows first = {.x = p->x, .ldx = n, .index = p->cut ? NULL : p->first,
                                     .y = p->wide, .ldy = n, .m = batch, .n = n};
    struct kern_linear dense = line_linear(&p->m->w.pool, p->wide, batch, p->pooled, KERN_TANH,
                                           NULL);
    p->run.ops->gather_rows(p->run.k, &first);
    p->run.ops->linear(p->run.k, &dense, 1);
}

static int single_answer(struct single_pass *p)
{
    const struct single_weights *w = &p->m->w;
    int batch = p->run.in->batch;
    struct kern_linear in = line_linear(&w->answers_in, p->pooled, batch, p->wide, KERN_RELU,
                                        NULL);
    p->run.ops->linear(p->run.k, &in, 1);
    return head_linear(&p->run, &w->answers_out, p->wide, batch,
                       p->m->answers == HEAD_GQA ? OUT_JOINT_GQA : OUT_VQA);
}

static int single_run_pooled(struct single_pass *p)
{
    const struct single_weights *w = &p->m->w;
    unsigned want = p->run.want->heads;
    int batch = p->run.in->batch, rc = 0;
    if (want & HEAD_POOLED)
        rc = head_keep(&p->run, p->pooled, p->m->c.text.hidden, OUT_POOLED);
    if (rc == 0 && want & (HEAD_VQA | HEAD_GQA))
        rc = single_answer(p);
    if (rc == 0 && want & HEAD_ALIGN)
        rc = head_linear(&p->run, &w->align, p->pooled, batch, OUT_ALIGN);
    if (rc == 0 && want & HEAD_MATCH)
        rc = head_linear(&p->run, &w->match, p->pooled, batch, OUT_JOINT_MATCH);
    return rc;
}

/* ---- heads on the rows of one kind */

/* The states of the tokens, or the regions, one after the other in y. */
static void single_part(struct single_pass *p, const struct packing *k, const int32_t *index,
                        float *y)
{
    int n = p->m->c.text.hidden;
    struct kern_gather_rows part = {.x = p->x, .ldx = n, .index = index, .y = y, .ldy = n,
                                    .m = k->rows, .n = n};
    if (k->rows > 0)
        p->run.ops->gather_rows(p->run.k, &part);
}

static int single_run_head(struct single_pass *p, enum net_head head)
{
    bool text = head == HEAD_WORD || head == HEAD_WORD_LOGIT;
    struct row_head h = row_head_of(&p->m->w.rows, head, p->m->c.text.act);
    return head_rows(&p->run, text ? &p->tokens : &p->regions, text ? p->q : p->k, p->v, &h,
                     output_of(head));
}

static int single_run_rows(struct single_pass *p)
{
    static const enum net_head heads[] = {HEAD_REGION_CLASS, HEAD_GROUND, HEAD_WORD,
                                          HEAD_WORD_LOGIT};
    unsigned want = p->run.want->heads;
    int rc = 0, n = p->m->c.text.hidden;
    single_part(p, &p->tokens, p->of_tokens, p->q);
    single_part(p, &p->regions, p->of_regions, p->k);
    for (int i = 0; i < 4 && rc == 0; i++)
        if (want & heads[i])
            rc = single_run_head(p, heads[i]);
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = head_keep_rows(&p->run, &p->tokens, p->q, n, OUT_SEQUENCE_T);
    if (rc == 0 && want & HEAD_SEQUENCE)
        rc = head_keep_rows(&p->run, &p->regions, p->k, n, OUT_SEQUENCE_V);
    return rc;
}

int single_heads_run(struct single_pass *p)
{
    unsigned want = p->run.want->heads;
    int rc = 0;
    if (want & SINGLE_POOLED) {
        single_pool(p);
        rc = single_run_pooled(p);
    }
    return rc == 0 && single_reads_rows(want) ? single_run_rows(p) : rc;
}

/* ---- heads on states that are not the last ones */

int single_head_size(const struct single *m, enum net_head head)
{
    if (!(m->core.bound.heads & (unsigned)head))
        return 0;
    switch (head) {
    case HEAD_VQA: case HEAD_GQA: return m->w.answers_out.n;
    case HEAD_WORD: return m->w.rows.word_out.n;
    case HEAD_REGION_CLASS: return m->w.rows.region_out.n;
    case HEAD_GROUND: case HEAD_WORD_LOGIT: return 1;
    default: return 0;
    }
}

int single_read_states(struct single *m, enum net_head head, const float *x, int rows, float *out,
                       struct vs_err *err)
{
    struct row_head h = row_head_of(&m->w.rows, head, m->c.text.act);
    if (single_head_size(m, head) == 0)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of this head");
    return head_read_states(&m->core, head, &h, x, (size_t)m->c.text.hidden, rows, out, err);
}
