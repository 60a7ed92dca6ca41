/* SPDX-License-Identifier: MIT */
/* HDF5 files through libhdf5, from memory: the library opens, locks and writes nothing, and loads
 * no plugins. What it makes of a file of a stranger belongs into the sandbox (sandbox.h). */
#ifndef VS_HDF5MAP_H
#define VS_HDF5MAP_H

#include "src/formats/bytes.h"

/* Gets the library ready; once, before a process for the sandbox is made. False when it fails. */
bool hdf5_begin(void);
/* The file that b has as a hid_t of the library; negative: it cannot be opened. One at a time;
 * closed by H5Fclose. */
int64_t hdf5_open(const struct bytes *b);

#endif
