/* One forward pass under way; shared by vilbert.c (the trunk) and heads.c. */
#ifndef VS_PASS_H
#define VS_PASS_H

#include "src/model/vilbert.h"
#include "src/model/weights.h"

struct vilbert {
    struct config c;
    struct weights w;
    struct kern *k;
    float *arena; /* kept between passes */
    size_t arena_size;
};

/* Which rows of one stream are computed: those of all images in a row, without padding. */
struct packing {
    int batch, width; /* of the input, the task token included */
    int rows;         /* computed, of all images */
    int *start;       /* (batch + 1): image b has rows start[b] to start[b+1]-1 */
    int *pos;         /* (rows): where in its image's input a row was */
    float *bias;      /* (rows): 0, or -10000 for padding that is computed; NULL without any */
};

struct pass {
    struct vilbert *m;
    const struct vilbert_input *in;
    const struct vilbert_want *want;
    const struct kern_ops *ops;
    struct trace *trace;
    struct packing t, v; /* the textual and the visual stream */
    /* In the arena, (rows, width of the stream): */
    float *xt, *xv;                /* hidden states */
    float *qt, *kt, *vt, *ct, *ft; /* query, key, value, context, feed forward */
    float *qv, *kv, *vv, *cv, *fv;
    float *pooled_t, *pooled_v, *fused, *wide, *gate;
    struct vs_err *err;
};

/* y = act(x W + b) + residual; a line of the model. */
struct kern_linear pass_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual);
struct kern_norm pass_norm(const struct norm_w *w, float *x, int rows);

/* Copies computed rows to their places in a tensor of the trace, (batch, width, n). */
int pass_keep(struct pass *p, const struct packing *k, const float *x, int n, const char *name);

/* Runs the heads that are wanted. */
int heads_run(struct pass *p);

#endif
