/* SPDX-License-Identifier: MIT */
/* Heads as all families have them. */
#ifndef VS_HEADS_H
#define VS_HEADS_H

#include "src/model/transformer/core.h"

/* The head as an output (rows, w->n). */
int head_linear(struct forward *r, const struct linear_w *w, const float *x, int rows,
                enum net_output of);
/* x (batch, n) as an output. */
int head_keep(struct forward *r, const float *x, int n, enum net_output of);
/* The rows' x (rows, n) as an output (batch, width, n). */
int head_keep_rows(struct forward *r, const struct packing *k, const float *x, int n,
                   enum net_output of);

/* On every token or region: dense, activation, layer norm, decoder; or the last one alone, where in
 * is NULL. */
struct row_head {
    const struct linear_w *in, *out;
    const struct norm_w *norm;
    enum kern_act act;
    bool masked; /* rows of padding get -10000: a softmax is to come */
};
/* Numbers for every computed row, (batch, width, out->n). inner: room for as many states as x. */
int head_rows(struct forward *r, const struct packing *k, const float *x, float *inner,
              const struct row_head *h, enum net_output of);
/* family.read_states: the same of states x (rows, width) that are the host's. */
int head_read_states(struct core *m, enum net_head head, const struct row_head *h,
                     const float *x, size_t width, int rows, float *out, struct vs_err *err);

#endif
