/* SPDX-License-Identifier: MIT */
/* Memory for the time of an operation. A kernel has no way to say that there is none. */
#include "kernels/kern_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *scratch_alloc(size_t size)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, size + 64) != 0) {
        fputs("vilscope: out of memory\n", stderr);
        abort();
    }
    return p;
}

void scratch_free(void *p)
{
    free(p);
}

float *scratch_spread(const float *x, ptrdiff_t ldx, int m, int n)
{
    ptrdiff_t ld = n + KERN_LINE;
    float *rows = scratch_alloc((size_t)m * (size_t)ld * sizeof *rows);
    for (int i = 0; i < m; i++)
        memcpy(rows + i * ld, x + i * ldx, (size_t)n * sizeof *rows);
    return rows;
}
