/* SPDX-License-Identifier: MIT */
/* A model made of several checkpoints: most weights stay where they are, a swapped head is copied
 * together from both. */
#include "src/base/mem.h"
#include "src/model/vilbert/pass.h"

#include <stdlib.h>
#include <string.h>

static int mix_own(struct weights *w, size_t count, float **out, struct vs_err *err)
{
    *out = vs_try_calloc(count + 1, sizeof **out);
    if (!*out)
        return vs_fail(err, VS_E_LIMIT, "no memory for swapped weights");
    w->owned = xreallocarray(w->owned, (size_t)w->owned_count + 1, sizeof *w->owned);
    w->owned[w->owned_count++] = *out;
    w->owned_cap = w->owned_count;
    return 0;
}

/* Rows first to first+n-1 of the output are b's. */
static int swap_rows(struct weights *w, struct linear_w *a, const struct linear_w *b, int first,
                     int n, struct vs_err *err)
{
    float *m, *bias;
    size_t k = (size_t)a->k, at = (size_t)first, count = (size_t)n;
    int rc = mix_own(w, (size_t)a->n * k, &m, err);
    if (rc == 0)
        rc = mix_own(w, (size_t)a->n, &bias, err);
    if (rc != 0)
        return rc;
    memcpy(m, a->w, (size_t)a->n * k * sizeof *m);
    memcpy(m + at * k, (const char *)b->w + at * k * sizeof *m, count * k * sizeof *m);
    memcpy(bias, a->b, (size_t)a->n * sizeof *bias);
    memcpy(bias + at, (const char *)b->b + at * sizeof *bias, count * sizeof *bias);
    a->w = m;
    a->b = bias;
    return 0;
}

/* Columns first to first+n-1 of the input are read with b's weights; the bias stays. */
static int swap_columns(struct weights *w, struct linear_w *a, const struct linear_w *b, int first,
                        int n, struct vs_err *err)
{
    float *m;
    int rc = mix_own(w, (size_t)a->n * (size_t)a->k, &m, err);
    if (rc != 0)
        return rc;
    memcpy(m, a->w, (size_t)a->n * (size_t)a->k * sizeof *m);
    for (int i = 0; i < a->n; i++) {
        size_t at = (size_t)i * (size_t)a->k + (size_t)first;
        memcpy(m + at, (const char *)b->w + at * sizeof *m, (size_t)n * sizeof *m);
    }
    a->w = m;
    return 0;
}

static int swap_head(struct weights *w, struct linear_w *const *a, const struct linear_w *const *b,
                     int head, int heads, struct vs_err *err)
{
    int dh = a[0]->n / heads, rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) /* queries, keys, values */
        rc = swap_rows(w, a[i], b[i], head * dh, dh, err);
    return rc ? rc : swap_columns(w, a[3], b[3], head * dh, dh, err);
}

static int swap_layer(struct weights *w, struct layer_w *a, const struct layer_w *b, int head,
                      int heads, struct vs_err *err)
{
    struct linear_w *const to[] = {&a->q, &a->k, &a->v, &a->out};
    const struct linear_w *const from[] = {&b->q, &b->k, &b->v, &b->out};
    if (head >= 0)
        return swap_head(w, to, from, head, heads, err);
    *a = *b;
    return 0;
}

static int swap_colayer(struct weights *w, struct colayer_w *a, const struct colayer_w *b, int head,
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
        rc = swap_head(w, to, from, head, heads, err);
    }
    return rc;
}

static void swap_embeddings(struct weights *a, const struct weights *b)
{
    a->words = b->words;
    a->positions = b->positions;
    a->types = b->types;
    a->tasks = b->tasks;
    a->embed_norm = b->embed_norm;
    a->v_embed_norm = b->v_embed_norm;
    a->v_features = b->v_features;
    a->v_places = b->v_places;
}

static void swap_heads(struct weights *a, const struct weights *b)
{
    a->t_pool = b->t_pool;
    a->v_pool = b->v_pool;
    a->vqa = b->vqa;
    a->gqa = b->gqa;
    a->binary = b->binary;
    a->bi_seq = b->bi_seq;
    a->align = b->align;
    a->tri = b->tri;
    a->ground = b->ground;
    a->word_logit = b->word_logit;
    a->word_in = b->word_in;
    a->word_out = b->word_out;
    a->region_in = b->region_in;
    a->region_out = b->region_out;
    a->word_norm = b->word_norm;
    a->region_norm = b->region_norm;
    a->heads = b->heads;
}

/* Layer i of this part changes: what was kept of the streams before they meet is that of other
 * weights, if the layer is one of those. */
static void mix_renew(struct vilbert *m, enum net_part part, int i)
{
    if (part == PART_EMBEDDINGS || (part == PART_CO && i == 0) ||
        (part == PART_VISUAL && i < m->c.v_biattention[0]))
        m->early_of[0] = vilbert_number();
    if (part == PART_EMBEDDINGS || (part == PART_CO && i == 0) ||
        (part == PART_TEXT && i < m->c.t_biattention[0]))
        m->early_of[1] = vilbert_number();
}

/* Nets that are mixed are of one family. */
static struct vilbert *swapped_from(const struct net_swap *s)
{
    return (struct vilbert *)s->from;
}

static int swap_layers(struct vilbert *m, const struct net_swap *s, struct vs_err *err)
{
    int heads = m->net.sizes.part[s->part].heads, n = m->net.sizes.part[s->part].layers, rc = 0;
    const struct weights *b = &swapped_from(s)->w;
    if (s->layer >= n || s->head >= heads)
        return vs_fail(err, VS_E_USAGE, "this part has %d layers of %d heads", n, heads);
    for (int i = 0; i < n && rc == 0; i++) {
        if (s->layer >= 0 && s->layer != i)
            continue;
        rc = s->part == PART_TEXT
                 ? swap_layer(&m->w, &m->w.t[i], &b->t[i], s->head, heads, err)
             : s->part == PART_VISUAL
                 ? swap_layer(&m->w, &m->w.v[i], &b->v[i], s->head, heads, err)
                 : swap_colayer(&m->w, &m->w.c[i], &b->c[i], s->head, heads, err);
        mix_renew(m, s->part, i);
    }
    return rc;
}

/* Of heads it is told when they are computed with. */
static int swap_part(struct vilbert *m, const struct net_swap *s, struct vs_err *err)
{
    struct vilbert *from = swapped_from(s);
    int rc = weights_ready(&from->w, m->k, 0, err);
    if (rc != 0)
        return vilbert_check_files(from, rc, err);
    switch (s->part) {
    case PART_EMBEDDINGS:
        if (m->w.task_rows != from->w.task_rows)
            return vs_fail(err, VS_E_FORMAT, "one checkpoint has %d task tokens, the other %d: "
                           "their embeddings cannot be swapped", m->w.task_rows,
                           from->w.task_rows);
        swap_embeddings(&m->w, &from->w);
        mix_renew(m, s->part, 0);
        return 0;
    case PART_HEADS:
        swap_heads(&m->w, &from->w);
        m->net.heads = m->w.heads;
        return 0;
    case PART_TEXT: case PART_VISUAL: case PART_CO: case PART_JOINT: case PART_COUNT:
        break;
    }
    return swap_layers(m, s, err);
}

static void *mix_copy(const void *x, size_t size)
{
    void *y = xmalloc(size + 1);
    memcpy(y, x, size);
    return y;
}

int vilbert_mix(struct vilbert *m, const struct net_swap *list, int count, struct vilbert **out,
                struct vs_err *err)
{
    int rc = weights_ready(&m->w, m->k, 0, err);
    if (rc != 0)
        return vilbert_check_files(m, rc, err);
    struct vilbert *x = xcalloc(1, sizeof *x);
    x->net = m->net;
    x->c = m->c;
    x->k = m->k;
    x->kept = m->kept;
    for (int i = 0; i < m->file_count; i++)
        vilbert_use_file(x, m->files[i]);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < swapped_from(&list[i])->file_count; k++)
            vilbert_use_file(x, swapped_from(&list[i])->files[k]);
    memcpy(x->early_of, m->early_of, sizeof x->early_of);
    x->w = m->w;
    x->w.owned = NULL;
    x->w.checks = NULL;
    x->w.check_count = x->w.check_cap = 0;
    x->w.owned_count = x->w.owned_cap = 0;
    x->w.t = mix_copy(m->w.t, (size_t)m->c.layers * sizeof *m->w.t);
    x->w.v = mix_copy(m->w.v, (size_t)m->c.v_layers * sizeof *m->w.v);
    x->w.c = mix_copy(m->w.c, (size_t)m->c.connections * sizeof *m->w.c);
    for (int i = 0; i < count && rc == 0; i++)
        rc = swap_part(x, &list[i], err);
    x->set = kern_set_new(x->k, x->w.bytes);
    if (rc == 0)
        *out = x;
    else
        vilbert_free(x);
    return rc;
}
