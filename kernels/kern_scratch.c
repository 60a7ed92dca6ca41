/* SPDX-License-Identifier: MIT */
/* Memory for the time of an operation. A kernel has no way to say that there is none. */
#include "kernels/kern_priv.h"

#include <stdio.h>
#include <stdlib.h>

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
