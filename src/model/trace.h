/* Filling a trace; reading one is in vilbert.h. */
#ifndef VS_TRACE_H
#define VS_TRACE_H

#include "src/model/vilbert/vilbert.h"

/* A new tensor of zeros, at most 4 dimensions; NULL when there is no memory. The data belongs to
 * the trace. */
float *trace_add(struct trace *t, int ndim, const int64_t *shape, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* a goes on with b's images: the same tensors, of other images. */
int trace_append(struct trace *a, const struct trace *b, struct vs_err *err);
/* What a pass without maps and states says of images first to first+batch-1, which have `regions`
 * rows each. The caller frees *out with trace_free. */
int trace_part(const struct trace *t, int first, int batch, int regions, struct trace **out,
               struct vs_err *err);
/* The first tensor, in the order of the pass, that holds NaN or infinity; NULL: none does. */
const char *trace_not_finite(const struct trace *t);
/* What computes a tensor of that name, for people: "textual layer 3". Counted from 0, as the names
 * are. */
void trace_describe(const char *name, char *out, size_t size);

#endif
