/* SPDX-License-Identifier: MIT */
/* YAML of maskrcnn-benchmark. What is read is what its detector is built from (MODEL); how images
 * are resized and how many regions are kept is fixed in the reference's scripts, not taken from
 * INPUT and TEST.
 *
 * Source of keys and defaults: maskrcnn_benchmark/config/defaults.py. */
#include "src/vision/archyaml.h"

#ifdef HAVE_CONFIG_H
#include <config.h> /* whether libyaml is there */
#endif

#include <string.h>

bool archyaml_is(const struct bytes *map)
{
    static const char key[] = "MODEL:";
    const char *s = (const char *)map->data, *end = s ? s + map->size : s;
    size_t n = sizeof key - 1;
    if (map->size == 0 || map->size > 1 << 20 || memchr(s, 0, map->size))
        return false;
    while (s && (size_t)(end - s) >= n) {
        if (memcmp(s, key, n) == 0)
            return true;
        s = memchr(s, '\n', (size_t)(end - s));
        s = s ? s + 1 : NULL;
    }
    return false;
}

#ifndef HAVE_LIBYAML

int archyaml_read(const struct bytes *map, struct json_t **out, struct vs_err *err)
{
    (void)out;
    return vs_fail(err, VS_E_MISSING, "%s: is YAML, and this vilscope was built without libyaml: "
                   "build it again with libyaml-dev, or write the description as JSON (man "
                   "vilscope-model)", map->path);
}

#else

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <yaml.h>

struct key {
    const char *path; /* in the YAML; below MODEL */
    const char *ours; /* in the description; NULL: no other value than the preset is supported */
    const char *preset;
};
static const struct key keys[] = {
    {"RESNETS.STEM_OUT_CHANNELS", "stem_out", "64"},
    {"RESNETS.NUM_GROUPS", "groups", "1"},
    {"RESNETS.WIDTH_PER_GROUP", "width_per_group", "64"},
    {"RESNETS.RES2_OUT_CHANNELS", "res2_out", "256"},
    {"RESNETS.STRIDE_IN_1X1", "stride_in_1x1", "True"},
    {"BACKBONE.OUT_CHANNELS", "fpn_out", "1024"},
    {"RESNETS.BACKBONE_OUT_CHANNELS", "fpn_out", ""}, /* its name in later versions */
    {"ROI_BOX_HEAD.MLP_HEAD_DIM", "mlp_dim", "1024"},
    {"ROI_BOX_HEAD.NUM_CLASSES", "num_classes", "81"},
    {"RPN.ANCHOR_SIZES", "anchor_sizes", "(32, 64, 128, 256, 512)"},
    {"RPN.ANCHOR_STRIDE", "anchor_strides", "(16,)"},
    {"RPN.ASPECT_RATIOS", "aspect_ratios", "(0.5, 1.0, 2.0)"},
    {"RPN.PRE_NMS_TOP_N_TEST", "pre_nms_top_n", "6000"},
    {"RPN.POST_NMS_TOP_N_TEST", "post_nms_top_n", "1000"},
    {"RPN.FPN_POST_NMS_TOP_N_TEST", "fpn_post_nms_top_n", "2000"},
    {"RPN.NMS_THRESH", "rpn_nms_thresh", "0.7"},
    {"RPN.MIN_SIZE", "rpn_min_size", "0"},
    {"ROI_BOX_HEAD.POOLER_RESOLUTION", "pooler_resolution", "14"},
    {"ROI_BOX_HEAD.POOLER_SAMPLING_RATIO", "pooler_sampling_ratio", "0"},
    {"ROI_BOX_HEAD.POOLER_SCALES", "pooler_scales", "(0.0625,)"},
    {"META_ARCHITECTURE", NULL, "GeneralizedRCNN"},
    {"RPN.RPN_HEAD", NULL, "SingleConvRPNHead"},
    {"RESNETS.TRANS_FUNC", NULL, "BottleneckWithFixedBatchNorm"},
    {"RESNETS.STEM_FUNC", NULL, "StemWithFixedBatchNorm"},
    {"RESNETS.RES5_DILATION", NULL, "1"},
    {"BACKBONE.USE_GN", NULL, "False"},
    {"FPN.USE_GN", NULL, "False"},
    {"FPN.USE_RELU", NULL, "False"},
    {"ROI_BOX_HEAD.USE_GN", NULL, "False"},
    {"ROI_BOX_HEAD.DILATION", NULL, "1"},
};
/* What has to be said, as the presets are of another detector. */
static const struct key said[] = {
    {"RPN.USE_FPN", NULL, "True"},
    {"ROI_HEADS.USE_FPN", NULL, "True"},
    {"ROI_BOX_HEAD.FEATURE_EXTRACTOR", NULL, "FPN2MLPFeatureExtractor"},
    {"ROI_BOX_HEAD.PREDICTOR", NULL, "FPNPredictor"},
};
static const struct {
    const char *name;
    int blocks[4];
} bodies[] = {
    {"R-50-FPN", {3, 4, 6, 3}},
    {"R-101-FPN", {3, 4, 23, 3}},
    {"R-152-FPN", {3, 8, 36, 3}},
};

struct yaml {
    yaml_document_t doc;
    const char *path;
    json_t *out;
    struct vs_err *err;
};

static const char *yaml_text(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

/* The value of a key of n scalars' length; NULL when n is no mapping or lacks it. */
static yaml_node_t *yaml_member(struct yaml *y, const yaml_node_t *n, const char *key, size_t len)
{
    if (!n || n->type != YAML_MAPPING_NODE)
        return NULL;
    const yaml_node_pair_t *p = n->data.mapping.pairs.start;
    for (; p < n->data.mapping.pairs.top; p++) {
        const char *name = yaml_text(yaml_document_get_node(&y->doc, p->key));
        if (name && strlen(name) == len && memcmp(name, key, len) == 0)
            return yaml_document_get_node(&y->doc, p->value);
    }
    return NULL;
}

/* "RPN.USE_FPN", below MODEL. */
static yaml_node_t *yaml_find(struct yaml *y, const char *path)
{
    yaml_node_t *n = yaml_member(y, yaml_document_get_root_node(&y->doc), "MODEL", 5);
    while (n && *path) {
        size_t len = strcspn(path, ".");
        n = yaml_member(y, n, path, len);
        path += len + (path[len] == '.');
    }
    return n;
}

/* A number as Python writes it; NULL when s is none. *s is moved behind it. */
static json_t *yaml_number(const char **s)
{
    char *end;
    double v = strtod(*s, &end);
    if (end == *s || !(v > -1e15 && v < 1e15))
        return NULL;
    bool whole = strcspn(*s, ".eE") >= (size_t)(end - *s);
    *s = end + strspn(end, " \t");
    return whole ? json_integer((json_int_t)v) : json_real(v);
}

/* "(4, 8, 16,)" or "[4, 8]", which yacs takes alike. */
static json_t *yaml_tuple(const char *s)
{
    char close = *s == '(' ? ')' : ']';
    json_t *list = json_array(), *v = NULL;
    s += 1 + strspn(s + 1, " \t");
    while (*s && *s != close && (v = yaml_number(&s)) != NULL) {
        json_array_append_new(list, v);
        if (*s != ',')
            break;
        s += 1 + strspn(s + 1, " \t");
    }
    if (*s == close && !s[1])
        return list;
    json_decref(list);
    return NULL;
}

static json_t *yaml_scalar(const char *s)
{
    bool yes = strcmp(s, "True") == 0 || strcmp(s, "true") == 0;
    if (yes || strcmp(s, "False") == 0 || strcmp(s, "false") == 0)
        return json_boolean(yes);
    if (*s == '(' || *s == '[')
        return yaml_tuple(s);
    json_t *v = yaml_number(&s);
    if (v && *s) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

static json_t *yaml_value(struct yaml *y, const yaml_node_t *n)
{
    const char *s = yaml_text(n);
    if (s)
        return yaml_scalar(s);
    if (n->type != YAML_SEQUENCE_NODE)
        return NULL;
    json_t *list = json_array();
    for (const int *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        const char *item = yaml_text(yaml_document_get_node(&y->doc, *i));
        if (!item || json_array_append_new(list, yaml_scalar(item)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool yaml_same(const char *a, const char *b)
{
    bool flag = strcmp(b, "True") == 0 || strcmp(b, "False") == 0;
    return flag ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

/* A key of which this program knows one value only. */
static int yaml_fixed(struct yaml *y, const struct key *k, const char *absent)
{
    const char *s = yaml_text(yaml_find(y, k->path));
    s = s ? s : absent;
    return yaml_same(s, k->preset) ? 0
           : vs_fail(y->err, VS_E_REFUSED, "%s: MODEL.%s is %s: of detectors with %s alone the "
                     "regions are those of the reference", y->path, k->path, *s ? s : "not said",
                     k->preset);
}

static int yaml_take(struct yaml *y, const struct key *k)
{
    const yaml_node_t *n = yaml_find(y, k->path);
    if (!k->ours)
        return yaml_fixed(y, k, k->preset);
    if (!n && !k->preset[0])
        return 0;
    json_t *v = n ? yaml_value(y, n) : yaml_scalar(k->preset);
    if (!v)
        return vs_fail(y->err, VS_E_FORMAT, "%s: MODEL.%s is no number, list of numbers, True or "
                       "False", y->path, k->path);
    json_object_set_new(y->out, k->ours, v);
    return 0;
}

static int yaml_body(struct yaml *y)
{
    const char *s = yaml_text(yaml_find(y, "BACKBONE.CONV_BODY"));
    for (size_t i = 0; s && i < sizeof bodies / sizeof bodies[0]; i++)
        if (strcmp(s, bodies[i].name) == 0) {
            const int *b = bodies[i].blocks;
            return json_object_set_new(y->out, "blocks", json_pack("[i,i,i,i]", b[0], b[1], b[2],
                                                                   b[3]));
        }
    return vs_fail(y->err, VS_E_REFUSED, "%s: MODEL.BACKBONE.CONV_BODY is %s: R-50-FPN, R-101-FPN "
                   "and R-152-FPN are supported", y->path, s ? s : "not said");
}

static int yaml_convert(struct yaml *y)
{
    yaml_node_t *root = yaml_document_get_root_node(&y->doc);
    const yaml_node_t *model = yaml_member(y, root, "MODEL", 5);
    if (!model || model->type != YAML_MAPPING_NODE)
        return vs_fail(y->err, VS_E_FORMAT, "%s: not the configuration of a detector: MODEL is no "
                       "mapping", y->path);
    int rc = yaml_body(y);
    for (size_t i = 0; rc == 0 && i < sizeof said / sizeof said[0]; i++)
        rc = yaml_fixed(y, &said[i], "");
    for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof keys[0]; i++)
        rc = yaml_take(y, &keys[i]);
    return rc;
}

int archyaml_read(const struct bytes *map, json_t **out, struct vs_err *err)
{
    struct yaml y = {.path = map->path, .err = err};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return vs_fail(err, VS_E_LIMIT, "%s: no memory to read it", map->path);
    yaml_parser_set_input_string(&parser, map->data, map->size);
    if (!yaml_parser_load(&parser, &y.doc)) {
        int rc = vs_fail(err, VS_E_FORMAT, "%s: line %zu: %s", map->path,
                         parser.problem_mark.line + 1,
                         parser.problem ? parser.problem : "not valid YAML");
        yaml_parser_delete(&parser);
        return rc;
    }
    y.out = json_object();
    int rc = yaml_convert(&y);
    yaml_document_delete(&y.doc);
    yaml_parser_delete(&parser);
    if (rc == 0)
        *out = y.out;
    else
        json_decref(y.out);
    return rc;
}

#endif
