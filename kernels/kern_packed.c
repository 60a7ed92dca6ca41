/* SPDX-License-Identifier: MIT */
/* Packed weights that are kept, found by the address of what they were made of.
 *
 * One thread adds to a set while others compute: an entry is complete before the set's first one
 * becomes it, and stays until the set is freed. The lock is for the list of sets only, so a thread
 * that packs never keeps one waiting that computes. */
#include "kernels/kern_pack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

struct entry {
    const void *w;
    int n, length;
    float *panels;
    struct entry *next;
};

struct kern_packed {
    struct kern *k;
    struct kern_packed *next;
    _Atomic(struct entry *) first;
    size_t bytes;
};

/* A quarter of the memory, as it is not the file's pages, which the system can take back, but the
 * program's own. */
static size_t packed_limit(void)
{
    return memory_usable() / 4;
}

struct kern_packed *kern_packed_new(struct kern *k)
{
    struct kern_packed *s = kern_pack_size(k, 1, 1) ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->k = k;
    pthread_mutex_lock(&k->packed_lock);
    s->next = k->packed;
    k->packed = s;
    pthread_mutex_unlock(&k->packed_lock);
    return s;
}

void kern_packed_free(struct kern_packed *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->k->packed_lock);
    struct kern_packed **at = &s->k->packed;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pthread_mutex_unlock(&s->k->packed_lock);
    atomic_fetch_sub(&s->k->packed_bytes, s->bytes);
    for (struct entry *e = atomic_load(&s->first), *next; e; e = next) {
        next = e->next;
        free(e->panels);
        free(e);
    }
    free(s);
}

#define HUGE_PAGE ((size_t)2 << 20)

/* In large pages where the system has some and the weights fill one: with small ones a walk through
 * the tables comes with every quarter of a piece. */
static float *packed_room(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

bool kern_packed_add(struct kern_packed *s, const void *w, int n, int length)
{
    size_t bytes = kern_pack_size(s->k, n, length) * sizeof(float);
    if (atomic_fetch_add(&s->k->packed_bytes, bytes) + bytes > packed_limit()) {
        atomic_fetch_sub(&s->k->packed_bytes, bytes);
        return false;
    }
    s->bytes += bytes;
    struct entry *e = malloc(sizeof *e);
    float *panels = e ? packed_room(bytes) : NULL;
    if (!panels) {
        free(e);
        return false;
    }
    kern_pack(w, n, length, panels);
    *e = (struct entry){w, n, length, panels, atomic_load(&s->first)};
    atomic_store(&s->first, e);
    return true;
}

const float *kern_packed_find(struct kern *k, const void *w, int n, int length)
{
    const float *found = NULL;
    pthread_mutex_lock(&k->packed_lock);
    for (struct kern_packed *s = k->packed; s && !found; s = s->next)
        for (struct entry *e = atomic_load(&s->first); e && !found; e = e->next)
            if (e->w == w && e->n == n && e->length == length)
                found = e->panels;
    pthread_mutex_unlock(&k->packed_lock);
    return found;
}
