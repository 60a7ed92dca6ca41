/* SPDX-License-Identifier: MIT */
/* Zip archives in memory: PyTorch's, whose members are used in place, and numpy's. */
#ifndef VS_ZIP_H
#define VS_ZIP_H

#include "src/base/err.h"
#include "src/formats/bytes.h"
#include "src/base/strmap.h"

#include <stdint.h>

struct zip_member {
    const char *name; /* in the map, not NUL terminated */
    size_t name_len;
    int method; /* 0 stored, 8 deflated */
    uint32_t crc;
    uint64_t stored, size, header;
};

struct zip {
    const struct bytes *map; /* borrowed */
    struct zip_member *list;
    int count;
    struct strmap index;
};

/* Reads the directory. zip_close in every case, also when it failed. */
int zip_open(const struct bytes *map, struct zip *out, struct vs_err *err);
void zip_close(struct zip *z);
/* NULL when there is none of that name. */
const struct zip_member *zip_find(const struct zip *z, const char *name);
/* Where a member's m->stored bytes are; all of them lie inside of the file. */
int zip_bytes(const struct zip *z, const struct zip_member *m, const uint8_t **out,
              struct vs_err *err);
/* A copy of a member, inflated where it is deflated, its checksum compared: m->size bytes, to be
 * freed by the caller. */
int zip_read(const struct zip *z, const struct zip_member *m, uint8_t **out, struct vs_err *err);

#endif
