/* SPDX-License-Identifier: MIT */
/* Binding the tensors of the baseline. Names: modules of vilbert/basebert.py of the reference. */
#include "src/model/singlestream/singlestream.h"

#include <stdlib.h>

#define GQA_ANSWERS 1533

enum net_head single_answers(int count)
{
    return count == GQA_ANSWERS ? HEAD_GQA : HEAD_VQA;
}

/* ---- a configuration that is another model's */

static int single_check_sizes(const struct single_config *c, const struct tensorfile *f,
                              struct vs_err *err)
{
    struct bound_size list[BERT_TOLD];
    bert_told_sizes(&c->text, f, list);
    return bound_check_sizes(f, "the single-stream baseline", list, BERT_TOLD, err);
}

/* ---- the trunk */

static void single_bind_trunk(struct binder *b, struct single_weights *w,
                              const struct single_config *c)
{
    int n = c->text.hidden;
    bert_bind_embeddings(b, &w->text, &c->text);
    bind_linear(b, &w->features, n, SINGLE_FEATURES, "bert.image_embeddings.image_embeddings");
    bind_linear(b, &w->places, n, 5, "bert.image_embeddings.image_location_embeddings");
    bind_table(b, &w->region_types, 2, n, "bert.image_embeddings.token_type_embeddings.weight");
    bind_norm(b, &w->region_embed_norm, n, "bert.image_embeddings.LayerNorm");
    w->layers = xcalloc((size_t)c->text.layers, sizeof *w->layers);
    for (int i = 0; i < c->text.layers; i++)
        bind_layer(b, &w->layers[i], "layer", i, n, c->text.intermediate);
    bind_linear(b, &w->pool, n, n, "bert.pooler.dense");
}

/* ---- the heads */

/* Pooled and sequence need no tensors of their own; what the baseline never has is missing. */
static void single_bind_head(struct binder *b, void *arg, unsigned head)
{
    struct single *m = arg;
    struct single_weights *w = &m->w;
    int n = m->c.text.hidden;
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
    default:
        bind_row_head(b, &w->rows, head, &(struct row_sizes){m->c.text.vocab_size, n, n,
                                                             SINGLE_CLASSES, w->text.words});
    }
}

unsigned single_heads(const struct tensorfile *f)
{
    struct single m = {
        .core.bound.path = tensorfile_path(f),
        .c = {.text = bert_sizes_of(f)},
        .answers = single_answers(bound_rows(f, "vil_prediction.main.3.bias")),
    };
    struct binder b = {.to = &m.core.bound, .f = f};
    bind_heads(&b, single_bind_head, &m);
    unsigned heads = m.core.bound.heads;
    bind_fini(&b);
    bound_fini(&m.core.bound);
    return heads;
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
