/* SPDX-License-Identifier: MIT */
/* A map from byte strings to numbers. */
#include "src/base/strmap.h"

#include "src/base/hash.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a with a final mix. Names in a hostile file can be made to collide; the files that we open
 * are at most as slow as their number of names squared, and names are bounded by the readers. */
static uint64_t hash_of(const char *s, size_t len)
{
    uint64_t h = hash_bytes(HASH_SEED, s, len);
    return h ^ h >> 29;
}

static struct strmap_slot *find(const struct strmap *m, const char *key, size_t len, uint64_t h)
{
    size_t i = (size_t)h & (m->cap - 1);
    while (m->slots[i].key && (m->slots[i].hash != h || m->slots[i].len != len ||
                               memcmp(m->slots[i].key, key, len) != 0))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static void grow(struct strmap *m)
{
    struct strmap bigger = {.cap = m->cap ? m->cap * 2 : 64};
    bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key)
            *find(&bigger, m->slots[i].key, m->slots[i].len, m->slots[i].hash) = m->slots[i];
    bigger.count = m->count;
    free(m->slots);
    *m = bigger;
}

void strmap_fini(struct strmap *m)
{
    free(m->slots);
    *m = (struct strmap){0};
}

int strmap_add(struct strmap *m, const char *key, size_t len, int value)
{
    if (2 * (m->count + 1) > m->cap)
        grow(m);
    uint64_t h = hash_of(key, len);
    struct strmap_slot *s = find(m, key, len, h);
    if (s->key)
        return s->value;
    *s = (struct strmap_slot){key, len, h, value};
    m->count++;
    return -1;
}

int strmap_get(const struct strmap *m, const char *key, size_t len)
{
    if (m->cap == 0)
        return -1;
    const struct strmap_slot *s = find(m, key, len, hash_of(key, len));
    return s->key ? s->value : -1;
}
