/* SPDX-License-Identifier: MIT */
/* The calls of CUDA and cuBLAS that the back end makes, as a table of functions.
 *
 * The module vilscope-cuda.so fills it with the real ones (module.cu); tests fill it with ones that
 * check every size and lifetime and compute on the host. Everything above this table is plain C
 * that needs neither the CUDA headers nor a GPU. Functions return 0 or a code that explain() knows.
 * All work goes to one stream, in order. The version rises when this table or args.h changes. */
#ifndef VS_CUDA_API_H
#define VS_CUDA_API_H

#include "kernels/cuda/args.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUDA_API_VERSION 7
#define CUDA_MARKS 3
#define CUDA_SLOTS 6 /* workspaces of products */
#define CUDA_API_SYMBOL "vilscope_cuda_api"

enum cuda_precision { CUDA_FLOAT32, CUDA_TF32, CUDA_BFLOAT16, CUDA_HALF };

/* What the module has for a device: nothing, what the driver compiles, what runs as it is. */
enum cuda_code { CUDA_NO_CODE, CUDA_PTX, CUDA_BUILT };

struct cuda_info {
    char name[96];
    int major, minor, processors;
    size_t memory;
    unsigned char uuid[16];
    enum cuda_code code;
    bool spare_known; /* without a context; of spare */
    size_t spare;     /* free now */
};

/* One launch of kernel `kernel`, an enum cuda_kernel. */
struct cuda_launch {
    int kernel;
    unsigned grid[2], threads, shared; /* shared: bytes beyond what the kernel declares */
    union kernel_args args;
};

/* Column major, as cuBLAS has it: d(m,n) = act(op(a)(m,k) op(b)(k,n) + beta c + bias), where
 * bias(m) is added to every column and may be NULL; act is ReLU or nothing. c may be d. */
struct cuda_gemm {
    const float *a, *b, *c, *bias;
    float *d;
    int64_t lda, ldb, ldc, ldd;
    int m, n, k;
    float beta;
    bool trans_a, trans_b;
    int precision; /* enum cuda_precision */
};

/* How a product is computed: cuBLAS's choice, of which only the module knows more. */
struct cuda_algo {
    uint64_t words[8];
    int precision; /* enum cuda_precision */
};

struct cuda_api {
    int version;    /* CUDA_API_VERSION */
    int toolkit;    /* 13000 for 13.0 */
    const char *(*explain)(int code);
    /* Whether the code says that device memory is exhausted. */
    bool (*is_memory)(int code);
    /* Whether it says that this process can do nothing on any device any more. */
    bool (*is_lost)(int code);
    int (*count)(int *devices);
    int (*info)(int device, struct cuda_info *out);
    /* A context: the device with a stream, a cuBLAS handle and its workspace. */
    int (*open)(int device, void **ctx);
    void (*close)(void *ctx);
    int (*memory)(void *ctx, size_t *free, size_t *total);
    int (*alloc)(void *ctx, size_t bytes, void **out);
    int (*release)(void *ctx, void *p);
    /* Host memory that the device copies from and to directly. */
    int (*pin)(void *ctx, size_t bytes, void **out);
    int (*unpin)(void *ctx, void *p);
    int (*send)(void *ctx, void *dst, const void *pinned, size_t bytes);
    int (*fetch)(void *ctx, void *pinned, const void *src, size_t bytes);
    int (*clear)(void *ctx, void *dst, size_t bytes);
    int (*wait)(void *ctx);
    /* Marks in the stream, 0 to CUDA_MARKS-1: set one, wait until the stream has passed it. */
    int (*mark)(void *ctx, int which);
    int (*reach)(void *ctx, int which);
    int (*launch)(void *ctx, const struct cuda_launch *l);
    /* How to compute products of g's shape, pitches, precision and alignment; not within a
     * capture. */
    int (*resolve)(void *ctx, const struct cuda_gemm *g, struct cuda_algo *out);
    /* In the precision of how; g's own is only what was asked for. slot: the workspace, 0 to
     * CUDA_SLOTS-1, of which products that may run beside each other have one each. */
    int (*gemm)(void *ctx, const struct cuda_gemm *g, const struct cuda_algo *how, int slot);
    /* What is given between capture and captured becomes a graph instead of being done. */
    int (*capture)(void *ctx);
    /* Within a capture: the next launch or product waits for these of the capture's calls, counted
     * from 0, and for no others. Without it a call waits for the one before. */
    int (*after)(void *ctx, const int *calls, int count);
    int (*captured)(void *ctx, void **graph); /* also after a failure in between; then not 0 */
    int (*replay)(void *ctx, void *graph);
    void (*drop)(void *ctx, void *graph);
    /* Milliseconds on the device since the context was opened: for benchmarks. Waits. */
    int (*milliseconds)(void *ctx, double *out);
};

#endif
