/* How alike the hidden states of two checkpoints are: linear centred kernel alignment.
 *
 * Source: Kornblith et al., Similarity of Neural Network Representations Revisited (ICML 2019).
 * 1 is the same up to rotation, shift and one scale; 0 is unrelated. */
#ifndef VS_COMPARE_CKA_H
#define VS_COMPARE_CKA_H

#include "src/engine.h"

/* Of x (n, dx) and y (n, dy), whose rows belong together. NAN when one of them does not vary. */
double cka_linear(const float *x, int dx, const float *y, int dy, int n);

/* The layers of one stream in the order in which they ran: embeddings, layers, co-attention. */
struct cka {
    bool text;            /* the textual stream, else the visual one */
    int depths, rows;     /* rows: tokens or regions of all queries that were compared */
    char (*names)[24];    /* (depths) "embeddings", "layer 3", "co 2" */
    double *values;       /* (depths, depths): of a's depth, b's depth; NAN where undefined */
};

/* Called after every query. */
typedef void cka_report(void *arg, int done, int all);

/* Asks both checkpoints all queries (each query's own checkpoint is ignored), keeps at most
 * CKA_ROWS rows, evenly chosen. out[0] is the textual stream, out[1] the visual one; the caller
 * frees each with cka_fini. */
#define CKA_ROWS 512
int cka_run(struct model *m, const struct query *queries, int count, int a, int b,
            const atomic_bool *cancel, cka_report *report, void *arg, struct cka out[2],
            struct vs_err *err);
void cka_fini(struct cka *c);

#endif
