/* SPDX-License-Identifier: MIT */
/* Leave-one-out: copies of one input, each with something else left out. */
#include "src/study/effects.h"

#include "src/engine/engine_priv.h"
#include "src/base/mem.h"
#include "src/study/variants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run under way. */
struct run {
    struct model *m;
    struct prepared *p;
    struct effects *e;
    enum kern_silence how;
    const atomic_bool *cancel;
    effects_report *report;
    void *report_arg;
    bool *pick;             /* (regions): rows that take part in grounding */
    float *logits, *softmax; /* of one copy, its longest reading */
};

void effects_free(struct effects *e)
{
    if (!e)
        return;
    free(e->items);
    free(e);
}

/* ---- what is left out */

static struct effect *effects_add(struct effects *e, struct change c)
{
    e->items = xreallocarray(e->items, (size_t)e->count + 1, sizeof *e->items);
    e->items[e->count] = (struct effect){.change = c};
    return &e->items[e->count++];
}

static void list_regions(struct effects *e, const struct inputs *in)
{
    for (int i = 0; i < in->in.batch * in->in.regions; i++) {
        struct result_source s = in->sources[i];
        if (s.image >= 0)
            effects_add(e, (struct change){.kind = CHANGE_DROP_REGION, .image = s.image,
                                           .region = s.region});
    }
}

/* All but the task token. A mask stands in, as the model knows it from its training. */
static void list_tokens(struct effects *e, const struct prepared *p)
{
    for (int i = 0; i < p->r->token_count; i++)
        if (net_input_token(p->net, i) >= 0)
            effects_add(e, (struct change){.kind = CHANGE_MASK_TOKEN, .token = i});
}

static void list_heads(struct effects *e, const struct net_sizes *s, enum kern_silence how)
{
    for (int k = 0; k < ATTN_COUNT; k++) {
        enum attn_kind map = (enum attn_kind)k;
        int layers = net_map_layers(s, map), heads = net_map_heads(s, map);
        for (int i = 0; i < layers * heads; i++)
            effects_add(e, (struct change){.kind = CHANGE_SILENCE, .map = map, .layer = i / heads,
                                           .head = i % heads, .how = how});
    }
}

/* ---- changing a copy of the input */

static void effects_drop_region(const struct run *run, struct variants *v, int k,
                                const struct change *c)
{
    const struct inputs *in = &run->p->in;
    for (int i = 0; i < in->in.batch * in->in.regions; i++)
        if (in->sources[i].image == c->image && in->sources[i].region == c->region)
            variant_drop_region(v, k, i / in->in.regions, i % in->in.regions);
}

/* Copy k of the input without what item `item` names. */
static void effects_leave_out(void *arg, struct variants *v, int k, int item)
{
    const struct run *run = arg;
    const struct change *c = &run->e->items[item].change;
    int at = net_input_token(run->p->net, c->token);
    const struct net_silence head = {.map = c->map, .layer = c->layer, .head = c->head,
                                     .how = c->how};
    switch (c->kind) {
    case CHANGE_DROP_REGION: effects_drop_region(run, v, k, c); break;
    case CHANGE_MASK_TOKEN:
        for (int b = 0; b < v->in->batch; b++)
            variant_put_token(v, k, b, at, tokenizer_id(run->m->tokenizer, "[MASK]"));
        break;
    case CHANGE_SILENCE: variant_silence(v, k, &head); break;
    case CHANGE_DROP_TOKEN: case CHANGE_SWAP: break;
    }
}

/* ---- reading a copy */

/* The logits that the task ranks, of copy k; -INFINITY for rows that take no part. */
static int copy_logits(const struct run *run, const struct trace *t, int k, float *out)
{
    int n = run->p->in.in.batch, v = run->p->in.in.regions;
    const struct task *task = run->p->r->task;
    const struct trace_tensor *x = task_output(task, t);
    bool images = task->reading->ranked == RANKED_IMAGES;
    int width = images ? n : (int)x->shape[1];
    bool one = images || task->reading->pairs; /* row of the output, for the whole copy */
    ptrdiff_t at = one ? (ptrdiff_t)k * width : (ptrdiff_t)k * n * width;
    trace_scores(x, (int)at, width, out);
    for (int i = 0; task->reading->ranked == RANKED_REGIONS && i < v; i++)
        if (!run->pick[i] || out[i] <= -9000)
            out[i] = -INFINITY;
    return width;
}

static int effects_best_of(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static double measure_of(enum score_scale scale, const float *logits, int n, int which)
{
    double x = scale == SCORE_LOGIT ? (double)logits[which] : score_log_odds(logits, n, which);
    return isfinite(x) ? x : (double)NAN;
}

/* Images are scored one by one, all others are a choice, unless there is only one to choose. */
static enum score_scale scale_of(const struct task *task, const float *logits, int n, int which)
{
    bool choice = !task->reading->by_logit && isfinite(score_log_odds(logits, n, which));
    return choice ? SCORE_LOG_ODDS : SCORE_LOGIT;
}

static void read_copy(const struct run *run, const struct trace *t, int k, struct effect *f)
{
    struct effects *e = run->e;
    int n = copy_logits(run, t, k, run->logits);
    score_softmax(run->logits, n, run->softmax);
    f->logit = run->logits[e->choice];
    f->softmax = run->softmax[e->choice];
    f->measure = measure_of(e->scale, run->logits, n, e->choice);
    f->effect = f->measure - e->measure;
    f->best = effects_best_of(run->logits, n);
    f->rank = 0;
    for (int i = 0; i < n; i++)
        f->rank += run->logits[i] > f->logit;
    f->known = true;
}

/* ---- running */

static int effects_forward(const struct run *run, const struct inputs *in, struct trace **out,
                           struct vs_err *err)
{
    struct net_want want = {.heads = task_head(run->p->r->task, run->p->net->heads),
                            .keep_padding = in->keep_padding,
                            .silences = in->silences, .silence_count = in->silence_count,
                            .cancel = run->cancel};
    return query_forward(run->m, run->p->net, in, &want, out, err);
}

static void effects_take(void *arg, const struct trace *pass, int k, int item)
{
    const struct run *run = arg;
    read_copy(run, pass, k, &run->e->items[item]);
}

static void effects_after(void *arg, int done)
{
    const struct run *run = arg;
    run->e->done = done;
    if (run->report)
        run->report(run->report_arg, run->e);
}

/* The query as it is: what everything is compared with. */
static int run_whole(struct run *run, int choice, struct vs_err *err)
{
    struct trace *t = NULL;
    struct effect f;
    struct effects *e = run->e;
    int rc = effects_forward(run, &run->p->in, &t, err), most = 0;
    for (int i = 0; rc == 0 && i < t->count; i++)
        for (int j = 0; j < t->tensors[i].ndim; j++)
            most = t->tensors[i].shape[j] > most ? (int)t->tensors[i].shape[j] : most;
    if (rc == 0) {
        run->logits = xcalloc((size_t)most + 1, sizeof *run->logits);
        run->softmax = xcalloc((size_t)most + 1, sizeof *run->softmax);
        int n = copy_logits(run, t, 0, run->logits);
        e->choice = choice >= 0 ? choice : effects_best_of(run->logits, n);
        if (e->choice < n)
            e->scale = scale_of(run->p->r->task, run->logits, n, e->choice);
        else
            rc = vs_fail(err, VS_E_USAGE, "there is no answer %d", choice);
    }
    if (rc == 0) {
        read_copy(run, t, 0, &f);
        e->logit = f.logit;
        e->softmax = f.softmax;
        e->measure = f.measure;
        e->best = f.best;
    }
    trace_free(t);
    return rc;
}

static int effects_run_all(struct run *run, struct vs_err *err)
{
    const struct inputs *in = &run->p->in;
    struct variants v = {.net = run->p->net, .in = &in->in,
                         .heads = task_head(run->p->r->task, run->p->net->heads),
                         .keep_padding = in->keep_padding, .silences = in->silences,
                         .silence_count = in->silence_count, .lock = &run->m->forward_lock,
                         .cancel = run->cancel, .make = effects_leave_out, .take = effects_take,
                         .after = effects_after, .arg = run};
    return variants_run(&v, run->e->count, err);
}

/* Grounding ranks all rows, or the candidates when there are any. */
static void effects_pick_rows(struct run *run)
{
    const struct prepared *p = run->p;
    bool choose = p->r->images[0].candidate_count > 0;
    run->pick = xcalloc((size_t)p->in.in.regions + 1, sizeof *run->pick);
    for (int i = 0; i < p->in.in.regions; i++)
        run->pick[i] = p->in.sources[i].image >= 0 &&
                       (!choose || p->in.sources[i].region > p->r->images[0].region_count);
}

static int list_items(struct run *run, enum effects_of of, struct vs_err *err)
{
    if (of == EFFECTS_TOKENS && tokenizer_id(run->m->tokenizer, "[MASK]") < 0)
        return vs_fail(err, VS_E_MISSING, "the vocabulary has no [MASK]");
    if (of == EFFECTS_REGIONS)
        list_regions(run->e, &run->p->in);
    else if (of == EFFECTS_TOKENS)
        list_tokens(run->e, run->p);
    else
        list_heads(run->e, &run->p->net->sizes, run->how);
    return 0;
}

int effects_run(struct model *m, const struct query *q, enum effects_of of, int choice,
                enum kern_silence how, const atomic_bool *cancel, effects_report *report, void *arg,
                struct effects **out, struct vs_err *err)
{
    struct prepared p;
    struct effects *e = xcalloc(1, sizeof *e);
    struct run run = {.m = m, .p = &p, .e = e, .how = how, .cancel = cancel,
                      .report = report, .report_arg = arg};
    double start = vs_now_ms();
    e->of = of;
    int rc = query_prepare(m, q, cancel, &p, err);
    if (rc == 0) {
        effects_pick_rows(&run);
        rc = list_items(&run, of, err);
    }
    if (rc == 0)
        rc = run_whole(&run, choice, err);
    if (rc == 0)
        rc = effects_run_all(&run, err);
    e->ms = vs_now_ms() - start;
    prepared_fini(&p);
    free(run.pick);
    free(run.logits);
    free(run.softmax);
    if (rc == 0)
        *out = e;
    else
        effects_free(e);
    return rc;
}
