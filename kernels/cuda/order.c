/* SPDX-License-Identifier: MIT */
/* A recorded program is a list; most of its calls need only few of those before them (query, key
 * and value of each other: none). What waits for what follows from what each call reads and
 * writes. */
#include "kernels/cuda/order.h"
#include "kernels/cuda/areas.h"

#include <stdlib.h>
#include <string.h>

/* Of the calls so far. reach: a bit for each pair, row i the calls that i waits for, directly or
 * not. */
struct graph_maker {
    struct order *o;
    struct area *areas;
    int *from;        /* areas of call i: from[i] to from[i + 1] - 1 */
    bool *everything; /* call i may read and write anything */
    int *level;       /* calls of the longest chain that ends with i */
    uint64_t *reach;
    size_t words;     /* of a row of reach */
    int area_room;
    int last[CUDA_SLOTS]; /* product of each slot, -1: none yet */
};

static bool reached(const struct graph_maker *m, int i, int j)
{
    return m->reach[(size_t)i * m->words + (size_t)j / 64] >> (j % 64) & 1;
}

/* Notes that i waits for j, and so for all that j waits for. */
static bool wait_for(struct graph_maker *m, int i, int j)
{
    struct order *o = m->o;
    uint64_t *row = m->reach + (size_t)i * m->words;
    if (o->first[i + 1] == o->room) {
        int room = 2 * o->room + 64;
        int *more = realloc(o->before, (size_t)room * sizeof *more);
        if (!more)
            return false;
        o->before = more;
        o->room = room;
    }
    o->before[o->first[i + 1]++] = j;
    for (size_t w = 0; w < m->words; w++)
        row[w] |= m->reach[(size_t)j * m->words + w];
    row[j / 64] |= (uint64_t)1 << (j % 64);
    m->level[i] = m->level[j] >= m->level[i] ? m->level[j] + 1 : m->level[i];
    return true;
}

static bool conflict(const struct graph_maker *m, int i, int j)
{
    if (m->everything[i] || m->everything[j])
        return true;
    for (int a = m->from[i]; a < m->from[i + 1]; a++)
        for (int b = m->from[j]; b < m->from[j + 1]; b++)
            if ((m->areas[a].written || m->areas[b].written) &&
                areas_meet(&m->areas[a], &m->areas[b]))
                return true;
    return false;
}

/* How well product i would take slot s. Best is one whose last product is waited for anyway, of
 * those the one that was used last, as the others are free for more calls; else the one whose
 * product is done first. */
static int fit(const struct graph_maker *m, int i, int s)
{
    int last = m->last[s];
    if (last < 0)
        return 0;
    return reached(m, i, last) ? last + 1 : -m->level[last];
}

static bool choose_slot(struct graph_maker *m, int i)
{
    int best = 0;
    for (int s = 1; s < CUDA_SLOTS; s++)
        best = fit(m, i, s) > fit(m, i, best) ? s : best;
    int last = m->last[best];
    m->o->slot[i] = best;
    m->last[best] = i;
    return last < 0 || reached(m, i, last) || wait_for(m, i, last);
}

static bool take_areas(struct graph_maker *m, const struct program *p, int i)
{
    int at = m->from[i];
    if (at + AREAS_MOST > m->area_room) {
        int room = 2 * m->area_room + AREAS_MOST;
        struct area *more = realloc(m->areas, (size_t)room * sizeof *more);
        if (!more)
            return false;
        m->areas = more;
        m->area_room = room;
    }
    int n = areas_of(p, &p->calls[i], m->areas + at);
    m->everything[i] = n < 0;
    m->from[i + 1] = at + (n > 0 ? n : 0);
    return true;
}

/* From the nearest call on: what that one waits for need not be looked at. */
static bool place(struct graph_maker *m, const struct program *p, int i)
{
    m->o->first[i + 1] = m->o->first[i];
    m->level[i] = 1;
    if (!take_areas(m, p, i))
        return false;
    for (int j = i - 1; j >= 0; j--)
        if (!reached(m, i, j) && conflict(m, i, j) && !wait_for(m, i, j))
            return false;
    if (p->calls[i].kernel < 0 && !choose_slot(m, i))
        return false;
    m->o->depth = m->level[i] > m->o->depth ? m->level[i] : m->o->depth;
    return true;
}

void order_fini(struct order *o)
{
    free(o->before);
    free(o->first);
    free(o->slot);
    *o = (struct order){0};
}

bool order_init(struct order *o, const struct program *p)
{
    size_t n = (size_t)p->count, words = (n + 63) / 64;
    struct graph_maker m = {.o = o, .words = words, .from = calloc(n + 1, sizeof *m.from),
                            .everything = calloc(n + 1, sizeof *m.everything),
                            .level = calloc(n + 1, sizeof *m.level),
                            .reach = calloc(n * words + 1, sizeof *m.reach)};
    memset(m.last, -1, sizeof m.last);
    *o = (struct order){.first = calloc(n + 1, sizeof *o->first),
                        .slot = calloc(n + 1, sizeof *o->slot)};
    bool good = m.from && m.everything && m.level && m.reach && o->first && o->slot;
    for (int i = 0; i < p->count && good; i++)
        good = place(&m, p, i);
    free(m.areas);
    free(m.from);
    free(m.everything);
    free(m.level);
    free(m.reach);
    if (!good)
        order_fini(o);
    return good;
}
