/* SPDX-License-Identifier: MIT */
#include "src/base/mem.h"
#include "src/model/prefixcache.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct kern *k;
    size_t most, bytes;
    struct kept_state *first; /* used last */
    struct kept_stats stats;
};

struct kept *kept_new(struct kern *k, size_t bytes)
{
    struct kept *s = xcalloc(1, sizeof *s);
    s->k = k;
    s->most = bytes;
    return s;
}

static size_t key_size(const struct kept_state *x)
{
    return (size_t)x->rows * x->row_size;
}

static size_t size_of(const struct kept_state *x)
{
    return x->floats * sizeof(float) + key_size(x);
}

void kept_remove(struct kept *s, struct kept_state *x)
{
    struct kept_state **at = &s->first;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    s->bytes -= size_of(x);
    s->stats.count--;
    kern_free(s->k, x->at);
    free(x->key);
    free(x);
}

bool kept_drop(struct kept *s)
{
    bool any = s && s->first;
    while (any && s->first)
        kept_remove(s, s->first);
    return any;
}

void kept_free(struct kept *s)
{
    kept_drop(s);
    free(s);
}

void kept_stats(const struct kept *s, struct kept_stats *out)
{
    *out = s->stats;
    out->bytes = s->bytes;
}

/* ---- room */

/* On a device an eighth of what is left at most: weights that are not there yet come first. */
static size_t room(const struct kept *s)
{
    size_t used = 0, limit = 0;
    kern_memory(s->k, &used, &limit);
    size_t left = (limit > used ? limit - used : 0) / 8 + s->bytes;
    return limit > 0 && left < s->most ? left : s->most;
}

size_t kept_share(const struct kept *s)
{
    return room(s) / 4;
}

static struct kept_state *oldest(const struct kept *s)
{
    struct kept_state *last = NULL;
    for (struct kept_state *x = s->first; x; x = x->next)
        last = x->busy ? last : x;
    return last;
}

/* Makes room. *at: memory of the right size that became free, or NULL. */
static bool make_room(struct kept *s, size_t bytes, size_t floats, float **at)
{
    size_t most = room(s);
    *at = NULL;
    if (bytes > most)
        return false;
    while (s->bytes + bytes > most) {
        struct kept_state *x = oldest(s);
        if (!x) {
            kern_free(s->k, *at);
            return false;
        }
        if (!*at && x->floats == floats) {
            *at = x->at;
            x->at = NULL;
        }
        kept_remove(s, x);
    }
    return true;
}

static float *memory(struct kept *s, size_t floats)
{
    char why[256];
    float *at = kern_alloc(s->k, floats);
    if (!at)
        (void)kern_finish(s->k, why, sizeof why); /* it can be done without */
    return at;
}

/* ---- states */

struct kept_state *kept_find(struct kept *s, uint64_t of, uint64_t sign, int rows, size_t row_size,
                             kept_same *same, void *arg)
{
    for (struct kept_state **at = &s->first, *x; (x = *at) != NULL; at = &x->next) {
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

bool kept_may_have(const struct kept *s, uint64_t of, uint64_t sign)
{
    for (const struct kept_state *x = s->first; x; x = x->next)
        if (x->of == of && x->sign == sign)
            return true;
    return false;
}

struct kept_state *kept_add(struct kept *s, uint64_t of, uint64_t sign, int rows, size_t row_size,
                            size_t floats)
{
    struct kept_state *x = xcalloc(1, sizeof *x);
    *x = (struct kept_state){.of = of, .sign = sign, .rows = rows, .row_size = row_size,
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

void kept_settle(struct kept *s, bool good)
{
    for (struct kept_state *x = s->first, *next; x; x = next) {
        next = x->next;
        if (x->fresh && !good) {
            kept_remove(s, x);
        } else {
            x->busy = x->fresh = false;
        }
    }
}
