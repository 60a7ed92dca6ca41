/* SPDX-License-Identifier: MIT */
/* Binding the tensors of the baseline. Names: modules of vilbert/basebert.py of the reference. */
#include "src/model/singlestream/singlestream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GQA_ANSWERS 1533

enum net_head single_answers(int count)
{
    return count == GQA_ANSWERS ? HEAD_GQA : HEAD_VQA;
}

/* ---- a configuration that is another model's */

struct single_size {
    const char *key;
    int said;
    int64_t has;
};

static int64_t single_layers_of(const struct tensorfile *f)
{
    char name[80];
    int n = 0;
    do
        snprintf(name, sizeof name, "bert.encoder.layer.%d.attention.self.query.weight", n);
    while (tensorfile_find(f, name) && n++ < SINGLE_MAX_LAYERS);
    return n;
}

/* What the shapes tell is compared first: a list of tensors that do not fit says nothing of why. */
static int single_check_sizes(const struct single_config *c, const struct tensorfile *f,
                              struct vs_err *err)
{
    const struct single_size list[] = {
        {"vocab_size", c->vocab_size, bound_rows(f, "bert.embeddings.word_embeddings.weight")},
        {"hidden_size", c->hidden, bound_columns(f, "bert.embeddings.word_embeddings.weight")},
        {"num_hidden_layers", c->layers, single_layers_of(f)},
        {"intermediate_size", c->intermediate,
         bound_rows(f, "bert.encoder.layer.0.intermediate.dense.weight")},
        {"max_position_embeddings", c->max_positions,
         bound_rows(f, "bert.embeddings.position_embeddings.weight")},
        {"type_vocab_size", c->type_vocab,
         bound_rows(f, "bert.embeddings.token_type_embeddings.weight")},
    };
    struct buf all = {0};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].has && list[i].has != list[i].said)
            buf_printf(&all, "%s\"%s\" is %d, the file has %" PRId64, all.len ? "; " : "",
                       list[i].key, list[i].said, list[i].has);
    int rc = all.len ? vs_fail(err, VS_E_FORMAT, "%s: this is the single-stream baseline, and the "
                               "configuration is not its own: %s", tensorfile_path(f), all.data)
                     : 0;
    buf_fini(&all);
    return rc;
}

/* ---- the trunk */

static void single_bind_trunk(struct binder *b, struct single_weights *w,
                              const struct single_config *c)
{
    int n = c->hidden;
    bind_table(b, &w->words, c->vocab_size, n, "bert.embeddings.word_embeddings.weight");
    bind_table(b, &w->positions, c->max_positions, n,
               "bert.embeddings.position_embeddings.weight");
    bind_table(b, &w->types, c->type_vocab, n, "bert.embeddings.token_type_embeddings.weight");
    bind_norm(b, &w->embed_norm, n, "bert.embeddings.LayerNorm");
    bind_linear(b, &w->features, n, SINGLE_FEATURES, "bert.image_embeddings.image_embeddings");
    bind_linear(b, &w->places, n, 5, "bert.image_embeddings.image_location_embeddings");
    bind_table(b, &w->region_types, 2, n, "bert.image_embeddings.token_type_embeddings.weight");
    bind_norm(b, &w->region_embed_norm, n, "bert.image_embeddings.LayerNorm");
    w->layers = xcalloc((size_t)c->layers, sizeof *w->layers);
    for (int i = 0; i < c->layers; i++)
        bind_layer(b, &w->layers[i], "layer", i, n, c->intermediate);
    bind_linear(b, &w->pool, n, n, "bert.pooler.dense");
}

/* ---- the heads */

static void single_bind_words(struct binder *b, struct single_weights *w, int vocab, int n)
{
    int64_t rows = vocab;
    static const char decoder[] = "cls.predictions.decoder.weight";
    bind_linear(b, &w->word_in, n, n, "cls.predictions.transform.dense");
    bind_norm(b, &w->word_norm, n, "cls.predictions.transform.LayerNorm");
    w->word_out = (struct linear_w){.n = vocab, .k = n};
    /* Tied to the word embeddings; safetensors files leave the second name out. */
    w->word_out.w = tensorfile_find(b->f, decoder) ? bind_tensor(b, decoder, &rows, n) : w->words;
    w->word_out.b = bind_tensor(b, "cls.predictions.bias", &rows, 0);
}

static void single_bind_regions(struct binder *b, struct single_weights *w, int n)
{
    bind_linear(b, &w->region_in, n, n, "cls.imagePredictions.transform.dense");
    bind_norm(b, &w->region_norm, n, "cls.imagePredictions.transform.LayerNorm");
    bind_linear(b, &w->region_out, SINGLE_CLASSES, n, "cls.imagePredictions.decoder");
}

/* Pooled and sequence need no tensors of their own; what the baseline never has is missing. */
static void single_bind_head(struct binder *b, void *arg, unsigned head)
{
    struct single *m = arg;
    struct single_weights *w = &m->w;
    int n = m->c.hidden;
    switch (head) {
    case HEAD_VQA: case HEAD_GQA:
        if (head != m->answers) {
            b->missing_count++;
            break;
        }
        bind_normed(b, &w->answers_in, 2 * n, n, "vil_prediction.main.0");
        bind_normed(b, &w->answers_out, -1, 2 * n, "vil_prediction.main.3");
        break;
    case HEAD_BINARY: case HEAD_TRI: b->missing_count++; break;
    case HEAD_ALIGN: bind_linear(b, &w->align, 1, n, "vil_logit"); break;
    case HEAD_MATCH: bind_linear(b, &w->match, 2, n, "cls.seq_relationship"); break;
    case HEAD_GROUND: bind_linear(b, &w->ground, 1, n, "vision_logit"); break;
    case HEAD_WORD_LOGIT: bind_linear(b, &w->word_logit, 1, n, "linguisic_logit"); break;
    case HEAD_WORD: single_bind_words(b, w, m->c.vocab_size, n); break;
    case HEAD_REGION_CLASS: single_bind_regions(b, w, n); break;
    default: break;
    }
}

int single_bind(struct single *m, const struct tensorfile *f, struct vs_err *err)
{
    int rc = single_check_sizes(&m->c, f, err);
    if (rc != 0)
        return rc;
    struct binder b = {.to = &m->core.bound, .f = f};
    m->core.bound = (struct bound){.path = tensorfile_path(f)};
    m->answers = single_answers(bound_rows(f, "vil_prediction.main.3.bias"));
    single_bind_trunk(&b, &m->w, &m->c);
    rc = bind_report(&b, err);
    if (rc == 0)
        bind_heads(&b, single_bind_head, m);
    if (rc == 0 && b.no_memory)
        rc = bind_report(&b, err);
    else if (rc != 0)
        vs_fail_prefix(err, "this is the single-stream baseline, but not whole");
    bind_fini(&b);
    if (rc != 0) {
        bound_fini(&m->core.bound);
        single_weights_fini(&m->w);
    }
    return rc;
}

void single_weights_fini(struct single_weights *w)
{
    free(w->layers);
    w->layers = NULL;
}
