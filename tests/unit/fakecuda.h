/* SPDX-License-Identifier: MIT */
/* CUDA's calls without a GPU: memory is the host's, a stream is a queue that runs only when
 * somebody waits for it, kernels run thread by thread (simt.c), products are loops whose rounding
 * depends on their shape. Every size, pitch, leading dimension and lifetime is checked, what is
 * read before it was written, and what a capture does not bear. */
#ifndef FAKECUDA_H
#define FAKECUDA_H

#include "kernels/cuda/gpu.h"
#include "kernels/kern.h"

#include <string.h>

#define FAKE_DEVICES 4

/* Memory that nobody has written yet: a signalling NaN, whose payload stays in what is computed
 * with it. */
#define FAKE_POISON 0x7fa5deadu

extern const struct cuda_api fakecuda_api;

struct fakecuda {
    size_t memory;     /* of each device, in bytes */
    int devices;
    size_t others[FAKE_DEVICES]; /* of its memory that other programs have */
    size_t context;    /* what a context takes of it */
    int open_fails[FAKE_DEVICES]; /* code that open returns */
    int info_fails[FAKE_DEVICES]; /* the same of info */
    bool no_code[FAKE_DEVICES];   /* for the device */
    int fail_alloc;    /* the so many-th allocation from now on fails; 0: none */
    int fail_call;     /* the same for launches and products, as they are asked for */
    int die_launch;    /* the so many-th kernel that runs from now on ends in a fault that no later
                        * call of the device survives; 0: none */
    int die_code;      /* of which code; 0: an illegal address */
    bool odd_unsupported; /* no algorithm for odd shapes in reduced precision */
    int fail_capture;  /* so many captures come to nothing */
    bool fail_after;   /* there are no branches within a capture */
    int fail_made;     /* in tests/cli/fakert: the so many-th object that is made, or kernel that
                        * is looked up, from now on fails; 0: none */
    int capability;    /* of the devices, 90 for 9.0 */
    bool not_built;    /* only the driver's compiler has code for the devices */
    bool monitor;      /* free memory can be told without a context */
    bool backwards;    /* blocks, warps and threads run from the last to the first */
    bool no_graphs;
    /* what was seen */
    int allocs, launches, gemms, resolves, sends, replays, captures, waits;
    int depth;         /* calls of the longest chain of the graph that was captured last */
    int opened[FAKE_DEVICES]; /* contexts, ever */
    int used[KERNEL_COUNT];   /* launches of each kernel */
    size_t peak;       /* of device memory, as the driver counts it */
    size_t sent;
    int live;          /* allocations not freed, of device and pinned memory */
    int bad;           /* broken rules */
    char first[200];   /* the first one */
    void (*told)(const char *text); /* is told each; may be NULL */
    /* Runs each launch or product in place of the fake, by fakecuda_run; may be NULL. */
    void (*watch)(const struct cuda_launch *l, const struct cuda_gemm *g);
};
extern struct fakecuda fakecuda;
/* Everything forgotten but what is still allocated; one device of 256 MB. */
void fakecuda_reset(void);

/* Runs one launch or product now; the other is NULL. */
void fakecuda_run(const struct cuda_launch *l, const struct cuda_gemm *g);
/* The i-th block of the devices' memory, of so many bytes; NULL behind the last. */
uint32_t *fakecuda_block(int i, size_t *bytes);

/* kern_open, where "fake" is the GPU back end over these calls, after a reset. */
static inline int fakecuda_open(const char *device, int threads, struct kern **out, char *why,
                                size_t why_size)
{
    if (!device || strcmp(device, "fake") != 0)
        return kern_open(device, threads, out, why, why_size);
    fakecuda_reset();
    return gpu_kern(&fakecuda_api, "cuda", out, why, why_size);
}

/* ---- simt.c */
/* Runs one launch. Returns NULL, or what is wrong: threads that part at a barrier. */
const char *simt_run(const struct cuda_launch *l, bool backwards);
extern const char *const simt_names[KERNEL_COUNT];
/* The i-th barrier (SYNC) that was passed so far, "kernels.h:52"; NULL behind the last. */
const char *simt_barrier(int i);
/* The barrier that is left out; NULL: none. */
extern const char *simt_without;

#endif
