/* SPDX-License-Identifier: MIT */
/* What a file is that a reader cannot use. */
#ifndef VS_FILEKIND_H
#define VS_FILEKIND_H

#include "src/formats/bytes.h"

/* "an HDF5 file", "a picture", ...: by how it begins; "of an unknown kind" when nothing tells. */
const char *file_kind(const struct bytes *map);
/* A zip archive of PyTorch's, also one that is cut off: its pickle comes first. */
bool file_is_torch_zip(const struct bytes *map);

#endif
