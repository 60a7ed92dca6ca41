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
                             .cancel = a->cancel};
}

static int leave_out_kind(struct attributing *a, bool tokens, struct vs_err *err)
{
    const struct removing what = attribution_removing(a, tokens);
    struct attribution *out = a->out;
    int n;
    struct removable *list = removal_order(&what, NULL, &n);
    double *value = xcalloc((size_t)n + 1, sizeof *value);
    int rc = removal_singly(&what, list, n, value, err);
    for (int i = 0; i < n && rc == 0; i++) {
        int image = list[i].image < 0 ? 0 : list[i].image, at = list[i].index;
        double *to = tokens ? out->of_tokens + net_token_row(a->net, at)
                            : out->of_regions + (ptrdiff_t)image * out->regions + at;
        *to = out->value - value[i];
    }
    free(value);
    free(list);
    return rc;
}

int attribution_leave_one_out(struct attributing *a, struct vs_err *err)
{
    int rc = attribution_value(a, err);
    if (rc == 0)
        rc = leave_out_kind(a, true, err);
    return rc ? rc : leave_out_kind(a, false, err);
}
