/* SPDX-License-Identifier: MIT */
/* Regions from pickled dictionaries (.pkl) and from those that torch.save wrote (.pt): of one
 * image, of several by their keys, or a list of such that name their images. */
#include "src/formats/regionparts.h"

#include "src/formats/ndarray.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The dictionaries of a file, one or several. */
struct region_dicts {
    const char *path;
    const struct pval *root;
    torch_resolve *resolve; /* of a PyTorch file, else NULL */
    void *resolve_arg;
};

static bool is_several(const struct pval *v)
{
    if (v->kind == PK_DICT)
        return v->count >= 2 && parts_are_in(v->items[1]);
    return v->kind == PK_LIST && v->count >= 1 && parts_are_in(v->items[0]);
}

static bool are_dicts(const struct pval *root)
{
    return parts_are_in(root) || is_several(root);
}

/* A key as text: strings, or the numbers of images. */
static bool key_text(const struct pval *v, char *out, size_t size)
{
    int64_t x;
    if (!v)
        return false;
    if ((v->kind == PK_STRING || v->kind == PK_BYTES) && v->len < size)
        snprintf(out, size, "%.*s", (int)v->len, (const char *)v->bytes);
    else if (ndarray_integer(v, &x))
        snprintf(out, size, "%lld", (long long)x);
    else
        return false;
    return true;
}

static int dicts_count(const struct region_dicts *d)
{
    return (int)(d->root->kind == PK_DICT ? d->root->count / 2 : d->root->count);
}

/* The i-th dictionary; false when it has no key. */
static bool dicts_at(const struct region_dicts *d, int i, const struct pval **out, char *key,
                     size_t size)
{
    if (d->root->kind == PK_DICT) {
        *out = d->root->items[2 * i + 1];
        return key_text(d->root->items[2 * i], key, size);
    }
    *out = d->root->items[i];
    const struct pval *id = (*out)->kind == PK_DICT ? pval_get(*out, "image_id") : NULL;
    return key_text(id ? id : (*out)->kind == PK_DICT ? pval_get(*out, "img_id") : NULL, key, size);
}

static int make_dict(const struct region_dicts *d, const struct pval *dict, const char *name,
                     struct regions **out, struct vs_err *err)
{
    struct region_parts p;
    parts_begin(&p, name);
    p.resolve = d->resolve;
    p.resolve_arg = d->resolve_arg;
    int rc = parts_add_dict(&p, dict, err);
    if (rc == 0)
        rc = parts_make(&p, out, err);
    parts_end(&p);
    return rc;
}

static int make_keyed(const struct region_dicts *d, const struct pval *dict, const char *key,
                      struct regions **out, struct vs_err *err)
{
    char *name = xasprintf("%s: image '%s'", d->path, key);
    int rc = make_dict(d, dict, name, out, err);
    free(name);
    return rc;
}

static int read_dicts(const struct region_dicts *d, const char *key, struct regions **out,
                      struct vs_err *err)
{
    struct some_keys some = {.count = 0};
    char text[256];
    const struct pval *found = NULL, *at;
    if (!is_several(d->root))
        return make_dict(d, d->root, d->path, out, err);
    for (int i = 0; i < dicts_count(d); i++) {
        if (!dicts_at(d, i, &at, text, sizeof text))
            continue;
        regions_note_key(&some, text, strlen(text));
        if (key ? strcmp(key, text) == 0 : !found)
            found = at;
    }
    if (!found || (!key && some.count != 1))
        return regions_no_key(d->path, key, &some, err);
    return make_keyed(d, found, key ? key : some.only, out, err);
}

/* One image is called as it says, else as its file. */
static int visit_only(const struct region_dicts *d, const struct region_sink *sink,
                      struct vs_err *err)
{
    char text[256], *stem = regions_stem(d->path);
    const struct pval *id = d->root->kind == PK_DICT ? pval_get(d->root, "image_id") : NULL;
    const char *key = key_text(id, text, sizeof text) && text[0] ? text : stem;
    struct regions *r = NULL;
    struct vs_err why = {0};
    int rc = 0;
    if (sink->want(sink->arg, key)) {
        make_dict(d, d->root, d->path, &r, &why);
        rc = sink->take(sink->arg, key, r, &why, err);
    }
    free(stem);
    return rc;
}

static int visit_dicts(const struct region_dicts *d, const struct region_sink *sink,
                       struct vs_err *err)
{
    char text[256];
    const struct pval *at;
    int rc = 0;
    if (!is_several(d->root))
        return visit_only(d, sink, err);
    for (int i = 0; i < dicts_count(d) && rc == 0; i++) {
        struct regions *r = NULL;
        struct vs_err why = {0};
        bool named = dicts_at(d, i, &at, text, sizeof text);
        if (named && !sink->want(sink->arg, text))
            continue;
        if (named)
            make_keyed(d, at, text, &r, &why);
        else
            vs_fail(&why, VS_E_FORMAT, "%s: entry %d has no name (image_id), or a very long one",
                    d->path, i + 1);
        rc = sink->take(sink->arg, named ? text : "", r, &why, err);
    }
    return rc;
}

/* ---- the two containers */

/* What is done with the dictionaries. */
struct dicts_job {
    const char *path, *key;
    struct regions **out;
    const struct region_sink *sink; /* of all of them, or NULL: one is read */
    bool only_look, found;
};

static int dicts_do(struct dicts_job *j, const struct region_dicts *d, struct vs_err *err)
{
    j->found = are_dicts(d->root);
    if (j->only_look)
        return 0;
    return j->sink ? visit_dicts(d, j->sink, err) : read_dicts(d, j->key, j->out, err);
}

static int use_torch(void *arg, const struct pickle *object, torch_resolve *resolve,
                     void *resolve_arg, struct vs_err *err)
{
    struct dicts_job *j = arg;
    const struct region_dicts d = {j->path, pickle_root(object), resolve, resolve_arg};
    return dicts_do(j, &d, err);
}

static bool is_torch_zip(const struct bytes *map)
{
    return map->size >= 4 && memcmp(map->data, "PK\3\4", 4) == 0;
}

static int dicts_open(const struct bytes *map, struct dicts_job *j, struct vs_err *err)
{
    struct pickle *p = NULL;
    j->path = map->path;
    if (is_torch_zip(map))
        return torch_zip_use(map, use_torch, j, err);
    if (torch_legacy_recognise(map))
        return torch_legacy_use(map, use_torch, j, err);
    int rc = pickle_load(map->data, map->size, pickle_any, map->path, &p, NULL, err);
    if (rc == 0) {
        const struct region_dicts d = {.path = map->path, .root = pickle_root(p)};
        rc = dicts_do(j, &d, err);
    }
    pickle_free(p);
    return rc;
}

bool regions_are_pickled(const struct bytes *map, struct vs_err *why)
{
    struct dicts_job j = {.only_look = true};
    return dicts_open(map, &j, why) == 0 && j.found;
}

int regions_from_pickle(const struct bytes *map, const char *key, struct regions **out,
                        struct vs_err *err)
{
    struct dicts_job j = {.key = key, .out = out};
    return dicts_open(map, &j, err);
}

int regions_each_pickled(const struct bytes *map, const struct region_sink *sink,
                         struct vs_err *err)
{
    struct dicts_job j = {.sink = sink};
    return dicts_open(map, &j, err);
}
