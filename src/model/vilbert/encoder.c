/* SPDX-License-Identifier: MIT */
/* The trunk of ViLBERT, from top to bottom: embeddings, layers of both streams, co-attention.
 *
 * Source: vilbert/vilbert.py of the reference (BertModel, BertEncoder). */
#include "src/model/vilbert/layers.h"
#include "src/model/vilbert/tape.h"

/* ---- embeddings */

/* Words, positions and types; the task token has none of them but its own. The sums are at `to`. */
static void encoder_sum_text(struct pass *p, int rows, float *to)
{
    const struct weights *w = &p->m->w;
    const struct config *c = &p->m->c;
    const struct kern_ops *ops = p->run.ops;
    bool own_words = p->run.in->words != NULL;
    int n = c->text.hidden;
    size_t all = (size_t)rows * (size_t)n;
    struct kern_embed e = {.table = {own_words ? NULL : w->text.words, w->text.positions,
                                     w->text.types},
                           .ids = {p->ids[0], p->ids[1], p->ids[2]},
                           .rows = {c->text.vocab_size, c->text.max_positions, c->text.type_vocab},
                           .y = to, .ldy = n, .m = rows, .n = n};
    ops->embed(p->run.k, &e);
    if (own_words)
        ops->add(p->run.k, to, p->qt, to, all);
    if (p->m->core.task_rows > 0) {
        struct kern_embed own = {.table = {w->tasks}, .ids = {p->ids[3]},
                                 .rows = {p->m->core.task_rows}, .y = p->ct, .ldy = n, .m = rows,
                                 .n = n};
        ops->embed(p->run.k, &own);
        ops->add(p->run.k, to, p->ct, to, all);
    }
}

static void encoder_embed_text(struct pass *p, int rows)
{
    float *sum = p->tape ? p->tape->embedded[1] : p->xt;
    struct kern_norm norm = line_norm_to(&p->m->w.text.norm, sum, rows, p->xt);
    encoder_sum_text(p, rows, sum);
    p->run.ops->norm(p->run.k, &norm, 1);
}

static void encoder_embed_regions(struct pass *p, int rows)
{
    const struct weights *w = &p->m->w;
    const float *features = p->fv, *places = p->fv + (ptrdiff_t)rows * p->m->c.v_feature;
    float *sum = p->tape ? p->tape->embedded[0] : p->xv;
    struct kern_linear f = line_linear(&w->v_features, features, rows, sum, KERN_NONE, NULL);
    struct kern_linear s = line_linear(&w->v_places, places, rows, sum, KERN_NONE, sum);
    struct kern_norm norm = line_norm_to(&w->v_embed_norm, sum, rows, p->xv);
    p->run.ops->linear(p->run.k, &f, 1);
    p->run.ops->linear(p->run.k, &s, 1);
    p->run.ops->norm(p->run.k, &norm, 1);
}

/* ---- the whole */

/* Layers from to to-1 of a stream; *number: of its states. */
static int encoder_run_layers(struct pass *p, struct stream s, int from, int to, int *number)
{
    const struct layer_w *layers = s.kind == ATTN_TEXT ? p->m->w.t : p->m->w.v;
    int rc = 0;
    for (int i = from; i < to && rc == 0; i++)
        if ((rc = forward_check_cancel(&p->run)) == 0)
            rc = stream_run(p, &layers[i], &s, (*number)++, false);
    return rc;
}

/* What comes behind the last co-attention layer. */
static int encoder_end_text(struct pass *p, int from, int number)
{
    int last = p->m->c.text.layers - 1, rc = 0;
    if (p->need_t == NEED_NOTHING)
        return 0;
    struct stream s = text_stream(p);
    rc = encoder_run_layers(p, s, from, last, &number);
    p->cut_t = p->need_t == NEED_FIRST && !forward_is_averaged(&p->run, ATTN_TEXT, number);
    return rc ? rc : stream_run(p, &p->m->w.t[last], &s, number, p->cut_t);
}

static int encoder_end_visual(struct pass *p, int from, int number)
{
    int last = p->m->c.v_layers - 1, rc = 0;
    if (p->need_v == NEED_NOTHING)
        return 0;
    struct stream s = visual_stream(p);
    rc = encoder_run_layers(p, s, from, last, &number);
    p->cut_v = p->need_v == NEED_FIRST && !forward_is_averaged(&p->run, ATTN_VISUAL, number);
    return rc ? rc : stream_run(p, &p->m->w.v[last], &s, number, p->cut_v);
}

static struct stream encoder_prefix_stream(const struct pass *p, int i)
{
    struct stream s = i ? text_stream(p) : visual_stream(p);
    s.rows = p->early[i].rows;
    s.bias = p->early[i].bias;
    return s;
}

static void encoder_embed(struct pass *p, int i)
{
    int rows = p->early[i].rows->rows;
    struct trace_at at = {TRACE_STATE, PART_EMBEDDINGS, i ? STREAM_TEXT : STREAM_IMAGE, 0};
    if (i && rows > 0)
        encoder_embed_text(p, rows);
    else if (rows > 0)
        encoder_embed_regions(p, rows);
    forward_replace(&p->run, p->early[i].rows, i ? p->xt : p->xv,
                    i ? p->m->c.text.hidden : p->m->c.v_hidden, at, false);
}

/* The layers of a stream before the first co-attention layer. */
static int encoder_alone(struct pass *p, int i)
{
    const struct config *c = &p->m->c;
    struct stream s = encoder_prefix_stream(p, i);
    int number = 0;
    if (s.rows->rows == 0)
        return 0;
    int to = i ? c->t_biattention[0] : c->v_biattention[0];
    return encoder_run_layers(p, s, 0, to, &number);
}

/* What is kept ends with what the first co-attention layer makes of it. */
static void encoder_keep_prefix(struct pass *p, int i)
{
    struct stream s = encoder_prefix_stream(p, i);
    struct kern_linear qkv[3];
    if (!p->early[i].of)
        return;
    if (s.rows->rows > 0)
        p->run.ops->linear(p->run.k, qkv, colayer_project(&p->m->w.c[0], &s, i, 3, qkv));
    kern_end(p->run.k);
    prefix_keep(p, i);
    kern_begin(p->run.k);
}

/* Both streams up to the first co-attention layer. Where states are wanted the embeddings are the
 * first of them, and what is kept has no layers yet (prefix_plan). */
static int encoder_prefix(struct pass *p)
{
    int rc = 0;
    bool hidden = p->run.want->hidden;
    for (int i = 1; i >= 0 && hidden; i--) {
        encoder_embed(p, i);
        encoder_keep_prefix(p, i);
    }
    if (hidden)
        rc = forward_keep_state(&p->run, &p->t, p->xt, p->m->c.text.hidden, PART_EMBEDDINGS,
                                STREAM_TEXT, 0);
    if (hidden && rc == 0)
        rc = forward_keep_state(&p->run, &p->v, p->xv, p->m->c.v_hidden, PART_EMBEDDINGS,
                                STREAM_IMAGE, 0);
    for (int i = 1; i >= 0 && rc == 0; i--) {
        if (!hidden)
            encoder_embed(p, i);
        rc = encoder_alone(p, i);
        if (rc == 0 && !hidden)
            encoder_keep_prefix(p, i);
    }
    return rc;
}

/* Before co-attention layer i come the text layers up to t_biattention[i] and the visual layers up
 * to v_biattention[i], of which encoder_prefix did the first; what is left of either stream, a
 * layer or more, comes last. */
static int encoder_layers(struct pass *p)
{
    const struct config *c = &p->m->c;
    int t = c->t_biattention[0], v = c->v_biattention[0], t_number = t, v_number = v, rc = 0;
    for (int i = 0; i < c->connections && rc == 0; i++) {
        rc = encoder_run_layers(p, text_stream(p), t, c->t_biattention[i], &t_number);
        if (rc == 0)
            rc = encoder_run_layers(p, visual_stream(p), v, c->v_biattention[i], &v_number);
        if (rc == 0 && (rc = forward_check_cancel(&p->run)) == 0)
            rc = colayer_run(p, &p->m->w.c[i], i);
        t = c->t_biattention[i];
        v = c->v_biattention[i];
    }
    if (rc == 0 && (rc = forward_check_cancel(&p->run)) == 0)
        rc = encoder_end_visual(p, v, v_number);
    if (rc == 0 && (rc = forward_check_cancel(&p->run)) == 0)
        rc = encoder_end_text(p, t, t_number);
    return rc;
}

/* What nobody reads is not computed. Maps and states that are asked for are those of all rows (maps
 * of a recorded pass are not); the gates of dynamic attention read the text up to the last visual
 * layer. */
static void encoder_plan_rows(struct pass *p)
{
    bool all = p->run.want->hidden || p->run.want->added || (p->run.want->attention && !p->tape);
    p->need_t = all ? NEED_ALL : heads_need(p->run.want, true);
    p->need_v = all ? NEED_ALL : heads_need(p->run.want, false);
    if (p->m->c.dynamic_attention && p->need_t == NEED_NOTHING)
        p->need_t = NEED_FIRST;
}

int encoder_run(struct pass *p)
{
    encoder_plan_rows(p);
    int rc = encoder_prefix(p);
    if (rc == 0)
        rc = encoder_layers(p);
    return rc ? rc : heads_run(p);
}
