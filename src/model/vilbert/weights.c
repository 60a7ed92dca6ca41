/* SPDX-License-Identifier: MIT */
/* Binding a checkpoint's tensors. Names: modules of vilbert/vilbert.py of the reference. */
#include "src/model/vilbert/weights.h"

#include <stdlib.h>

static int check_sizes(const struct config *c, const struct tensorfile *f, struct vs_err *err)
{
    static const char features[] = "bert.v_embeddings.image_embeddings.weight";
    struct bound_size list[BERT_TOLD + 5] = {
        [BERT_TOLD] = {"v_feature_size", c->v_feature, bound_columns(f, features)},
        {"v_hidden_size", c->v_hidden, bound_rows(f, features)},
        {"v_num_hidden_layers", c->v_layers, bound_layers(f, "v_layer")},
        {"v_intermediate_size", c->v_intermediate,
         bound_rows(f, "bert.encoder.v_layer.0.intermediate.dense.weight")},
        {"bi_hidden_size", c->bi_hidden, bound_rows(f, "bert.t_pooler.dense.weight")},
    };
    bert_told_sizes(&c->text, f, list);
    return bound_check_sizes(f, "the two-stream ViLBERT", list, sizeof list / sizeof list[0], err);
}

/* ---- the trunk */

static void bind_embeddings(struct binder *b, struct weights *w, const struct config *c,
                            int task_tokens, int *task_rows)
{
    static const char task_name[] = "bert.embeddings.task_embeddings.weight";
    const struct tensor *tasks = tensorfile_find(b->f, task_name);
    bert_bind_embeddings(b, &w->text, &c->text);
    /* The class of pre-training hands nothing to task embeddings, whatever is configured. */
    bool pretrained = !tensorfile_find(b->f, "vil_logit.weight");
    if ((task_tokens == 1 && (tasks || !pretrained)) || (task_tokens < 0 && tasks)) {
        int64_t rows = -1;
        w->tasks = bind_tensor(b, task_name, &rows, c->text.hidden);
        *task_rows = w->tasks ? (int)rows : 0;
    }
    bind_linear(b, &w->v_features, c->v_hidden, c->v_feature,
                "bert.v_embeddings.image_embeddings");
    bind_linear(b, &w->v_places, c->v_hidden, 5, "bert.v_embeddings.image_location_embeddings");
    bind_norm(b, &w->v_embed_norm, c->v_hidden, "bert.v_embeddings.LayerNorm");
}

static void bind_gates(struct binder *b, struct layer_w *l, const struct config *c, int i)
{
    bind_linear(b, &l->gate_q, c->v_hidden, c->text.hidden,
                "bert.encoder.v_layer.%d.attention.self.dyLinear_q", i);
    bind_linear(b, &l->gate_k, c->v_hidden, c->text.hidden,
                "bert.encoder.v_layer.%d.attention.self.dyLinear_k", i);
}

static void bind_colayer(struct binder *b, struct colayer_w *l, const struct config *c, int i)
{
    static const char stream[2] = {'v', 't'};
    for (int s = 0; s < 2; s++) {
        int hidden = s ? c->text.hidden : c->v_hidden;
        int inner = s ? c->text.intermediate : c->v_intermediate;
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

static void bind_trunk(struct binder *b, struct weights *w, const struct config *c)
{
    w->t = xcalloc((size_t)c->text.layers, sizeof *w->t);
    w->v = xcalloc((size_t)c->v_layers, sizeof *w->v);
    w->c = xcalloc((size_t)c->connections, sizeof *w->c);
    for (int i = 0; i < c->text.layers; i++)
        bind_layer(b, &w->t[i], "layer", i, c->text.hidden, c->text.intermediate);
    for (int i = 0; i < c->v_layers; i++) {
        bind_layer(b, &w->v[i], "v_layer", i, c->v_hidden, c->v_intermediate);
        if (c->dynamic_attention)
            bind_gates(b, &w->v[i], c, i);
    }
    for (int i = 0; i < c->connections; i++)
        bind_colayer(b, &w->c[i], c, i);
    bind_linear(b, &w->t_pool, c->bi_hidden, c->text.hidden, "bert.t_pooler.dense");
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

struct bind_heads_of {
    struct weights *w;
    const struct config *c;
};

static void bind_head(struct binder *b, void *arg, unsigned head)
{
    struct weights *w = ((struct bind_heads_of *)arg)->w;
    const struct config *c = ((struct bind_heads_of *)arg)->c;
    int bi = c->bi_hidden;
    switch (head) {
    case HEAD_VQA: bind_classifier(b, &w->vqa, -1, bi, 2 * bi, "vil_prediction"); break;
    case HEAD_GQA: bind_classifier(b, &w->gqa, -1, bi, 2 * bi, "vil_prediction_gqa"); break;
    case HEAD_BINARY:
        bind_classifier(b, &w->binary, 2, 2 * bi, 2 * bi, "vil_binary_prediction");
        bind_linear(b, &w->bi_seq, 2, bi, "cls.bi_seq_relationship");
        break;
    case HEAD_MATCH: bind_linear(b, &w->bi_seq, 2, bi, "cls.bi_seq_relationship"); break;
    case HEAD_ALIGN: bind_linear(b, &w->align, 1, bi, "vil_logit"); break;
    case HEAD_TRI: bind_linear(b, &w->tri, 3, bi, "vil_tri_prediction"); break;
    /* The width of classes is the file's: scripts choose it by an option, whatever the
     * configuration says. Pooled and sequence need no tensors of their own. */
    default:
        bind_row_head(b, &w->rows, head, &(struct row_sizes){c->text.vocab_size, c->text.hidden,
                                                             c->v_hidden, -1, w->text.words});
    }
}

unsigned weights_heads(const struct tensorfile *f)
{
    const struct config c = {
        .text = bert_sizes_of(f),
        .v_hidden = bound_rows(f, "bert.v_embeddings.image_embeddings.weight"),
        .bi_hidden = bound_rows(f, "bert.t_pooler.dense.weight"),
    };
    struct weights w = {.tasks = NULL};
    struct bound bound = {.path = tensorfile_path(f)};
    struct binder b = {.to = &bound, .f = f};
    bind_heads(&b, bind_head, &(struct bind_heads_of){&w, &c});
    unsigned heads = bound.heads;
    bind_fini(&b);
    bound_fini(&bound);
    return heads;
}

int weights_bind(struct weights *w, struct bound *bound, const struct config *c,
                 const struct tensorfile *f, int task_tokens, int *task_rows, struct vs_err *err)
{
    *w = (struct weights){.tasks = NULL};
    *bound = (struct bound){.path = tensorfile_path(f)};
    struct binder b = {.to = bound, .f = f};
    bind_embeddings(&b, w, c, task_tokens, task_rows);
    bind_trunk(&b, w, c);
    int rc = check_sizes(c, f, err);
    if (rc == 0)
        rc = bind_report(&b, err);
    if (rc == 0)
        bind_heads(&b, bind_head, &(struct bind_heads_of){w, c});
    if (rc == 0 && b.no_memory)
        rc = bind_report(&b, err);
    bind_fini(&b);
    if (rc != 0) {
        bound_fini(bound);
        weights_fini(w);
    }
    return rc;
}

void weights_fini(struct weights *w)
{
    free(w->t);
    free(w->v);
    free(w->c);
    *w = (struct weights){.tasks = NULL};
}
