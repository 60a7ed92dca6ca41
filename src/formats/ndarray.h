/* SPDX-License-Identifier: MIT */
/* numpy arrays inside pickles. */
#ifndef VS_NDARRAY_H
#define VS_NDARRAY_H

#include "src/formats/pickle.h"
#include "src/formats/tensorfile.h"

/* A view of a numeric array (or numpy scalar) as a tensor without a name; borrowed from the
 * pickle. what is put into messages ("features"). Fails when v is no array of plain numbers or
 * its bytes do not fill its shape. */
int ndarray_view(const struct pval *v, const char *path, const char *what, struct tensor *out,
                 struct vs_err *err);
/* The items of an array of objects (dtype "O") as a list, or NULL. */
const struct pval *ndarray_objects(const struct pval *v);
/* A whole number: int, float, numpy scalar. False when v is none. */
bool ndarray_integer(const struct pval *v, int64_t *out);

/* "<f4", ">f4" and the like: the tensor's type and byte order; false for what is no number. */
bool dtype_from_numpy(const char *code, size_t len, struct tensor *out);

#endif
