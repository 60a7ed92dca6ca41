/* SPDX-License-Identifier: MIT */
/* Attribution patching: one pass back tells, to first order, what leaving out each head, word and
 * region would take from the target; the largest are then left out exactly.
 *
 * Source: N. Nanda, Attribution Patching (2023); A. Syed, C. Rager, A. Conmy, Attribution Patching
 * Outperforms Automated Circuit Discovery (BlackboxNLP 2024), with zeros in place of the states of
 * another input. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"
#include "src/study/variants.h"

#include <math.h>
#include <stdlib.h>

/* ---- to first order */

static void patching_heads(struct attribution *out, const struct explained *e, const struct net *n)
{
    int at = 0;
    for (int k = 0; k < ATTN_COUNT; k++) {
        enum attn_kind map = (enum attn_kind)k;
        int layers = net_map_layers(&n->sizes, map), heads = net_map_heads(&n->sizes, map);
        double *sums = xcalloc((size_t)heads + 1, sizeof *sums);
        for (int l = 0; l < layers; l++) {
            bool any = relevancy_heads(e, map, l, sums);
            for (int h = 0; h < heads; h++)
                out->heads[at++].worth += any ? sums[h] : 0;
        }
        free(sums);
    }
}

static void patching_list(struct attribution *out, const struct net *n)
{
    for (int k = 0; k < ATTN_COUNT; k++) {
        enum attn_kind map = (enum attn_kind)k;
        int layers = net_map_layers(&n->sizes, map), heads = net_map_heads(&n->sizes, map);
        out->heads = xreallocarray(out->heads, (size_t)(out->head_count + layers * heads) + 1,
                                   sizeof *out->heads);
        for (int i = 0; i < layers * heads; i++)
            out->heads[out->head_count++] =
                (struct attribution_head){map, i / heads, i % heads, 0, NAN};
    }
}

static double *patching_unknown(int images, int rows)
{
    size_t n = (size_t)images * (size_t)rows;
    double *x = xcalloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
    return x;
}

static int read_patching(struct attributing *a, const struct explained *e, double *tokens,
                         double *regions, struct vs_err *err)
{
    (void)err;
    patching_heads(a->out, e, a->net);
    relevancy_keys(e, tokens, regions);
    return 0;
}

/* ---- exactly */

static int patching_by_size(const void *a, const void *b)
{
    const struct removable *x = a, *y = b;
    double p = fabs(x->worth), q = fabs(y->worth);
    if (p != q)
        return p > q ? -1 : 1;
    return x->image != y->image ? x->image - y->image : x->index - y->index;
}

static int patching_verify(struct attributing *a, bool tokens, struct vs_err *err)
{
    const struct removing what = attribution_removing(a, tokens);
    struct attribution *out = a->out;
    double *worth = attribution_worths(a, out, tokens);
    int n;
    struct removable *list = removal_order(&what, worth, &n);
    vs_sort(list, (size_t)n, sizeof *list, patching_by_size);
    n = n < out->how.verify ? n : out->how.verify;
    int rc = attribution_leave_out(a, tokens, list, n,
                                   tokens ? out->exact_tokens : out->exact_regions, err);
    free(worth);
    free(list);
    return rc;
}

/* Heads that are verified, by their places in the list. */
struct patching_heads {
    const struct attributing *a;
    struct variants all;
    int *order;
};

static void patching_make(void *arg, struct variants *v, int k, int item)
{
    const struct patching_heads *p = arg;
    const struct attribution_head *h = &p->a->out->heads[p->order[item]];
    const struct net_silence s = {.map = h->map, .layer = h->layer, .head = h->head,
                                  .how = KERN_ZERO};
    variant_silence(v, k, &s);
}

static void patching_take(void *arg, const struct trace *pass, int k, int item)
{
    const struct patching_heads *p = arg;
    const struct net_target t = variants_target(&p->all, &p->a->target, k);
    p->a->out->heads[p->order[item]].exact = p->a->out->value - target_value(pass, &t);
}

/* Places by the size of the number, to be freed. */
static int *patching_order(const struct attribution *out)
{
    struct removable *x = xcalloc((size_t)out->head_count + 1, sizeof *x);
    int *order = xcalloc((size_t)out->head_count + 1, sizeof *order);
    for (int i = 0; i < out->head_count; i++)
        x[i] = (struct removable){0, i, out->heads[i].worth};
    vs_sort(x, (size_t)out->head_count, sizeof *x, patching_by_size);
    for (int i = 0; i < out->head_count; i++)
        order[i] = x[i].index;
    free(x);
    return order;
}

static int patching_verify_heads(struct attributing *a, struct vs_err *err)
{
    struct patching_heads p = {.a = a, .order = patching_order(a->out)};
    int most = a->out->how.verify_heads;
    int count = a->out->head_count < most ? a->out->head_count : most;
    p.all = (struct variants){.net = a->net, .in = &a->in, .cancel = a->cancel,
                              .make = patching_make, .take = patching_take, .arg = &p};
    variants_aim(&p.all, &a->target);
    int rc = variants_run(&p.all, count, err);
    free(p.order);
    return rc;
}

int attribution_patching(struct attributing *a, struct vs_err *err)
{
    struct attribution *out = a->out;
    patching_list(out, a->net);
    out->exact_tokens = patching_unknown(out->images, out->tokens);
    out->exact_regions = patching_unknown(out->images, out->regions);
    const struct net_back_want want = {.attention = true, .padding = true};
    int rc = attribution_back(a, &want, read_patching, err);
    if (rc == 0)
        rc = patching_verify(a, true, err);
    if (rc == 0)
        rc = patching_verify(a, false, err);
    return rc ? rc : patching_verify_heads(a, err);
}
