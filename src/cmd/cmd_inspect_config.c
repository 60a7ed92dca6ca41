/* SPDX-License-Identifier: MIT */
/* Inspecting configurations: of a model, of a detector, and what joins them. */
#include "src/cmd/cmd_inspect.h"

#include "src/vision/arch.h"
#include "src/vision/archyaml.h"

#include <jansson.h>
#include <string.h>

static bool config_has(const json_t *root, const char *a, const char *b)
{
    return json_object_get(root, a) && json_object_get(root, b);
}

/* Numbers as the file has them: whether they fit a checkpoint, opening both tells. */
static void config_of_model(struct report *r, const json_t *root)
{
    static const char *const keys[][2] = {
        {"hidden_size", "hidden_size"}, {"num_hidden_layers", "layers"},
        {"v_hidden_size", "visual_hidden_size"}, {"v_num_hidden_layers", "visual_layers"},
        {"v_feature_size", "region_features"}, {"vocab_size", "words"},
    };
    inspect_set(r, "kind", json_string("configuration"));
    inspect_set(r, "format", json_string("JSON"));
    inspect_set(r, "of", json_string(json_object_get(root, "v_hidden_size") ||
                                             json_object_get(root, "v_num_hidden_layers")
                                         ? "a two-stream model" : "a single-stream model"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *v = json_object_get(root, keys[i][0]);
        if (json_is_number(v))
            inspect_set(r, keys[i][1], json_deep_copy(v));
    }
}

static int config_of_detector(struct report *r, const char *format)
{
    struct arch a;
    int rc = arch_read(r->path, &a, r->err);
    if (rc != 0)
        return rc;
    int blocks = a.blocks[0] + a.blocks[1] + a.blocks[2] + a.blocks[3];
    inspect_set(r, "kind", json_string("detector configuration"));
    inspect_set(r, "format", json_string(format));
    inspect_set(r, "backbone", a.groups > 1 ? json_sprintf("ResNeXt-%d %dx%dd", 3 * blocks + 2,
                                                           a.groups, a.width_per_group)
                                            : json_sprintf("ResNet-%d", 3 * blocks + 2));
    inspect_set(r, "features", json_integer(a.mlp_dim));
    inspect_set(r, "classes", json_sprintf("%d and the background", a.num_classes - 1));
    return 0;
}

static void config_of_folder(struct report *r, const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    inspect_set(r, "kind", json_string("model description"));
    inspect_set(r, "format", json_string("JSON"));
    inspect_set(r, "name", json_string(name ? name : ""));
    inspect_set(r, "checkpoint_count",
                json_integer((json_int_t)json_array_size(json_object_get(root, "checkpoints"))));
}

bool inspect_configuration(struct report *r, const struct bytes *file, int *rc)
{
    const struct bytes text = bytes_text(file), *map = &text;
    bool known = true;
    *rc = 0;
    if (archyaml_is(map)) {
        *rc = config_of_detector(r, "YAML of maskrcnn-benchmark");
        return true;
    }
    if (map->size > 1 << 20 || map->size == 0 || map->data[0] != '{')
        return false;
    json_t *root = json_loadb((const char *)map->data, map->size, 0, NULL);
    if (json_object_get(root, "hidden_size"))
        config_of_model(r, root);
    else if (config_has(root, "fpn_out", "blocks"))
        *rc = config_of_detector(r, "JSON");
    else if (json_is_array(json_object_get(root, "checkpoints")))
        config_of_folder(r, root);
    else
        known = false;
    json_decref(root);
    return known;
}
