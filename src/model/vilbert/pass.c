/* SPDX-License-Identifier: MIT */
/* Around a forward pass: which rows are computed, the memory, what goes to the back end before and
 * comes back afterwards. Where the back end's memory is the host's, nothing is copied. */
#include "src/model/vilbert/pass.h"

#include "src/base/mem.h"
#include "src/model/trace.h"
#include "src/model/vilbert/tape.h"

#include <stdlib.h>
#include <string.h>

/* ---- the memory of a pass */

static int pass_max(int a, int b)
{
    return a > b ? a : b;
}

/* Of what the host says about rows at most: four ids of each token, where images begin, key biases
 * of all rows and of those that are computed early. */
static size_t pass_small_size(const struct pass *p)
{
    size_t t = (size_t)p->t.rows, v = (size_t)p->v.rows, b = (size_t)p->run.in->batch;
    return 4 * t + 2 * b + (p->t.bias ? 2 * t : 0) + (p->v.bias ? 2 * v : 0);
}

/* All states of a pass in one block, each beginning at a cache line. */
int pass_plan_arena(struct pass *p)
{
    const struct config *c = &p->m->c;
    size_t t = (size_t)p->t.rows, v = (size_t)p->v.rows, b = (size_t)p->run.in->batch;
    size_t wt = (size_t)pass_max(c->text.hidden, c->bi_hidden);
    size_t wv = (size_t)pass_max(c->v_hidden, c->bi_hidden);
    size_t bi = (size_t)c->bi_hidden, in = (size_t)c->v_feature;
    /* Feed forward space also takes features and places, and the heads' inner states. */
    size_t ft = t * (size_t)pass_max(c->text.intermediate, c->text.hidden);
    size_t fv = v * (size_t)pass_max(pass_max(c->v_intermediate, c->v_hidden), (int)in + 5);
    const struct forward_slice list[] = {
        {&p->xt, t * (size_t)c->text.hidden}, {&p->qt, t * wt}, {&p->kt, t * wt}, {&p->vt, t * wt},
        {&p->ct, t * wt}, {&p->ft, ft}, {&p->xv, v * (size_t)c->v_hidden}, {&p->qv, v * wv},
        {&p->kv, v * wv}, {&p->vv, v * wv}, {&p->cv, v * wv}, {&p->fv, fv},
        {&p->pooled_t, b * bi}, {&p->pooled_v, b * bi}, {&p->fused, (b + 1) * bi},
        {&p->wide, b * (size_t)pass_max(4 * c->bi_hidden,
                                           2 * pass_max(c->text.hidden, c->v_hidden))},
        {&p->gate, (size_t)(2 * c->v_hidden + c->text.hidden)}, {&p->small, pass_small_size(p)},
    };
    return forward_arena(&p->run, list, sizeof list / sizeof list[0]);
}

int vilbert_batch(const struct vilbert *m, int tokens, int regions, int most)
{
    const struct config *c = &m->c;
    size_t t = (size_t)pass_max(c->text.hidden, c->bi_hidden);
    size_t v = (size_t)pass_max(c->v_hidden, c->bi_hidden);
    size_t each = ((size_t)tokens + 1) * (5 * t + (size_t)c->text.intermediate) +
                  (size_t)regions * (5 * v + (size_t)pass_max(c->v_intermediate, c->v_feature + 5));
    most = most < 1 ? 1 : most;
    return kern_is_host(m->core.k) ? most : kern_batch(m->core.k, each, 8 * most);
}

/* ---- what goes to the back end */

/* Positions are counted without the task token, which has none of the other ids. */
void pass_token(const struct pass *p, int b, int place, int32_t id[4])
{
    const struct net_input *in = p->run.in;
    int i = net_input_token(&p->m->core.net, place);
    bool is_task = i < 0;
    ptrdiff_t at = (ptrdiff_t)b * in->tokens + i;
    id[0] = is_task ? -1 : in->ids[at];
    id[1] = is_task ? -1 : i;
    id[2] = is_task ? -1 : in->types ? in->types[at] : 0;
    id[3] = is_task ? in->task[b] : -1;
}

static void pass_write_ids(const struct pass *p, int32_t *ids)
{
    const struct packing *k = p->early[1].rows;
    int32_t id[4];
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            pass_token(p, image_of(k, b), k->pos[r], id);
            for (int j = 0; j < 4; j++)
                ids[j * k->rows + r] = id[j];
        }
}

/* Biases of rows, behind what is there already. Where they will be, or NULL. */
static const float *pass_put_bias(const struct pass *p, const struct packing *k, float *host,
                                  size_t *used)
{
    size_t at = *used;
    if (!k->bias)
        return NULL;
    memcpy(host + at, k->bias, (size_t)k->rows * sizeof *host);
    *used += (size_t)k->rows;
    return p->small + at;
}

static int pass_put_small(struct pass *p)
{
    size_t t = (size_t)p->early[1].rows->rows, b = (size_t)p->run.in->batch, used = 4 * t + 2 * b;
    float *host = kern_stage(p->run.k, p->small, pass_small_size(p));
    pass_write_ids(p, (int32_t *)host);
    memcpy(host + 4 * t, p->t.start, b * sizeof *host);
    memcpy(host + 4 * t + b, p->v.start, b * sizeof *host);
    for (int i = 0; i < 4; i++)
        p->ids[i] = (const int32_t *)p->small + (size_t)i * t;
    p->first_t = p->ids[3] + t;
    p->first_v = p->first_t + b;
    p->bias_t = pass_put_bias(p, &p->t, host, &used);
    p->bias_v = pass_put_bias(p, &p->v, host, &used);
    for (int i = 0; i < 2; i++) {
        const struct prefix *e = &p->early[i];
        p->early[i].bias = e->rows == &e->some ? pass_put_bias(p, &e->some, host, &used)
                           : i                 ? p->bias_t
                                               : p->bias_v;
    }
    return kern_put(p->run.k, p->small, host, used);
}

static int pass_put_regions(struct pass *p)
{
    const struct net_input *in = p->run.in;
    const struct packing *k = p->early[0].rows;
    int n = p->m->c.v_feature;
    size_t size = (size_t)k->rows * ((size_t)n + 5);
    float *features = kern_stage(p->run.k, p->fv, size);
    float *places = features + (ptrdiff_t)k->rows * n;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            ptrdiff_t at = (ptrdiff_t)image_of(k, b) * in->regions + k->pos[r];
            memcpy(features + (ptrdiff_t)r * n, in->features + at * n, (size_t)n * sizeof(float));
            memcpy(places + (ptrdiff_t)r * 5, in->spatials + at * 5, 5 * sizeof(float));
        }
    return kern_put(p->run.k, p->fv, features, size);
}

/* Word vectors of the input's own, and zeros for the task token, at p->qt. */
static int pass_put_words(struct pass *p)
{
    const struct packing *k = p->early[1].rows;
    const struct net_input *in = p->run.in;
    size_t n = (size_t)p->m->c.text.hidden;
    if (!in->words || k->rows == 0)
        return 0;
    float *host = kern_stage(p->run.k, p->qt, (size_t)k->rows * n);
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            int i = net_input_token(&p->m->core.net, k->pos[r]);
            const float *from = in->words + ((size_t)b * (size_t)in->tokens + (size_t)i) * n;
            if (i < 0)
                memset(host + (size_t)r * n, 0, n * sizeof *host);
            else
                memcpy(host + (size_t)r * n, from, n * sizeof *host);
        }
    return kern_put(p->run.k, p->qt, host, (size_t)k->rows * n);
}

int pass_start(struct pass *p)
{
    const struct net_input *in = p->run.in;
    struct kern *k = p->run.k;
    kern_use(k, p->m->core.set);
    packing_make(&p->t, in->batch, p->run.trace->tokens, &p->m->core.net, in->text_mask,
                 p->run.want->keep_padding);
    packing_make(&p->v, in->batch, p->run.trace->regions, NULL, in->image_mask,
                 p->run.want->keep_padding);
    int rc = pass_plan_arena(p);
    if (rc == 0)
        prefix_plan(p);
    if (rc == 0)
        rc = forward_give(&p->run, &p->m->core.net.sizes);
    if (rc == 0 &&
        (pass_put_small(p) != 0 || pass_put_regions(p) != 0 || pass_put_words(p) != 0))
        rc = vs_fail(p->run.err, VS_E_LIMIT, "the device takes no input");
    kern_begin(k);
    return rc;
}

int pass_finish(struct pass *p, int rc)
{
    rc = forward_finish(&p->run, rc);
    if (p->m->core.kept)
        prefix_settle(p->m->core.kept, rc == 0);
    prefix_fini(p);
    if (p->tape) {
        /* A tape that is recorded once more still has rows where that fails before tape_begin. */
        packing_fini(&p->tape->rows[0]);
        packing_fini(&p->tape->rows[1]);
        p->tape->rows[0] = p->v;
        p->tape->rows[1] = p->t;
    } else {
        packing_fini(&p->t);
        packing_fini(&p->v);
    }
    return rc;
}
