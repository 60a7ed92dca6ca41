/* SPDX-License-Identifier: MIT */
/* What the files of the fake CUDA share. */
#ifndef FAKECUDA_PRIV_H
#define FAKECUDA_PRIV_H

#include "fakecuda.h"

#include <stdint.h>

/* CUDA's codes */
enum { FAKE_WRONG = 1, FAKE_MEMORY = 2, FAKE_NO_DEVICE = 101, FAKE_DIED = 700, FAKE_LAUNCH = 701,
       FAKE_NO_GRAPHS = 801, FAKE_IN_CAPTURE = 900, FAKE_SPOILT = 901,
       FAKE_UNSUPPORTED = 1000015 };

/* Notes that a rule was broken; FAKE_WRONG. */
__attribute__((format(printf, 1, 2))) int fake_bad(const char *fmt, ...);

/* Whether what is made now fails (fail_made). */
bool fake_made_fails(void);

/* Whether the word was never written, or is a number that was computed with such a word. */
static inline bool fake_unwritten(uint32_t word)
{
    return (word & 0x7fbfffffu) == FAKE_POISON;
}

/* ---- fakememory.c: pages of its own, ending where the next page cannot be touched */
int fake_area_new(int device, size_t bytes, bool pinned, void **out);
int fake_area_free(void *p, bool pinned);
/* Whether n bytes at p lie in memory that is alive, of this device or pinned. */
bool fake_inside(int device, const void *p, size_t n, bool pinned);
/* What the driver takes for the device's allocations. */
size_t fake_taken(int device);
/* The index of the first of n bytes' words that was never written, or -1. */
long fake_find_unwritten(const void *p, size_t n);

/* ---- fakeproduct.c */
void fake_product(const struct cuda_gemm *g);
/* What a library chooses an algorithm by. */
uint32_t fake_product_shape(const struct cuda_gemm *g);

#endif
