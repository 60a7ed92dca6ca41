/* SPDX-License-Identifier: MIT */
/* Captions against foils: every text of an item with every image of it. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The logits of one text are put behind those that *all has. */
static void join(struct result **all, struct result *x)
{
    struct result *r = *all;
    if (!r) {
        *all = x;
        return;
    }
    r->raw = xreallocarray(r->raw, (size_t)(r->raw_count + x->raw_count), sizeof *r->raw);
    memcpy(r->raw + r->raw_count, x->raw, (size_t)x->raw_count * sizeof *x->raw);
    r->raw_count += x->raw_count;
    r->ms.total += x->ms.total;
    r->foreign |= x->foreign;
    r->truncated |= x->truncated;
    result_free(x);
}

int eval_foils_run(struct model *m, const struct eval_item *it, const struct query *how,
                   const atomic_bool *cancel, struct result **out, struct vs_err *err)
{
    struct result *all = NULL;
    int rc = 0;
    for (int i = 0; i <= it->foil_count && rc == 0; i++) {
        struct query q = *how;
        struct result *x = NULL;
        q.text = i ? it->foils[i - 1] : it->text;
        q.raw = true;
        rc = query_run(m, &q, cancel, &x, err);
        if (rc == 0)
            join(&all, x);
    }
    if (rc == 0)
        *out = all;
    else
        result_free(all);
    return rc;
}

/* raw: text by text, all images of each. */
void eval_foils_mark(const struct eval_item *it, const struct result *r, struct eval_mark *out)
{
    const float *v = r->raw;
    int texts = it->foil_count + 1;
    if (it->image_count == 2 && texts == 2) {
        out->text = v[0] > v[2] && v[3] > v[1];  /* each image prefers its caption */
        out->image = v[0] > v[1] && v[3] > v[2]; /* each caption prefers its image */
        out->score = out->text && out->image;
        out->chance = 1.0 / 6;
        return;
    }
    for (int i = 1; i < texts; i++)
        out->rank += v[i * it->image_count] >= v[0];
    out->score = out->rank == 0;
    out->chance = 1.0 / texts;
}
