/* SPDX-License-Identifier: MIT */
/* Around a forward pass: which rows are computed, the memory, what goes to the back end before and
 * comes back afterwards. Where the back end's memory is the host's, nothing is copied. */
#include "src/model/vilbert/pass.h"

#include "src/base/mem.h"
#include "src/model/trace.h"

#include <stdlib.h>
#include <string.h>

#define MASKED -10000.0f /* added to the scores of masked keys */

/* ---- packing */

/* mask: (batch, tokens of the input) of a text, (batch, width) of images, or NULL. text: whose
 * task token, if it has one, has no column there; NULL of images. */
static bool packing_is_real(const int32_t *mask, int width, const struct net *text, int b, int i)
{
    int col = text ? net_input_token(text, i) : i;
    int columns = text && text->task_tokens ? width - 1 : width;
    return !mask || col < 0 || mask[(ptrdiff_t)b * columns + col] != 0;
}

static void packing_make(struct packing *k, int batch, int width, const struct net *text,
                         const int32_t *mask, bool keep)
{
    *k = (struct packing){.batch = batch, .width = width};
    k->start = xcalloc((size_t)batch + 1, sizeof *k->start);
    k->pos = xcalloc((size_t)batch * (size_t)width, sizeof *k->pos);
    k->bias = xcalloc((size_t)batch * (size_t)width, sizeof *k->bias);
    bool masked = false;
    for (int b = 0; b < batch; b++) {
        /* What begins with padding is pooled from it: then it has to be computed. */
        bool all = keep || !packing_is_real(mask, width, text, b, 0);
        k->start[b] = k->rows;
        for (int i = 0; i < width; i++) {
            bool real = packing_is_real(mask, width, text, b, i);
            if (!real && !all)
                continue;
            k->bias[k->rows] = real ? 0 : MASKED;
            masked |= !real;
            k->pos[k->rows++] = i;
        }
    }
    k->start[batch] = k->rows;
    if (!masked) {
        free(k->bias);
        k->bias = NULL;
    }
}

/* ---- the memory of a pass */

static int pass_max(int a, int b)
{
    return a > b ? a : b;
}

struct slice {
    float **at;
    size_t size;
};

/* Of what the host says about rows at most: four ids of each token, where images begin, key biases
 * of all rows and of those that are computed early. */
static size_t pass_small_size(const struct pass *p)
{
    size_t t = (size_t)p->t.rows, v = (size_t)p->v.rows, b = (size_t)p->in->batch;
    return 4 * t + 2 * b + (p->t.bias ? 2 * t : 0) + (p->v.bias ? 2 * v : 0);
}

/* All states of a pass in one block, each beginning at a cache line. */
static int pass_plan_arena(struct pass *p)
{
    const struct config *c = &p->m->c;
    size_t t = (size_t)p->t.rows, v = (size_t)p->v.rows, b = (size_t)p->in->batch;
    size_t wt = (size_t)pass_max(c->hidden, c->bi_hidden);
    size_t wv = (size_t)pass_max(c->v_hidden, c->bi_hidden);
    size_t bi = (size_t)c->bi_hidden, in = (size_t)c->v_feature;
    /* Feed forward space also takes features and places, and the heads' inner states. */
    size_t ft = t * (size_t)pass_max(c->intermediate, c->hidden);
    size_t fv = v * (size_t)pass_max(pass_max(c->v_intermediate, c->v_hidden), (int)in + 5);
    struct slice list[] = {
        {&p->xt, t * (size_t)c->hidden}, {&p->qt, t * wt}, {&p->kt, t * wt}, {&p->vt, t * wt},
        {&p->ct, t * wt}, {&p->ft, ft}, {&p->xv, v * (size_t)c->v_hidden}, {&p->qv, v * wv},
        {&p->kv, v * wv}, {&p->vv, v * wv}, {&p->cv, v * wv}, {&p->fv, fv},
        {&p->pooled_t, b * bi}, {&p->pooled_v, b * bi}, {&p->fused, (b + 1) * bi},
        {&p->wide, b * (size_t)pass_max(4 * c->bi_hidden, c->hidden + c->v_hidden)},
        {&p->gate, (size_t)(2 * c->v_hidden + c->hidden)}, {&p->small, pass_small_size(p)},
    };
    size_t total = 0, count = sizeof list / sizeof list[0];
    for (size_t i = 0; i < count; i++)
        total += (list[i].size + 31) & ~(size_t)15;
    if (total > p->m->arena_size) {
        kern_free(p->m->k, p->m->arena);
        p->m->arena_size = 0;
        p->m->arena = kern_alloc(p->m->k, total);
        if (!p->m->arena)
            return vs_fail(p->err, VS_E_LIMIT, "no memory for %d tokens and %d regions", p->t.rows,
                           p->v.rows);
        p->m->arena_size = total;
    }
    float *at = p->m->arena;
    for (size_t i = 0; i < count; i++) {
        *list[i].at = at;
        at += (list[i].size + 31) & ~(size_t)15;
    }
    return 0;
}

int vilbert_batch(const struct vilbert *m, int tokens, int regions, int most)
{
    const struct config *c = &m->c;
    size_t t = (size_t)pass_max(c->hidden, c->bi_hidden);
    size_t v = (size_t)pass_max(c->v_hidden, c->bi_hidden);
    size_t each = ((size_t)tokens + 1) * (5 * t + (size_t)c->intermediate) +
                  (size_t)regions * (5 * v + (size_t)pass_max(c->v_intermediate, c->v_feature + 5));
    most = most < 1 ? 1 : most;
    return kern_is_host(m->k) ? most : kern_batch(m->k, each, 8 * most);
}

/* ---- what goes to the back end */

/* Positions are counted without the task token, which has none of the other ids. */
void pass_token(const struct pass *p, int b, int place, int32_t id[4])
{
    const struct net_input *in = p->in;
    int i = net_input_token(&p->m->net, place);
    bool is_task = i < 0;
    ptrdiff_t at = (ptrdiff_t)b * in->tokens + i;
    id[0] = is_task ? -1 : in->ids[at];
    id[1] = is_task ? -1 : i;
    id[2] = is_task ? -1 : in->types ? in->types[at] : 0;
    id[3] = is_task ? in->task[b] : -1;
}

static void pass_write_ids(const struct pass *p, int32_t *ids)
{
    const struct packing *k = p->early[1].rows;
    int32_t id[4];
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            pass_token(p, image_of(k, b), k->pos[r], id);
            for (int j = 0; j < 4; j++)
                ids[j * k->rows + r] = id[j];
        }
}

/* Biases of rows, behind what is there already. Where they will be, or NULL. */
static const float *pass_put_bias(const struct pass *p, const struct packing *k, float *host,
                                  size_t *used)
{
    size_t at = *used;
    if (!k->bias)
        return NULL;
    memcpy(host + at, k->bias, (size_t)k->rows * sizeof *host);
    *used += (size_t)k->rows;
    return p->small + at;
}

static int pass_put_small(struct pass *p)
{
    size_t t = (size_t)p->early[1].rows->rows, b = (size_t)p->in->batch, used = 4 * t + 2 * b;
    float *host = kern_stage(p->m->k, p->small, pass_small_size(p));
    pass_write_ids(p, (int32_t *)host);
    memcpy(host + 4 * t, p->t.start, b * sizeof *host);
    memcpy(host + 4 * t + b, p->v.start, b * sizeof *host);
    for (int i = 0; i < 4; i++)
        p->ids[i] = (const int32_t *)p->small + (size_t)i * t;
    p->first_t = p->ids[3] + t;
    p->first_v = p->first_t + b;
    p->bias_t = pass_put_bias(p, &p->t, host, &used);
    p->bias_v = pass_put_bias(p, &p->v, host, &used);
    for (int i = 0; i < 2; i++) {
        const struct early *e = &p->early[i];
        p->early[i].bias = e->rows == &e->some ? pass_put_bias(p, &e->some, host, &used)
                           : i                 ? p->bias_t
                                               : p->bias_v;
    }
    return kern_put(p->m->k, p->small, host, used);
}

static int pass_put_regions(struct pass *p)
{
    const struct net_input *in = p->in;
    const struct packing *k = p->early[0].rows;
    int n = p->m->c.v_feature;
    size_t size = (size_t)k->rows * ((size_t)n + 5);
    float *features = kern_stage(p->m->k, p->fv, size);
    float *places = features + (ptrdiff_t)k->rows * n;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            ptrdiff_t at = (ptrdiff_t)image_of(k, b) * in->regions + k->pos[r];
            memcpy(features + (ptrdiff_t)r * n, in->features + at * n, (size_t)n * sizeof(float));
            memcpy(places + (ptrdiff_t)r * 5, in->spatials + at * 5, 5 * sizeof(float));
        }
    return kern_put(p->m->k, p->fv, features, size);
}

int pass_start(struct pass *p)
{
    const struct net_input *in = p->in;
    struct kern *k = p->m->k;
    kern_use(k, p->m->set);
    packing_make(&p->t, in->batch, p->trace->tokens, &p->m->net, in->text_mask,
                 p->want->keep_padding);
    packing_make(&p->v, in->batch, p->trace->regions, NULL, in->image_mask, p->want->keep_padding);
    int rc = pass_plan_arena(p);
    if (rc == 0)
        early_plan(p);
    if (rc == 0 && (pass_put_small(p) != 0 || pass_put_regions(p) != 0))
        rc = vs_fail(p->err, VS_E_LIMIT, "the device takes no input");
    kern_begin(k);
    return rc;
}

/* ---- what comes back */

#define SLOT 64 /* floats: results begin at multiples of them */

/* Room among the results on a device; NULL when there is none. */
static float *pass_slot(struct pass *p, size_t n)
{
    struct vilbert *m = p->m;
    size_t size = (n + SLOT) & ~(size_t)(SLOT - 1);
    if (p->out_used == 0 || p->out_used + size > m->out_size[p->out_block]) {
        int next = p->out_used == 0 ? 0 : p->out_block + 1;
        if (next == PASS_BLOCKS)
            return NULL;
        if (next == m->out_count) {
            size_t room = size + ((size_t)1 << (16 + next));
            m->out[next] = kern_alloc(m->k, room);
            m->out_size[next] = room;
            m->out_count += m->out[next] != NULL;
        }
        if (next == m->out_count || m->out_size[next] < size)
            return NULL;
        p->out_block = next;
        p->out_used = 0;
    }
    float *at = m->out[p->out_block] + p->out_used;
    p->out_used += size;
    return at;
}

static void later_rows(const struct later *l, const float *x)
{
    const struct packing *k = l->from;
    size_t width = (size_t)l->width;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            memcpy(l->to + ((size_t)b * (size_t)k->width + (size_t)k->pos[r]) * width,
                   x + (size_t)r * width, width * sizeof *x);
}

static void later_map(const struct later *l, const float *x)
{
    int b = l->b, tq = rows_of(l->from, b), tk = rows_of(l->cols, b);
    const int *row = l->from->pos + l->from->start[b], *col = l->cols->pos + l->cols->start[b];
    for (int h = 0; h < l->heads; h++)
        for (int i = 0; i < tq; i++) {
            float *to = l->to + (((ptrdiff_t)b * l->heads + h) * l->from->width + row[i]) *
                                    l->cols->width;
            for (int j = 0; j < tk; j++)
                to[col[j]] = x[((ptrdiff_t)h * tq + i) * tk + j];
        }
}

/* One number for every row; padding gets -10000 added, or alone when it was not computed. */
static void later_column(const struct later *l, const float *x)
{
    const struct packing *k = l->from;
    for (int i = 0; l->masked && i < k->batch * k->width; i++)
        l->to[i] = MASKED;
    for (int b = 0; b < k->batch; b++)
        for (int r = k->start[b]; r < k->start[b + 1]; r++)
            l->to[b * k->width + k->pos[r]] = l->masked && k->bias ? x[r] + k->bias[r] : x[r];
}

static void later_take(const struct later *l, const float *x)
{
    switch (l->what) {
    case LATER_COPY: memcpy(l->to, x, l->n * sizeof *x); break;
    case LATER_ROWS: later_rows(l, x); break;
    case LATER_MAP: later_map(l, x); break;
    case LATER_COLUMN: later_column(l, x); break;
    }
}

void pass_later(struct pass *p, const struct later *l)
{
    if (kern_is_host(p->m->k)) {
        later_take(l, l->at);
        if (l->owned)
            free((void *)(uintptr_t)l->at);
        return;
    }
    p->later = xreallocarray(p->later, (size_t)p->later_count + 1, sizeof *p->later);
    p->later[p->later_count] = *l;
    p->later[p->later_count++].block = p->out_block;
}

float *pass_room(struct pass *p, size_t n)
{
    return kern_is_host(p->m->k) ? vs_try_calloc(n + 1, sizeof(float)) : pass_slot(p, n);
}

float *pass_out(struct pass *p, float *to, size_t n)
{
    if (kern_is_host(p->m->k))
        return to;
    struct later copy = {.what = LATER_COPY, .at = pass_slot(p, n), .n = n, .to = to};
    if (copy.at)
        pass_later(p, &copy);
    return (float *)(uintptr_t)copy.at;
}

const float *pass_hold(struct pass *p, const float *x, int rows, int n)
{
    if (kern_is_host(p->m->k))
        return x;
    float *to = pass_slot(p, (size_t)rows * (size_t)n);
    struct kern_gather_rows copy = {.x = x, .ldx = n, .y = to, .ldy = n, .m = rows, .n = n};
    if (to)
        p->ops->gather_rows(p->m->k, &copy);
    return to;
}

int pass_keep(struct pass *p, const struct packing *k, const float *x, int n, struct trace_at at)
{
    char name[TRACE_NAME];
    int64_t shape[3] = {k->batch, k->width, n};
    struct later rows = {.what = LATER_ROWS, .from = k, .width = n,
                         .n = (size_t)k->rows * (size_t)n};
    rows.to = trace_add(p->trace, at, 3, shape);
    rows.at = rows.to ? pass_hold(p, x, k->rows, n) : NULL;
    if (!rows.at)
        return vs_fail(p->err, VS_E_LIMIT, "no memory for %s", trace_name(at, name));
    pass_later(p, &rows);
    return 0;
}

/* Block by block, each in one piece. */
static int later_collect(struct pass *p)
{
    struct vilbert *m = p->m;
    for (int i = 0, next = 0; i < p->later_count; i = next) {
        int block = p->later[i].block;
        size_t end = 0;
        for (next = i; next < p->later_count && p->later[next].block == block; next++) {
            size_t at = (size_t)(p->later[next].at - m->out[block]) + p->later[next].n;
            end = at > end ? at : end;
        }
        const float *host = kern_view(m->k, m->out[block], end);
        if (!host)
            return VS_E_LIMIT;
        for (int j = i; j < next; j++)
            later_take(&p->later[j], host + (p->later[j].at - m->out[block]));
    }
    return 0;
}

/* The next pass of this kind finds all its results in one block. */
static void pass_join_blocks(struct vilbert *m)
{
    size_t all = 0;
    if (m->out_count < 2)
        return;
    for (int i = 0; i < m->out_count; i++) {
        all += m->out_size[i];
        kern_free(m->k, m->out[i]);
    }
    m->out[0] = kern_alloc(m->k, all);
    m->out_size[0] = all;
    m->out_count = m->out[0] != NULL;
}

void packing_fini(struct packing *k)
{
    free(k->image);
    free(k->start);
    free(k->pos);
    free(k->bias);
}

int pass_finish(struct pass *p, int rc)
{
    char why[256];
    struct kern *k = p->m->k;
    kern_end(k);
    if (rc == 0)
        rc = later_collect(p);
    if (kern_finish(k, why, sizeof why) != 0) /* says more than what followed from it */
        rc = vs_fail(p->err, VS_E_LIMIT, "%s", why);
    pass_join_blocks(p->m);
    if (p->m->kept)
        kept_settle(p->m->kept, rc == 0);
    early_fini(p);
    packing_fini(&p->t);
    packing_fini(&p->v);
    free(p->later);
    return rc;
}

void pass_memory_fini(struct vilbert *m)
{
    kern_free(m->k, m->arena);
    for (int i = 0; i < m->out_count; i++)
        kern_free(m->k, m->out[i]);
}
