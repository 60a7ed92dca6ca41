/* SPDX-License-Identifier: MIT */
/* Passes with their way back, and inputs times gradients. */
#include "src/study/gradients.h"

#include "src/base/mem.h"
#include "src/study/removal.h"

#include <stdlib.h>

/* ---- targets */

/* Where a term's number is among those of an image or pair. */
static size_t term_place(const struct trace_tensor *x, const struct net_term *t)
{
    bool rows = x->ndim == 3;
    return rows ? (size_t)t->row * (size_t)x->shape[2] + (size_t)t->index : (size_t)t->index;
}

double target_value(const struct trace *pass, const struct net_target *t)
{
    const struct trace_tensor *x = trace_output(pass, t->output);
    double sum = 0;
    if (!x) /* a family may have the head's numbers under another name */
        x = trace_head(pass, output_table[t->output].head);
    size_t n = x ? (size_t)x->shape[1] * (size_t)(x->ndim == 3 ? x->shape[2] : 1) : 0;
    for (int i = 0; x && i < t->count; i++)
        sum += (double)t->terms[i].weight *
               (double)x->data[(size_t)t->b * n + term_place(x, &t->terms[i])];
    return sum;
}

static const int32_t *rows_from(const int32_t *x, int first, int width)
{
    return x ? x + (ptrdiff_t)first * width : NULL;
}

struct net_input target_input(const struct net *n, const struct net_input *in,
                              const struct net_target *t, struct net_target *alone)
{
    struct net_input out = *in;
    int first;
    out.batch = net_target_images(t, in->batch, &first);
    out.ids = rows_from(in->ids, first, in->tokens);
    out.types = rows_from(in->types, first, in->tokens);
    out.text_mask = rows_from(in->text_mask, first, in->tokens);
    out.image_mask = rows_from(in->image_mask, first, in->regions);
    out.task = rows_from(in->task, first, 1);
    size_t regions = (size_t)first * (size_t)in->regions;
    out.spatials = in->spatials + 5 * regions;
    out.features = in->features + regions * (size_t)n->sizes.features;
    out.words = in->words ? in->words + (size_t)first * (size_t)in->tokens *
                                            (size_t)net_word_width(&n->sizes)
                          : NULL;
    *alone = *t;
    alone->b = 0;
    return out;
}

int target_gradients(struct net *n, const struct net_input *in, const struct net_target *alone,
                     const struct net_back_want *want, struct trace **pass, struct trace **grad,
                     struct vs_err *err)
{
    struct net_want forward = {.heads = output_table[alone->output].head,
                               .attention = want->attention, .cancel = want->cancel};
    struct tape *tape = NULL;
    int rc = net_record(n, in, &forward, &tape, pass, err);
    if (rc == 0)
        rc = net_backward(tape, alone, want, grad, err);
    tape_free(tape);
    if (rc != 0) {
        trace_free(*pass);
        *pass = NULL;
    }
    return rc;
}

/* ---- gradient times input */

static const struct trace_tensor *input_of(const struct trace *t, enum trace_input what)
{
    return trace_get(t, (struct trace_at){.kind = TRACE_INPUT, .site = (int)what});
}

/* out(rows) = sums over numbers of g x, which are (rows, n). */
static void sum_products(const float *g, const float *x, size_t rows, size_t n, double *out)
{
    for (size_t i = 0; i < rows; i++) {
        out[i] = 0;
        for (size_t j = 0; j < n; j++)
            out[i] += (double)g[i * n + j] * (double)x[i * n + j];
    }
}

void gradient_times_input(const struct explained *e, const struct net_input *in,
                          const struct worths *out)
{
    const struct trace_tensor *g = input_of(e->grad, INPUT_TOKENS);
    const struct trace_tensor *x = input_of(e->pass, INPUT_TOKENS);
    size_t b = (size_t)e->b, r = (size_t)e->r, v = (size_t)e->grad->regions;
    size_t t = (size_t)e->grad->tokens, n = (size_t)g->shape[2];
    if (out->tokens)
        sum_products(g->data + r * t * n, x->data + b * t * n, t, n, out->tokens);
    g = input_of(e->grad, INPUT_FEATURES);
    n = (size_t)g->shape[2];
    if (out->regions)
        sum_products(g->data + r * v * n, in->features + b * v * n, v, n, out->regions);
    g = input_of(e->grad, INPUT_BOXES);
    if (out->boxes)
        sum_products(g->data + r * v * 5, in->spatials + b * v * 5, v, 5, out->boxes);
}

/* ---- integrated gradients */

/* The input at a share of the way: features and words are its own. */
struct way {
    struct net *n;
    struct net_input in, at;
    struct net_target target;
    float *features, *words, *all_words;
    size_t feature_count, word_count;
    double *tokens, *regions; /* sums of gradients so far, one for each number */
};

static void way_go(struct way *w, double share)
{
    for (size_t i = 0; i < w->feature_count; i++)
        w->features[i] = (float)(share * (double)w->in.features[i]);
    for (size_t i = 0; i < w->word_count; i++)
        w->words[i] = (float)(share * (double)w->all_words[i]);
}

/* The word vectors of the input, as a pass looks them up. */
static int way_words(struct way *w, struct vs_err *err)
{
    struct net_want want = {.heads = output_table[w->target.output].head};
    struct tape *tape = NULL;
    struct trace *t = NULL;
    size_t width = (size_t)net_word_width(&w->n->sizes);
    int rc = net_record(w->n, &w->in, &want, &tape, &t, err);
    const struct trace_tensor *x = rc == 0 ? input_of(t, INPUT_TOKENS) : NULL;
    for (size_t i = 0; x && i < w->word_count; i++) {
        size_t row = i / width, b = row / (size_t)w->in.tokens;
        int place = net_token_row(w->n, (int)(row % (size_t)w->in.tokens));
        w->all_words[i] = x->data[(b * (size_t)t->tokens + (size_t)place) * width + i % width];
    }
    tape_free(tape);
    trace_free(t);
    return rc;
}

static int way_begin(struct way *w, struct vs_err *err)
{
    size_t batch = (size_t)w->in.batch, width = (size_t)net_word_width(&w->n->sizes);
    w->feature_count = batch * (size_t)w->in.regions * (size_t)w->n->sizes.features;
    w->word_count = batch * (size_t)w->in.tokens * width;
    w->features = xcalloc(w->feature_count + 1, sizeof(float));
    w->words = xcalloc(w->word_count + 1, sizeof(float));
    w->all_words = xcalloc(w->word_count + 1, sizeof(float));
    w->regions = xcalloc(w->feature_count + 1, sizeof(double));
    w->tokens = xcalloc(batch * (size_t)net_token_row(w->n, w->in.tokens) * width + 1,
                        sizeof(double));
    w->at = w->in;
    w->at.features = w->features;
    w->at.words = w->words;
    return way_words(w, err);
}

static void way_fini(struct way *w)
{
    free(w->features);
    free(w->words);
    free(w->all_words);
    free(w->tokens);
    free(w->regions);
}

static void add_floats(double *sum, const struct trace_tensor *x)
{
    size_t n = (size_t)(x->shape[0] * x->shape[1] * x->shape[2]);
    for (size_t i = 0; i < n; i++)
        sum[i] += (double)x->data[i];
}

static int way_step(struct way *w, const atomic_bool *cancel, struct vs_err *err)
{
    struct net_back_want want = {.inputs = true, .cancel = cancel};
    struct trace *pass = NULL, *grad = NULL;
    int rc = target_gradients(w->n, &w->at, &w->target, &want, &pass, &grad, err);
    if (rc == 0) {
        add_floats(w->tokens, input_of(grad, INPUT_TOKENS));
        add_floats(w->regions, input_of(grad, INPUT_FEATURES));
    }
    trace_free(pass);
    trace_free(grad);
    return rc;
}

static int way_base(struct way *w, double *base, struct vs_err *err)
{
    struct net_want want = {.heads = output_table[w->target.output].head};
    struct trace *t = NULL;
    way_go(w, 0);
    int rc = net_forward(w->n, &w->at, &want, &t, err);
    if (rc == 0)
        *base = target_value(t, &w->target);
    trace_free(t);
    return rc;
}

/* Inputs times mean gradients. */
static void way_sum(const struct way *w, int steps, struct integrated *out)
{
    size_t batch = (size_t)w->in.batch, n = (size_t)w->n->sizes.features;
    size_t width = (size_t)net_word_width(&w->n->sizes);
    size_t t = (size_t)net_token_row(w->n, w->in.tokens), v = (size_t)w->in.regions;
    out->tokens = xcalloc(batch * t + 1, sizeof(double));
    out->regions = xcalloc(batch * v + 1, sizeof(double));
    for (size_t i = 0; i < w->feature_count; i++)
        out->regions[i / n] += w->regions[i] / steps * (double)w->in.features[i];
    for (size_t i = 0; i < w->word_count; i++) {
        size_t row = i / width, b = row / (size_t)w->in.tokens;
        int place = net_token_row(w->n, (int)(row % (size_t)w->in.tokens));
        size_t at = b * t + (size_t)place;
        out->tokens[at] += w->tokens[at * width + i % width] / steps * (double)w->all_words[i];
    }
}

int integrated_gradients(struct net *n, const struct net_input *in, const struct net_target *t,
                         int steps, const atomic_bool *cancel,
                         struct attribution_progress *progress, struct integrated *out,
                         struct vs_err *err)
{
    struct way w = {.n = n};
    *out = (struct integrated){0};
    w.in = target_input(n, in, t, &w.target);
    int rc = way_begin(&w, err);
    if (progress)
        atomic_fetch_add(&progress->all, steps);
    for (int k = 0; k < steps && rc == 0; k++) {
        way_go(&w, (k + 0.5) / steps);
        rc = way_step(&w, cancel, err);
        if (progress)
            atomic_fetch_add(&progress->done, 1);
    }
    if (rc == 0)
        rc = way_base(&w, &out->base, err);
    if (rc == 0)
        way_sum(&w, steps, out);
    way_fini(&w);
    return rc;
}

void integrated_fini(struct integrated *x)
{
    free(x->tokens);
    free(x->regions);
    *x = (struct integrated){0};
}
