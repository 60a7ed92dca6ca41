/* SPDX-License-Identifier: MIT */
/* Regions in HDF5 files: one image, a table of many, a group for each. */
#ifndef VS_REGIONHDF5_H
#define VS_REGIONHDF5_H

#include "src/formats/regions_priv.h"
#include "src/base/strmap.h"

/* One image of a file. */
struct hdf5_image {
    const char *name;
    int64_t row;                 /* in a table */
    int64_t count, width, height; /* as a file beside it says; -1: the file itself has to */
};

/* The images of a file, by the names that it, or a file beside it, has for them; without any they
 * are called by their numbers, and the one of a file of one as the file is. */
struct hdf5_index {
    struct hdf5_image *images;
    int count;
    struct strmap names; /* name -> place in images */
    bool groups;
    void *text;          /* what the names lie in */
};

/* libhdf5 reads map in the sandbox. hdf5_index_close frees. */
int hdf5_index_open(const struct bytes *map, struct hdf5_index *out, struct vs_err *err);
void hdf5_index_close(struct hdf5_index *x);
/* The i-th image of the index. */
int regions_from_hdf5_at(const struct bytes *map, const struct hdf5_index *x, int i,
                         struct regions **out, struct vs_err *err);

bool regions_are_hdf5(const struct bytes *map);
int regions_from_hdf5(const struct bytes *map, const char *key, struct regions **out,
                      struct vs_err *err);
int regions_each_hdf5(const struct bytes *map, const struct region_sink *sink, struct vs_err *err);

#endif
