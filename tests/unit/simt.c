/* SPDX-License-Identifier: MIT */
/* Runs kernels on the host: the threads of a block are fibers that stop at every barrier. Shared
 * memory begins as NaN, so that reading before writing shows. */
#include "fakecuda.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/kernels_back.h"
#include "kernels/cuda/kernels_vision.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MOST 256
#define STACK 65536

/* Going from stack to stack. Jumps of the C library are for going up one stack: hardened builds end
 * the program at any other. The compiler's own jump is not looked at, and takes no system call, as
 * swapcontext does: there are some ten million. Where the compiler has none, swapcontext it is.
 * Functions with LEAVE return after others ran: their callers may assume nothing about registers
 * (TWICE). */
#if defined(__clang__) && !defined(__x86_64__) && !defined(__i386__)
#define TWICE __attribute__((noinline))
struct place {
    ucontext_t context;
};
#define LEAVE(from, to) swapcontext(&(from)->context, &(to)->context)
#define GO(to) setcontext(&(to)->context)
#define BEGIN(from, start) swapcontext(&(from)->context, start)
#else
#ifdef __clang__
#define TWICE __attribute__((noinline))
#else
#define TWICE __attribute__((noipa))
#endif
struct place {
    void *words[5];
};
#define LEAVE(from, to)                                                                           \
    do                                                                                            \
        if (__builtin_setjmp((from)->words) == 0)                                                 \
            GO(to);                                                                               \
    while (0)
#define GO(to) go(to)
#define BEGIN(from, start)                                                                        \
    do                                                                                            \
        if (__builtin_setjmp((from)->words) == 0)                                                 \
            setcontext(start);                                                                    \
    while (0)
__attribute__((noinline, noreturn)) static void go(struct place *to)
{
    __builtin_longjmp(to->words, 1);
}
#endif

struct simt simt;

static struct fiber {
    ucontext_t start;
    struct place at;
    bool begun, done;
    int turn; /* of the slots of simt_exchange */
} fibers[MOST];
static struct place scheduler;
static char *stacks;
static const struct cuda_launch *current;

#define RUN(name)                                                                                 \
    static void run_##name(const union kernel_args *a)                                            \
    {                                                                                             \
        k_##name(a->name);                                                                        \
    }
CUDA_KERNELS(RUN)

#define ENTRY(name) [KERNEL_##name] = run_##name,
static void (*const run[KERNEL_COUNT])(const union kernel_args *a) = {CUDA_KERNELS(ENTRY)};

static bool meets(int kernel)
{
    return kernel == KERNEL_attention || kernel == KERNEL_norm || kernel == KERNEL_softmax ||
           kernel == KERNEL_group || kernel == KERNEL_roi || kernel == KERNEL_nms ||
           kernel == KERNEL_norm_back || kernel == KERNEL_scores_back;
}

TWICE static void sync_fiber(void)
{
    LEAVE(&fibers[simt.thread].at, &scheduler);
}

/* Two rows of slots in turn: one barrier is enough. */
float simt_exchange(float v, int mask)
{
    static float slots[2][MOST];
    float *row = slots[fibers[simt.thread].turn++ & 1];
    row[simt.thread] = v;
    sync_fiber();
    return row[simt.thread ^ mask];
}

static void begin_fiber(void)
{
    run[current->kernel](&current->args);
    fibers[simt.thread].done = true;
    GO(&scheduler);
}

/* Until it stops at a barrier or ends. */
TWICE static void resume(int t)
{
    struct fiber *f = &fibers[t];
    simt.thread = t;
    if (f->begun) {
        LEAVE(&scheduler, &f->at);
        return;
    }
    f->begun = true;
    BEGIN(&scheduler, &f->start);
}

static void prepare(struct fiber *f, char *stack)
{
    f->begun = f->done = false;
    f->turn = 0;
    getcontext(&f->start);
    f->start.uc_stack.ss_sp = stack;
    f->start.uc_stack.ss_size = STACK;
    f->start.uc_link = NULL;
    makecontext(&f->start, begin_fiber, 0);
}

static bool run_block(int threads, bool backwards)
{
    for (int t = 0; t < threads; t++)
        prepare(&fibers[t], stacks + (size_t)t * STACK);
    for (int done = 0; done == 0;) {
        for (int i = 0; i < threads; i++) {
            int t = backwards ? threads - 1 - i : i;
            resume(t);
            done += fibers[t].done;
        }
        if (done != 0 && done != threads)
            return false; /* some have ended while others wait for them */
    }
    return true;
}

bool simt_run(const struct cuda_launch *l, bool backwards)
{
    bool good = l->threads <= MOST;
    if (!stacks) {
        void *p = mmap(NULL, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        stacks = p == MAP_FAILED ? NULL : p;
        if (!stacks)
            return false;
    }
    simt.dynamic = malloc(l->shared + 16);
    simt.sync = sync_fiber;
    current = l;
    for (unsigned y = 0; y < l->grid[1] && good; y++)
        for (unsigned x = 0; x < l->grid[0] && good; x++) {
            simt.block_x = (int)x;
            simt.block_y = (int)y;
            memset(simt.dynamic, 0xff, l->shared);
            if (meets(l->kernel)) {
                good = run_block((int)l->threads, backwards);
                continue;
            }
            for (unsigned t = 0; t < l->threads; t++) {
                simt.thread = (int)(backwards ? l->threads - 1 - t : t);
                run[l->kernel](&l->args);
            }
        }
    free(simt.dynamic);
    return good;
}
