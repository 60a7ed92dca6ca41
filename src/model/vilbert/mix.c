/* SPDX-License-Identifier: MIT */
/* A model made of several checkpoints: most weights stay where they are. */
#include "src/base/mem.h"
#include "src/model/transformer/patch.h"
#include "src/model/vilbert/pass.h"

#include <stdlib.h>
#include <string.h>

static int patch_colayer(struct bound *w, struct colayer_w *a, const struct colayer_w *b, int head,
                         int heads, struct vs_err *err)
{
    int rc = 0;
    if (head < 0) {
        *a = *b;
        return 0;
    }
    for (int s = 0; s < 2 && rc == 0; s++) {
        struct linear_w *const to[] = {&a->q[s], &a->k[s], &a->v[s], &a->out[s]};
        const struct linear_w *const from[] = {&b->q[s], &b->k[s], &b->v[s], &b->out[s]};
        rc = patch_head(w, to, from, head, heads, err);
    }
    return rc;
}

/* Where only one has task tokens, a keeps what it has of them. */
static void patch_embeddings(struct weights *a, const struct weights *b, bool tasks)
{
    a->text = b->text;
    if (tasks)
        a->tasks = b->tasks;
    a->v_embed_norm = b->v_embed_norm;
    a->v_features = b->v_features;
    a->v_places = b->v_places;
}

static void patch_heads(struct weights *a, const struct weights *b)
{
    a->t_pool = b->t_pool;
    a->v_pool = b->v_pool;
    a->vqa = b->vqa;
    a->gqa = b->gqa;
    a->binary = b->binary;
    a->bi_seq = b->bi_seq;
    a->align = b->align;
    a->tri = b->tri;
    a->rows = b->rows;
}

/* Layer i of this part changes: what was kept of the streams before they meet is that of other
 * weights, if the layer is one of those. */
static void mix_renew(struct vilbert *m, enum net_part part, int i)
{
    if (part == PART_EMBEDDINGS || (part == PART_CO && i == 0) ||
        (part == PART_VISUAL && i < m->c.v_biattention[0]))
        m->prefix_of[0] = vilbert_number();
    if (part == PART_EMBEDDINGS || (part == PART_CO && i == 0) ||
        (part == PART_TEXT && i < m->c.t_biattention[0]))
        m->prefix_of[1] = vilbert_number();
}

/* Nets that are mixed are of one family. */
static struct vilbert *swapped_from(const struct net_patch *s)
{
    return (struct vilbert *)s->from;
}

static int patch_layers(struct vilbert *m, const struct net_patch *s, struct vs_err *err)
{
    const struct net_sizes *sizes = &m->core.net.sizes;
    int heads = sizes->part[s->part].heads, n = sizes->part[s->part].layers, rc = 0;
    const struct weights *b = &swapped_from(s)->w;
    if (s->layer >= n || s->head >= heads)
        return vs_fail(err, VS_E_USAGE, "this part has %d layers of %d heads", n, heads);
    for (int i = 0; i < n && rc == 0; i++) {
        if (s->layer >= 0 && s->layer != i)
            continue;
        rc = s->part == PART_TEXT
                 ? patch_layer(&m->core.bound, &m->w.t[i], &b->t[i], s->head, heads, err)
             : s->part == PART_VISUAL
                 ? patch_layer(&m->core.bound, &m->w.v[i], &b->v[i], s->head, heads, err)
                 : patch_colayer(&m->core.bound, &m->w.c[i], &b->c[i], s->head, heads, err);
        mix_renew(m, s->part, i);
    }
    return rc;
}

/* Of heads it is told when they are computed with. */
static int patch_part(struct vilbert *m, const struct net_patch *s, struct vs_err *err)
{
    struct vilbert *from = swapped_from(s);
    bound_widen(&from->core.bound, from->core.k, s->part == PART_HEADS ? HEAD_ALL : 0);
    int rc = core_ready(&from->core, 0, err);
    if (rc != 0)
        return rc;
    switch (s->part) {
    case PART_EMBEDDINGS:
        if (m->core.task_rows && from->core.task_rows &&
            m->core.task_rows != from->core.task_rows)
            return vs_fail(err, VS_E_FORMAT, "one checkpoint has %d task tokens, the other %d: "
                           "their embeddings cannot be patched", m->core.task_rows,
                           from->core.task_rows);
        patch_embeddings(&m->w, &from->w, m->core.task_rows == from->core.task_rows);
        mix_renew(m, s->part, 0);
        return 0;
    case PART_HEADS:
        patch_heads(&m->w, &from->w);
        m->core.net.heads = m->core.bound.heads = from->core.bound.heads;
        return 0;
    case PART_TEXT: case PART_VISUAL: case PART_CO: case PART_JOINT: case PART_COUNT:
        break;
    }
    return patch_layers(m, s, err);
}

static void *mix_copy(const void *x, size_t size)
{
    void *y = xmalloc(size + 1);
    memcpy(y, x, size);
    return y;
}

int vilbert_mix(struct vilbert *m, const struct net_patch *list, int count, struct vilbert **out,
                struct vs_err *err)
{
    bound_widen(&m->core.bound, m->core.k, HEAD_ALL);
    int rc = core_ready(&m->core, 0, err);
    if (rc != 0)
        return rc;
    struct vilbert *x = xcalloc(1, sizeof *x);
    core_start_mix(&x->core, &m->core, list, count);
    x->c = m->c;
    memcpy(x->prefix_of, m->prefix_of, sizeof x->prefix_of);
    x->w = m->w;
    x->w.t = mix_copy(m->w.t, (size_t)m->c.text.layers * sizeof *m->w.t);
    x->w.v = mix_copy(m->w.v, (size_t)m->c.v_layers * sizeof *m->w.v);
    x->w.c = mix_copy(m->w.c, (size_t)m->c.connections * sizeof *m->w.c);
    for (int i = 0; i < count && rc == 0; i++)
        rc = patch_part(x, &list[i], err);
    if (rc == 0)
        *out = x;
    else
        vilbert_free(x);
    return rc;
}
