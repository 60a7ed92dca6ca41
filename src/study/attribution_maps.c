/* SPDX-License-Identifier: MIT */
/* Attributions by attention maps and their gradients: with the rules of relevancy, or as plain
 * sums. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"

static int read_relevancy(struct attributing *a, const struct explained *e, double *tokens,
                          double *regions, struct vs_err *err)
{
    struct relevancy *r = &a->out->own[e->r];
    (void)err;
    relevancy_make(e, r);
    relevancy_read(r, &a->target, tokens, regions);
    return 0;
}

static int read_plain(struct attributing *a, const struct explained *e, double *tokens,
                      double *regions, struct vs_err *err)
{
    (void)a;
    (void)err;
    relevancy_plain(e, tokens, regions);
    return 0;
}

int attribution_relevancy(struct attributing *a, struct vs_err *err)
{
    a->out->own = xcalloc((size_t)a->out->images + 1, sizeof *a->out->own);
    return attribution_back(a, &(struct net_back_want){.attention = true}, read_relevancy, err);
}

int attribution_plain(struct attributing *a, struct vs_err *err)
{
    return attribution_back(a, &(struct net_back_want){.attention = true}, read_plain, err);
}
