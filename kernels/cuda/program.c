/* SPDX-License-Identifier: MIT */
/* What a GPU has been asked to do: launches and products, done at once, or recorded between
 * gpu_begin and gpu_end. A recording that has been seen before, to the last pointer, is one graph:
 * nothing has to be told about batch, tokens or regions, and nothing can be told wrongly. */
#include "kernels/cuda/gpu_priv.h"
#include "kernels/cuda/order.h"

#include <stdlib.h>
#include <string.h>

#define MOST 0x7fffffff /* blocks of a grid, along x */

static void program_fini(struct program *p)
{
    free(p->calls);
    free(p->blob);
    free(p->algos);
    *p = (struct program){0};
}

static bool program_equal(const struct program *a, const struct program *b)
{
    return a->count == b->count && a->size == b->size && a->count > 0 &&
           memcmp(a->calls, b->calls, (size_t)a->count * sizeof *a->calls) == 0 &&
           memcmp(a->blob, b->blob, a->size) == 0;
}

/* ---- recording */

/* Room for one more call with so many bytes of arguments, zeros; NULL when there is no memory. */
static void *append(struct program *p, const struct call *c, size_t size)
{
    size_t whole = (size + 15) & ~(size_t)15;
    if (p->count == p->room) {
        int room = p->room ? 2 * p->room : 64;
        struct call *more = realloc(p->calls, (size_t)room * sizeof *more);
        if (!more)
            return NULL;
        p->calls = more;
        p->room = room;
    }
    if (p->size + whole > p->blob_room) {
        size_t room = 2 * p->blob_room + whole + 4096;
        unsigned char *more = realloc(p->blob, room);
        if (!more)
            return NULL;
        p->blob = more;
        p->blob_room = room;
    }
    memset(&p->calls[p->count], 0, sizeof *p->calls);
    memset(p->blob + p->size, 0, whole);
    struct call *to = &p->calls[p->count++];
    to->what = c->what;
    memcpy(to->dims, c->dims, sizeof to->dims);
    to->kernel = c->kernel;
    to->grid[0] = c->grid[0];
    to->grid[1] = c->grid[1];
    to->threads = c->threads;
    to->shared = c->shared;
    to->at = (uint32_t)p->size;
    to->size = (uint32_t)size;
    p->size += whole;
    return p->blob + to->at;
}

static void *push(struct gpu *g, const struct call *c, size_t size)
{
    if (g->failed)
        return NULL;
    void *args = append(&g->now, c, size);
    if (!args)
        gpu_fail(g, c->what, c->dims, "the host has no memory left");
    return args;
}

void *gpu_push(struct gpu *g, enum cuda_kernel kernel, const char *what, const int dims[3],
               unsigned grid_x, unsigned grid_y, unsigned threads, unsigned shared, size_t size)
{
    struct call c = {.what = what, .dims = {dims[0], dims[1], dims[2]}, .kernel = (int)kernel,
                     .grid = {grid_x, grid_y}, .threads = threads, .shared = shared};
    return grid_x == 0 || grid_y == 0 ? NULL : push(g, &c, size);
}

void *gpu_push_flat(struct gpu *g, enum cuda_kernel kernel, const char *what, const int dims[3],
                    int64_t n, size_t size)
{
    int64_t blocks = (n + FLAT_THREADS - 1) / FLAT_THREADS;
    if (blocks > MOST) {
        gpu_fail(g, what, dims, "more than a launch can have");
        return NULL;
    }
    return gpu_push(g, kernel, what, dims, (unsigned)blocks, 1, FLAT_THREADS, 0, size);
}

struct cuda_gemm *gpu_push_gemm(struct gpu *g, const char *what, const int dims[3])
{
    struct call c = {.what = what, .dims = {dims[0], dims[1], dims[2]}, .kernel = -1};
    return push(g, &c, sizeof(struct cuda_gemm));
}

/* ---- doing */

/* Products that the precision asked for has no algorithm for are made in float32. */
static bool resolve_call(struct gpu *g, struct program *p, const struct call *c)
{
    struct cuda_gemm x;
    memcpy(&x, p->blob + c->at, sizeof x);
    struct cuda_algo *to = &p->algos[p->resolved];
    int rc = g->api->resolve(g->ctx, &x, to);
    if (rc != 0 && x.precision != CUDA_FLOAT32 && !g->api->is_lost(rc)) {
        x.precision = CUDA_FLOAT32;
        rc = g->api->resolve(g->ctx, &x, to);
        if (rc == 0)
            gpu_note_float32(g, c->dims);
    }
    p->resolved += rc == 0;
    return gpu_ok(g, rc, c->what, c->dims);
}

/* Chooses how each product is computed, once for a program: cuBLAS may not be asked during a
 * capture. */
static bool resolve_program(struct gpu *g, struct program *p)
{
    int products = 0, seen = 0;
    for (int i = 0; i < p->count; i++)
        products += p->calls[i].kernel < 0;
    if (products > p->algo_room) {
        struct cuda_algo *more = realloc(p->algos, (size_t)products * sizeof *more);
        if (!more) {
            gpu_fail(g, "product", NULL, "the host has no memory left");
            return false;
        }
        p->algos = more;
        p->algo_room = products;
    }
    for (int i = 0; i < p->count; i++)
        if (p->calls[i].kernel < 0 && seen++ >= p->resolved && !resolve_call(g, p, &p->calls[i]))
            return false;
    return true;
}

/* how, slot: of a product. */
static bool run_call(struct gpu *g, const struct program *p, const struct call *c,
                     const struct cuda_algo *how, int slot)
{
    if (c->kernel < 0) {
        struct cuda_gemm x;
        memcpy(&x, p->blob + c->at, sizeof x);
        return gpu_ok(g, g->api->gemm(g->ctx, &x, how, slot), c->what, c->dims);
    }
    struct cuda_launch l;
    l.kernel = c->kernel;
    l.grid[0] = c->grid[0];
    l.grid[1] = c->grid[1];
    l.threads = c->threads;
    l.shared = c->shared;
    memcpy(&l.args, p->blob + c->at, c->size);
    return gpu_ok(g, g->api->launch(g->ctx, &l), c->what, c->dims);
}

/* Says what call i waits for. */
static bool run_after(struct gpu *g, const struct order *o, int i)
{
    int count = o->first[i + 1] - o->first[i];
    const int *list = count ? o->before + o->first[i] : NULL;
    return gpu_ok(g, g->api->after(g->ctx, list, count), "a branch of a graph", NULL);
}

/* o: which calls wait for which, in a capture; NULL: each for the one before. */
static void run_program(struct gpu *g, struct program *p, const struct order *o)
{
    const struct cuda_algo *how = NULL;
    if (g->failed || !resolve_program(g, p))
        return;
    how = p->algos;
    for (int i = 0; i < p->count && !g->failed; i++) {
        const struct call *c = &p->calls[i];
        if (o && !run_after(g, o, i))
            return;
        if (run_call(g, p, c, how, o ? o->slot[i] : 0) && g->sync)
            gpu_ok(g, g->api->wait(g->ctx), c->what, c->dims);
        how += c->kernel < 0;
    }
}

static void forget(struct program *p)
{
    p->count = 0;
    p->size = 0;
    p->resolved = 0;
}

void gpu_flush(struct gpu *g)
{
    if (g->now.count > 0)
        run_program(g, &g->now, NULL);
    forget(&g->now);
}

void gpu_go(struct gpu *g)
{
    if (!g->recording)
        gpu_flush(g);
}

/* ---- graphs */

static void drop(struct gpu *g, struct graph *x)
{
    if (x->graph) {
        (void)g->api->wait(g->ctx);
        g->api->drop(g->ctx, x->graph);
    }
    program_fini(&x->program);
    *x = (struct graph){0};
}

void gpu_programs_fini(struct gpu *g)
{
    for (int i = 0; i < GPU_GRAPHS; i++)
        drop(g, &g->graphs[i]);
    program_fini(&g->now);
}

/* The graph whose program is the recorded one, or NULL. */
static struct graph *find(struct gpu *g)
{
    for (int i = 0; i < GPU_GRAPHS; i++)
        if (program_equal(&g->graphs[i].program, &g->now))
            return &g->graphs[i];
    return NULL;
}

/* Takes the place of the one that was used longest ago. */
static void remember(struct gpu *g)
{
    struct graph *oldest = &g->graphs[0];
    for (int i = 1; i < GPU_GRAPHS; i++)
        if (g->graphs[i].last < oldest->last)
            oldest = &g->graphs[i];
    drop(g, oldest);
    oldest->program = g->now;
    oldest->last = ++g->clock;
    g->now = (struct program){0};
}

/* Whether x's program has become a graph; *rc is the first failure's code. What other threads do
 * with the stream, freeing memory say, would end the capture: they wait for the lock. */
static bool captured(struct gpu *g, struct graph *x, const struct order *o, int *rc)
{
    pthread_mutex_lock(&g->lock);
    *rc = g->api->capture(g->ctx);
    if (*rc == 0) {
        run_program(g, &x->program, o);
        *rc = g->api->captured(g->ctx, &x->graph);
        if (*rc == 0 && g->failed) {
            g->api->drop(g->ctx, x->graph);
            x->graph = NULL;
        }
    }
    pthread_mutex_unlock(&g->lock);
    return *rc == 0 && !g->failed;
}

/* Makes a graph of x's program. One that can't be captured computes without; that is no failure. */
static void capture(struct gpu *g, struct graph *x)
{
    struct order o;
    int rc = 0;
    if (!resolve_program(g, &x->program))
        return;
    /* One after the other where branches failed once, or there is no memory for their order. */
    bool ordered = x->strikes == 0 && order_init(&o, &x->program);
    bool good = captured(g, x, ordered ? &o : NULL, &rc);
    if (good) {
        g->stats.captures++;
        g->stats.calls = x->program.count;
        g->stats.depth = ordered ? o.depth : x->program.count;
    }
    if (ordered)
        order_fini(&o);
    if (good)
        return;
    x->graph = NULL;
    if (!g->lost)
        g->failed = false; /* what really is wrong shows again without the graph */
    if (++x->strikes == GPU_STRIKES)
        gpu_note_plain(g, rc != 0 ? g->api->explain(rc) : g->failure);
}

/* Other threads ask whose the recording is (gpu_flush_own). */
static void set_recording(struct gpu *g, bool recording)
{
    pthread_mutex_lock(&g->lock);
    g->recorder = pthread_self();
    g->recording = recording;
    pthread_mutex_unlock(&g->lock);
}

void gpu_begin(struct gpu *g)
{
    gpu_flush(g);
    set_recording(g, true);
}

/* The first time a program is only done: whatever CUDA loads on first use is loaded, and shapes
 * that never come again cost no graph. */
void gpu_end(struct gpu *g)
{
    set_recording(g, false);
    if (g->failed || g->now.count == 0) {
        forget(&g->now);
        return;
    }
    struct graph *x = find(g);
    if (!x) {
        run_program(g, &g->now, NULL);
        remember(g);
        return;
    }
    x->last = ++g->clock;
    if (!x->graph && x->strikes < GPU_STRIKES && !g->sync)
        capture(g, x);
    if (x->graph) {
        gpu_ok(g, g->api->replay(g->ctx, x->graph), "replaying a pass", NULL);
        g->stats.replays++;
    } else {
        run_program(g, &x->program, NULL);
    }
    forget(&g->now);
}
