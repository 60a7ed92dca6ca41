/* SPDX-License-Identifier: MIT */
/* Opening a GPU, its memory, and what went wrong on it. */
#include "kernels/cuda/gpu_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE ((size_t)256 << 20) /* left to others when no limit is given */

/* ---- failures: the first one is kept until somebody asks */

void gpu_fail(struct gpu *g, const char *what, const int *dims, const char *why)
{
    char shape[48] = "";
    if (g->failed)
        return;
    g->failed = true;
    if (dims)
        snprintf(shape, sizeof shape, " %dx%dx%d", dims[0], dims[1], dims[2]);
    snprintf(g->failure, sizeof g->failure, "cuda:%d (%.60s): %.40s%s: %.180s", g->device,
             g->info.name, what, shape, why);
}

bool gpu_ok(struct gpu *g, int rc, const char *what, const int *dims)
{
    char why[180];
    if (rc == 0)
        return true;
    if (!g->api->is_lost(rc) || g->lost) {
        gpu_fail(g, what, dims, g->api->explain(rc));
        return false;
    }
    g->lost = true; /* whatever else failed before is less worth telling */
    g->failed = false;
    snprintf(why, sizeof why, "%.110s; nothing more can be computed there: restart, or --device "
             "cpu", g->api->explain(rc));
    gpu_fail(g, what, dims, why);
    return false;
}

int gpu_finish(struct gpu *g, char *why, size_t why_size)
{
    gpu_flush(g);
    if (!g->lost)
        gpu_ok(g, g->api->wait(g->ctx), "waiting for the device", NULL);
    if (!g->failed)
        return 0;
    snprintf(why, why_size, "%s", g->failure);
    g->failed = g->lost;
    return -1;
}

/* ---- memory */

#define GPU_FULL (-1) /* what may be used, or is there, is used up */

/* Above a megabyte the driver gives whole pages of two; smaller ones share such pages. */
size_t gpu_taken(size_t bytes)
{
    size_t unit = bytes > (size_t)1 << 20 ? (size_t)2 << 20 : 512;
    return (bytes + unit - 1) / unit * unit;
}

static void say_full(struct gpu *g, size_t bytes, const char *what)
{
    char why[180];
    int n = snprintf(why, sizeof why, "out of memory: %zu MB on top of %zu MB, %zu MB ",
                     (bytes >> 20) + 1, g->used >> 20, g->limit >> 20);
    if (g->limited)
        snprintf(why + n, sizeof why - (size_t)n, "may be used (--device cuda:%d,memory=MB)",
                 g->device);
    else
        snprintf(why + n, sizeof why - (size_t)n, "were free (vilscope devices shows other GPUs; "
                 "or --device cpu)");
    gpu_fail(g, what, NULL, why);
}

/* 0, GPU_FULL, or a code of the driver. evicts: weights that are not in use may go for it. */
static int alloc(struct gpu *g, size_t bytes, bool evicts, void **out)
{
    size_t taken = gpu_taken(bytes);
    int rc = 0;
    while (g->used > g->limit || taken > g->limit - g->used)
        if (!evicts || !gpu_evict(g))
            return GPU_FULL;
    while ((rc = g->api->alloc(g->ctx, bytes, out)) != 0 && g->api->is_memory(rc))
        if (!evicts || !gpu_evict(g))
            return GPU_FULL;
    if (rc == 0)
        g->used += taken;
    g->peak = g->used > g->peak ? g->used : g->peak;
    return rc;
}

void *gpu_alloc_if(struct gpu *g, size_t bytes)
{
    void *p = NULL;
    pthread_mutex_lock(&g->lock);
    int rc = g->failed ? GPU_FULL : alloc(g, bytes, false, &p);
    pthread_mutex_unlock(&g->lock);
    return rc == 0 ? p : NULL;
}

void *gpu_alloc(struct gpu *g, size_t bytes, const char *what)
{
    void *p = NULL;
    pthread_mutex_lock(&g->lock);
    int rc = g->failed ? 0 : alloc(g, bytes, true, &p);
    if (rc == GPU_FULL)
        say_full(g, bytes, what);
    else
        gpu_ok(g, rc, what, NULL);
    pthread_mutex_unlock(&g->lock);
    return p;
}

void gpu_release(struct gpu *g, void *p, size_t bytes)
{
    if (!p)
        return;
    pthread_mutex_lock(&g->lock); /* waiting within another thread's capture would end that */
    (void)g->api->wait(g->ctx); /* nothing that runs may read it; its own failure is told later */
    gpu_ok(g, g->api->release(g->ctx, p), "freeing memory", NULL);
    g->used -= gpu_taken(bytes);
    pthread_mutex_unlock(&g->lock);
}

void gpu_flush_own(struct gpu *g)
{
    pthread_mutex_lock(&g->lock);
    bool own = g->recording && pthread_equal(g->recorder, pthread_self());
    pthread_mutex_unlock(&g->lock);
    if (own)
        gpu_flush(g);
}

/* Notes the block. Returns whether there was memory for that. */
static bool add_block(struct gpu *g, void *p, size_t bytes)
{
    if (g->block_count == g->block_room) {
        int room = g->block_room ? 2 * g->block_room : 32;
        struct block *more = realloc(g->blocks, (size_t)room * sizeof *more);
        if (!more)
            return false;
        g->blocks = more;
        g->block_room = room;
    }
    g->blocks[g->block_count++] = (struct block){p, bytes};
    return true;
}

float *gpu_memory(struct gpu *g, size_t floats)
{
    size_t bytes = (floats * sizeof(float) + 256) & ~(size_t)255;
    void *p = floats > SIZE_MAX / 8 ? NULL : gpu_alloc(g, bytes, "memory for activations");
    if (!p)
        return NULL;
    pthread_mutex_lock(&g->lock);
    bool noted = add_block(g, p, bytes);
    pthread_mutex_unlock(&g->lock);
    if (noted)
        return p;
    gpu_release(g, p, bytes);
    gpu_fail(g, "memory for activations", NULL, "the host has no memory left");
    return NULL;
}

void gpu_clear(struct gpu *g, float *p, size_t floats)
{
    pthread_mutex_lock(&g->lock); /* in another thread's capture it would become a part of that */
    gpu_ok(g, g->api->clear(g->ctx, p, floats * sizeof *p), "clearing memory", NULL);
    pthread_mutex_unlock(&g->lock);
}

void gpu_memory_free(struct gpu *g, void *p)
{
    size_t bytes = 0;
    if (!p)
        return;
    gpu_flush_own(g);
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < g->block_count && bytes == 0; i++)
        if (g->blocks[i].p == p) {
            bytes = g->blocks[i].bytes;
            g->blocks[i] = g->blocks[--g->block_count];
        }
    pthread_mutex_unlock(&g->lock);
    gpu_release(g, bytes ? p : NULL, bytes);
}

void gpu_used(struct gpu *g, size_t *used, size_t *limit)
{
    pthread_mutex_lock(&g->lock);
    *used = g->used;
    *limit = g->limit;
    pthread_mutex_unlock(&g->lock);
}

/* ---- host memory that the device copies from and to */

static void pinned_fini(struct gpu *g, struct pinned *p)
{
    if (p->plain)
        scratch_free(p->p);
    else if (p->p)
        (void)g->api->unpin(g->ctx, p->p);
    *p = (struct pinned){0};
}

void *gpu_pinned(struct gpu *g, struct pinned *p, size_t bytes)
{
    if (bytes <= p->size)
        return p->p;
    (void)g->api->wait(g->ctx); /* a copy may still use the old one */
    pinned_fini(g, p);
    size_t size = bytes < 65536 ? 65536 : bytes + bytes / 4;
    p->plain = g->api->pin(g->ctx, size, &p->p) != 0;
    if (p->plain)
        p->p = scratch_alloc(size); /* slower, but it does */
    p->size = size;
    return p->p;
}

float *gpu_stage(struct gpu *g, size_t n)
{
    gpu_ok(g, g->api->reach(g->ctx, GPU_MARK_STAGE), "waiting for a copy", NULL);
    return gpu_pinned(g, &g->in, (n + 1) * sizeof(float));
}

int gpu_put(struct gpu *g, float *dst, const float *src, size_t n)
{
    int dims[3] = {(int)(n >> 20), (int)(n & 0xfffff), 1};
    size_t bytes = n * sizeof *src;
    gpu_flush(g);
    if (g->failed || n == 0)
        return g->failed ? -1 : 0;
    if (src != g->in.p) {
        float *to = gpu_stage(g, n);
        memcpy(to, src, bytes);
    }
    return gpu_ok(g, g->api->send(g->ctx, dst, g->in.p, bytes), "copy to the device", dims) &&
                   gpu_ok(g, g->api->mark(g->ctx, GPU_MARK_STAGE), "copy to the device", dims)
               ? 0
               : -1;
}

const float *gpu_view(struct gpu *g, const float *src, size_t n)
{
    int dims[3] = {(int)(n >> 20), (int)(n & 0xfffff), 1};
    gpu_flush(g);
    if (g->failed)
        return NULL;
    float *to = gpu_pinned(g, &g->out, (n + 1) * sizeof(float));
    if (n > 0 && !gpu_ok(g, g->api->fetch(g->ctx, to, src, n * sizeof *to), "copy from the device",
                         dims))
        return NULL;
    return gpu_ok(g, g->api->wait(g->ctx), "copy from the device", dims) ? to : NULL;
}

void gpu_watch(struct gpu *g, void (*progress)(void *arg, size_t done, size_t all), void *arg)
{
    g->progress = progress;
    g->progress_arg = arg;
}

/* ---- looking inside */

void gpu_stats(const struct gpu *g, struct gpu_stats *out)
{
    *out = g->stats;
    out->used = g->used;
    out->peak = g->peak;
    out->limit = g->limit;
    for (int i = 0; i < GPU_GRAPHS; i++)
        out->graphs += g->graphs[i].graph != NULL;
    for (const struct tensor *t = g->tensors; t; t = t->next)
        out->weights += t->device ? t->bytes : 0;
}

double gpu_milliseconds(struct gpu *g)
{
    double ms = 0;
    gpu_flush(g);
    gpu_ok(g, g->api->milliseconds(g->ctx, &ms), "reading the clock", NULL);
    return ms;
}

/* ---- opening */

static const struct {
    const char *name;
    int precision;
} precisions[] = {{"float32", CUDA_FLOAT32}, {"tf32", CUDA_TF32}, {"bf16", CUDA_BFLOAT16},
                  {"half", CUDA_HALF}};

/* One word behind a comma. */
static bool parse_word(struct gpu *g, const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++)
        if (strlen(precisions[i].name) == n && strncmp(word, precisions[i].name, n) == 0) {
            g->precision = precisions[i].precision;
            return true;
        }
    char *end;
    if (n == 4 && strncmp(word, "sync", 4) == 0)
        return g->sync = true;
    if (n <= 7 || strncmp(word, "memory=", 7) != 0 || word[7] < '0' || word[7] > '9')
        return false;
    unsigned long long mb = strtoull(word + 7, &end, 10);
    g->limit = (size_t)mb << 20;
    return end == word + n && mb > 0 && mb < 1u << 24;
}

static bool parse(struct gpu *g, const char *spec)
{
    const char *s = spec + 4; /* "cuda" */
    if (*s == ':') {
        char *end;
        if (s[1] < '0' || s[1] > '9')
            return false;
        long n = strtol(s + 1, &end, 10);
        if (n > 1023)
            return false;
        g->device = (int)n;
        s = end;
    }
    while (*s == ',') {
        size_t n = strcspn(s + 1, ",");
        if (!parse_word(g, s + 1, n))
            return false;
        s += 1 + n;
    }
    return *s == '\0';
}

static void init_lock(struct gpu *g)
{
    pthread_mutexattr_t again;
    pthread_mutexattr_init(&again);
    pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&g->lock, &again);
    pthread_mutexattr_destroy(&again);
}

static int open_device(struct gpu *g, char *why, size_t why_size)
{
    int n = 0, rc = g->api->count(&n);
    size_t free_bytes = 0, total = 0;
    if (rc != 0) {
        snprintf(why, why_size, "device cuda: %s", g->api->explain(rc));
        return -1;
    }
    if (g->device >= n) {
        snprintf(why, why_size, "device cuda:%d: this machine has %d (vilscope devices lists them)",
                 g->device, n);
        return -1;
    }
    rc = g->api->info(g->device, &g->info);
    if (rc == 0)
        rc = g->api->open(g->device, &g->ctx);
    if (rc == 0 && (rc = g->api->memory(g->ctx, &free_bytes, &total)) != 0) {
        g->api->close(g->ctx);
        g->ctx = NULL;
    }
    if (rc != 0) {
        snprintf(why, why_size, "device cuda:%d (%s, %d.%d): opening it: %s", g->device,
                 g->info.name[0] ? g->info.name : "?", g->info.major, g->info.minor,
                 g->api->explain(rc));
        return -1;
    }
    size_t most = free_bytes > 2 * SPARE ? free_bytes - SPARE : free_bytes;
    g->limited = g->limit > 0 && g->limit <= most;
    if (!g->limited)
        g->limit = most;
    return 0;
}

/* The largest error of products, of sums of 768 as this model has them, against double. */
static double measure(struct gpu *g)
{
    enum { M = 64, K = 768 };
    int dims[3] = {M, M, K};
    size_t n = (size_t)M * K;
    float *x = gpu_memory(g, 2 * n), *y = gpu_memory(g, (size_t)M * M);
    float *host = scratch_alloc(2 * n * sizeof *host);
    uint32_t seed = 1;
    double worst = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        seed = seed * 1664525u + 1013904223u;
        host[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
    if (x && y && gpu_put(g, x, host, 2 * n) == 0) {
        struct cuda_gemm *p = gpu_push_gemm(g, "product", dims);
        if (p)
            *p = (struct cuda_gemm){.a = x, .b = x + n, .c = y, .d = y, .lda = K, .ldb = K,
                                    .ldc = M, .ldd = M, .m = M, .n = M, .k = K, .trans_a = true,
                                    .precision = g->precision};
        gpu_go(g);
    }
    const float *got = y ? gpu_view(g, y, (size_t)M * M) : NULL;
    for (int i = 0; got && i < M * M; i++) {
        double sum = 0;
        for (int p = 0; p < K; p++)
            sum += (double)host[i % M * K + p] * (double)host[n + (size_t)(i / M * K + p)];
        worst = fmax(worst, fabs((double)got[i] - sum));
    }
    scratch_free(host);
    gpu_memory_free(g, x);
    gpu_memory_free(g, y);
    return worst / 9.2; /* the deviation of a sum of 768 products of such numbers */
}

static void gpu_describe(struct kern *k)
{
    const struct gpu *g = k->gpu;
    int n = snprintf(k->text, sizeof k->text, "cuda:%d %.80s", g->device, g->info.name);
    if (g->precision != CUDA_FLOAT32 || gpu_tf32_override())
        n += snprintf(k->text + n, sizeof k->text - (size_t)n, ", %s (products off by %.0e)",
                      precisions[g->precision].name, measure(k->gpu));
    if (g->sync)
        snprintf(k->text + n, sizeof k->text - (size_t)n, ", sync");
}

int gpu_set_precision(struct kern *k, const char *word, char *why, size_t why_size)
{
    parse_word(k->gpu, word, strlen(word));
    gpu_describe(k);
    return gpu_finish(k->gpu, why, why_size);
}

int gpu_open(struct kern *k, const struct cuda_api *api, const char *spec, char *why,
             size_t why_size)
{
    struct gpu *g = calloc(1, sizeof *g);
    if (!g) {
        snprintf(why, why_size, "device %.60s: no memory", spec);
        return -1;
    }
    g->k = k;
    g->api = api;
    if (!parse(g, spec)) {
        snprintf(why, why_size, "device %.60s: it is written cuda, cuda:N, cuda:N,tf32 (or bf16, "
                 "half), cuda:N,memory=MB or cuda:N,sync", spec);
        free(g);
        return -1;
    }
    if (open_device(g, why, why_size) != 0) {
        free(g);
        return -1;
    }
    init_lock(g);
    k->gpu = g;
    k->ops = &gpu_ops;
    gpu_describe(k);
    gpu_note_opening(g);
    if (gpu_finish(g, why, why_size) == 0)
        return 0;
    gpu_close(g);
    k->gpu = NULL;
    return -1;
}

void gpu_close(struct gpu *g)
{
    if (!g)
        return;
    (void)g->api->wait(g->ctx);
    gpu_programs_fini(g);
    gpu_store_fini(g);
    while (g->block_count > 0)
        gpu_memory_free(g, g->blocks[0].p);
    free(g->blocks);
    gpu_release(g, g->columns, g->columns_size);
    pinned_fini(g, &g->in);
    pinned_fini(g, &g->out);
    pinned_fini(g, &g->upload[0]);
    pinned_fini(g, &g->upload[1]);
    g->api->close(g->ctx);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
