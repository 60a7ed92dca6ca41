/* SPDX-License-Identifier: MIT */
/* Attributions by leaving out one at a time. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>

struct removing attribution_removing(const struct attributing *a, bool tokens)
{
    return (struct removing){.net = a->net, .in = &a->in, .target = &a->target, .tokens = tokens,
                             .stand_in = tokens && a->out->how.mask_token ? a->mask_token : -1,
                             .silences = a->silences, .silence_count = a->silence_count,
                             .cancel = a->cancel, .progress = a->out->how.progress};
}

int attribution_leave_out(struct attributing *a, bool tokens, const struct removable *list,
                          int count, double *where, struct vs_err *err)
{
    const struct removing what = attribution_removing(a, tokens);
    const struct attribution *out = a->out;
    double *value = xcalloc((size_t)count + 1, sizeof *value);
    int rc = removal_singly(&what, list, count, value, err);
    for (int i = 0; i < count && rc == 0; i++) {
        int image = list[i].image < 0 ? 0 : list[i].image, at = list[i].index;
        ptrdiff_t place = tokens ? net_token_row(a->net, at)
                                 : (ptrdiff_t)image * out->regions + at;
        where[place] = out->value - value[i];
    }
    free(value);
    return rc;
}

double *attribution_worths(const struct attributing *a, const struct attribution *of, bool tokens)
{
    int rows = tokens ? a->in.tokens : a->in.regions;
    double *x = xcalloc((size_t)a->in.batch * (size_t)rows + 1, sizeof *x);
    for (int b = 0; b < a->in.batch; b++)
        for (int i = 0; i < rows; i++)
            x[(ptrdiff_t)b * rows + i] =
                tokens ? of->of_tokens[(ptrdiff_t)b * of->tokens + net_token_row(a->net, i)]
                       : of->of_regions[(ptrdiff_t)b * rows + i];
    return x;
}

static int leave_out_kind(struct attributing *a, bool tokens, struct vs_err *err)
{
    const struct removing what = attribution_removing(a, tokens);
    int n;
    struct removable *list = removal_order(&what, NULL, &n);
    int rc = attribution_leave_out(a, tokens, list, n,
                                   tokens ? a->out->of_tokens : a->out->of_regions, err);
    free(list);
    return rc;
}

int attribution_leave_one_out(struct attributing *a, struct vs_err *err)
{
    struct trace *pass = NULL;
    int rc = attribution_pass(a, false, &pass, err);
    trace_free(pass);
    if (rc == 0)
        rc = leave_out_kind(a, true, err);
    return rc ? rc : leave_out_kind(a, false, err);
}
