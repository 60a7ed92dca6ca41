/* SPDX-License-Identifier: MIT */
/* The weights on a GPU: sent on first use, shared where two sets have equal ones, dropped by age
 * when memory ends, sent again when they are wanted again. */
#include "kernels/cuda/gpu_priv.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)4 << 20) /* bytes on the way at a time, twice */
#define SLAB ((size_t)64 << 20)

/* ---- a set's entries */

static size_t slot_of(const struct kern_set *s, const void *host, size_t bytes)
{
    uint64_t h = ((uint64_t)(uintptr_t)host ^ (uint64_t)bytes << 40) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & (s->room - 1);
    while (s->entries[i].tensor && (s->entries[i].host != host || s->entries[i].bytes != bytes))
        i = (i + 1) & (s->room - 1);
    return i;
}

static struct tensor *set_find(const struct kern_set *s, const void *host, size_t bytes)
{
    return s->room ? s->entries[slot_of(s, host, bytes)].tensor : NULL;
}

static bool set_grow(struct kern_set *s)
{
    struct kern_set bigger = {.room = s->room ? 2 * s->room : 256};
    if (s->room && 2 * (s->count + 1) <= s->room)
        return true;
    bigger.entries = calloc(bigger.room, sizeof *bigger.entries);
    if (!bigger.entries)
        return false;
    for (size_t i = 0; i < s->room; i++)
        if (s->entries[i].tensor)
            bigger.entries[slot_of(&bigger, s->entries[i].host, s->entries[i].bytes)] =
                s->entries[i];
    free(s->entries);
    s->entries = bigger.entries;
    s->room = bigger.room;
    return true;
}

static void set_add(struct kern_set *s, const void *host, size_t bytes, struct tensor *t)
{
    s->entries[slot_of(s, host, bytes)] = (struct entry){host, bytes, t};
    s->count++;
    t->sets++;
}

/* ---- slabs: pieces of memory that hold many weights. The driver gives what is larger than a
 * megabyte in pages of two: five hundred allocations of a model's 1 GB would take 150 MB more, and
 * the weights of query, key and value would lie anywhere; here they follow each other. */

/* A new one with room for so many bytes, for s. It has room for what s is said to send yet, if the
 * device has. */
static struct slab *slab_new(struct gpu *g, struct kern_set *s, size_t bytes)
{
    size_t rest = s->bytes > s->reserved ? s->bytes - s->reserved : 0;
    size_t want = gpu_taken(rest < SLAB ? rest : SLAB);
    struct slab *b = calloc(1, sizeof *b);
    if (!b) {
        gpu_fail(g, "memory for weights", NULL, "the host has no memory left");
        return NULL;
    }
    b->bytes = want > bytes ? want : bytes;
    b->p = want > bytes ? gpu_alloc_if(g, want) : NULL;
    if (!b->p) {
        b->bytes = bytes;
        b->p = gpu_alloc(g, bytes, "memory for weights");
    }
    if (!b->p) {
        free(b);
        return NULL;
    }
    b->set = s;
    b->next = g->slabs;
    g->slabs = b;
    s->reserved += b->bytes;
    return b;
}

static struct slab *slab_take(struct gpu *g, struct kern_set *s, size_t bytes, void **out)
{
    size_t size = (bytes + 255) & ~(size_t)255;
    struct slab *b = s == &g->loose ? NULL : g->slabs;
    while (b && (b->set != s || b->bytes - b->used < size))
        b = b->next;
    if (!b)
        b = slab_new(g, s, size);
    if (!b)
        return NULL;
    *out = b->p + b->used;
    b->used += size;
    b->tensors++;
    return b;
}

static void slab_give(struct gpu *g, struct slab *b)
{
    struct slab **at = &g->slabs;
    if (--b->tensors > 0)
        return;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    if (b->set)
        b->set->reserved -= b->bytes;
    gpu_release(g, b->p, b->bytes);
    free(b);
}

static void slab_forget(struct gpu *g, const struct kern_set *s)
{
    for (struct slab *b = g->slabs; b; b = b->next)
        if (b->set == s)
            b->set = NULL;
}

/* ---- tensors */

/* Of another set: at the same place, or with the same numbers. Equal weights are found by looking
 * at them; others differ in the first few bytes. */
static struct tensor *find_equal(struct gpu *g, const void *host, size_t bytes)
{
    for (struct kern_set *s = g->sets; s; s = s->next) {
        struct tensor *t = set_find(s, host, bytes);
        if (t)
            return t;
    }
    for (struct tensor *t = g->tensors; t; t = t->next)
        if (t->bytes == bytes && memcmp(t->host, host, bytes) == 0) {
            g->stats.shared++;
            return t;
        }
    return NULL;
}

static struct tensor *tensor_of(struct gpu *g, struct kern_set *s, const void *host, size_t bytes)
{
    struct tensor *t = set_find(s, host, bytes);
    if (t)
        return t;
    if (!set_grow(s))
        return NULL;
    t = s == &g->loose ? NULL : find_equal(g, host, bytes);
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return NULL;
        t->host = host;
        t->bytes = bytes;
        t->next = g->tensors;
        g->tensors = t;
    }
    set_add(s, host, bytes, t);
    return t;
}

static void tensor_drop(struct gpu *g, struct tensor *t)
{
    if (t->slab)
        slab_give(g, t->slab);
    t->slab = NULL;
    t->device = NULL;
    for (struct kern_set *s = g->sets; s; s = s->next) {
        bool has = false;
        for (size_t i = 0; i < s->room && !has; i++)
            has = s->entries[i].tensor == t;
        s->sent -= has && s->sent >= t->bytes ? t->bytes : 0;
    }
}

static void tensor_free(struct gpu *g, struct tensor *t)
{
    struct tensor **at = &g->tensors;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    tensor_drop(g, t);
    free(t);
}

/* Whose owner is gone: another set that has it lends its copy of the numbers. */
static void find_host(struct gpu *g, struct tensor *t)
{
    for (struct kern_set *s = g->sets; s; s = s->next)
        for (size_t i = 0; i < s->room; i++)
            if (s->entries[i].tensor == t)
                t->host = s->entries[i].host;
}

/* ---- sending */

/* Two pieces of pinned memory in turn: one is filled while the other is on its way. */
static bool send(struct gpu *g, struct tensor *t)
{
    for (size_t at = 0, turn = 0; at < t->bytes; at += CHUNK, turn ^= 1) {
        size_t n = t->bytes - at < CHUNK ? t->bytes - at : CHUNK;
        void *piece = gpu_pinned(g, &g->upload[turn], CHUNK);
        if (!gpu_ok(g, g->api->reach(g->ctx, (int)turn), "sending weights", NULL))
            return false;
        memcpy(piece, (const char *)t->host + at, n);
        if (!gpu_ok(g, g->api->send(g->ctx, (char *)t->device + at, piece, n), "sending weights",
                    NULL) ||
            !gpu_ok(g, g->api->mark(g->ctx, (int)turn), "sending weights", NULL))
            return false;
    }
    g->stats.uploads++;
    return true;
}

static void tell(struct gpu *g, struct kern_set *s, size_t bytes)
{
    s->sent += bytes;
    if (g->progress && s->bytes > 0)
        g->progress(g->progress_arg, s->sent < s->bytes ? s->sent : s->bytes, s->bytes);
}

static const float *find_or_send(struct gpu *g, const void *host, size_t bytes)
{
    struct kern_set *s = g->set ? g->set : &g->loose;
    if (g->failed || !host || bytes == 0)
        return NULL;
    struct tensor *t = tensor_of(g, s, host, bytes);
    if (!t) {
        gpu_fail(g, "weights", NULL, "the host has no memory left");
        return NULL;
    }
    t->last = g->clock;
    if (t->device)
        return t->device;
    t->slab = slab_take(g, s, bytes, &t->device);
    if (!t->slab)
        return NULL;
    if (!send(g, t)) {
        tensor_drop(g, t);
        return NULL;
    }
    tell(g, s, bytes);
    return t->device;
}

const float *gpu_weights(struct gpu *g, const void *host, size_t bytes)
{
    pthread_mutex_lock(&g->lock);
    const float *p = find_or_send(g, host, bytes);
    pthread_mutex_unlock(&g->lock);
    return p;
}

/* ---- eviction: weights that were used together go together, by whole slabs, as nothing else is
 * memory that others could have */

bool gpu_evict(struct gpu *g)
{
    uint64_t oldest = g->clock;
    for (struct slab *b = g->slabs; b; b = b->next)
        b->last = 0;
    for (const struct tensor *t = g->tensors; t; t = t->next)
        if (t->slab && t->last > t->slab->last)
            t->slab->last = t->last;
    for (const struct slab *b = g->slabs; b; b = b->next)
        oldest = b->tensors > 0 && b->last < oldest ? b->last : oldest;
    if (oldest == g->clock)
        return false;
    for (struct tensor *t = g->tensors; t; t = t->next)
        if (t->slab && t->slab->last == oldest)
            tensor_drop(g, t);
    g->stats.evictions++;
    return true;
}

/* ---- sets */

struct kern_set *gpu_set_new(struct gpu *g, size_t bytes)
{
    struct kern_set *s = scratch_alloc(sizeof *s);
    pthread_mutex_lock(&g->lock);
    *s = (struct kern_set){.next = g->sets, .bytes = bytes};
    g->sets = s;
    pthread_mutex_unlock(&g->lock);
    return s;
}

static void set_clear(struct gpu *g, struct kern_set *s)
{
    for (size_t i = 0; i < s->room; i++) {
        struct tensor *t = s->entries[i].tensor;
        if (!t)
            continue;
        s->entries[i].tensor = NULL;
        if (--t->sets == 0)
            tensor_free(g, t);
        else
            find_host(g, t);
    }
    free(s->entries);
    s->entries = NULL;
    s->room = s->count = 0;
}

void gpu_set_free(struct gpu *g, struct kern_set *s)
{
    if (!s)
        return;
    gpu_flush_own(g);
    pthread_mutex_lock(&g->lock);
    struct kern_set **at = &g->sets;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (g->set == s)
        g->set = NULL;
    set_clear(g, s);
    slab_forget(g, s);
    pthread_mutex_unlock(&g->lock);
    scratch_free(s);
}

void gpu_use(struct gpu *g, struct kern_set *s)
{
    gpu_flush(g);
    pthread_mutex_lock(&g->lock);
    set_clear(g, &g->loose); /* whose numbers may be gone by now */
    g->set = s;
    g->clock++;
    pthread_mutex_unlock(&g->lock);
}

void gpu_loose(struct gpu *g)
{
    if (g->set || g->loose.count == 0)
        return;
    gpu_flush(g);
    pthread_mutex_lock(&g->lock);
    set_clear(g, &g->loose);
    pthread_mutex_unlock(&g->lock);
}

void gpu_store_fini(struct gpu *g)
{
    while (g->sets)
        gpu_set_free(g, g->sets);
    set_clear(g, &g->loose);
}
