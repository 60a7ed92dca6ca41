/* SPDX-License-Identifier: MIT */
/* A file of named tensors: PyTorch legacy pickle, PyTorch zip, safetensors, or an index of several
 * of them (shards) that lie beside it.
 *
 * Opening maps the file and reads its index only; no tensor data is touched. Dictionaries around a
 * state dict are entered, whole modules are walked, and objects of other classes are passed over,
 * none is made. Names are made canonical: what stands before those that a model or a detector has
 * ("module.", "_orig_mod.", "model.", ...) is stripped, LayerNorm gamma/beta become weight/bias.
 *
 * A file may have several sets of weights (plain ones and their moving average): "FILE@NAME" opens
 * the set of that name, FILE the plain one. */
#ifndef VS_TENSORFILE_H
#define VS_TENSORFILE_H

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_F64,
    DTYPE_I64, DTYPE_I32, DTYPE_I16, DTYPE_I8, DTYPE_U8, DTYPE_BOOL,
    DTYPE_U64, DTYPE_U32, DTYPE_U16,
    DTYPE_F8_E4M3, DTYPE_F8_E5M2, /* torch.float8_e4m3fn (no infinity), torch.float8_e5m2 */
    DTYPE_ODD /* complex, quantized, other 8-bit floats: known to be there, never a tensor's */
};
#define TENSOR_MAX_DIMS 8
#define ROW_SCALE_END ".row_scale" /* behind the name of the tensor that it is of */

struct tensor {
    const char *name;     /* canonical, borrowed from the file */
    const char *raw_name; /* as stored */
    enum dtype dtype;
    int ndim;             /* 0 for a scalar */
    int64_t shape[TENSOR_MAX_DIMS];
    int64_t stride[TENSOR_MAX_DIMS]; /* in elements */
    bool big_endian;      /* only arrays of numpy may be */
    const void *data;     /* first element, any alignment, in the map, in the file's byte order
                             (little-endian, unless big_endian); never NULL unless empty. Every
                             element that shape and stride reach lies inside the file. */
    const void *row_scale; /* float32 (shape[0]), any alignment: what each row is multiplied with,
                              of whole numbers that stand for weights; NULL: 1 */
    uint64_t storage;     /* tensors with equal numbers share (tied) storage */
};

struct tensorfile;

/* Detects the format from the content. The caller closes with tensorfile_close (NULL is fine). */
int tensorfile_open(const char *path, struct tensorfile **out, struct vs_err *err);
void tensorfile_close(struct tensorfile *f);

const char *tensorfile_path(const struct tensorfile *f);
const char *tensorfile_format(const struct tensorfile *f); /* "PyTorch legacy pickle", ... */
size_t tensorfile_bytes(const struct tensorfile *f);       /* size, with the shards */
size_t tensorfile_widened(const struct tensorfile *f);     /* its tensors as float32; 0 of NULL */
int tensorfile_count(const struct tensorfile *f);
const struct tensor *tensorfile_at(const struct tensorfile *f, int i);
/* NULL when there is none of that canonical name. Hashed: constant time. */
const struct tensor *tensorfile_find(const struct tensorfile *f, const char *name);

/* The type of a tensor that is there and not read (complex numbers, ...), or NULL. */
const char *tensorfile_odd(const struct tensorfile *f, const char *name);
int tensorfile_odd_count(const struct tensorfile *f);
/* "state_dict, model_ema": its sets of weights; NULL when there is one. */
const char *tensorfile_sets(const struct tensorfile *f);
/* "vilbert.utils.tbLogger, ...": of which classes a PyTorch file has objects that were passed
 * over, or NULL. */
const char *tensorfile_objects(const struct tensorfile *f);

/* SHA-256 of the file's content (reads it once, then remembered in the object); "" with an error
 * when the file changed. */
int tensorfile_digest(struct tensorfile *f, char hex[DIGEST_HEX], struct vs_err *err);

/* After reading elements: rc, or the error that the file changed since it was opened. */
int tensorfile_check(const struct tensorfile *f, int rc, struct vs_err *err);
/* Whether it begins as PyTorch's old format does, whatever protocol of pickle wrote that. */
bool torch_legacy_recognise(const struct bytes *map);
/* Whether bytes look like an index of shards. */
bool sharded_recognise(const uint8_t *data, size_t size);
/* Whether it is an index of other files, its shards: those may change while it does not. */
bool tensorfile_is_sharded(const struct tensorfile *f);
/* The path of its shard i, from 0; NULL behind the last one. Lives as long as the file is open. */
const char *tensorfile_shard(const struct tensorfile *f, int i);
/* Whether what path names now is this file, as it was opened. */
bool tensorfile_is_at(const struct tensorfile *f, const char *path);

const char *dtype_name(enum dtype t); /* "float32" */
size_t dtype_size(enum dtype t);
bool dtype_is_real(enum dtype t); /* floating point of any width */
/* Whether numbers are weights: whole ones are only with what each row is multiplied with; by
 * themselves they are what a cast or somebody's quantization left of them. */
bool tensor_is_weights(const struct tensor *t);
int64_t tensor_elements(const struct tensor *t);
bool tensor_is_contiguous(const struct tensor *t);
/* Its data is an array of this machine's float32 in C order: it can be used where it is. */
bool tensor_is_floats(const struct tensor *t);
/* Copy all elements in C order, widened or narrowed to float32, into out (tensor_elements). */
void tensor_to_f32(const struct tensor *t, float *out);
/* The same for whole numbers; fractions are cut. */
void tensor_to_i64(const struct tensor *t, int64_t *out);

/* The tensor was copied and will not be read soon: its part of the map may leave the memory. */
void tensor_forget(const struct tensor *t);

/* ---- writing safetensors: tensors are contiguous, of this machine's numbers; atomic rename at the
 * end. */
struct tensor_out {
    const char *name;
    enum dtype dtype;
    int ndim;
    int64_t shape[TENSOR_MAX_DIMS];
    const void *data;
};
int safetensors_write(const char *path, const struct tensor_out *t, int count, struct vs_err *err);

/* The same in pieces. fill(arg, i, err) gives the numbers of tensor i, in their order; they have to
 * stay until the next one is asked for. NULL: it failed. metadata: pairs of a key and its text,
 * with a NULL behind the last; NULL: none. */
typedef const void *tensor_fill(void *arg, int i, struct vs_err *err);
int safetensors_write_each(const char *path, const struct tensor_out *t, int count,
                           const char *const *metadata, tensor_fill *fill, void *arg,
                           struct vs_err *err);
/* The text of a key of a safetensors file's metadata, of an index that of the first of its shards
 * that has it; owned by the caller, or NULL. */
char *safetensors_metadata(const struct tensorfile *f, const char *key);

#endif
