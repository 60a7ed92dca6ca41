/* SPDX-License-Identifier: MIT */
/* Checkpoints in several files, with an index that says which tensor is in which of them.
 *
 * Source: transformers' save_pretrained: {"metadata": {...}, "weight_map": {tensor: file}}; the
 * files lie beside the index. */
#include "src/formats/tensorfile_priv.h"

#include "src/base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHARDS_MOST 1000
#define INDEX_MOST (64 << 20)

bool sharded_recognise(const uint8_t *d, size_t n)
{
    static const char key[] = "\"weight_map\"";
    size_t len = sizeof key - 1;
    if (n < len + 9 || d[0] != '{' || memchr(d, 0, 9)) /* safetensors have zeros there */
        return false;
    for (const uint8_t *p = d, *end = d + n; (size_t)(end - p) >= len; p++) {
        p = memchr(p, '"', (size_t)(end - p) - len + 1);
        if (!p)
            return false;
        if (memcmp(p, key, len) == 0)
            return true;
    }
    return false;
}

struct index {
    struct tensorfile *f;
    struct strmap names; /* of shards, to their numbers */
    json_t *map;         /* tensor: shard */
};

/* Beside the index, and nowhere else. */
static bool is_plain_name(const char *name)
{
    return name[0] && strlen(name) < 256 && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static char *sharded_beside(const char *index, const char *name)
{
    const char *slash = strrchr(index, '/');
    return xasprintf("%.*s%s", slash ? (int)(slash + 1 - index) : 0, index, name);
}

static int open_shard(const struct index *x, const char *name, struct tensorfile **out,
                      struct vs_err *err)
{
    const char *index = x->f->map.path;
    struct stat st;
    char *path = sharded_beside(index, name);
    int rc;
    if (stat(path, &st) != 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: names the shard %s, which is not there: all shards "
                     "have to be beside the index", index, name);
    else
        rc = tensorfile_open_shard(path, out, err);
    free(path);
    return rc;
}

static int add_shard(struct index *x, const char *name, struct vs_err *err)
{
    struct tensorfile *f = x->f;
    if (!is_plain_name(name))
        return vs_fail(err, VS_E_REFUSED, "%s: names the shard '%.200s': only files beside the "
                       "index are opened", f->map.path, name);
    if (strmap_add(&x->names, name, strlen(name), f->shard_count) >= 0)
        return 0;
    if (f->shard_count == SHARDS_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: more than %d shards", f->map.path, SHARDS_MOST);
    f->shards = xreallocarray(f->shards, (size_t)f->shard_count + 1, sizeof *f->shards);
    int rc = open_shard(x, name, &f->shards[f->shard_count], err);
    if (rc == 0)
        f->shard_count++;
    return rc;
}

static int add_shards(struct index *x, struct vs_err *err)
{
    const char *tensor;
    json_t *v;
    int rc = 0;
    json_object_foreach(x->map, tensor, v) {
        if (!json_is_string(v))
            return vs_fail(err, VS_E_FORMAT, "%s: weight_map: '%.200s' has no file name",
                           x->f->map.path, tensor);
        rc = add_shard(x, json_string_value(v), err);
        if (rc != 0)
            return rc;
    }
    return rc;
}

/* Which shard the index says; -1: it does not name the tensor. */
static int shard_of(const struct index *x, const char *tensor)
{
    const char *name = json_string_value(json_object_get(x->map, tensor));
    return name ? strmap_get(&x->names, name, strlen(name)) : -1;
}

/* Every tensor of the shard, unless the index says that it is in another one. */
static int take_tensors(struct index *x, int shard, struct strmap *seen, struct vs_err *err)
{
    struct tensorfile *f = x->f, *s = f->shards[shard];
    for (int i = 0; i < s->count; i++) {
        struct tensor *t = &s->list[i];
        int said = shard_of(x, t->raw_name);
        int before = strmap_add(seen, t->raw_name, strlen(t->raw_name), shard);
        int other = said >= 0 && said != shard ? said : before;
        if (other >= 0)
            return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.200s' is in %s and in %s: which one "
                           "is meant?", f->map.path, t->raw_name, s->map.path,
                           f->shards[other]->map.path);
        int rc = tensorfile_adopt(f, t, (uint64_t)shard << 32, err);
        if (rc != 0)
            return rc;
    }
    for (int i = 0; i < s->odd_count; i++) {
        const struct odd_tensor *o = &s->odd[i];
        strmap_add(seen, o->name, strlen(o->name), shard);
        int rc = tensorfile_pass_over(f, o->name, strlen(o->name), o->type, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check_all_there(const struct index *x, const struct strmap *seen, struct vs_err *err)
{
    const char *tensor;
    json_t *v;
    json_object_foreach(x->map, tensor, v)
        if (strmap_get(seen, tensor, strlen(tensor)) < 0)
            return vs_fail(err, VS_E_MISSING, "%s: says that tensor '%.200s' is in %s, which has "
                           "none of that name", x->f->map.path, tensor, json_string_value(v));
    return 0;
}

static int read_shards(struct index *x, struct vs_err *err)
{
    struct strmap seen = {0};
    int rc = add_shards(x, err);
    for (int i = 0; rc == 0 && i < x->f->shard_count; i++)
        rc = take_tensors(x, i, &seen, err);
    if (rc == 0)
        rc = check_all_there(x, &seen, err);
    strmap_fini(&seen);
    return rc;
}

int sharded_read(struct tensorfile *f, struct vs_err *err)
{
    struct index x = {.f = f};
    json_error_t why;
    f->format = "index of shards";
    if (f->map.size > INDEX_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: an index of shards with %zu bytes, more than %d",
                       f->map.path, f->map.size, INDEX_MOST);
    json_t *root = json_loadb((const char *)f->map.data, f->map.size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", f->map.path, why.line, why.text);
    x.map = json_object_get(root, "weight_map");
    int rc = json_is_object(x.map) && json_object_size(x.map) > 0
                 ? read_shards(&x, err)
                 : vs_fail(err, VS_E_FORMAT, "%s: its weight_map names no tensor", f->map.path);
    strmap_fini(&x.names);
    json_decref(root);
    return rc;
}
