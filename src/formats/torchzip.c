/* SPDX-License-Identifier: MIT */
/* PyTorch's format since 1.6: a zip archive with one pickle and a member per storage, not
 * compressed, so that storages are used in place. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/zip.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct torch_zip {
    const struct bytes *map;
    struct zip zip;
    char *folder; /* "archive/", what stands before data.pkl */
};

static int member_data(const struct torch_zip *z, const struct zip_member *m, const uint8_t **out,
                       struct vs_err *err)
{
    int shown = m->name_len > 100 ? 100 : (int)m->name_len;
    if (m->method != 0)
        return vs_fail(err, VS_E_REFUSED, "%s: member '%.*s' is compressed, which PyTorch never "
                       "does: unpack and pack it without compression", z->map->path, shown,
                       m->name);
    return zip_bytes(&z->zip, m, out, err);
}

/* The pickle decides the archive's folder: "NAME/data.pkl". */
static const struct zip_member *find_pickle(struct torch_zip *z)
{
    for (int i = 0; i < z->zip.count; i++) {
        const struct zip_member *m = &z->zip.list[i];
        size_t n = m->name_len;
        if (n < 8 || memcmp(m->name + n - 8, "data.pkl", 8) != 0 ||
            (n > 8 && memchr(m->name, '/', n) != m->name + n - 9))
            continue;
        z->folder = xstrndup(m->name, n - 8);
        return m;
    }
    return NULL;
}

static const struct zip_member *find_member(const struct torch_zip *z, const char *name)
{
    char *full = xasprintf("%s%s", z->folder, name);
    const struct zip_member *m = zip_find(&z->zip, full);
    free(full);
    return m;
}

/* Source: torch/csrc/jit/serialization/export_module.cpp. */
static int refuse_script(const struct torch_zip *z, struct vs_err *err)
{
    if (!find_member(z, "constants.pkl"))
        return 0;
    return vs_fail(err, VS_E_REFUSED, "%s: a TorchScript program (torch.jit.save), not a "
                   "checkpoint: save model.state_dict() (torch.jit.load opens it)", z->map->path);
}

static int check_byte_order(const struct torch_zip *z, struct vs_err *err)
{
    const struct zip_member *m = find_member(z, "byteorder");
    const uint8_t *d = NULL;
    if (!m)
        return 0;
    int rc = member_data(z, m, &d, err);
    if (rc == 0 && (m->size < 6 || memcmp(d, "little", 6) != 0))
        rc = vs_fail(err, VS_E_REFUSED, "%s: its numbers are big-endian: torch.load reads it, and "
                     "torch.save makes a file of it that is read here", z->map->path);
    return rc;
}

static int resolve(void *arg, const struct torch_storage_ref *ref, struct storage *out,
                   struct vs_err *err)
{
    const struct torch_zip *z = arg;
    int shown = ref->key_len > 100 ? 100 : (int)ref->key_len;
    char *name = xasprintf("data/%.*s", shown, (const char *)ref->key);
    const struct zip_member *m = ref->key_len > 100 ? NULL : find_member(z, name);
    free(name);
    if (!m)
        return vs_fail(err, VS_E_FORMAT, "%s: storage '%.*s' is not in the archive",
                       z->map->path, shown, (const char *)ref->key);
    const uint8_t *data = NULL;
    int rc = member_data(z, m, &data, err);
    if (rc != 0)
        return rc;
    uint64_t size = ref->unit;
    if ((uint64_t)ref->elements > m->size / size)
        return vs_fail(err, VS_E_FORMAT, "%s: storage '%.*s' should have %" PRId64 " elements of "
                       "%s, but its member has %" PRIu64 " bytes", z->map->path, shown,
                       (const char *)ref->key, ref->elements, ref->type, m->size);
    *out = (struct storage){.data = data, .bytes = (uint64_t)ref->elements * size,
                            .dtype = ref->dtype, .number = (uint64_t)(m - z->zip.list)};
    return 0;
}

static int use_pickle(struct torch_zip *z, const struct zip_member *m, torch_use *use, void *arg,
                      struct vs_err *err)
{
    const uint8_t *data = NULL;
    int rc = member_data(z, m, &data, err);
    if (rc != 0)
        return rc;
    struct pickle *p = NULL;
    char *name = xasprintf("%s: %sdata.pkl", z->map->path, z->folder);
    rc = pickle_load(data, (size_t)m->size, pickle_any, name, &p, NULL, err);
    free(name);
    if (rc == 0)
        rc = use(arg, p, resolve, z, err);
    pickle_free(p);
    return rc;
}

int torch_zip_use(const struct bytes *map, torch_use *use, void *arg, struct vs_err *err)
{
    struct torch_zip z = {.map = map};
    int rc = zip_open(map, &z.zip, err);
    const struct zip_member *m = rc == 0 ? find_pickle(&z) : NULL;
    if (rc == 0 && !m)
        rc = vs_fail(err, VS_E_FORMAT, "%s: a zip archive without data.pkl: not a PyTorch "
                     "checkpoint", map->path);
    if (rc == 0)
        rc = refuse_script(&z, err);
    if (rc == 0)
        rc = check_byte_order(&z, err);
    if (rc == 0)
        rc = use_pickle(&z, m, use, arg, err);
    zip_close(&z.zip);
    free(z.folder);
    return rc;
}
