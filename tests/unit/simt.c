/* Runs kernels on the host: the threads of a block are fibers that stop at every barrier. Shared
 * memory begins as NaN, so that reading before writing shows. */
#include "fakecuda.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/kernels_vision.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MOST 256
#define STACK 65536

struct simt simt;

static struct fiber {
    ucontext_t start;
    jmp_buf at;
    bool begun, done;
    int turn; /* of the slots of simt_exchange */
} fibers[MOST];
static jmp_buf scheduler;
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
           kernel == KERNEL_group || kernel == KERNEL_roi || kernel == KERNEL_suppress;
}

static void sync_fiber(void)
{
    if (_setjmp(fibers[simt.thread].at) == 0)
        _longjmp(scheduler, 1);
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
    _longjmp(scheduler, 1);
}

/* Until it stops at a barrier or ends. Not inlined: it returns twice. */
__attribute__((noinline)) static void resume(int t)
{
    struct fiber *f = &fibers[t];
    simt.thread = t;
    if (_setjmp(scheduler) != 0)
        return;
    if (f->begun)
        _longjmp(f->at, 1);
    f->begun = true;
    setcontext(&f->start);
}

/* Not inlined either. */
__attribute__((noinline)) static void prepare(struct fiber *f, char *stack)
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
