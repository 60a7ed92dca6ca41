/* SPDX-License-Identifier: MIT */
/* How alike the hidden states of two checkpoints are: linear centred kernel alignment, debiased.
 *
 * Sources: Kornblith et al., Similarity of Neural Network Representations Revisited (ICML 2019),
 * for the alignment; Song et al., Feature Selection via Dependence Maximization (JMLR 2012), for
 * the unbiased estimate of HSIC; Nguyen et al., Do Wide and Deep Networks Learn the Same Things?
 * (ICLR 2021), for both together. 1 is the same up to rotation, shift and one scale; 0 is
 * unrelated, also with few rows and many features, where the biased estimate of unrelated states
 * is far above 0; noise lies around 0, so a value may be negative. */
#ifndef VS_COMPARE_CKA_H
#define VS_COMPARE_CKA_H

#include "src/engine/engine.h"

#define CKA_LEAST 4     /* rows; fewer have no unbiased estimate */
#define CKA_SPREAD 1e-5 /* rows that differ by less, as a share of their size, are rounding */
/* The noise floor: the largest of so many values with the rows of one side permuted. Unrelated
 * states are above it once in 20 times. */
#define CKA_SHUFFLES 19

/* Of x (n, dx) and y (n, dy), whose rows belong together; *floor, which may be NULL, is the noise
 * floor. NAN when one of them does not vary, and with fewer than CKA_LEAST rows. */
double cka_linear(const float *x, int dx, const float *y, int dy, int n, double *floor);

/* The layers of one stream in the order in which they ran: embeddings, layers, co-attention. */
struct cka {
    bool text;            /* the textual stream, else the visual one */
    int depths, rows;     /* rows: n, tokens or regions of all queries that were compared */
    int queries;
    char (*names)[24];    /* (depths) "embeddings", "layer 3", "co 2" */
    double *values;       /* (depths, depths): of a's depth, b's depth; NAN where undefined */
    double *floors;       /* (depths, depths): of noise; NAN where undefined */
};
/* Whether value i is not above its floor. */
bool cka_is_noise(const struct cka *c, int i);
/* The highest floor, NAN without any. */
double cka_floor(const struct cka *c);

/* Called after every query. */
typedef void cka_report(void *arg, int done, int all);

/* Asks both checkpoints all queries (each query's own checkpoint is ignored), keeps at most
 * CKA_ROWS rows, evenly chosen. Task tokens that only one has (compare_task_tokens) are left out.
 * out[0] is the textual stream, out[1] the visual one; the caller
 * frees each with cka_fini. Rows of one query are not independent of each other: ask many. */
#define CKA_ROWS 512
int cka_run(struct model *m, const struct query *queries, int count, int a, int b,
            const atomic_bool *cancel, cka_report *report, void *arg, struct cka out[2],
            struct vs_err *err);
void cka_fini(struct cka *c);

#endif
