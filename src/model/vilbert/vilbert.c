/* The trunk of ViLBERT, from top to bottom: embeddings, layers of both streams, co-attention.
 *
 * Source: vilbert/vilbert.py of the reference (BertModel, BertEncoder). Number 1 in its names is
 * the visual side, 2 the textual. */
#include "src/model/vilbert/vilbert.h"

#include "src/base/mem.h"
#include "src/model/vilbert/pass.h"
#include "src/model/trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS 1e-12f /* of every layer norm */

/* ---- opening */

uint64_t vilbert_number(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

void vilbert_keep(struct vilbert *m, struct kept *s)
{
    m->kept = s;
}

void vilbert_use_file(struct vilbert *m, const struct tensorfile *f)
{
    for (int i = 0; i < m->file_count; i++)
        if (m->files[i] == f)
            return;
    m->files = xreallocarray(m->files, (size_t)m->file_count + 1, sizeof *m->files);
    m->files[m->file_count++] = f;
}

int vilbert_check_files(const struct vilbert *m, int rc, struct vs_err *err)
{
    for (int i = 0; i < m->file_count; i++)
        rc = tensorfile_check(m->files[i], rc, err);
    return rc;
}

int vilbert_open(const struct config *c, const struct tensorfile *f, struct kern *k,
                 struct vilbert **out, struct vs_err *err)
{
    struct vilbert *m = xcalloc(1, sizeof *m);
    m->net = (struct net){.family = &vilbert_family, .sizes = config_sizes(c)};
    m->c = *c;
    m->k = k;
    m->early_of[0] = vilbert_number();
    m->early_of[1] = vilbert_number();
    int rc = weights_bind(&m->w, c, f, c->task_tokens, err);
    if (rc == 0) {
        m->net.task_tokens = m->w.task_rows > 0;
        m->net.heads = m->w.heads;
        m->set = kern_set_new(k, m->w.bytes);
        vilbert_use_file(m, f);
        *out = m;
    } else {
        free(m);
    }
    return rc;
}

void vilbert_free(struct vilbert *m)
{
    if (!m)
        return;
    kern_set_free(m->k, m->set);
    weights_fini(&m->w);
    pass_memory_fini(m);
    free(m->files);
    free(m);
}

struct net *vilbert_net(struct vilbert *m)
{
    return &m->net;
}

const struct config *vilbert_config(const struct vilbert *m)
{
    return &m->c;
}

bool vilbert_task_tokens(const struct vilbert *m)
{
    return m->net.task_tokens;
}

unsigned vilbert_heads(const struct vilbert *m)
{
    return m->w.heads;
}

/* ---- lines of the model */

struct kern_linear pass_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual)
{
    return (struct kern_linear){.x = x, .ldx = w->k, .w = w->w, .bias = w->b,
                                .residual = residual, .ldr = w->n, .y = y, .ldy = w->n,
                                .m = rows, .n = w->n, .k = w->k, .act = act};
}

struct kern_norm pass_norm(const struct norm_w *w, float *x, int rows)
{
    return (struct kern_norm){.x = x, .ldx = w->n, .gamma = w->gamma, .beta = w->beta, .y = x,
                              .ldy = w->n, .m = rows, .n = w->n, .eps = EPS};
}

/* ---- states and maps that are kept */

static int keep_hidden(struct pass *p, const struct packing *k, const float *x, int n,
                       enum net_part part, enum net_stream s, int layer)
{
    if (!p->want->hidden)
        return 0;
    return pass_keep(p, k, x, n, (struct trace_at){TRACE_STATE, (int)part, s, layer});
}

/* One direction: the queries of one stream on the keys and values of the same or the other. */
struct look {
    const struct packing *from, *to;
    const float *q, *k, *v;
    float *out;
    int width, heads;
    enum attn_kind kind;
    int layer;
    bool first;   /* q and out have only the first row of every image; then no map is wanted */
    float *map;   /* (batch, heads, from.width, to.width) in the trace, or NULL */
    float **part; /* (batch): maps without padding, to be spread out */
    const float *bias; /* of the keys, or NULL */
};

static int look_keep(struct pass *p, struct look *l)
{
    if (!p->want->attention)
        return 0;
    int64_t shape[4] = {l->from->batch, l->heads, l->from->width, l->to->width};
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)l->kind, .layer = l->layer};
    char name[TRACE_NAME];
    l->map = trace_add(p->trace, at, 4, shape);
    l->part = xcalloc((size_t)l->from->batch, sizeof *l->part);
    return l->map ? 0 : vs_fail(p->err, VS_E_LIMIT, "no memory for %s", trace_name(at, name));
}

/* Where the map of image b is written: in its place, or without padding, to be spread out. */
static float *look_place(struct pass *p, struct look *l, int b, int tq, int tk)
{
    size_t n = (size_t)l->heads * (size_t)tq * (size_t)tk;
    if (!l->map)
        return NULL;
    if (tq == l->from->width && tk == l->to->width)
        return pass_out(p, l->map + (size_t)b * n, n);
    return l->part[b] = pass_room(p, n);
}

static int look_plan(struct pass *p, struct look *l, struct kern_attention *list)
{
    int dh = l->width / l->heads;
    for (int b = 0; b < l->from->batch; b++) {
        int tq = l->first ? 1 : rows_of(l->from, b), tk = rows_of(l->to, b);
        ptrdiff_t q0 = (ptrdiff_t)(l->first ? b : l->from->start[b]) * l->width;
        ptrdiff_t k0 = (ptrdiff_t)l->to->start[b] * l->width;
        float *probs = look_place(p, l, b, tq, tk);
        if (l->map && !probs)
            return vs_fail(p->err, VS_E_LIMIT, "no memory for attention maps");
        list[b] = (struct kern_attention){
            .q = l->q + q0, .k = l->k + k0, .v = l->v + k0, .out = l->out + q0,
            .ldq = l->width, .ldk = l->width, .ldv = l->width, .ldo = l->width,
            .key_bias = l->bias ? l->bias + l->to->start[b] : NULL, .probs = probs,
            .heads = l->heads, .dh = dh, .tq = tq, .tk = tk, .scale = 1.0f / sqrtf((float)dh)};
    }
    return 0;
}

/* The maps of images with padding go to the places of the input. */
static void look_finish(struct pass *p, struct look *l)
{
    for (int b = 0; l->part && b < l->from->batch; b++) {
        struct later map = {.what = LATER_MAP, .at = l->part[b], .to = l->map, .from = l->from,
                            .cols = l->to, .heads = l->heads, .b = b, .owned = true,
                            .n = (size_t)l->heads * (size_t)rows_of(l->from, b) *
                                 (size_t)rows_of(l->to, b)};
        if (l->part[b])
            pass_later(p, &map);
    }
    free(l->part);
}

/* One head of one image is taken out. a is its attention, done. */
static void silence_head(struct pass *p, const struct kern_attention *a, int head,
                         enum kern_silence how)
{
    ptrdiff_t at = (ptrdiff_t)head * a->dh;
    struct kern_silenced op = {
        .v = a->v + at, .ldv = a->ldv, .key_bias = a->key_bias, .out = a->out + at, .ldo = a->ldo,
        .probs = a->probs ? a->probs + (ptrdiff_t)head * a->tq * a->tk : NULL, .dh = a->dh,
        .tq = a->tq, .tk = a->tk, .how = how};
    p->ops->silence(p->m->k, &op);
}

/* list: the attentions of the look, one for each image. */
static void silence(struct pass *p, const struct look *l, const struct kern_attention *list)
{
    for (int i = 0; i < p->want->silence_count; i++) {
        const struct net_silence *s = &p->want->silences[i];
        if (s->map != l->kind || s->layer != l->layer)
            continue;
        for (int b = 0; b < l->from->batch; b++)
            for (int h = 0; h < l->heads && (s->b < 0 || s->b == b); h++)
                if (s->head < 0 || s->head == h)
                    silence_head(p, &list[b], h, s->how);
    }
}

/* Looks of the same images. */
static int run_looks(struct pass *p, struct look *l, int count)
{
    int batch = l[0].from->batch, rc = 0;
    struct kern_attention *list = xcalloc((size_t)batch * (size_t)count, sizeof *list);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_keep(p, &l[i]);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_plan(p, &l[i], list + i * batch);
    if (rc == 0) {
        p->ops->attention(p->m->k, list, batch * count);
        for (int i = 0; i < count; i++)
            silence(p, &l[i], list + i * batch);
    }
    for (int i = 0; i < count; i++)
        look_finish(p, &l[i]);
    free(list);
    return rc;
}

/* ---- a layer of one stream */

struct stream {
    const struct packing *rows;
    float *x, *q, *k, *v, *ctx, *ff;
    int hidden, heads;
    enum kern_act act;
    enum net_part part;
    enum net_stream of;
    enum attn_kind kind;
    const float *bias; /* of its rows as keys, or NULL */
    const int32_t *first; /* the first rows of the images */
};

static struct stream text_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->t, p->xt, p->qt, p->kt, p->vt, p->ct, p->ft, c->hidden, c->heads,
                           c->act, PART_TEXT, STREAM_TEXT, ATTN_TEXT, p->bias_t, p->first_t};
}

static struct stream visual_stream(const struct pass *p)
{
    const struct config *c = &p->m->c;
    return (struct stream){&p->v, p->xv, p->qv, p->kv, p->vv, p->cv, p->fv, c->v_hidden,
                           c->v_heads, c->v_act, PART_VISUAL, STREAM_IMAGE, ATTN_VISUAL,
                           p->bias_v, p->first_v};
}

/* dynamic_attention: the text of the moment decides which numbers of queries and keys count.
 * first_only: there are queries of the first rows only. */
static void gate_layer(struct pass *p, const struct layer_w *w, bool first_only)
{
    int n = p->m->c.v_hidden;
    float *gq = p->gate, *gk = gq + n, *mean = gk + n;
    for (int b = 0; b < p->in->batch; b++) {
        ptrdiff_t at = (ptrdiff_t)p->v.start[b] * n;
        int hidden = p->m->c.hidden, first = p->t.start[b];
        struct kern_mean real = {.x = p->xt + (ptrdiff_t)first * hidden, .ldx = hidden,
                                 .skip = p->bias_t ? p->bias_t + first : NULL, .y = mean,
                                 .m = rows_of(&p->t, b), .n = hidden};
        p->ops->mean(p->m->k, &real); /* of the real tokens */
        struct kern_linear gates[] = {pass_linear(&w->gate_q, mean, 1, gq, KERN_NONE, NULL),
                                      pass_linear(&w->gate_k, mean, 1, gk, KERN_NONE, NULL)};
        p->ops->linear(p->m->k, gates, 2);
        if (first_only)
            p->ops->gate(p->m->k, p->qv + (ptrdiff_t)b * n, n, gq, 1, n);
        else
            p->ops->gate(p->m->k, p->qv + at, n, gq, rows_of(&p->v, b), n);
        p->ops->gate(p->m->k, p->kv + at, n, gk, rows_of(&p->v, b), n);
    }
}

/* The states of the first rows, one after the other. */
static float *gather_first(struct pass *p, const struct stream *s)
{
    struct kern_gather_rows first = {.x = s->x, .ldx = s->hidden, .index = s->first, .y = s->ff,
                              .ldy = s->hidden, .m = p->in->batch, .n = s->hidden};
    if (p->in->batch == 1)
        return s->x;
    p->ops->gather_rows(p->m->k, &first);
    return s->ff;
}

/* first: queries, outputs and what follows of the first row of every image only, which stand one
 * after the other afterwards. Keys and values are those of all rows. */
static int run_layer(struct pass *p, const struct layer_w *w, struct stream s, int number,
                     bool first)
{
    struct kern *k = p->m->k;
    int all = s.rows->rows, rows = first ? p->in->batch : all;
    float *x = first ? gather_first(p, &s) : s.x;
    struct kern_linear qkv[] = {pass_linear(&w->q, x, rows, s.q, KERN_NONE, NULL),
                                pass_linear(&w->k, s.x, all, s.k, KERN_NONE, NULL),
                                pass_linear(&w->v, s.x, all, s.v, KERN_NONE, NULL)};
    p->ops->linear(k, qkv, 3);
    if (w->gate_q.w)
        gate_layer(p, w, first);
    struct look look = {.from = s.rows, .to = s.rows, .q = s.q, .k = s.k, .v = s.v, .out = s.ctx,
                        .width = s.hidden, .heads = s.heads, .kind = s.kind, .layer = number,
                        .bias = s.bias, .first = first};
    int rc = run_looks(p, &look, 1);
    if (rc != 0)
        return rc;
    struct kern_linear out = pass_linear(&w->out, s.ctx, rows, s.x, KERN_NONE, x);
    struct kern_norm out_norm = pass_norm(&w->out_norm, s.x, rows);
    struct kern_linear ff_in = pass_linear(&w->ff_in, s.x, rows, s.ff, s.act, NULL);
    struct kern_linear ff_out = pass_linear(&w->ff_out, s.ff, rows, s.x, KERN_NONE, s.x);
    struct kern_norm ff_norm = pass_norm(&w->ff_norm, s.x, rows);
    p->ops->linear(k, &out, 1);
    p->ops->norm(k, &out_norm, 1);
    p->ops->linear(k, &ff_in, 1);
    p->ops->linear(k, &ff_out, 1);
    p->ops->norm(k, &ff_norm, 1);
    return keep_hidden(p, s.rows, s.x, s.hidden, s.part, s.of, number);
}

/* ---- a co-attention layer: each stream asks, the other is read */

/* What of stream i is computed: in the last of these layers, where nobody reads what becomes of a
 * stream, only the keys and values that the other one needs. */
static bool is_read(const struct pass *p, int i, int number)
{
    return number < p->m->c.connections - 1 || (i ? p->need_t : p->need_v) != NEED_NOTHING;
}

struct colayer_ops {
    struct kern_linear qkv[6], out[2], ff_in[2], ff_out[2];
    struct kern_norm out_norm[2], ff_norm[2];
    struct look look[2];
    int products, sides;
};

/* Keys, values and queries of stream i. Returns count. */
static int project(const struct colayer_w *w, const struct stream *s, int i, int count,
                   struct kern_linear *list)
{
    const struct linear_w *const what[] = {&w->k[i], &w->v[i], &w->q[i]};
    float *const to[] = {s->k, s->v, s->q};
    for (int j = 0; j < count; j++)
        list[j] = pass_linear(what[j], s->x, s->rows->rows, to[j], KERN_NONE, NULL);
    return count;
}

static void add_side(struct pass *p, const struct colayer_w *w, const struct stream *s, int i,
                     int number, struct colayer_ops *o)
{
    int rows = s[i].rows->rows, n = o->sides;
    bool there = number == 0 && p->early[i].of, read = is_read(p, i, number);
    if (!there)
        o->products += project(w, &s[i], i, read ? 3 : 2, o->qkv + o->products);
    if (!read)
        return;
    o->sides++;
    o->look[n] = (struct look){.from = s[i].rows, .to = s[!i].rows, .q = s[i].q, .k = s[!i].k,
                               .v = s[!i].v, .out = s[i].ctx, .width = p->m->c.bi_hidden,
                               .heads = p->m->c.bi_heads, .layer = number, .bias = s[!i].bias,
                               .kind = i ? ATTN_TEXT_TO_IMAGE : ATTN_IMAGE_TO_TEXT};
    o->out[n] = pass_linear(&w->out[i], s[i].ctx, rows, s[i].x, KERN_NONE, s[i].x);
    o->out_norm[n] = pass_norm(&w->out_norm[i], s[i].x, rows);
    o->ff_in[n] = pass_linear(&w->ff_in[i], s[i].x, rows, s[i].ff, s[i].act, NULL);
    o->ff_out[n] = pass_linear(&w->ff_out[i], s[i].ff, rows, s[i].x, KERN_NONE, s[i].x);
    o->ff_norm[n] = pass_norm(&w->ff_norm[i], s[i].x, rows);
}

static int run_colayer(struct pass *p, const struct colayer_w *w, int number)
{
    struct kern *k = p->m->k;
    struct stream s[2] = {visual_stream(p), text_stream(p)};
    struct colayer_ops o = {.products = 0};
    for (int i = 0; i < 2; i++)
        add_side(p, w, s, i, number, &o);
    if (o.products > 0)
        p->ops->linear(k, o.qkv, o.products);
    int rc = run_looks(p, o.look, o.sides);
    if (rc != 0)
        return rc;
    p->ops->linear(k, o.out, o.sides);
    p->ops->norm(k, o.out_norm, o.sides);
    p->ops->linear(k, o.ff_in, o.sides);
    p->ops->linear(k, o.ff_out, o.sides);
    p->ops->norm(k, o.ff_norm, o.sides);
    rc = keep_hidden(p, &p->t, p->xt, p->m->c.hidden, PART_CO, STREAM_TEXT, number);
    return rc ? rc
              : keep_hidden(p, &p->v, p->xv, p->m->c.v_hidden, PART_CO, STREAM_IMAGE, number);
}

/* ---- embeddings */

/* Words, positions and types; the task token has none of them but its own. */
static void embed_text(struct pass *p, int rows)
{
    const struct weights *w = &p->m->w;
    const struct config *c = &p->m->c;
    int n = c->hidden;
    struct kern_embed e = {.table = {w->words, w->positions, w->types},
                           .ids = {p->ids[0], p->ids[1], p->ids[2]},
                           .rows = {c->vocab_size, c->max_positions, c->type_vocab}, .y = p->xt,
                           .ldy = n, .m = rows, .n = n};
    p->ops->embed(p->m->k, &e);
    if (w->task_rows > 0) {
        struct kern_embed own = {.table = {w->tasks}, .ids = {p->ids[3]}, .rows = {w->task_rows},
                                 .y = p->ct, .ldy = n, .m = rows, .n = n};
        p->ops->embed(p->m->k, &own);
        p->ops->add(p->m->k, p->xt, p->ct, p->xt, (size_t)rows * (size_t)n);
    }
    struct kern_norm norm = pass_norm(&w->embed_norm, p->xt, rows);
    p->ops->norm(p->m->k, &norm, 1);
}

static void embed_regions(struct pass *p, int rows)
{
    const struct weights *w = &p->m->w;
    const float *features = p->fv, *places = p->fv + (ptrdiff_t)rows * p->m->c.v_feature;
    struct kern_linear f = pass_linear(&w->v_features, features, rows, p->xv, KERN_NONE, NULL);
    struct kern_linear s = pass_linear(&w->v_places, places, rows, p->xv, KERN_NONE, p->xv);
    struct kern_norm norm = pass_norm(&w->v_embed_norm, p->xv, rows);
    p->ops->linear(p->m->k, &f, 1);
    p->ops->linear(p->m->k, &s, 1);
    p->ops->norm(p->m->k, &norm, 1);
}

/* ---- the whole */

static int check_cancel(const struct pass *p)
{
    if (p->want->cancel && atomic_load(p->want->cancel))
        return vs_fail(p->err, VS_E_CANCELLED, "cancelled");
    return 0;
}

static int run_text(struct pass *p, struct stream s, int from, int to, int *number)
{
    int rc = 0;
    for (int i = from; i < to && rc == 0; i++)
        if ((rc = check_cancel(p)) == 0)
            rc = run_layer(p, &p->m->w.t[i], s, (*number)++, false);
    return rc;
}

static int run_visual(struct pass *p, struct stream s, int from, int to, int *number)
{
    int rc = 0;
    for (int i = from; i < to && rc == 0; i++)
        if ((rc = check_cancel(p)) == 0)
            rc = run_layer(p, &p->m->w.v[i], s, (*number)++, false);
    return rc;
}

/* The mean over its queries stands in for a head of this layer: then all of them are needed. */
static bool is_averaged(const struct pass *p, enum attn_kind map, int layer)
{
    for (int i = 0; i < p->want->silence_count; i++) {
        const struct net_silence *s = &p->want->silences[i];
        if (s->how == KERN_MEAN && s->map == map && s->layer == layer)
            return true;
    }
    return false;
}

/* What comes behind the last co-attention layer. */
static int end_text(struct pass *p, int from, int number)
{
    int last = p->m->c.layers - 1, rc = 0;
    if (p->need_t == NEED_NOTHING)
        return 0;
    rc = run_text(p, text_stream(p), from, last, &number);
    p->cut_t = p->need_t == NEED_FIRST && !is_averaged(p, ATTN_TEXT, number);
    return rc ? rc : run_layer(p, &p->m->w.t[last], text_stream(p), number, p->cut_t);
}

static int end_visual(struct pass *p, int from, int number)
{
    int last = p->m->c.v_layers - 1, rc = 0;
    if (p->need_v == NEED_NOTHING)
        return 0;
    rc = run_visual(p, visual_stream(p), from, last, &number);
    p->cut_v = p->need_v == NEED_FIRST && !is_averaged(p, ATTN_VISUAL, number);
    return rc ? rc : run_layer(p, &p->m->w.v[last], visual_stream(p), number, p->cut_v);
}

static struct stream early_stream(const struct pass *p, int i)
{
    struct stream s = i ? text_stream(p) : visual_stream(p);
    s.rows = p->early[i].rows;
    s.bias = p->early[i].bias;
    return s;
}

static void embed(struct pass *p, int i)
{
    int rows = p->early[i].rows->rows;
    if (i && rows > 0)
        embed_text(p, rows);
    else if (rows > 0)
        embed_regions(p, rows);
}

/* The layers of a stream before the first co-attention layer. */
static int run_alone(struct pass *p, int i)
{
    const struct config *c = &p->m->c;
    struct stream s = early_stream(p, i);
    int number = 0;
    if (s.rows->rows == 0)
        return 0;
    return i ? run_text(p, s, 0, c->t_biattention[0], &number)
             : run_visual(p, s, 0, c->v_biattention[0], &number);
}

/* What is kept ends with what the first co-attention layer makes of it. */
static void keep_early(struct pass *p, int i)
{
    struct stream s = early_stream(p, i);
    struct kern_linear qkv[3];
    if (!p->early[i].of)
        return;
    if (s.rows->rows > 0)
        p->ops->linear(p->m->k, qkv, project(&p->m->w.c[0], &s, i, 3, qkv));
    kern_end(p->m->k);
    early_keep(p, i);
    kern_begin(p->m->k);
}

/* Both streams up to the first co-attention layer. Where states are wanted the embeddings are the
 * first of them, and what is kept has no layers yet (early_plan). */
static int run_early(struct pass *p)
{
    int rc = 0;
    bool hidden = p->want->hidden;
    for (int i = 1; i >= 0 && hidden; i--) {
        embed(p, i);
        keep_early(p, i);
    }
    if (hidden)
        rc = keep_hidden(p, &p->t, p->xt, p->m->c.hidden, PART_EMBEDDINGS, STREAM_TEXT, 0);
    if (hidden && rc == 0)
        rc = keep_hidden(p, &p->v, p->xv, p->m->c.v_hidden, PART_EMBEDDINGS, STREAM_IMAGE, 0);
    for (int i = 1; i >= 0 && rc == 0; i--) {
        if (!hidden)
            embed(p, i);
        rc = run_alone(p, i);
        if (rc == 0 && !hidden)
            keep_early(p, i);
    }
    return rc;
}

/* Before co-attention layer i come the text layers up to t_biattention[i] and the visual layers up
 * to v_biattention[i], of which run_early did the first; what is left of either stream, a layer or
 * more, comes last. */
static int run_encoder(struct pass *p)
{
    const struct config *c = &p->m->c;
    int t = c->t_biattention[0], v = c->v_biattention[0], t_number = t, v_number = v, rc = 0;
    for (int i = 0; i < c->connections && rc == 0; i++) {
        rc = run_text(p, text_stream(p), t, c->t_biattention[i], &t_number);
        if (rc == 0)
            rc = run_visual(p, visual_stream(p), v, c->v_biattention[i], &v_number);
        if (rc == 0 && (rc = check_cancel(p)) == 0)
            rc = run_colayer(p, &p->m->w.c[i], i);
        t = c->t_biattention[i];
        v = c->v_biattention[i];
    }
    if (rc == 0 && (rc = check_cancel(p)) == 0)
        rc = end_visual(p, v, v_number);
    if (rc == 0 && (rc = check_cancel(p)) == 0)
        rc = end_text(p, t, t_number);
    return rc;
}

/* What nobody reads is not computed. Maps and states that are asked for are those of all rows; the
 * gates of dynamic attention read the text up to the last visual layer. */
static void plan_rows(struct pass *p)
{
    bool all = p->want->hidden || p->want->attention;
    p->need_t = all ? NEED_ALL : heads_need(p->want, true);
    p->need_v = all ? NEED_ALL : heads_need(p->want, false);
    if (p->m->c.dynamic_attention && p->need_t == NEED_NOTHING)
        p->need_t = NEED_FIRST;
}

static int run_pass(struct pass *p)
{
    plan_rows(p);
    int rc = run_early(p);
    if (rc == 0)
        rc = run_encoder(p);
    return rc ? rc : heads_run(p);
}

/* ---- checking what comes in: ids choose rows of tables */

static int check_ids(const struct vilbert *m, const struct net_input *in, struct vs_err *err)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)in->batch * in->tokens; i++) {
        if (in->ids[i] < 0 || in->ids[i] >= m->c.vocab_size)
            return vs_fail(err, VS_E_FORMAT, "token id %d is not below the vocabulary size %d",
                           in->ids[i], m->c.vocab_size);
        if (in->types && (in->types[i] < 0 || in->types[i] >= m->c.type_vocab))
            return vs_fail(err, VS_E_FORMAT, "token type %d is not below %d", in->types[i],
                           m->c.type_vocab);
    }
    for (int b = 0; m->w.task_rows && b < in->batch; b++)
        if (!in->task || in->task[b] < 0 || in->task[b] >= m->w.task_rows)
            return vs_fail(err, VS_E_FORMAT, "task id %d: the checkpoint has task tokens 0 to %d",
                           in->task ? in->task[b] : -1, m->w.task_rows - 1);
    return 0;
}

static int check_input(const struct vilbert *m, const struct net_input *in,
                       const struct net_want *want, struct vs_err *err)
{
    if (in->batch < 1 || in->tokens < 1 || in->regions < 1)
        return vs_fail(err, VS_E_FORMAT, "an input of %d images, %d tokens, %d regions is empty",
                       in->batch, in->tokens, in->regions);
    if (in->tokens > m->c.max_positions)
        return vs_fail(err, VS_E_LIMIT, "%d tokens are more than the model's %d positions",
                       in->tokens, m->c.max_positions);
    if ((int64_t)in->batch * in->regions > 2000000 || (int64_t)in->batch * in->tokens > 2000000)
        return vs_fail(err, VS_E_LIMIT, "%d images at once are too many", in->batch);
    if (want->heads & HEAD_ALL & ~m->w.heads)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of a head that this "
                       "task reads (vilscope inspect lists what it has)");
    size_t rows = (size_t)in->batch * (size_t)in->regions;
    if (!kern_is_finite(in->features, rows * (size_t)m->c.v_feature) ||
        !kern_is_finite(in->spatials, rows * 5))
        return vs_fail(err, VS_E_FORMAT, "features or boxes of the regions are NaN or infinite");
    return check_ids(m, in, err);
}

static int forward(struct vilbert *m, const struct net_input *in,
                   const struct net_want *want, bool keep, struct trace **out,
                   struct vs_err *err)
{
    double start = vs_now_ms();
    struct trace *t = xcalloc(1, sizeof *t);
    struct pass p = {.m = m, .in = in, .want = want, .ops = kern_table(m->k), .trace = t,
                     .keep = keep && m->kept, .err = err};
    t->batch = in->batch;
    t->tokens = net_token_row(&m->net, in->tokens);
    t->regions = in->regions;
    int rc = pass_start(&p);
    if (rc == 0)
        rc = run_pass(&p);
    rc = pass_finish(&p, rc);
    t->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = t;
    else
        trace_free(t);
    return rc;
}

/* Which layer made the first number that is none: NaN and infinity stay what they are in all that
 * follows, so it is looked for only when an output holds some, by a pass that keeps all states. */
static int fail_diverged(struct vilbert *m, const struct net_input *in,
                         const struct net_want *want, struct trace_at bad, struct vs_err *err)
{
    struct net_want all = *want;
    struct trace *t = NULL;
    char name[TRACE_NAME], where[80];
    all.hidden = all.attention = true;
    int rc = forward(m, in, &all, false, &t, err);
    const struct trace_tensor *first = t ? trace_not_finite(t) : NULL;
    struct trace_at at = first ? first->at : bad;
    trace_free(t);
    if (rc == VS_E_CANCELLED)
        return rc;
    trace_describe(at, where, sizeof where);
    return vs_fail(err, VS_E_DIVERGED, "%s: %s (%s) makes NaN or infinity of this input, though "
                   "all weights are finite: they are too large; no answer", m->w.path, where,
                   trace_name(at, name));
}

/* Those whose weights are finite, the trunk's being so. */
static unsigned sound_heads(struct vilbert *m, unsigned heads)
{
    for (unsigned head = 1; head & HEAD_ALL; head <<= 1)
        if (heads & head && weights_ready(&m->w, m->k, head, NULL) != 0)
            heads &= ~head;
    return heads;
}

int vilbert_forward(struct vilbert *m, const struct net_input *in,
                    const struct net_want *want, struct trace **out, struct vs_err *err)
{
    struct net_want all = *want;
    int rc = check_input(m, in, want, err);
    if (rc != 0)
        return rc;
    rc = weights_ready(&m->w, m->k, want->heads, err);
    if (rc != 0)
        return vilbert_check_files(m, rc, err);
    all.heads |= sound_heads(m, want->others & m->w.heads);
    rc = forward(m, in, &all, true, out, err);
    /* Memory that ended may be what states were kept in. */
    if (rc == VS_E_LIMIT && kept_drop(m->kept))
        rc = forward(m, in, &all, false, out, err);
    bool made = rc == 0;
    rc = vilbert_check_files(m, rc, err);
    const struct trace_tensor *bad = rc == 0 ? trace_not_finite(*out) : NULL;
    if (bad)
        rc = fail_diverged(m, in, &all, bad->at, err);
    if (made && rc != 0) {
        trace_free(*out);
        *out = NULL;
    }
    return rc;
}
