/* SPDX-License-Identifier: MIT */
/* Vectors of KERN_LANES floats, with the compiler's vector extensions, so that one source serves
 * every instruction set; and the functions that the model needs on them.
 *
 * Every compiler has to make the same numbers of it. So nothing is left to it that rounds: what is
 * a product and a sum in one step says vfma, everything else rounds after each operation
 * (-ffp-contract=off), and no function of the C library is called but those that are exact
 * (sqrtf). NaN goes through every function here, and infinities as they do in PyTorch. */
#ifndef VS_KERN_MATH_H
#define VS_KERN_MATH_H

#include "kernels/kern.h"

#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "built with -ffast-math the sums depend on the compiler and NaN is not seen: leave it out"
#endif

#ifndef KERN_LANES
#define KERN_LANES 4
#endif

/* KERN_NEON: for aarch64, with its own vectors. Without it vectors of four are plain C on every
 * processor, and round products and sums apart, whatever the compiler is told about this one. */
#if KERN_LANES > 4
#include <immintrin.h>
#elif defined(KERN_NEON)
#include <arm_neon.h>
#endif

/* Whether there is an instruction for a * b + c that rounds once. */
#if KERN_LANES > 4 || defined(KERN_NEON)
#define KERN_FUSED
#endif
/* Vectors that the processor has names for. */
#if KERN_LANES == 16 || defined(KERN_NEON)
#define KERN_REGISTERS 32
#else
#define KERN_REGISTERS 16
#endif

/* Names of what is compiled once per instruction set. */
#if KERN_LANES == 16
#define KERN_NAME(x) x##_avx512
#elif KERN_LANES == 8
#define KERN_NAME(x) x##_avx2
#elif defined(KERN_NEON)
#define KERN_NAME(x) x##_neon
#else
#define KERN_NAME(x) x##_portable
#endif

typedef float vf __attribute__((vector_size(4 * KERN_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * KERN_LANES)));
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (v4i){i, j, k, l})
#endif

/* Any alignment. */
INLINE vf load(const void *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* The first n lanes (n < KERN_LANES), zeros behind. */
INLINE vf load_part(const void *p, int n)
{
    vf v = {0};
    for (int i = 0; i < n; i++) {
        float f;
        memcpy(&f, (const char *)p + 4 * i, sizeof f);
        v[i] = f;
    }
    return v;
}

INLINE void store_part(float *p, vf v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = v[i];
}

INLINE vf broadcast(float x)
{
    return x - (vf){0};
}

INLINE vf choose(vi mask, vf yes, vf no)
{
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* a * b + c, the same in every lane, and for one number. */
INLINE vf vfma(vf a, vf b, vf c)
{
#if KERN_LANES == 16
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif KERN_LANES == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(KERN_NEON)
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

INLINE float fma1(float a, float b, float c)
{
#ifdef KERN_FUSED
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* The greater one; b when one of them is NaN. */
INLINE vf vmax(vf a, vf b)
{
    return choose(a > b, a, b);
}

/* NaN stays NaN: it is not below 0. */
INLINE vf vrelu(vf x)
{
    return vmax(broadcast(0.0f), x);
}

INLINE v4 fold(vf v)
{
    v4 part[KERN_LANES / 4];
    memcpy(part, &v, sizeof v);
    v4 sum = part[0];
    for (int i = 1; i < KERN_LANES / 4; i++)
        sum += part[i];
    return sum;
}

/* The sums of the lanes of four vectors. Every sum is made in the same order. */
INLINE v4 sum4(vf a, vf b, vf c, vf d)
{
    v4 s0 = fold(a), s1 = fold(b), s2 = fold(c), s3 = fold(d);
    v4 t0 = SHUFFLE4(s0, s1, 0, 4, 1, 5) + SHUFFLE4(s0, s1, 2, 6, 3, 7);
    v4 t1 = SHUFFLE4(s2, s3, 0, 4, 1, 5) + SHUFFLE4(s2, s3, 2, 6, 3, 7);
    return SHUFFLE4(t0, t1, 0, 1, 4, 5) + SHUFFLE4(t0, t1, 2, 3, 6, 7);
}

INLINE float sum1(vf v)
{
    v4 s = fold(v);
    return (s[0] + s[2]) + (s[1] + s[3]);
}

/* NaN may be lost. */
INLINE float max1(vf v)
{
    float m = v[0];
    for (int i = 1; i < KERN_LANES; i++)
        m = v[i] > m ? v[i] : m;
    return m;
}

/* One step of a polynomial. */
INLINE vf vstep(vf p, vf x, float c)
{
    return vfma(p, x, broadcast(c));
}

/* e^x. x = n ln 2 + r, a polynomial of degree 6 for e^r (largest relative error 2e-9 before
 * rounding), times 2^n in two steps, since 2^128 is no float32: what is too large becomes infinite.
 * Below -86 the result is 0: such scores are masked. */
INLINE vf vexp(vf x)
{
    const vf magic = broadcast(12582912.0f); /* adding 1.5 * 2^23 rounds to a whole number */
    vi tiny = x < broadcast(-86.0f);
    x = choose(tiny, broadcast(-86.0f), x);
    x = choose(x > broadcast(89.0f), broadcast(89.0f), x);
    vf t = vfma(x, broadcast(1.44269504f), magic);
    vf n = t - magic;
    vf r = vfma(n, broadcast(-0.693145752f), x); /* ln 2 in two parts */
    r = vfma(n, broadcast(-1.42860677e-6f), r);
    vf p = vstep(broadcast(0.00138368f), r, 0.00837482f);
    p = vstep(p, r, 0.04166823f);
    p = vstep(p, r, 0.16666420f);
    p = vstep(p, r, 0.49999992f);
    p = vstep(p, r, 1.00000004f);
    p = vstep(p, r, 1.0f);
    vf half = (vf)(((vi)t << 23) + (126 << 23)); /* 2^(n - 1) */
    return choose(tiny, broadcast(0.0f), (p + p) * half);
}

/* erf(z). Both polynomials were fitted by reweighted least squares: z + z Q(z^2) up to 1 (error
 * 1.2e-9), 1 - e^R(z) up to 4 (error 2e-11), 1 beyond, where float32 knows nothing else. */
INLINE vf verf(vf z)
{
    vi sign = (vi)z & (vi)broadcast(-0.0f);
    vf a = (vf)((vi)z ^ sign), s = a * a;
    vf q = vstep(broadcast(7.88911930e-5f), s, -8.02084105e-4f);
    q = vstep(q, s, 5.18953521e-3f);
    q = vstep(q, s, -2.68544443e-2f);
    q = vstep(q, s, 1.12836003e-1f);
    q = vstep(q, s, -3.76126260e-1f);
    q = vstep(q, s, 1.28379166e-1f);
    vf small = vfma(a, q, a);
    vf b = choose(a > broadcast(4.0f), broadcast(4.0f), a);
    vf r = vstep(broadcast(-2.16868501e-5f), b, 4.41336364e-4f);
    r = vstep(r, b, -4.20456193e-3f);
    r = vstep(r, b, 2.52082571e-2f);
    r = vstep(r, b, -1.08418576e-1f);
    r = vstep(r, b, -6.33219898e-1f);
    r = vstep(r, b, -1.12957847f);
    r = vstep(r, b, 1.88040227e-4f);
    vf large = 1.0f - vexp(r);
    vf y = choose(a <= broadcast(1.0f), small, large);
    return (vf)((vi)y | sign);
}

INLINE vf vgelu(vf x)
{
    return 0.5f * x * (1.0f + verf(x * 0.707106781f));
}

/* act: enum kern_act */
INLINE vf vactivate(vf x, int act)
{
    switch (act) {
    case KERN_GELU: return vgelu(x);
    case KERN_RELU: return vrelu(x);
    case KERN_SWISH: return x / (1.0f + vexp(-x));
    case KERN_TANH: return 1.0f - 2.0f / (1.0f + vexp(x + x));
    default: return x;
    }
}

/* The derivative of it. That of GELU is the normal distribution plus x times its density. */
INLINE vf vslope(vf x, int act)
{
    vf s;
    switch (act) {
    case KERN_GELU:
        return vfma(x * 0.398942280f, vexp(-0.5f * x * x), 0.5f * (1.0f + verf(x * 0.707106781f)));
    case KERN_RELU: return choose(x == x, choose(x > 0.0f, broadcast(1.0f), broadcast(0.0f)), x);
    case KERN_SWISH:
        s = 1.0f / (1.0f + vexp(-x));
        return s * vfma(x, 1.0f - s, broadcast(1.0f));
    case KERN_TANH:
        s = 1.0f - 2.0f / (1.0f + vexp(x + x));
        return 1.0f - s * s;
    default: return broadcast(1.0f);
    }
}

#endif
