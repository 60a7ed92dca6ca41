/* SPDX-License-Identifier: MIT */
/* What src/formats/jsonscan.c uses of utf8proc, for machines that lack it: ASCII alone. Only
 * tests/cuda/build puts this folder before the system's. */
#ifndef UTF8PROC_H
#define UTF8PROC_H

#include <stdint.h>

typedef uint8_t utf8proc_uint8_t;
typedef int32_t utf8proc_int32_t;
typedef long utf8proc_ssize_t;

static inline utf8proc_ssize_t utf8proc_iterate(const utf8proc_uint8_t *s, utf8proc_ssize_t n,
                                                utf8proc_int32_t *c)
{
    *c = n > 0 && *s < 128 ? *s : -1;
    return *c < 0 ? -3 : 1;
}

static inline utf8proc_ssize_t utf8proc_encode_char(utf8proc_int32_t c, utf8proc_uint8_t *out)
{
    *out = c < 128 ? (utf8proc_uint8_t)c : '?';
    return 1;
}

#endif
