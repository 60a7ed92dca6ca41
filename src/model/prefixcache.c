/* SPDX-License-Identifier: MIT */
#include "src/base/mem.h"
#include "src/model/prefixcache.h"

#include <stdlib.h>
#include <string.h>

struct prefix_cache {
    struct kern *k;
    size_t most, bytes;
    struct prefix_state *first; /* used last */
    struct prefix_stats stats;
};

struct prefix_cache *prefix_new(struct kern *k, size_t bytes)
{
    struct prefix_cache *s = xcalloc(1, sizeof *s);
    s->k = k;
    s->most = bytes;
    return s;
}

static size_t key_size(const struct prefix_state *x)
{
    return (size_t)x->rows * x->row_size;
}

static size_t size_of(const struct prefix_state *x)
{
    return x->floats * sizeof(float) + key_size(x);
}

void prefix_remove(struct prefix_cache *s, struct prefix_state *x)
{
    struct prefix_state **at = &s->first;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    s->bytes -= size_of(x);
    s->stats.count--;
    kern_free(s->k, x->at);
    free(x->key);
    free(x);
}

bool prefix_drop(struct prefix_cache *s)
{
    bool any = s && s->first;
    while (any && s->first)
        prefix_remove(s, s->first);
    return any;
}

void prefix_free(struct prefix_cache *s)
{
    prefix_drop(s);
    free(s);
}

void prefix_stats(const struct prefix_cache *s, struct prefix_stats *out)
{
    *out = s->stats;
    out->bytes = s->bytes;
}

/* ---- room */

/* On a device an eighth of what is left at most: weights that are not there yet come first. */
static size_t room(const struct prefix_cache *s)
{
    size_t used = 0, limit = 0;
    kern_memory(s->k, &used, &limit);
    size_t left = (limit > used ? limit - used : 0) / 8 + s->bytes;
    return limit > 0 && left < s->most ? left : s->most;
}

size_t prefix_share(const struct prefix_cache *s)
{
    return room(s) / 4;
}

static struct prefix_state *oldest(const struct prefix_cache *s)
{
    struct prefix_state *last = NULL;
    for (struct prefix_state *x = s->first; x; x = x->next)
        last = x->busy ? last : x;
    return last;
}

/* Makes room. *at: memory of the right size that became free, or NULL. */
static bool make_room(struct prefix_cache *s, size_t bytes, size_t floats, float **at)
{
    size_t most = room(s);
    *at = NULL;
    if (bytes > most)
        return false;
    while (s->bytes + bytes > most) {
        struct prefix_state *x = oldest(s);
        if (!x) {
            kern_free(s->k, *at);
            return false;
        }
        if (!*at && x->floats == floats) {
            *at = x->at;
            x->at = NULL;
        }
        prefix_remove(s, x);
    }
    return true;
}

static float *memory(struct prefix_cache *s, size_t floats)
{
    char why[256];
    float *at = kern_alloc(s->k, floats);
    if (!at)
        (void)kern_finish(s->k, why, sizeof why); /* it can be done without */
    return at;
}

/* ---- states */

struct prefix_state *prefix_find(struct prefix_cache *s, uint64_t of, uint64_t sign, int rows,
                                 size_t row_size, prefix_same *same, void *arg)
{
    for (struct prefix_state **at = &s->first, *x; (x = *at) != NULL; at = &x->next) {
        bool equal = x->of == of && x->sign == sign && x->rows == rows && x->row_size == row_size;
        for (int r = 0; r < rows && equal; r++)
            equal = same(arg, r, x->key + (size_t)r * row_size, row_size);
        if (!equal)
            continue;
        *at = x->next;
        x->next = s->first;
        s->first = x;
        x->busy = true;
        s->stats.found++;
        return x;
    }
    return NULL;
}

bool prefix_may_have(const struct prefix_cache *s, uint64_t of, uint64_t sign)
{
    for (const struct prefix_state *x = s->first; x; x = x->next)
        if (x->of == of && x->sign == sign)
            return true;
    return false;
}

struct prefix_state *prefix_add(struct prefix_cache *s, uint64_t of, uint64_t sign, int rows,
                                size_t row_size, size_t floats)
{
    struct prefix_state *x = xcalloc(1, sizeof *x);
    *x = (struct prefix_state){.of = of, .sign = sign, .rows = rows, .row_size = row_size,
                               .floats = floats, .busy = true, .fresh = true};
    bool there = make_room(s, size_of(x), floats, &x->at);
    if (there && !x->at)
        x->at = memory(s, floats);
    x->key = x->at ? vs_try_calloc(key_size(x) + 1, 1) : NULL;
    if (!x->key) {
        kern_free(s->k, x->at);
        free(x);
        return NULL;
    }
    x->next = s->first;
    s->first = x;
    s->bytes += size_of(x);
    s->stats.count++;
    s->stats.made++;
    return x;
}

void prefix_settle(struct prefix_cache *s, bool good)
{
    for (struct prefix_state *x = s->first, *next; x; x = next) {
        next = x->next;
        if (x->fresh && !good) {
            prefix_remove(s, x);
        } else {
            x->busy = x->fresh = false;
        }
    }
}
