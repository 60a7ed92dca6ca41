/* SPDX-License-Identifier: MIT */
/* module.cu, compiled as it is, over a runtime and a cuBLASLt that stand on tests/unit/fakecuda.c:
 * what the module tells CUDA is computed as it was told, so a wrong transposition, pitch, event,
 * workspace or order of calls gives wrong numbers or is refused. What is created is counted. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/kernels_back.h"
#include "kernels/cuda/kernels_vision.h"
extern const struct cuda_api fakecuda_api;
bool fake_made_fails(void);
int fake_bad(const char *fmt, ...);
}
#include "kernels/cuda/module.cu"

#define DEVICES 4

struct fake_stream {
    void *ctx;
    int device;
    int given; /* calls of the capture so far; -1: none is under way */
    cudaGraphNode_t at; /* the last one */
};
struct fake_event {
    int mark; /* of fakecuda's; those behind them tell the time */
    fake_stream *stream;
};
static fake_stream *streams[DEVICES]; /* the last of each device */
static char *workspaces[DEVICES];
static thread_local int current;
static thread_local cudaError_t last_error;
static int events, contexts, objects; /* objects: of all kinds, not destroyed yet */

static cudaError_t told(int code)
{
    last_error = code ? (cudaError_t)code : last_error;
    return (cudaError_t)code;
}

static void *here()
{
    fake_stream *s = current >= 0 && current < DEVICES ? streams[current] : NULL;
    return s ? s->ctx : NULL;
}

/* What is given to a stream is given on its device. */
static void *of(cudaStream_t s)
{
    if (s->device != current)
        fake_bad("a call on device %d's stream while the thread is on device %d", s->device,
                 current);
    return s->ctx;
}

const char *cudaGetErrorString(cudaError_t e) { return fakecuda_api.explain(e); }

/* A failure that is not sticky is asked for once. */
cudaError_t cudaGetLastError()
{
    cudaError_t e = last_error;
    last_error = cudaSuccess;
    return e;
}

cudaError_t cudaGetDeviceCount(int *count) { return told(fakecuda_api.count(count)); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    struct cuda_info info;
    int rc = fakecuda_api.info(device, &info);
    memset(p, 0, sizeof *p);
    memcpy(p->name, info.name, sizeof info.name);
    p->totalGlobalMem = info.memory;
    memcpy(&p->uuid, info.uuid, sizeof p->uuid);
    p->major = info.major, p->minor = info.minor;
    p->multiProcessorCount = info.processors;
    return told(rc);
}

cudaError_t cudaSetDevice(int device)
{
    current = device;
    return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *a, const void *)
{
    a->numRegs = 32;
    return fake_made_fails() ? told(cudaErrorUnknown) : cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *spare, size_t *total)
{
    return told(fakecuda_api.memory(here(), spare, total));
}

cudaError_t cudaMalloc(void **out, size_t n)
{
    int rc = fakecuda_api.alloc(here(), n, out);
    if (rc == 0 && n == CUDA_SLOTS * (size_t)WORKSPACE)
        workspaces[current] = (char *)*out;
    return told(rc);
}

cudaError_t cudaFree(void *p) /* NULL: nothing, as in C */
{
    return p ? told(fakecuda_api.release(here(), p)) : cudaSuccess;
}

cudaError_t cudaMallocHost(void **out, size_t n) { return told(fakecuda_api.pin(here(), n, out)); }
cudaError_t cudaFreeHost(void *p) { return told(fakecuda_api.unpin(here(), p)); }

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t n, cudaMemcpyKind k, cudaStream_t s)
{
    return told(k == cudaMemcpyHostToDevice ? fakecuda_api.send(of(s), dst, src, n)
                                            : fakecuda_api.fetch(of(s), dst, src, n));
}

cudaError_t cudaMemsetAsync(void *dst, int value, size_t bytes, cudaStream_t s)
{
    return told(value ? fake_bad("memory set to %d", value)
                      : fakecuda_api.clear(of(s), dst, bytes));
}

/* ---- streams, events, graphs */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    fake_stream made = {NULL, current, -1, NULL};
    int rc = fake_made_fails()                        ? cudaErrorUnknown
             : flags == cudaStreamNonBlocking ? fakecuda_api.open(current, &made.ctx)
                                            : fake_bad("a stream that waits for others");
    if (rc != 0)
        return told(rc);
    contexts++;
    events = 0;
    *s = streams[current] = new fake_stream(made);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    if (last_error != cudaSuccess)
        fake_bad("the runtime remembers a failure that nobody asked for");
    fakecuda_api.close(s->ctx);
    streams[s->device] = NULL;
    delete s;
    if (--contexts == 0 && objects != 0)
        fake_bad("%d descriptors, events or graphs are left", objects);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s) { return told(fakecuda_api.wait(of(s))); }

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode)
{
    int rc = fakecuda_api.capture(of(s));
    s->given = rc ? -1 : 0;
    return told(rc);
}

/* A call was given to the stream; in a capture it becomes a node, numbered from 1. */
static int given(cudaStream_t s, int rc)
{
    if (rc == 0 && s->given >= 0)
        s->at = (cudaGraphNode_t)(uintptr_t)++s->given;
    return rc;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t s, cudaStreamCaptureStatus *status,
                                     unsigned long long *, cudaGraph_t *,
                                     const cudaGraphNode_t **nodes, const cudaGraphEdgeData **,
                                     size_t *count)
{
    if (fake_made_fails())
        return told(cudaErrorUnknown);
    *status = s->given < 0 ? cudaStreamCaptureStatusNone : cudaStreamCaptureStatusActive;
    *nodes = &s->at;
    *count = s->given > 0;
    return cudaSuccess;
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t s, cudaGraphNode_t *nodes,
                                                const cudaGraphEdgeData *, size_t count,
                                                unsigned flags)
{
    int list[1024];
    if (s->given < 0 || count > 1024 || flags != cudaStreamSetCaptureDependencies)
        return told(cudaErrorInvalidValue);
    for (size_t i = 0; i < count; i++)
        list[i] = (int)(uintptr_t)nodes[i] - 1;
    return told(fakecuda_api.after(of(s), list, (int)count));
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *out)
{
    void *graph = NULL;
    int rc = fakecuda_api.captured(of(s), &graph);
    s->given = -1;
    *out = (cudaGraph_t)graph;
    objects += graph != NULL;
    return told(rc);
}

/* One object is behind both: it goes with the executable graph. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t g, unsigned long long)
{
    if (fake_made_fails()) { /* then it goes with the other one */
        fakecuda_api.drop(here(), g);
        return told(cudaErrorUnknown);
    }
    *out = (cudaGraphExec_t)g;
    objects++;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t)
{
    objects--;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t g, cudaStream_t s)
{
    return told(fakecuda_api.replay(of(s), g));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g)
{
    fakecuda_api.drop(here(), g);
    objects--;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned)
{
    if (fake_made_fails())
        return told(cudaErrorUnknown);
    objects++;
    *e = new fake_event{events++, NULL};
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *e) { return cudaEventCreateWithFlags(e, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    delete e;
    objects--;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    e->stream = s;
    return e->mark < CUDA_MARKS ? told(fakecuda_api.mark(of(s), e->mark)) : cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    if (!e->stream)
        return cudaSuccess;
    return told(e->mark < CUDA_MARKS ? fakecuda_api.reach(e->stream->ctx, e->mark)
                                     : fakecuda_api.wait(e->stream->ctx));
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    *ms = 1;
    return from->stream && to->stream ? cudaSuccess : told(cudaErrorInvalidValue);
}

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **args,
                             size_t shared, cudaStream_t s)
{
    struct cuda_launch l;
    memset(&l, 0, sizeof l);
    for (l.kernel = 0; functions[l.kernel] != function;)
        if (++l.kernel == KERNEL_COUNT)
            return told(cudaErrorInvalidDeviceFunction);
    if (grid.z != 1 || block.y != 1 || block.z != 1)
        return told(fake_bad("a launch in three dimensions"));
    l.grid[0] = grid.x, l.grid[1] = grid.y;
    l.threads = block.x;
    l.shared = (unsigned)shared;
    memcpy(&l.args, args[0], sizes[l.kernel]);
    return told(given(s, fakecuda_api.launch(of(s), &l)));
}

/* ---- cuBLASLt */

struct fake_blas {
    void *ctx;
};
struct fake_desc {
    cublasComputeType_t compute;
    int32_t trans_a, trans_b;
    uint32_t epilogue;
    const float *bias;
};
struct fake_layout {
    uint64_t rows, cols;
    int64_t ld;
};
struct fake_preference {
    uint64_t workspace;
    uint32_t alignment[4];
};

static cublasStatus_t status(int rc)
{
    return rc == 0 ? CUBLAS_STATUS_SUCCESS : rc == CUBLAS_CODES + CUBLAS_STATUS_NOT_SUPPORTED
           ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_EXECUTION_FAILED;
}

/* An object of cuBLAS's: made, or gone. */
template <class T> static cublasStatus_t made(T **out, T value)
{
    if (fake_made_fails())
        return CUBLAS_STATUS_ALLOC_FAILED;
    objects++;
    *out = new T(value);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t gone(T *x)
{
    objects--;
    delete x;
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t take(T *to, const void *p, size_t size)
{
    if (size != sizeof *to)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, p, size);
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasLtGetStatusString(cublasStatus_t s)
{
    return s == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED" : "a status of cuBLAS";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *h) { return made(h, fake_blas{here()}); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t h) { return gone(h); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute,
                                        cudaDataType_t)
{
    return made(d, fake_desc{compute, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, NULL});
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return gone(d); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d,
                                              cublasLtMatmulDescAttributes_t which, const void *p,
                                              size_t size)
{
    switch (which) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return take(&d->trans_a, p, size);
    case CUBLASLT_MATMUL_DESC_TRANSB: return take(&d->trans_b, p, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(&d->epilogue, p, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(&d->bias, p, size);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *l, cudaDataType_t, uint64_t rows,
                                          uint64_t cols, int64_t ld)
{
    return made(l, fake_layout{rows, cols, ld});
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return gone(l); }

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
    return made(p, fake_preference{0, {256, 256, 256, 256}});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return gone(p); }

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
                                                    cublasLtMatmulPreferenceAttributes_t which,
                                                    const void *from, size_t size)
{
    if (which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        return take(&p->workspace, from, size);
    return take(&p->alignment[which - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], from, size);
}

static int precision_of(cublasComputeType_t t)
{
    return t == CUBLAS_COMPUTE_32F_FAST_TF32 ? CUDA_TF32
           : t == CUBLAS_COMPUTE_32F_FAST_16BF ? CUDA_BFLOAT16
           : t == CUBLAS_COMPUTE_32F_FAST_16F ? CUDA_HALF : CUDA_FLOAT32;
}

/* The product that is described; false when its sizes do not fit each other. */
static bool product_of(const fake_desc *op, const fake_layout *a, const fake_layout *b,
                       const fake_layout *c, const fake_layout *d, struct cuda_gemm *g)
{
    bool ta = op->trans_a == CUBLAS_OP_T, tb = op->trans_b == CUBLAS_OP_T;
    uint64_t k = ta ? a->rows : a->cols;
    memset(g, 0, sizeof *g);
    g->m = (int)d->rows, g->n = (int)d->cols, g->k = (int)k;
    g->lda = a->ld, g->ldb = b->ld, g->ldc = c->ld, g->ldd = d->ld;
    g->trans_a = ta, g->trans_b = tb;
    g->precision = precision_of(op->compute);
    g->bias = op->epilogue == CUBLASLT_EPILOGUE_BIAS ? op->bias : NULL;
    return (ta ? a->cols : a->rows) == d->rows && (tb ? b->rows : b->cols) == d->cols &&
           (tb ? b->cols : b->rows) == k && c->rows == d->rows && c->cols == d->cols;
}

/* An algorithm: fakecuda's two words, what was told of addresses, and the workspace it has. */
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t h, cublasLtMatmulDesc_t op, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
    cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t p, int wanted,
    cublasLtMatmulHeuristicResult_t *out, int *found)
{
    struct cuda_gemm g;
    struct cuda_algo how;
    if (wanted < 1 || !product_of(op, a, b, c, d, &g))
        return CUBLAS_STATUS_INVALID_VALUE;
    int rc = fakecuda_api.resolve(h->ctx, &g, &how);
    memset(out, 0, sizeof *out);
    *found = rc == 0;
    for (int i = 0; i < 4; i++)
        out->algo.data[2 + i] = p->alignment[i];
    memcpy(out->algo.data, how.words, 2 * sizeof how.words[0]);
    out->algo.data[6] = p->workspace;
    /* A shape that there is nothing for: a failure, or nothing found. */
    return g.k % 2 == 0 && status(rc) == CUBLAS_STATUS_NOT_SUPPORTED ? CUBLAS_STATUS_SUCCESS
                                                                     : status(rc);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t op, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t al, const void *b,
                              cublasLtMatrixLayout_t bl, const void *beta, const void *c,
                              cublasLtMatrixLayout_t cl, void *d, cublasLtMatrixLayout_t dl,
                              const cublasLtMatmulAlgo_t *algo, void *workspace, size_t size,
                              cudaStream_t s)
{
    const void *const at[] = {a, b, c, d};
    struct cuda_gemm g;
    struct cuda_algo how;
    if (!product_of(op, al, bl, cl, dl, &g) || *(const float *)alpha != 1 || of(s) != h->ctx)
        return CUBLAS_STATUS_INVALID_VALUE;
    for (int i = 0; i < 4; i++)
        if (algo->data[2 + i] == 0 || (uintptr_t)at[i] % algo->data[2 + i] != 0)
            return (void)fake_bad("operand %d is not at %d bytes", i, (int)algo->data[2 + i]),
                   CUBLAS_STATUS_INVALID_VALUE;
    if (size < algo->data[6] || !workspace)
        return CUBLAS_STATUS_INVALID_VALUE;
    g.a = (const float *)a, g.b = (const float *)b, g.c = (const float *)c, g.d = (float *)d;
    g.beta = *(const float *)beta;
    memset(&how, 0, sizeof how);
    memcpy(how.words, algo->data, 2 * sizeof how.words[0]);
    how.precision = g.precision;
    ptrdiff_t offset = (char *)workspace - workspaces[s->device];
    int slot = offset % WORKSPACE == 0 && size == WORKSPACE ? (int)(offset / WORKSPACE) : -1;
    return status(given(s, fakecuda_api.gemm(h->ctx, &g, &how, slot)));
}
