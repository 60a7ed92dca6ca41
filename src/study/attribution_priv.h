/* SPDX-License-Identifier: MIT */
/* What the methods of attribution are given. */
#ifndef VS_ATTRIBUTION_PRIV_H
#define VS_ATTRIBUTION_PRIV_H

#include "src/study/attribution.h"
#include "src/study/gradients.h"

struct attributing {
    struct net *net;
    struct net_input in; /* the target's images alone */
    struct net_target target;
    const atomic_bool *cancel;
    struct attribution *out; /* arrays of zeros */
};

/* ---- attribution_maps.c: of maps and their gradients */
int attribution_relevancy(struct attributing *a, struct vs_err *err);
int attribution_plain(struct attributing *a, struct vs_err *err);
/* ---- attribution_inputs.c: of inputs and their gradients */
int attribution_product(struct attributing *a, struct vs_err *err);
int attribution_integrated(struct attributing *a, struct vs_err *err);
int attribution_lrp(struct attributing *a, struct vs_err *err);

#endif
