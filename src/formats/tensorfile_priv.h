/* SPDX-License-Identifier: MIT */
/* What the readers of the single formats share. */
#ifndef VS_TENSORFILE_PRIV_H
#define VS_TENSORFILE_PRIV_H

#include "src/formats/bytes.h"
#include "src/formats/pickle.h"
#include "src/formats/tensorfile.h"
#include "src/base/strmap.h"

struct tensorfile {
    struct bytes map;
    const char *format;
    struct tensor *list; /* names are owned, raw_name and name apart */
    int count, cap;
    struct strmap index; /* canonical name -> index, made after reading */
    char digest[DIGEST_HEX];
    struct tensorfile **shards; /* of an index: the files that its tensors are views of */
    int shard_count;
};

/* A run of elements in the file that tensors are views of. */
struct storage {
    const uint8_t *data;
    uint64_t bytes;
    enum dtype dtype;
    uint64_t number;
};

/* Adds a view, after checking that every element it reaches is inside the storage. */
int tensorfile_add(struct tensorfile *f, const char *name, size_t name_len,
                   const struct storage *s, int64_t offset, int ndim, const int64_t *shape,
                   const int64_t *stride, struct vs_err *err);

/* Adds a view of another file, which the file keeps open. base is added to its storage's number. */
int tensorfile_adopt(struct tensorfile *f, const struct tensor *t, uint64_t base,
                     struct vs_err *err);
/* Opens a file without making its names canonical; no index. */
int tensorfile_open_shard(const char *path, struct tensorfile **out, struct vs_err *err);

/* Number of elements, or -1 when the product overflows or a size is negative. */
int64_t shape_elements(int ndim, const int64_t *shape);
/* C-order strides of a shape whose product does not overflow. */
void shape_strides(int ndim, const int64_t *shape, int64_t *stride);

/* The readers: f->map is open; they add tensors. */
int torch_legacy_read(struct tensorfile *f, struct vs_err *err);
int torch_zip_read(struct tensorfile *f, struct vs_err *err);
/* An index of shards, which are opened, too. */
int sharded_read(struct tensorfile *f, struct vs_err *err);
int safetensors_read(struct tensorfile *f, struct vs_err *err);

/* ---- PyTorch's object pickle, the same in both containers */

struct torch_storage_ref {
    const uint8_t *key; /* not NUL terminated */
    size_t key_len;
    enum dtype dtype;
    int64_t elements;
    /* of the larger storage that this one is a part of (old files): */
    int64_t view_offset;
};
/* Gives the bytes of a storage; returns 0 or fails with a message. */
typedef int torch_resolve(void *arg, const struct torch_storage_ref *ref, struct storage *out,
                          struct vs_err *err);

extern const char *const torch_allowed[]; /* globals for pickle_load */
/* Finds the state dict in root and adds its tensors. */
int torch_collect(struct tensorfile *f, const struct pval *root, torch_resolve *resolve, void *arg,
                  struct vs_err *err);
/* Reads a persistent id; false when it is not that of a storage. */
bool torch_storage(const struct pval *persid, struct torch_storage_ref *out);

#endif
