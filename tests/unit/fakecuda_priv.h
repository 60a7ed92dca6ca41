/* SPDX-License-Identifier: MIT */
/* What the files of the fake CUDA share. */
#ifndef FAKECUDA_PRIV_H
#define FAKECUDA_PRIV_H

#include "fakecuda.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/* CUDA's codes */
enum { FAKE_WRONG = 1, FAKE_MEMORY = 2, FAKE_NO_DEVICE = 101, FAKE_DIED = 700, FAKE_LAUNCH = 701,
       FAKE_NO_GRAPHS = 801, FAKE_IN_CAPTURE = 900, FAKE_SPOILT = 901,
       FAKE_UNSUPPORTED = 1000015 };

/* Notes that a rule was broken; FAKE_WRONG. */
__attribute__((format(printf, 1, 2))) int fake_bad(const char *fmt, ...);

/* Whether what is made now fails (fail_made). */
bool fake_made_fails(void);

/* Whether the word was never written, or is a number that was computed with such a word. */
static inline bool fake_unwritten(uint32_t word)
{
    return (word & 0x7fbfffffu) == FAKE_POISON;
}

/* ---- fakestream.c */
struct op {
    enum { SEND, FETCH, CLEAR, MARK, LAUNCH, GEMM, REPLAY } kind;
    void *dst;
    const void *src;
    size_t bytes;
    int mark, slot;
    struct cuda_launch launch;
    struct cuda_gemm gemm;
    struct list *graph;
};
/* before: of a graph, row i has a 1 for each operation that i waits for, directly or not. */
struct list {
    struct op *ops;
    unsigned char *before;
    int count, room;
};

struct context {
    int device;
    pid_t process;
    struct list queue, *capturing;
    pthread_t capturer;
    bool spoilt; /* the capture is of no use any more */
    bool parted; /* what the next call of the capture waits for has been said: after */
    int after_count, after_room;
    int *after;
    int died;    /* the code of a fault that no call survives, or 0 */
};

/* Behind what the stream has, or in the graph that is captured. */
int fake_enqueue(struct context *c, const struct op *op);
/* Runs the first count operations that wait. Returns the code the device died of, or 0. */
int fake_run_queue(struct context *c, int count);
/* Notes how long its longest chain is, and two products that may run beside each other and would
 * write into one workspace. */
void fake_check_graph(const struct list *l);
void fake_list_free(struct list *l); /* NULL does nothing */

/* ---- fakememory.c: pages of its own, ending where the next page cannot be touched */
int fake_area_new(int device, size_t bytes, bool pinned, void **out);
int fake_area_free(void *p, bool pinned);
/* Whether n bytes at p lie in memory that is alive, of this device or pinned. */
bool fake_inside(int device, const void *p, size_t n, bool pinned);
/* What the driver takes for the device's allocations. */
size_t fake_taken(int device);
/* The index of the first of n bytes' words that was never written, or -1. */
long fake_find_unwritten(const void *p, size_t n);

/* ---- fakeproduct.c */
void fake_product(const struct cuda_gemm *g);
/* What a library chooses an algorithm by. */
uint32_t fake_product_shape(const struct cuda_gemm *g);

#endif
