/* SPDX-License-Identifier: MIT */
/* Heads as all families have them: a line on pooled states, a line or more on every row. */
#include "src/model/transformer/heads.h"

#include <stdlib.h>
#include <string.h>

static void bind_words(struct binder *b, struct row_heads *w, const struct row_sizes *s)
{
    static const char decoder[] = "cls.predictions.decoder.weight";
    int64_t rows = s->vocab;
    bind_linear(b, &w->word_in, s->text, s->text, "cls.predictions.transform.dense");
    bind_norm(b, &w->word_norm, s->text, "cls.predictions.transform.LayerNorm");
    w->word_out = (struct linear_w){.n = s->vocab, .k = s->text};
    /* Tied to the word embeddings; safetensors files leave the second name out. */
    w->word_out.w = tensorfile_find(b->f, decoder) ? bind_tensor(b, decoder, &rows, s->text)
                                                   : s->words;
    w->word_out.b = bind_tensor(b, "cls.predictions.bias", &rows, 0);
}

static void bind_regions(struct binder *b, struct row_heads *w, const struct row_sizes *s)
{
    bind_linear(b, &w->region_in, s->image, s->image, "cls.imagePredictions.transform.dense");
    bind_norm(b, &w->region_norm, s->image, "cls.imagePredictions.transform.LayerNorm");
    bind_linear(b, &w->region_out, s->classes, s->image, "cls.imagePredictions.decoder");
}

void bind_row_head(struct binder *b, struct row_heads *w, unsigned head, const struct row_sizes *s)
{
    switch (head) {
    case HEAD_WORD: bind_words(b, w, s); break;
    case HEAD_REGION_CLASS: bind_regions(b, w, s); break;
    case HEAD_GROUND: bind_linear(b, &w->ground, 1, s->image, "vision_logit"); break;
    case HEAD_WORD_LOGIT: bind_linear(b, &w->word_logit, 1, s->text, "linguisic_logit"); break;
    default: break;
    }
}

struct row_head row_head_of(const struct row_heads *w, enum net_head head, enum kern_act act)
{
    switch (head) {
    case HEAD_WORD:
        return (struct row_head){&w->word_in, &w->word_out, &w->word_norm, act, false};
    case HEAD_REGION_CLASS:
        return (struct row_head){&w->region_in, &w->region_out, &w->region_norm, act, false};
    case HEAD_GROUND:
        return (struct row_head){NULL, &w->ground, NULL, KERN_NONE, true};
    default:
        return (struct row_head){NULL, &w->word_logit, NULL, KERN_NONE, false};
    }
}

static int head_no_memory(struct forward *r, enum net_output of)
{
    return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", output_table[of].name);
}

static float *head_add_output(struct forward *r, enum net_output of, int ndim, const int64_t *shape)
{
    return trace_add(r->trace, (struct trace_at){.kind = TRACE_OUTPUT, .site = (int)of}, ndim,
                     shape);
}

int head_linear(struct forward *r, const struct linear_w *w, const float *x, int rows,
                enum net_output of)
{
    int64_t shape[2] = {rows, w->n};
    float *out = head_add_output(r, of, 2, shape);
    float *y = out ? forward_out(r, out, (size_t)rows * (size_t)w->n) : NULL;
    if (!y)
        return head_no_memory(r, of);
    struct kern_linear o = line_linear(w, x, rows, y, KERN_NONE, NULL);
    r->ops->linear(r->k, &o, 1);
    return 0;
}

int head_keep(struct forward *r, const float *x, int n, enum net_output of)
{
    int64_t shape[2] = {r->in->batch, n};
    struct later copy = {.what = LATER_COPY, .n = (size_t)shape[0] * (size_t)n};
    copy.to = head_add_output(r, of, 2, shape);
    copy.at = copy.to ? forward_hold(r, x, r->in->batch, n) : NULL;
    if (!copy.at)
        return head_no_memory(r, of);
    forward_later(r, &copy);
    return 0;
}

int head_keep_rows(struct forward *r, const struct packing *k, const float *x, int n,
                   enum net_output of)
{
    return forward_keep(r, k, x, n, (struct trace_at){.kind = TRACE_OUTPUT, .site = (int)of});
}

/* x: states (rows, width), y: (rows, h->out->n), inner: room for the first layer's states, all on
 * the back end. */
static void head_read_rows(struct kern *k, const struct row_head *h, const float *x, int rows,
                           float *inner, float *y)
{
    const struct kern_ops *ops = kern_table(k);
    if (h->in) {
        struct kern_linear dense = line_linear(h->in, x, rows, inner, h->act, NULL);
        struct kern_norm norm = line_norm(h->norm, inner, rows);
        ops->linear(k, &dense, 1);
        ops->norm(k, &norm, 1);
        x = inner;
    }
    struct kern_linear decode = line_linear(h->out, x, rows, y, KERN_NONE, NULL);
    ops->linear(k, &decode, 1);
}

int head_rows(struct forward *r, const struct packing *k, const float *x, float *inner,
              const struct row_head *h, enum net_output of)
{
    int64_t shape[3] = {k->batch, k->width, h->out->n};
    struct later rows = {.what = h->in ? LATER_ROWS : LATER_COLUMN, .from = k,
                         .width = h->out->n, .masked = h->masked, .owned = true,
                         .n = (size_t)k->rows * (size_t)h->out->n};
    rows.to = head_add_output(r, of, 3, shape);
    float *y = rows.to ? forward_room(r, rows.n) : NULL;
    if (!y)
        return head_no_memory(r, of);
    head_read_rows(r->k, h, x, k->rows, inner, y);
    rows.at = y;
    forward_later(r, &rows);
    return 0;
}

/* All operations of head_read_states; the memory is d. */
static void head_compute(struct core *m, const struct row_head *h, const float *x, size_t width,
                         int rows, float *d, float *out)
{
    size_t n = (size_t)rows, size = (size_t)h->out->n, step = (n * width + 63) & ~(size_t)63;
    kern_use(m->k, m->set);
    if (kern_put(m->k, d, x, n * width) != 0)
        return;
    head_read_rows(m->k, h, d, rows, d + step, d + 2 * step);
    const float *y = kern_view(m->k, d + 2 * step, n * size);
    if (y)
        memcpy(out, y, n * size * sizeof *out);
}

int head_read_states(struct core *m, enum net_head head, const struct row_head *h,
                     const float *x, size_t width, int rows, float *out, struct vs_err *err)
{
    size_t n = (size_t)rows, step = (n * width + 63) & ~(size_t)63;
    char why[256];
    int rc = core_ready(m, head, err);
    if (rc != 0)
        return rc;
    float *d = kern_alloc(m->k, 2 * step + n * (size_t)h->out->n);
    if (d)
        head_compute(m, h, x, width, rows, d, out);
    else
        rc = vs_fail(err, VS_E_LIMIT, "no memory for %d states", rows);
    kern_free(m->k, d);
    if (kern_finish(m->k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_LIMIT, "%s", why);
    rc = core_check_files(m, rc, err);
    if (rc == 0 && !kern_is_finite(out, n * (size_t)h->out->n))
        rc = vs_fail(err, VS_E_DIVERGED, "%s: a head makes NaN or infinity of states of an inner "
                     "layer", m->bound.path);
    return rc;
}
