/* SPDX-License-Identifier: MIT */
/* In how many bits weights of products are kept, and products are made: chosen by whoever opened
 * the back end, never by itself, and its error is measured when it is. */
#include "kernels/cuda/gpu.h"
#include "kernels/kern_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Instructions for products of 8 bits, where they are used. */
#ifdef __x86_64__
#define QUADS_NAME ", VNNI"
#else
#define QUADS_NAME ", SDOT"
#endif

/* As kern_set_precision knows them; device: NULL where there is no such. */
static const struct {
    const char *name, *device;
    int type; /* of the processor: enum kern_type, or -1 */
} precisions[] = {
    {"float32", "float32", KERN_FLOAT32}, {"tf32", "tf32", -1},
    {"float16", "half", KERN_FLOAT16},    {"bfloat16", "bf16", KERN_BFLOAT16},
    {"int8", NULL, KERN_INT8},
};
#define COUNT (sizeof precisions / sizeof precisions[0])

/* ---- the error: of sums of K products of numbers between -1 and 1, by their deviation */

#define M 8
#define K 768

static void make_numbers(float *x, size_t n)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
}

/* w rounded to so many bits (T. J. Dekker, "A floating-point technique for extending the available
 * precision", 1971). */
static float to_bits(float w, int bits)
{
    float t = w * (float)((1 << (24 - bits)) + 1);
    return t - (t - w);
}

/* Rows of w (M, K) as int8 panels. */
static void whole_panels(const float *w, int8_t *panel, float *scale)
{
    memset(panel, 0, (size_t)KERN_PANEL * K);
    memset(scale, 0, KERN_PANEL * sizeof *scale);
    for (int j = 0; j < M; j++) {
        float most = 0;
        for (int p = 0; p < K; p++)
            most = fmaxf(most, fabsf(w[j * K + p]));
        scale[j] = most / 127;
        for (int p = 0; p < K; p++)
            panel[p * KERN_PANEL + j] = (int8_t)rintf(w[j * K + p] / scale[j]);
    }
}

static void multiply_whole(struct kern *k, const float *x, const float *w, float *y)
{
    int8_t *panel = scratch_alloc((size_t)KERN_PANEL * K);
    float scale[KERN_PANEL];
    whole_panels(w, panel, scale);
    struct kern_linear o = {.x = x, .ldx = K, .w = w, .packed = {panel, KERN_INT8, scale}, .y = y,
                            .ldy = M, .m = M, .n = M, .k = K};
    k->ops->linear(k, &o, 1);
    scratch_free(panel);
}

static double measure(struct kern *k)
{
    float *x = scratch_alloc((size_t)2 * M * K * sizeof *x), *w = x + (size_t)M * K, y[M * M];
    double worst = 0;
    make_numbers(x, (size_t)2 * M * K);
    if (k->precision == KERN_INT8)
        multiply_whole(k, x, w, y);
    for (int i = 0; i < M * M; i++) {
        const float *a = x + i / M * K, *b = w + i % M * K;
        double sum = 0, got = 0;
        for (int p = 0; p < K; p++) {
            sum += (double)a[p] * (double)b[p];
            got += (double)a[p] * (double)to_bits(b[p], k->precision == KERN_FLOAT16 ? 11 : 8);
        }
        got = k->precision == KERN_INT8 ? (double)y[i] : got;
        worst = fmax(worst, fabs(got - sum));
    }
    scratch_free(x);
    return worst / 9.2; /* the deviation of a sum of 768 products of such numbers */
}

/* ---- choosing */

static int find_precision(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(precisions[i].name, name) == 0)
            return (int)i;
    return -1;
}

int kern_set_precision(struct kern *k, const char *name, char *why, size_t why_size)
{
    int i = find_precision(name);
    if (i < 0) {
        snprintf(why, why_size, "precision %.40s is unknown: float32, float16, bfloat16, int8 (of "
                 "the processor) or tf32 (of a GPU)", name);
        return -1;
    }
    if (k->gpu && precisions[i].device)
        return gpu_set_precision(k, precisions[i].device, why, why_size);
    if (k->gpu || precisions[i].type < 0) {
        snprintf(why, why_size, "precision %s: %s has none such; it has float32, %sfloat16 and "
                 "bfloat16%s", name, k->gpu ? "a GPU" : "the processor", k->gpu ? "tf32, " : "",
                 k->gpu ? "; --device cpu has int8" : ", and int8");
        return -1;
    }
    k->precision = (enum kern_type)precisions[i].type;
    if (k->precision != KERN_FLOAT32) {
        size_t n = strlen(k->text);
        snprintf(k->text + n, sizeof k->text - n, ", %s (products off by %.0e%s)", name, measure(k),
                 k->precision == KERN_INT8 && k->quads ? QUADS_NAME : "");
    }
    return 0;
}

enum kern_type kern_precision(const struct kern *k)
{
    return k->precision;
}
