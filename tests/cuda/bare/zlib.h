/* SPDX-License-Identifier: MIT */
/* What src/formats/zip.c uses of zlib, for machines that lack it: checkpoints' members are stored,
 * and one that is deflated is refused as damaged. Only tests/cuda/build puts this folder before the
 * system's. */
#ifndef ZLIB_H
#define ZLIB_H

#include <stddef.h>

#define MAX_WBITS 15

enum { Z_OK = 0, Z_STREAM_END = 1, Z_FINISH = 4, Z_DATA_ERROR = -3 };
typedef unsigned char Bytef;
typedef unsigned uInt;
typedef struct {
    Bytef *next_in, *next_out;
    uInt avail_in, avail_out;
} z_stream;

static inline int inflateInit2(z_stream *s, int bits)
{
    (void)s;
    (void)bits;
    return Z_DATA_ERROR;
}

static inline int inflate(z_stream *s, int flush)
{
    (void)s;
    (void)flush;
    return Z_DATA_ERROR;
}

static inline int inflateEnd(z_stream *s)
{
    (void)s;
    return Z_OK;
}

static inline unsigned long crc32(unsigned long crc, const Bytef *p, uInt n)
{
    crc = ~crc & 0xffffffffu;
    for (uInt i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc & 0xffffffffu;
}

#endif
