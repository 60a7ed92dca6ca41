/* SPDX-License-Identifier: MIT */
/* Heads and layers of one checkpoint in place of another's: a head is copied together from both. */
#include "src/model/transformer/patch.h"

#include <string.h>

/* x(count) as numbers of w, to be changed. Those that are already stay where they are: however many
 * heads are patched, a layer is copied once. */
static int patch_own(struct bound *w, const void **x, size_t count, float **out,
                     struct vs_err *err)
{
    if (bound_owns(w, *x)) {
        *out = (float *)(uintptr_t)*x;
        return 0;
    }
    int rc = bound_own(w, count, out, err);
    if (rc != 0)
        return rc;
    memcpy(*out, *x, count * sizeof **out);
    *x = *out;
    return 0;
}

/* Rows first to first+n-1 of the output are b's. */
static int patch_rows(struct bound *w, struct linear_w *a, const struct linear_w *b, int first,
                      int n, struct vs_err *err)
{
    float *m, *bias;
    size_t k = (size_t)a->k, at = (size_t)first, count = (size_t)n;
    int rc = patch_own(w, &a->w, (size_t)a->n * k, &m, err);
    if (rc == 0)
        rc = patch_own(w, &a->b, (size_t)a->n, &bias, err);
    if (rc != 0)
        return rc;
    memcpy(m + at * k, (const char *)b->w + at * k * sizeof *m, count * k * sizeof *m);
    memcpy(bias + at, (const char *)b->b + at * sizeof *bias, count * sizeof *bias);
    return 0;
}

/* Columns first to first+n-1 of the input are read with b's weights; the bias stays. */
static int patch_columns(struct bound *w, struct linear_w *a, const struct linear_w *b, int first,
                         int n, struct vs_err *err)
{
    float *m;
    int rc = patch_own(w, &a->w, (size_t)a->n * (size_t)a->k, &m, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < a->n; i++) {
        size_t at = (size_t)i * (size_t)a->k + (size_t)first;
        memcpy(m + at, (const char *)b->w + at * sizeof *m, (size_t)n * sizeof *m);
    }
    return 0;
}

int patch_head(struct bound *w, struct linear_w *const *a, const struct linear_w *const *b,
               int head, int heads, struct vs_err *err)
{
    int dh = a[0]->n / heads, rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) /* queries, keys, values */
        rc = patch_rows(w, a[i], b[i], head * dh, dh, err);
    return rc ? rc : patch_columns(w, a[3], b[3], head * dh, dh, err);
}

int patch_layer(struct bound *w, struct layer_w *a, const struct layer_w *b, int head,
                int heads, struct vs_err *err)
{
    struct linear_w *const to[] = {&a->q, &a->k, &a->v, &a->out};
    const struct linear_w *const from[] = {&b->q, &b->k, &b->v, &b->out};
    if (head >= 0)
        return patch_head(w, to, from, head, heads, err);
    *a = *b;
    return 0;
}
