/* SPDX-License-Identifier: MIT */
/* The way back through the baseline: its heads, the layers of its one stream, and what was
 * embedded in that.
 *
 * Source: the chain rule on vilbert/basebert.py of the reference. */
#include "src/model/singlestream/pass.h"
#include "src/model/transformer/back.h"

#include "src/base/mem.h"

#include <stdlib.h>

struct single_back {
    struct back b; /* first: it is one */
    struct single_pass p; /* of the target's images: its run is b's */
    struct single_tape *t;
};

static struct single_back *single_back_of(struct back *b)
{
    return (struct single_back *)b;
}

/* ---- from the target to the last states */

/* Numbers of a row of the target's output, 0: it has none that a target could be made of. */
static int single_back_numbers(const struct single_back *v)
{
    const struct single *m = v->t->m;
    enum net_output of = v->b.target->output;
    enum net_head head = back_output(&v->b)->head;
    if (head == m->answers && of == (head == HEAD_GQA ? OUT_JOINT_GQA : OUT_VQA))
        return m->w.answers_out.n;
    switch (of) {
    case OUT_ALIGN: return m->w.align.n;
    case OUT_JOINT_MATCH: return m->w.match.n;
    case OUT_REGION_CLASS: case OUT_GROUND: case OUT_WORD: case OUT_WORD_LOGIT:
        return row_head_of(&m->w.rows, head, m->c.text.act).out->n;
    default: return 0;
    }
}

/* From the seed to the pooled state, which is at `pooled`. */
static void single_back_classify(struct single_back *v, const float *pooled, float *dpooled)
{
    const struct single_weights *w = &v->p.m->w;
    enum net_head head = back_output(&v->b)->head;
    if (head == HEAD_VQA || head == HEAD_GQA) {
        const struct row_head h = {&w->answers_in, &w->answers_out, NULL, KERN_RELU, false};
        back_decoder(&v->b, &h, pooled, dpooled);
        return;
    }
    struct kern_linear_back line = back_linear(head == HEAD_ALIGN ? &w->align : &w->match,
                                               v->b.seed, 1, dpooled, NULL);
    v->b.run->ops->linear_back(v->b.run->k, &line, 1);
}

/* pooled = tanh(x Wp) of the last state x of [CLS], which is computed anew. */
static int single_back_pooled(struct single_back *v)
{
    struct back *b = &v->b;
    struct back_stream *s = &b->s[0];
    const struct kern_ops *ops = b->run->ops;
    struct kern *k = b->run->k;
    const struct linear_w *pool = &v->p.m->w.pool;
    float *x = s->q, *dense = s->k, *pooled = s->v, *d = v->p.pooled;
    struct kern_linear forward = line_linear(pool, x, 1, dense, KERN_NONE, NULL);
    struct kern_linear_back back = back_linear(pool, d, 1, v->p.wide, NULL);
    int rc = back_last_state(b, s, 0, x);
    if (rc != 0)
        return rc;
    ops->linear(k, &forward, 1);
    ops->activate(k, dense, pooled, (size_t)s->width, KERN_TANH);
    single_back_classify(v, pooled, d);
    ops->activate_back(k, dense, d, d, (size_t)s->width, KERN_TANH);
    ops->linear_back(k, &back, 1);
    s->cut = v->t->cut;
    back_from_first(b, s, v->p.wide);
    return 0;
}

static int single_back_heads(struct back *b)
{
    struct single_back *v = single_back_of(b);
    struct row_head h = row_head_of(&v->p.m->w.rows, back_output(b)->head,
                                    v->p.m->c.text.act);
    return back_is_on_rows(b) ? back_on_rows(b, &h, v->p.wide) : single_back_pooled(v);
}

/* ---- layers */

static int single_back_step(struct back *b, const struct tape_step *step)
{
    struct back_side side;
    int rc = back_keep(b, &b->s[0], TRACE_STATE, step->part, step->number);
    if (rc == 0)
        rc = back_layer_read(b, step, &side);
    if (rc == 0)
        back_layer_project(b, step, &side);
    return rc;
}

/* ---- the inputs */

/* d of the rows of one kind, at `to`, back through their layer norm. sum: what was normalised. */
static void single_back_part(struct single_back *v, const struct packing *rows,
                             const int32_t *index, const struct norm_w *w, const float *sum,
                             float *to)
{
    const struct kern_ops *ops = v->b.run->ops;
    int n = v->b.s[0].width;
    struct kern_gather_rows part = {.x = v->b.s[0].d, .ldx = n, .index = index, .y = to, .ldy = n,
                                    .m = rows->rows, .n = n};
    struct kern_norm_back norm = back_norm(&v->b, w, sum, to, rows->rows);
    if (rows->rows == 0)
        return;
    ops->gather_rows(v->b.run->k, &part);
    ops->norm_back(v->b.run->k, &norm, 1);
}

/* From the embeddings to the sums that were normalised, and to what they are sums of. */
static int single_back_inputs(struct back *b)
{
    struct single_back *v = single_back_of(b);
    struct back_stream *s = &b->s[0];
    const struct single_weights *w = &v->p.m->w;
    const struct packing *tokens = &v->p.tokens, *regions = &v->p.regions;
    const float *sums = v->t->embedded;
    ptrdiff_t n = s->width, behind = v->t->tokens.rows;
    float *features = v->p.ff, *places = features + (ptrdiff_t)regions->rows * SINGLE_FEATURES;
    single_back_part(v, tokens, b->lists, &w->text.norm, sums + v->t->tokens.start[b->first] * n,
                     s->q);
    single_back_part(v, regions, b->lists + tokens->rows, &w->region_embed_norm,
                     sums + (behind + v->t->regions.start[b->first]) * n, s->k);
    struct kern_linear_back list[] = {
        back_linear(&w->features, s->k, regions->rows, features, NULL),
        back_linear(&w->places, s->k, regions->rows, places, NULL)};
    if (regions->rows > 0)
        b->run->ops->linear_back(b->run->k, list, 2);
    int rc = back_keep_input(b, tokens, s->q, s->width, INPUT_TOKENS);
    if (rc == 0)
        rc = back_keep_input(b, regions, features, SINGLE_FEATURES, INPUT_FEATURES);
    return rc ? rc : back_keep_input(b, regions, places, 5, INPUT_BOXES);
}

/* ---- the whole */

static int single_back_start(struct back *b)
{
    struct single_back *v = single_back_of(b);
    struct single_pass *p = &v->p;
    struct back_stream *s = &b->s[0];
    int places = v->t->kept.tokens, rc;
    int32_t *lists = xcalloc((size_t)s->rows.rows + 1, sizeof *lists);
    p->all = s->rows;
    packing_cut(&p->all, 0, places, &p->tokens, lists);
    packing_cut(&p->all, places, p->all.width, &p->regions, lists + p->tokens.rows);
    if ((rc = single_plan_arena(p)) == 0) {
        s->x = p->x, s->wide = p->ff, s->read = p->ctx, s->q = p->q, s->k = p->k, s->v = p->v;
        size_t hidden = 2 * (size_t)s->width; /* of the answers' head */
        const struct back_room room = {
            .maps = tape_map_size(&p->all, &p->all, p->m->c.text.heads, false, p->all.batch),
            .inner = hidden, .lists = lists, .count = (size_t)p->all.rows};
        rc = back_start(b, single_back_numbers(v), &room);
    }
    free(lists);
    return rc;
}

int single_backward(struct tape *tape, const struct net_target *target,
                    const struct net_back_want *want, struct trace **out, struct vs_err *err)
{
    static const struct back_family family = {single_back_start, single_back_heads,
                                              single_back_step, single_back_inputs};
    struct single_back v = {.t = (struct single_tape *)tape};
    v.p.m = v.t->m;
    v.b.run = &v.p.run;
    v.b.streams = 1;
    v.b.s[0] = (struct back_stream){.name = STREAM_JOINT, .width = v.p.m->c.text.hidden,
                                    .act = v.p.m->c.text.act, .kept = &v.t->all};
    int rc = back_run(&v.b, &family, tape, target, want, out, err);
    packing_fini(&v.p.tokens);
    packing_fini(&v.p.regions);
    return rc;
}

/* ---- the tape */

int single_record(struct single *m, const struct net_input *in, const struct net_want *want,
                  struct tape **out, struct trace **trace, struct vs_err *err)
{
    struct single_tape *t = xcalloc(1, sizeof *t);
    tape_init(&t->kept, &m->core, want->heads);
    t->m = m;
    return tape_record(&t->kept, in, want, out, trace, err);
}

void single_tape_free(struct tape *tape)
{
    struct single_tape *t = (struct single_tape *)tape;
    tape_fini(&t->kept);
    packing_fini(&t->all);
    packing_fini(&t->tokens);
    packing_fini(&t->regions);
    free(t);
}
