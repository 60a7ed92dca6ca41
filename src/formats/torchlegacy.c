/* SPDX-License-Identifier: MIT */
/* PyTorch's format before 1.6: five pickles, then the storages one after the other.
 *
 * Source: torch/serialization.py, _legacy_load. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/byteorder.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct legacy {
    const struct bytes *map;
    struct strmap keys;      /* storage key -> index */
    struct storage *storages;
    const struct pval **refs; /* the persistent id that describes storage i, or NULL */
};

static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

/* The pickle of the number by protocols 0 and 1. */
static const char magic_text[] = "L119547037146038801333356L\n.";

static bool is_in_text(const struct bytes *map)
{
    size_t n = sizeof magic_text - 1;
    return map->size > n && memcmp(map->data, magic_text, n) == 0;
}

bool torch_legacy_recognise(const struct bytes *map)
{
    return is_in_text(map) || (map->size >= 3 && memcmp(map->data, "\x80\2\x8a", 3) == 0);
}

static int one_pickle(const struct bytes *map, size_t *at, struct pickle **out, struct vs_err *err)
{
    size_t used = 0;
    char *name = xasprintf("%s: at byte %zu", map->path, *at);
    int rc = pickle_load(map->data + *at, map->size - *at, pickle_any, name, out, &used, err);
    free(name);
    *at += used;
    return rc;
}

static int read_magic(const struct bytes *map, size_t *at, struct vs_err *err)
{
    struct pickle *p = NULL;
    if (is_in_text(map)) {
        *at = sizeof magic_text - 1;
        return 0;
    }
    int rc = one_pickle(map, at, &p, err);
    if (rc != 0)
        return rc;
    const struct pval *v = pickle_root(p);
    if (v->kind != PK_BIGINT || v->len < sizeof magic || memcmp(v->bytes, magic, sizeof magic) != 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: a pickle, but not a PyTorch checkpoint: it does not "
                     "begin with PyTorch's magic number", map->path);
    pickle_free(p);
    return rc;
}

static int read_protocol(const struct bytes *map, size_t *at, struct vs_err *err)
{
    struct pickle *p = NULL;
    int rc = one_pickle(map, at, &p, err);
    if (rc != 0)
        return rc;
    const struct pval *v = pickle_root(p);
    if (v->kind != PK_INT || v->integer != 1001)
        rc = vs_fail(err, VS_E_FORMAT, "%s: an unknown version of PyTorch's old format (1001 is "
                     "known)", map->path);
    pickle_free(p);
    if (rc == 0) /* sys_info: also of big-endian machines the numbers are little-endian */
        rc = one_pickle(map, at, &p, err);
    if (rc == 0)
        pickle_free(p);
    return rc;
}

static void note_storage(struct legacy *l, const struct pval *v)
{
    struct torch_storage_ref ref;
    if (!torch_storage(v, &ref))
        return;
    int i = strmap_get(&l->keys, (const char *)ref.key, ref.key_len);
    if (i >= 0 && !l->refs[i])
        l->refs[i] = v;
}

/* What type a storage has stands in the persistent ids of the object pickle, anywhere in it (also
 * in an optimizer's state): all its values are looked at. */
static void find_storages(struct legacy *l, const struct pickle *p)
{
    for (const struct pval *v = pickle_next(p, NULL); v; v = pickle_next(p, v))
        note_storage(l, v);
}

static int read_keys(struct legacy *l, const struct pval *keys, struct vs_err *err)
{
    if (keys->kind != PK_LIST)
        return vs_fail(err, VS_E_FORMAT, "%s: the list of storages is not a list",
                       l->map->path);
    l->storages = xcalloc(keys->count + 1, sizeof *l->storages);
    l->refs = xcalloc(keys->count + 1, sizeof *l->refs);
    for (size_t i = 0; i < keys->count; i++) {
        const struct pval *k = keys->items[i];
        if ((k->kind != PK_STRING && k->kind != PK_BYTES) ||
            strmap_add(&l->keys, (const char *)k->bytes, k->len, (int)i) >= 0)
            return vs_fail(err, VS_E_FORMAT, "%s: the list of storages is damaged (entry %zu)",
                           l->map->path, i);
    }
    return 0;
}

/* One storage: its number of elements, then its bytes. */
static int read_storage(struct legacy *l, size_t i, size_t *at, struct vs_err *err)
{
    const struct bytes *map = l->map;
    struct torch_storage_ref ref;
    if (!l->refs[i] || !torch_storage(l->refs[i], &ref))
        return vs_fail(err, VS_E_FORMAT, "%s: no tensor says of which type storage %zu is",
                       map->path, i);
    int64_t n;
    if (map->size - *at < sizeof n)
        return vs_fail(err, VS_E_FORMAT, "%s: cut off at byte %zu, before storage %zu", map->path,
                       *at, i);
    n = (int64_t)le_read(map->data + *at, sizeof n);
    *at += sizeof n;
    size_t size = ref.unit;
    if (n < 0 || (uint64_t)n > (map->size - *at) / size)
        return vs_fail(err, VS_E_FORMAT, "%s: byte %zu: storage %zu says %" PRId64 " elements of "
                       "%s, but %zu bytes are left: the file is damaged or not completely copied",
                       map->path, *at - sizeof n, i, n, ref.type, map->size - *at);
    l->storages[i] = (struct storage){.data = map->data + *at, .bytes = (uint64_t)n * size,
                                      .dtype = ref.dtype, .number = i};
    *at += (size_t)n * size;
    return 0;
}

static int legacy_resolve(void *arg, const struct torch_storage_ref *ref, struct storage *out,
                          struct vs_err *err)
{
    const struct legacy *l = arg;
    int i = strmap_get(&l->keys, (const char *)ref->key, ref->key_len);
    if (i < 0)
        return vs_fail(err, VS_E_FORMAT, "%s: storage '%.*s' is not in the file", l->map->path,
                       ref->key_len > 100 ? 100 : (int)ref->key_len, (const char *)ref->key);
    *out = l->storages[i];
    if (out->dtype != ref->dtype)
        return vs_fail(err, VS_E_FORMAT, "%s: storage %d is used as %s and as %s", l->map->path,
                       i, dtype_name(out->dtype), dtype_name(ref->dtype));
    return 0;
}

static int legacy_use_rest(struct legacy *l, const struct pickle *object, const struct pickle *keys,
                           size_t at, torch_use *use, void *arg, struct vs_err *err)
{
    int rc = read_keys(l, pickle_root(keys), err);
    if (rc != 0)
        return rc;
    find_storages(l, object);
    for (size_t i = 0; i < l->keys.count; i++)
        if ((rc = read_storage(l, i, &at, err)) != 0)
            return rc;
    return use(arg, object, legacy_resolve, l, err);
}

int torch_legacy_use(const struct bytes *map, torch_use *use, void *arg, struct vs_err *err)
{
    struct legacy l = {.map = map};
    struct pickle *object = NULL, *keys = NULL;
    size_t at = 0;
    int rc = read_magic(map, &at, err);
    if (rc == 0)
        rc = read_protocol(map, &at, err);
    if (rc == 0)
        rc = one_pickle(map, &at, &object, err);
    if (rc == 0)
        rc = one_pickle(map, &at, &keys, err);
    if (rc == 0)
        rc = legacy_use_rest(&l, object, keys, at, use, arg, err);
    pickle_free(object);
    pickle_free(keys);
    strmap_fini(&l.keys);
    free(l.storages);
    free(l.refs);
    return rc;
}
