/* SPDX-License-Identifier: MIT */
/* Guarded maps: a table that the handler of SIGBUS can read at any time. */
#include "src/formats/guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#define MOST 8192

static struct {
    atomic_uintptr_t from; /* 0: free */
    atomic_size_t size;
    atomic_bool hit;
} table[MOST];
static atomic_int used; /* of the table, at most */
static uintptr_t page;
static struct sigaction otherwise = {.sa_handler = SIG_DFL};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of whoever adds and removes */

/* A race detector takes mmap for a write to pages that other threads may be reading: it is not
 * shown this one. */
static bool put_zeros(uintptr_t from, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
#if defined(__SANITIZE_THREAD__) && defined(__linux__)
    return syscall(SYS_mmap, from, size, PROT_READ, flags, -1, 0L) != -1;
#else
    return mmap((void *)from, size, PROT_READ, flags, -1, 0) != MAP_FAILED;
#endif
}

/* Zeros from the page of at to the end of the map that it is in; false for other addresses. mmap is
 * one system call, which a handler may make. */
static bool cover(uintptr_t at)
{
    for (int i = 0; i < atomic_load(&used); i++) {
        uintptr_t from = atomic_load(&table[i].from);
        size_t size = atomic_load(&table[i].size);
        if (!from || at < from || at - from >= size)
            continue;
        uintptr_t first = at / page * page;
        atomic_store(&table[i].hit, true);
        return put_zeros(first, from + size - first);
    }
    return false;
}

/* What is not ours happens again as soon as this returns, and meets the other handler. */
static void on_bus(int number, siginfo_t *info, void *context)
{
    int before = errno;
    bool sent = info->si_code <= 0; /* by kill or raise: without an address, and it comes once */
    (void)context;
    if (sent || !cover((uintptr_t)info->si_addr)) {
        sigaction(number, &otherwise, NULL);
        if (sent)
            raise(number); /* when this handler is left */
    }
    errno = before;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void install(void)
{
    struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, &a, &otherwise);
}

int guard_add(const void *map, size_t size)
{
    int i = 0;
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    while (i < MOST && atomic_load(&table[i].from))
        i++;
    if (i < MOST) {
        atomic_store(&table[i].hit, false);
        atomic_store(&table[i].size, size);
        atomic_store(&table[i].from, (uintptr_t)map);
        if (i >= atomic_load(&used))
            atomic_store(&used, i + 1);
    }
    pthread_mutex_unlock(&lock);
    return i < MOST ? i + 1 : 0;
}

bool guard_hit(int number)
{
    return number > 0 && atomic_load(&table[number - 1].hit);
}

void guard_remove(int number)
{
    if (number <= 0)
        return;
    pthread_mutex_lock(&lock);
    atomic_store(&table[number - 1].from, 0);
    pthread_mutex_unlock(&lock);
}

void guard_otherwise(const struct sigaction *action)
{
    pthread_once(&once, install);
    otherwise = *action;
}
