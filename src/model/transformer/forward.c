/* SPDX-License-Identifier: MIT */
/* The memory of a pass, and what comes back from the back end. */
#include "src/model/transformer/forward.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- states */

static size_t forward_room_of(size_t n)
{
    return (n + 31) & ~(size_t)15;
}

int forward_arena(struct forward *r, const struct forward_slice *list, size_t count)
{
    struct forward_memory *m = r->memory;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += forward_room_of(list[i].size);
    if (total > m->arena_size) {
        kern_free(r->k, m->arena);
        m->arena_size = 0;
        m->arena = kern_alloc(r->k, total);
        if (!m->arena)
            return vs_fail(r->err, VS_E_LIMIT, "no memory for %d images of %d tokens and %d "
                           "regions", r->in->batch, r->trace->tokens, r->trace->regions);
        m->arena_size = total;
    }
    float *at = m->arena;
    for (size_t i = 0; i < count; i++) {
        *list[i].at = at;
        at += forward_room_of(list[i].size);
    }
    return 0;
}

/* ---- what comes back */

#define SLOT 64 /* floats: results begin at multiples of them */

/* A block for results, the index-th. What lies between them comes back with them, though nobody
 * looks at it: it is written once, here. */
static void forward_block(struct forward_memory *m, struct kern *k, int index, size_t room)
{
    m->out[index] = kern_alloc(k, room);
    m->out_size[index] = room;
    if (m->out[index])
        kern_clear(k, m->out[index], room);
}

/* Room among the results on a device; NULL when there is none. */
static float *forward_slot(struct forward *r, size_t n)
{
    struct forward_memory *m = r->memory;
    size_t size = (n + SLOT) & ~(size_t)(SLOT - 1);
    if (r->out_used == 0 || r->out_used + size > m->out_size[r->out_block]) {
        int next = r->out_used == 0 ? 0 : r->out_block + 1;
        if (next == FORWARD_BLOCKS)
            return NULL;
        if (next == m->out_count) {
            forward_block(m, r->k, next, size + ((size_t)1 << (16 + next)));
            m->out_count += m->out[next] != NULL;
        }
        if (next == m->out_count || m->out_size[next] < size)
            return NULL;
        r->out_block = next;
        r->out_used = 0;
    }
    float *at = m->out[r->out_block] + r->out_used;
    r->out_used += size;
    return at;
}

static void later_rows(const struct later *l, const float *x)
{
    const struct packing *k = l->from;
    size_t width = (size_t)l->width;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            memcpy(l->to + ((size_t)b * (size_t)k->width + (size_t)k->pos[r]) * width,
                   x + (size_t)r * width, width * sizeof *x);
}

static void later_map(const struct later *l, const float *x)
{
    int b = l->b, tq = l->first ? 1 : rows_of(l->from, b), tk = rows_of(l->cols, b);
    const int *row = l->from->pos + l->from->start[b], *col = l->cols->pos + l->cols->start[b];
    for (int h = 0; h < l->heads; h++)
        for (int i = 0; i < tq; i++) {
            float *to = l->to + (((ptrdiff_t)b * l->heads + h) * l->from->width + row[i]) *
                                    l->cols->width;
            for (int j = 0; j < tk; j++)
                to[col[j]] = x[((ptrdiff_t)h * tq + i) * tk + j];
        }
}

/* One number for every row; padding gets -10000 added, or alone when it was not computed. */
static void later_column(const struct later *l, const float *x)
{
    const struct packing *k = l->from;
    for (int i = 0; l->masked && i < k->batch * k->width; i++)
        l->to[i] = PACKING_MASKED;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            l->to[b * k->width + k->pos[r]] = l->masked && k->bias ? x[r] + k->bias[r] : x[r];
}

static void later_take(const struct later *l, const float *x)
{
    switch (l->what) {
    case LATER_COPY: memcpy(l->to, x, l->n * sizeof *x); break;
    case LATER_ROWS: later_rows(l, x); break;
    case LATER_MAP: later_map(l, x); break;
    case LATER_COLUMN: later_column(l, x); break;
    }
}

void forward_later(struct forward *r, const struct later *l)
{
    if (kern_is_host(r->k)) {
        later_take(l, l->at);
        if (l->owned)
            free((void *)(uintptr_t)l->at);
        return;
    }
    r->later = xreallocarray(r->later, (size_t)r->later_count + 1, sizeof *r->later);
    r->later[r->later_count] = *l;
    r->later[r->later_count++].block = r->out_block;
}

float *forward_room(struct forward *r, size_t n)
{
    return kern_is_host(r->k) ? vs_try_calloc(n + 1, sizeof(float)) : forward_slot(r, n);
}

float *forward_out(struct forward *r, float *to, size_t n)
{
    if (kern_is_host(r->k))
        return to;
    struct later copy = {.what = LATER_COPY, .at = forward_slot(r, n), .n = n, .to = to};
    if (copy.at)
        forward_later(r, &copy);
    return (float *)(uintptr_t)copy.at;
}

const float *forward_hold(struct forward *r, const float *x, int rows, int n)
{
    if (kern_is_host(r->k))
        return x;
    float *to = forward_slot(r, (size_t)rows * (size_t)n);
    struct kern_gather_rows copy = {.x = x, .ldx = n, .y = to, .ldy = n, .m = rows, .n = n};
    if (to)
        r->ops->gather_rows(r->k, &copy);
    return to;
}

int forward_keep(struct forward *r, const struct packing *k, const float *x, int n,
                 struct trace_at at)
{
    char name[TRACE_NAME];
    int64_t shape[3] = {k->batch, k->width, n};
    struct later rows = {.what = LATER_ROWS, .from = k, .width = n,
                         .n = (size_t)k->rows * (size_t)n};
    rows.to = trace_add(r->trace, at, 3, shape);
    rows.at = rows.to ? forward_hold(r, x, k->rows, n) : NULL;
    if (!rows.at)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", trace_name(at, name));
    forward_later(r, &rows);
    return 0;
}

/* Block by block, each in one piece. */
static int later_collect(struct forward *r)
{
    struct forward_memory *m = r->memory;
    for (int i = 0, next = 0; i < r->later_count; i = next) {
        int block = r->later[i].block;
        size_t end = 0;
        for (next = i; next < r->later_count && r->later[next].block == block; next++) {
            size_t at = (size_t)(r->later[next].at - m->out[block]) + r->later[next].n;
            end = at > end ? at : end;
        }
        const float *host = kern_view(r->k, m->out[block], end);
        if (!host)
            return VS_E_LIMIT;
        for (int j = i; j < next; j++)
            later_take(&r->later[j], host + (r->later[j].at - m->out[block]));
    }
    return 0;
}

/* The next pass of this kind finds all its results in one block. */
static void forward_join_blocks(struct forward_memory *m, struct kern *k)
{
    size_t all = 0;
    if (m->out_count < 2)
        return;
    for (int i = 0; i < m->out_count; i++) {
        all += m->out_size[i];
        kern_free(k, m->out[i]);
    }
    forward_block(m, k, 0, all);
    m->out_count = m->out[0] != NULL;
}

int forward_finish(struct forward *r, int rc)
{
    char why[256];
    kern_end(r->k);
    if (rc == 0)
        rc = later_collect(r);
    if (kern_finish(r->k, why, sizeof why) != 0) /* says more than what followed from it */
        rc = vs_fail(r->err, VS_E_LIMIT, "%s", why);
    forward_join_blocks(r->memory, r->k);
    free(r->later);
    return rc;
}

void forward_memory_fini(struct forward_memory *m, struct kern *k)
{
    kern_free(k, m->arena);
    kern_free(k, m->given);
    for (int i = 0; i < m->out_count; i++)
        kern_free(k, m->out[i]);
}

size_t forward_memory_bytes(const struct forward_memory *m)
{
    size_t numbers = m->arena_size + m->given_size;
    for (int i = 0; i < m->out_count; i++)
        numbers += m->out_size[i];
    return numbers * sizeof(float);
}

int forward_keep_state(struct forward *r, const struct packing *k, const float *x, int n,
                       enum net_part part, enum net_stream s, int layer)
{
    if (!r->want->hidden)
        return 0;
    return forward_keep(r, k, x, n, (struct trace_at){TRACE_STATE, (int)part, s, layer});
}

/* ---- states that others take the place of */

/* They lie one after the other, each of its stream's width. */
static size_t forward_given_size(const struct forward *r, const struct net_sizes *sizes)
{
    size_t n = 0;
    for (int i = 0; i < r->want->replaced_count; i++)
        n += (size_t)sizes->width[r->want->replaced[i].stream];
    return n;
}

int forward_give(struct forward *r, const struct net_sizes *sizes)
{
    struct forward_memory *m = r->memory;
    size_t n = forward_given_size(r, sizes), at = 0;
    r->sizes = sizes;
    if (n == 0)
        return 0;
    if (n > m->given_size) {
        kern_free(r->k, m->given);
        m->given = kern_alloc(r->k, n);
        m->given_size = m->given ? n : 0;
    }
    if (!m->given)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d states that are replaced",
                       r->want->replaced_count);
    float *host = kern_stage(r->k, m->given, n);
    for (int i = 0; i < r->want->replaced_count; i++) {
        const struct net_replaced *x = &r->want->replaced[i];
        size_t width = (size_t)sizes->width[x->stream];
        memcpy(host + at, x->with, width * sizeof *host);
        at += width;
    }
    return kern_put(r->k, m->given, host, n) == 0
               ? 0
               : vs_fail(r->err, VS_E_LIMIT, "the device takes no input");
}

static struct trace_at replaced_at(const struct net_replaced *x)
{
    return (struct trace_at){trace_of_site(x->site), (int)x->part, x->stream, x->layer};
}

/* The computed row of place `row` of image b; -1: it is not computed. */
static int replaced_row(const struct packing *k, int b, int row, bool first)
{
    for (int r = k->start[b]; r < (first ? k->start[b] + 1 : k->start[b + 1]); r++)
        if (k->pos[r] == row)
            return first ? b : r;
    return -1;
}

void forward_replace(struct forward *r, const struct packing *k, float *x, int n,
                     struct trace_at at, bool first)
{
    const float *with = r->memory->given;
    for (int i = 0; i < r->want->replaced_count; i++) {
        const struct net_replaced *one = &r->want->replaced[i];
        bool here = trace_at_same(replaced_at(one), at);
        int row = here ? replaced_row(k, one->b, one->row, first) : -1;
        struct kern_gather_rows copy = {.x = with, .ldx = n, .y = x + (ptrdiff_t)row * n,
                                        .ldy = n, .m = 1, .n = n};
        if (row >= 0)
            r->ops->gather_rows(r->k, &copy);
        with += r->sizes->width[one->stream];
    }
}

bool forward_is_apart(const struct forward *r, struct trace_at at)
{
    for (int i = 0; i < r->want->replaced_count; i++)
        if (trace_at_same(replaced_at(&r->want->replaced[i]), at))
            return true;
    return r->want->added;
}

/* ---- what is wanted of it */

int forward_check_cancel(const struct forward *r)
{
    if (r->want->cancel && atomic_load(r->want->cancel))
        return vs_fail(r->err, VS_E_CANCELLED, "cancelled");
    return 0;
}

bool forward_is_averaged(const struct forward *r, enum attn_kind map, int layer)
{
    for (int i = 0; i < r->want->silence_count; i++) {
        const struct net_silence *s = &r->want->silences[i];
        if (s->how == KERN_MEAN && s->map == map && s->layer == layer)
            return true;
    }
    return false;
}
