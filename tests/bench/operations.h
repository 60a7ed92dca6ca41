/* SPDX-License-Identifier: MIT */
/* Every operation of kernels/kern.h but products of the model, at the shapes that model and
 * detector have, and the least that each of them has to do. */
#ifndef VS_OPERATIONS_H
#define VS_OPERATIONS_H

#include "kernels/kern.h"

#include <stddef.h>

/* What operations read and write. Numbers of the pools are random. */
struct operands {
    struct kern *k;
    float *x, *y; /* each of OPERAND_FLOATS */
    float *w;     /* WEIGHT_FLOATS */
    const int *shape; /* of the operation that runs */
    int turn;         /* grows with every run */
    float *packed;    /* the weights of a convolution, made on first use */
    float *boxes, *scores;
    uint64_t *matrix; /* which boxes overlap */
};
#define OPERAND_FLOATS ((size_t)32 << 20) /* twice the largest map */
#define WEIGHT_FLOATS ((size_t)96 << 20)  /* more than caches hold */

enum operation_source { FROM_CACHE, FROM_MEMORY };

struct operation {
    const char *what; /* and its shape */
    void (*run)(struct operands *o);
    int shape[5];
    double sums;   /* multiply-adds of its form, without steps of e^x, erf and divisions */
    double floats; /* that are read or written, each once */
    enum operation_source from; /* where these lie before */
};

extern const struct operation operations[];
extern const int operation_count;

/* o has its back end and its pools. False when there is no memory. */
bool operands_init(struct operands *o);
void operands_fini(struct operands *o); /* not the pools */
void operands_run(struct operands *o, const struct operation *op);
void operands_next(struct operands *o); /* before another operation */

#endif
