/* SPDX-License-Identifier: MIT */
/* The model's configuration: the reference's JSON, with its defaults for absent keys. */
#ifndef VS_CONFIG_H
#define VS_CONFIG_H

#include "src/model/family.h"
#include "src/model/transformer/bertsizes.h"

#include <stdbool.h>

struct config {
    struct bert_sizes text;
    int v_feature, v_hidden, v_layers, v_heads, v_intermediate;
    enum kern_act v_act;
    int bi_hidden, bi_heads;
    int connections;                       /* number of co-attention layers */
    int v_biattention[BERT_MAX_LAYERS], t_biattention[BERT_MAX_LAYERS];
    bool fusion_sum;                       /* fusion_method "sum" instead of "mul" */
    bool dynamic_attention;
    int visual_target;                     /* what masked regions were trained on: 0 classes, 1
                                              features, 2 features among others; -1 not said */
    bool one_stream;                       /* it says nothing of a visual stream */
    int task_tokens;                       /* 1 yes, 0 no, -1 not said: the checkpoint decides */
};

/* What is said of such a one when it does not fit. */
#define CONFIG_ONE_STREAM                                                                          \
    "; it says nothing of a visual stream (v_hidden_size, bi_hidden_size, v_biattention_id): it "  \
    "is that of the single-stream baseline"

/* What everything above asks of it. */
struct net_sizes config_sizes(const struct config *c);

/* Whether two configurations of equal sizes compute in the same way: what checkpoints decide, and
 * what is only said of them, aside. */
bool config_computes_alike(const struct config *a, const struct config *b);

int config_read(const char *path, struct config *c, struct vs_err *err);

#endif
