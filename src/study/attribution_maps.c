/* SPDX-License-Identifier: MIT */
/* Attributions by attention maps and their gradients: with the rules of relevancy, or as plain
 * sums. */
#include "src/study/attribution_priv.h"

/* The maps of a pass of the target, and their gradients, read by one function for each image. */
static int maps_run(struct attributing *a,
                    int (*read)(struct attributing *a, const struct explained *e, double *tokens,
                                double *regions, struct vs_err *err),
                    struct vs_err *err)
{
    struct net_back_want want = {.attention = true, .cancel = a->cancel};
    struct explained e = {0};
    struct trace *pass = NULL, *grad = NULL;
    int rc = target_gradients(a->net, &a->in, &a->target, &want, &pass, &grad, err);
    e.pass = pass;
    e.grad = grad;
    if (rc == 0)
        a->out->value = target_value(pass, &a->target);
    for (int i = 0; i < a->in.batch && rc == 0; i++) {
        e.b = e.r = i;
        rc = read(a, &e, a->out->of_tokens + (ptrdiff_t)i * a->out->tokens,
                  a->out->of_regions + (ptrdiff_t)i * a->out->regions, err);
    }
    trace_free(pass);
    trace_free(grad);
    return rc;
}

static int read_relevancy(struct attributing *a, const struct explained *e, double *tokens,
                          double *regions, struct vs_err *err)
{
    struct relevancy r = {0};
    int rc = relevancy_make(e, &r, err);
    if (rc == 0)
        relevancy_read(&r, &a->target, tokens, regions);
    relevancy_fini(&r);
    return rc;
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
    return maps_run(a, read_relevancy, err);
}

int attribution_plain(struct attributing *a, struct vs_err *err)
{
    return maps_run(a, read_plain, err);
}
