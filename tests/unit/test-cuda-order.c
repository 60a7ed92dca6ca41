/* SPDX-License-Identifier: MIT */
/* What calls read and write (kernels/cuda/areas.c), and which wait for which (order.c).
 *
 * Each operation of the table runs twice: as it is, and once more with all device memory outside
 * of its areas full of NaN. What it wrote has to be the same, and nothing else may have changed. An
 * area that is missing, too small or of the wrong pitch breaks it. */
#include "fakegpu.h"
#include "kernels/cuda/areas.h"
#include "kernels/cuda/order.h"
#include "ops.h"

#include <stdlib.h>

#define NOTHING 0x7fc0dead /* a NaN that nobody reads */

/* ---- areas against what kernels do */

#define BLOCKS 256

struct copy {
    uint32_t *at, *words;
    unsigned char *mark; /* of each word: READ, WRITTEN, or 0 */
    size_t count;
};
enum { READ = 1, WRITTEN };

static struct copy copies[BLOCKS];
static int copy_count, watched, unknown, outside, differs;

static void take_copies(void)
{
    size_t bytes;
    uint32_t *p;
    copy_count = 0;
    for (int i = 0; i < BLOCKS && (p = fakecuda_block(i, &bytes)); i++) {
        struct copy c = {.at = p, .count = bytes / 4};
        c.words = malloc(c.count * 4 + 4);
        c.mark = calloc(c.count + 1, 1);
        if (!c.words || !c.mark)
            abort();
        memcpy(c.words, p, c.count * 4);
        copies[copy_count++] = c;
    }
}

static void free_copies(void)
{
    for (int i = 0; i < copy_count; i++) {
        free(copies[i].words);
        free(copies[i].mark);
    }
}

static struct copy *copy_of(const void *p)
{
    for (int i = 0; i < copy_count; i++)
        if ((uintptr_t)p >= (uintptr_t)copies[i].at &&
            (uintptr_t)p < (uintptr_t)(copies[i].at + copies[i].count))
            return &copies[i];
    return NULL;
}

static void mark_row(const float *at, int64_t width, unsigned char how)
{
    struct copy *c = copy_of(at);
    size_t from = c ? (size_t)((const uint32_t *)(const void *)at - c->at) : 0;
    for (int64_t i = 0; c && i < width && from + (size_t)i < c->count; i++)
        if (c->mark[from + (size_t)i] < how)
            c->mark[from + (size_t)i] = how;
}

static void mark_all(const void *p)
{
    struct copy *c = copy_of(p);
    for (size_t i = 0; c && i < c->count; i++)
        c->mark[i] = c->mark[i] ? c->mark[i] : READ;
}

static void mark_areas(const struct area *list, int count)
{
    for (int i = 0; i < count; i++)
        for (int64_t row = 0; row < list[i].rows; row++)
            mark_row(list[i].at + row * list[i].ld, list[i].width,
                     list[i].written ? WRITTEN : READ);
}

/* Fills all memory outside of the areas with NaN. */
static void hide_rest(void)
{
    for (int i = 0; i < copy_count; i++)
        for (size_t j = 0; j < copies[i].count; j++)
            if (!copies[i].mark[j])
                copies[i].at[j] = NOTHING;
}

/* Puts every word of memory back, those that were written as they came. */
static void put_back(void)
{
    for (int i = 0; i < copy_count; i++)
        memcpy(copies[i].at, copies[i].words, copies[i].count * sizeof *copies[i].at);
}

/* Remembers what was written; counts words that were though they are in no area. */
static void keep_written(void)
{
    for (int i = 0; i < copy_count; i++)
        for (size_t j = 0; j < copies[i].count; j++) {
            struct copy *c = &copies[i];
            uint32_t now = c->at[j];
            outside += now != c->words[j] && c->mark[j] != WRITTEN;
            c->at[j] = c->words[j];
            if (c->mark[j] == WRITTEN)
                c->words[j] = now;
        }
}

static void compare_written(void)
{
    for (int i = 0; i < copy_count; i++)
        for (size_t j = 0; j < copies[i].count; j++)
            differs += copies[i].mark[j] == WRITTEN && copies[i].at[j] != copies[i].words[j];
}

static int areas_now(const struct cuda_launch *l, const struct cuda_gemm *g, struct area *areas)
{
    unsigned char blob[sizeof(union kernel_args) + sizeof(struct cuda_gemm)] = {0};
    struct call c = {.kernel = l ? l->kernel : -1,
                     .size = l ? sizeof l->args : sizeof *g};
    struct program p = {.calls = &c, .count = 1, .blob = blob};
    memcpy(blob, l ? (const void *)&l->args : (const void *)g, c.size);
    if (l)
        memcpy(c.grid, l->grid, sizeof c.grid);
    return areas_of(&p, &c, areas);
}

static void watch(const struct cuda_launch *l, const struct cuda_gemm *g)
{
    struct area areas[AREAS_MOST];
    int before_outside = outside, before_differs = differs;
    int count = areas_now(l, g, areas);
    watched += count >= 0;
    unknown += count < 0;
    if (count < 0) {
        fakecuda_run(l, g);
        return;
    }
    take_copies();
    mark_areas(areas, count);
    for (int i = 0; l && l->kernel == KERNEL_embed && i < 3; i++)
        mark_all(l->args.embed.table[i]);
    fakecuda_run(l, g);
    keep_written();  /* memory is as it was before, the copies have what comes of it */
    hide_rest();
    fakecuda_run(l, g);
    compare_written();
    put_back();
    if (outside != before_outside || differs != before_differs)
        tap_note("%s: %d words outside, %d differ", l ? simt_names[l->kernel] : "product",
                 outside - before_outside, differs - before_differs);
    free_copies();
}

static void check_areas(struct kern *ref)
{
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    if (!k)
        return;
    fakecuda.watch = watch;
    ops_check(k, ref, false);
    ok(outside == 0, "nothing is written outside of what a call says (%d words)", outside);
    ok(differs == 0, "nor read (%d words differ)", differs);
    ok(watched > 100 && unknown > 0, "%d calls were watched, %d are not known so well", watched,
       unknown);
    fakecuda.watch = NULL;
    fakegpu_close(k, "areas");
}

/* ---- whether areas meet, against all their numbers */

static bool meet_slowly(const struct area *a, const struct area *b)
{
    for (int64_t i = 0; i < a->rows * b->rows; i++) {
        const float *p = a->at + i % a->rows * a->ld, *q = b->at + i / a->rows * b->ld;
        if (p < q + b->width && q < p + a->width)
            return true;
    }
    return false;
}

static void check_meeting(void)
{
    static float memory[4096];
    uint32_t seed = 7;
    int missed = 0, needless = 0, apart = 0;
    for (int n = 0; n < 40000; n++) {
        struct area x[2];
        int64_t ld = 0;
        for (int i = 0; i < 2; i++) {
            int v[4];
            for (int j = 0; j < 4; j++) {
                seed = seed * 1664525u + 1013904223u;
                v[j] = (int)(seed >> 12);
            }
            ld = i && n % 2 ? ld : 1 + v[0] % 12; /* every other time of one pitch */
            x[i] = (struct area){memory + 1000 + v[1] % 60, ld, 1 + v[2] % 6, 1 + v[3] % (ld + 2),
                                 true};
        }
        bool meet = meet_slowly(&x[0], &x[1]), said = areas_meet(&x[0], &x[1]);
        missed += meet && !said;
        needless += !meet && said && x[0].ld == x[1].ld && x[0].width <= ld && x[1].width <= ld;
        apart += !meet && !said;
    }
    ok(missed == 0, "areas that meet are said to (%d are not)", missed);
    ok(apart > 4000 && needless * 10 < apart, "%d are apart and said to be; needlessly joined: %d",
       apart, needless);
}

/* ---- which calls wait for which */

static void push_add(struct gpu *g, const float *a, const float *b, float *y)
{
    int dims[3] = {0, 64, 1};
    struct binary_args *o = gpu_push_flat(g, KERNEL_binary, "add", dims, 64, sizeof *o);
    if (o)
        *o = (struct binary_args){a, b, y, 64, 1, 0};
}

static bool waits(const struct order *o, int i, int j)
{
    for (int n = o->first[i]; n < o->first[i + 1]; n++)
        if (o->before[n] == j)
            return true;
    return false;
}

static void check_order(void)
{
    struct order o;
    float *m[8];
    fakecuda_reset();
    struct kern *k = fakegpu_open("cuda");
    if (!k)
        return;
    for (int i = 0; i < 8; i++)
        m[i] = kern_alloc(k, 64);
    kern_begin(k);
    push_add(k->gpu, m[0], m[0], m[1]); /* 0 */
    push_add(k->gpu, m[0], m[0], m[2]); /* 1: beside 0 */
    push_add(k->gpu, m[1], m[2], m[3]); /* 2: after both */
    push_add(k->gpu, m[3], m[1], m[4]); /* 3: after 2, and so after 0 */
    push_add(k->gpu, m[5], m[5], m[6]); /* 4: beside all */
    push_add(k->gpu, m[6], m[6], m[2]); /* 5: after 4, and 2, which reads what it overwrites */
    bool good = order_init(&o, &k->gpu->now);
    ok(good && o.first[2] == 0, "two that only read the same wait for nothing");
    ok(good && waits(&o, 2, 0) && waits(&o, 2, 1) && o.first[3] - o.first[2] == 2, "a join");
    ok(good && waits(&o, 3, 2) && o.first[4] - o.first[3] == 1, "what is waited for by way of "
       "another is not said again");
    ok(good && o.first[5] == o.first[4], "another branch");
    ok(good && waits(&o, 5, 4) && waits(&o, 5, 2) && !waits(&o, 5, 1), "what is overwritten was "
       "read before");
    ok(good && o.depth == 3, "the longest chain has %d calls", good ? o.depth : 0);
    if (good)
        order_fini(&o);
    fakecuda_reset();
    kern_end(k);
    for (int i = 0; i < 8; i++)
        kern_free(k, m[i]);
    fakegpu_close(k, "order");
}

int main(void)
{
    struct kern *ref;
    char why[256];
    if (!ok(kern_open("ref", 1, &ref, why, sizeof why) == 0, "ref opens"))
        return tap_done();
    check_areas(ref);
    check_meeting();
    check_order();
    kern_close(ref);
    return tap_done();
}
