/* SPDX-License-Identifier: MIT */
/* Binding a checkpoint's tensors. Names: modules of vilbert/vilbert.py of the reference. */
#include "src/model/vilbert/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct binder {
    struct weights *w;
    const struct tensorfile *f;
    struct buf missing, wrong;
    int missing_count, wrong_count;
    unsigned head; /* that is being bound; 0: the trunk */
    bool no_memory;
};

#define SHOWN 6 /* names in a message; the rest is counted */

static void bind_note_missing(struct binder *b, const char *name)
{
    if (b->missing_count++ < SHOWN)
        buf_printf(&b->missing, "%s%s", b->missing_count > 1 ? ", " : "", name);
}

static void bind_note_wrong(struct binder *b, const struct tensor *t, int64_t rows, int64_t columns)
{
    if (b->wrong_count++ >= SHOWN)
        return;
    buf_printf(&b->wrong, "%s%s is (", b->wrong_count > 1 ? ", " : "", t->name);
    for (int i = 0; i < t->ndim; i++)
        buf_printf(&b->wrong, "%s%" PRId64, i ? ", " : "", t->shape[i]);
    buf_printf(&b->wrong, ") instead of (%" PRId64, rows);
    if (columns)
        buf_printf(&b->wrong, ", %" PRId64, columns);
    buf_puts(&b->wrong, ")");
}

/* Elements as float32: in the map where they are, else a copy, whose pages are not touched yet. */
static const void *weights_as_floats(struct binder *b, const struct tensor *t)
{
    struct weights *w = b->w;
    if (tensor_is_floats(t))
        return t->data;
    float *copy = vs_try_calloc((size_t)tensor_elements(t) + 1, sizeof *copy);
    if (!copy) {
        b->no_memory = true;
        return NULL;
    }
    if (w->owned_count == w->owned_cap) {
        w->owned_cap = w->owned_cap ? 2 * w->owned_cap : 64;
        w->owned = xreallocarray(w->owned, (size_t)w->owned_cap, sizeof *w->owned);
        w->waiting = xreallocarray(w->waiting, (size_t)w->owned_cap, sizeof *w->waiting);
    }
    w->owned[w->owned_count++] = copy;
    w->waiting[w->waiting_count++] = (struct weights_copy){t, copy};
    return copy;
}

/* What is bound is looked at before it is used. */
static const void *weights_to_check(struct binder *b, const struct tensor *t)
{
    struct weights *w = b->w;
    const void *data = weights_as_floats(b, t);
    if (!data)
        return NULL;
    if (w->check_count == w->check_cap) {
        w->check_cap = w->check_cap ? 2 * w->check_cap : 256;
        w->checks = xreallocarray(w->checks, (size_t)w->check_cap, sizeof *w->checks);
    }
    w->checks[w->check_count++] = (struct weights_check){.of = t, .data = data, .head = b->head};
    return data;
}

/* columns 0 for a vector; *rows -1 takes what the tensor has. */
static const void *bind_tensor(struct binder *b, const char *name, int64_t *rows, int64_t columns)
{
    const struct tensor *t = tensorfile_find(b->f, name);
    if (!t) {
        bind_note_missing(b, name);
        return NULL;
    }
    int ndim = columns ? 2 : 1;
    bool good = t->ndim == ndim && (ndim == 1 || t->shape[1] == columns) &&
                (*rows < 0 ? t->shape[0] >= 1 && t->shape[0] < INT32_MAX : t->shape[0] == *rows);
    if (!good) {
        bind_note_wrong(b, t, *rows < 0 ? 1 : *rows, columns);
        return NULL;
    }
    *rows = t->shape[0];
    b->w->bytes += (size_t)tensor_elements(t) * sizeof(float);
    return weights_to_check(b, t);
}

static void bind_linear(struct binder *b, struct linear_w *o, int n, int k, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* n -1: as many rows as the file has. */
static void bind_linear(struct binder *b, struct linear_w *o, int n, int k, const char *fmt, ...)
{
    char base[160], name[180];
    va_list ap;
    int64_t rows = n;
    va_start(ap, fmt);
    vsnprintf(base, sizeof base, fmt, ap);
    va_end(ap);
    snprintf(name, sizeof name, "%s.weight", base);
    o->w = bind_tensor(b, name, &rows, k);
    snprintf(name, sizeof name, "%s.bias", base);
    o->b = bind_tensor(b, name, &rows, 0);
    o->n = rows < 0 ? 0 : (int)rows;
    o->k = k;
}

static void bind_norm(struct binder *b, struct norm_w *o, int n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void bind_norm(struct binder *b, struct norm_w *o, int n, const char *fmt, ...)
{
    char base[160], name[180];
    va_list ap;
    int64_t rows = n;
    va_start(ap, fmt);
    vsnprintf(base, sizeof base, fmt, ap);
    va_end(ap);
    snprintf(name, sizeof name, "%s.weight", base);
    o->gamma = bind_tensor(b, name, &rows, 0);
    snprintf(name, sizeof name, "%s.bias", base);
    o->beta = bind_tensor(b, name, &rows, 0);
    o->n = n;
}

static void bind_table(struct binder *b, const void **o, int64_t rows, int columns,
                       const char *name)
{
    *o = bind_tensor(b, name, &rows, columns);
}

/* ---- the trunk */

static void bind_embeddings(struct binder *b, const struct config *c, int task_tokens)
{
    struct weights *w = b->w;
    static const char task_name[] = "bert.embeddings.task_embeddings.weight";
    const struct tensor *tasks = tensorfile_find(b->f, task_name);
    bind_table(b, &w->words, c->vocab_size, c->hidden, "bert.embeddings.word_embeddings.weight");
    bind_table(b, &w->positions, c->max_positions, c->hidden,
               "bert.embeddings.position_embeddings.weight");
    bind_table(b, &w->types, c->type_vocab, c->hidden,
               "bert.embeddings.token_type_embeddings.weight");
    bind_norm(b, &w->embed_norm, c->hidden, "bert.embeddings.LayerNorm");
    if (task_tokens == 1 || (task_tokens < 0 && tasks)) {
        int64_t rows = -1;
        w->tasks = bind_tensor(b, task_name, &rows, c->hidden);
        w->task_rows = w->tasks ? (int)rows : 0;
    }
    bind_linear(b, &w->v_features, c->v_hidden, c->v_feature,
                "bert.v_embeddings.image_embeddings");
    bind_linear(b, &w->v_places, c->v_hidden, 5, "bert.v_embeddings.image_location_embeddings");
    bind_norm(b, &w->v_embed_norm, c->v_hidden, "bert.v_embeddings.LayerNorm");
}

static void bind_layer(struct binder *b, struct layer_w *l, const char *list, int i, int hidden,
                       int inner)
{
    bind_linear(b, &l->q, hidden, hidden, "bert.encoder.%s.%d.attention.self.query", list, i);
    bind_linear(b, &l->k, hidden, hidden, "bert.encoder.%s.%d.attention.self.key", list, i);
    bind_linear(b, &l->v, hidden, hidden, "bert.encoder.%s.%d.attention.self.value", list, i);
    bind_linear(b, &l->out, hidden, hidden, "bert.encoder.%s.%d.attention.output.dense", list, i);
    bind_norm(b, &l->out_norm, hidden, "bert.encoder.%s.%d.attention.output.LayerNorm", list, i);
    bind_linear(b, &l->ff_in, inner, hidden, "bert.encoder.%s.%d.intermediate.dense", list, i);
    bind_linear(b, &l->ff_out, hidden, inner, "bert.encoder.%s.%d.output.dense", list, i);
    bind_norm(b, &l->ff_norm, hidden, "bert.encoder.%s.%d.output.LayerNorm", list, i);
}

static void bind_gates(struct binder *b, struct layer_w *l, const struct config *c, int i)
{
    bind_linear(b, &l->gate_q, c->v_hidden, c->hidden,
                "bert.encoder.v_layer.%d.attention.self.dyLinear_q", i);
    bind_linear(b, &l->gate_k, c->v_hidden, c->hidden,
                "bert.encoder.v_layer.%d.attention.self.dyLinear_k", i);
}

static void bind_colayer(struct binder *b, struct colayer_w *l, const struct config *c, int i)
{
    static const char stream[2] = {'v', 't'};
    for (int s = 0; s < 2; s++) {
        int hidden = s ? c->hidden : c->v_hidden, inner = s ? c->intermediate : c->v_intermediate;
        const char *at = "bert.encoder.c_layer";
        bind_linear(b, &l->q[s], c->bi_hidden, hidden, "%s.%d.biattention.query%d", at, i, s + 1);
        bind_linear(b, &l->k[s], c->bi_hidden, hidden, "%s.%d.biattention.key%d", at, i, s + 1);
        bind_linear(b, &l->v[s], c->bi_hidden, hidden, "%s.%d.biattention.value%d", at, i, s + 1);
        bind_linear(b, &l->out[s], hidden, c->bi_hidden, "%s.%d.biOutput.dense%d", at, i, s + 1);
        bind_norm(b, &l->out_norm[s], hidden, "%s.%d.biOutput.LayerNorm%d", at, i, s + 1);
        bind_linear(b, &l->ff_in[s], inner, hidden, "%s.%d.%c_intermediate.dense", at, i,
                    stream[s]);
        bind_linear(b, &l->ff_out[s], hidden, inner, "%s.%d.%c_output.dense", at, i, stream[s]);
        bind_norm(b, &l->ff_norm[s], hidden, "%s.%d.%c_output.LayerNorm", at, i, stream[s]);
    }
}

static void bind_trunk(struct binder *b, const struct config *c, int task_tokens)
{
    struct weights *w = b->w;
    bind_embeddings(b, c, task_tokens);
    w->t = xcalloc((size_t)c->layers, sizeof *w->t);
    w->v = xcalloc((size_t)c->v_layers, sizeof *w->v);
    w->c = xcalloc((size_t)c->connections, sizeof *w->c);
    for (int i = 0; i < c->layers; i++)
        bind_layer(b, &w->t[i], "layer", i, c->hidden, c->intermediate);
    for (int i = 0; i < c->v_layers; i++) {
        bind_layer(b, &w->v[i], "v_layer", i, c->v_hidden, c->v_intermediate);
        if (c->dynamic_attention)
            bind_gates(b, &w->v[i], c, i);
    }
    for (int i = 0; i < c->connections; i++)
        bind_colayer(b, &w->c[i], c, i);
    bind_linear(b, &w->t_pool, c->bi_hidden, c->hidden, "bert.t_pooler.dense");
    bind_linear(b, &w->v_pool, c->bi_hidden, c->v_hidden, "bert.v_pooler.dense");
}

/* ---- the heads */

static void bind_classifier(struct binder *b, struct classifier_w *o, int n, int k, int inner,
                            const char *name)
{
    bind_linear(b, &o->in, inner, k, "%s.logit_fc.0", name);
    bind_norm(b, &o->norm, inner, "%s.logit_fc.2", name);
    bind_linear(b, &o->out, n, inner, "%s.logit_fc.3", name);
}

static void bind_words(struct binder *b, const struct config *c)
{
    struct weights *w = b->w;
    int64_t rows = c->vocab_size;
    static const char decoder[] = "cls.predictions.decoder.weight";
    bind_linear(b, &w->word_in, c->hidden, c->hidden, "cls.predictions.transform.dense");
    bind_norm(b, &w->word_norm, c->hidden, "cls.predictions.transform.LayerNorm");
    w->word_out = (struct linear_w){.n = c->vocab_size, .k = c->hidden};
    /* Tied to the word embeddings; safetensors files leave the second name out. */
    w->word_out.w = tensorfile_find(b->f, decoder) ? bind_tensor(b, decoder, &rows, c->hidden)
                                                   : w->words;
    w->word_out.b = bind_tensor(b, "cls.predictions.bias", &rows, 0);
}

static void bind_regions(struct binder *b, const struct config *c)
{
    struct weights *w = b->w;
    bind_linear(b, &w->region_in, c->v_hidden, c->v_hidden, "cls.imagePredictions.transform.dense");
    bind_norm(b, &w->region_norm, c->v_hidden, "cls.imagePredictions.transform.LayerNorm");
    bind_linear(b, &w->region_out, c->v_target, c->v_hidden, "cls.imagePredictions.decoder");
}

static void bind_head(struct binder *b, const struct config *c, unsigned head)
{
    struct weights *w = b->w;
    int bi = c->bi_hidden;
    switch (head) {
    case HEAD_VQA: bind_classifier(b, &w->vqa, -1, bi, 2 * bi, "vil_prediction"); break;
    case HEAD_GQA: bind_classifier(b, &w->gqa, -1, bi, 2 * bi, "vil_prediction_gqa"); break;
    case HEAD_BINARY:
        bind_classifier(b, &w->binary, 2, 2 * bi, 2 * bi, "vil_binary_prediction");
        bind_linear(b, &w->bi_seq, 2, bi, "cls.bi_seq_relationship");
        break;
    case HEAD_ALIGN: bind_linear(b, &w->align, 1, bi, "vil_logit"); break;
    case HEAD_TRI: bind_linear(b, &w->tri, 3, bi, "vil_tri_prediction"); break;
    case HEAD_GROUND: bind_linear(b, &w->ground, 1, c->v_hidden, "vision_logit"); break;
    case HEAD_WORD_LOGIT: bind_linear(b, &w->word_logit, 1, c->hidden, "linguisic_logit"); break;
    case HEAD_WORD: bind_words(b, c); break;
    case HEAD_REGION_CLASS: bind_regions(b, c); break;
    default: break; /* pooled and sequence need no tensors of their own */
    }
}

static void bind_heads(struct binder *b, const struct config *c)
{
    for (unsigned head = 1; head & HEAD_ALL; head <<= 1) {
        b->missing_count = b->wrong_count = 0;
        b->head = head;
        bind_head(b, c, head);
        if (b->missing_count == 0 && b->wrong_count == 0)
            b->w->heads |= head;
    }
}

static int bind_report(struct binder *b, struct vs_err *err)
{
    const char *path = tensorfile_path(b->f);
    if (b->no_memory)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for its weights as float32", path);
    if (b->missing_count == 0 && b->wrong_count == 0)
        return 0;
    struct buf all = {0};
    if (b->missing_count) {
        buf_printf(&all, "missing: %s", b->missing.data);
        if (b->missing_count > SHOWN)
            buf_printf(&all, " and %d more", b->missing_count - SHOWN);
    }
    if (b->wrong_count) {
        buf_printf(&all, "%swrong shapes: %s", all.len ? "; " : "", b->wrong.data);
        if (b->wrong_count > SHOWN)
            buf_printf(&all, " and %d more", b->wrong_count - SHOWN);
    }
    int rc = vs_fail(err, b->wrong_count ? VS_E_FORMAT : VS_E_MISSING, "%s: does not fit the "
                     "configuration: %s", path, all.data);
    buf_fini(&all);
    return rc;
}

int weights_bind(struct weights *w, const struct config *c, const struct tensorfile *f,
                 int task_tokens, struct vs_err *err)
{
    *w = (struct weights){.path = tensorfile_path(f)};
    struct binder b = {.w = w, .f = f};
    bind_trunk(&b, c, task_tokens);
    int rc = bind_report(&b, err);
    if (rc == 0)
        bind_heads(&b, c);
    if (rc == 0 && b.no_memory)
        rc = bind_report(&b, err);
    buf_fini(&b.missing);
    buf_fini(&b.wrong);
    if (rc != 0)
        weights_fini(w);
    return rc;
}

static void weights_copy_one(void *arg, int i)
{
    const struct weights_copy *c = (const struct weights_copy *)arg + i;
    tensor_to_f32(c->from, c->to);
    tensor_forget(c->from);
}

static void weights_fill_copies(struct weights *w, struct kern *k)
{
    if (w->waiting_count)
        kern_parallel(k, w->waiting_count, weights_copy_one, w->waiting);
    free(w->waiting);
    w->waiting = NULL;
    w->waiting_count = 0;
}

/* ---- numbers that are none: a run that diverged leaves them behind */

static void weights_check_one(void *arg, int i)
{
    struct weights_check *c = ((struct weights_check **)arg)[i];
    c->state = kern_is_finite(c->data, (size_t)tensor_elements(c->of)) ? CHECK_FINITE : CHECK_BAD;
}

/* How many there are, and where the first one is. */
static int weights_fail_bad(const struct weights *w, const struct weights_check *c,
                            struct vs_err *err)
{
    int64_t n = tensor_elements(c->of), bad = 0, first = 0;
    for (int64_t i = 0; i < n; i++)
        if (!kern_is_finite((const char *)c->data + 4 * i, 1) && bad++ == 0)
            first = i;
    int64_t wide = c->of->ndim == 2 ? c->of->shape[1] : 1;
    return vs_fail(err, VS_E_DIVERGED, "%s: %s holds NaN or infinity (%" PRId64 " of %" PRId64
                   " numbers, the first in row %" PRId64 "): the run that wrote it diverged, or "
                   "the file is damaged; no answer", w->path, c->of->name, bad, n, first / wide);
}

int weights_ready(struct weights *w, struct kern *k, unsigned heads, struct vs_err *err)
{
    struct weights_check **list = xcalloc((size_t)w->check_count + 1, sizeof *list);
    int n = 0, rc = 0;
    weights_fill_copies(w, k);
    for (int i = 0; i < w->check_count; i++)
        if (w->checks[i].state == CHECK_WAITS && (!w->checks[i].head || w->checks[i].head & heads))
            list[n++] = &w->checks[i];
    if (n > 0)
        kern_parallel(k, n, weights_check_one, list);
    for (int i = 0; i < w->check_count && rc == 0; i++)
        if (w->checks[i].state == CHECK_BAD && (!w->checks[i].head || w->checks[i].head & heads))
            rc = weights_fail_bad(w, &w->checks[i], err);
    free(list);
    return rc;
}

void weights_fini(struct weights *w)
{
    free(w->waiting);
    free(w->checks);
    for (int i = 0; i < w->owned_count; i++)
        free(w->owned[i]);
    free(w->owned);
    free(w->t);
    free(w->v);
    free(w->c);
    *w = (struct weights){0};
}
