/* SPDX-License-Identifier: MIT */
/* CUDA's calls without a GPU: memory is the host's, the stream is a queue that runs only when
 * somebody waits for it, kernels run thread by thread, products are loops. Every size, pitch,
 * leading dimension and lifetime is checked. */
#ifndef FAKECUDA_H
#define FAKECUDA_H

#include "kernels/cuda/api.h"
#include "kernels/kern.h"

extern const struct cuda_api fakecuda_api;

struct fakecuda {
    size_t memory;     /* of the device, in bytes */
    int devices;
    int open_fails;    /* code that open returns */
    int fail_alloc;    /* the so many-th allocation from now on fails; 0: none */
    int fail_call;     /* the same for launches and products */
    bool backwards;    /* threads of a block run from the last to the first */
    bool no_graphs;
    /* what was seen */
    int allocs, launches, gemms, sends, replays, captures, waits;
    int used[KERNEL_COUNT]; /* launches of each kernel */
    size_t bytes, peak, sent;
    int live;          /* allocations not freed, of device and pinned memory */
    int bad;           /* broken rules */
    char first[200];   /* the first one */
};
extern struct fakecuda fakecuda;
/* Everything forgotten but what is still allocated; 256 MB, one device. */
void fakecuda_reset(void);
/* kern_open, where "fake" is the GPU back end over these calls, after a reset. */
int fakecuda_open(const char *device, int threads, struct kern **out, char *why, size_t why_size);

/* ---- simt.c: runs one launch. Returns false when threads part at a barrier. */
bool simt_run(const struct cuda_launch *l, bool backwards);

#endif
