/* SPDX-License-Identifier: MIT */
/* The few words of CUDA that the kernels use, and what they mean where a test runs the kernels on
 * the host, thread by thread (tests/unit/simt.c). */
#ifndef VS_CUDA_SIMT_H
#define VS_CUDA_SIMT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define KERNEL(name, type) extern "C" __global__ void k_##name(const __grid_constant__ \
                                                         struct type a)
#define DEVICE static __device__ __forceinline__
#define SHARED(type, name, n) __shared__ __align__(16) type name[n]
#define DYNAMIC(name) extern __shared__ __align__(16) float name[]
#define SYNC() __syncthreads()
#define EXCHANGE(v, mask) __shfl_xor_sync(0xffffffffu, v, mask)
#define THREAD ((int)threadIdx.x)
#define BLOCK_X ((int)blockIdx.x)
#define BLOCK_Y ((int)blockIdx.y)
#define FLAT ((int64_t)blockIdx.x * FLAT_THREADS + threadIdx.x)
#define RAISE(at, x) atomicMax((int *)(at), __float_as_int(x)) /* x and *at are not negative */
#define UNROLL _Pragma("unroll")
typedef float4 f4;
#else
/* Where the running thread is. */
struct simt {
    int thread, block_x, block_y;
    float *dynamic;
};
extern struct simt simt;
#define SIMT_TEXT_OF(x) #x
#define SIMT_TEXT(x) SIMT_TEXT_OF(x)
#define SIMT_PLACE __FILE__ ":" SIMT_TEXT(__LINE__)
#define KERNEL(name, type) static void k_##name(const struct type a)
#define DEVICE static inline
#define SHARED(type, name, n)                                                                     \
    static type name[n] __attribute__((aligned(16)));                                             \
    simt_shared(name, sizeof name)
#define DYNAMIC(name) float *name = simt.dynamic
#define SYNC() simt_sync(SIMT_PLACE)
#define EXCHANGE(v, mask) simt_exchange(v, mask, SIMT_PLACE)
#define THREAD simt.thread
#define BLOCK_X simt.block_x
#define BLOCK_Y simt.block_y
#define FLAT ((int64_t)simt.block_x * FLAT_THREADS + simt.thread)
#define RAISE(at, x) (*(at) = *(at) > (x) ? *(at) : (x))
#define UNROLL
typedef struct {
    float x, y, z, w;
} __attribute__((aligned(16))) f4;
/* What a block finds in shared memory is nothing that it wrote. */
void simt_shared(void *p, size_t bytes);
/* All threads of a block come here together, those of a warp to the exchange. */
void simt_sync(const char *place);
float simt_exchange(float v, int mask, const char *place);
#endif

/* Four numbers at an address of 16 bytes, in one access. */
DEVICE f4 get4(const float *p)
{
    return *(const f4 *)p;
}

DEVICE void put4(float *p, f4 v)
{
    *(f4 *)p = v;
}

DEVICE f4 make4(float x, float y, float z, float w)
{
    f4 v;
    v.x = x;
    v.y = y;
    v.z = z;
    v.w = w;
    return v;
}

DEVICE f4 add4(f4 a, f4 b)
{
    return make4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

/* sum + s v */
DEVICE f4 fma4(float s, f4 v, f4 sum)
{
    return make4(fmaf(s, v.x, sum.x), fmaf(s, v.y, sum.y), fmaf(s, v.z, sum.z),
                 fmaf(s, v.w, sum.w));
}

#endif
