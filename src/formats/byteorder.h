/* SPDX-License-Identifier: MIT */
/* Files hold little-endian numbers; the machine may not. */
#ifndef VS_BYTEORDER_H
#define VS_BYTEORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ && __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__
#error "the machine's byte order is neither little-endian nor big-endian"
#endif
/* A constant, so that little-endian machines copy whole blocks. */
#define HOST_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* A whole number of n bytes (at most 8) in a file. */
static inline uint64_t le_read(const uint8_t *p, int n)
{
    uint64_t x = 0;
    for (int i = n - 1; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

/* Copies count numbers of size bytes each (at most 8) from a file's order to the machine's or back.
 * to may be from. */
static inline void le_copy(void *to, const void *from, size_t count, size_t size)
{
    if (HOST_LITTLE) {
        memmove(to, from, count * size);
        return;
    }
    for (size_t i = 0; i < count * size; i += size) {
        uint8_t x[8];
        memcpy(x, (const uint8_t *)from + i, size);
        for (size_t j = 0; j < size; j++)
            ((uint8_t *)to)[i + j] = x[size - 1 - j];
    }
}

#endif
