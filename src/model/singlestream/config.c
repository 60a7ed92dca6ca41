/* SPDX-License-Identifier: MIT */
/* The baseline's configuration.
 *
 * Source: vilbert/basebert.py of the reference, BertConfig: names and defaults. */
#include "src/model/singlestream/config.h"

#include "src/model/transformer/configfile.h"

static void single_config_read_keys(struct configfile *r, struct single_config *c)
{
    if (!json_object_get(r->root, "vocab_size"))
        CONFIG_BAD(r, "%s: no \"vocab_size\": not a configuration of the single-stream baseline",
                   r->path);
    c->vocab_size = configfile_whole(r, "vocab_size", 1);
    c->hidden = configfile_whole(r, "hidden_size", 768);
    c->layers = configfile_whole(r, "num_hidden_layers", 12);
    c->heads = configfile_whole(r, "num_attention_heads", 12);
    c->intermediate = configfile_whole(r, "intermediate_size", 3072);
    c->max_positions = configfile_whole(r, "max_position_embeddings", 512);
    c->type_vocab = configfile_whole(r, "type_vocab_size", 2);
    c->act = configfile_activation(r, "hidden_act");
    if (c->layers > SINGLE_MAX_LAYERS)
        CONFIG_BAD(r, "%s: more than %d layers", r->path, SINGLE_MAX_LAYERS);
    configfile_check_heads(r, "hidden_size", c->hidden, c->heads);
}

int single_config_read(const char *path, struct single_config *c, struct vs_err *err)
{
    struct configfile r = {0};
    *c = (struct single_config){0};
    r.rc = configfile_open(&r, path, err);
    if (r.rc == 0)
        single_config_read_keys(&r, c);
    return configfile_close(&r);
}

struct net_sizes single_config_sizes(const struct single_config *c)
{
    return (struct net_sizes){
        .words = c->vocab_size,
        .positions = c->max_positions,
        .features = SINGLE_FEATURES,
        .width = {[STREAM_JOINT] = c->hidden},
        .part = {[PART_JOINT] = {c->layers, c->heads}},
    };
}
