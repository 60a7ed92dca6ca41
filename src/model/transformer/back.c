/* SPDX-License-Identifier: MIT */
/* The way back from the outside: its rows and memory, its steps, and what it leaves. */
#include "src/model/transformer/back.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows and memory */

/* The rows of images first to first + batch - 1. */
static void back_pack(const struct packing *all, int first, int batch, struct packing *out)
{
    int from = all->start[first];
    *out = (struct packing){.batch = batch, .width = all->width,
                            .rows = all->start[first + batch] - from};
    out->start = xcalloc((size_t)batch + 1, sizeof *out->start);
    out->pos = xcalloc((size_t)out->rows + 1, sizeof *out->pos);
    for (int b = 0; b <= batch; b++)
        out->start[b] = all->start[first + b] - from;
    memcpy(out->pos, all->pos + from, (size_t)out->rows * sizeof *out->pos);
}

/* When this fails there is nothing to close. */
static int back_open(struct back *b, struct tape *tape, const struct net_target *target,
                     const struct net_back_want *want, struct vs_err *err)
{
    struct activations *t = b->t = activations_of(tape);
    int all = b->s[0].kept->batch;
    b->target = target;
    b->want = want;
    b->start = vs_now_ms();
    b->in.batch = net_target_images(target, all, &b->first);
    if (b->first < 0 || b->first + b->in.batch > all)
        return vs_fail(err, VS_E_FORMAT, "image or pair %d: the pass has %d images", target->b,
                       all);
    struct trace *trace = xcalloc(1, sizeof *trace);
    *trace = (struct trace){.batch = b->in.batch, .tokens = t->tokens, .regions = t->regions};
    *b->run = (struct forward){.k = t->core->k, .ops = kern_table(t->core->k), .in = &b->in,
                               .want = &b->none, .trace = trace, .memory = &t->core->memory,
                               .err = err};
    kern_use(b->run->k, t->core->set);
    for (int i = 0; i < b->streams; i++) {
        back_pack(b->s[i].kept, b->first, b->in.batch, &b->s[i].rows);
        b->s[i].at = b->s[i].kept->start[b->first];
    }
    return 0;
}

#define BACK_ROUND(n) (((n) + 15) & ~(size_t)15)

/* Numbers of rows: the first ones of the images of each stream, the seed's, the family's. */
static size_t back_list_size(const struct back *b, const struct back_room *room)
{
    return (size_t)b->streams * (size_t)b->in.batch + 1 + room->count;
}

/* Maps, inner states of a head, the seed and the numbers of rows. */
static int back_plan(struct back *b, const struct back_room *room)
{
    size_t seed = BACK_ROUND(back_seed_size(b)), inner = BACK_ROUND(room->inner);
    b->map_size = BACK_ROUND(room->maps);
    b->maps = kern_alloc(b->run->k, 2 * b->map_size + seed + 3 * inner + back_list_size(b, room));
    if (!b->maps)
        return vs_fail(b->run->err, VS_E_LIMIT, "no memory for gradients");
    b->inner[0] = b->maps + 2 * b->map_size;
    b->inner[1] = b->inner[0] + inner;
    b->inner[2] = b->inner[1] + inner;
    b->seed = b->inner[2] + inner;
    return 0;
}

/* The seed, and rows by number, in one copy. */
static int back_put(struct back *b, const struct back_room *room)
{
    size_t seed = BACK_ROUND(back_seed_size(b)), batch = (size_t)b->in.batch, at = seed;
    size_t all = seed + back_list_size(b, room);
    float *host = kern_stage(b->run->k, b->seed, all);
    memset(host, 0, seed * sizeof *host);
    back_fill_seed(b, host);
    for (int i = 0; i < b->streams; i++, at += batch) {
        memcpy(host + at, b->s[i].rows.start, batch * sizeof *host);
        b->s[i].firsts = (const int32_t *)(const void *)(b->seed + at);
    }
    memcpy(host + at, &b->seed_row, sizeof *host);
    b->chosen = (const int32_t *)(const void *)(b->seed + at);
    if (room->count > 0)
        memcpy(host + at + 1, room->lists, room->count * sizeof *host);
    b->lists = b->chosen + 1;
    return kern_put(b->run->k, b->seed, host, all) == 0
               ? 0
               : vs_fail(b->run->err, VS_E_LIMIT, "the device takes no input");
}

int back_start(struct back *b, int numbers, const struct back_room *room)
{
    b->numbers = b->t->heads & (unsigned)back_output(b)->head ? numbers : 0;
    int rc = back_check_target(b);
    if (rc == 0)
        rc = back_plan(b, room);
    if (rc == 0)
        rc = back_put(b, room);
    for (int i = 0; i < b->streams; i++)
        b->s[i].d = b->s[i].x;
    kern_begin(b->run->k);
    return rc;
}

/* ---- steps */

int back_need(struct back *b, int i)
{
    if (tape_has(b->t, i))
        return 0;
    kern_end(b->run->k);
    int rc = tape_need(b->t, i, b->want->cancel, b->run->err);
    kern_begin(b->run->k);
    return rc;
}

static int back_steps(struct back *b, int (*step)(struct back *b, const struct tape_step *s))
{
    int rc = 0;
    for (int i = b->t->all - 1; i >= 0 && rc == 0; i--) {
        if (b->want->cancel && atomic_load(b->want->cancel))
            return vs_fail(b->run->err, VS_E_CANCELLED, "cancelled");
        rc = back_need(b, i);
        if (rc == 0)
            rc = step(b, &b->t->steps[i]);
    }
    for (int i = 0; i < b->streams && rc == 0; i++)
        rc = back_keep(b, &b->s[i], TRACE_STATE, PART_EMBEDDINGS, 0);
    return rc;
}

/* ---- what it leaves */

static int back_add_zeros(struct back *b, const struct packing *rows, int n, struct trace_at at)
{
    int64_t shape[3] = {rows->batch, rows->width, n};
    return trace_add(b->run->trace, at, 3, shape)
               ? 0
               : vs_fail(b->run->err, VS_E_LIMIT, "no memory for gradients");
}

int back_keep(struct back *b, struct back_stream *s, enum trace_kind kind, enum net_part part,
              int layer)
{
    struct trace_at at = {kind, (int)part, s->name, layer};
    int n = s->width;
    const float *d = s->d;
    if (!(kind == TRACE_STATE ? b->want->hidden : b->want->added))
        return 0;
    if (!s->live)
        return back_add_zeros(b, &s->rows, n, at);
    if (s->cut) { /* the memory of attention's output is free until the layer runs */
        struct kern_scatter_rows spread = {d, n, s->firsts, s->read, n, s->rows.batch,
                                           s->rows.rows, n};
        b->run->ops->scatter_rows(b->run->k, &spread);
        d = s->read;
    }
    return forward_keep(b->run, &s->rows, d, n, at);
}

int back_keep_input(struct back *b, const struct packing *rows, const float *d, int n,
                    enum trace_input what)
{
    struct trace_at at = {.kind = TRACE_INPUT, .site = (int)what};
    return d ? forward_keep(b->run, rows, d, n, at) : back_add_zeros(b, rows, n, at);
}

/* The places of a stream's row of image b that is padding: 0 in x (images, outer, places, inner),
 * which has those from `from` on. Padding is computed where an image begins with it, as the first
 * row is pooled whatever it is; derivatives of padding never count. */
static void back_clear(const struct back *b, const struct back_stream *s, float *x, size_t outer,
                       size_t inner, int from, int64_t places)
{
    const struct packing *k = s->kept;
    for (int image = 0; k->bias && image < b->in.batch; image++) {
        float *at = x + (size_t)image * outer * (size_t)places * inner;
        for (int r = k->start[b->first + image]; r < k->start[b->first + image + 1]; r++) {
            int place = k->pos[r] - from;
            bool here = k->bias[r] != 0 && place >= 0 && place < places;
            for (size_t o = 0; here && o < outer; o++)
                memset(at + (o * (size_t)places + (size_t)place) * inner, 0, inner * sizeof *at);
        }
    }
}

/* The rows of a kind, in the stream that has them. */
static void back_clear_rows(const struct back *b, const struct trace_tensor *x, bool tokens)
{
    for (int i = 0; i < b->streams; i++) {
        const struct stream_names *n = &stream_table[b->s[i].name];
        if (tokens ? n->tokens : n->regions)
            back_clear(b, &b->s[i], x->data, 1, (size_t)x->shape[2],
                       !tokens && n->tokens ? b->t->tokens : 0, x->shape[1]);
    }
}

static void back_clear_padding(struct back *b)
{
    for (int j = 0; j < b->run->trace->count; j++) {
        const struct trace_tensor *x = &b->run->trace->tensors[j];
        const size_t n[4] = {0, (size_t)x->shape[1], (size_t)x->shape[2], (size_t)x->shape[3]};
        if (x->at.kind == TRACE_MAP) {
            const struct attn_names *map = &attn_table[x->at.site];
            back_clear(b, back_stream_of(b, map->from), x->data, n[1], n[3], 0, x->shape[2]);
            back_clear(b, back_stream_of(b, map->to), x->data, n[1] * n[2], 1, 0, x->shape[3]);
        } else if (x->at.kind != TRACE_INPUT) {
            back_clear(b, back_stream_of(b, x->at.stream), x->data, 1, n[2], 0, x->shape[1]);
        } else {
            back_clear_rows(b, x, x->at.site == INPUT_TOKENS);
        }
    }
}

static int back_check_finite(const struct back *b, int rc)
{
    const struct trace_tensor *bad = rc == 0 ? trace_not_finite(b->run->trace) : NULL;
    char name[TRACE_NAME];
    return bad ? vs_fail(b->run->err, VS_E_DIVERGED, "%s: the gradient of %s is NaN or infinite, "
                         "though the pass was not", b->t->core->bound.path,
                         trace_name(bad->at, name))
               : rc;
}

/* Makes *out, or fails with rc or an error of its own. */
static int back_close(struct back *b, int rc, struct trace **out)
{
    struct trace *trace = b->run->trace;
    rc = forward_finish(b->run, rc);
    if (rc == 0 && !b->want->padding)
        back_clear_padding(b);
    rc = back_check_finite(b, rc);
    rc = core_check_files(b->t->core, rc, b->run->err);
    kern_free(b->run->k, b->maps);
    for (int i = 0; i < b->streams; i++)
        packing_fini(&b->s[i].rows);
    trace->ms = vs_now_ms() - b->start;
    if (rc == 0)
        *out = trace;
    else
        trace_free(trace);
    return rc;
}

int back_run(struct back *b, const struct back_family *f, struct tape *tape,
             const struct net_target *target, const struct net_back_want *want, struct trace **out,
             struct vs_err *err)
{
    int rc = back_open(b, tape, target, want, err);
    if (rc != 0)
        return rc;
    rc = f->start(b);
    if (rc == 0)
        rc = f->heads(b);
    if (rc == 0)
        rc = back_steps(b, f->step);
    if (rc == 0 && want->inputs)
        rc = f->inputs(b);
    return back_close(b, rc, out);
}
