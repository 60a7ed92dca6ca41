/* SPDX-License-Identifier: MIT */
/* The model's configuration.
 *
 * Source: vilbert/vilbert.py of the reference, BertConfig: names and defaults. */
#include "src/model/vilbert/config.h"

#include <string.h>

/* A list of layer numbers below layers; the count. */
static int config_layer_list(struct configfile *r, const char *key, int layers, const int *fallback,
                             int *out)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v) {
        memcpy(out, fallback, 2 * sizeof *out);
        return 2;
    }
    size_t n = json_array_size(v);
    if (!json_is_array(v) || n == 0 || n > BERT_MAX_LAYERS) {
        CONFIG_BAD(r, "%s: \"%s\" is not a list of 1 to %d layer numbers", r->path, key,
            BERT_MAX_LAYERS);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(v, i);
        if (!json_is_integer(x) || json_integer_value(x) < 0 || json_integer_value(x) >= layers) {
            CONFIG_BAD(r, "%s: \"%s\": entry %zu is not a layer from 0 to %d", r->path, key, i,
                layers - 1);
            return 0;
        }
        out[i] = (int)json_integer_value(x);
    }
    return (int)n;
}

/* Whether it says nothing of what only a model of two streams has. */
static bool config_is_one_stream(const struct configfile *r)
{
    static const char *const keys[] = {"v_hidden_size", "v_num_hidden_layers", "bi_hidden_size",
                                       "v_biattention_id", "t_biattention_id"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_object_get(r->root, keys[i]))
            return false;
    return true;
}

static void config_read_sizes(struct configfile *r, struct config *c)
{
    c->one_stream = config_is_one_stream(r);
    bert_read_sizes(r, "multi-task model", &c->text);
    c->v_feature = configfile_whole(r, "v_feature_size", 2048);
    configfile_whole(r, "v_target_size", 1601); /* scripts overwrite it: the file's width counts */
    c->v_hidden = configfile_whole(r, "v_hidden_size", 768);
    c->v_layers = configfile_whole(r, "v_num_hidden_layers", 3);
    c->v_heads = configfile_whole(r, "v_num_attention_heads", 12);
    c->v_intermediate = configfile_whole(r, "v_intermediate_size", 3072);
    c->bi_hidden = configfile_whole(r, "bi_hidden_size", 1024);
    c->bi_heads = configfile_whole(r, "bi_num_attention_heads", 16);
    if (c->v_layers > BERT_MAX_LAYERS)
        CONFIG_BAD(r, "%s: more than %d layers", r->path, BERT_MAX_LAYERS);
    configfile_check_heads(r, "v_hidden_size", c->v_hidden, c->v_heads);
    configfile_check_heads(r, "bi_hidden_size", c->bi_hidden, c->bi_heads);
}

static void config_read_connections(struct configfile *r, struct config *c)
{
    static const int v_fallback[] = {0, 1}, t_fallback[] = {10, 11};
    int v = config_layer_list(r, "v_biattention_id", c->v_layers, v_fallback, c->v_biattention);
    c->connections = config_layer_list(r, "t_biattention_id", c->text.layers, t_fallback,
                                       c->t_biattention);
    if (v != c->connections)
        CONFIG_BAD(r, "%s: \"v_biattention_id\" has %d entries, \"t_biattention_id\" %d", r->path,
                   v, c->connections);
    for (int i = 0; i < 2 && c->connections == 2; i++) /* the defaults may not fit the sizes */
        if (c->v_biattention[i] >= c->v_layers || c->t_biattention[i] >= c->text.layers)
            CONFIG_BAD(r, "%s: co-attention layer %d stands before a layer that does not exist%s",
                       r->path, i, c->one_stream ? CONFIG_ONE_STREAM : "");
    /* These change what the reference computes, and no published model has them. */
    if (!configfile_flag(r, "with_coattention", true))
        CONFIG_BAD(r, "%s: \"with_coattention\": false is not supported", r->path);
    if (configfile_flag(r, "in_batch_pairs", false))
        CONFIG_BAD(r, "%s: \"in_batch_pairs\": true is for training only", r->path);
}

static void config_read_modes(struct configfile *r, struct config *c)
{
    const json_t *fusion = json_object_get(r->root, "fusion_method");
    const char *s = fusion ? json_string_value(fusion) : "mul";
    c->v_act = configfile_activation(r, "v_hidden_act");
    if (!s || (strcmp(s, "mul") != 0 && strcmp(s, "sum") != 0))
        CONFIG_BAD(r, "%s: \"fusion_method\" is not \"mul\" or \"sum\"", r->path);
    c->fusion_sum = s && strcmp(s, "sum") == 0;
    const json_t *target = json_object_get(r->root, "visual_target");
    c->visual_target = target && json_is_integer(target) ? (int)json_integer_value(target) : -1;
    c->dynamic_attention = configfile_flag(r, "dynamic_attention", false);
    /* The published configuration says nothing: then the checkpoint decides. */
    c->task_tokens = json_object_get(r->root, "task_specific_tokens")
                         ? configfile_flag(r, "task_specific_tokens", false) : -1;
}

int config_read(const char *path, struct config *c, struct vs_err *err)
{
    struct configfile r = {0};
    *c = (struct config){0};
    r.rc = configfile_open(&r, path, err);
    if (r.rc == 0)
        config_read_sizes(&r, c);
    if (r.rc == 0)
        config_read_connections(&r, c);
    if (r.rc == 0)
        config_read_modes(&r, c);
    return configfile_close(&r);
}

struct net_sizes config_sizes(const struct config *c)
{
    return (struct net_sizes){
        .words = c->text.vocab_size,
        .positions = c->text.max_positions,
        .features = c->v_feature,
        .width = {[STREAM_TEXT] = c->text.hidden, [STREAM_IMAGE] = c->v_hidden},
        .part = {[PART_TEXT] = {c->text.layers, c->text.heads},
                 [PART_VISUAL] = {c->v_layers, c->v_heads},
                 [PART_CO] = {c->connections, c->bi_heads}},
    };
}

bool config_computes_alike(const struct config *a, const struct config *b)
{
    size_t connections = (size_t)a->connections * sizeof *a->v_biattention;
    return bert_sizes_same(&a->text, &b->text) && a->v_intermediate == b->v_intermediate &&
           a->v_act == b->v_act && a->bi_hidden == b->bi_hidden &&
           memcmp(a->v_biattention, b->v_biattention, connections) == 0 &&
           memcmp(a->t_biattention, b->t_biattention, connections) == 0 &&
           a->fusion_sum == b->fusion_sum && a->dynamic_attention == b->dynamic_attention;
}
