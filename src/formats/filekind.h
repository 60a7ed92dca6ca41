/* SPDX-License-Identifier: MIT */
/* What a file is that a reader cannot use. */
#ifndef VS_FILEKIND_H
#define VS_FILEKIND_H

#include "src/formats/bytes.h"

/* "an HDF5 file", "a picture", ...: by how it begins; "of an unknown kind" when nothing tells. */
const char *file_kind(const struct bytes *map);

#endif
