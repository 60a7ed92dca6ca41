/* Filling a trace; reading one is in vilbert.h. */
#ifndef VS_TRACE_H
#define VS_TRACE_H

#include "src/model/vilbert.h"

/* A new tensor of zeros, at most 4 dimensions; NULL when there is no memory. The data belongs to
 * the trace. */
float *trace_add(struct trace *t, int ndim, const int64_t *shape, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
