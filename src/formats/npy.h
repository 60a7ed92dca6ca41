/* SPDX-License-Identifier: MIT */
/* numpy's .npy files. */
#ifndef VS_NPY_H
#define VS_NPY_H

#include "src/base/err.h"
#include "src/formats/bytes.h"
#include "src/formats/pickle.h"
#include "src/formats/tensorfile.h"

struct npy {
    struct bytes map;
    uint8_t *copy;             /* what map is then a view of, or NULL */
    struct tensor array;       /* numbers; data NULL and ndim 0 when the file holds an object */
    struct pickle *pickle;     /* owns object */
    const struct pval *object; /* the item of a zero-dimensional array of objects, or NULL */
};

bool npy_recognise(const struct bytes *map);
/* Takes over map, also when it fails. npy_close in every case after success. */
int npy_read(struct bytes map, struct npy *out, struct vs_err *err);
/* The same of memory: takes over data, which is freed. where is the name in messages. */
int npy_read_copy(uint8_t *data, size_t size, const char *where, struct npy *out,
                  struct vs_err *err);
void npy_close(struct npy *n);

/* Writes a C-order float32 array; complete or not at all. */
int npy_write_f32(const char *path, int ndim, const int64_t *shape, const float *data,
                  struct vs_err *err);

#endif
