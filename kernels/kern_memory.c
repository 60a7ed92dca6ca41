/* SPDX-License-Identifier: MIT */
/* The memory of a back end. On the CPU it is the host's: nothing is copied, nothing fails. */
#include "kernels/cuda/gpu.h"
#include "kernels/kern_priv.h"

#include <stdlib.h>
#include <string.h>

bool kern_is_host(const struct kern *k)
{
    return !k->gpu;
}

float *kern_alloc(struct kern *k, size_t n)
{
    void *p = NULL;
    if (k->gpu)
        return gpu_memory(k->gpu, n);
    if (n > SIZE_MAX / 8 || posix_memalign(&p, 64, n * sizeof(float) + 64) != 0)
        return NULL;
    return p;
}

void kern_clear(struct kern *k, float *p, size_t n)
{
    if (k->gpu)
        gpu_clear(k->gpu, p, n);
    else
        memset(p, 0, n * sizeof *p);
}

void kern_free(struct kern *k, void *p)
{
    if (k->gpu)
        gpu_memory_free(k->gpu, p);
    else
        free(p);
}

float *kern_stage(struct kern *k, float *dst, size_t n)
{
    return k->gpu ? gpu_stage(k->gpu, n) : dst;
}

int kern_put(struct kern *k, float *dst, const float *src, size_t n)
{
    if (k->gpu)
        return gpu_put(k->gpu, dst, src, n);
    if (dst != src && n > 0)
        memcpy(dst, src, n * sizeof *dst);
    return 0;
}

const float *kern_view(struct kern *k, const float *src, size_t n)
{
    return k->gpu ? gpu_view(k->gpu, src, n) : src;
}

int kern_finish(struct kern *k, char *why, size_t why_size)
{
    return k->gpu ? gpu_finish(k->gpu, why, why_size) : 0;
}

void kern_begin(struct kern *k)
{
    if (k->gpu)
        gpu_begin(k->gpu);
}

void kern_end(struct kern *k)
{
    if (k->gpu)
        gpu_end(k->gpu);
}

void kern_memory(const struct kern *k, size_t *used, size_t *limit)
{
    *used = *limit = 0;
    if (k->gpu)
        gpu_used(k->gpu, used, limit);
}

/* Half of what is left: the rest is for weights that are not there yet. */
int kern_batch(const struct kern *k, size_t floats_each, int most)
{
    size_t used, limit;
    kern_memory(k, &used, &limit);
    if (!k->gpu || floats_each == 0)
        return most;
    size_t n = (limit > used ? limit - used : 0) / 2 / sizeof(float) / floats_each;
    return n < 1 ? 1 : n > (size_t)most ? most : (int)n;
}

struct kern_set *kern_set_new(struct kern *k, size_t bytes)
{
    return k->gpu ? gpu_set_new(k->gpu, bytes) : NULL;
}

void kern_set_free(struct kern *k, struct kern_set *s)
{
    if (k->gpu)
        gpu_set_free(k->gpu, s);
}

void kern_use(struct kern *k, struct kern_set *s)
{
    if (k->gpu)
        gpu_use(k->gpu, s);
}

void kern_watch(struct kern *k, void (*progress)(void *arg, size_t done, size_t all), void *arg)
{
    if (k->gpu)
        gpu_watch(k->gpu, progress, arg);
}

size_t kern_conv_size(const struct kern *k, int cout, int cin, int kh, int kw, int groups)
{
    return k->gpu ? gpu_conv_size(cout, cin, kh, kw, groups)
                  : kern_panels_size(cout, cin, kh, kw, groups);
}

void kern_conv_pack(const struct kern *k, const void *weights, int cout, int cin, int kh, int kw,
                    int groups, const float *scale, float *out)
{
    if (k->gpu)
        gpu_conv_pack(weights, cout, cin, kh, kw, groups, scale, out);
    else
        kern_panels_pack(weights, cout, cin, kh, kw, groups, out);
}
