/* SPDX-License-Identifier: MIT */
/* Ceilings are the best of many short runs, as everything that disturbs a run makes it longer.
 *
 * The multiply-adds are twelve chains of sums in registers: an instruction takes four or five
 * cycles, two start in each, so eight or ten chains keep the units busy; and 12 sums, a factor and
 * an addend fit into 16 registers. Some aarch64 processors start four in a cycle: 16 chains, in 32
 * registers. On x86-64 what comes out is checked against the clock, which a chain of integer
 * products tells (three cycles each on every processor of the last ten years): more than two
 * vectors a cycle would be a fault of the measurement. */
#include "ceilings.h"
#include "median.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* This thread's time on a processor, which others do not share. */
static double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

double ceiling_least(void (*run)(void *arg), void *arg, int times)
{
    double least = 0;
    for (int i = 0; i < times; i++) {
        double start = thread_ms();
        run(arg);
        double ms = thread_ms() - start;
        least = i == 0 || ms < least ? ms : least;
    }
    return least;
}

#if defined(__aarch64__)
#define CHAINS 16
#else
#define CHAINS 12
#endif
#define STEPS 100000 /* some 0.2 ms */

/* Sums of floats are not joined or taken out of the loop by the compiler: it may not round
 * otherwise. */
#define CHAINS_BODY(type, one, fma)                                                               \
    type x[CHAINS], a = one(0.999f), b = one(0.001f);                                             \
    for (int i = 0; i < CHAINS; i++)                                                              \
        x[i] = one((float)i);                                                                     \
    for (int n = 0; n < STEPS; n++)                                                               \
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) x[i] = fma(x[i], a, b);         \
    for (int i = 1; i < CHAINS; i++)                                                              \
        x[0] = fma(x[i], a, x[0]);                                                                \
    memcpy(out, &x[0], sizeof(float));

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void chains_avx512(void *out)
{
    CHAINS_BODY(__m512, _mm512_set1_ps, _mm512_fmadd_ps)
}
__attribute__((target("avx2,fma"))) static void chains_avx2(void *out)
{
    CHAINS_BODY(__m256, _mm256_set1_ps, _mm256_fmadd_ps)
}
#endif

typedef float vec4 __attribute__((vector_size(16)));

static vec4 one4(float x)
{
    return x - (vec4){0};
}

static inline vec4 step4(vec4 x, vec4 a, vec4 b)
{
    return x * a + b;
}

#if defined(__aarch64__)
static inline vec4 step_neon(vec4 x, vec4 a, vec4 b)
{
    return (vec4)vfmaq_f32((float32x4_t)b, (float32x4_t)x, (float32x4_t)a);
}

static void chains_neon(void *out)
{
    CHAINS_BODY(vec4, one4, step_neon)
}
#endif

static void chains_portable(void *out)
{
    CHAINS_BODY(vec4, one4, step4)
}

/* ---- the second cache: nothing but loads, which go to eight vectors in turns */

#define CACHED ((size_t)32 << 10) /* floats, 128 KB: more than the first cache holds, less than the
                                     second of any processor that has one of its own */
#define CACHE_PASSES 50

struct cached {
    const float *x; /* CACHED */
    float out[16];
};

#define LOADS 8

#define READ_BODY(type)                                                                           \
    struct cached *c = arg;                                                                       \
    type s[LOADS] = {{0}};                                                                        \
    const size_t lanes = sizeof(type) / sizeof(float);                                            \
    for (size_t i = 0; i < CACHE_PASSES * CACHED; i += LOADS * lanes)                             \
        _Pragma("GCC unroll 8") for (size_t j = 0; j < LOADS; j++)                                \
        {                                                                                         \
            type v;                                                                               \
            memcpy(&v, c->x + i % CACHED + j * lanes, sizeof v);                                  \
            s[j] += v;                                                                            \
        }                                                                                         \
    for (int j = 1; j < LOADS; j++)                                                               \
        s[0] += s[j];                                                                             \
    memcpy(c->out, &s[0], sizeof s[0]);

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void cache_avx512(void *arg)
{
    READ_BODY(__m512)
}
__attribute__((target("avx2,fma"))) static void cache_avx2(void *arg)
{
    READ_BODY(__m256)
}
#endif

static void cache_portable(void *arg)
{
    READ_BODY(vec4)
}

static const struct {
    const char *device;
    int lanes;
    void (*run)(void *out);
    int per_step; /* instructions */
    void (*cache)(void *cached);
} kinds[] = {
#if defined(__x86_64__)
    {"cpu-avx512", 16, chains_avx512, 1, cache_avx512},
    {"cpu-avx2", 8, chains_avx2, 1, cache_avx2},
#elif defined(__aarch64__)
    {"cpu-neon", 4, chains_neon, 1, cache_portable},
#endif
    {"cpu-portable", 4, chains_portable, 2, cache_portable},
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

/* ---- the clock */

#define PRODUCTS 100000
#define PRODUCT_CYCLES 3

#if defined(__x86_64__)
static void clock_chain(void *out)
{
    uint64_t x = 3;
    for (int i = 0; i < PRODUCTS / 10; i++)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0"
                         : "+r"(x));
    memcpy(out, &x, sizeof x);
}
#endif

#define ROUNDS 300
#define MOST_ISSUED 2.05 /* two, and what the clocks differ by */

static bool ceiling_sound(const struct ceiling *c, const char *device, char *why, size_t why_size)
{
    if (c->issued <= MOST_ISSUED)
        return true;
    snprintf(why, why_size, "%s: %.1f GFLOP/s would be %.2f vectors a cycle at %.2f GHz, and no "
             "processor has more than 2: the measurement is wrong", device, c->gflops, c->issued,
             c->ghz);
    return false;
}

/* Vectors of multiply-adds a cycle: the median of neighbouring runs, as the clock changes. */
static double issued_of(const double *sums, const double *products)
{
    double ratio[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ratio[i] = (double)CHAINS * STEPS / PRODUCTS / PRODUCT_CYCLES * products[i] / sums[i];
    return median(ratio, ROUNDS);
}

bool ceiling_fma(const char *device, struct ceiling *out, char *why, size_t why_size)
{
    double sums[ROUNDS], products[ROUNDS] = {0};
    uint64_t room;
    *out = (struct ceiling){0};
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].device, device) != 0)
            continue;
        for (int r = 0; r < ROUNDS; r++) {
            sums[r] = ceiling_least(kinds[i].run, &room, 1);
#if defined(__x86_64__)
            products[r] = ceiling_least(clock_chain, &room, 1);
#endif
        }
        out->issued = kinds[i].per_step * issued_of(sums, products);
        qsort(sums, ROUNDS, sizeof *sums, by_value);
        out->gflops = 2.0 * kinds[i].lanes * CHAINS * STEPS / sums[0] / 1e6;
        out->ghz = out->issued > 0 ? kinds[i].per_step * (double)CHAINS * STEPS / sums[0] / 1e6 /
                                         out->issued : 0;
        return ceiling_sound(out, device, why, why_size);
    }
    snprintf(why, why_size, "%s: its multiply-adds cannot be measured here", device);
    return false;
}

/* ---- memory */

struct reading {
    const float *x; /* the next piece */
    size_t piece;   /* floats of one run */
};

#define STREAMS 4
#define AHEAD 256 /* floats */

/* Some places at once, each fetched ahead: one place alone waits at the end of every page. */
static void read_piece(void *arg)
{
    typedef float line __attribute__((vector_size(64)));
    struct reading *r = arg;
    size_t part = r->piece / STREAMS;
    line s[2] = {{0}};
    for (size_t i = 0; i + 16 <= part; i += 16)
        for (size_t j = 0; j < STREAMS; j++) {
            const float *at = r->x + j * part + i;
            line v;
            __builtin_prefetch(at + AHEAD, 0, 3);
            memcpy(&v, at, sizeof v);
            s[j % 2] += v;
        }
    s[0] += s[1];
    volatile float kept = s[0][0]; /* else nobody would need the sums */
    (void)kept;
    r->x += r->piece;
}

double ceiling_read(const float *x, size_t n, size_t piece)
{
    struct reading r = {x, piece};
    return (double)piece * sizeof *x / ceiling_least(read_piece, &r, (int)(n / piece)) / 1e6;
}

double ceiling_cache(const char *device)
{
    struct cached c = {0};
    float *room = aligned_alloc(64, CACHED * sizeof *room);
    double ms = 0;
    if (!room)
        return 0;
    memset(room, 0, CACHED * sizeof *room);
    c.x = room;
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].device, device) == 0)
            ms = ceiling_least(kinds[i].cache, &c, ROUNDS);
    free(room);
    return ms > 0 ? (double)(CACHE_PASSES * CACHED) * sizeof *room / ms / 1e6 : 0;
}
