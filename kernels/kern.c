/* SPDX-License-Identifier: MIT */
/* Choosing and opening a back end. */
#include "kernels/cuda/gpu.h"
#include "kernels/kern_priv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(KERN_HAVE_QUADS) && defined(__x86_64__)
#include <cpuid.h>
#elif defined(KERN_HAVE_QUADS) && defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define MAX_THREADS 1024

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
#ifdef KERN_HAVE_QUADS
/* AVX VNNI: CPUID leaf 7, part 1, EAX bit 4. Not every compiler knows its name. */
static bool has_avxvnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && has_avx2();
}
#endif

/* Whether a back end has products of 8 bits, and this processor instructions for them. */
static bool has_quads(const struct kern_ops *ops)
{
#if defined(KERN_HAVE_QUADS) && defined(__x86_64__)
    return (ops == &kern_ops_avx512 && __builtin_cpu_supports("avx512vnni")) ||
           (ops == &kern_ops_avx2 && has_avxvnni());
#elif defined(KERN_HAVE_QUADS) && defined(__aarch64__) && defined(__linux__)
    return ops == &kern_ops_neon && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP);
#else
    (void)ops;
    return false;
#endif
}

/* The fastest first; "ref" is never chosen by itself. */
static const struct {
    const struct kern_ops *ops;
    bool (*works)(void);
} backends[] = {
#if defined(__x86_64__)
    {&kern_ops_avx512, has_avx512},
    {&kern_ops_avx2, has_avx2},
#elif defined(__aarch64__)
    {&kern_ops_neon, always},
#endif
    {&kern_ops_portable, always},
    {&kern_ops_ref, always},
};
#define BACKENDS ((int)(sizeof backends / sizeof backends[0]))

/* The processors that a back end is for when this one's table lacks it; NULL: no such name. */
static const char *elsewhere(const char *device)
{
    if (strcmp(device, "cpu-avx2") == 0 || strcmp(device, "cpu-avx512") == 0)
        return "x86-64";
    return strcmp(device, "cpu-neon") == 0 ? "aarch64" : NULL;
}

static const struct kern_ops *choose(const char *device, char *why, size_t why_size)
{
    bool best = !device || strcmp(device, "auto") == 0 || strcmp(device, "cpu") == 0;
    for (int i = 0; i < BACKENDS; i++) {
        if (!best && strcmp(device, backends[i].ops->name) != 0)
            continue;
        if (backends[i].works())
            return backends[i].ops;
        if (!best) {
            snprintf(why, why_size, "device %s: this processor does not have the instructions",
                     device);
            return NULL;
        }
    }
    const char *kind = elsewhere(device);
    if (kind)
        snprintf(why, why_size, "device %s: for %s processors only; cpu chooses the fastest of "
                 "this one", device, kind);
    else
        snprintf(why, why_size, "device %.40s is unknown: auto, cpu, cuda, cpu-avx512, cpu-avx2, "
                 "cpu-neon, cpu-portable or ref (vilscope devices lists them)", device);
    return NULL;
}

/* A back end with its threads, which also a GPU's has, for the callers' own loops. */
static int new_kern(int threads, struct kern **out, char *why, size_t why_size)
{
    if (threads < 0 || threads > MAX_THREADS) {
        snprintf(why, why_size, "%d threads: 1 to %d are possible, 0 means all CPUs", threads,
                 MAX_THREADS);
        return -1;
    }
    struct kern *k = calloc(1, sizeof *k);
    int n = threads > 0 ? threads : cpus_usable();
    if (k) {
        k->pool = pool_new(n < MAX_THREADS ? n : MAX_THREADS);
        pthread_mutex_init(&k->packed_lock, NULL);
    }
    if (!k || !k->pool) {
        free(k);
        snprintf(why, why_size, "the system gives no %d threads: try --threads 1", n);
        return -1;
    }
    *out = k;
    return 0;
}

static bool is_gpu(const char *device)
{
    return device && strncmp(device, "cuda", 4) == 0 && strchr(":,", device[4]) != NULL;
}

static int open_gpu(struct kern *k, const char *device, char *why, size_t why_size)
{
    char reason[KERN_WHY];
    const struct cuda_api *api = gpu_module(NULL, reason, sizeof reason);
    if (api)
        return gpu_open(k, api, device, why, why_size);
    snprintf(why, why_size, "device %.40s: %s; use --device cpu", device, reason);
    return -1;
}

static void describe_cpu(struct kern *k, const struct kern_ops *ops)
{
    int n = pool_threads(k->pool);
    k->ops = ops;
    k->quads = has_quads(ops);
    snprintf(k->text, sizeof k->text, "%s, %d thread%s", ops->name, n, n == 1 ? "" : "s");
}

/* The best GPU, or else the processor, for which k is ready. Machines without a GPU have nothing to
 * say about it. */
static void open_any(struct kern *k, size_t bytes)
{
    char reason[KERN_WHY];
    bool absent;
    const struct cuda_api *api = gpu_module(&absent, reason, sizeof reason);
    const struct kern_ops *cpu = k->ops;
    if (api ? gpu_open_best(k, api, bytes, reason, sizeof reason) == 0 : absent)
        return;
    describe_cpu(k, cpu);
    snprintf(k->note, sizeof k->note, "auto took no GPU: %.570s", reason);
}

/* Hands k out, or closes it if rc, of opening its device, is a failure. */
static int hand_out(struct kern *k, int rc, struct kern **out)
{
    if (rc == 0)
        *out = k;
    else
        kern_close(k);
    return rc;
}

int kern_open(const char *device, int threads, struct kern **out, char *why, size_t why_size)
{
    return kern_open_for(device, threads, 0, out, why, why_size);
}

int kern_open_for(const char *device, int threads, size_t bytes, struct kern **out, char *why,
                  size_t why_size)
{
    int rc = 0;
    struct kern *k = NULL;
    const struct kern_ops *ops = is_gpu(device) ? &gpu_ops : choose(device, why, why_size);
    if (!ops || new_kern(threads, &k, why, why_size) != 0)
        return -1;
    bool any = !device || strcmp(device, "auto") == 0;
    describe_cpu(k, ops);
    if (any)
        open_any(k, bytes);
    else if (ops == &gpu_ops)
        rc = open_gpu(k, device, why, why_size);
    return hand_out(k, rc, out);
}

int gpu_kern_best(const struct cuda_api *api, size_t bytes, struct kern **out, char *why,
                  size_t why_size)
{
    struct kern *k = NULL;
    if (new_kern(1, &k, why, why_size) != 0)
        return -1;
    return hand_out(k, gpu_open_best(k, api, bytes, why, why_size), out);
}

int gpu_kern(const struct cuda_api *api, const char *spec, struct kern **out, char *why,
             size_t why_size)
{
    struct kern *k = NULL;
    if (new_kern(1, &k, why, why_size) != 0)
        return -1;
    return hand_out(k, gpu_open(k, api, spec, why, why_size), out);
}

void kern_close(struct kern *k)
{
    if (!k)
        return;
    gpu_close(k->gpu);
    pool_free(k->pool);
    pthread_mutex_destroy(&k->packed_lock);
    free(k);
}

bool kern_device(int index, struct kern_device *out)
{
    memset(out, 0, sizeof *out);
    if (index >= BACKENDS)
        return gpu_list(index - BACKENDS, out);
    const char *name = backends[index].ops->name;
    out->usable = backends[index].works();
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->text, sizeof out->text, "%s",
             !out->usable                            ? "the processor lacks the instructions"
             : backends[index].ops == &kern_ops_ref  ? "the readable reference; slow"
             : backends[index].ops == choose("cpu", NULL, 0) ? "the fastest of this processor: cpu"
                                                     : "works");
    return true;
}

const struct kern_ops *kern_table(const struct kern *k)
{
    return k->ops;
}

int kern_threads(const struct kern *k)
{
    return pool_threads(k->pool);
}

const char *kern_describe(const struct kern *k)
{
    return k->text;
}

void kern_note(struct kern *k, char *out, size_t size)
{
    snprintf(out, size, "%s", k->note);
    if (k->gpu)
        gpu_note(k->gpu, out, size);
}

void kern_parallel(struct kern *k, int parts, void (*part)(void *arg, int i), void *arg)
{
    pool_run(k->pool, parts, part, arg);
}
