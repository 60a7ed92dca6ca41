/* SPDX-License-Identifier: MIT */
/* The table of methods, and running one of them on a query. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"
#include "src/engine/engine_priv.h"

#include <stdlib.h>
#include <string.h>

const struct attribution_method attribution_table[] = {
    {"relevancy", "relevancy (Chefer et al.)",
     "attention weighted by its gradient, carried from layer to layer; it cannot say against",
     false, attribution_relevancy},
    {"attention-gradient", "attention times gradient",
     "the sum over all maps of what is positive of attention times gradient, by key", false,
     attribution_plain},
    {"gradient-input", "gradient times input",
     "the first-order part of each input in the logit; below 0: against the answer", true,
     attribution_product},
    {"integrated-gradients", "integrated gradients",
     "shares of the logit's difference to no words and no features; below 0: against the answer",
     true, attribution_integrated},
    {"lrp", "layer-wise relevance propagation",
     "gradient times input with attention and the deviations of layer norms as constants; below 0: "
     "against the answer", true, attribution_lrp},
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

struct chosen_target {
    struct net_target target;
    struct net_term terms[2];
};

static struct net_term term_of(const struct task *t, int choice, float weight)
{
    bool row = t->reading->ranked == RANKED_REGIONS, image = t->reading->ranked == RANKED_IMAGES;
    return (struct net_term){row ? choice : 0, row || image ? 0 : choice, weight};
}

/* Of HEAD_MATCH the number that ranks is the difference of both logits (trace_scores). */
static int target_make(const struct net *net, const struct task *t, int choice, int against,
                       struct chosen_target *out, struct vs_err *err)
{
    bool images = t->reading->ranked == RANKED_IMAGES;
    unsigned head = task_head(t, net->heads);
    bool match = head == HEAD_MATCH;
    if (images && against >= 0)
        return vs_fail(err, VS_E_USAGE, "images are scored one by one: there is no answer to hold "
                       "one against");
    *out = (struct chosen_target){.terms = {term_of(t, choice, 1), term_of(t, against, -1)}};
    if (match)
        out->terms[1] = (struct net_term){0, 1, -1};
    out->target = (struct net_target){output_of(head), images ? choice : 0, out->terms,
                                      match || against >= 0 ? 2 : 1};
    return 0;
}

/* ---- running */

int attribution_check(const struct model *m, int checkpoint, struct vs_err *err)
{
    const struct family *f = model_checkpoint_family(m, checkpoint);
    return f->record ? 0
                     : vs_fail(err, VS_E_USAGE, "%s: %s has no attributions by gradients yet",
                               model_checkpoint_name(m, checkpoint), f->name);
}

static int attribution_in(struct model *m, struct prepared *p, struct chosen_target *t,
                          const atomic_bool *cancel, struct attribution *out, struct vs_err *err)
{
    struct attributing a = {.net = p->net, .cancel = cancel, .out = out};
    if (p->in.silence_count > 0)
        return vs_fail(err, VS_E_USAGE, "a query with ablated heads has no attributions by "
                       "gradients");
    if (t->target.b < 0 || t->target.b >= p->in.in.batch)
        return vs_fail(err, VS_E_USAGE, "there is no image %d", t->target.b + 1);
    a.in = target_input(p->net, &p->in.in, &t->target, &a.target);
    out->images = a.in.batch;
    out->tokens = net_token_row(p->net, a.in.tokens);
    out->regions = a.in.regions;
    out->of_tokens = xcalloc((size_t)out->images * (size_t)out->tokens + 1, sizeof(double));
    out->of_regions = xcalloc((size_t)out->images * (size_t)out->regions + 1, sizeof(double));
    pthread_mutex_lock(&m->forward_lock);
    int rc = out->method->run(&a, err);
    pthread_mutex_unlock(&m->forward_lock);
    return rc;
}

int attribution_run(struct model *m, const struct query *q, const struct attribution_method *method,
                    int choice, int against, const atomic_bool *cancel, struct attribution *out,
                    struct vs_err *err)
{
    struct prepared p;
    struct chosen_target t;
    *out = (struct attribution){.method = method};
    int rc = query_prepare(m, q, cancel, &p, err);
    if (rc == 0)
        rc = target_make(p.net, q->task, choice, against, &t, err);
    if (rc == 0)
        rc = attribution_in(m, &p, &t, cancel, out, err);
    prepared_fini(&p);
    if (rc != 0)
        attribution_fini(out);
    return rc;
}

void attribution_fini(struct attribution *a)
{
    free(a->of_tokens);
    free(a->of_regions);
    a->of_tokens = a->of_regions = NULL;
}
