/* SPDX-License-Identifier: MIT */
/* Streams and graphs of the fake CUDA: a stream is a queue that runs only when somebody waits for
 * it; a graph is a list that says which of its operations waits for which, and runs in every order
 * that this allows, in turns. */
#include "fakecuda_priv.h"

#include <stdlib.h>
#include <string.h>

/* A longer row for each, and a row more. */
static void grow_before(struct list *l, int room)
{
    unsigned char *more = calloc((size_t)room, (size_t)room);
    if (!more)
        abort();
    for (int i = 0; i < l->count; i++)
        memcpy(more + (size_t)i * (size_t)room, l->before + (size_t)i * (size_t)l->room,
               (size_t)l->count);
    free(l->before);
    l->before = more;
}

/* What the last operation of a capture waits for. */
static void note_before(struct context *c, struct list *l)
{
    int i = l->count - 1, previous = i - 1;
    size_t room = (size_t)l->room;
    unsigned char *row = l->before + (size_t)i * room;
    for (int a = 0; a < (c->parted ? c->after_count : i > 0); a++) {
        int j = c->parted ? c->after[a] : previous;
        row[j] = 1;
        for (int b = 0; b < j; b++)
            row[b] |= l->before[(size_t)j * room + (size_t)b];
    }
    c->parted = false;
}

int fake_enqueue(struct context *c, const struct op *op)
{
    struct list *l = c->capturing ? c->capturing : &c->queue;
    if (l->count == l->room) {
        int room = l->room ? 2 * l->room : 64;
        if (c->capturing)
            grow_before(l, room);
        l->room = room;
        l->ops = realloc(l->ops, (size_t)l->room * sizeof *l->ops);
        if (!l->ops)
            abort();
    }
    l->ops[l->count++] = *op;
    if (c->capturing)
        note_before(c, l);
    return 0;
}

static void run_copy(const struct op *op)
{
    long at = fake_find_unwritten(op->src, op->bytes);
    if (at >= 0)
        fake_bad("word %ld of %zu bytes that are %s was never written", at, op->bytes,
                 op->kind == SEND ? "sent" : "fetched");
    memcpy(op->dst, op->src, op->bytes);
}

void fakecuda_run(const struct cuda_launch *l, const struct cuda_gemm *g)
{
    const char *why = l ? simt_run(l, fakecuda.backwards) : NULL;
    if (why)
        fake_bad("%s", why);
    if (g)
        fake_product(g);
}

static void run_launch(struct context *c, const struct cuda_launch *l)
{
    if (fakecuda.die_launch > 0 && --fakecuda.die_launch == 0) {
        c->died = fakecuda.die_code ? fakecuda.die_code : FAKE_DIED;
        return;
    }
    if (fakecuda.watch)
        fakecuda.watch(l, NULL);
    else
        fakecuda_run(l, NULL);
}

static void run_op(struct context *c, const struct op *op);

static bool may_run(const struct list *l, const bool *ran, int i)
{
    bool may = !ran[i];
    for (int j = 0; j < i && may; j++)
        may = ran[j] || !l->before[(size_t)i * (size_t)l->room + (size_t)j];
    return may;
}

/* In an order that the graph allows: as it was given, as late as can be, or by chance, in turns. */
static void run_graph(struct context *c, const struct list *l)
{
    bool *ran = calloc((size_t)l->count + 1, sizeof *ran);
    uint32_t seed = (uint32_t)fakecuda.replays * 2654435761u + 12345;
    if (!ran)
        abort();
    for (int done = 0; done < l->count; done++) {
        int chosen = -1, seen = 0;
        for (int i = 0; i < l->count; i++) {
            if (!may_run(l, ran, i))
                continue;
            seed = seed * 1664525u + 1013904223u;
            seen++;
            if (chosen < 0 || fakecuda.replays % 3 == 1 ||
                (fakecuda.replays % 3 == 2 && (seed >> 8) % (uint32_t)seen == 0))
                chosen = i;
        }
        ran[chosen] = true;
        run_op(c, &l->ops[chosen]);
    }
    free(ran);
}

static void run_op(struct context *c, const struct op *op)
{
    if (c->died)
        return;
    switch (op->kind) {
    case SEND: case FETCH: run_copy(op); break;
    case CLEAR: memset(op->dst, 0, op->bytes); break;
    case MARK: break;
    case LAUNCH: run_launch(c, &op->launch); break;
    case GEMM:
        if (fakecuda.watch)
            fakecuda.watch(NULL, &op->gemm);
        else
            fakecuda_run(NULL, &op->gemm);
        break;
    case REPLAY:
        run_graph(c, op->graph);
        break;
    }
}

/* The first count of what waits. */
int fake_run_queue(struct context *c, int count)
{
    struct list *q = &c->queue;
    for (int i = 0; i < count; i++)
        run_op(c, &q->ops[i]);
    if (count > 0)
        memmove(q->ops, q->ops + count, (size_t)(q->count - count) * sizeof *q->ops);
    q->count -= count;
    return c->died;
}

static int longest_chain(const struct list *l)
{
    int *level = calloc((size_t)l->count + 1, sizeof *level), longest = 0;
    if (!level)
        abort();
    for (int i = 0; i < l->count; i++) {
        level[i] = 1;
        for (int j = 0; j < i; j++)
            if (l->before[(size_t)i * (size_t)l->room + (size_t)j] && level[j] >= level[i])
                level[i] = level[j] + 1;
        longest = level[i] > longest ? level[i] : longest;
    }
    free(level);
    return longest;
}

/* Two products that may run beside each other would write into one workspace. */
void fake_check_graph(const struct list *l)
{
    fakecuda.depth = longest_chain(l);
    for (int i = 0; i < l->count; i++)
        for (int j = 0; j < i; j++)
            if (l->ops[i].kind == GEMM && l->ops[j].kind == GEMM &&
                l->ops[i].slot == l->ops[j].slot &&
                !l->before[(size_t)i * (size_t)l->room + (size_t)j])
                fake_bad("products %d and %d have one workspace at one time", j, i);
}

void fake_list_free(struct list *l)
{
    if (l) {
        free(l->ops);
        free(l->before);
    }
    free(l);
}
