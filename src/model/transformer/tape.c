/* SPDX-License-Identifier: MIT */
/* Keeping activations: each layer of a recorded pass writes into memory of its own. */
#include "src/model/transformer/tape.h"

#include "kernels/pool.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory */

void tape_drop_spare(struct core *m)
{
    for (int i = 0; i < m->spare_count; i++)
        kern_free(m->k, m->spare[i].at);
    free(m->spare);
    m->spare = NULL;
    m->spare_count = 0;
}

/* All that a pass has kept; its memory is the next tape's, but for that of a batch. */
static void tape_forget(struct activations *t)
{
    if (t->block_count > 0) {
        tape_drop_spare(t->core);
        t->core->spare = t->blocks;
        t->core->spare_count = t->block_count;
    }
    if (t->in.batch > 1)
        tape_drop_spare(t->core);
    t->blocks = NULL;
    t->block_count = 0;
    t->tape.bytes = 0;
}

/* The last tape's block of this size, or NULL. */
static float *tape_take_spare(struct core *m, size_t n)
{
    for (int i = 0; i < m->spare_count; i++)
        if (m->spare[i].n == n) {
            float *at = m->spare[i].at;
            m->spare[i] = m->spare[--m->spare_count];
            return at;
        }
    return NULL;
}

/* n floats that live as long as the tape; NULL: no memory. */
static float *tape_room(struct activations *t, size_t n)
{
    bool over = t->most > 0 && n > (t->most - t->tape.bytes) / sizeof(float);
    t->over |= over;
    float *at = over ? NULL : tape_take_spare(t->core, n);
    if (!at && !over)
        at = kern_alloc(t->core->k, n + 1);
    if (!at)
        return NULL;
    t->blocks = xreallocarray(t->blocks, (size_t)t->block_count + 1, sizeof *t->blocks);
    t->blocks[t->block_count++] = (struct tape_block){at, n};
    t->tape.bytes += n * sizeof *at;
    return at;
}

/* For the step that was begun last. */
static float *tape_step_room(struct activations *t, size_t n)
{
    float *at = NULL;
    t->wanted = forward_most(t->wanted, n);
    if (!t->slab) {
        at = tape_room(t, n);
        t->stepped += at ? n : 0;
    } else if (n <= t->slab_size) {
        if (n > t->slab_size - t->slab_used) {
            t->slab_used = 0;
            t->from = t->count - 1;
        }
        at = t->slab + t->slab_used;
        t->slab_used += n;
    } else {
        t->over |= t->most > 0;
    }
    t->full |= !at;
    return at;
}

#define TAPE_ROUND(n) (((n) + 15) & ~(size_t)15)

static size_t tape_pieces_size(const struct tape_piece *list, int count)
{
    size_t all = 0;
    for (int i = 0; i < count; i++)
        all += TAPE_ROUND(list[i].size);
    return all;
}

static void tape_share(float *at, const struct tape_piece *list, int count)
{
    for (int i = 0; i < count; i++) {
        *list[i].at = list[i].size > 0 ? at : NULL;
        at += TAPE_ROUND(list[i].size);
    }
}

static int tape_no_memory(const struct activations *t, struct vs_err *err)
{
    if (t->most > 0 && t->wanted > t->most / sizeof(float))
        return vs_fail(err, VS_E_LIMIT, "a layer's activations, which gradients need, are %.3f MB, "
                       "more than the %.3f MB that may be kept; use fewer regions",
                       (double)(t->wanted * sizeof(float)) / (1 << 20),
                       (double)t->most / (1 << 20));
    return vs_fail(err, VS_E_LIMIT, "no memory for the activations that gradients need, %zu MB of "
                   "them so far; use fewer regions or a device with more memory",
                   (t->tape.bytes + t->slab_size * sizeof(float)) >> 20);
}

int tape_take(struct activations *t, const struct tape_piece *list, int count, struct vs_err *err)
{
    if (t->stop >= 0) /* it is there, and becomes what it was */
        return 0;
    float *at = tape_room(t, tape_pieces_size(list, count));
    if (!at)
        return tape_no_memory(t, err);
    tape_share(at, list, count);
    return 0;
}

/* ---- layers */

void tape_begin_pass(struct activations *t)
{
    if (t->stop < 0)
        tape_forget(t);
    t->count = t->from = 0;
    t->stepped = t->slab_used = 0;
    t->full = t->over = false;
}

int tape_add_step(struct activations *t, enum net_part part, int number, const void *w,
                  struct tape_step **out)
{
    if (t->count == t->stop)
        return TAPE_ENOUGH;
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 32;
        t->steps = xreallocarray(t->steps, (size_t)t->room, sizeof *t->steps);
    }
    *out = &t->steps[t->count++];
    **out = (struct tape_step){.part = part, .number = number, .w = w};
    return 0;
}

#define TAPE_PIECES 8

/* What of a stream is kept. */
static void tape_list(struct tape_layer *l, const struct stream *s, const struct tape_shape *shape,
                      struct tape_piece list[TAPE_PIECES])
{
    int images = s->rows->batch;
    size_t all = (size_t)s->rows->rows, n = l->first ? (size_t)images : all;
    size_t read = l->read ? n : 0, width = (size_t)shape->width;
    size_t map = l->read ? tape_map_size(s->rows, shape->to, shape->heads, l->first, images) : 0;
    const struct tape_piece pieces[TAPE_PIECES] = {
        {&l->q, read * width}, {&l->k, all * width}, {&l->v, all * width}, {&l->map, map},
        {&l->attended, read * (size_t)s->hidden}, {&l->inner, read * (size_t)shape->inner},
        {&l->fed, read * (size_t)s->hidden}, {&l->gate, shape->gate},
    };
    memcpy(list, pieces, sizeof pieces);
}

static void tape_redirect(struct stream *s, struct tape_layer *l)
{
    s->q = l->q;
    s->k = l->k;
    s->v = l->v;
    s->attended = l->attended;
    s->fed = l->fed;
    s->inner = l->inner;
    s->kept = l;
}

int tape_keep(struct activations *t, struct tape_step *step, struct stream *s,
              const struct tape_shape *shape, int sides, struct vs_err *err)
{
    struct tape_piece list[2 * TAPE_PIECES];
    for (int i = 0; i < sides; i++)
        tape_list(&step->side[i], &s[i], &shape[i], list + i * TAPE_PIECES);
    float *at = tape_step_room(t, tape_pieces_size(list, sides * TAPE_PIECES));
    if (!at)
        return tape_no_memory(t, err);
    tape_share(at, list, sides * TAPE_PIECES);
    for (int i = 0; i < sides; i++)
        tape_redirect(&s[i], &step->side[i]);
    return 0;
}

int tape_keep_layer(struct activations *t, const struct layer_w *w, struct stream *s, int number,
                    bool first, struct vs_err *err)
{
    struct tape_step *step = NULL;
    int rc = tape_add_step(t, attn_table[s->kind].part, number, w, &step);
    if (rc != 0)
        return rc;
    size_t gate = w->gate_q.w ? 2 * (size_t)s->rows->batch * (size_t)s->hidden : 0;
    const struct tape_shape shape = {s->rows, s->hidden, s->heads, w->ff_in.n, gate};
    step->side[0].first = first;
    step->side[0].read = true;
    return tape_keep(t, step, s, &shape, 1, err);
}

/* ---- token vectors */

int tape_end_pass(struct activations *t, struct forward *run, const struct packing *tokens,
                  const void *words, const void *tasks, int width)
{
    struct trace_at at = {.kind = TRACE_INPUT, .site = INPUT_TOKENS};
    const struct net_input *in = run->in;
    int64_t shape[3] = {in->batch, tokens->width, width};
    size_t n = (size_t)width, bytes = n * sizeof(float);
    float *out = trace_add(run->trace, at, 3, shape);
    if (!out)
        return vs_fail(run->err, VS_E_LIMIT, "no memory for token vectors");
    for (int b = 0; b < tokens->batch; b++)
        for (int r = tokens->start[b]; r < tokens->start[b + 1]; r++) {
            int place = tokens->pos[r], i = net_input_token(&t->core->net, place);
            size_t where = (size_t)b * (size_t)in->tokens + (size_t)(i < 0 ? 0 : i);
            const char *from = i < 0 ? (const char *)tasks + (size_t)in->task[b] * bytes
                               : in->words ? (const char *)(in->words + where * n)
                               : (const char *)words + (size_t)in->ids[where] * bytes;
            memcpy(out + ((size_t)b * (size_t)tokens->width + (size_t)place) * n, from, bytes);
        }
    t->tokens = run->trace->tokens;
    t->regions = run->trace->regions;
    return 0;
}

/* ---- a pass, and the same again */

struct forward_memory *tape_memory(struct core *m)
{
    return m->recording && m->recording->stop >= 0 ? &m->recording->memory : &m->memory;
}

void tape_init(struct activations *t, struct core *m, unsigned heads)
{
    t->tape.net = &m->net;
    t->core = m;
    t->heads = heads;
    t->stop = -1;
}

static const void *tape_copy(const void *from, size_t n, size_t size)
{
    char *to = from ? xcalloc(n + 1, size) : NULL;
    if (to)
        memcpy(to, from, n * size);
    return to;
}

/* What it is run on once more. */
static void tape_remember(struct activations *t, const struct net_input *in)
{
    const struct net_sizes *s = &t->core->net.sizes;
    size_t b = (size_t)in->batch, words = b * (size_t)in->tokens, rows = b * (size_t)in->regions;
    t->in.ids = tape_copy(in->ids, words, sizeof *in->ids);
    t->in.types = tape_copy(in->types, words, sizeof *in->types);
    t->in.text_mask = tape_copy(in->text_mask, words, sizeof *in->text_mask);
    t->in.features = tape_copy(in->features, rows * (size_t)s->features, sizeof *in->features);
    t->in.spatials = tape_copy(in->spatials, rows * 5, sizeof *in->spatials);
    t->in.image_mask = tape_copy(in->image_mask, rows, sizeof *in->image_mask);
    t->in.task = tape_copy(in->task, b, sizeof *in->task);
    t->in.words = tape_copy(in->words, words * (size_t)net_word_width(s), sizeof *in->words);
}

static void tape_forget_input(struct activations *t)
{
    const void *const list[] = {t->in.ids, t->in.types, t->in.text_mask, t->in.features,
                                t->in.spatials, t->in.image_mask, t->in.task, t->in.words};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        free((void *)(uintptr_t)list[i]);
}

void tape_fini(struct activations *t)
{
    struct kern *k = t->core->k;
    tape_forget(t);
    if (t->slab) {
        kern_free(k, t->slab);
        tape_drop_spare(t->core); /* memory was scarce */
    }
    tape_forget_input(t);
    forward_memory_fini(&t->memory, k);
    free(t->steps);
}

/* A block for the layers to share, as large as may be: of what they had before memory ended half,
 * as the way back needs some, too. False: that does not help. */
static bool tape_plan_slab(struct activations *t)
{
    struct kern *k = t->core->k;
    char why[256];
    size_t beside = t->tape.bytes / sizeof(float) - (t->slab ? 0 : t->stepped);
    size_t left = t->most / sizeof(float) - beside;
    size_t n = t->most ? left : forward_most(t->stepped / 2, t->wanted);
    bool grew = n > t->slab_size && n >= t->wanted;
    tape_forget(t);
    tape_drop_spare(t->core);
    kern_free(k, t->slab);
    t->slab = NULL;
    while (grew && (t->slab = kern_alloc(k, n)) == NULL && n > t->wanted)
        n = forward_most(n / 2, t->wanted);
    t->slab_size = t->slab ? n : 0;
    kern_finish(k, why, sizeof why); /* what had no memory is forgotten */
    return t->slab != NULL;
}

int tape_record(struct activations *t, const struct net_input *in, const struct net_want *want,
                struct tape **out, struct trace **trace, struct vs_err *err)
{
    struct core *m = t->core;
    m->recording = t;
    t->most = want->kept_most ? want->kept_most : kern_is_host(m->k) ? memory_usable() / 2 : 0;
    t->in = (struct net_input){.batch = in->batch, .tokens = in->tokens, .regions = in->regions};
    int rc = core_forward(m, in, want, trace, err);
    while (rc == VS_E_LIMIT && t->full && tape_plan_slab(t))
        rc = core_forward(m, in, want, trace, err);
    m->recording = NULL;
    if (want->kept_over)
        *want->kept_over = rc == VS_E_LIMIT && t->over;
    t->all = t->count;
    t->want = (struct net_want){.heads = t->heads, .hidden = want->hidden, .added = want->added,
                                .keep_padding = want->keep_padding};
    if (rc == 0 && t->slab) {
        tape_remember(t, in);
        t->tape.bytes += t->slab_size * sizeof(float);
    }
    if (rc == 0)
        *out = &t->tape;
    else
        t->tape.net->family->tape_free(&t->tape);
    return rc;
}

int tape_need(struct activations *t, int i, const atomic_bool *cancel, struct vs_err *err)
{
    struct core *m = t->core;
    struct trace *trace = NULL;
    if (tape_has(t, i))
        return 0;
    t->want.cancel = cancel;
    t->stop = i + 1;
    m->recording = t;
    int rc = m->once(m, &t->in, &t->want, false, &trace, err);
    m->recording = NULL;
    t->stop = -1;
    trace_free(trace);
    return rc == TAPE_ENOUGH ? 0 : rc;
}
