/* SPDX-License-Identifier: MIT */
/* Attributions by inputs and their gradients. */
#include "src/study/attribution_priv.h"

#include <math.h>
#include <string.h>

static int inputs_product(struct attributing *a, bool lrp, struct vs_err *err)
{
    struct net_back_want want = {.inputs = true, .lrp = lrp, .cancel = a->cancel};
    struct trace *pass = NULL, *grad = NULL;
    int rc = target_gradients(a->net, &a->in, &a->target, &want, &pass, &grad, err);
    if (rc == 0)
        a->out->value = target_value(pass, &a->target);
    for (int i = 0; i < a->in.batch && rc == 0; i++) {
        struct explained e = {pass, grad, i, i};
        struct worths w = {a->out->of_tokens + (ptrdiff_t)i * a->out->tokens,
                           a->out->of_regions + (ptrdiff_t)i * a->out->regions, NULL};
        gradient_times_input(&e, &a->in, &w);
    }
    trace_free(pass);
    trace_free(grad);
    return rc;
}

int attribution_product(struct attributing *a, struct vs_err *err)
{
    return inputs_product(a, false, err);
}

int attribution_lrp(struct attributing *a, struct vs_err *err)
{
    return inputs_product(a, true, err);
}

/* ---- integrated gradients */

#define FIRST_STEPS 16
#define MOST_STEPS 512
#define COMPLETE 0.01 /* of the difference to the base */

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* The share of value - base that is missing. */
static double missing_of(const struct attribution *a, const struct integrated *x, size_t tokens,
                         size_t regions)
{
    double all = a->value - x->base, sum = sum_of(x->tokens, tokens) + sum_of(x->regions, regions);
    return all != 0 ? fabs(all - sum) / fabs(all) : fabs(sum);
}

/* Twice as many steps until they add up to what they should. */
int attribution_integrated(struct attributing *a, struct vs_err *err)
{
    struct attribution *out = a->out;
    size_t tokens = (size_t)out->images * (size_t)out->tokens;
    size_t regions = (size_t)out->images * (size_t)out->regions;
    int rc = attribution_value(a, err);
    out->missing = INFINITY;
    for (int steps = FIRST_STEPS; rc == 0 && steps <= MOST_STEPS && out->missing > COMPLETE;
         steps *= 2) {
        struct integrated x = {0};
        rc = integrated_gradients(a->net, &a->in, &a->target, steps, a->cancel, &x, err);
        if (rc == 0) {
            out->steps = steps;
            out->base = x.base;
            out->missing = missing_of(out, &x, tokens, regions);
            memcpy(out->of_tokens, x.tokens, tokens * sizeof *x.tokens);
            memcpy(out->of_regions, x.regions, regions * sizeof *x.regions);
        }
        integrated_fini(&x);
    }
    return rc;
}
