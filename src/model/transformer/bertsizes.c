/* SPDX-License-Identifier: MIT */
/* Sizes and embeddings of a BERT.
 *
 * Source: BertConfig and BertEmbeddings, in vilbert/vilbert.py and vilbert/basebert.py of the
 * reference: names and defaults. */
#include "src/model/transformer/bertsizes.h"

#include <string.h>

#define BERT_WORDS "bert.embeddings.word_embeddings.weight"
#define BERT_POSITIONS "bert.embeddings.position_embeddings.weight"
#define BERT_TYPES "bert.embeddings.token_type_embeddings.weight"

void bert_read_sizes(struct configfile *r, const char *model, struct bert_sizes *s)
{
    if (!json_object_get(r->root, "vocab_size"))
        CONFIG_BAD(r, "%s: no \"vocab_size\": not a configuration of the %s", r->path, model);
    s->vocab_size = configfile_whole(r, "vocab_size", 1);
    s->hidden = configfile_whole(r, "hidden_size", 768);
    s->layers = configfile_whole(r, "num_hidden_layers", 12);
    s->heads = configfile_whole(r, "num_attention_heads", 12);
    s->intermediate = configfile_whole(r, "intermediate_size", 3072);
    s->max_positions = configfile_whole(r, "max_position_embeddings", 512);
    s->type_vocab = configfile_whole(r, "type_vocab_size", 2);
    s->act = configfile_activation(r, "hidden_act");
    if (s->layers > BERT_MAX_LAYERS)
        CONFIG_BAD(r, "%s: more than %d layers", r->path, BERT_MAX_LAYERS);
    configfile_check_heads(r, "hidden_size", s->hidden, s->heads);
}

void bert_told_sizes(const struct bert_sizes *s, const struct tensorfile *f,
                     struct bound_size told[BERT_TOLD])
{
    const struct bound_size list[BERT_TOLD] = {
        {"vocab_size", s->vocab_size, bound_rows(f, BERT_WORDS)},
        {"hidden_size", s->hidden, bound_columns(f, BERT_WORDS)},
        {"num_hidden_layers", s->layers, bound_layers(f, "layer")},
        {"intermediate_size", s->intermediate,
         bound_rows(f, "bert.encoder.layer.0.intermediate.dense.weight")},
        {"max_position_embeddings", s->max_positions, bound_rows(f, BERT_POSITIONS)},
        {"type_vocab_size", s->type_vocab, bound_rows(f, BERT_TYPES)},
    };
    memcpy(told, list, sizeof list);
}

struct bert_sizes bert_sizes_of(const struct tensorfile *f)
{
    return (struct bert_sizes){.vocab_size = bound_rows(f, BERT_WORDS),
                               .hidden = bound_columns(f, BERT_WORDS)};
}

void bert_bind_embeddings(struct binder *b, struct bert_embeddings *e, const struct bert_sizes *s)
{
    bind_table(b, &e->words, s->vocab_size, s->hidden, BERT_WORDS);
    bind_table(b, &e->positions, s->max_positions, s->hidden, BERT_POSITIONS);
    bind_table(b, &e->types, s->type_vocab, s->hidden, BERT_TYPES);
    bind_norm(b, &e->norm, s->hidden, "bert.embeddings.LayerNorm");
}

bool bert_sizes_same(const struct bert_sizes *a, const struct bert_sizes *b)
{
    return a->vocab_size == b->vocab_size && a->hidden == b->hidden && a->layers == b->layers &&
           a->heads == b->heads && a->intermediate == b->intermediate &&
           a->max_positions == b->max_positions && a->type_vocab == b->type_vocab &&
           a->act == b->act;
}
