/* SPDX-License-Identifier: MIT */
/* Numbers for the tests of operations. */
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* From -1 to 1, the next of a row of its own for each seed. */
static inline float numbers_noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 8388608.0f - 1;
}

/* A copy of x that begins one byte behind what is returned, where no float should be. To be freed;
 * NULL without memory. */
static inline char *numbers_askew(const float *x, size_t n)
{
    char *p = malloc((n + 1) * 4 + 1);
    if (p)
        memcpy(p + 1, x, n * 4);
    return p;
}

#endif
