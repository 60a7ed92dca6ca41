/* SPDX-License-Identifier: MIT */
/* Runs kernels on the host: the threads of a block are fibers that stop at barriers and exchanges.
 * A warp runs on, past its exchanges, until all of its threads stand at a barrier; so the warps of
 * a block are as far apart as barriers permit. Shared memory begins as FAKE_POISON in each block,
 * so that reading before writing shows.
 *
 * ThreadSanitizer knows each fiber as a thread. Only barriers order what they do: an exchange hands
 * over its number and nothing else, as on a device. */
#include "fakecuda.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/kernels_back.h"
#include "kernels/cuda/kernels_vision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MOST 256 /* threads of a block */
#define WARP 32
#define PLACES 64

#ifdef __has_feature
#define SIMT_HAS(x) __has_feature(x)
#else
#define SIMT_HAS(x) 0
#endif

/* What ThreadSanitizer is told. Nothing in this file is looked at but the kernels. */
#if defined(__SANITIZE_THREAD__) || SIMT_HAS(thread_sanitizer)
#define UNSEEN __attribute__((no_sanitize("thread")))
#define STACK 262144
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#define NO_ORDER 1 /* going to another fiber orders nothing */
#else
/* AddressSanitizer takes a jump that does not return for one up the stack that it knows. */
#if defined(__SANITIZE_ADDRESS__) || SIMT_HAS(address_sanitizer)
#define UNSEEN __attribute__((no_sanitize("address")))
#else
#define UNSEEN
#endif
#define STACK 65536
#define __tsan_get_current_fiber() NULL
#define __tsan_create_fiber(flags) NULL
#define __tsan_switch_to_fiber(fiber, flags) ((void)(fiber))
#define __tsan_acquire(p) ((void)(p))
#define __tsan_release(p) ((void)(p))
#define NO_SANITIZER
#endif

/* Going from stack to stack. Jumps of the C library are for going up one stack: hardened builds end
 * the program at any other. The compiler's own jump is not looked at, and takes no system call, as
 * swapcontext does: there are some ten million. Where the compiler has none, and where
 * ThreadSanitizer counts who returns from what, swapcontext it is. Functions with LEAVE return
 * after others ran: their callers may assume nothing about registers (TWICE). */
#if !defined(NO_SANITIZER) || (defined(__clang__) && !defined(__x86_64__) && !defined(__i386__))
#define TWICE UNSEEN __attribute__((noinline))
struct place {
    ucontext_t context;
};
#define LEAVE(from, to) swapcontext(&(from)->context, &(to)->context)
#define BEGIN(from, start) swapcontext(&(from)->context, start)
#else
#ifdef __clang__
#define TWICE UNSEEN __attribute__((noinline))
#else
#define TWICE UNSEEN __attribute__((noipa))
#endif
struct place {
    void *words[5];
};
#define LEAVE(from, to)                                                                           \
    do                                                                                            \
        if (__builtin_setjmp((from)->words) == 0)                                                 \
            go(to);                                                                               \
    while (0)
#define BEGIN(from, start)                                                                        \
    do                                                                                            \
        if (__builtin_setjmp((from)->words) == 0)                                                 \
            setcontext(start);                                                                    \
    while (0)
UNSEEN __attribute__((noinline, noreturn)) static void go(struct place *to)
{
    __builtin_longjmp(to->words, 1);
}
#endif

struct simt simt;
const char *simt_without;

enum fiber_state { READY, AT_BARRIER, AT_EXCHANGE, ENDED };

static struct fiber {
    ucontext_t start;
    struct place at;
    void *known; /* to the sanitizer */
    bool begun;
    enum fiber_state state;
    const char *stopped; /* where */
    int turn;            /* of the slots of simt_exchange */
} fibers[MOST];
static struct place scheduler;
static void *scheduler_known;
static char *stacks;
static const struct cuda_launch *current;
static char begins, ends, barriers[2]; /* what orders threads */
static int passed;                     /* barriers of the block */
static void *shared[4];                /* arrays that the block has used */
static int shared_count;
static const char *places[PLACES];
static int place_count;
static char why[160];

#define RUN(name)                                                                                 \
    static void run_##name(const union kernel_args *a)                                            \
    {                                                                                             \
        k_##name(a->name);                                                                        \
    }
CUDA_KERNELS(RUN)

#define ENTRY(name) [KERNEL_##name] = run_##name,
static void (*const run[KERNEL_COUNT])(const union kernel_args *a) = {CUDA_KERNELS(ENTRY)};

#define NAME(name) [KERNEL_##name] = #name,
const char *const simt_names[KERNEL_COUNT] = {CUDA_KERNELS(NAME)};

/* ---- what a kernel calls */

TWICE static void stop_fiber(enum fiber_state state, const char *place)
{
    struct fiber *f = &fibers[simt.thread];
    f->state = state;
    f->stopped = place;
    __tsan_switch_to_fiber(scheduler_known, NO_ORDER);
    LEAVE(&f->at, &scheduler);
}

UNSEEN static const char *place_text(const char *place)
{
    const char *slash = place ? strrchr(place, '/') : NULL;
    return slash ? slash + 1 : place ? place : "the end";
}

UNSEEN const char *simt_barrier(int i)
{
    return i < place_count ? place_text(places[i]) : NULL;
}

UNSEEN static void note_place(const char *place)
{
    for (int i = 0; i < place_count; i++)
        if (places[i] == place)
            return;
    if (place_count < PLACES)
        places[place_count++] = place;
}

/* Two sync variables in turn: who is late at one barrier learns nothing of the next. */
UNSEEN void simt_sync(const char *place)
{
    char *order = &barriers[passed & 1];
    if (simt_without && strcmp(place_text(place), simt_without) == 0)
        return;
    if (simt.thread == 0)
        note_place(place);
    __tsan_release(order);
    stop_fiber(AT_BARRIER, place);
    __tsan_acquire(order);
}

/* Two rows of slots in turn: the warp need not meet once more. */
UNSEEN float simt_exchange(float v, int mask, const char *place)
{
    static float slots[2][MOST];
    float *row = slots[fibers[simt.thread].turn++ & 1];
    row[simt.thread] = v;
    stop_fiber(AT_EXCHANGE, place);
    return row[simt.thread ^ mask];
}

UNSEEN void simt_shared(void *p, size_t bytes)
{
    volatile uint32_t *words = p; /* no call of memset, which the sanitizer looks at */
    for (int i = 0; i < shared_count; i++)
        if (shared[i] == p)
            return;
    if (shared_count < (int)(sizeof shared / sizeof shared[0]))
        shared[shared_count++] = p;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        words[i] = FAKE_POISON;
}

/* ---- fibers */

/* One block after the other. */
static void run_fiber(void)
{
    for (;;) {
        __tsan_acquire(&begins);
        run[current->kernel](&current->args);
        __tsan_release(&ends);
        stop_fiber(ENDED, NULL);
    }
}

/* Until it stops. */
TWICE static void resume(int t)
{
    struct fiber *f = &fibers[t];
    simt.thread = t;
    f->state = READY;
    __tsan_switch_to_fiber(f->known, NO_ORDER);
    if (f->begun) {
        LEAVE(&scheduler, &f->at);
        return;
    }
    f->begun = true;
    BEGIN(&scheduler, &f->start);
}

UNSEEN static void prepare(struct fiber *f, char *stack)
{
    *f = (struct fiber){.known = __tsan_create_fiber(0)};
    getcontext(&f->start);
    f->start.uc_stack.ss_sp = stack;
    f->start.uc_stack.ss_size = STACK;
    f->start.uc_link = NULL;
    makecontext(&f->start, run_fiber, 0);
}

/* All fibers anew: those of a block that failed stand anywhere. */
UNSEEN static bool prepare_all(void)
{
    if (!stacks) {
        void *p = mmap(NULL, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return false;
        stacks = p;
    }
    for (int t = 0; t < MOST; t++)
        prepare(&fibers[t], stacks + (size_t)t * STACK);
    return true;
}

/* ---- a block */

/* Whether threads first... of count stand at the same place. */
UNSEEN static bool together(int first, int count)
{
    const struct fiber *f = &fibers[first];
    for (int t = first; t < first + count; t++)
        if (fibers[t].state != f->state ||
            (fibers[t].stopped != f->stopped && strcmp(fibers[t].stopped, f->stopped) != 0)) {
            snprintf(why, sizeof why, "kernel %s: threads part: %d stands at %s, %d at %s",
                     simt_names[current->kernel], first, place_text(f->stopped), t,
                     place_text(fibers[t].stopped));
            return false;
        }
    return true;
}

/* A warp until its threads stand at a barrier or have ended. */
UNSEEN static bool run_warp(int first, int count, bool backwards)
{
    do {
        for (int i = 0; i < count; i++)
            resume(first + (backwards ? count - 1 - i : i));
        if (!together(first, count))
            return false;
    } while (fibers[first].state == AT_EXCHANGE);
    return true;
}

UNSEEN static bool run_block(int threads, bool backwards)
{
    int warps = (threads + WARP - 1) / WARP;
    __tsan_release(&begins);
    for (passed = 0;; passed++) {
        for (int i = 0; i < warps; i++) {
            int first = (backwards ? warps - 1 - i : i) * WARP;
            if (!run_warp(first, threads - first < WARP ? threads - first : WARP, backwards))
                return false;
        }
        if (!together(0, threads))
            return false;
        if (fibers[0].state == ENDED)
            break;
    }
    __tsan_acquire(&ends);
    return true;
}

UNSEEN static bool run_grid(const struct cuda_launch *l, bool backwards)
{
    unsigned blocks = l->grid[0] * l->grid[1];
    for (unsigned i = 0; i < blocks; i++) {
        unsigned b = backwards ? blocks - 1 - i : i;
        simt.block_x = (int)(b % l->grid[0]);
        simt.block_y = (int)(b / l->grid[0]);
        shared_count = 0;
        if (l->shared > 0)
            simt_shared(simt.dynamic, l->shared);
        if (!run_block((int)l->threads, backwards))
            return false;
    }
    return true;
}

UNSEEN const char *simt_run(const struct cuda_launch *l, bool backwards)
{
    static bool prepared;
    snprintf(why, sizeof why, "kernel %s: %u threads, or no memory for them",
             simt_names[l->kernel], l->threads);
    if (l->threads > MOST || (!prepared && !prepare_all()))
        return why;
    simt.dynamic = malloc(l->shared + 16);
    if (!simt.dynamic)
        return why;
    current = l;
    scheduler_known = __tsan_get_current_fiber(); /* not always the same thread's */
    prepared = run_grid(l, backwards);
    free(simt.dynamic);
    return prepared ? NULL : why;
}
