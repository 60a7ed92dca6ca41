/* SPDX-License-Identifier: MIT */
/* Threads that share the parts of a job. */
#ifndef VS_POOL_H
#define VS_POOL_H

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

#endif
