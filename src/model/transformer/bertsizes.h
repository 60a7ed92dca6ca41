/* SPDX-License-Identifier: MIT */
/* The BERT that every family grows from: its sizes, as the configuration gives them and as a
 * checkpoint has them, and its embeddings of words. */
#ifndef VS_BERTSIZES_H
#define VS_BERTSIZES_H

#include "src/model/transformer/bound.h"
#include "src/model/transformer/configfile.h"

#define BERT_MAX_LAYERS 96

struct bert_sizes {
    int vocab_size, hidden, layers, heads, intermediate;
    int max_positions, type_vocab;
    enum kern_act act;
};

/* Tables (vocab_size, hidden), (max_positions, hidden), (type_vocab, hidden); the file's. */
struct bert_embeddings {
    const void *words, *positions, *types;
    struct norm_w norm;
};

/* The reference's keys and defaults; `model` is what it has to be a configuration of, for the
 * message. */
void bert_read_sizes(struct configfile *r, const char *model, struct bert_sizes *s);

bool bert_sizes_same(const struct bert_sizes *a, const struct bert_sizes *b);

/* What of it a file tells: these sizes beside those of s, to be compared; always as many. */
#define BERT_TOLD 6
void bert_told_sizes(const struct bert_sizes *s, const struct tensorfile *f,
                     struct bound_size told[BERT_TOLD]);
/* The sizes that a file's heads depend on. */
struct bert_sizes bert_sizes_of(const struct tensorfile *f);

void bert_bind_embeddings(struct binder *b, struct bert_embeddings *e, const struct bert_sizes *s);

#endif
