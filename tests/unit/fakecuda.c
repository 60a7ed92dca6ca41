/* SPDX-License-Identifier: MIT */
/* See fakecuda.h. One thread at a time is within a call. */
#include "fakecuda_priv.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fakecuda fakecuda;
static pthread_mutex_t calls = PTHREAD_MUTEX_INITIALIZER;

int fake_bad(const char *fmt, ...)
{
    char text[sizeof fakecuda.first];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (fakecuda.bad++ == 0)
        memcpy(fakecuda.first, text, sizeof text);
    if (fakecuda.told)
        fakecuda.told(text);
    return FAKE_WRONG;
}

bool fake_made_fails(void)
{
    return fakecuda.fail_made > 0 && --fakecuda.fail_made == 0;
}

void fakecuda_reset(void)
{
    int live = fakecuda.live;
    memset(&fakecuda, 0, sizeof fakecuda);
    fakecuda.memory = (size_t)256 << 20;
    fakecuda.devices = 1;
    fakecuda.capability = 90;
    fakecuda.live = live;
}

/* Whether a call may be made now: 0 or the code it returns. Nothing but launches and products of
 * the thread that captures belongs into a capture; whatever else is asked of the device meanwhile,
 * by whatever thread, spoils it. */
static int may_call(struct context *c, const char *what, bool recorded)
{
    if (c->process != getpid())
        return fake_bad("%s in a process that was forked", what);
    if (c->died || !c->capturing)
        return c->died;
    if (c->spoilt)
        return FAKE_SPOILT;
    if (recorded && pthread_equal(c->capturer, pthread_self()))
        return 0;
    c->spoilt = true;
    fake_bad("%s during a capture", what);
    return FAKE_IN_CAPTURE;
}

/* ---- devices and contexts */

static const char *fake_explain(int code)
{
    switch (code) {
    case FAKE_MEMORY: return "out of memory";
    case 35: return "CUDA driver version is insufficient for CUDA runtime version";
    case FAKE_NO_DEVICE: return "invalid device ordinal";
    case 209: return "no kernel image is available for execution on the device";
    case FAKE_DIED: return "an illegal memory access was encountered";
    case FAKE_LAUNCH: return "too many resources requested for launch";
    case FAKE_NO_GRAPHS: return "operation not supported";
    case FAKE_IN_CAPTURE: return "operation not permitted when stream is capturing";
    case FAKE_SPOILT: return "operation failed due to a previous error during capture";
    case FAKE_UNSUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "invalid value";
}

static bool fake_is_memory(int code)
{
    return code == FAKE_MEMORY;
}

static bool fake_is_lost(int code)
{
    return code == FAKE_DIED;
}

static int fake_count(int *devices)
{
    *devices = fakecuda.devices;
    return 0;
}

static size_t spare_of(int device)
{
    size_t taken = fake_taken(device) + fakecuda.others[device];
    return taken < fakecuda.memory ? fakecuda.memory - taken : 0;
}

static int fake_info(int device, struct cuda_info *out)
{
    memset(out, 0, sizeof *out);
    if (device < 0 || device >= fakecuda.devices || device >= FAKE_DEVICES)
        return FAKE_NO_DEVICE;
    if (fakecuda.info_fails[device])
        return fakecuda.info_fails[device];
    snprintf(out->name, sizeof out->name, "Fake %d", device);
    out->uuid[15] = (unsigned char)device;
    out->major = fakecuda.capability / 10, out->minor = fakecuda.capability % 10;
    out->processors = 16;
    out->memory = fakecuda.memory;
    out->code = fakecuda.no_code[device] ? CUDA_NO_CODE
                : fakecuda.not_built     ? CUDA_PTX : CUDA_BUILT;
    out->spare_known = fakecuda.monitor;
    out->spare = fakecuda.monitor ? spare_of(device) : 0;
    return 0;
}

static int fake_open(int device, void **ctx)
{
    if (device < 0 || device >= fakecuda.devices || device >= FAKE_DEVICES)
        return FAKE_NO_DEVICE;
    if (fakecuda.open_fails[device])
        return fakecuda.open_fails[device];
    if (fakecuda.others[device] + fakecuda.context > fakecuda.memory)
        return FAKE_MEMORY;
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return FAKE_MEMORY;
    c->device = device;
    c->process = getpid();
    fakecuda.opened[device]++;
    *ctx = c;
    return 0;
}

static void fake_close(void *ctx)
{
    struct context *c = ctx;
    if (may_call(c, "closed", false) == 0 && c->queue.count > 0)
        fake_bad("closed with work under way");
    free(c->queue.ops);
    free(c->after);
    free(c);
}

static int fake_memory(void *ctx, size_t *spare, size_t *total)
{
    struct context *c = ctx;
    size_t spare_now = spare_of(c->device);
    *total = fakecuda.memory;
    *spare = spare_now > fakecuda.context ? spare_now - fakecuda.context : 0;
    return may_call(c, "free memory was asked for", false);
}

/* ---- memory */

static int do_alloc(struct context *c, size_t bytes, bool pinned, void **out)
{
    int rc = may_call(c, pinned ? "memory was pinned" : "memory was asked for", false);
    return rc ? rc : fake_area_new(c->device, bytes, pinned, out);
}

static int fake_alloc(void *ctx, size_t bytes, void **out)
{
    return do_alloc(ctx, bytes, false, out);
}

static int fake_pin(void *ctx, size_t bytes, void **out)
{
    return do_alloc(ctx, bytes, true, out);
}

/* What a device has that died comes back with its context, and is not missed. */
static int do_free(struct context *c, void *p, bool pinned)
{
    int rc = may_call(c, "memory was freed", false);
    if (rc != 0 && !c->died)
        return rc;
    if (!pinned && !fake_inside(c->device, p, 1, false))
        return fake_bad("freed on another device, or twice");
    if (c->queue.count > 0 && !c->died)
        return fake_bad("freed while work is under way");
    int freed = fake_area_free(p, pinned);
    return rc ? rc : freed;
}

static int fake_release(void *ctx, void *p)
{
    return do_free(ctx, p, false);
}

static int fake_unpin(void *ctx, void *p)
{
    return do_free(ctx, p, true);
}

/* Host memory that begins in pinned memory ends there, too. */
static int check_copy(struct context *c, const char *what, const void *device, const void *host,
                      size_t bytes)
{
    int rc = may_call(c, what, false);
    if (rc == 0 && !fake_inside(c->device, device, bytes, false))
        rc = fake_bad("%zu bytes beyond memory: %s", bytes, what);
    if (rc == 0 && host && fake_inside(-1, host, 1, true) && !fake_inside(-1, host, bytes, true))
        rc = fake_bad("%zu bytes beyond pinned memory: %s", bytes, what);
    return rc;
}

static int fake_send(void *ctx, void *dst, const void *pinned, size_t bytes)
{
    int rc = check_copy(ctx, "a copy to the device", dst, pinned, bytes);
    fakecuda.sends++;
    fakecuda.sent += bytes;
    return rc ? rc : fake_enqueue(ctx, &(struct op){.kind = SEND, .dst = dst, .src = pinned,
                                               .bytes = bytes});
}

static int fake_fetch(void *ctx, void *pinned, const void *src, size_t bytes)
{
    int rc = check_copy(ctx, "a copy from the device", src, pinned, bytes);
    return rc ? rc : fake_enqueue(ctx, &(struct op){.kind = FETCH, .dst = pinned, .src = src,
                                               .bytes = bytes});
}

static int fake_clear(void *ctx, void *dst, size_t bytes)
{
    int rc = check_copy(ctx, "memory was cleared", dst, NULL, bytes);
    return rc ? rc : fake_enqueue(ctx, &(struct op){.kind = CLEAR, .dst = dst, .bytes = bytes});
}

/* ---- waiting */

static int fake_wait(void *ctx)
{
    struct context *c = ctx;
    int rc = may_call(c, "a wait", false);
    fakecuda.waits++;
    return rc ? rc : fake_run_queue(c, c->queue.count);
}

static int fake_mark(void *ctx, int which)
{
    int rc = may_call(ctx, "a mark", false);
    return rc ? rc : fake_enqueue(ctx, &(struct op){.kind = MARK, .mark = which});
}

/* No further than the mark: what comes behind it may still be under way. */
static int fake_reach(void *ctx, int which)
{
    struct context *c = ctx;
    int rc = may_call(c, "a wait for a mark", false), last = -1;
    for (int i = 0; i < c->queue.count; i++)
        if (c->queue.ops[i].kind == MARK && c->queue.ops[i].mark == which)
            last = i;
    return rc ? rc : fake_run_queue(c, last + 1);
}

static int fake_milliseconds(void *ctx, double *out)
{
    *out = 0;
    return fake_wait(ctx);
}

/* ---- launches and products */

static int fake_launch(void *ctx, const struct cuda_launch *l)
{
    struct op op = {.kind = LAUNCH};
    int rc = may_call(ctx, "a launch by another thread", true);
    op.launch = *l;
    fakecuda.launches++;
    fakecuda.used[l->kernel]++;
    if (rc != 0)
        return rc;
    if (fakecuda.fail_call > 0 && --fakecuda.fail_call == 0)
        return FAKE_LAUNCH;
    if (l->grid[0] == 0 || l->grid[1] == 0 || l->grid[0] > 0x7fffffff || l->grid[1] > 65535 ||
        l->threads == 0 || l->threads > 1024 || l->shared > 49152)
        return fake_bad("kernel %s: a launch of %ux%u blocks, %u threads, %u bytes",
                        simt_names[l->kernel], l->grid[0], l->grid[1], l->threads, l->shared);
    return fake_enqueue(ctx, &op);
}

/* Whether a column-major matrix lies in memory with a leading dimension that fits. */
static bool matrix(int device, const float *p, int64_t ld, int rows, int cols)
{
    return ld >= rows &&
           fake_inside(device, p, ((size_t)ld * (size_t)(cols - 1) + (size_t)rows) * 4, false);
}

static int check_product(int d, const struct cuda_gemm *g)
{
    if (g->m < 1 || g->n < 1 || g->k < 1)
        return fake_bad("a product of %dx%dx%d", g->m, g->n, g->k);
    if (!matrix(d, g->a, g->lda, g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k) ||
        !matrix(d, g->b, g->ldb, g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n))
        return fake_bad("product %dx%dx%d reads beyond memory", g->m, g->n, g->k);
    if (!matrix(d, g->c, g->ldc, g->m, g->n) || !matrix(d, g->d, g->ldd, g->m, g->n))
        return fake_bad("product %dx%dx%d: c or d beyond memory", g->m, g->n, g->k);
    if (g->c == g->d && g->ldc != g->ldd)
        return fake_bad("product %dx%dx%d: c is d, with another pitch", g->m, g->n, g->k);
    if (g->bias && !fake_inside(d, g->bias, (size_t)g->m * 4, false))
        return fake_bad("product %dx%dx%d: bias beyond memory", g->m, g->n, g->k);
    return 0;
}

/* An algorithm holds for its shape alone. */
static int fake_resolve(void *ctx, const struct cuda_gemm *g, struct cuda_algo *out)
{
    int rc = may_call(ctx, "an algorithm was asked for", false);
    bool odd = g->m % 8 || g->n % 8 || g->k % 8;
    fakecuda.resolves++;
    if (rc == 0 && g->precision != CUDA_FLOAT32 && odd && fakecuda.odd_unsupported)
        rc = FAKE_UNSUPPORTED;
    *out = (struct cuda_algo){.words = {1, fake_product_shape(g)}, .precision = g->precision};
    return rc;
}

static int fake_gemm(void *ctx, const struct cuda_gemm *g, const struct cuda_algo *how, int slot)
{
    struct context *c = ctx;
    struct op op = {.kind = GEMM, .gemm = *g, .slot = slot};
    int rc = may_call(c, "a product by another thread", true);
    op.gemm.precision = how->precision;
    fakecuda.gemms++;
    if (rc == 0 && fakecuda.fail_call > 0 && --fakecuda.fail_call == 0)
        rc = FAKE_LAUNCH;
    rc = rc ? rc : check_product(c->device, g);
    if (rc == 0 && (how->words[0] != 1 || how->words[1] != fake_product_shape(&op.gemm)))
        rc = fake_bad("product %dx%dx%d: its algorithm is none or another's", g->m, g->n, g->k);
    if (rc == 0 && (slot < 0 || slot >= CUDA_SLOTS))
        rc = fake_bad("product %dx%dx%d: workspace %d", g->m, g->n, g->k, slot);
    return rc ? rc : fake_enqueue(c, &op);
}

/* ---- graphs */

static int fake_after(void *ctx, const int *list, int count)
{
    struct context *c = ctx;
    int rc = may_call(c, "an order of calls by another thread", true);
    if (rc == 0 && !c->capturing)
        rc = fake_bad("an order of calls outside of a capture");
    if (rc == 0 && fakecuda.fail_after)
        rc = FAKE_NO_GRAPHS;
    for (int i = 0; i < count && rc == 0; i++)
        if (list[i] < 0 || list[i] >= c->capturing->count)
            rc = fake_bad("call %d waits for call %d", c->capturing->count, list[i]);
    if (rc != 0)
        return rc;
    if (count > c->after_room) {
        c->after_room = 2 * count;
        c->after = realloc(c->after, (size_t)c->after_room * sizeof *c->after);
        if (!c->after)
            abort();
    }
    if (count > 0)
        memcpy(c->after, list, (size_t)count * sizeof *list);
    c->after_count = count;
    c->parted = true;
    return 0;
}

static int fake_capture(void *ctx)
{
    struct context *c = ctx;
    int rc = may_call(c, "a capture", false);
    if (rc != 0 || fakecuda.no_graphs)
        return rc ? rc : FAKE_NO_GRAPHS;
    c->capturing = calloc(1, sizeof *c->capturing);
    c->capturer = pthread_self();
    c->spoilt = c->parted = false;
    return c->capturing ? 0 : FAKE_MEMORY;
}

static void fake_drop(void *ctx, void *graph)
{
    struct context *c = ctx;
    if (may_call(c, "a graph was dropped", false) == 0)
        for (int i = 0; i < c->queue.count; i++)
            if (c->queue.ops[i].kind == REPLAY && c->queue.ops[i].graph == graph)
                fake_bad("a graph dropped while it is under way");
    fake_list_free(graph);
}

static int fake_captured(void *ctx, void **graph)
{
    struct context *c = ctx;
    struct list *l = c->capturing;
    int rc = !l ? fake_bad("no capture to end") : c->died ? c->died : c->spoilt ? FAKE_SPOILT : 0;
    if (rc == 0 && fakecuda.fail_capture > 0 && fakecuda.fail_capture--)
        rc = FAKE_SPOILT;
    fakecuda.captures++;
    c->capturing = NULL;
    if (rc != 0)
        fake_list_free(l);
    else
        fake_check_graph(l);
    *graph = rc ? NULL : l;
    return rc;
}

static int fake_replay(void *ctx, void *graph)
{
    int rc = may_call(ctx, "a replay", false);
    fakecuda.replays++;
    return rc ? rc : fake_enqueue(ctx, &(struct op){.kind = REPLAY, .graph = graph});
}

/* ---- the table: one call after the other */

#define LOCKED(name, params, args)                                                                \
    static int locked_##name params                                                               \
    {                                                                                             \
        pthread_mutex_lock(&calls);                                                               \
        int rc = fake_##name args;                                                                \
        pthread_mutex_unlock(&calls);                                                             \
        return rc;                                                                                \
    }
LOCKED(info, (int device, struct cuda_info *out), (device, out))
LOCKED(open, (int device, void **c), (device, c))
LOCKED(memory, (void *c, size_t *spare, size_t *total), (c, spare, total))
LOCKED(alloc, (void *c, size_t bytes, void **out), (c, bytes, out))
LOCKED(release, (void *c, void *p), (c, p))
LOCKED(pin, (void *c, size_t bytes, void **out), (c, bytes, out))
LOCKED(unpin, (void *c, void *p), (c, p))
LOCKED(send, (void *c, void *dst, const void *src, size_t bytes), (c, dst, src, bytes))
LOCKED(fetch, (void *c, void *dst, const void *src, size_t bytes), (c, dst, src, bytes))
LOCKED(clear, (void *c, void *dst, size_t bytes), (c, dst, bytes))
LOCKED(wait, (void *c), (c))
LOCKED(mark, (void *c, int which), (c, which))
LOCKED(reach, (void *c, int which), (c, which))
LOCKED(launch, (void *c, const struct cuda_launch *l), (c, l))
LOCKED(resolve, (void *c, const struct cuda_gemm *g, struct cuda_algo *how), (c, g, how))
LOCKED(gemm, (void *c, const struct cuda_gemm *g, const struct cuda_algo *how, int slot),
       (c, g, how, slot))
LOCKED(capture, (void *c), (c))
LOCKED(after, (void *c, const int *list, int count), (c, list, count))
LOCKED(captured, (void *c, void **graph), (c, graph))
LOCKED(replay, (void *c, void *graph), (c, graph))
LOCKED(milliseconds, (void *c, double *out), (c, out))

static void locked_close(void *c)
{
    pthread_mutex_lock(&calls);
    fake_close(c);
    pthread_mutex_unlock(&calls);
}

static void locked_drop(void *c, void *graph)
{
    pthread_mutex_lock(&calls);
    fake_drop(c, graph);
    pthread_mutex_unlock(&calls);
}

const struct cuda_api fakecuda_api = {
    CUDA_API_VERSION, 13000, fake_explain, fake_is_memory, fake_is_lost, fake_count, locked_info,
    locked_open, locked_close, locked_memory, locked_alloc, locked_release, locked_pin,
    locked_unpin, locked_send, locked_fetch, locked_clear, locked_wait, locked_mark, locked_reach,
    locked_launch, locked_resolve, locked_gemm, locked_capture, locked_after, locked_captured,
    locked_replay, locked_drop, locked_milliseconds,
};
