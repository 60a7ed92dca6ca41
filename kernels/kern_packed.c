/* SPDX-License-Identifier: MIT */
/* Packed weights that are kept, found by the address of what they were made of.
 *
 * Threads add to a set while others compute: an entry is complete before the set's first one
 * becomes it, and stays until the set is freed. The lock is for the list of sets only, so a thread
 * that packs never keeps one waiting that computes. */
#include "kernels/kern_narrow.h"
#include "kernels/kern_priv.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

struct entry {
    const void *w;
    int n, length;
    struct kern_panels panels;
    struct entry *next;
};

struct kern_packed {
    struct kern *k;
    struct kern_packed *next;
    _Atomic(struct entry *) first;
    _Atomic size_t bytes;
};

/* A quarter of the memory, as it is not the file's pages, which the system can take back, but the
 * program's own. */
static size_t packed_limit(void)
{
    return memory_usable() / 4;
}

struct kern_packed *kern_packed_new(struct kern *k)
{
    bool used = kern_pack_size(k, 1, 1) > 0 || kern_precision(k) != KERN_FLOAT32;
    struct kern_packed *s = used ? calloc(1, sizeof *s) : NULL;
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
        free((void *)e->panels.at);
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

/* Takes room, which was counted, and puts it before the others. */
static bool packed_push(struct kern_packed *s, struct entry with)
{
    struct entry *e = malloc(sizeof *e);
    if (!e) {
        free((void *)with.panels.at);
        return false;
    }
    *e = with;
    e->next = atomic_load(&s->first);
    while (!atomic_compare_exchange_weak(&s->first, &e->next, e))
        ;
    return true;
}

static void packed_count(struct kern_packed *s, size_t bytes)
{
    atomic_fetch_add(&s->k->packed_bytes, bytes);
    atomic_fetch_add(&s->bytes, bytes);
}

bool kern_packed_add(struct kern_packed *s, const void *w, int n, int length)
{
    size_t bytes = kern_pack_size(s->k, n, length) * sizeof(float);
    float *panels = atomic_load(&s->k->packed_bytes) + bytes > packed_limit() ? NULL
                                                                            : packed_room(bytes);
    if (!panels)
        return false;
    packed_count(s, bytes);
    kern_pack(w, n, length, panels);
    return packed_push(s, (struct entry){w, n, length, {.at = panels}, NULL});
}

bool kern_packed_add_narrow(struct kern_packed *s, const void *w, const struct kern_narrow *from,
                            int n, int length)
{
    size_t bytes = kern_narrow_pack_size(from->type, n, length);
    void *panels = packed_room(bytes);
    if (!panels)
        return false;
    packed_count(s, bytes);
    return packed_push(s, (struct entry){w, n, length, kern_narrow_pack(from, n, length, panels),
                                         NULL});
}

struct kern_panels kern_packed_find(struct kern *k, const void *w, int n, int length)
{
    struct kern_panels found = {.at = NULL};
    pthread_mutex_lock(&k->packed_lock);
    for (struct kern_packed *s = k->packed; s && !found.at; s = s->next)
        for (struct entry *e = atomic_load(&s->first); e && !found.at; e = e->next)
            if (e->w == w && e->n == n && e->length == length)
                found = e->panels;
    pthread_mutex_unlock(&k->packed_lock);
    return found;
}
