/* SPDX-License-Identifier: MIT */
/* The model's configuration.
 *
 * Source: vilbert/vilbert.py of the reference, BertConfig: names and defaults. */
#include "src/model/vilbert/config.h"

#include "src/formats/bytes.h"

#include <jansson.h>
#include <string.h>

#define MAX_SIZE 1000000

struct reader {
    json_t *root;
    const char *path;
    int rc;
    struct vs_err *err;
};

#define BAD(r, ...) ((r)->rc = (r)->rc ? (r)->rc : vs_fail((r)->err, VS_E_FORMAT, __VA_ARGS__))

static int config_whole(struct reader *r, const char *key, int fallback)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return fallback;
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > MAX_SIZE) {
        BAD(r, "%s: \"%s\" is not a whole number from 1 to %d", r->path, key, MAX_SIZE);
        return fallback;
    }
    return (int)json_integer_value(v);
}

static bool config_flag(struct reader *r, const char *key, bool fallback)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return fallback;
    if (!json_is_boolean(v))
        BAD(r, "%s: \"%s\" is not true or false", r->path, key);
    return json_is_true(v);
}

static enum kern_act config_activation(struct reader *r, const char *key)
{
    const json_t *v = json_object_get(r->root, key);
    const char *s = v ? json_string_value(v) : "gelu";
    if (s && strcmp(s, "gelu") == 0)
        return KERN_GELU;
    if (s && strcmp(s, "relu") == 0)
        return KERN_RELU;
    if (s && strcmp(s, "swish") == 0)
        return KERN_SWISH;
    BAD(r, "%s: \"%s\" is not \"gelu\", \"relu\" or \"swish\"", r->path, key);
    return KERN_NONE;
}

/* A list of layer numbers below layers; the count. */
static int config_layer_list(struct reader *r, const char *key, int layers, const int *fallback,
                             int *out)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v) {
        memcpy(out, fallback, 2 * sizeof *out);
        return 2;
    }
    size_t n = json_array_size(v);
    if (!json_is_array(v) || n == 0 || n > CONFIG_MAX_LAYERS) {
        BAD(r, "%s: \"%s\" is not a list of 1 to %d layer numbers", r->path, key,
            CONFIG_MAX_LAYERS);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(v, i);
        if (!json_is_integer(x) || json_integer_value(x) < 0 || json_integer_value(x) >= layers) {
            BAD(r, "%s: \"%s\": entry %zu is not a layer from 0 to %d", r->path, key, i,
                layers - 1);
            return 0;
        }
        out[i] = (int)json_integer_value(x);
    }
    return (int)n;
}

static void config_check_heads(struct reader *r, const char *what, int size, int heads)
{
    if (size % heads != 0)
        BAD(r, "%s: %s %d is not a multiple of its %d attention heads", r->path, what, size, heads);
}

static void config_read_sizes(struct reader *r, struct config *c)
{
    if (!json_object_get(r->root, "vocab_size"))
        BAD(r, "%s: no \"vocab_size\": not a configuration of the multi-task model", r->path);
    c->vocab_size = config_whole(r, "vocab_size", 1);
    c->hidden = config_whole(r, "hidden_size", 768);
    c->layers = config_whole(r, "num_hidden_layers", 12);
    c->heads = config_whole(r, "num_attention_heads", 12);
    c->intermediate = config_whole(r, "intermediate_size", 3072);
    c->max_positions = config_whole(r, "max_position_embeddings", 512);
    c->type_vocab = config_whole(r, "type_vocab_size", 2);
    c->v_feature = config_whole(r, "v_feature_size", 2048);
    c->v_target = config_whole(r, "v_target_size", 1601);
    c->v_hidden = config_whole(r, "v_hidden_size", 768);
    c->v_layers = config_whole(r, "v_num_hidden_layers", 3);
    c->v_heads = config_whole(r, "v_num_attention_heads", 12);
    c->v_intermediate = config_whole(r, "v_intermediate_size", 3072);
    c->bi_hidden = config_whole(r, "bi_hidden_size", 1024);
    c->bi_heads = config_whole(r, "bi_num_attention_heads", 16);
    if (c->layers > CONFIG_MAX_LAYERS || c->v_layers > CONFIG_MAX_LAYERS)
        BAD(r, "%s: more than %d layers", r->path, CONFIG_MAX_LAYERS);
    config_check_heads(r, "hidden_size", c->hidden, c->heads);
    config_check_heads(r, "v_hidden_size", c->v_hidden, c->v_heads);
    config_check_heads(r, "bi_hidden_size", c->bi_hidden, c->bi_heads);
}

static void config_read_connections(struct reader *r, struct config *c)
{
    static const int v_fallback[] = {0, 1}, t_fallback[] = {10, 11};
    int v = config_layer_list(r, "v_biattention_id", c->v_layers, v_fallback, c->v_biattention);
    c->connections = config_layer_list(r, "t_biattention_id", c->layers, t_fallback,
                                       c->t_biattention);
    if (v != c->connections)
        BAD(r, "%s: \"v_biattention_id\" has %d entries, \"t_biattention_id\" %d", r->path, v,
            c->connections);
    for (int i = 0; i < 2 && c->connections == 2; i++) /* the defaults may not fit the sizes */
        if (c->v_biattention[i] >= c->v_layers || c->t_biattention[i] >= c->layers)
            BAD(r, "%s: co-attention layer %d stands before a layer that does not exist", r->path,
                i);
    /* These change what the reference computes, and no published model has them. */
    if (!config_flag(r, "with_coattention", true))
        BAD(r, "%s: \"with_coattention\": false is not supported", r->path);
    if (config_flag(r, "in_batch_pairs", false))
        BAD(r, "%s: \"in_batch_pairs\": true is for training only", r->path);
}

static void config_read_modes(struct reader *r, struct config *c)
{
    const json_t *fusion = json_object_get(r->root, "fusion_method");
    const char *s = fusion ? json_string_value(fusion) : "mul";
    c->act = config_activation(r, "hidden_act");
    c->v_act = config_activation(r, "v_hidden_act");
    if (!s || (strcmp(s, "mul") != 0 && strcmp(s, "sum") != 0))
        BAD(r, "%s: \"fusion_method\" is not \"mul\" or \"sum\"", r->path);
    c->fusion_sum = s && strcmp(s, "sum") == 0;
    c->dynamic_attention = config_flag(r, "dynamic_attention", false);
    /* The published configuration says nothing: then the checkpoint decides. */
    c->task_tokens = json_object_get(r->root, "task_specific_tokens")
                         ? config_flag(r, "task_specific_tokens", false) : -1;
}

int config_read(const char *path, struct config *c, struct vs_err *err)
{
    struct bytes map;
    json_error_t why;
    *c = (struct config){0};
    int rc = bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    struct reader r = {.path = path, .err = err};
    r.root = json_loadb((const char *)map.data, map.size, JSON_REJECT_DUPLICATES, &why);
    if (map.size == 0)
        BAD(&r, "%s: the file is empty", path);
    else if (!r.root)
        BAD(&r, "%s: line %d: not valid JSON: %s", path, why.line, why.text);
    else if (!json_is_object(r.root))
        BAD(&r, "%s: not a configuration: JSON, but not an object", path);
    if (r.rc == 0)
        config_read_sizes(&r, c);
    if (r.rc == 0)
        config_read_connections(&r, c);
    if (r.rc == 0)
        config_read_modes(&r, c);
    json_decref(r.root);
    bytes_close(&map);
    return r.rc;
}

struct net_sizes config_sizes(const struct config *c)
{
    return (struct net_sizes){
        .words = c->vocab_size,
        .positions = c->max_positions,
        .features = c->v_feature,
        .width = {[STREAM_TEXT] = c->hidden, [STREAM_IMAGE] = c->v_hidden},
        .part = {[PART_TEXT] = {c->layers, c->heads},
                 [PART_VISUAL] = {c->v_layers, c->v_heads},
                 [PART_CO] = {c->connections, c->bi_heads}},
    };
}
