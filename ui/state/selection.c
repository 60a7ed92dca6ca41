/* SPDX-License-Identifier: MIT */
/* What is chosen. */
#include "ui/state/selection.h"

#include "src/base/mem.h"

#include <stdlib.h>

struct selection {
    struct chosen now;
    unsigned changes;
};

struct selection *selection_new(enum attn_kind map)
{
    struct selection *s = xcalloc(1, sizeof *s);
    s->now = (struct chosen){.slice.kind = map, .token = -1, .region = -1};
    s->now.slice.depth = 1 << 20; /* the last one */
    for (int k = 0; k < ATTN_COUNT; k++) {
        s->now.slice.head[k] = LOOK_MEAN;
        s->now.column[k] = -1;
    }
    return s;
}

void selection_free(struct selection *s)
{
    free(s);
}

const struct chosen *selection_chosen(const struct selection *s)
{
    return &s->now;
}

unsigned selection_changes(const struct selection *s)
{
    return s->changes;
}

bool slice_equal(const struct slice *a, const struct slice *b)
{
    bool same = a->kind == b->kind && a->depth == b->depth && a->method == b->method;
    for (int k = 0; k < ATTN_COUNT; k++)
        same = same && a->layer[k] == b->layer[k] && a->head[k] == b->head[k];
    return same;
}

void slice_choose(struct slice *x, enum attn_kind kind, int layer, int head)
{
    x->kind = kind;
    x->method = NULL;
    x->layer[kind] = layer;
    x->head[kind] = head;
}

static bool chosen_equal(const struct chosen *a, const struct chosen *b)
{
    bool same = slice_equal(&a->slice, &b->slice) && a->token == b->token &&
                a->region == b->region && a->rank == b->rank && a->overlay == b->overlay &&
                a->begun == b->begun;
    for (int k = 0; k < ATTN_COUNT; k++)
        same = same && a->column[k] == b->column[k];
    return same;
}

void selection_set(struct selection *s, const struct chosen *next)
{
    if (chosen_equal(&s->now, next))
        return;
    s->now = *next;
    s->changes++;
}

/* ---- one thing */

void selection_token(struct selection *s, int token)
{
    struct chosen next = s->now;
    next.token = token;
    selection_set(s, &next);
}

void selection_region(struct selection *s, int region)
{
    struct chosen next = s->now;
    next.region = region;
    selection_set(s, &next);
}

void selection_rank(struct selection *s, int rank)
{
    struct chosen next = s->now;
    next.rank = rank;
    selection_set(s, &next);
}

void selection_column(struct selection *s, enum attn_kind kind, int column)
{
    struct chosen next = s->now;
    next.column[kind] = column;
    selection_set(s, &next);
}

void selection_overlay(struct selection *s, bool on)
{
    struct chosen next = s->now;
    next.overlay = on;
    selection_set(s, &next);
}

void selection_slice(struct selection *s, const struct slice *x)
{
    struct chosen next = s->now;
    next.slice = *x;
    selection_set(s, &next);
}

void selection_look(struct selection *s, int token)
{
    struct chosen next = s->now;
    next.token = token;
    next.overlay = token >= 0 || next.slice.method;
    selection_set(s, &next);
}

void selection_clear(struct selection *s)
{
    struct chosen next = s->now;
    next.token = next.region = -1;
    next.slice.method = NULL;
    next.overlay = false;
    selection_set(s, &next);
}
