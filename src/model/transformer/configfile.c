/* SPDX-License-Identifier: MIT */
/* Reading a configuration key by key. */
#include "src/model/transformer/configfile.h"

#include "src/formats/bytes.h"

#include <string.h>

#define MAX_SIZE 1000000

int configfile_open(struct configfile *r, const char *path, struct vs_err *err)
{
    struct bytes map;
    json_error_t why;
    *r = (struct configfile){.path = path, .err = err};
    r->rc = bytes_open(path, &map, err);
    if (r->rc != 0)
        return r->rc;
    const struct bytes text = bytes_text(&map);
    r->root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &why);
    if (map.size == 0)
        CONFIG_BAD(r, "%s: the file is empty", path);
    else if (!r->root)
        CONFIG_BAD(r, "%s: line %d: not valid JSON: %s", path, why.line, why.text);
    else if (!json_is_object(r->root))
        CONFIG_BAD(r, "%s: not a configuration: JSON, but not an object", path);
    bytes_close(&map);
    return r->rc;
}

int configfile_close(struct configfile *r)
{
    json_decref(r->root);
    return r->rc;
}

int configfile_whole(struct configfile *r, const char *key, int fallback)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return fallback;
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > MAX_SIZE) {
        CONFIG_BAD(r, "%s: \"%s\" is not a whole number from 1 to %d", r->path, key, MAX_SIZE);
        return fallback;
    }
    return (int)json_integer_value(v);
}

bool configfile_flag(struct configfile *r, const char *key, bool fallback)
{
    const json_t *v = json_object_get(r->root, key);
    if (!v)
        return fallback;
    if (!json_is_boolean(v))
        CONFIG_BAD(r, "%s: \"%s\" is not true or false", r->path, key);
    return json_is_true(v);
}

enum kern_act configfile_activation(struct configfile *r, const char *key)
{
    const json_t *v = json_object_get(r->root, key);
    const char *s = v ? json_string_value(v) : "gelu";
    if (s && strcmp(s, "gelu") == 0)
        return KERN_GELU;
    if (s && strcmp(s, "relu") == 0)
        return KERN_RELU;
    if (s && strcmp(s, "swish") == 0)
        return KERN_SWISH;
    CONFIG_BAD(r, "%s: \"%s\" is not \"gelu\", \"relu\" or \"swish\"", r->path, key);
    return KERN_NONE;
}

void configfile_check_heads(struct configfile *r, const char *what, int size, int heads)
{
    if (size % heads != 0)
        CONFIG_BAD(r, "%s: %s %d is not a multiple of its %d attention heads", r->path, what, size,
                   heads);
}
