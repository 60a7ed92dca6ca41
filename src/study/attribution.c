/* SPDX-License-Identifier: MIT */
/* The table of methods, and running one of them on a query. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"
#include "src/engine/engine_priv.h"

#include <stdlib.h>
#include <string.h>

const struct attribution_how attribution_usual = {ATTN_COUNT, -1, -1, 10, 10, false, NULL};

const struct attribution_method attribution_table[] = {
    {"relevancy", "relevancy (Chefer et al.)", "rel",
     "attention weighted by its gradient, carried from layer to layer; it has no sign",
     false, NEEDS_GRADIENTS, attribution_relevancy},
    {"attention-gradient", "attention times gradient", "AxG",
     "the sum over all maps of what is positive of attention times gradient, by key", false,
     NEEDS_GRADIENTS, attribution_plain},
    {"rollout", "attention rollout (Abnar and Zuidema)", "roll",
     "the share of what the answer is read from that attention carried there through all layers; "
     "the same for every answer", false, NEEDS_MAPS, attribution_rollout},
    {"attention", "raw attention", "attn",
     "the mean weight that a map's rows give it; the same for every answer", false, NEEDS_MAPS,
     attribution_attention},
    {"gradient-input", "gradient times input", "GxI",
     "the first-order part of each input in the logit; below 0: against the answer", true,
     NEEDS_GRADIENTS, attribution_product},
    {"integrated-gradients", "integrated gradients", "IG",
     "shares of the logit's difference to no words and no features; below 0: against the answer",
     true, NEEDS_GRADIENTS, attribution_integrated},
    {"lrp", "layer-wise relevance propagation", "LRP",
     "gradient times input with attention and the deviations of layer norms as constants; below 0: "
     "against the answer", true, NEEDS_GRADIENTS, attribution_lrp},
    {"leave-one-out", "leave-one-out", "LOO",
     "what the logit loses without it, exactly; below 0: against the answer", true, NEEDS_OUTPUTS,
     attribution_leave_one_out},
    {"attribution-patching", "attribution patching", "AP",
     "what the logit loses without it, to first order by one pass back, the largest also exactly; "
     "below 0: against the answer", true, NEEDS_GRADIENTS, attribution_patching},
};
const int attribution_count = (int)(sizeof attribution_table / sizeof attribution_table[0]);

const struct attribution_method *attribution_find(const char *word)
{
    for (int i = 0; i < attribution_count; i++)
        if (strcmp(attribution_table[i].word, word) == 0)
            return &attribution_table[i];
    return NULL;
}

/* ---- the target */

static struct net_term term_of(const struct task *t, int choice, float weight)
{
    bool row = t->reading->ranked == RANKED_REGIONS, image = t->reading->ranked == RANKED_IMAGES;
    return (struct net_term){row ? choice : 0, row || image ? 0 : choice, weight};
}

/* Of HEAD_MATCH the number that ranks is the difference of both logits (trace_scores). */
static int target_make(struct attribution_subject *s, const struct task *t, int choice, int against,
                       struct vs_err *err)
{
    bool images = t->reading->ranked == RANKED_IMAGES;
    unsigned head = task_head(t, s->p.net->heads);
    bool match = head == HEAD_MATCH;
    if (against >= 0 && choice == against)
        return vs_fail(err, VS_E_USAGE, "the answer and the one that it is held against are the "
                       "same: name another with --against");
    if (images && against >= 0)
        return vs_fail(err, VS_E_USAGE, "images are scored one by one: there is no answer to hold "
                       "one against");
    s->terms[0] = term_of(t, choice, 1);
    s->terms[1] = match ? (struct net_term){0, 1, -1} : term_of(t, against, -1);
    s->target = (struct net_target){net_output_of(s->p.net, head), images ? choice : 0, s->terms,
                                    match || against >= 0 ? 2 : 1};
    if (s->target.b < 0 || s->target.b >= s->p.in.in.batch)
        return vs_fail(err, VS_E_USAGE, "there is no image %d", s->target.b + 1);
    s->in = target_input(s->p.net, &s->p.in.in, &s->target, &s->alone);
    return 0;
}

int attribution_open(struct model *m, const struct query *q, int choice, int against,
                     const atomic_bool *cancel, struct attribution_subject *out, struct vs_err *err)
{
    *out = (struct attribution_subject){.m = m, .cancel = cancel};
    int rc = query_prepare(m, q, cancel, &out->p, err);
    return rc ? rc : target_make(out, q->task, choice, against, err);
}

void attribution_close(struct attribution_subject *s)
{
    prepared_fini(&s->p);
}

/* ---- running */

int attribution_check(const struct model *m, int checkpoint,
                      const struct attribution_method *method, struct vs_err *err)
{
    const struct family *f = model_checkpoint_family(m, checkpoint);
    return f->record || method->needs != NEEDS_GRADIENTS
               ? 0
               : vs_fail(err, VS_E_USAGE, "%s: %s has no attributions by gradients: rollout, "
                         "attention and leave-one-out need none",
                         model_checkpoint_name(m, checkpoint), f->name);
}

int attribution_pass(struct attributing *a, bool attention, struct trace **out, struct vs_err *err)
{
    struct net_want want = {.heads = output_table[a->target.output].head, .attention = attention,
                            .silences = a->silences, .silence_count = a->silence_count,
                            .cancel = a->cancel};
    int rc = net_forward(a->net, &a->in, &want, out, err);
    if (rc == 0)
        a->out->value = target_value(*out, &a->target);
    return rc;
}

int attribution_back(struct attributing *a, const struct net_back_want *want,
                     attribution_read *read, struct vs_err *err)
{
    struct net_back_want mine = *want;
    struct trace *pass = NULL, *grad = NULL;
    mine.cancel = a->cancel;
    int rc = target_gradients(a->net, &a->in, &a->target, &mine, &pass, &grad, err);
    if (rc == 0)
        a->out->value = target_value(pass, &a->target);
    for (int b = 0; b < a->in.batch && rc == 0; b++) {
        const struct explained e = {pass, grad, b, b};
        rc = read(a, &e, a->out->of_tokens + (ptrdiff_t)b * a->out->tokens,
                  a->out->of_regions + (ptrdiff_t)b * a->out->regions, err);
    }
    trace_free(pass);
    trace_free(grad);
    return rc;
}

static int attribution_check_how(const struct net *n, const struct attribution_how *how,
                                 struct vs_err *err)
{
    enum attn_kind map = how->map;
    int layers = map < ATTN_COUNT ? net_map_layers(&n->sizes, map) : 1;
    int heads = map < ATTN_COUNT ? net_map_heads(&n->sizes, map) : 1;
    if (layers == 0)
        return vs_fail(err, VS_E_USAGE, "%s has no %s attention", n->family->name,
                       attn_table[map].name);
    if (how->layer >= layers || how->head >= heads)
        return vs_fail(err, VS_E_USAGE, "these maps have %d layers of %d heads", layers, heads);
    return 0;
}

struct attributing attribution_given(const struct attribution_subject *s, struct attribution *out)
{
    return (struct attributing){
        .net = s->p.net, .in = s->in, .target = s->alone, .silences = s->p.in.silences,
        .silence_count = s->p.in.silence_count,
        .mask_token = tokenizer_id(s->m->tokenizer, "[MASK]"), .cancel = s->cancel, .out = out};
}

int attribution_of(struct attribution_subject *s, const struct attribution_method *method,
                   const struct attribution_how *how, struct attribution *out, struct vs_err *err)
{
    struct attributing a = attribution_given(s, out);
    *out = (struct attribution){.method = method, .how = how ? *how : attribution_usual};
    if (a.silence_count > 0 && method->needs == NEEDS_GRADIENTS)
        return vs_fail(err, VS_E_USAGE, "a query with ablated heads has no attributions by "
                       "gradients");
    if (out->how.mask_token && a.mask_token < 0)
        return vs_fail(err, VS_E_MISSING, "the vocabulary has no [MASK]");
    int rc = attribution_check_how(s->p.net, &out->how, err);
    if (rc != 0)
        return rc;
    out->images = a.in.batch;
    out->tokens = net_token_row(s->p.net, a.in.tokens);
    out->regions = a.in.regions;
    out->of_tokens = xcalloc((size_t)out->images * (size_t)out->tokens + 1, sizeof(double));
    out->of_regions = xcalloc((size_t)out->images * (size_t)out->regions + 1, sizeof(double));
    pthread_mutex_lock(&s->m->forward_lock);
    rc = method->run(&a, err);
    pthread_mutex_unlock(&s->m->forward_lock);
    out->how.progress = NULL;
    if (rc != 0)
        attribution_fini(out);
    return rc;
}

int attribution_run(struct model *m, const struct query *q, const struct attribution_method *method,
                    int choice, int against, const struct attribution_how *how,
                    const atomic_bool *cancel, struct attribution *out, struct vs_err *err)
{
    struct attribution_subject s;
    *out = (struct attribution){.method = method};
    int rc = attribution_open(m, q, choice, against, cancel, &s, err);
    if (rc == 0)
        rc = attribution_of(&s, method, how, out, err);
    attribution_close(&s);
    return rc;
}

void attribution_fini(struct attribution *a)
{
    free(a->of_tokens);
    free(a->of_regions);
    free(a->heads);
    free(a->exact_tokens);
    free(a->exact_regions);
    for (int b = 0; a->own && b < a->images; b++)
        relevancy_fini(&a->own[b]);
    free(a->own);
    a->own = NULL;
    a->heads = NULL;
    a->of_tokens = a->of_regions = a->exact_tokens = a->exact_regions = NULL;
}
