/* SPDX-License-Identifier: MIT */
/* vilscope inspect: what a file holds. */
#include "src/cmd/cmd_inspect.h"

#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/vilscope.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    const char *key;
    bool tensors, json;
};

static const struct option_row option_rows[] = {
    TEXT("key", 'k', "KEY", key, VALUES_NONE,
         "show the regions of this image of an LMDB, TSV or HDF5 file"),
    FLAG("tensors", tensors, "list all tensors, not only the first ones"),
    FLAG("json", json, "as JSON, one document a file, with all tensors"),
    ROW_UNSAFE,
    END,
};

/* ---- text */

static void print_value(const json_t *v)
{
    char *s = json_is_string(v) ? NULL : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY |
                                                           JSON_REAL_PRECISION(7));
    plain_out("%s", s ? s : json_string_value(v));
    free(s);
}

static void print_list(const char *key, const json_t *list, bool all_tensors)
{
    bool tensors = strcmp(key, "tensors") == 0;
    size_t n = json_array_size(list), shown = tensors && all_tensors ? n : 20;
    for (size_t i = 0; i < n && i < shown; i++) {
        json_t *v = json_array_get(list, i);
        fputs("  ", stdout);
        if (tensors) {
            plain_out("%s  %s ", json_string_value(json_object_get(v, "name")),
                      json_string_value(json_object_get(v, "dtype")));
            print_value(json_object_get(v, "shape"));
        } else {
            printf("%zu: ", i);
            print_value(v);
        }
        putchar('\n');
    }
    if (n > shown)
        plain_out("  ... %zu more (%s lists all)\n", n - shown, tensors ? "--tensors" : "--json");
}

static void inspect_print_report(const char *path, json_t *root, bool all_tensors)
{
    const char *key;
    json_t *v;
    plain_out("%s:\n", path);
    json_object_del(root, "path");
    json_object_foreach(root, key, v)
        if (!json_is_array(v) || strcmp(key, "shape") == 0) {
            plain_out("  %s: ", key);
            print_value(v);
            putchar('\n');
        }
    json_object_foreach(root, key, v)
        if (json_is_array(v) && strcmp(key, "shape") != 0)
            print_list(key, v, all_tensors);
}

#define PUBLISHED_SIZE 2048

/* Features of another size are no use to the published models; the exit status says so, after the
 * report. */
static int check_feature_size(const char *path, const json_t *root, struct vs_err *err)
{
    const json_t *v = json_object_get(root, "feature_size");
    if (!v || json_integer_value(v) == PUBLISHED_SIZE)
        return 0;
    return vs_fail(err, VS_E_FORMAT, "%s: its features have %d columns; the published model "
                   "expects %d", path, (int)json_integer_value(v), PUBLISHED_SIZE);
}

static int inspect_one(const char *path, const struct options *o)
{
    struct vs_err err = {0};
    json_t *root = NULL;
    int rc = inspect_report(path, o->key, &root, &err);
    if (rc == 0 && o->json)
        command_json(json_incref(root), JSON_INDENT(1));
    else if (rc == 0)
        inspect_print_report(path, root, o->tensors);
    fflush(stdout);
    if (rc == 0)
        rc = check_feature_size(path, root, &err);
    json_decref(root);
    return rc == 0 ? EXIT_OK : command_fail("inspect", &err);
}

static int run_inspect(void *options, char **args, int count)
{
    const struct options *o = options;
    int status = EXIT_OK;
    if (count == 0)
        return command_usage("inspect", "which FILE?");
    for (int i = 0; i < count; i++) {
        int s = inspect_one(args[i], o);
        status = s != EXIT_OK ? s : status;
    }
    return status;
}

const struct command command_inspect = {
    .name = "inspect", .args = "[OPTION...] FILE...", .summary = "Show what a file holds.",
    .after =
        "FILE is a checkpoint or a detector's weights (PyTorch or safetensors), the configuration\n"
        "of either (JSON, YAML), a model.json, a list of labels, a vocabulary, region features\n"
        "(.npy, LMDB folder, TSV), a numpy array, or an image.\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_inspect,
};
