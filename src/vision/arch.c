/* SPDX-License-Identifier: MIT */
/* The description of a detector. */
#include "src/vision/arch.h"

#include "src/formats/bytes.h"
#include "src/vision/archyaml.h"

#include <jansson.h>
#include <math.h>

void arch_default(struct arch *a)
{
    *a = (struct arch){.stem_out = 64, .groups = 32, .width_per_group = 8, .res2_out = 256,
                       .blocks = {3, 8, 36, 3}, .fpn_out = 512, .mlp_dim = 2048,
                       .num_classes = 1601, .anchor_strides = {4, 8, 16, 32, 64},
                       .pre_nms_top_n = 6000, .post_nms_top_n = 1000, .fpn_post_nms_top_n = 2000,
                       .rpn_nms_thresh = 0.7f, .class_nms_thresh = 0.5f, .bins = 7,
                       .min_side = 800, .max_side = 1333, .size_divisible = 32,
                       .num_features = 100};
}

struct reader {
    const json_t *root;
    const char *path;
    int rc;
    struct vs_err *err;
};

static void whole_of(struct reader *r, const json_t *v, const char *key, int max, int *out)
{
    if (!v)
        return;
    if (json_is_integer(v) && json_integer_value(v) >= 1 && json_integer_value(v) <= max)
        *out = (int)json_integer_value(v);
    else if (r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"%s\" is not a whole number from 1 to %d",
                        r->path, key, max);
}

static void arch_whole(struct reader *r, const char *key, int max, int *out)
{
    whole_of(r, json_object_get(r->root, key), key, max, out);
}

static void arch_list(struct reader *r, const char *key, int count, int max, int *out)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return;
    if (json_array_size(v) != (size_t)count && r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"%s\" has not %d entries", r->path, key, count);
    for (int i = 0; r->rc == 0 && i < count; i++)
        whole_of(r, json_array_get(v, (size_t)i), key, max, &out[i]);
}

static void arch_share(struct reader *r, const char *key, float *out)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return;
    if (json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) <= 1)
        *out = (float)json_number_value(v);
    else if (r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"%s\" is not a number from 0 to 1", r->path,
                        key);
}

static void arch_flag(struct reader *r, const char *key, bool *out)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return;
    if (!json_is_boolean(v) && r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"%s\" is not true or false", r->path, key);
    *out = json_is_true(v);
}

/* Numbers above 0. What they say stands in the weights, too: the anchors. */
static void arch_numbers(struct reader *r, const char *key)
{
    const json_t *v = json_object_get(r->root, key), *x;
    bool good = json_array_size(v) > 0;
    size_t i;
    json_array_foreach(v, i, x)
        good = good && json_is_number(x) && json_number_value(x) > 0;
    if (v && !good && r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"%s\" is not a list of numbers above 0", r->path,
                        key);
}

/* Regions are pooled from P2 to P5, whose scales are what their strides are. */
static void fixed_scales(struct reader *r)
{
    const json_t *v = json_object_get(r->root, "pooler_scales");
    bool same = json_array_size(v) == 4;
    for (size_t i = 0; same && i < 4; i++) {
        const json_t *x = json_array_get(v, i);
        same = json_is_number(x) && fabs(json_number_value(x) * (4 << i) - 1) < 1e-9;
    }
    if (v && !same && r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_REFUSED, "%s: \"pooler_scales\" other than 1/4, 1/8, 1/16, "
                        "1/32 are not supported", r->path);
}

/* What is fixed in this program, but stands in the file: refuse what it could not do. */
static void arch_fixed(struct reader *r, const char *key, double value)
{
    const json_t *v = json_object_get(r->root, key);
    bool same = json_is_boolean(v) ? json_is_true(v) == (value != 0)
                                   : json_is_number(v) && fabs(json_number_value(v) - value) < 1e-9;
    if (v && !same && r->rc == 0)
        r->rc = vs_fail(r->err, VS_E_REFUSED, "%s: \"%s\" other than %g is not supported", r->path,
                        key, value);
}

static void read_all(struct reader *r, struct arch *a)
{
    arch_whole(r, "stem_out", 4096, &a->stem_out);
    arch_whole(r, "groups", 1024, &a->groups);
    arch_whole(r, "width_per_group", 1024, &a->width_per_group);
    arch_whole(r, "res2_out", 4096, &a->res2_out);
    arch_list(r, "blocks", 4, 1000, a->blocks);
    arch_whole(r, "fpn_out", 8192, &a->fpn_out);
    arch_whole(r, "mlp_dim", 65536, &a->mlp_dim);
    arch_whole(r, "num_classes", 1000000, &a->num_classes);
    arch_list(r, "anchor_strides", ARCH_LEVELS, 4096, a->anchor_strides);
    arch_whole(r, "pre_nms_top_n", 1000000, &a->pre_nms_top_n);
    arch_whole(r, "post_nms_top_n", 100000, &a->post_nms_top_n);
    arch_whole(r, "fpn_post_nms_top_n", 100000, &a->fpn_post_nms_top_n);
    arch_share(r, "rpn_nms_thresh", &a->rpn_nms_thresh);
    arch_share(r, "class_nms_thresh", &a->class_nms_thresh);
    arch_share(r, "conf_thresh", &a->conf_thresh);
    arch_whole(r, "pooler_resolution", 64, &a->bins);
    arch_whole(r, "min_side", 10000, &a->min_side);
    arch_whole(r, "max_side", 10000, &a->max_side);
    arch_whole(r, "size_divisible", 1024, &a->size_divisible);
    arch_whole(r, "num_features", 10000, &a->num_features);
    arch_flag(r, "stride_in_1x1", &a->stride_in_1x1);
    arch_flag(r, "background", &a->background);
    arch_numbers(r, "anchor_sizes");
    arch_numbers(r, "aspect_ratios");
    fixed_scales(r);
    arch_fixed(r, "pooler_sampling_ratio", 2);
    arch_fixed(r, "rpn_min_size", 0);
    if (r->rc == 0 && a->num_classes < 2)
        r->rc = vs_fail(r->err, VS_E_FORMAT, "%s: \"num_classes\" leaves no class beside the "
                        "background", r->path);
}

static int arch_parse(const struct bytes *file, const char *path, json_t **out, struct vs_err *err)
{
    const struct bytes text = bytes_text(file), *map = &text;
    json_error_t why;
    if (archyaml_is(map))
        return archyaml_read(map, out, err);
    json_t *root = json_loadb((const char *)map->data, map->size, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root)) {
        int rc = vs_fail(err, VS_E_FORMAT, "%s: not the description of a detector: line %d: %s",
                         path, root ? 1 : why.line, root ? "no JSON object" : why.text);
        json_decref(root);
        return rc;
    }
    *out = root;
    return 0;
}

int arch_read(const char *path, struct arch *a, struct vs_err *err)
{
    struct bytes map;
    json_t *root = NULL;
    arch_default(a);
    int rc = bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    rc = arch_parse(&map, path, &root, err);
    if (rc == 0) {
        struct reader r = {.root = root, .path = path, .err = err};
        read_all(&r, a);
        rc = r.rc;
    }
    json_decref(root);
    bytes_close(&map);
    return rc;
}

int arch_check_names(const struct arch *a, const char *path, int count, struct vs_err *err)
{
    int want = a->background ? a->num_classes : a->num_classes - 1;
    if (count == want)
        return 0;
    return vs_fail(err, VS_E_FORMAT, "%s: has %d class names, but the detector knows %d classes: "
                   "they do not belong together", path, count, want);
}
