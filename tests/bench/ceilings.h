/* SPDX-License-Identifier: MIT */
/* What one core of this machine can do at most: multiply-adds in registers, bytes from memory and
 * from the second cache. */
#ifndef VS_CEILINGS_H
#define VS_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>

/* The least time of so many runs, in ms that this thread was on a processor: what else runs on the
 * machine only makes runs longer. */
double ceiling_least(void (*run)(void *arg), void *arg, int times);

struct ceiling {
    double gflops; /* 2 for each multiply-add */
    double ghz;    /* 0: unknown */
    double issued; /* vectors of multiply-adds a cycle; 0: unknown */
};

/* Multiply-adds of a back end's instruction set: "cpu-avx512", "cpu-avx2", "cpu-neon" or
 * "cpu-portable". Where they are not one instruction, a product and a sum. False and one line in
 * why when it cannot be measured, or when the result is more than such a processor can have. */
bool ceiling_fma(const char *device, struct ceiling *out, char *why, size_t why_size);

/* GB/s of reading n floats once and in order, of the fastest piece of so many. That is memory's
 * where n is more than the caches hold and was not read for as long. */
double ceiling_read(const float *x, size_t n, size_t piece);

/* GB/s of reading from the second cache into the first, with a back end's vectors; 0 where they
 * cannot be measured. */
double ceiling_cache(const char *device);

#endif
