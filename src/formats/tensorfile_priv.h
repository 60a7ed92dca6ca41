/* SPDX-License-Identifier: MIT */
/* What the readers of the single formats share. */
#ifndef VS_TENSORFILE_PRIV_H
#define VS_TENSORFILE_PRIV_H

#include "src/formats/bytes.h"
#include "src/formats/pickle.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

struct tensorfile {
    struct bytes map;
    const char *format;
    struct tensor *list; /* names are owned, raw_name and name apart */
    int count, cap;
    struct strmap index; /* canonical name -> index, made after reading */
    char digest[DIGEST_HEX];
    struct odd_tensor *odd; /* what is there and not read */
    int odd_count;
    char *wanted;       /* the set of weights that is asked for, or NULL */
    bool matched;       /* it was found among dictionaries, not among names */
    struct buf sets;    /* names of all sets, when there are several */
    char *objects;      /* classes that are named in it and no tensors, or NULL */
    struct tensorfile **shards; /* of an index: the files that its tensors are views of */
    int shard_count;
};

/* A tensor of a type that is not read: that matters only where it is needed. */
struct odd_tensor {
    char *name; /* raw, then canonical */
    char *type;
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

/* Notes a tensor whose type is not read. */
int tensorfile_pass_over(struct tensorfile *f, const char *name, size_t name_len, const char *type,
                         struct vs_err *err);
/* Adds a view of another file, which the file keeps open. base is added to its storage's number. */
int tensorfile_adopt(struct tensorfile *f, const struct tensor *t, uint64_t base,
                     struct vs_err *err);
void tensorlist_fini(struct tensorfile *f);
/* Opens a file without making its names canonical; no index. */
int tensorfile_open_shard(const char *path, struct tensorfile **out, struct vs_err *err);

/* Number of elements, or -1 when the product overflows or a size is negative. */
int64_t shape_elements(int ndim, const int64_t *shape);
/* C-order strides of a shape whose product does not overflow. */
void shape_strides(int ndim, const int64_t *shape, int64_t *stride);

/* Makes names canonical and the index of them; chooses among sets of weights that names tell
 * apart ("model.bert...", "model_ema.bert..."). */
int tensorfile_index(struct tensorfile *f, struct vs_err *err);

/* The readers: f->map is open; they add tensors. */
/* An index of shards, which are opened, too. */
int sharded_read(struct tensorfile *f, struct vs_err *err);
int safetensors_read(struct tensorfile *f, struct vs_err *err);

/* ---- PyTorch's object pickle, the same in both containers */

struct torch_storage_ref {
    const uint8_t *key; /* not NUL terminated */
    size_t key_len;
    enum dtype dtype; /* DTYPE_ODD: one that is not read */
    size_t unit;      /* bytes an element */
    bool untyped;     /* the tensor says the type */
    const char *type; /* "ComplexFloatStorage", for messages */
    int64_t elements;
    /* of the larger storage that this one is a part of (old files): */
    int64_t view_offset;
};
/* Gives the bytes of a storage; returns 0 or fails with a message. */
typedef int torch_resolve(void *arg, const struct torch_storage_ref *ref, struct storage *out,
                          struct vs_err *err);

/* What is done with a file's object pickle while its storages can be resolved. */
typedef int torch_use(void *arg, const struct pickle *object, torch_resolve *resolve,
                      void *resolve_arg, struct vs_err *err);
int torch_zip_use(const struct bytes *map, torch_use *use, void *arg, struct vs_err *err);
int torch_legacy_use(const struct bytes *map, torch_use *use, void *arg, struct vs_err *err);

/* The arguments that rebuild a tensor, or NULL for a value that is none. */
const struct pval *torch_tensor_args(const struct pval *v);
/* What a tensor is whose numbers are not read, "a quantized tensor", or NULL for other values. */
const char *torch_odd_tensor(const struct pval *v);
/* The shape that the arguments give it, TENSOR_MAX_DIMS at most; how many dimensions, -1: none. */
int torch_shape(const struct pval *args, int64_t *out);
/* A torch_use of a struct tensorfile: finds the state dict and adds its tensors; notes classes that
 * are neither tensors nor plain data. */
int torch_collect(void *file, const struct pickle *object, torch_resolve *resolve,
                  void *resolve_arg, struct vs_err *err);
/* A view of a value that is a tensor, which is called `name` in messages; its type and what is
 * behind it are checked. */
int torch_view(const char *path, const char *name, const struct pval *v, torch_resolve *resolve,
               void *resolve_arg, struct tensor *out, struct vs_err *err);
/* Reads a persistent id; false when it is not that of a storage. */
bool torch_storage(const struct pval *persid, struct torch_storage_ref *out);

#endif
