/* SPDX-License-Identifier: MIT */
/* A file of named tensors: what is common to all formats. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/filekind.h"
#include "src/formats/savedparts.h"
#include "src/formats/setname.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- opening */

static int read_by_content(struct tensorfile *f, struct vs_err *err)
{
    const uint8_t *d = f->map.data;
    size_t n = f->map.size;
    if (n == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", f->map.path);
    if (n >= 4 && memcmp(d, "PK\3\4", 4) == 0) {
        f->format = "PyTorch zip";
        return torch_zip_use(&f->map, torch_collect, f, err);
    }
    /* safetensors before pickles: the first byte of a header's length may well be 0x80. PyTorch's
     * magic number has another ninth byte. */
    const char *dot = strrchr(f->map.path, '.');
    if (n >= 9 && (d[8] == '{' || (dot && strcmp(dot, ".safetensors") == 0)))
        return safetensors_read(f, err);
    if (d[0] == 0x80 || torch_legacy_recognise(&f->map)) {
        f->format = "PyTorch legacy pickle";
        return torch_legacy_use(&f->map, torch_collect, f, err);
    }
    if (n >= 262 && memcmp(d + 257, "ustar", 5) == 0)
        return vs_fail(err, VS_E_REFUSED, "%s: a tar file, the checkpoint format of PyTorch before "
                       "0.2: load and save it once with a newer PyTorch", f->map.path);
    return vs_fail(err, VS_E_FORMAT, "%s: is %s, not a checkpoint: those are read from PyTorch "
                   "(pickle or zip), safetensors, and the index of several", f->map.path,
                   file_kind(&f->map));
}

static int tensors_open_file(const char *path, bool shard, struct tensorfile **out,
                             struct vs_err *err)
{
    struct tensorfile *f = xcalloc(1, sizeof *f);
    const char *wanted = NULL;
    char *file = xstrndup(path, shard ? strlen(path) : setname_split(path, &wanted));
    f->wanted = xstrdup_null(wanted);
    int rc = savedparts_refuse(file, err);
    if (rc == 0)
        rc = savedparts_refuse_folder(file, err);
    if (rc == 0)
        rc = bytes_map(file, &f->map, err);
    free(file);
    if (rc == 0 && !shard && sharded_recognise(f->map.data, f->map.size))
        rc = sharded_read(f, err);
    else if (rc == 0)
        rc = read_by_content(f, err);
    if (rc == 0 && !shard)
        rc = tensorfile_index(f, err);
    if (f->map.path)
        rc = bytes_check(&f->map, rc, err);
    if (rc == 0)
        *out = f;
    else
        tensorfile_close(f);
    return rc;
}

int tensorfile_open(const char *path, struct tensorfile **out, struct vs_err *err)
{
    return tensors_open_file(path, false, out, err);
}

int tensorfile_open_shard(const char *path, struct tensorfile **out, struct vs_err *err)
{
    return tensors_open_file(path, true, out, err);
}

void tensorfile_close(struct tensorfile *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->shard_count; i++)
        tensorfile_close(f->shards[i]);
    free(f->shards);
    tensorlist_fini(f);
    free(f->wanted);
    free(f->objects);
    buf_fini(&f->sets);
    strmap_fini(&f->index);
    bytes_close(&f->map);
    free(f);
}

const char *tensorfile_path(const struct tensorfile *f)
{
    return f->map.path;
}

const char *tensorfile_format(const struct tensorfile *f)
{
    return f->format;
}

size_t tensorfile_bytes(const struct tensorfile *f)
{
    size_t n = f->map.size;
    for (int i = 0; i < f->shard_count; i++)
        n += f->shards[i]->map.size;
    return n;
}

size_t tensorfile_widened(const struct tensorfile *f)
{
    size_t n = 0;
    for (int i = 0; f && i < f->count; i++)
        n += (size_t)tensor_elements(tensorfile_at(f, i)) * sizeof(float);
    return n;
}

int tensorfile_count(const struct tensorfile *f)
{
    return f->count;
}

const struct tensor *tensorfile_at(const struct tensorfile *f, int i)
{
    return &f->list[i];
}

const struct tensor *tensorfile_find(const struct tensorfile *f, const char *name)
{
    int i = strmap_get(&f->index, name, strlen(name));
    return i < 0 ? NULL : &f->list[i];
}

const char *tensorfile_odd(const struct tensorfile *f, const char *name)
{
    for (int i = 0; i < f->odd_count; i++)
        if (strcmp(f->odd[i].name, name) == 0)
            return f->odd[i].type;
    return NULL;
}

int tensorfile_odd_count(const struct tensorfile *f)
{
    return f->odd_count;
}

const char *tensorfile_sets(const struct tensorfile *f)
{
    return f->sets.data;
}

const char *tensorfile_objects(const struct tensorfile *f)
{
    return f->objects;
}

int tensorfile_check(const struct tensorfile *f, int rc, struct vs_err *err)
{
    rc = bytes_check(&f->map, rc, err);
    for (int i = 0; i < f->shard_count; i++)
        rc = bytes_check(&f->shards[i]->map, rc, err);
    return rc;
}

bool tensorfile_is_at(const struct tensorfile *f, const char *path)
{
    struct file_id now;
    const char *wanted;
    char *file = xstrndup(path, setname_split(path, &wanted));
    bool there = file_id_of(file, &now);
    free(file);
    return there && file_id_same(&now, &f->map.id);
}

bool tensorfile_is_sharded(const struct tensorfile *f)
{
    return f->shard_count > 0;
}

const char *tensorfile_shard(const struct tensorfile *f, int i)
{
    return i < f->shard_count ? tensorfile_path(f->shards[i]) : NULL;
}

/* Pages that were read for this alone are given back on the way: they may be many, and whoever
 * computes with some of them gets them again. */
static void digest_map(struct sha256 *s, const struct bytes *b)
{
    const size_t piece = (size_t)16 << 20;
    for (size_t at = 0; at < b->size; at += piece) {
        size_t n = b->size - at < piece ? b->size - at : piece;
        sha256_add(s, b->data + at, n);
        if (b->mapped)
            madvise((void *)(uintptr_t)(b->data + at), n, MADV_DONTNEED);
    }
}

int tensorfile_digest(struct tensorfile *f, char hex[DIGEST_HEX], struct vs_err *err)
{
    int rc = 0;
    if (!f->digest[0]) {
        struct sha256 s;
        sha256_init(&s);
        digest_map(&s, &f->map);
        for (int i = 0; i < f->shard_count; i++)
            digest_map(&s, &f->shards[i]->map);
        if (f->wanted) /* two sets of one file are not the same weights */
            sha256_add(&s, f->wanted, strlen(f->wanted));
        sha256_hex(&s, f->digest);
        rc = tensorfile_check(f, 0, err);
    }
    memcpy(hex, f->digest, DIGEST_HEX);
    if (rc != 0)
        f->digest[0] = hex[0] = '\0';
    return rc;
}
