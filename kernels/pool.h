/* SPDX-License-Identifier: MIT */
/* Threads that share the parts of a job. */
#ifndef VS_POOL_H
#define VS_POOL_H

#include <stddef.h>

struct pool;

/* threads counts the calling one. NULL when the system gives no threads. */
struct pool *pool_new(int threads);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p);
/* part(arg, i) for i in 0..parts-1, in any order, on any thread; returns when all are done. One
 * caller at a time. */
void pool_run(struct pool *p, int parts, void (*part)(void *arg, int i), void *arg);

/* The CPUs that this process may use: affinity mask and cgroup quota. At least 1. */
int cpus_usable(void);
/* The memory that this process may use, in bytes: the machine's, or its control group's limit. */
size_t memory_usable(void);
/* The least limit, in CPUs (a part of one counts as one) and in bytes, that the process's control
 * group sets, or one that this is in, of version 1 or 2; 0: none does. mount: "/sys/fs/cgroup",
 * self: "/proc/self/cgroup", but for tests. */
long long cgroup_cpu_limit(const char *mount, const char *self);
long long cgroup_memory_limit(const char *mount, const char *self);

#endif
