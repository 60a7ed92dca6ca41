/* SPDX-License-Identifier: MIT */
/* Attributions by inputs and their gradients. */
#include "src/study/attribution_priv.h"

#include <math.h>
#include <string.h>

static int read_product(struct attributing *a, const struct explained *e, double *tokens,
                        double *regions, struct vs_err *err)
{
    (void)err;
    gradient_times_input(e, &a->in, &(struct worths){tokens, regions, NULL});
    return 0;
}

int attribution_product(struct attributing *a, struct vs_err *err)
{
    return attribution_back(a, &(struct net_back_want){.inputs = true}, read_product, err);
}

int attribution_lrp(struct attributing *a, struct vs_err *err)
{
    const struct net_back_want want = {.inputs = true, .lrp = true};
    return attribution_back(a, &want, read_product, err);
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
    struct trace *pass = NULL;
    int rc = attribution_pass(a, false, &pass, err);
    trace_free(pass);
    out->missing = INFINITY;
    for (int steps = FIRST_STEPS; rc == 0 && steps <= MOST_STEPS && out->missing > COMPLETE;
         steps *= 2) {
        struct integrated x = {0};
        rc = integrated_gradients(a->net, &a->in, &a->target, steps, a->cancel,
                                  out->how.progress, &x, err);
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
