/* SPDX-License-Identifier: MIT */
/* Keeping activations: each layer of a recorded pass writes into memory of its own. */
#include "src/model/vilbert/tape.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct vilbert_tape *tape_new(struct vilbert *m, unsigned heads)
{
    struct vilbert_tape *t = xcalloc(1, sizeof *t);
    t->tape.net = &m->core.net;
    t->m = m;
    t->heads = heads;
    return t;
}

void tape_drop_spare(struct vilbert *m)
{
    for (int i = 0; i < m->spare_count; i++)
        kern_free(m->core.k, m->spare[i].at);
    free(m->spare);
    m->spare = NULL;
    m->spare_count = 0;
}

/* All that a pass has kept; its memory is the next tape's, but for that of a batch. */
static void tape_forget(struct vilbert_tape *t)
{
    if (t->block_count > 0) {
        tape_drop_spare(t->m);
        t->m->spare = t->blocks;
        t->m->spare_count = t->block_count;
    }
    if (t->rows[0].batch > 1)
        tape_drop_spare(t->m);
    for (int i = 0; i < 2; i++) {
        packing_fini(&t->rows[i]);
        t->rows[i] = (struct packing){0};
    }
    t->blocks = NULL;
    t->block_count = t->count = 0;
    t->tape.bytes = 0;
}

void vilbert_tape_free(struct tape *tape)
{
    struct vilbert_tape *t = vilbert_tape_of(tape);
    tape_forget(t);
    free(t->blocks);
    free(t->steps);
    free(t);
}

/* The last tape's block of this size, or NULL. */
static float *tape_take_spare(struct vilbert *m, size_t n)
{
    for (int i = 0; i < m->spare_count; i++)
        if (m->spare[i].n == n) {
            float *at = m->spare[i].at;
            m->spare[i] = m->spare[--m->spare_count];
            return at;
        }
    return NULL;
}

float *tape_room(struct vilbert_tape *t, size_t n)
{
    struct vilbert *m = t->m;
    float *at = tape_take_spare(m, n);
    if (!at && (at = kern_alloc(m->core.k, n + 1)) == NULL)
        return NULL;
    t->blocks = xreallocarray(t->blocks, (size_t)t->block_count + 1, sizeof *t->blocks);
    t->blocks[t->block_count++] = (struct tape_block){at, n};
    t->tape.bytes += n * sizeof *at;
    return at;
}

/* A layer's memory in one piece. */
struct tape_piece {
    float **at;
    size_t size;
};

static bool tape_take(struct vilbert_tape *t, const struct tape_piece *list, int count)
{
    size_t all = 0;
    for (int i = 0; i < count; i++)
        all += (list[i].size + 15) & ~(size_t)15;
    float *at = tape_room(t, all);
    for (int i = 0; i < count && at; i++) {
        *list[i].at = list[i].size > 0 ? at : NULL;
        at += (list[i].size + 15) & ~(size_t)15;
    }
    return at != NULL;
}

static struct tape_step *tape_step(struct vilbert_tape *t, enum net_part part, int number,
                                   const void *w)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 32;
        t->steps = xreallocarray(t->steps, (size_t)t->room, sizeof *t->steps);
    }
    t->steps[t->count] = (struct tape_step){.part = part, .number = number, .w = w};
    return &t->steps[t->count++];
}

/* What of a stream is kept. width: of queries, keys and values; to: whom it attends to. */
static bool tape_keep(struct vilbert_tape *t, struct tape_layer *l, const struct stream *s,
                      const struct packing *to, int width, int heads, int inner, size_t gate)
{
    size_t all = (size_t)s->rows->rows, n = l->first ? (size_t)s->rows->batch : all;
    size_t read = l->read ? n : 0;
    const struct tape_piece list[] = {
        {&l->q, read * (size_t)width}, {&l->k, all * (size_t)width}, {&l->v, all * (size_t)width},
        {&l->map, l->read ? tape_map_size(s->rows, to, heads, l->first, s->rows->batch) : 0},
        {&l->attended, read * (size_t)s->hidden}, {&l->inner, read * (size_t)inner},
        {&l->fed, read * (size_t)s->hidden}, {&l->gate, gate},
    };
    return tape_take(t, list, (int)(sizeof list / sizeof list[0]));
}

/* s computes into the tape. */
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

static int tape_full(struct pass *p)
{
    return vs_fail(p->run.err, VS_E_LIMIT, "no memory for the activations that gradients need, %zu "
                   "MB of them so far; use fewer regions or a device with more memory",
                   p->tape->tape.bytes >> 20);
}

int tape_keep_layer(struct pass *p, const struct layer_w *w, struct stream *s, int number,
                    bool first)
{
    struct tape_layer *l = tape_step(p->tape, attn_table[s->kind].part, number, w)->side;
    size_t gate = w->gate_q.w ? 2 * (size_t)p->run.in->batch * (size_t)s->hidden : 0;
    l->first = first;
    l->read = true;
    if (!tape_keep(p->tape, l, s, s->rows, s->hidden, s->heads, w->ff_in.n, gate))
        return tape_full(p);
    p->tape->pooled_cut[s->kind == ATTN_TEXT] = first;
    tape_redirect(s, l);
    return 0;
}

int tape_keep_colayer(struct pass *p, const struct colayer_w *w, struct stream s[2], int number,
                      const bool read[2])
{
    struct tape_step *step = tape_step(p->tape, PART_CO, number, w);
    const struct config *c = &p->m->c;
    for (int i = 0; i < 2; i++) {
        step->side[i].read = read[i];
        if (!tape_keep(p->tape, &step->side[i], &s[i], s[!i].rows, c->bi_hidden, c->bi_heads,
                       w->ff_in[i].n, 0))
            return tape_full(p);
        tape_redirect(&s[i], &step->side[i]);
    }
    return 0;
}

/* ---- around the layers */

int tape_begin(struct pass *p)
{
    struct vilbert_tape *t = p->tape;
    const struct config *c = &p->m->c;
    size_t bi = (size_t)p->run.in->batch * (size_t)c->bi_hidden;
    const struct tape_piece list[] = {
        {&t->embedded[0], (size_t)p->v.rows * (size_t)c->v_hidden},
        {&t->embedded[1], (size_t)p->t.rows * (size_t)c->text.hidden},
        {&t->pooled[0], bi}, {&t->pooled[1], bi}, {&t->fused, bi},
        {&t->skip, p->bias_t ? (size_t)p->t.rows : 0},
    };
    tape_forget(t); /* of a pass that is run once more */
    if (!tape_take(t, list, (int)(sizeof list / sizeof list[0])))
        return tape_full(p);
    struct kern_gather_rows skip = {.x = p->bias_t, .ldx = p->t.rows, .y = t->skip,
                                    .ldy = p->t.rows, .m = 1, .n = p->t.rows};
    if (p->bias_t)
        p->run.ops->gather_rows(p->run.k, &skip);
    p->pooled_v = t->pooled[0];
    p->pooled_t = t->pooled[1];
    p->fused = t->fused;
    return 0;
}

/* The vector of each token: of the input, of its word, or of the task. */
static void tape_copy_tokens(const struct pass *p, float *out)
{
    const struct weights *w = &p->m->w;
    size_t n = (size_t)p->m->c.text.hidden;
    int32_t id[4];
    for (int b = 0; b < p->t.batch; b++)
        for (int r = p->t.start[b]; r < p->t.start[b + 1]; r++) {
            int place = p->t.pos[r], i = net_input_token(&p->m->core.net, place);
            size_t at = (size_t)b * (size_t)p->run.in->tokens + (size_t)(i < 0 ? 0 : i);
            pass_token(p, b, place, id);
            const char *from = i < 0 ? (const char *)w->tasks + (size_t)id[3] * n * sizeof *out
                               : p->run.in->words ? (const char *)(p->run.in->words + at * n)
                               : (const char *)w->text.words + (size_t)id[0] * n * sizeof *out;
            memcpy(out + ((size_t)b * (size_t)p->t.width + (size_t)place) * n, from,
                   n * sizeof *out);
        }
}

int tape_end(struct pass *p)
{
    struct vilbert_tape *t = p->tape;
    struct trace_at at = {.kind = TRACE_INPUT, .site = INPUT_TOKENS};
    int64_t shape[3] = {p->run.in->batch, p->t.width, p->m->c.text.hidden};
    float *tokens = trace_add(p->run.trace, at, 3, shape);
    if (!tokens)
        return vs_fail(p->run.err, VS_E_LIMIT, "no memory for token vectors");
    tape_copy_tokens(p, tokens);
    t->tokens = p->run.trace->tokens;
    t->regions = p->run.trace->regions;
    return 0;
}
