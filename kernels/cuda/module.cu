/* SPDX-License-Identifier: MIT */
/* The module: CUDA and cuBLAS behind the table of api.h, and our kernels as device code. Nothing
 * here decides anything; what there is to get wrong is above the table, where tests reach it. */
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/cuda/api.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/kernels_back.h"
#include "kernels/cuda/kernels_vision.h"

#define NO_NODE (-1) /* a code of our own: a call of a capture is not one node at its end */
#define CUBLAS_CODES 1000000 /* codes from here on are cuBLAS's */
#define WORKSPACE (16u << 20) /* of a slot */
#define PLANS 512 /* products whose algorithm is remembered */

struct plan {
    cuda_gemm shape; /* pointers reduced to their alignment */
    cublasLtMatmulAlgo_t algo;
};

struct context {
    int device;
    cudaStream_t stream;
    cublasLtHandle_t blas;
    char *workspace; /* CUDA_SLOTS of them */
    cudaEvent_t marks[CUDA_MARKS], last, now;
    double passed; /* ms from the opening to `last` */
    plan *plans;
    int plan_count;
    bool ordered; /* a capture is under way, of which each call says what it waits for */
    cudaGraphNode_t *nodes; /* the last node of each of its calls */
    int node_count, node_room;
};

static const void *const functions[KERNEL_COUNT] = {
#define ADDRESS(name) (const void *)k_##name,
    CUDA_KERNELS(ADDRESS)
};

static const size_t sizes[KERNEL_COUNT] = {
#define SIZE(name) sizeof(((union kernel_args *)0)->name),
    CUDA_KERNELS(SIZE)
};

static const char *api_explain(int code)
{
    if (code == NO_NODE)
        return "CUDA does not say which node of the graph a call has become";
    if (code >= CUBLAS_CODES)
        return cublasLtGetStatusString((cublasStatus_t)(code - CUBLAS_CODES));
    return cudaGetErrorString((cudaError_t)code);
}

static bool api_is_memory(int code)
{
    return code == (int)cudaErrorMemoryAllocation ||
           code == CUBLAS_CODES + (int)CUBLAS_STATUS_ALLOC_FAILED;
}

/* After these the runtime answers every call of the process with the same code. */
static bool api_is_lost(int code)
{
    switch (code) {
    case cudaErrorECCUncorrectable: case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed: case cudaErrorIllegalAddress: case cudaErrorLaunchTimeout:
    case cudaErrorAssert: case cudaErrorHardwareStackError: case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress: case cudaErrorInvalidAddressSpace: case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case 226: /* cudaErrorContained, and others that not every toolkit has by name: */
    case 721: /* cudaErrorTensorMemoryLeak */
    case 810: /* cudaErrorMpsClientTerminated */
    case 911: /* cudaErrorExternalDevice */
        return true;
    }
    return false;
}

/* The code, and the runtime's memory of it gone: a failed allocation must not fail what follows. */
static int done(cudaError_t e)
{
    if (e != cudaSuccess)
        (void)cudaGetLastError();
    return (int)e;
}

static int blas(cublasStatus_t s)
{
    return s == CUBLAS_STATUS_SUCCESS ? 0 : CUBLAS_CODES + (int)s;
}

static int api_count(int *devices)
{
    *devices = 0;
    return done(cudaGetDeviceCount(devices));
}

#ifndef VS_CUDA_PTX
#define VS_CUDA_PTX 0 /* of which virtual device the module has code, 90 say; 0: of none */
#endif

static cuda_code code_for(int major, int minor)
{
    static const int built[] = {__CUDA_ARCH_LIST__}; /* 900 for 9.0 */
    for (int arch : built)
        if (arch / 100 == major && arch / 10 % 10 <= minor)
            return CUDA_BUILT;
    return VS_CUDA_PTX && VS_CUDA_PTX <= 10 * major + minor ? CUDA_PTX : CUDA_NO_CODE;
}

static int api_info(int device, struct cuda_info *out)
{
    cudaDeviceProp p;
    int rc = done(cudaGetDeviceProperties(&p, device));
    memset(out, 0, sizeof *out);
    if (rc != 0)
        return rc;
    snprintf(out->name, sizeof out->name, "%s", p.name);
    out->major = p.major;
    out->minor = p.minor;
    out->processors = p.multiProcessorCount;
    out->memory = p.totalGlobalMem;
    out->code = code_for(p.major, p.minor);
    memcpy(out->uuid, &p.uuid, sizeof out->uuid);
    return 0;
}

static void api_close(void *ctx)
{
    context *c = (context *)ctx;
    if (!c)
        return;
    (void)cudaSetDevice(c->device);
    if (c->blas)
        (void)cublasLtDestroy(c->blas);
    (void)done(cudaFree(c->workspace));
    for (cudaEvent_t e : c->marks)
        if (e)
            (void)done(cudaEventDestroy(e));
    if (c->last)
        (void)done(cudaEventDestroy(c->last));
    if (c->now)
        (void)done(cudaEventDestroy(c->now));
    if (c->stream)
        (void)done(cudaStreamDestroy(c->stream));
    free(c->plans);
    free(c->nodes);
    free(c);
}

/* Fails here when no code in the module runs on the device. */
static int check_code(void)
{
    for (int i = 0; i < KERNEL_COUNT; i++) {
        cudaFuncAttributes a;
        int rc = done(cudaFuncGetAttributes(&a, functions[i]));
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int api_open(int device, void **ctx)
{
    context *c = (context *)calloc(1, sizeof *c);
    if (!c)
        return (int)cudaErrorMemoryAllocation;
    c->device = device;
    c->plans = (plan *)calloc(PLANS, sizeof *c->plans);
    int rc = c->plans ? done(cudaSetDevice(device)) : (int)cudaErrorMemoryAllocation;
    rc = rc ? rc : check_code();
    rc = rc ? rc : done(cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking));
    for (cudaEvent_t &e : c->marks)
        rc = rc ? rc : done(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
    rc = rc ? rc : done(cudaEventCreate(&c->last));
    rc = rc ? rc : done(cudaEventCreate(&c->now));
    rc = rc ? rc : done(cudaEventRecord(c->last, c->stream));
    rc = rc ? rc : done(cudaMalloc((void **)&c->workspace, CUDA_SLOTS * (size_t)WORKSPACE));
    rc = rc ? rc : blas(cublasLtCreate(&c->blas));
    if (rc != 0)
        api_close(c);
    else
        *ctx = c;
    return rc;
}

/* Each entry is made on whatever thread calls; CUDA's current device belongs to the thread. */
static context *enter(void *ctx)
{
    context *c = (context *)ctx;
    (void)cudaSetDevice(c->device);
    return c;
}

static int api_memory(void *ctx, size_t *free_, size_t *total)
{
    enter(ctx);
    return done(cudaMemGetInfo(free_, total));
}

static int api_alloc(void *ctx, size_t bytes, void **out)
{
    enter(ctx);
    return done(cudaMalloc(out, bytes));
}

static int api_release(void *ctx, void *p)
{
    enter(ctx);
    return done(cudaFree(p));
}

static int api_pin(void *ctx, size_t bytes, void **out)
{
    enter(ctx);
    return done(cudaMallocHost(out, bytes));
}

static int api_unpin(void *ctx, void *p)
{
    enter(ctx);
    return done(cudaFreeHost(p));
}

static int api_send(void *ctx, void *dst, const void *pinned, size_t bytes)
{
    return done(cudaMemcpyAsync(dst, pinned, bytes, cudaMemcpyHostToDevice, enter(ctx)->stream));
}

static int api_fetch(void *ctx, void *pinned, const void *src, size_t bytes)
{
    return done(cudaMemcpyAsync(pinned, src, bytes, cudaMemcpyDeviceToHost, enter(ctx)->stream));
}

static int api_clear(void *ctx, void *dst, size_t bytes)
{
    return done(cudaMemsetAsync(dst, 0, bytes, enter(ctx)->stream));
}

static int api_wait(void *ctx)
{
    return done(cudaStreamSynchronize(enter(ctx)->stream));
}

static int api_mark(void *ctx, int which)
{
    context *c = enter(ctx);
    return done(cudaEventRecord(c->marks[which], c->stream));
}

static int api_reach(void *ctx, int which)
{
    return done(cudaEventSynchronize(enter(ctx)->marks[which]));
}

/* ---- captures: the nodes of their calls, and which of them the next one waits for */

#if CUDART_VERSION >= 13000
#define CAPTURED_NODES(stream, status, nodes, count)                                              \
    cudaStreamGetCaptureInfo(stream, status, NULL, NULL, nodes, NULL, count)
#define SET_NODES(stream, nodes, count)                                                           \
    cudaStreamUpdateCaptureDependencies(stream, nodes, NULL, count,                               \
                                        cudaStreamSetCaptureDependencies)
#else
#define CAPTURED_NODES(stream, status, nodes, count)                                              \
    cudaStreamGetCaptureInfo_v2(stream, status, NULL, NULL, nodes, count)
#define SET_NODES(stream, nodes, count)                                                           \
    cudaStreamUpdateCaptureDependencies(stream, nodes, count, cudaStreamSetCaptureDependencies)
#endif

static bool grow_nodes(context *c, int room)
{
    if (room <= c->node_room)
        return true;
    cudaGraphNode_t *more =
        (cudaGraphNode_t *)realloc(c->nodes, 2 * (size_t)room * sizeof *more);
    if (!more)
        return false;
    c->nodes = more;
    c->node_room = 2 * room;
    return true;
}

/* Notes what a call has become: its last node, which is what the stream stands at. */
static int note_node(context *c)
{
    cudaStreamCaptureStatus status;
    const cudaGraphNode_t *nodes = NULL;
    size_t count = 0;
    if (!c->ordered)
        return 0;
    int rc = done(CAPTURED_NODES(c->stream, &status, &nodes, &count));
    if (rc == 0 && (count != 1 || !grow_nodes(c, c->node_count + 1)))
        rc = count != 1 ? NO_NODE : (int)cudaErrorMemoryAllocation;
    if (rc == 0)
        c->nodes[c->node_count++] = nodes[0];
    return rc;
}

static int api_after(void *ctx, const int *calls, int count)
{
    context *c = enter(ctx);
    c->ordered = true;
    if (!grow_nodes(c, c->node_count + count))
        return (int)cudaErrorMemoryAllocation;
    cudaGraphNode_t *list = c->nodes + c->node_count; /* behind those that are kept */
    for (int i = 0; i < count; i++) {
        if (calls[i] < 0 || calls[i] >= c->node_count)
            return (int)cudaErrorInvalidValue;
        list[i] = c->nodes[calls[i]];
    }
    return done(SET_NODES(c->stream, list, count));
}

static int api_launch(void *ctx, const struct cuda_launch *l)
{
    context *c = enter(ctx);
    if (l->kernel < 0 || l->kernel >= KERNEL_COUNT)
        return (int)cudaErrorInvalidDeviceFunction;
    union kernel_args args;
    memcpy(&args, &l->args, sizes[l->kernel]);
    void *list[] = {&args};
    int rc = done(cudaLaunchKernel(functions[l->kernel], dim3(l->grid[0], l->grid[1]),
                                   dim3(l->threads), list, l->shared, c->stream));
    return rc ? rc : note_node(c);
}

/* ---- products */

struct descriptors {
    cublasLtMatmulDesc_t op;
    cublasLtMatrixLayout_t a, b, c, d;
    cublasLtMatmulPreference_t preference;
};

static void descriptors_fini(descriptors *x)
{
    cublasLtMatrixLayout_t layouts[] = {x->a, x->b, x->c, x->d};
    for (cublasLtMatrixLayout_t l : layouts)
        if (l)
            (void)cublasLtMatrixLayoutDestroy(l);
    if (x->op)
        (void)cublasLtMatmulDescDestroy(x->op);
    if (x->preference)
        (void)cublasLtMatmulPreferenceDestroy(x->preference);
}

static cublasComputeType_t compute_type(int precision)
{
    switch (precision) {
    case CUDA_TF32: return CUBLAS_COMPUTE_32F_FAST_TF32;
    case CUDA_BFLOAT16: return CUBLAS_COMPUTE_32F_FAST_16BF;
    case CUDA_HALF: return CUBLAS_COMPUTE_32F_FAST_16F;
    }
    return CUBLAS_COMPUTE_32F;
}

static int describe_op(descriptors *x, const struct cuda_gemm *g, int precision)
{
    int32_t ta = g->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    int32_t tb = g->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    uint32_t e = g->bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    int rc = blas(cublasLtMatmulDescCreate(&x->op, compute_type(precision), CUDA_R_32F));
    rc = rc ? rc : blas(cublasLtMatmulDescSetAttribute(x->op, CUBLASLT_MATMUL_DESC_TRANSA, &ta,
                                                       sizeof ta));
    rc = rc ? rc : blas(cublasLtMatmulDescSetAttribute(x->op, CUBLASLT_MATMUL_DESC_TRANSB, &tb,
                                                       sizeof tb));
    rc = rc ? rc : blas(cublasLtMatmulDescSetAttribute(x->op, CUBLASLT_MATMUL_DESC_EPILOGUE, &e,
                                                       sizeof e));
    if (rc == 0 && g->bias)
        rc = blas(cublasLtMatmulDescSetAttribute(x->op, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &g->bias,
                                                 sizeof g->bias));
    return rc;
}

static int describe(descriptors *x, const struct cuda_gemm *g, int precision)
{
    uint64_t am = g->trans_a ? g->k : g->m, an = g->trans_a ? g->m : g->k;
    uint64_t bm = g->trans_b ? g->n : g->k, bn = g->trans_b ? g->k : g->n;
    int rc = describe_op(x, g, precision);
    rc = rc ? rc : blas(cublasLtMatrixLayoutCreate(&x->a, CUDA_R_32F, am, an, g->lda));
    rc = rc ? rc : blas(cublasLtMatrixLayoutCreate(&x->b, CUDA_R_32F, bm, bn, g->ldb));
    rc = rc ? rc : blas(cublasLtMatrixLayoutCreate(&x->c, CUDA_R_32F, g->m, g->n, g->ldc));
    return rc ? rc : blas(cublasLtMatrixLayoutCreate(&x->d, CUDA_R_32F, g->m, g->n, g->ldd));
}

static uint32_t alignment(const void *p)
{
    uintptr_t a = (uintptr_t)p;
    return p ? (uint32_t)(a & -a & 255 ? a & -a & 255 : 256) : 256;
}

static int choose(context *c, descriptors *x, const struct cuda_gemm *g, cublasLtMatmulAlgo_t *algo)
{
    size_t room = WORKSPACE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        const void *p;
    } list[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, g->a},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, g->b},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, g->c},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, g->d}};
    int rc = blas(cublasLtMatmulPreferenceCreate(&x->preference));
    const cublasLtMatmulPreferenceAttributes_t most = CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    rc = rc ? rc : blas(cublasLtMatmulPreferenceSetAttribute(x->preference, most, &room,
                                                             sizeof room));
    for (auto &i : list) {
        uint32_t bytes = alignment(i.p);
        rc = rc ? rc : blas(cublasLtMatmulPreferenceSetAttribute(x->preference, i.name, &bytes,
                                                                 sizeof bytes));
    }
    cublasLtMatmulHeuristicResult_t best;
    int found = 0;
    rc = rc ? rc : blas(cublasLtMatmulAlgoGetHeuristic(c->blas, x->op, x->a, x->b, x->c, x->d,
                                                       x->preference, 1, &best, &found));
    if (rc == 0 && found < 1)
        rc = CUBLAS_CODES + (int)CUBLAS_STATUS_NOT_SUPPORTED;
    if (rc == 0)
        *algo = best.algo;
    return rc;
}

/* The algorithm for products of this shape; the first one of a shape asks cuBLAS. */
static int find_algo(context *c, descriptors *x, const struct cuda_gemm *g,
                     cublasLtMatmulAlgo_t *algo)
{
    cuda_gemm shape;
    memset(&shape, 0, sizeof shape);
    shape.a = (const float *)(uintptr_t)alignment(g->a);
    shape.b = (const float *)(uintptr_t)alignment(g->b);
    shape.c = (const float *)(uintptr_t)alignment(g->c);
    shape.d = (float *)(uintptr_t)alignment(g->d);
    shape.bias = (const float *)(uintptr_t)(g->bias != NULL);
    shape.lda = g->lda, shape.ldb = g->ldb, shape.ldc = g->ldc, shape.ldd = g->ldd;
    shape.m = g->m, shape.n = g->n, shape.k = g->k, shape.beta = g->beta;
    shape.trans_a = g->trans_a, shape.trans_b = g->trans_b;
    shape.precision = g->precision;
    for (int i = 0; i < c->plan_count; i++)
        if (memcmp(&c->plans[i].shape, &shape, sizeof shape) == 0) {
            *algo = c->plans[i].algo;
            return 0;
        }
    int rc = choose(c, x, g, algo);
    if (rc == 0 && c->plan_count == PLANS)
        c->plan_count = 0; /* rather ask again now and then than grow */
    if (rc == 0) {
        c->plans[c->plan_count].shape = shape;
        c->plans[c->plan_count++].algo = *algo;
    }
    return rc;
}

static int api_resolve(void *ctx, const struct cuda_gemm *g, struct cuda_algo *out)
{
    context *c = enter(ctx);
    descriptors x;
    cublasLtMatmulAlgo_t algo;
    static_assert(sizeof algo <= sizeof out->words, "an algorithm has no room");
    memset(&x, 0, sizeof x);
    memset(out, 0, sizeof *out);
    int rc = describe(&x, g, g->precision);
    rc = rc ? rc : find_algo(c, &x, g, &algo);
    if (rc == 0) {
        memcpy(out->words, &algo, sizeof algo);
        out->precision = g->precision;
    }
    descriptors_fini(&x);
    return rc;
}

static int api_gemm(void *ctx, const struct cuda_gemm *g, const struct cuda_algo *how, int slot)
{
    context *c = enter(ctx);
    descriptors x;
    cublasLtMatmulAlgo_t algo;
    float alpha = 1;
    memset(&x, 0, sizeof x);
    memcpy(&algo, how->words, sizeof algo);
    char *workspace = c->workspace + slot * (size_t)WORKSPACE;
    int rc = describe(&x, g, how->precision);
    rc = rc ? rc : blas(cublasLtMatmul(c->blas, x.op, &alpha, g->a, x.a, g->b, x.b, &g->beta, g->c,
                                       x.c, g->d, x.d, &algo, workspace, WORKSPACE, c->stream));
    descriptors_fini(&x);
    return rc ? rc : note_node(c);
}

/* ---- graphs */

static int api_capture(void *ctx)
{
    context *c = enter(ctx);
    c->node_count = 0;
    return done(cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal));
}

static int api_captured(void *ctx, void **graph)
{
    context *c = enter(ctx);
    cudaGraph_t g = NULL;
    cudaGraphExec_t exec = NULL;
    int rc = done(cudaStreamEndCapture(c->stream, &g));
    c->ordered = false;
    rc = rc ? rc : done(cudaGraphInstantiate(&exec, g, 0));
    if (g)
        (void)done(cudaGraphDestroy(g));
    *graph = exec;
    return rc;
}

static int api_replay(void *ctx, void *graph)
{
    return done(cudaGraphLaunch((cudaGraphExec_t)graph, enter(ctx)->stream));
}

static void api_drop(void *ctx, void *graph)
{
    enter(ctx);
    (void)done(cudaGraphExecDestroy((cudaGraphExec_t)graph));
}

/* In short steps, because CUDA tells them as a float. */
static int api_milliseconds(void *ctx, double *out)
{
    context *c = enter(ctx);
    float ms = 0;
    int rc = done(cudaEventRecord(c->now, c->stream));
    rc = rc ? rc : done(cudaEventSynchronize(c->now));
    rc = rc ? rc : done(cudaEventElapsedTime(&ms, c->last, c->now));
    c->passed += rc ? 0 : (double)ms;
    cudaEvent_t old = c->last;
    c->last = c->now;
    c->now = old;
    *out = c->passed;
    return rc;
}

extern "C" __attribute__((visibility("default"))) const struct cuda_api vilscope_cuda_api = {
    CUDA_API_VERSION, CUDART_VERSION, api_explain, api_is_memory, api_is_lost, api_count, api_info,
    api_open, api_close, api_memory, api_alloc, api_release, api_pin, api_unpin, api_send,
    api_fetch, api_clear, api_wait, api_mark, api_reach, api_launch, api_resolve, api_gemm,
    api_capture, api_after, api_captured, api_replay, api_drop, api_milliseconds,
};
