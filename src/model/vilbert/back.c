/* SPDX-License-Identifier: MIT */
/* The way back through ViLBERT: its memory and its inputs.
 *
 * Source: the chain rule on vilbert/vilbert.py of the reference. */
#include "src/model/vilbert/back.h"

#include <stdlib.h>

/* ---- the inputs */

/* From the embeddings to the sums that were normalised, and to what they are sums of. */
static int vilbert_back_inputs(struct back *b)
{
    struct vilbert_back *v = vilbert_back_of(b);
    struct back_stream *image = &b->s[0], *text = &b->s[1];
    const struct weights *w = &v->p.m->w;
    const struct norm_w *norms[2] = {&w->v_embed_norm, &w->text.norm};
    int regions = image->rows.rows, n = v->p.m->c.v_feature;
    float *places = v->p.fv + (ptrdiff_t)regions * n;
    for (int i = 0; i < 2; i++) {
        struct back_stream *s = &b->s[i];
        struct kern_norm_back sum = back_norm(b, norms[i], v->t->embedded[i] + s->at * s->width,
                                              s->d, s->rows.rows);
        if (s->live)
            b->run->ops->norm_back(b->run->k, &sum, 1);
    }
    struct kern_linear_back list[] = {
        back_linear(&w->v_features, image->d, regions, v->p.fv, NULL),
        back_linear(&w->v_places, image->d, regions, places, NULL)};
    if (image->live)
        b->run->ops->linear_back(b->run->k, list, 2);
    int rc = back_keep_input(b, &text->rows, text->live ? text->d : NULL, text->width,
                             INPUT_TOKENS);
    if (rc == 0)
        rc = back_keep_input(b, &image->rows, image->live ? v->p.fv : NULL, n, INPUT_FEATURES);
    return rc ? rc : back_keep_input(b, &image->rows, image->live ? places : NULL, 5, INPUT_BOXES);
}

/* ---- the whole */

static void vilbert_back_streams(struct vilbert_back *v)
{
    const struct config *c = &v->t->m->c;
    v->b.streams = 2;
    v->b.s[0] = (struct back_stream){.name = STREAM_IMAGE, .width = c->v_hidden, .act = c->v_act,
                                     .kept = &v->t->rows[0]};
    v->b.s[1] = (struct back_stream){.name = STREAM_TEXT, .width = c->text.hidden,
                                     .act = c->text.act, .kept = &v->t->rows[1]};
}

/* Numbers of all maps of a layer. */
static size_t vilbert_back_map_size(const struct vilbert_back *v)
{
    const struct config *c = &v->p.m->c;
    const struct packing *t = &v->p.t, *i = &v->p.v;
    size_t co = 2 * tape_map_size(t, i, c->bi_heads, false, t->batch);
    return forward_most(forward_most(tape_map_size(t, t, c->text.heads, false, t->batch),
                                     tape_map_size(i, i, c->v_heads, false, t->batch)), co);
}

static int vilbert_back_start(struct back *b)
{
    struct vilbert_back *v = vilbert_back_of(b);
    struct pass *p = &v->p;
    const struct config *c = &p->m->c;
    p->v = b->s[0].rows;
    p->t = b->s[1].rows;
    int rc = pass_plan_arena(p);
    if (rc != 0)
        return rc;
    struct back_stream *i = &b->s[0], *t = &b->s[1];
    i->x = p->xv, i->wide = p->fv, i->read = p->cv, i->q = p->qv, i->k = p->kv, i->v = p->vv;
    t->x = p->xt, t->wide = p->ft, t->read = p->ct, t->q = p->qt, t->k = p->kt, t->v = p->vt;
    size_t hidden = (size_t)(c->text.hidden > c->v_hidden ? c->text.hidden : c->v_hidden);
    const struct back_room room = {
        .maps = vilbert_back_map_size(v),
        .inner = forward_most(2 * (size_t)c->bi_hidden, hidden),
    };
    return back_start(b, vilbert_back_numbers(v), &room);
}

int vilbert_backward(struct tape *tape, const struct net_target *target,
                     const struct net_back_want *want, struct trace **out, struct vs_err *err)
{
    static const struct back_family family = {vilbert_back_start, vilbert_back_heads,
                                              vilbert_back_step, vilbert_back_inputs};
    struct vilbert_back v = {.t = vilbert_tape_of(tape)};
    v.p.m = v.t->m;
    v.b.run = &v.p.run;
    vilbert_back_streams(&v);
    return back_run(&v.b, &family, tape, target, want, out, err);
}
