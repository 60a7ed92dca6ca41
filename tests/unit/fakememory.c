/* SPDX-License-Identifier: MIT */
/* The memory of the fake CUDA: each allocation has pages of its own and ends where the next page
 * cannot be touched. It is counted as the driver does. */
#include "fakecuda_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define CHUNK ((size_t)2 << 20) /* the driver's pages; small allocations share some */
#define SMALL ((size_t)1 << 20)

struct block {
    struct block *next;
    char *p;
    size_t bytes;
    void *map;
    size_t map_size;
    int device;
    bool pinned;
};
static struct block *areas;

static size_t rounded_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* What the driver takes of the device when `more` bytes are asked for, too. */
static size_t taken_with(int device, size_t more)
{
    size_t small = more > SMALL ? 0 : rounded_up(more, 512);
    size_t large = more > SMALL ? rounded_up(more, CHUNK) : 0;
    for (const struct block *a = areas; a; a = a->next) {
        if (a->pinned || a->device != device)
            continue;
        if (a->bytes > SMALL)
            large += rounded_up(a->bytes, CHUNK);
        else
            small += rounded_up(a->bytes, 512);
    }
    return large + rounded_up(small, CHUNK);
}

size_t fake_taken(int device)
{
    return taken_with(device, 0);
}

static bool has_room(int device, size_t bytes)
{
    size_t taken = taken_with(device, bytes) + fakecuda.context + fakecuda.others[device];
    if (taken > fakecuda.memory)
        return false;
    fakecuda.peak = taken > fakecuda.peak ? taken : fakecuda.peak;
    return true;
}

int fake_area_new(int device, size_t bytes, bool pinned, void **out)
{
    size_t room = rounded_up(bytes, 256), pages = rounded_up(room, PAGE);
    fakecuda.allocs++;
    if (bytes == 0)
        return fake_bad("an allocation of nothing");
    if ((fakecuda.fail_alloc > 0 && --fakecuda.fail_alloc == 0) ||
        (!pinned && (bytes > fakecuda.memory || !has_room(device, bytes))))
        return FAKE_MEMORY;
    struct block *a = calloc(1, sizeof *a);
    void *map = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);
    if (!a || map == MAP_FAILED) {
        free(a);
        return FAKE_MEMORY;
    }
    mprotect((char *)map + pages, PAGE, PROT_NONE);
    *a = (struct block){areas, (char *)map + (pages - room), bytes, map, pages + PAGE, device,
                       pinned};
    uint32_t *words = (uint32_t *)(void *)a->p;
    for (size_t i = 0; i < room / sizeof *words; i++)
        words[i] = FAKE_POISON;
    areas = a;
    fakecuda.live++;
    *out = a->p;
    return 0;
}

int fake_area_free(void *p, bool pinned)
{
    for (struct block **at = &areas; *at; at = &(*at)->next)
        if ((*at)->p == p && (*at)->pinned == pinned) {
            struct block *a = *at;
            *at = a->next;
            fakecuda.live--;
            munmap(a->map, a->map_size);
            free(a);
            return 0;
        }
    return fake_bad("freed what was not allocated");
}

bool fake_inside(int device, const void *p, size_t n, bool pinned)
{
    for (const struct block *a = areas; a; a = a->next)
        if (a->pinned == pinned && (pinned || a->device == device) && (const char *)p >= a->p &&
            (const char *)p + n <= a->p + a->bytes)
            return true;
    return false;
}

long fake_find_unwritten(const void *p, size_t n)
{
    const char *at = p;
    for (size_t i = 0; i + sizeof(uint32_t) <= n; i += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, at + i, sizeof word);
        if (fake_unwritten(word))
            return (long)(i / sizeof word);
    }
    return -1;
}

uint32_t *fakecuda_block(int i, size_t *bytes)
{
    const struct block *a = areas;
    while (a && (a->pinned || i-- > 0))
        a = a->next;
    *bytes = a ? a->bytes : 0;
    return a ? (uint32_t *)(void *)a->p : NULL;
}
