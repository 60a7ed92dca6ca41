/* SPDX-License-Identifier: MIT */
/* What an HDF5 file has of regions, found by libhdf5 in the sandbox: work for sandbox_run, which
 * leaves what it found in pages that both sides share. */
#ifndef VS_HDF5READ_H
#define VS_HDF5READ_H

#include "src/formats/bytes.h"

/* How extractors lay out their files. K: regions of each image, D: numbers of a feature. */
enum hdf5_layout {
    HDF5_ONE,   /* features (K, D) and boxes (K, 4) of one image */
    HDF5_TABLE, /* (N, K, D) and (N, K, 4) of N images */
    HDF5_FLAT,  /* (rows, D) and (rows, 4) of all, pos_boxes (N, 2): first row, end of each image */
    HDF5_GROUPS /* a group for each image, named by it, as a file of one */
};

#define HDF5_ROOM ((size_t)256 << 20) /* of what is found; pages that nothing is in cost nothing */

/* An array that was read: where in the room, rows and columns; 0 columns: there is none. */
struct hdf5_array {
    size_t at;
    int64_t rows, columns;
};

struct hdf5_found {
    int rc;         /* as err.h; why says it, without the file's name */
    char why[256];
    enum hdf5_layout layout;
    int64_t images;
    size_t names;   /* bytes: their names, a NUL behind each; 0: the file names none */
    struct hdf5_array features, boxes, prob, conf; /* float32 */
    struct hdf5_array objects;                     /* int64 */
    int64_t width, height;                         /* -1: the file does not say */
    size_t used;
    uint8_t room[] __attribute__((aligned(16)));
};

/* What each array may be called; lists end in NULL. */
struct hdf5_names {
    const char *const *features, *const *boxes, *const *prob, *const *objects, *const *conf,
        *const *width, *const *height, *const *rows;
};

struct hdf5_ask {
    const struct hdf5_names *names_of;
    const struct bytes *map;
    bool names;       /* layout, images and names; else the arrays of one image: */
    int64_t image;    /* its number in a table, */
    int64_t rows;     /* of which only so many rows count; -1: all */
    const char *name; /* or its group */
    struct hdf5_found *found; /* zeroed, HDF5_ROOM bytes with its room */
};

/* libhdf5 brings tens of libraries along, which would have to be loaded at every start of the
 * program: what uses it is a module of its own, opened when an HDF5 file is. */
#define HDF5_MODULE "vilscope-hdf5.so"
#define HDF5_MODULE_SYMBOL "vilscope_hdf5_module"
#define HDF5_MODULE_VERSION 1 /* of the structures here */
struct hdf5_module {
    int version;
    bool (*begin)(void);    /* once, before find; false: the library does not start */
    void (*find)(void *arg); /* a sandbox_work; arg is a struct hdf5_ask */
};
/* NULL: err says what is missing and what to do; path is the file's that it is needed for. */
const struct hdf5_module *hdf5_module_open(const char *path, struct vs_err *err);

#endif
