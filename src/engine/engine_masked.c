/* SPDX-License-Identifier: MIT */
/* The words that fit where the text has [MASK]: what the masked-word head says of the last states
 * there, as the lens reads it after the last layer. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"
#include "src/text/score.h"

#include <stdlib.h>

static bool masked_at(const struct model *m, const struct result *r, int token)
{
    return !r->tokens[token].special &&
           r->tokens[token].id == tokenizer_id(m->tokenizer, "[MASK]");
}

unsigned masked_heads(const struct model *m, const struct prepared *p)
{
    struct result *r = p->r;
    int n = 0;
    for (int i = 0; p->seen.masked && i < r->token_count; i++)
        n += masked_at(m, r, i);
    if (n == 0)
        return 0;
    if (p->net->heads & HEAD_WORD)
        return HEAD_SEQUENCE;
    note_add(&r->notice, "no words are shown for [MASK]: the checkpoint lacks the masked-word head "
             "(cls.predictions)");
    return 0;
}

/* The first RESULT_TOP of the vocabulary. */
static void masked_rank(const struct model *m, const float *logits, int n,
                        struct result_masked *out)
{
    float *softmax = xmalloc((size_t)n * sizeof *softmax);
    int *order = xmalloc((size_t)n * sizeof *order);
    score_softmax(logits, n, softmax);
    score_rank(logits, n, order);
    out->count = n < RESULT_TOP ? n : RESULT_TOP;
    out->words = xcalloc((size_t)out->count + 1, sizeof *out->words);
    for (int i = 0; i < out->count; i++) {
        int k = order[i];
        const char *piece = tokenizer_piece(m->tokenizer, k);
        out->words[i] = (struct result_answer){k, piece ? xstrdup(piece) : xasprintf("#%d", k),
                                               logits[k], softmax[k], score_sigmoid(logits[k])};
    }
    free(softmax);
    free(order);
}

/* Which rows of the batch are shown: all, but of images that are ranked the best one. */
static bool masked_shown(const struct query *q, const struct result *r, int b)
{
    return q->task->reading->ranked != RANKED_IMAGES || r->answer_count == 0 ||
           r->answers[0].index == b;
}

static int masked_read_row(struct model *m, struct net *net, const float *state, int image,
                           int token, struct result *r, struct vs_err *err)
{
    int n = net_head_size(net, HEAD_WORD);
    float *logits = vs_try_calloc((size_t)n + 1, sizeof *logits);
    if (!logits)
        return vs_fail(err, VS_E_LIMIT, "no memory for %d words", n);
    pthread_mutex_lock(&m->forward_lock);
    int rc = net_read_states(net, HEAD_WORD, state, 1, logits, err);
    pthread_mutex_unlock(&m->forward_lock);
    if (rc == 0) {
        r->masked = xreallocarray(r->masked, (size_t)r->masked_count + 1, sizeof *r->masked);
        struct result_masked *x = &r->masked[r->masked_count++];
        *x = (struct result_masked){.token = token, .image = image};
        masked_rank(m, logits, n, x);
    }
    free(logits);
    return rc;
}

int masked_read(struct model *m, const struct prepared *p, const struct trace *t,
                struct vs_err *err)
{
    struct result *r = p->r;
    const struct trace_tensor *x = trace_output(t, OUT_SEQUENCE_T);
    int rc = x ? 0 : vs_fail(err, VS_E_MISSING, "the model gave no states of the text");
    for (int b = 0; rc == 0 && b < t->batch; b++)
        for (int i = 0; rc == 0 && masked_shown(&p->seen, r, b) && i < r->token_count; i++)
            if (masked_at(m, r, i))
                rc = masked_read_row(m, p->net, x->data + ((int64_t)b * x->shape[1] + i) *
                                                              x->shape[2], b, i, r, err);
    return rc;
}
