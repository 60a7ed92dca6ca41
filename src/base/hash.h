/* SPDX-License-Identifier: MIT */
/* A number for bytes, to find them again among others: no protection against who makes them alike.
 *
 * Source: FNV-1a of 64 bits, Fowler, Noll and Vo. */
#ifndef VS_HASH_H
#define VS_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED 14695981039346656037u

/* h: HASH_SEED, or what the bytes before these gave. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

#endif
