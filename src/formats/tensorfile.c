/* SPDX-License-Identifier: MIT */
/* A file of named tensors: what is common to all formats. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/filekind.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- canonical names */

static bool all_have_prefix(const struct tensorfile *f, const char *prefix, size_t len)
{
    for (int i = 0; i < f->count; i++)
        if (strncmp(f->list[i].raw_name, prefix, len) != 0)
            return false;
    return f->count > 0;
}

/* Tensors that every model and every detector has. What stands before one of them is the name of
 * what the model was wrapped into: "module.", "_orig_mod.", "model.module.", ... */
static const char *const landmarks[] = {"bert.embeddings.word_embeddings.weight",
                                        "backbone.body.stem.conv1.weight"};

/* Bytes before a landmark, or -1 where the name is none. */
static int before_landmark(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof landmarks / sizeof landmarks[0]; i++) {
        size_t m = strlen(landmarks[i]);
        if (n >= m && n - m < 4096 && strcmp(name + n - m, landmarks[i]) == 0 &&
            (n == m || name[n - m - 1] == '.'))
            return (int)(n - m);
    }
    return -1;
}

/* How much of all names is a wrapper's. */
static size_t common_prefix(const struct tensorfile *f)
{
    size_t skip = 0;
    while (skip < 4 * 7 && f->count > 0 && strlen(f->list[0].raw_name) > skip &&
           strncmp(f->list[0].raw_name + skip, "module.", 7) == 0 &&
           all_have_prefix(f, f->list[0].raw_name, skip + 7))
        skip += 7;
    for (int i = 0; i < f->count; i++) {
        int before = before_landmark(f->list[i].raw_name);
        if (before >= 0 && all_have_prefix(f, f->list[i].raw_name, (size_t)before))
            return (size_t)before;
    }
    return skip;
}

/* TensorFlow's names of a layer norm's parameters, as old checkpoints have them. */
static char *canonical_name(const char *raw)
{
    size_t n = strlen(raw);
    if (n > 6 && strcmp(raw + n - 6, ".gamma") == 0)
        return xasprintf("%.*s.weight", (int)(n - 6), raw);
    if (n > 5 && strcmp(raw + n - 5, ".beta") == 0)
        return xasprintf("%.*s.bias", (int)(n - 5), raw);
    return xstrdup(raw);
}

static int make_index(struct tensorfile *f, struct vs_err *err)
{
    size_t skip = common_prefix(f);
    for (int i = 0; i < f->count; i++)
        f->list[i].name = canonical_name(f->list[i].raw_name + skip);
    for (int i = 0; i < f->count; i++)
        if (strmap_add(&f->index, f->list[i].name, strlen(f->list[i].name), i) >= 0)
            return vs_fail(err, VS_E_FORMAT, "%s: tensor '%s' is there twice", f->map.path,
                           f->list[i].name);
    return 0;
}

/* ---- opening */

static int read_by_content(struct tensorfile *f, struct vs_err *err)
{
    const uint8_t *d = f->map.data;
    size_t n = f->map.size;
    if (n == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", f->map.path);
    if (n >= 4 && memcmp(d, "PK\3\4", 4) == 0)
        return torch_zip_read(f, err);
    /* safetensors before pickles: the first byte of a header's length may well be 0x80. PyTorch's
     * magic number has another ninth byte. */
    const char *dot = strrchr(f->map.path, '.');
    if (n >= 9 && (d[8] == '{' || (dot && strcmp(dot, ".safetensors") == 0)))
        return safetensors_read(f, err);
    if (d[0] == 0x80)
        return torch_legacy_read(f, err);
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
    int rc = bytes_map(path, &f->map, err);
    if (rc == 0 && !shard && sharded_recognise(f->map.data, f->map.size))
        rc = sharded_read(f, err);
    else if (rc == 0)
        rc = read_by_content(f, err);
    if (rc == 0 && !shard)
        rc = make_index(f, err);
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
    for (int i = 0; i < f->count; i++) {
        free((char *)(uintptr_t)f->list[i].name);
        free((char *)(uintptr_t)f->list[i].raw_name);
    }
    free(f->list);
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
    return file_id_of(path, &now) && file_id_same(&now, &f->map.id);
}

bool tensorfile_is_sharded(const struct tensorfile *f)
{
    return f->shard_count > 0;
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
        sha256_hex(&s, f->digest);
        rc = tensorfile_check(f, 0, err);
    }
    memcpy(hex, f->digest, DIGEST_HEX);
    if (rc != 0)
        f->digest[0] = hex[0] = '\0';
    return rc;
}
