/* SPDX-License-Identifier: MIT */
/* What a stream is before it meets the other one depends on its text or image alone: it is
 * computed once and kept (prefixcache.h), for images of a batch that have the same text, and for
 * later passes. */
#include "src/base/mem.h"
#include "src/model/vilbert/pass.h"

#include <stdlib.h>
#include <string.h>

/* Stream 0 is the visual one, 1 the textual, as in co-attention layers. */
static const struct packing *prefix_whole(const struct pass *p, int i)
{
    return i ? &p->t : &p->v;
}

static int prefix_layers_before(const struct config *c, int i)
{
    return i ? c->t_biattention[0] : c->v_biattention[0];
}

/* ---- what a state is found by: everything that its rows are computed from */

static size_t prefix_row_size(const struct pass *p, int i)
{
    size_t numbers = i ? 4 : (size_t)p->m->c.v_feature + 5;
    return numbers * sizeof(float) + sizeof(int32_t);
}

/* One image of the pass. */
struct subject {
    const struct pass *p;
    int i, b;
    unsigned char *row; /* room for one */
};

static void prefix_write_row(const struct subject *s, int r, unsigned char *out)
{
    const struct pass *p = s->p;
    const struct packing *k = prefix_whole(p, s->i);
    int at = k->start[s->b] + r;
    int32_t masked = k->bias && k->bias[at] != 0, id[4];
    memcpy(out, &masked, sizeof masked);
    out += sizeof masked;
    if (s->i) {
        pass_token(p, s->b, k->pos[at], id);
        memcpy(out, id, sizeof id);
    } else {
        size_t n = (size_t)p->m->c.v_feature;
        size_t from = (size_t)s->b * (size_t)p->run.in->regions + (size_t)k->pos[at];
        memcpy(out, p->run.in->spatials + from * 5, 5 * sizeof(float));
        memcpy(out + 5 * sizeof(float), p->run.in->features + from * n, n * sizeof(float));
    }
}

static bool prefix_is_row(void *arg, int r, const unsigned char *bytes, size_t size)
{
    struct subject *s = arg;
    prefix_write_row(s, r, s->row);
    return memcmp(s->row, bytes, size) == 0;
}

/* Of the first numbers of every row: rows that differ nearly always differ in them. */
static uint64_t sign_of(const struct subject *s)
{
    const struct packing *k = prefix_whole(s->p, s->i);
    int n = s->p->m->c.v_feature < 4 ? s->p->m->c.v_feature : 4;
    uint64_t h = 0;
    for (int r = k->start[s->b]; r < k->start[s->b + 1]; r++) {
        size_t from = (size_t)s->b * (size_t)s->p->run.in->regions + (size_t)k->pos[r];
        uint32_t x[10] = {k->bias && k->bias[r] != 0};
        if (s->i) {
            pass_token(s->p, s->b, k->pos[r], (int32_t *)x + 1);
        } else {
            memcpy(x + 1, s->p->run.in->spatials + from * 5, 5 * sizeof *x);
            memcpy(x + 6, s->p->run.in->features + from * (size_t)s->p->m->c.v_feature,
                   (size_t)n * sizeof *x);
        }
        for (int j = 0; j < 10; j++) {
            h = (h ^ x[j]) * 0x9e3779b97f4a7c15u;
            h ^= h >> 29;
        }
    }
    return h;
}

/* ---- planning */

/* A state of the stream before it meets the other one is replaced. */
static bool prefix_is_replaced(const struct net_want *want, int i, int layers)
{
    for (int j = 0; j < want->replaced_count; j++) {
        const struct net_replaced *x = &want->replaced[j];
        bool alone = x->part == PART_EMBEDDINGS ||
                     (x->part == (i ? PART_TEXT : PART_VISUAL) && x->layer < layers);
        if (alone && x->stream == (i ? STREAM_TEXT : STREAM_IMAGE))
            return true;
    }
    return false;
}

/* Maps and states of these layers that are asked for, heads that are taken out of them, and states
 * that are replaced belong to the pass itself; so do visual layers that look at the text. */
static bool prefix_is_alone(const struct pass *p, int i)
{
    const struct net_want *want = p->run.want;
    int layers = prefix_layers_before(&p->m->c, i);
    if (!p->keep || p->run.in->words ||
        (layers > 0 && (want->hidden || want->added || want->attention)) ||
        prefix_is_replaced(want, i, layers) ||
        (!i && layers > 0 && p->m->c.dynamic_attention))
        return false;
    for (int j = 0; j < want->silence_count; j++)
        if (want->silences[j].map == (i ? ATTN_TEXT : ATTN_VISUAL) &&
            want->silences[j].layer < layers)
            return false;
    return true;
}

static int prefix_width_of(const struct pass *p, int i)
{
    return i ? p->m->c.text.hidden : p->m->c.v_hidden;
}

/* States, and what the first co-attention layer makes of them: keys, values, queries. */
static size_t prefix_floats_of(const struct pass *p, int i, int rows)
{
    return (size_t)rows * (size_t)(prefix_width_of(p, i) + 3 * p->m->c.bi_hidden);
}

/* New states of a batch whose images are all different are not worth their memory. */
static bool prefix_is_too_much(const struct pass *p, int i, const uint64_t *sign)
{
    const struct packing *k = prefix_whole(p, i);
    size_t bytes = 0;
    for (int b = 0; b < k->batch; b++) {
        bool known = prefix_may_have(p->m->core.kept, p->m->prefix_of[i], sign[b]);
        for (int a = 0; a < b && !known; a++)
            known = sign[a] == sign[b];
        if (!known)
            bytes += prefix_floats_of(p, i, rows_of(k, b)) * sizeof(float) +
                     (size_t)rows_of(k, b) * prefix_row_size(p, i);
    }
    return bytes > prefix_share(p->m->core.kept);
}

/* The state of an image. *make: it has to be computed. NULL: no memory. */
static struct prefix_state *prefix_find_or_add(struct subject *s, uint64_t sign, bool *make)
{
    const struct pass *p = s->p;
    int rows = rows_of(prefix_whole(p, s->i), s->b);
    size_t size = prefix_row_size(p, s->i);
    uint64_t of = p->m->prefix_of[s->i];
    struct prefix_state *x = prefix_find(p->m->core.kept, of, sign, rows, size, prefix_is_row, s);
    if (x)
        return x;
    x = prefix_add(p->m->core.kept, of, sign, rows, size, prefix_floats_of(p, s->i, rows));
    for (int r = 0; x && r < rows; r++)
        prefix_write_row(s, r, x->key + (size_t)r * size);
    *make = x != NULL;
    return x;
}

/* The picked images of k. */
static void prefix_pack_some(const struct packing *k, const bool *pick, struct packing *out)
{
    size_t rows = (size_t)k->rows, batch = (size_t)k->batch;
    *out = (struct packing){.width = k->width};
    out->start = xcalloc(batch + 1, sizeof *out->start);
    out->image = xcalloc(batch + 1, sizeof *out->image);
    out->pos = xcalloc(rows + 1, sizeof *out->pos);
    out->bias = k->bias ? xcalloc(rows + 1, sizeof *out->bias) : NULL;
    for (int b = 0; b < k->batch; b++) {
        size_t n = (size_t)rows_of(k, b);
        if (!pick[b])
            continue;
        out->image[out->batch] = b;
        memcpy(out->pos + out->rows, k->pos + k->start[b], n * sizeof *out->pos);
        if (k->bias)
            memcpy(out->bias + out->rows, k->bias + k->start[b], n * sizeof *out->bias);
        out->rows += (int)n;
        out->start[++out->batch] = out->rows;
    }
}

/* Finds every image's state or makes room for it. Returns how many have to be computed, or -1. */
static int prefix_find_all(struct pass *p, int i, const uint64_t *sign, struct prefix_state **of,
                           bool *make)
{
    struct subject s = {.p = p, .i = i, .row = xmalloc(prefix_row_size(p, i))};
    int batch = prefix_whole(p, i)->batch, n = 0;
    for (s.b = 0; s.b < batch && n >= 0; s.b++) {
        of[s.b] = prefix_find_or_add(&s, sign[s.b], &make[s.b]);
        n = of[s.b] ? n + make[s.b] : -1;
    }
    for (int b = 0; b < batch && n < 0; b++)
        if (make[b])
            prefix_remove(p->m->core.kept, of[b]);
    free(s.row);
    return n;
}

static void prefix_plan_stream(struct pass *p, int i)
{
    struct prefix *e = &p->early[i];
    size_t batch = (size_t)p->run.in->batch;
    uint64_t *sign = xcalloc(batch, sizeof *sign);
    bool *make = xcalloc(batch, sizeof *make);
    e->of = xcalloc(batch, sizeof(struct prefix_state *));
    for (int b = 0; b < p->run.in->batch; b++)
        sign[b] = sign_of(&(struct subject){.p = p, .i = i, .b = b});
    int n = prefix_is_too_much(p, i, sign) ? -1 : prefix_find_all(p, i, sign, e->of, make);
    if (n < 0) {
        free(e->of);
        e->of = NULL;
    } else if (n < p->run.in->batch) {
        prefix_pack_some(e->rows, make, &e->some);
        e->rows = &e->some;
    }
    free(sign);
    free(make);
}

void prefix_plan(struct pass *p)
{
    for (int i = 0; i < 2; i++) {
        p->early[i] = (struct prefix){.rows = prefix_whole(p, i)};
        if (prefix_is_alone(p, i))
            prefix_plan_stream(p, i);
    }
}

/* ---- copies */

struct piece {
    float *at;
    int width;
};

static void prefix_move(struct pass *p, const float *from, float *to, int rows, int n)
{
    struct kern_gather_rows copy = {.x = from, .ldx = n, .y = to, .ldy = n, .m = rows, .n = n};
    p->run.ops->gather_rows(p->run.k, &copy);
}

/* The rows of an image, beginning at row `first`, and its state. */
static void prefix_copy_state(struct pass *p, int i, int first, const struct prefix_state *x,
                              bool store)
{
    int bi = p->m->c.bi_hidden;
    const struct piece list[] = {{i ? p->xt : p->xv, prefix_width_of(p, i)},
                                 {i ? p->kt : p->kv, bi}, {i ? p->vt : p->vv, bi},
                                 {i ? p->qt : p->qv, bi}};
    float *at = x->at;
    for (int j = 0; j < 4; j++) {
        float *here = list[j].at + (ptrdiff_t)first * list[j].width;
        prefix_move(p, store ? here : at, store ? at : here, x->rows, list[j].width);
        at += (ptrdiff_t)x->rows * list[j].width;
    }
}

void prefix_keep(struct pass *p, int i)
{
    const struct prefix *e = &p->early[i];
    const struct packing *k = prefix_whole(p, i);
    for (int j = 0; j < e->rows->batch; j++)
        prefix_copy_state(p, i, e->rows->start[j], e->of[image_of(e->rows, j)], true);
    for (int b = 0; e->rows != k && b < k->batch; b++)
        prefix_copy_state(p, i, k->start[b], e->of[b], false);
}

void prefix_fini(struct pass *p)
{
    for (int i = 0; i < 2; i++) {
        free(p->early[i].of);
        packing_fini(&p->early[i].some);
    }
}
