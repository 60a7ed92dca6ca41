/* SPDX-License-Identifier: MIT */
/* See fakecuda.h. */
#include "fakecuda.h"

#include "kernels/cuda/gpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OUT_OF_MEMORY 2
#define WRONG 1
#define PAGE 4096

struct fakecuda fakecuda;

__attribute__((format(printf, 1, 2))) static int bad(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (fakecuda.bad++ == 0)
        vsnprintf(fakecuda.first, sizeof fakecuda.first, fmt, ap);
    va_end(ap);
    return WRONG;
}

void fakecuda_reset(void)
{
    int live = fakecuda.live;
    size_t bytes = fakecuda.bytes;
    memset(&fakecuda, 0, sizeof fakecuda);
    fakecuda.memory = (size_t)256 << 20;
    fakecuda.devices = 1;
    fakecuda.live = live;
    fakecuda.bytes = bytes;
}

int fakecuda_open(const char *device, int threads, struct kern **out, char *why, size_t why_size)
{
    if (!device || strcmp(device, "fake") != 0)
        return kern_open(device, threads, out, why, why_size);
    fakecuda_reset();
    return gpu_kern(&fakecuda_api, "cuda", out, why, why_size);
}

/* ---- memory: pages of its own, ending where the next page cannot be touched */

struct area {
    struct area *next;
    char *p;
    size_t bytes;
    void *map;
    size_t map_size;
    bool pinned;
};
static struct area *areas;

static int area_new(size_t bytes, bool pinned, void **out)
{
    size_t room = (bytes + 255) & ~(size_t)255, pages = (room + PAGE - 1) / PAGE * PAGE;
    fakecuda.allocs++;
    if (bytes == 0)
        return bad("an allocation of nothing");
    if ((fakecuda.fail_alloc > 0 && --fakecuda.fail_alloc == 0) ||
        (!pinned && fakecuda.bytes + bytes > fakecuda.memory))
        return OUT_OF_MEMORY;
    struct area *a = calloc(1, sizeof *a);
    void *map = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);
    if (!a || map == MAP_FAILED) {
        free(a);
        return OUT_OF_MEMORY;
    }
    mprotect((char *)map + pages, PAGE, PROT_NONE);
    *a = (struct area){areas, (char *)map + (pages - room), bytes, map, pages + PAGE, pinned};
    memset(a->p, 0xff, bytes); /* NaN until somebody writes */
    areas = a;
    fakecuda.live++;
    fakecuda.bytes += pinned ? 0 : bytes;
    fakecuda.peak = fakecuda.bytes > fakecuda.peak ? fakecuda.bytes : fakecuda.peak;
    *out = a->p;
    return 0;
}

/* Whether n bytes at p lie in memory that is alive. */
static bool inside(const void *p, size_t n, bool pinned)
{
    for (const struct area *a = areas; a; a = a->next)
        if (a->pinned == pinned && (const char *)p >= a->p &&
            (const char *)p + n <= a->p + a->bytes)
            return true;
    return false;
}

/* ---- the stream */

struct op {
    enum { SEND, FETCH, CLEAR, MARK, LAUNCH, GEMM, REPLAY } kind;
    void *dst;
    const void *src;
    size_t bytes;
    int mark;
    struct cuda_launch launch;
    struct cuda_gemm gemm;
    struct list *graph;
};
struct list {
    struct op *ops;
    int count, room;
};
static struct list queue, *capturing;
static bool passed[CUDA_MARKS];

static int enqueue(const struct op *op)
{
    struct list *l = capturing ? capturing : &queue;
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->ops = realloc(l->ops, (size_t)l->room * sizeof *l->ops);
        if (!l->ops)
            abort();
    }
    l->ops[l->count++] = *op;
    return 0;
}

static void run_gemm(const struct cuda_gemm *g)
{
    for (int j = 0; j < g->n; j++)
        for (int i = 0; i < g->m; i++) {
            double sum = 0;
            for (int p = 0; p < g->k; p++)
                sum += (double)g->a[g->trans_a ? i * g->lda + p : p * g->lda + i] *
                       (double)g->b[g->trans_b ? p * g->ldb + j : j * g->ldb + p];
            if (g->precision != CUDA_FLOAT32) /* a coarser number, as such products are */
                sum = (double)((float)sum * (1 + 0x1p-11f));
            if (g->beta != 0)
                sum += (double)g->beta * (double)g->c[j * g->ldc + i];
            if (g->bias)
                sum += (double)g->bias[i];
            g->d[j * g->ldd + i] = (float)sum;
        }
}

static void run_op(const struct op *op)
{
    switch (op->kind) {
    case SEND: case FETCH: memcpy(op->dst, op->src, op->bytes); break;
    case CLEAR: memset(op->dst, 0, op->bytes); break;
    case MARK: passed[op->mark] = true; break;
    case LAUNCH:
        if (!simt_run(&op->launch, fakecuda.backwards))
            bad("kernel %d: threads part at a barrier", op->launch.kernel);
        break;
    case GEMM: run_gemm(&op->gemm); break;
    case REPLAY:
        for (int i = 0; i < op->graph->count; i++)
            run_op(&op->graph->ops[i]);
        break;
    }
}

static void drain(void)
{
    for (int i = 0; i < queue.count; i++)
        run_op(&queue.ops[i]);
    queue.count = 0;
}

/* ---- the table */

static const char *fake_explain(int code)
{
    return code == OUT_OF_MEMORY ? "out of memory" : code == 35 ? "CUDA driver version is "
           "insufficient for CUDA runtime version" : code == 209 ? "no kernel image is available "
           "for execution on the device" : "invalid value";
}

static bool fake_is_memory(int code)
{
    return code == OUT_OF_MEMORY;
}

static int fake_count(int *devices)
{
    *devices = fakecuda.devices;
    return 0;
}

static int fake_info(int device, struct cuda_info *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "Fake %d", device);
    out->major = 9;
    out->processors = 1;
    out->memory = fakecuda.memory;
    return device < fakecuda.devices ? 0 : bad("device %d", device);
}

static int fake_open(int device, void **ctx)
{
    (void)device;
    *ctx = &fakecuda;
    return fakecuda.open_fails;
}

static void fake_close(void *ctx)
{
    (void)ctx;
    if (queue.count > 0)
        bad("closed with work under way");
    free(queue.ops);
    queue = (struct list){0};
}

static int fake_memory(void *ctx, size_t *spare, size_t *total)
{
    (void)ctx;
    *total = fakecuda.memory;
    *spare = fakecuda.memory - fakecuda.bytes;
    return 0;
}

static int fake_alloc(void *ctx, size_t bytes, void **out)
{
    (void)ctx;
    return capturing ? bad("memory asked for during a capture") : area_new(bytes, false, out);
}

static int fake_pin(void *ctx, size_t bytes, void **out)
{
    (void)ctx;
    return capturing ? bad("memory pinned during a capture") : area_new(bytes, true, out);
}

static int fake_free(void *p, bool pinned)
{
    if (queue.count > 0)
        return bad("freed while work is under way");
    for (struct area **at = &areas; *at; at = &(*at)->next)
        if ((*at)->p == p && (*at)->pinned == pinned) {
            struct area *a = *at;
            *at = a->next;
            fakecuda.live--;
            fakecuda.bytes -= pinned ? 0 : a->bytes;
            munmap(a->map, a->map_size);
            free(a);
            return 0;
        }
    return bad("freed what was not allocated");
}

static int fake_release(void *ctx, void *p)
{
    (void)ctx;
    return fake_free(p, false);
}

static int fake_unpin(void *ctx, void *p)
{
    (void)ctx;
    return fake_free(p, true);
}

static int fake_send(void *ctx, void *dst, const void *pinned, size_t bytes)
{
    (void)ctx;
    fakecuda.sends++;
    fakecuda.sent += bytes;
    if (!inside(dst, bytes, false))
        return bad("%zu bytes sent beyond memory", bytes);
    if (inside(pinned, 1, true) && !inside(pinned, bytes, true))
        return bad("%zu bytes sent from beyond pinned memory", bytes);
    return enqueue(&(struct op){.kind = SEND, .dst = dst, .src = pinned, .bytes = bytes});
}

static int fake_fetch(void *ctx, void *pinned, const void *src, size_t bytes)
{
    (void)ctx;
    if (!inside(src, bytes, false))
        return bad("%zu bytes fetched from beyond memory", bytes);
    if (inside(pinned, 1, true) && !inside(pinned, bytes, true))
        return bad("%zu bytes fetched to beyond pinned memory", bytes);
    return enqueue(&(struct op){.kind = FETCH, .dst = pinned, .src = src, .bytes = bytes});
}

static int fake_clear(void *ctx, void *dst, size_t bytes)
{
    (void)ctx;
    if (!inside(dst, bytes, false))
        return bad("%zu bytes cleared beyond memory", bytes);
    return enqueue(&(struct op){.kind = CLEAR, .dst = dst, .bytes = bytes});
}

static int fake_wait(void *ctx)
{
    (void)ctx;
    fakecuda.waits++;
    if (capturing)
        return bad("waited during a capture");
    drain();
    return 0;
}

static int fake_mark(void *ctx, int which)
{
    (void)ctx;
    passed[which] = false;
    return enqueue(&(struct op){.kind = MARK, .mark = which});
}

/* No further than the mark: what comes behind it may still be under way. */
static int fake_reach(void *ctx, int which)
{
    (void)ctx;
    int last = -1;
    for (int i = 0; i < queue.count; i++)
        if (queue.ops[i].kind == MARK && queue.ops[i].mark == which)
            last = i;
    for (int i = 0; i <= last; i++)
        run_op(&queue.ops[i]);
    if (last >= 0) {
        memmove(queue.ops, queue.ops + last + 1,
                (size_t)(queue.count - last - 1) * sizeof *queue.ops);
        queue.count -= last + 1;
    }
    return 0;
}

static int fake_launch(void *ctx, const struct cuda_launch *l)
{
    struct op op = {.kind = LAUNCH};
    (void)ctx;
    op.launch = *l;
    fakecuda.launches++;
    fakecuda.used[l->kernel]++;
    if (fakecuda.fail_call > 0 && --fakecuda.fail_call == 0)
        return 700;
    if (l->grid[0] == 0 || l->grid[1] == 0 || l->grid[0] > 0x7fffffff || l->grid[1] > 65535 ||
        l->threads == 0 || l->threads > 1024 || l->shared > 49152)
        return bad("kernel %d: a launch of %ux%u blocks, %u threads, %u bytes", l->kernel,
                   l->grid[0], l->grid[1], l->threads, l->shared);
    return enqueue(&op);
}

/* Whether a column-major matrix lies in memory with a leading dimension that fits. */
static bool matrix(const float *p, int64_t ld, int rows, int cols)
{
    return ld >= rows && inside(p, ((size_t)ld * (size_t)(cols - 1) + (size_t)rows) * 4, false);
}

static int fake_gemm(void *ctx, const struct cuda_gemm *g)
{
    (void)ctx;
    fakecuda.gemms++;
    if (fakecuda.fail_call > 0 && --fakecuda.fail_call == 0)
        return 700;
    if (g->m < 1 || g->n < 1 || g->k < 1)
        return bad("a product of %dx%dx%d", g->m, g->n, g->k);
    if (!matrix(g->a, g->lda, g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k) ||
        !matrix(g->b, g->ldb, g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n))
        return bad("product %dx%dx%d reads beyond memory", g->m, g->n, g->k);
    if (!matrix(g->c, g->ldc, g->m, g->n) || !matrix(g->d, g->ldd, g->m, g->n))
        return bad("product %dx%dx%d: c or d beyond memory", g->m, g->n, g->k);
    if (g->c == g->d && g->ldc != g->ldd)
        return bad("product %dx%dx%d: c is d, with another pitch", g->m, g->n, g->k);
    if (g->bias && !inside(g->bias, (size_t)g->m * 4, false))
        return bad("product %dx%dx%d: bias beyond memory", g->m, g->n, g->k);
    return enqueue(&(struct op){.kind = GEMM, .gemm = *g});
}

static int fake_capture(void *ctx)
{
    (void)ctx;
    if (fakecuda.no_graphs)
        return 801;
    if (capturing)
        return bad("a capture within a capture");
    capturing = calloc(1, sizeof *capturing);
    return capturing ? 0 : OUT_OF_MEMORY;
}

static void fake_drop(void *ctx, void *graph)
{
    struct list *l = graph;
    (void)ctx;
    if (queue.count > 0)
        bad("a graph dropped while work is under way");
    free(l->ops);
    free(l);
}

static int fake_captured(void *ctx, void **graph)
{
    struct list *l = capturing;
    (void)ctx;
    fakecuda.captures++;
    capturing = NULL;
    *graph = l;
    return l ? 0 : bad("no capture to end");
}

static int fake_replay(void *ctx, void *graph)
{
    (void)ctx;
    fakecuda.replays++;
    return enqueue(&(struct op){.kind = REPLAY, .graph = graph});
}

static int fake_milliseconds(void *ctx, double *out)
{
    *out = 0;
    return fake_wait(ctx);
}

const struct cuda_api fakecuda_api = {
    CUDA_API_VERSION, 13000, fake_explain, fake_is_memory, fake_count, fake_info, fake_open,
    fake_close, fake_memory, fake_alloc, fake_release, fake_pin, fake_unpin, fake_send, fake_fetch,
    fake_clear, fake_wait, fake_mark, fake_reach, fake_launch, fake_gemm, fake_capture,
    fake_captured, fake_replay, fake_drop, fake_milliseconds,
};
