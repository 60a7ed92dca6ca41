/* SPDX-License-Identifier: MIT */
/* The file beside an HDF5 file of regions that says which row is which image's:
 * train36_imgid2idx.pkl of bottom-up-attention-vqa (a pickled dictionary), or gqa_objects_info.json
 * of GQA's gqa_objects_3.h5. */
#ifndef VS_HDF5SIDE_H
#define VS_HDF5SIDE_H

#include "src/formats/regionhdf5.h"

/* Fills images, count and text of an index from the file beside path. *found: whether there is one.
 * The caller frees with hdf5_index_close, whatever comes back. */
int hdf5_side_read(const char *path, struct hdf5_index *out, bool *found, struct vs_err *err);

#endif
