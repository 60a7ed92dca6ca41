/* SPDX-License-Identifier: MIT */
/* A map from byte strings to numbers, for names in files: open addressing, no removal. Keys are
 * borrowed: they must outlive the map. */
#ifndef VS_STRMAP_H
#define VS_STRMAP_H

#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
    const char *key; /* NULL: empty */
    size_t len;
    uint64_t hash;
    int value;
};

struct strmap {
    struct strmap_slot *slots;
    size_t cap, count; /* cap is 0 or a power of two */
};

/* Zero-initialise; free with strmap_fini. */
void strmap_fini(struct strmap *m);
/* Adds key -> value and returns -1, or returns the value that key already has (then nothing
 * changes). */
int strmap_add(struct strmap *m, const char *key, size_t len, int value);
/* The value of key, or -1. */
int strmap_get(const struct strmap *m, const char *key, size_t len);

#endif
