/* SPDX-License-Identifier: MIT */
/* Threads that share the parts of a job.
 *
 * A job is claimed part by part from one atomic ticket: its number in the upper half, the next
 * part in the lower one. A thread that comes late finds the ticket used up or changed, so nobody
 * waits for sleepers. Between jobs the threads spin for some microseconds, because a forward pass
 * is some hundred jobs in a row, and then sleep. */
#include "kernels/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define CLOSED 0xffffffffu
#define SPINS 4000

struct pool {
    int threads, started;
    pthread_t *ids;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic uint64_t ticket;
    _Atomic(void *) arg;
    void (*_Atomic part)(void *arg, int i);
    atomic_int parts, done, sleepers;
    atomic_bool stop;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Work on whatever job is open; true when at least one part was done. */
static bool work(struct pool *p)
{
    bool any = false;
    for (;;) {
        uint64_t t = atomic_load(&p->ticket);
        uint32_t i = (uint32_t)t;
        /* These may already belong to the next job: then the ticket has changed, too. */
        int parts = atomic_load(&p->parts);
        void *arg = atomic_load(&p->arg);
        void (*part)(void *, int) = atomic_load(&p->part);
        if (i == CLOSED || i >= (uint32_t)parts)
            return any;
        if (!atomic_compare_exchange_strong(&p->ticket, &t, t + 1))
            continue;
        part(arg, (int)i);
        atomic_fetch_add(&p->done, 1);
        any = true;
    }
}

static bool has_work(struct pool *p)
{
    uint32_t i = (uint32_t)atomic_load(&p->ticket);
    return i != CLOSED && i < (uint32_t)atomic_load(&p->parts);
}

static void *thread_main(void *arg)
{
    struct pool *p = arg;
    while (!atomic_load(&p->stop)) {
        bool worked = work(p);
        for (int i = 0; i < SPINS && !worked && !has_work(p); i++)
            relax();
        if (worked || has_work(p))
            continue;
        pthread_mutex_lock(&p->lock);
        atomic_fetch_add(&p->sleepers, 1);
        while (!has_work(p) && !atomic_load(&p->stop))
            pthread_cond_wait(&p->wake, &p->lock);
        atomic_fetch_sub(&p->sleepers, 1);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

struct pool *pool_new(int threads)
{
    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->threads = threads;
    p->ids = calloc((size_t)threads, sizeof *p->ids);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    atomic_store(&p->ticket, CLOSED);
    for (int i = 0; p->ids && i < threads - 1; i++, p->started++)
        if (pthread_create(&p->ids[i], NULL, thread_main, p) != 0)
            break;
    if (!p->ids || p->started < threads - 1) {
        pool_free(p);
        return NULL;
    }
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++)
        pthread_join(p->ids[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p->ids);
    free(p);
}

int pool_threads(const struct pool *p)
{
    return p->threads;
}

static void wait_done(struct pool *p, int parts)
{
    for (int i = 0; atomic_load(&p->done) < parts; i++) {
        relax();
        if (i > SPINS) /* the other thread has lost its CPU */
            sched_yield();
    }
}

void pool_run(struct pool *p, int parts, void (*part)(void *arg, int i), void *arg)
{
    if (p->threads == 1 || parts <= 1) {
        for (int i = 0; i < parts; i++)
            part(arg, i);
        return;
    }
    uint64_t job = (atomic_load(&p->ticket) >> 32) + 1;
    atomic_store(&p->ticket, job << 32 | CLOSED);
    atomic_store(&p->done, 0);
    atomic_store(&p->part, part);
    atomic_store(&p->arg, arg);
    atomic_store(&p->parts, parts);
    atomic_store(&p->ticket, (job + 1) << 32);
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    work(p);
    wait_done(p, parts);
}
