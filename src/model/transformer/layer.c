/* SPDX-License-Identifier: MIT */
/* Attention and feed forward of one stream.
 *
 * Source: vilbert/vilbert.py of the reference (BertLayer). */
#include "src/model/transformer/layer.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

/* ---- lines of the model */

struct kern_linear line_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual)
{
    return (struct kern_linear){.x = x, .ldx = w->k, .w = w->w, .bias = w->b,
                                .residual = residual, .ldr = w->n, .y = y, .ldy = w->n,
                                .m = rows, .n = w->n, .k = w->k, .act = act};
}

struct kern_norm line_norm_to(const struct norm_w *w, const float *x, int rows, float *y)
{
    return (struct kern_norm){.x = x, .ldx = w->n, .gamma = w->gamma, .beta = w->beta, .y = y,
                              .ldy = w->n, .m = rows, .n = w->n, .eps = LAYER_EPS};
}

struct kern_norm line_norm(const struct norm_w *w, float *x, int rows)
{
    return line_norm_to(w, x, rows, x);
}

/* ---- attention */

static int look_keep(struct forward *r, struct look *l)
{
    if (!r->want->attention)
        return 0;
    int64_t shape[4] = {l->from->batch, l->heads, l->from->width, l->to->width};
    struct trace_at at = {.kind = TRACE_MAP, .site = (int)l->kind, .layer = l->layer};
    char name[TRACE_NAME];
    l->map = trace_add(r->trace, at, 4, shape);
    l->part = xcalloc((size_t)l->from->batch, sizeof *l->part);
    return l->map ? 0 : vs_fail(r->err, VS_E_LIMIT, "no memory for %s", trace_name(at, name));
}

/* Where the map of image b is written: in its place, or without padding, to be spread out. */
static float *look_place(struct forward *r, struct look *l, int b, int tq, int tk)
{
    size_t n = (size_t)l->heads * (size_t)tq * (size_t)tk;
    if (l->kept)
        return tape_map(l->kept, l->from, l->to, l->heads, b);
    if (!l->map)
        return NULL;
    if (tq == l->from->width && tk == l->to->width)
        return forward_out(r, l->map + (size_t)b * n, n);
    return l->part[b] = forward_room(r, n);
}

/* What is added to the scores of image b's keys. Where all are masked the same is added to each,
 * which no softmax sees; it would only take digits from the scores. */
static const float *look_bias(const struct look *l, int b)
{
    const struct packing *k = l->to;
    bool differ = false;
    for (int r = k->start[b]; l->bias && r < k->start[b + 1]; r++)
        differ |= k->bias[r] == 0;
    return differ ? l->bias + k->start[b] : NULL;
}

static int look_plan(struct forward *r, struct look *l, struct kern_attention *list)
{
    int dh = l->width / l->heads;
    for (int b = 0; b < l->from->batch; b++) {
        int tq = l->first ? 1 : rows_of(l->from, b), tk = rows_of(l->to, b);
        ptrdiff_t q0 = (ptrdiff_t)(l->first ? b : l->from->start[b]) * l->width;
        ptrdiff_t k0 = (ptrdiff_t)l->to->start[b] * l->width;
        float *probs = look_place(r, l, b, tq, tk);
        if (l->map && !probs)
            return vs_fail(r->err, VS_E_LIMIT, "no memory for attention maps");
        list[b] = (struct kern_attention){
            .q = l->q + q0, .k = l->k + k0, .v = l->v + k0, .out = l->out + q0,
            .ldq = l->width, .ldk = l->width, .ldv = l->width, .ldo = l->width,
            .key_bias = look_bias(l, b), .probs = probs,
            .heads = l->heads, .dh = dh, .tq = tq, .tk = tk, .scale = 1.0f / sqrtf((float)dh)};
    }
    return 0;
}

size_t tape_map_size(const struct packing *from, const struct packing *to, int heads, bool first,
                     int images)
{
    size_t n = 0;
    for (int b = 0; b < images; b++)
        n += (size_t)heads * (size_t)(first ? 1 : rows_of(from, b)) * (size_t)rows_of(to, b);
    return n;
}

float *tape_map(const struct tape_layer *l, const struct packing *from, const struct packing *to,
                int heads, int b)
{
    return l->map + tape_map_size(from, to, heads, l->first, b);
}

/* What is kept goes to the trace as well. */
static int look_copy_kept(struct forward *r, struct look *l)
{
    for (int b = 0; l->kept && l->map && b < l->from->batch; b++) {
        int tq = l->first ? 1 : rows_of(l->from, b), tk = rows_of(l->to, b);
        const float *at = tape_map(l->kept, l->from, l->to, l->heads, b);
        struct later map = {.what = LATER_MAP, .at = forward_hold(r, at, l->heads * tq, tk),
                            .to = l->map, .from = l->from, .cols = l->to, .heads = l->heads,
                            .b = b, .first = l->first,
                            .n = (size_t)l->heads * (size_t)tq * (size_t)tk};
        if (!map.at)
            return vs_fail(r->err, VS_E_LIMIT, "no memory for attention maps");
        forward_later(r, &map);
    }
    return 0;
}

/* The maps of images with padding go to the places of the input. */
static void look_finish(struct forward *r, struct look *l)
{
    for (int b = 0; l->part && b < l->from->batch; b++) {
        struct later map = {.what = LATER_MAP, .at = l->part[b], .to = l->map, .from = l->from,
                            .cols = l->to, .heads = l->heads, .b = b, .owned = true,
                            .n = (size_t)l->heads * (size_t)rows_of(l->from, b) *
                                 (size_t)rows_of(l->to, b)};
        if (l->part[b])
            forward_later(r, &map);
    }
    free(l->part);
}

/* One head of one image is taken out. a is its attention, done. */
static void look_silence_head(struct forward *r, const struct kern_attention *a, int head,
                              enum kern_silence how)
{
    ptrdiff_t at = (ptrdiff_t)head * a->dh;
    struct kern_silenced op = {
        .v = a->v + at, .ldv = a->ldv, .key_bias = a->key_bias, .out = a->out + at, .ldo = a->ldo,
        .probs = a->probs ? a->probs + (ptrdiff_t)head * a->tq * a->tk : NULL, .dh = a->dh,
        .tq = a->tq, .tk = a->tk, .how = how};
    r->ops->silence(r->k, &op);
}

/* list: the attentions of the look, one for each image. */
static void look_silence(struct forward *r, const struct look *l, const struct kern_attention *list)
{
    for (int i = 0; i < r->want->silence_count; i++) {
        const struct net_silence *s = &r->want->silences[i];
        if (s->map != l->kind || s->layer != l->layer)
            continue;
        for (int b = 0; b < l->from->batch; b++)
            for (int h = 0; h < l->heads && (s->b < 0 || s->b == b); h++)
                if (s->head < 0 || s->head == h)
                    look_silence_head(r, &list[b], h, s->how);
    }
}

/* Looks of the same images. */
int look_run(struct forward *r, struct look *l, int count)
{
    int batch = count > 0 ? l[0].from->batch : 0, rc = 0;
    struct kern_attention *list = xcalloc((size_t)batch * (size_t)count, sizeof *list);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_keep(r, &l[i]);
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_plan(r, &l[i], list + i * batch);
    if (rc == 0) {
        r->ops->attention(r->k, list, batch * count);
        for (int i = 0; i < count; i++)
            look_silence(r, &l[i], list + i * batch);
    }
    for (int i = 0; i < count && rc == 0; i++)
        rc = look_copy_kept(r, &l[i]);
    for (int i = 0; i < count; i++)
        look_finish(r, &l[i]);
    free(list);
    return rc;
}

/* ---- a layer */

/* The states of the first rows, one after the other. */
static float *layer_gather_first(struct forward *r, const struct stream *s)
{
    struct kern_gather_rows first = {.x = s->x, .ldx = s->hidden, .index = s->first, .y = s->ff,
                                     .ldy = s->hidden, .m = r->in->batch, .n = s->hidden};
    if (r->in->batch == 1)
        return s->x;
    r->ops->gather_rows(r->k, &first);
    return s->ff;
}

float *layer_project(struct forward *r, const struct layer_w *w, const struct stream *s,
                     bool first)
{
    int all = s->rows->rows, rows = first ? r->in->batch : all;
    float *x = first ? layer_gather_first(r, s) : s->x;
    struct kern_linear qkv[] = {line_linear(&w->q, x, rows, s->q, KERN_NONE, NULL),
                                line_linear(&w->k, s->x, all, s->k, KERN_NONE, NULL),
                                line_linear(&w->v, s->x, all, s->v, KERN_NONE, NULL)};
    r->ops->linear(r->k, qkv, 3);
    return x;
}

struct kern_linear layer_feed_in(const struct linear_w *w, const struct stream *s, int rows)
{
    return s->inner ? line_linear(w, s->x, rows, s->inner, KERN_NONE, NULL)
                    : line_linear(w, s->x, rows, s->ff, s->act, NULL);
}

void layer_feed(struct forward *r, const struct kern_linear *in, const struct stream *s, int count)
{
    r->ops->linear(r->k, in, count);
    for (int i = 0; i < count; i++)
        if (s[i].inner)
            r->ops->activate(r->k, s[i].inner, s[i].ff, (size_t)in[i].m * (size_t)in[i].n,
                             s[i].act);
}

int layer_add(struct forward *r, const struct stream *s, float *by, const float *x, float *y,
              struct trace_at at, bool first)
{
    size_t rows = (size_t)(first ? r->in->batch : s->rows->rows);
    forward_replace(r, s->rows, by, s->hidden, at, first);
    int rc = r->want->added ? forward_keep(r, s->rows, by, s->hidden, at) : 0;
    if (rc == 0)
        r->ops->add(r->k, by, x, y, rows * (size_t)s->hidden);
    return rc;
}

/* Its second half: the feed forward of what attention left. */
static int layer_finish_feed(struct forward *r, const struct layer_w *w, const struct stream *s,
                             int number, bool first)
{
    const struct attn_names *own = &attn_table[s->kind];
    struct trace_at at = {TRACE_FED, (int)own->part, own->from, number};
    int rows = first ? r->in->batch : s->rows->rows, rc = 0;
    bool apart = forward_is_apart(r, at);
    struct kern_linear ff_in = layer_feed_in(&w->ff_in, s, rows);
    struct kern_linear ff_out = line_linear(&w->ff_out, s->ff, rows, apart ? s->ctx : s->fed,
                                            KERN_NONE, apart ? NULL : s->x);
    struct kern_norm ff_norm = line_norm_to(&w->ff_norm, s->fed, rows, s->x);
    layer_feed(r, &ff_in, s, 1);
    r->ops->linear(r->k, &ff_out, 1);
    if (apart)
        rc = layer_add(r, s, s->ctx, s->x, s->fed, at, first);
    if (rc == 0)
        r->ops->norm(r->k, &ff_norm, 1);
    return rc;
}

int layer_finish(struct forward *r, const struct layer_w *w, const struct stream *s, float *x,
                 int number, bool first)
{
    const struct attn_names *own = &attn_table[s->kind];
    struct trace_at at = {TRACE_ATTENDED, (int)own->part, own->from, number};
    bool apart = forward_is_apart(r, at);
    float *by = x == s->ff ? s->q : s->ff; /* free, as its attention is done */
    int rows = first ? r->in->batch : s->rows->rows;
    struct look look = {.from = s->rows, .to = s->rows, .q = s->q, .k = s->k, .v = s->v,
                        .out = s->ctx, .width = s->hidden, .heads = s->heads, .kind = s->kind,
                        .layer = number, .bias = s->bias, .first = first, .kept = s->kept};
    int rc = look_run(r, &look, 1);
    if (rc != 0)
        return rc;
    struct kern_linear out = line_linear(&w->out, s->ctx, rows, apart ? by : s->attended,
                                         KERN_NONE, apart ? NULL : x);
    struct kern_norm out_norm = line_norm_to(&w->out_norm, s->attended, rows, s->x);
    r->ops->linear(r->k, &out, 1);
    if (apart)
        rc = layer_add(r, s, by, x, s->attended, at, first);
    if (rc != 0)
        return rc;
    r->ops->norm(r->k, &out_norm, 1);
    rc = layer_finish_feed(r, w, s, number, first);
    at.kind = TRACE_STATE;
    forward_replace(r, s->rows, s->x, s->hidden, at, first);
    return rc ? rc
              : forward_keep_state(r, s->rows, s->x, s->hidden, own->part, own->from, number);
}

int layer_run(struct forward *r, const struct layer_w *w, const struct stream *s, int number,
              bool first)
{
    float *x = layer_project(r, w, s, first);
    return layer_finish(r, w, s, x, number, first);
}
