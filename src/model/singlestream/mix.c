/* SPDX-License-Identifier: MIT */
/* A baseline made of several checkpoints: most weights stay where they are. */
#include "src/model/singlestream/singlestream.h"
#include "src/model/transformer/patch.h"

#include <stdlib.h>
#include <string.h>

static void single_patch_embeddings(struct single_weights *a, const struct single_weights *b)
{
    a->text = b->text;
    a->region_embed_norm = b->region_embed_norm;
    a->features = b->features;
    a->places = b->places;
    a->region_types = b->region_types;
}

/* All that is neither embedding nor layer. */
static void single_patch_heads(struct single *m, const struct single *from)
{
    struct single_weights w = from->w;
    single_patch_embeddings(&w, &m->w);
    w.layers = m->w.layers;
    m->w = w;
    m->answers = from->answers;
    m->core.net.heads = m->core.bound.heads = from->core.bound.heads;
}

static int single_patch_layers(struct single *m, const struct net_patch *s, struct vs_err *err)
{
    int n = m->c.text.layers, heads = m->c.text.heads, rc = 0;
    const struct single *from = (const struct single *)s->from;
    if (s->layer >= n || s->head >= heads)
        return vs_fail(err, VS_E_USAGE, "this part has %d layers of %d heads", n, heads);
    for (int i = 0; i < n && rc == 0; i++)
        if (s->layer < 0 || s->layer == i)
            rc = patch_layer(&m->core.bound, &m->w.layers[i], &from->w.layers[i], s->head, heads,
                             err);
    return rc;
}

static int single_patch(struct single *m, const struct net_patch *s, struct vs_err *err)
{
    struct single *from = (struct single *)s->from;
    bound_widen(&from->core.bound, from->core.k, s->part == PART_HEADS ? HEAD_ALL : 0);
    /* What is made of others' tensors is copied with them, so it has to be there. */
    int rc = core_ready(&from->core, s->part == PART_HEADS ? from->core.bound.heads : 0, err);
    if (rc != 0)
        return rc;
    switch (s->part) {
    case PART_EMBEDDINGS: single_patch_embeddings(&m->w, &from->w); return 0;
    case PART_HEADS: single_patch_heads(m, from); return 0;
    case PART_JOINT: return single_patch_layers(m, s, err);
    case PART_TEXT: case PART_VISUAL: case PART_CO: case PART_COUNT: break;
    }
    return vs_fail(err, VS_E_USAGE, "the single-stream baseline has no %s",
                   part_table[s->part].name);
}

int single_mix(struct single *m, const struct net_patch *list, int count, struct single **out,
               struct vs_err *err)
{
    bound_widen(&m->core.bound, m->core.k, HEAD_ALL);
    int rc = core_ready(&m->core, m->core.bound.heads & (HEAD_VQA | HEAD_GQA), err);
    if (rc != 0)
        return rc;
    struct single *x = xcalloc(1, sizeof *x);
    core_start_mix(&x->core, &m->core, list, count);
    x->c = m->c;
    x->w = m->w;
    x->answers = m->answers;
    size_t size = (size_t)m->c.text.layers * sizeof *x->w.layers;
    x->w.layers = xmalloc(size);
    memcpy(x->w.layers, m->w.layers, size);
    for (int i = 0; i < count && rc == 0; i++)
        rc = single_patch(x, &list[i], err);
    if (rc == 0)
        *out = x;
    else
        single_free(x);
    return rc;
}
